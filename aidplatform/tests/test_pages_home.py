"""What waits for each of the people of a claim, on their home page."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from aidplatform.lib import clock
from aidplatform.testing.claim_cases import ClaimCases
from aidplatform.tests.pages_helpers import client_of
from claims.publicity.services import follow_awards
from claims.review import services as review
from members.people.models import User
from members.pools.services import grant_duty


@pytest.fixture
def cases(db: None) -> ClaimCases:
    """Give the test a pool with people for every step of a claim."""
    return ClaimCases.founded()


def todos(person: User) -> list[tuple[str, str]]:
    """Return what the home page says waits for the person, each with its address."""
    page = client_of(person).get("/").content.decode()
    part = page[page.index('id="todo"') :].split("</section>")[0]
    return re.findall(r'<li><span>(.*?)</span><a class="button button-small" href="(.*?)">', part)


def test_draft_waits_for_its_claimant_alone(cases: ClaimCases) -> None:
    claim = cases.draft()
    assert todos(cases.claimant) == [
        (f"Your claim {claim.code} is not filed yet", f"/claims/{claim.code}/"),
    ]
    for other in (cases.reviewer, cases.second, cases.neighbor):
        assert todos(other) == []


def test_claim_waits_on_one_desk_after_the_other(cases: ClaimCases) -> None:
    desk = "/pools/test-pool/review/?state="
    claim = cases.filed()
    assert todos(cases.reviewer) == [
        ("Claims of Test pool that nobody has taken up: 1", f"{desk}filed"),
    ]
    assert todos(cases.claimant) == []
    review.assign_claim(claim=claim, reviewer=cases.reviewer.code, at=clock.now())
    assert todos(cases.reviewer) == [("Claims of Test pool that you review: 1", f"{desk}under_review")]
    assert todos(cases.second) == []


def test_recommended_claim_waits_for_each_second_reviewer(cases: ClaimCases) -> None:
    claim = cases.recommended()
    desk = "/pools/test-pool/review/?state=recommended"
    for second in (cases.second, cases.third):
        assert todos(second) == [("Claims of Test pool that wait for a decision: 1", desk)]
    assert todos(cases.reviewer) == []
    assert claim.code in client_of(cases.second).get(desk).content.decode()


def test_objection_waits_for_second_reviewers(cases: ClaimCases) -> None:
    cases.objected()
    assert (
        "Cases of Test pool with an objection to answer: 1",
        "/pools/test-pool/review/?state=objected",
    ) in todos(cases.third)


def test_aid_that_was_paid_waits_for_who_was_helped(cases: ClaimCases) -> None:
    claim = cases.published()
    cases.end_publicity()
    cases.post()
    follow_awards(awards=[cases.award(claim).pk], state="paid", at=claim.created_at)
    assert todos(cases.claimant) == [
        (f"The aid of claim {claim.code} has been paid. Has it come?", f"/claims/{claim.code}/"),
    ]


def test_own_claim_is_on_no_desk_of_ones_own(cases: ClaimCases) -> None:
    grant_duty(
        pool=cases.world.pool,
        person=cases.claimant,
        duty="reviewer",
        proposed_by=cases.world.admin,
        confirmed_by=cases.world.controller,
        at=clock.now(),
    )
    cases.filed()
    assert todos(cases.claimant) == []
    assert len(todos(cases.reviewer)) == 1


def test_home_costs_the_same_for_one_claim_and_three(cases: ClaimCases) -> None:
    cases.filed()
    client = client_of(cases.reviewer)
    client.get("/")
    with CaptureQueriesContext(connection) as one:
        client.get("/")
    cases.filed()
    cases.filed()
    with CaptureQueriesContext(connection) as more:
        client.get("/")
    assert len(one) == len(more)
