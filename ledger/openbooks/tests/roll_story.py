"""A period of nine members, told by an operator who may lie: rolls, statements, files, a bundle, all signed alike."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aidplatform.lib import commitments
from ledger.openbooks.canonical import canonical_bytes, leaf_hash
from ledger.openbooks.checkpoints import Head
from ledger.openbooks.merkle import inclusion_proof, tree_root
from ledger.openbooks.notes import b64, signed
from ledger.openbooks.rolls import Node, Record, Tree
from ledger.openbooks.tests.test_standalone import KEY, ORIGIN, SEED, write

POOL, PERIOD = "test-pool", 57
RATES = (98, 196)
FIGURES = {"A": 1_000, "W": 0, "fee": 80, "R": 0, "V": 0, "E": 0, "C_in": 0, "C_out": 3, "S": 1_083}
CLASSES = [0, 3]
KINDS = ("roll.freeze", "period.announce", "period.close", "roll.close")
Records = list[bytes]
Body = dict[str, Any]


@dataclass(frozen=True)
class Person:
    """A member as they know themselves."""

    number: int

    @property
    def secret(self) -> bytes:
        return hashlib.sha256(b"secret %d" % self.number).digest()

    @property
    def document(self) -> str:
        return f"E1234{self.number:04}"

    @property
    def commitment(self) -> bytes:
        whose = commitments.id_string(kind="passport", number=self.document, member_no=self.number)
        salt = commitments.salt(commitments.commit_key(self.secret), POOL, PERIOD)
        return commitments.commitment(salt, commitments.id_inner(self.secret, whose), POOL, PERIOD)

    @property
    def place(self) -> int:
        return int(self.number > 6)


PEOPLE = [Person(number) for number in range(1, 10)]


def honest_frozen() -> Records:
    return sorted(Record(one.commitment, one.place).encode() for one in PEOPLE)


def honest_closed() -> Records:
    """Member 2 has 5 fen left of a yearly cap."""
    return sorted(
        Record(one.commitment, one.place, 5, is_explicit=True).encode()
        if one.number == 2
        else Record(one.commitment, one.place, RATES[one.place]).encode()
        for one in PEOPLE
    )


def honest_bill() -> Body:
    """Return what 1,000 fen and their fee of 8 % divide into: 1,080 minus 5, over five of weight 1 and three of 2."""
    shares = [[0, 1, 5, 98, 500], [0, 1, 1, 5, 5], [3, 2, 3, 196, 500]]
    assert 5 * 98 + 5 + 3 * 196 == 1_083
    return {"classes": shares} | FIGURES


@dataclass
class Story:
    """What the operator says. Each part may be another one; everything behind it follows from it."""

    frozen: Records = field(default_factory=honest_frozen)
    closed: Records = field(default_factory=honest_closed)
    bill: Body = field(default_factory=honest_bill)
    announced: list[list[Any]] = field(default_factory=lambda: [["C-1", 600], ["C-2", 400]])
    cases: list[str] = field(default_factory=lambda: ["C-1", "C-2"])
    order: tuple[str, ...] = KINDS
    classes: list[int] = field(default_factory=lambda: [*CLASSES])
    body: Callable[[str, Body], Body] = lambda _kind, body: body

    @property
    def tree(self) -> Tree:
        return Tree(len(self.classes))

    def leaves(self, records: Records) -> list[Node]:
        return [self.tree.leaf(record) for record in records]

    def stated(self, records: Records) -> Body:
        root = self.tree.root(self.leaves(records))
        counts, own = self.tree.figures(root)
        head = self.tree.head(POOL, PERIOD, root).hex()
        stated = {"n": len(records), "classes": self.classes, "tree": counts, "x": own}
        return {"period": PERIOD, "root": root.hash.hex(), "head": head} | stated

    def entries(self) -> dict[str, bytes]:
        bodies = {
            "roll.freeze": self.stated(self.frozen),
            "period.announce": {"period": PERIOD, "cases": self.announced}
            | {"books_upto": 0, "publicity_end": "2026-01-05"},
            "period.close": {
                "period": PERIOD,
                "cases": self.cases,
                "plan": {"version": 1, "sha256": "00" * 32},
            }
            | self.bill,
            "roll.close": self.stated(self.closed),
        }
        return {
            kind: canonical_bytes(
                {"v": 1, "pool": POOL, "type": kind, "at": "2026-01-07T00:00:00Z", "seq": seq}
                | {"body": self.body(kind, bodies[kind])}
            )
            for seq, kind in enumerate(self.order)
        }

    def files(self, folder: Path) -> Path:
        """Write the public files."""
        write(folder, list(self.entries().values()))
        part = folder / "roll" / str(PERIOD) / "part" / "0"
        part.parent.mkdir(parents=True)
        part.write_bytes(b"".join(self.closed))
        return folder

    def bundle(self, person: Person, index: int | None = None, **leaf: Any) -> Body:
        """Return the proof of a person; leaf: what it says otherwise of the line."""
        found = [at for at, record in enumerate(self.closed) if record[:32] == person.commitment]
        at = index if index is not None else found[0]
        record = Record.read(self.closed[at])
        line = {"commitment": b64(record.commitment), "index": at, "class": record.place}
        line |= {"is_own": record.is_explicit, "fen": record.fen} | leaf
        salt = commitments.salt(commitments.commit_key(person.secret), POOL, PERIOD)
        member = {"member_no": person.number, "salt": b64(salt), "doc_kind": "passport", "doc_hint": "…"}
        return {
            "format": "huzhu-proof/2",
            "pool": POOL,
            "period": PERIOD,
            "member": member,
            "id_inner": {"secret": b64(person.secret)},
            "leaf": line,
            "path": self.path(self.closed, at),
            "frozen_path": [step[-1] for step in self.path(self.frozen, min(at, len(self.frozen) - 1))],
            "key": KEY,
            **self.proofs(),
        }

    def path(self, records: Records, at: int) -> list[list[Any]]:
        steps = self.tree.path(at, self.leaves(records))
        return [
            ["L" if step.is_left else "R", *self.tree.figures(step.node), b64(step.node.hash)]
            for step in steps
        ]

    def proofs(self) -> Body:
        entries = self.entries()
        leaves = [leaf_hash(data) for data in entries.values()]
        note = signed(Head(ORIGIN, len(leaves), tree_root(leaves)).text(), name=ORIGIN, seed=SEED).encode()
        hashes: dict[bytes, int] = {}
        proofs = {}
        for seq, (kind, data) in enumerate(entries.items()):
            path = [hashes.setdefault(part, len(hashes)) for part in inclusion_proof(seq, leaves)]
            proofs[kind] = {"entry": data.decode(), "index": seq, "path": path}
        return {"checkpoint": note, "hashes": [b64(part) for part in hashes], "entries": proofs}
