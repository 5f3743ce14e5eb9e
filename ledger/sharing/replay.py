"""Replay published periods: each row is one job, computed by a worker as any period is, and judged afterwards."""

import secrets
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import transaction

from aidplatform.work import jobs
from aidplatform.work.models import Job
from ledger.sharing.published import (
    Kind,
    PublishedRow,
    Range,
    Verdict,
    judge,
    published_rows,
    replay_bounds,
)

REPLAY = "sharing.replay_row"

# What the published figures leave no doubt about: two shares agree to the fen, and one can't be true.
REQUIRED: dict[str, Kind] = {
    "2019-01-2:critical": Kind.AGREES,
    "2019-??-?:guizhou-case": Kind.AGREES,
    "2018-12-1": Kind.CONTRADICTS,
}


class UnknownRowError(ValueError):
    """The job names a row that this version's data file does not have."""


def request_replay(*, actor: str, rows: Sequence[PublishedRow] | None = None) -> list[Job]:
    """Ask the workers to compute every published row anew; returns the jobs in the order of the rows."""
    run = secrets.token_hex(4)
    with transaction.atomic():
        return [
            jobs.enqueue(kind=REPLAY, key=f"{run}/{row.label}", payload={"row": row.label}, actor=actor)
            for row in rows or published_rows()
        ]


@jobs.handles(REPLAY)
def replay_row(lease: jobs.Lease) -> dict[str, Any]:
    """Compute the least and the greatest share that a row's figures allow; empty when they allow no computation.

    Raises: UnknownRowError.
    """
    label = lease.payload["row"]
    row = next((one for one in published_rows() if one.label == label), None)
    if row is None:
        raise UnknownRowError(f"no published row {label!r}")
    bounds = replay_bounds(row)
    if bounds is None:
        return {}
    computed = bounds.compute()
    return {"low_fen": computed.low, "high_fen": computed.high}


def verdicts(done: Iterable[Job]) -> list[tuple[PublishedRow, Verdict]]:
    """Judge each row by the share that the worker computed, in the order of the jobs."""
    by_label = {row.label: row for row in published_rows()}
    judged = []
    for job in done:
        row, result = by_label[job.payload["row"]], job.result or {}
        computed = Range(result["low_fen"], result["high_fen"]) if result else None
        judged.append((row, judge(row, computed_fen=computed)))
    return judged


def broken_promises(judged: Iterable[tuple[PublishedRow, Verdict]]) -> list[str]:
    """Return a sentence for every row of REQUIRED whose verdict is another, or that is missing."""
    found = {row.label: verdict.kind for row, verdict in judged}
    return [
        f"{label} must come out as {kind.value}, and is {found[label].value if label in found else 'missing'}"
        for label, kind in REQUIRED.items()
        if found.get(label) != kind
    ]
