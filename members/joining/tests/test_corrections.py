"""Corrections of an identity: asked for with a paper, decided by two people, from the next day on; broken by SQL."""

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from aidplatform.lib import clock
from aidplatform.lib.crypto import blind_index, seal_text
from aidplatform.site.my_data.tests.test_erasing import erased, leave
from aidplatform.testing.prepared import prepared
from aidplatform.testing.refusals import (
    about,
    fire_deferred,
    not_permitted,
    refused,
    refused_to_owner,
    run,
    value,
)
from aidplatform.testing.world import World, run_jobs, set_clock
from aidplatform.tests.pages_helpers import client_of
from ledger.sharing.models import Charge
from ledger.verification.statements import new_report, verify_everything
from members import my_data
from members.joining import ages, corrections
from members.joining.correction_models import IdentityCorrection
from members.joining.corrections import Wrong
from members.joining.models import Membership, MembershipSpan
from members.joining.tests.papers import BORN, filled, paper, passport, resident_id
from members.joining.tests.test_ages import BANDS
from members.joining.tests.test_family import added
from members.joining.tests.test_signing import _sign as sign
from members.people.identity import DOCUMENT, Paper, paper_of, sealed_for
from members.people.models import Identity, Mail, Notice, User

YOUNGER = dt.date(2000, 5, 15)
YOUNG_ONLY = [
    {"severity": severity, "age_from": 0, "age_before": 25, "max_aid_fen": 5_000_000}
    for severity in ("severe", "mild")
]
REASON, PROOF = "I typed the year of my sister.", "Household register 12, page 3, of 2019."
INSERT = """INSERT INTO members_identitycorrection (pool_id, number, membership_id, person_id, reason_sealed,
                proof_sealed, paper_sealed, kind, document_index, birth_date, sex, region, state, asked_by, asked_at,
                decided_by)
            VALUES (%(pool_id)s, 9, %(membership_id)s, %(person_id)s, %(reason_sealed)s, %(proof_sealed)s,
                %(paper_sealed)s, 'resident_id', %(document_index)s, %(birth_date)s, '', '', %(state)s, %(asked_by)s,
                now(), %(decided_by)s)"""
PROPOSE = "UPDATE members_identitycorrection SET state = 'proposed', proposed_by = %s, proposed_at = now()"
GRANT = "UPDATE members_identitycorrection SET state = 'granted', decided_by = %s, decided_at = now()"


@dataclass
class Mistaken:
    """A member who has joined ten years too old, in a pool whose classes go by age; on 5 January."""

    world: World
    membership: Membership

    @property
    def person(self) -> User:
        assert self.membership.person is not None
        return self.membership.person

    def wrong(self, right: Paper | None = None) -> Wrong:
        return Wrong(right or paper(born=YOUNGER), REASON, PROOF)

    def ask(self, right: Paper | None = None) -> IdentityCorrection:
        return corrections.ask_correction(membership=self.membership, wrong=self.wrong(right), at=clock.now())

    def proposed(self, right: Paper | None = None) -> IdentityCorrection:
        return corrections.propose_correction(
            correction=self.ask(right), proposer=self.world.admin.code, at=clock.now()
        )

    def grant(self, request: IdentityCorrection) -> IdentityCorrection:
        return corrections.grant_correction(
            correction=request,
            granter=self.world.controller.code,
            shown_sha256=request.shown_sha256,
            at=clock.now(),
        )

    def granted(self, right: Paper | None = None) -> IdentityCorrection:
        return self.grant(self.proposed(right))

    def insert(self, **changes: Any) -> None:
        sealed = seal_text("something", "a place")
        row = {
            "pool_id": self.world.pool.pk,
            "membership_id": self.membership.pk,
            "person_id": self.person.pk,
            "reason_sealed": sealed,
            "proof_sealed": sealed,
            "paper_sealed": sealed_for(self.person, paper(born=YOUNGER)),
            "document_index": blind_index(paper(born=YOUNGER).index_text, DOCUMENT),
            "birth_date": YOUNGER,
            "state": "asked",
            "asked_by": self.person.code,
            "decided_by": None,
        }
        with connection.cursor() as cursor:
            cursor.execute(INSERT, row | changes)

    def spans(self) -> list[tuple[int, str, str]]:
        zone = ZoneInfo(self.world.pool.time_zone)
        return [
            (
                s.class_no,
                f"{s.from_at.astimezone(zone):%m-%d}",
                f"{s.to_at.astimezone(zone):%m-%d}" if s.to_at else "",
            )
            for s in MembershipSpan.objects.filter(membership_id=self.membership.pk).order_by("from_at")
        ]


