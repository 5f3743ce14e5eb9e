"""Recompute the log: its order, its bytes and hashes, and the books that anyone can replay from it."""

import datetime as dt
import hashlib
import json
import unicodedata
from collections import defaultdict
from typing import Any

from django.utils.translation import gettext_noop as _

from ledger.books.findings import Report, fetch, figure, stream

SENTENCES = {
    "pool_has_book_and_log": _("Every pool that has left its draft has a book and a log."),
    "log_has_no_gap": _(
        "The entries of a log are numbered 0, 1, 2 … without a gap, as many as its size says."
    ),
    "log_leaf_hash_is_of_its_bytes": _("Every leaf hash is SHA-256 over 0x00 and the entry's bytes."),
    "log_bytes_are_canonical": _("Every entry's bytes are the one canonical encoding of what they say."),
    "log_entry_says_what_it_is": _("The bytes of every entry name its pool, type and number."),
    "every_entry_is_logged": _("Every journal entry has its line in the log, and every such line its entry."),
    "log_line_is_the_entry": _(
        "Every such line says what its entry says: number, date, source, every posting."
    ),
    "log_follows_the_books": _("The log states the journal's entries in their order."),
    "log_replays_to_balances": _("Replaying the log alone gives the sums of every account."),
}
LONGEST = 65_535
LARGEST = 2**53 - 1

_LINES = """
    SELECT l.seq, l.type, l.key, l.data, l.leaf_hash, e.number, e.key, e.kind, e.entry_date, e.at, e.source,
           o.number,
           (SELECT json_agg(json_build_array(a.code, p.side, p.amount_fen) ORDER BY a.code, p.side)
              FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id WHERE p.entry_id = e.id)
      FROM ledger_logentry l
      LEFT JOIN ledger_journalentry e
        ON l.type = 'book.entry' AND e.book_id = %(book)s AND e.number::text = l.key
      LEFT JOIN ledger_journalentry o ON o.id = e.reverses_id
     WHERE l.log_id = %(log)s ORDER BY l.seq"""


class NotCanonicalError(ValueError):
    """The bytes are not the one encoding of a log entry."""


def verify_log(report: Report, code: str, book_id: int, log_id: int) -> None:
    """Walk one log from its first entry, holding it against the book of the same code."""
    parameters = {"log": log_id, "book": book_id, "code": code}
    sums: dict[tuple[str, str], int] = defaultdict(int)
    count, last_number = 0, 0
    for row in stream(_LINES, parameters):
        seq, entry_type, key, data, leaf_hash = row[0], row[1], row[2], bytes(row[3]), bytes(row[4])
        where = f"{code} log entry {seq}"
        report.expect("log_has_no_gap", where, count, seq)
        count = seq + 1
        envelope = _read(report, where, data, leaf_hash)
        if envelope is None:
            continue
        told = (envelope.get("pool"), envelope.get("type"), envelope.get("seq"), envelope.get("v"))
        report.expect("log_entry_says_what_it_is", where, (code, entry_type, seq, 1), told)
        if entry_type != "book.entry":
            continue
        report.expect("log_line_is_the_entry", where, _entry_of(key, row[5:]), _told(envelope))
        body = envelope.get("body", {})
        number = body.get("number", 0)
        report.expect("log_follows_the_books", where, last_number + 1, number)
        last_number = number
        for account, side, fen in body.get("postings", []):
            sums[account, side] += fen
    size = figure("SELECT size FROM ledger_log WHERE id = %(log)s", parameters)
    report.expect("log_has_no_gap", f"{code} log", f"{size} entries", f"{count} entries")
    _verify_counterparts(report, parameters)
    _verify_replay(report, code, book_id, sums)


def verify_pools_have_books(report: Report, pool: str | None) -> None:
    """Hold pools against their books and logs."""
    parameters = {"pool": pool}
    rows = fetch(
        """SELECT p.code, b.id IS NOT NULL, g.id IS NOT NULL FROM members_pool p
             LEFT JOIN ledger_book b ON b.code = p.code LEFT JOIN ledger_log g ON g.code = p.code
            WHERE p.state NOT IN ('draft', 'given_up') AND (%(pool)s::text IS NULL OR p.code = %(pool)s)""",
        parameters,
    )
    for code, has_book, has_log in rows:
        found = f"{'a' if has_book else 'no'} book, {'a' if has_log else 'no'} log"
        report.expect("pool_has_book_and_log", f"pool {code}", "a book, a log", found)


