"""The keys of a log, one after the other: each is signed for by the one before it, and the log states the change.

A new key signs what is longer than the log that ends with this statement; the old one signs everything up to it.
"""

from collections.abc import Sequence

from ledger.openbooks.checkpoint_models import Checkpoint, LogKey
from ledger.openbooks.models import LogEntry
from ledger.openbooks.notes import read_key, read_note

ROTATION = "key.rotate"


def rotation_text(old: str, new: str) -> bytes:
    """Return what the old key signs to say that the new one follows it; both as verifier keys are written."""
    return f"huzhu/v1/key-rotate\n{old}\n{new}\n".encode()


def keys_of(code: str) -> list[LogKey]:
    """Return the keys of a log, the first one first."""
    return list(LogKey.objects.filter(log__code=code).order_by("number"))


def keys_in_use(keys: Sequence[LogKey], checkpoint: Checkpoint) -> list[LogKey]:
    """Return the keys of a log up to the one that has signed a checkpoint."""
    (line, *_more) = read_note(checkpoint.note).signatures
    found = next(at for at, key in enumerate(keys, 1) if read_key(key.vkey).key_id == line.key_id)
    return list(keys[:found])


def changes_of_key(log_id: int) -> list[int]:
    """Return the sizes at which a log ends with the statement of its next key, in their order."""
    rows = LogEntry.objects.filter(log_id=log_id, type=ROTATION).order_by("seq")
    return [seq + 1 for seq in rows.values_list("seq", flat=True)]


def published_keys(keys: Sequence[LogKey]) -> str:
    """Return the keys as everyone may read them: a line for each, with the signature of the one before it."""
    return "".join(" ".join(filter(None, (key.vkey, key.signature))) + "\n" for key in keys)
