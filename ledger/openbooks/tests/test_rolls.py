"""The roll's tree against a second implementation and kept vectors, and that no path proves what is not so."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aidplatform.lib import commitments
from ledger.openbooks.rolls import EXPLICIT, Node, Record, RollError, Step, Tree, demand_order, split
from ledger.openbooks.tests import second_roll

VECTORS = json.loads((Path(__file__).parent / "vectors" / "rolls.json").read_text())


@st.composite
def rolls(draw: st.DrawFn) -> tuple[int, list[bytes]]:
    classes = draw(st.integers(1, 5))
    named = sorted(draw(st.sets(st.binary(min_size=32, max_size=32), min_size=1, max_size=40)))
    made = [
        Record(
            one,
            draw(st.integers(0, classes - 1)),
            draw(st.integers(0, 2**40)),
            is_explicit=draw(st.booleans()),
        ).encode()
        for one in named
    ]
    return classes, made


def of(*fens: int, classes: int = 1) -> tuple[Tree, list[bytes], list[Node]]:
    tree = Tree(classes)
    records = [
        Record(bytes([number]) * 32, number % classes, fen).encode() for number, fen in enumerate(fens)
    ]
    return tree, records, [tree.leaf(record) for record in records]


def says(tree: Tree, leaf: Node, index: int, size: int, path: list[Step]) -> str:
    with pytest.raises(RollError) as caught:
        tree.root_of_path(leaf, index, size, path)
    return caught.value.code


@given(rolls())
@settings(deadline=None, max_examples=60)
def test_tree_is_that_of_the_second_implementation(drawn: tuple[int, list[bytes]]) -> None:
    classes, records = drawn
    tree = Tree(classes)
    leaves = [tree.leaf(record) for record in records]
    wanted = second_roll.root(classes, records)
    root = tree.root(leaves)
    assert tree.root_of(records) == root
    assert (*tree.figures(root), root.hash) == (list(wanted[0]), wanted[1], wanted[2])
    assert tree.head("a-pool", 7, root) == second_roll.head(commitments.pool_id("a-pool"), 7, classes, wanted)
    for index, leaf in enumerate(leaves):
        path = tree.path(index, leaves)
        assert tree.path_of(index, records) == path
        theirs = second_roll.path(classes, index, records)
        assert [("L" if step.is_left else "R", step.node) for step in path] == [
            (side, tree.as_node(counts, own, hashed)) for side, (counts, own, hashed) in theirs
        ]
        assert tree.root_of_path(leaf, index, len(leaves), path) == root


@given(rolls(), st.data())
@settings(deadline=None, max_examples=60)
def test_no_other_place_and_no_other_size_has_that_path(
    drawn: tuple[int, list[bytes]], data: st.DataObject
) -> None:
    classes, records = drawn
    tree = Tree(classes)
    leaves = [tree.leaf(record) for record in records]
    index = data.draw(st.integers(0, len(leaves) - 1))
    path, root = tree.path(index, leaves), tree.root(leaves)
    for place in range(len(leaves) + 3):
        if place == index:
            continue
        with pytest.raises(RollError):
            tree.root_of_path(leaves[index], place, len(leaves), path)
    for step_no, step in enumerate(path):
        other = [*path]
        # A member more at the rate: to the left the index tells, to the right the hash.
        other[step_no] = step._replace(node=step.node._replace(figures=step.node.figures + (1 << 64)))
        if step.is_left:
            assert says(tree, leaves[index], index, len(leaves), other) == "left_members_are_my_index"
        else:
            assert tree.root_of_path(leaves[index], index, len(leaves), other) != root


@given(st.integers(1, 300), st.integers(1, 4))
@settings(deadline=None, max_examples=40)
def test_subtrees_and_what_is_above_them_give_the_same_tree(size: int, power: int) -> None:
    tree, _records, leaves = of(*range(size), classes=1) if size < 256 else of(*[1] * 255)
    each = 2**power
    tops = [tree.root(leaves[at : at + each]) for at in range(0, len(leaves), each)]
    assert tree.root(tops) == tree.root(leaves)
    for index in {0, len(leaves) // 2, len(leaves) - 1}:
        own = index // each
        below = tree.path(index % each, leaves[own * each : (own + 1) * each])
        assert below + tree.path(own, tops) == tree.path(index, leaves)


@pytest.mark.parametrize("vector", VECTORS["trees"], ids=lambda vector: vector["name"])
def test_kept_vectors_are_computed(vector: dict[str, object]) -> None:
    assert computed(vector) == vector


def computed(vector: dict[str, object]) -> dict[str, object]:
    """Return a vector with everything that follows from its name, pool, period, classes and records anew."""
    records = [bytes.fromhex(record) for record in vector["records"]]  # type: ignore[attr-defined]
    tree = Tree(int(vector["classes"]))  # type: ignore[call-overload]
    leaves = [tree.leaf(record) for record in records]
    root = tree.root(leaves)
    counts, own = tree.figures(root)
    return vector | {
        "counts": counts,
        "x": own,
        "root": root.hash.hex(),
        "head": tree.head(str(vector["pool"]), int(vector["period"]), root).hex(),  # type: ignore[call-overload]
        "paths": [
            [
                ["L" if step.is_left else "R", *tree.figures(step.node), step.node.hash.hex()]
                for step in tree.path(index, leaves)
            ]
            for index in range(len(leaves))
        ],
    }


def test_commitments_are_those_of_the_kept_vectors() -> None:
    for vector in VECTORS["commitments"]:
        secret, code, period = bytes.fromhex(vector["secret"]), vector["pool"], vector["period"]
        whose = commitments.id_string(
            kind=vector["kind"], number=vector["number"], member_no=vector["member_no"]
        )
        key, inner = commitments.commit_key(secret), commitments.id_inner(secret, whose)
        salted = commitments.salt(key, code, period)
        assert (whose, key.hex(), inner.hex(), salted.hex()) == (
            vector["id_string"],
            vector["commit_key"],
            vector["id_inner"],
            vector["salt"],
        )
        assert commitments.commitment(salted, inner, code, period).hex() == vector["commitment"]


def test_commitment_is_another_for_each_part_of_it() -> None:
    secret, other = bytes(32), bytes([1]) * 32

    def made(secret: bytes = secret, number: str = "1", member_no: int = 1, code: str = "a", period: int = 1):
        inner = commitments.id_inner(
            secret, commitments.id_string(kind="passport", number=number, member_no=member_no)
        )
        salted = commitments.salt(commitments.commit_key(secret), code, period)
        return commitments.commitment(salted, inner, code, period)

    all_made = {
        made(), made(other), made(number="2"), made(member_no=2), made(code="b"), made(period=2),
    }  # fmt: skip
    assert len(all_made) == 6
    with pytest.raises(ValueError, match="32 bytes"):
        commitments.commit_key(b"short")
    with pytest.raises(ValueError, match="mark between"):
        commitments.id_string(kind="passport", number="1|2", member_no=3)


def test_maxwell_sum_lie_has_another_hash() -> None:
    """Of the original summation tree both children hashed to the same; here each child's figures are inside."""
    tree, _records, leaves = of(5, 7, 9, classes=1)
    lied = leaves[1]._replace(figures=0)
    assert tree.node(leaves[0], lied).hash != tree.node(leaves[0], leaves[1]).hash
    assert (
        says(tree, leaves[0], 0, 3, [Step(False, lied), *tree.path(0, leaves)[1:]]) == "sibling_has_members"
    )


