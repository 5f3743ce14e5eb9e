"""Open every paper and name each that does not open or is not what its row says."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from claims.filing import keys


class Command(BaseCommand):
    """Exit code 0: every paper opens. 1: one does not; each is named."""

    help = (
        "Opens every paper and compares its hash. Exit code 0: all are there, 1: one is not; each is named."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Open them one by one; nothing of what they hold is shown."""
        found = list(keys.unreadable_papers())
        for claim, paper, why in found:
            self.stdout.write(f"{claim} {paper}: {why}")
        self.stdout.write("Every paper opens." if not found else f"{len(found)} papers do not open.")
        sys.exit(1 if found else 0)
