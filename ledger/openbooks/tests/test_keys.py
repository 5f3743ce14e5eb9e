"""A log changes its key: the old one signs for the new one, the log says so, and whoever kept the old one follows."""

import signal
from pathlib import Path

import psycopg
import pytest

from aidplatform.testing.refusals import refused as refused_to_app
from aidplatform.testing.signing import DOMAIN, SECRET, TestSigner
from aidplatform.testing.witnesses import command
from ledger.books.services import open_book
from ledger.openbooks.checkpoint_models import Checkpoint, LogKey
from ledger.openbooks.checkpoints import Head, open_checkpoint
from ledger.openbooks.keys import keys_in_use, keys_of, published_keys
from ledger.openbooks.merkle import consistency_proof, tree_root
from ledger.openbooks.models import Log, LogEntry
from ledger.openbooks.notes import b64, public_key, read_key
from ledger.openbooks.services import append, state_changes_of_keys
from ledger.openbooks.signer import SignerRefusesError
from ledger.openbooks.signer_state import SignerState, StateError
from ledger.openbooks.standalone.witness import Refused, Witness
from ledger.openbooks.tests.books_cases import of_keys
from ledger.openbooks.tests.test_checkpoint_guarantees import (
    ANOTHER,
    AT,
    CODE,
    ORIGIN,
    SEED,
    VKEY,
    findings,
    head,
    insider,
    log,
    refused,
    state,
    store,
)
from ledger.openbooks.tests.test_standalone import (
    FALSE,
    KEY,
    LATER,
    LATER_KEY,
    TRUE,
    UNCHECKED,
    line_of_key,
    verify,
)

__all__ = ["insider", "log"]

NEW_SECRET = "only-for-tests-" + "y" * 50
LAST_SECRET = "only-for-tests-" + "x" * 50


@pytest.fixture
def signer(log: Log, tmp_path: Path) -> TestSigner:
    """Give the signer of a log of three entries, which it has signed."""
    made = TestSigner(tmp_path / "signer" / "state")
    made.sign()
    return made


def renewed(signer: TestSigner, secret: str = NEW_SECRET, *before: str) -> TestSigner:
    return TestSigner(signer.path, secret, before or (SECRET,))


def heads() -> list[tuple[int, int]]:
    """Return the size of every checkpoint, and by which key of its log it is signed; demand that it is true."""
    keys, found = keys_of(CODE), []
    leaves = [bytes(leaf) for leaf in LogEntry.objects.order_by("seq").values_list("leaf_hash", flat=True)]
    for one in Checkpoint.objects.order_by("size"):
        number = len(keys_in_use(keys, one))
        told = open_checkpoint(one.note, log_key=read_key(keys[number - 1].vkey)).head
        assert told == Head(f"{DOMAIN}/pool/{CODE}", one.size, tree_root(leaves[: one.size]))
        found.append((one.size, number))
    return found


def test_old_key_signs_up_to_the_statement_and_the_new_one_from_there(signer: TestSigner) -> None:
    new = renewed(signer)
    assert new.sign() == 0
    assert [key.number for key in keys_of(CODE)] == [1, 2]
    assert (
        published_keys(keys_in_use(keys_of(CODE), Checkpoint.objects.get())) == f"{keys_of(CODE)[0].vkey}\n"
    )
    state("d")
    new.sign()
    assert [state_changes_of_keys(), state_changes_of_keys()] == [1, 0]
    state("e", "f")
    new.sign()
    assert heads() == [(3, 1), (4, 1), (5, 1), (7, 2)]
    first, second = published_keys(keys_of(CODE)).splitlines()
    assert [first, second.split(" ")[0]] == [key.vkey for key in keys_of(CODE)]
    # From here on nobody needs the old secret.
    state("g")
    assert TestSigner(signer.path, NEW_SECRET).sign() == 1
    assert heads()[-1] == (8, 2)
    assert findings()[0] == "0"


def test_key_may_change_again_once_the_change_before_is_stated(signer: TestSigner) -> None:
    renewed(signer).sign()
    last = renewed(signer, LAST_SECRET, NEW_SECRET, SECRET)
    last.sign()
    assert len(keys_of(CODE)) == 2
    state_changes_of_keys()
    last.sign()
    state_changes_of_keys()
    state("d")
    last.sign()
    assert [len(keys_of(CODE)), heads()] == [3, [(3, 1), (4, 1), (5, 2), (6, 3)]]


def test_nobody_renews_a_key_without_the_old_one_or_goes_back(signer: TestSigner) -> None:
    state("d")
    with pytest.raises(SignerRefusesError, match="this is another"):
        TestSigner(signer.path, NEW_SECRET).sign()
    renewed(signer).sign()
    state_changes_of_keys()
    with pytest.raises(SignerRefusesError, match="was replaced by"):
        renewed(signer, SECRET, NEW_SECRET).sign()
    assert [len(keys_of(CODE)), heads()] == [2, [(3, 1), (4, 1)]]


