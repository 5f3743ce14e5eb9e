"""From the first step to the signature, by services: saved, resumed, refused, signed once, and kept."""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core import mail

import members.tasks  # noqa: F401  registers the handlers of jobs
from aidplatform.lib import clock
from aidplatform.lib.dates import format_day
from aidplatform.lib.errors import DomainError
from aidplatform.testing.endings import end_by_two
from aidplatform.testing.refusals import not_permitted, refused, run, value
from aidplatform.testing.world import ACCIDENT_AID, TERMS, World, run_jobs, set_clock
from aidplatform.work.models import AuditEntry
from members.joining import applications
from members.joining.again import AlreadyMemberError
from members.joining.applications import (
    IntakeClosedError,
    NotEligibleError,
    StepMissingError,
    TextsChangedError,
)
from members.joining.giving_up import (
    KEPT_DAYS,
    WARNED_DAYS,
    SignedAlreadyError,
    forget_left_lying,
    give_up,
    warn_left_lying,
)
from members.joining.models import CovenantSignature, JoinApplication, Membership, MembershipSpan
from members.joining.selectors import covers_of
from members.joining.tests.papers import filled, paper, passport, resident_id
from members.people.identity import OtherIdentityError, paper_of
from members.people.models import Identity, Mail, Notice, User
from members.pools.services import found_pool


def _sign(application: JoinApplication, **changes: Any) -> Membership:
    fields: dict[str, Any] = {
        "signer": application.person,
        "shown_sha256": application.plan_version.covenant_sha256,
        "language": "en",
        "at": clock.now(),
    }
    return applications.sign_covenant(application=application, **(fields | changes))


@pytest.fixture
def newcomer(world: World) -> User:
    """Give the test a person without any membership."""
    return User.objects.create_user("newcomer@example.org")


def test_age_on_the_day_of_signing_decides_the_class(newcomer: User) -> None:
    names = {"name_en": "Band", "name_zh": "年龄段"}
    bands = [
        {"class_no": 0, "weight": 2, "age_from": 18, "age_before": 30, **names},
        {"class_no": 1, "weight": 3, "age_from": 30, "age_before": 60, **names},
    ]
    world = World.founded(code="by-age", classes=bands)
    born = dt.date(1996, 1, 1)  # thirty on the day of the signature, 2026-01-01
    membership = _sign(filled(world.pool, newcomer, paper(born=born)))
    span = MembershipSpan.objects.get(pool_id=world.pool.pk, membership_id=membership.pk)
    assert span.class_no == 1


def test_signature_admits_from_tomorrow_and_names_the_end_of_waiting(world: World, newcomer: User) -> None:
    membership = _sign(filled(world.pool, newcomer))
    span = MembershipSpan.objects.get(pool_id=world.pool.pk, membership_id=membership.pk)
    assert membership.joined_date == dt.date(2026, 1, 1)
    assert span.from_at == dt.datetime(2026, 1, 2, tzinfo=ZoneInfo("Asia/Shanghai"))
    assert membership.signature.eligible_date == dt.date(2026, 4, 2)
    assert len(membership.signature.signature_sha256) == 64
    cover = covers_of([membership], clock.now())[membership.pk]
    assert (cover.eligible_date, cover.is_waiting, cover.has_ended) == (dt.date(2026, 4, 2), True, False)
    set_clock(dt.datetime(2026, 4, 2, tzinfo=ZoneInfo("Asia/Shanghai")))
    assert not covers_of([membership], clock.now())[membership.pk].is_waiting


def test_day_of_joining_is_the_pools_day_not_the_servers(newcomer: User, db: None) -> None:
    world = World.founded(code="west", time_zone="America/Los_Angeles")
    set_clock(dt.datetime(2026, 1, 5, 23, 30, tzinfo=ZoneInfo("America/Los_Angeles")))
    membership = _sign(filled(world.pool, newcomer, passport("WEST000001")))
    assert membership.joined_date == dt.date(2026, 1, 5)


