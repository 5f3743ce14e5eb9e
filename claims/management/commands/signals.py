"""Measure the signals on made-up claims, or on a file of claims of which it is known what they are."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from claims.review.signal_files import BadLineError, Case, read_lines, to_line
from claims.review.signal_generator import BASE_RATES, CALIBRATION_SEED, KINDS, generate
from claims.review.signal_held_out import HELD_OUT
from claims.review.signal_measure import LEAST_RECALL, MOST_HONEST, Measured, measure
from claims.review.signal_versions import CURRENT, VERSIONS

SEED = 20260201
HOLD, BROKEN, BAD = 0, 1, 2


class Command(BaseCommand):
    """Needs no database and changes nothing. Exit code 0: the bars hold; 1: one does not; 2: bad input, named."""

    help = (
        "generate writes made-up claims as lines of JSON, three in a hundred fraud of twelve kinds and some of two"
        " further kinds; evaluate judges them, or those of --input, by a version of the limits and prints recall and"
        " precision for each kind, how many honest claims are flagged, and how often honest ones show each signal."
        " Exit 0 if recall is at least 95 % and at most 5 % of the honest are flagged, else 1; 2 on bad input."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Take what to do, with how many claims and from which seed."""
        parser.add_argument("what", choices=("generate", "evaluate"))
        parser.add_argument(
            "--count", type=int, default=10_000, help="claims without the held-out kinds (10000)"
        )
        parser.add_argument("--seed", type=int, default=SEED, help=f"the same seed, the same claims ({SEED})")
        parser.add_argument("--output", metavar="FILE", help="generate: where to; standard output")
        parser.add_argument(
            "--input", metavar="FILE", help="evaluate: a file of claims, one a line; - reads standard input"
        )
        parser.add_argument(
            "--limits", type=int, default=CURRENT.number, help="evaluate: version of the limits"
        )
        parser.add_argument("--json", action="store_true", help="evaluate: one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Generate, or judge and print."""
        if not 1 <= options["count"] <= 10**6:
            raise CommandError(f"--count is {options['count']}; it goes from 1 to 1000000.", returncode=BAD)
        if options["limits"] not in VERSIONS:
            raise CommandError(f"--limits: there is no version {options['limits']}.", returncode=BAD)
        if options["what"] == "generate":
            self._generate(options)
        else:
            self._evaluate(options)

    def _generate(self, options: dict[str, Any]) -> None:
        lines = (to_line(case) + "\n" for case in _made_up(options))
        if options["output"] is None:
            for line in lines:
                self.stdout.write(line, ending="")
            return
        try:
            with Path(options["output"]).open("w", encoding="utf-8") as file:
                file.writelines(lines)
        except OSError as error:
            raise CommandError(f"unwritable: {options['output']}: {error.strerror}", returncode=BAD) from None

    def _evaluate(self, options: dict[str, Any]) -> None:
        try:
            cases = _made_up(options) if options["input"] is None else read_lines(_lines(options["input"]))
            found = measure(cases, VERSIONS[options["limits"]])
        except BadLineError as error:
            raise CommandError(f"bad_input: {options['input']}: {error}", returncode=BAD) from None
        if not found.honest or not any(not kind.is_held_out for kind in found.kinds):
            raise CommandError(
                "bad_input: neither bar can be judged without honest claims and fraud.", returncode=BAD
            )
        own = options["input"] is None
        said = json.dumps(_as_data(found)) if options["json"] else "\n".join(_table(found, own=own))
        self.stdout.write(said)
        if own and options["seed"] == CALIBRATION_SEED:
            self.stderr.write("The limits were set on this seed: measure on another one.")
        if not found.holds:
            sys.exit(BROKEN)


def _made_up(options: dict[str, Any]) -> Iterator[Case]:
    return generate(options["count"], options["seed"], held_out=HELD_OUT)


def _lines(name: str) -> Iterator[str]:
    """Yield the lines of a file. Raises: CommandError."""
    try:
        if name == "-":
            yield from sys.stdin
            return
        with Path(name).open(encoding="utf-8") as file:
            yield from file
    except OSError as error:
        raise CommandError(f"unreadable: {name}: {error.strerror}", returncode=BAD) from None
    except UnicodeDecodeError:
        raise CommandError(f"unreadable: {name}: not UTF-8", returncode=BAD) from None


def _as_data(found: Measured) -> dict[str, Any]:
    """Return the figures, per mille, for programs."""
    return {
        "version": found.version,
        "recall": found.recall,
        "precision": found.precision,
        "honest_flagged": found.honest_flagged,
        "holds": found.holds,
        "bars": {"recall": LEAST_RECALL, "honest_flagged": MOST_HONEST},
        "honest": found.honest,
        "honest_routes": found.routes,
        "kinds": [
            {
                "kind": kind.kind,
                "held_out": kind.is_held_out,
                "count": kind.count,
                "found": kind.routed,
                "recall": kind.recall,
                "precision": kind.precision,
            }
            for kind in found.kinds
        ],
        "signals": [
            {"signal": one.signal, "honest": one.honest, "fraud": one.fraud} for one in found.signals
        ],
    }


def _table(found: Measured, *, own: bool) -> Iterator[str]:
    """Yield the figures as lines a person reads."""
    held_out = [kind for kind in found.kinds if kind.is_held_out]
    yield f"limits version {found.version}; figures per mille"
    yield f"recall          {found.recall:>5}  (bar: at least {LEAST_RECALL})"
    yield f"precision       {found.precision:>5}"
    yield f"honest flagged  {found.honest_flagged:>5}  (bar: at most {MOST_HONEST}; {found.honest} honest claims)"
    yield ""
    yield f"{'kind of fraud':<20}{'claims':>8}{'found':>8}{'recall':>8}{'precision':>11}"
    for kind in found.kinds:
        if not kind.is_held_out:
            yield f"{kind.kind:<20}{kind.count:>8}{kind.routed:>8}{kind.recall:>8}{kind.precision:>11}"
    if held_out:
        yield ""
        yield "kinds that no limit was set by; they count for no bar"
        for kind in held_out:
            yield f"{kind.kind:<20}{kind.count:>8}{kind.routed:>8}{kind.recall:>8}{kind.precision:>11}"
    yield ""
    yield f"{'signal':<22}{'honest':>8}{'fraud':>8}"
    for one in found.signals:
        yield f"{one.signal:<22}{one.honest:>8}{one.fraud:>8}"
    if own:
        missed = [kind for kind in found.kinds if not kind.is_held_out and kind.routed < kind.count]
        yield ""
        yield "missed: " + (
            ", ".join(f"{kind.count - kind.routed} of {kind.kind}" for kind in missed) or "none"
        )
        yield f"assumed: {len(KINDS)} kinds, {len(BASE_RATES)} base rates; see the manual, Signals"
