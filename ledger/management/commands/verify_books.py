"""Recompute books, log and periods from their rows, and say where a statement is false."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from ledger.management.verdict import judge
from ledger.verification.statements import new_report, verify_everything


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
