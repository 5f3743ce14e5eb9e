"""Links to somebody outside: mailed where their maker says so, and due: to be made, then to be used."""

import datetime as dt
import re

from django.urls import reverse

from aidplatform.lib import clock
from aidplatform.testing.claim_cases import ClaimCases
from aidplatform.testing.investigation_cases import InvestigationCases
from aidplatform.testing.prepared import prepared
from aidplatform.testing.world import run_jobs, set_clock
from aidplatform.tests.pages_helpers import client_of
from claims.filing.models import Claim
from claims.publicity.news import follow_overdue_due
from claims.review import investigations, outside_reviews
from claims.review.links import DAYS_TO_SEND
from claims.review.outside_triggers import LINK_DAYS
from claims.review.tests.test_outside import appointed, running, waiting
from members.people.models import Mail, Notice, User

ADDRESS = "zhou@hospital.example.net"


@prepared
def looked_into() -> InvestigationCases:
    """Return a pool whose plan knows investigations."""
    return InvestigationCases.founded()


def due_of(claim: Claim) -> dt.date | None:
    return Claim.objects.get(pk=claim.pk).due_date


def day(after: int) -> dt.date:
    return clock.today("Asia/Shanghai") + dt.timedelta(days=after)


def overdue_to(person: User) -> int:
    """Let the next day after what is due begin; return how often the person has been told that something is late."""
    follow_overdue_due(clock.now())
    run_jobs()
    return Notice.objects.filter(person=person, kind="claim_overdue").count()


def pass_due(claim: Claim) -> None:
    due = due_of(claim)
    assert due is not None
    set_clock(clock.start_of_day(due + dt.timedelta(days=1), "Asia/Shanghai"))


def test_link_that_is_not_made_and_one_that_is_not_used_are_late(cases: ClaimCases) -> None:
    claim, admin = waiting(cases), cases.world.admin
    one = appointed(cases, claim)
    assert due_of(claim) == day(DAYS_TO_SEND)
    assert overdue_to(admin) == 0
    pass_due(claim)
    assert [overdue_to(admin), overdue_to(admin)] == [1, 1]
    outside_reviews.make_link(review=one, admin=admin.code, at=clock.now())
    assert due_of(claim) == day(LINK_DAYS)
    pass_due(claim)
    assert overdue_to(admin) == 2
    told = Notice.objects.filter(person=admin, kind="claim_overdue").last()
    assert told is not None
    assert told.link == f"/pools/test-pool/outside-reviews/{claim.code}/"
    assert Notice.objects.filter(person=cases.claimant, kind="claim_late").count() == 2


def test_who_takes_it_on_has_days_of_their_own(cases: ClaimCases) -> None:
    claim = waiting(cases)
    one = running(cases, claim)
    assert due_of(claim) == one.until_date


def test_link_of_an_investigator_is_due_with_the_reviewer(looked_into: InvestigationCases) -> None:
    one = looked_into.ordered()
    assert due_of(one.claim) == day(DAYS_TO_SEND)
    pass_due(one.claim)
    assert overdue_to(looked_into.reviewer) == 1
    investigations.make_link(investigation=one, reviewer=looked_into.reviewer.code, at=clock.now())
    assert due_of(one.claim) == day(LINK_DAYS)
    # Prolonged while nobody has taken it on, the link does not end later by that.
    investigations.extend_investigation(investigation=one, reviewer=looked_into.reviewer.code, at=clock.now())
    assert due_of(one.claim) == day(LINK_DAYS)


def test_link_never_waits_longer_than_the_access_it_gives(db: None) -> None:
    short = InvestigationCases.founded(investigation={"days": 5})
    one = short.ordered()
    short.token(one)
    assert due_of(one.claim) == one.until_date == day(5)


def test_link_is_mailed_without_a_word_of_the_case(cases: ClaimCases) -> None:
    claim, admin = waiting(cases), cases.world.admin
    one = appointed(cases, claim)
    link = outside_reviews.make_link(review=one, admin=admin.code, at=clock.now(), address=ADDRESS)
    mail = Mail.objects.get(to_address=ADDRESS)
    assert link in mail.body
    assert "Test pool" in mail.subject
    assert claim.code not in mail.body + mail.subject
    outside_reviews.make_link(review=one, admin=admin.code, at=clock.now())
    assert Mail.objects.filter(key__startswith="outsidereview-link/").count() == 1


def test_page_sends_it_and_keeps_a_bad_address(cases: ClaimCases) -> None:
    claim = waiting(cases)
    appointed(cases, claim)
    client = client_of(cases.world.admin)
    page = f"/pools/test-pool/outside-reviews/{claim.code}/"
    bad = client.post(f"{page}link/", {"address": "nowhere", "instead_of": ""})
    assert (bad.status_code, 'value="nowhere"' in bad.content.decode()) == (422, True)
    made = client.post(f"{page}link/", {"address": ADDRESS, "instead_of": ""}).content.decode()
    assert f"It is mailed to {ADDRESS}" in made
    again = client.post(f"{page}link/", {"address": ADDRESS, "instead_of": ""})
    assert again.status_code == 409
    # The page on which it is shown can make another one in its place.
    mark = re.findall(r'name="instead_of" value="([0-9a-f]+)"', made)
    assert client.post(f"{page}link/", {"address": "", "instead_of": mark[0]}).status_code == 200
    assert Mail.objects.filter(to_address=ADDRESS).count() == 1


def test_pages_and_programs_of_investigations_mail_it(looked_into: InvestigationCases) -> None:
    one = looked_into.ordered()
    client = client_of(looked_into.reviewer)
    page = f"/pools/test-pool/review/{one.claim.code}/investigations/{one.number}/"
    assert client.post(f"{page}link/", {"address": "nowhere", "instead_of": ""}).status_code == 422
    made = client.post(f"{page}link/", {"address": ADDRESS, "instead_of": ""}).content.decode()
    assert f"It is mailed to {ADDRESS}" in made
    api = reverse("api_link_investigation", args=["test-pool", one.claim.code, one.number])
    for sent, status in (({"address": "nowhere"}, 400), ({"address": "wang@example.net"}, 201), ({}, 201)):
        assert client.post(api, sent, content_type="application/json").status_code == status
    assert Mail.objects.filter(key__startswith="investigation-link/").count() == 2
