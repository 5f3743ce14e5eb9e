"""The business clock: one function of the database, days in the pool's zone."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from aidplatform.lib import clock
from aidplatform.testing.refusals import run, value
from aidplatform.testing.world import set_clock

SHANGHAI, NEW_YORK = "Asia/Shanghai", "America/New_York"


def _at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def test_now_is_one_instant_within_a_transaction(db: None) -> None:
    first = clock.now()
    run("SELECT pg_sleep(0.01)")
    assert clock.now() == first == value("SELECT now()")


def test_now_stands_still_where_the_demo_clock_is_set(db: None) -> None:
    set_clock(_at("2026-01-07T00:00"))
    assert clock.now() == _at("2026-01-07T00:00")
    set_clock(None)
    assert clock.now() == value("SELECT now()")


def test_now_runs_on_from_where_the_demo_clock_was_moved(db: None) -> None:
    run("UPDATE work_installation SET clock_at = NULL, clock_offset = interval '31 days'")
    assert clock.now() - value("SELECT now()") == dt.timedelta(days=31)


@pytest.mark.parametrize(
    ("instant", "zone", "day"),
    [
        ("2026-01-06T15:59", SHANGHAI, "2026-01-06"),
        ("2026-01-06T16:00", SHANGHAI, "2026-01-07"),
        ("2026-01-07T04:59", NEW_YORK, "2026-01-06"),
        ("2026-01-07T05:00", NEW_YORK, "2026-01-07"),
        ("2026-07-07T04:00", NEW_YORK, "2026-07-07"),
    ],
)
def test_today_is_a_day_of_the_zone(db: None, instant: str, zone: str, day: str) -> None:
    set_clock(_at(instant))
    assert clock.today(zone) == dt.date.fromisoformat(day)


@pytest.mark.parametrize(
    ("day", "zone", "instant"),
    [
        ("2026-01-07", SHANGHAI, "2026-01-06T16:00"),
        ("2026-03-08", NEW_YORK, "2026-03-08T05:00"),
        ("2026-03-09", NEW_YORK, "2026-03-09T04:00"),
        ("2026-11-01", NEW_YORK, "2026-11-01T04:00"),
        ("2026-11-02", NEW_YORK, "2026-11-02T05:00"),
        ("2026-01-07", "Asia/Kolkata", "2026-01-06T18:30"),
        # Midnight does not exist there on that day: the clocks go from 23:59 to 01:00.
        ("2026-09-06", "America/Santiago", "2026-09-06T04:00"),
    ],
)
def test_start_of_day(day: str, zone: str, instant: str) -> None:
    assert clock.start_of_day(dt.date.fromisoformat(day), zone) == _at(instant)


@pytest.mark.parametrize(
    "zone", [SHANGHAI, NEW_YORK, "Europe/Berlin", "Australia/Lord_Howe", "America/Santiago"]
)
def test_start_of_day_agrees_with_the_database(db: None, zone: str) -> None:
    """The headcount takes its instant in SQL, the calendar in Python: every day of a year must be the same."""
    days = [dt.date(2026, 1, 1) + dt.timedelta(days=n) for n in range(366)]
    rows = run("SELECT d, d::timestamp AT TIME ZONE %s FROM unnest(%s::date[]) d", zone, days)
    assert [(day, at) for day, at in rows] == [(day, clock.start_of_day(day, zone)) for day in days]


def test_start_of_day_is_where_today_changes(db: None) -> None:
    start = clock.start_of_day(dt.date(2026, 3, 8), NEW_YORK)
    set_clock(start - dt.timedelta(microseconds=1))
    assert clock.today(NEW_YORK) == dt.date(2026, 3, 7)
    set_clock(start)
    assert clock.today(NEW_YORK) == dt.date(2026, 3, 8)
    assert start.astimezone(ZoneInfo(NEW_YORK)).hour == 0
