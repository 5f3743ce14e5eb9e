"""The reference witness as a stranger runs it: a bare interpreter, one file of memory, and what it never signs."""

import importlib.util
import os
import random
import sqlite3
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from aidplatform.testing.witnesses import PROGRAM, RunningWitness, command, running_witness
from ledger.openbooks.checkpoints import Head, fingerprint, open_checkpoint
from ledger.openbooks.merkle import consistency_proof, tree_root
from ledger.openbooks.notes import public_key, read_key, signed
from ledger.openbooks.witness_requests import read_answer, read_size, request_body

ORIGIN = "aid.example.org/pool/test-pool"
SEED = bytes(range(32))
KEY = public_key(name=ORIGIN, seed=SEED)
NAME = "witness.university.example/aid"
VIEWS = int(os.environ.get("AID_SPLIT_VIEWS", "60"))
SEED_OF_CHANCE = int(os.environ.get("AID_SEED") or random.randrange(10**6))


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[RunningWitness]:
    with running_witness(tmp_path / "witness", NAME) as made:
        made.add(KEY.encode())
        yield made


@pytest.fixture(scope="module")
def program() -> ModuleType:
    """Return the one file as a module, to try many requests without a process for each."""
    spec = importlib.util.spec_from_file_location("witness", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def leaves(count: int, branch: str = "") -> list[bytes]:
    return [(f"{n}{branch if n > 2 else ''}" * 32)[:32].encode() for n in range(count)]


def checkpoint(entries: list[bytes], *, seed: bytes = SEED, origin: str = ORIGIN) -> str:
    head = Head(origin, len(entries), tree_root(entries))
    return signed(head.text(), name=origin, seed=seed).encode()


def body(old: int, entries: list[bytes]) -> str:
    return request_body(old=old, proof=consistency_proof(old, entries), checkpoint=checkpoint(entries))


def send(witness: RunningWitness, text: str | bytes, path: str = "/add-checkpoint") -> tuple[int, str, str]:
    """Send a request and return status, kind and text of the answer."""
    data = text.encode() if isinstance(text, str) else text
    request = urllib.request.Request(witness.url + path, data)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Content-Type"], error.read().decode()


def test_witness_signs_a_log_that_grows(witness: RunningWitness) -> None:
    key = read_key(witness.vkey)
    assert key.name == NAME
    before = int(time.time())
    for old, size in ((0, 3), (3, 3), (3, 4), (4, 300)):
        status, _kind, answer = send(witness, body(old, leaves(size)))
        assert status == 200
        line, at = read_answer(answer, checkpoint=checkpoint(leaves(size)), key=key, now=int(time.time()))
        assert before <= at <= time.time()
        whole = checkpoint(leaves(size)) + line.encode()
        assert open_checkpoint(whole, log_key=KEY, witnesses=[key]).witnessed == {key: at}


def test_witness_refuses_what_does_not_follow(witness: RunningWitness) -> None:
    send(witness, body(0, leaves(5)))
    good, other = leaves(9), leaves(9, "x")
    proof = consistency_proof(5, good)
    stranger = checkpoint(good, origin="aid.example.org/pool/other")
    cases = {
        "another old size": (409, body(4, good)),
        "an old size beyond it": (400, request_body(old=10, proof=[], checkpoint=checkpoint(good))),
        "a fork": (422, body(5, other)),
        "a fork of the same size": (
            409,
            request_body(old=5, proof=[], checkpoint=checkpoint(leaves(5, "x"))),
        ),
        "no proof": (422, request_body(old=5, proof=[], checkpoint=checkpoint(good))),
        "a proof too long": (
            422,
            request_body(old=5, proof=[*proof, bytes(32)], checkpoint=checkpoint(good)),
        ),
        "a proof changed": (
            422,
            request_body(old=5, proof=[bytes(32), *proof[1:]], checkpoint=checkpoint(good)),
        ),
        "another key": (403, request_body(old=5, proof=proof, checkpoint=checkpoint(good, seed=bytes(32)))),
        "an unknown log": (404, request_body(old=0, proof=[], checkpoint=stranger)),
        "no request": (400, "old 5\n"),
        "a number written otherwise": (400, body(5, good).replace("old 5", "old 05")),
        "an extension line": (400, body(5, good).replace("\n\n\u2014", "\nmore\n\n\u2014")),
        "too many hashes": (400, request_body(old=5, proof=[bytes(32)] * 64, checkpoint=checkpoint(good))),
        "no text": (400, b"\xff\xfe"),
        "too much": (413, "x" * 64_001),
    }
    found = {name: send(witness, text)[0] for name, (_status, text) in cases.items()}
    assert found == {name: status for name, (status, _text) in cases.items()}
    status, kind, answer = send(witness, body(4, good))
    assert (status, kind, read_size(answer)) == (409, "text/x.tlog.size", 5)
    assert send(witness, body(5, good), "/elsewhere")[0] == 404
    assert send(witness, body(5, good))[0] == 200


def test_witness_tells_everyone_what_it_has_seen(witness: RunningWitness) -> None:
    with urllib.request.urlopen(witness.url + "/", timeout=60) as answer:
        assert answer.read().decode() == f"key {witness.vkey}\n{ORIGIN} nothing yet\n"
    send(witness, body(0, leaves(7)))
    digits = fingerprint(Head(ORIGIN, 7, tree_root(leaves(7))))
    with urllib.request.urlopen(witness.url + "/", timeout=60) as answer:
        assert f"{ORIGIN} 7 {digits} 20" in answer.read().decode()
    assert f"{ORIGIN} 7 {digits} 20" in command(witness.file, "show")


def test_killed_witness_remembers_what_it_has_signed(witness: RunningWitness) -> None:
    assert send(witness, body(0, leaves(6)))[0] == 200
    witness.stop()
    with running_witness(witness.file, NAME) as again:
        assert again.vkey == witness.vkey
        assert send(again, body(0, leaves(8, "x")))[0] == 409
        assert send(again, body(6, leaves(8)))[0] == 200


def test_two_views_at_once_get_one_signature(witness: RunningWitness) -> None:
    send(witness, body(0, leaves(4)))
    views = [body(4, leaves(9, f"view {n}"[-1])) for n in range(4)]
    views[0] = body(4, leaves(9))
    with ThreadPoolExecutor(4) as pool:
        statuses = sorted(status for status, *_rest in pool.map(lambda text: send(witness, text), views * 2))
    assert statuses.count(200) == 1
    assert set(statuses) <= {200, 409, 422}


def test_command_says_what_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "witness"
    for arguments in (["show"], ["add", "nonsense"], ["init", "two words"]):
        with pytest.raises(AssertionError, match=r"\w"):
            command(file, *arguments)
    command(file, "init", NAME)
    with pytest.raises(AssertionError, match="UNIQUE"):
        command(file, "init", NAME)


def test_file_itself_refuses_a_smaller_log(witness: RunningWitness) -> None:
    send(witness, body(0, leaves(6)))
    for change in ("UPDATE log SET size = 5", "UPDATE log SET root = x'00'", "DELETE FROM log"):
        with sqlite3.connect(witness.file) as db, pytest.raises(sqlite3.IntegrityError, match="a log"):
            db.execute(change)


def test_signatures_are_those_of_the_library(program: ModuleType) -> None:
    chance = random.Random(SEED_OF_CHANCE)
    for length in (0, 1, 32, 200):
        seed, message = chance.randbytes(32), chance.randbytes(length)
        own = Ed25519PrivateKey.from_private_bytes(seed)
        public = own.public_key().public_bytes_raw()
        assert program.public_of(seed) == public
        signature = program.sign(seed, message)
        assert signature == own.sign(message)
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
        assert program.is_signed(public, message, signature)
        assert not program.is_signed(public, message + b"x", signature)


def test_no_split_view_and_no_rollback_is_signed(program: ModuleType, tmp_path: Path) -> None:
    """An operator with the real key shows a witness, in any order, logs that part ways; one way alone is signed."""
    chance = random.Random(SEED_OF_CHANCE)
    kept = program.Witness(str(tmp_path / "witness"))
    kept.init(NAME)
    for number in range(VIEWS):
        origin = f"aid.example.org/pool/p{number}"
        seed = chance.randbytes(32)
        kept.add(public_key(name=origin, seed=seed).encode())
        parted, longest = chance.randrange(1, 40), chance.randrange(41, 80)
        ways = [
            [bytes([way if n >= parted else 0]) * 31 + bytes([n]) for n in range(longest)] for way in (1, 2)
        ]
        seen = 0
        signed_ways: set[int] = set()
        for _try in range(6):
            way, size = chance.randrange(2), chance.randrange(1, longest + 1)
            entries = ways[way][:size]
            note = checkpoint(entries, seed=seed, origin=origin)
            old = min(seen, size)
            text = request_body(old=old, proof=consistency_proof(old, entries), checkpoint=note)
            try:
                kept.cosign(text, 1_800_000_000)
            except program.Refused:
                continue
            assert size >= seen, f"AID_SEED={SEED_OF_CHANCE}: rolled back from {seen} to {size}"
            seen = size
            if size > parted:
                signed_ways.add(way)
        assert len(signed_ways) <= 1, f"AID_SEED={SEED_OF_CHANCE}: both ways of log {number} were signed"
