"""Writes to the log: open it, append to it, and post an entry together with its log line."""

import datetime as dt
from typing import Any

from django.db import connection, transaction

from aidplatform.lib import clock
from ledger.books import services as books
from ledger.books.models import Book, JournalEntry
from ledger.openbooks.canonical import envelope, leaf_hash
from ledger.openbooks.checkpoint_models import LogKey
from ledger.openbooks.keys import ROTATION
from ledger.openbooks.models import Log, LogEntry


def open_log(*, code: str) -> Log:
    """Create the log of a pool."""
    return Log.objects.create(code=code)


def append(*, code: str, entry_type: str, key: str, body: dict[str, Any], at: dt.datetime) -> LogEntry:
    """Append one entry in the caller's transaction; appends to one log wait for each other.

    Raises: NotCanonicalError; IntegrityError one_log_entry_per_event when the event is stated already.
    """
    with transaction.atomic():
        _lock(code)
        with connection.cursor() as cursor:
            cursor.execute("SELECT id, size FROM ledger_log WHERE code = %s", [code])
            log_id, seq = cursor.fetchone()
        data = envelope(pool=code, entry_type=entry_type, seq=seq, at=at, body=body)
        return LogEntry.objects.create(
            log_id=log_id, seq=seq, type=entry_type, key=key, data=data, leaf_hash=leaf_hash(data)
        )


def state_changes_of_keys() -> int:
    """State in the logs every key that the signer has made and no log states yet; return how many there were."""
    count = 0
    for key in LogKey.objects.filter(number__gt=1).select_related("log").order_by("log", "number"):
        with transaction.atomic():
            _lock(key.log.code)
            if not LogEntry.objects.filter(log=key.log, type=ROTATION, key=str(key.number)).exists():
                before = LogKey.objects.get(log=key.log, number=key.number - 1)
                body = {"number": key.number, "old": before.vkey, "new": key.vkey, "signature": key.signature}
                append(code=key.log.code, entry_type=ROTATION, key=str(key.number), body=body, at=clock.now())
                count += 1
    return count


def post_logged_entry(*, book: Book, at: dt.datetime, **entry_fields: Any) -> JournalEntry:
    """Post an entry and state it in the log: the only way into the books that commits.

    Fields as in `books.services.post_entry`. The log line carries all postings, so that every balance can
    be recomputed from the log alone.
    """
    with transaction.atomic():
        entry = books.post_entry(book=book, at=at, **entry_fields)
        _log(entry)
    return entry


def reverse_logged_entry(*, entry: JournalEntry, **reversal_fields: Any) -> JournalEntry:
    """Reverse an entry and state it in the log; fields as in `books.services.reverse_entry`."""
    with transaction.atomic():
        reversal = books.reverse_entry(entry=entry, **reversal_fields)
        _log(reversal)
    return reversal


def _lock(code: str) -> None:
    """Let no other transaction append to this log; an advisory lock, since none has a right to change its row."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('ledger_log'), hashtext(%s))", [code])


def _log(entry: JournalEntry) -> None:
    """Append the log line of a posted entry."""
    postings = entry.postings.select_related("account").order_by("account__code", "side")
    body: dict[str, Any] = {
        "number": entry.number,
        "key": entry.key,
        "kind": entry.kind,
        "date": entry.entry_date.isoformat(),
        "source": entry.source,
        "postings": [[p.account.code, p.side, p.amount_fen] for p in postings],
    }
    if entry.reverses is not None:
        body["reverses"] = entry.reverses.number
    append(code=entry.book.code, entry_type="book.entry", key=str(entry.number), body=body, at=entry.at)
