"""Joining again: who may and when, what begins anew, what is paid first, and what the database refuses."""

import datetime as dt
import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

import members.tasks  # noqa: F401  registers the handlers of jobs
from aidplatform.lib import clock
from aidplatform.site.todo import todos_of
from aidplatform.testing.bank import Bank
from aidplatform.testing.ledgers import assert_books_true
from aidplatform.testing.pairs import Meanwhile
from aidplatform.testing.refusals import about, fire_deferred, not_permitted, refused, run
from aidplatform.testing.world import World, run_jobs, set_clock
from aidplatform.tests.pages_helpers import client_of
from ledger.custody import write_offs
from ledger.disclosure.share_table import shares_table
from ledger.disclosure.statements import _remarks, year_statement
from ledger.leaving.again import return_of, stays_of
from ledger.leaving.selectors import family_parting_of
from ledger.leaving.services import leave_pool
from ledger.leaving.tests.test_leaving import announced, leave, posted
from ledger.leaving.tests.test_reports import confirm, died, removed
from ledger.sharing.models import Charge
from ledger.sharing.tests.test_year_caps import _verdict as verdict
from ledger.sharing.tests.test_year_caps import next_period
from members.joining import applications, family
from members.joining.again import AlreadyMemberError, RemovedError, history_of, last_membership
from members.joining.family import JoinedAlreadyError, family_of
from members.joining.family_models import FamilyMember
from members.joining.member_secrets import secret_of
from members.joining.models import CovenantSignature, JoinApplication, Membership, MembershipSpan
from members.joining.selectors import access_membership, memberships_of
from members.joining.tests.papers import filled, passport
from members.joining.tests.test_family import added
from members.joining.tests.test_signing import _sign as sign
from members.people.models import Identity, Mail, Notice, User

ZONE = "Asia/Shanghai"
DAY = dt.timedelta(days=1)
JOINED = dt.date(2026, 1, 1)
ME = "/pools/test-pool/me/"


def person(name: str = "ana") -> User:
    return User.objects.create_user(f"{name}@people.example.org", name=name.title())


def at(day: dt.date, hour: int = 10) -> None:
    set_clock(clock.start_of_day(day, ZONE) + dt.timedelta(hours=hour))


def joined(world: World, someone: User | None = None) -> Membership:
    """Join by the wizard, today."""
    return sign(filled(world.pool, someone or person()))


def again(world: World, one: Membership) -> Membership:
    """Join again by the wizard, with the identity that is known."""
    assert one.person is not None
    application = applications.start_application(pool=world.pool, person=one.person, at=clock.now())
    applications.save_consents(application=application, health=True, publication=True, at=clock.now())
    for question in application.plan_version.questions():
        applications.save_answer(application=application, code=question.code, answer=False, at=clock.now())
    applications.save_understood(application=application, at=clock.now())
    applications.save_covenant_read(application=application, at=clock.now())
    return sign(application)


