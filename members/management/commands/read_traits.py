"""Read sex and province of earlier members off their sealed identity cards, where joining did not keep them."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from aidplatform.lib.crypto import UnreadableError
from members.joining import traits


class Command(BaseCommand):
    """Exit code 0: whatever an identity card says is known. 1: a key is missing; what came before it is done."""

    help = (
        "Reads sex and province of members who joined before they were kept, off the sealed identity card."
        " They count from the next day on. May be stopped and run again."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Read, and say of how many."""
        done = 0
        try:
            for some in traits.read_traits(actor="operator"):
                done += some
        except UnreadableError as error:
            raise CommandError(f"Of {done} members they are known now; the next card is {error}.") from None
        self.stdout.write(f"Sex and province of {done} members were read; of the others no card says them.")
