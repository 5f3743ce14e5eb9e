"""Each guarantee of the log, broken by hand as aid_app: the database refuses in its name."""

import datetime as dt
import hashlib
import json
from typing import Any

import psycopg
import pytest
from django.db import DataError, IntegrityError, transaction

from aidplatform.lib.errors import guarantee_name
from aidplatform.testing.ledgers import replay_log
from aidplatform.testing.refusals import fire_deferred, not_permitted, refused, refused_to_owner, run, value
from ledger.books.models import Book
from ledger.books.services import credit, debit, open_book, post_entry
from ledger.books.tests.insider import insert_entry, insert_postings, post_raw
from ledger.openbooks.canonical import canonical_bytes
from ledger.openbooks.models import Log, LogEntry
from ledger.openbooks.services import append, open_log, post_logged_entry

AT = dt.datetime(2026, 1, 7, tzinfo=dt.UTC)
AWARD = (("120", "D", 500), ("201", "C", 500))


@pytest.fixture
def log(db: None) -> Log:
    return open_log(code="test-log")


@pytest.fixture
def book(log: Log) -> Book:
    return open_book(code="test-log", currency="CNY")


def _insert(
    log: Log, data: bytes, *, seq: int = 0, kind: str = "stats", key: str = "k", leaf: bytes = b""
) -> None:
    run(
        "INSERT INTO ledger_logentry (log_id, seq, type, key, data, leaf_hash) VALUES (%s, %s, %s, %s, %s, %s)",
        log.pk,
        seq,
        kind,
        key,
        data,
        leaf or hashlib.sha256(b"\x00" + data).digest(),
    )


def _data(**changes: Any) -> bytes:
    whole = {"v": 1, "pool": "test-log", "type": "stats", "at": "2026-01-07T00:00:00Z", "seq": 0, "body": {}}
    return canonical_bytes({key: found for key, found in (whole | changes).items() if found != "missing"})


def test_log_entry_follows_last(log: Log) -> None:
    with refused("log_entry_follows_last"):
        _insert(log, _data(seq=1), seq=1)
    _insert(log, _data())
    with refused("log_entry_follows_last"):
        _insert(log, _data(), key="again")
    _insert(log, _data(seq=1), seq=1, key="next")
    assert value("SELECT size FROM ledger_log WHERE id = %s", log.pk) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"seq": 1},
        {"type": "incident"},
        {"pool": "another"},
        {"v": 2},
        {"body": [1]},
        {"seq": "missing"},
        {"type": "missing"},
        {"pool": "missing"},
        {"at": "missing"},
        {"body": "missing"},
        {"v": "missing"},
    ],
)
def test_log_entry_says_what_it_is(log: Log, changes: dict[str, Any]) -> None:
    with refused("log_entry_says_what_it_is"):
        _insert(log, _data(**changes))


@pytest.mark.parametrize("data", [b"{}", b"[]", b"1", b'"text"'])
def test_log_entry_says_what_it_is_even_if_it_says_nothing(log: Log, data: bytes) -> None:
    with refused("log_entry_says_what_it_is"):
        _insert(log, data)


def test_log_entry_says_what_it_is_in_its_hash(log: Log) -> None:
    with refused("log_entry_says_what_it_is"):
        _insert(log, _data(), leaf=hashlib.sha256(_data()).digest())


def test_log_entry_says_what_it_is_within_65535_bytes(log: Log) -> None:
    with refused("log_entry_says_what_it_is"):
        _insert(log, _data(body={"t": "x" * 65_535}))


@pytest.mark.parametrize("data", [b"not json", b"\xff\xfe"])
def test_log_takes_no_bytes_that_are_not_json(log: Log, data: bytes) -> None:
    with pytest.raises(DataError), transaction.atomic():
        _insert(log, data)


def test_log_entry_type_is_known(log: Log) -> None:
    with refused("log_entry_type_is_known"):
        _insert(log, _data(type="gossip"), kind="gossip")


def test_one_log_entry_per_event(log: Log) -> None:
    append(code="test-log", entry_type="stats", key="2026-01", body={}, at=AT)
    with refused("one_log_entry_per_event"):
        append(code="test-log", entry_type="stats", key="2026-01", body={"n": 1}, at=AT)
    assert append(code="test-log", entry_type="stats", key="2026-02", body={}, at=AT).seq == 1


