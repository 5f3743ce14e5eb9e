"""Write everything that somebody outside needs to check a pool's books into one archive."""

from io import StringIO
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser, OutputWrapper

from ledger.books.models import Book
from ledger.exports.pack import write_pack
from ledger.management.verdict import judge
from ledger.verification.statements import new_report, verify_everything


class Command(BaseCommand):
    """Reads only. The verdict goes into the archive whatever it is: an auditor wants to see a red one most of all."""

    help = (
        "Writes books, bank, periods, rules and log of a pool into one ZIP file that can be checked without this"
        " program; it names no member."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the pool and where to."""
        parser.add_argument("--pool", metavar="CODE", required=True)
        parser.add_argument("--output", metavar="FILE", type=Path, required=True)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Verify, write, and say what was written.

        Raises: CommandError for a pool that is not there, or a file that cannot be written.
        """
        code, path = options["pool"], options["output"]
        book = Book.objects.filter(code=code).first()
        if book is None:
            raise CommandError(f"there is no pool {code}")
        said = StringIO()
        report = new_report()
        judge(report, lambda: verify_everything(report, code), OutputWrapper(said), is_json=False)
        try:
            write_pack(book, path, verdict=said.getvalue())
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}") from error
        self.stdout.write(
            f"{path}: {path.stat().st_size:,} bytes. {said.getvalue().strip().splitlines()[-1]}"
        )
