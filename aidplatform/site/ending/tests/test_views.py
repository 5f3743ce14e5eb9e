"""The page of a pool's end, its doors for programs, what members are told, and what waits for whom."""

import datetime as dt
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from aidplatform.lib import clock
from aidplatform.lib.dates import format_day
from aidplatform.site.ending.checklist import checklist
from aidplatform.site.todo import todos_of
from aidplatform.testing.endings import REASON, close, end_by_two, propose_to_end, wind_down
from aidplatform.testing.world import World, run_jobs, set_clock
from aidplatform.tests.pages_helpers import client_of
from ledger.sharing.tests.test_ending import founded, go_to, leave, month, play, post, settle
from members.ending.models import EndingProposal, PoolEnding
from members.joining.services import admit_member, end_cover
from members.people.models import Mail, Notice, User

PAGE = "/pools/test-pool/ending/"
API = "/api/v1/pools/test-pool/ending/"
FORM = {"reason": REASON, "cover_end_date": "2026-01-31"}


@pytest.fixture(autouse=True)
def _clean_cache(db: None) -> None:
    cache.clear()


def text(client: Any, address: str = PAGE) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return str(response.content.decode())


def member(world: World, name: str, from_at: dt.datetime | None = None) -> User:
    person = User.objects.create_user(f"{name}@people.example.org", name=name)
    admit_member(
        pool=world.pool,
        person=person,
        class_no=0,
        from_at=from_at or clock.now(),
        joined_date=clock.today(world.pool.time_zone),
        actor="test",
    )
    return person


# --- pages --------------------------------------------------------------------------------------------------------


def test_page_is_for_everyone_and_a_small_pool_shows_strangers_no_headcount(db):
    world = founded(members=7)
    play(world, [7, 4])
    assert "Only its own people see single headcounts." in text(client_of(None))
    page = text(client_of(world.admin))
    assert "Headcounts against the floor" in page
    assert "one more headcount" not in page
    assert "The floor is 5 members." in page


def test_page_of_a_pool_without_a_floor_compares_with_none(db):
    world = founded(floor=None)
    play(world, [7])
    page = text(client_of(world.admin))
    assert "Headcounts" in page
    assert "Headcounts against the floor" not in page
    assert "Below, in a row" not in page


def test_two_people_end_a_pool_by_page(world: World):
    admin, controller = client_of(world.admin), client_of(world.controller)
    assert admin.post(f"{PAGE}propose/", FORM).status_code == 302
    proposal = EndingProposal.objects.get()
    address = f"{PAGE}proposals/1/confirm/"
    assert proposal.shown_sha256 in text(controller)
    assert admin.post(address, {"shown_sha256": proposal.shown_sha256}).status_code == 403
    refused = controller.post(address, {"shown_sha256": "0" * 64})
    assert (refused.status_code, "Reload the page and read it again." in refused.content.decode()) == (
        409,
        True,
    )
    assert controller.post(address, {"shown_sha256": proposal.shown_sha256}).status_code == 302
    assert controller.post(address, {"shown_sha256": proposal.shown_sha256}).status_code == 302
    page = text(client_of(None), "/pools/test-pool/")
    assert "Intake is stopped, the pool ends" in page
    assert REASON in page
    assert PoolEnding.objects.count() == 1


@pytest.mark.parametrize(
    ("entries", "sentence"),
    [
        ({"reason": ""}, "This field is required."),
        ({"cover_end_date": "soon"}, "Enter a valid date."),
        ({"cover_end_date": "2026-01-30"}, "Choose a day from 31 Jan 2026"),
    ],
)
def test_bad_entries_are_shown_where_they_are(world: World, entries, sentence):
    answer = client_of(world.admin).post(f"{PAGE}propose/", FORM | entries)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not EndingProposal.objects.exists()


def test_a_proposal_can_be_turned_down_once(world: World):
    propose_to_end(world)
    controller = client_of(world.controller)
    for _click in range(2):
        assert controller.post(f"{PAGE}proposals/1/withdraw/").status_code == 302
    assert EndingProposal.objects.get().state == "withdrawn"
    assert client_of(world.stranger).post(f"{PAGE}proposals/1/withdraw/").status_code == 404


def test_a_second_proposal_is_refused_in_words(world: World):
    admin = client_of(world.admin)
    propose_to_end(world)
    answer = admin.post(f"{PAGE}propose/", FORM)
    assert answer.status_code == 409
    assert "Confirm or withdraw it first." in answer.content.decode()


