"""Another guardian for a child: asked for with a proof, decided by two people; each guarantee broken by raw SQL."""

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from aidplatform.lib import clock
from aidplatform.lib.crypto import ERASED, seal_text
from aidplatform.testing.bank import Bank
from aidplatform.testing.refusals import fire_deferred, not_permitted, refused, refused_to_owner, run, value
from aidplatform.testing.world import World, run_jobs, set_clock
from aidplatform.tests.pages_helpers import client_of
from ledger.custody.tests.test_arrears_guarantees import ARREARS, at, day
from ledger.custody.tests.test_children_told import joined
from ledger.custody.wallet_models import Suspension
from ledger.leaving import reports
from ledger.sharing.models import Charge
from members import my_data
from members.joining import ages, family, guardians, payers
from members.joining.family import AgreementMissingError, GuardianNotCoveredError
from members.joining.family_models import FamilyMember
from members.joining.guardian_models import GuardianRequest
from members.joining.guardians import Asked
from members.joining.kin import is_near, names_for, spoken_for
from members.joining.kin_triggers import speaks_for_sql
from members.joining.models import Membership
from members.joining.rule_triggers import can_answer_sql
from members.joining.tests import test_rule_answers as rules
from members.joining.tests.test_family import OLDER, added, person
from members.joining.tests.test_family import guardian as guardian
from members.joining.tests.test_payers import join, linked
from members.joining.tests.test_told import leave_behind
from members.joining.told import told_of
from members.people.models import Mail, Notice, User

# Of age on 10 February 2026.
SOON = dt.date(2008, 2, 10)
PROOF = "Order 7 F 12/26 of the court of the city, 3 January 2026."
INSERT = """INSERT INTO members_guardianrequest (pool_id, number, membership_id, previous_id, asker_id, relation,
                proof_sealed, capacity, covenant_sha256, consent_health, consent_publication, state, asked_by, asked_at)
            VALUES (%(pool_id)s, 9, %(membership_id)s, %(previous_id)s, %(asker_id)s, 'other', %(proof_sealed)s,
                %(capacity)s, %(covenant_sha256)s, %(consent_health)s, true, %(state)s, %(asked_by)s, now())"""
PROPOSE = "UPDATE members_guardianrequest SET state = 'proposed', proposed_by = %s, proposed_at = now()"
END = """INSERT INTO members_membershipend (membership_id, reason, end_date, reference, recorded_by, recorded_at)
    SELECT %s, 'left', (aid_now() AT TIME ZONE time_zone)::date + 1, '', %s, now() FROM members_pool"""
ASK = """INSERT INTO members_payerlink (pool_id, membership_id, payer_id, asked_by, asked_at, state)
    VALUES (%s, %s, %s, %s, now(), 'asked')"""
GRANT = "UPDATE members_guardianrequest SET state = 'granted', decided_by = %s, decided_at = now()"


