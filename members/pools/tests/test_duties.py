"""Duties of a running pool change by two people, or are laid down alone; each guarantee broken by raw SQL."""

import json
from typing import Any

import psycopg
import pytest

from aidplatform.lib import clock
from aidplatform.testing.refusals import not_permitted, refused, refused_to_owner, run, value
from aidplatform.testing.world import World
from aidplatform.tests.pages_helpers import client_of
from members.people.models import Notice, User
from members.people.notices import body_of, subject_of
from members.pools import duties
from members.pools.duty_models import DutyChange
from members.pools.models import DutyGrant
from members.pools.selectors import duties_of
from members.pools.tests.test_guarantees import _draft as draft

PAGE = "/pools/test-pool/duties/"
API = "/api/v1/pools/test-pool/"
INSERT = """INSERT INTO members_dutychange
              (pool_id, number, kind, person_id, duty, grant_id, reason, proposed_by, proposed_at, state, decided_by,
               decided_at)
            VALUES (%s, 99, %s, %s, %s, %s, '', %s, now(), %s, %s, %s) RETURNING id"""
DECIDE = "UPDATE members_dutychange SET state = %s, decided_by = %s, decided_at = now() WHERE id = %s"
END = "UPDATE members_dutygrant SET ended_at = now() WHERE id = %s"


@pytest.fixture
def newcomer(world: World) -> User:
    """Give the test somebody with an account and no duty."""
    return User.objects.create_user("newcomer@example.org", name="Nora Example")


def proposed(world: World, person: User, duty: str = "reviewer") -> DutyChange:
    return duties.propose_duty(
        pool=world.pool, person_code=person.code, duty=duty, reason="Knows it.", proposer=world.admin,
        at=clock.now(),
    )  # fmt: skip


def held(world: World, person: User) -> DutyGrant:
    return DutyGrant.objects.get(pool=world.pool, person=person, ended_at=None)


def confirm(change: DutyChange, person: User) -> DutyChange:
    return duties.confirm_change(change=change, confirmer=person, at=clock.now())


def test_duty_is_given_once_a_second_person_agrees_and_its_holder_is_told(
    world: World, newcomer: User
) -> None:
    change = proposed(world, newcomer)
    assert duties_of(newcomer, world.pool) == set()
    confirm(change, world.treasurer)
    grant = held(world, newcomer)
    assert (grant.duty, grant.proposed_by, grant.confirmed_by) == ("reviewer", world.admin, world.treasurer)
    told = Notice.objects.get(person=newcomer)
    assert subject_of(told.kind, told.params) == "You are reviewer of Test pool"
    assert "Reason: Knows it." in body_of(told.kind, told.params)
    assert told.link == PAGE
    with pytest.raises(duties.ChangeDecidedError):
        confirm(change, world.controller)
    with pytest.raises(duties.HeldAlreadyError):
        proposed(world, newcomer)


def test_end_takes_two_people_and_its_holder_is_not_one_of_them(world: World) -> None:
    grant = held(world, world.treasurer)
    change = duties.propose_end(grant=grant, reason="Moved away.", proposer=world.admin, at=clock.now())
    for person in (world.admin, world.treasurer):
        with pytest.raises(duties.OnePersonError):
            confirm(change, person)
    confirm(change, world.controller)
    assert duties_of(world.treasurer, world.pool) == set()
    told = Notice.objects.get(person=world.treasurer)
    assert (told.kind, told.link) == ("duty_ended", "/pools/test-pool/")
    assert [desk.duty for desk in duties.desks(world.pool) if desk.is_missing] == ["treasurer"]
    assert "Nobody holds: treasurer." in client_of(world.admin).get(PAGE).content.decode()


def test_own_duty_is_laid_down_alone_and_nobody_elses(world: World) -> None:
    grant = held(world, world.treasurer)
    waiting = duties.propose_end(grant=grant, reason="Why not.", proposer=world.admin, at=clock.now())
    with pytest.raises(duties.OnePersonError):
        duties.lay_down(grant=grant, person=world.controller, reason="Away.", at=clock.now())
    duties.lay_down(grant=grant, person=world.treasurer, reason="I moved.", at=clock.now())
    assert duties_of(world.treasurer, world.pool) == set()
    waiting.refresh_from_db()
    assert (waiting.state, waiting.decided_by) == ("dropped", world.treasurer.code)
    assert [one.kind for one in duties.changes_of(world.pool)] == ["laid_down", "end"]


def test_last_admin_stays_until_there_is_another(world: World, newcomer: User) -> None:
    grant = held(world, world.admin)
    with refused("pool_keeps_an_admin"):
        duties.lay_down(grant=grant, person=world.admin, reason="Tired.", at=clock.now())
    confirm(proposed(world, newcomer, "pool_admin"), world.controller)
    duties.lay_down(grant=grant, person=world.admin, reason="Tired.", at=clock.now())
    assert duties_of(world.admin, world.pool) == set()