def ended(world: World, one: Membership, reason: str, day: dt.date, reference: str = "") -> None:
    """Let a membership have ended on a day, for a reason that another test brings about."""
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO members_membershipend (membership_id, reason, end_date, reference, recorded_by, recorded_at)
               VALUES (%s, %s, %s, %s, 'test', aid_now())""",
            [one.pk, reason, day, reference],
        )
        cursor.execute(
            """UPDATE members_span SET to_at = greatest(from_at, %s) WHERE membership_id = %s AND to_at IS NULL""",
            [clock.start_of_day(day, ZONE), one.pk],
        )
    fire_deferred()


# --- the days -----------------------------------------------------------------------------------------------------


# Joined on 1 January, 90 days of waiting. left: the day of leaving; back: the day of the new signature.
DAYS = {
    "on the same day: cover goes on, the wait begins anew": (
        dt.date(2026, 3, 10), dt.date(2026, 3, 10), dt.date(2026, 3, 11), dt.date(2026, 6, 9),
    ),
    "on the next day: a day without cover": (
        dt.date(2026, 3, 10), dt.date(2026, 3, 11), dt.date(2026, 3, 12), dt.date(2026, 6, 10),
    ),
    "over the end of a year that is no leap year": (
        dt.date(2026, 3, 10), dt.date(2027, 2, 28), dt.date(2027, 3, 1), dt.date(2027, 5, 30),
    ),
    "on a leap day": (
        dt.date(2026, 3, 10), dt.date(2028, 2, 29), dt.date(2028, 3, 1), dt.date(2028, 5, 30),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", DAYS)
def test_who_joins_again_is_covered_from_the_next_day_and_waits_anew(world: World, case: str) -> None:
    left, back, covered, eligible = DAYS[case]
    first = joined(world)
    at(left)
    leave(first)
    at(back, 15)
    second = again(world, first)
    fire_deferred()
    assert (second.number, second.follows_id, second.person_id) == (9, first.pk, first.person_id)
    assert second.signature.eligible_date == eligible
    span = MembershipSpan.objects.get(membership_id=second.pk)
    assert (span.from_at, span.to_at) == (clock.start_of_day(covered, ZONE), None)
    # What was stays, to the letter.
    earlier = Membership.objects.get(pk=first.pk)
    assert (earlier.joined_date, earlier.end.reason, earlier.end.end_date) == (JOINED, "left", left + DAY)
    assert earlier.signature.eligible_date == dt.date(2026, 4, 2)
    assert MembershipSpan.objects.get(membership_id=first.pk).to_at == clock.start_of_day(left + DAY, ZONE)


def test_identity_is_used_again_and_everything_else_is_new(world: World) -> None:
    first = joined(world)
    assert first.person is not None
    leave(first)
    application = applications.start_application(pool=world.pool, person=first.person, at=clock.now())
    assert applications.next_step(application) == "consent"
    assert not application.has_read_covenant
    second = again(world, first)
    assert Identity.objects.filter(person=first.person).count() == 1
    assert CovenantSignature.objects.filter(membership__person=first.person).count() == 2
    old, new = secret_of(first), secret_of(second)
    assert old is not None
    assert new is not None
    # Of the same document and another number.
    assert old.secret != new.secret
    assert (old.whose.rpartition("|"), new.whose.rpartition("|")[0]) == (
        (new.whose[:-2], "|", "8"),
        new.whose[:-2],
    )
    assert JoinApplication.objects.filter(person=first.person, state="signed").count() == 2
    run_jobs()
    # Each receipt is a notice and a mail of its own.
    assert Notice.objects.filter(person=first.person, kind="joined").count() == 2
    assert Mail.objects.filter(to_address=first.person.email, papers__startswith="joined:").count() == 2


def test_last_membership_is_the_one_that_counts(world: World) -> None:
    first = joined(world)
    someone = first.person
    assert someone is not None
    leave(first)
    at(dt.date(2026, 1, 5))
    second = again(world, first)
    at(dt.date(2026, 1, 9))
    leave(second)
    third = again(world, second)
    assert [one.pk for one in memberships_of(someone)] == [third.pk]
    assert access_membership(code="test-pool", person=someone).pk == third.pk
    assert access_membership(code="test-pool", person=someone, number=str(first.number)).pk == first.pk
    assert last_membership(world.pool, someone) == third
    for one in (first, second, third):
        assert [stay.membership for stay in history_of(one, clock.now())] == [third, second, first]
    with CaptureQueriesContext(connection) as of_three:
        stays_of(third, clock.now())
    other = joined_other(world)
    with CaptureQueriesContext(connection) as of_one:
        stays_of(other, clock.now())
    assert len(of_three) == len(of_one)


# --- who may ------------------------------------------------------------------------------------------------------


def test_nobody_joins_twice(world: World) -> None:
    first = joined(world)
    assert first.person is not None
    with pytest.raises(AlreadyMemberError):
        applications.start_application(pool=world.pool, person=first.person, at=clock.now())
    leave(first)
    again(world, first)
    with pytest.raises(AlreadyMemberError):
        applications.start_application(pool=world.pool, person=first.person, at=clock.now())


# By reason, whether somebody may come back by rules that say nothing of it.
REASONS = {"left": True, "lapsed": True, "aided": True, "deceased": False, "removed": False}


@pytest.mark.parametrize("reason", REASONS)
def test_reason_of_the_end_says_who_may_come_back(world: World, reason: str) -> None:
    first = joined(world)
    at(dt.date(2026, 2, 1))
    if reason == "left":
        leave(first)
    elif reason == "removed":
        confirm(world, removed(world, first))
    elif reason == "deceased":
        confirm(world, died(world, first))
    else:
        ended(world, first, reason, dt.date(2026, 2, 1), "C-1")
    at(dt.date(2026, 3, 1))
    stays = stays_of(first, clock.now())
    told = return_of(first, stays, clock.now())
    if REASONS[reason]:
        assert told is not None
        assert told.is_possible
        assert again(world, first).follows_id == first.pk
        return
    assert told is None or not told.is_possible
    with pytest.raises((RemovedError, AlreadyMemberError)):
        again(world, first)
    name = "removed_stay_out" if reason == "removed" else "membership_follows_one_that_is_over"
    with refused(name):
        _insert(world, first)


# Removed on 1 February: not covered from the 2nd on, and 30 days later is 4 March.
@pytest.mark.parametrize(
    ("day", "may"),
    [
        (dt.date(2026, 2, 1), False),
        (dt.date(2026, 3, 3), False),
        (dt.date(2026, 3, 4), True),
        (dt.date(2027, 1, 1), True),
    ],
)
def test_rules_may_let_back_who_was_removed(db: None, day: dt.date, may: bool) -> None:
    world = World.founded(return_after_removal_days=30)
    first = joined(world)
    at(dt.date(2026, 2, 1))
    confirm(world, removed(world, first))
    at(day, 12)
    assert first.person is not None
    told = return_of(first, stays_of(first, clock.now()), clock.now())
    assert told is not None
    assert (told.first_date, told.is_possible) == (dt.date(2026, 3, 4), may)
    page = client_of(first.person).get(ME).content.decode()
    assert ("You can join again from today on." in page) is may
    if may:
        assert again(world, first).number == first.number + 1
        return
    with pytest.raises(RemovedError):
        again(world, first)
    with refused("removed_stay_out"):
        _insert(world, first)


def test_age_is_asked_again(world: World) -> None:
    first = sign(filled(world.pool, person(), passport("A1", dt.date(1966, 6, 1))))
    leave(first)
    at(dt.date(2026, 6, 1))
    told = return_of(first, stays_of(first, clock.now()), clock.now())
    assert told is not None
    assert (told.is_possible, "no aid for your age any more" in str(told.age)) == (False, True)
    with pytest.raises(applications.NotEligibleError):
        again(world, first)


# --- money --------------------------------------------------------------------------------------------------------


def test_earlier_shares_are_paid_first(world: World) -> None:
    """Aid 900.00 with its fee of 72.00 over eight: 121.50, which is paid in two parts."""
    first = joined(world)
    at(dt.date(2026, 1, 3))
    bank = Bank(world)
    world.award(90_000)
    world.posted_period()
    leave(first)
    fire_deferred()
    (stay,) = stays_of(first, clock.now())
    assert stay.owed_fen == 12_150
    assert first.person is not None
    client = client_of(first.person)
    page = client.get(ME).content.decode()
    assert "First pay what you still owe from before: ¥121.50" in page
    assert "Join again" not in page
    answer = client.post("/pools/test-pool/join/begin/")
    assert (answer.status_code, "Shares from before are not paid yet" in answer.content.decode()) == (
        409,
        True,
    )
    bank.take(bank.statement(bank.receipt(first.number, 12_149)))
    for act in (lambda: again(world, first), lambda: _insert(world, first)):
        with refused("earlier_shares_come_first"):
            act()
    bank.take(bank.statement(bank.receipt(first.number, 1)))
    assert again(world, first).follows_id == first.pk


def test_written_off_shares_are_paid_first_as_well(world: World) -> None:
    first = joined(world)
    bank = Bank(world)
    world.award(90_000)
    world.posted_period()
    leave(first)
    made = write_offs.order_write_off(
        membership=first, reason="left", reminders=0, upto_period_no=1, orderer=world.treasurer.code, at=clock.now()
    )  # fmt: skip
    write_offs.approve_write_off(
        write_off=made, approver=world.controller.code, shown_sha256=made.shown_sha256 or "", at=clock.now()
    )
    with refused("earlier_shares_come_first"):
        again(world, first)
    bank.take(bank.statement(bank.receipt(first.number, 12_150)))
    assert again(world, first).follows_id == first.pk


def test_bill_that_comes_after_joining_again_is_of_the_earlier_membership(world: World) -> None:
    first = joined(world)
    assert first.person is not None
    at(dt.date(2026, 1, 3))
    world.award(90_000)
    period = announced(world)
    leave(first)
    second = again(world, first)
    fire_deferred()
    posted(world, period)
    charges = Charge.objects.filter(membership_id__in=[first.pk, second.pk])
    assert [(row.membership_id, row.share_fen) for row in charges] == [(first.pk, 12_150)]
    assert Notice.objects.filter(person=first.person, kind="charged").count() == 1
    client = client_of(first.person)
    page = client.get(ME).content.decode()
    assert "My memberships here" in page
    assert "¥121.50" in page
    assert f"?member={first.number}#pay" in todos_of(first.person)[0].address
    earlier = client.get(ME, {"member": first.number}).content.decode()
    assert "You look at an earlier membership." in earlier
    assert "You owe ¥121.50" in earlier
    shares = client.get(f"{ME}shares/", {"member": first.number}).content.decode()
    assert "¥121.50" in shares
    assert client.get(ME, {"member": 1}).status_code == 404
    assert client.get(ME, {"member": "x"}).status_code == 404


def test_headcount_counts_nobody_twice(world: World) -> None:
    first = joined(world)
    at(dt.date(2026, 1, 6))
    leave(first)
    second = again(world, first)
    fire_deferred()
    world.award(90_000)
    world.posted_period()
    counted = Charge.objects.values_list("membership_id", flat=True)
    assert (len(counted), second.pk in counted, first.pk in counted) == (8, True, False)


def test_year_cap_counts_what_was_charged_before(committed_db: tuple[str, str]) -> None:
    """Four and one more: 100.00 over five are 20.00 each; of 50.00 then each has 5.00 of a year's 25.00 left."""
    world = World.founded(members=4, year_cap_fen=2_500, fee={"rate": "0/1"})
    first = joined(world)
    bank = Bank(world)
    at(dt.date(2026, 1, 3))
    world.award(10_000)
    world.posted_period()
    leave(first)
    bank.take(bank.statement(bank.receipt(first.number, 2_000)))
    second = again(world, first)
    assert first.person is not None
    page = client_of(first.person).get(ME).content.decode()
    assert "The most of a year counts ¥20.00 with it" in page
    next_period(world)
    world.award(5_000, code="C-2")
    period = world.posted_period()
    shares = dict(Charge.objects.filter(period_no=2).values_list("membership_id", "share_fen"))
    assert (shares[second.pk], set(shares.values())) == (500, {500})
    assert period.sponsor_fen == 2_500
    header, rows = shares_table(second)
    (row,) = (dict(zip(header, one, strict=True)) for one in rows)
    assert (row["share_CNY"], row["year_to_date_CNY"], row["year_cap_CNY"]) == ("5.00", "25.00", "25.00")
    said = _remarks(year_statement(second, 2026))
    assert "Of the most of a year, ¥25.00, ¥25.00 were charged." in said
    assert "¥20.00 of it were charged before you joined again." in said
    shares = client_of(first.person).get(f"{ME}shares/").content.decode()
    assert "of ¥25.00 at most" in shares
    assert "The most of a year counts ¥20.00 with it" in shares
    # The second and the third implementation say the same.
    assert verdict(world) == 0
    assert_books_true(world.pool)


