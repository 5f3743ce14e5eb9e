"""A refusal before the jury, from the claimant's step to the verdict: by services, and by what the log says of it."""

import json

import pytest

from aidplatform.testing.jury_cases import JuryCases
from claims.filing.models import Claim
from ledger.openbooks.models import LogEntry


@pytest.fixture
def cases(db: None) -> JuryCases:
    """Return a pool of 32 members who have offered to judge."""
    return JuryCases.founded()


def bodies(entry_type: str) -> list[dict[str, object]]:
    found = LogEntry.objects.filter(type=entry_type).order_by("seq")
    return [json.loads(bytes(entry.data))["body"] for entry in found]


def test_verdict_for_the_claimant_is_an_award(cases: JuryCases) -> None:
    claim = cases.refused()
    draw = cases.drawn(claim)
    assert (draw.state, draw.seats, draw.quorum) == ("drawn", 5, 3)
    cases.vote(draw, "for", "for", "against", "against")
    claim = cases.close(draw)
    assert claim.state == Claim.State.IN_PUBLICITY
    assert cases.award(claim).aid_fen == claim.aid_fen == 5_000_000
