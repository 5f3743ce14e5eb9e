"""Rebuild balances, rates and a member's bills from a pool's log alone, and hold the books against them."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from ledger.books.findings import Report
from ledger.management.verdict import judge
from ledger.verification.replay import BILLS, SENTENCES, Certificate, Replayed, verify_replay
from ledger.verification.statements import pool_row


class Command(BaseCommand):
    """Exit code 0: every statement is true. 1: one is false, with the two figures. 2: it could not be checked."""

    help = (
        "Replays the log of a pool and nothing else: the balance of every account and the share of every class; with"
        " a member's own proof and the number of their document every bill of theirs, too. Holds the books against"
        " it. Exit code 0: all true, 1: a statement is false, 2: could not check."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the pool, a member's proof and the form of the answer."""
        parser.add_argument("pool", metavar="CODE")
        parser.add_argument("--proof", metavar="FILE", type=Path, help="a member's own proof of any period")
        parser.add_argument("--id", metavar="DOCUMENT", default="", help="the number of their document")
        parser.add_argument("--balances", action="store_true", help="print what the log alone tells")
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Replay, compare, print, and leave with the code that says what was found."""
        proof, told = options["proof"], list[Replayed]()
        report = Report.of({code: SENTENCES[code] for code in SENTENCES if proof or code != BILLS})

        def check() -> None:
            certificate = _certificate(proof, options["id"]) if proof else None
            told.append(verify_replay(report, pool_row(options["pool"]), certificate))

        code = judge(report, check, self.stdout, is_json=options["json"])
        if options["balances"] and not options["json"]:
            for replayed in told:
                self._print(replayed)
        sys.exit(code)

    def _print(self, replayed: Replayed) -> None:
        for account in sorted({account for account, _side in replayed.balances}):
            debit, credit = (replayed.balances[account, side] for side in "DC")
            self.stdout.write(f"{account}: debits {debit}, credits {credit}, balance {debit - credit}")


def _certificate(proof: Path, document: str) -> Certificate:
    """Read a member's proof. Raises: LookupError where there is no such file, ValueError for another one."""
    try:
        return Certificate.read(proof.read_text(), document)
    except OSError as error:
        raise LookupError(f"{proof}: {error.strerror}") from None
