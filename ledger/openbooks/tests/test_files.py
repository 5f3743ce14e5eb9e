"""The signed log as everyone gets it: public files, page and API, on a database whose log the signer has signed."""

import datetime as dt
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from aidplatform.lib import clock
from aidplatform.testing.signing import TestSigner
from aidplatform.testing.world import World, set_clock
from aidplatform.tests.pages_helpers import client_of, post_another_period, public_world
from ledger.openbooks.canonical import leaf_hash
from ledger.openbooks.checkpoint_models import Checkpoint
from ledger.openbooks.checkpoints import fingerprint, open_checkpoint
from ledger.openbooks.merkle import tree_root, verify_consistency, verify_inclusion
from ledger.openbooks.policies import read_policy
from ledger.openbooks.services import append
from ledger.openbooks.tiles import tiles_of

FILES = "/t/test-pool/"
PAGE = "/pools/test-pool/open-books/"
API = "/api/v1/pools/test-pool/log/"


@pytest.fixture
def world(committed_db: tuple[str, str]) -> World:
    """Give the test a pool for everyone's eyes, whose log holds a posted period; its changes are real."""
    made = public_world()
    made.award(1_000_000)
    made.posted_period()
    return made


@pytest.fixture
def signer(world: World, tmp_path: Path) -> TestSigner:
    made = TestSigner(tmp_path / "signer" / "state")
    made.sign()
    return made


def state(*keys: str) -> None:
    for key in keys:
        append(code="test-pool", entry_type="stats", key=key, body={"n": 1}, at=clock.now())


def bundle(data: bytes) -> list[bytes]:
    found = []
    while data:
        length = int.from_bytes(data[:2])
        found.append(data[2 : 2 + length])
        data = data[2 + length :]
    return found


def move_clock(**by: int) -> None:
    """Set the clock so long after the last signature."""
    set_clock(Checkpoint.objects.order_by("-size")[0].signed_at + dt.timedelta(**by))


def test_stranger_follows_the_log_from_the_files_alone(signer: TestSigner) -> None:
    state(*(f"k{n}" for n in range(300)))
    signer.sign()
    visitor = client_of(None)
    note = visitor.get(f"{FILES}checkpoint")
    policy = read_policy(visitor.get(f"{FILES}policy").content.decode())
    head = open_checkpoint(note.content.decode(), log_key=policy.logs[0]).head
    assert (head.origin, policy.quorum) == ("aid.example.org/pool/test-pool", "none")
    hashes, entries = [], []
    for tile in tiles_of(head.size):
        data = visitor.get(f"{FILES}tile/{tile.level}/{tile.path}").content
        if tile.level == 0:
            hashes += [data[at : at + 32] for at in range(0, len(data), 32)]
            entries += bundle(visitor.get(f"{FILES}tile/entries/{tile.path}").content)
        else:
            assert data == tree_root(hashes[:256])
    assert head.size == len(entries) > 300
    assert hashes == [leaf_hash(data) for data in entries]
    assert tree_root(hashes) == head.root


def test_files_say_how_long_they_may_be_kept_and_that_anyone_may_read_them(signer: TestSigner) -> None:
    visitor = client_of(None)
    size = Checkpoint.objects.get().size
    kept = {
        "checkpoint": ("text/plain; charset=utf-8", "public, max-age=5"),
        "keys": ("text/plain; charset=utf-8", "public, max-age=5"),
        "policy": ("text/plain; charset=utf-8", "public, max-age=5"),
        f"tile/0/000.p/{size}": ("application/octet-stream", "public, max-age=31536000, immutable"),
        f"tile/entries/000.p/{size}": ("application/octet-stream", "public, max-age=31536000, immutable"),
    }
    for name, (kind, cache) in kept.items():
        answer = visitor.get(FILES + name)
        assert (answer.headers["Content-Type"], answer.headers["Cache-Control"]) == (kind, cache), name
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "Cookie" not in answer.headers.get("Vary", ""), name


