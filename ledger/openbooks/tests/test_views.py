"""Pages of the log: everyone reads it, and everyone can hash it."""

import datetime as dt
import hashlib
import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from aidplatform.lib import clock
from aidplatform.testing.prepared import prepared
from aidplatform.testing.world import World
from aidplatform.tests.pages_helpers import client_of
from ledger.founding.services import found
from ledger.openbooks.models import LogEntry
from members.joining.services import admit_member
from members.people.models import User
from members.pools.presets import find_preset

LOG = "/pools/test-pool/log/"


@prepared
def logged() -> World:
    """Give the test a pool, large enough to be read by everyone, whose log holds a posted period."""
    world = World.founded(members=100)
    world.award(1_000_000)
    world.posted_period()
    return world


def test_log_lists_every_statement_newest_first(logged: World) -> None:
    page = client_of(None).get(LOG).content.decode()
    types = [entry.type for entry in LogEntry.objects.filter(log__code="test-pool").order_by("-seq")]
    places = [page.index(f"{LOG}{seq}/") for seq in reversed(range(len(types)))]
    assert types == [
        "roll.close",
        "period.close",
        "book.entry",
        "book.entry",
        "period.announce",
        "case.face",
        "roll.freeze",
        "policy.set",
    ]
    assert places == sorted(places)


def test_raw_bytes_hash_to_the_leaf_that_is_shown(logged: World) -> None:
    client = client_of(None)
    for entry in LogEntry.objects.filter(log__code="test-pool"):
        raw = client.get(f"{LOG}{entry.seq}.json")
        assert raw.headers["Content-Type"] == "application/json"
        leaf = hashlib.sha256(b"\x00" + raw.content).hexdigest()
        assert leaf in client.get(f"{LOG}{entry.seq}/").content.decode()
        assert json.loads(raw.content)["seq"] == entry.seq


def test_log_pages_by_cursor(logged: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.openbooks.views.PAGE", 2)
    client = client_of(None)
    assert f"{LOG}?before=6" in client.get(LOG).content.decode()
    last = client.get(f"{LOG}?before=1").content.decode()
    assert f"{LOG}0/" in last
    assert "Older" not in last


@pytest.mark.parametrize("before", ["x", "-1", "9" * 30])
def test_log_refuses_a_cursor_that_is_no_place(logged: World, before: str) -> None:
    assert client_of(None).get(LOG, {"before": before}).status_code == 422


def test_unknown_pool_and_place_are_not_found(logged: World) -> None:
    client = client_of(None)
    for address in (
        "/pools/no-such/log/",
        f"{LOG}99/",
        f"{LOG}99.json",
        f"{LOG}{10**19}/",
        "/pools/no-such/log/0.json",
    ):
        assert client.get(address).status_code == 404


def test_empty_log_says_so_to_the_founders_of_a_draft(db: None) -> None:
    founder = User.objects.create_user("founder@example.org")
    found(
        preset=find_preset("village"), code="draft", name_en="Draft", name_zh="草稿", currency="CNY",
        time_zone="Asia/Shanghai", expected_members=40, founder=founder, at=clock.now(),
    )  # fmt: skip
    assert "The log is empty" in client_of(founder).get("/pools/draft/log/").content.decode()
    assert client_of(None).get("/pools/draft/log/").status_code == 404


def test_log_costs_the_same_for_two_statements_and_five(world: World) -> None:
    client = client_of(None)
    world.award(1_000_000)
    world.settled_period()
    with CaptureQueriesContext(connection) as few:
        client.get(LOG)
    other = World.founded(code="other-pool")
    for number in range(3):
        other.award(1_000_000, f"C-{number}")
    other.settled_period()
    with CaptureQueriesContext(connection) as many:
        client.get("/pools/other-pool/log/")
    assert len(few) == len(many)


def test_person_data_of_a_case_is_not_in_the_log(logged: World) -> None:
    everything = b"".join(bytes(entry.data) for entry in LogEntry.objects.filter(log__code="test-pool"))
    assert b"claim-C-1" not in everything
    assert b"zhejiang" not in everything.lower()


def test_very_small_pool_shows_strangers_hashes_and_its_people_what_was_said(world: World) -> None:
    """Ninety-nine people know each other: one amount in one month names somebody."""
    world.award(1_234_567)
    world.posted_period()
    close = LogEntry.objects.get(type="period.close")
    address, raw = f"{LOG}{close.seq}/", f"{LOG}{close.seq}.json"
    member = User.objects.create_user("member@example.org")
    admit_member(
        pool=world.pool,
        person=member,
        class_no=0,
        from_at=clock.now(),
        joined_date=dt.date(2026, 1, 10),
        actor="founding",
    )
    for stranger in (None, world.stranger):
        page = client_of(stranger).get(address)
        assert page.status_code == 200
        assert "1234567" not in page.content.decode()
        assert bytes(close.leaf_hash).hex() in page.content.decode()
        assert client_of(stranger).get(raw).status_code == 403
    for insider in (member, world.auditor):
        assert "1234567" in client_of(insider).get(address).content.decode()
        assert client_of(insider).get(raw).status_code == 200