# --- what the database refuses ------------------------------------------------------------------------------------


def _insert(world: World, follows: Membership | None, **changes: Any) -> None:
    row = {
        "pool_id": world.pool.pk,
        "number": 500,
        "person_id": follows.person_id if follows else None,
        "joined_date": clock.today(ZONE),
        "follows_id": follows.pk if follows else None,
        **changes,
    }
    run(
        f"INSERT INTO members_membership ({', '.join(row)}) VALUES ({', '.join(['%s'] * len(row))})",
        *row.values(),
    )


def test_membership_follows_one_that_is_over_and_is_theirs(world: World) -> None:
    first, other = joined(world), joined_other(world)
    with refused("membership_follows_one_that_is_over"):
        _insert(world, first)
    leave(first)
    leave(other)
    tries: dict[str, dict[str, Any]] = {
        "another person": {"person_id": other.person_id},
        "nobody": {"person_id": None},
        "a day on which the first is still covered": {"joined_date": clock.today(ZONE) - DAY},
    }
    for what, changes in tries.items():
        with about(what), refused("membership_follows_one_that_is_over"):
            _insert(world, first, **changes)
    second_pool = World.founded(code="other-pool")
    with refused("membership_follows_one_that_is_over"):
        _insert(second_pool, first, pool_id=second_pool.pool.pk)
    number_one = Membership.objects.get(pool=world.pool, number=1)
    ended(world, number_one, "lapsed", clock.today(ZONE))
    with refused("membership_follows_one_that_is_over"):
        _insert(world, number_one)


