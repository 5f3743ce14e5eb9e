"""A member's own proof: their line, its way to both heads, and that the log states these and the bill. One bundle."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from aidplatform.lib import commitments
from aidplatform.lib.errors import NotFoundError
from ledger.openbooks.checkpoint_models import Checkpoint
from ledger.openbooks.keys import keys_in_use, keys_of, published_keys
from ledger.openbooks.merkle import inclusion_proof
from ledger.openbooks.models import LogEntry
from ledger.openbooks.notes import b64
from ledger.openbooks.rolls import Step, Tree
from ledger.openbooks.selectors import leaves_of
from ledger.sharing.models import Period
from ledger.sharing.roll_models import Roll
from ledger.sharing.roll_selectors import Place, place_of
from members.joining.member_secrets import OwnSecret, secret_of
from members.joining.models import Membership

FORMAT = "huzhu-proof/2"
KINDS = ("roll.freeze", "period.announce", "period.close", "roll.close")
NO_PROOF = _(
    "There is no proof of yours for this period: it is not posted and signed yet, or you did not share it."
)


def proof_of(membership: Membership, number: int) -> dict[str, Any]:
    """Return the bundle of a member for a posted period, for them alone: it holds their secret.

    The frozen way has the same members at the same sides, none with an own amount: its hashes alone are new.

    Raises: NotFoundError before the roll is signed, for who did not share the period, and for who has no secret.
    """
    own = secret_of(membership)
    rolls = {
        roll.stage: roll
        for roll in Roll.objects.filter(period__pool=membership.pool, period__number=number).select_related(
            "period__pool"
        )
    }
    if own is None or len(rolls) < len(Roll.Stage):
        raise NotFoundError(NO_PROOF)
    frozen, closed = (_place(own, rolls[stage]) for stage in (Roll.Stage.FREEZE, Roll.Stage.CLOSE))
    roll = rolls[Roll.Stage.CLOSE]
    tree = Tree(len(roll.classes))
    return {
        "format": FORMAT,
        "pool": membership.pool.code,
        "period": number,
        "member": _member(membership, own, number),
        "id_inner": {"secret": own.text},
        "leaf": {
            "commitment": b64(closed.record.commitment),
            "index": closed.index,
            "class": closed.record.place,
            "is_own": closed.record.is_explicit,
            "fen": closed.record.fen,
        },
        "path": [_step(tree, step) for step in closed.path],
        "frozen_path": [b64(step.node.hash) for step in frozen.path],
        **_statements(roll.period),
    }


def _place(own: OwnSecret, roll: Roll) -> Place:
    """Find the member in a roll. Raises: NotFoundError."""
    code, number = roll.period.pool.code, roll.period.number
    salt = commitments.salt(own.commit_key, code, number)
    place = place_of(roll, commitments.commitment(salt, own.id_inner, code, number))
    if place is None:
        raise NotFoundError(NO_PROOF)
    return place


def _member(membership: Membership, own: OwnSecret, number: int) -> dict[str, Any]:
    kind, document, _number = own.whose.split("|")
    salt = commitments.salt(own.commit_key, membership.pool.code, number)
    return {
        "member_no": membership.number,
        "salt": b64(salt),
        "doc_kind": kind,
        "doc_hint": f"…{document[-4:]}" if document else "",
    }


def _step(tree: Tree, step: Step) -> list[Any]:
    counts, own_fen = tree.figures(step.node)
    return ["L" if step.is_left else "R", counts, own_fen, b64(step.node.hash)]


def _statements(period: Period) -> dict[str, Any]:
    """Return the statements about a period, each with its way to the last signed head. Raises: NotFoundError.

    hashes: of the log's tree, which the ways name by their place: they run together before they end.
    """
    code = period.pool.code
    last = Checkpoint.objects.filter(log__code=code).order_by("-size").first()
    found = LogEntry.objects.filter(log__code=code, type__in=KINDS, key=str(period.number))
    entries = {entry.type: entry for entry in found}
    if last is None or len(entries) < len(KINDS):
        raise NotFoundError(NO_PROOF)
    if max(entry.seq for entry in entries.values()) >= last.size:
        raise NotFoundError(NO_PROOF)
    leaves = leaves_of(code, last.size)
    keys = keys_in_use(keys_of(code), last)
    earlier = {"keys": published_keys(keys)} if len(keys) > 1 else {}
    hashes: dict[bytes, int] = {}
    told = {
        kind: {
            "entry": bytes(entries[kind].data).decode(),
            "index": entries[kind].seq,
            "path": [
                hashes.setdefault(part, len(hashes)) for part in inclusion_proof(entries[kind].seq, leaves)
            ],
        }
        for kind in KINDS
    }
    return {
        "key": keys[-1].vkey,
        **earlier,
        "checkpoint": last.note,
        "hashes": [b64(part) for part in hashes],
        "entries": told,
    }
