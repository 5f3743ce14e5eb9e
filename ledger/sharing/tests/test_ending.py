"""A pool's end through its periods: headcount by headcount, date by date, and the run-off after the notice."""

import datetime as dt
import json
from zoneinfo import ZoneInfo

import pytest

from aidplatform.lib import clock
from aidplatform.testing.endings import REASON, close, end_by_two
from aidplatform.testing.ledgers import assert_books_true
from aidplatform.testing.world import World, run_jobs, set_clock
from ledger.openbooks.models import LogEntry
from ledger.sharing import services as sharing
from ledger.sharing.models import Charge, Period
from ledger.sharing.plan_shares import Rooms
from ledger.sharing.run_off import freezes_of, run_off_periods
from ledger.sharing.selectors import rooms_of
from ledger.verification.statements import new_report, verify_everything
from members.ending.models import PoolEnding
from members.ending.selectors import live_ending
from members.joining.models import Membership, MembershipSpan
from members.joining.services import admit_group, end_cover
from members.pools.models import Pool

FLOOR = {"members": 5, "notice_days": 30}
ZONE = "Asia/Shanghai"


def founded(members: int = 7, **terms) -> World:
    given = {"minimum_members": 5, "floor": FLOOR} | terms
    return World.founded(members=members, **given)


def go_to(world: World, day: dt.date, hour: int = 10) -> None:
    """Go to an hour of a day and let the calendar run, as a worker would."""
    set_clock(dt.datetime.combine(day, dt.time(hour), ZoneInfo(world.pool.time_zone)))
    sharing.advance_due(at=clock.now())
    run_jobs()
    world.pool.refresh_from_db()


def settle(world: World, number: int) -> None:
    """Run the calendar of a month to the end of publicity."""
    go_to(world, month(number, 7))
    go_to(world, month(number, 10))


def post(world: World) -> Period:
    """Compute, approve and post the period whose publicity has ended."""
    period = world.pool.periods.get(state=Period.State.SETTLED)
    period = sharing.compute_shares(period=period, preparer=world.admin.code, at=clock.now())
    sharing.approve_period(
        period=period, approver=world.controller.code, shown_sha256=period.shown_sha256 or "", at=clock.now()
    )
    run_jobs()
    period.refresh_from_db()
    return period


def leave(world: World, count: int, at: dt.datetime | None = None) -> None:
    spans = MembershipSpan.objects.filter(pool_id=world.pool.pk, to_at=None).order_by("membership_id")[:count]
    for span in list(spans):
        membership = Membership.objects.get(pk=span.membership_id)
        end_cover(membership=membership, at=at or clock.now(), reason="left", actor="member")


def join(world: World, count: int) -> None:
    admit_group(
        pool=world.pool,
        count=count,
        class_no=0,
        from_at=clock.now(),
        joined_date=clock.today(world.pool.time_zone),
        actor="test",
    )


def members(world: World, wanted: int) -> None:
    """Let people join or leave until so many are covered."""
    now = MembershipSpan.objects.filter(pool_id=world.pool.pk, to_at=None).count()
    if wanted < now:
        leave(world, now - wanted)
    elif wanted > now:
        join(world, wanted - now)


def month(number: int, day: int) -> dt.date:
    return dt.date(2026, number, day)


def play(world: World, headcounts: list[int]) -> list[str]:
    """Run a period a month with so many covered at each publicity day; return the pool's state after each."""
    states = []
    for number, wanted in enumerate(headcounts, start=1):
        go_to(world, month(number, 5))
        if world.pool.state == Pool.State.OPEN:
            members(world, wanted)
        go_to(world, month(number, 7))
        states.append(world.pool.state)
        go_to(world, month(number, 10))
        post(world)
    return states


@pytest.mark.parametrize(
    ("headcounts", "states"),
    [
        ([7, 5, 6], ["open", "open", "open"]),
        ([7, 4, 5], ["open", "open", "open"]),
        ([4, 5, 4, 5], ["open", "open", "open", "open"]),
        ([7, 4, 4], ["open", "open", "intake_stopped"]),
        ([4, 4, 4, 4], ["open", "intake_stopped", "intake_stopped", "winding_down"]),
        ([4, 5, 4, 3], ["open", "open", "open", "intake_stopped"]),
    ],
)
def test_two_headcounts_running_below_the_floor_stop_the_intake(db, headcounts, states):
    world = founded()
    assert play(world, headcounts) == states
    assert [row.freeze.headcount for row in freezes_of(world.pool, 9)][: len(headcounts)] == [
        4 if state == "winding_down" else headcount
        for headcount, state in zip(headcounts, states, strict=True)
    ]
    assert_books_true(world.pool)