def test_signing_twice_joins_once(world: World, newcomer: User) -> None:
    application = filled(world.pool, newcomer)
    assert _sign(application) == _sign(application)
    assert (Membership.objects.filter(person=newcomer).count(), CovenantSignature.objects.count()) == (1, 1)
    assert Mail.objects.filter(person=newcomer).count() == 1


def test_receipt_is_told_and_mailed_once(world: World, newcomer: User) -> None:
    newcomer.language = "zh-hans"
    newcomer.save()
    _sign(filled(world.pool, newcomer))
    run_jobs()
    run_jobs()
    assert [m.to for m in mail.outbox] == [["newcomer@example.org"]]
    assert "测试互助" in mail.outbox[0].subject
    assert "2026年4月2日" in mail.outbox[0].body
    assert "/pools/test-pool/me/" in mail.outbox[0].body
    assert Mail.objects.get().sent_at is not None
    assert Notice.objects.get(person=newcomer).params["eligible"] == "2026-04-02"


def test_nothing_personal_is_readable_in_the_tables(world: World, newcomer: User) -> None:
    application = filled(world.pool, newcomer, chronic=True)
    row = run("SELECT identity_sealed, answers_sealed FROM members_joinapplication")[0]
    for sealed in row:
        assert resident_id().encode() not in bytes(sealed)
        assert b"chronic" not in bytes(sealed)
    _sign(application)
    assert value("SELECT identity_sealed FROM members_joinapplication") is None
    stored = run("SELECT sealed, document_index FROM members_identity")[0]
    assert all(resident_id().encode() not in bytes(part) for part in stored)
    told = str(list(AuditEntry.objects.values_list("detail", "subject")))
    assert resident_id() not in told
    assert "林小雨" not in told
    opened = paper_of(newcomer)
    assert opened is not None
    assert (opened.name, opened.number) == ("林小雨", resident_id())


def test_one_document_joins_once_whatever_the_account(world: World, newcomer: User) -> None:
    _sign(filled(world.pool, newcomer))
    with refused("one_person_per_document"):
        _sign(filled(world.pool, world.stranger))
    assert not Membership.objects.filter(person=world.stranger).exists()
    assert Identity.objects.count() == 1


def test_person_of_one_pool_joins_another_with_the_same_document(world: World, newcomer: User) -> None:
    _sign(filled(world.pool, newcomer))
    other = World.founded(code="other")
    application = applications.start_application(pool=other.pool, person=newcomer, at=clock.now())
    assert applications.next_step(application) == "consent"
    with pytest.raises(OtherIdentityError):
        _sign(filled(other.pool, newcomer, passport("XX0000009")))
    assert _sign(filled(other.pool, newcomer)).pool == other.pool


def test_steps_come_in_order_and_a_missing_one_is_named(world: World, newcomer: User) -> None:
    application = applications.start_application(pool=world.pool, person=newcomer, at=clock.now())
    assert applications.next_step(application) == "who"
    with pytest.raises(StepMissingError) as caught:
        _sign(application)
    assert caught.value.extra == {"step": "who"}
    applications.save_identity(application=application, paper=paper(), at=clock.now())
    assert applications.next_step(application) == "consent"
    application = filled(world.pool, newcomer)
    applications.save_consents(application=application, health=True, publication=False, at=clock.now())
    with pytest.raises(StepMissingError) as caught:
        _sign(application)
    assert caught.value.extra == {"step": "consent"}


def test_answer_that_excludes_lets_nobody_sign(world: World, newcomer: User) -> None:
    application = filled(world.pool, newcomer, tests_open=True)
    assert applications.next_step(application) == "health"
    with pytest.raises(DomainError):
        _sign(application)
    applications.save_answer(application=application, code="tests_open", answer=False, at=clock.now())
    assert _sign(application).person == newcomer


@pytest.mark.parametrize("born", [dt.date(2008, 1, 2), dt.date(1966, 1, 1), dt.date(2030, 1, 1)])
def test_age_outside_the_plan_is_refused_at_once(world: World, newcomer: User, born: dt.date) -> None:
    application = applications.start_application(pool=world.pool, person=newcomer, at=clock.now())
    with pytest.raises(NotEligibleError):
        applications.save_identity(application=application, paper=passport("XX0000001", born), at=clock.now())
    assert applications.identity_of(application) is None


