"""Family members: added by a guardian, paid by them, told of; each guarantee broken by raw SQL."""

import datetime as dt
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from aidplatform.lib import clock
from aidplatform.testing.refusals import fire_deferred, not_permitted, refused, refused_to_owner, run, value
from aidplatform.testing.world import World, run_jobs, set_clock
from aidplatform.tests.pages_helpers import client_of, program_of
from ledger.disclosure.family import family_rows
from members.joining import ages, applications, family, payers
from members.joining.applications import NotEligibleError, StepMissingError
from members.joining.family_models import FamilyMember
from members.joining.models import CovenantSignature, JoinApplication, Membership, MembershipSpan
from members.joining.payer_models import PayerLink
from members.joining.services import end_cover
from members.joining.tests.papers import filled, passport
from members.joining.tests.test_signing import _sign as sign_oneself
from members.people.identity import Paper
from members.people.models import Notice, User

ADD = "/pools/test-pool/me/family/add/"
PAGE = "/pools/test-pool/me/family/"
YOUNG, OLDER, ADULT = dt.date(2018, 3, 1), dt.date(2010, 3, 1), dt.date(2000, 3, 1)


@pytest.fixture
def guardian(world: World) -> Membership:
    """Give the test a member who has joined by the wizard: number 8."""
    return sign_oneself(filled(world.pool, User.objects.create_user("mother@example.org", name="Mother")))


def person(membership: Membership) -> User:
    assert membership.person is not None
    return membership.person


def prepared(guardian: Membership, paper: Paper | None = None, relation: str = "child") -> JoinApplication:
    """Return an application for a family member in which only the signature is missing."""
    at = clock.now()
    application = family.start_family(guardian=guardian, relation=relation, at=at)
    applications.save_identity(application=application, paper=paper or passport("CHILD00001", YOUNG), at=at)
    applications.save_consents(application=application, health=True, publication=True, at=at)
    for question in application.plan_version.questions():
        applications.save_answer(application=application, code=question.code, answer=False, at=at)
    applications.save_covenant_read(application=application, at=at)
    return application


def sign(application: JoinApplication, guardian: Membership, **changes: Any) -> Membership:
    """Sign as the guardian."""
    fields: dict[str, Any] = {
        "shown_sha256": application.plan_version.covenant_sha256,
        "has_agreed": False,
        "language": "en",
        "at": clock.now(),
    }
    return family.sign_for_family(application=application, guardian=guardian, **(fields | changes))


def added(guardian: Membership, number: str = "CHILD00001", born: dt.date = YOUNG) -> Membership:
    """Return the membership of a child who has just been added."""
    return sign(prepared(guardian, passport(number, born)), guardian, has_agreed=True)


# --- adding -------------------------------------------------------------------------------------------------------


def test_guardian_adds_a_young_child(world: World, guardian: Membership) -> None:
    child = added(guardian)
    assert (child.number, child.person, child.birth_date) == (9, None, YOUNG)
    span = MembershipSpan.objects.get(pool_id=world.pool.pk, membership_id=child.pk)
    assert span.from_at == clock.start_of_day(dt.date(2026, 1, 2), world.pool.time_zone)
    signature = child.signature
    assert (signature.capacity, signature.signed_by, signature.eligible_date) == (
        "guardian",
        person(guardian).code,
        dt.date(2026, 4, 2),
    )
    assert payers.covered_in_force(guardian) == [child]
    row = family_rows(guardian, clock.now())[0]
    assert (row.relative.paper.number, row.standing, row.open_fen) == ("CHILD00001", "waiting", 0)
    assert row.relative.of_age_date == dt.date(2036, 3, 1)
    told = Notice.objects.filter(person=person(guardian)).order_by("pk")
    assert list(told.values_list("kind", flat=True)) == [
        "joined",
        "family_joined",
    ]


def test_older_child_agrees(guardian: Membership) -> None:
    application = prepared(guardian, passport("TEEN000001", OLDER))
    with pytest.raises(family.AgreementMissingError):
        sign(application, guardian)
    assert sign(application, guardian, has_agreed=True).signature.capacity == "agreed"


@pytest.mark.parametrize(
    ("born", "capacity"), [(dt.date(2012, 1, 1), "agreed"), (dt.date(2012, 1, 2), "guardian")]
)
def test_capacity_goes_by_the_fourteenth_birthday(born: dt.date, capacity: str) -> None:
    assert family.capacity_for(born, dt.date(2026, 1, 1)) == capacity


