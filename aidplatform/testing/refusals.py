"""What the database refuses, asked for by its name, as an insider with the application's password would try."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction
from psycopg import errors

from aidplatform.testing import dropping


def run(sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Run a statement as aid_app and return its rows."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters or None)
        return list(cursor.fetchall()) if cursor.description else []


def value(sql: str, *parameters: Any) -> Any:
    """Run a statement as aid_app and return its one figure."""
    return run(sql, *parameters)[0][0]


def fire_deferred() -> None:
    """Make the deferred guards judge now, as a commit would, and wait for the commit again."""
    run("SET CONSTRAINTS ALL IMMEDIATE")
    run("SET CONSTRAINTS ALL DEFERRED")


@contextmanager
def about(what: object) -> Iterator[None]:
    """Say in a failure which of many it was: one set-up for all of them is quicker than one for each."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"about {what}")
        raise


@contextmanager
def refused(name: str) -> Iterator[pytest.ExceptionInfo[DatabaseError]]:
    """Demand that the block is refused in this guarantee's name; what it did is undone. Gives what was raised."""
    with dropping.recorded() as statements, pytest.raises(DatabaseError) as caught, transaction.atomic():
        yield caught
    cause = caught.value.__cause__
    assert isinstance(cause, psycopg.Error), caught.value
    assert cause.diag.constraint_name == name, str(cause)
    # What another connection tried in a race is not done again: its moment is gone.
    if dropping.report() and statements:
        dropping.try_without(name, statements)


@contextmanager
def refused_to_owner(owner: psycopg.Connection, name: str) -> Iterator[None]:
    """Demand the same of a connection as aid_owner."""
    with pytest.raises(psycopg.Error) as caught, owner.transaction():
        yield
    assert caught.value.diag.constraint_name == name, str(caught.value)


@contextmanager
def not_permitted() -> Iterator[None]:
    """Demand that aid_app lacks the right to do this at all."""
    with pytest.raises(DatabaseError) as caught, transaction.atomic():
        yield
    assert isinstance(caught.value.__cause__, errors.InsufficientPrivilege), str(caught.value)
