"""The stand-alone verifier as a stranger runs it: a bare interpreter, a folder of files, an exit code."""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from aidplatform.testing.plugin import ROOT
from ledger.openbooks.canonical import canonical_bytes, leaf_hash
from ledger.openbooks.checkpoints import Head
from ledger.openbooks.keys import rotation_text
from ledger.openbooks.merkle import tree_root
from ledger.openbooks.notes import b64, public_key, signature_of, signed
from ledger.openbooks.tiles import entry_bundle, tile_hashes, tiles_of

ORIGIN = "aid.example.org/pool/test-pool"
SEED = bytes(range(32))
KEY = public_key(name=ORIGIN, seed=SEED).encode()
LATER = bytes(reversed(range(32)))
LATER_KEY = public_key(name=ORIGIN, seed=LATER).encode()
TRUE, FALSE, UNCHECKED = 0, 1, 2


def line_of_key(seed: bytes = SEED, *, old: str = KEY, new: str = LATER_KEY) -> list[str]:
    """Return a log's second key and what the first one, or another, has signed for it."""
    return [new, b64(signature_of(rotation_text(old, new), seed=seed))]


def entry(place: int, **changes: object) -> bytes:
    whole = {"v": 1, "pool": "test-pool", "type": "stats", "at": "2026-01-07T00:00:00Z", "seq": place}
    return canonical_bytes(whole | {"body": {"n": place, "of": "成员"}} | changes)


def write(folder: Path, entries: list[bytes], *, origin: str = ORIGIN, seed: bytes = SEED) -> Path:
    """Write the public files of a log of these entries, signed with the real key whatever they are."""
    leaves = [leaf_hash(data) for data in entries]
    folder.mkdir()
    for tile in tiles_of(len(entries)):
        for kind in (str(tile.level), *(["entries"] if tile.level == 0 else [])):
            spanned = slice(*tile.leaves)
            file = folder / "tile" / kind / tile.path
            file.parent.mkdir(parents=True, exist_ok=True)
            is_hashes = kind != "entries"
            file.write_bytes(
                tile_hashes(tile, leaves[spanned]) if is_hashes else entry_bundle(entries[spanned])
            )
    head = Head(origin, len(entries), tree_root(leaves))
    (folder / "checkpoint").write_text(signed(head.text(), name=origin, seed=seed).encode())
    (folder / "keys").write_text(f"{public_key(name=origin, seed=seed).encode()}\n")
    return folder


def verify(*arguments: object, is_bare: bool = True) -> tuple[int, str]:
    """Run a copy of the one file, away from the project. is_bare: with nothing but the standard library."""
    done = subprocess.run(
        [
            sys.executable,
            "-I",
            *(["-S"] if is_bare else []),
            str(ROOT / "ledger/openbooks/standalone/verify.py"),
            *map(str, arguments),
        ],
        capture_output=True,
        text=True,
        cwd="/",
        env={"PYTHONIOENCODING": "utf-8", "PATH": "/usr/bin:/bin", "PYTHONUTF8": "1", "LC_ALL": "C.UTF-8"},
        check=False,
    )
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout


@pytest.fixture
def files(tmp_path: Path) -> Path:
    return write(tmp_path / "files", [entry(seq) for seq in range(300)])


def test_selftest_passes() -> None:
    code, said = verify("selftest")
    assert code == TRUE
    assert "True: the published examples" in said
    assert "属实" in said


@pytest.mark.parametrize("size", [1, 2, 5, 255, 256, 257, 513])
def test_true_log_is_true(tmp_path: Path, size: int) -> None:
    code, said = verify("log", write(tmp_path / "files", [entry(seq) for seq in range(size)]), "--key", KEY)
    assert code == TRUE
    assert f"True: {size} statements of {ORIGIN} have the signed root." in said
    assert "came with the files" not in said