def test_adults_sign_for_themselves(guardian: Membership) -> None:
    with pytest.raises(family.AdultsSignError):
        family.start_family(guardian=guardian, relation="spouse", at=clock.now())
    application = family.start_family(guardian=guardian, relation="other", at=clock.now())
    with pytest.raises(NotEligibleError) as caught:
        applications.save_identity(
            application=application, paper=passport("XX0000002", ADULT), at=clock.now()
        )
    assert caught.value.extra == {"reason": "of_age"}


def test_answers_belong_to_the_person_they_were_given_for(guardian: Membership) -> None:
    application = prepared(guardian)
    applications.save_identity(application=application, paper=passport("CHILD00002", YOUNG), at=clock.now())
    application.refresh_from_db()
    assert applications.answers_of(application) == {}
    assert applications.next_step(application) == "consent"
    with pytest.raises(StepMissingError):
        sign(application, guardian)


def test_signing_twice_adds_one_and_another_can_follow(guardian: Membership) -> None:
    application = prepared(guardian)
    assert sign(application, guardian) == sign(application, guardian)
    second = added(guardian, "CHILD00002")
    assert payers.covered_in_force(guardian) == [Membership.objects.get(number=9), second]


def test_one_person_joins_a_pool_once(world: World, guardian: Membership) -> None:
    added(guardian)
    with pytest.raises(family.JoinedAlreadyError):
        added(guardian)
    other = User.objects.create_user("father@example.org")
    father = sign_oneself(filled(world.pool, other, passport("FATHER0001")))
    with pytest.raises(family.JoinedAlreadyError):
        added(father)


def test_who_is_paid_for_signs_for_nobody(world: World, guardian: Membership) -> None:
    other = User.objects.create_user("father@example.org")
    father = sign_oneself(filled(world.pool, other, passport("FATHER0001")))
    link = payers.ask_payer(membership=guardian, payer_number=father.number, at=clock.now())
    payers.accept_link(link=link, person=other)
    with pytest.raises(payers.PayersPayForThemselvesError):
        added(guardian)
    assert not FamilyMember.objects.exists()


def test_where_members_pay_ahead_each_has_a_wallet(db: None) -> None:
    world = World.founded(
        members=0, funding={"join_fen": 30_000, "warn_below_fen": 10_000, "top_up_days": 30}
    )
    guardian = sign_oneself(filled(world.pool, User.objects.create_user("mother@example.org")))
    child = added(guardian)
    row = family_rows(guardian, clock.now())[0]
    assert (row.standing, row.reference is not None) == ("unpaid", True)
    assert child.awaited_cover.until_date == dt.date(2026, 1, 31)
    assert not PayerLink.objects.exists()


def test_whose_membership_has_ended_adds_nobody(world: World, guardian: Membership) -> None:
    application = prepared(guardian)
    at = clock.start_of_day(dt.date(2026, 1, 2), world.pool.time_zone)
    end_cover(membership=guardian, at=at, reason="left", actor=person(guardian).code)
    with pytest.raises(family.GuardianNotCoveredError):
        sign(application, guardian)


def test_guardian_is_told_thirty_days_before_the_child_is_of_age(world: World, guardian: Membership) -> None:
    added(guardian, "TEEN000001", dt.date(2008, 2, 10))
    for day in (10, 11, 12):
        set_clock(dt.datetime(2026, 1, day, 12, tzinfo=dt.UTC))
        ages.order_due(clock.now())
        run_jobs()
    told = Notice.objects.filter(kind="family_of_age")
    assert [(one.person, one.params["from"]) for one in told] == [(person(guardian), "2026-02-10")]


# --- guarantees, by raw SQL ---------------------------------------------------------------------------------------

MEMBER = """INSERT INTO members_membership (pool_id, number, joined_date, birth_date, person_id)
            VALUES (%s, %s, DATE '2026-01-01', %s, %s) RETURNING id"""
FAMILY = """INSERT INTO members_familymember
              (membership_id, pool_id, guardian_id, relation, document_index, sealed, added_at)
            VALUES (%s, %s, %s, 'child', %s, '', now())"""
SIGNATURE = """INSERT INTO members_covenantsignature
                 (membership_id, plan_version_id, covenant_sha256, declaration_sha256, answers_sealed, consent_health,
                  consent_publication, language, capacity, signed_by, eligible_date, signed_at)
               SELECT %s, v.id, v.covenant_sha256, v.declaration_sha256, '', true, true, 'en', %s, %s,
                      DATE '2026-04-02', now() FROM members_planversion v WHERE v.pool_id = %s"""
