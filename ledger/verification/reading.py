"""How a verification reads: one snapshot, and what cannot be read is noted, never taken for true."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import Error as DatabaseError
from django.db import connection, transaction

from ledger.books.findings import Report


def look(report: Report, check: Callable[[], None]) -> None:
    """Run the checks on one snapshot; what can't be read is noted as unchecked."""
    try:
        with one_snapshot():
            check()
    except (DatabaseError, LookupError, ValueError, TypeError) as error:
        first_line = (str(error).strip().splitlines() or [""])[0]
        report.unchecked.append(f"{type(error).__name__}: {first_line}")


@contextmanager
def one_snapshot() -> Iterator[None]:
    """Let everything inside see the database as of one instant, and take its time."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            cursor.execute("SET LOCAL statement_timeout = 0")
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            # Compiling statements costs more than it saves on all but the largest pools.
            cursor.execute("SET LOCAL jit = off")
        yield
