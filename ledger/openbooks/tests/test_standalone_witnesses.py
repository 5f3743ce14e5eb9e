"""The stand-alone verifier on signatures of witnesses: how many have signed, and who only seems to."""

import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from ledger.openbooks.notes import (
    COSIGNATURE,
    ML_DSA_44,
    SignatureLine,
    VerifierKey,
    cosignature_text,
    public_key,
    read_note,
    subtree_text,
)
from ledger.openbooks.policies import composed
from ledger.openbooks.tests.test_standalone import FALSE, KEY, TRUE, UNCHECKED, entry, verify, write

SEEDS = {name: bytes([number]) * 32 for number, name in enumerate(("one", "two", "three"), start=1)}


def key_of(name: str) -> str:
    return public_key(name=f"{name}.example/aid", seed=SEEDS[name], kind=COSIGNATURE).encode()


def policy(*names: str, needed: int = 2) -> str:
    return f"log {KEY}\n" + composed([(key_of(name), "https://a.example/") for name in names], needed)


def line(note: str, name: str, at: int, *, seed: bytes | None = None) -> str:
    """Cosign as a witness does; seed: with another key under the same name and id."""
    key = public_key(name=f"{name}.example/aid", seed=SEEDS[name], kind=COSIGNATURE)
    own = Ed25519PrivateKey.from_private_bytes(seed or SEEDS[name])
    signature = own.sign(cosignature_text(read_note(note).text, at))
    return SignatureLine(key.name, key.key_id, at.to_bytes(8) + signature).encode()


@pytest.fixture
def files(tmp_path: Path) -> Path:
    return write(tmp_path / "files", [entry(place) for place in range(5)])


def judged(files: Path, text: str, *lines: str, is_bare: bool = True) -> tuple[int, str]:
    """Put a checkpoint with these lines among the files and a policy aside, and run the program."""
    note = (files / "checkpoint").read_text()
    (files / "checkpoint.witnessed").write_text(note + "".join(lines))
    (files.parent / "policy").write_text(text)
    return verify("witnesses", files, files.parent / "policy", is_bare=is_bare)


def test_enough_witnesses_are_counted(files: Path) -> None:
    note, now = (files / "checkpoint").read_text(), int(time.time())
    one, two, three = (line(note, name, now) for name in SEEDS)
    code, said = judged(files, policy(*SEEDS), one, two)
    assert (code, "2 witnesses have signed the 5 statements" in said) == (TRUE, True)
    assert judged(files, policy(*SEEDS), one, two, three)[0] == TRUE
    assert judged(files, policy(*SEEDS, needed=3), one, two, three)[0] == TRUE
    assert judged(files, policy(*SEEDS, needed=3), one, three)[0] == FALSE


def test_who_only_seems_to_have_signed_is_named(files: Path) -> None:
    note, now = (files / "checkpoint").read_text(), int(time.time())
    one, two = line(note, "one", now), line(note, "two", now)
    other = (files / "checkpoint").read_text().replace("\n5\n", "\n4\n", 1)
    twice = policy(*SEEDS).replace(key_of("two"), key_of("one"))
    cases = {
        "one signature given twice": ("enough_witnesses_have_signed", policy(*SEEDS), [one, one]),
        "nobody": ("enough_witnesses_have_signed", policy(*SEEDS), []),
        "one key under two names": ("witness_counts_once", twice, [one, two]),
        "somebody whom the policy does not name": (
            "enough_witnesses_have_signed",
            policy("one", "three"),
            [one, two],
        ),
        "another key": (
            "cosignature_is_signed",
            policy(*SEEDS),
            [one, line(note, "two", now, seed=bytes(32))],
        ),
        "of another checkpoint": ("cosignature_is_signed", policy(*SEEDS), [one, line(other, "two", now)]),
        "of tomorrow": ("cosignature_is_of_the_past", policy(*SEEDS), [one, line(note, "two", now + 90_000)]),
    }
    for name, (code, text, lines) in cases.items():
        ended, said = judged(files, text, *lines)
        assert (name, ended, f"[{code}]" in said) == (name, FALSE, True), said
    (files / "checkpoint").write_text(
        write(files.parent / "fork", [entry(9)]).joinpath("checkpoint").read_text()
    )
    assert judged(files, policy(*SEEDS), one, two)[0] == FALSE


def test_what_cannot_be_checked_is_no_good_sign(files: Path) -> None:
    assert verify("witnesses", files, files.parent / "policy")[0] == UNCHECKED
    code, said = judged(files, f"log {KEY}\nquorum none\n")
    assert (code, "it asks for no witness" in said) == (UNCHECKED, True)
    assert judged(files, policy(*SEEDS).replace("witness one", "witness other one"))[0] == UNCHECKED


# --- ML-DSA-44, which the standard library does not compute -----------------------------------------------------------

SECRET = MLDSA44PrivateKey.from_seed_bytes(bytes([9]) * 32)
QUANTUM = VerifierKey("four.example/aid", ML_DSA_44, SECRET.public_key().public_bytes_raw())


def with_quantum(needed: int) -> str:
    """Return the policy of the witness one, of two, and of one that signs by ML-DSA-44."""
    keys = [key_of("one"), key_of("two"), QUANTUM.encode()]
    return f"log {KEY}\n" + composed([(key, "https://a.example/") for key in keys], needed)


def quantum_line(note: str, at: int, *, signed_at: int | None = None) -> str:
    signature = SECRET.sign(subtree_text(QUANTUM, read_note(note).text, signed_at or at))
    return SignatureLine(QUANTUM.name, QUANTUM.key_id, at.to_bytes(8) + signature).encode()


def test_witness_of_ml_dsa_44_counts_where_it_can_be_computed(files: Path) -> None:
    note, now = (files / "checkpoint").read_text(), int(time.time())
    lines = [line(note, "one", now), quantum_line(note, now)]
    code, said = judged(files, with_quantum(2), *lines, is_bare=False)
    assert (code, "2 witnesses have signed" in said) == (TRUE, True), said
    for false in (quantum_line(note, now, signed_at=now - 1), quantum_line(note, now + 90_000)):
        assert judged(files, with_quantum(1), lines[0], false, is_bare=False)[0] == FALSE


def test_without_the_library_it_counts_neither_for_the_log_nor_against_it(files: Path) -> None:
    note, now = (files / "checkpoint").read_text(), int(time.time())
    one, two, quantum = line(note, "one", now), line(note, "two", now), quantum_line(note, now)
    code, said = judged(files, with_quantum(2), one, quantum)
    assert (code, "ML-DSA-44 of four.example/aid" in said) == (UNCHECKED, True), said
    assert judged(files, with_quantum(2), one, two, quantum)[0] == TRUE
    assert judged(files, with_quantum(3), one, quantum)[0] == FALSE
