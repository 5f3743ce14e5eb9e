"""The signer on a database of its own: what it signs, what it never signs, and what survives a crash."""

import datetime as dt
import shutil
import signal
from pathlib import Path

import psycopg
import pytest

from aidplatform.lib import clock
from aidplatform.testing.refusals import value
from aidplatform.testing.signing import DOMAIN, SECRET, TestSigner
from aidplatform.testing.stack import connected_to, wait_until
from aidplatform.work.models import Installation
from ledger.openbooks.canonical import canonical_bytes, leaf_hash
from ledger.openbooks.checkpoint_models import Checkpoint, Heartbeat, LogKey
from ledger.openbooks.checkpoints import Head, open_checkpoint
from ledger.openbooks.merkle import tree_root
from ledger.openbooks.models import LogEntry
from ledger.openbooks.notes import read_key
from ledger.openbooks.services import append, open_log
from ledger.openbooks.signer import Signer, SignerRefusesError
from ledger.openbooks.signer_state import SignerState, StateError

AT = dt.datetime(2026, 1, 7, tzinfo=dt.UTC)
CODE = "test-log"
ORIGIN = f"{DOMAIN}/pool/{CODE}"


@pytest.fixture
def signer(committed_db: tuple[str, str], tmp_path: Path) -> TestSigner:
    open_log(code=CODE)
    return TestSigner(tmp_path / "signer" / "state")


def state(*keys: str) -> None:
    for key in keys:
        append(code=CODE, entry_type="stats", key=key, body={"n": len(key)}, at=AT)


def sizes() -> list[int]:
    return list(Checkpoint.objects.order_by("size").values_list("size", flat=True))


def leaves() -> list[bytes]:
    return [
        leaf_hash(bytes(data)) for data in LogEntry.objects.order_by("seq").values_list("data", flat=True)
    ]


def assert_true() -> None:
    """Demand that every checkpoint opens under the log's key and is over the entries as they are."""
    key = read_key(LogKey.objects.get().vkey)
    for checkpoint in Checkpoint.objects.all():
        head = Head(ORIGIN, checkpoint.size, tree_root(leaves()[: checkpoint.size]))
        assert open_checkpoint(checkpoint.note, log_key=key).head == head
        assert bytes(checkpoint.root) == head.root


def test_signer_signs_what_has_grown_and_nothing_twice(signer: TestSigner) -> None:
    assert signer.sign() == 0
    state("a", "b", "c")
    assert [signer.sign(), signer.sign(), sizes()] == [1, 0, [3]]
    state("d")
    assert [signer.sign(), signer.sign(), sizes()] == [1, 0, [3, 4]]
    assert_true()


def test_each_log_has_a_key_of_its_own(signer: TestSigner) -> None:
    open_log(code="other-log")
    for code in (CODE, "other-log"):
        append(code=code, entry_type="stats", key="k", body={}, at=AT)
    assert signer.sign() == 2
    keys = [read_key(vkey) for vkey in LogKey.objects.order_by("log__code").values_list("vkey", flat=True)]
    assert [key.name for key in keys] == [f"{DOMAIN}/pool/other-log", ORIGIN]
    assert len({key.public for key in keys}) == 2


def test_signer_that_was_away_signs_the_whole_growth_at_once(signer: TestSigner) -> None:
    state("a")
    signer.sign()
    state(*(f"day-{n}" for n in range(300)))
    assert [signer.sign(), sizes()] == [1, [1, 301]]
    assert_true()


def test_signer_says_once_a_day_that_it_is_there(signer: TestSigner) -> None:
    state("a")
    signer.sign()
    assert [signer.sign(), Heartbeat.objects.count()] == [0, 0]
    _move_clock(hours=24)
    assert [signer.sign(), signer.sign(), Heartbeat.objects.count()] == [1, 0, 1]
    _move_clock(hours=49)
    assert [signer.sign(), Heartbeat.objects.count(), sizes()] == [1, 2, [1]]
    last = Heartbeat.objects.order_by("-at")[0]
    assert clock.now() - last.at < dt.timedelta(minutes=1)


def _move_clock(hours: int) -> None:
    Installation.objects.update(clock_offset=dt.timedelta(hours=hours))


def test_signer_refuses_a_log_that_was_rolled_back(signer: TestSigner, unguarded: psycopg.Connection) -> None:
    """A database restored from before the last checkpoint, checkpoints and all."""
    state("a", "b", "c")
    signer.sign()
    unguarded.execute("DELETE FROM ledger_checkpoint")
    unguarded.execute("DELETE FROM ledger_logentry WHERE seq = 2")
    unguarded.execute("UPDATE ledger_log SET size = 2")
    with pytest.raises(SignerRefusesError, match="3 entries were signed, and the database holds 2"):
        signer.sign()
    assert sizes() == []