def test_without_a_floor_no_headcount_ends_a_pool(db):
    world = founded(floor=None)
    assert play(world, [7, 1, 0, 1]) == ["open"] * 4
    assert live_ending(world.pool) is None


def test_the_notice_has_its_figures_its_days_and_its_line_in_the_log(db):
    world = founded()
    play(world, [7, 4, 3])
    ending = live_ending(world.pool)
    assert (ending.cause, ending.first_headcount, ending.second_headcount, ending.floor_members) == (
        "floor",
        4,
        3,
        5,
    )
    assert (ending.notice_date, ending.cover_end_date, ending.run_off_end_date) == (
        month(3, 7),
        month(4, 6),
        dt.date(2026, 10, 3),
    )
    assert (ending.bearers, ending.counts, ending.after_period_no) == (3, {"0": 3}, 3)
    assert ending.as_of == dt.datetime(2026, 3, 7, tzinfo=ZoneInfo(ZONE))
    line = LogEntry.objects.get(log__code=world.pool.code, type="pool.state")
    body = json.loads(bytes(line.data))["body"]
    assert body["state"] == "intake_stopped"
    assert body["headcounts"] == [4, 3]
    assert (body["notice"], body["cover_end"], body["run_off_end"]) == (
        "2026-03-07",
        "2026-04-06",
        "2026-10-03",
    )
    assert (body["bearers"], body["floor"]) == (3, 5)


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Pacific/Auckland", "UTC"])
def test_days_are_those_of_the_pools_zone(db, zone):
    """The clocks of Auckland and Los Angeles change between notice and end of cover."""
    world = World.founded(members=4, minimum_members=4, floor={"members": 4}, time_zone=zone)
    play(world, [4, 3])
    go_to(world, month(3, 7), hour=0)
    ending = live_ending(world.pool)
    assert (ending.notice_date, ending.cover_end_date) == (month(3, 7), month(4, 6))
    assert ending.as_of == dt.datetime(2026, 3, 7, tzinfo=ZoneInfo(zone))
    set_clock(dt.datetime(2026, 4, 5, 23, 59, 59, tzinfo=ZoneInfo(zone)))
    sharing.advance_due(at=clock.now())
    run_jobs()
    world.pool.refresh_from_db()
    assert world.pool.state == "intake_stopped"
    go_to(world, month(4, 6), hour=0)
    assert world.pool.state == "winding_down"
    ends = dt.datetime(2026, 4, 6, tzinfo=ZoneInfo(zone))
    assert set(MembershipSpan.objects.filter(to_at__gt=ending.as_of).values_list("to_at", flat=True)) == {
        ends
    }


def false_statements(world: World) -> dict[str, list[object]]:
    """Return what `verify_books` finds wrong."""
    report = new_report()
    verify_everything(report, world.pool.code)
    return {code: one.findings for code, one in report.statements.items() if one.false}


def test_a_scheduler_that_was_down_for_a_week_gives_the_notice_from_that_day_on(db):
    """Who joined meanwhile is covered at 00:00 of the notice and bears the run-off."""
    world = founded()
    play(world, [7, 4])
    go_to(world, month(3, 5))
    set_clock(dt.datetime(2026, 3, 10, 10, tzinfo=ZoneInfo(ZONE)))
    join(world, 2)
    go_to(world, month(3, 14))
    ending = live_ending(world.pool)
    assert (ending.first_headcount, ending.second_headcount) == (4, 4)
    assert (ending.notice_date, ending.cover_end_date) == (month(3, 14), month(4, 13))
    assert ending.bearers == 6