def joined_other(world: World) -> Membership:
    return sign(filled(world.pool, person("ben"), passport("B1")))


def test_one_membership_follows_the_last(world: World) -> None:
    first = joined(world)
    leave(first)
    second = again(world, first)
    with refused("one_membership_per_person_and_pool"):
        _insert(world, first)
    with refused("one_membership_per_person_and_pool"):
        _insert(world, None, person_id=first.person_id)
    leave(second)
    # Over, and followed already: neither the first nor beside them.
    with refused("one_membership_per_person_and_pool"):
        _insert(world, first)
    with refused("one_membership_per_person_and_pool"):
        _insert(world, None, person_id=first.person_id)
    _insert(world, second)


def test_a_membership_is_followed_once(world: World) -> None:
    guardian = joined(world)
    child = added(guardian)
    ended(world, child, "lapsed", clock.today(ZONE))
    _insert(world, child, birth_date=child.birth_date)
    with refused("one_membership_follows_another"):
        _insert(world, child, number=501, birth_date=child.birth_date)


def test_what_a_membership_follows_is_fixed(world: World) -> None:
    first = joined(world)
    leave(first)
    second = again(world, first)
    with not_permitted():
        run("UPDATE members_membership SET follows_id = NULL WHERE id = %s", second.pk)


def test_covers_of_one_person_do_not_overlap(world: World) -> None:
    """Cover that is written by hand for the new membership, into the time of the old one."""
    first = joined(world)
    at(dt.date(2026, 2, 1))
    leave(first)
    fire_deferred()
    _insert(world, first)
    second = Membership.objects.get(number=500)
    insert = """INSERT INTO members_span (pool_id, membership_id, class_no, from_at, to_at, recorded_at)
                VALUES (%s, %s, 0, %s, NULL, clock_timestamp())"""
    with refused("spans_do_not_overlap"):
        run(insert, world.pool.pk, second.pk, clock.start_of_day(dt.date(2026, 2, 1), ZONE))
    run(insert, world.pool.pk, second.pk, clock.start_of_day(dt.date(2026, 2, 2), ZONE))


