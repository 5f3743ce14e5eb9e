"""When the sweep last ran: the evidence that a scheduler ticks and a worker listens.

Kept as one entry of the database cache, because it is a hint about processes and no record: losing it costs one
tick.
"""

from django.core.cache import cache
from django.db import connection

_KEY = "work.last_sweep"


def note_sweep() -> None:
    """Remember that the sweep has just run, by the database's clock."""
    cache.set(_KEY, _database_seconds(), None)


def seconds_since_sweep() -> float | None:
    """Return how long ago the sweep last ran; None when it is not known to have run."""
    noted = cache.get(_KEY)
    return None if noted is None else max(0.0, _database_seconds() - noted)


def _database_seconds() -> float:
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())::float8")
        seconds: float = cursor.fetchone()[0]
    return seconds
