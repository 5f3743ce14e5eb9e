"""Calendars as tables of dates: clocks that change, leap days, a scheduler that was down, pools side by side.

Whatever the clock does, no period comes twice, none is skipped, and each begins where the one before has ended.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from aidplatform.lib import clock
from aidplatform.testing.refusals import value
from aidplatform.testing.world import World, run_jobs, set_clock
from ledger.sharing import services
from ledger.sharing.models import Period

MONTHLY = {"publicity_days": 3, "periods": [{"opening_day": 1, "publicity_day": 7, "charge_day": 14}]}
TWICE = {
    "publicity_days": 3,
    "periods": [
        {"opening_day": 1, "publicity_day": 7, "charge_day": 14},
        {"opening_day": 15, "publicity_day": 21, "charge_day": 28},
    ],
}
# Opens on the last day of each month, whichever that is.
LAST_DAY = {
    "publicity_days": 3,
    "periods": [{"opening_day": 31, "publicity_day": 31, "charge_day": 10, "charge_months_later": 1}],
}
LEAP_DAY = {
    "publicity_days": 3,
    "periods": [{"opening_day": 28, "publicity_day": 29, "charge_day": 10, "charge_months_later": 1}],
}


def tick(at: dt.datetime) -> None:
    """Let scheduler and worker act at an instant."""
    set_clock(at)
    services.advance_due(at=clock.now())
    run_jobs()


def post_settled(*worlds: World) -> None:
    """Do what people do at once: compute and approve whatever is settled."""
    for world in worlds:
        for period in world.pool.periods.filter(state=Period.State.SETTLED):
            computed = services.compute_shares(period=period, preparer=world.admin.code, at=clock.now())
            services.approve_period(
                period=computed,
                approver=world.controller.code,
                shown_sha256=computed.shown_sha256 or "",
                at=clock.now(),
            )
            run_jobs()


def require_tiled(world: World) -> list[Period]:
    """Return the pool's periods, once they are known to follow each other without a gap, each of its own midnight."""
    periods = list(world.pool.periods.order_by("number"))
    assert [period.number for period in periods] == list(range(1, len(periods) + 1))
    for one, other in pairwise(periods):
        assert one.next_opening_date == other.opening_date
    for period in periods:
        if period.as_of is not None:
            assert period.as_of.astimezone(ZoneInfo(world.pool.time_zone)).date() == period.publicity_date
            assert period.as_of == clock.start_of_day(period.publicity_date, world.pool.time_zone)
    opened = value(
        "SELECT count(*) FROM work_auditentry WHERE action = 'open_period' AND subject LIKE %s",
        f"{world.pool.code}/%",
    )
    assert opened == len(periods)
    return periods


MIDNIGHTS = [
    # zone, a day whose midnight is unusual, the instant at which it begins
    ("Africa/Cairo", "2026-04-24", "2026-04-23T22:00", "there is no 00:00, clocks jump to 01:00"),
    ("Asia/Beirut", "2026-03-29", "2026-03-28T22:00", "there is no 00:00, clocks jump to 01:00"),
    ("America/Santiago", "2026-09-06", "2026-09-06T04:00", "there is no 00:00, clocks jump to 01:00"),
    ("America/Havana", "2026-03-08", "2026-03-08T05:00", "there is no 00:00, clocks jump to 01:00"),
    ("America/Havana", "2026-11-01", "2026-11-01T05:00", "00:00 comes twice, the second counts"),
    ("Atlantic/Azores", "2026-10-25", "2026-10-25T01:00", "00:00 comes twice, the second counts"),
    ("Asia/Shanghai", "2028-02-29", "2028-02-28T16:00", "a leap day"),
    ("Pacific/Kiritimati", "2026-12-31", "2026-12-30T10:00", "fourteen hours ahead"),
    ("Pacific/Niue", "2027-01-01", "2027-01-01T11:00", "eleven hours behind"),
]


@pytest.mark.parametrize(
    ("zone", "day", "begins"), [row[:3] for row in MIDNIGHTS], ids=[f"{r[0]} {r[1]}" for r in MIDNIGHTS]
)
def test_a_day_begins_at_one_instant_for_program_and_database(
    db: None, zone: str, day: str, begins: str
) -> None:
    at = dt.datetime.fromisoformat(begins).replace(tzinfo=dt.UTC)
    assert clock.start_of_day(dt.date.fromisoformat(day), zone) == at
    assert value("SELECT %s::date::timestamp AT TIME ZONE %s", day, zone) == at


@pytest.mark.parametrize(
    ("zone", "day", "begins"),
    [row[:3] for row in MIDNIGHTS if row[1].startswith("2026") and row[1] < "2026-12"],
    ids=[f"{r[0]} {r[1]}" for r in MIDNIGHTS if r[1].startswith("2026") and r[1] < "2026-12"],
)
def test_a_headcount_is_taken_at_an_unusual_midnight(db: None, zone: str, day: str, begins: str) -> None:
    """Not a second before, and not refused at the instant itself; an hour later nothing more is due."""
    publicity, at = dt.date.fromisoformat(day), dt.datetime.fromisoformat(begins).replace(tzinfo=dt.UTC)
    charge = {"charge_day": publicity.day + 10}
    if publicity.day > 15:
        charge = {"charge_day": 5, "charge_months_later": 1}
    periods = [{"opening_day": 1, "publicity_day": publicity.day, **charge}]
    world = World.founded(members=3, time_zone=zone, calendar={"publicity_days": 1, "periods": periods})
    set_clock(at - dt.timedelta(hours=20))
    run_months(world, until=publicity.replace(day=1))
    # Where its first day is its publicity day it is not even open a second before.
    tick(at - dt.timedelta(seconds=1))
    assert not world.pool.periods.filter(publicity_date=publicity).exclude(state=Period.State.OPENED).exists()
    tick(at)
    tick(at + dt.timedelta(hours=1))
    last = require_tiled(world)[-1]
    assert (last.state, last.as_of, last.publicity_date) == (Period.State.ANNOUNCED, at, publicity)


