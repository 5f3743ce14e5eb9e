"""Recompute books, log and periods from their rows, and say where a statement is false."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from ledger.books import verify as books
from ledger.books.findings import Report, fetch
from ledger.custody import (
    arrears_verify,
    charge_verify,
    cost_verify,
    share_return_verify,
    wallet_verify,
    write_off_verify,
)
from ledger.custody import verify as custody
from ledger.leaving import verify as leaving
from ledger.management.verdict import judge
from ledger.openbooks import verify as openbooks
from ledger.sharing import verify as sharing
from ledger.sharing.verify.rows import PoolRow


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
        report = new_report()
        code = options["pool"]
        sys.exit(judge(report, lambda: verify_everything(report, code), self.stdout, is_json=options["json"]))


def new_report() -> Report:
    """Return a report of all statements, none of them examined yet."""
    return Report.of(
        openbooks.SENTENCES,
        books.SENTENCES,
        sharing.SENTENCES,
        custody.SENTENCES,
        wallet_verify.SENTENCES,
        write_off_verify.SENTENCES,
        share_return_verify.SENTENCES,
        cost_verify.SENTENCES,
        arrears_verify.SENTENCES,
        charge_verify.SENTENCES,
        leaving.SENTENCES,
    )


def verify_everything(report: Report, code: str | None) -> None:
    """Hold every pool, or one, against all statements.

    Raises: LookupError for a pool that does not exist; DatabaseError when something can't be read.
    """
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
            leaving.verify_ends(report, pool_id, pool_code, zone)


POOLS = """
    SELECT p.id, b.code, p.time_zone, b.id, g.id FROM ledger_book b
      LEFT JOIN members_pool p ON p.code = b.code LEFT JOIN ledger_log g ON g.code = b.code
     WHERE %(pool)s::text IS NULL OR b.code = %(pool)s ORDER BY b.code"""
