"""Recompute a jury's draw and verdict from the log and the published list."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from claims.jury.published import verify_published
from ledger.books.findings import Report
from ledger.management.verdict import judge
from ledger.openbooks.draw_verify import SENTENCES


class Command(BaseCommand):
    """Exit code 0: every statement is true. 1: one is false, with the two values. 2: it could not be checked."""

    help = (
        "Computes the draw of a jury again, from the entries of the log and the list that the pool publishes: list,"
        " witnesses, seed, places, reserves, ballots, verdict. CODE: the case as the log names it, or the code of the"
        " claim. Exit code 0: all true, 1: a statement is false, 2: could not check."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the case and the form of the answer."""
        parser.add_argument("case", metavar="CODE")
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Check, print, and leave with the code that says what was found."""
        report = Report.of(SENTENCES)

        def check() -> None:
            verify_published(report, options["case"])

        sys.exit(judge(report, check, self.stdout, is_json=options["json"]))
