"""Pages of the log: everyone reads it, and everyone can hash it."""

import hashlib
import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from aidplatform.testing.world import World
from aidplatform.tests.pages_helpers import client_of
from ledger.openbooks.models import LogEntry

LOG = "/pools/test-pool/log/"


@pytest.fixture
def logged(world: World) -> World:
    """Give the test a pool whose log holds a posted period."""
    world.award(1_000_000)
    world.posted_period()
    return world


def test_log_lists_every_statement_newest_first(logged: World) -> None:
    page = client_of(None).get(LOG).content.decode()
    types = [entry.type for entry in LogEntry.objects.filter(log__code="test-pool").order_by("-seq")]
    places = [page.index(f"{LOG}{seq}/") for seq in reversed(range(len(types)))]
    assert types == ["period.close", "book.entry", "book.entry", "period.announce", "roll.freeze"]
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
    assert f"{LOG}?before=3" in client.get(LOG).content.decode()
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


def test_empty_log_says_so(world: World) -> None:
    assert "The log is empty" in client_of(None).get(LOG).content.decode()


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
