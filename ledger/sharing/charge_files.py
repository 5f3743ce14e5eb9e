"""The charges of a posted period as a file: made in the database, a block of members at a time.

The lines are put together by PostgreSQL, because a row at a time through Python is several times slower and a
hundred million of them must pass. A block is a range of ids, so that neither side ever holds more than one or two.
The blocks of a shard come by one COPY: the database makes the next ones while one is on its way to the reader, and
waits where the reader is slow. Charges are never changed, so the same file comes out each time.
"""

from collections.abc import Iterator

from django.db import connection

from aidplatform.lib.csv_files import plain_fen
from ledger.sharing.figures import class_figures
from ledger.sharing.models import Period

BLOCK_IDS = 20_000
#: Shares whose text is written once instead of once per member: those of the largest classes.
_READY = 8

# Both tables are bounded by the block: the planner then reads a range of each, instead of looking up every number.
_LINES = """
    COPY (SELECT block.lines FROM generate_series(%(first)s, %(end)s - 1, %(step)s) low
           CROSS JOIN LATERAL (
             SELECT string_agg(m.number || CASE c.share_fen {ready}
                      ELSE ',' || c.share_fen / 100 || '.' || lpad((c.share_fen %% 100)::text, 2, '0') || E'\\r\\n'
                    END, '' ORDER BY c.membership_id) AS lines
               FROM ledger_charge c JOIN members_membership m ON m.id = c.membership_id
              WHERE c.pool_id = %(pool)s AND c.period_no = %(number)s
                AND c.membership_id >= low AND c.membership_id < least(low + %(step)s, %(end)s)
                AND m.id >= low AND m.id < least(low + %(step)s, %(end)s)) block
           WHERE block.lines IS NOT NULL) TO STDOUT (FORMAT binary)"""


def charge_lines(period: Period) -> Iterator[str]:
    """Yield the lines of a posted period's charges, `number,share`, in the order in which members came."""
    statement = _LINES.format(ready=_ready(period))
    for first_id, end_id in period.manifest.order_by("first_id").values_list("first_id", "end_id"):
        asked = {"pool": period.pool_id, "number": period.number, "first": first_id, "end": end_id}
        with connection.cursor() as cursor, cursor.copy(statement, asked | {"step": BLOCK_IDS}) as copy:
            copy.set_types(["text"])
            for (lines,) in copy.rows():
                yield lines


def _ready(period: Period) -> str:
    """Return the branches that know the text of the shares most members owe."""
    classes = sorted(class_figures(period.classes or []), key=lambda row: -row.members)
    shares = dict.fromkeys(row.share_fen for row in classes if row.members)
    return " ".join(f"WHEN {fen} THEN E',{plain_fen(fen)}\\r\\n'" for fen in list(shares)[:_READY] or [0])
