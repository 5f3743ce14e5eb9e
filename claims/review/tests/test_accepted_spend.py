"""Spend that reviewers accept, further bills of a case, and cases shared: by services, pages and by hand."""

import datetime as dt
from typing import Any

import pytest
from django.urls import reverse

from aidplatform.lib import clock
from aidplatform.testing.claim_cases import BIRTH, EVENT, ClaimCases, all_papers, photograph
from aidplatform.testing.prepared import prepared
from aidplatform.testing.refusals import not_permitted, refused, run
from aidplatform.testing.world import run_jobs, set_clock
from aidplatform.tests.pages_helpers import client_of
from claims.filing import parts, selectors, services
from claims.filing.models import Claim
from claims.publicity.services import withdraw_claim
from claims.review import services as review
from claims.review.models import Decision, Recommendation
from claims.review.selectors import shown_text
from claims.review.signal_services import find_signals

# Of a mild illness 50,000.00 at most: 10,000.00 at once, the rest for bills above 2,000.00.
BILLS = {"reimbursement": {"at_once": "1/5", "deductible_fen": 200_000}}
BY_CASES = {"case_steps": [{"from_cases": 0, "part": "1/2"}, {"from_cases": 1, "part": "1"}]}
DESK = "/pools/test-pool/review/"


@prepared
def billed() -> ClaimCases:
    """Give the test a pool that grants a fifth at once and the rest against bills."""
    return ClaimCases.founded(**BILLS)


def recommend(
    cases: ClaimCases, claim: Claim, aid_fen: int, accepted_fen: int | None = None
) -> Recommendation:
    """Recommend an approval."""
    return review.recommend(
        claim=claim, reviewer=cases.reviewer.code, outcome="approved", aid_fen=aid_fen, clause="aid",
        papers=all_papers(claim), reason="The bills were added up.", at=clock.now(), accepted_spend_fen=accepted_fen,
    )  # fmt: skip


def awarded(cases: ClaimCases, claim: Claim, aid_fen: int, accepted_fen: int | None = None) -> Claim:
    """Let a filed claim come to its final aid."""
    claim = review.assign_claim(claim=claim, reviewer=cases.reviewer.code, at=clock.now())
    recommend(cases, claim, aid_fen, accepted_fen)
    claim.refresh_from_db()
    cases.decide(claim)
    run_jobs()
    cases.to_publicity()
    cases.end_publicity()
    claim.refresh_from_db()
    assert claim.state == "awarded"
    return claim


def further_bills(cases: ClaimCases, claim: Claim, spend_fen: int, shade: int) -> Claim:
    """File a claim for further bills."""
    part = parts.start_part(claim=claim, claimant=cases.claimant.code, at=clock.now())
    services.save_draft(
        claim=part, claimant=cases.claimant.code, at=clock.now(), story="More bills.", spend_fen=spend_fen
    )
    services.add_evidence(
        claim=part, claimant=cases.claimant.code, kind="bill", data=photograph(shade), at=clock.now()
    )
    part.refresh_from_db()
    return cases.file(part)


# --- filing -----------------------------------------------------------------------------------------------------


def test_spend_and_a_bill_of_it_are_asked_for(billed: ClaimCases) -> None:
    draft = billed.draft()
    assert services.what_is_missing(draft) == ["spend"]
    services.save_draft(claim=draft, claimant=billed.claimant.code, at=clock.now(), spend_fen=2_000_000)
    draft.refresh_from_db()
    assert services.what_is_missing(draft) == ["bill"]
    services.save_draft(claim=draft, claimant=billed.claimant.code, at=clock.now(), spend_fen=0)
    draft.refresh_from_db()
    assert services.what_is_missing(draft) == []


def test_filing_derives_what_the_told_spend_grants(billed: ClaimCases) -> None:
    claim = billed.filed(2_200_000)
    assert (claim.spend_fen, claim.aid_fen, claim.cases_shared) == (2_200_000, 3_000_000, None)
    assert claim.derivation[-1]["bills_fen"] == 2_000_000


def test_spend_is_not_kept_where_nobody_asks_for_it(cases: ClaimCases) -> None:
    claim = cases.filed(2_200_000)
    assert (claim.spend_fen, claim.aid_fen) == (None, 5_000_000)


