"""Complaints: numbered, due, answered by another, judged, looked at once more; counted in public."""

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from aidplatform.lib import clock
from aidplatform.lib.errors import DomainError
from aidplatform.site.todo import todos_of
from aidplatform.testing.claim_cases import ClaimCases
from aidplatform.testing.refusals import refused, refused_to_owner, run
from aidplatform.testing.world import World, set_clock
from aidplatform.tests.pages_helpers import client_of
from members.joining.models import Membership
from members.joining.services import admit_member
from members.joining.tests.papers import filled
from members.people.models import Mail, Notice, User
from members.rights import services
from members.rights.models import Complaint
from members.rights.selectors import (
    answer_of,
    answerers,
    counts_of,
    is_late,
    readable_complaints,
    text_of,
    waiting_for,
)

TEXT = "Nobody tells me why my share rose."
ALL = "/pools/test-pool/complaints/"
MINE = "/pools/test-pool/me/complaints/"
API = "/api/v1/pools/test-pool/"


@pytest.fixture
def member(world: World) -> User:
    person = User.objects.create_user("member@test-pool.example.org", name="Member")
    admit_member(
        pool=world.pool, person=person, class_no=0, from_at=clock.now(), joined_date=dt.date(2026, 1, 1),
        actor="founding",
    )  # fmt: skip
    return person


def filed(world: World, person: User, about: str = "share", reference: str = "") -> Complaint:
    return services.file_complaint(
        pool=world.pool, person=person, about=about, reference=reference, text=TEXT, at=clock.now()
    )


def answered(world: World, person: User) -> Complaint:
    return services.answer_complaint(
        complaint=filed(world, person), answerer=world.admin, text="Two more cases.", at=clock.now()
    )


def passed_on(world: World, person: User) -> Complaint:
    return services.pass_on(
        complaint=answered(world, person), person=person, remark="That is no reason.", at=clock.now()
    )


# --- the way of a complaint -----------------------------------------------------------------------------------------


def test_complaint_gets_its_number_and_its_day(world: World, member: User) -> None:
    first, second = filed(world, member), filed(world, member)
    assert [str(first), str(second)] == ["2026/1", "2026/2"]
    assert first.due_date == dt.date(2026, 1, 16)
    set_clock(dt.datetime(2027, 1, 1, 3, tzinfo=dt.UTC))
    assert str(filed(world, member)) == "2027/1"


def test_text_is_sealed_and_read_by_whoever_answers(world: World, member: User) -> None:
    complaint = filed(world, member)
    assert TEXT.encode() not in bytes(complaint.text_sealed)
    assert text_of(complaint) == TEXT
    assert answerers(complaint) == [world.admin]
    notice = Notice.objects.get(person=world.admin, kind="complaint_filed")
    assert (notice.params["complaint"], notice.params["until"]) == ("2026/1", "2026-01-16")
    assert TEXT not in str(notice.params)


def test_answer_is_told_and_settles(world: World, member: User) -> None:
    complaint = answered(world, member)
    assert (complaint.state, answer_of(complaint)) == ("answered", "Two more cases.")
    assert Mail.objects.filter(person=member, subject="Your complaint 2026/1 is answered").count() == 1
    assert Notice.objects.get(person=world.admin, kind="complaint_filed").read_at is not None
    settled = services.settle_complaint(complaint=complaint, person=member, at=clock.now())
    assert settled.state == "settled"
    with pytest.raises(DomainError, match="moved on"):
        services.pass_on(complaint=settled, person=member, remark="No.", at=clock.now())


def test_second_person_answers_once_and_last(world: World, member: User) -> None:
    complaint = passed_on(world, member)
    assert set(answerers(complaint)) == {world.auditor, world.controller}
    with pytest.raises(DomainError, match="Somebody else"):
        services.answer_complaint(complaint=complaint, answerer=world.admin, text="Again.", at=clock.now())
    closed = services.answer_complaint(
        complaint=complaint, answerer=world.auditor, text="The bill is right.", at=clock.now()
    )
    assert closed.state == "closed"
    assert Notice.objects.filter(person=member, kind="complaint_answered").count() == 2
    assert Notice.objects.get(person=world.controller, kind="complaint_passed_on").read_at is not None


def test_complaint_about_an_admin_is_not_theirs_to_read(world: World, member: User) -> None:
    complaint = filed(world, member, about="admin")
    assert set(answerers(complaint)) == {world.auditor, world.controller}
    assert list(readable_complaints(world.pool, world.admin)) == []
    assert list(readable_complaints(world.pool, world.auditor)) == [complaint]
    assert client_of(world.admin).get(f"{ALL}2026/1/").status_code == 404
    assert list(waiting_for(world.admin)) == []
    assert list(waiting_for(world.controller)) == [complaint]


