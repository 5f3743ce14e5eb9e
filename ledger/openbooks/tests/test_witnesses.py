"""Witnesses of a pool's log: named by two people, asked for every checkpoint, and shown to everyone as they are."""

import json
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from aidplatform.lib import clock
from aidplatform.testing.refusals import not_permitted, refused, refused_to_owner, run, value
from aidplatform.testing.signing import TestSigner
from aidplatform.testing.witnesses import RunningWitness, name_witnesses, running_witness
from aidplatform.testing.world import World
from aidplatform.tests.pages_helpers import client_of, public_world
from ledger.openbooks import witnesses
from ledger.openbooks.checkpoint_models import Checkpoint, LogKey
from ledger.openbooks.checkpoints import Head, open_checkpoint
from ledger.openbooks.models import LogEntry
from ledger.openbooks.notes import public_key, read_key, signed
from ledger.openbooks.policies import read_policy
from ledger.openbooks.selectors import witnessing_of
from ledger.openbooks.services import append
from ledger.openbooks.signer import Signer
from ledger.openbooks.witness_models import Cosignature, WitnessPolicy, WitnessRefusal
from ledger.openbooks.witnesses import PolicyMovedOnError, SamePersonError, WitnessesError, ask_witnesses

FILES = "/t/test-pool/"
PAGE = "/pools/test-pool/witnesses/"
API = "/api/v1/pools/test-pool/witness-policies/"
OTHER = public_key(name="other.example/aid", seed=bytes([1] * 32), kind=4).encode()
STRANGER = public_key(name="somebody.example/aid", seed=bytes(32), kind=4).encode()


@pytest.fixture
def world(committed_db: tuple[str, str]) -> World:
    made = public_world()
    made.award(1_000_000)
    made.posted_period()
    return made


@pytest.fixture
def owner(committed_db: tuple[str, str]) -> Iterator[psycopg.Connection]:
    """Give a connection as aid_owner to the database of the test."""
    with psycopg.connect(committed_db[0], autocommit=True) as made:
        yield made


@pytest.fixture
def signer(world: World, tmp_path: Path) -> TestSigner:
    made = TestSigner(tmp_path / "signer" / "state")
    made.sign()
    return made


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[str], RunningWitness]]:
    """Give what starts a witness by its name, with the log to witness."""
    with ExitStack() as stack:

        def started(name: str) -> RunningWitness:
            made = stack.enter_context(running_witness(tmp_path / name, f"{name}.example/aid"))
            made.add(LogKey.objects.get().vkey)
            return made

        yield started


def now() -> int:
    return int(time.time())


def state(*keys: str) -> None:
    for key in keys:
        append(code="test-pool", entry_type="stats", key=key, body={"n": 1}, at=clock.now())


def cosigned() -> list[tuple[str, int]]:
    rows = Cosignature.objects.order_by("name", "checkpoint__size")
    return list(rows.values_list("name", "checkpoint__size"))


def published() -> tuple[str, str]:
    visitor = client_of(None)
    return tuple(visitor.get(f"{FILES}{name}").content.decode() for name in ("checkpoint", "policy"))


def test_witnesses_are_asked_for_every_checkpoint(
    world: World, signer: TestSigner, start: Callable[[str], RunningWitness]
) -> None:
    assert ask_witnesses(now=now()) == 0
    assert client_of(None).get(f"{FILES}checkpoint.witnessed").status_code == 404
    one, two, three = (start(name) for name in ("one", "two", "three"))
    name_witnesses(world, [one, two, three], needed=2)
    three.stop()
    signer.sign()
    size = Checkpoint.objects.latest("size").size
    assert ask_witnesses(now=now()) == 2
    assert ask_witnesses(now=now()) == 0
    assert cosigned() == [("one.example/aid", size), ("two.example/aid", size)]
    note, text = published()
    policy = read_policy(text)
    keys = [read_key(witness.vkey) for witness in (one, two, three)]
    opened = open_checkpoint(note, log_key=policy.logs[0], witnesses=keys, now=now())
    assert set(opened.witnessed) == set(keys[:2])
    assert policy.is_met(opened.witnessed)
    two.stop()
    state("a", "b")
    signer.sign()
    assert ask_witnesses(now=now()) == 1
    opened = open_checkpoint(published()[0], log_key=policy.logs[0], witnesses=keys, now=now())
    assert not policy.is_met(opened.witnessed)
    witnessing = witnessing_of("test-pool")
    assert witnessing is not None
    assert witnessing.whole_until is not None
    assert witnessing.whole_until.size == size
    told = client_of(None).get(f"{FILES}checkpoint.witnessed").content.decode()
    opened = open_checkpoint(told, log_key=policy.logs[0], witnesses=keys, now=now())
    assert opened.head.size == size
    assert policy.is_met(opened.witnessed)