INDEX = b"i" * 32


def child_row(guardian: Membership, number: int = 50, born: dt.date | None = YOUNG) -> int:
    """Return the id of a membership without account, written as no service would."""
    return int(value(MEMBER, guardian.pool_id, number, born, None))


def test_family_member_has_no_account_and_a_birth_date(world: World, guardian: Membership) -> None:
    for membership in (guardian.pk, child_row(guardian, 50, None)):
        with refused("family_member_has_no_account"):
            run(FAMILY, membership, world.pool.pk, guardian.pk, INDEX)


def test_guardian_is_a_covered_adult_of_the_pool(world: World, guardian: Membership) -> None:
    child = child_row(guardian)
    minor = value(MEMBER, world.pool.pk, 51, OLDER, world.stranger.pk)
    without_account = Membership.objects.get(number=1).pk
    never_covered = value(MEMBER, world.pool.pk, 52, ADULT, world.admin.pk)
    for adult in (minor, without_account, never_covered):
        with refused("guardian_is_a_covered_adult"):
            run(FAMILY, child, world.pool.pk, adult, INDEX)
    other = World.founded(code="other")
    with refused("family_member_has_no_account"):
        run(FAMILY, child, other.pool.pk, guardian.pk, INDEX)


def test_adults_are_signed_for_by_nobody(world: World, guardian: Membership) -> None:
    with refused("adults_sign_for_themselves"):
        run(FAMILY, child_row(guardian, 50, ADULT), world.pool.pk, guardian.pk, INDEX)


def test_document_joins_once(world: World, guardian: Membership) -> None:
    held = value("SELECT document_index FROM members_identity WHERE person_id = %s", guardian.person_id)
    with refused("one_person_once_per_pool"):
        run(FAMILY, child_row(guardian), world.pool.pk, guardian.pk, held)
    added(guardian)
    known = value("SELECT document_index FROM members_familymember")
    with refused("one_family_member_per_document"):
        run(FAMILY, child_row(guardian, 60), world.pool.pk, guardian.pk, known)
    with refused("one_person_once_per_pool"):
        sign_oneself(filled(world.pool, world.stranger, passport("CHILD00001", ADULT)))


def test_signature_names_who_signed_in_which_capacity(world: World, guardian: Membership) -> None:
    child, code = child_row(guardian), person(guardian).code
    run(FAMILY, child, world.pool.pk, guardian.pk, INDEX)
    for capacity, by in (("self", ""), ("self", code), ("agreed", code), ("guardian", world.admin.code)):
        with refused("signature_names_capacity"):
            run(SIGNATURE, child, capacity, by, world.pool.pk)
    with refused("signature_names_capacity"):
        run(SIGNATURE, child, "guardian", "", world.pool.pk)
    run(SIGNATURE, child, "guardian", code, world.pool.pk)
    assert CovenantSignature.objects.get(membership_id=child).signed_by == code
    payers.begin_family_link(membership=Membership.objects.get(pk=child), payer=guardian, at=clock.now())


def test_who_has_an_account_is_signed_for_by_nobody(world: World, guardian: Membership) -> None:
    other = World.founded(code="other")
    sign_oneself(filled(other.pool, world.stranger, passport("XX0000002", ADULT)))
    own = value(MEMBER, world.pool.pk, 51, ADULT, world.stranger.pk)
    with refused("signature_names_capacity"):
        run(SIGNATURE, own, "guardian", person(guardian).code, world.pool.pk)


def test_family_member_is_signed_and_paid_for(world: World, guardian: Membership) -> None:
    child, code = child_row(guardian), person(guardian).code
    with refused("family_member_is_signed_for"):
        run(FAMILY, child, world.pool.pk, guardian.pk, INDEX)
        fire_deferred()
    with refused("guardian_pays_the_share"):
        run(FAMILY, child, world.pool.pk, guardian.pk, INDEX)
        run(SIGNATURE, child, "guardian", code, world.pool.pk)
        fire_deferred()


def test_one_open_family_application(world: World, guardian: Membership) -> None:
    begun = prepared(guardian)
    assert family.start_family(guardian=guardian, relation="other", at=clock.now()) == begun
    with refused("one_open_family_application"):
        JoinApplication.objects.create(
            pool=world.pool, person=person(guardian), plan_version=begun.plan_version, relation="child",
            started_at=clock.now(), changed_at=clock.now(),
        )  # fmt: skip


def test_share_of_a_child_stays_asked_from_who_signed(guardian: Membership) -> None:
    added(guardian)
    with refused("family_share_has_a_payer"):
        payers.end_link(link=PayerLink.objects.get(), person=person(guardian))


