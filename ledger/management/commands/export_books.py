"""Write a pool's books as a journal that other people's accounting tools read and check."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ledger.books.models import Book
from ledger.exports.journals import WRITERS
from ledger.exports.selectors import ALL_DAYS, days_of, journal_of
from ledger.sharing.models import Period


class Command(BaseCommand):
    """Reads only. One pool, or all of them one after the other in one file."""

    help = (
        "Writes the books in the format of beancount or hledger, with the bank's closing balances as assertions."
        " Check the file with: bean-check FILE, or: LC_ALL=C.UTF-8 hledger check --strict -f FILE"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the format, what of the books, and where to."""
        parser.add_argument("--format", choices=sorted(WRITERS), required=True)
        parser.add_argument("--pool", metavar="CODE", help="this pool only")
        parser.add_argument(
            "--period",
            metavar="N",
            type=int,
            help="the days of that period of the pool, with balances before",
        )
        parser.add_argument("--output", metavar="FILE", type=Path, help="a file instead of standard output")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Write, a line at a time.

        Raises: CommandError for a pool or period that is not there, or a file that cannot be written.
        """
        books = _books(options["pool"])
        days = ALL_DAYS
        if options["period"] is not None:
            days = days_of(_period(options["pool"], options["period"]))
        lines = (line for book in books for line in WRITERS[options["format"]](journal_of(book, days)))
        if options["output"] is None:
            for line in lines:
                self.stdout.write(line, ending="")
            return
        try:
            with options["output"].open("w", encoding="utf-8") as file:
                file.writelines(lines)
        except OSError as error:
            raise CommandError(f"{options['output']} cannot be written: {error.strerror}") from error


def _books(code: str | None) -> list[Book]:
    books = list(Book.objects.filter(**({} if code is None else {"code": code})).order_by("code"))
    if code is not None and not books:
        raise CommandError(f"there is no pool {code}")
    return books


def _period(code: str | None, number: int) -> Period:
    """Return the period. Raises: CommandError."""
    if code is None:
        raise CommandError("--period needs --pool: each pool has periods of its own")
    period = Period.objects.filter(pool__code=code, number=number).first()
    if period is None:
        raise CommandError(f"{code} has no period {number}")
    return period
