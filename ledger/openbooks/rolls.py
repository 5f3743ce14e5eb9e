"""The roll of a period and its tree, which counts members by class: record, leaf, node, head, path. Pure.

A record is 41 bytes: commitment 32, class 1, fen 8. The low six bits of the class are its place among the classes of
the roll; bit 0x80 says that the amount is the member's own and not the rate of the class. Records stand in the order
of their commitments. Amounts are not summed as they come: a node carries how many members of each class it has, at
the rate and with an own amount, and the sum of the own amounts. What the others pay follows from public rates, so no
part of the tree can hide a rebate. Both children's figures are inside a node's hash, or one leaf could be shown to
many people (eprint 2018/1139). Shape: RFC 6962, a node without a neighbor goes up as it is.

Figures of a node are one number here, a field of 64 bits for each: adding nodes is one addition, and its bytes are
what is hashed. No field reaches 2^53, so none runs over into the next.
"""

import hashlib
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from aidplatform.lib import commitments
from ledger.openbooks.canonical import LARGEST

RECORD_BYTES, COMMITMENT_BYTES, HASH_BYTES = 41, 32, 32
MOST_CLASSES = 64
EXPLICIT = 0x80
EMPTY_ROOT = hashlib.sha256(b"").digest()
_TAG = b"huzhu/roll/v1"
_LEAF, _NODE, _HEAD = (bytes([prefix]) + _TAG for prefix in (0x10, 0x11, 0x12))
_FIELD = 64
_ONE_FIELD = (1 << _FIELD) - 1


