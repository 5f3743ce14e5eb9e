"""Limits against harassment: one member objects once to a case, and to so many cases of a period as the plan says."""

import dataclasses
import datetime as dt

import pytest

from aidplatform.lib import clock
from aidplatform.testing.claim_cases import AppealCases, ClaimCases
from aidplatform.testing.refusals import refused, run
from aidplatform.testing.world import OPENED, run_jobs, set_clock
from aidplatform.tests.pages_helpers import client_of
from claims.filing.models import Claim
from claims.publicity import services
from claims.publicity.models import Objection
from members.joining.services import admit_member
from members.people.models import User


def _object(cases: ClaimCases, claim: Claim, reason: str = "I saw her ill in 2024.") -> Objection:
    return services.object_to_case(claim=claim, member=cases.neighbor.code, reason=reason, at=clock.now())


def _dismiss(cases: ClaimCases, objection: Objection) -> None:
    services.answer_objection(
        objection=objection, answerer=cases.third.code, upheld=False, answer="No.", at=clock.now()
    )


def _insert(claim: Claim, member: str, raised_at: dt.datetime | None = None) -> None:
    run(
        """INSERT INTO claims_objection (claim_id, number, member, reason_sealed, raised_at, state)
           VALUES (%s, 99, %s, 'x', %s, 'open')""",
        claim.pk,
        member,
        raised_at or clock.now(),
    )


def _two_public_cases(**terms: object) -> tuple[ClaimCases, Claim, Claim]:
    """Publish the cases of two members in one period."""
    cases = ClaimCases.founded(**terms)
    person = User.objects.create_user("other-claimant@example.org")
    membership = admit_member(
        pool=cases.world.pool, person=person, class_no=0, from_at=clock.start_of_day(OPENED, "Asia/Shanghai"),
        joined_date=OPENED,
        actor="test",
    )  # fmt: skip
    first = cases.decided()
    second = dataclasses.replace(cases, claimant=person, membership=membership).decided()
    cases.to_publicity()
    for claim in (first, second):
        claim.refresh_from_db()
    return cases, first, second


def test_one_objection_per_member_and_case(cases: ClaimCases) -> None:
    claim, objection = cases.objected()
    _dismiss(cases, objection)
    with pytest.raises(services.ObjectedOnceError):
        _object(cases, claim, "Again")
    with refused("one_objection_per_member_and_case"):
        _insert(claim, cases.neighbor.code)
    answer = client_of(cases.neighbor).post(
        f"/api/v1/pools/test-pool/cases/{cases.award(claim).code}/objections/",
        {"reason": "Again"},
        headers={"Idempotency-Key": "a-key-of-its-own"},
        content_type="application/json",
    )
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:aid:one_objection_per_member_and_case")


def test_case_that_an_appeal_brought_back_may_be_objected_to_anew(db: None) -> None:
    cases = AppealCases.founded(appeal_days=30)
    claim = cases.overturned()
    cases.appeal(claim)
    claim.refresh_from_db()
    cases.recommend(claim, "approved")
    cases.decide(claim, "approved", cases.other_second)
    run_jobs()
    period = cases.award(claim).pool.periods.get()
    cases.end_publicity()
    set_clock(clock.start_of_day(period.next_opening_date, "Asia/Shanghai"))
    cases.to_publicity()
    claim.refresh_from_db()
    assert _object(cases, claim).number == 2


def test_objections_have_a_limit(db: None) -> None:
    cases, first, second = _two_public_cases(objections_per_period=1)
    _object(cases, first)
    with pytest.raises(services.TooManyObjectionsError) as caught:
        _object(cases, second)
    assert caught.value.extra == {"most": 1}
    with refused("objections_have_a_limit"):
        _insert(second, cases.neighbor.code)
    # A day of before, written by hand, lets nobody off: the instant is the database's own.
    with refused("objections_have_a_limit"):
        _insert(second, cases.neighbor.code, clock.now() - dt.timedelta(days=60))


def test_where_the_plan_is_silent_three_cases_may_be_objected_to(db: None) -> None:
    cases, first, second = _two_public_cases()
    _object(cases, first)
    assert _object(cases, second).number == 1


def test_objection_of_somebody_else_counts_for_nothing(db: None) -> None:
    cases, first, second = _two_public_cases(objections_per_period=1)
    _object(cases, first)
    services.object_to_case(claim=second, member=cases.claimant.code, reason="Mine", at=clock.now())


def test_page_says_how_many_objections_are_left_and_why_none_is(db: None) -> None:
    cases, first, second = _two_public_cases(objections_per_period=1)
    client = client_of(cases.neighbor)
    pages = {claim: f"/pools/test-pool/notices/{cases.award(claim).code}/" for claim in (first, second)}
    assert "to 1 more of this period at most" in client.get(pages[second]).content.decode()
    objection = _object(cases, first)
    text = client.get(pages[first]).content.decode()
    assert "Your objection to this case is still open." in text
    assert (
        "as many cases of this period as the plan lets one member"
        in client.get(pages[second]).content.decode()
    )
    _dismiss(cases, objection)
    text = client.get(pages[first]).content.decode()
    assert "One objection is heard." in text
    assert "Object to this case" not in text


def test_withdrawing_before_publicity_withdraws_the_case(cases: ClaimCases) -> None:
    claim = cases.decided()
    award = cases.award(claim)
    assert award.period is None
    row = client_of(cases.claimant).post(f"/api/v1/me/claims/{claim.code}/withdrawal/").json()
    assert row["claim"]["state"] == "withdrawn"
    award.refresh_from_db()
    assert award.state == "withdrawn"
    assert (
        cases.award(claim).code
        not in client_of(cases.neighbor).get("/pools/test-pool/notices/").content.decode()
    )
