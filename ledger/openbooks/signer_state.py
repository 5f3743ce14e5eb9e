"""What the signer has signed, in a file of its own that only grows: its memory, which no database can rewrite.

One line of canonical JSON for each head, and for each key that is to follow another, written and on the disk before
that is signed. Each names the SHA-256 of the line before it. A line that was cut short by a crash was never signed,
and is taken off; anything else that does not fit stops the signer.
"""

import fcntl
import hashlib
import json
import os
from pathlib import Path
from types import TracebackType
from typing import Any

from ledger.openbooks.canonical import canonical_bytes
from ledger.openbooks.checkpoints import Head
from ledger.openbooks.merkle import HASH_BYTES
from ledger.openbooks.notes import NoteError, b64, from_b64

_FIRST = "0" * 64


class StateError(Exception):
    """The signer's file is held by another, or is not what the signer wrote; the message says what to do."""


class SignerState:
    """The file, held by one process. Use it as a context manager."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1
        self._before = _FIRST
        self._last: dict[str, Head] = {}
        self._successors: dict[str, str] = {}

    def __enter__(self) -> "SignerState":
        """Take the file and read it. Raises: StateError."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._descriptor)
            raise StateError(f"Another signer holds {self._path}.") from None
        try:
            self._read()
        except StateError:
            os.close(self._descriptor)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of the file."""
        os.close(self._descriptor)

    def last(self, origin: str) -> Head | None:
        """Return the last head that was to be signed of this log."""
        return self._last.get(origin)

    def note(self, head: Head) -> None:
        """Write down that this head is about to be signed, and wait until it is on the disk.

        Raises: StateError for a head that does not grow.
        """
        last = self._last.get(head.origin)
        if last is not None and head.size <= last.size:
            raise StateError(f"{head.origin} was signed at {last.size}; {head.size} is no growth.")
        self._write({"origin": head.origin, "root": b64(head.root), "size": head.size})
        self._last[head.origin] = head

    def successor(self, vkey: str) -> str | None:
        """Return the key that this one has signed for, or was about to."""
        return self._successors.get(vkey)

    def note_key(self, origin: str, old: str, new: str) -> None:
        """Write down that one key is about to sign for another, and wait until it is on the disk.

        Raises: StateError where it has signed for one already.
        """
        if old in self._successors:
            raise StateError(f"{old} has signed for {self._successors[old]} already.")
        self._write({"new": new, "old": old, "origin": origin})
        self._successors[old] = new

    def _write(self, value: dict[str, object]) -> None:
        """Append a line, which names the one before."""
        line = canonical_bytes({"before": self._before, **value})
        self._append(line + b"\n")
        self._before = hashlib.sha256(line).hexdigest()

    def _append(self, line: bytes) -> None:
        is_new = os.fstat(self._descriptor).st_size == 0
        written = os.write(self._descriptor, line)
        if written != len(line):
            raise StateError(f"{self._path}: {written} of {len(line)} bytes were written. Is the disk full?")
        os.fsync(self._descriptor)
        if is_new:
            self._sync_folder()

    def _sync_folder(self) -> None:
        """Put the name of the new file on the disk as well."""
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _read(self) -> None:
        """Read every line. Raises: StateError at one that does not follow from the line before it."""
        data = os.pread(self._descriptor, os.fstat(self._descriptor).st_size, 0)
        whole, _newline, torn = data.rpartition(b"\n")
        if torn:
            os.ftruncate(self._descriptor, len(data) - len(torn))
            os.fsync(self._descriptor)
        for number, line in enumerate(whole.split(b"\n") if whole else [], 1):
            try:
                self._take(line)
            except (ValueError, KeyError, TypeError, NoteError) as error:
                raise StateError(
                    f"{self._path}, line {number}, is not what the signer wrote ({error}). Find out who changed"
                    " it; restore the newest copy, and look at what the witnesses have seen."
                ) from None

    def _take(self, line: bytes) -> None:
        """Read one line. Raises: ValueError, KeyError, TypeError, NoteError where it is not what follows."""
        value = json.loads(line)
        if canonical_bytes(value) != line or value["before"] != self._before or len(value) != 4:
            raise ValueError("it does not follow from the line before")
        if "new" in value:
            if value["old"] in self._successors:
                raise ValueError("a key signs for two")
            self._successors[value["old"]] = value["new"]
        else:
            head = self._head(value)
            self._last[head.origin] = head
        self._before = hashlib.sha256(line).hexdigest()

    def _head(self, value: dict[str, Any]) -> Head:
        head = Head(value["origin"], value["size"], from_b64(value["root"]))
        last = self._last.get(head.origin)
        if len(head.root) != HASH_BYTES or head.size <= (last.size if last else 0):
            raise ValueError("it does not grow")
        return head