@contextmanager
def mute_machine() -> Iterator[tuple[str, list[None]]]:
    """Give the address of a machine that hangs up on everybody, and a list of who has called."""
    calls: list[None] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            with suppress(OSError):
                while True:
                    server.accept()[0].close()
                    calls.append(None)

        listening = threading.Thread(target=hang_up, daemon=True)
        listening.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", calls
        server.shutdown(socket.SHUT_RDWR)
    listening.join(timeout=10)


def test_dead_witness_costs_one_failed_connection_and_no_entries(world: World, signer: TestSigner) -> None:
    with mute_machine() as (address, calls):
        proposed = witnesses.propose_witnesses(
            pool=world.pool,
            witnesses=[(STRANGER, address), (OTHER, f"{address}/other")],
            needed=1,
            proposer=world.admin.code,
            at=clock.now(),
        )
        witnesses.approve_witnesses(policy=proposed, approver=world.auditor.code, at=clock.now())
        signer.sign()
        with CaptureQueriesContext(connection) as queries:
            assert ask_witnesses(now=now()) == 0
    assert len(calls) == 1
    assert [one["sql"] for one in queries if "leaf_hash" in one["sql"]] == []
    assert WitnessRefusal.objects.count() == 0


def test_witness_that_knows_more_than_we_do_is_asked_from_there(
    world: World, signer: TestSigner, start: Callable[[str], RunningWitness]
) -> None:
    """Its signature was lost on the way; what it has seen is a beginning of the log all the same."""
    one = start("one")
    name_witnesses(world, [one], needed=1)
    signer.sign()
    last = Checkpoint.objects.latest("size")
    (asking,) = witnesses._asked_of(world.pool)
    assert asking.checkpoint == last
    assert asking._send(0)[0] == 200
    state("a")
    signer.sign()
    assert ask_witnesses(now=now()) == 1
    assert WitnessRefusal.objects.count() == 0


def _in_force() -> str:
    return WitnessPolicy.objects.filter(state="approved").latest("number").text


def test_operator_who_shows_another_log_is_found_and_everyone_sees_it(
    world: World, signer: TestSigner, start: Callable[[str], RunningWitness]
) -> None:
    """The witness was shown another log under the real key before: it refuses ours, for everyone to see."""
    one = start("one")
    name_witnesses(world, [one], needed=1)
    signer.sign()
    last = Checkpoint.objects.latest("size")
    origin = read_key(LogKey.objects.get().vkey).name
    with signer.at_work() as real:
        assert isinstance(real, Signer)
        fork = Head(origin, last.size, bytes(32))
        note = signed(fork.text(), name=origin, seed=real.seeds(origin)[0]).encode()
    witness = read_policy(_in_force()).witnesses["one.example/aid"]
    assert witnesses._post(witness.url + "/add-checkpoint", f"old 0\n\n{note}".encode())[0] == 200
    assert ask_witnesses(now=now()) == 0
    assert ask_witnesses(now=now()) == 0
    assert [(one.status, one.said) for one in WitnessRefusal.objects.all()] == [(409, str(last.size))]
    page = client_of(None).get("/pools/test-pool/open-books/").content.decode()
    assert "one.example/aid does not sign." in page
    assert "it has seen another log" in page
    told = client_of(None).get("/api/v1/pools/test-pool/log/witnesses/").json()
    assert told["whole_size"] is None
    assert told["witnesses"][0]["refusal"]["status"] == 409


def test_liar_who_signs_something_else_is_no_witness(
    world: World, signer: TestSigner, start: Callable[[str], RunningWitness]
) -> None:
    """Another key answers at the address that was approved."""
    other = start("other")
    named = RunningWitness(other.file, STRANGER, other.url, other.process)
    name_witnesses(world, [named], needed=1)
    signer.sign()
    assert ask_witnesses(now=now()) == 0
    assert cosigned() == []
    assert WitnessRefusal.objects.get().said == "0 signatures of somebody.example/aid"


def test_two_people_name_witnesses_and_the_log_says_so(world: World) -> None:
    made = witnesses.propose_witnesses(
        pool=world.pool,
        witnesses=[(STRANGER, "https://somebody.example/")],
        needed=1,
        proposer=world.admin.code,
        at=clock.now(),
    )
    with pytest.raises(SamePersonError):
        witnesses.approve_witnesses(policy=made, approver=world.admin.code, at=clock.now())
    witnesses.approve_witnesses(policy=made, approver=world.auditor.code, at=clock.now())
    told = LogEntry.objects.get(type="policy.set", key="witnesses/1")
    assert json.loads(bytes(told.data))["body"] == {"witnesses": {"number": 1, "policy": made.text}}
    with pytest.raises(PolicyMovedOnError):
        witnesses.withdraw_witnesses(policy=made, person=world.auditor.code, at=clock.now())


