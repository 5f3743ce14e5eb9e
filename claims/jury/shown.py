"""What the public page of a draw shows, and its row for programs, each read once."""

import json
from dataclasses import dataclass
from typing import Any

from claims.jury.models import JuryDraw, JuryVerdict
from claims.jury.selectors import draw_ref, verdict_of_draw
from claims.review.selectors import public_ref
from ledger.openbooks.models import LogEntry

_TYPES = (
    "draw.commit",
    "draw.reveal",
    "draw.result",
    "draw.replace",
    "jury.ballot",
    "jury.tally",
    "incident",
)


@dataclass(frozen=True)
class Stated:
    """One entry of the log about a draw: its number there, its type, what it says."""

    seq: int
    type: str
    body: dict[str, Any]


@dataclass(frozen=True)
class ShownDraw:
    """A draw as everyone sees it: from the log, and how far it has come."""

    draw: JuryDraw
    ref: str
    entries: list[Stated]
    verdict: JuryVerdict | None

    def first(self, entry_type: str) -> Stated | None:
        """Return the entry of a type of which there is one; None: not yet."""
        return next((one for one in self.entries if one.type == entry_type), None)

    @property
    def commit(self) -> Stated | None:
        """Return the entry from which on nobody can choose any more."""
        return self.first("draw.commit")

    @property
    def result(self) -> Stated | None:
        """Return who was drawn."""
        return self.first("draw.result")

    @property
    def tally(self) -> Stated | None:
        """Return the opened ballots."""
        return self.first("jury.tally")

    @property
    def replaced(self) -> list[Stated]:
        """Return by whom places were taken."""
        return [one for one in self.entries if one.type == "draw.replace"]

    @property
    def votes_cast(self) -> int:
        """Return how many have voted: no more is known of it before the closing."""
        return sum(one.type == "jury.ballot" for one in self.entries)


def entries_about(draw: JuryDraw) -> list[Stated]:
    """Return what the log says of one draw, in its order."""
    ref = public_ref(draw.claim)
    keys = LogEntry.objects.filter(log__code=draw.claim.pool.code, type__in=_TYPES, key__startswith=ref)
    found = [Stated(one.seq, one.type, json.loads(bytes(one.data))["body"]) for one in keys.order_by("seq")]
    return [one for one in found if one.body.get("stage") == draw.stage]


def shown_draw(draw: JuryDraw) -> ShownDraw:
    """Return a draw as everyone sees it. Two queries."""
    return ShownDraw(draw, public_ref(draw.claim), entries_about(draw), verdict_of_draw(draw))


def row_of(shown: ShownDraw) -> dict[str, Any]:
    """Return a draw as programs see it."""
    draw, verdict = shown.draw, shown.verdict
    return {
        "ref": shown.ref,
        "stage": draw.stage,
        "key": draw_ref(draw.claim, draw.stage),
        "state": draw.state,
        "eligible": draw.size,
        "head": bytes(draw.head).hex(),
        "seats": draw.seats,
        "reserves": draw.reserves,
        "quorum": draw.quorum,
        "commit_until": draw.commit_until_at,
        "reveal_until": draw.reveal_until_at,
        "closes_at": draw.closes_at,
        "votes_cast": shown.votes_cast,
        "outcome": verdict.outcome if verdict else None,
        "votes_for": verdict.votes_for if verdict else None,
        "votes_against": verdict.votes_against if verdict else None,
    }
