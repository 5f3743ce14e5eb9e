"""Deaths and removals: two people, what the database holds, and that nobody who has died is asked for money."""

import datetime as dt
import uuid
from typing import Any

import psycopg
import pytest
from django.urls import reverse

from aidplatform.lib import clock
from aidplatform.site.todo import todos_of
from aidplatform.testing.ledgers import assert_books_true
from aidplatform.testing.refusals import fire_deferred, not_permitted, refused, refused_to_owner, run
from aidplatform.testing.world import World, lay_down_all, set_clock
from ledger.custody import write_offs
from ledger.custody.tests.test_views import client_of
from ledger.leaving import reports
from ledger.leaving.tests.test_leaving import announced, charged, leave, member, posted
from ledger.sharing import services as sharing
from members.joining import deputies
from members.joining.end_models import MembershipEnd, ReportedEnd
from members.joining.models import Membership, MembershipSpan
from members.joining.tests.papers import filled, passport
from members.joining.tests.test_family import added
from members.joining.tests.test_signing import _sign as sign
from members.people import notices
from members.people.models import Mail, Notice, User

ZONE = "Asia/Shanghai"
DAY = dt.timedelta(days=1)
PAPER = "Death certificate 2026-0815, Hangzhou No. 1 Hospital"
CLAUSE = "clause 7 (false declaration)"


def died(world: World, one: Membership, day: dt.date | None = None, **changed: Any) -> ReportedEnd:
    """Report a death as the pool admin."""
    given = {
        "membership": one,
        "reason": "deceased",
        "event_date": day or clock.today(ZONE),
        "reference": PAPER,
        "statement": "",
        "reporter": world.admin.code,
        "at": clock.now(),
    }
    return reports.report_end(**given | changed)


def removed(world: World, one: Membership) -> ReportedEnd:
    statement = "An illness of 2019 was answered with no."
    return died(world, one, reason="removed", event_date=None, reference=CLAUSE, statement=statement)


def confirm(world: World, report: ReportedEnd, confirmer: str | None = None) -> MembershipEnd:
    return reports.confirm_end(
        report=report,
        confirmer=confirmer or world.controller.code,
        shown_sha256=report.shown_sha256,
        at=clock.now(),
    )


def test_cover_ends_with_the_day_of_the_death(world: World) -> None:
    one = member(world)
    set_clock(clock.now() + 3 * DAY)
    day = clock.today(ZONE) - DAY
    ended = confirm(world, died(world, one, day))
    fire_deferred()
    assert (ended.reason, ended.end_date, ended.reference) == ("deceased", day + DAY, PAPER)
    (span,) = MembershipSpan.objects.filter(membership_id=one.pk)
    assert span.to_at == clock.start_of_day(day + DAY, ZONE)
    assert not Notice.objects.filter(person=one.person).exists()


def test_death_is_told_to_whom_it_lets_act_and_to_nobody_else(world: World) -> None:
    """The beneficiary who has agreed; not an emergency contact, nor one who was asked, nor the account of the dead."""
    one = member(world)
    people = {name: User.objects.create_user(f"{name}@example.org") for name in ("heir", "friend", "silent")}
    for name, kind in (("heir", "beneficiary"), ("friend", "emergency"), ("silent", "beneficiary")):
        named = deputies.name_deputy(membership=one, code=people[name].code, kind=kind, at=clock.now())
        if name != "silent":
            deputies.accept_deputy(deputy=named, person=people[name])
    before = Notice.objects.count()
    set_clock(clock.now() + 3 * DAY)
    confirm(world, died(world, one))
    (notice,) = Notice.objects.order_by("pk")[before:]
    assert (notice.person, notice.kind, notice.link) == (people["heir"], "namer_died", "/standing-by/")
    assert "You may claim for what happened before" in notices.body_of(notice.kind, notice.params)
    assert deputies.claims_begin_for(people["heir"]).exists()
    assert Mail.objects.filter(person=people["heir"], key__startswith="namer_died/").count() == 1
    # Told again by a repeated deed: nothing.
    deputies.tell_of_death(membership=one, end_date=clock.today(ZONE), actor="test")
    assert Notice.objects.count() == before + 1