def test_another_payer_of_a_child_may_stop(world: World, guardian: Membership) -> None:
    child, uncle = (
        added(guardian),
        sign_oneself(
            filled(world.pool, User.objects.create_user("uncle@example.org"), passport("UNCLE00001"))
        ),
    )
    at = clock.start_of_day(dt.date(2026, 1, 2), world.pool.time_zone)
    end_cover(membership=guardian, at=at, reason="left", actor=person(guardian).code)
    link = payers.ask_payer(membership=child, payer_number=uncle.number, at=clock.now())
    payers.accept_link(link=link, person=person(uncle))
    run(
        "UPDATE members_payerlink SET state = 'ended', ended_by = %s WHERE id = %s",
        person(uncle).code, link.pk,
    )  # fmt: skip
    assert payers.payer_numbers([child.pk]) == {}


def test_only_the_guardian_speaks_for_a_child(world: World, guardian: Membership) -> None:
    child = added(guardian)
    with refused("payer_agrees_in_person"):
        run(
            """INSERT INTO members_payerlink (pool_id, membership_id, payer_id, state, asked_by, asked_at)
               VALUES (%s, %s, %s, 'asked', %s, now())""",
            world.pool.pk, child.pk, guardian.pk, world.admin.code,
        )  # fmt: skip
    with refused("members_leave_themselves"):
        end_cover(
            membership=child,
            at=clock.start_of_day(dt.date(2026, 1, 2), world.pool.time_zone),
            reason="left",
            actor=world.admin.code,
        )


def test_account_takes_over_only_in_person_and_of_age(world: World, guardian: Membership) -> None:
    child = added(guardian)
    take = "UPDATE members_membership SET person_id = %s WHERE id = %s"
    with refused("family_member_takes_over_in_person"):
        run(take, world.stranger.pk, child.pk)
    other = World.founded(code="other")
    grown = User.objects.create_user("child@example.org")
    sign_oneself(filled(other.pool, grown, passport("CHILD00001", ADULT)))
    with refused("family_member_takes_over_in_person"):
        run(take, grown.pk, child.pk)
    set_clock(dt.datetime(2036, 3, 1, 4, tzinfo=dt.UTC))
    run(take, grown.pk, child.pk)
    assert Membership.objects.get(pk=child.pk).person == grown


def test_guards_that_no_application_reaches_hold_the_owner_too(owner: psycopg.Connection) -> None:
    with refused_to_owner(owner, "family_member_is_permanent"):
        owner.execute("TRUNCATE members_familymember CASCADE")
    checks = owner.execute(
        "SELECT conname FROM pg_constraint WHERE conname IN ('guardian_is_another_member', 'guardian_signs_by_name')"
    )
    assert len(checks.fetchall()) == 2


def test_child_of_age_takes_over_in_the_wizard(world: World, guardian: Membership) -> None:
    child = added(guardian, "TEEN000001", dt.date(2008, 1, 5))
    grown = User.objects.create_user("grown@example.org")
    who = {
        "name": "Ana Example", "kind": "passport", "country": "XX", "number": "TEEN000001", "birth_date": "2008-01-05",
    }  # fmt: skip
    client = client_of(grown)
    client.post("/pools/test-pool/join/begin/")
    assert client.post("/pools/test-pool/join/who/", who).status_code == 422
    set_clock(dt.datetime(2026, 1, 5, 4, tzinfo=dt.UTC))
    assert "They are of age" in client_of(person(guardian)).get(PAGE).content.decode()
    refusal = client.post("/pools/test-pool/join/who/", who | {"name": "Somebody Else"})
    # Whoever types another's name is not told that a child of this document belongs to the pool.
    assert (refusal.status_code, "This document cannot be taken here" in refusal.content.decode()) == (
        422,
        True,
    )
    assert "belongs to the pool" not in refusal.content.decode()
    assert client.post("/pools/test-pool/join/who/", who).headers["Location"] == "/pools/test-pool/me/"
    child.refresh_from_db()
    assert child.person == grown
    assert payers.covered_in_force(guardian) == [child]
    assert Notice.objects.filter(person=person(guardian), kind="family_took_over").count() == 1
    assert "They have taken over" in client_of(person(guardian)).get(PAGE).content.decode()
    link = PayerLink.objects.get()
    assert payers.end_link(link=link, person=grown).state == "ended"


