"""Who is counted and when: the freeze and its edges, zones, summer time, late and doubled ticks, pools side by side."""

import datetime as dt
import json
from hashlib import sha256
from zoneinfo import ZoneInfo

import pytest

from aidplatform.lib import clock
from aidplatform.testing.endings import end_by_two
from aidplatform.testing.ledgers import assert_books_true, balances
from aidplatform.testing.refusals import value
from aidplatform.testing.world import OPENED, World, run_jobs, set_clock
from aidplatform.work.models import Job
from ledger.books.findings import Report
from ledger.books.models import JournalEntry
from ledger.openbooks.models import LogEntry
from ledger.sharing import services
from ledger.sharing.models import Charge, Period
from ledger.sharing.selectors import book_of, shown_text
from ledger.sharing.services import NoPayersError, TooEarlyError
from ledger.sharing.verify import publicity
from ledger.sharing.verify.rows import PoolRow, periods
from members.joining.models import Membership
from members.joining.services import admit_group, end_cover

SHANGHAI = ZoneInfo("Asia/Shanghai")
FREEZE = dt.datetime(2026, 1, 7, tzinfo=SHANGHAI)  # 00:00 of the publicity day
SECOND = dt.timedelta(seconds=1)
BEFORE = dt.datetime(2026, 1, 2, tzinfo=SHANGHAI)


def tick(at: dt.datetime | None = None) -> None:
    """Let the scheduler and a worker act, now or at an instant."""
    if at is not None:
        set_clock(at)
    services.advance_due(at=clock.now())
    run_jobs()


def states(world: World) -> list[str]:
    return list(world.pool.periods.order_by("number").values_list("state", flat=True))


def _join(world: World, from_at: dt.datetime) -> Membership:
    number = admit_group(
        pool=world.pool, count=1, class_no=0, from_at=from_at, joined_date=OPENED, actor="test"
    )
    return world.pool.memberships.get(number=number)


def _leave(member: Membership, at: dt.datetime) -> None:
    end_cover(membership=member, at=at, reason="left", actor="test")


# (covered from, covered until, when both are written: before or after the freeze, charged in period 1, in period 2)
EDGES = [
    ("covered from before the freeze", BEFORE, None, "before", True, True),
    ("covered from the very instant", FREEZE, None, "before", True, True),
    ("covered from a second later", FREEZE + SECOND, None, "before", False, True),
    ("left at the very instant", BEFORE, FREEZE, "before", False, False),
    ("left a second later", BEFORE, FREEZE + SECOND, "before", True, False),
    ("covered for a while before", BEFORE, FREEZE - SECOND, "before", False, False),
    ("joined after the freeze, backdated", BEFORE, None, "after", False, True),
    ("joined and left after the freeze, backdated", BEFORE, FREEZE - SECOND, "after", False, False),
    ("leaves much later, known before", BEFORE, FREEZE + dt.timedelta(days=90), "before", True, True),
]


@pytest.mark.parametrize(
    ("from_at", "to_at", "written", "first", "second"),
    [edge[1:] for edge in EDGES],
    ids=[e[0] for e in EDGES],
)
def test_headcount_counts_who_is_covered_at_the_freeze(
    world: World, from_at: dt.datetime, to_at: dt.datetime | None, written: str, first: bool, second: bool
) -> None:
    def write() -> Membership:
        member = _join(world, from_at)
        if to_at is not None:
            _leave(member, to_at)
        return member

    member = write() if written == "before" else None
    world.award(10_000_000)
    period = services.open_period(pool=world.pool, at=clock.now())
    set_clock(FREEZE)
    services.announce_period(period=services.freeze_headcount(period=period, at=FREEZE), at=FREEZE)
    member = member or write()
    tick(clock.start_of_day(period.publicity_end_date, "Asia/Shanghai"))
    _post(world, period)
    assert _charged(world, member, 1) is first
    _post(world, _settled_second(world))
    assert _charged(world, member, 2) is second
    assert_books_true(world.pool)


def _settled_second(world: World) -> Period:
    set_clock(dt.datetime(2026, 2, 1, tzinfo=SHANGHAI))
    return world.settled_period()


def _post(world: World, period: Period) -> None:
    period = services.compute_shares(period=period, preparer=world.admin.code, at=clock.now())
    services.approve_period(
        period=period,
        approver=world.controller.code,
        shown_sha256=period.shown_sha256 or "",
        at=clock.now(),
    )
    run_jobs()


def _charged(world: World, member: Membership, period_no: int) -> bool:
    return Charge.objects.filter(pool_id=world.pool.pk, period_no=period_no, membership_id=member.pk).exists()


