"""What a workspace shows of the signals of a claim."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from claims.filing.models import Claim
from claims.review.signal_models import SignalMark, SignalRun
from claims.review.signal_selectors import last_reading, last_run, marks_of, read_details, read_mark
from claims.review.signal_versions import VERSIONS
from claims.review.signal_words import LOOK_AT, NAMES, ROUTES, sentence


@dataclass(frozen=True)
class Shown:
    """A signal as a reviewer reads it. base_rate: how many of a hundred honest cases show it, in words of one point."""

    signal: str
    name: object
    text: str
    look_at: object
    base_rate: str
    points: int
    mark: SignalMark | None
    word: str


def section(claim: Claim) -> dict[str, Any]:
    """Return what the section on signals shows: the newest look, and when the papers were read."""
    run = last_run(claim)
    read_at = last_reading(claim)[1]
    return {
        "signals": _shown_of(claim, run) if run else [],
        "signal_run": run,
        "signal_route": ROUTES[run.route] if run else "",
        "papers_read_at": read_at,
    }


def shown(claim: Claim) -> list[Shown]:
    """Return the signals of the newest look in sentences, most points first."""
    run = last_run(claim)
    return _shown_of(claim, run) if run else []


def _shown_of(claim: Claim, run: SignalRun) -> list[Shown]:
    details, marks, rates = read_details(run), marks_of(claim), VERSIONS[run.version].base_rates
    found = []
    for one in run.findings:
        signal = one["signal"]
        mark = marks.get(signal)
        found.append(
            Shown(
                signal=signal,
                name=NAMES[signal],
                text=sentence(signal, details[signal])
                if signal in details
                else _("What it was about is erased."),
                look_at=LOOK_AT[signal],
                base_rate=of_hundred(rates[signal]),
                points=one["points"],
                mark=mark,
                word=read_mark(mark) if mark else "",
            )
        )
    return found


def of_hundred(per_mille: int) -> str:
    """Return so many in a thousand as so many in a hundred: 7, or 0.8."""
    whole, rest = divmod(per_mille, 10)
    return f"{whole}.{rest}" if rest else str(whole)