def false_statements(world: World) -> list[str]:
    """Return what a recount of everything finds false; ages were held against the classes counted."""
    report = new_report()
    verify_everything(report, world.pool.code)
    assert report.statements["headcount_follows_ages"].examined > 0
    return [code for code, statement in report.statements.items() if statement.false]


def at(day: int, month: int = 1) -> None:
    set_clock(dt.datetime(2026, month, day, 10, tzinfo=ZoneInfo("Asia/Shanghai")))


@prepared
def mistaken() -> Mistaken:
    world = World.founded(members={5: 3}, classes=BANDS)
    newcomer = User.objects.create_user("newcomer@example.org", name="Newcomer")
    membership = sign(filled(world.pool, newcomer))
    at(5)
    return Mistaken(world, membership)


# --- asked for, and decided by two people ---------------------------------------------------------------------------


def test_corrected_member_is_recorded_rightly_and_told(mistaken: Mistaken) -> None:
    before = Identity.objects.get(person=mistaken.person)
    request = mistaken.granted()
    assert (request.state, request.effective_date) == ("granted", dt.date(2026, 1, 6))
    assert paper_of(mistaken.person) == paper(born=YOUNGER)
    mistaken.membership.refresh_from_db()
    assert mistaken.membership.birth_date == YOUNGER
    notice = Notice.objects.get(person=mistaken.person, kind="correction_granted")
    assert notice.params["from"] == "2026-01-06"
    assert Mail.objects.filter(person=mistaken.person, key__startswith="correction_granted/").count() == 1
    request = IdentityCorrection.objects.get()
    assert (request.was_birth_date, bytes(request.was_sealed or b"")) == (BORN, bytes(before.sealed))
    assert request.was_recorded_at == before.recorded_at
    fire_deferred()


def test_number_first_day_and_waiting_time_stay_as_they_were_signed(mistaken: Mistaken) -> None:
    before = mistaken.membership.signature
    mistaken.granted()
    after = Membership.objects.get(pk=mistaken.membership.pk)
    assert (after.number, after.joined_date) == (mistaken.membership.number, dt.date(2026, 1, 1))
    assert (after.signature.eligible_date, after.signature.signature_sha256) == (
        before.eligible_date,
        before.signature_sha256,
    )


def test_class_moves_at_the_beginning_of_the_next_day(mistaken: Mistaken) -> None:
    assert mistaken.spans() == [(2, "01-02", "")]
    mistaken.granted()
    assert mistaken.spans() == [(2, "01-02", "01-06"), (5, "01-06", "")]
    fire_deferred()


def test_name_alone_moves_nobody(mistaken: Mistaken) -> None:
    mistaken.granted(replace(paper(), name="林晓雨"))
    assert mistaken.spans() == [(2, "01-02", "")]
    known = paper_of(mistaken.person)
    assert known is not None
    assert (known.name, known.number) == ("林晓雨", resident_id())


def test_sex_and_province_are_those_of_the_right_number(mistaken: Mistaken) -> None:
    mistaken.granted(paper(resident_id(YOUNGER, "440103"), YOUNGER))
    mistaken.membership.refresh_from_db()
    assert mistaken.membership.region == "guangdong"
    request = IdentityCorrection.objects.get()
    assert (request.was_region, mistaken.membership.sex) == ("beijing", request.was_sex)