def test_signer_refuses_a_fork_after_a_restored_database(
    signer: TestSigner, unguarded: psycopg.Connection
) -> None:
    """The restored database goes on with other entries, beyond the size that was signed."""
    state("a", "b", "c")
    signer.sign()
    unguarded.execute("DELETE FROM ledger_checkpoint")
    unguarded.execute("DELETE FROM ledger_logentry WHERE seq = 2")
    unguarded.execute("UPDATE ledger_log SET size = 2")
    state("another c", "d")
    with pytest.raises(SignerRefusesError, match="the log has been forked"):
        signer.sign()
    assert sizes() == []


@pytest.mark.parametrize("grown", [False, True])
def test_signer_refuses_an_entry_that_was_edited(
    signer: TestSigner, unguarded: psycopg.Connection, grown: bool
) -> None:
    """An edit without growth shows at the next heartbeat: nobody says then that all is as it was."""
    state("a", "b", "c")
    signer.sign()
    data = canonical_bytes({"v": 1, "pool": CODE, "type": "stats", "at": "x", "seq": 1, "body": {}})
    unguarded.execute(
        "UPDATE ledger_logentry SET data = %s, leaf_hash = %s WHERE seq = 1", [data, leaf_hash(data)]
    )
    if grown:
        state("d")
    else:
        _move_clock(hours=25)
    with pytest.raises(SignerRefusesError, match="the log has been forked"):
        signer.sign()
    assert [sizes(), Heartbeat.objects.count()] == [[3], 0]


def test_signer_refuses_entries_that_changed_places(
    signer: TestSigner, unguarded: psycopg.Connection
) -> None:
    state("a", "b", "c")
    signer.sign()
    for was, now in ((1, 9), (2, 1), (9, 2)):
        unguarded.execute("UPDATE ledger_logentry SET seq = %s WHERE seq = %s", [now, was])
    _move_clock(hours=25)
    with pytest.raises(SignerRefusesError, match="the log has been forked"):
        signer.sign()


def test_signer_refuses_a_leaf_that_is_not_of_its_bytes(
    signer: TestSigner, unguarded: psycopg.Connection
) -> None:
    state("a", "b")
    unguarded.execute("UPDATE ledger_logentry SET data = data || ' ' WHERE seq = 1")
    with pytest.raises(SignerRefusesError, match="The bytes of entry 1 have another hash"):
        signer.sign()
    assert sizes() == []


@pytest.mark.parametrize("lost", [False, True])
def test_signer_refuses_with_an_old_copy_of_its_own_file(signer: TestSigner, lost: bool) -> None:
    """Its memory is what it is trusted for: without it a fork could be signed that it has forgotten."""
    state("a")
    signer.sign()
    copy = signer.path.with_name("copy")
    shutil.copy(signer.path, copy)
    state("b")
    signer.sign()
    if lost:
        signer.path.unlink()
    else:
        shutil.copy(copy, signer.path)
    state("c")
    with pytest.raises(SignerRefusesError, match="a checkpoint of 2 entries, and the signer's file knows of"):
        signer.sign()
    assert sizes() == [1, 2]


def test_person_may_take_the_databases_word_when_the_file_is_lost(signer: TestSigner) -> None:
    state("a", "b")
    signer.sign()
    signer.path.unlink()
    state("c")
    assert signer.run("--once").returncode == 1
    done = signer.run("--adopt", CODE)
    assert done.returncode == 0, done.stderr
    assert "the checkpoint of 2 entries is taken as signed" in done.stdout
    assert [signer.sign(), sizes()] == [1, [2, 3]]
    assert_true()


def test_nothing_is_adopted_that_contradicts_the_file_or_is_not_ours(
    signer: TestSigner, unguarded: psycopg.Connection
) -> None:
    state("a", "b")
    signer.sign()
    refusal = pytest.raises(SignerRefusesError, match="no checkpoint that the file does not know")
    with signer.at_work() as at_work, refusal:
        at_work.adopt(LogEntry.objects.all()[0].log)
    signer.path.unlink()
    unguarded.execute("UPDATE ledger_checkpoint SET note = replace(note, E'\\n2\\n', E'\\n3\\n')")
    refusal = pytest.raises(SignerRefusesError, match="The stored checkpoint is not ours: the signature of")
    with signer.at_work() as at_work, refusal:
        at_work.adopt(LogEntry.objects.all()[0].log)