@pytest.mark.parametrize(
    ("named", "needed", "why"),
    [
        ([("nonsense", "https://one.example/")], 1, "a verifier key is name, id and key"),
        ([(STRANGER, "https://one.example/")] * 2, 1, "is taken"),
        ([(STRANGER, "https://one.example/")], 2, "2 of 1 is no number of them"),
        ([(STRANGER, "https://one.example/")], 0, "0 of 1 is no number of them"),
        ([(STRANGER, "ftp://one.example/")], 1, "no address that begins with https"),
        ([(public_key(name="a.example/b", seed=bytes(32)).encode(), "https://a.example/")], 1, "of kind 1"),
        ([(STRANGER, "https://one.example/")] * 9, 1, "At most 8 witnesses"),
    ],
)
def test_what_is_no_witness_is_refused_by_its_reason(
    world: World, named: list[tuple[str, str]], needed: int, why: str
) -> None:
    with pytest.raises(WitnessesError, match=why):
        witnesses.propose_witnesses(
            pool=world.pool, witnesses=named, needed=needed, proposer=world.admin.code, at=clock.now()
        )
    assert not WitnessPolicy.objects.exists()


PROPOSE = """INSERT INTO ledger_witnesspolicy
                    (pool_id, number, text, state, proposed_by, proposed_at, decided_by, decided_at)
             VALUES (%s, 0, %s, %s, %s, now(), %s, %s)"""
COSIGN = "INSERT INTO ledger_cosignature (checkpoint_id, name, line, signed_at) VALUES (%s, %s, %s, to_timestamp(%s))"


def test_database_holds_what_two_people_are_needed_for(world: World, owner: psycopg.Connection) -> None:
    pool, admin, auditor = world.pool.pk, world.admin.code, world.auditor.code
    with refused("witness_policy_begins_proposed"):
        run(PROPOSE, pool, "quorum none\n", "proposed", admin, auditor, clock.now())
    with refused("witness_policy_people_hold_their_duty"):
        run(PROPOSE, pool, "quorum none\n", "proposed", world.stranger.code, None, None)
    run(PROPOSE, pool, "quorum none\n", "proposed", admin, None, None)
    with refused("one_waiting_witness_policy_per_pool"):
        run(PROPOSE, pool, "quorum none\n", "proposed", admin, None, None)
    decide = "UPDATE ledger_witnesspolicy SET state = %s, decided_by = %s, decided_at = now()"
    with refused("witness_policy_people_hold_their_duty"):
        run(decide, "approved", admin)
    with refused("witness_policy_is_logged"):
        run(decide, "approved", auditor)
        run("SET CONSTRAINTS ALL IMMEDIATE")
    with not_permitted():
        run("UPDATE ledger_witnesspolicy SET text = 'quorum none'")
    run(decide, "withdrawn", auditor)
    with refused("witness_policy_is_decided_once"):
        run(decide, "approved", auditor)
    with refused_to_owner(owner, "witness_policies_are_kept"):
        owner.execute("DELETE FROM ledger_witnesspolicy")
    with refused_to_owner(owner, "witness_policy_is_decided_as_shown"):
        owner.execute("UPDATE ledger_witnesspolicy SET text = 'quorum none'")


def test_database_takes_no_signature_of_somebody_else(
    world: World, signer: TestSigner, start: Callable[[str], RunningWitness], owner: psycopg.Connection
) -> None:
    one = start("one")
    name_witnesses(world, [one], needed=1)
    assert ask_witnesses(now=now()) == 1
    kept = Cosignature.objects.get()
    at = int(kept.signed_at.timestamp())
    state("a")
    signer.sign()
    later = Checkpoint.objects.latest("size").pk
    stranger = read_key(STRANGER)
    forged = signed("x\n", name=stranger.name, seed=bytes(32)).signatures[0]
    with refused("cosignature_is_of_a_witness"):
        run(COSIGN, later, stranger.name, forged.encode(), at)
    with refused("cosignature_is_of_a_witness"):
        run(COSIGN, later, "one.example/aid", kept.line.replace("one.", "two."), at)
    with refused("cosignature_tells_its_time"):
        run(COSIGN, later, "one.example/aid", kept.line, at + 1)
    with refused("one_cosignature_per_witness"):
        run(COSIGN, kept.checkpoint_id, "one.example/aid", kept.line, at)
    with not_permitted():
        run("DELETE FROM ledger_cosignature")
    with refused_to_owner(owner, "cosignature_is_permanent"):
        owner.execute("UPDATE ledger_cosignature SET signed_at = now()")
    run(
        "INSERT INTO ledger_witnessrefusal (checkpoint_id, name, status, said, at) VALUES (%s, 'one', 409, '1', now())",
        later,
    )
    with refused_to_owner(owner, "witness_refusal_is_permanent"):
        owner.execute("DELETE FROM ledger_witnessrefusal")
    assert value("SELECT count(*) FROM ledger_cosignature") == 1