def test_passport_tells_neither_so_that_they_stay(mistaken: Mistaken) -> None:
    mistaken.granted(passport("RIGHT00001", YOUNGER))
    mistaken.membership.refresh_from_db()
    assert mistaken.membership.region == "beijing"


def test_freed_document_is_its_own_persons(mistaken: Mistaken) -> None:
    mistaken.granted()
    sister = sign(filled(mistaken.world.pool, User.objects.create_user("sister@example.org"), paper()))
    assert sister.birth_date == BORN


def test_posted_period_keeps_its_figures_and_the_next_one_counts_the_right_class(mistaken: Mistaken) -> None:
    world = mistaken.world
    world.award(100_000)
    first = world.posted_period()
    charged = Charge.objects.get(membership_id=mistaken.membership.pk, period_no=first.number).share_fen
    mistaken.granted()
    at(1, 2)
    world.award(100_000, code="C-2")
    second = world.posted_period()
    shares = dict(
        Charge.objects.filter(membership_id=mistaken.membership.pk).values_list("period_no", "share_fen")
    )
    assert shares[first.number] == charged
    # Four members weigh 2, 2, 2 and 3 before; then all of them 2: 108,000 fen by 9 times 3, then by 8 times 2.
    assert shares == {first.number: 36_000, second.number: 27_000}
    fire_deferred()
    assert false_statements(world) == []


def test_headcount_of_the_same_day_counts_what_was_known(mistaken: Mistaken) -> None:
    """The headcount is as of 00:00: what is corrected in the morning before it is taken changes nothing of it."""
    world = mistaken.world
    world.award(100_000)
    at(7)
    mistaken.granted()
    period = world.posted_period()
    charge = Charge.objects.get(membership_id=mistaken.membership.pk, period_no=period.number)
    assert charge.share_fen == 36_000
    assert false_statements(world) == []


def test_two_corrections_leave_two_steps_of_history(mistaken: Mistaken) -> None:
    mistaken.granted()
    at(20)
    mistaken.granted(paper(born=BORN))
    rows = list(my_data._identity_corrections(mistaken.person))
    assert [(row["was"]["birth_date"], row["right"]["birth_date"]) for row in rows] == [
        (BORN, YOUNGER),
        (YOUNGER, BORN),
    ]
    assert [row["effective_date"] for row in rows] == [dt.date(2026, 1, 6), dt.date(2026, 1, 21)]
    assert mistaken.spans()[-1] == (2, "01-21", "")


def test_declined_request_is_told_and_can_be_asked_again(mistaken: Mistaken) -> None:
    request = mistaken.ask()
    corrections.decline_correction(
        correction=request, decliner=mistaken.world.controller.code, at=clock.now()
    )
    assert Notice.objects.filter(person=mistaken.person, kind="correction_declined").count() == 1
    assert paper_of(mistaken.person) == paper()
    with pytest.raises(corrections.CorrectionMovedOnError):
        corrections.propose_correction(correction=request, proposer=mistaken.world.admin.code, at=clock.now())
    assert mistaken.ask().number == 2


def test_admins_of_other_pools_are_told_and_the_class_moves_there_as_well(mistaken: Mistaken) -> None:
    at(1)
    other = World.founded(code="other", members={5: 3}, classes=BANDS)
    elsewhere = sign(filled(other.pool, mistaken.person))
    at(5)
    mistaken.granted()
    elsewhere.refresh_from_db()
    assert elsewhere.birth_date == YOUNGER
    there = MembershipSpan.objects.filter(membership_id=elsewhere.pk).order_by("from_at")
    assert [one.class_no for one in there] == [2, 5]
    told = Notice.objects.get(kind="corrected_elsewhere")
    assert (told.person, told.params["number"]) == (other.admin, elsewhere.number)


