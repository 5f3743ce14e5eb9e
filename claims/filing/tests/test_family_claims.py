"""Claims that a guardian files for a child: whose they are, at whose age, who judges them; by services and by SQL."""

import datetime as dt

import pytest

from aidplatform.lib import clock
from aidplatform.lib.errors import NotFoundError
from aidplatform.testing.claim_cases import EVENT, ClaimCases, photograph
from aidplatform.testing.refusals import refused, run
from aidplatform.testing.world import World, set_clock
from aidplatform.tests.pages_helpers import client_of
from claims.filing import selectors, services
from claims.filing.models import Claim
from claims.review import services as review
from members.joining import family, payers
from members.joining.child_papers import paper_of_family
from members.joining.family_models import FamilyMember
from members.joining.models import Membership
from members.joining.tests.papers import filled
from members.joining.tests.test_family import YOUNG, added, person
from members.joining.tests.test_guardians import died
from members.joining.tests.test_signing import _sign as sign_oneself
from members.people.models import User


@pytest.fixture
def guardian(world: World) -> Membership:
    """Give the test a member who has joined by the wizard."""
    return sign_oneself(filled(world.pool, User.objects.create_user("mother@example.org", name="Mother")))


@pytest.fixture
def child(guardian: Membership) -> Membership:
    """Give the test their child."""
    return added(guardian)


@pytest.fixture
def family_cases(world: World, guardian: Membership, child: Membership) -> ClaimCases:
    """Give the test the people of claims, five months on, with the family among the members."""
    return ClaimCases.founded(world)


def drafted(membership: Membership, claimant: User) -> Claim:
    """Return a claim of a child with everything told."""
    at = clock.now()
    claim = services.start_claim(membership=membership, claimant=claimant.code, at=at)
    services.save_draft(
        claim=claim,
        claimant=claimant.code,
        at=at,
        event_date=EVENT,
        illness="thyroid_cancer",
        story="A lump was found at school.",
        payee_name="Mother",
        payee_account="6222 0000 1111 2222",
    )
    for shade, kind in [(10, "identity"), (20, "diagnosis"), (30, "pathology")]:
        services.add_evidence(claim=claim, claimant=claimant.code, kind=kind, data=photograph(shade), at=at)
    claim.refresh_from_db()
    return claim


def file(claim: Claim, claimant: User) -> Claim:
    _benefit, face = services.preview(claim, clock.now())
    return services.file_claim(claim=claim, claimant=claimant.code, shown_face=face, at=clock.now())


def taken_over(child: Membership) -> User:
    """Bind an account to the child's membership, once they are of age."""
    set_clock(clock.start_of_day(dt.date(2036, 3, 2), child.pool.time_zone))
    grown = User.objects.create_user("grown@example.org", name="Grown")
    known = paper_of_family(FamilyMember.objects.get(membership=child))
    family.take_over(pool=child.pool, person=grown, paper=known, at=clock.now())
    return grown


def test_claim_of_a_child_is_its_guardians_alone(
    family_cases: ClaimCases, guardian: Membership, child: Membership
) -> None:
    for somebody in (family_cases.neighbor, family_cases.reviewer):
        with pytest.raises(NotFoundError):
            services.start_claim(membership=child, claimant=somebody.code, at=clock.now())
        with refused("claim_is_of_its_member"):
            Claim.objects.create(
                pool=child.pool,
                membership=child,
                claimant=somebody,
                created_at=clock.now(),
                state_since=clock.now(),
            )
    claim = drafted(child, person(guardian))
    assert (claim.claimant, claim.membership) == (person(guardian), child)
    assert selectors.access_claim(user=person(guardian), code=claim.code) == claim
    with pytest.raises(NotFoundError):
        selectors.access_claim(user=family_cases.neighbor, code=claim.code)


def test_guardian_who_has_died_files_no_claim(
    family_cases: ClaimCases, guardian: Membership, child: Membership
) -> None:
    claim = drafted(child, person(guardian))
    died(family_cases.world, guardian)
    with pytest.raises(NotFoundError):
        services.start_claim(membership=child, claimant=person(guardian).code, at=clock.now())
    with pytest.raises(NotFoundError):
        selectors.access_claim(user=person(guardian), code=claim.code)
    with refused("claim_is_of_its_member"):
        Claim.objects.create(
            pool=child.pool,
            membership=child,
            claimant=person(guardian),
            created_at=clock.now(),
            state_since=clock.now(),
        )


