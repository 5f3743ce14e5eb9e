"""Reads of rolls: their records, as they are hashed, and the way from one of them to the root."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from ledger.openbooks.rolls import EXPLICIT, Node, Record, Step, Tree, split
from ledger.sharing.models import Period
from ledger.sharing.roll_models import Roll, RollSubtree
from ledger.sharing.roll_triggers import NAMED_BYTES, OWN_BYTES, SUBTREE

COMMITMENT = 32
#: Of larger rolls a process keeps nothing: half a kilobyte for each subtree.
_KEPT_SIZE = 4096 * SUBTREE
_NOTHING = bytes(8)


@dataclass(frozen=True)
class Place:
    """A record in its roll, with the way to the root. index: how many stand before it."""

    index: int
    record: Record
    path: list[Step]


def rates_of(period: Period, classes: Iterable[int]) -> list[int]:
    """Return what the classes of a roll are charged each, where no cap leaves a member less (fen)."""
    shares: dict[int, int] = {}
    for row in period.classes or []:
        shares[row["class_no"]] = max(row["share_fen"], shares.get(row["class_no"], 0))
    return [shares.get(class_no, 0) for class_no in classes]


def frozen_records(subtree: RollSubtree) -> Iterator[bytes]:
    """Yield the records of a subtree as they were frozen."""
    return (named + _NOTHING for named in split(bytes(subtree.records), NAMED_BYTES))


def closed_records(subtree: RollSubtree, own: Mapping[int, int], rates: list[int]) -> Iterator[bytes]:
    """Yield the records of a frozen subtree with their amounts. own: amounts by place, where they are not the rate."""
    at_rate = [fen.to_bytes(8) for fen in rates]
    for place, named in enumerate(split(bytes(subtree.records), NAMED_BYTES)):
        if place in own:
            yield named[:COMMITMENT] + bytes([named[COMMITMENT] | EXPLICIT]) + own[place].to_bytes(8)
        else:
            yield named + at_rate[named[COMMITMENT]]


def own_amounts(subtree: RollSubtree) -> dict[int, int]:
    """Return the own amounts of a closed subtree by their place in it."""
    parts = split(bytes(subtree.records), OWN_BYTES)
    return {int.from_bytes(part[:2]): int.from_bytes(part[2:]) for part in parts}


def records_of(roll: Roll, *, first: int, end: int) -> Iterator[bytes]:
    """Yield the records of the subtrees with these numbers, from the first to before the end."""
    kept = RollSubtree.objects.filter(period=roll.period_id, number__gte=first, number__lt=end)
    frozen = kept.filter(stage=Roll.Stage.FREEZE).order_by("number")
    if roll.stage == Roll.Stage.FREEZE:
        for subtree in frozen.iterator(chunk_size=SUBTREE // 16):
            yield from frozen_records(subtree)
        return
    rates = rates_of(roll.period, roll.classes)
    own = {one.number: own_amounts(one) for one in kept.filter(stage=Roll.Stage.CLOSE)}
    for subtree in frozen.iterator(chunk_size=SUBTREE // 16):
        yield from closed_records(subtree, own[subtree.number], rates)


def place_of(roll: Roll, commitment: bytes) -> Place | None:
    """Find a commitment in a roll, with its path; None where it does not stand there."""
    frozen = RollSubtree.objects.filter(period=roll.period_id, stage=Roll.Stage.FREEZE)
    subtree = frozen.filter(first__lte=commitment).order_by("-first").first()
    if subtree is None:
        return None
    records = list(_records_in(roll, subtree))
    index = next((n for n, record in enumerate(records) if record[:COMMITMENT] == commitment), None)
    if index is None:
        return None
    tree = Tree(len(roll.classes))
    below = tree.path_of(index, records)
    above = tree.path(subtree.number, subtree_roots(roll))
    return Place(subtree.number * SUBTREE + index, Record.read(records[index]), below + above)


def _records_in(roll: Roll, frozen: RollSubtree) -> Iterator[bytes]:
    """Yield the records of one subtree."""
    if roll.stage == Roll.Stage.FREEZE:
        return frozen_records(frozen)
    closed = RollSubtree.objects.get(period=roll.period_id, stage=roll.stage, number=frozen.number)
    return closed_records(frozen, own_amounts(closed), rates_of(roll.period, roll.classes))


def subtree_roots(roll: Roll) -> tuple[Node, ...]:
    """Return the roots of all subtrees of a roll, in their order."""
    read = _kept_roots if roll.size <= _KEPT_SIZE else _kept_roots.__wrapped__
    return read(roll.period_id, roll.stage, len(roll.classes), bytes(roll.root))


@lru_cache(maxsize=16)
def _kept_roots(period: int, stage: str, classes: int, _root: bytes) -> tuple[Node, ...]:
    """Read them. They follow from the root, by which a process keeps them: every proof of a roll needs them all."""
    tree = Tree(classes)
    kept = RollSubtree.objects.filter(period=period, stage=stage).order_by("number")
    return tuple(
        tree.as_node(counts, own_fen, bytes(hashed))
        for counts, own_fen, hashed in kept.values_list("counts", "own_fen", "hash")
    )


def prefix_records(roll: Roll, prefix: bytes) -> Iterator[bytes]:
    """Yield the records whose commitments begin with these bytes; of a million and two bytes about fifteen."""
    last = prefix + b"\xff" * (COMMITMENT - len(prefix))
    frozen = RollSubtree.objects.filter(period=roll.period_id, stage=Roll.Stage.FREEZE, first__lte=last)
    end = frozen.order_by("-first").first()
    if end is None:
        return iter(())
    begin = frozen.filter(first__lte=prefix + bytes(COMMITMENT - len(prefix))).order_by("-first").first()
    found = records_of(roll, first=begin.number if begin else 0, end=end.number + 1)
    return (record for record in found if record.startswith(prefix))
