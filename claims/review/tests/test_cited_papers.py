"""Papers on which judgments rest: held by services, by the database, and shown with the clause of the event day."""

import json

import pytest

from aidplatform.lib import clock
from aidplatform.testing.claim_cases import ClaimCases, all_papers, photograph
from aidplatform.testing.refusals import refused, run
from aidplatform.tests.pages_helpers import client_of
from claims.filing import services as filing
from claims.filing.models import Claim
from claims.review import services
from claims.review.clauses import PLACES, clause_text
from claims.review.models import Clause, Decision, Recommendation
from claims.review.selectors import shown_sha256, shown_text

DESK = "/pools/test-pool/review/"


def recommend(
    cases: ClaimCases, claim: Claim, papers: list[str], outcome: str = "approved"
) -> Recommendation:
    return services.recommend(
        claim=claim, reviewer=cases.reviewer.code, outcome=outcome, aid_fen=5_000_000, clause="aid", papers=papers,
        reason="Established.", at=clock.now(),
    )  # fmt: skip


def insert_recommendation(claim: Claim, reviewer: str, papers: object, outcome: str = "approved") -> None:
    run(
        """INSERT INTO claims_recommendation (claim_id, round, reviewer, outcome, aid_fen, clause, papers,
                                              reason_sealed, recommended_at)
           VALUES (%s, 1, %s, %s, %s, 'aid', %s, 'x', aid_now())""",
        claim.pk, reviewer, outcome, 5_000_000 if outcome == "approved" else 0, json.dumps(papers),
    )  # fmt: skip


def insert_decision(claim: Claim, decider: str, papers: object) -> None:
    run(
        """INSERT INTO claims_decision (claim_id, round, decider, outcome, aid_fen, clause, papers, reason_sealed,
                                        shown_sha256, decided_at)
           VALUES (%s, 1, %s, 'approved', 5000000, 'aid', %s, 'x', %s, aid_now())""",
        claim.pk, decider, json.dumps(papers), shown_sha256(claim),
    )  # fmt: skip


def removed_paper(cases: ClaimCases, claim: Claim) -> str:
    """Add a paper to a draft and take it out again; return its code."""
    paper = filing.add_evidence(
        claim=claim, claimant=cases.claimant.code, kind="other", data=photograph(99), at=clock.now()
    )
    filing.remove_evidence(claim=claim, claimant=cases.claimant.code, code=paper.code, at=clock.now())
    return paper.code


def test_recommendation_rests_on_its_papers(cases: ClaimCases) -> None:
    draft = cases.draft()
    removed = removed_paper(cases, draft)
    claim = services.assign_claim(claim=cases.file(draft), reviewer=cases.reviewer.code, at=clock.now())
    other = cases.filed().papers.first()
    assert other is not None
    mine = all_papers(claim)
    for papers in ([], [other.code], [removed], ["E-NONE"], [mine[0], mine[0]], "E", {}, [1], [None]):
        with refused("recommendation_rests_on_its_papers"):
            insert_recommendation(claim, cases.reviewer.code, papers)
    for papers in ([], [other.code], [removed], ["E-NONE"]):
        with pytest.raises(services.CitedPapersError):
            recommend(cases, claim, papers)
    assert recommend(cases, claim, [mine[2], mine[0], mine[0]]).papers == [mine[0], mine[2]]


def test_decision_rests_on_its_papers(cases: ClaimCases) -> None:
    claim = cases.recommended()
    other = cases.filed().papers.first()
    assert other is not None
    for papers in ([], [other.code], ["E-NONE"]):
        with refused("decision_rests_on_its_papers"):
            insert_decision(claim, cases.second.code, papers)
    insert_decision(claim, cases.second.code, all_papers(claim)[:1])


def test_refusal_may_rest_on_no_paper(cases: ClaimCases) -> None:
    claim = cases.under_review()
    insert_recommendation(claim, cases.reviewer.code, [], "rejected")


def test_hash_of_a_decision_is_over_the_cited_papers(cases: ClaimCases) -> None:
    claim = cases.under_review()
    code = all_papers(claim)[1]
    recommend(cases, claim, [code])
    claim.refresh_from_db()
    assert code in shown_text(claim)


def test_cited_papers_are_on_the_pages_and_for_programs(cases: ClaimCases) -> None:
    claim = cases.under_review()
    first = client_of(cases.reviewer).get(f"{DESK}{claim.code}/").content.decode()
    assert 'name="papers"' in first
    assert "Aid is up to the sum of the plan" in first
    recommend(cases, claim, all_papers(claim)[1:2])
    claim.refresh_from_db()
    form = client_of(cases.second).get(f"{DESK}{claim.code}/").context["decide_form"]
    assert form.initial["papers"] == all_papers(claim)[1:2]
    services.decide(
        claim=claim, decider=cases.second.code, outcome="approved", clause="aid", papers=all_papers(claim)[1:],
        reason="I agree.", shown_sha256=shown_sha256(claim), at=clock.now(),
    )  # fmt: skip
    told = client_of(cases.claimant).get(f"/claims/{claim.code}/").content.decode()
    assert "Diagnosis · Pathology report" in told
    row = client_of(cases.claimant).get(f"/api/v1/me/claims/{claim.code}/").json()["decision"]
    assert [paper["kind"] for paper in row["papers"]] == ["diagnosis", "pathology"]
    assert Decision.objects.get().papers == all_papers(claim)[1:]


def test_text_of_the_event_day_stands_beside_the_form_also_after_the_rules_changed(cases: ClaimCases) -> None:
    claim = cases.under_review()
    version = claim.plan_version
    assert version is not None
    changed = version.covenant_en.replace("up to", "not more than"), version.covenant_zh
    cases.world.change_plan(on=clock.today("Asia/Shanghai").replace(month=6, day=20), covenant=changed)
    page = client_of(cases.reviewer).get(f"{DESK}{claim.code}/").content.decode()
    assert "Aid is up to the sum" in page
    assert "not more than the sum" not in page


def test_every_clause_has_its_place() -> None:
    assert set(PLACES) == set(Clause.values)


def test_clause_of_another_covenant_is_its_whole_article_or_nothing() -> None:
    covenant = (
        "# C\n\n## One\n\ntext\n\n## Two\n\n1. a\n\n## Three\n\nNo numbers **here**,\nin two.\n\nAnd more.\n"
    )
    assert clause_text(covenant, "aid") == ["Three", "No numbers here, in two.", "And more."]
    assert clause_text("# C\n\n## One\n\ntext", "aid") == []
    assert clause_text("", "papers") == []
