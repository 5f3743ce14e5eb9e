"""Recommending and deciding: two people over one hash, by services, by hand, and at the same instant."""

import json

import psycopg
import pytest

from aidplatform.lib import clock
from aidplatform.lib.errors import ConflictError, ForbiddenError
from aidplatform.testing.claim_cases import ClaimCases, all_papers, photograph
from aidplatform.testing.pairs import Meanwhile, wait_for_a_waiter
from aidplatform.testing.refusals import not_permitted, refused, refused_to_owner, run
from aidplatform.testing.world import lay_down_all, run_jobs
from claims.filing import services as filing
from claims.filing.models import Claim
from claims.review import selectors, services
from claims.review.models import Decision
from ledger.sharing.models import Award
from members.people.models import User


def _recommend(cases: ClaimCases, claim: Claim, by: User, aid_fen: int = 5_000_000) -> None:
    services.recommend(
        claim=claim,
        reviewer=by.code,
        outcome="approved",
        aid_fen=aid_fen,
        clause="aid",
        papers=all_papers(claim),
        reason="It is established.",
        at=clock.now(),
    )


def _insert_recommendation(claim: Claim, **columns: object) -> None:
    row = {
        "claim_id": claim.pk,
        "round": 1,
        "reviewer": "P-NOBODY",
        "outcome": "approved",
        "aid_fen": 5_000_000,
        "clause": "aid",
        "papers": json.dumps(all_papers(claim)),
        "reason_sealed": b"x",
        "recommended_at": "2026-05-20T00:00:00Z",
        **columns,
    }
    _insert("claims_recommendation", row)


def _insert_decision(claim: Claim, **columns: object) -> None:
    row = {
        "claim_id": claim.pk,
        "round": 1,
        "decider": "P-NOBODY",
        "outcome": "approved",
        "aid_fen": 5_000_000,
        "clause": "aid",
        "papers": json.dumps(all_papers(claim)),
        "reason_sealed": b"x",
        "shown_sha256": selectors.shown_sha256(claim),
        "decided_at": "2026-05-20T00:00:00Z",
        **columns,
    }
    _insert("claims_decision", row)