def test_checklist_names_what_is_open_and_then_the_pool_closes(world: World):
    world.award(30_000)
    ending = wind_down(world)
    auditor, controller = client_of(world.auditor), client_of(world.controller)
    page = text(auditor)
    assert f"Cases are taken until 00:00 of {format_day(ending.run_off_end_date)}." in page
    assert "C-1" in page
    assert "Close it and tell everyone" not in text(controller)
    assert controller.post(f"{PAGE}close/").status_code == 409
    found = checklist(world.pool, ending, clock.now())
    assert [item.code for item in found.items if not item.is_done] == ["days", "cases"]
    assert not found.may_close


def test_controller_closes_a_pool_of_which_nothing_is_open(world: World):
    ending = wind_down(world)
    set_clock(clock.start_of_day(ending.run_off_end_date, world.pool.time_zone))
    assert checklist(world.pool, ending, clock.now()).may_close
    controller = client_of(world.controller)
    assert "Close it and tell everyone" in text(controller)
    assert client_of(world.admin).post(f"{PAGE}close/").status_code == 403
    for _click in range(2):
        assert controller.post(f"{PAGE}close/").status_code == 302
    assert "This pool is closed" in text(client_of(None), "/pools/test-pool/")


def test_what_is_left_over_is_named_and_belongs_to_the_members(db):
    world = founded()
    play(world, [7])
    world.award(10_000)
    settle(world, 2)
    post(world)  # 108.00 over seven, rounded up: a fen is left
    ending = end_by_two(world)
    found = checklist(world.pool, ending, clock.now())
    assert found.residue_fen == world.pool.periods.get(number=2).carry_out_fen > 0
    assert [item.code for item in found.items if not item.is_done] == ["days", "uncollected", "accounts"]


@pytest.mark.parametrize("goes_to", [None, "The village school"])
def test_reserve_that_is_left_over_goes_to_whom_the_rules_name(db, goes_to):
    reserve = {"target_fen": 500_000, "contribution_rate": "1/10", "goes_to": goes_to}
    world = founded(period_cap_fen=100_000, reserve=reserve)
    play(world, [7])
    world.award(10_000)
    settle(world, 2)
    post(world)
    ending = end_by_two(world)
    found = checklist(world.pool, ending, clock.now())
    assert (found.reserve_fen, found.residue_fen) == (
        1_080,
        1_080 + world.pool.periods.get(number=2).carry_out_fen,
    )
    page = text(client_of(world.admin))
    assert ("of them are the reserve, which goes to The village school" in page) == (goes_to is not None)
    assert ("They belong to the members, never to the operator" in page) == (goes_to is None)


def test_member_reads_what_it_means_on_their_place_and_at_home(world: World):
    yesterday = clock.now() - dt.timedelta(days=1)
    early, late = member(world, "early", yesterday), member(world, "late")
    end_by_two(world)
    assert "You share the cases that come" in text(client_of(early), "/pools/test-pool/me/")
    assert "You share none of the cases that come" in text(client_of(late), "/pools/test-pool/me/")
    for person in (early, late):
        assert "Intake is stopped, the pool ends" in text(client_of(person), "/")
    assert "Intake is stopped, the pool ends" not in text(client_of(None), "/")


def test_page_costs_the_same_whatever_the_number_of_periods(db):
    world = founded()
    play(world, [7])
    client = client_of(world.admin)
    text(client)
    with CaptureQueriesContext(connection) as one:
        text(client)
    for number in (2, 3):
        settle(world, number)
        post(world)
    with CaptureQueriesContext(connection) as three:
        text(client)
    assert len(three) == len(one)


# --- what waits for whom ------------------------------------------------------------------------------------------


def todo_texts(person: User) -> list[str]:
    return [todo.text for todo in todos_of(person)]


def test_proposal_floor_and_close_wait_for_those_who_act(db):
    world = founded()
    play(world, [7, 4])
    below = "Test pool is below its floor: one more headcount ends it"
    assert below in todo_texts(world.admin)
    assert below not in todo_texts(world.controller)
    propose_to_end(world)
    waits = "A proposal to end Test pool waits for your decision"
    assert waits in todo_texts(world.controller)
    assert waits not in todo_texts(world.admin)


def test_end_of_the_run_off_waits_for_admin_and_controller(world: World):
    ending = wind_down(world)
    over = "The run-off of Test pool is over: what is still open?"
    assert over not in todo_texts(world.controller)
    set_clock(clock.start_of_day(ending.run_off_end_date, world.pool.time_zone))
    assert over in todo_texts(world.controller)
    assert over in todo_texts(world.admin)
    assert over not in todo_texts(world.treasurer)