def test_claimant_tells_the_spend_on_the_pages(billed: ClaimCases) -> None:
    claim = services.start_claim(membership=billed.membership, claimant=billed.claimant.code, at=clock.now())
    page = client_of(billed.claimant)
    told = {
        "illness": "thyroid_cancer", "event_date": EVENT.isoformat(), "birth_date": BIRTH.isoformat(),
        "story": "A lump.", "sex": "", "region": "",
    }  # fmt: skip
    refusal = page.post(f"/claims/{claim.code}/edit/what/", told)
    assert refusal.status_code == 422
    assert 'id="id_spend_fen_error"' in refusal.content.decode()
    assert page.post(f"/claims/{claim.code}/edit/what/", told | {"spend_fen": "22,000"}).status_code == 302
    claim.refresh_from_db()
    assert claim.spend_fen == 2_200_000
    shown = page.get(f"/claims/{claim.code}/edit/public/").content.decode()
    assert "Up to ¥30,000.00" in shown
    assert "at once ¥10,000.00; against bills of ¥22,000.00 in all, above ¥2,000.00" in shown


# --- review -----------------------------------------------------------------------------------------------------


def test_reviewer_accepts_less_and_grants_what_the_plan_gives_for_it(billed: ClaimCases) -> None:
    claim = billed.under_review(2_200_000)
    with pytest.raises(review.AcceptedSpendError) as caught:
        recommend(billed, claim, 3_000_000, 2_200_001)
    assert caught.value.extra == {"told_fen": 2_200_000}
    with pytest.raises(review.AidTooHighError):
        recommend(billed, claim, 2_500_001, 1_700_000)
    advice = recommend(billed, claim, 2_500_000, 1_700_000)
    assert advice.derivation[-1]["aid_fen"] == 2_500_000
    claim.refresh_from_db()
    assert "|1700000|" in shown_text(claim)
    billed.decide(claim)
    assert Decision.objects.get(claim=claim).aid_fen == 2_500_000
    told = client_of(billed.claimant).get(f"/claims/{claim.code}/").content.decode()
    assert "Bills told: ¥22,000.00. Bills accepted: ¥17,000.00." in told
    assert "against bills of ¥17,000.00 in all" in told


def test_desk_works_the_aid_out_for_the_spend_that_is_accepted(billed: ClaimCases) -> None:
    claim = billed.under_review(2_200_000)
    page = client_of(billed.reviewer)
    first = page.get(f"{DESK}{claim.code}/")
    assert "For this spend the plan grants ¥30,000.00." in first.content.decode()
    less = page.get(f"{DESK}{claim.code}/?accepted=17,000")
    assert "For this spend the plan grants ¥25,000.00." in less.content.decode()
    form = less.context["recommend_form"]
    assert (form.initial["accepted_spend_fen"], form.initial["aid"]) == (1_700_000, 2_500_000)
    more = page.get(f"{DESK}{claim.code}/?accepted=22,001").content.decode()
    assert "The claim tells of less." in more
    garbage = page.get(f"{DESK}{claim.code}/?accepted=much")
    assert garbage.status_code == 200
    assert "For this spend the plan grants ¥30,000.00." in garbage.content.decode()
    sent = {
        "outcome": "approved", "accepted_spend_fen": "17,000", "aid": "25,000", "clause": "aid", "reason": "Added up.",
        "papers": all_papers(claim),
        "key": form.initial["key"],
    }  # fmt: skip
    refusal = page.post(f"{DESK}{claim.code}/recommend/", sent | {"accepted_spend_fen": ""})
    assert refusal.status_code == 422
    assert page.post(f"{DESK}{claim.code}/recommend/", sent).status_code == 302
    second = client_of(billed.second).get(f"{DESK}{claim.code}/").content.decode()
    assert "The reviewer accepts ¥17,000.00; what follows is worked out for that." in second
    assert "against bills of ¥17,000.00 in all" in second


@pytest.mark.parametrize(
    ("accepted", "aid_fen"),
    [
        ("NULL", 2_500_000),
        ("2200001", 3_000_000),
        ("-1", 1_000_000),
        ("1700000", 2_500_001),
        ("0", 1_000_001),
    ],
)
def test_accepted_spend_carries_the_aid(billed: ClaimCases, accepted: str, aid_fen: int) -> None:
    claim = billed.under_review(2_200_000)
    statement = f"""INSERT INTO claims_recommendation (claim_id, round, reviewer, outcome, aid_fen, accepted_spend_fen,
                                                       clause, reason_sealed, recommended_at)
                    VALUES (%s, 1, %s, 'approved', %s, {accepted}, 'aid', 'x', aid_now())"""
    with refused("accepted_spend_carries_the_aid"):
        run(statement, claim.pk, billed.reviewer.code, aid_fen)


