"""Recompute books, log and periods from their rows, and say where a statement is false."""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import Error as DatabaseError
from django.db import connection, transaction

from ledger.books import verify as books
from ledger.books.findings import KEEP, Report, fetch
from ledger.custody import verify as custody
from ledger.openbooks import verify as openbooks
from ledger.sharing import verify as sharing
from ledger.sharing.verify.rows import PoolRow

TRUE, FALSE, UNCHECKED = 0, 1, 2


class Command(BaseCommand):
    """Exit code 0: every statement is true. 1: one is false, with the two figures. 2: it could not be checked."""

    help = (
        "Recomputes books, log, headcounts, shares and charges with code of its own. Exit code 0: all true,"
        " 1: a statement is false, 2: could not check."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the pool and the form of the answer."""
        parser.add_argument("--pool", metavar="CODE", help="this pool only")
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Check, print, and leave with the code that says what was found."""
        report = Report.of(openbooks.SENTENCES, books.SENTENCES, sharing.SENTENCES, custody.SENTENCES)
        try:
            verify_everything(report, options["pool"])
        except (DatabaseError, LookupError, ValueError, TypeError) as error:
            first_line = (str(error).strip().splitlines() or [""])[0]
            report.unchecked.append(f"{type(error).__name__}: {first_line}")
        code = FALSE if report.is_false else UNCHECKED if report.unchecked else TRUE
        if options["json"]:
            self.stdout.write(json.dumps(_as_json(report, code), ensure_ascii=False))
        else:
            self._print(report, code)
        sys.exit(code)

    def _print(self, report: Report, code: int) -> None:
        for name, statement in report.statements.items():
            mark = "FALSE" if statement.false else "true " if statement.examined else "     "
            self.stdout.write(f"{mark}  {name}: {statement.sentence} [{statement.examined:,} checked]")
            for finding in statement.findings:
                self.stdout.write(f"       {finding.where}: must be {finding.expected}; is {finding.found}")
            if statement.false > KEEP:
                self.stdout.write(f"       … false in {statement.false:,} places")
        for reason in report.unchecked:
            self.stdout.write(f"COULD NOT CHECK  {reason}")
        self.stdout.write(RESULTS[code])


RESULTS = {
    TRUE: "All statements are true.",
    FALSE: "A statement is false. Post nothing further before it is explained.",
    UNCHECKED: "Not everything could be checked; nothing is said about what was not.",
}


def verify_everything(report: Report, code: str | None) -> None:
    """Hold every pool, or one, against all statements, on one snapshot of the database.

    Raises: LookupError for a pool that does not exist; DatabaseError when something can't be read.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            cursor.execute("SET LOCAL statement_timeout = 0")
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            # Compiling statements costs more than it saves on all but the largest pools.
            cursor.execute("SET LOCAL jit = off")
        found = fetch(POOLS, {"pool": code})
        if code is not None and not fetch("SELECT 1 FROM members_pool WHERE code = %(pool)s", {"pool": code}):
            raise LookupError(f"there is no pool {code}")
        openbooks.verify_pools_have_books(report, code)
        for pool_id, pool_code, zone, book_id, log_id in found:
            books.verify_book(report, book_id, pool_code)
            openbooks.verify_log(report, pool_code, book_id, log_id)
            if pool_id is not None:
                sharing.verify_sharing(report, PoolRow(pool_id, pool_code, zone, book_id, log_id))
                custody.verify_custody(report, pool_id, pool_code, book_id)


POOLS = """
    SELECT p.id, b.code, p.time_zone, b.id, g.id FROM ledger_book b
      LEFT JOIN members_pool p ON p.code = b.code LEFT JOIN ledger_log g ON g.code = b.code
     WHERE %(pool)s::text IS NULL OR b.code = %(pool)s ORDER BY b.code"""


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