def test_death_of_a_child_is_told_to_its_guardian(world: World) -> None:
    guardian = sign(
        filled(world.pool, User.objects.create_user("guardian@example.org"), passport("XX0000001"))
    )
    child = added(guardian)
    set_clock(clock.now() + 3 * DAY)
    day = clock.today(ZONE)
    confirm(world, died(world, child, day))
    (notice,) = Notice.objects.filter(kind="child_died")
    assert (notice.person, notice.params["until"]) == (guardian.person, (day + DAY).isoformat())
    assert (
        notices.subject_of(notice.kind, notice.params)
        == f"The membership of member {child.number} in Test pool has ended"
    )


def test_no_charge_is_frozen_after_the_death(world: World) -> None:
    one = member(world)
    world.award(90_000)
    period = sharing.open_period(pool=world.pool, at=clock.now())
    set_clock(clock.start_of_day(period.publicity_date, ZONE) - dt.timedelta(hours=2))
    report = died(world, one)
    set_clock(clock.start_of_day(period.publicity_date, ZONE) + dt.timedelta(hours=8))
    confirm(world, report)  # before a headcount that is late
    period = sharing.freeze_headcount(period=period, at=clock.now())
    assert period.headcount == 7
    posted(world, sharing.announce_period(period=period, at=clock.now()))
    assert charged(one) == {}


def test_shares_counted_after_a_death_that_was_known_late_are_written_off_by_two_people(world: World) -> None:
    """Period 1 counts before the death, period 2 after it; both are open, and both are proposed with one order."""
    one = member(world)
    world.award(90_000)
    first = world.posted_period()
    day = clock.today(ZONE)
    set_clock(clock.start_of_day(first.next_opening_date, ZONE))
    world.award(90_000, code="C-2")
    period = announced(world)
    confirm(world, died(world, one, day))
    posted(world, period)
    assert charged(one) == {1: 12_150, 2: 12_150}
    (estate,) = write_offs.estates(world.pool)
    assert (estate.membership_no, estate.died_date) == (one.number, day)
    assert (estate.open_fen, estate.after_fen) == (24_300, 12_150)
    kinds = set(Notice.objects.filter(person=one.person).values_list("key", flat=True))
    assert "test-pool/2" not in kinds
    assert any("have died are to be written off: 1" in todo.text for todo in todos_of(world.treasurer))
    browser = client_of(world.treasurer)
    page = browser.get(reverse("custody_write_offs", args=["test-pool"])).content.decode()
    assert "¥243.00 are open, ¥121.50 of them of periods counted afterwards" in page
    answer = browser.post(
        reverse("custody_order_write_off", args=["test-pool"]),
        {
            "key": str(uuid.uuid4()),
            "membership": one.number,
            "upto_period_no": 2,
            "reason": "deceased",
            "reminders": 0,
        },
    )
    assert answer.status_code == 302
    assert write_offs.estates(world.pool) == []
    order = write_offs.access_write_off(pool=world.pool, number=1)
    assert (order.reason, order.amount_fen) == ("deceased", 24_300)
    write_offs.approve_write_off(
        write_off=order,
        approver=world.controller.code,
        shown_sha256=order.shown_sha256 or "",
        at=clock.now(),
    )
    fire_deferred()
    assert write_offs.estates(world.pool) == []
    assert_books_true(world.pool)


def test_nobody_who_has_died_is_asked_for_a_share(world: World) -> None:
    one, other = member(world), member(world, name="other")
    world.award(90_000)
    period = announced(world)
    confirm(world, died(world, one))
    period = posted(world, period)
    assert period.charges_notified_at is not None
    assert not Notice.objects.filter(person=one.person).exists()
    assert Notice.objects.filter(person=other.person, kind="charged").count() == 1


