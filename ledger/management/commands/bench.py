"""Measure the main job, what is read of it, or other ways of doing it, on a database made for it."""

import json
import os
import sys
from dataclasses import fields
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from aidplatform.embedded.scratch import PREFIX
from aidplatform.embedded.services import in_database
from ledger.custody.statement_parts import MOST_LINES
from ledger.management.bench_books import BOOKS_BARS, books
from ledger.management.bench_debits import DEBITS_BARS, charge_file
from ledger.management.bench_kinds import BARS, KINDS, Options, median
from ledger.management.bench_pages import PAGES_BARS, pages
from ledger.management.bench_proofs import PROOFS_BARS, proofs
from ledger.management.benchmark import Benchmark, Figures

_KINDS = KINDS | {"pages": pages, "charge_file": charge_file, "books": books, "proofs": proofs}
_BARS = BARS | {"pages": PAGES_BARS, "charge_file": DEBITS_BARS, "books": BOOKS_BARS, "proofs": PROOFS_BARS}


class Command(BaseCommand):
    """manage.py gives it an installation of its own: it refuses to run in any other."""

    help = (
        "Measures against the floor (constant INSERT … SELECT from the same spans, key, ATTACH): apportion, the"
        " whole job by real workers; preview, the dry run; verify, the check of a posted period; naive, two usual"
        " ways of the ORM on a sample; statement, a member's charges; export, all charges as a file from the web"
        " server; charge_file, the debits of everybody as a file; pages, a member's latest charge and home from it,"
        " by eight at once and during a posting; books, statements of what members transferred and the pages of the"
        " ledger and of custody after them, the statements also against a bare COPY of the same rows; proofs, the rolls"
        " of a period, their files, a member's proof and what checking both takes."
        " Uses a scratch database on the server of AID_DATABASE_ADMIN_URL, else a PostgreSQL of its own."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Take what to measure, and how much of it."""
        parser.add_argument("what", choices=_KINDS)
        parser.add_argument("--members", type=int, required=True)
        parser.add_argument("--workers", type=int, default=1, help="worker processes (1)")
        parser.add_argument(
            "--runs", type=int, default=3, help="floors and what is measured, alternating; medians count (3)"
        )
        parser.add_argument("--classes", type=int, default=1, help="classes of members (1)")
        parser.add_argument(
            "--sample", type=int, default=20_000, help="naive: members charged by the ORM (20000)"
        )
        parser.add_argument(
            "--periods", type=int, default=72, help="statement, pages, books: periods of the past (72)"
        )
        parser.add_argument(
            "--lines", type=int, default=MOST_LINES, help=f"books: bookings of a file at most ({MOST_LINES})"
        )
        parser.add_argument("--folder", help="where its PostgreSQL writes; the system's temporary folder")
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Set up, measure, print."""
        if not str(connection.settings_dict["NAME"]).startswith(PREFIX):
            raise CommandError("bench runs on a scratch database only; start it as: python manage.py bench …")
        for name, least, most in (
            ("members", 1, 10**9),
            ("workers", 1, 64),
            ("runs", 1, 99),
            ("classes", 1, 64),
            ("sample", 100, 10**6),
            ("periods", 1, 120),
            ("lines", 10, MOST_LINES),
        ):
            if not least <= options[name] <= most:
                raise CommandError(f"--{name} is {options[name]}; it goes from {least} to {most}.")
        what = options["what"]
        figures = Figures(options["members"], options["workers"], options["classes"])
        bench = Benchmark(figures, os.environ["AID_DATABASE_OWNER_URL"], _admin_url(), self._say)
        try:
            bench.set_up()
            found = _KINDS[what](bench, Options(**{one.name: options[one.name] for one in fields(Options)}))
        finally:
            bench.close()
        answer = _common(what, figures) | found
        bars = _BARS[what]
        self.stdout.write(json.dumps(answer | {"bars": bars}) if options["json"] else _table(answer, bars))

    def _say(self, line: str) -> None:
        print(line, file=sys.stderr, flush=True)  # noqa: T201 - progress, apart from the answer


def _admin_url() -> str:
    """Return the administrator's address, on the scratch database."""
    return in_database(os.environ["AID_DATABASE_ADMIN_URL"], str(connection.settings_dict["NAME"]))


def _common(what: str, figures: Figures) -> dict[str, Any]:
    """Return what every measurement says of itself."""
    common: dict[str, Any] = {
        "what": what,
        "members": figures.members,
        "workers": figures.workers,
        "classes": figures.classes,
    }
    if figures.floor_seconds:
        common |= {"runs": len(figures.floor_seconds), "floor_seconds": median(figures.floor_seconds)}
    return common


def _table(answer: dict[str, Any], bars: dict[str, str]) -> str:
    """Return the object as lines a person reads: megabytes, thousands, one figure a line, its bar behind it."""
    width = max(len(name) for name in answer)
    lines = []
    for name, value in answer.items():
        if name.endswith("_bytes") and isinstance(value, int | float):
            shown = f"{value / 1e6:,.1f} MB"
        elif isinstance(value, int):
            shown = f"{value:,}"
        elif isinstance(value, dict):
            shown = ", ".join(f"{key} {part}" for key, part in value.items())
        elif isinstance(value, list):
            shown = ", ".join(f"{part}" for part in value)
        else:
            shown = str(value)
        bar = f"  (bar {bars[name]})" if name in bars else ""
        lines.append(f"{name.replace('_', ' '):<{width}}  {shown}{bar}")
    return "\n".join(lines)