def test_nothing_unsigned_is_in_the_files_and_what_was_signed_stays(signer: TestSigner) -> None:
    visitor = client_of(None)
    before = Checkpoint.objects.get().size
    old = visitor.get(f"{FILES}tile/entries/000.p/{before}").content
    state("a", "b")
    for kind in ("0", "entries"):
        assert visitor.get(f"{FILES}tile/{kind}/000.p/{before + 1}").status_code == 404
    signer.sign()
    assert visitor.get(f"{FILES}tile/entries/000.p/{before}").content == old
    assert visitor.get(f"{FILES}tile/entries/000.p/{before + 2}").content.startswith(old)


@pytest.mark.parametrize(
    "name",
    ["tile/0/000", "tile/1/000.p/1", "tile/0/001.p/1", "tile/00/000.p/1", "tile/64/000.p/1", "tile/0/0.p/1",
     "tile/0/000.p/01", "tile/0/000.p/256", "tile/0/x000/000.p/1", "tile/0/000.p/1/", "tile/-1/000.p/1", "tile/0/",
     "checkpoint/", "tile/entries/000", "tile/0/x999/x999/x999/x999/x999/x999/x999/999"],
)  # fmt: skip
def test_no_other_address_has_a_file(signer: TestSigner, name: str) -> None:
    assert client_of(None).get(FILES + name).status_code == 404


def test_before_the_first_signature_there_are_no_files(world: World) -> None:
    visitor = client_of(None)
    for name in ("checkpoint", "keys", "policy", "tile/0/000.p/1", "tile/entries/000.p/1"):
        assert visitor.get(FILES + name).status_code == 404
    for name in ("checkpoint/", "0/inclusion/", "consistency/0/"):
        assert visitor.get(API + name).status_code == 404
    assert "The signer has not been heard of" in visitor.get(PAGE).content.decode()
    assert visitor.get("/t/nowhere/checkpoint").status_code == 404


def test_statements_of_a_very_small_pool_are_for_its_own_people(
    committed_db: tuple[str, str], tmp_path: Path
) -> None:
    world = World.founded(members=20)
    world.posted_period()
    TestSigner(tmp_path / "state").sign()
    size = Checkpoint.objects.get().size
    address = f"{FILES}tile/entries/000.p/{size}"
    assert client_of(None).get(address).status_code == 403
    assert client_of(world.stranger).get(address).status_code == 403
    assert client_of(None).get(f"{FILES}tile/0/000.p/{size}").status_code == 200
    own = client_of(world.controller).get(address)
    assert own.status_code == 200
    assert "no-store" in own.headers["Cache-Control"]
    assert "public" not in own.headers["Cache-Control"]


@pytest.mark.parametrize("name", ["checkpoint", "keys", "policy", "tile/0/000.p/5", "tile/entries/000.p/5"])
def test_files_take_the_same_queries_whatever_the_size(signer: TestSigner, name: str) -> None:
    visitor = client_of(None)

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert visitor.get(FILES + name).status_code == 200
        return len(captured)

    queries()
    before = queries()
    state(*(f"k{n}" for n in range(40)))
    signer.sign()
    assert queries() == before


def test_page_shows_the_fingerprint_that_everyone_can_compute(signer: TestSigner) -> None:
    page = client_of(None).get(PAGE).content.decode()
    last = Checkpoint.objects.get()
    key = read_policy(client_of(None).get(f"{FILES}policy").content.decode()).logs[0]
    head = open_checkpoint(last.note, log_key=key).head
    assert fingerprint(head) in page
    assert bytes(last.root).hex() in page
    assert key.encode() in page
    assert "alert-refused" not in page
    log = client_of(None).get("/pools/test-pool/log/").content.decode()
    assert fingerprint(head) in log
    assert PAGE in log


def test_page_says_since_when_the_signer_does_not_sign(signer: TestSigner) -> None:
    state("a", "b")
    assert "alert-refused" not in client_of(None).get(PAGE).content.decode()
    move_clock(minutes=11)
    for address in (PAGE, "/pools/test-pool/log/"):
        page = client_of(None).get(address).content.decode()
        assert "The signer does not sign." in page
        assert "2 statements wait for their signature; the last one was given 11\xa0minutes ago" in page
    signer.sign()
    assert "alert-refused" not in client_of(None).get(PAGE).content.decode()


