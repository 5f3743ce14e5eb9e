"""Each guarantee of the checkpoints, broken as aid_signer: whoever has its password can state no other log."""

import datetime as dt
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO

import psycopg
import pytest
from django.core.management import call_command

from aidplatform.testing.refusals import not_permitted, run, value
from aidplatform.testing.signing import DOMAIN, TestSigner
from ledger.books.services import open_book
from ledger.openbooks.checkpoints import Head
from ledger.openbooks.merkle import tree_root
from ledger.openbooks.models import Log, LogEntry
from ledger.openbooks.notes import b64, public_key, signed
from ledger.openbooks.services import append, open_log

AT = dt.datetime(2026, 1, 7, tzinfo=dt.UTC)
CODE = "test-log"
ORIGIN = f"{DOMAIN}/pool/{CODE}"
SEED = bytes(range(32))
VKEY = public_key(name=ORIGIN, seed=SEED).encode()
ANOTHER = public_key(name=ORIGIN, seed=bytes(32)).encode()


@pytest.fixture
def log(committed_db: tuple[str, str]) -> Log:
    made = open_log(code=CODE)
    state("a", "b", "c")
    return made


@pytest.fixture
def insider(log: Log, tmp_path) -> Iterator[psycopg.Connection]:
    """Give a connection as aid_signer to the database of the log, with its key told."""
    with psycopg.connect(TestSigner(tmp_path / "state").url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO ledger_logkey (log_id, number, vkey, signature, since_at) VALUES (%s, 1, %s, '', %s)",
            [log.pk, VKEY, AT],
        )
        yield connection


def state(*keys: str) -> None:
    for key in keys:
        append(code=CODE, entry_type="stats", key=key, body={}, at=AT)


def head(size: int, root: bytes | None = None) -> Head:
    leaves = [bytes(leaf) for leaf in LogEntry.objects.order_by("seq").values_list("leaf_hash", flat=True)]
    return Head(ORIGIN, size, root or tree_root(leaves[:size]))


@contextmanager
def refused(name: str) -> Iterator[None]:
    with pytest.raises(psycopg.Error) as caught:
        yield
    assert caught.value.diag.constraint_name == name, str(caught.value)


def store(
    insider: psycopg.Connection, log: Log, found: Head, note: str | None = None, *, seed: bytes = SEED
) -> None:
    insider.execute(
        "INSERT INTO ledger_checkpoint (log_id, size, root, note, signed_at) VALUES (%s, %s, %s, %s, %s)",
        [log.pk, found.size, found.root, note or signed(found.text(), name=ORIGIN, seed=seed).encode(), AT],
    )


def test_checkpoints_only_grow(insider: psycopg.Connection, log: Log) -> None:
    store(insider, log, head(2))
    for size in (1, 2):
        with refused("checkpoints_only_grow"):
            store(insider, log, head(size))
    store(insider, log, head(3))


def test_one_checkpoint_per_size_stands_behind_the_guard(owner: psycopg.Connection) -> None:
    found = owner.execute(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'one_checkpoint_per_size'"
    ).fetchone()
    assert found == ("UNIQUE (log_id, size)",)


def test_checkpoint_root_is_of_its_entries(insider: psycopg.Connection, log: Log) -> None:
    for found in (head(3, tree_root([])), head(4), head(3, head(2).root), Head(ORIGIN, 3, b"")):
        with refused("checkpoint_root_is_of_its_entries"):
            store(insider, log, found)
    store(insider, log, head(3))


def test_checkpoint_is_of_entries(insider: psycopg.Connection, log: Log) -> None:
    """No root is of no entries, for the guard; the constraint stands behind it."""
    with refused("checkpoint_root_is_of_its_entries"):
        store(insider, log, Head(ORIGIN, 0, tree_root([])))
    found = insider.execute(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'checkpoint_is_of_entries'"
    ).fetchone()
    assert found == ("CHECK ((size >= 1))",)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 8, 9, 31, 33])
def test_database_computes_the_same_root(insider: psycopg.Connection, log: Log, size: int) -> None:
    state(*(f"k{n}" for n in range(size - 3)))
    store(insider, log, head(size))


@pytest.mark.parametrize(
    "harm",
    [
        lambda note: note.replace("\n3\n", "\n4\n"),
        lambda note: note.replace("\n3\n", "\n03\n"),
        lambda note: note.replace("/test-log\n", "/best-log\n"),
        lambda note: note.replace("\n\n", "\nextension\n\n"),
        lambda note: note + "trailing",
        lambda note: note + "\n",
        lambda note: note.partition("\n\n")[0] + "\n\n",
        lambda note: note.replace("— ", "- "),
        lambda note: note + note.rpartition("\n\n")[2],
        lambda note: " " + note,
    ],
)
def test_checkpoint_says_what_the_log_says(insider: psycopg.Connection, log: Log, harm) -> None:
    found = head(3)
    with refused("checkpoint_says_what_the_log_says"):
        store(insider, log, found, harm(signed(found.text(), name=ORIGIN, seed=SEED).encode()))