def test_accepted_spend_carries_the_aid_and_stands_where_it_is_asked_for(cases: ClaimCases) -> None:
    claim = cases.under_review()
    with refused("accepted_spend_carries_the_aid"):
        run(
            """INSERT INTO claims_recommendation (claim_id, round, reviewer, outcome, aid_fen, accepted_spend_fen,
                                                  clause, reason_sealed, recommended_at)
               VALUES (%s, 1, %s, 'approved', 1, 1, 'aid', 'x', aid_now())""",
            claim.pk,
            cases.reviewer.code,
        )


@pytest.mark.parametrize(
    ("spend", "cases_shared", "aid_fen"),
    [("NULL", "NULL", 1_000_000), ("0", "0", 1_000_000), ("0", "NULL", 1_000_001)],
)
def test_claim_aid_is_what_its_plan_grants_for_the_spend(
    billed: ClaimCases, spend: str, cases_shared: str, aid_fen: int
) -> None:
    claim = billed.draft()
    version = claim.pool.plan_versions.get()
    statement = f"""UPDATE claims_claim SET aid_fen = %s, age = 36, severity = 'mild', plan_version_id = %s,
                           spend_fen = {spend}, cases_shared = {cases_shared} WHERE id = %s"""
    with refused("claim_aid_is_what_its_plan_grants"):
        run(statement, aid_fen, version.pk, claim.pk)


# --- further bills ----------------------------------------------------------------------------------------------


def test_further_bills_are_a_claim_of_their_own_with_an_award_of_its_own(billed: ClaimCases) -> None:
    first = awarded(billed, billed.filed(1_200_000), 2_000_000)
    page = client_of(billed.claimant)
    assert "Bring further bills" in page.get(f"/claims/{first.code}/").content.decode()
    begun = page.post(f"/claims/{first.code}/further-bills/")
    part = Claim.objects.get(part_of=first)
    assert begun["Location"] == f"/claims/{part.code}/edit/what/"
    assert page.post(f"/claims/{first.code}/further-bills/")["Location"] == begun["Location"]
    assert selectors.read_birth(part) == BIRTH
    assert services.what_is_missing(part) == ["story", "spend"]
    shown = page.get(f"/claims/{part.code}/edit/what/").content.decode()
    assert f"Further bills of claim {first.code}" in shown
    assert "bills of ¥12,000.00 accepted, ¥20,000.00 granted" in shown
    part = further_bills(billed, first, 4_000_000, 50)
    # 40,000.00 and 12,000.00 less 2,000.00 would be 50,000.00 on top of 10,000.00: the most, less what was granted.
    assert (part.aid_fen, part.state) == (3_000_000, "filed")
    assert [step["name"] for step in part.derivation][-2:] == ["billed", "rest"]
    assert "Bring further bills" not in page.get(f"/claims/{first.code}/").content.decode()
    desk = client_of(billed.reviewer).get(f"{DESK}{part.code}/").content.decode()
    assert "bills of ¥12,000.00 accepted, ¥20,000.00 granted" in desk
    part = awarded(billed, part, 1_500_000, 1_500_000)
    assert billed.award(part).aid_fen == 1_500_000
    assert billed.award(first).aid_fen == 2_000_000
    case = (
        client_of(billed.neighbor)
        .get(reverse("case", args=["test-pool", billed.award(part).code]))
        .content.decode()
    )
    assert f"Further bills of case {billed.award(first).code}." in case
    last = further_bills(billed, part, 9_000_000, 60)
    assert last.part_of == first
    assert last.derivation[-1]["earlier_fen"] == 3_500_000
    assert last.aid_fen == 1_500_000


def test_part_that_is_taken_back_leaves_its_bills_to_the_next(billed: ClaimCases) -> None:
    first = awarded(billed, billed.filed(1_200_000), 2_000_000)
    part = further_bills(billed, first, 500_000, 50)
    withdraw_claim(claim=part, claimant=billed.claimant.code, at=clock.now())
    again = further_bills(billed, first, 600_000, 60)
    assert again.aid_fen == 600_000