def test_aid_of_a_child_follows_its_own_age(
    family_cases: ClaimCases, guardian: Membership, child: Membership
) -> None:
    claim = drafted(child, person(guardian))
    assert selectors.read_birth(claim) == YOUNG
    with pytest.raises(services.BadDateError):
        services.save_draft(
            claim=claim, claimant=person(guardian).code, at=clock.now(), birth_date=dt.date(2017, 3, 1)
        )
    filed = file(claim, person(guardian))
    assert filed.age == 8
    run("UPDATE claims_claim SET state = 'under_review', reviewer_id = %s", family_cases.reviewer.pk)
    run("UPDATE claims_claim SET state = 'papers_requested'")
    with refused("family_claim_is_at_its_age"):
        run("UPDATE claims_claim SET age = 30 WHERE id = %s", filed.pk)


def test_claim_goes_over_with_the_membership(
    family_cases: ClaimCases, guardian: Membership, child: Membership
) -> None:
    claim = file(drafted(child, person(guardian)), person(guardian))
    grown = taken_over(child)
    assert list(selectors.claims_of(person(guardian))) == []
    assert list(selectors.claims_of(grown)) == [claim]
    with pytest.raises(NotFoundError):
        selectors.access_claim(user=person(guardian), code=claim.code)
    with pytest.raises(NotFoundError):
        services.start_claim(membership=child, claimant=person(guardian).code, at=clock.now())
    assert selectors.speaks_for(Claim.objects.get(pk=claim.pk), grown)


def try_recommending(claim: Claim, judge: User) -> None:
    """Recommend by SQL as somebody who has the claim in hand, whatever services say."""
    run("UPDATE claims_claim SET state = 'under_review', reviewer_id = %s WHERE id = %s", judge.pk, claim.pk)
    run(
        "INSERT INTO claims_recommendation (claim_id, round, reviewer, outcome, aid_fen, clause,"
        " reason_sealed, recommended_at)"
        " VALUES (%s, 1, %s, 'approved', 100, 'aid', '', now())",
        claim.pk,
        judge.code,
    )


def test_guardian_and_child_do_not_judge_each_other(
    family_cases: ClaimCases, guardian: Membership, child: Membership
) -> None:
    own = file(drafted_for_oneself(guardian), person(guardian))
    grown = taken_over(child)
    family_cases.world.grant(grown, "reviewer")
    with pytest.raises(review.NearError):
        review.assign_claim(claim=own, reviewer=grown.code, at=clock.now())
    with refused("nobody_judges_their_own_circle"):
        try_recommending(own, grown)


def test_payer_does_not_judge(family_cases: ClaimCases, guardian: Membership, child: Membership) -> None:
    neighbor = Membership.objects.get(person=family_cases.neighbor)
    link = payers.ask_payer(membership=neighbor, payer_number=guardian.number, at=clock.now())
    payers.accept_link(link=link, person=person(guardian))
    own = file(drafted_for_oneself(guardian), person(guardian))
    family_cases.world.grant(family_cases.neighbor, "reviewer")
    with pytest.raises(review.NearError):
        review.assign_claim(claim=own, reviewer=family_cases.neighbor.code, at=clock.now())
    with refused("nobody_judges_their_own_circle"):
        try_recommending(own, family_cases.neighbor)


def drafted_for_oneself(membership: Membership) -> Claim:
    claim = services.start_claim(membership=membership, claimant=person(membership).code, at=clock.now())
    services.save_draft(
        claim=claim, claimant=person(membership).code, at=clock.now(), birth_date=dt.date(1990, 5, 15)
    )
    return drafted(membership, person(membership))


def test_guardian_files_on_the_pages(
    family_cases: ClaimCases, guardian: Membership, child: Membership
) -> None:
    client = client_of(person(guardian))
    page = client.get("/claims/new/").content.decode()
    assert "for me" in page
    assert "for Ana Example, member 9" in page
    answer = client.post("/claims/new/", {"pool": "test-pool", "member": str(child.number)})
    claim = Claim.objects.get()
    assert (answer.status_code, claim.membership) == (302, child)
    step = client.get(f"/claims/{claim.code}/edit/what/").content.decode()
    assert "you tell it as their guardian" in step
    assert "birth_date" not in step
    assert "member 9" in client.get("/claims/").content.decode()
    client.cookies["django_language"] = "zh-hans"
    assert "监护人" in client.get(f"/claims/{claim.code}/edit/payee/").content.decode()
    (row,) = client.get("/api/v1/me/claims/").json()["results"]
    assert (row["code"], row["member"]) == (claim.code, 9)
    assert (
        client_of(family_cases.neighbor)
        .post("/claims/new/", {"pool": "test-pool", "member": str(child.number)})
        .status_code
        == 404
    )