def post(client: Client, address: str, **fields: object) -> int:
    return client.post(address, {"key": str(uuid.uuid4()), **fields}).status_code


def test_witnesses_are_named_on_the_page(world: World, signer: TestSigner) -> None:
    admin, auditor = client_of(world.admin), client_of(world.auditor)
    assert client_of(world.stranger).get(PAGE).status_code == 404
    lines = f"{STRANGER} https://somebody.example/"
    answer = admin.post(
        f"{PAGE}propose/", {"key": str(uuid.uuid4()), "witnesses": "one two three", "needed": "1"}
    )
    assert answer.status_code == 422
    assert "Line 1 is not a key and an address" in answer.content.decode()
    assert "one two three" in answer.content.decode()
    given = {"key": str(uuid.uuid4()), "witnesses": lines, "needed": "1"}
    for _twice in range(2):
        assert admin.post(f"{PAGE}propose/", given).status_code == 302
    assert WitnessPolicy.objects.count() == 1
    assert reverse("approve_witnesses", args=["test-pool", 1]) not in admin.get(PAGE).content.decode()
    assert reverse("approve_witnesses", args=["test-pool", 1]) in auditor.get(PAGE).content.decode()
    assert post(auditor, f"{PAGE}1/approve/") == 302
    assert post(auditor, f"{PAGE}9/approve/") == 404
    page = client_of(None).get("/pools/test-pool/open-books/").content.decode()
    assert "somebody.example/aid" in page
    assert "Not as many as are needed have signed yet." in page
    assert post(admin, f"{PAGE}propose/", witnesses="", needed="0") == 302
    assert post(auditor, f"{PAGE}2/withdraw/") == 302
    assert post(admin, f"{PAGE}propose/", witnesses="", needed="0") == 302
    assert post(auditor, f"{PAGE}3/approve/") == 302
    assert published()[1].endswith("\nquorum none\n")


def test_programs_name_witnesses(world: World) -> None:
    admin, auditor = client_of(world.admin), client_of(world.auditor)

    def send(client: Client, address: str, content: object = None) -> tuple[int, dict[str, object]]:
        answer = client.post(
            address,
            json.dumps(content or {}),
            content_type="application/json",
            headers={"Idempotency-Key": str(uuid.uuid4())},
        )
        return answer.status_code, answer.json()

    named = {"witnesses": [{"vkey": STRANGER, "url": "https://somebody.example/"}], "needed": 1}
    assert send(auditor, f"{API}propose/", named)[0] == 403
    assert send(admin, f"{API}propose/", named | {"needed": 2})[0] == 422
    assert send(admin, f"{API}propose/", named) == (201, {"number": 1})
    assert send(admin, f"{API}1/approval/")[0] == 403
    assert send(auditor, f"{API}1/approval/") == (200, {"state": "approved"})
    assert send(admin, f"{API}propose/", {"witnesses": [], "needed": 0}) == (201, {"number": 2})
    assert send(admin, f"{API}2/withdrawal/") == (200, {"state": "withdrawn"})
    rows = auditor.get(API).json()["results"]
    assert [(row["number"], row["state"]) for row in rows] == [(2, "withdrawn"), (1, "approved")]
    told = client_of(None).get("/api/v1/pools/test-pool/log/witnesses/").json()
    assert [one["vkey"] for one in told["witnesses"]] == [STRANGER]
    assert client_of(world.stranger).get(API).status_code == 404


def test_queries_of_open_books_do_not_grow_with_witnesses(
    world: World, signer: TestSigner, start: Callable[[str], RunningWitness]
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as found:
            assert client_of(None).get("/pools/test-pool/open-books/").status_code == 200
        return len(found)

    named = [start("one")]
    name_witnesses(world, named, needed=1)
    ask_witnesses(now=now())
    queries()
    few = queries()
    named += [start("two"), start("three")]
    name_witnesses(world, named, needed=2)
    for key in ("a", "b"):
        state(key)
        signer.sign()
        ask_witnesses(now=now())
    assert queries() == few
