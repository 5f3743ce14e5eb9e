"""Above an amount two different second reviewers agree: by services, by hand, by the pages, at the same instant."""

import json
import uuid

import pytest

from aidplatform.lib import clock
from aidplatform.lib.errors import ConflictError, as_domain_error
from aidplatform.testing.claim_cases import AppealCases, ClaimCases, all_papers
from aidplatform.testing.prepared import prepared
from aidplatform.testing.races import raised, together
from aidplatform.testing.refusals import refused, run
from aidplatform.testing.world import lay_down_all, run_jobs
from aidplatform.tests.pages_helpers import client_of
from claims.filing.models import Claim
from claims.publicity.services import ConcernedError, answer_objection, object_to_case
from claims.review import desk, services
from claims.review.appeals import lacks_people
from claims.review.models import Concurrence, Decision
from claims.review.selectors import set_counts, shown_sha256
from members.people.models import Notice, User

# The mild illness of the tests is granted 50,000.00.
LARGE = {"two_deciders_from_fen": 5_000_000}
DESK = "/pools/test-pool/review/"


@prepared
def large() -> ClaimCases:
    """Give the test a pool in which the usual claim takes two second reviewers."""
    return ClaimCases.founded(**LARGE)


def insert(table: str, claim: Claim, decider: User, at: str, **columns: object) -> None:
    row = {
        "claim_id": claim.pk, "round": 1, "decider": decider.code, "outcome": "approved", "aid_fen": 5_000_000,
        "clause": "aid", "papers": json.dumps(all_papers(claim)), "reason_sealed": b"x",
        "shown_sha256": shown_sha256(claim), at: "2026-05-20T00:00:00Z", **columns,
    }  # fmt: skip
    places = ", ".join(["%s"] * len(row))
    run(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", *row.values())


def test_second_of_two_decides(large: ClaimCases) -> None:
    claim = large.recommended()
    run_jobs()
    large.decide(claim)
    claim.refresh_from_db()
    assert (claim.state, Concurrence.objects.count(), Decision.objects.count()) == ("recommended", 1, 0)
    waiting = Notice.objects.filter(kind="claim_waits", read_at=None)
    assert (waiting.filter(person=large.second).count(), waiting.filter(person=large.third).count()) == (0, 1)
    with pytest.raises(services.AgreedAlreadyError):
        large.decide(claim)
    with pytest.raises(desk.UndoOverError):
        desk.take_back(claim=claim, reviewer=large.reviewer.code, at=clock.now())
    today = clock.today("Asia/Shanghai")
    assert set_counts(large.world.pool, large.second, today, ["second"]) == {"second": 0}
    assert set_counts(large.world.pool, large.third, today, ["second"]) == {"second": 1}
    large.decide(claim, decider=large.third)
    claim.refresh_from_db()
    assert (claim.state, Decision.objects.get().decider) == ("approved", large.third.code)


def test_small_claim_takes_one(db: None) -> None:
    cases = ClaimCases.founded(two_deciders_from_fen=5_000_001)
    assert cases.decided().state == "in_publicity"
    assert not Concurrence.objects.exists()


def test_lower_recommendation_of_a_large_claim_takes_two_as_well(large: ClaimCases) -> None:
    for outcome, aid_fen in (("approved", 100), ("rejected", 0)):
        claim = large.recommended(outcome, aid_fen)
        large.decide(claim, outcome)
        assert not claim.decisions.exists()
        large.decide(claim, outcome, large.third)
        assert claim.decisions.get().outcome == outcome


def test_one_returns_it(large: ClaimCases) -> None:
    claim = large.recommended()
    large.decide(claim)
    large.decide(claim, "returned", large.third)
    claim.refresh_from_db()
    assert (claim.state, claim.round) == ("under_review", 2)


def test_decision_has_enough_deciders(large: ClaimCases) -> None:
    claim = large.recommended()
    with refused("decision_has_enough_deciders"):
        insert("claims_decision", claim, large.second, "decided_at")
    insert("claims_concurrence", claim, large.second, "agreed_at")
    with refused("decision_has_enough_deciders"):
        insert("claims_decision", claim, large.second, "decided_at")
    insert("claims_decision", claim, large.third, "decided_at")


def test_concurrence_fits_its_claim(large: ClaimCases) -> None:
    taken_up = large.under_review()
    with refused("concurrence_fits_its_claim"):
        insert("claims_concurrence", taken_up, large.second, "agreed_at", shown_sha256="0" * 64)
    claim = large.recommended()
    for name, person, columns in (
        ("decider_is_not_recommender", large.reviewer, {}),
        ("reviewers_hold_their_duty", large.world.admin, {}),
        ("decider_is_not_claimant", large.claimant, {}),
        ("decision_is_of_what_was_shown", large.second, {"shown_sha256": "0" * 64}),
        ("decision_needs_two_who_agree", large.second, {"outcome": "rejected", "aid_fen": 0}),
        ("concurrence_rests_on_its_papers", large.second, {"papers": "[]"}),
        ("agreed_aid_fits_outcome", large.second, {"outcome": "returned", "aid_fen": 0}),
    ):
        with refused(name):
            insert("claims_concurrence", claim, person, "agreed_at", **columns)


def test_who_agreed_has_a_part_in_the_case(db: None) -> None:
    cases = AppealCases.founded(appeal_days=30, **LARGE)
    claim = cases.recommended("rejected")
    cases.decide(claim, "rejected")
    cases.decide(claim, "rejected", cases.third)
    claim.refresh_from_db()
    cases.appeal(claim)
    claim.refresh_from_db()
    assert lacks_people(claim) == []
    lay_down_all(User.objects.get(email="founding-second_reviewer@test-pool.example.org"))
    # One of four is left, and it takes two.
    assert lacks_people(claim) == ["second_reviewer"]
    cases.recommend(claim, "approved")
    for person in (cases.second, cases.third):
        with refused("appeal_is_heard_by_others"):
            insert("claims_concurrence", claim, person, "agreed_at", round=2)


def test_who_agreed_answers_no_objection(large: ClaimCases) -> None:
    claim = large.recommended()
    large.decide(claim)
    large.decide(claim, decider=large.third)
    run_jobs()
    large.to_publicity()
    objection = object_to_case(claim=claim, member=large.neighbor.code, reason="No.", at=clock.now())
    with pytest.raises(ConcernedError):
        answer_objection(
            objection=objection, answerer=large.second.code, upheld=False, answer="x", at=clock.now()
        )
    with refused("objection_is_answered_by_another"):
        run(
            "UPDATE claims_objection SET state = 'dismissed', answered_by = %s, answered_at = now(),"
            " answer_sealed = 'x'",
            large.second.code,
        )


def test_two_agreements_at_once_are_one(committed_db: tuple[str, str]) -> None:
    cases = ClaimCases.founded(**LARGE)
    claim = cases.recommended()
    answers = together(
        [lambda one=one: cases.decide(claim, decider=one) for one in (cases.second, cases.third)]
    )
    assert raised(answers) == []
    # One agreed, and the other, who came a moment later, decided.
    assert (Concurrence.objects.count(), Decision.objects.count()) == (1, 1)
    again = cases.recommended()
    insert("claims_concurrence", again, cases.second, "agreed_at")
    with refused("one_concurrence_per_round") as caught:
        insert("claims_concurrence", again, cases.third, "agreed_at")
    assert isinstance(as_domain_error(caught.value), ConflictError)


def test_pages_letter_and_programs_tell_of_both(large: ClaimCases) -> None:
    claim = large.recommended()
    for person, reason in ((large.second, "Both reports agree."), (large.third, "So I see it.")):
        client = client_of(person)
        page = client.get(f"{DESK}{claim.code}/")
        assert "two second reviewers have to agree" in page.content.decode()
        form = page.context["decide_form"].initial
        sent = {
            "outcome": "approved", "clause": "aid", "papers": form["papers"], "reason": reason,
            "shown_sha256": form["shown_sha256"], "key": str(uuid.uuid4()),
        }  # fmt: skip
        for _click in range(2):
            assert client.post(f"{DESK}{claim.code}/decide/", sent).status_code == 302
        assert "decide_form" not in client.get(f"{DESK}{claim.code}/").context
    letter = client_of(large.claimant).get(f"/claims/{claim.code}/letters/1/").content.decode()
    assert "Both reports agree." in letter
    assert "So I see it." in letter
    row = client_of(large.claimant).get(f"/api/v1/me/claims/{claim.code}/").json()["decision"]
    assert (row["agreement"], row["reason"]) == ("Both reports agree.", "So I see it.")
    plan = client_of(None).get("/pools/test-pool/plan/").content.decode()
    assert "from an aid of ¥50,000.00 on two second reviewers have to agree" in plan


def test_term_is_proposed_on_the_page_of_rules(large: ClaimCases) -> None:
    page = client_of(large.world.admin).get("/pools/test-pool/plan/propose/")
    assert page.status_code == 200
    shown = page.content.decode()
    assert 'name="two_deciders_from"' in shown
    assert "50000" in shown.split('name="two_deciders_from"')[1].split(">")[0].replace(",", "")
