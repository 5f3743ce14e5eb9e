"""A pool's beginning for programs: the same steps, the same refusals."""

import datetime as dt
from typing import Any

import pytest

from aidplatform.lib import clock
from aidplatform.testing.world import TERMS, World, set_clock
from aidplatform.tests.pages_helpers import client_of
from ledger.founding.tests.test_founding import gathering, join, name_account, staff
from members.people.models import User
from members.pools.models import DutyGrant, Pool
from members.pools.presets import all_presets
from members.pools.services import grant_founding_duty

API = "/api/v1/"
NAMES = {"name_en": "New pool", "name_zh": "新计划", "code": "new", "expected_members": 40}


@pytest.fixture
def founder(db: None) -> User:
    """Return an administrator of the whole installation, on a stopped clock."""
    set_clock(dt.datetime(2026, 1, 1, 2, tzinfo=dt.UTC))
    person = User.objects.create_user("founder@example.org")
    grant_founding_duty(pool=None, person=person, duty="pool_admin", at=clock.now())
    return person


def send(person: User | None, method: str, path: str, body: Any = None) -> Any:
    """Send JSON as that person."""
    client = client_of(person)
    return getattr(client, method)(f"{API}{path}", body or {}, content_type="application/json")


def test_presets_are_public_with_their_sources(db: None) -> None:
    rows = client_of(None).get(f"{API}presets/").json()
    assert [row["code"] for row in rows] == [preset.code for preset in all_presets()]
    assert all(row["terms"]["aid"] and row["sources"] for row in rows)


def test_program_founds_a_pool_and_opens_it(founder: User) -> None:
    made = send(founder, "post", "presets/village/pools/", NAMES)
    assert made.status_code == 201, made.content
    draft = made.json()
    assert (draft["changes"], draft["expected_members"]) == (1, 40)
    named = draft["terms"] | {"operator": TERMS["operator"], "wind_down": TERMS["wind_down"]}
    saved = send(founder, "put", "pools/new/plan-draft/", {"changes": 1, "terms": named})
    assert (saved.status_code, saved.json()["changes"]) == (200, 2)
    pool = Pool.objects.get(code="new")
    staff(pool)
    assert client_of(None).get(f"{API}pools/new/readiness/").status_code == 404
    card = client_of(founder).get(f"{API}pools/new/readiness/").json()
    assert (card["may_gather"], card["may_open"], card["minimum"]) == (True, False, 4)
    assert send(founder, "post", "pools/new/gathering/", {"changes": 1}).status_code == 409
    assert send(founder, "post", "pools/new/gathering/").status_code == 400
    assert send(founder, "post", "pools/new/gathering/", {"changes": 2}).json()["state"] == "gathering"
    public = client_of(None).get(f"{API}pools/new/readiness/").json()
    assert [item["code"] for item in public["items"] if not item["is_met"]] == ["custody", "members"]
    refused = send(founder, "post", "pools/new/opening/")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:aid:not_ready")
    name_account(pool)
    join(pool, 4)
    assert send(founder, "post", "pools/new/opening/").json()["state"] == "open"


@pytest.mark.parametrize(
    ("changes", "status"),
    [({"code": "a b"}, 400), ({"code": ""}, 400), ({"currency": "XXX"}, 400), ({"expected_members": 0}, 400)],
)
def test_bad_entry_founds_nothing(founder: User, changes: dict[str, Any], status: int) -> None:
    assert send(founder, "post", "presets/village/pools/", NAMES | changes).status_code == status
    assert not Pool.objects.exists()


def test_code_is_given_once(founder: User) -> None:
    send(founder, "post", "presets/village/pools/", NAMES)
    again = send(founder, "post", "presets/village/pools/", NAMES)
    assert (again.status_code, again.json()["type"]) == (409, "urn:aid:code_taken")
    assert send(founder, "post", "presets/none/pools/", NAMES | {"code": "other"}).status_code == 404


def test_draft_refuses_what_makes_no_plan_and_what_was_not_seen(founder: User) -> None:
    draft = send(founder, "post", "presets/village/pools/", NAMES).json()
    bad = send(
        founder,
        "put",
        "pools/new/plan-draft/",
        {"changes": 1, "terms": draft["terms"] | {"waiting_days": -1}},
    )
    assert (bad.status_code, bad.json()["type"]) == (422, "urn:aid:out_of_range")
    assert bad.json()["title"].startswith("waiting_days: ")
    stale = send(founder, "put", "pools/new/plan-draft/", {"changes": 7, "terms": draft["terms"]})
    assert (stale.status_code, stale.json()["type"]) == (409, "urn:aid:draft_moved_on")
    assert client_of(founder).get(f"{API}pools/new/plan-draft/").json()["changes"] == 1


def test_gathering_pool_has_no_draft(founder: User) -> None:
    gathering(founder)
    assert client_of(founder).get(f"{API}pools/new/plan-draft/").status_code == 404


def test_people_are_asked_and_answer(founder: User, world: World) -> None:
    send(founder, "post", "presets/village/pools/", NAMES)
    asked = send(
        founder, "post", "pools/new/duty-invitations/", {"duty": "treasurer", "email": "t@example.org"}
    )
    assert (asked.status_code, asked.json()["state"]) == (201, "open")
    again = send(
        founder, "post", "pools/new/duty-invitations/", {"duty": "treasurer", "email": "T@example.org"}
    )
    assert again.status_code == 409
    person = User.objects.create_user("t@example.org")
    mine = client_of(person).get(f"{API}me/duty-invitations/").json()
    assert [(row["pool"], row["duty"]) for row in mine] == [("new", "treasurer")]
    assert client_of(world.stranger).get(f"{API}me/duty-invitations/").json() == []
    answer = f"me/duty-invitations/{mine[0]['id']}/answer/"
    assert send(world.stranger, "post", answer, {"accepts": True}).status_code == 404
    assert send(person, "post", answer).status_code == 400
    assert send(person, "post", answer, {"accepts": True}).json()["state"] == "accepted"
    assert send(person, "post", answer, {"accepts": True}).status_code == 404
    assert DutyGrant.objects.filter(person=person, pool__code="new").count() == 1
    listed = client_of(founder).get(f"{API}pools/new/duty-invitations/").json()
    assert [row["state"] for row in listed] == ["accepted"]


def test_program_is_warned_of_aid_that_jumps_and_may_save_it(founder: User) -> None:
    presets = {row["code"]: row["warnings"] for row in client_of(None).get(f"{API}presets/").json()}
    assert {code for code, warnings in presets.items() if warnings} == {
        "association",
        "xianghubao",
        "qingsong",
    }
    draft = send(founder, "post", "presets/village/pools/", NAMES).json()
    assert draft["warnings"] == []
    jumping = draft["terms"] | {"aid": TERMS["aid"]}
    saved = send(founder, "put", "pools/new/plan-draft/", {"changes": 1, "terms": jumping})
    assert saved.status_code == 200
    (warning,) = saved.json()["warnings"]
    says = warning.pop("says")
    assert warning == {
        "code": "aid_jumps", "severity": "severe", "age": 40, "rows": ["aid[1]", "aid[2]"],
        "aid_before_fen": 30_000_000, "aid_after_fen": 10_000_000, "cost_before_fen": 68_880, "cost_after_fen": 25_200,
    }  # fmt: skip
    assert "2.8 times as much at 39 as at 40" in says
