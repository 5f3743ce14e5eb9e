"""Making the rolls of a period: who shares, before its cases are public; what they pay, once it is posted.

Off the way of headcount and posting. Records come from the database in the order of their commitments and go on
subtree by subtree, so that a roll of millions takes the memory of one.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Any

from django.db import connection, transaction

from aidplatform.lib import clock, commitments
from aidplatform.lib.db import whole_tables
from aidplatform.lib.failpoints import failpoint
from aidplatform.work import jobs
from ledger.openbooks import services as openbooks
from ledger.openbooks.canonical import instant
from ledger.openbooks.models import LogEntry
from ledger.openbooks.rolls import MOST_CLASSES, Node, Tree
from ledger.sharing.models import Period
from ledger.sharing.roll_models import Roll, RollSubtree
from ledger.sharing.roll_selectors import COMMITMENT, closed_records, frozen_records, rates_of
from ledger.sharing.roll_triggers import NAMED_BYTES, SUBTREE
from ledger.sharing.selectors import class_counts
from members.joining.secret_filling import fill_secrets

CLOSE_ROLL = "sharing.close_roll"
_AT_ONCE = 64

_SALT = "sha256(%(salted)s::bytea || s.commit_key || %(place)s::bytea)"
_COMMITMENT = f"sha256(%(named)s::bytea || {_SALT} || s.id_inner)"
_HEADCOUNT = "members_headcount(%(pool)s, %(as_of)s, %(recorded)s, 0, 9223372036854775807)"
# The lines of each subtree in one row: the database cuts them faster than they could be taken from it one by one.
_SUBTREES = f"""
    SELECT string_agg(named, ''::bytea ORDER BY named)
      FROM (SELECT named, (row_number() OVER (ORDER BY named) - 1) / {SUBTREE} AS number
              FROM (SELECT {_COMMITMENT} || (%(places)s::bytea[])[h.class_no + 1] AS named
                      FROM {_HEADCOUNT} h JOIN members_membersecret s USING (membership_id)) line) numbered
     GROUP BY number ORDER BY number"""  # noqa: S608 - fixed text
# Whose charge is not the rate of their class.
_OWN_AMOUNTS = f"""
    SELECT {_COMMITMENT}, c.share_fen
      FROM ledger_charge c JOIN {_HEADCOUNT} h USING (membership_id) JOIN members_membersecret s USING (membership_id)
     WHERE c.pool_id = %(pool)s AND c.period_no = %(number)s AND c.share_fen <> (%(rates)s::bigint[])[h.class_no + 1]
     ORDER BY 1"""  # noqa: S608


def freeze_roll(
    period: Period, *, within: Callable[[], AbstractContextManager[None]] = transaction.atomic
) -> None:
    """Make the roll of a frozen headcount and state it in the log; made already: nothing.

    Secrets of members who have none are made first, in transactions of their own. within: the transaction of the roll,
    that of a lease where a job makes it.
    """
    if is_roll_frozen(period):
        return
    fill_secrets(pool_id=period.pool_id, as_of=period.as_of, recorded_at=period.headcount_recorded_at)
    with within():
        _freeze_once(period)
        failpoint("sharing.roll_frozen")


def is_roll_frozen(period: Period) -> bool:
    """Tell whether the log says who shares the period."""
    return _is_stated(period, Roll.Stage.FREEZE)


def order_closed_roll(period: Period, actor: str) -> None:
    """Have a worker make the roll with the amounts, in the transaction that posts the period."""
    jobs.enqueue(kind=CLOSE_ROLL, key=period.code, payload={"period": period.pk}, actor=actor)


def close_roll(lease: jobs.Lease) -> dict[str, int]:
    """Make the roll of what a posted period charges, and state it; of one without a frozen roll there is none."""
    period = Period.objects.select_related("pool").get(pk=lease.payload["period"])
    frozen = Roll.objects.filter(period=period, stage=Roll.Stage.FREEZE).first()
    if frozen is None or _is_stated(period, Roll.Stage.CLOSE):
        return {"members": 0}
    with lease.transaction():
        roll = _close(period, frozen)
        failpoint("sharing.roll_closed")
    return {"members": roll.size}


def _is_stated(period: Period, stage: str) -> bool:
    entries = LogEntry.objects.filter(
        log__code=period.pool.code, type=f"roll.{stage}", key=str(period.number)
    )
    return entries.exists()


def _freeze_once(period: Period) -> None:
    """Make the roll unless another transaction, for which this one waits, has made it meanwhile."""
    with connection.cursor() as cursor:
        # Not the period's row: whatever else happens to a period must not wait for a tree.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('ledger_roll'), %s)", [period.pk])
    if not is_roll_frozen(period):
        _freeze(period)


def _freeze(period: Period) -> Roll:
    counts = class_counts(period)
    classes = sorted(class_no for class_no, count in counts.items() if count)
    tree = Tree(len(classes))
    roots: list[Node] = []
    places = [
        bytes([classes.index(class_no)]) if class_no in classes else b"" for class_no in range(MOST_CLASSES)
    ]
    subtrees: list[RollSubtree] = []
    for (named,) in _rows(_SUBTREES, _parameters(period) | {"places": places}, at_once=_AT_ONCE):
        subtree = RollSubtree(
            period=period,
            stage=Roll.Stage.FREEZE,
            number=len(roots),
            size=len(named) // NAMED_BYTES,
            first=named[:COMMITMENT],
            records=named,
        )
        roots.append(_finish(tree, subtree, frozen_records(subtree)))
        subtrees = _stored([*subtrees, subtree])
    _stored(subtrees, least=1)
    return _state(period, Roll.Stage.FREEZE, classes, tree, roots)


def _close(period: Period, frozen: Roll) -> Roll:
    rates, tree = rates_of(period, frozen.classes), Tree(len(frozen.classes))
    roots: list[Node] = []
    own = _OwnAmounts(period, frozen, rates)
    kept = RollSubtree.objects.filter(period=period, stage=Roll.Stage.FREEZE).order_by("number")
    subtrees: list[RollSubtree] = []
    for before in kept.iterator(chunk_size=_AT_ONCE):
        amounts = own.of(before)
        subtree = RollSubtree(
            period=period,
            stage=Roll.Stage.CLOSE,
            number=before.number,
            size=before.size,
            first=before.first,
            records=b"".join(place.to_bytes(2) + fen.to_bytes(8) for place, fen in amounts.items()),
        )
        roots.append(_finish(tree, subtree, closed_records(before, amounts, rates)))
        subtrees = _stored([*subtrees, subtree])
    _stored(subtrees, least=1)
    return _state(period, Roll.Stage.CLOSE, frozen.classes, tree, roots)


class _OwnAmounts:
    """Amounts that are not the rate, taken from the database as the subtrees come to them."""

    def __init__(self, period: Period, frozen: Roll, rates: list[int]) -> None:
        all_rates = [0] * 64
        for class_no, fen in zip(frozen.classes, rates, strict=True):
            all_rates[class_no] = fen
        # Rows beyond one of each class are those of members whom a cap leaves less.
        is_capped = len(period.classes or []) > len({row["class_no"] for row in period.classes or []})
        parameters = _parameters(period) | {"number": period.number, "rates": all_rates}
        self._rows = _rows(_OWN_AMOUNTS, parameters) if is_capped else iter(())
        self._next = next(self._rows, None)

    def of(self, subtree: RollSubtree) -> dict[int, int]:
        """Return those of the next subtree by their place in it."""
        found: dict[int, int] = {}
        if self._next is None:
            return found
        for place, record in enumerate(frozen_records(subtree)):
            if self._next is not None and bytes(self._next[0]) == record[:COMMITMENT]:
                found[place] = self._next[1]
                self._next = next(self._rows, None)
        return found


def _finish(tree: Tree, subtree: RollSubtree, records: Iterable[bytes]) -> Node:
    """Write the root of its records into a subtree, and return it."""
    root = tree.root_of(records)
    subtree.counts, subtree.own_fen = tree.figures(root)
    subtree.hash = root.hash
    return root


def _stored(subtrees: list[RollSubtree], least: int = _AT_ONCE) -> list[RollSubtree]:
    """Store subtrees once there are so many; return those that are not stored yet."""
    if len(subtrees) < least:
        return subtrees
    RollSubtree.objects.bulk_create(subtrees)
    return []


def _state(period: Period, stage: str, classes: list[int], tree: Tree, roots: list[Node]) -> Roll:
    """Write the roll over the roots of its subtrees and state it in the log."""
    root, at = tree.root(roots), clock.now()
    counts, own_fen = tree.figures(root)
    roll = Roll.objects.create(
        period=period,
        stage=stage,
        size=sum(counts),
        classes=classes,
        counts=counts,
        own_fen=own_fen,
        root=root.hash,
        head=tree.head(period.pool.code, period.number, root),
        built_at=at,
    )
    openbooks.append(
        code=period.pool.code,
        entry_type=f"roll.{stage}",
        key=str(period.number),
        body=_body(period, roll),
        at=at,
    )
    return roll


def _body(period: Period, roll: Roll) -> dict[str, Any]:
    body: dict[str, Any] = {
        "period": period.number,
        "n": roll.size,
        "classes": roll.classes,
        "tree": roll.counts,
        "x": roll.own_fen,
        "root": bytes(roll.root).hex(),
        "head": bytes(roll.head).hex(),
    }
    if roll.stage == Roll.Stage.FREEZE:
        assert period.as_of is not None
        body |= {
            "as_of": instant(period.as_of),
            "counts": {str(no): n for no, n in class_counts(period).items()},
        }
    return body


def _parameters(period: Period) -> dict[str, Any]:
    place = commitments.place(period.pool.code, period.number)
    return {
        "named": commitments.COMMITMENT_TAG + place,
        "salted": commitments.SALT_TAG,
        "place": place,
        "pool": period.pool_id,
        "as_of": period.as_of,
        "recorded": period.headcount_recorded_at,
    }


def _rows(sql: str, parameters: dict[str, Any], *, at_once: int = 8 * SUBTREE) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a query as they are taken, however many there are; within a transaction."""
    with connection.chunked_cursor() as cursor:
        with whole_tables():
            cursor.execute(sql, parameters)
        while rows := cursor.fetchmany(at_once):
            yield from rows
