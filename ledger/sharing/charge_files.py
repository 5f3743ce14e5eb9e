"""The charges of a posted period as a file: made in the database, a block of members at a time.

The lines are put together by PostgreSQL, because a row at a time through Python is several times slower and a
hundred million of them must pass. A block is a range of ids, so that neither side ever holds more than one. Charges
are never changed, so the same file comes out each time.
"""

from collections.abc import Iterator

from django.db import connection

from ledger.sharing.models import Period

BLOCK_IDS = 50_000

# Both tables are bounded by the block: the planner then reads a range of each, instead of looking up every number.
_LINES = """
    SELECT coalesce(string_agg(
             concat(m.number, ',', c.share_fen / 100, '.', lpad((c.share_fen %% 100)::text, 2, '0'), E'\\r\\n'), ''
             ORDER BY c.membership_id), '')
      FROM ledger_charge c JOIN members_membership m ON m.id = c.membership_id
     WHERE c.pool_id = %(pool)s AND c.period_no = %(number)s
       AND c.membership_id >= %(first)s AND c.membership_id < %(end)s AND m.id >= %(first)s AND m.id < %(end)s"""


def charge_lines(period: Period) -> Iterator[str]:
    """Yield the lines of a posted period's charges, `number,share`, in the order in which members came."""
    for first_id, end_id in period.manifest.order_by("first_id").values_list("first_id", "end_id"):
        for first in range(first_id, end_id, BLOCK_IDS):
            with connection.cursor() as cursor:
                cursor.execute(
                    _LINES,
                    {
                        "pool": period.pool_id,
                        "number": period.number,
                        "first": first,
                        "end": min(end_id, first + BLOCK_IDS),
                    },
                )
                (lines,) = cursor.fetchone()
            yield lines
