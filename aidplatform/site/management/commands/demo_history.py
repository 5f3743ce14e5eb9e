"""What a demonstration still has to do once its page is open: a year of history for its small pools."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import translation

from aidplatform.lib.errors import DomainError
from aidplatform.site.demo.start import play_history


class Command(BaseCommand):
    """Quick and silent when there is nothing to do."""

    help = "Plays the history of the demonstration, with the worker running; nothing in a real installation."
    requires_system_checks = []  # as in first_start

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Run as aid_app."""
        if not settings.DEMO:
            return
        with translation.override("en"):
            try:
                was_played = play_history()
            except DomainError as error:
                raise CommandError(str(error)) from error
        if was_played:
            self.stdout.write(
                "The history of the demonstration is played: a year of every pool, claims in every state"
            )
