"""The next charge day of a membership: of the first period that counts it, whatever the calendar says of others."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from aidplatform.lib import clock
from aidplatform.testing.endings import end_by_two
from aidplatform.testing.world import World, run_jobs, set_clock
from ledger.disclosure.next_charges import NextDates, next_dates, next_dates_of
from ledger.disclosure.selectors import rules_on
from ledger.sharing import services as sharing
from ledger.sharing.models import Period
from members.ending.selectors import live_ending
from members.joining.models import Membership
from members.joining.services import admit_member, end_cover
from members.people.models import User

ZONE = "Asia/Shanghai"
AID_FEN = 1_000_000


def start(day: str) -> dt.datetime:
    return clock.start_of_day(dt.date.fromisoformat(day), ZONE)


def joined(world: World, name: str, covered_from: str) -> Membership:
    """Admit somebody covered from 00:00 of that day, the day after they signed."""
    at = start(covered_from)
    return admit_member(
        pool=world.pool,
        person=User.objects.create_user(f"{name}@people.example.org"),
        class_no=0,
        from_at=at,
        joined_date=(at - dt.timedelta(days=1)).date(),
        actor="test",
    )


def run_to(world: World, state: str) -> Period:
    """Bring the first period to that state, on the day of the calendar at which it gets there."""
    period = sharing.open_period(pool=world.pool, at=clock.now())
    if state == "opened":
        return period
    set_clock(start("2026-01-07"))
    period = sharing.freeze_headcount(period=period, at=clock.now())
    if state == "frozen":
        return period
    period = sharing.announce_period(period=period, at=clock.now())
    return period if state == "announced" else run_on(world, period, state)


def run_on(world: World, period: Period, state: str) -> Period:
    set_clock(start("2026-01-10"))
    period = sharing.settle_period(period=period, at=clock.now())
    period = sharing.compute_shares(period=period, preparer=world.admin.code, at=clock.now())
    period = sharing.approve_period(
        period=period,
        approver=world.controller.code,
        shown_sha256=period.shown_sha256 or "",
        at=clock.now(),
    )
    if state == "posted":
        run_jobs()
    return period


def leave(membership: Membership, until: str) -> None:
    assert membership.person is not None
    end_cover(membership=membership, at=start(until), reason="left", actor=membership.person.code)


def told(membership: Membership) -> NextDates:
    today = clock.today(ZONE)
    found = next_dates(membership, rules_on(membership.pool, today), today, live_ending(membership.pool))
    assert found is not None
    return found


# The calendar opens on the 1st, counts at 00:00 of the 7th, and charges on the 14th. A share of ¥10,000 with 8 % among
# 150 is ¥72.00; one of who joins late is not in the 150.
@pytest.mark.parametrize(
    ("covered_from", "state", "charge_date", "share_fen", "is_exact"),
    [
        ("2026-01-02", "opened", "2026-01-14", None, False),
        ("2026-01-07", "opened", "2026-01-14", None, False),
        ("2026-01-08", "opened", "2026-02-14", None, False),
        ("2026-02-07", "opened", "2026-02-14", None, False),
        ("2026-02-08", "opened", "2026-03-14", None, False),
        ("2026-01-07", "frozen", "2026-01-14", None, False),
        ("2026-01-08", "frozen", "2026-02-14", None, False),
        ("2026-01-07", "announced", "2026-01-14", 7_200, False),
        ("2026-01-08", "announced", "2026-02-14", None, False),
        ("2026-02-08", "announced", "2026-03-14", None, False),
        ("2026-01-07", "approved", "2026-01-14", 7_200, True),
        ("2026-01-08", "approved", "2026-02-14", None, False),
        ("2026-01-07", "posted", "2026-01-14", 7_200, True),
        ("2026-01-08", "posted", "2026-02-14", None, False),
    ],
)
def test_next_charge_is_that_of_the_first_period_that_counts_the_member(
    db: None, covered_from: str, state: str, charge_date: str, share_fen: int | None, *, is_exact: bool
) -> None:
    world = World.founded(members=149)
    membership = joined(world, "member", covered_from)
    if covered_from > "2026-01-07":
        joined(world, "another", "2026-01-02")
    world.award(AID_FEN)
    run_to(world, state)
    found = told(membership)
    assert found.charge_date == dt.date.fromisoformat(charge_date)
    assert (found.share_fen, found.is_exact) == (share_fen, is_exact)


def test_who_is_recorded_after_the_headcount_is_not_charged_for_it(db: None) -> None:
    world = World.founded(members=150)
    world.award(AID_FEN)
    run_to(world, "announced")
    membership = joined(world, "late", "2026-01-05")
    assert told(membership).charge_date == dt.date(2026, 2, 14)


def test_day_after_a_charge_day_is_of_the_next_period(db: None) -> None:
    world = World.founded(members=149)
    membership = joined(world, "member", "2026-01-02")
    world.award(AID_FEN)
    run_to(world, "posted")
    for day, charge in (("2026-01-14", "2026-01-14"), ("2026-01-15", "2026-02-14")):
        set_clock(start(day))
        assert told(membership).charge_date == dt.date.fromisoformat(charge)


def test_who_has_left_is_charged_for_what_has_counted_them_and_no_more(db: None) -> None:
    world = World.founded(members=149)
    counted, uncounted = joined(world, "counted", "2026-01-02"), joined(world, "uncounted", "2026-01-02")
    world.award(AID_FEN)
    set_clock(start("2026-01-05"))
    leave(uncounted, "2026-01-06")
    run_to(world, "announced")
    leave(counted, "2026-01-08")
    assert told(counted).charge_date == dt.date(2026, 1, 14)
    assert told(uncounted).charge_date is None


def test_run_off_charges_who_was_covered_at_the_notice(db: None) -> None:
    world = World.founded(members=149)
    bears = joined(world, "bears", "2026-01-01")
    later = joined(world, "later", "2026-01-02")
    end_by_two(world)
    assert told(bears).charge_date == dt.date(2026, 1, 14)
    assert told(later).charge_date is None


def test_many_memberships_take_as_many_statements_as_one(db: None) -> None:
    worlds = [World.founded(code=code, members=120) for code in ("one", "two", "three")]
    mine = [joined(world, world.pool.code, "2026-01-02") for world in worlds]
    for world in worlds:
        set_clock(start("2026-01-02"))
        world.award(AID_FEN, f"C-{world.pool.code}")
        run_to(world, "announced")
    now = clock.now()
    with CaptureQueriesContext(connection) as one:
        alone = next_dates_of(mine[:1], now)
    with CaptureQueriesContext(connection) as three:
        together = next_dates_of(mine, now)
    assert (len(one), len(three)) == (5, 5)
    assert together[mine[0].pk] == alone[mine[0].pk] == told(mine[0])
    assert {found.charge_date for found in together.values()} == {dt.date(2026, 1, 14)}
