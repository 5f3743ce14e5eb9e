"""Public pages of a pool: figures that are the ledger's, rules in words, nothing that points at a person."""

import datetime as dt
import hashlib
import html
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from aidplatform.lib import clock
from aidplatform.testing.endings import end_by_two, wind_down
from aidplatform.testing.prepared import prepared
from aidplatform.testing.world import World
from aidplatform.tests.pages_helpers import client_of, post_another_period, public_world, wait_for_next_period
from ledger.disclosure.plots import EXAMPLE_SIZES, floor_plot, share_at, shares_plot, size_plot
from ledger.sharing import services
from members.joining.services import end_cover
from members.pools.services import found_pool

POOL = "/pools/test-pool/"


@prepared
def pool() -> World:
    """Give the test a pool of 150 with a posted period."""
    founded = public_world()
    founded.award(1_000_000)
    founded.posted_period()
    return founded


def words(html: bytes) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html.decode()).split())


def test_pool_page_shows_last_bill_rules_and_duties(pool: World) -> None:
    page = words(client_of(None).get(POOL).content)
    assert "¥72.00 each member's share" in page
    assert "Members who share 150" in page
    assert "8 % of the aid, rounded up once per period" in page
    assert "from age 0 to before 40: up to ¥300,000.00" in page
    assert "controller 1 person" in page
    assert "This is not insurance." in page


def test_pool_page_names_nobody(pool: World) -> None:
    page = client_of(None).get(POOL).content.decode()
    for person in (pool.admin, pool.controller, pool.treasurer, pool.auditor):
        assert person.code not in page
        assert person.email not in page


def test_pool_without_a_posted_period_says_so(db: None) -> None:
    public_world()
    assert "No period has been posted yet" in client_of(None).get(POOL).content.decode()


def test_small_pool_shows_years_to_everyone_and_periods_to_its_staff(db: None) -> None:
    small = World.founded(members=7)
    small.award(700_000)
    small.posted_period()
    page = words(client_of(None).get(POOL).content)
    assert "fewer than 100 members" in page
    assert "2026 1 1 ¥7,000.00" in page
    assert "each member's share" not in page
    periods = words(client_of(None).get(POOL + "periods/").content)
    assert "Period 1" not in periods
    assert "Period 1" in words(client_of(small.admin).get(POOL + "periods/").content)


def test_draft_pool_exists_for_its_founders_only(db: None) -> None:
    found_pool(
        code="draft-pool", name_en="Draft", name_zh="草拟", currency="CNY", time_zone="UTC",
        expected_members=10, founder="x",
    )  # fmt: skip
    client = client_of(None)
    assert client.get("/pools/draft-pool/").status_code == 404
    assert client.get("/pools/draft-pool/periods/").status_code == 404
    assert client.get("/pools/draft-pool/plan/").status_code == 404
    assert "Draft" not in client.get("/").content.decode()


def test_unknown_pool_is_not_found(db: None) -> None:
    client = client_of(None)
    for tail in ("", "periods/", "plan/", "cases/C-1/"):
        assert client.get(f"/pools/no-such/{tail}").status_code == 404


@pytest.mark.parametrize(
    ("state", "sentence"),
    [("intake_stopped", "Intake is stopped"), ("winding_down", "This pool is winding down")],
)
def test_ending_pool_says_what_happens_now(pool: World, state: str, sentence: str) -> None:
    (end_by_two if state == "intake_stopped" else wind_down)(pool)
    assert sentence in client_of(None).get(POOL).content.decode()


def test_period_list_hides_what_is_not_announced_from_strangers(pool: World) -> None:
    wait_for_next_period(pool)
    services.open_period(pool=pool.pool, at=clock.now())
    assert "Period 2" not in words(client_of(None).get(POOL + "periods/").content)
    assert "Period 2" in words(client_of(pool.admin).get(POOL + "periods/").content)


def test_case_leads_to_its_period(pool: World) -> None:
    response = client_of(None).get(POOL + "cases/C-1/")
    assert (response.status_code, response.headers["Location"]) == (302, POOL + "periods/1/")
    assert client_of(None).get(POOL + "cases/C-404/").status_code == 404


def test_plan_page_shows_the_bytes_that_were_hashed(pool: World) -> None:
    page = client_of(None).get(POOL + "plan/").content.decode()
    text = re.search(r'<pre class="bytes"[^>]*>(.*?)</pre>', page, re.DOTALL)
    assert text
    assert hashlib.sha256(html.unescape(text[1]).encode()).hexdigest() in page


@pytest.mark.parametrize("address", [POOL, POOL + "periods/", POOL + "history/", POOL + "plan/", "/"])
def test_public_page_costs_the_same_for_one_period_and_three(pool: World, address: str) -> None:
    client = client_of(None)
    client.get(address)
    with CaptureQueriesContext(connection) as one:
        client.get(address)
    for number in (2, 3):
        post_another_period(pool, f"C-{number}")
    with CaptureQueriesContext(connection) as three:
        client.get(address)
    assert len(three) == len(one)
    assert len(one) <= 20