def run_months(world: World, until: dt.date) -> None:
    """Take the pool through its periods that open before that day."""
    zone = world.pool.time_zone
    day = dt.date(2026, 1, 1)
    while day < until:
        for date in (day, *_dates(world, day)):
            tick(clock.start_of_day(date, zone))
        post_settled(world)
        day = world.pool.periods.order_by("-number").first().next_opening_date


def _dates(world: World, day: dt.date) -> tuple[dt.date, dt.date]:
    dates = world.pool.plan_versions.get().plan().calendar.period_dates(day)
    return dates.publicity_date, dates.publicity_end_date


@dataclass(frozen=True)
class Case:
    """A pool from its opening to a day, with a tick every twelve hours but for the days when no scheduler ran.

    A pool that opens after the publicity day of its calendar's period keeps its first one until the end of the next.
    """

    calendar: dict[str, object]
    zone: str
    until: str
    openings: Sequence[str]
    down: Sequence[tuple[str, str]] = field(default_factory=tuple)


CASES = {
    "a scheduler down for the week of the publicity": Case(
        MONTHLY,
        "Asia/Shanghai",
        "2026-03-02",
        ("2026-01-01", "2026-02-01", "2026-03-01"),
        (("2026-02-05", "2026-02-13"),),
    ),
    "a scheduler down over the opening": Case(
        MONTHLY,
        "Asia/Shanghai",
        "2026-03-02",
        ("2026-01-01", "2026-02-01", "2026-03-01"),
        (("2026-01-28", "2026-02-04"),),
    ),
    "a scheduler down over the change of clocks": Case(
        TWICE,
        "America/New_York",
        "2026-03-16",
        ("2026-01-01", "2026-01-15", "2026-02-01", "2026-02-15", "2026-03-01", "2026-03-15"),
        (("2026-03-05", "2026-03-12"),),
    ),
    "two periods a month, nothing down": Case(
        TWICE,
        "Europe/Lisbon",
        "2026-04-02",
        ("2026-01-01", "2026-01-15", "2026-02-01", "2026-02-15", "2026-03-01", "2026-03-15", "2026-04-01"),
    ),
    "the last day of each month": Case(
        LAST_DAY,
        "Asia/Shanghai",
        "2026-05-01",
        ("2026-01-01", "2026-02-28", "2026-03-31", "2026-04-30"),
    ),
    "a publicity day that only leap years have": Case(
        LEAP_DAY, "Pacific/Kiritimati", "2026-04-01", ("2026-01-01", "2026-02-28", "2026-03-28")
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_no_period_comes_twice_and_none_is_skipped(db: None, case: Case) -> None:
    world = World.founded(members=3, time_zone=case.zone, calendar=case.calendar)
    zone = ZoneInfo(case.zone)
    at, until = dt.datetime(2026, 1, 1, 12, tzinfo=zone).astimezone(dt.UTC), dt.date.fromisoformat(case.until)
    while at.astimezone(zone).date() < until:
        day = at.astimezone(zone).date().isoformat()
        if not any(first <= day < end for first, end in case.down):
            tick(at)
            post_settled(world)
            tick(at)
        at += dt.timedelta(hours=12)
    openings = [period.opening_date.isoformat() for period in require_tiled(world)]
    assert openings == list(case.openings)


def test_pools_of_three_zones_and_currencies_keep_their_own_calendars_and_books(db: None) -> None:
    """One scheduler serves all three; each is frozen at its own midnight, charged in its own money, and no other's."""
    worlds = [
        World.founded(code=code, members=members, time_zone=zone, currency=currency)
        for code, members, zone, currency in (
            ("east", 7, "Pacific/Auckland", "NZD"),
            ("middle", 5, "Asia/Shanghai", "CNY"),
            ("west", 3, "America/New_York", "USD"),
        )
    ]
    for number, world in enumerate(worlds, 1):
        world.award(1_000_000 * number)
    at = dt.datetime(2026, 1, 1, 6, tzinfo=dt.UTC)
    while at < dt.datetime(2026, 2, 2, tzinfo=dt.UTC):
        tick(at)
        post_settled(*worlds)
        at += dt.timedelta(hours=6)
    frozen = [require_tiled(world)[0] for world in worlds]
    assert [period.as_of.isoformat() for period in frozen if period.as_of] == [
        "2026-01-06T11:00:00+00:00",
        "2026-01-06T16:00:00+00:00",
        "2026-01-07T05:00:00+00:00",
    ]
    assert [(p.state, p.charged_members, p.aid_fen) for p in frozen] == [
        ("posted", 7, 1_000_000),
        ("posted", 5, 2_000_000),
        ("posted", 3, 3_000_000),
    ]
    books = "SELECT string_agg(code || ' ' || currency, ', ' ORDER BY code) FROM ledger_book"
    assert value(books) == "east NZD, middle CNY, west USD"
    assert [world.pool.periods.count() for world in worlds] == [2, 2, 2]