def test_eight_signatures_join_again_once(committed_db: tuple[str, str]) -> None:
    world = World.founded()
    first = joined(world)
    someone = first.person
    assert someone is not None
    leave(first)
    begun = [
        Meanwhile(lambda: applications.start_application(pool=world.pool, person=someone, at=clock.now()))
        for _ in range(4)
    ]
    assert len({attempt.outcome().pk for attempt in begun}) == 1
    application = filled(world.pool, first.person)
    signing = [Meanwhile(lambda: sign(application)) for _ in range(8)]
    (pk,) = {attempt.outcome().pk for attempt in signing}
    assert list(Membership.objects.filter(follows=first).values_list("pk", flat=True)) == [pk]
    assert Membership.objects.filter(person=first.person).count() == 2


# --- children -----------------------------------------------------------------------------------------------------


def test_child_joins_again(world: World) -> None:
    guardian = joined(world)
    first = added(guardian)
    with pytest.raises(JoinedAlreadyError):
        added(guardian)
    ended(world, first, "lapsed", clock.today(ZONE))
    second = added(guardian)
    fire_deferred()
    assert (second.follows_id, second.person_id) == (first.pk, None)
    assert [stay.membership for stay in history_of(second, clock.now())] == [second, first]
    with pytest.raises(JoinedAlreadyError):
        added(guardian)


