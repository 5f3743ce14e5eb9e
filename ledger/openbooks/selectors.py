"""Reads of the log: what stands in it, and what the signer has signed of it."""

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.utils.translation import gettext_lazy as _

from ledger.openbooks.checkpoint_models import Checkpoint, LogKey
from ledger.openbooks.checkpoints import Head, fingerprint
from ledger.openbooks.keys import keys_in_use, keys_of
from ledger.openbooks.models import Log, LogEntry
from ledger.openbooks.notes import VerifierKey, read_key
from ledger.openbooks.policies import NONE, Policy, Witness, composed, read_policy
from ledger.openbooks.witness_models import Cosignature, WitnessPolicy, WitnessRefusal
from members.people.open_books import tells_books

# So long a statement may wait for its signature, and so long the signer may say nothing, before it is an alarm.
SIGNED_WITHIN = dt.timedelta(minutes=10)
HEARD_WITHIN = dt.timedelta(hours=25)
# So many of the last signatures of witnesses are looked through for a checkpoint that enough have signed.
_LOOKED_THROUGH = 400


NOTHING_SIGNED = _("Nothing of this log is signed under this address.")


@dataclass(frozen=True)
class Signing:
    """How far a log is signed.

    size: entries there are; waiting: those that no checkpoint covers yet, since when the oldest of them. heard_at:
    when the signer last signed, or said that there is nothing new. keys: those that have signed, the first one first.
    """

    size: int
    keys: list[LogKey]
    checkpoint: Checkpoint | None
    heard_at: dt.datetime | None
    waiting: int
    waiting_since: dt.datetime | None
    now: dt.datetime

    @property
    def key(self) -> LogKey | None:
        """Return the key that has signed the last checkpoint."""
        return self.keys[-1] if self.keys else None

    @property
    def origin(self) -> str:
        """Return the name of the log in its checkpoints."""
        return read_key(self.key.vkey).name if self.key else ""

    @property
    def head(self) -> Head | None:
        """Return what the last checkpoint says."""
        last = self.checkpoint
        return Head(self.origin, last.size, bytes(last.root)) if last else None

    @property
    def fingerprint(self) -> str:
        """Return the sixteen digits by which two people compare it."""
        return fingerprint(self.head) if self.head else ""

    @property
    def age(self) -> dt.timedelta | None:
        """Return how long ago the signer was last heard of."""
        return self.now - self.heard_at if self.heard_at else None

    @property
    def is_late(self) -> bool:
        """Tell whether statements have waited too long."""
        return self.waiting_since is not None and self.now - self.waiting_since > SIGNED_WITHIN

    @property
    def is_silent(self) -> bool:
        """Tell whether the signer has not been heard of for longer than a day."""
        return self.age is not None and self.age > HEARD_WITHIN


def signing_of(code: str, now: dt.datetime) -> Signing:
    """Return how far the log of a pool is signed, in the same queries whatever its size."""
    log = Log.objects.filter(code=code).first()
    if log is None:
        return Signing(0, [], None, None, 0, None, now)
    last = Checkpoint.objects.filter(log=log).order_by("-size").first()
    size = last.size if last else 0
    oldest = LogEntry.objects.filter(log=log, seq=size).values_list("data", flat=True).first()
    since = dt.datetime.fromisoformat(json.loads(bytes(oldest))["at"]) if oldest is not None else None
    keys = keys_in_use(keys_of(code), last) if last else []
    return Signing(log.size, keys, last, _heard_at(last), log.size - size, since, now)


@dataclass(frozen=True)
class WitnessRow:
    """One witness in force: up to which checkpoint it has signed, by its own clock when, and whether it would not."""

    witness: Witness
    signed: Cosignature | None
    refusal: WitnessRefusal | None


@dataclass(frozen=True)
class Witnessing:
    """Who witnesses a log, and what the last checkpoint has of it.

    whole_until: the largest checkpoint under which enough of them stand; None where there is none.
    """

    policy: Policy
    rows: list[WitnessRow]
    whole_until: Checkpoint | None


def policy_in_force(code: str) -> WitnessPolicy | None:
    """Return who witnesses the log of a pool, by the newest policy that two people have approved."""
    approved = WitnessPolicy.objects.filter(pool__code=code, state=WitnessPolicy.State.APPROVED)
    return approved.order_by("-number").first()


