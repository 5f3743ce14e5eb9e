"""Hash every line of a period's rolls anew, and hold parts, root and head against them: a reading of its own.

Lines stream by, part by part, so that a roll of millions takes the memory of one part of 1,024.
"""

import hashlib
from collections.abc import Iterator, Sequence
from itertools import pairwise

from django.utils.translation import gettext_noop as _

from ledger.books.findings import Report, fetch, stream
from ledger.sharing.verify.rows import PeriodRow

SENTENCES = {
    "roll_has_its_root": _(
        "Every roll, and every part of one, has the counts, sum and root that its lines give."
    ),
    "roll_lines_rise": _("The lines of every roll rise, so that nobody stands in it twice."),
}

#: The figures of a node as one number, a field of eight bytes each, and its hash.
Node = tuple[int, bytes]

_NAMED, _OWN, _AT_ONCE = 33, 10, 64
_TAG = b"huzhu/roll/v1"
_ROLLS = """
    SELECT stage, size, classes, counts, own_fen, root, head
      FROM ledger_roll WHERE period_id = %(period)s ORDER BY stage DESC"""
_PARTS = """
    SELECT f.number, f.records, c.records, {side}.size, {side}.counts, {side}.own_fen, {side}.hash
      FROM ledger_rollsubtree f
      LEFT JOIN ledger_rollsubtree c ON c.period_id = f.period_id AND c.number = f.number AND c.stage = 'close'
     WHERE f.period_id = %(period)s AND f.stage = 'freeze' ORDER BY f.number"""


def verify_rolls(report: Report, period: PeriodRow) -> None:
    """Hold the rolls of a period, as many as there are, against SENTENCES."""
    for stage, *stored in fetch(_ROLLS, period.parameters):
        size, classes, counts, own_fen, root, head = stored
        hashing = _Hashing(len(classes), [period.rates.get(class_no, 0) for class_no in classes])
        where = f"{period.where}, roll {stage}"
        roots: list[Node] = []
        last = b""
        for number, named, own, *of_part in stream(
            _PARTS.format(side="f" if stage == "freeze" else "c"), period.parameters, _AT_ONCE
        ):
            named = bytes(named)
            last = _hold_order(report, f"{where}, part {number}", last, named)
            lines = hashing.closed(named, bytes(own or b"")) if stage == "close" else hashing.frozen(named)
            roots.append(hashing.root(lines))
            found = hashing.told(roots[-1])
            stated = [*of_part[:3], bytes(of_part[3]).hex() if of_part[3] is not None else None]
            report.expect("roll_has_its_root", f"{where}, part {number}", found, stated)
        whole = hashing.root(roots)
        told = [*hashing.told(whole), hashing.head(period.pool.code, period.number, whole)]
        report.expect(
            "roll_has_its_root",
            where,
            told,
            [size, counts, own_fen, bytes(root).hex(), bytes(head).hex()],
        )


def _hold_order(report: Report, where: str, last: bytes, named: bytes) -> bytes:
    """Demand that the commitments of a part rise, beginning above the last one; return its own last."""
    commitments = [last, *(named[at : at + 32] for at in range(0, len(named), _NAMED))]
    falls = [after.hex() for before, after in pairwise(commitments) if before >= after]
    report.expect("roll_lines_rise", where, [], falls[:1])
    return commitments[-1]


class _Hashing:
    """How lines of a roll of so many classes, with these rates, become a root."""

    def __init__(self, classes: int, rates: Sequence[int]) -> None:
        self._classes, self._width = classes, 8 * (2 * classes + 1)
        self._units = {place: 1 << 64 * (2 * classes - place) for place in range(classes)}
        self._own_units = {place: 1 << 64 * (classes - place) for place in range(classes)}
        self._rates = [fen.to_bytes(8) for fen in rates]

    def frozen(self, named: bytes) -> list[Node]:
        """Return the leaves of a part as it was frozen."""
        units, leaf, nothing = self._units, b"\x10" + _TAG, bytes(8)
        return [
            (units.get(one[32], 0), hashlib.sha256(leaf + one + nothing).digest())
            for one in _split(named, _NAMED)
        ]

    def closed(self, named: bytes, own: bytes) -> list[Node]:
        """Return the leaves of a part with its amounts; own: place and amount of those that are not the rate."""
        leaf, found = b"\x10" + _TAG, []
        amounts = {int.from_bytes(one[:2]): one[2:] for one in _split(own, _OWN)}
        for place, one in enumerate(_split(named, _NAMED)):
            fen = amounts.get(place)
            if fen is None:
                record, figures = one + self._rate(one[32]), self._units.get(one[32], 0)
            else:
                record = one[:32] + bytes([one[32] | 0x80]) + fen
                figures = self._own_units.get(one[32], 0) + int.from_bytes(fen)
            found.append((figures, hashlib.sha256(leaf + record).digest()))
        return found

    def _rate(self, place: int) -> bytes:
        return self._rates[place] if place < self._classes else bytes(8)

    def root(self, nodes: list[Node]) -> Node:
        """Return the node above all of these: pairs are hashed, the last without a neighbor goes up as it is."""
        width, tag = self._width, b"\x11" + _TAG
        while len(nodes) > 1:
            above = [
                (
                    left + right,
                    hashlib.sha256(tag + left.to_bytes(width) + one + right.to_bytes(width) + other).digest(),
                )
                for (left, one), (right, other) in zip(nodes[::2], nodes[1::2], strict=False)
            ]
            nodes = above + nodes[len(above) * 2 :]
        return nodes[0] if nodes else (0, hashlib.sha256(b"").digest())

    def told(self, node: Node) -> list[object]:
        """Return members, their counts, sum of own amounts and hash of a node."""
        fields = [int.from_bytes(field) for field in _split(node[0].to_bytes(self._width), 8)]
        return [sum(fields[:-1]), fields[:-1], fields[-1], node[1].hex()]

    def head(self, pool: str, number: int, node: Node) -> str:
        """Return the head of a roll."""
        place = hashlib.sha256(b"huzhu/v1/pool\0" + pool.encode()).digest()[:16] + number.to_bytes(8)
        figures = self._classes.to_bytes(8) + node[0].to_bytes(self._width)
        return hashlib.sha256(b"\x12" + _TAG + place + figures + node[1]).hexdigest()


def _split(data: bytes, width: int) -> Iterator[bytes]:
    return (data[at : at + width] for at in range(0, len(data), width))