def test_charge_stands_for_who_left_after_the_freeze_even_backdated(world: World) -> None:
    """An end recorded after the freeze changes no frozen headcount: compute finds the manifest unchanged."""
    leaver = world.pool.memberships.get(number=1)
    world.award(10_000_000)
    period = world.settled_period()
    _leave(leaver, BEFORE)
    _post(world, period)
    assert _charged(world, leaver, 1)
    _post(world, _settled_second(world))
    assert not _charged(world, leaver, 2)
    assert Period.objects.get(pool=world.pool, number=2).headcount == 6


def test_calendar_steps_at_the_very_instants_and_not_a_second_earlier(world: World) -> None:
    world.award(10_000_000)
    steps = [
        (dt.datetime(2026, 1, 1, 10, tzinfo=SHANGHAI), ["opened"]),
        (FREEZE - SECOND, ["opened"]),
        (FREEZE, ["announced"]),
        (dt.datetime(2026, 1, 10, tzinfo=SHANGHAI) - SECOND, ["announced"]),
        (dt.datetime(2026, 1, 10, tzinfo=SHANGHAI), ["settled"]),
        (dt.datetime(2026, 3, 1, tzinfo=SHANGHAI), ["settled"]),
    ]
    for at, expected in steps:
        tick(at)
        assert states(world) == expected, at


def test_calendar_does_nothing_before_the_pool_opens(world: World) -> None:
    tick(dt.datetime(2025, 12, 31, 23, 59, 59, tzinfo=SHANGHAI))
    assert states(world) == []
    with pytest.raises(TooEarlyError):
        services.open_period(pool=world.pool, at=clock.now())


@pytest.mark.parametrize("step", ["freeze_headcount", "settle_period"])
def test_calendar_steps_are_refused_before_their_date(world: World, step: str) -> None:
    period = services.open_period(pool=world.pool, at=clock.now())
    if step == "settle_period":
        set_clock(FREEZE)
        services.announce_period(period=services.freeze_headcount(period=period, at=FREEZE), at=FREEZE)
    with pytest.raises(TooEarlyError):
        getattr(services, step)(period=period, at=clock.now())


def test_calendar_catches_up_after_a_week_without_a_scheduler(world: World) -> None:
    """One tick takes the overdue steps up to publicity, which lasts its days; the headcount is as of its instant."""
    world.award(10_000_000)
    tick()
    on_time, too_late = _join(world, FREEZE - SECOND), _join(world, FREEZE + SECOND)
    tick(dt.datetime(2026, 1, 14, 9, tzinfo=SHANGHAI))
    assert states(world) == ["announced"]
    tick(dt.datetime(2026, 1, 17, tzinfo=SHANGHAI))
    assert states(world) == ["settled"]
    period = Period.objects.get(pool=world.pool)
    assert (period.as_of, period.headcount) == (FREEZE, 8)
    _post(world, period)
    assert _charged(world, on_time, 1)
    assert not _charged(world, too_late, 1)


def test_calendar_catches_up_period_by_period_after_months(world: World) -> None:
    at = dt.datetime(2026, 4, 20, tzinfo=SHANGHAI)
    tick(at)
    for number in (1, 2, 3):
        assert states(world) == [*["posted"] * (number - 1), "announced"]
        at += dt.timedelta(days=3)
        tick(at)
        _post(world, Period.objects.get(pool=world.pool, number=number))
        tick()
    assert states(world) == ["posted"] * 3 + ["announced"]
    dates = list(world.pool.periods.order_by("number").values_list("opening_date", "next_opening_date"))
    assert dates == [(dt.date(2026, month, 1), dt.date(2026, month + 1, 1)) for month in (1, 2, 3, 4)]


def _dates(world: World) -> tuple[str, ...]:
    """Return a period's end of publicity, charge day and next opening, as month and day."""
    period = Period.objects.get(pool=world.pool)
    days = (period.publicity_end_date, period.charge_date, period.next_opening_date)
    return tuple(f"{day:%m-%d}" for day in days)


LATE = [
    # the tick that announces, end of publicity, charge day
    ("00:00 of the publicity day", FREEZE, "01-10", "01-14"),
    (
        "last second before noon of the publicity day",
        FREEZE + dt.timedelta(hours=12) - SECOND,
        "01-10",
        "01-14",
    ),
    ("noon of the publicity day", FREEZE + dt.timedelta(hours=12), "01-11", "01-15"),
    ("last second of the publicity day", FREEZE + dt.timedelta(days=1) - SECOND, "01-11", "01-15"),
    ("first second of the day after", FREEZE + dt.timedelta(days=1), "01-11", "01-15"),
    ("the planned end", dt.datetime(2026, 1, 10, tzinfo=SHANGHAI), "01-13", "01-17"),
    ("after the charge day", dt.datetime(2026, 1, 29, 15, tzinfo=SHANGHAI), "02-02", "02-06"),
]