def test_one_log_entry_per_seq_stands_behind_the_count(owner: psycopg.Connection) -> None:
    found = owner.execute(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'one_log_entry_per_seq'"
    ).fetchone()
    assert found == ("UNIQUE (log_id, seq)",)


def test_log_starts_empty(db: None) -> None:
    with refused("log_starts_empty"):
        run("INSERT INTO ledger_log (code, size) VALUES ('late', 5)")


@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
@pytest.mark.parametrize("table", ["ledger_log", "ledger_logentry"])
def test_log_gives_the_application_no_right_to_change(log: Log, table: str, statement: str) -> None:
    append(code="test-log", entry_type="stats", key="k", body={}, at=AT)
    with not_permitted():
        run(statement.format(table))


@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_log_is_permanent_for_the_owner_too(owner: psycopg.Connection, statement: str) -> None:
    with refused_to_owner(owner, "log_is_permanent"):
        owner.execute(statement.format("ledger_logentry"))


def test_every_entry_is_logged_by_the_commit(committed_db: tuple[str, str]) -> None:
    open_log(code="test-log")
    book = open_book(code="test-log", currency="CNY")
    fields = {
        "book": book,
        "key": "award",
        "kind": "award",
        "lines": [debit("120", 5), credit("201", 5)],
        "entry_date": AT.date(),
        "at": AT,
        "description": "x",
        "source": "x",
        "maker": "P-1",
    }
    with pytest.raises(IntegrityError) as caught:
        post_entry(**fields)
    assert guarantee_name(caught.value) == "every_entry_is_logged"
    assert not book.entries.exists()
    post_logged_entry(**fields)
    assert replay_log("test-log") == {"120": 5, "201": -5}


def test_every_entry_is_logged_in_its_own_pool(book: Book) -> None:
    open_log(code="elsewhere")
    other = open_book(code="elsewhere", currency="CNY")
    post_raw(other, "theirs", *AWARD)
    with refused("every_entry_is_logged"):
        insert_postings(insert_entry(book, "ours"), book, *AWARD)
        fire_deferred()


def _state(book: Book, **changes: Any) -> None:
    """State entry 1 in the log, with changes."""
    body = {
        "number": 1,
        "key": "e",
        "kind": "raw",
        "date": "2026-01-01",
        "postings": [["120", "D", 500], ["201", "C", 500]],
    }
    append(code=book.code, entry_type="book.entry", key="1", body=body | changes, at=AT)


@pytest.mark.parametrize(
    "changes",
    [
        {"postings": [["120", "D", 499], ["201", "C", 499]]},
        {"postings": [["120", "D", 500]]},
        {"postings": []},
        {"number": 2},
        {"key": "f"},
        {"kind": "award"},
        {"date": "2026-01-02"},
        {"reverses": 1},
    ],
)
def test_log_states_entries_as_posted(book: Book, changes: dict[str, Any]) -> None:
    with refused("log_states_entries_as_posted"):
        insert_postings(insert_entry(book, "e"), book, *AWARD)
        _state(book, **changes)


def test_log_states_entries_as_posted_and_none_that_are_not(book: Book) -> None:
    with refused("log_states_entries_as_posted"):
        _state(book)
    post_raw(book, "e", *AWARD)
    assert replay_log(book.code) == {"120": 500, "201": -500}


def test_logged_line_carries_the_whole_entry(book: Book) -> None:
    post_logged_entry(
        book=book,
        key="award/C-1",
        kind="award",
        lines=[debit("120", 500), credit("201", 500)],
        entry_date=AT.date(),
        at=AT,
        description="Award C-1 final",
        source="award C-1",
        maker="service",
    )
    entry = LogEntry.objects.get(log__code=book.code)
    assert json.loads(bytes(entry.data)) == {
        "v": 1,
        "pool": "test-log",
        "type": "book.entry",
        "at": "2026-01-07T00:00:00Z",
        "seq": 0,
        "body": {
            "number": 1,
            "key": "award/C-1",
            "kind": "award",
            "date": "2026-01-07",
            "source": "award C-1",
            "postings": [["120", "D", 500], ["201", "C", 500]],
        },
    }