def test_family_members_are_permanent(guardian: Membership) -> None:
    added(guardian)
    with not_permitted():
        run("UPDATE members_familymember SET relation = 'other'")
    with not_permitted():
        run("DELETE FROM members_familymember")


# --- pages --------------------------------------------------------------------------------------------------------


def test_whole_way_by_the_pages(world: World, guardian: Membership) -> None:
    client = client_of(person(guardian))
    assert "Nobody yet" in client.get(PAGE).content.decode()
    assert client.post(ADD, {"relation": "cousin"}).status_code == 422
    response = client.post(ADD, {"relation": "child"}, follow=True)
    assert response.redirect_chain[-1][0] == f"{ADD}who/"
    who = {
        "name": "Kid",
        "kind": "passport",
        "country": "XX",
        "number": "TEEN000001",
        "birth_date": "2000-03-01",
    }
    refusal = client.post(f"{ADD}who/", who)
    assert (refusal.status_code, "signs for themselves" in refusal.content.decode()) == (422, True)
    response = client.post(f"{ADD}who/", who | {"birth_date": "2010-03-01"}, follow=True)
    application = JoinApplication.objects.get(state="draft")
    assert client.post(f"{ADD}consent/", {"health": "on", "publication": "on"}).status_code == 422
    client.post(f"{ADD}consent/", {"health": "on", "publication": "on", "guardian": "on"})
    other = client_of(User.objects.create_user("other@example.org"))
    assert other.post(f"{ADD}give-up/").status_code == 404
    assert client.post(f"{ADD}give-up/", follow=True).redirect_chain[-1][0] == ADD
    application.refresh_from_db()
    assert (application.state, application.identity_sealed) == ("given_up", None)
    client.post(ADD, {"relation": "child"})
    client.post(f"{ADD}who/", who | {"birth_date": "2010-03-01"}, follow=True)
    client.post(f"{ADD}consent/", {"health": "on", "publication": "on", "guardian": "on"})
    application = JoinApplication.objects.get(state="draft")
    for question in application.plan_version.questions():
        response = client.post(f"{ADD}health/", {"code": question.code, "answer": "no"}, follow=True)
    assert response.redirect_chain[-1][0] == f"{ADD}covenant/"
    client.post(f"{ADD}covenant/", {"has_read": "on"})
    shown = {"shown_sha256": application.plan_version.covenant_sha256}
    assert client.post(f"{ADD}sign/", shown).status_code == 422
    response = client.post(f"{ADD}sign/", shown | {"has_agreed": "on"}, follow=True)
    assert response.redirect_chain[-1][0] == PAGE
    page = response.content.decode()
    assert "Kid" in page
    assert "as guardian, with the agreement of the child" in page
    assert "…0001" in page


def test_strangers_have_no_family_here(world: World, guardian: Membership) -> None:
    client = client_of(world.stranger)
    for address in (PAGE, ADD, f"{ADD}who/"):
        assert client.get(address).status_code == 404


def test_family_page_costs_a_fixed_number_of_queries(guardian: Membership) -> None:
    client = client_of(person(guardian))
    added(guardian)
    client.get(PAGE)
    counts = []
    for number in ("CHILD00002", "CHILD00003"):
        with CaptureQueriesContext(connection) as queries:
            client.get(PAGE)
        counts.append(len(queries))
        added(guardian, number)
    with CaptureQueriesContext(connection) as queries:
        client.get(PAGE)
    assert counts == [len(queries)] * 2


def test_family_by_the_api(guardian: Membership) -> None:
    child = added(guardian)
    body = client_of(person(guardian)).get("/api/v1/pools/test-pool/my-family/").json()
    assert [(row["member"], row["standing"], row["signed_in_capacity"]) for row in body] == [
        (child.number, "waiting", "guardian")
    ]


def test_family_by_the_api_says_what_the_page_says(guardian: Membership) -> None:
    child = added(guardian)
    program = program_of(person(guardian))
    address = "/api/v1/pools/test-pool/my-family/"
    with CaptureQueriesContext(connection) as one:
        row = program.get(address).json()[0]
    page = client_of(person(guardian)).get(PAGE).content.decode()
    assert row["covenant_sha256"] in page
    assert f"…{row['document_ends_in']}" in page
    assert dt.date.fromisoformat(row["joined_date"]) == child.joined_date
    assert (row["has_account"], row["awaited_until"], row["suspended_from"]) == (False, None, None)
    assert row["next_class_date"] is None
    added(guardian, "CHILD00002")
    with CaptureQueriesContext(connection) as two:
        assert len(program.get(address).json()) == 2
    assert len(one) == len(two)