class RollError(ValueError):
    """This is no roll, or not the path of its leaf; `code` names the rule that it breaks."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class Node(NamedTuple):
    """A node: its figures in one number, and its hash."""

    figures: int
    hash: bytes


class _Level(NamedTuple):
    """Nodes side by side. figures: of each in one number; written: figures and hash, as the node above has them.

    Lists of plain values, since a million nodes are made at once.
    """

    figures: list[int]
    written: list[bytes]


class Step(NamedTuple):
    """A sibling on the way from a leaf to the root. is_left: it stands to the left."""

    is_left: bool
    node: Node


@dataclass(frozen=True, slots=True)
class Record:
    """A member in the roll. place: of their class among the classes of the roll. fen: 0 before the period is posted."""

    commitment: bytes
    place: int
    fen: int = 0
    is_explicit: bool = False

    def encode(self) -> bytes:
        """Return the 41 bytes. Raises: RollError."""
        if len(self.commitment) != COMMITMENT_BYTES or not 0 <= self.place < MOST_CLASSES:
            raise RollError("record_is_written", "a commitment of 32 bytes, and a class below 64")
        if not 0 <= self.fen <= LARGEST:
            raise RollError("amount_in_range", f"{self.fen} fen")
        flag = EXPLICIT if self.is_explicit else 0
        return self.commitment + bytes([self.place | flag]) + self.fen.to_bytes(8)

    @classmethod
    def read(cls, data: bytes) -> "Record":
        """Read the 41 bytes. Raises: RollError."""
        if len(data) != RECORD_BYTES or data[32] & 0x40:
            raise RollError("record_is_written", "41 bytes, the second bit of the class not set")
        fen = int.from_bytes(data[33:])
        if fen > LARGEST:
            raise RollError("amount_in_range", f"{fen} fen")
        return cls(data[:32], data[32] & 0x3F, fen, bool(data[32] & EXPLICIT))


class Tree:
    """The tree of a roll with so many classes."""

    def __init__(self, classes: int) -> None:
        """Raises: RollError for more than 64 classes."""
        if not 0 <= classes <= MOST_CLASSES:
            raise RollError("classes_in_range", f"{classes} classes")
        self.classes = classes
        self.empty = Node(0, EMPTY_ROOT)
        self._bytes = 8 * (2 * classes + 1)
        # Where one member counts, by the byte of their class: at the rate, and with an own amount.
        self._units = {
            place | flag: 1 << _FIELD * (2 * classes - place - (classes if flag else 0))
            for place in range(classes)
            for flag in (0, EXPLICIT)
        }
        # The same of one at the rate, with its bytes: nearly all are.
        self._at_rate = {
            kind: (figures, figures.to_bytes(self._bytes))
            for kind, figures in self._units.items()
            if not kind & EXPLICIT
        }

    def leaf(self, record: bytes) -> Node:
        """Return the leaf of an encoded record. Raises: RollError for a class that the roll does not have."""
        figures = self._units.get(record[32])
        if figures is None or len(record) != RECORD_BYTES:
            raise RollError("record_is_written", f"a record of class {record[32]} among {self.classes}")
        if record[32] & EXPLICIT:
            figures += int.from_bytes(record[33:])
        return Node(figures, hashlib.sha256(_LEAF + record).digest())

    def node(self, left: Node, right: Node) -> Node:
        """Return the node above two. Raises: RollError where own amounts reach 2^53."""
        width, figures = self._bytes, left.figures + right.figures
        if figures & _ONE_FIELD > LARGEST:
            raise RollError("amount_in_range", f"own amounts of {figures & _ONE_FIELD} fen")
        data = left.figures.to_bytes(width) + left.hash + right.figures.to_bytes(width) + right.hash
        return Node(figures, hashlib.sha256(_NODE + data).digest())

    def root(self, nodes: Sequence[Node]) -> Node:
        """Return the root over nodes that are alike: leaves, or the roots of subtrees of equal size but the last."""
        return self._top(self._level(nodes))

    def root_of(self, records: Iterable[bytes]) -> Node:
        """Return the root over encoded records. Raises: RollError for a class that the roll does not have."""
        return self._top(self._leaves(records))

    def path(self, index: int, nodes: Sequence[Node]) -> list[Step]:
        """Return the siblings on the way from a node to the root. Raises: RollError for one that is not there."""
        return self._path(index, self._level(nodes))

    def path_of(self, index: int, records: Iterable[bytes]) -> list[Step]:
        """Return the siblings on the way from the leaf of an encoded record to the root. Raises: RollError."""
        return self._path(index, self._leaves(records))

    def root_of_path(self, leaf: Node, index: int, size: int, path: Iterable[Step]) -> Node:
        """Return the root to which a path leads from a leaf at this place in a roll of that size.

        Raises: RollError when sides or length are not those of the place, a sibling has no member or too many classes,
        or the members to the left are not as many as the index.
        """
        place, last, found, before = index, size - 1, leaf, 0
        if not 0 <= index < size:
            raise RollError("path_fits_its_place", f"leaf {index} of {size}")
        for step in path:
            if last == 0:
                raise RollError("path_fits_its_place", "a path that is too long")
            while place == last and not place % 2:
                place, last = place // 2, last // 2
            if step.is_left != bool(place % 2):
                raise RollError("path_fits_its_place", "a sibling on the wrong side")
            if (members := self.members(step.node)) < 1:
                raise RollError("sibling_has_members", "a sibling without members")
            before += members if step.is_left else 0
            found = self.node(step.node, found) if step.is_left else self.node(found, step.node)
            place, last = place // 2, last // 2
        if last != 0:
            raise RollError("path_fits_its_place", "a path that is too short")
        if before != index:
            raise RollError("left_members_are_my_index", f"{before} members before place {index}")
        return found

    def figures(self, node: Node) -> tuple[list[int], int]:
        """Return members by class, at the rate and then with own amounts, and the sum of own amounts."""
        data = node.figures.to_bytes(self._bytes)
        fields = [int.from_bytes(data[at : at + 8]) for at in range(0, len(data), 8)]
        return fields[:-1], fields[-1]

    def as_node(self, counts: Sequence[int], own_fen: int, hashed: bytes) -> Node:
        """Return the node with these figures. Raises: RollError for other figures than a node can have."""
        fields = [*counts, own_fen]
        if len(fields) != 2 * self.classes + 1 or len(hashed) != HASH_BYTES:
            raise RollError("node_is_written", f"{len(counts)} counts for {self.classes} classes")
        if min(fields) < 0 or max(fields) > LARGEST:
            raise RollError("amount_in_range", f"figures {fields}")
        return Node(int.from_bytes(struct.pack(f">{len(fields)}Q", *fields)), hashed)

    def members(self, node: Node) -> int:
        """Return how many members a node has."""
        return sum(self.figures(node)[0])

    def head(self, code: str, period: int, root: Node) -> bytes:
        """Return what commits to the whole roll of a pool's period."""
        figures = root.figures.to_bytes(self._bytes)
        data = commitments.place(code, period) + self.classes.to_bytes(8) + figures + root.hash
        return hashlib.sha256(_HEAD + data).digest()

    def _leaves(self, records: Iterable[bytes]) -> _Level:
        at_rate, sha256, figures, written = self._at_rate, hashlib.sha256, [], []
        for record in records:
            kind = record[COMMITMENT_BYTES]
            if kind in at_rate and len(record) == RECORD_BYTES:
                counted, counted_bytes = at_rate[kind]
            else:
                counted = self.leaf(record).figures
                counted_bytes = counted.to_bytes(self._bytes)
            figures.append(counted)
            written.append(counted_bytes + sha256(_LEAF + record).digest())
        return _Level(figures, written)

    def _level(self, nodes: Iterable[Node]) -> _Level:
        level = list(nodes)
        written = [node.figures.to_bytes(self._bytes) + node.hash for node in level]
        return _Level([node.figures for node in level], written)

    def _node(self, level: _Level, index: int) -> Node:
        return Node(level.figures[index], level.written[index][self._bytes :])

    def _top(self, level: _Level) -> Node:
        while len(level.figures) > 1:
            level = self._above(level)
        return self._node(level, 0) if level.figures else self.empty

    def _path(self, index: int, level: _Level) -> list[Step]:
        if not 0 <= index < len(level.figures):
            raise RollError("path_fits_its_place", f"leaf {index} of {len(level.figures)}")
        found = []
        while len(level.figures) > 1:
            if (sibling := index ^ 1) < len(level.figures):
                found.append(Step(sibling < index, self._node(level, sibling)))
            level, index = self._above(level), index // 2
        return found

    def _above(self, level: _Level) -> _Level:
        """Return the nodes above, as `node` makes each. Raises: RollError where own amounts reach 2^53."""
        width, even = self._bytes, len(level.figures) // 2 * 2
        pairs = zip(level.figures[0:even:2], level.figures[1:even:2], strict=True)
        figures = [left + right for left, right in pairs]
        most = max([one & _ONE_FIELD for one in figures], default=0)
        if most > LARGEST:
            raise RollError("amount_in_range", f"own amounts of {most} fen")
        both = zip(level.written[0:even:2], level.written[1:even:2], strict=True)
        sha256 = hashlib.sha256
        written = [
            one.to_bytes(width) + sha256(_NODE + left + right).digest()
            for one, (left, right) in zip(figures, both, strict=True)
        ]
        # A node without a neighbor goes up as it is.
        return _Level(figures + level.figures[even:], written + level.written[even:])


def split(data: bytes, each: int = RECORD_BYTES) -> Iterator[bytes]:
    """Yield records one after the other. Raises: RollError for bytes that end within one."""
    if len(data) % each:
        raise RollError("record_is_written", f"{len(data)} bytes are no number of records")
    return (data[at : at + each] for at in range(0, len(data), each))


def demand_order(records: Iterable[bytes], after: bytes = b"") -> bytes:
    """Demand that commitments rise strictly, so that nobody stands in it twice; return the last one.

    Raises: RollError.
    """
    for record in records:
        if record[:COMMITMENT_BYTES] <= after:
            raise RollError("commitments_rise", f"{record[:COMMITMENT_BYTES].hex()} out of its order")
        after = record[:COMMITMENT_BYTES]
    return after
