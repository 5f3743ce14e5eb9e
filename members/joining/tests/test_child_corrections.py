"""Corrections of a child without an account: asked by its guardian, decided by two people, for the days to come."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection

from aidplatform.lib import clock
from aidplatform.lib.crypto import blind_index, seal_text
from aidplatform.site.my_data.tests.test_erasing import erased, leave
from aidplatform.testing.prepared import prepared
from aidplatform.testing.refusals import fire_deferred, not_permitted, refused, run, value
from aidplatform.testing.world import World, set_clock
from aidplatform.tests.pages_helpers import client_of
from claims.filing import selectors as filing
from claims.filing import services
from ledger.sharing.models import Charge
from ledger.sharing.verify.known import known_then
from members import my_data
from members.joining import corrections, family
from members.joining.child_papers import paper_of_family
from members.joining.correction_models import IdentityCorrection
from members.joining.correction_sql import born_sql, known_before_sql, trait_sql
from members.joining.corrections import Wrong
from members.joining.family_models import FamilyMember
from members.joining.models import Membership, MembershipSpan
from members.joining.services import end_cover
from members.joining.tests.papers import filled, paper, passport, resident_id
from members.joining.tests.test_ages import BANDS, NAMES
from members.joining.tests.test_corrections import (
    GRANT,
    INSERT,
    PROOF,
    PROPOSE,
    REASON,
    YOUNGER,
    Mistaken,
    at,
    false_statements,
    mistaken,
)
from members.joining.tests.test_family import YOUNG, added
from members.joining.tests.test_signing import _sign as sign
from members.people.identity import DOCUMENT, Paper
from members.people.models import Notice, User

__all__ = ["mistaken"]

RIGHT = dt.date(2014, 3, 1)
CHILDREN = [
    {"class_no": 7, "weight": 1, "age_from": 0, "age_before": 10, **NAMES},
    {"class_no": 8, "weight": 4, "age_from": 10, "age_before": 18, **NAMES},
]
PAGE, API = "/pools/test-pool/me/family/", "/api/v1/pools/test-pool/my-family/"


@dataclass
class Family:
    """A guardian and a child who is recorded four years too young, in a pool whose classes go by age; on 5 January."""

    world: World
    guardian: Membership
    child: Membership

    @property
    def mother(self) -> User:
        assert self.guardian.person is not None
        return self.guardian.person

    @property
    def member(self) -> FamilyMember:
        return FamilyMember.objects.select_related("membership__pool", "guardian__person").get(
            membership=self.child
        )

    def ask(self, right: Paper | None = None) -> IdentityCorrection:
        wrong = Wrong(right or passport("CHILD00001", RIGHT), REASON, PROOF)
        return corrections.ask_child_correction(member=self.member, wrong=wrong, at=clock.now())

    def granted(self, right: Paper | None = None) -> IdentityCorrection:
        request = corrections.propose_correction(
            correction=self.ask(right), proposer=self.world.admin.code, at=clock.now()
        )
        return corrections.grant_correction(
            correction=request,
            granter=self.world.controller.code,
            shown_sha256=request.shown_sha256,
            at=clock.now(),
        )

    def insert(self, **changes: Any) -> None:
        sealed = seal_text("something", "a place")
        row = {
            "pool_id": self.world.pool.pk,
            "membership_id": self.child.pk,
            "person_id": None,
            "reason_sealed": sealed,
            "proof_sealed": sealed,
            "paper_sealed": sealed,
            "document_index": blind_index(passport("CHILD00001", RIGHT).index_text, DOCUMENT),
            "birth_date": RIGHT,
            "state": "asked",
            "asked_by": self.mother.code,
            "decided_by": None,
        }
        with connection.cursor() as cursor:
            cursor.execute(INSERT, row | changes)

    def classes(self) -> list[int]:
        spans = MembershipSpan.objects.filter(membership_id=self.child.pk).order_by("from_at")
        return [span.class_no for span in spans]


@prepared
def kin() -> Family:
    world = World.founded(members={5: 3}, classes=[*CHILDREN, *BANDS])
    guardian = sign(filled(world.pool, User.objects.create_user("mother@example.org", name="Mother")))
    child = added(guardian)
    at(5)
    return Family(world, guardian, child)


def known(member: Membership, day: dt.date) -> tuple[Any, ...]:
    """Return birth date, sex and region as known on a day; both readings of it have to agree."""
    sql = f"""SELECT {born_sql("m")}, {trait_sql("m", "sex")}, {trait_sql("m", "region")}
                FROM members_membership m {known_before_sql("m", f"date '{day}'")} WHERE m.id = %s"""
    again = f"""SELECT coalesce(k.born, m.birth_date), coalesce(nullif(k.sex, ''), m.sex),
                       coalesce(nullif(k.region, ''), m.region)
                  FROM members_membership m LEFT JOIN {known_then(f"date '{day}'")} k ON k.membership_id = m.id
                 WHERE m.id = %s"""
    [first], [second] = run(sql, member.pk), run(again, member.pk)
    assert first == second
    return first


def test_child_is_recorded_rightly_and_its_guardian_told(kin: Family) -> None:
    before = bytes(kin.member.sealed)
    assert kin.classes() == [7]
    request = kin.granted()
    assert (request.person, request.effective_date) == (None, dt.date(2026, 1, 6))
    assert paper_of_family(kin.member) == passport("CHILD00001", RIGHT)
    kin.child.refresh_from_db()
    assert (kin.child.birth_date, kin.classes()) == (RIGHT, [7, 8])
    request.refresh_from_db()
    assert (request.was_birth_date, bytes(request.was_sealed or b"")) == (YOUNG, before)
    told = Notice.objects.get(person=kin.mother, kind="correction_granted")
    assert (told.params["member"], told.params["from"], told.link) == (kin.child.number, "2026-01-06", PAGE)
    fire_deferred()


def test_number_and_signature_of_the_child_stay(kin: Family) -> None:
    before = (kin.child.number, kin.child.joined_date, kin.child.signature.signature_sha256)
    kin.granted()
    child = Membership.objects.get(pk=kin.child.pk)
    assert (child.number, child.joined_date, child.signature.signature_sha256) == before


def test_days_before_keep_their_figures(kin: Family) -> None:
    world = kin.world
    world.award(100_000)
    first = world.posted_period()
    kin.granted()
    at(1, 2)
    world.award(100_000, code="C-2")
    second = world.posted_period()
    charges = Charge.objects.filter(membership_id=kin.child.pk)
    shares = dict(charges.values_list("period_no", "share_fen"))
    # Weights 2, 2, 2, 3 and the child's 1, then 4: 108,000 fen by 10, then by 13 times 4, each fen rounded up.
    assert shares == {first.number: 10_800, second.number: 33_231}
    fire_deferred()
    assert false_statements(world) == []


def test_traits_are_those_of_each_day(kin: Family) -> None:
    kin.granted(paper(resident_id(RIGHT, "440103"), RIGHT))
    kin.child.refresh_from_db()
    assert known(kin.child, dt.date(2026, 1, 5))[0] == YOUNG
    assert known(kin.child, dt.date(2026, 1, 6))[0] == RIGHT
    at(20)
    kin.granted(passport("CHILD00001", dt.date(2013, 3, 1)))
    days = [dt.date(2026, 1, day) for day in (5, 6, 20, 21)]
    assert [known(kin.child, day)[0] for day in days] == [YOUNG, RIGHT, RIGHT, dt.date(2013, 3, 1)]


def test_traits_of_an_adult_are_those_of_each_day(mistaken: Mistaken) -> None:
    mistaken.granted(paper(resident_id(YOUNGER, "440103"), YOUNGER))
    born, _sex, region = known(mistaken.membership, dt.date(2026, 1, 5))
    assert (born == YOUNGER, region) == (False, "beijing")
    born, _sex, region = known(mistaken.membership, dt.date(2026, 1, 6))
    assert (born, region) == (YOUNGER, "guangdong")


def test_who_is_of_age_takes_over_by_the_right_paper(kin: Family) -> None:
    kin.granted()
    set_clock(dt.datetime(2032, 3, 2, 10, tzinfo=clock.now().tzinfo))
    grown = User.objects.create_user("grown@example.org", name="Grown")
    family.take_over(pool=kin.world.pool, person=grown, paper=paper_of_family(kin.member), at=clock.now())
    kin.child.refresh_from_db()
    assert kin.child.person == grown
    assert known(kin.child, dt.date(2026, 1, 5))[0] == YOUNG


def test_claim_that_is_begun_follows_the_right_birth_date(kin: Family) -> None:
    claim = services.start_claim(membership=kin.child, claimant=kin.mother.code, at=clock.now())
    assert filing.read_birth(claim) == YOUNG
    kin.granted()
    claim = filing.access_claim(user=kin.mother, code=claim.code)
    assert filing.read_birth(claim) == RIGHT


# --- refused ------------------------------------------------------------------------------------------------------


def test_guardian_asks_once_and_for_something(kin: Family) -> None:
    with pytest.raises(corrections.NothingChangesError):
        kin.ask(passport("CHILD00001", YOUNG))
    kin.ask()
    with pytest.raises(corrections.CorrectionWaitsError):
        kin.ask()
    with refused("one_open_correction_of_a_child"):
        kin.insert()


@pytest.mark.parametrize("born", [dt.date(2000, 3, 1), dt.date(2026, 6, 1)])
def test_no_child_becomes_somebody_who_could_not_have_been_added(kin: Family, born: dt.date) -> None:
    with pytest.raises(corrections.JoiningImpossibleError):
        kin.ask(passport("CHILD00001", born))
    with refused("correction_fits_the_rules_of_joining"):
        kin.insert(birth_date=born)


def test_document_of_somebody_in_the_pool_is_refused(kin: Family) -> None:
    added(kin.guardian, "CHILD00002")
    sign(filled(kin.world.pool, User.objects.create_user("other@example.org"), passport("ADULT00001")))
    for number in ("CHILD00002", "ADULT00001"):
        taken = passport(number, RIGHT)
        with pytest.raises(corrections.DocumentTakenError):
            kin.ask(taken)
        with refused("corrected_document_is_nobody_elses"):
            kin.insert(document_index=blind_index(taken.index_text, DOCUMENT))


def test_correction_of_a_child_is_asked_by_its_guardian(kin: Family) -> None:
    for somebody in (kin.world.admin, User.objects.create_user("stranger@example.org")):
        with refused("correction_is_asked_in_person"):
            kin.insert(asked_by=somebody.code)
    with refused("correction_is_of_a_running_membership"):
        kin.insert(membership_id=kin.guardian.pk)


def test_guardian_decides_nothing_of_it(kin: Family) -> None:
    kin.ask()
    kin.world.grant(kin.mother, "pool_admin")
    with pytest.raises(corrections.OwnCorrectionError):
        corrections.propose_correction(
            correction=IdentityCorrection.objects.get(), proposer=kin.mother.code, at=clock.now()
        )
    with refused("identity_correction_is_anothers"):
        run(PROPOSE, kin.mother.code)
    run(PROPOSE, kin.world.admin.code)
    with refused("correction_people_hold_their_duty"):
        run(GRANT, kin.world.admin.code)


def test_child_changes_by_a_granted_correction_alone(kin: Family, owner: Any) -> None:
    with not_permitted():
        run("UPDATE members_familymember SET sealed = 'x' WHERE membership_id = %s", kin.child.pk)
    with not_permitted():
        run("UPDATE members_membership SET birth_date = %s WHERE id = %s", RIGHT, kin.child.pk)
    kin.granted()
    with not_permitted():
        run("UPDATE members_familymember SET sealed = 'x' WHERE membership_id = %s", kin.child.pk)


# --- pages, data ----------------------------------------------------------------------------------------------------


def told(born: dt.date = RIGHT) -> dict[str, str]:
    return {
        "name": "Example Lin",
        "kind": "passport",
        "number": "CHILD00001",
        "country": "KE",
        "birth_date": born.isoformat(),
        "reason": REASON,
        "proof": PROOF,
    }


def test_pages_ask_show_and_take_back(kin: Family) -> None:
    mother = client_of(kin.mother)
    page = f"{PAGE}{kin.child.number}/identity/"
    assert page in mother.get(PAGE).content.decode()
    assert "CHILD00001" in mother.get(page).content.decode()
    bad = mother.post(page, {**told(), "reason": ""})
    assert (bad.status_code, PROOF in bad.content.decode()) == (422, True)
    assert mother.post(page, told(dt.date(1990, 1, 1))).status_code == 409
    assert mother.post(page, told()).status_code == 302
    assert mother.post(page, told()).status_code == 409
    for somebody in (kin.world.controller, User.objects.create_user("stranger@example.org")):
        assert client_of(somebody).get(page).status_code == 404
    number = IdentityCorrection.objects.get().number
    desk = client_of(kin.world.admin).get(f"/pools/test-pool/identity-corrections/{number}/").content.decode()
    assert REASON in desk
    assert "CHILD00001" in desk
    assert mother.post(f"{page}{number}/take-back/").status_code == 302
    assert IdentityCorrection.objects.get().state == "declined"


def test_programs_ask_and_take_back(kin: Family) -> None:
    mother, address = client_of(kin.mother), f"{API}{kin.child.number}/identity/"
    assert mother.get(address).json()["known"]["number"] == "CHILD00001"
    body = {**told(), "document": "passport"}
    made = mother.post(address, body, content_type="application/json")
    assert (made.status_code, made.json()["member"]) == (201, kin.child.number)
    assert mother.post(address, body, content_type="application/json").status_code == 409
    assert [row["reason"] for row in mother.get(address).json()["requests"]] == [REASON]
    back = mother.post(f"{address}{made.json()['number']}/take-back/")
    assert back.json()["state"] == "declined"
    stranger = client_of(User.objects.create_user("stranger@example.org"))
    assert stranger.get(address).status_code == 404


def test_guardian_gets_it_with_their_data_and_an_erasure_empties_it(kin: Family) -> None:
    kin.granted()
    [row] = my_data._identity_corrections(kin.mother)
    assert (row["of"], row["was"]["birth_date"], row["right"]["birth_date"]) == ("a child", YOUNG, RIGHT)
    at(20)
    day = clock.start_of_day(dt.date(2026, 1, 21), kin.world.pool.time_zone)
    end_cover(membership=kin.child, at=day, reason="left", actor=kin.mother.code)
    leave(kin.guardian)
    erased(kin.mother)
    assert value("SELECT count(*) FROM members_identitycorrection WHERE paper_sealed <> ''") == 0
    assert value("SELECT count(*) FROM members_identitycorrection WHERE birth_date IS NOT NULL") == 0
