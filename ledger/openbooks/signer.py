"""Sign the logs as they grow, and nothing that contradicts what was signed before.

Runs as `aid_signer` in a process of its own, which alone has the key. The order of each signature: read the entries,
compare them with the signer's own file, write the new head there, sign, store. So a crash anywhere leaves either
nothing, or a head in the file that the next run signs and stores: Ed25519 gives the same bytes again.
"""

import datetime as dt
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass

from django.db import connection, transaction

from aidplatform.lib import clock
from aidplatform.lib.failpoints import failpoint
from ledger.openbooks.canonical import leaf_hash
from ledger.openbooks.checkpoint_models import Checkpoint, Heartbeat, LogKey
from ledger.openbooks.checkpoints import Head, open_checkpoint
from ledger.openbooks.merkle import tree_root
from ledger.openbooks.models import Log, LogEntry
from ledger.openbooks.notes import NoteError, public_key, read_key, signed
from ledger.openbooks.signer_state import SignerState

HEARTBEAT = dt.timedelta(hours=24)
_DOMAIN = b"huzhu/v1/log-key\0"


class SignerRefusesError(Exception):
    """What the database holds contradicts what was signed; the message says what and what to do."""


@dataclass(frozen=True)
class Signer:
    """A secret, its file, and the domain under which new logs are named: DOMAIN/pool/CODE."""

    secret: str
    state: SignerState
    domain: str

    def seed(self, origin: str) -> bytes:
        """Return the key of one log: each has its own, so that no policy meets the same key twice."""
        return hmac.new(self.secret.encode(), _DOMAIN + origin.encode(), hashlib.sha256).digest()

    def sign_due(self, refused: Callable[[str, SignerRefusesError], None]) -> int:
        """Sign every log that has grown or has been silent for a day; return how many were.

        A log that is refused stops no other; `refused` is told its code and why.
        """
        count = 0
        for log in Log.objects.filter(size__gt=0).order_by("code"):
            try:
                count += self.follow(log)
            except SignerRefusesError as error:
                refused(log.code, error)
        return count

    def follow(self, log: Log) -> bool:
        """Sign the log as it is now; say whether there was something to sign. Raises: SignerRefusesError."""
        origin = self._origin(log)
        stored = _last_checkpoint(log)
        known = self.state.last(origin)
        _compare(log, stored, known)
        if known is not None and stored is not None and known.size == log.size == stored.size:
            return self._beat(log, known, stored)
        leaves = self._leaves(log, known)
        if known is not None and (stored is None or stored.size < known.size):
            self._store(log, known)
        if known is None or known.size < len(leaves):
            head = Head(origin, len(leaves), tree_root(leaves))
            self.state.note(head)
            failpoint("signer.noted")
            self._store(log, head)
        return True

    def adopt(self, log: Log) -> Head:
        """Take the last stored checkpoint into the file, after a person has decided that it is the right one.

        It has to bear our own signature and to continue what the file knows.

        Raises: SignerRefusesError.
        """
        stored = _last_checkpoint(log)
        origin = self._origin(log)
        known = self.state.last(origin)
        if stored is None or (known is not None and stored.size <= known.size):
            raise SignerRefusesError("There is no checkpoint that the file does not know.")
        try:
            head = open_checkpoint(stored.note, log_key=public_key(name=origin, seed=self.seed(origin))).head
        except NoteError as error:
            raise SignerRefusesError(f"The stored checkpoint is not ours: {error}.") from None
        leaves = self._leaves(log, known)
        if tree_root(leaves[: head.size]) != head.root:
            raise SignerRefusesError(f"The stored checkpoint of {head.size} entries is not of these entries.")
        self.state.note(head)
        return head

    def _origin(self, log: Log) -> str:
        """Return the origin of the log: that of its key, and before the first checkpoint a new one."""
        held = LogKey.objects.filter(log=log).first()
        origin = read_key(held.vkey).name if held else f"{self.domain}/pool/{log.code}"
        if held and held.vkey != public_key(name=origin, seed=self.seed(origin)).encode():
            raise SignerRefusesError(
                f"The log is signed with the key {held.vkey}, and this is another. Start with the right AID_SIGNER_KEY."
            )
        return origin

    def _leaves(self, log: Log, known: Head | None) -> list[bytes]:
        """Return the leaf hashes of all entries, once they agree with what was signed and with their own bytes."""
        entries = LogEntry.objects.filter(log=log).order_by("seq")
        leaves = [bytes(leaf) for leaf in entries.values_list("leaf_hash", flat=True)]
        before = known.size if known else 0
        if len(leaves) < before:
            raise SignerRefusesError(_rolled_back(before, len(leaves)))
        if known is not None and tree_root(leaves[:before]) != known.root:
            raise SignerRefusesError(
                f"The first {before} entries are not those that were signed: the log has been forked. Compare the"
                " database with a copy from before; nothing is signed until the signed entries are back."
            )
        fresh = entries.filter(seq__gte=before, seq__lt=len(leaves)).values_list("seq", "data")
        for seq, data in fresh.iterator(chunk_size=1000):
            if leaf_hash(bytes(data)) != leaves[seq]:
                raise SignerRefusesError(f"The bytes of entry {seq} have another hash than its leaf.")
        return leaves

    def _store(self, log: Log, head: Head) -> None:
        """Sign a head that stands in the file, and store it."""
        seed = self.seed(head.origin)
        note = signed(head.text(), name=head.origin, seed=seed).encode()
        with transaction.atomic():
            if not LogKey.objects.filter(log=log).exists():
                vkey = public_key(name=head.origin, seed=seed).encode()
                LogKey.objects.create(log=log, vkey=vkey, since_at=clock.now())
            Checkpoint.objects.create(
                log=log, size=head.size, root=head.root, note=note, signed_at=clock.now()
            )
        failpoint("signer.stored")

    def _beat(self, log: Log, known: Head, stored: Checkpoint) -> bool:
        """Say, a day after the last word, that the log is still what was signed; say whether that was due."""
        now = clock.now()
        with connection.cursor() as cursor:
            cursor.execute(
                """SELECT greatest(c.signed_at, (SELECT max(at) FROM ledger_heartbeat WHERE checkpoint_id = c.id))
                     FROM ledger_checkpoint c WHERE c.id = %s""",
                [stored.pk],
            )
            if now - cursor.fetchone()[0] < HEARTBEAT:
                return False
        self._leaves(log, known)
        Heartbeat.objects.create(checkpoint=stored, at=now)
        return True