def _insert(table: str, row: dict[str, object]) -> None:
    places = ", ".join(["%s"] * len(row))
    run(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", *row.values())


def test_reviewer_takes_a_claim_up_and_over(cases: ClaimCases) -> None:
    claim = cases.under_review()
    assert claim.reviewer == cases.reviewer
    again = services.assign_claim(claim=claim, reviewer=cases.reviewer.code, at=clock.now())
    assert again.state_since == claim.state_since
    with pytest.raises(ForbiddenError):
        services.assign_claim(claim=claim, reviewer=cases.second.code, at=clock.now())


def test_nobody_reviews_the_own_claim(cases: ClaimCases) -> None:
    claim = cases.filed()
    _grant(cases, cases.claimant, "reviewer")
    with pytest.raises(services.OwnClaimError):
        services.assign_claim(claim=claim, reviewer=cases.claimant.code, at=clock.now())
    run("UPDATE claims_claim SET state = 'under_review', reviewer_id = %s", cases.claimant.pk)
    with refused("reviewer_is_not_claimant"):
        _insert_recommendation(claim, reviewer=cases.claimant.code)


def _grant(cases: ClaimCases, person: User, duty: str) -> None:
    from members.pools.services import grant_duty

    grant_duty(
        pool=cases.world.pool,
        person=person,
        duty=duty,
        proposed_by=cases.world.admin,
        confirmed_by=cases.world.controller,
        at=clock.now(),
    )


def test_reviewers_hold_their_duty(cases: ClaimCases) -> None:
    claim = cases.under_review()
    for person in (cases.neighbor, cases.second, cases.world.admin):
        with refused("reviewers_hold_their_duty"):
            _insert_recommendation(claim, reviewer=person.code)
    _recommend(cases, claim, cases.reviewer)
    for person in (cases.neighbor, cases.world.admin, cases.world.controller):
        with refused("reviewers_hold_their_duty"):
            _insert_decision(claim, decider=person.code)


def test_duty_that_has_ended_reviews_nothing(cases: ClaimCases) -> None:
    claim = cases.recommended()
    lay_down_all(cases.second)
    with refused("reviewers_hold_their_duty"):
        _insert_decision(claim, decider=cases.second.code)
    with pytest.raises(ForbiddenError):
        cases.decide(claim)


@pytest.mark.parametrize("fen", [0, -1, 5_000_001])
def test_recommended_aid_within_derived(cases: ClaimCases, fen: int) -> None:
    claim = cases.under_review()
    with pytest.raises(services.AidTooHighError):
        _recommend(cases, claim, cases.reviewer, fen)
    name = "recommended_aid_within_derived" if fen > 0 else "recommended_aid_fits_outcome"
    with refused(name):
        _insert_recommendation(claim, reviewer=cases.reviewer.code, aid_fen=fen)


def test_recommendation_is_for_a_claim_under_review(cases: ClaimCases) -> None:
    claim = cases.filed()
    with refused("recommendation_fits_its_claim"):
        _insert_recommendation(claim, reviewer=cases.reviewer.code)


def test_one_recommendation_per_round(cases: ClaimCases) -> None:
    claim = cases.under_review()
    _insert_recommendation(claim, reviewer=cases.reviewer.code)
    with refused("one_recommendation_per_round"):
        _insert_recommendation(claim, reviewer=cases.reviewer.code)


def test_decider_is_not_recommender(cases: ClaimCases) -> None:
    claim = cases.recommended()
    with pytest.raises(services.SameReviewerError):
        cases.decide(claim, decider=cases.reviewer)
    with refused("decider_is_not_recommender"):
        _insert_decision(claim, decider=cases.reviewer.code)


def test_decider_is_not_claimant(cases: ClaimCases) -> None:
    claim = cases.recommended()
    _grant(cases, cases.claimant, "second_reviewer")
    with pytest.raises(services.OwnClaimError):
        cases.decide(claim, decider=cases.claimant)
    with refused("decider_is_not_claimant"):
        _insert_decision(claim, decider=cases.claimant.code)


@pytest.mark.parametrize(
    "columns", [{"outcome": "rejected", "aid_fen": 0}, {"aid_fen": 4_999_999}], ids=["outcome", "amount"]
)
def test_decision_needs_two_who_agree(cases: ClaimCases, columns: dict[str, object]) -> None:
    claim = cases.recommended()
    with refused("decision_needs_two_who_agree"):
        _insert_decision(claim, decider=cases.second.code, **columns)
    with pytest.raises(services.DisagreementError):
        cases.decide(claim, "rejected")


def test_decision_is_of_what_was_shown(cases: ClaimCases) -> None:
    claim = cases.recommended()
    with refused("decision_is_of_what_was_shown"):
        _insert_decision(claim, decider=cases.second.code, shown_sha256="0" * 64)
    with pytest.raises(services.ShownChangedError):
        services.decide(
            claim=claim,
            decider=cases.second.code,
            outcome="approved",
            clause="aid",
            papers=all_papers(claim),
            reason="Yes",
            shown_sha256="0" * 64,
            at=clock.now(),
        )


def test_hash_shown_moves_with_every_part(cases: ClaimCases) -> None:
    """A second round with another paper, or another amount, is another hash."""
    claim = cases.recommended()
    seen = {selectors.shown_sha256(claim)}
    for shade, aid_fen in ((91, 5_000_000), (92, 4_000_000)):
        cases.decide(claim, "returned")
        claim.refresh_from_db()
        services.request_papers(
            claim=claim, reviewer=cases.reviewer.code, kinds=["other"], message="More", at=clock.now()
        )
        filing.add_evidence(
            claim=claim, claimant=cases.claimant.code, kind="other", data=photograph(shade), at=clock.now()
        )
        filing.supply_papers(claim=claim, claimant=cases.claimant.code, at=clock.now())
        services.assign_claim(claim=claim, reviewer=cases.reviewer.code, at=clock.now())
        claim.refresh_from_db()
        _recommend(cases, claim, cases.reviewer, aid_fen)
        claim.refresh_from_db()
        seen.add(selectors.shown_sha256(claim))
    assert (len(seen), claim.round) == (3, 3)


def test_one_decision_per_round(cases: ClaimCases) -> None:
    claim = cases.recommended()
    _insert_decision(claim, decider=cases.second.code)
    with refused("one_decision_per_round"):
        _insert_decision(claim, decider=cases.third.code)


def test_decision_fits_its_claim(cases: ClaimCases) -> None:
    claim = cases.decided("rejected")
    assert claim.state == "rejected"
    with refused("decision_fits_its_claim"):
        _insert_decision(claim, decider=cases.third.code, round=2, outcome="rejected", aid_fen=0)
    assert not Award.objects.exists()


@pytest.mark.parametrize("table", ["claims_recommendation", "claims_decision", "claims_paperrequest"])
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "TRUNCATE {}", "UPDATE {} SET claim_id = claim_id"])
def test_what_reviewers_wrote_is_permanent(
    owner: psycopg.Connection, db: None, table: str, statement: str
) -> None:
    name = {"claims_paperrequest": "paper_request_is_permanent"}.get(
        table, f"{table.removeprefix('claims_')}_is_permanent"
    )
    with not_permitted():
        run(statement.format(table))
    with refused_to_owner(owner, name):
        owner.execute(statement.format(table))


