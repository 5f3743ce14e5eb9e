"""The canonical bytes of a log entry and their leaf hash. Pure.

Encoding: JSON with sorted keys, no spaces, UTF-8 in NFC, integers below 2^53 only, no floats, no nulls; hash as
in RFC 6962: SHA-256 over 0x00 and the bytes.
"""

import datetime as dt
import hashlib
import json
import unicodedata

LARGEST = 2**53 - 1
LONGEST = 65_535
ENTRY_TYPES = (
    "rule.publish",
    "key.rotate",
    "policy.set",
    "pool.state",
    "roll.freeze",
    "period.announce",
    "period.close",
    "roll.close",
    "collect.close",
    "book.entry",
    "award.adjust",
    "claim.public",
    "case.face",
    "claim.decide",
    "claim.appeal",
    "draw.commit",
    "draw.reveal",
    "draw.result",
    "draw.replace",
    "jury.ballot",
    "jury.tally",
    "arbiter.ask",
    "arbiter.decide",
    "pay.order",
    "pay.receipt",
    "bank.day",
    "fee.take",
    "correction",
    "incident",
    "doc.purge",
    "stats",
)


class NotCanonicalError(ValueError):
    """The value cannot stand in a log entry; the message names the path of the offending part."""


def canonical_bytes(value: object) -> bytes:
    """Return the one encoding of the value.

    Raises: NotCanonicalError for floats, nulls, integers beyond 2^53 − 1, text that is not NFC, keys that
    are not text.
    """
    _check(value, "$")
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _check(value: object, path: str) -> None:
    """Walk the value and refuse what has no canonical form."""
    match value:
        case bool():
            return
        case int():
            if not -LARGEST <= value <= LARGEST:
                raise NotCanonicalError(f"{path}: {value} is beyond 2^53 - 1")
        case str():
            if unicodedata.normalize("NFC", value) != value:
                raise NotCanonicalError(f"{path}: text is not NFC")
        case list() | tuple():
            for index, part in enumerate(value):
                _check(part, f"{path}[{index}]")
        case dict():
            for key, part in value.items():
                if not isinstance(key, str):
                    raise NotCanonicalError(f"{path}: key {key!r} is not text")
                _check(key, f"{path}.{key}")
                _check(part, f"{path}.{key}")
        case _:
            raise NotCanonicalError(f"{path}: {type(value).__name__} has no canonical form")


def instant(at: dt.datetime) -> str:
    """Return the instant as the log writes it: UTC, whole seconds, …Z."""
    return at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def envelope(*, pool: str, entry_type: str, seq: int, at: dt.datetime, body: dict[str, object]) -> bytes:
    """Return the canonical bytes of a log entry, at most 65,535 of them.

    Raises: NotCanonicalError also for an unknown type or a body that is too long.
    """
    if entry_type not in ENTRY_TYPES:
        raise NotCanonicalError(f"unknown entry type {entry_type}")
    data = canonical_bytes(
        {"v": 1, "pool": pool, "type": entry_type, "at": instant(at), "seq": seq, "body": body}
    )
    if len(data) > LONGEST:
        raise NotCanonicalError(f"an entry of {len(data)} bytes; the limit is {LONGEST}")
    return data


def leaf_hash(data: bytes) -> bytes:
    """Return the RFC 6962 leaf hash of an entry's bytes."""
    return hashlib.sha256(b"\x00" + data).digest()