def test_removed_member_reads_why_what_is_owed_and_to_whom_to_object(world: World) -> None:
    one = member(world)
    world.award(90_000)
    announced(world)
    ended = confirm(world, removed(world, one))
    fire_deferred()
    assert (ended.reason, ended.end_date, ended.reference) == ("removed", clock.today(ZONE) + DAY, CLAUSE)
    told = Notice.objects.get(person=one.person, kind="removed")
    assert (told.params["clause"], told.params["contact"]) == (CLAUSE, "office@example.org")
    assert told.params["coming"][0][2] == 12_150
    body = notices.body_of(told.kind, told.params)
    assert f"by {CLAUSE} of the covenant" in body
    assert "at most ¥121.50" in body
    assert "write to office@example.org" in body


# --- what the database holds --------------------------------------------------------------------------------------


def test_reported_end_needs_two_people(world: World) -> None:
    report = died(world, member(world))
    with pytest.raises(reports.SamePersonError):
        confirm(world, report, world.admin.code)
    with refused("reported_end_people_hold_their_duty"):
        confirm(world, report, world.treasurer.code)
    lay_down_all(world.controller)
    with refused("reported_end_people_hold_their_duty"):
        confirm(world, report)


def test_reported_end_needs_two_people_even_of_whoever_holds_both_duties(
    world: World, owner: psycopg.Connection
) -> None:
    """The check stands behind the guard of duties, which no one person passes."""
    (text,) = run(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'reported_end_needs_two_people'"
    )[0]
    assert "decided_by" in text
    assert "reported_by" in text


def test_reported_end_people_hold_their_duty(world: World) -> None:
    one = member(world)
    for person in (world.controller, world.treasurer, world.stranger):
        with refused("reported_end_people_hold_their_duty"):
            died(world, one, reporter=person.code)


def test_reported_end_says_why(world: World) -> None:
    one = member(world)
    for changed in (
        {"reference": ""},
        {"event_date": None},
        {"reason": "removed", "event_date": None, "statement": ""},
        {"reason": "left"},
    ):
        with refused("reported_end_says_why"):
            died(world, one, **changed)


def test_death_is_not_to_come(world: World) -> None:
    with refused("death_is_not_to_come"):
        died(world, member(world), clock.today(ZONE) + DAY)


def test_reported_end_begins_open(world: World) -> None:
    one = member(world)
    leave(one)
    with refused("reported_end_begins_open"):
        died(world, one)


def test_one_open_reported_end_per_membership(world: World) -> None:
    one = member(world)
    died(world, one)
    with refused("one_open_reported_end_per_membership"):
        removed(world, one)


def test_reported_end_is_confirmed(world: World) -> None:
    """Neither an open report nor one of another day lets a membership end by death."""
    one = member(world)
    report = died(world, one)
    sql = """INSERT INTO members_membershipend (membership_id, reason, end_date, reference, recorded_by, recorded_at)
             VALUES (%s, 'deceased', %s, %s, %s, now())"""
    given = (one.pk, clock.today(ZONE) + DAY, PAPER, world.controller.code)
    with refused("reported_end_is_confirmed"):
        run(sql, *given)
    run(
        "UPDATE members_reportedend SET state = 'confirmed', decided_by = %s, decided_at = now() WHERE id = %s",
        world.controller.code,
        report.pk,
    )
    with refused("reported_end_is_confirmed"):
        run(sql, one.pk, clock.today(ZONE) - DAY, PAPER, world.controller.code)
    run(sql, *given)
    run("UPDATE members_span SET to_at = %s WHERE membership_id = %s", clock.now(), one.pk)
    fire_deferred()


def test_confirmed_report_has_its_end(world: World) -> None:
    report = died(world, member(world))
    with refused("confirmed_report_has_its_end"):
        run(
            "UPDATE members_reportedend SET state = 'confirmed', decided_by = %s, decided_at = now() WHERE id = %s",
            world.controller.code,
            report.pk,
        )
        fire_deferred()


