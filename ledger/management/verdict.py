"""How a verification is run, printed and judged: one snapshot, one report, one exit code."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import OutputWrapper
from django.db import Error as DatabaseError
from django.db import connection, transaction

from ledger.books.findings import KEEP, Report

TRUE, FALSE, UNCHECKED = 0, 1, 2
RESULTS = {
    TRUE: "All statements are true.",
    FALSE: "A statement is false. Post nothing further before it is explained.",
    UNCHECKED: "Not everything could be checked; nothing is said about what was not.",
}


def judge(report: Report, check: Callable[[], None], out: OutputWrapper, *, is_json: bool) -> int:
    """Run the checks, print what they found, and return the exit code; what can't be read is no "true"."""
    try:
        with one_snapshot():
            check()
    except (DatabaseError, LookupError, ValueError, TypeError) as error:
        first_line = (str(error).strip().splitlines() or [""])[0]
        report.unchecked.append(f"{type(error).__name__}: {first_line}")
    code = FALSE if report.is_false else UNCHECKED if report.unchecked else TRUE
    if is_json:
        out.write(json.dumps(_as_json(report, code), ensure_ascii=False))
    else:
        _print(report, code, out)
    return code


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


def _print(report: Report, code: int, out: OutputWrapper) -> None:
    for name, statement in report.statements.items():
        mark = "FALSE" if statement.false else "true " if statement.examined else "     "
        out.write(f"{mark}  {name}: {statement.sentence} [{statement.examined:,} checked]")
        for finding in statement.findings:
            out.write(f"       {finding.where}: must be {finding.expected}; is {finding.found}")
        if statement.false > KEEP:
            out.write(f"       … false in {statement.false:,} places")
    for reason in report.unchecked:
        out.write(f"COULD NOT CHECK  {reason}")
    out.write(RESULTS[code])


def _as_json(report: Report, code: int) -> dict[str, Any]:
    return {
        "result": {TRUE: "true", FALSE: "false", UNCHECKED: "could not check"}[code],
        "statements": [
            {
                "code": name,
                "sentence": statement.sentence,
                "checked": statement.examined,
                "false": statement.false,
                "findings": [vars(finding) for finding in statement.findings],
            }
            for name, statement in report.statements.items()
        ],
        "unchecked": report.unchecked,
    }
