"""What a refused attempt comes to once the guarantee that refused it is gone.

An attempt that something else would have stopped as well proves nothing about the guarantee in whose name it was
refused. With AID_DROP_GUARANTEES naming a file, `refusals.refused` does each attempt again, after its guard has lost
that one refusal, and a line of the file says what came of it. Guards only: dropping a constraint waits for the lock
that the attempt's own transaction holds.
"""

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import psycopg
from django.db import DatabaseError, connection, transaction

SUCCEEDED = "succeeded"
_OF_SAVEPOINTS = ("SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT")
_INSERT = re.compile(r'INSERT INTO "?(\w+)"?', re.IGNORECASE)


@dataclass
class Statement:
    """A statement as it was sent. ids: the table it inserted into, and the first id that was given there."""

    sql: str
    parameters: Any
    is_many: bool
    ids: tuple[str, int] | None = None


def report() -> Path | None:
    """Return the file for what is found; None: attempts are not done again."""
    path = os.environ.get("AID_DROP_GUARANTEES")
    return Path(path) if path else None


@contextmanager
def recorded() -> Iterator[list[Statement]]:
    """Note the statements that the block sends."""
    statements: list[Statement] = []

    def note(
        execute: Callable[..., Any], sql: str, parameters: Any, many: bool, context: dict[str, Any]
    ) -> Any:
        if sql.startswith(_OF_SAVEPOINTS):
            return execute(sql, parameters, many, context)
        statements.append(Statement(sql, parameters, many))
        answer = execute(sql, parameters, many, context)
        statements[-1].ids = _given_ids(sql, context["cursor"].cursor.pgresult)
        return answer

    with connection.execute_wrapper(note):
        yield statements


def _given_ids(sql: str, result: Any) -> tuple[str, int] | None:
    """Return the table and the first id of an INSERT that answers with ids."""
    table = _INSERT.match(sql.strip())
    if table is None or result is None or not result.ntuples or result.fname(0) != b"id":
        return None
    return table[1], min(int(result.get_value(row, 0)) for row in range(result.ntuples))


def try_without(name: str, statements: list[Statement]) -> None:
    """Do an attempt again while no guard refuses in that name, and write down what came of it; nothing of it stays.

    Where another guard refuses then, that one is dropped as well, and so on: `dropped` names all of them.
    """
    path, dropped, outcome = report(), [name], ""
    assert path is not None
    with ExitStack() as stack:
        while stack.enter_context(_without(dropped[-1])):
            outcome = _outcome(statements)
            if outcome == SUCCEEDED or outcome in dropped:
                break
            dropped.append(outcome)
    if not outcome:
        return
    line = {
        "guarantee": name,
        "outcome": outcome,
        "dropped": dropped if outcome == SUCCEEDED else dropped[:-1],
        "attempt": statements[-1].sql,
        "test": os.environ.get("PYTEST_CURRENT_TEST", "").split(" ")[0],
    }
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


class _UndoneError(Exception):
    """Ends the savepoint of an attempt that succeeded."""


def _outcome(statements: list[Statement]) -> str:
    """Return SUCCEEDED, the guarantee that refuses now, or the error."""
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                for sent in statements:
                    _give_again(sent.ids)
                    (cursor.executemany if sent.is_many else cursor.execute)(sent.sql, sent.parameters)
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            raise _UndoneError
    except _UndoneError:
        return SUCCEEDED
    except DatabaseError as error:
        told = cast(psycopg.Error, error.__cause__).diag
        return told.constraint_name or f"{told.sqlstate} {told.message_primary}"


def _give_again(ids: tuple[str, int] | None) -> None:
    """Let a table give the same ids again: what follows in the attempt names them, and nobody else has them."""
    if ids:
        with psycopg.connect(**_as_owner(), autocommit=True) as owner:
            owner.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s, false)", ids)


@contextmanager
def _without(name: str) -> Iterator[bool]:
    """Take the refusals in that name out of every function; yields whether there were any. They are back afterwards."""
    with psycopg.connect(**_as_owner(), autocommit=True) as owner:
        found = owner.execute(
            "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE prosrc LIKE %s", [f"%CONSTRAINT = '{name}'%"]
        ).fetchall()
        try:
            for (definition,) in found:
                owner.execute(_silenced(definition, name))
            yield bool(found)
        finally:
            for (definition,) in found:
                owner.execute(definition)


def _silenced(definition: str, name: str) -> str:
    """Return a function without its refusals in that name; what would have ended with one returns its row."""
    refusal = re.compile(
        rf"RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = '{name}', MESSAGE = (?:'(?:[^']|'')*'|[^';])*;"
    )
    text, count = refusal.subn("NULL;", definition)
    assert count, f"{name} refuses in a way of its own"
    return (
        re.sub(r"END;?\s*(\$\w*\$)\s*$", r"RETURN COALESCE(NEW, OLD); END; \1", text)
        if _is_trigger(text)
        else text
    )


def _is_trigger(definition: str) -> bool:
    return "RETURNS trigger" in definition


def _as_owner() -> dict[str, Any]:
    """Return where the test's own database is, for its owner."""
    found = psycopg.conninfo.conninfo_to_dict(os.environ["AID_DATABASE_OWNER_URL"])
    return found | {"dbname": str(connection.settings_dict["NAME"])}