def test_duties_that_meet_are_refused_where_they_are_agreed(world: World) -> None:
    change = proposed(world, world.treasurer, "controller")
    with refused("duties_do_not_meet"):
        confirm(change, world.controller)
    duties.drop_change(change=change, dropper=world.controller, at=clock.now())
    assert duties_of(world.treasurer, world.pool) == {"treasurer"}


@pytest.mark.parametrize(
    ("kind", "about", "proposer", "state", "decider", "name"),
    [
        ("grant", "newcomer", "controller", "open", None, "duty_change_takes_two_people"),
        ("grant", "newcomer", "newcomer", "open", None, "duty_change_takes_two_people"),
        ("grant", "admin", "admin", "open", None, "duty_change_takes_two_people"),
        ("grant", "newcomer", "admin", "done", "controller", "duty_change_begins_open"),
        ("end", "treasurer", "treasurer", "open", None, "duty_change_takes_two_people"),
        ("end", "treasurer", "admin", "done", "controller", "duty_change_begins_open"),
        ("laid_down", "treasurer", "admin", "done", "admin", "duty_change_takes_two_people"),
        ("laid_down", "treasurer", "treasurer", "done", "controller", "duty_change_takes_two_people"),
        ("end", "newcomer", "admin", "open", None, "duty_change_begins_open"),
    ],
)
def test_change_begins_by_who_may_begin_it(
    world: World,
    newcomer: User,
    kind: str,
    about: str,
    proposer: str,
    state: str,
    decider: str | None,
    name: str,
) -> None:
    people = {"newcomer": newcomer, "admin": world.admin, "controller": world.controller}
    people |= {"treasurer": world.treasurer}
    grant = None if kind == "grant" else held(world, world.treasurer).pk
    decided = None if decider is None else clock.now()
    by = None if decider is None else people[decider].code
    with refused(name):
        run(
            INSERT, world.pool.pk, kind, people[about].pk, "treasurer", grant, people[proposer].code, state, by,
            decided,
        )  # fmt: skip


def test_change_is_decided_once_by_somebody_else_with_a_duty(world: World, newcomer: User) -> None:
    change = proposed(world, newcomer)
    for person in (world.admin, newcomer, world.stranger):
        with refused("duty_change_takes_two_people"):
            run(DECIDE, "done", person.code, change.pk)
    with refused("duty_change_is_decided_once"):
        run(DECIDE, "done", world.controller.code, change.pk)  # but no duty was given
    with not_permitted():
        run("UPDATE members_dutychange SET duty = 'auditor' WHERE id = %s", change.pk)
    with not_permitted():
        run("DELETE FROM members_dutychange")
    duties.drop_change(change=change, dropper=world.admin, at=clock.now())
    with refused("duty_change_is_decided_once"):
        run(DECIDE, "done", world.controller.code, change.pk)
    with refused("duty_change_is_decided_once"):
        run("UPDATE members_dutychange SET state = 'open', decided_by = NULL, decided_at = NULL")


def test_duty_ends_by_its_change_alone(world: World) -> None:
    """Whoever could take the controller's duty away alone could approve alone."""
    grant = held(world, world.controller)
    with refused("duty_ends_by_its_change"):
        run(END, grant.pk)
    change = duties.propose_end(grant=grant, reason="Away.", proposer=world.admin, at=clock.now())
    with refused("duty_ends_by_its_change"):
        run(END, grant.pk)
    run(DECIDE, "done", world.treasurer.code, change.pk)
    run(END, grant.pk)
    assert duties_of(world.controller, world.pool) == set()


def test_changes_are_of_pools_that_run(world: World, newcomer: User) -> None:
    found = draft()
    with refused("duty_change_begins_open"):
        run(INSERT, found.pk, "grant", newcomer.pk, "treasurer", None, world.admin.code, "open", None, None)
    with refused("duty_change_is_of_a_known_duty"):
        run(INSERT, world.pool.pk, "grant", newcomer.pk, "king", None, world.admin.code, "open", None, None)
    proposed(world, newcomer)
    with refused("one_open_change_per_person_and_duty"):
        run(
            INSERT,
            world.pool.pk,
            "grant",
            newcomer.pk,
            "reviewer",
            None,
            world.admin.code,
            "open",
            None,
            None,
        )
    with refused("one_duty_change_per_number"):
        run(
            INSERT.replace("99", "1"), world.pool.pk, "grant", newcomer.pk, "auditor", None, world.admin.code,
            "open", None, None,
        )  # fmt: skip
    with refused("duty_change_is_decided_whole"):
        run("UPDATE members_dutychange SET state = 'dropped'")
    assert value("SELECT count(*) FROM members_dutychange") == 1


