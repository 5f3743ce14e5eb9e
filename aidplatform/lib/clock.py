"""The business clock: one database function, so that all processes agree and a demo can move the day."""

import datetime as dt
from zoneinfo import ZoneInfo

from django.db import connection


def now() -> dt.datetime:
    """Return the business instant (aware, UTC) as the database function `aid_now()` gives it.

    Inside a transaction it is the transaction's start, so everything one service writes bears one time.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT aid_now()")
        instant: dt.datetime = cursor.fetchone()[0]
    return instant


def today(zone: str) -> dt.date:
    """Return the business date in that zone, e.g. Asia/Shanghai."""
    return day_of(now(), zone)


def day_of(instant: dt.datetime, zone: str) -> dt.date:
    """Return the date of an instant in that zone."""
    return instant.astimezone(ZoneInfo(zone)).date()


def start_of_day(day: dt.date, zone: str) -> dt.datetime:
    """Return the instant at which that date begins in that zone.

    Where clocks are changed at midnight, 00:00 may be missing (the day begins with the change) or come twice (the
    second counts): as PostgreSQL reads it, so that a step which is due here is not early there.
    """
    midnight = dt.datetime.combine(day, dt.time(), tzinfo=ZoneInfo(zone))
    return max(midnight.replace(fold=fold).astimezone(dt.UTC) for fold in (0, 1))


def machine_now() -> dt.datetime:
    """Return the clock of this machine (aware, UTC): only to compare it with the database's, never for business."""
    return dt.datetime.now(dt.UTC)