def published_policy(key: LogKey, policy: WitnessPolicy | None) -> str:
    """Return whom a reader of the log has to trust: its key, its witnesses, and how many of them."""
    return f"log {key.vkey}\n" + (policy.text if policy else composed([], 0))


def published_checkpoint(checkpoint: Checkpoint) -> str:
    """Return the signed head with the signatures of those who have witnessed it."""
    lines = checkpoint.cosignatures.order_by("name").values_list("line", flat=True)
    return checkpoint.note + "".join(lines)


def witnessing_of(code: str) -> Witnessing | None:
    """Return how far the log is witnessed, in the same queries whatever its size; None without a policy."""
    policy = policy_in_force(code)
    if policy is None:
        return None
    known = read_policy(policy.text)
    witnesses = list(known.witnesses.values())
    names = [one.key.name for one in witnesses]
    of_log = Cosignature.objects.filter(checkpoint__log__code=code, name__in=names)
    last = of_log.select_related("checkpoint").order_by("name", "-checkpoint__size").distinct("name")
    signed = {one.name: one for one in last}
    refusals = WitnessRefusal.objects.filter(checkpoint__log__code=code, name__in=names)
    said = refusals.select_related("checkpoint").order_by("name", "-at").distinct("name")
    refused = {one.name: one for one in said if not _has_signed_since(signed.get(one.name), one)}
    rows = [WitnessRow(one, signed.get(one.key.name), refused.get(one.key.name)) for one in witnesses]
    return Witnessing(known, rows, _whole_until(code, known))


def _whole_until(code: str, policy: Policy) -> Checkpoint | None:
    """Return the largest checkpoint under which enough witnesses stand, among the last that any has signed."""
    if policy.quorum == NONE:
        return None
    keys = {one.key.name: one.key for one in policy.witnesses.values()}
    rows = Cosignature.objects.filter(checkpoint__log__code=code, name__in=keys)
    under: dict[Checkpoint, list[VerifierKey]] = {}
    for row in rows.select_related("checkpoint").order_by("-checkpoint__size")[:_LOOKED_THROUGH]:
        under.setdefault(row.checkpoint, []).append(keys[row.name])
    return next((one for one, cosigners in under.items() if policy.is_met(cosigners)), None)


def _has_signed_since(signed: Cosignature | None, refusal: WitnessRefusal) -> bool:
    """Tell whether a witness that would not sign has signed that checkpoint or a later one after all."""
    return signed is not None and signed.checkpoint.size >= refusal.checkpoint.size


def last_roll(code: str) -> dict[str, Any] | None:
    """Return what the log states of the last roll with amounts, and how many own amounts it has; None: no roll yet."""
    entry = LogEntry.objects.filter(log__code=code, type="roll.close").order_by("-seq").first()
    if entry is None:
        return None
    body: dict[str, Any] = json.loads(bytes(entry.data))["body"]
    return body | {"own": sum(body["tree"][len(body["classes"]) :]), "seq": entry.seq}


def leaves_of(code: str, size: int) -> list[bytes]:
    """Return the leaf hashes of the first entries of a log."""
    rows = LogEntry.objects.filter(log__code=code, seq__lt=size).order_by("seq")
    return [bytes(leaf) for leaf in rows.values_list("leaf_hash", flat=True)]


@tells_books
def books_told(codes: set[str]) -> dict[str, dict[str, Any]]:
    """Return of each log that is signed how many entries its last checkpoint has, and the fingerprint."""
    rows = Checkpoint.objects.filter(log__code__in=codes).order_by("log", "-size").distinct("log")
    told = {}
    for code, note, size, root in rows.values_list("log__code", "note", "size", "root"):
        head = Head(note.partition("\n")[0], size, bytes(root))
        told[code] = {"books_size": size, "books_fingerprint": fingerprint(head)}
    return told


def _heard_at(last: Checkpoint | None) -> dt.datetime | None:
    if last is None:
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(at) FROM ledger_heartbeat WHERE checkpoint_id = %s", [last.pk])
        beat: dt.datetime | None = cursor.fetchone()[0]
    return max(beat, last.signed_at) if beat else last.signed_at