def test_adopted_checkpoint_is_of_the_entries_that_are_there(
    signer: TestSigner, unguarded: psycopg.Connection
) -> None:
    state("a", "b")
    signer.sign()
    signer.path.unlink()
    data = canonical_bytes({"v": 1, "pool": CODE, "type": "stats", "at": "x", "seq": 0, "body": {}})
    unguarded.execute(
        "UPDATE ledger_logentry SET data = %s, leaf_hash = %s WHERE seq = 0", [data, leaf_hash(data)]
    )
    refusal = pytest.raises(SignerRefusesError, match="of 2 entries is not of these entries")
    with signer.at_work() as at_work, refusal:
        at_work.adopt(LogEntry.objects.all()[0].log)


def test_signer_refuses_another_key_than_that_of_the_log(signer: TestSigner) -> None:
    state("a")
    signer.sign()
    state("b")
    other = TestSigner(signer.path, SECRET + "!")
    with pytest.raises(SignerRefusesError, match="and this is another"):
        other.sign()
    assert sizes() == [1]


def test_origin_stays_when_the_domain_changes(signer: TestSigner) -> None:
    """Whoever holds the key holds it under its name; another domain would be another log."""
    state("a")
    signer.sign()
    state("b")
    with connected_to(signer.url), SignerState(signer.path) as held:
        assert Signer(SECRET, held, "elsewhere.example.org").sign_due(lambda *_: pytest.fail("refused")) == 1
    assert_true()


def test_log_that_is_refused_stops_no_other(signer: TestSigner, unguarded: psycopg.Connection) -> None:
    state("a", "b")
    signer.sign()
    unguarded.execute("UPDATE ledger_logentry SET data = data || ' ', leaf_hash = sha256('x') WHERE seq = 1")
    _move_clock(hours=25)
    open_log(code="zz-log")
    append(code="zz-log", entry_type="stats", key="k", body={}, at=AT)
    refusals = []
    with signer.at_work() as at_work:
        assert at_work.sign_due(lambda code, _error: refusals.append(code)) == 1
    assert refusals == [CODE]
    assert Checkpoint.objects.filter(log__code="zz-log").count() == 1


def test_two_signers_cannot_hold_the_file(signer: TestSigner) -> None:
    with (
        SignerState(signer.path),
        pytest.raises(StateError, match="Another signer holds"),
        SignerState(signer.path),
    ):
        pass
    with SignerState(signer.path):
        done = signer.run("--once")
    assert done.returncode == 2
    assert "Another signer holds" in done.stderr


HEADS = [Head(ORIGIN, size, bytes([size]) * 32) for size in (1, 4, 9)]


def _written(path: Path) -> bytes:
    with SignerState(path) as held:
        for head in HEADS:
            held.note(head)
    return path.read_bytes()


def test_file_only_grows_and_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "state"
    data = _written(path)
    assert len(data.splitlines()) == 3
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    with SignerState(path) as held:
        assert held.last(ORIGIN) == HEADS[-1]
        assert held.last("elsewhere") is None
        for size in (8, 9):
            with pytest.raises(StateError, match="is no growth"):
                held.note(Head(ORIGIN, size, bytes(32)))
    assert path.read_bytes() == data


