"""Reads of the log: what stands in it, and what the signer has signed of it."""

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.utils.translation import gettext_lazy as _

from ledger.openbooks.checkpoint_models import Checkpoint, LogKey
from ledger.openbooks.checkpoints import Head, fingerprint
from ledger.openbooks.models import Log, LogEntry
from ledger.openbooks.notes import read_key

# So long a statement may wait for its signature, and so long the signer may say nothing, before it is an alarm.
SIGNED_WITHIN = dt.timedelta(minutes=10)
HEARD_WITHIN = dt.timedelta(hours=25)


NOTHING_SIGNED = _("Nothing of this log is signed under this address.")


@dataclass(frozen=True)
class Signing:
    """How far a log is signed.

    size: entries there are; waiting: those that no checkpoint covers yet, since when the oldest of them. heard_at:
    when the signer last signed, or said that there is nothing new.
    """

    size: int
    key: LogKey | None
    checkpoint: Checkpoint | None
    heard_at: dt.datetime | None
    waiting: int
    waiting_since: dt.datetime | None
    now: dt.datetime

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
        return Signing(0, None, None, None, 0, None, now)
    last = Checkpoint.objects.filter(log=log).order_by("-size").first()
    size = last.size if last else 0
    oldest = LogEntry.objects.filter(log=log, seq=size).values_list("data", flat=True).first()
    since = dt.datetime.fromisoformat(json.loads(bytes(oldest))["at"]) if oldest is not None else None
    key = LogKey.objects.filter(log=log).first()
    return Signing(log.size, key, last, _heard_at(last), log.size - size, since, now)


def published_policy(key: LogKey) -> str:
    """Return the policy of a log as everyone may read it: nobody but its own key, as long as it has no witness."""
    return f"log {key.vkey}\nquorum none\n"


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


def _heard_at(last: Checkpoint | None) -> dt.datetime | None:
    if last is None:
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(at) FROM ledger_heartbeat WHERE checkpoint_id = %s", [last.pk])
        beat: dt.datetime | None = cursor.fetchone()[0]
    return max(beat, last.signed_at) if beat else last.signed_at