def _read(report: Report, where: str, data: bytes, leaf_hash: bytes) -> dict[str, Any] | None:
    """Hash the bytes and read them; None where they can't be read."""
    digest = hashlib.sha256(b"\x00" + data).hexdigest()
    report.expect("log_leaf_hash_is_of_its_bytes", where, digest, leaf_hash.hex())
    report.examined("log_bytes_are_canonical", 1)
    try:
        return read_canonical(data)
    except ValueError as fault:
        report.false("log_bytes_are_canonical", where, "canonical bytes", fault)
        return None


def read_canonical(data: bytes) -> dict[str, Any]:
    """Read an entry's bytes and demand that encoding them again gives the same ones.

    Raises: NotCanonicalError, ValueError with what is not canonical.
    """
    if len(data) > LONGEST:
        raise NotCanonicalError(f"{len(data)} bytes, more than {LONGEST}")
    text = data.decode()
    if unicodedata.normalize("NFC", text) != text:
        raise NotCanonicalError("text that is not NFC")
    value = json.loads(
        text, parse_float=_refused, parse_constant=_refused, parse_int=_whole, object_pairs_hook=_unique
    )
    again = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    if again != text:
        raise NotCanonicalError(f"bytes that encode again as {again[:200]}")
    if not isinstance(value, dict) or not isinstance(value.get("body"), dict) or "null" in _words(value):
        raise NotCanonicalError("no envelope with a body, or a null in it")
    return value


def _refused(text: str) -> object:
    raise NotCanonicalError(f"{text} is no integer")


def _whole(text: str) -> int:
    if abs(int(text)) > LARGEST:
        raise NotCanonicalError(f"{text} is beyond 2^53 - 1")
    return int(text)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(dict(pairs)) != len(pairs):
        raise NotCanonicalError("a name given twice")
    return dict(pairs)


def _words(value: object) -> set[str]:
    """Return {"null"} where a null stands anywhere inside."""
    if value is None:
        return {"null"}
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return set().union(*(_words(part) for part in parts))


def _entry_of(key: str, row: tuple[Any, ...]) -> dict[str, Any]:
    """Return what the log must say of an entry; without one, what its line's key claims."""
    number, entry_key, kind, entry_date, at, source, reverses, postings = row
    if number is None:
        return {"number": key, "entry": "none in the journal"}
    told = {
        "number": number,
        "key": entry_key,
        "kind": kind,
        "date": entry_date.isoformat(),
        "source": source,
        "postings": sorted(postings or []),
        "at": at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return told | ({"reverses": reverses} if reverses is not None else {})


def _told(envelope: dict[str, Any]) -> dict[str, Any]:
    """Return what the line says, in the same shape."""
    body = envelope["body"]
    postings = body.get("postings")
    ordered = sorted(postings) if isinstance(postings, list) else postings
    return {**body, "postings": ordered, "at": envelope.get("at")}


def _verify_counterparts(report: Report, parameters: dict[str, object]) -> None:
    entries = figure("SELECT count(*) FROM ledger_journalentry WHERE book_id = %(book)s", parameters)
    report.examined("every_entry_is_logged", entries)
    report.refute(
        "every_entry_is_logged",
        """SELECT format('%%s entry %%s', %(code)s::text, e.number), '1 line in the log', '0 lines'
             FROM ledger_journalentry e WHERE e.book_id = %(book)s AND NOT EXISTS (
                  SELECT 1 FROM ledger_logentry l WHERE l.log_id = %(log)s AND l.type = 'book.entry'
                     AND l.key = e.number::text) ORDER BY e.number""",
        parameters,
    )
    report.refute(
        "every_entry_is_logged",
        """SELECT format('%%s log entry %%s', %(code)s::text, l.seq), 'journal entry ' || l.key, 'no such entry'
             FROM ledger_logentry l WHERE l.log_id = %(log)s AND l.type = 'book.entry' AND NOT EXISTS (
                  SELECT 1 FROM ledger_journalentry e WHERE e.book_id = %(book)s AND e.number::text = l.key)
            ORDER BY l.seq""",
        parameters,
    )


def _verify_replay(report: Report, code: str, book_id: int, sums: dict[tuple[str, str], int]) -> None:
    rows = fetch(
        """SELECT a.code, b.debit_fen, b.credit_fen FROM ledger_account a
             LEFT JOIN ledger_accountbalance b ON b.account_id = a.id WHERE a.book_id = %(book)s ORDER BY 1""",
        {"book": book_id},
    )
    stored = {(account, side): fen for account, *fens in rows for side, fen in zip("DC", fens, strict=True)}
    for account, side in sorted(stored.keys() | sums.keys()):
        where = f"{code} account {account}, {'debits' if side == 'D' else 'credits'}"
        replayed = sums.get((account, side), 0)
        report.expect("log_replays_to_balances", where, replayed, stored.get((account, side), 0))