def test_document_of_a_child_stands_once_among_those_that_count(world: World) -> None:
    guardian = joined(world)
    first, other = added(guardian), added(guardian, "CHILD00002")
    ended(world, first, "lapsed", clock.today(ZONE))
    ended(world, other, "lapsed", clock.today(ZONE))
    row = FamilyMember.objects.get(membership=first)
    insert = """INSERT INTO members_familymember
                    (membership_id, pool_id, guardian_id, relation, document_index, sealed, added_at)
                SELECT m.id, m.pool_id, %s, 'child', %s, 'x', aid_now()
                  FROM members_membership m WHERE m.number = 500"""
    # Of a new membership, of one that follows another child's, and rightly: then the signature is missing.
    for follows, name in (
        (None, "one_family_member_per_document"),
        (other, "membership_follows_one_that_is_over"),
        (first, "family_member_is_signed_for"),
    ):
        with about(name), refused(name):
            _insert(world, follows, person_id=None, birth_date=first.birth_date)
            run(insert, guardian.pk, bytes(row.document_index))
            fire_deferred()


def test_guardian_who_joins_again_keeps_the_children(world: World) -> None:
    guardian = joined(world)
    child = added(guardian)
    shown = family_parting_of(guardian, clock.now()).shown_sha256
    assert guardian.person is not None
    leave_pool(membership=guardian, leaver=guardian.person, shown_sha256=shown, at=clock.now())
    second = again(world, guardian)
    assert [one.membership for one in family_of(second, clock.now())] == [child]
    assert family.access_child(guardian=second, number=child.number).membership == child
    client = client_of(guardian.person)
    assert f"{ME}family/{child.number}/" in client.get(f"{ME}family/").content.decode()


def _spaced(found: re.Match[str]) -> str:
    return "" if found[0].startswith("<") else " "


# --- pages and programs -------------------------------------------------------------------------------------------