# --- what members are told ----------------------------------------------------------------------------------------


def told(person: User) -> list[str]:
    return list(Notice.objects.filter(person=person).order_by("pk").values_list("kind", flat=True))


def test_every_step_is_told_once_to_everyone_by_notice_and_mail(world: World):
    before = clock.now() - dt.timedelta(days=1)
    early, leaver = member(world, "early", before), member(world, "leaver", before)
    late = member(world, "late")
    gone = member(world, "gone", before)
    end_cover(
        membership=gone.memberships.get(), at=before + dt.timedelta(hours=1), reason="lapsed", actor="test"
    )
    ending = end_by_two(world)
    run_jobs()
    end_cover(membership=leaver.memberships.get(), at=clock.now(), reason="left", actor=leaver.code)
    wind_down(world)
    run_jobs()
    set_clock(clock.start_of_day(ending.run_off_end_date, world.pool.time_zone))
    close_again(world)
    run_jobs()
    steps = ["ending_decided", "cover_ended", "pool_closed"]
    assert told(early) == steps
    assert told(leaver) == steps
    assert told(late) == steps
    assert told(gone) == []
    assert Mail.objects.filter(person=early).count() == 3
    words = Notice.objects.get(person=early, kind="ending_decided").params
    assert (words["bears"], words["cover_end"]) == (True, ending.cover_end_date.isoformat())
    assert not Notice.objects.get(person=late, kind="ending_decided").params["bears"]


def close_again(world: World) -> None:
    answer = client_of(world.controller).post(f"{PAGE}close/")
    assert answer.status_code == 302


def test_a_floor_is_told_with_its_headcounts_in_both_languages(db):
    world = founded()
    person = member(world, "reader")
    play(world, [7, 4])
    leave(world, 1)
    go_to(world, month(3, 7))
    notice = Notice.objects.get(person=person, kind__startswith="ending")
    assert notice.kind == "ending_floor"
    page = text(client_of(person), "/notices/")
    assert "Test pool ends: you are covered until 6 Apr 2026" in page
    client = client_of(person)
    client.post("/language/", {"language": "zh-hans", "next": "/"})
    assert "测试互助 即将终止：您在册至 2026年4月6日" in text(client, "/notices/")


# --- for programs -------------------------------------------------------------------------------------------------


def test_programs_read_and_end_a_pool(world: World):
    admin, controller = client_of(world.admin), client_of(world.controller)
    assert client_of(None).get(API).json() == {
        "state": "open",
        "notice": None,
        "bearers": None,
        "floor": None,
        "distance": None,
        "headcounts": [],
    }
    made = admin.post(f"{API}proposals/new/", FORM, content_type="application/json")
    assert made.status_code == 201
    assert client_of(world.auditor).get(f"{API}proposals/").json()["results"] == [made.json()]
    given = controller.post(
        f"{API}proposals/1/confirmation/",
        {"shown_sha256": made.json()["shown_sha256"]},
        content_type="application/json",
    )
    assert (given.status_code, given.json()["cover_end_date"]) == (201, "2026-01-31")
    answer = admin.get(API).json()
    assert (answer["state"], answer["bearers"], answer["notice"]["reason"]) == ("intake_stopped", 7, REASON)
    assert client_of(None).get(API).json()["bearers"] is None
    assert controller.post(f"{API}closing/").status_code == 409


def test_programs_turn_a_proposal_down_and_are_told_what_is_wrong(world: World):
    admin = client_of(world.admin)
    early = admin.post(
        f"{API}proposals/new/", FORM | {"cover_end_date": "2026-01-02"}, content_type="application/json"
    )
    assert (early.status_code, early.json()["type"]) == (422, "urn:aid:ending_keeps_its_notice")
    propose_to_end(world)
    assert admin.post(f"{API}proposals/1/withdrawal/").json()["state"] == "withdrawn"
    again = admin.post(f"{API}proposals/1/withdrawal/")
    assert (again.status_code, again.json()["type"]) == (409, "urn:aid:ending_proposal_is_decided_once")


def test_programs_close_a_pool(world: World):
    ending = wind_down(world)
    set_clock(clock.start_of_day(ending.run_off_end_date, world.pool.time_zone))
    assert client_of(world.controller).post(f"{API}closing/").json()["state"] == "closed"
    assert client_of(None).get(API).json()["state"] == "closed"


def test_closed_by_the_helper_as_by_the_page(world: World):
    close(world)
    assert world.pool.state == "closed"
