"""How often something was tried today: counts in the cache, which is a table that no crash has to survive.

They bound what masses can do; no guarantee rests on them.
"""

import datetime as dt

from django.core.cache import cache
from django.db import connection, transaction

from aidplatform.lib import crypto

# As long as any zone has the day, with a little to spare.
_LIFE_SECONDS = 3 * 24 * 60 * 60
_CONTEXT = "lib.counters"


def count_once_more(name: str, whose: str, day: dt.date) -> int:
    """Count one more of what is named, for whom or where it was, and return how many it is on that day.

    Who it is, an address perhaps, is not written down: the key is a hash under the installation's secret.
    """
    key = f"count:{name}:{day}:{crypto.blind_index(whose, _CONTEXT).hex()}"
    # Two at once would both read the same count.
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])
        count = int(cache.get(key) or 0) + 1
        cache.set(key, count, _LIFE_SECONDS)
    return count
