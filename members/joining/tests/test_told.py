"""Who is told about a membership: members themselves, of children their guardian, of their money whoever pays."""

import datetime as dt
from typing import Any

import pytest

from aidplatform.lib import clock
from aidplatform.testing.world import World, run_jobs, set_clock
from aidplatform.tests.pages_helpers import client_of
from aidplatform.work import jobs
from ledger.disclosure.services import TELL
from ledger.leaving import reports
from ledger.leaving.selectors import family_parting_of
from ledger.leaving.services import leave_pool
from ledger.sharing.models import Period
from members import my_data
from members.joining import ages, payer_news, payers, told
from members.joining.child_papers import paper_of_family
from members.joining.models import Membership
from members.joining.payer_models import PayerLink
from members.joining.services import end_cover_after_aid
from members.joining.tests.test_family import added, person
from members.joining.tests.test_family import guardian as guardian
from members.joining.tests.test_payers import join
from members.people import notices
from members.people.models import Mail, Notice

FAMILY = "/pools/test-pool/me/family/"


def told_to(membership: Membership, kind: str) -> list[tuple[Any, ...]]:
    """Return what somebody was told of a kind: about which member, and where it leads; None: of their own."""
    found = Notice.objects.filter(person=membership.person, kind=kind).order_by("pk")
    return [(notice.params.get("member"), notice.link) for notice in found]


def charge(world: World, aid_fen: int = 100_000) -> None:
    """Take a period of the pool to its charges, with one case."""
    world.award(aid_fen)
    world.posted_period()
    run_jobs()


def leave_behind(guardian: Membership, *along: int) -> None:
    shown = family_parting_of(guardian, clock.now()).shown_sha256
    leave_pool(
        membership=guardian, leaver=person(guardian), shown_sha256=shown, at=clock.now(), children=along
    )


def test_guardian_is_told_each_childs_share_once_and_in_one_notice(
    world: World, guardian: Membership
) -> None:
    first, second = added(guardian), added(guardian, "CHILD00002")
    set_clock(clock.start_of_day(dt.date(2026, 1, 8), world.pool.time_zone))
    charge(world)
    (notice,) = Notice.objects.filter(person=guardian.person, kind="charged")
    assert notice.link == FAMILY
    assert [(line["member"], line["part"]) for line in notice.params["lines"]] == [
        (guardian.number, "own"),
        (first.number, "guardian"),
        (second.number, "guardian"),
    ]
    mails = Mail.objects.filter(person=guardian.person, key__contains="charged/").order_by("pk")
    assert f"Member {second.number}: " in mails[0].body
    jobs.enqueue(kind=TELL, key="again", payload={"period": Period.objects.get().pk}, actor="service")
    run_jobs()
    assert mails.count() == 1


def test_page_names_the_child_as_long_as_one_speaks_for_it(world: World, guardian: Membership) -> None:
    child = added(guardian)
    end_cover_after_aid(
        membership=child,
        case="C-1",
        period=1,
        until=dt.date(2026, 1, 5),
        was_suspended=True,
        actor="service",
    )
    assert told_to(guardian, "ended") == [(9, FAMILY)]
    name = paper_of_family(child.family_member).name
    page = client_of(person(guardian)).get("/notices/").content.decode()
    assert f"member 9 ({name}) in" in page
    mail = Mail.objects.get(key__startswith="of-member/ended/")
    assert "member 9 in" in mail.subject
    assert name not in mail.subject + mail.body


def test_rule_in_one_place(world: World, guardian: Membership) -> None:
    child, uncle = added(guardian), join(world, "uncle")
    assert [(one.person, one.part) for one in told.told_of(child)] == [(person(guardian), "guardian")]
    assert [one.part for one in told.told_of(guardian)] == ["own"]
    bare = world.pool.memberships.get(number=1)
    assert told.told_of(bare, money=True) == []
    leave_behind(guardian)
    link = payers.ask_payer(membership=child, payer_number=uncle.number, at=clock.now())
    payers.accept_link(link=link, person=person(uncle))
    assert [(one.person, one.part) for one in told.told_of(child, money=True)] == [
        (person(guardian), "guardian"),
        (person(uncle), "payer"),
    ]
    assert [one.part for one in told.told_of(child)] == ["guardian"]