def test_age_is_looked_at_again_on_the_day_of_the_signature(world: World, newcomer: User) -> None:
    application = filled(world.pool, newcomer, passport("XX0000001", dt.date(1966, 1, 2)))
    set_clock(dt.datetime(2026, 1, 2, 10, tzinfo=ZoneInfo("Asia/Shanghai")))
    with pytest.raises(NotEligibleError):
        _sign(application)


def test_new_plan_version_asks_again_what_it_may_have_changed(world: World, newcomer: User) -> None:
    application = filled(world.pool, newcomer)
    world.change_plan(dt.date(2026, 1, 8), covenant=("New text", "新文本"), waiting_days=30)
    set_clock(dt.datetime(2026, 1, 8, 10, tzinfo=ZoneInfo("Asia/Shanghai")))
    with pytest.raises(TextsChangedError):
        _sign(application)
    again = applications.start_application(pool=world.pool, person=newcomer, at=clock.now())
    assert again.plan_version.number == 2
    assert applications.next_step(again) == "consent"
    assert _sign(filled(world.pool, newcomer)).signature.eligible_date == dt.date(2026, 2, 8)


def test_other_text_than_the_one_shown_cannot_be_signed(world: World, newcomer: User) -> None:
    with pytest.raises(TextsChangedError):
        _sign(filled(world.pool, newcomer), shown_sha256="0" * 64)


def test_members_are_turned_away(world: World, newcomer: User) -> None:
    _sign(filled(world.pool, newcomer))
    with pytest.raises(AlreadyMemberError):
        applications.start_application(pool=world.pool, person=newcomer, at=clock.now())


def test_nobody_joins_once_intake_is_stopped(world: World, newcomer: User) -> None:
    application = filled(world.pool, newcomer)
    end_by_two(world)
    with pytest.raises(IntakeClosedError):
        _sign(application)
    with pytest.raises(IntakeClosedError):
        applications.start_application(pool=world.pool, person=world.stranger, at=clock.now())
    assert not Membership.objects.filter(person=newcomer).exists()


# By hand, as an insider with the application's password would try.


def _signature(membership: Membership, **changes: Any) -> None:
    version = membership.pool.plan_versions.get(number=1)
    row = {
        "membership_id": membership.pk,
        "plan_version_id": version.pk,
        "covenant_sha256": version.covenant_sha256,
        "declaration_sha256": version.declaration_sha256,
        "answers_sealed": b"x",
        "consent_health": True,
        "consent_publication": True,
        "language": "en",
        "eligible_date": dt.date(2026, 4, 2),
        "signed_at": clock.now(),
    } | changes
    places = ", ".join(["%s"] * len(row))
    run(f"INSERT INTO members_covenantsignature ({', '.join(row)}) VALUES ({places})", *row.values())


@pytest.fixture
def unsigned(world: World, newcomer: User) -> Membership:
    """Give the test a membership of an identified person without a signature."""
    from members.people.identity import record_identity

    record_identity(person=newcomer, paper=paper(), at=clock.now())
    return Membership.objects.create(
        pool=world.pool, number=100, person=newcomer, joined_date=dt.date(2026, 1, 1)
    )


def test_signature_names_plan_in_force(world: World, unsigned: Membership) -> None:
    other = World.founded(code="other").pool.plan_versions.get()
    with refused("signature_names_plan_in_force"):
        _signature(unsigned, plan_version_id=other.pk)
    later = world.change_plan(dt.date(2026, 2, 1), waiting_days=91)
    with refused("signature_names_plan_in_force"):
        _signature(unsigned, plan_version_id=later.pk)
    _signature(unsigned)


def test_signature_names_plan_in_force_and_not_an_older_one(world: World, newcomer: User) -> None:
    world.change_plan(dt.date(2026, 2, 1), waiting_days=91)
    late = Membership.objects.create(
        pool=world.pool, number=100, person=newcomer, joined_date=dt.date(2026, 2, 1)
    )
    with refused("signature_names_plan_in_force"):
        _signature(late, eligible_date=dt.date(2026, 5, 3))


