"""What the start page counts on a reviewer's desk: the cases in which this person may act, and no others."""

import datetime as dt

import pytest
from django.conf import LazySettings

from aidplatform.lib import clock
from aidplatform.site.todo import todos_of
from aidplatform.testing.claim_cases import AppealCases, ClaimCases
from aidplatform.testing.prepared import prepared
from aidplatform.testing.world import lay_down_all, set_clock
from claims.filing.models import Claim
from claims.publicity import services
from claims.publicity.tests.test_publicity import second_objection
from claims.review import blind
from members.joining import deputies
from members.people.models import User

OBJECTED = "Cases of Test pool with an objection to answer: 1"
RECOMMENDED = "Claims of Test pool that wait for a decision: 1"
APPEALED = "Appeals of Test pool that nobody has taken up: 1"


@prepared
def cases() -> ClaimCases:
    """Return a pool with people for every part of a case."""
    return ClaimCases.founded()


def told(person: User) -> list[str]:
    return [str(todo.text) for todo in todos_of(person)]


def object_to(claim: Claim, person: User) -> None:
    services.object_to_case(claim=claim, member=person.code, reason="I saw her.", at=clock.now())


def test_who_decided_on_a_case_is_not_asked_to_answer_objections(cases: ClaimCases) -> None:
    cases.objected()
    assert OBJECTED not in told(cases.second)
    assert OBJECTED in told(cases.third)


def test_who_objected_answers_what_others_say_alone(cases: ClaimCases) -> None:
    claim = cases.published()
    cases.world.grant(cases.neighbor, "second_reviewer")
    object_to(claim, cases.neighbor)
    assert OBJECTED not in told(cases.neighbor)
    second_objection(cases, claim)
    assert OBJECTED in told(cases.neighbor)


def test_who_recommended_does_not_decide(cases: ClaimCases) -> None:
    cases.recommended()
    lay_down_all(cases.reviewer)
    cases.world.grant(cases.reviewer, "second_reviewer")
    assert RECOMMENDED not in told(cases.reviewer)
    assert RECOMMENDED in told(cases.second)


def test_who_was_heard_before_takes_up_no_appeal(db: None) -> None:
    cases = AppealCases.founded(appeal_days=30)
    cases.appealed()
    assert APPEALED not in told(cases.reviewer)
    assert APPEALED in told(cases.other_reviewer)


def test_who_upheld_an_objection_takes_up_no_appeal(db: None) -> None:
    cases = AppealCases.founded(appeal_days=30)
    claim = cases.overturned()
    cases.appeal(claim)
    claim.refresh_from_db()
    cases.recommend(claim, "approved")
    assert RECOMMENDED not in told(cases.third)
    assert RECOMMENDED in told(cases.other_second)


@pytest.mark.parametrize("part", ["objects", "stands by"])
def test_blind_reviews_are_counted_for_who_may_judge(
    cases: ClaimCases, settings: LazySettings, part: str
) -> None:
    settings.BLIND_REVIEW_PER_MILLE = 1000
    claim = cases.published()
    pool, person = cases.world.pool, cases.neighbor
    cases.world.grant(person, "reviewer")
    assert blind.waiting_claims(pool, person) == [claim]
    if part == "objects":
        object_to(claim, person)
    else:
        named = deputies.name_deputy(
            membership=claim.membership, code=person.code, kind="emergency", at=clock.now()
        )
        deputies.accept_deputy(deputy=named, person=person)
        set_clock(clock.now() + dt.timedelta(hours=1))
    assert blind.waiting_claims(pool, person) == []
    assert not blind.waits_for(claim, person)