def test_returned_claim_opens_the_next_round(cases: ClaimCases) -> None:
    claim = cases.recommended()
    cases.decide(claim, "returned")
    claim.refresh_from_db()
    assert (claim.state, claim.round) == ("under_review", 2)
    _recommend(cases, claim, cases.reviewer)
    with refused("decider_is_not_recommender"):
        _insert_decision(claim, decider=cases.reviewer.code, round=2)


def test_reasons_are_sealed(cases: ClaimCases) -> None:
    claim = cases.decided()
    decision = selectors.decision_of(claim)
    assert decision is not None
    assert b"agree" not in bytes(decision.reason_sealed)
    assert selectors.read_reason(decision) == "I agree."


def test_two_second_reviewers_at_once_make_one_decision(committed_db: tuple[str, str]) -> None:
    cases = ClaimCases.founded()
    claim = cases.recommended()
    sha256 = selectors.shown_sha256(claim)

    def decide(person: User) -> str:
        try:
            services.decide(
                claim=claim,
                decider=person.code,
                outcome="approved",
                clause="aid",
                papers=all_papers(claim),
                reason="Yes",
                shown_sha256=sha256,
                at=clock.now(),
            )
        except ConflictError as error:
            return str(error.status)
        return "decided"

    with psycopg.connect(committed_db[1]) as holder:
        holder.execute("SELECT 1 FROM claims_claim WHERE id = %s FOR UPDATE", [claim.pk])
        both = [Meanwhile(lambda person=person: decide(person)) for person in (cases.second, cases.third)]
        wait_for_a_waiter(holder)
        holder.rollback()
        assert sorted(one.outcome() for one in both) == ["409", "decided"]
    assert Decision.objects.count() == 1


def test_approve_and_return_at_once_end_as_one(committed_db: tuple[str, str]) -> None:
    cases = ClaimCases.founded()
    claim = cases.recommended()
    sha256 = selectors.shown_sha256(claim)

    def decide(person: User, outcome: str) -> str:
        try:
            services.decide(
                claim=claim,
                decider=person.code,
                outcome=outcome,
                clause="aid",
                papers=all_papers(claim),
                reason="So",
                shown_sha256=sha256,
                at=clock.now(),
            )
        except ConflictError:
            return "409"
        return outcome

    with psycopg.connect(committed_db[1]) as holder:
        holder.execute("SELECT 1 FROM claims_claim WHERE id = %s FOR UPDATE", [claim.pk])
        one = Meanwhile(lambda: decide(cases.second, "approved"))
        other = Meanwhile(lambda: decide(cases.third, "returned"))
        wait_for_a_waiter(holder)
        holder.rollback()
        outcomes = {one.outcome(), other.outcome()}
    assert "409" in outcomes
    assert Decision.objects.get().outcome in outcomes
    run_jobs()
    claim.refresh_from_db()
    assert claim.state in {"in_publicity", "under_review"}
