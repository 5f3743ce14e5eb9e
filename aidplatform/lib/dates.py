"""Calendar dates and instants as the reader's language writes them; machines get them by ISO 8601 elsewhere."""

import datetime as dt
import re
from zoneinfo import ZoneInfo

from django.utils.formats import date_format

_ISO = re.compile(r"\d{4}-\d{2}-\d{2}\Z")


def format_day(day: dt.date) -> str:
    """Return a date as 23 Nov 2026, in Chinese as 2026年11月23日."""
    return date_format(day, "DATE_FORMAT")


def format_instant(at: dt.datetime, zone: str) -> str:
    """Return an instant as the clocks of a zone show it, to the minute."""
    return date_format(at.astimezone(ZoneInfo(zone)), "DATETIME_FORMAT")


def spoken_day(value: object) -> object:
    """Return what is kept as the text of a date as the language writes it; anything else as it is."""
    return format_day(dt.date.fromisoformat(value)) if isinstance(value, str) and _ISO.match(value) else value