def test_page_says_since_when_the_signer_is_silent(signer: TestSigner) -> None:
    move_clock(hours=24)
    assert "alert-refused" not in client_of(None).get(PAGE).content.decode()
    move_clock(hours=26)
    page = client_of(None).get(PAGE).content.decode()
    assert "The signer is silent." in page
    assert "1\xa0day, 2\xa0hours ago" in page
    assert client_of(None).get(f"{API}checkpoint/").json()["is_silent"] is True
    signer.sign()
    assert "alert-refused" not in client_of(None).get(PAGE).content.decode()


def test_money_goes_on_without_the_signer_and_is_signed_later(world: World, signer: TestSigner) -> None:
    before = Checkpoint.objects.get().size
    post_another_period(world, "C-2")
    answer = client_of(None).get(f"{API}checkpoint/").json()
    assert answer["size"] == before
    assert answer["waiting"] > 3
    signer.sign()
    answer = client_of(None).get(f"{API}checkpoint/").json()
    assert (answer["waiting"], answer["waiting_since"]) == (0, None)
    proof = client_of(None).get(f"{API}consistency/{before}/").json()["proof"]
    old, new = Checkpoint.objects.order_by("size")
    assert verify_consistency(
        old=old.size,
        old_root=bytes(old.root),
        new=new.size,
        new_root=bytes(new.root),
        proof=[bytes.fromhex(part) for part in proof],
    )


def test_programs_get_proofs_that_hold(signer: TestSigner) -> None:
    state(*(f"k{n}" for n in range(20)))
    signer.sign()
    last = Checkpoint.objects.order_by("-size")[0]
    for seq in (0, 7, last.size - 1):
        answer = client_of(None).get(f"{API}{seq}/inclusion/").json()
        assert answer["checkpoint"]["note"] == last.note
        assert verify_inclusion(
            leaf=bytes.fromhex(answer["leaf_hash"]),
            index=seq,
            size=last.size,
            proof=[bytes.fromhex(part) for part in answer["proof"]],
            root=bytes(last.root),
        )
    assert client_of(None).get(f"{API}{last.size}/inclusion/").status_code == 404
    assert client_of(None).get(f"{API}consistency/{last.size + 1}/").status_code == 404
    assert client_of(None).get(f"{API}consistency/0/").json()["proof"] == []


def test_checkpoint_for_programs_says_what_the_page_says(signer: TestSigner) -> None:
    answer = client_of(None).get(f"{API}checkpoint/").json()
    page = client_of(None).get(PAGE).content.decode()
    for name in ("origin", "vkey", "root_hash", "fingerprint"):
        assert answer[name] in page
    assert answer["heard_at"] == answer["signed_at"]
    assert (answer["is_late"], answer["is_silent"]) == (False, False)


def test_downloaded_verifier_checks_downloaded_files(signer: TestSigner, tmp_path: Path) -> None:
    """A stranger with a copy of the files and of the one program, and nothing of the platform."""
    visitor = client_of(None)
    program = visitor.get("/t/verify.py")
    assert program.headers["Content-Disposition"] == 'attachment; filename="verify.py"'
    (tmp_path / "verify.py").write_bytes(program.content)
    kept = tmp_path / "kept"
    kept.write_bytes(visitor.get(f"{FILES}checkpoint").content)
    state("a", "b")
    signer.sign()
    size = Checkpoint.objects.order_by("-size")[0].size
    for name in ("checkpoint", "keys", "policy", f"tile/0/000.p/{size}", f"tile/entries/000.p/{size}"):
        file = tmp_path / "files" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(visitor.get(FILES + name).content)
    for arguments in (["log", "files"], ["history", "kept", "files"]):
        done = subprocess.run(
            [sys.executable, "-I", "-S", "verify.py", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
