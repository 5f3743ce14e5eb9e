"""Rolls as everyone gets them, and a member's own proof, judged by the stand-alone verifier on a bare interpreter."""

import json
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from aidplatform.testing.signing import TestSigner
from aidplatform.testing.world import World
from aidplatform.tests.pages_helpers import client_of, post_another_period, public_world
from ledger.openbooks.rolls import Record
from ledger.openbooks.tests.test_standalone import TRUE, UNCHECKED, verify
from ledger.openbooks.tiles import tiles_of
from ledger.sharing.roll_models import Roll
from ledger.sharing.roll_selectors import records_of
from members.joining.member_secrets import secret_of
from members.joining.models import Membership
from members.joining.tests.papers import paper
from members.joining.tests.test_secrets import joined
from members.people.models import User

FILES = "/t/test-pool/"
ROLL = f"{FILES}roll/1/"
API = "/api/v1/me/proofs/test-pool/1/"


@pytest.fixture
def member(committed_db: tuple[str, str], tmp_path: Path) -> Membership:
    """Give the test a member with a document in a pool of 151 whose first period is posted and signed."""
    world = public_world()
    membership = joined(world)
    world.award(1_000_000)
    world.posted_period()
    TestSigner(tmp_path / "signer" / "state").sign()
    return membership


def copied(folder: Path) -> Path:
    """Return a folder with the public files, as a visitor gets them."""
    visitor = client_of(None)
    head = visitor.get(f"{FILES}checkpoint").content.decode().split("\n")
    names = ["checkpoint", "keys", "roll/1/head", "roll/1/part/0"]
    names += [f"tile/entries/{tile.path}" for tile in tiles_of(int(head[1])) if tile.level == 0]
    for name in names:
        answer = visitor.get(FILES + name)
        assert answer.status_code == 200, name
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(answer.content)
    return folder


def test_member_proves_their_own_line_to_themselves(member: Membership, tmp_path: Path) -> None:
    client, own = client_of(member.person), secret_of(member)
    assert own is not None
    answer = client.get("/pools/test-pool/me/proofs/1.json")
    assert answer["Content-Disposition"] == 'attachment; filename="test-pool-1-proof.json"'
    assert "no-store" in answer["Cache-Control"]
    bundle = tmp_path / "bundle.json"
    bundle.write_bytes(answer.content)
    code, said = verify("member", bundle, "--id", paper().number, "--secret", own.text)
    assert code == TRUE, said
    assert f"member {member.number} of test-pool" in said
    assert verify("member", bundle)[0] == UNCHECKED
    api = client.get(API)
    assert api.json() == json.loads(answer.content)
    assert "no-store" in api["Cache-Control"]
    assert b"/pools/test-pool/me/proofs/1.json" in client.get("/pools/test-pool/me/shares/").content


def test_whoever_reads_the_files_checks_the_whole_roll(member: Membership, tmp_path: Path) -> None:
    code, said = verify("roll", copied(tmp_path / "files"), 1)
    assert code == TRUE, said
    assert "the 151 lines of period 1" in said


def test_files_of_a_roll_are_for_everyone_and_for_ever(member: Membership) -> None:
    visitor = client_of(None)
    closed = list(records_of(Roll.objects.get(stage="close"), first=0, end=9))
    part = visitor.get(f"{ROLL}part/0")
    assert part.content == b"".join(closed)
    assert "immutable" in part["Cache-Control"]
    assert part["Access-Control-Allow-Origin"] == "*"
    frozen = visitor.get(f"{ROLL}freeze/part/0").content
    assert [frozen[at : at + 41] for at in range(0, len(frozen), 41)] == [
        Record(record[:32], record[32]).encode() for record in closed
    ]
    head = visitor.get(f"{ROLL}head").json()
    assert (head["pool"], head["period"], head["close"]["n"], head["freeze"]["n"]) == (
        "test-pool",
        1,
        151,
        151,
    )
    assert head["close"]["head"] == bytes(Roll.objects.get(stage="close").head).hex()


def test_prefix_returns_those_that_begin_so(member: Membership) -> None:
    visitor = client_of(None)
    closed = list(records_of(Roll.objects.get(stage="close"), first=0, end=9))
    for wanted in (closed[0][:2], closed[75][:2], closed[-1][:2], b"\x00\x00", b"\xff\xff"):
        found = visitor.get(f"{ROLL}prefix/{wanted.hex()}")
        assert found.content == b"".join(record for record in closed if record[:2] == wanted)
        frozen = visitor.get(f"{ROLL}freeze/prefix/{wanted.hex()}")
        assert len(frozen.content) == len(found.content)


@pytest.mark.parametrize(
    "name",
    [
        "roll/2/head",
        "roll/1/part/1",
        "roll/1/part/01",
        "roll/2/part/0",
        "roll/1/prefix/ABCD",
        "roll/1/prefix/abc",
    ],
)
def test_addresses_of_nothing_are_not_found(member: Membership, name: str) -> None:
    assert client_of(None).get(FILES + name).status_code == 404


def test_proof_is_for_its_member_alone(member: Membership) -> None:
    for person in (None, User.objects.create_user("passer-by@example.org")):
        client = client_of(person)
        assert client.get("/pools/test-pool/me/proofs/1.json").status_code in {302, 404}
        assert client.get("/pools/test-pool/me/proofs/1/").status_code in {302, 404}
        assert client.get(API).status_code in {401, 403, 404}
    own = client_of(member.person)
    assert own.get("/pools/test-pool/me/proofs/2.json").status_code == 404
    assert own.get("/api/v1/me/proofs/test-pool/2/").status_code == 404


def test_proof_waits_for_the_signature_and_costs_the_same_later(
    committed_db: tuple[str, str], tmp_path: Path
) -> None:
    world = public_world()
    client = client_of(joined(world).person)
    world.award(1_000_000)
    world.posted_period()
    assert client.get(API).status_code == 404
    signer = TestSigner(tmp_path / "signer" / "state")
    signer.sign()
    with CaptureQueriesContext(connection) as one:
        assert client.get(API).status_code == 200
    post_another_period(world, "C-2")
    signer.sign()
    with CaptureQueriesContext(connection) as two:
        assert client.get(API).status_code == 200
    assert len(two) == len(one)


def test_roll_of_a_very_small_pool_is_for_its_people(world: World) -> None:
    world.award(1_000_000)
    world.posted_period()
    for name in ("head", "part/0", "prefix/0000", "freeze/part/0"):
        assert client_of(None).get(ROLL + name).status_code == 403
        answer = client_of(world.admin).get(ROLL + name)
        assert answer.status_code == 200
        assert answer["Cache-Control"] == "private, no-store"
