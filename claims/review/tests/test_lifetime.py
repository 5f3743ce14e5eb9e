"""The most for one person: what earlier cases leave, by services, by hand, and with two decisions at one instant."""

import psycopg
import pytest

from aidplatform.lib import clock
from aidplatform.lib.errors import ConflictError
from aidplatform.testing.claim_cases import ClaimCases, all_papers
from aidplatform.testing.pairs import Meanwhile, wait_for_a_waiter
from aidplatform.testing.prepared import prepared
from aidplatform.testing.races import raised, together
from aidplatform.testing.refusals import refused, run
from aidplatform.tests.pages_helpers import client_of
from claims.filing import selectors as filing
from claims.filing import services
from claims.filing.models import Claim
from claims.publicity.services import withdraw_claim
from claims.review import services as review
from claims.review.models import Decision
from claims.review.selectors import shown_sha256

# One case is granted 50,000.00, all of a member 70,000.00.
CAPPED = {
    "aid": [{"severity": "mild", "age_from": 0, "age_before": 60, "max_aid_fen": 5_000_000}],
    "lifetime_cap_fen": 7_000_000,
}
DECISION = """INSERT INTO claims_decision (claim_id, round, decider, outcome, aid_fen, clause, reason_sealed,
                                           shown_sha256, decided_at, papers)
              SELECT c.claim, 1, c.decider, 'approved', 5000000, 'aid', 'x', c.sha256, aid_now(),
                     (SELECT jsonb_agg(e.code) FROM claims_evidence e WHERE e.claim_id = c.claim)
                FROM (VALUES (%s::bigint, %s::text, %s::text)) c (claim, decider, sha256)"""


@prepared
def capped() -> ClaimCases:
    """Give the test a pool whose plan grants a member 70,000.00 in all."""
    return ClaimCases.founded(**CAPPED)


def _return(cases: ClaimCases, claim: Claim) -> None:
    review.decide(
        claim=claim, decider=cases.second.code, outcome="returned", clause="aid", papers=[],
        reason="Less is left.",
        shown_sha256=shown_sha256(claim), at=clock.now(),
    )  # fmt: skip


def _recommend(cases: ClaimCases, claim: Claim, aid_fen: int) -> None:
    review.recommend(
        claim=claim, reviewer=cases.reviewer.code, outcome="approved", aid_fen=aid_fen, clause="aid",
        papers=all_papers(claim), reason="Established.", at=clock.now(),
    )  # fmt: skip


def test_later_case_is_granted_what_earlier_ones_leave(capped: ClaimCases) -> None:
    first = capped.decided()
    assert filing.granted_before(first) == 0
    second = capped.filed()
    assert second.aid_fen == 2_000_000
    assert second.derivation[-1] == {
        "name": "lifetime",
        "clause": "aid",
        "passed": True,
        "cap_fen": 7_000_000,
        "earlier_fen": 5_000_000,
        "left_fen": 2_000_000,
        "aid_fen": 2_000_000,
    }
    second = review.assign_claim(claim=second, reviewer=capped.reviewer.code, at=clock.now())
    _recommend(capped, second, 2_000_000)
    capped.decide(second)
    # Decided, but not handed on yet: it counts all the same.
    assert not second.pool.awards.filter(claim_code=second.code).exists()
    third = capped.filed()
    assert (third.aid_fen, third.derivation[-1]["left_fen"]) == (0, 0)
    assert third.derivation[-1]["passed"] is False


def test_case_that_is_taken_back_gives_its_part_back(capped: ClaimCases) -> None:
    first = capped.decided()
    second = capped.draft()
    assert filing.granted_before(second) == 5_000_000
    withdraw_claim(claim=first, claimant=capped.claimant.code, at=clock.now())
    assert filing.granted_before(second) == 0


def test_cases_of_another_member_count_for_nobody_else(capped: ClaimCases) -> None:
    capped.decided()
    claim = services.start_claim(
        membership=capped.world.pool.memberships.get(person=capped.neighbor),
        claimant=capped.neighbor.code,
        at=clock.now(),
    )
    assert filing.granted_before(claim) == 0