def test_admin_who_complains_is_answered_by_another_duty(world: World) -> None:
    admit_member(
        pool=world.pool, person=world.admin, class_no=0, from_at=clock.now(), joined_date=dt.date(2026, 1, 1),
        actor="founding",
    )  # fmt: skip
    complaint = filed(world, world.admin)
    assert set(answerers(complaint)) == {world.auditor, world.controller}
    assert list(waiting_for(world.admin)) == []


def test_late_complaint_is_told_of_once_and_stands_first_at_home(world: World, member: User) -> None:
    filed(world, member)
    assert services.tell_late(clock.now()) == 0
    assert any("waits for an answer until 16 Jan 2026" in todo.text for todo in todos_of(world.admin))
    set_clock(clock.now() + dt.timedelta(days=16))
    assert is_late(Complaint.objects.get(), clock.now())
    assert services.tell_late(clock.now()) == 1
    assert services.tell_late(clock.now()) == 0
    assert Notice.objects.filter(person=world.admin, kind="complaint_late").count() == 1
    assert any("is overdue since 16 Jan 2026" in todo.text for todo in todos_of(world.admin))


def test_public_counts_tell_how_a_pool_answers(world: World, member: User) -> None:
    assert counts_of(world.pool, clock.today("Asia/Shanghai")).all == 0
    answered(world, member)
    filed(world, member)
    set_clock(clock.now() + dt.timedelta(days=20))
    late = Complaint.objects.get(state="filed")
    counts = counts_of(world.pool, clock.today("Asia/Shanghai"))
    assert (counts.all, counts.waiting, counts.in_time, counts.late, counts.median_days) == (2, 1, 1, 1, 0)
    services.answer_complaint(complaint=late, answerer=world.admin, text="Sorry.", at=clock.now())
    counts = counts_of(world.pool, clock.today("Asia/Shanghai"))
    assert (counts.waiting, counts.in_time, counts.late, counts.median_days) == (0, 1, 1, 10)
    body = client_of(None).get("/pools/test-pool/").content.decode()
    assert "Complaints in all" in body
    assert "never handed out: 0 exports, 0 people" in body
    told = client_of(None).get(f"{API}rights/").json()
    assert told == {
        "complaints": {"all": 2, "waiting": 0, "in_time": 1, "late": 1, "median_days": 10},
        "contact_exports": [],
    }


# --- what the database refuses --------------------------------------------------------------------------------------


def _insert(world: World, person: User, **changes: Any) -> None:
    row = {"year": 2026, "number": 1, "about": "share", "reference": "", "due": "2026-01-16"} | changes
    run(
        """INSERT INTO members_complaint (pool_id, year, number, person_id, about, reference, text_sealed, filed_at,
                                          due_date, state, answered_by)
           VALUES (%s, %s, %s, %s, %s, %s, '\\x01', now(), %s, 'filed', %s)""",
        world.pool.pk, row["year"], row["number"], person.pk, row["about"], row["reference"], row["due"],
        row.get("answered_by"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("complaints_are_numbered", {"number": 2}),
        ("complaints_are_numbered", {"year": 2025}),
        ("complaint_is_about_ones_own", {"reference": "CL-2222222222"}),
        ("complaint_is_about_ones_own", {"reference": "1"}),
        ("complaint_has_its_day", {"due": "2026-01-01"}),
        ("complaint_has_its_day", {"due": "2026-04-01"}),
        ("complaint_is_answered_once", {"answered_by": "P-2222222222"}),
        ("complaint_is_about_something_known", {"about": "weather"}),
    ],
)
def test_complaint_begins_as_it_should(
    world: World, member: User, name: str, changes: dict[str, Any]
) -> None:
    with refused(name):
        _insert(world, member, **changes)


def test_complaint_is_by_somebody_of_the_pool(world: World) -> None:
    with refused("complaint_is_by_somebody_of_the_pool"):
        _insert(world, world.stranger)
    filled(world.pool, world.stranger)
    _insert(world, world.stranger)


def test_complaint_is_about_ones_own(db: None) -> None:
    cases = ClaimCases.founded()
    claim = cases.filed()
    complaint = filed(cases.world, cases.claimant, about="claim", reference=claim.code.lower())
    assert complaint.reference == claim.code
    with refused("complaint_is_about_ones_own"):
        filed(cases.world, cases.neighbor, about="claim", reference=claim.code)


