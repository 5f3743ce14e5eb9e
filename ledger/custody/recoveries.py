"""Money that comes for written-off shares after all, and where it goes.

What members will bear for a write-off stands in To be shared until a period that is announced takes it in. Until then a
recovery takes it back out; afterwards it is the members' money that lowers the next bill.
"""

from collections.abc import Iterator

from django.db import connection

from ledger.books import chart
from ledger.books.models import Book
from ledger.books.selectors import balance_fen
from ledger.books.services import Line, credit, debit
from ledger.custody.write_off_triggers import recovered_sql
from members.pools.models import Pool

# Bears the name of the cost that it takes back, so that the next bill counts both together.
COST = "write_off"
RECOVERY = "recovery"

# Entries before the announcement of a period are its costs, whether it is computed and posted already or not.
_NOT_TAKEN_IN = """
    SELECT coalesce(sum(CASE p.side WHEN 'D' THEN p.amount_fen ELSE -p.amount_fen END), 0)::bigint
      FROM ledger_posting p JOIN ledger_journalentry e ON e.id = p.entry_id
      JOIN ledger_account a ON a.id = p.account_id LEFT JOIN ledger_journalentry r ON r.id = e.reverses_id
     WHERE e.book_id = %(book)s AND a.code = %(account)s AND coalesce(r.kind, e.kind) = %(kind)s
       AND e.number > (SELECT coalesce(max(greatest(announced_books_no, books_upto_no)), 0)
                          FROM ledger_period WHERE pool_id = %(pool)s)"""


def recovered_fen(pool: Pool) -> int:
    """Return what has been paid of written-off shares so far (fen)."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {recovered_sql('%s')}", [pool.pk])
        fen: int = cursor.fetchone()[0]
    return fen


def still_there_fen(pool: Pool, book: Book) -> int:
    """Return what of write-offs stands in To be shared and no bill has taken in yet (fen)."""
    with connection.cursor() as cursor:
        cursor.execute(
            _NOT_TAKEN_IN,
            {"book": book.pk, "account": chart.TO_BE_SHARED, "kind": COST, "pool": pool.pk},
        )
        fen: int = cursor.fetchone()[0]
    return max(0, min(fen, balance_fen(book, chart.TO_BE_SHARED)))


def entries_of(
    pool: Pool, book: Book, comes_from: str, recovered: int
) -> Iterator[tuple[str, str, list[Line]]]:
    """Yield (name, kind, lines) of the entries of a recovery (fen); below zero the bank has taken one back.

    comes_from: the account that has the money.
    """
    if recovered < 0:
        yield (
            "recovery_returned",
            COST,
            [
                debit(chart.TO_BE_SHARED, -recovered),
                credit(comes_from, -recovered),
            ],
        )
        return
    there = min(recovered, still_there_fen(pool, book)) if recovered else 0
    yield "recovery_of_costs", COST, [debit(comes_from, there), credit(chart.TO_BE_SHARED, there)]
    late = recovered - there
    yield RECOVERY, RECOVERY, [debit(comes_from, late), credit(chart.CARRIED_SURPLUS, late)]
