"""A headcount is fixed: nobody is recorded into its past, and ages are followed before it."""

import datetime as dt

from django.db import connection

from members.joining.ages import follow_ages
from members.pools.models import Pool


def fix_headcount(*, pool: Pool) -> dt.datetime:
    """Return the real instant from which no span can be recorded into the past of this headcount.

    Takes the pool's row exclusively: spans being written commit first and count, later ones come after. Whose class has
    changed with their age is moved before. Call it in the transaction that counts.
    """
    follow_ages(pool=pool)
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE members_pool SET headcount_recorded_at = clock_timestamp() WHERE id = %s
               RETURNING headcount_recorded_at""",
            [pool.pk],
        )
        recorded_at: dt.datetime = cursor.fetchone()[0]
    return recorded_at