def test_one_complaint_per_number_even_if_the_guard_is_blind(owner: Any) -> None:
    found = owner.execute("SELECT 1 FROM pg_class WHERE relname = 'one_complaint_per_number'").fetchall()
    assert found == [(1,)]


_ANSWER = """UPDATE members_complaint SET state = 'answered', answer_sealed = '\\x01', answered_by = %s,
             answered_at = now() WHERE id = %s"""


def test_complaint_is_answered_by_another(world: World, member: User) -> None:
    complaint = filed(world, member)
    with refused("complaint_is_answered_by_another"):
        run(_ANSWER, member.code, complaint.pk)
    second = passed_on(world, member)
    with refused("complaint_is_answered_by_another"):
        run(
            """UPDATE members_complaint SET state = 'closed', second_sealed = '\\x01', second_by = %s, second_at = now()
                WHERE id = %s""",
            world.admin.code, second.pk,
        )  # fmt: skip


def test_complaint_is_answered_by_duty(world: World, member: User) -> None:
    complaint, of_admin = filed(world, member), filed(world, member, about="admin")
    for person, found in ((world.stranger, complaint), (world.auditor, complaint), (world.admin, of_admin)):
        with refused("complaint_is_answered_by_duty"):
            run(_ANSWER, person.code, found.pk)


def test_complaint_is_answered_once(world: World, member: User) -> None:
    complaint = answered(world, member)
    for change in ("answer_sealed = '\\x02'", "answered_by = 'x'", "second_by = 'x'", "state = 'answered'"):
        with refused("complaint_is_answered_once"):
            run(f"UPDATE members_complaint SET {change} WHERE id = %s", complaint.pk)


def test_complaint_is_answered_whole(world: World, member: User) -> None:
    complaint = filed(world, member)
    with refused("complaint_is_answered_whole"):
        run(
            "UPDATE members_complaint SET state = 'answered', answered_by = %s WHERE id = %s",
            world.admin.code,
            complaint.pk,
        )


def test_complaint_state_follows_order(world: World, member: User) -> None:
    with refused("complaint_state_follows_order"):
        run("UPDATE members_complaint SET state = 'settled' WHERE id = %s", filed(world, member).pk)


def test_complaints_are_kept(owner: Any) -> None:
    for statement in ("DELETE FROM members_complaint", "TRUNCATE members_complaint CASCADE"):
        with refused_to_owner(owner, "complaints_are_kept"):
            owner.execute(statement)


# --- pages and API --------------------------------------------------------------------------------------------------


def test_member_files_reads_and_passes_on(world: World, member: User) -> None:
    client, admin = client_of(member), client_of(world.admin)
    page = client.get(MINE).content.decode()
    key = page.split('name="key" value="')[1].split('"')[0]
    form = {"key": key, "about": "share", "reference": "", "text": TEXT}
    way = client.post(MINE, form).headers["Location"]
    assert way == f"{MINE}2026/1/"
    assert client.post(MINE, form).headers["Location"] == way
    assert Complaint.objects.count() == 1
    assert TEXT in client.get(way).content.decode()
    shown = admin.get(f"{ALL}2026/1/").content.decode()
    assert TEXT in shown
    assert member.email not in shown
    assert admin.post(f"{ALL}2026/1/", {"text": ""}).status_code == 422
    assert admin.post(f"{ALL}2026/1/", {"text": "Two more cases."}).status_code == 302
    assert admin.post(f"{ALL}2026/1/", {"text": "Again."}).status_code == 409
    assert "Two more cases." in client.get(way).content.decode()
    assert client.post(f"{way}pass-on/", {"text": ""}).status_code == 422
    assert client.post(f"{way}pass-on/", {"text": "No."}).status_code == 302
    assert client.post(f"{way}pass-on/", {"text": "No."}).status_code == 302
    assert client.post(f"{way}settle/").status_code == 409
    auditor = client_of(world.auditor)
    assert auditor.post(f"{ALL}2026/1/", {"text": "The bill is right."}).status_code == 302
    assert "The bill is right." in client.get(way).content.decode()


def test_bad_complaint_keeps_its_words(world: World, member: User) -> None:
    client = client_of(member)
    wrong = client.post(MINE, {"key": "x", "about": "share", "text": TEXT})
    assert wrong.status_code == 422
    page = client.get(MINE).content.decode()
    key = page.split('name="key" value="')[1].split('"')[0]
    foreign = client.post(MINE, {"key": key, "about": "claim", "reference": "CL-2222222222", "text": TEXT})
    assert foreign.status_code == 409
    assert TEXT in foreign.content.decode()
    assert "neither a claim of yours" in foreign.content.decode()


