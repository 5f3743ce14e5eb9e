"""Which errors of the database are worth doing the same again, and statements that may take long."""

import datetime as dt

import pytest
from django.db import DatabaseError, IntegrityError, OperationalError, connection, transaction

from aidplatform.lib.db import (
    _copied,
    as_unavailable,
    copy_rows,
    is_retryable,
    long_transaction,
    scalar,
    sqlstate,
)


def _error(code: str) -> DatabaseError:
    with pytest.raises(DatabaseError) as caught, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{code}', MESSAGE = 'x'; END $$")
    return caught.value


@pytest.mark.parametrize("code", ["40001", "40P01", "55P03"])
def test_lost_locks_and_deadlocks_are_retryable(db: None, code: str) -> None:
    error = _error(code)
    assert sqlstate(error) == code
    assert is_retryable(error)


@pytest.mark.parametrize("code", ["40P01", "55P03"])
def test_who_is_in_each_others_way_is_told_so(db: None, code: str) -> None:
    error = _error(code)
    assert isinstance(error, OperationalError)
    refusal = as_unavailable(error)
    assert (refusal.status, refusal.code) == (503, "busy")
    assert "at this moment" in str(refusal)
    assert as_unavailable(OperationalError("server closed the connection")).code == "unavailable"


@pytest.mark.parametrize("code", ["23505", "23514", "42501", "22012"])
def test_refusals_and_faults_are_not_retryable(db: None, code: str) -> None:
    assert not is_retryable(_error(code))


def test_broken_connection_is_retryable() -> None:
    assert is_retryable(OperationalError("server closed the connection unexpectedly"))
    assert not is_retryable(IntegrityError("x"))
    assert sqlstate(ValueError("x")) == ""


def test_long_transaction_lifts_the_limits_inside_only(db: None) -> None:
    before = scalar("SHOW idle_in_transaction_session_timeout")
    assert before == "1min"
    with long_transaction():
        assert scalar("SHOW statement_timeout") == "0"
        assert scalar("SHOW idle_in_transaction_session_timeout") == "0"


def test_locks_are_waited_for_15_seconds_at_most(db: None) -> None:
    assert scalar("SHOW lock_timeout") == "15s"


def test_scalar_returns_the_one_figure_or_none(db: None) -> None:
    assert scalar("SELECT 5 + %s", [3]) == 8
    assert scalar("SELECT 1 WHERE false") is None


def test_rows_are_copied_as_they_are(db: None) -> None:
    """What COPY writes by letters of its own arrives as it was: tabs, ends of lines, backslashes, nothing at all."""
    said = ["a\tb\nc\r\\d \\N", "", "\\.", "互助", "\\x41", "\\"]
    at = dt.datetime(2026, 2, 1, tzinfo=dt.UTC)
    columns = ("at", "actor", "action", "subject", "detail")
    copy_rows(
        "work_auditentry", columns, ((at, "test", f"copy {n}", text, "{}") for n, text in enumerate(said))
    )
    copy_rows("work_auditentry", columns, [])
    with connection.cursor() as cursor:
        cursor.execute("SELECT at, subject FROM work_auditentry WHERE actor = 'test' ORDER BY action")
        assert cursor.fetchall() == [(at, text) for text in said]


@pytest.mark.parametrize(
    ("value", "text"), [(None, r"\N"), (b"\x00\\", r"\\x005c"), (2**53, "9007199254740992")]
)
def test_values_are_copied_as_postgresql_writes_them(value: object, text: str) -> None:
    assert _copied(value) == text


def test_what_refuses_a_copy_is_an_error_of_the_database(db: None) -> None:
    with pytest.raises(IntegrityError, match="actor"), transaction.atomic():
        copy_rows("work_auditentry", ("at", "actor"), [(dt.datetime(2026, 2, 1, tzinfo=dt.UTC), None)])