def test_key_signs_for_one_only_even_when_the_database_forgets(
    signer: TestSigner, unguarded: psycopg.Connection
) -> None:
    """A database restored from before the change: the same change is made again, and no other."""
    renewed(signer).sign()
    told = keys_of(CODE)[1]
    unguarded.execute("DELETE FROM ledger_logkey WHERE number = 2")
    with pytest.raises(SignerRefusesError, match="has signed for"):
        renewed(signer, LAST_SECRET).sign()
    renewed(signer).sign()
    assert [keys_of(CODE)[1].vkey, keys_of(CODE)[1].signature] == [told.vkey, told.signature]
    with SignerState(signer.path) as kept, pytest.raises(StateError, match="has signed for"):
        kept.note_key(ORIGIN, keys_of(CODE)[0].vkey, ANOTHER)


@pytest.mark.crash
def test_kill_between_file_and_key_leaves_nothing_to_mend(signer: TestSigner, tmp_path: Path) -> None:
    folder = tmp_path / "failpoints"
    folder.mkdir()
    (folder / "signer.key_noted").write_text("1 self\n")
    more = {"AID_SIGNER_KEYS_BEFORE": SECRET, "AID_SIGNER_KEY": NEW_SECRET}
    killed = signer.run("--once", AID_FAILPOINTS=str(folder), **more)
    assert [killed.returncode, LogKey.objects.count()] == [-signal.SIGKILL, 1]
    assert signer.run("--once", **more).returncode == 0
    state_changes_of_keys()
    state("d")
    assert signer.run("--once", **more).returncode == 0
    assert heads() == [(3, 1), (4, 1), (5, 2)]


def test_earlier_secrets_are_as_long_as_others(signer: TestSigner) -> None:
    assert (
        "AID_SIGNER_KEYS_BEFORE holds a key of fewer than 50"
        in signer.run("--once", AID_SIGNER_KEYS_BEFORE="short").stderr
    )


# --- what the database holds, whoever has the signer's password --------------------------------------------------


def add_key(insider: psycopg.Connection, log: Log, number: int, line: list[str]) -> None:
    insider.execute(
        "INSERT INTO ledger_logkey (log_id, number, vkey, signature, since_at) VALUES (%s, %s, %s, %s, %s)",
        [log.pk, number, *line, AT],
    )


SECOND = line_of_key(SEED, old=VKEY, new=ANOTHER)


def test_log_keys_follow_each_other(insider: psycopg.Connection, log: Log) -> None:
    for number in (1, 3):
        with refused("log_keys_follow_each_other"):
            add_key(insider, log, number, SECOND)
    elsewhere = public_key(name=ORIGIN.replace("test", "best"), seed=bytes(32)).encode()
    with refused("log_keys_follow_each_other"):
        add_key(insider, log, 2, line_of_key(SEED, old=VKEY, new=elsewhere))
    add_key(insider, log, 2, SECOND)
    with refused("log_keys_follow_each_other"):
        add_key(
            insider,
            log,
            3,
            line_of_key(bytes(32), old=ANOTHER, new=public_key(name=ORIGIN, seed=LATER).encode()),
        )


@pytest.mark.parametrize("signature", ["", "A" * 86, "A" * 85 + "!=="])
def test_later_log_key_has_a_signature(insider: psycopg.Connection, log: Log, signature: str) -> None:
    with refused("later_log_key_has_a_signature"):
        add_key(insider, log, 2, [ANOTHER, signature])


def test_log_key_comes_once(insider: psycopg.Connection, log: Log) -> None:
    with refused("log_key_comes_once"):
        add_key(insider, log, 2, [VKEY, SECOND[1]])


def test_log_states_keys_as_signed(insider: psycopg.Connection, log: Log) -> None:
    body = {"number": 2, "old": VKEY, "new": ANOTHER, "signature": SECOND[1]}
    told = {"code": CODE, "entry_type": "key.rotate", "key": "2", "at": AT}
    with refused_to_app("log_states_keys_as_signed"):
        append(**told, body=body)
    add_key(insider, log, 2, SECOND)
    for harm in ({"new": VKEY}, {"old": ANOTHER}, {"signature": "A" * 86 + "=="}, {"number": 3}, {"more": 1}):
        with refused_to_app("log_states_keys_as_signed"):
            append(**told, body=body | harm)
    append(**told, body=body)