def test_reported_end_is_decided_once_and_as_shown(world: World) -> None:
    one = member(world)
    report = died(world, one)
    with not_permitted():
        run("UPDATE members_reportedend SET event_date = '2020-01-01'")
    with pytest.raises(reports.ShownChangedError):
        reports.confirm_end(
            report=report, confirmer=world.controller.code, shown_sha256="0" * 64, at=clock.now()
        )
    reports.withdraw_report(report=report, withdrawer=world.admin.code, at=clock.now())
    with pytest.raises(reports.ReportMovedOnError):
        confirm(world, report)
    with refused("reported_end_is_decided_as_shown"):
        run("UPDATE members_reportedend SET state = 'open', decided_by = NULL")
    assert not MembershipEnd.objects.exists()


def test_reported_ends_are_kept(db: None, owner: psycopg.Connection) -> None:
    for statement in ("DELETE FROM members_reportedend", "TRUNCATE members_reportedend CASCADE"):
        with refused_to_owner(owner, "reported_ends_are_kept"):
            owner.execute(statement)


# --- pages and programs -------------------------------------------------------------------------------------------


def test_admin_reports_and_controller_confirms(world: World) -> None:
    one = member(world)
    admin, controller = client_of(world.admin), client_of(world.controller)
    address = reverse("reported_ends", args=["test-pool"])
    assert "Report a death or a removal" in admin.get(address).content.decode()
    given = {
        "key": str(uuid.uuid4()),
        "membership": one.number,
        "reason": "deceased",
        "event_date": clock.today(ZONE).isoformat(),
        "reference": PAPER,
        "statement": "",
    }
    lacking = admin.post(reverse("report_end", args=["test-pool"]), given | {"event_date": ""})
    assert lacking.status_code == 422
    for _click in range(2):
        assert admin.post(reverse("report_end", args=["test-pool"]), given).status_code == 302
    report = ReportedEnd.objects.get()
    assert any("waits for your decision" in todo.text for todo in todos_of(world.controller))
    page = controller.get(address).content.decode()
    assert PAPER in page
    assert report.shown_sha256 in page
    shown = {"key": str(uuid.uuid4()), "shown_sha256": report.shown_sha256}
    for _click in range(2):
        answer = controller.post(reverse("confirm_end", args=["test-pool", 1]), shown)
        assert answer.status_code == 302
    assert MembershipEnd.objects.get().reason == "deceased"
    late = controller.post(reverse("withdraw_end", args=["test-pool", 1]), {"key": str(uuid.uuid4())})
    assert late.status_code == 409
    assert client_of(world.stranger).get(address).status_code == 404
    assert client_of(world.treasurer).get(address).status_code == 403


def test_program_reports_and_confirms(world: World) -> None:
    one = member(world)
    address = "/api/v1/pools/test-pool/reported-ends/"

    def post(person: Any, path: str, body: dict[str, Any], key: str) -> Any:
        return client_of(person).post(
            address + path, body, content_type="application/json", headers={"Idempotency-Key": key}
        )

    body = {"membership": one.number, "reason": "removed", "reference": CLAUSE}
    assert post(world.admin, "report/", body, "report-0001").status_code == 400
    made = post(world.admin, "report/", body | {"statement": "A false answer."}, "report-0002")
    assert (made.status_code, made.json()["number"]) == (201, 1)
    shown = {"shown_sha256": made.json()["shown_sha256"]}
    done = post(world.controller, "1/confirmation/", shown, "confirm-0001")
    assert done.json() == {"end_date": (clock.today(ZONE) + DAY).isoformat()}
    (row,) = client_of(world.auditor).get(address).json()["results"]
    assert (row["state"], row["membership"]) == ("confirmed", one.number)
    assert post(world.controller, "1/withdrawal/", {}, "withdraw-0001").status_code == 409