@pytest.mark.parametrize("column", ["covenant_sha256", "declaration_sha256"])
def test_signature_is_of_what_was_shown(unsigned: Membership, column: str) -> None:
    with refused("signature_is_of_what_was_shown"):
        _signature(unsigned, **{column: "0" * 64})


@pytest.mark.parametrize("day", ["2026-04-01", "2026-04-03", "2026-01-02"])
def test_waiting_follows_plan(unsigned: Membership, day: str) -> None:
    with refused("waiting_follows_plan"):
        _signature(unsigned, eligible_date=day)


KANGAI = [{"cause": "accident", "days": 30}, {"joined_from": 40, "days": 365}]
AID = [*TERMS["aid"], ACCIDENT_AID]


@pytest.mark.parametrize(
    ("born", "age", "eligible"),
    [(dt.date(1986, 1, 2), 39, dt.date(2026, 7, 1)), (dt.date(1986, 1, 1), 40, dt.date(2027, 1, 2))],
)
def test_wait_follows_the_age_at_joining(newcomer: User, born: dt.date, age: int, eligible: dt.date) -> None:
    world = World.founded(code="by-age", waiting_days=180, waiting_rules=KANGAI, aid=AID)
    membership = _sign(filled(world.pool, newcomer, paper(born=born)))
    signature = membership.signature
    assert (signature.joined_age, signature.eligible_date) == (age, eligible)
    cover = covers_of([membership], clock.now())[membership.pk]
    assert (cover.eligible_date, cover.accident_date) == (eligible, dt.date(2026, 2, 1))
    moved_in = Membership.objects.filter(pool=world.pool, person=None)[:1]
    cover = covers_of(list(moved_in), clock.now())[moved_in[0].pk]
    # Nobody knows their age: the longest wait, so that nothing is promised too early.
    assert cover.eligible_date == dt.date(2027, 1, 2)


def test_age_at_joining_is_kept_only_where_waiting_asks_for_it(newcomer: User) -> None:
    world = World.founded(code="accidents", waiting_rules=KANGAI[:1], aid=AID)
    signature = _sign(filled(world.pool, newcomer)).signature
    assert (signature.joined_age, signature.eligible_date) == (None, dt.date(2026, 4, 2))


def test_waiting_follows_plan_for_the_age_that_is_signed(newcomer: User) -> None:
    from members.people.identity import record_identity

    world = World.founded(code="by-age", waiting_days=180, waiting_rules=KANGAI, aid=AID)
    record_identity(person=newcomer, paper=paper(), at=clock.now())
    unsigned = Membership.objects.create(
        pool=world.pool, number=100, person=newcomer, joined_date=dt.date(2026, 1, 1)
    )
    young, old = dt.date(2026, 7, 1), dt.date(2027, 1, 2)
    for age, day in ((None, young), (None, old), (39, old), (40, young), (40, dt.date(2026, 2, 1))):
        with refused("waiting_follows_plan"):
            _signature(unsigned, joined_age=age, eligible_date=day)
    _signature(unsigned, joined_age=40, eligible_date=old)


def test_waiting_follows_plan_without_ages_where_it_names_none(unsigned: Membership) -> None:
    with refused("waiting_follows_plan"):
        _signature(unsigned, joined_age=40)


@pytest.mark.parametrize("column", ["consent_health", "consent_publication"])
def test_signature_has_both_consents(unsigned: Membership, column: str) -> None:
    with refused("signature_has_both_consents"):
        _signature(unsigned, **{column: False})


def test_signature_needs_an_identity(world: World) -> None:
    nobody = Membership.objects.create(pool=world.pool, number=100, joined_date=dt.date(2026, 1, 1))
    with refused("signature_needs_an_identity"):
        _signature(nobody)


def test_signature_is_given_once_and_hashed_by_the_database(unsigned: Membership) -> None:
    _signature(unsigned, signature_sha256="0" * 64)
    assert value("SELECT signature_sha256 FROM members_covenantsignature") != "0" * 64
    with refused("members_covenantsignature_membership_id_key"):
        _signature(unsigned)


