"""Checkpoints of a log, as c2sp.org/tlog-checkpoint says: origin, size and root, signed. Pure.

Ours have no extension lines: nobody but the log could say what stands there.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from ledger.openbooks.canonical import LARGEST
from ledger.openbooks.merkle import EMPTY_ROOT, HASH_BYTES
from ledger.openbooks.notes import ED25519, NoteError, VerifierKey, b64, from_b64, read_note, verified

# A clock may be so far ahead of ours before a cosignature counts as one from the future.
CLOCKS_DIFFER = 300


@dataclass(frozen=True, slots=True)
class Head:
    """What a checkpoint says: of which log, of how many entries, and the root over them."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """Return the text that is signed."""
        return f"{self.origin}\n{self.size}\n{b64(self.root)}\n"


@dataclass(frozen=True, slots=True)
class Opened:
    """A checkpoint whose signature has been verified, and when which witness cosigned it (POSIX seconds)."""

    head: Head
    witnessed: dict[VerifierKey, int]


def read_head(text: str) -> Head:
    """Read the text of a checkpoint.

    Raises: NoteError for a number that is written otherwise, a root that is no hash, an empty log with a root of its
    own, and any line beyond the three.
    """
    lines = text.split("\n")
    if len(lines) != 4 or lines[3]:
        raise NoteError("a checkpoint has three lines: origin, size, root")
    origin, size, root = lines[0], lines[1], from_b64(lines[2])
    if not origin:
        raise NoteError("a checkpoint without an origin")
    if not (size.isascii() and size.isdecimal() and len(size) <= 16) or str(int(size)) != size:
        raise NoteError(f"the size {size[:30]!r} is no number as it is written")
    if int(size) > LARGEST:
        raise NoteError(f"the size {size} is beyond 2^53 - 1")
    if len(root) != HASH_BYTES or (int(size) == 0 and root != EMPTY_ROOT):
        raise NoteError(f"{lines[2]} is no root of {size} entries")
    return Head(origin, int(size), root)


def open_checkpoint(
    whole: str,
    *,
    log_key: VerifierKey,
    witnesses: Iterable[VerifierKey] = (),
    now: int | None = None,
) -> Opened:
    """Read a checkpoint, verify that its log has signed it, and tell which witnesses have.

    The origin has to be the name of the log's key, so that no log can speak for another. now: POSIX seconds, where a
    cosignature from the future is to be refused.

    Raises: NoteError.
    """
    if log_key.kind != ED25519:
        raise NoteError("a log signs with Ed25519")
    note = read_note(whole)
    found = verified(note, [log_key, *witnesses])
    if found.pop(log_key, None) is None:
        raise NoteError(f"{log_key.name} has not signed this checkpoint")
    head = read_head(note.text)
    if head.origin != log_key.name:
        raise NoteError(f"a checkpoint of {head.origin} under the key of {log_key.name}")
    late = [key.name for key, at in found.items() if now is not None and at > now + CLOCKS_DIFFER]
    if late:
        raise NoteError(f"a cosignature from the future: {', '.join(late)}")
    return Opened(head, found)


def fingerprint(head: Head) -> str:
    """Return sixteen hexadecimal digits by which two people compare what they were shown."""
    return hashlib.sha256(head.text().encode()).hexdigest()[:16]
