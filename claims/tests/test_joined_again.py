"""Claims of who has joined again: which membership covers which event, and what counts of the time before."""

import datetime as dt

import pytest

from aidplatform.lib import clock
from aidplatform.testing.claim_cases import BIRTH, ClaimCases, photograph
from aidplatform.testing.refusals import refused, run
from aidplatform.testing.world import set_clock
from aidplatform.tests.pages_helpers import client_of
from claims.filing import selectors as filing
from claims.filing import services
from claims.filing.models import Claim
from claims.review.tests.test_lifetime import CAPPED
from ledger.leaving.tests.test_again import again, at, person
from ledger.leaving.tests.test_leaving import leave
from members.joining.invitations import invite
from members.joining.kin import is_near, people_near
from members.joining.models import Membership
from members.joining.tests.papers import filled, passport
from members.joining.tests.test_signing import _sign as sign

LEFT, BACK = dt.date(2026, 5, 20), dt.date(2026, 6, 10)


def returned(cases: ClaimCases) -> Membership:
    """Let the claimant leave on 20 May and join again on 10 June: cover from the 11th, illnesses from 9 September."""
    leave(cases.membership)
    at(BACK)
    return sign(filled(cases.world.pool, cases.claimant, passport("C1", BIRTH)))


def draft(membership: Membership, event_date: dt.date, shade: int = 100) -> Claim:
    assert membership.person is not None
    code = membership.person.code
    claim = services.start_claim(membership=membership, claimant=code, at=clock.now())
    services.save_draft(
        claim=claim, claimant=code, at=clock.now(), event_date=event_date, illness="thyroid_cancer", birth_date=BIRTH,
        story="A lump was found.", sex="f", region="zhejiang", payee_name="Li Na", payee_account="6222 0000 1111 2222",
    )  # fmt: skip
    for number, kind in enumerate(("identity", "diagnosis", "pathology")):
        services.add_evidence(
            claim=claim, claimant=code, kind=kind, data=photograph(shade + 20 * number), at=clock.now()
        )
    claim.refresh_from_db()
    return claim


# The day of the event; by which step the earlier membership refuses, and by which the new one; empty: aid is granted.
EVENTS = {
    "within the first cover": (dt.date(2026, 5, 19), "", "covered"),
    "on the last day of the first cover": (dt.date(2026, 5, 20), "", "covered"),
    "on the first day without cover": (dt.date(2026, 5, 21), "covered", "covered"),
    "on the day of the new signature": (dt.date(2026, 6, 10), "covered", "covered"),
    "on the first day of the new cover": (dt.date(2026, 6, 11), "covered", "waited"),
    "on the last day of the new wait": (dt.date(2026, 9, 8), "covered", "waited"),
    "when the new wait is over": (dt.date(2026, 9, 9), "covered", ""),
}


@pytest.mark.parametrize("case", EVENTS)
def test_event_belongs_to_the_cover_of_its_day(db: None, case: str) -> None:
    event, *refused_by = EVENTS[case]
    cases = ClaimCases.founded()
    first, second = cases.membership, returned(cases)
    at(dt.date(2026, 9, 20))
    for membership, step in zip((first, second), refused_by, strict=True):
        benefit, _face = services.preview(draft(membership, event), clock.now())
        failed = next((one.name for one in benefit.steps if not one.passed), "")
        assert (failed, benefit.aid_fen > 0) == (step, step == "")


def test_both_memberships_can_be_chosen_and_say_for_what(db: None) -> None:
    cases = ClaimCases.founded()
    second = returned(cases)
    page = client_of(cases.claimant).get("/claims/new/").content.decode()
    assert f"member {cases.membership.number}, for what happened before" in page
    assert f'name="member" value="{second.number}"' in page


def test_most_for_one_person_is_not_begun_anew(db: None) -> None:
    """Of 70,000.00 in all the case of the first membership was granted 50,000.00."""
    cases = ClaimCases.founded(**CAPPED)
    first = cases.decided()
    assert first.aid_fen == 5_000_000
    second = returned(cases)
    at(dt.date(2026, 9, 20))
    claim = draft(second, dt.date(2026, 9, 15))
    assert filing.granted_before(claim) == 5_000_000
    _benefit, face = services.preview(claim, clock.now())
    claim = services.file_claim(claim=claim, claimant=cases.claimant.code, shown_face=face, at=clock.now())
    assert claim.aid_fen == 2_000_000


def test_guard_counts_cases_of_the_earlier_membership(db: None) -> None:
    cases = ClaimCases.founded(**CAPPED)
    cases.decided()
    second = returned(cases)
    at(dt.date(2026, 9, 20))
    claim = draft(second, dt.date(2026, 9, 15))
    told = "UPDATE claims_claim SET aid_fen = %s, age = 36, severity = 'mild', plan_version_id = %s WHERE id = %s"
    with refused("aid_within_lifetime_cap"):
        run(told, 2_000_001, claim.pool.plan_versions.get().pk, claim.pk)
    run(told, 2_000_000, claim.pool.plan_versions.get().pk, claim.pk)


def test_whoever_is_near_stays_near(db: None) -> None:
    """Invited by the neighbor, who still judges no case after they have left and joined again."""
    cases = ClaimCases.founded()
    neighbor = cases.world.pool.memberships.get(person=cases.neighbor)
    made = invite(membership=neighbor, label="A friend", pays=False, at=clock.now())
    friend = person("friend")
    application = filled(cases.world.pool, friend, passport("F1"))
    application.invitation = made.invitation
    application.save(update_fields=["invitation"])
    first = sign(application)
    assert is_near(first, cases.neighbor)
    leave(first)
    set_clock(clock.now() + dt.timedelta(days=3))
    second = again(cases.world, first)
    assert is_near(second, cases.neighbor)
    assert cases.neighbor.pk in people_near(second)
