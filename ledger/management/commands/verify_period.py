"""Recompute one period from its manifest, and hold every stored charge against what comes out."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from ledger.books.findings import Report
from ledger.management.verdict import judge
from ledger.sharing.verify.one_period import BY_MEMBERSHIP, SENTENCES, verify_one_period
from ledger.verification.statements import pool_row


class Command(BaseCommand):
    """Exit code 0: every statement is true. 1: one is false, with the two figures. 2: it could not be checked."""

    help = (
        "Computes one period again from its manifest, plan and awards, and looks at every charge: shard by shard,"
        " membership by membership; with --sums at number and sum of the charges of each shard. Exit code 0: all"
        " true, 1: a statement is false, 2: could not check."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the period and the form of the answer."""
        parser.add_argument("--pool", metavar="CODE", required=True)
        parser.add_argument("--number", metavar="N", type=int, required=True)
        parser.add_argument(
            "--sums", action="store_true", help="number and sum of the charges per shard, not each charge"
        )
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Check, print, and leave with the code that says what was found."""
        by_sums = options["sums"]
        report = Report.of(
            {code: SENTENCES[code] for code in SENTENCES if not (by_sums and code in BY_MEMBERSHIP)}
        )

        def check() -> None:
            verify_one_period(report, pool_row(options["pool"]), options["number"], by_sums=by_sums)

        sys.exit(judge(report, check, self.stdout, is_json=options["json"]))