def test_changes_are_kept_from_the_owner_too(world: World, owner: psycopg.Connection) -> None:
    with refused_to_owner(owner, "duty_changes_are_kept"):
        owner.execute("DELETE FROM members_dutychange")


def test_pages_lead_through_a_change(world: World, newcomer: User) -> None:
    admin, controller = client_of(world.admin), client_of(world.controller)
    assert "Nobody holds:" not in admin.get(PAGE).content.decode()
    given = {"duty": "reviewer", "person": f" {newcomer.code.lower()} ", "reason": "Has done it for years."}
    wrong = admin.post(PAGE, given | {"person": "P-NOBODY0000"})
    assert (wrong.status_code, "No account has this code" in wrong.content.decode()) == (422, True)
    assert "Has done it for years." in wrong.content.decode()
    assert admin.post(PAGE, given | {"reason": ""}).status_code == 422
    assert admin.post(PAGE, given).headers["Location"] == PAGE
    assert admin.post(PAGE, given).status_code == 409
    assert (
        "Changes of duties in Test pool wait for a second person: 1"
        in client_of(world.controller).get("/").content.decode()
    )
    assert "wait for a second person" not in admin.get("/").content.decode()
    assert controller.post(PAGE, given | {"duty": "auditor"}).status_code == 422
    assert "Nora Example is to be reviewer" in controller.get(PAGE).content.decode()
    refused_page = admin.post(f"{PAGE}changes/1/confirm/")
    assert (refused_page.status_code, "are three people" in refused_page.content.decode()) == (403, True)
    for _twice in range(2):
        assert controller.post(f"{PAGE}changes/1/confirm/").headers["Location"] == PAGE
    assert duties_of(newcomer, world.pool) == {"reviewer"}
    own = client_of(newcomer)
    grant = held(world, newcomer)
    assert "Lay it down" in own.get(PAGE).content.decode()
    assert own.post(f"{PAGE}{grant.pk}/end/", {"reason": "x"}).status_code == 403
    assert own.post(f"{PAGE}{grant.pk}/lay-down/", {"reason": ""}).status_code == 422
    assert own.post(f"{PAGE}{grant.pk}/lay-down/", {"reason": "No time."}).headers["Location"] == (
        "/pools/test-pool/"
    )
    assert own.get(PAGE).status_code == 404
    assert controller.post(f"{PAGE}{grant.pk}/lay-down/", {"reason": "x"}).status_code == 404
    assert "职责" in client_of(world.admin, language="zh-hans").get(PAGE).content.decode()


def test_page_names_nobody_by_their_address(world: World) -> None:
    nameless = User.objects.create_user("nameless@example.org")
    proposed(world, nameless)
    page = client_of(world.controller).get(PAGE).content.decode()
    assert f"{nameless.code} is to be reviewer" in page
    confirm(DutyChange.objects.get(), world.controller)
    page += client_of(world.controller).get(PAGE).content.decode()
    assert "example.org" not in page


def test_code_stands_where_the_page_says(newcomer: User) -> None:
    assert newcomer.code in client_of(newcomer).get("/my-data/").content.decode()


def test_api_goes_the_same_way(world: World, newcomer: User) -> None:
    admin, controller = client_of(world.admin), client_of(world.controller)

    def post(client: Any, path: str, body: Any = None) -> Any:
        return client.post(f"{API}{path}", json.dumps(body or {}), content_type="application/json")

    made = post(admin, "duty-changes/new/", {"duty": "auditor", "person": newcomer.code, "reason": "Looks."})
    assert (made.status_code, made.json()["state"], made.json()["number"]) == (201, "open", 1)
    assert post(controller, "duty-changes/new/", {"duty": "auditor"}).status_code == 403
    assert post(admin, "duty-changes/1/confirmation/").status_code == 403
    assert post(controller, "duty-changes/1/confirmation/").json()["state"] == "done"
    rows = {row["duty"]: row for row in controller.get(f"{API}duties/").json()}
    assert (rows["auditor"]["person"], rows["auditor"]["confirmed_by"]) == (
        newcomer.code,
        world.controller.code,
    )
    assert rows["treasurer"]["is_founding"]
    ending = post(admin, f"duties/{rows['treasurer']['id']}/end/", {"reason": "Away."})
    assert (ending.status_code, ending.json()["kind"]) == (201, "end")
    assert post(client_of(world.treasurer), "duty-changes/2/refusal/").json()["state"] == "dropped"
    laid = post(client_of(newcomer), f"duties/{rows['auditor']['id']}/lay-down/", {"reason": "Done."})
    assert laid.status_code == 201
    assert [row["state"] for row in admin.get(f"{API}duty-changes/").json()["results"]] == [
        "done",
        "dropped",
        "done",
    ]
    assert client_of(world.stranger).get(f"{API}duties/").status_code == 404