def test_whoever_has_died_is_told_nothing(world: World, guardian: Membership) -> None:
    child = added(guardian)
    report = reports.report_end(
        membership=guardian,
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
    assert told.told_of(child) == []


def test_removal_of_a_child_reaches_the_guardian(world: World, guardian: Membership) -> None:
    child = added(guardian)
    report = reports.report_end(
        membership=child,
        reason="removed",
        event_date=None,
        reference="7",
        statement="False papers.",
        reporter=world.admin.code,
        at=clock.now(),
    )
    reports.confirm_end(
        report=report, confirmer=world.controller.code, shown_sha256=report.shown_sha256, at=clock.now()
    )
    assert told_to(guardian, "removed") == [(9, FAMILY)]
    assert told_to(guardian, "paid_for_ended") == []
    said = notices.body_of("removed", Notice.objects.get(kind="removed").params)
    assert "No further period counts them" in said


def test_child_left_behind_gets_another_payer_who_may_stop(world: World, guardian: Membership) -> None:
    child, uncle = added(guardian), join(world, "uncle")
    with pytest.raises(payers.GuardianPaysError):
        payers.ask_payer(membership=child, payer_number=uncle.number, at=clock.now())
    leave_behind(guardian)
    assert told_to(guardian, "payer_gone") == [(9, FAMILY)]
    client, page = client_of(person(guardian)), f"{FAMILY}9/payer/"
    said = client.get(page).content.decode()
    assert "your transfers still count for them" in said
    assert ">1 Feb 2026<" in said
    assert "you, with your own transfers until" in client.get(FAMILY).content.decode()
    assert client.post(page, {"number": uncle.number}).status_code == 302
    assert "not answered yet" in client.get(page).content.decode()
    link = PayerLink.objects.get(membership=child, state="asked")
    payers.accept_link(link=link, person=person(uncle))
    assert told_to(guardian, "paid_for") == [(9, FAMILY)]
    assert told_to(guardian, "pays_no_more") == []
    assert f"Member {uncle.number}" in client.get(FAMILY).content.decode()
    payers.end_link(link=link, person=person(uncle))
    assert told_to(guardian, "paid_for_no_more") == [(9, FAMILY)]
    assert payers.payer_numbers([child.pk]) == {}
    assert "nobody else: transfer with their own reference" in client.get(FAMILY).content.decode()


def test_programs_name_another_payer_for_a_child(world: World, guardian: Membership) -> None:
    added(guardian)
    uncle = join(world, "uncle")
    leave_behind(guardian)
    client, root = client_of(person(guardian)), "/api/v1/pools/test-pool/my-family/9/payer/"
    asked = client.post(f"{root}request/", {"payer": uncle.number}, content_type="application/json")
    assert asked.status_code == 201
    assert client.get(root).json()["asked"]["payer"] == uncle.number
    assert client.post(f"{root}{asked.json()['id']}/end/").json()["state"] == "declined"
    assert client_of(person(uncle)).get(root).status_code == 404


def test_class_and_age_of_a_child_are_told_to_the_guardian(world: World, guardian: Membership) -> None:
    child = added(guardian)
    payer_news.tell_of_ends(pool=world.pool, reason="aged_out", day=dt.date(2026, 1, 2), actor="service")
    plan = world.pool.plan_versions.get().plan()
    one = told.told_of(child)[0]
    news = ages._news(world.pool, plan, dt.date(2026, 3, 1), one, (0, 0))
    assert news.params["member"] == 9
    assert "Member 9 of" in notices.subject_of(news.kind, news.params)


def test_export_leaves_out_what_names_the_child(world: World, guardian: Membership) -> None:
    child = added(guardian)
    end_cover_after_aid(
        membership=child,
        case="C-1",
        period=1,
        until=dt.date(2026, 1, 5),
        was_suspended=True,
        actor="service",
    )
    told_of = [row for row in my_data._notices(person(guardian)) if row["kind"] == "ended"]
    assert [set(row) for row in told_of] == [{"kind", "at", "read_at"}]
    assert "member 9" not in "".join(str(row.get("subject")) for row in my_data._mails(person(guardian)))
