"""Quiet hours on the clock of a zone: pure, so that the days on which clocks change can be read as a table."""

import datetime as dt
from zoneinfo import ZoneInfo


def quiet_ends_at(at: dt.datetime, zone: str, from_hour: int, to_hour: int) -> dt.datetime | None:
    """Return the instant (UTC) at which the quiet hours around `at` end; None: it lies in none.

    from_hour > to_hour: they cross midnight. An end that the clocks skip is the moment of the change; one that comes
    twice is the first.
    """
    local = at.astimezone(ZoneInfo(zone))
    if from_hour < to_hour:
        is_quiet, day = from_hour <= local.hour < to_hour, local.date()
    else:
        is_quiet = local.hour >= from_hour or local.hour < to_hour
        day = local.date() + dt.timedelta(days=1 if local.hour >= from_hour else 0)
    if not is_quiet:
        return None
    return dt.datetime.combine(day, dt.time(to_hour), tzinfo=ZoneInfo(zone)).astimezone(dt.UTC)