def test_pages_are_for_those_whom_they_concern(world: World, member: User) -> None:
    filed(world, member)
    stranger = client_of(world.stranger)
    assert stranger.get(MINE).status_code == 404
    assert stranger.get(ALL).status_code == 404
    assert client_of(world.treasurer).get(ALL).status_code == 403
    assert client_of(member).get(f"{MINE}2026/2/").status_code == 404
    assert client_of(None).get(MINE).headers["Location"].startswith("/accounts/login/")


def test_lists_take_filters_from_their_address(world: World, member: User) -> None:
    answered(world, member)
    filed(world, member)
    admin = client_of(world.admin)
    assert "2026/2" in admin.get(f"{ALL}?state=filed").content.decode()
    assert "2026/1/" not in admin.get(f"{ALL}?state=filed").content.decode()
    assert "No complaint" in admin.get(f"{ALL}?late=1").content.decode()
    assert "No complaint" in admin.get(f"{ALL}?about=claim").content.decode()
    assert admin.get(f"{ALL}?state=nonsense").status_code == 200
    response = admin.get(f"{ALL}all.csv?state=filed")
    lines = b"".join(response.streaming_content).decode().splitlines()  # type: ignore[arg-type]
    assert lines[0].lstrip("\ufeff").startswith("complaint,about,state")
    assert [line.split(",")[0] for line in lines[1:]] == ["2026/2"]
    assert TEXT not in "".join(lines)
    listed = admin.get(f"{API}complaints/?state=filed").json()["results"]
    assert [row["number"] for row in listed] == [2]


def test_api_files_answers_and_settles(world: World, member: User) -> None:
    client, admin = client_of(member), client_of(world.admin)
    body = {"about": "share", "text": TEXT}
    kind = "application/json"
    assert client.post(f"{API}my-complaints/", body, content_type=kind).status_code == 400
    for _twice in range(2):
        made = client.post(
            f"{API}my-complaints/", body, content_type=kind, headers={"Idempotency-Key": "complaint-1"}
        )
        assert (made.status_code, made.json()) == (201, {"year": 2026, "number": 1})
    assert Complaint.objects.count() == 1
    assert client.get(f"{API}my-complaints/").json()[0]["state"] == "filed"
    assert admin.get(f"{API}complaints/2026/1/").json()["text"] == TEXT
    reply = admin.post(f"{API}complaints/2026/1/answer/", {"text": "Two cases."}, content_type=kind)
    assert reply.json()["state"] == "answered"
    assert client.get(f"{API}my-complaints/2026/1/").json()["answer"] == "Two cases."
    done = client.post(f"{API}my-complaints/2026/1/settlement/")
    assert done.json()["state"] == "settled"
    late = client.post(f"{API}my-complaints/2026/1/second-look/", {"text": "No."}, content_type=kind)
    assert late.status_code == 409
    assert client_of(world.stranger).get(f"{API}my-complaints/").status_code == 404
    assert client_of(world.treasurer).get(f"{API}complaints/").status_code == 403


def test_list_costs_as_many_queries_with_three_as_with_one(world: World, member: User) -> None:
    client = client_of(world.admin)

    def cost() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            client.get(ALL)
        return len(queries)

    filed(world, member)
    cost()
    one = cost()
    filed(world, member)
    filed(world, member)
    assert cost() == one


def test_home_costs_as_many_queries_with_three_as_with_one(world: World, member: User) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            todos_of(world.admin)
        return len(queries)

    filed(world, member)
    one = cost()
    filed(world, member)
    filed(world, member)
    assert cost() == one


def test_complaint_is_erased_with_its_person(world: World, member: User) -> None:
    """Its number, days and counts stay; what was written goes. (Erasure itself is tested where it is done.)"""
    from aidplatform.site.my_data import erasing
    from aidplatform.testing.world import run_jobs
    from members.joining.services import end_cover

    complaint = passed_on(world, member)
    membership = Membership.objects.get(person=member)
    end_cover(
        membership=membership, at=clock.start_of_day(dt.date(2026, 1, 2), "Asia/Shanghai"), reason="left",
        actor=member.code,
    )  # fmt: skip
    erasure = erasing.ask_erasure(person=member, at=clock.now())
    set_clock(erasure.due_at)
    assert erasing.order_due_erasures(clock.now()) == 1
    run_jobs()
    complaint.refresh_from_db()
    assert (text_of(complaint), answer_of(complaint)) == ("", "")
    assert complaint.state == "passed_on"
    assert client_of(world.auditor).get(f"{ALL}2026/1/").status_code == 200