@dataclass
class Alone:
    """A child whose mother has died on 1 January, and an uncle who belongs to the pool."""

    world: World
    mother: Membership
    child: Membership
    uncle: Membership

    def asked(self, **changes: Any) -> Asked:
        shown = guardians.plan_today(self.world.pool).covenant_sha256
        return replace(Asked(self.child.number, "other", PROOF, False, shown), **changes)

    def ask(self, **changes: Any) -> GuardianRequest:
        return guardians.ask_guardianship(asker=self.uncle, asked=self.asked(**changes), at=clock.now())

    def proposed(self) -> GuardianRequest:
        return guardians.propose_guardian(request=self.ask(), proposer=self.world.admin.code, at=clock.now())

    def granted(self) -> GuardianRequest:
        request = self.proposed()
        return guardians.grant_guardian(
            request=request,
            granter=self.world.controller.code,
            shown_sha256=request.shown_sha256,
            at=clock.now(),
        )

    def row(self, **changes: Any) -> dict[str, Any]:
        return {
            "pool_id": self.world.pool.pk,
            "membership_id": self.child.pk,
            "previous_id": self.mother.pk,
            "asker_id": self.uncle.pk,
            "proof_sealed": seal_text(PROOF, "a place"),
            "capacity": "guardian",
            "covenant_sha256": guardians.plan_today(self.world.pool).covenant_sha256,
            "consent_health": True,
            "state": "asked",
            "asked_by": person(self.uncle).code,
            **changes,
        }

    def insert(self, **changes: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(INSERT, self.row(**changes))


def died(world: World, membership: Membership) -> None:
    """Let two people record that somebody died on 1 January."""
    report = reports.report_end(
        membership=membership,
        reason="deceased",
        event_date=dt.date(2026, 1, 1),
        reference="paper",
        statement="",
        reporter=world.admin.code,
        at=clock.now(),
    )
    reports.confirm_end(
        report=report, confirmer=world.controller.code, shown_sha256=report.shown_sha256, at=clock.now()
    )


def guardian_of(child: Membership) -> int:
    return FamilyMember.objects.get(membership=child).guardian_id


@pytest.fixture
def alone(world: World, guardian: Membership) -> Alone:
    child, uncle = added(guardian), join(world, "uncle")
    died(world, guardian)
    return Alone(world, guardian, child, uncle)


# --- asked for, and decided by two people ---------------------------------------------------------------------------


def test_uncle_becomes_guardian_pays_and_is_told(alone: Alone) -> None:
    request = alone.granted()
    assert (request.number, request.state, request.capacity) == (1, "granted", "guardian")
    assert guardian_of(alone.child) == alone.uncle.pk
    assert alone.child.pk in spoken_for(person(alone.uncle))
    assert [one.person for one in told_of(alone.child)] == [person(alone.uncle)]
    assert payers.payer_numbers([alone.child.pk]) == {alone.child.pk: alone.uncle.number}
    assert is_near(alone.child, person(alone.uncle))
    notice = Notice.objects.get(person=person(alone.uncle), kind="guardian_granted")
    assert (notice.params["number"], notice.params["until"]) == (alone.child.number, "2026-01-31")
    assert Mail.objects.filter(person=person(alone.uncle), key__startswith="guardian_granted/").count() == 1
    assert not Notice.objects.filter(kind="guardian_replaced").exists(), "the dead are told nothing"
    fire_deferred()


def test_what_was_signed_stays_as_the_first_guardian_signed_it(alone: Alone) -> None:
    before = alone.child.signature.signature_sha256
    joined = alone.child.joined_date
    alone.granted()
    child = Membership.objects.get(pk=alone.child.pk)
    assert (child.signature.signature_sha256, child.signature.signed_by, child.joined_date) == (
        before,
        person(alone.mother).code,
        joined,
    )


def test_child_has_a_guardian_so_nobody_is_asked(world: World, guardian: Membership) -> None:
    child, uncle = added(guardian), join(world, "uncle")
    alone = Alone(world, guardian, child, uncle)
    for number in (child.number, 99):
        with pytest.raises(guardians.NotLeftAloneError):
            alone.ask(number=number)
    with refused("guardian_is_asked_for_a_child_left_alone"):
        alone.insert()


def test_guardian_who_has_left_is_told_of_the_next_one(world: World, guardian: Membership) -> None:
    child, uncle = added(guardian), join(world, "uncle")
    leave_behind(guardian)
    alone = Alone(world, guardian, child, uncle)
    assert [one.why for one in guardians.left_alone(world.pool)] == ["left"]
    alone.granted()
    assert Notice.objects.filter(person=person(guardian), kind="guardian_replaced").count() == 1
    assert child.pk not in spoken_for(person(guardian))


def test_older_child_agrees_to_the_next_guardian(world: World, guardian: Membership) -> None:
    child, uncle = added(guardian, "TEEN000001", OLDER), join(world, "uncle")
    died(world, guardian)
    alone = Alone(world, guardian, child, uncle)
    with pytest.raises(AgreementMissingError):
        alone.ask()
    with refused("new_guardian_consents"):
        alone.insert()
    assert alone.ask(has_agreed=True).capacity == "agreed"


def test_who_has_left_or_sees_old_rules_does_not_ask(alone: Alone) -> None:
    with pytest.raises(guardians.TextsChangedError):
        alone.ask(shown_sha256="0" * 64)
    leave_behind(alone.uncle)
    with pytest.raises(GuardianNotCoveredError):
        alone.ask()
    with refused("guardian_is_a_covered_adult"):
        alone.insert()


def test_one_open_guardian_request_per_child(alone: Alone) -> None:
    alone.ask()
    aunt = join(alone.world, "aunt")
    with pytest.raises(guardians.RequestWaitsError):
        guardians.ask_guardianship(asker=aunt, asked=alone.asked(), at=clock.now())
    with refused("one_open_guardian_request_per_child"):
        alone.insert(asker_id=aunt.pk, asked_by=person(aunt).code)


def test_declined_request_is_told_and_can_be_asked_again(alone: Alone) -> None:
    request = alone.ask()
    guardians.decline_guardian(request=request, decliner=alone.world.controller.code, at=clock.now())
    assert Notice.objects.filter(person=person(alone.uncle), kind="guardian_declined").count() == 1
    assert guardian_of(alone.child) == alone.mother.pk
    with pytest.raises(guardians.RequestMovedOnError):
        guardians.propose_guardian(request=request, proposer=alone.world.admin.code, at=clock.now())
    assert alone.ask().number == 2


def test_another_payer_goes_on_paying(alone: Alone) -> None:
    aunt = join(alone.world, "aunt")
    link = payers.PayerLink.objects.get(membership=alone.child)
    alone.granted()
    link.refresh_from_db()
    assert link.state == "ended"
    live = payers.PayerLink.objects.get(membership=alone.child, state="live")
    assert live.payer_id == alone.uncle.pk
    with refused("family_share_has_a_payer"):
        payers.end_link(link=live, person=person(alone.uncle))
    assert payers.payer_numbers([alone.child.pk]) == {alone.child.pk: alone.uncle.number}
    assert aunt.number not in payers.payer_numbers([alone.child.pk]).values()


def test_who_is_paid_for_by_somebody_cannot_take_over_the_shares(alone: Alone) -> None:
    aunt = join(alone.world, "aunt")
    linked(alone.uncle, aunt)
    request = alone.proposed()
    with pytest.raises(payers.PayersPayForThemselvesError):
        guardians.grant_guardian(
            request=request,
            granter=alone.world.controller.code,
            shown_sha256=request.shown_sha256,
            at=clock.now(),
        )
    assert guardian_of(alone.child) == alone.mother.pk


# --- by raw SQL -----------------------------------------------------------------------------------------------------


def test_guardian_request_begins_asked_in_person_and_with_a_proof(alone: Alone) -> None:
    with refused("guardian_request_is_decided_once"):
        alone.insert(state="granted")
    with refused("guardian_asks_in_person"):
        alone.insert(asked_by=alone.world.stranger.code)
    with refused("guardian_request_has_a_proof"):
        alone.insert(proof_sealed=seal_text("", "a place"))
    with refused("guardian_is_asked_for_a_child_left_alone"):
        alone.insert(previous_id=alone.uncle.pk)
    with refused("new_guardian_consents"):
        alone.insert(consent_health=False)
    with refused("new_guardian_consents"):
        alone.insert(capacity="agreed")
    with refused("new_guardian_consents"):
        alone.insert(covenant_sha256="0" * 64)
    alone.insert()
    assert GuardianRequest.objects.get().number == 1


def test_guardian_people_hold_their_duty(alone: Alone) -> None:
    alone.ask()
    world = alone.world
    for code in (world.controller.code, world.treasurer.code):
        with refused("guardian_people_hold_their_duty"):
            run(PROPOSE, code)
    run(PROPOSE, world.admin.code)
    for code in (world.admin.code, world.treasurer.code):
        with refused("guardian_people_hold_their_duty"):
            run(GRANT, code)
    with refused("guardian_people_hold_their_duty"):
        run(GRANT.replace("granted", "declined"), world.treasurer.code)
    run(GRANT, world.controller.code)
    assert guardian_of(alone.child) == alone.uncle.pk


def test_guardian_change_needs_two_people(alone: Alone, owner: Any) -> None:
    found = owner.execute(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'guardian_change_needs_two_people'"
    ).fetchone()
    assert found is not None
    assert "decided_by" in found[0]
    request = alone.proposed()
    with pytest.raises(guardians.SamePersonError):
        guardians.grant_guardian(
            request=request,
            granter=alone.world.admin.code,
            shown_sha256=request.shown_sha256,
            at=clock.now(),
        )


def test_guardian_request_is_anothers(alone: Alone) -> None:
    own = person(alone.uncle).code
    request = alone.ask()
    with pytest.raises(guardians.OwnRequestError):
        guardians.propose_guardian(request=request, proposer=own, at=clock.now())
    with refused("guardian_request_is_anothers"):
        run(PROPOSE, own)
    run(PROPOSE, alone.world.admin.code)
    with refused("guardian_request_is_anothers"):
        run(GRANT, own)


def test_guardian_request_is_decided_as_shown(alone: Alone) -> None:
    request = alone.proposed()
    with pytest.raises(guardians.ShownChangedError):
        guardians.grant_guardian(
            request=request, granter=alone.world.controller.code, shown_sha256="0" * 64, at=clock.now()
        )
    with refused("guardian_request_is_decided_as_shown"):
        run(GRANT.replace("decided_at", "proposed_by = 'x', decided_at"), alone.world.controller.code)
    with not_permitted():
        run("UPDATE members_guardianrequest SET asker_id = %s", alone.mother.pk)
    run(GRANT.replace("granted", "declined"), alone.world.controller.code)
    with refused("guardian_request_is_decided_as_shown"):
        run(GRANT, alone.world.controller.code)


def test_guardian_request_is_decided_once(alone: Alone) -> None:
    """It is asked for, proposed, then granted or declined: no step is left out."""
    alone.ask()
    with refused("guardian_request_is_decided_once"):
        run(GRANT.replace("decided_at", "proposed_at = NULL, decided_at"), alone.world.controller.code)


def test_grant_is_judged_by_how_things_stand_then(alone: Alone) -> None:
    request = alone.proposed()
    leave_behind(alone.uncle)
    with refused("guardian_is_a_covered_adult"):
        guardians.grant_guardian(
            request=request,
            granter=alone.world.controller.code,
            shown_sha256=request.shown_sha256,
            at=clock.now(),
        )


def test_guardian_changes_as_granted_and_by_nothing_else(alone: Alone, owner: Any) -> None:
    alone.granted()
    with not_permitted():
        run("UPDATE members_familymember SET guardian_id = %s", alone.mother.pk)
    with refused_to_owner(owner, "family_member_is_permanent"):
        owner.execute("UPDATE members_familymember SET guardian_id = guardian_id")
    with refused_to_owner(owner, "family_member_is_permanent"):
        owner.execute("DELETE FROM members_familymember")
    names = "SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'pgtrigger_guardian_changes_as_granted%%'"
    assert value(names) == 1


def test_guardian_requests_are_kept(db: None, owner: Any) -> None:
    with not_permitted():
        run("DELETE FROM members_guardianrequest")
    for sql in ("DELETE FROM members_guardianrequest", "TRUNCATE members_guardianrequest"):
        with refused_to_owner(owner, "guardian_requests_are_kept"):
            owner.execute(sql)


# --- pages, programs, my data ---------------------------------------------------------------------------------------


def form(alone: Alone, **changes: Any) -> dict[str, Any]:
    shown = guardians.plan_today(alone.world.pool).covenant_sha256
    fields = {"number": alone.child.number, "relation": "other", "proof": PROOF, "shown_sha256": shown}
    return fields | {"consent_health": "on", "consent_publication": "on"} | changes


def test_way_of_a_request_in_the_browser(alone: Alone) -> None:
    world, mine = alone.world, reverse("my_guardianships", args=["test-pool"])
    uncle, admin, controller = (
        client_of(one) for one in (person(alone.uncle), world.admin, world.controller)
    )
    assert mine in uncle.get(reverse("family", args=["test-pool"])).content.decode()
    bad = uncle.post(mine, form(alone, consent_health=""))
    assert bad.status_code == 422
    assert PROOF in bad.content.decode()
    wrong = uncle.post(mine, form(alone, number=99))
    assert wrong.status_code == 404
    assert PROOF in wrong.content.decode()
    assert uncle.post(mine, form(alone)).status_code == 302
    assert uncle.post(mine, form(alone)).status_code == 409
    assert PROOF in uncle.get(mine).content.decode()
    page = reverse("guardians", args=["test-pool"])
    assert "Somebody asks to be the guardian" in admin.get("/").content.decode()
    shown = admin.get(page).content.decode()
    assert PROOF in shown
    assert "has died: nobody speaks for the child" in shown
    for name in ("propose_guardian", "grant_guardian", "decline_guardian"):
        assert client_of(world.treasurer).post(reverse(name, args=["test-pool", 1])).status_code == 403
    assert client_of(world.treasurer).get(page).status_code == 403
    assert admin.post(reverse("propose_guardian", args=["test-pool", 1])).status_code == 302
    request = GuardianRequest.objects.get()
    grant = reverse("grant_guardian", args=["test-pool", 1])
    assert controller.post(grant, {"shown_sha256": "0" * 64}).status_code == 409
    assert controller.post(grant, {"shown_sha256": request.shown_sha256}).status_code == 302
    assert controller.post(grant, {"shown_sha256": request.shown_sha256}).status_code == 409
    after = controller.get(page).content.decode()
    assert PROOF not in after
    assert "Every child has a guardian in the pool" in after
    assert "granted" in uncle.get(mine).content.decode()


def test_request_is_taken_back(alone: Alone) -> None:
    request = alone.ask()
    stranger = client_of(person(join(alone.world, "aunt")))
    path = reverse("take_back_guardianship", args=["test-pool", request.number])
    assert stranger.post(path).status_code == 404
    assert client_of(person(alone.uncle)).post(path).status_code == 302
    assert not Notice.objects.filter(kind="guardian_declined").exists()
    assert client_of(person(alone.uncle)).post(path).status_code == 409


def test_programs_do_as_the_pages_do(alone: Alone) -> None:
    world, root = alone.world, "/api/v1/pools/test-pool/"
    uncle, admin, controller = (
        client_of(one) for one in (person(alone.uncle), world.admin, world.controller)
    )
    text = {
        "child": alone.child.number,
        "relation": "other",
        "proof": PROOF,
        "shown_sha256": guardians.plan_today(world.pool).covenant_sha256,
        "consent_health": True,
        "consent_publication": False,
    }
    post: Any = {"content_type": "application/json"}
    assert uncle.post(f"{root}my-guardianships/", text, **post).status_code == 400
    (row,) = admin.get(f"{root}children-without-guardian/").json()["results"]
    assert (row["child"], row["guardian"], row["why"], row["is_asked"]) == (9, 8, "deceased", False)
    made = uncle.post(f"{root}my-guardianships/", text | {"consent_publication": True}, **post)
    assert (made.status_code, made.json()["state"]) == (201, "asked")
    assert admin.get(f"{root}guardian-requests/").json()["results"][0]["proof"] == PROOF
    shown = admin.post(f"{root}guardian-requests/1/propose/", **post).json()["shown_sha256"]
    done = controller.post(f"{root}guardian-requests/1/grant/", {"shown_sha256": shown}, **post)
    assert done.json()["state"] == "granted"
    assert controller.post(f"{root}guardian-requests/1/decline/", **post).status_code == 409
    assert admin.get(f"{root}guardian-requests/").json()["results"][0]["proof"] == ""
    assert uncle.get(f"{root}my-guardianships/").json()[0]["proof"] == PROOF
    assert uncle.post(f"{root}my-guardianships/1/take-back/", **post).status_code == 409


def test_page_asks_as_often_for_many_children(world: World, guardian: Membership) -> None:
    admin, page = client_of(world.admin), reverse("guardians", args=["test-pool"])
    added(guardian)
    for number in (2, 3):
        added(guardian, f"CHILD0000{number}")
    uncle = join(world, "uncle")
    counts = []
    died(world, guardian)
    for child in Membership.objects.filter(family_member__guardian=guardian).order_by("number"):
        Alone(world, guardian, child, uncle).ask()
        admin.get(page)
        with CaptureQueriesContext(connection) as asked:
            admin.get(page)
        counts.append(len(asked))
    assert counts[0] == counts[2]


def test_proof_is_sealed_exported_to_the_asker_alone_and_left_out_for_others(alone: Alone) -> None:
    alone.granted()
    assert value("SELECT strpos(encode(proof_sealed, 'escape'), 'court') FROM members_guardianrequest") == 0
    (mine,) = my_data._guardian_requests(person(alone.uncle))
    assert (mine["role"], mine["proof"]) == ("guardian", PROOF)
    (theirs,) = my_data._guardian_requests(person(alone.mother))
    assert theirs["role"] == "guardian before"
    assert "proof" not in theirs
    assert bytes(GuardianRequest.objects.get().proof_sealed) != ERASED


# --- the account of who has died ------------------------------------------------------------------------------------


def speaks_for(somebody: User, child: Membership) -> bool:
    sql = f"SELECT {speaks_for_sql('m.id', '%s')} FROM members_membership m WHERE m.id = %s"
    return bool(value(sql, somebody.pk, child.pk))


def test_account_of_who_has_died_speaks_for_no_child(alone: Alone) -> None:
    mother, child = person(alone.mother), alone.child
    assert spoken_for(mother) == [alone.mother.pk]
    assert names_for(mother, [child.pk]) == {}
    assert family.family_of(alone.mother, clock.now()) == []
    assert not speaks_for(mother, child)
    client = client_of(mother)
    for page in ("child_leaving", "child_payer"):
        assert client.get(reverse(page, args=["test-pool", child.number])).status_code == 404
    with refused("members_leave_themselves"):
        run(END, child.pk, mother.code)
    with refused("payer_agrees_in_person"):
        run(ASK, alone.world.pool.pk, child.pk, alone.uncle.pk, mother.code)
    alone.granted()
    assert speaks_for(person(alone.uncle), child)
    leave_behind(alone.uncle, child.number)
    assert Membership.objects.get(pk=child.pk).end.recorded_by == person(alone.uncle).code


def test_nobody_ends_the_membership_of_a_child_alone_by_leaving_for_it(alone: Alone) -> None:
    for code in (alone.world.admin.code, person(alone.uncle).code):
        with refused("members_leave_themselves"):
            run(END, alone.child.pk, code)


def test_account_of_who_has_died_agrees_to_no_rules_for_a_child(alone: Alone) -> None:
    version = rules.change(alone.world)
    answer = (alone.child.pk, version.pk, rules.sha(version), "guardian")
    with refused("consent_is_given_in_person"):
        run(rules.INSERT, *answer, person(alone.mother).code)
    alone.granted()
    assert run(rules.INSERT, *answer, person(alone.uncle).code)


def test_who_has_died_is_told_of_no_rules_for_a_child(alone: Alone) -> None:
    rules.change(alone.world)
    run_jobs()
    told = Notice.objects.filter(kind="rules")
    assert told.filter(person=person(alone.uncle)).count() == 1
    assert not told.filter(person=person(alone.mother)).exists()


def test_who_has_died_is_not_told_that_the_child_is_of_age(world: World, guardian: Membership) -> None:
    orphan, child = added(guardian, "TEEN000001", SOON), added(join(world, "father"), "TEEN000002", SOON)
    died(world, guardian)
    set_clock(dt.datetime(2026, 1, 11, 12, tzinfo=dt.UTC))
    ages.order_due(clock.now())
    run_jobs()
    told = Notice.objects.filter(kind="family_of_age")
    assert [one.params["number"] for one in told] == [child.number]
    set_clock(clock.start_of_day(dt.date(2026, 2, 11), world.pool.time_zone))
    grown = User.objects.create_user("grown@example.org", name="Grown")
    known = family.paper_of_family(FamilyMember.objects.get(membership=orphan))
    assert family.take_over(pool=world.pool, person=grown, paper=known, at=clock.now()) == orphan
    assert not Notice.objects.filter(person=person(guardian), kind="family_took_over").exists()


# --- nothing runs out against the child -----------------------------------------------------------------------------


def unpaid() -> tuple[Alone, Bank]:
    """Return a pool that is owed the shares of period 1, with a child alone, on 14 January."""
    world = World.founded(members=4, arrears=ARREARS)
    mother, child = joined(world)
    uncle = join(world, "uncle")
    world.award(100_000)
    world.posted_period()
    at("01-14")
    died(world, mother)
    bank = Bank(world)
    share = Charge.objects.get(membership_id=uncle.pk).share_fen
    bank.take(bank.statement(bank.receipt(uncle.number, share)))
    return Alone(world, mother, child, uncle), bank


def hears_until(bank: Bank, text: str) -> None:
    at(text)
    bank.take(bank.statement(days=(day(text) - bank.day).days))
    run_jobs()
    fire_deferred()


def suspended(child: Membership) -> list[str]:
    return list(Suspension.objects.filter(membership_id=child.pk).values_list("state", flat=True))


def test_unpaid_share_suspends_no_child_without_a_guardian(db: None) -> None:
    alone, bank = unpaid()
    hears_until(bank, "02-10")
    assert Suspension.objects.filter(cause="unpaid").exists(), "others are suspended by the same statement"
    assert suspended(alone.child) == []
    row = """INSERT INTO ledger_suspension
                 (pool_id, membership_id, period_no, class_no, cause, from_date, until_date, state)"""
    with refused("suspension_follows_an_unpaid_share"):
        run(
            f"{row} VALUES (%s, %s, 1, 0, 'unpaid', '2026-02-11', '2026-03-20', 'suspended')",
            alone.world.pool.pk,
            alone.child.pk,
        )
    at("02-12")
    alone.granted()
    hears_until(bank, "03-10")
    assert suspended(alone.child) == [], "thirty days for the new guardian"
    hears_until(bank, "03-20")
    assert suspended(alone.child) == ["suspended"]


def test_child_without_guardian_is_kept(db: None) -> None:
    """Suspended before the death of the mother was known, its last day over: others lapse, the child does not."""
    world = World.founded(members=4, arrears=ARREARS)
    mother, child = joined(world)
    world.award(100_000)
    world.posted_period()
    at("01-14")
    bank = Bank(world)
    hears_until(bank, "01-25")
    assert suspended(child) == ["suspended"]
    died(world, mother)
    hears_until(bank, "03-10")
    assert suspended(child) == ["suspended"]
    assert Suspension.objects.filter(state="lapsed").exists()
    with refused("child_without_guardian_is_kept"):
        run(
            """INSERT INTO members_membershipend (membership_id, reason, end_date, reference, recorded_by, recorded_at)
               VALUES (%s, 'lapsed', '2026-01-26', '', 'service', now())""",
            child.pk,
        )


def test_unanswered_rules_end_no_child_without_a_guardian(alone: Alone) -> None:
    asked = f"SELECT {can_answer_sql('m')} FROM members_membership m WHERE m.id = %s"
    assert [value(asked, one.pk) for one in (alone.child, alone.uncle)] == [False, True]
    alone.granted()
    assert value(asked, alone.child.pk) is False
    set_clock(clock.now() + dt.timedelta(days=31))
    assert value(asked, alone.child.pk) is True