def test_a_headcount_at_the_floor_before_cover_ends_calls_the_notice_off(db):
    """Two had joined between the headcount and the late notice, so that the next headcount finds them."""
    world = founded(floor={"members": 5, "notice_days": 60})
    play(world, [7, 4])
    go_to(world, month(3, 5))
    set_clock(dt.datetime(2026, 3, 10, 10, tzinfo=ZoneInfo(ZONE)))
    join(world, 2)
    go_to(world, month(3, 14))
    assert world.pool.state == "intake_stopped"
    go_to(world, month(3, 17))
    post(world)
    go_to(world, month(4, 7))
    assert world.pool.state == "open"
    ending = PoolEnding.objects.get()
    assert (ending.cancelled_period_no, ending.cancelled_headcount) == (4, 6)
    assert live_ending(world.pool) is None
    states = [
        json.loads(bytes(line.data))["body"]["state"]
        for line in LogEntry.objects.filter(type="pool.state").order_by("seq")
    ]
    assert states == ["intake_stopped", "open"]
    join(world, 1)
    go_to(world, month(4, 10))
    assert post(world).headcount == 6


def test_the_count_begins_anew_after_a_notice_was_called_off(db):
    world = founded(floor={"members": 5, "notice_days": 60})
    play(world, [7, 4])
    go_to(world, month(3, 5))
    set_clock(dt.datetime(2026, 3, 10, 10, tzinfo=ZoneInfo(ZONE)))
    join(world, 1)
    go_to(world, month(3, 14))
    go_to(world, month(3, 17))
    post(world)
    go_to(world, month(4, 7))
    assert world.pool.state == "open"
    go_to(world, month(4, 10))
    post(world)
    leave(world, 3)
    go_to(world, month(5, 7))
    assert world.pool.state == "open"
    go_to(world, month(5, 10))
    post(world)
    go_to(world, month(6, 7))
    assert world.pool.state == "intake_stopped"
    assert [one.number for one in PoolEnding.objects.order_by("number")] == [1, 2]


def test_who_was_covered_at_the_notice_bears_the_run_off_whoever_leaves_later(db):
    world = founded()
    play(world, [7, 4, 4])
    ending = live_ending(world.pool)
    leave(world, 2)
    world.award(30_000)
    go_to(world, month(4, 7))
    assert world.pool.state == "winding_down"
    go_to(world, month(4, 10))
    period = post(world)
    assert (period.headcount, period.as_of) == (4, ending.as_of)
    assert Charge.objects.filter(pool_id=world.pool.pk, period_no=4).count() == 4
    assert {charge.share_fen for charge in Charge.objects.filter(pool_id=world.pool.pk, period_no=4)} == {
        8_100
    }
    assert [one.number for one in run_off_periods(ending)] == [4]
    assert_books_true(world.pool)
    assert false_statements(world) == {}


def test_everyone_is_covered_until_the_announced_day_and_nobody_after_it(db):
    world = founded()
    play(world, [7, 4, 4])
    go_to(world, month(4, 5), hour=23)
    assert MembershipSpan.objects.filter(pool_id=world.pool.pk, to_at=None).count() == 4
    go_to(world, month(4, 6), hour=0)
    assert not MembershipSpan.objects.filter(pool_id=world.pool.pk, to_at=None).exists()
    assert world.pool.state == "winding_down"


def test_a_late_scheduler_takes_what_comes_before_the_end_of_cover_first(db):
    world = founded(floor={"members": 5, "notice_days": 40})
    play(world, [7, 4, 4])
    assert live_ending(world.pool).cover_end_date == month(4, 16)
    world.award(10_000)
    go_to(world, month(4, 20))
    assert world.pool.state == "winding_down"
    period = world.pool.periods.get(number=4)
    assert (period.state, period.headcount) == ("announced", 4)


def test_after_the_days_of_filing_a_period_opens_only_for_a_case_that_waits(db):
    world = founded(wind_down={"payer": "A payer", "run_off_days": 30})
    play(world, [4, 4])
    ending = live_ending(world.pool)
    assert (ending.cover_end_date, ending.run_off_end_date) == (month(3, 9), month(4, 8))
    for number in (3, 4):
        settle(world, number)
        post(world)
    go_to(world, month(7, 1))
    assert world.pool.periods.count() == 4
    world.award(40_000)
    go_to(world, month(7, 2))
    assert [p.number for p in world.pool.periods.order_by("number")] == [1, 2, 3, 4, 5]
    period = world.pool.periods.get(number=5)
    assert (period.state, period.headcount) == ("announced", 4)
    go_to(world, period.publicity_end_date)
    assert post(world).assessed_fen == 43_200
    go_to(world, month(9, 1))
    assert world.pool.periods.count() == 5


