"""Divide what anyone writes down: the arithmetic of the bills, open to cases of one's own."""

import json
import sys
from pathlib import Path
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ledger.sharing.apportion import ShareInputError
from ledger.sharing.sandbox import play


class Command(BaseCommand):
    """Needs no database and changes nothing."""

    help = (
        "Reads one input of the test vectors' format (also with periods), or a list of them, as JSON and prints the"
        " figures as JSON. Every bill is made by the same code. Exit 1 with the name of the field on bad input."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the file."""
        parser.add_argument(
            "--input", required=True, metavar="FILE", help="a JSON file; - reads standard input"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Read, divide, print."""
        text = _read(options["input"])
        try:
            given = json.loads(text, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise CommandError(f"bad_json: {error}") from None
        try:
            played = play(given)
        except ShareInputError as error:
            raise CommandError(f"bad_input: {error}") from None
        self.stdout.write(json.dumps(played, indent=1))


def _read(name: str) -> str:
    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        return data.decode()
    except OSError as error:
        raise CommandError(f"unreadable: {name}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise CommandError(f"unreadable: {name}: not UTF-8") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of fen")