def test_who_decides_learns_of_no_other_pool_of_the_person(mistaken: Mistaken) -> None:
    at(1)
    other = World.founded(code="other", members={5: 3}, classes=BANDS)
    sign(filled(other.pool, mistaken.person))
    at(5)
    request = mistaken.ask()
    assert [one.pool.code for one in corrections.shown(request).rules] == ["test-pool"]
    # By the time of the proposal the rules of the other pool alone have become narrower.
    other.change_plan(dt.date(2026, 1, 13), aid=YOUNG_ONLY, classes=BANDS)
    at(13)
    with pytest.raises(corrections.JoiningImpossibleError) as caught:
        corrections.propose_correction(correction=request, proposer=mistaken.world.admin.code, at=clock.now())
    assert "another pool" in str(caught.value.message)


# --- what cannot be recorded ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("born", "why"),
    [
        (dt.date(2010, 5, 15), "18 or older"),
        (dt.date(1960, 5, 15), "no aid for your age any more"),
        (dt.date(2026, 6, 1), "in the future"),
    ],
)
def test_nobody_becomes_somebody_who_could_not_have_joined(
    mistaken: Mistaken, born: dt.date, why: str
) -> None:
    with pytest.raises(corrections.JoiningImpossibleError) as caught:
        mistaken.ask(passport("RIGHT00001", born))
    assert why in str(caught.value.message)
    assert "whoever runs the pool" in str(caught.value.message)
    with refused("correction_fits_the_rules_of_joining"):
        mistaken.insert(birth_date=born)


def test_nobody_becomes_somebody_whose_membership_would_be_over(mistaken: Mistaken) -> None:
    born = dt.date(1966, 1, 20)
    at(21)
    with pytest.raises(corrections.JoiningImpossibleError) as caught:
        mistaken.ask(passport("RIGHT00001", born))
    assert "reached already" in str(caught.value.message)
    with refused("correction_fits_the_rules_of_joining"):
        mistaken.insert(birth_date=born)


def test_document_of_somebody_else_is_refused(mistaken: Mistaken) -> None:
    taken, childs = passport("TAKEN00001"), passport("CHILD00001", dt.date(2018, 3, 1))
    other = sign(filled(mistaken.world.pool, User.objects.create_user("other@example.org"), taken))
    at(6)
    child = added(other)
    assert child.person is None
    for right in (taken, replace(childs, birth_date=YOUNGER)):
        with about(right.number), pytest.raises(corrections.DocumentTakenError):
            mistaken.ask(right)
        with about(right.number), refused("corrected_document_is_nobody_elses"):
            mistaken.insert(document_index=blind_index(right.index_text, DOCUMENT))


def test_document_that_somebody_else_has_joined_with_meanwhile_is_refused(mistaken: Mistaken) -> None:
    request = mistaken.proposed()
    sign(filled(mistaken.world.pool, User.objects.create_user("own@example.org"), paper(born=YOUNGER)))
    with pytest.raises(corrections.DocumentTakenError):
        mistaken.grant(request)
    with refused("corrected_document_is_nobody_elses"):
        run(GRANT, mistaken.world.controller.code)
    assert paper_of(mistaken.person) == paper()


def test_what_is_recorded_already_and_a_second_request_are_refused(mistaken: Mistaken) -> None:
    with pytest.raises(corrections.NothingChangesError):
        mistaken.ask(paper())
    mistaken.ask()
    with pytest.raises(corrections.CorrectionWaitsError):
        mistaken.ask()
    with refused("one_open_identity_correction"):
        mistaken.insert()


def test_whose_membership_is_over_corrects_nothing(mistaken: Mistaken) -> None:
    leave(mistaken.membership)
    mistaken.membership = Membership.objects.get(pk=mistaken.membership.pk)
    with pytest.raises(corrections.NotRunningError):
        mistaken.ask()
    with refused("correction_is_of_a_running_membership"):
        mistaken.insert()