def test_true_log_is_true_over_http(files: Path) -> None:
    handler = partial(SimpleHTTPRequestHandler, directory=str(files))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        code, said = verify("log", f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
    assert code == TRUE
    assert "The key came with the files. 密钥取自同一来源。" in said


@pytest.mark.parametrize("old", [1, 128, 255, 299, 300])
def test_true_history_is_true(tmp_path: Path, files: Path, old: int) -> None:
    kept = write(tmp_path / "before", [entry(seq) for seq in range(old)]) / "checkpoint"
    code, said = verify("history", kept, files, "--key", KEY)
    assert code == TRUE
    assert f"{old} statements of before are the beginning of 300" in said


def _swapped(entries: list[bytes]) -> list[bytes]:
    return [*entries[:100], entries[101], entries[100], *entries[102:]]


# How a history of 300 statements is rewritten, and under which name it is found.
REWRITTEN: list[tuple[Any, str]] = [
    (lambda good: [*good[:9], entry(9, body={"n": 0}), *good[10:]], "nothing_was_rewritten"),
    (lambda good: [*good[:9], *good[10:], entry(300)], "nothing_was_rewritten"),
    (_swapped, "nothing_was_rewritten"),
    (lambda good: good[:199], "log_only_grows"),
]


@pytest.mark.parametrize(
    ("forge", "code"), REWRITTEN, ids=["entry edited", "entry deleted", "entries reordered", "rolled back"]
)
def test_rewritten_history_is_false_though_it_is_signed_with_the_real_key(
    tmp_path: Path, files: Path, forge: Callable[[list[bytes]], list[bytes]], code: str
) -> None:
    kept = write(tmp_path / "before", [entry(seq) for seq in range(200)]) / "checkpoint"
    forged = write(tmp_path / "forged", forge([entry(seq) for seq in range(300)]))
    exit_code, said = verify("history", kept, forged, "--key", KEY)
    assert exit_code == FALSE
    assert f"FALSE 不实 [{code}]" in said
    assert "expected 应为: " in said


# How the seventh statement is written otherwise.
MISWRITTEN: list[tuple[Any, str]] = [
    ({"seq": 8}, "entry_names_its_place"),
    ({"pool": "other"}, "entry_names_its_place"),
    ({"v": 2}, "entry_names_its_place"),
    (b'{"v":1, "pool":"test-pool"}', "entry_is_canonical"),
    (b'{"body":{"n":1.5},"pool":"test-pool","seq":7,"v":1}', "entry_is_canonical"),
    (b'{"body":{"n":9007199254740992},"pool":"test-pool","seq":7,"v":1}', "entry_is_canonical"),
    (b'{"body":{"n":null},"pool":"test-pool","seq":7,"v":1}', "entry_is_canonical"),
    (b'{"body":{"n":1,"n":1},"pool":"test-pool","seq":7,"v":1}', "entry_is_canonical"),
    ('{"body":{"n":"e\u0301"},"pool":"test-pool","seq":7,"v":1}'.encode(), "entry_is_canonical"),
    (b'{"pool":"test-pool","seq":7,"v":1,"body":{}}', "entry_is_canonical"),
    (b'{"pool":"test-pool","seq":7,"v":1}', "entry_is_canonical"),
    (b"\xff\xfe", "entry_is_canonical"),
    (b"", "entry_is_canonical"),
]  # fmt: skip


@pytest.mark.parametrize(("harm", "code"), MISWRITTEN)
def test_signed_entry_that_is_written_otherwise_is_false(tmp_path: Path, harm: object, code: str) -> None:
    bad = entry(7, **harm) if isinstance(harm, dict) else harm
    entries = [entry(seq) if seq != 7 else bad for seq in range(10)]
    exit_code, said = verify("log", write(tmp_path / "files", entries), "--key", KEY)
    assert exit_code == FALSE
    assert f"[{code}]" in said


def test_served_entries_that_are_not_the_signed_ones_are_false(tmp_path: Path, files: Path) -> None:
    other = write(tmp_path / "other", [entry(seq, body={"n": 0}) for seq in range(300)])
    shutil.copytree(other / "tile" / "entries", files / "tile" / "entries", dirs_exist_ok=True)
    exit_code, said = verify("log", files, "--key", KEY)
    assert exit_code == FALSE
    assert "[entries_have_the_signed_root]" in said


def test_served_hashes_that_are_not_the_signed_ones_are_false(tmp_path: Path, files: Path) -> None:
    tile = files / "tile" / "0" / "000"
    tile.write_bytes(tile.read_bytes()[:-32] + hashlib.sha256(b"another").digest())
    exit_code, said = verify("history", files / "checkpoint", files, "--key", KEY)
    assert exit_code == FALSE
    assert "[hashes_have_the_signed_root]" in said


# What else stands in the place of a checkpoint.
OF_SOMEBODY_ELSE: list[tuple[Any, str]] = [
    (lambda note: note.replace("\n300\n", "\n299\n"), "checkpoint_is_signed"),
    (lambda note: note.replace("\n300\n", "\n0300\n"), "checkpoint_is_written"),
    (lambda note: note.replace("\n\n", "\nextension\n\n"), "checkpoint_is_written"),
    (lambda note: note.partition("\n\n")[0] + "\n\n", "checkpoint_is_written"),
    (lambda note: "", "checkpoint_is_written"),
    (lambda note: note.replace("/test-pool\n", "/best-pool\n"), "checkpoint_is_of_its_log"),
    (lambda note: signed(Head(ORIGIN, 300, bytes(32)).text(), name=ORIGIN, seed=bytes(32)).encode(),
     "checkpoint_is_signed"),
    (lambda note: note[:-2] + "\n", "checkpoint_is_written"),
    (lambda note: note[:-12] + "AAAAAAAAAA=\n", "checkpoint_is_signed"),
]  # fmt: skip


@pytest.mark.parametrize(("harm", "code"), OF_SOMEBODY_ELSE)
def test_checkpoint_of_somebody_else_is_false(files: Path, harm: Callable[[str], str], code: str) -> None:
    place = files / "checkpoint"
    place.write_text(harm(place.read_text()))
    exit_code, said = verify("log", files, "--key", KEY)
    assert exit_code == FALSE
    assert f"[{code}]" in said


@pytest.mark.parametrize(
    "harm",
    [
        lambda files: (files / "checkpoint").unlink(),
        lambda files: (files / "keys").write_text("\n"),
        lambda files: (files / "keys").write_text(f"{KEY[:-4]}AAAA\n"),
        lambda files: (files / "tile" / "entries" / "000").unlink(),
        lambda files: (files / "tile" / "entries" / "000").write_bytes(b"\x00"),
        lambda files: (files / "checkpoint").write_bytes(b"\xff"),
    ],
)
def test_what_is_missing_could_not_be_checked_and_is_never_true(
    files: Path, harm: Callable[[Path], object]
) -> None:
    harm(files)
    exit_code, said = verify("log", files)
    assert exit_code == UNCHECKED
    assert said.startswith("COULD NOT CHECK 未能检查")
    assert "True" not in said


def test_kept_checkpoint_that_cannot_be_read_could_not_be_checked(files: Path) -> None:
    assert verify("history", files / "away", files)[0] == UNCHECKED
    assert verify("log", files / "away")[0] == UNCHECKED


def test_verifier_is_short_enough_to_be_read_and_uses_the_standard_library_alone() -> None:
    source = (ROOT / "ledger/openbooks/standalone/verify.py").read_text()
    assert len(source.splitlines()) <= 1_400
    imported = {
        line.split()[1].split(".")[0] for line in source.splitlines() if line.startswith(("import ", "from "))
    }
    assert imported <= set(sys.stdlib_module_names)
