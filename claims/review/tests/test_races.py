"""A claim under several hands at one instant: one outcome, and everybody else is told what happened."""

import uuid

import pytest
from django.conf import LazySettings
from django.db import IntegrityError
from django.http import HttpResponse
from django.test import Client

from aidplatform.lib import clock
from aidplatform.lib.dates import format_instant
from aidplatform.lib.errors import ConflictError, as_domain_error
from aidplatform.testing.claim_cases import ClaimCases, all_papers
from aidplatform.testing.races import raised, together
from aidplatform.testing.world import run_jobs
from aidplatform.tests.pages_helpers import client_of
from aidplatform.work.models import AuditEntry
from claims.filing.models import Claim
from claims.filing.services import ClaimMovedOnError
from claims.publicity import services as publicity
from claims.review import services as review
from claims.review.models import BlindReview, Concurrence, Decision, Recommendation
from claims.review.selectors import shown_sha256
from claims.review.tests.test_two_deciders import LARGE
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


def judged(claim: Claim, **more: object) -> dict[str, object]:
    """Return a judgment as a form or a program sends it."""
    told = {
        "outcome": "approved",
        "clause": "aid",
        "papers": all_papers(claim),
        "reason": "MY-OWN-WORDS agree.",
    }
    return told | more


def address(claim: Claim, deed: str, *, by_program: bool) -> str:
    root = "/api/v1/pools/test-pool/desk" if by_program else "/pools/test-pool/review"
    page = {"recommendation": "recommend", "decision": "decide"}[deed]
    return f"{root}/{claim.code}/{deed if by_program else page}/"


def send_together(
    claim: Claim, deed: str, people: list[User], told: dict[str, object], *, by_program: bool
) -> list[HttpResponse]:
    """Let each of them send the same judgment at the same instant, as a form or as a program does."""

    def send(client: Client) -> HttpResponse:
        key = str(uuid.uuid4())
        where = address(claim, deed, by_program=by_program)
        if by_program:
            return client.post(where, told, "application/json", headers={"Idempotency-Key": key})  # type: ignore[return-value]
        return client.post(where, told | {"key": key})  # type: ignore[return-value]

    clients = [client_of(person) for person in people]
    answers = together([lambda one=one: send(one) for one in clients])  # type: ignore[misc]
    assert raised(answers) == []
    return sorted(answers, key=lambda answer: answer.status_code)  # type: ignore[union-attr,arg-type,return-value]


@pytest.mark.parametrize("by_program", [False, True])
@pytest.mark.parametrize("is_chosen", [False, True])
def test_who_decides_a_moment_later_reads_who_was_first(
    committed: ClaimCases, settings: LazySettings, by_program: bool, is_chosen: bool
) -> None:
    settings.BLIND_REVIEW_PER_MILLE = 1000 if is_chosen else 0
    claim = committed.recommended("rejected")
    told = judged(claim, outcome="rejected", shown_sha256=shown_sha256(claim))
    people = [committed.second, committed.third]
    taken, late = send_together(claim, "decision", people, told, by_program=by_program)
    assert (taken.status_code, late.status_code) == (201 if by_program else 302, 409)
    made = Decision.objects.get(claim=claim)
    first = next(one for one in people if one.code == made.decider)
    said = late.json()["title"] if by_program else late.content.decode()
    when = format_instant(made.decided_at, "Asia/Shanghai")
    assert f"{first.name} decided on this claim first, on {when}. Your word was not taken." in said
    if by_program:
        assert late.json()["type"] == "urn:aid:claim_moved_on"
    else:
        assert "MY-OWN-WORDS agree." in said
    # Which way it was decided is for whoever may read it, on the page of the claim.
    assert b"The pathology report of 4 May" not in late.content
    assert AuditEntry.objects.filter(action="decide", subject=claim.code).count() == 1


@pytest.mark.parametrize("by_program", [False, True])
def test_returned_at_the_same_instant_is_told_as_well(committed: ClaimCases, by_program: bool) -> None:
    claim = committed.recommended()
    told = judged(claim, outcome="returned", shown_sha256=shown_sha256(claim))
    people = [committed.second, committed.third]
    _taken, late = send_together(claim, "decision", people, told, by_program=by_program)
    first = User.objects.get(code=Decision.objects.get(claim=claim).decider)
    assert late.status_code == 409
    assert f"{first.name} decided on this claim first" in late.content.decode()