def test_correction_counts_from_the_next_day(mistaken: Mistaken) -> None:
    """Whose cover begins tomorrow is corrected tomorrow, and nobody before the ages up to today are followed."""
    newcomer = sign(
        filled(mistaken.world.pool, User.objects.create_user("late@example.org"), passport("LATE000001"))
    )
    late = Mistaken(mistaken.world, newcomer)
    request = late.proposed(passport("LATE000001", YOUNGER))
    with pytest.raises(corrections.NotYetError):
        late.grant(request)
    with refused("correction_counts_from_the_next_day"):
        run(GRANT, mistaken.world.controller.code)
    at(6)
    with refused("correction_counts_from_the_next_day"):
        run(GRANT, mistaken.world.controller.code)
    assert late.grant(request).effective_date == dt.date(2026, 1, 7)


# --- by raw SQL -----------------------------------------------------------------------------------------------------


def test_correction_begins_asked_in_person_with_reason_and_proof(mistaken: Mistaken) -> None:
    nothing = seal_text("", "a place")
    with refused("correction_begins_asked"):
        mistaken.insert(decided_by="P-SOMEBODY")
    with refused("correction_begins_asked"):
        mistaken.insert(birth_date=None)
    with refused("identity_correction_is_decided_once"):
        mistaken.insert(state="granted")
    with refused("correction_is_asked_in_person"):
        mistaken.insert(asked_by=mistaken.world.admin.code)
    with refused("correction_is_of_a_running_membership"):
        mistaken.insert(person_id=mistaken.world.stranger.pk, asked_by=mistaken.world.stranger.code)
    for part in ("reason_sealed", "proof_sealed", "paper_sealed"):
        with about(part), refused("correction_has_reason_and_proof"):
            mistaken.insert(**{part: nothing})
    mistaken.insert()
    assert IdentityCorrection.objects.get().number == 1


def test_correction_people_hold_their_duty(mistaken: Mistaken) -> None:
    mistaken.ask()
    world = mistaken.world
    for code in (world.controller.code, world.treasurer.code):
        with refused("correction_people_hold_their_duty"):
            run(PROPOSE, code)
    run(PROPOSE, world.admin.code)
    for code in (world.admin.code, world.treasurer.code):
        with refused("correction_people_hold_their_duty"):
            run(GRANT, code)
    with refused("correction_people_hold_their_duty"):
        run(GRANT.replace("granted", "declined"), world.treasurer.code)


def test_identity_correction_needs_two_people(mistaken: Mistaken, owner: Any) -> None:
    found = owner.execute(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'identity_correction_needs_two_people'"
    ).fetchone()
    assert found is not None
    assert "decided_by" in found[0]
    request = mistaken.proposed()
    with pytest.raises(corrections.SamePersonError):
        corrections.grant_correction(
            correction=request,
            granter=mistaken.world.admin.code,
            shown_sha256=request.shown_sha256,
            at=clock.now(),
        )


def test_identity_correction_is_anothers(mistaken: Mistaken) -> None:
    own = mistaken.person.code
    request = mistaken.ask()
    with pytest.raises(corrections.OwnCorrectionError):
        corrections.propose_correction(correction=request, proposer=own, at=clock.now())
    with refused("identity_correction_is_anothers"):
        run(PROPOSE, own)
    run(PROPOSE, mistaken.world.admin.code)
    with refused("identity_correction_is_anothers"):
        run(GRANT, own)


def test_identity_correction_is_decided_as_shown(mistaken: Mistaken) -> None:
    request = mistaken.proposed()
    with pytest.raises(corrections.ShownChangedError):
        corrections.grant_correction(
            correction=request,
            granter=mistaken.world.controller.code,
            shown_sha256="0" * 64,
            at=clock.now(),
        )
    with refused("identity_correction_is_decided_as_shown"):
        run(GRANT.replace("decided_at", "proposed_by = 'x', decided_at"), mistaken.world.controller.code)
    for column in ("paper_sealed", "birth_date", "was_sealed", "effective_date"):
        with about(column), not_permitted():
            run(f"UPDATE members_identitycorrection SET {column} = NULL")
    run(GRANT.replace("granted", "declined"), mistaken.world.controller.code)
    with refused("identity_correction_is_decided_as_shown"):
        run(GRANT, mistaken.world.controller.code)