def test_amounts_stay_below_2_to_the_53rd() -> None:
    with pytest.raises(RollError, match="amount_in_range"):
        Record(bytes(32), 0, 2**53).encode()
    for fen in (2**53, 2**64 - 1):
        with pytest.raises(RollError, match="amount_in_range"):
            Record.read(bytes(33) + fen.to_bytes(8))
    tree = Tree(1)
    most = tree.leaf(Record(bytes(32), 0, 2**53 - 1, is_explicit=True).encode())
    one = tree.leaf(Record(bytes([1]) * 32, 0, 1, is_explicit=True).encode())
    with pytest.raises(RollError, match="amount_in_range"):
        tree.node(most, one)
    with pytest.raises(RollError, match="amount_in_range"):
        tree.root([most, one])


def test_classes_and_records_are_of_the_roll() -> None:
    with pytest.raises(RollError, match="classes_in_range"):
        Tree(65)
    tree = Tree(2)
    for class_byte in (2, EXPLICIT | 2, 0x40):
        with pytest.raises(RollError, match="record_is_written"):
            tree.leaf(bytes(32) + bytes([class_byte]) + bytes(8))
        with pytest.raises(RollError, match="record_is_written"):
            tree.root_of([bytes(32) + bytes([class_byte]) + bytes(8)])
    with pytest.raises(RollError, match="record_is_written"):
        Record.read(bytes(32) + bytes([0x41]) + bytes(8))
    with pytest.raises(RollError, match="record_is_written"):
        list(split(bytes(42)))
    with pytest.raises(RollError, match="node_is_written"):
        tree.as_node([1, 2], 0, bytes(32))
    with pytest.raises(RollError, match="amount_in_range"):
        tree.as_node([1, 2, 3, 2**53], 0, bytes(32))


def test_paths_of_another_shape_are_refused() -> None:
    tree, _records, leaves = of(*range(6))
    path = tree.path(4, leaves)
    assert says(tree, leaves[4], 4, 6, path[:-1]) == "path_fits_its_place"
    assert says(tree, leaves[4], 4, 6, [*path, path[-1]]) == "path_fits_its_place"
    assert says(tree, leaves[4], 4, 6, [step._replace(is_left=not step.is_left) for step in path]) == (
        "path_fits_its_place"
    )
    assert says(tree, leaves[4], 6, 6, path) == "path_fits_its_place"
    wider = tree.as_node([5, 0], 0, path[-1].node.hash)
    assert says(tree, leaves[4], 4, 6, [*path[:-1], Step(True, wider)]) == "left_members_are_my_index"


def test_commitments_rise_and_nobody_stands_twice() -> None:
    _tree, records, _leaves = of(1, 2, 3)
    assert demand_order(records) == bytes([2]) * 32
    for wrong in ([records[0], records[0]], records[::-1]):
        with pytest.raises(RollError, match="commitments_rise"):
            demand_order(wrong)
    with pytest.raises(RollError, match="commitments_rise"):
        demand_order(records[1:], after=records[1][:32])


def test_empty_roll_has_its_root() -> None:
    tree = Tree(0)
    assert tree.root([]).hash.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert tree.figures(tree.root([])) == ([], 0)


def test_record_reads_what_it_writes() -> None:
    record = Record(bytes(range(32)), 63, 2**53 - 1, is_explicit=True)
    assert Record.read(record.encode()) == record