def test_further_bills_wait_for_the_aid_before_and_tell_no_other_event(billed: ClaimCases) -> None:
    claim = billed.filed(1_200_000)
    with pytest.raises(services.PartOfCaseError):
        parts.start_part(claim=claim, claimant=billed.claimant.code, at=clock.now())
    assert (
        "Bring further bills" not in client_of(billed.claimant).get(f"/claims/{claim.code}/").content.decode()
    )
    assert client_of(billed.claimant).post(f"/claims/{claim.code}/further-bills/").status_code == 409
    assert client_of(billed.neighbor).post(f"/claims/{claim.code}/further-bills/").status_code == 404
    claim = awarded(billed, claim, 2_000_000)
    part = parts.start_part(claim=claim, claimant=billed.claimant.code, at=clock.now())
    with pytest.raises(services.PartOfCaseError):
        services.save_draft(
            claim=part, claimant=billed.claimant.code, at=clock.now(), event_date=EVENT - dt.timedelta(days=1)
        )


def test_second_claim_of_the_same_event_is_shown_to_reviewers_and_a_part_is_not(billed: ClaimCases) -> None:
    first = awarded(billed, billed.filed(1_200_000), 2_000_000)
    said = "1 other claim of this member tells the same event"
    part = review.assign_claim(
        claim=further_bills(billed, first, 500_000, 50), reviewer=billed.reviewer.code, at=clock.now()
    )
    page = client_of(billed.reviewer)
    run_jobs()
    assert "Soon after the waiting period" in page.get(f"{DESK}{part.code}/").content.decode()
    assert said not in page.get(f"{DESK}{part.code}/").content.decode()
    again = billed.under_review(1_200_000)
    run_jobs()
    assert "2 other claims of this member" in page.get(f"{DESK}{again.code}/").content.decode()
    withdraw_claim(claim=part, claimant=billed.claimant.code, at=clock.now())
    find_signals(claim=again, pages=[], at=clock.now())
    assert said in page.get(f"{DESK}{again.code}/").content.decode()


def test_plan_without_spend_takes_no_further_bills(cases: ClaimCases) -> None:
    claim = cases.published()
    cases.end_publicity()
    claim.refresh_from_db()
    assert not parts.may_bring_bills(claim)


def test_further_bills_are_in_time_when_the_case_was(db: None) -> None:
    cases = ClaimCases.founded(**BILLS, report_days=60)
    first = awarded(cases, cases.filed(1_200_000), 2_000_000)
    set_clock(clock.now() + dt.timedelta(days=90))
    part = further_bills(cases, first, 500_000, 50)
    assert part.aid_fen == 500_000
    assert selectors.last_day_to_file(part) is None


def test_lifetime_limit_counts_every_part(db: None) -> None:
    cases = ClaimCases.founded(**BILLS, aid=[
        {"severity": "mild", "age_from": 0, "age_before": 60, "max_aid_fen": 5_000_000}],
        lifetime_cap_fen=5_000_000)  # fmt: skip
    first = awarded(cases, cases.filed(1_200_000), 2_000_000)
    part = further_bills(cases, first, 9_000_000, 50)
    assert [step["aid_fen"] for step in part.derivation[-3:]] == [5_000_000, 3_000_000, 3_000_000]
    assert part.derivation[-1]["earlier_fen"] == 2_000_000


@pytest.mark.parametrize(
    "is_filed_first", [True, False], ids=["before it is lowered", "after it was lowered"]
)
def test_aid_that_caps_have_lowered_does_not_come_back_with_further_bills(
    db: None, is_filed_first: bool
) -> None:
    """Nine members bear 1,000.00 each at most: 8,333.33 and the fee of 666.67 are shared of 20,000.00 granted.

    What a part brings is the same whether its case has been shared by then or not, and the same as elsewhere.
    """
    cases = ClaimCases.founded(**BILLS, period_cap_fen=100_000, on_infeasible="reduce_aid")
    first = awarded(cases, cases.filed(1_200_000), 2_000_000)
    if is_filed_first:
        part = further_bills(cases, first, 500_000, 50)
        cases.post()
    else:
        cases.post()
        part = further_bills(cases, first, 500_000, 50)
    award = cases.award(first)
    assert (award.aid_fen, award.shared_fen) == (2_000_000, 833_333)
    assert part.derivation is not None
    assert [part.derivation[-1][name] for name in ("case_fen", "earlier_fen", "aid_fen")] == [
        2_500_000,
        2_000_000,
        500_000,
    ]
    awarded(cases, part, 500_000)
    cases.post()
    award = cases.award(part)
    assert (award.aid_fen, award.shared_fen) == (500_000, 500_000)