def test_checkpoint_is_signed_by_the_key_in_force(insider: psycopg.Connection, log: Log) -> None:
    add_key(insider, log, 2, SECOND)
    state_changes_of_keys()
    state("d")
    later = bytes(32)
    with refused("checkpoint_is_signed_by_the_key_in_force"):
        store(insider, log, head(4), seed=later)
    with refused("new_key_waits_for_the_old_one"):
        store(insider, log, head(5), seed=later)
    store(insider, log, head(4))
    with refused("checkpoint_is_signed_by_the_key_in_force"):
        store(insider, log, head(5))
    store(insider, log, head(5), seed=later)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (
            f"UPDATE ledger_logkey SET signature = '{'A' * 86}==' WHERE number = 2",
            "log_keys_follow_each_other",
        ),
        (
            f"UPDATE ledger_logkey SET signature = '{'A' * 86}==' WHERE number = 2",
            "log_states_keys_as_signed",
        ),
        ("DELETE FROM ledger_logkey WHERE number = 2", "log_states_keys_as_signed"),
        ("DELETE FROM ledger_checkpoint WHERE size = 4", "new_key_waits_for_the_old_one"),
        ("UPDATE ledger_logkey SET number = 3 - number", "checkpoint_is_signed"),
    ],
)
def test_verify_books_finds_what_no_guard_could_stop(
    insider: psycopg.Connection, log: Log, unguarded: psycopg.Connection, harm: str, said: str
) -> None:
    open_book(code=CODE, currency="CNY")
    add_key(insider, log, 2, SECOND)
    state_changes_of_keys()
    state("d")
    store(insider, log, head(4))
    store(insider, log, head(5), seed=bytes(32))
    assert findings()[0] == "0"
    unguarded.execute("ALTER TABLE ledger_logkey DROP CONSTRAINT one_log_key_per_number")
    unguarded.execute("ALTER TABLE ledger_logkey DROP CONSTRAINT later_log_key_has_a_signature")
    unguarded.execute(harm)
    assert said in findings()


# --- who reads ------------------------------------------------------------------------------------------------------


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Path]:
    """Write each case of a log that changes its key into a folder, by its name."""
    found: dict[str, Path] = {}
    for number, case in enumerate(of_keys()):
        folder = tmp_path / str(number)
        for name, data in case.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        found.setdefault(case.name, folder)
    return found


def test_whoever_has_the_old_key_follows_to_the_new_one(folders: dict[str, Path]) -> None:
    files = folders[f"true key change {KEY[:40]}"]
    for key in (["--key", KEY], ["--key", LATER_KEY], []):
        code, said = verify("log", files, *key)
        assert (code, "True: 9 statements" in said) == (TRUE, True)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("in force too early", "keys_are_in_the_log"),
        ("old key goes on", "checkpoint_is_signed"),
        ("old key hides it", "keys_are_in_the_log"),
        ("not stated", "keys_are_in_the_log"),
        ("not told", "checkpoint_is_signed"),
        ("not signed by the old key", "key_follows_the_last"),
        ("another one stated", "keys_are_in_the_log"),
        ("another one signs", "checkpoint_is_signed"),
    ],
)
def test_false_change_of_key_is_false(folders: dict[str, Path], name: str, code: str) -> None:
    exit_code, said = verify("log", folders[name], "--key", KEY)
    assert (exit_code, f"[{code}]" in said) == (FALSE, True), said


def test_file_of_keys_that_is_written_otherwise_could_not_be_checked(folders: dict[str, Path]) -> None:
    assert verify("log", folders["keys written otherwise"], "--key", KEY)[0] == UNCHECKED


def test_witness_takes_a_new_key_when_its_people_say_so(signer: TestSigner, tmp_path: Path) -> None:
    """It signs nothing under the new key before, and never takes one that the old key has not signed for."""
    witness, keys = Witness(tmp_path / "witness"), tmp_path / "keys"
    witness.init("witness.example/one")
    witness.add(keys_of(CODE)[0].vkey)
    new = renewed(signer)
    new.sign()
    state_changes_of_keys()
    new.sign()
    state("d")
    new.sign()
    assert heads() == [(3, 1), (4, 1), (5, 2)]
    asked(witness, 0, 3)
    asked(witness, 3, 4)
    with pytest.raises(Refused, match="the log has not signed this"):
        asked(witness, 4, 5)
    published, signature = published_keys(keys_of(CODE)), keys_of(CODE)[1].signature
    for text, said in (
        (published.replace(signature, "A" * 86 + "=="), "the one before it has not signed"),
        (f"{LATER_KEY}\n", "is not among these"),
    ):
        with pytest.raises(ValueError, match=said):
            witness.follow(text)
    keys.write_text(published)
    assert command(tmp_path / "witness", "follow", str(keys)) == keys_of(CODE)[1].vkey
    asked(witness, 4, 5)
    assert [(size, root) for _origin, size, root, _at in witness.seen()] == [
        (5, bytes(Checkpoint.objects.get(size=5).root))
    ]


def asked(witness: Witness, old: int, size: int) -> None:
    """Ask for a signature as the platform does. Raises: Refused."""
    leaves = [bytes(leaf) for leaf in LogEntry.objects.order_by("seq").values_list("leaf_hash", flat=True)]
    proof = "".join(f"{b64(one)}\n" for one in consistency_proof(old, leaves[:size]) if old)
    note = Checkpoint.objects.get(size=size).note
    assert witness.cosign(f"old {old}\n{proof}\n{note}", 1_800_000_000).startswith(
        "\u2014 witness.example/one "
    )