def _last_checkpoint(log: Log) -> Checkpoint | None:
    return Checkpoint.objects.filter(log=log).order_by("-size").first()


def _compare(log: Log, stored: Checkpoint | None, known: Head | None) -> None:
    """Hold the stored checkpoint against the file. Raises: SignerRefusesError."""
    if stored is not None and (known is None or known.size < stored.size):
        what = f"{known.size} entries" if known else "nothing"
        raise SignerRefusesError(
            f"The database holds a checkpoint of {stored.size} entries, and the signer's file knows of {what}: it was"
            " restored from an old copy, or lost. Bring the newest copy back. If there is none, ask the witnesses"
            " what they have seen, and take the database's word with `manage.py sign_checkpoints --adopt"
            f" {log.code}`."
        )
    if known is not None and log.size < known.size:
        raise SignerRefusesError(_rolled_back(known.size, log.size))
    if known is not None and stored is not None:
        same = known.size == stored.size
        if same and known.root != bytes(stored.root):
            raise SignerRefusesError(
                f"The stored checkpoint of {stored.size} entries has another root than ours."
            )


def _rolled_back(before: int, now: int) -> str:
    return (
        f"{before} entries were signed, and the database holds {now}: it was restored from an old copy. Restore a newer"
        " one; what was signed and is lost stays visible to whoever kept the checkpoint."
    )