@pytest.mark.parametrize(
    ("members", "share_fen"),
    [
        (3, 18_000_000),
        (10, 5_400_000),
        (100, 540_000),
        (1_000, 54_000),
        (10_000, 5_400),
        (100_000, 540),
        (1_000_000, 54),
        (10_000_000, 6),
        (100_000_000, 1),
    ],
)
def test_example_from_the_field_comes_out_for_every_size(members: int, share_fen: int) -> None:
    assert share_at(members) == share_fen


def test_size_plot_states_the_example_and_falls_from_left_to_right() -> None:
    plot = size_plot(100_123)
    assert (plot.aid_fen, plot.fee_fen, plot.need_fen) == (50_000_000, 4_000_000, 54_000_000)
    assert [point.members for point in plot.points] == list(EXAMPLE_SIZES)
    assert [point.x for point in plot.points] == sorted(point.x for point in plot.points)
    assert [point.y for point in plot.points] == sorted(point.y for point in plot.points)
    assert all(
        plot.left <= point.x <= plot.right and plot.top <= point.y <= plot.bottom for point in plot.points
    )
    assert plot.marked is not None
    assert plot.marked.share_fen == 540


@pytest.mark.parametrize("members", [None, 0, 2, 200_000_000])
def test_size_plot_marks_only_pools_on_its_scale(members: int | None) -> None:
    assert size_plot(members).marked is None


def test_shares_plot_draws_from_zero_and_keeps_proportions() -> None:
    day = dt.date(2026, 1, 14)
    plot = shares_plot([(1, day, 100, 486), (2, day, 100, 243), (3, day, 100, 0)])
    assert plot is not None
    heights = [bar.height for bar in plot.bars]
    assert heights[0] == pytest.approx(2 * heights[1], abs=0.2)
    assert heights[2] == 0
    assert [tick.value for tick in plot.up] == [0, 200, 400, 600, 800]
    assert shares_plot([]) is None


# --- the floor ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("floor", "sentence"),
    [
        (100, "150 members at the headcount of period 1; the floor is 100. 51 members fewer are below it."),
        (150, "150 members at the headcount of period 1; the floor is 150. 1 member fewer is below it."),
        (160, "150 members at the headcount of period 1; the floor is 160: 10 are missing ."),
    ],
)
def test_pool_page_says_how_far_the_floor_is(db: None, floor: int, sentence: str) -> None:
    terms = {"minimum_members": floor, "floor": {"members": floor, "notice_days": 20}}
    world = World.founded(members=max(150, floor), **terms)
    day = clock.start_of_day(dt.date(2026, 1, 2), world.pool.time_zone)
    for one in world.pool.memberships.filter(number__gt=150):
        end_cover(membership=one, at=day, reason="aided", actor="service", reference="C-1")
    world.award(1_000_000)
    world.posted_period()
    page = client_of(None).get(POOL)
    assert sentence in words(page.content)
    assert "At two headcounts running below it, intake stops and notice is given" in words(page.content)
    assert "Members stay covered for 20 more days." in words(page.content)
    told = client_of(None).get("/api/v1/pools/test-pool/ending/").json()
    assert told["floor"] == floor
    assert told["distance"] == {
        "period": 1,
        "headcount": 150,
        "floor": floor,
        "leaves": max(0, 151 - floor),
        "missing": max(0, floor - 150),
        "running": int(floor > 150),
    }
    assert ("Below the floor at the last headcount" in words(page.content)) == (floor > 150)


def test_pool_page_tells_no_headcount_of_few_and_says_that_there_is_no_floor(db: None, pool: World) -> None:
    assert "Its rules have no floor" in words(client_of(None).get(POOL).content)
    assert client_of(None).get("/api/v1/pools/test-pool/ending/").json()["distance"] is None
    few = World.founded(code="few", members=20, minimum_members=15, floor={"members": 15})
    few.award(100_000)
    few.posted_period()
    page = words(client_of(None).get("/pools/few/").content)
    assert "Only its own people see single headcounts." in page
    assert "The floor is 15 members." in page
    assert "20 members at the headcount" not in page
    told = client_of(None).get("/api/v1/pools/few/ending/").json()
    assert (told["floor"], told["distance"]) == (15, None)


def test_floor_plot_keeps_proportions_and_its_words_inside() -> None:
    plot = floor_plot(150, 100)
    assert plot.bar == pytest.approx(1.5 * (plot.mark - plot.left), abs=0.2)
    assert (floor_plot(150, 10).mark_is_right, plot.mark_is_right) == (False, True)
    short = floor_plot(10, 1_000)
    assert short.left < short.bar + short.left < short.mark < short.right