@pytest.mark.parametrize("kept", [1, 30, 100])
def test_line_that_a_crash_cut_short_was_never_signed(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "state"
    data = _written(path)
    line = data.splitlines(keepends=True)[2]
    path.write_bytes(data[: -len(line) + kept])
    with SignerState(path) as held:
        assert held.last(ORIGIN) == HEADS[1]
        held.note(HEADS[2])
    assert path.read_bytes() == data


@pytest.mark.parametrize(
    "harm",
    [
        lambda data: data.replace(b'"size":4', b'"size":5'),
        lambda data: data.replace(b'"size":4', b'"size": 4'),
        lambda data: b"".join(data.splitlines(keepends=True)[1:]),
        lambda data: b"".join(data.splitlines(keepends=True)[::2]),
        lambda data: data + data.splitlines(keepends=True)[-1],
        lambda data: data + b"\n",
        lambda data: data + b"{}\n",
        lambda data: b"\xff" + data,
    ],
)
def test_file_that_was_changed_stops_the_signer(tmp_path: Path, harm) -> None:
    path = tmp_path / "state"
    path.write_bytes(harm(_written(path)))
    with pytest.raises(StateError, match="is not what the signer wrote"), SignerState(path):
        pass


@pytest.mark.crash
@pytest.mark.parametrize("point", ["signer.noted", "signer.stored"])
@pytest.mark.parametrize("nth", [1, 2])
def test_kill_between_file_and_database_leaves_nothing_to_mend(
    signer: TestSigner, tmp_path: Path, point: str, nth: int
) -> None:
    """Killed after the file was written and before the row was, or after both: the next run signs the same."""
    folder = tmp_path / "failpoints"
    folder.mkdir()
    (folder / point).write_text(f"{nth} self\n")
    state("a", "b")
    if nth == 2:
        assert signer.run("--once", AID_FAILPOINTS=str(folder)).returncode == 0
        state("c")
    killed = signer.run("--once", AID_FAILPOINTS=str(folder))
    assert killed.returncode == -signal.SIGKILL
    noted = 1 if point == "signer.noted" else 0
    assert len(sizes()) == nth - noted
    assert len(signer.path.read_bytes().splitlines()) == nth
    before = signer.path.read_bytes()
    state("d")
    assert signer.run("--once").returncode == 0
    wanted = {1: [2, 3], 2: [2, 3, 4]}[nth]
    assert sizes() == wanted
    assert signer.path.read_bytes().startswith(before)
    assert_true()


@pytest.mark.crash
def test_head_that_was_noted_is_refused_when_the_database_lost_its_entries(
    signer: TestSigner, tmp_path: Path, unguarded: psycopg.Connection
) -> None:
    """The other order: the file is ahead, and the database that comes back never had those entries."""
    folder = tmp_path / "failpoints"
    folder.mkdir()
    (folder / "signer.noted").write_text("1 self\n")
    state("a", "b")
    assert signer.run("--once", AID_FAILPOINTS=str(folder)).returncode == -signal.SIGKILL
    unguarded.execute("DELETE FROM ledger_logentry WHERE seq = 1")
    unguarded.execute("UPDATE ledger_log SET size = 1")
    done = signer.run("--once")
    assert done.returncode == 1
    assert "2 entries were signed, and the database holds 1" in done.stderr
    assert sizes() == []


def test_process_signs_within_seconds_and_stops_when_told(signer: TestSigner) -> None:
    process = signer.start()
    try:
        state("a")
        wait_until(lambda: sizes() == [1], seconds=30, what="the first checkpoint")
        state("b")
        wait_until(lambda: sizes() == [1, 2], seconds=10, what="the second checkpoint")
        process.send_signal(signal.SIGTERM)
        output, _none = process.communicate(timeout=20)
        assert process.returncode == 0, output
    finally:
        process.kill()
    assert_true()


def test_nobody_signs_without_the_role_and_the_key(signer: TestSigner) -> None:
    as_app = signer.run(
        "--once",
        AID_DATABASE_ROLE="app",
        AID_DATABASE_URL=signer.url,
        AID_SECRET_KEY="s" * 60,
        AID_DATA_KEY="d" * 60,
    )
    assert "nobody else may sign" in as_app.stderr
    short = signer.run("--once", AID_SIGNER_KEY="short")
    assert "AID_SIGNER_KEY has 5 characters and needs at least 50" in short.stderr
    assert signer.run("--adopt", "nowhere").stderr.strip().endswith("There is no log nowhere.")


def test_key_may_come_from_a_file(signer: TestSigner, tmp_path: Path) -> None:
    state("a")
    held = tmp_path / "key"
    held.write_text(SECRET + "\n")
    assert signer.run("--once", AID_SIGNER_KEY="", AID_SIGNER_KEY_FILE=str(held)).returncode == 0
    assert_true()
    away = signer.run("--once", AID_SIGNER_KEY_FILE=str(tmp_path / "away"))
    assert "cannot be read" in away.stderr
    held.write_text("short")
    assert "holds 5 characters" in signer.run("--once", AID_SIGNER_KEY_FILE=str(held)).stderr


def test_signer_reads_the_log_and_nothing_of_people(signer: TestSigner) -> None:
    with psycopg.connect(signer.url) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("aid_signer",)
        for table in ("members_user", "members_identity", "claims_claim", "ledger_posting", "ledger_charge"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
                connection.execute(f"SELECT 1 FROM {table}")
        for statement in (
            "INSERT INTO ledger_logentry (log_id, seq, type, key, data, leaf_hash) VALUES (1, 0, 'stats', 'k', '', '')",
            "UPDATE ledger_checkpoint SET size = 9",
            "DELETE FROM ledger_checkpoint",
            "TRUNCATE ledger_checkpoint CASCADE",
            "CREATE TABLE mine ()",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
                connection.execute(statement)
    assert value("SELECT current_user") == "aid_app"
