"""Destroy the keys of one claim's papers, so that nobody can read them any more."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from aidplatform.lib.errors import DomainError
from claims.filing import keys
from claims.filing.models import Claim


class Command(BaseCommand):
    """Exit code 0: they are erased. 1: the claim is absent, or its papers may still be needed."""

    help = "Destroys the keys of a claim's papers once nothing can follow for it any more; the rows stay."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the claim and why."""
        parser.add_argument("claim", help="the claim's code, CL-…")
        parser.add_argument(
            "--because", required=True, help="why, for the audit trail: a code word, no names"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Erase, and say how many."""
        claim = Claim.objects.filter(code=options["claim"]).first()
        if claim is None:
            raise CommandError(f"There is no claim {options['claim']}.")
        try:
            number = keys.erase_papers(claim=claim, actor="operator", reason=options["because"])
        except DomainError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{number} papers were erased.")