def test_two_cases_on_the_desk_do_not_both_take_the_whole(capped: ClaimCases) -> None:
    """Each was derived before the other was decided; what is left is read again when people decide."""
    first, second = capped.recommended(), capped.recommended()
    assert (first.aid_fen, second.aid_fen) == (5_000_000, 5_000_000)
    capped.decide(first)
    with pytest.raises(review.LifetimeCapError) as caught:
        capped.decide(second)
    assert caught.value.extra == {"left_fen": 2_000_000}
    assert "¥20,000.00" in str(caught.value)
    _return(capped, second)
    second.refresh_from_db()
    with pytest.raises(review.LifetimeCapError):
        _recommend(capped, second, 2_000_001)
    _recommend(capped, second, 2_000_000)
    second.refresh_from_db()
    capped.decide(second)
    assert Decision.objects.get(claim=second, outcome="approved").aid_fen == 2_000_000


def test_reviewers_page_shows_what_is_left_now(capped: ClaimCases) -> None:
    first, second = capped.recommended(), capped.under_review()
    capped.decide(first)
    page = client_of(capped.reviewer).get(f"/pools/test-pool/review/{second.code}/")
    assert "leave ¥20,000.00 of the most for one person" in page.content.decode().replace("\n", " ")
    assert page.context["recommend_form"].initial["aid"] == 2_000_000


def test_plan_without_a_limit_asks_nothing(cases: ClaimCases) -> None:
    claim = cases.under_review()
    assert filing.lifetime_left(claim) is None
    page = client_of(cases.reviewer).get(f"/pools/test-pool/review/{claim.code}/").content.decode()
    assert "of the most for one person" not in page
    assert "lifetime" not in [step["name"] for step in claim.derivation]


# By hand, as an insider with the application's password would try.


def test_aid_within_lifetime_cap(capped: ClaimCases) -> None:
    first, second = capped.recommended(), capped.recommended()
    capped.decide(first)
    with refused("aid_within_lifetime_cap"):
        run(DECISION, second.pk, capped.second.code, shown_sha256(second))


def test_aid_within_lifetime_cap_when_two_decisions_stand_on_no_step(capped: ClaimCases) -> None:
    """Also where the first decision has not taken its claim anywhere yet."""
    first, second = capped.recommended(), capped.recommended()
    run(DECISION, first.pk, capped.second.code, shown_sha256(first))
    with refused("aid_within_lifetime_cap"):
        run(DECISION, second.pk, capped.second.code, shown_sha256(second))


def test_aid_within_lifetime_cap_when_it_is_derived(capped: ClaimCases) -> None:
    capped.decided()
    claim = capped.draft()
    version = claim.pool.plan_versions.get()
    told = "UPDATE claims_claim SET aid_fen = %s, age = 36, severity = 'mild', plan_version_id = %s WHERE id = %s"
    for fen in (2_000_001, 5_000_000):
        with refused("aid_within_lifetime_cap"):
            run(told, fen, version.pk, claim.pk)
    run(told, 2_000_000, version.pk, claim.pk)


def test_two_decisions_at_once_keep_the_limit(committed_db: tuple[str, str]) -> None:
    cases = ClaimCases.founded(**CAPPED)
    pair = [(cases.recommended(), cases.second), (cases.recommended(), cases.third)]
    answers = together(
        [lambda claim=claim, person=person: cases.decide(claim, decider=person) for claim, person in pair]
    )
    (refusal,) = raised(answers)
    assert isinstance(refusal, ConflictError)
    assert refusal.code == "aid_within_lifetime_cap"
    assert Decision.objects.count() == 1


def test_second_decision_by_hand_waits_for_the_first_and_sees_it(committed_db: tuple[str, str]) -> None:
    cases = ClaimCases.founded(**CAPPED)
    first, second = cases.recommended(), cases.recommended()
    told = (second.pk, cases.third.code, shown_sha256(second))

    def decide() -> None:
        with refused("aid_within_lifetime_cap"):
            run(DECISION, *told)

    with psycopg.connect(committed_db[1]) as holder:
        holder.execute(DECISION, [first.pk, cases.second.code, shown_sha256(first)])
        waiting = Meanwhile(decide)
        wait_for_a_waiter(holder)
        holder.commit()
        waiting.outcome()
    assert Decision.objects.get().claim == first