def test_checkpoint_says_what_the_log_says_only_of_a_log_with_a_key(
    insider: psycopg.Connection, log: Log
) -> None:
    other = open_log(code="other-log")
    with refused("checkpoint_says_what_the_log_says"):
        store(insider, other, head(3))


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        VKEY[:-1],
        VKEY + "\n",
        VKEY.replace("test-log", "best-log"),
        public_key(name=ORIGIN, seed=SEED, kind=4).encode(),
        f"{ORIGIN}+00000000+{b64(bytes([1]) + bytes(32))}",
        "two words+00000000+" + VKEY[-44:],
    ],
)
def test_log_key_is_a_verifier_key(insider: psycopg.Connection, log: Log, vkey: str) -> None:
    other = open_log(code="other-log")
    with refused("log_key_is_a_verifier_key"):
        insider.execute(
            "INSERT INTO ledger_logkey (log_id, number, vkey, signature, since_at) VALUES (%s, 1, %s, '', %s)",
            [other.pk, vkey, AT],
        )


def test_heartbeat_is_of_the_last_checkpoint(insider: psycopg.Connection, log: Log) -> None:
    beat = "INSERT INTO ledger_heartbeat (checkpoint_id, at) SELECT id, %s FROM ledger_checkpoint WHERE size = %s"
    store(insider, log, head(2))
    insider.execute(beat, [AT, 2])
    store(insider, log, head(3))
    with refused("heartbeat_is_of_the_last_checkpoint"):
        insider.execute(beat, [AT, 2])
    with refused("heartbeat_is_of_the_last_checkpoint"):
        insider.execute(beat, [AT - dt.timedelta(seconds=1), 3])
    insider.execute(beat, [AT, 3])


@pytest.mark.parametrize(
    ("table", "name"),
    [
        ("ledger_logkey", "log_key_is_permanent"),
        ("ledger_checkpoint", "checkpoint_is_permanent"),
        ("ledger_heartbeat", "heartbeat_is_permanent"),
    ],
)
@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_what_was_signed_is_permanent_for_the_owner_too(
    owner: psycopg.Connection, table: str, name: str, statement: str
) -> None:
    with refused(name), owner.transaction():
        owner.execute(statement.format(table))


@pytest.mark.parametrize("table", ["ledger_logkey", "ledger_checkpoint", "ledger_heartbeat"])
def test_application_states_no_checkpoint(db: None, table: str) -> None:
    with not_permitted():
        run(f"INSERT INTO {table} DEFAULT VALUES")
    with not_permitted():
        run("SELECT log_root(1, 1)")
    assert value(f"SELECT count(*) FROM {table}") == 0


def test_checkpoint_does_not_keep_entries_waiting(insider: psycopg.Connection, log: Log) -> None:
    """A large tree takes its time to hash; money goes on meanwhile."""
    with insider.transaction():
        store(insider, log, head(3))
        before = time.monotonic()
        state("d")
        assert time.monotonic() - before < 5
    assert value("SELECT size FROM ledger_log WHERE code = %s", CODE) == 4


def findings() -> str:
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("verify_books", stdout=out)
    return f"{ended.value.code}\n{out.getvalue()}"


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("UPDATE ledger_checkpoint SET root = sha256('x')", "checkpoint_root_is_of_its_entries"),
        ("UPDATE ledger_checkpoint SET size = 7 WHERE size = 3", "checkpoint_root_is_of_its_entries"),
        ("UPDATE ledger_checkpoint SET note = replace(note, 'test-log', 'best-log')", "checkpoint_is_signed"),
        ("UPDATE ledger_checkpoint SET note = left(note, -9) || E'AAAAAAA=\\n'", "checkpoint_is_signed"),
        ("DELETE FROM ledger_logkey", "checkpoint_is_signed"),
        (f"UPDATE ledger_logkey SET vkey = '{ANOTHER}'", "checkpoint_is_signed"),
        ("UPDATE ledger_log SET code = 'another'", "checkpoint_is_signed"),
        ("INSERT INTO ledger_heartbeat (checkpoint_id, at) SELECT min(id), now() FROM ledger_checkpoint",
         "heartbeat_is_of_the_last_checkpoint"),
    ],
)  # fmt: skip
def test_verify_books_finds_what_no_guard_could_stop(
    insider: psycopg.Connection, log: Log, unguarded: psycopg.Connection, harm: str, said: str
) -> None:
    open_book(code=CODE, currency="CNY")
    store(insider, log, head(1))
    store(insider, log, head(3))
    assert findings()[0] == "0"
    unguarded.execute(harm)
    found = findings()
    assert found[0] == "1"
    assert said in found
