"""The history of a pool: its posted periods as plots and as a table, in a fixed number of queries, to those who may."""

import csv
import datetime as dt
import re
from io import StringIO

import pytest
from django.test import Client

from aidplatform.lib import clock
from aidplatform.testing.prepared import prepared
from aidplatform.testing.world import World
from aidplatform.tests.pages_helpers import client_of, post_another_period, public_world
from ledger.disclosure.history import PastPeriod, history_plots
from members.joining.services import admit_group

ADDRESS = "/pools/test-pool/history/"
DAY = dt.date(2026, 1, 14)


def past(number: int, members: int, cases: int, share_fen: int | None) -> PastPeriod:
    return PastPeriod(number, DAY, members, cases, 1, 1, 1, share_fen)


@prepared
def pool() -> World:
    """Give the test a pool of 150 with three posted periods."""
    world = public_world()
    world.award(45_000_000)
    assert world.posted_period().headcount == 150
    for number in (2, 3):
        post_another_period(world, f"C-{number}")
    return world


def rows_of(client: Client) -> list[dict[str, str]]:
    response = client.get(ADDRESS.removesuffix("/") + ".csv")
    assert response.status_code == 200
    return list(csv.DictReader(StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))


def test_history_draws_share_members_and_cases_of_every_posted_period(pool: World) -> None:
    page = client_of(None).get(ADDRESS).content.decode()
    drawn = re.findall(r"<svg.*?</svg>", page.split('class="plots"')[1], re.DOTALL)[:3]
    assert [svg.count('<rect class="bar"') for svg in drawn] == [3, 3, 3]
    assert all('role="img"' in svg and "<desc" in svg for svg in drawn)
    assert "Period 1: ¥3,240.00" in drawn[0]
    assert "Period 2: 150" in drawn[1]
    assert "Period 3: 1" in drawn[2]
    assert page.index("/periods/3/") < page.index("/periods/1/")


def test_history_csv_has_the_same_figures(pool: World) -> None:
    rows = rows_of(client_of(None))
    assert [row["period"] for row in rows] == ["1", "2", "3"]
    assert rows[0] == {
        "period": "1",
        "charge_date": "2026-01-14",
        "members": "150",
        "cases": "1",
        "share_CNY": "3240.00",
        "aid_CNY": "450000.00",
        "fee_CNY": "36000.00",
        "assessed_CNY": "486000.00",
    }


def test_history_of_a_small_pool_is_of_whole_years_to_everyone_but_its_staff(db: None) -> None:
    small = World.founded(members=7)
    small.award(1_000_000)
    small.posted_period()
    page = client_of(None).get(ADDRESS).content.decode()
    assert "fewer than 100 members" in page
    assert 'class="plots"' not in page
    assert rows_of(client_of(None)) == []
    assert 'class="plots"' in client_of(small.auditor).get(ADDRESS).content.decode()
    assert [row["members"] for row in rows_of(client_of(small.auditor))] == ["7"]


def test_history_leaves_out_the_periods_in_which_the_pool_was_small(db: None) -> None:
    world = World.founded(members=7)
    world.award(1_000_000)
    world.posted_period()
    admit_group(pool=world.pool, count=100, class_no=0, from_at=clock.now(), joined_date=DAY, actor="test")
    post_another_period(world, "C-2")
    assert [row["period"] for row in rows_of(client_of(None))] == ["2"]
    assert [row["period"] for row in rows_of(client_of(world.controller))] == ["1", "2"]


def test_history_without_posted_periods_says_so(db: None) -> None:
    public_world()
    assert "No period has been posted yet" in client_of(None).get(ADDRESS).content.decode()
    assert rows_of(client_of(None)) == []


def test_plots_draw_from_zero_and_keep_proportions() -> None:
    share, members, cases = history_plots([past(1, 200, 1, 486), past(2, 100, 0, 243), past(3, 50, 3, None)])
    assert [plot.kind for plot in (share, members, cases)] == ["share", "members", "cases"]
    assert [tick.value for tick in members.up] == [0, 50, 100, 150, 200]
    assert [tick.value for tick in cases.up] == [0, 1, 2, 3, 4]
    assert [bar.value for bar in share.bars] == [486, 243, 0]
    for plot in (share, members, cases):
        tall = plot.bottom - plot.top
        for bar in plot.bars:
            assert bar.height == pytest.approx(tall * bar.value / plot.up[-1].value, abs=0.1)
            assert bar.y + bar.height == pytest.approx(plot.bottom, abs=0.15)
            assert plot.left <= bar.x <= bar.x + bar.width <= plot.right
    assert history_plots([]) == []


def test_a_decade_of_periods_fits() -> None:
    (share, *_others) = history_plots([past(number, 100, 1, number) for number in range(1, 121)])
    starts = [bar.x for bar in share.bars]
    assert starts == sorted(set(starts))
    assert all(bar.width > 1 for bar in share.bars)
