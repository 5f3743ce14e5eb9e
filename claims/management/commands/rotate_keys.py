"""Wrap the keys of all papers by the current AID_DATA_KEY; their sealed bytes stay as they are."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from aidplatform.lib.crypto import UnreadableError
from claims.filing import keys


class Command(BaseCommand):
    """Exit code 0: every paper is under the current key. 1: a key is missing; what came before it is done."""

    help = (
        "Wraps the keys of all papers by AID_DATA_KEY, where an earlier one from AID_DATA_KEYS_BEFORE wraps them."
        " May be stopped and run again."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Rotate, and say how many."""
        done = 0
        try:
            for some in keys.rewrap_papers(actor="operator"):
                done += some
        except UnreadableError as error:
            raise CommandError(
                f"{done} papers are under the current key now; the next one is {error}."
            ) from None
        self.stdout.write(f"{done} papers were wrapped anew; all are under the current key.")
