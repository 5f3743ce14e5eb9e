"""A claim under several hands at one instant: one outcome, and everybody else is told what happened."""

import uuid

import pytest
from django.db import IntegrityError

from aidplatform.lib import clock
from aidplatform.lib.errors import ConflictError, as_domain_error
from aidplatform.testing.claim_cases import ClaimCases, all_papers
from aidplatform.testing.races import raised, together
from aidplatform.testing.world import run_jobs
from aidplatform.tests.pages_helpers import client_of
from aidplatform.work.models import AuditEntry
from claims.filing.models import Claim
from claims.publicity import services as publicity
from claims.review import services as review
from claims.review.models import Decision, Recommendation
from claims.review.selectors import shown_sha256
from ledger.sharing.models import Award
from members.people.models import User


@pytest.fixture
def committed(committed_db: tuple[str, str]) -> ClaimCases:
    """Return a pool with claims' people whose commits are real."""
    return ClaimCases.founded()


def decision(claim: Claim, decider: User, outcome: str, shown: str) -> Decision:
    return review.decide(
        claim=claim,
        decider=decider.code,
        outcome=outcome,
        clause="aid",
        papers=all_papers(claim),
        reason="As I see it.",
        shown_sha256=shown,
        at=clock.now(),
    )


def codes(answers: list[object]) -> list[str]:
    """Return the codes of the refusals among the answers."""
    found = []
    for error in raised(answers):
        named = as_domain_error(error) if isinstance(error, IntegrityError) else error
        assert isinstance(named, ConflictError), repr(error)
        found.append(named.code)
    return found


@pytest.mark.parametrize("second_outcome", ["approved", "returned"])
def test_two_second_reviewers_at_once_decide_once(committed: ClaimCases, second_outcome: str) -> None:
    claim = committed.recommended()
    shown = shown_sha256(claim)
    answers = together(
        [
            lambda: decision(claim, committed.second, "approved", shown),
            lambda: decision(claim, committed.third, second_outcome, shown),
        ]
    )
    assert codes(answers) == ["claim_moved_on"]
    won = Decision.objects.get(claim=claim)
    claim.refresh_from_db()
    assert claim.state == ("approved" if won.outcome == "approved" else "under_review")
    run_jobs()
    assert Award.objects.filter(claim_code=claim.code).count() == (1 if won.outcome == "approved" else 0)


def test_decision_and_withdrawal_at_once_leave_one_outcome(committed: ClaimCases) -> None:
    claim = committed.recommended()
    shown = shown_sha256(claim)
    answers = together(
        [
            lambda: decision(claim, committed.second, "approved", shown),
            lambda: publicity.withdraw_claim(claim=claim, claimant=committed.claimant.code, at=clock.now()),
        ]
    )
    refused = codes(answers)
    claim.refresh_from_db()
    run_jobs()
    awards = Award.objects.filter(claim_code=claim.code).exclude(state="withdrawn").count()
    if claim.state == "withdrawn":
        # Either the withdrawal came first and the decision was refused, or it took back what was just decided.
        assert awards == 0
    else:
        assert refused == ["claim_moved_on"]
        assert awards == 1


def test_two_recommendations_at_once_are_one(committed: ClaimCases) -> None:
    claim = committed.under_review()

    def recommend() -> Recommendation:
        return review.recommend(
            claim=claim,
            reviewer=committed.reviewer.code,
            outcome="approved",
            aid_fen=claim.aid_fen or 0,
            clause="aid",
            papers=all_papers(claim),
            reason="The papers agree.",
            at=clock.now(),
        )

    answers = together([recommend] * 8)
    assert codes(answers) == ["claim_moved_on"] * 7
    assert Recommendation.objects.filter(claim=claim).count() == 1


def test_fifty_clicks_decide_once_and_all_land_on_the_claim(committed: ClaimCases) -> None:
    claim = committed.recommended()
    body = {
        "outcome": "approved",
        "clause": "aid",
        "papers": all_papers(claim),
        "reason": "I agree.",
        "shown_sha256": shown_sha256(claim),
        "key": str(uuid.uuid4()),
    }
    address = f"/pools/{committed.world.pool.code}/review/{claim.code}/decide/"
    clients = [client_of(committed.second) for _click in range(50)]
    answers = together([lambda one=one: one.post(address, body).status_code for one in clients])  # type: ignore[misc]
    assert answers == [302] * 50
    assert Decision.objects.filter(claim=claim).count() == 1
    assert AuditEntry.objects.filter(action="decide", subject=claim.code).count() == 1
