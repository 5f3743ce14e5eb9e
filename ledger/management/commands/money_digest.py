"""Print one SHA-256 over all money, with a line per table, to compare two runs or a restored backup."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from ledger.digest import money_digest, total


class Command(BaseCommand):
    """Reads only; may run beside everything else, and sees one instant."""

    help = "Digests every money table; equal runs, and a run before and after a crash, give equal digests."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the form for programs."""
        parser.add_argument("--json", action="store_true", help="for programs")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print the tables, then the total."""
        digests = money_digest()
        if options["json"]:
            answer = {"tables": [asdict(digest) for digest in digests], "total": total(digests)}
            self.stdout.write(json.dumps(answer, indent=2))
            return
        for digest in digests:
            self.stdout.write(f"{digest.sha256}  {digest.lines:>9}  {digest.table}")
        self.stdout.write(f"{total(digests)}  {'':>9}  all money")