@pytest.mark.parametrize(("at", "end", "charge"), [late[1:] for late in LATE], ids=[late[0] for late in LATE])
def test_publicity_lasts_its_days_from_the_day_of_the_announcement(
    world: World, at: dt.datetime, end: str, charge: str
) -> None:
    """End and charge day move by as much as the announcement is late; a day counts when it was public before noon."""
    award = world.award(10_000_000)
    tick()
    assert _dates(world) == ("01-10", "01-14", "02-01")
    tick(at)
    assert (states(world), _dates(world)) == (["announced"], (end, charge, "02-01"))
    period = Period.objects.get(pool=world.pool)
    assert (period.announced_at, period.as_of) == (at, FREEZE)
    over = clock.start_of_day(period.publicity_end_date, "Asia/Shanghai")
    tick(over - SECOND)
    award.refresh_from_db()
    assert (states(world), award.state) == (["announced"], "announced")
    tick(over)
    award.refresh_from_db()
    assert (states(world), award.state) == (["settled"], "final")


def test_everything_later_follows_the_moved_dates(world: World) -> None:
    """The log, the day of the award's entry, what a controller approves, and an independent verification."""
    world.award(10_000_000)
    tick(dt.datetime(2026, 1, 12, 9, tzinfo=SHANGHAI))
    announced = LogEntry.objects.get(type="period.announce")
    assert json.loads(bytes(announced.data))["body"]["publicity_end"] == "2026-01-15"
    tick(dt.datetime(2026, 1, 20, 9, tzinfo=SHANGHAI))
    assert JournalEntry.objects.get(kind="award").entry_date == dt.date(2026, 1, 15)
    period = Period.objects.get(pool=world.pool)
    period = services.compute_shares(period=period, preparer=world.admin.code, at=clock.now())
    assert shown_text(period).split("|")[3:5] == ["2026-01-07", "2026-01-19"]
    assert sha256(shown_text(period).encode()).hexdigest() == period.shown_sha256
    services.approve_period(
        period=period, approver=world.controller.code, shown_sha256=period.shown_sha256 or "", at=clock.now()
    )
    run_jobs()
    assert_books_true(world.pool)
    report = Report.of(publicity.SENTENCES)
    rows = periods(PoolRow(world.pool.pk, world.pool.code, "Asia/Shanghai", 0, announced.log_id))
    publicity.verify_publicity(report, rows[0])
    assert (report.statements["publicity_lasts_its_days"].examined, report.is_false) == (3, False)


def test_doubled_ticks_ask_for_one_job_and_change_nothing(world: World) -> None:
    for _turn in range(3):
        services.advance_due(at=clock.now())
    assert Job.objects.filter(kind=services.ADVANCE).count() == 1
    run_jobs()
    for _turn in range(3):
        tick()
    assert states(world) == ["opened"]
    set_clock(FREEZE)
    for _turn in range(3):
        services.advance_due(at=clock.now())
    run_jobs()
    assert Job.objects.filter(kind=services.ADVANCE).count() == 2
    assert value("SELECT count(*) FROM ledger_manifestline") == 1


def test_calendar_goes_on_while_a_pool_ends_and_rests_when_it_is_closed(world: World) -> None:
    end_by_two(world)
    tick()
    assert states(world) == ["opened"]
    tick(FREEZE)
    assert states(world) == ["announced"]


def test_period_follows_the_plan_in_force_when_it_opens(world: World) -> None:
    world.change_plan(dt.date(2026, 2, 1), fee={"rate": "1/100"})
    world.award(10_000_000)
    _post(world, world.settled_period())
    set_clock(dt.datetime(2026, 2, 1, tzinfo=SHANGHAI))
    world.award(10_000_000, "C-2")
    _post(world, world.settled_period())
    fees = world.pool.periods.order_by("number").values_list("plan_version__number", "fee_fen")
    assert list(fees) == [(1, 800_000), (2, 100_000)]


ZONES = [
    # zone, publicity day, 00:00 there in UTC, end of publicity in UTC
    ("Asia/Shanghai", 7, "2026-01-06T16:00", "2026-01-09T16:00"),
    ("America/New_York", 7, "2026-01-07T05:00", "2026-01-10T05:00"),
    ("Pacific/Kiritimati", 7, "2026-01-06T10:00", "2026-01-09T10:00"),
    ("Asia/Kolkata", 7, "2026-01-06T18:30", "2026-01-09T18:30"),
]


