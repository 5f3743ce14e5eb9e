"""What waits for each of the people of a claim, on their home page."""

import datetime as dt
import re

from django.db import connection
from django.test.utils import CaptureQueriesContext

from aidplatform.lib import clock
from aidplatform.testing.bank import charged_world
from aidplatform.testing.claim_cases import ClaimCases
from aidplatform.testing.prepared import prepared
from aidplatform.testing.world import set_clock
from aidplatform.tests.pages_helpers import client_of
from claims.filing.selectors import history_of
from claims.publicity.services import follow_awards
from claims.publicity.views import stages
from claims.review import services as review
from ledger.custody.reconciliation import bank_lines
from members.people.models import User
from members.pools.services import grant_duty


@prepared
def cases() -> ClaimCases:
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
        ("¥6,000.00 of your shares in Test pool are not paid", "/pools/test-pool/me/#pay"),
    ]


def test_draft_has_taken_no_step_and_a_filed_claim_the_first(cases: ClaimCases) -> None:
    looks = [stage.look for stage in stages(cases.draft(), [])]
    assert looks == ["next"] * 7
    filed = cases.filed()
    looks = [stage.look for stage in stages(filed, list(history_of(filed)))]
    assert looks == ["now"] + ["next"] * 6


def test_silent_bank_is_named_to_who_keeps_or_checks_the_money(db: None) -> None:
    world, bank, _period = charged_world(100_000)
    bank.all_pay()
    keepers = (world.treasurer, world.controller, world.auditor)
    silent = ("No bank statement of Test pool for 11 days", "/pools/test-pool/custody/")
    for days, told in ((10, []), (11, [silent])):
        set_clock(clock.start_of_day(bank.day + dt.timedelta(days=days), world.pool.time_zone))
        for person in keepers:
            assert [todo for todo in todos(person) if "bank" in todo[0]] == told
        assert silent not in todos(world.admin)
    line = bank_lines([world.pool])[0]
    assert (line.agrees, line.age_days) == (True, 11)
    page = client_of(world.auditor).get("/pools/test-pool/custody/").content.decode()
    assert "no statement for 11 days" in page
    assert "alert-good" not in page


def test_home_costs_the_same_for_one_bank_and_two(db: None) -> None:
    world, _bank, _period = charged_world(100_000)
    client = client_of(world.auditor)
    client.get("/")
    with CaptureQueriesContext(connection) as one:
        client.get("/")
    other, _bank, _period = charged_world(100_000, code="other-pool")
    grant_duty(
        pool=other.pool,
        person=world.auditor,
        duty="auditor",
        proposed_by=other.admin,
        confirmed_by=other.controller,
        at=clock.now(),
    )
    client.get("/")
    with CaptureQueriesContext(connection) as two:
        client.get("/")
    assert len(one) == len(two)


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
