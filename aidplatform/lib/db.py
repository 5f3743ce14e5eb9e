"""Small helpers around the connection: locked reads, long statements, database errors worth a retry."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

from django.db import connection, models, transaction
from django.db.utils import OperationalError
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.errors import UnavailableError

# serialization_failure, deadlock_detected, lock_not_available
RETRYABLE = {"40001", "40P01", "55P03"}


def sqlstate(error: BaseException) -> str:
    """Return the five characters PostgreSQL gave the error, or an empty string."""
    return getattr(error.__cause__, "sqlstate", None) or ""


def is_retryable(error: BaseException) -> bool:
    """Tell whether doing the same again is right: a lost lock, a deadlock, a broken connection."""
    return sqlstate(error) in RETRYABLE or isinstance(error, OperationalError)


def as_unavailable(error: OperationalError) -> UnavailableError:
    """Return the refusal that a person reads: whether others were in the way, or the database is away."""
    if sqlstate(error) in RETRYABLE:
        return UnavailableError(
            _("Somebody else is changing the same thing at this moment. Nothing was changed; try again."),
            code="busy",
        )
    return UnavailableError(_("The database cannot be reached. Nothing was changed; try again."))


def texts_of(model: type[models.Model], text: str, row: str, ids: list[int]) -> dict[int, str]:
    """Return a text of each of these rows by its id, as the database writes it. One query.

    text: SQL over a row that it calls `row`, such as what an approval is hashed over.
    """
    with connection.cursor() as cursor:
        table = connection.ops.quote_name(model._meta.db_table)
        cursor.execute(f"SELECT id, {text} FROM {table} {row} WHERE id = ANY(%s)", [ids])  # noqa: S608 - fixed texts
        return dict(cursor.fetchall())


@contextmanager
def long_transaction() -> Iterator[None]:
    """Run one transaction whose statements may take as long as a large pool needs."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0")
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        yield


@contextmanager
def whole_tables() -> Iterator[None]:
    """Run statements that join tables whole by hashing, inside a transaction.

    Of rows this new the statistics know nothing, or were taken while their transaction had not ended and found none:
    the planner takes them for few and compares each with each, which for a hundred thousand takes minutes.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_nestloop = off")
        yield
        cursor.execute("SET LOCAL enable_nestloop = on")


def copy_rows(table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write rows by one COPY, several times as fast as an INSERT of arrays; the table's guards judge them all the same.

    Of texts, bytes, numbers, dates and None. Of no row nothing is sent, so that no guard sees an empty statement.
    """
    with connection.cursor() as cursor:
        lines = ("\t".join([_copied(value) for value in row]) + "\n" for row in rows)
        first = next(lines, None)
        if first is None:
            return
        with (
            connection.wrap_database_errors,
            cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy,
        ):
            copy.write(first)
            while part := "".join(islice(lines, 1000)):
                copy.write(part)


_ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _copied(value: object) -> str:
    """Return a value as the text format of COPY has it."""
    if value is None:
        return "\\N"
    if isinstance(value, bytes):
        return f"\\\\x{value.hex()}"
    if isinstance(value, str):
        return value if value.isalnum() else str(value).translate(_ESCAPED)
    return str(value)


def scalar(sql: str, parameters: list[Any] | None = None) -> object:
    """Run a statement and return its single figure."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        row = cursor.fetchone()
    return row[0] if row else None