@pytest.mark.parametrize(("zone", "day", "freeze", "end"), ZONES, ids=[zone[0] for zone in ZONES])
def test_headcount_is_as_of_midnight_where_the_pool_is(
    db: None, zone: str, day: int, freeze: str, end: str
) -> None:
    world = World.founded(time_zone=zone)
    period = services.open_period(pool=world.pool, at=clock.now())
    for instant, before, after in ((freeze, "opened", "announced"), (end, "announced", "settled")):
        at = dt.datetime.fromisoformat(instant).replace(tzinfo=dt.UTC)
        tick(at - SECOND)
        assert states(world) == [before]
        tick(at)
        assert states(world) == [after]
    period.refresh_from_db()
    assert period.as_of == dt.datetime.fromisoformat(freeze).replace(tzinfo=dt.UTC)
    assert period.publicity_date.day == day


SUMMER_TIME = [
    # New York's clocks go forward on 2026-03-08 and back on 2026-11-01; publicity lasts three calendar days.
    (3, 8, "2026-03-08T05:00", "2026-03-11T04:00"),
    (11, 1, "2026-11-01T04:00", "2026-11-04T05:00"),
]


@pytest.mark.parametrize(("month", "day", "freeze", "end"), SUMMER_TIME)
def test_publicity_over_a_change_of_summer_time_lasts_calendar_days(
    db: None, month: int, day: int, freeze: str, end: str
) -> None:
    calendar = {
        "publicity_days": 3,
        "periods": [{"opening_day": 1, "publicity_day": day, "charge_day": day + 6}],
    }
    world = World.founded(time_zone="America/New_York", members=2, calendar=calendar)
    for number in range(1, month):
        set_clock(dt.datetime(2026, number, 1, tzinfo=ZoneInfo("America/New_York")))
        _post(world, world.settled_period())
    tick(dt.datetime(2026, month, 1, tzinfo=ZoneInfo("America/New_York")))
    tick(dt.datetime.fromisoformat(freeze).replace(tzinfo=dt.UTC))
    assert states(world)[-1] == "announced"
    tick(dt.datetime.fromisoformat(end).replace(tzinfo=dt.UTC) - SECOND)
    assert states(world)[-1] == "announced"
    tick(dt.datetime.fromisoformat(end).replace(tzinfo=dt.UTC))
    assert states(world)[-1] == "settled"
    as_of = Period.objects.get(pool=world.pool, number=month).as_of
    assert as_of == dt.datetime.fromisoformat(freeze).replace(tzinfo=dt.UTC)


def test_two_pools_side_by_side_keep_apart(db: None) -> None:
    """One in Shanghai with a table for all periods, one in New York with a table per period, run together."""
    here = World.founded(code="here", members=7)
    there = World.founded(code="there", members=3, large=True, time_zone="America/New_York")
    here.award(10_000_000)
    there.award(30_000)
    tick(dt.datetime(2026, 1, 7, 10, tzinfo=SHANGHAI))
    tick(dt.datetime(2026, 1, 8, 10, tzinfo=SHANGHAI))  # the evening of the publicity day in New York
    tick(dt.datetime(2026, 1, 10, 12, tzinfo=SHANGHAI))
    assert (states(here), states(there)) == (["settled"], ["announced"])
    tick(dt.datetime(2026, 1, 11, 14, tzinfo=SHANGHAI))
    assert (states(here), states(there)) == (["settled"], ["settled"])
    for world in (there, here):
        _post(world, Period.objects.get(pool=world.pool))
    assert balances(book_of(here.pool))["110"] == 10_800_006
    assert balances(book_of(there.pool))["110"] == 32_400
    for world, count in ((here, 7), (there, 3)):
        assert Charge.objects.filter(pool_id=world.pool.pk).count() == count
        assert_books_true(world.pool)


def test_aid_without_anybody_to_share_it_is_an_explicit_refusal(db: None) -> None:
    world = World.founded(members=0)
    world.award(500)
    period = world.settled_period()
    assert period.headcount == 0
    with pytest.raises(NoPayersError) as caught:
        services.compute_shares(period=period, preparer=world.admin.code, at=clock.now())
    assert caught.value.extra == {"shortfall_fen": 540}
    assert states(world) == ["settled"]


def test_period_without_members_and_cases_is_posted_empty(db: None) -> None:
    world = World.founded(members=0)
    period = world.posted_period()
    assert (period.state, period.charged_members, period.charged_fen) == ("posted", 0, 0)
    assert balances(book_of(world.pool)) == {}