def test_signature_without_an_age_is_hashed_as_ever(unsigned: Membership) -> None:
    """What was signed under earlier plans can be hashed again in the same way."""
    _signature(unsigned)
    again = value(
        """SELECT encode(sha256(convert_to(concat_ws('|', s.membership_id, v.number, s.covenant_sha256,
                  s.declaration_sha256, encode(sha256(s.answers_sealed), 'hex'), s.consent_health,
                  s.consent_publication, s.language, s.eligible_date, extract(epoch FROM s.signed_at)),
                  'UTF8')), 'hex')
             FROM members_covenantsignature s JOIN members_planversion v ON v.id = s.plan_version_id"""
    )
    assert value("SELECT signature_sha256 FROM members_covenantsignature") == again


def test_signature_is_permanent(unsigned: Membership, owner: Any) -> None:
    _signature(unsigned)
    for statement in ("UPDATE {} SET language = 'zh'", "DELETE FROM {}", "TRUNCATE {}"):
        with not_permitted():
            run(statement.format("members_covenantsignature"))


def test_signed_application_stays(world: World, newcomer: User) -> None:
    _sign(filled(world.pool, newcomer))
    with refused("signed_application_stays"):
        run("UPDATE members_joinapplication SET understood = false")
    with not_permitted():
        run("DELETE FROM members_joinapplication")
    with not_permitted():
        run("UPDATE members_joinapplication SET person_id = person_id")


def test_answers_follow_consent(world: World, newcomer: User) -> None:
    application = applications.start_application(pool=world.pool, person=newcomer, at=clock.now())
    code = application.plan_version.questions()[0].code
    with refused("answers_follow_consent"):
        applications.save_answer(application=application, code=code, answer=False, at=clock.now())
    applications.save_consents(application=application, health=True, publication=True, at=clock.now())
    applications.save_answer(application=application, code=code, answer=False, at=clock.now())
    with refused("answers_follow_consent"):
        run("UPDATE members_joinapplication SET consent_health = false")


def test_application_ends_empty(world: World, newcomer: User) -> None:
    application = filled(world.pool, newcomer)
    with refused("application_ends_empty"):
        run("UPDATE members_joinapplication SET state = 'given_up'")
    give_up(application=application, at=clock.now())
    give_up(application=application, at=clock.now())
    application.refresh_from_db()
    assert application.state == "given_up"
    assert (application.identity_sealed, application.answers_sealed) == (None, None)
    assert not application.consent_health
    again = applications.start_application(pool=world.pool, person=newcomer, at=clock.now())
    assert (again.pk != application.pk, applications.next_step(again)) == (True, "who")


def test_signed_application_is_not_given_up(world: World, newcomer: User) -> None:
    application = filled(world.pool, newcomer)
    _sign(application)
    with pytest.raises(SignedAlreadyError):
        give_up(application=application, at=clock.now())
    assert Membership.objects.filter(person=newcomer).exists()


def _told(person: User) -> list[tuple[str, str]]:
    return list(
        Notice.objects.filter(person=person, kind__startswith="draft_")
        .order_by("pk")
        .values_list("kind", "link")
    )


def test_application_left_lying_is_emptied_after_ninety_days_and_its_person_told_before_and_then(
    world: World, newcomer: User
) -> None:
    lying = filled(world.pool, newcomer)
    begun = lying.changed_at
    soon = begun + dt.timedelta(days=KEPT_DAYS - WARNED_DAYS)
    assert warn_left_lying(soon - dt.timedelta(seconds=1)) == 0
    assert [warn_left_lying(soon + dt.timedelta(hours=late)) for late in (0, 24, 48)] == [1, 0, 0]
    later = begun + dt.timedelta(days=KEPT_DAYS)
    fresh = applications.start_application(pool=world.pool, person=world.stranger, at=later)
    assert forget_left_lying(later - dt.timedelta(seconds=1)) == 0
    assert [forget_left_lying(later), forget_left_lying(later)] == [1, 0]
    lying.refresh_from_db()
    fresh.refresh_from_db()
    assert (lying.state, lying.answers_sealed, fresh.state) == ("given_up", None, "draft")
    page = f"/pools/{world.pool.code}/join/"
    assert _told(newcomer) == [("draft_lying", page), ("draft_forgotten", page)]
    until = format_day(clock.day_of(later, world.pool.time_zone))
    first, second = Mail.objects.filter(person=newcomer, key__startswith="draft_").order_by("pk")
    assert until in first.subject
    assert "Nothing of what was entered is kept" in second.body
    assert not Notice.objects.filter(person=world.stranger, kind__startswith="draft_").exists()