def test_whole_way_by_the_pages(world: World) -> None:
    first = joined(world)
    assert first.person is not None
    client = client_of(first.person)
    assert client.get("/pools/test-pool/join/").headers["Location"] == ME
    leave(first)
    page = client.get(ME).content.decode()
    assert "Your cover ends at 00:00 of 2 Jan 2026" in re.sub(r"<[^>]*>|\s+|&nbsp;", _spaced, page)
    for said in (
        "Joining again",
        "You can join again from today on.",
        "The waiting time begins anew.",
        "Version 1",
    ):
        assert said in page
    page = client.get("/pools/test-pool/join/").content.decode()
    assert "You were member 8 here." in page
    answer = client.post("/pools/test-pool/join/begin/")
    assert answer.headers["Location"] == "/pools/test-pool/join/consent/"
    application = JoinApplication.objects.get(person=first.person, state="draft")
    applications.save_consents(application=application, health=True, publication=True, at=clock.now())
    for question in application.plan_version.questions():
        client.post("/pools/test-pool/join/health/", {"code": question.code, "answer": "no"})
    filled(world.pool, first.person)
    assert (
        "You were member 8 here and join again." in client.get("/pools/test-pool/join/sign/").content.decode()
    )
    shown = application.plan_version.covenant_sha256
    posted = [client.post("/pools/test-pool/join/sign/", {"shown_sha256": shown}) for _ in range(2)]
    assert [answer.headers["Location"] for answer in posted] == [ME, ME]
    assert Membership.objects.filter(person=first.person).count() == 2
    page = client.get(ME).content.decode()
    assert "Member 9" in page
    assert "left" in page[page.index("My memberships here") :]


def test_history_by_the_api(world: World) -> None:
    first = joined(world)
    client = client_of(first.person)
    url = "/api/v1/pools/test-pool/my-memberships/"
    answer = client.get(url).json()
    assert (len(answer["memberships"]), answer["join_again"]) == (1, None)
    leave(first)
    told = client.get(url).json()["join_again"]
    assert told == {
        "is_possible": True,
        "first_date": "2026-01-01",
        "takes_members": True,
        "owed_fen": 0,
        "age_refusal": None,
        "needs_invitation": False,
        "plan_version": 1,
        "signed_version": 1,
        "eligible_date": "2026-04-02",
    }
    again(world, first)
    answer = client.get(url).json()
    assert answer["join_again"] is None
    assert [(row["number"], row["end_reason"], row["end_date"]) for row in answer["memberships"]] == [
        (9, None, None),
        (8, "left", "2026-01-02"),
    ]
    assert [row["number"] for row in client.get("/api/v1/me/memberships/").json()] == [9]
    assert client_of(world.stranger).get(url).status_code == 404


def test_programs_read_an_earlier_membership_as_its_pages_do(world: World) -> None:
    first = joined(world)
    assert first.person is not None
    at(dt.date(2026, 1, 3))
    world.award(90_000)
    period = announced(world)
    leave(first)
    second = again(world, first)
    fire_deferred()
    posted(world, period)
    client, base = client_of(first.person), "/api/v1/pools/test-pool/"
    place = client.get(f"{base}my-place/", {"member": first.number}).json()
    assert (place["number"], place["year_fen"], place["periods"]) == (first.number, 12_150, 1)
    assert "¥121.50" in client.get(ME, {"member": first.number}).content.decode()
    assert client.get(f"{base}my-place/").json()["number"] == second.number
    years = {"member": first.number}
    assert client.get(f"{base}my-statements/", years).json() == [
        {"year": 2026, "periods": 1, "share_fen": 12_150}
    ]
    assert client.get(f"{base}my-statements/").json() == []
    paper = client.get(f"{base}my-statements/2026/", years)
    assert paper.content == client.get(f"{ME}statements/2026.pdf", years).content
    papers = client.get(f"{base}my-joining-papers/", years).json()
    assert {"kind": "covenant", "language": "zh-hans"} in papers
    signed = client.get(f"{base}my-joining-papers/covenant/en/", years)
    assert signed.content == client.get(f"{ME}papers/covenant/en.pdf", years).content
    tails = ("my-place/", "my-statements/", "my-statements/2026/", "my-wallet/", "my-joining-papers/")
    for tail in tails:
        absent = client.get(f"/api/v1/pools/no-such-pool/{tail}")
        # Of another member, of nobody, and no number at all.
        for number in (1, 10**6, "x"):
            answer = client.get(f"{base}{tail}", {"member": number})
            assert (answer.status_code, answer.content) == (404, absent.content), (tail, number)
