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
from ledger.openbooks.keys import changes_of_key, rotation_text
from ledger.openbooks.merkle import tree_root
from ledger.openbooks.models import Log, LogEntry
from ledger.openbooks.notes import NoteError, b64, public_key, read_key, signature_of, signed
from ledger.openbooks.signer_state import SignerState

HEARTBEAT = dt.timedelta(hours=24)
_DOMAIN = b"huzhu/v1/log-key\0"


class SignerRefusesError(Exception):
    """What the database holds contradicts what was signed; the message says what and what to do."""


@dataclass(frozen=True)
class Signer:
    """A secret, its file, the domain under which new logs are named: DOMAIN/pool/CODE, and earlier secrets.

    A log whose last key is of an earlier secret is given a new one: the old key signs for it, the log states that, the
    old key signs the log up to this statement, and the new one whatever follows.
    """

    secret: str
    state: SignerState
    domain: str
    before: tuple[str, ...] = ()

    def seeds(self, origin: str) -> list[bytes]:
        """Return the keys of one log, the current one first: each log has its own, so that none is met twice."""
        told = _DOMAIN + origin.encode()
        return [hmac.new(one.encode(), told, hashlib.sha256).digest() for one in (self.secret, *self.before)]

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
        keys = _keys(log)
        origin = self._origin(log, keys)
        self._renew_key(log, keys, origin)
        stored = _last_checkpoint(log)
        known = self.state.last(origin)
        _compare(log, stored, known)
        if known is not None and stored is not None and known.size == log.size == stored.size:
            return self._beat(log, known, stored)
        leaves = self._leaves(log, known)
        if known is not None and (stored is None or stored.size < known.size):
            self._store(log, known)
        for size in self._sizes_due(log, known.size if known else 0, len(leaves)):
            head = Head(origin, size, tree_root(leaves[:size]))
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
        origin = self._origin(log, _keys(log))
        known = self.state.last(origin)
        if stored is None or (known is not None and stored.size <= known.size):
            raise SignerRefusesError("There is no checkpoint that the file does not know.")
        try:
            head = open_checkpoint(stored.note, log_key=read_key(self._key_at(log, stored.size).vkey)).head
        except NoteError as error:
            raise SignerRefusesError(f"The stored checkpoint is not ours: {error}.") from None
        leaves = self._leaves(log, known)
        if tree_root(leaves[: head.size]) != head.root:
            raise SignerRefusesError(f"The stored checkpoint of {head.size} entries is not of these entries.")
        self.state.note(head)
        return head

    def _origin(self, log: Log, keys: list[LogKey]) -> str:
        """Return the origin of the log: that of its keys, and before the first checkpoint a new one."""
        if not keys:
            return f"{self.domain}/pool/{log.code}"
        last = keys[-1].vkey
        origin = read_key(last).name
        if self._seed_of(last, origin) is None:
            raise SignerRefusesError(
                f"The log is signed with the key {last}, and this is another. Start with the right AID_SIGNER_KEY,"
                " or give it in AID_SIGNER_KEYS_BEFORE to go on with a new key."
            )
        return origin

    def _seed_of(self, vkey: str, origin: str) -> bytes | None:
        """Return the secret of a key, if it is one of ours."""
        return next(
            (one for one in self.seeds(origin) if public_key(name=origin, seed=one).encode() == vkey), None
        )

    def _renew_key(self, log: Log, keys: list[LogKey], origin: str) -> None:
        """Let the last key of a log sign for our current one, once. Raises: SignerRefusesError.

        The file knows it first, so that no key ever signs for two: after a crash, or from a restored database, the
        same signature is made again.
        """
        ours = public_key(name=origin, seed=self.seeds(origin)[0]).encode()
        if not keys or keys[-1].vkey == ours or len(keys) > len(changes_of_key(log.pk)) + 1:
            return
        last = keys[-1]
        seed = self._seed_of(last.vkey, origin)
        if seed is None or any(key.vkey == ours for key in keys):
            raise SignerRefusesError(
                f"{ours} was replaced by {last.vkey}: start with the AID_SIGNER_KEY of that one."
            )
        known = self.state.successor(last.vkey)
        if known not in {None, ours}:
            raise SignerRefusesError(
                f"The key {last.vkey} has signed for {known}, and this is another. Start with the AID_SIGNER_KEY of"
                " that one; from there on a further key may follow."
            )
        if known is None:
            self.state.note_key(origin, last.vkey, ours)
            failpoint("signer.key_noted")
        signature = b64(signature_of(rotation_text(last.vkey, ours), seed=seed))
        LogKey.objects.create(
            log=log, number=last.number + 1, vkey=ours, signature=signature, since_at=clock.now()
        )

    def _key_at(self, log: Log, size: int) -> LogKey:
        """Return the key by which a head of this size is to be signed."""
        changes = sum(change < size for change in changes_of_key(log.pk))
        return LogKey.objects.get(log=log, number=1 + changes)

    def _sizes_due(self, log: Log, known: int, size: int) -> list[int]:
        """Return at which sizes to sign: where the key changes, since the old one signs that, and now."""
        return [one for one in sorted({*changes_of_key(log.pk), size}) if known < one <= size]

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
        with transaction.atomic():
            if not LogKey.objects.filter(log=log).exists():
                vkey = public_key(name=head.origin, seed=self.seeds(head.origin)[0]).encode()
                LogKey.objects.create(log=log, number=1, vkey=vkey, since_at=clock.now())
            vkey = self._key_at(log, head.size).vkey
            seed = self._seed_of(vkey, head.origin)
            if seed is None:
                raise SignerRefusesError(
                    f"The head of {head.size} entries is to be signed with {vkey}, which is not given. Give its secret"
                    " in AID_SIGNER_KEYS_BEFORE."
                )
            note = signed(head.text(), name=head.origin, seed=seed).encode()
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


def _keys(log: Log) -> list[LogKey]:
    return list(LogKey.objects.filter(log=log).order_by("number"))


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