@pytest.mark.parametrize("by_program", [False, True])
def test_two_windows_of_one_reviewer_recommend_once(committed: ClaimCases, by_program: bool) -> None:
    claim = committed.under_review()
    aid = {"aid_fen": 5_000_000} if by_program else {"aid": "50,000.00"}
    people = [committed.reviewer, committed.reviewer]
    taken, late = send_together(claim, "recommendation", people, judged(claim, **aid), by_program=by_program)
    assert (taken.status_code, late.status_code) == (201 if by_program else 302, 409)
    made = Recommendation.objects.get(claim=claim)
    when = format_instant(made.recommended_at, "Asia/Shanghai")
    assert f"Reviewer recommended on this claim first, on {when}" in late.content.decode()


def test_third_second_reviewer_comes_after_the_two_who_agreed(committed_db: tuple[str, str]) -> None:
    cases = ClaimCases.founded(**LARGE)
    fourth = User.objects.create_user("fourth@test-pool.example.org", name="Fourth")
    cases.world.grant(fourth, "second_reviewer")
    claim = cases.recommended()
    told = judged(claim, shown_sha256=shown_sha256(claim))
    answers = send_together(claim, "decision", [cases.second, cases.third, fourth], told, by_program=False)
    assert [answer.status_code for answer in answers] == [302, 302, 409]
    assert (Concurrence.objects.count(), Decision.objects.count()) == (1, 1)
    first = User.objects.get(code=Decision.objects.get().decider)
    assert f"{first.name} decided on this claim first" in answers[2].content.decode()


def test_two_blind_reviews_at_once_are_one(committed: ClaimCases, settings: LazySettings) -> None:
    settings.BLIND_REVIEW_PER_MILLE = 1000
    claim = committed.decided()
    fourth = User.objects.create_user("fourth@test-pool.example.org", name="Fourth")
    committed.world.grant(fourth, "second_reviewer")
    people = [committed.third, fourth]
    where = f"/pools/test-pool/review/{claim.code}/blind/"
    told = judged(claim, aid="50,000.00")
    clients = [client_of(person) for person in people]

    def send(client: Client) -> HttpResponse:
        return client.post(where, told | {"key": str(uuid.uuid4())})  # type: ignore[return-value]

    answers = together([lambda one=one: send(one) for one in clients])  # type: ignore[misc]
    taken, late = sorted(answers, key=lambda answer: answer.status_code)  # type: ignore[union-attr]
    assert (taken.status_code, late.status_code) == (302, 409)  # type: ignore[union-attr]
    made = BlindReview.objects.get()
    first = next(one for one in people if one.code == made.reviewer)
    page = late.content.decode()  # type: ignore[union-attr]
    assert f"{first.name} judged this claim first, on " in page
    assert "MY-OWN-WORDS agree." in page


def test_who_could_not_have_decided_reads_no_name(cases: ClaimCases) -> None:
    claim = cases.decided()
    told = judged(claim, shown_sha256="0" * 64)
    told["at"], told["claim"] = clock.now(), claim
    for person in (cases.claimant, cases.world.auditor):
        with pytest.raises(ClaimMovedOnError) as refusal:
            review.decide(decider=person.code, **told)  # type: ignore[arg-type]
        assert "by" not in refusal.value.extra


def test_claim_in_hand_is_read_by_programs_of_who_judges_it(cases: ClaimCases) -> None:
    claim = cases.recommended()
    where = f"/api/v1/pools/test-pool/desk/{claim.code}/"
    for person in (cases.reviewer, cases.second):
        read = client_of(person).get(where).json()
        assert (read["shown_sha256"], read["recommendation"]["outcome"]) == (shown_sha256(claim), "approved")
        assert read["recommendation"]["reason"] == "The pathology report of 4 May establishes it."
        assert read["story"] == "A lump was found at the yearly check."
    assert AuditEntry.objects.filter(action="open_claim", subject=claim.code).count() == 2
    for person, status in ((cases.claimant, 404), (cases.world.stranger, 404), (cases.world.auditor, 403)):
        assert client_of(person).get(where).status_code == status
        for deed in ("recommendation", "decision"):
            sent = client_of(person).post(address(claim, deed, by_program=True), {}, "application/json")
            assert sent.status_code == status
    told = judged(claim, shown_sha256=read["shown_sha256"])
    send = {"content_type": "application/json", "headers": {"Idempotency-Key": str(uuid.uuid4())}}
    decide = address(claim, "decision", by_program=True)
    for _again in range(2):
        answer = client_of(cases.second).post(decide, told, **send)  # type: ignore[arg-type]
        assert (answer.status_code, answer.json()) == (201, {"outcome": "approved", "is_decided": True})
    assert Decision.objects.count() == 1


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
