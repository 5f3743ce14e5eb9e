"""Create the first two administrators of a real installation."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from aidplatform.lib.errors import DomainError
from aidplatform.site import founding

HOW = """\
This installation has no administrators yet. Name two people, on this machine:

    python -m aidplatform.embedded manage first_run --email first@example.org --email second@example.org

(with services of your own: python manage.py first_run ...). Each gets a link that is good once."""


class Command(BaseCommand):
    """Prints links and nothing secret else; nobody can sign in before they are used."""

    help = "Creates two administrators and prints a one-time link for each (AID_DEMO=0, empty database)."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the two addresses, or one to renew."""
        parser.add_argument("--email", action="append", default=[], help="give it twice, for two people")
        parser.add_argument(
            "--renew", metavar="EMAIL", help="a new link for an administrator who lost theirs"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run as aid_app."""
        try:
            if options["renew"]:
                links = [founding.renew_link(email=options["renew"])]
            else:
                emails = options["email"] or self._asked()
                if not emails:
                    return
                links = founding.found_administrators(emails=emails)
        except DomainError as error:
            raise CommandError(str(error)) from error
        for link in links:
            self.stdout.write(f"{link.email}\n    {link.url}")
        self.stdout.write(
            f"Hand each link to its person yourself. It is good once, within {links[0].days} days; it asks for a"
            " password, and the first page of a duty for a second factor."
        )

    def _asked(self) -> list[str]:
        """Ask at a terminal; without one say what to run, because a start must not hang or fail on it."""
        if founding.administrators():
            raise CommandError("The administrators exist already; --renew EMAIL prints a new link.")
        if not sys.stdin.isatty():
            self.stdout.write(HOW)
            return []
        self.stdout.write("Two people become administrators; they confirm each other's grants of duties.")
        return [input(f"E-mail of the {which}: ") for which in ("first", "second")]