# --- the cap of the run-off -------------------------------------------------------------------------------------


def capped(**more) -> World:
    """A pool whose members pay 200.00 for the run-off at most; one case of 800.00 at the highest aid."""
    world = founded(
        aid=[{"severity": "severe", "age_from": 0, "age_before": 60, "max_aid_fen": 80_000}],
        wind_down={"payer": "A payer", "run_off_days": 180, "run_off_cap_fen": 20_000},
        **more,
    )
    play(world, [4, 4])
    return world


def test_what_is_left_of_the_run_off_cap_is_what_was_not_charged_since_the_notice(db):
    world = capped()
    world.award(40_000)
    settle(world, 3)
    third = world.pool.periods.get(number=3)
    assert rooms_of(third) == Rooms([(0, 20_000, 4)], is_run_off=True)
    assert rooms_of(world.pool.periods.get(number=2)) is None
    assert {row["share_fen"] for row in post(world).classes} == {10_800}
    world.award(30_000, "C-2")
    settle(world, 4)
    assert rooms_of(world.pool.periods.get(number=4)) == Rooms([(0, 9_200, 4)], is_run_off=True)
    assert {row["share_fen"] for row in post(world).classes} == {8_100}
    assert_books_true(world.pool)


def test_what_is_beyond_the_run_off_cap_is_paid_by_whoever_the_plan_names(db):
    """162.00 were paid of 200.00: of 40.50 members bear 38.00 each, also where their plan would lower the aid."""
    world = capped(period_cap_fen=50_000, on_infeasible="reduce_aid")
    world.award(60_000)
    settle(world, 3)
    assert {row["share_fen"] for row in post(world).classes} == {16_200}
    world.award(15_000, "C-2")
    settle(world, 4)
    period = post(world)
    assert period.classes == [
        {"class_no": 0, "weight": 1, "members": 4, "share_fen": 3_800, "cap_fen": 3_800}
    ]
    assert (period.aid_fen, period.need_fen, period.sponsor_fen) == (15_000, 15_200, 1_000)
    assert_books_true(world.pool)


def test_a_run_off_with_a_cap_puts_nothing_by(db):
    world = capped(period_cap_fen=50_000, reserve={"contribution_fen": 400, "target_fen": 10_000})
    world.award(10_000)
    settle(world, 3)
    period = post(world)
    assert period.reserve_contribution_fen == 0
    assert {row["share_fen"] for row in period.classes} == {2_700}
    assert_books_true(world.pool)


# --- by two people ----------------------------------------------------------------------------------------------


def test_two_people_end_a_pool_with_its_notice(world: World):
    ending = end_by_two(world)
    assert world.pool.state == "intake_stopped"
    assert (ending.cause, ending.proposal.reason, ending.bearers) == ("decision", REASON, 7)
    assert (ending.notice_date, ending.cover_end_date) == (dt.date(2026, 1, 1), dt.date(2026, 1, 31))
    body = json.loads(bytes(LogEntry.objects.get(type="pool.state").data))["body"]
    assert (body["cause"], body["reason"], body["after_period"]) == ("decision", REASON, 0)


def test_no_headcount_calls_a_decision_off(db):
    world = founded(members=9)
    end_by_two(world, dt.date(2026, 3, 1))
    go_to(world, month(1, 7))
    assert world.pool.state == "intake_stopped"
    assert world.pool.periods.get().headcount == 9


def test_a_pool_that_owes_nothing_closes_after_its_run_off(world: World):
    ending = close(world)
    assert world.pool.state == "closed"
    states = [
        json.loads(bytes(line.data))["body"]["state"]
        for line in LogEntry.objects.filter(type="pool.state").order_by("seq")
    ]
    assert states == ["intake_stopped", "winding_down", "closed"]
    assert clock.today(ZONE) == ending.run_off_end_date
    go_to(world, dt.date(2026, 12, 1))
    assert not world.pool.periods.exists()