def test_lowered_aid_counts_in_whole_where_further_bills_reach_the_most(db: None) -> None:
    """Granted was all that the plan gives for one case: more bills bring nothing, though less was shared."""
    cases = ClaimCases.founded(**BILLS, period_cap_fen=100_000, on_infeasible="reduce_aid")
    first = awarded(cases, cases.filed(9_000_000), 5_000_000)
    cases.post()
    assert cases.award(first).shared_fen == 833_333
    assert further_bills(cases, first, 500_000, 50).aid_fen == 0


def _insert_part(first: Claim, **columns: Any) -> None:
    row = {
        "code": "CL-BYHAND", "pool_id": first.pool_id, "membership_id": first.membership_id,
        "claimant_id": first.claimant_id, "state": "draft", "part_of_id": first.pk, "illness": "", "severity": "",
        "sex": "", "region": "", "round": 1, "created_at": clock.now(), "state_since": clock.now(), **columns,
    }  # fmt: skip
    places = ", ".join(["%s"] * len(row))
    run(f"INSERT INTO claims_claim ({', '.join(row)}) VALUES ({places})", *row.values())


def test_part_follows_its_case(billed: ClaimCases) -> None:
    claim = billed.filed(1_200_000)
    with refused("part_follows_its_case"):
        _insert_part(claim)
    claim = awarded(billed, claim, 2_000_000)
    neighbor = claim.pool.memberships.get(person=billed.neighbor)
    with refused("part_follows_its_case"):
        _insert_part(claim, membership_id=neighbor.pk, claimant_id=billed.neighbor.pk)
    part = awarded(billed, further_bills(billed, claim, 500_000, 50), 500_000)
    with refused("part_follows_its_case"):
        _insert_part(part)


def test_part_follows_its_case_and_tells_its_event(billed: ClaimCases) -> None:
    claim = awarded(billed, billed.filed(1_200_000), 2_000_000)
    part = parts.start_part(claim=claim, claimant=billed.claimant.code, at=clock.now())
    with refused("part_follows_its_case"):
        run(
            """UPDATE claims_claim SET aid_fen = 0, age = 36, spend_fen = 0, plan_version_id = %s, event_date = %s
                WHERE id = %s""",
            claim.plan_version_id,
            EVENT + dt.timedelta(days=1),
            part.pk,
        )


def test_one_part_on_its_way(billed: ClaimCases) -> None:
    claim = awarded(billed, billed.filed(1_200_000), 2_000_000)
    further_bills(billed, claim, 500_000, 50)
    with refused("one_part_on_its_way"):
        _insert_part(claim)


def test_claim_keeps_its_identity_as_a_part(billed: ClaimCases) -> None:
    claim = awarded(billed, billed.filed(1_200_000), 2_000_000)
    part = parts.start_part(claim=claim, claimant=billed.claimant.code, at=clock.now())
    with not_permitted():
        run("UPDATE claims_claim SET part_of_id = NULL WHERE id = %s", part.pk)


# --- cases shared -----------------------------------------------------------------------------------------------


def test_aid_grows_with_the_cases_of_posted_periods(db: None) -> None:
    cases = ClaimCases.founded(**BY_CASES)
    first = cases.filed()
    assert (first.cases_shared, first.aid_fen) == (0, 2_500_000)
    awarded(cases, first, 2_500_000)
    cases.post()
    posted_day = clock.today("Asia/Shanghai")
    set_clock(clock.now() + dt.timedelta(days=40))
    for event, shared, aid_fen in (
        (posted_day, 0, 2_500_000),
        (posted_day + dt.timedelta(days=1), 1, 5_000_000),
    ):
        draft = cases.draft()
        services.save_draft(claim=draft, claimant=cases.claimant.code, at=clock.now(), event_date=event)
        draft.refresh_from_db()
        claim = cases.file(draft)
        assert (claim.cases_shared, claim.aid_fen) == (shared, aid_fen)
        assert claim.derivation[-1] == {
            "name": "shared", "clause": "aid", "passed": True, "cases": shared, "part": "1" if shared else "1/2",
            "aid_fen": aid_fen,
        }  # fmt: skip
        # More cases than were shared are not to be written by hand either.
        withdraw_claim(claim=claim, claimant=cases.claimant.code, at=clock.now())
    draft = cases.draft()
    with refused("claim_aid_is_what_its_plan_grants"):
        run(
            """UPDATE claims_claim SET aid_fen = 5000000, age = 36, severity = 'mild', plan_version_id = %s,
                      cases_shared = 1, event_date = %s WHERE id = %s""",
            claim.plan_version_id,
            posted_day,
            draft.pk,
        )