def test_nothing_is_emptied_of_which_nobody_was_warned_in_time(world: World, newcomer: User) -> None:
    lying = filled(world.pool, newcomer)
    late = lying.changed_at + dt.timedelta(days=KEPT_DAYS + 30)
    assert forget_left_lying(late) == 0
    assert warn_left_lying(late) == 1
    assert forget_left_lying(late + dt.timedelta(days=WARNED_DAYS - 1)) == 0
    assert forget_left_lying(late + dt.timedelta(days=WARNED_DAYS)) == 1


def test_whoever_goes_on_after_the_warning_keeps_what_they_entered_and_is_warned_anew(
    world: World, newcomer: User
) -> None:
    lying = filled(world.pool, newcomer)
    soon = lying.changed_at + dt.timedelta(days=KEPT_DAYS - WARNED_DAYS)
    assert warn_left_lying(soon) == 1
    JoinApplication.objects.filter(pk=lying.pk).update(changed_at=soon + dt.timedelta(days=1))
    assert forget_left_lying(soon + dt.timedelta(days=KEPT_DAYS)) == 0
    assert warn_left_lying(soon + dt.timedelta(days=KEPT_DAYS)) == 1
    assert forget_left_lying(soon + dt.timedelta(days=KEPT_DAYS + WARNED_DAYS)) == 1


def test_warning_of_an_application_for_a_child_leads_to_the_family_and_names_nobody(
    world: World, newcomer: User
) -> None:
    lying = filled(world.pool, newcomer)
    JoinApplication.objects.filter(pk=lying.pk).update(relation="child")
    assert warn_left_lying(lying.changed_at + dt.timedelta(days=KEPT_DAYS)) == 1
    notice = Notice.objects.get(person=newcomer, kind="draft_lying")
    assert notice.link == f"/pools/{world.pool.code}/me/family/add/"
    assert set(notice.params) <= {"pool_en", "pool_zh", "until", "books_size", "books_fingerprint"}


def test_application_state_follows_order(world: World, newcomer: User) -> None:
    version = world.pool.plan_versions.get()
    with refused("application_state_follows_order"):
        JoinApplication.objects.create(
            pool=world.pool, person=newcomer, plan_version=version, state="signed",
            started_at=clock.now(), changed_at=clock.now(),
        )  # fmt: skip


def test_one_application_per_person_and_pool(world: World, newcomer: User) -> None:
    application = filled(world.pool, newcomer)
    with refused("one_application_per_person_and_pool"):
        JoinApplication.objects.create(
            pool=world.pool, person=newcomer, plan_version=application.plan_version,
            started_at=clock.now(), changed_at=clock.now(),
        )  # fmt: skip


def test_plan_version_hashes_are_real(world: World) -> None:
    import hashlib

    version = world.pool.plan_versions.get()
    text = f"{version.covenant_en}\n{version.covenant_zh}"
    assert version.covenant_sha256 == hashlib.sha256(text.encode()).hexdigest()
    draft = found_pool(
        code="draft", name_en="Draft", name_zh="草稿", currency="CNY", time_zone="Asia/Shanghai",
        expected_members=5, founder="test",
    )  # fmt: skip
    run(
        """INSERT INTO members_planversion (pool_id, number, terms, terms_sha256, effective_date, published_at,
                                            published_by, covenant_en, covenant_zh, covenant_sha256)
           SELECT %s, 1, terms, terms_sha256, '2027-01-01', now(), 'x', 'a', 'b', covenant_sha256
             FROM members_planversion""",
        draft.pk,
    )
    assert (
        value("SELECT covenant_sha256 FROM members_planversion WHERE covenant_en = 'a'")
        == hashlib.sha256(b"a\nb").hexdigest()
    )