def test_identity_correction_is_decided_once(mistaken: Mistaken) -> None:
    mistaken.ask()
    ages.follow_ages(pool=mistaken.world.pool)
    with refused("identity_correction_is_decided_once"):
        run(GRANT.replace("decided_at", "proposed_at = NULL, decided_at"), mistaken.world.controller.code)


def test_identity_changes_as_granted_and_by_nothing_else(mistaken: Mistaken, owner: Any) -> None:
    with not_permitted():
        run("UPDATE members_identity SET kind = 'passport'")
    with not_permitted():
        run("UPDATE members_membership SET birth_date = '2000-05-15'")
    mistaken.granted()
    with refused_to_owner(owner, "identity_is_permanent"):
        owner.execute("UPDATE members_identity SET kind = kind")
    with refused_to_owner(owner, "identity_is_permanent"):
        owner.execute("DELETE FROM members_identity")
    guards = "SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'pgtrigger_identity_changes_as_granted%%'"
    assert value(guards) == 1


def test_identity_corrections_are_kept(db: None, owner: Any) -> None:
    with not_permitted():
        run("DELETE FROM members_identitycorrection")
    for sql in ("DELETE FROM members_identitycorrection", "TRUNCATE members_identitycorrection"):
        with refused_to_owner(owner, "identity_corrections_are_kept"):
            owner.execute(sql)


def test_erasure_destroys_what_was_and_what_is_right(mistaken: Mistaken) -> None:
    mistaken.granted()
    leave(mistaken.membership)
    assert erased(mistaken.person).state == "done"
    request = IdentityCorrection.objects.get()
    sealed = (request.reason_sealed, request.proof_sealed, request.paper_sealed, request.was_sealed)
    assert [one is not None and bytes(one) for one in sealed] == [b""] * 4
    assert (request.birth_date, request.was_birth_date, request.sex, request.was_region) == (
        None,
        None,
        "",
        "",
    )
    known = blind_index(paper(born=YOUNGER).index_text, DOCUMENT)
    assert bytes(request.document_index) != known
    assert not Identity.objects.filter(person=mistaken.person).exists()


# --- pages, programs ------------------------------------------------------------------------------------------------


def form(**changes: Any) -> dict[str, Any]:
    fields = {"name": "林小雨", "kind": "resident_id", "number": resident_id(YOUNGER)}
    return fields | {"reason": REASON, "proof": PROOF} | changes


def test_way_of_a_correction_in_the_browser(mistaken: Mistaken) -> None:
    world, mine = mistaken.world, reverse("my_identity", args=["test-pool"])
    member, admin, controller = (client_of(one) for one in (mistaken.person, world.admin, world.controller))
    assert mine in member.get(reverse("my_pool", args=["test-pool"])).content.decode()
    assert resident_id() in member.get(mine).content.decode()
    assert client_of(world.stranger).get(mine).status_code == 404
    bad = member.post(mine, form(number="110105200005150000"))
    assert bad.status_code == 422
    assert REASON in bad.content.decode()
    same = member.post(mine, form(number=resident_id()))
    assert same.status_code == 422
    assert PROOF in same.content.decode()
    assert member.post(mine, form()).status_code == 302
    assert member.post(mine, form()).status_code == 409
    page, one = reverse("identity_corrections", args=["test-pool"]), ["test-pool", 1]
    assert reverse("identity_correction", args=one) in admin.get("/").content.decode()
    listed = admin.get(page).content.decode()
    assert REASON not in listed
    assert reverse("identity_correction", args=one) in listed
    shown = admin.get(reverse("identity_correction", args=one)).content.decode()
    for said in (REASON, PROOF, resident_id(), resident_id(YOUNGER), "25"):
        assert said in shown
    treasurer = client_of(world.treasurer)
    assert treasurer.get(page).status_code == 403
    assert treasurer.get(reverse("identity_correction", args=one)).status_code == 403
    for name in ("propose_correction", "grant_correction", "decline_correction"):
        assert treasurer.post(reverse(name, args=one)).status_code == 403
    assert admin.get(reverse("identity_correction", args=["test-pool", 2])).status_code == 404
    assert admin.post(reverse("propose_correction", args=one)).status_code == 302
    hashed = {"shown_sha256": IdentityCorrection.objects.get().shown_sha256}
    grant = reverse("grant_correction", args=one)
    assert controller.post(grant, {"shown_sha256": "0" * 64}).status_code == 409
    assert controller.post(grant, hashed).status_code == 302
    assert controller.post(grant, hashed).status_code == 409
    after = controller.get(reverse("identity_correction", args=one)).content.decode()
    assert REASON not in after
    assert resident_id(YOUNGER) not in after
    assert "granted" in member.get(mine).content.decode()


def test_request_is_taken_back(mistaken: Mistaken) -> None:
    mistaken.ask()
    path = reverse("take_back_correction", args=["test-pool", 1])
    assert client_of(mistaken.world.stranger).post(path).status_code == 404
    assert client_of(mistaken.person).post(path).status_code == 302
    assert not Notice.objects.filter(kind="correction_declined").exists()
    assert client_of(mistaken.person).post(path).status_code == 409


def test_programs_do_as_the_pages_do(mistaken: Mistaken) -> None:
    world, root = mistaken.world, "/api/v1/pools/test-pool/"
    member, admin, controller = (client_of(one) for one in (mistaken.person, world.admin, world.controller))
    post: Any = {"content_type": "application/json"}
    text = {"name": "林小雨", "document": "resident_id", "number": "1", "reason": REASON, "proof": PROOF}
    assert member.post(f"{root}my-identity/", text, **post).json()["title"].startswith("number: ")
    made = member.post(f"{root}my-identity/", text | {"number": resident_id(YOUNGER)}, **post)
    assert (made.status_code, made.json()["state"]) == (201, "asked")
    mine = member.get(f"{root}my-identity/").json()
    assert (mine["known"]["number"], mine["requests"][0]["right"]["number"]) == (
        resident_id(),
        resident_id(YOUNGER),
    )
    (row,) = admin.get(f"{root}identity-corrections/").json()["results"]
    assert "right" not in row
    opened = admin.get(f"{root}identity-corrections/1/").json()
    assert (opened["right"]["birth_date"], opened["rules"][0]["joined_age"]) == ("2000-05-15", 25)
    hashed = admin.post(f"{root}identity-corrections/1/propose/", **post).json()["shown_sha256"]
    done = controller.post(f"{root}identity-corrections/1/grant/", {"shown_sha256": hashed}, **post)
    assert (done.json()["state"], done.json()["effective_date"]) == ("granted", "2026-01-06")
    assert admin.get(f"{root}identity-corrections/1/").json()["right"] is None
    assert controller.post(f"{root}identity-corrections/1/decline/", **post).status_code == 409
    assert member.post(f"{root}my-identity/1/take-back/", **post).status_code == 409


def test_list_asks_as_often_for_many_requests(mistaken: Mistaken) -> None:
    admin, page = client_of(mistaken.world.admin), reverse("identity_corrections", args=["test-pool"])
    counts = []
    mistaken.ask()
    for number in range(3):
        admin.get(page)
        with CaptureQueriesContext(connection) as asked:
            admin.get(page)
        counts.append(len(asked))
        address, document = f"more{number}@example.org", passport(f"MORE00000{number}")
        more = sign(filled(mistaken.world.pool, User.objects.create_user(address), document))
        Mistaken(mistaken.world, more).ask(replace(document, name="Anna Example"))
    assert counts[0] == counts[2]


def test_what_is_asked_is_sealed(mistaken: Mistaken) -> None:
    mistaken.ask()
    for column in ("reason_sealed", "proof_sealed", "paper_sealed"):
        for word in ("sister", "register", resident_id(YOUNGER)):
            found = f"SELECT strpos(encode({column}, 'escape'), %s) FROM members_identitycorrection"
            assert value(found, word) == 0
    run_jobs()
    assert not Mail.objects.filter(body__contains=resident_id(YOUNGER)).exists()
