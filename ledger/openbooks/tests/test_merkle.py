"""The tree against published vectors and against a second implementation, written from the recursion of RFC 6962."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.openbooks.canonical import leaf_hash
from ledger.openbooks.merkle import (
    EMPTY_ROOT,
    consistency_proof,
    inclusion_proof,
    tree_root,
    verify_consistency,
    verify_inclusion,
)

# The eight leaves, and what follows of them, of the tests of the reference implementation of RFC 6962.
DATA = [bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657",
                                         "606162636465666768696a6b6c6d6e6f")]  # fmt: skip
LEAVES = [leaf_hash(data) for data in DATA]
ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    4: "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    6: "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}
# Index, size: the path, from the same tests.
INCLUSIONS = {
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
CONSISTENCIES = {
    (1, 1): [],
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}


def _hex(proof: list[bytes]) -> list[str]:
    return [part.hex() for part in proof]


def _split(size: int) -> int:
    """Return the largest power of two below the size."""
    power = 1
    while power * 2 < size:
        power *= 2
    return power


def mth(leaves: list[bytes]) -> bytes:
    """RFC 6962, 2.1, word for word."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    k = _split(len(leaves))
    return hashlib.sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def path(m: int, leaves: list[bytes]) -> list[bytes]:
    """RFC 6962, 2.1.1."""
    if len(leaves) == 1:
        return []
    k = _split(len(leaves))
    return [*path(m, leaves[:k]), mth(leaves[k:])] if m < k else [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m: int, leaves: list[bytes], whole: bool) -> list[bytes]:
    """RFC 6962, 2.1.2."""
    if m == len(leaves):
        return [] if whole else [mth(leaves)]
    k = _split(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], whole), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], False), mth(leaves[:k])]


def some(size: int) -> list[bytes]:
    return [hashlib.sha256(number.to_bytes(4)).digest() for number in range(size)]


def test_empty_tree_has_the_hash_of_nothing() -> None:
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert tree_root([]) == EMPTY_ROOT


@pytest.mark.parametrize("size", ROOTS)
def test_roots_are_the_published_ones(size: int) -> None:
    assert tree_root(LEAVES[:size]).hex() == ROOTS[size]


@pytest.mark.parametrize(("index", "size"), INCLUSIONS)
def test_inclusion_proofs_are_the_published_ones(index: int, size: int) -> None:
    assert _hex(inclusion_proof(index, LEAVES[:size])) == INCLUSIONS[index, size]


@pytest.mark.parametrize(("old", "new"), CONSISTENCIES)
def test_consistency_proofs_are_the_published_ones(old: int, new: int) -> None:
    assert _hex(consistency_proof(old, LEAVES[:new])) == CONSISTENCIES[old, new]


@pytest.mark.parametrize("size", [*range(1, 34), 63, 64, 65, 127, 129])
def test_every_proof_is_that_of_the_recursion_and_holds(size: int) -> None:
    leaves = some(size)
    root = mth(leaves)
    assert tree_root(leaves) == root
    for index in range(size):
        proof = inclusion_proof(index, leaves)
        assert proof == path(index, leaves)
        assert verify_inclusion(leaf=leaves[index], index=index, size=size, proof=proof, root=root)
    for old in range(1, size + 1):
        proof = consistency_proof(old, leaves)
        assert proof == subproof(old, leaves, True)
        assert verify_consistency(old=old, old_root=mth(leaves[:old]), new=size, new_root=root, proof=proof)


def test_everything_begins_with_nothing() -> None:
    root = tree_root(LEAVES)
    assert consistency_proof(0, LEAVES) == []
    assert verify_consistency(old=0, old_root=EMPTY_ROOT, new=8, new_root=root, proof=[])
    assert verify_consistency(old=0, old_root=EMPTY_ROOT, new=0, new_root=EMPTY_ROOT, proof=[])
    assert not verify_consistency(old=0, old_root=root, new=8, new_root=root, proof=[])
    assert not verify_consistency(old=0, old_root=EMPTY_ROOT, new=8, new_root=root, proof=[root])
    assert not verify_consistency(old=0, old_root=EMPTY_ROOT, new=0, new_root=root, proof=[])


@pytest.mark.parametrize(("index", "size"), [(-1, 8), (8, 8), (0, 0)])
def test_no_proof_of_a_leaf_that_is_not_there(index: int, size: int) -> None:
    with pytest.raises(ValueError, match=f"leaf {index} of a tree of {size}"):
        inclusion_proof(index, LEAVES[:size])
    assert not verify_inclusion(leaf=LEAVES[0], index=index, size=size, proof=[], root=LEAVES[0])


@pytest.mark.parametrize("old", [-1, 9])
def test_no_proof_from_a_larger_tree_to_a_smaller(old: int) -> None:
    with pytest.raises(ValueError, match="is no beginning of one of 8"):
        consistency_proof(old, LEAVES)
    assert not verify_consistency(
        old=old, old_root=tree_root(LEAVES), new=8, new_root=tree_root(LEAVES), proof=[]
    )


@given(data=st.data(), size=st.integers(1, 300))
@settings(deadline=None, max_examples=150)
def test_no_other_inclusion_is_proven(data: st.DataObject, size: int) -> None:
    leaves = some(size)
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(0, size + 3))
    right = {
        "leaf": leaves[index],
        "index": index,
        "size": size,
        "proof": inclusion_proof(index, leaves),
        "root": tree_root(leaves),
    }
    assert verify_inclusion(**right)
    if other != index:
        assert not verify_inclusion(**right | {"index": other})
        # Another size may have the same path by its shape; then it has the same root, of which a signature tells.
        if len(path(index, some(max(other, index + 1)))) != len(right["proof"]):
            assert not verify_inclusion(**right | {"size": other})
    assert not verify_inclusion(**right | {"leaf": hashlib.sha256(b"another").digest()})
    assert not verify_inclusion(**right | {"root": hashlib.sha256(b"another").digest()})
    assert not verify_inclusion(**right | {"proof": [*right["proof"], leaves[0]]})
    for mutated in mutations(data, right["proof"]):
        assert not verify_inclusion(**right | {"proof": mutated})


@given(data=st.data(), size=st.integers(2, 300))
@settings(deadline=None, max_examples=150)
def test_no_other_consistency_is_proven(data: st.DataObject, size: int) -> None:
    leaves = some(size)
    old = data.draw(st.integers(1, size - 1))
    right = {
        "old": old,
        "old_root": tree_root(leaves[:old]),
        "new": size,
        "new_root": tree_root(leaves),
        "proof": consistency_proof(old, leaves),
    }
    assert verify_consistency(**right)
    changed = data.draw(st.integers(0, old - 1))
    forged = [*leaves[:changed], hashlib.sha256(b"rewritten").digest(), *leaves[changed + 1 :]]
    assert not verify_consistency(
        **right | {"new_root": tree_root(forged), "proof": consistency_proof(old, forged)}
    )
    assert not verify_consistency(**right | {"old_root": right["new_root"]})
    assert not verify_consistency(**right | {"proof": [*right["proof"], leaves[0]]})
    for mutated in mutations(data, right["proof"]):
        assert not verify_consistency(**right | {"proof": mutated})


def mutations(data: st.DataObject, proof: list[bytes]) -> list[list[bytes]]:
    """Return proofs that differ from this one: a bit turned, a hash left out, cut short, two exchanged."""
    if not proof:
        return []
    at = data.draw(st.integers(0, len(proof) - 1))
    bit = data.draw(st.integers(0, 255))
    turned = (int.from_bytes(proof[at]) ^ 1 << bit).to_bytes(32)
    found = [
        [*proof[:at], turned, *proof[at + 1 :]],
        [*proof[:at], *proof[at + 1 :]],
        [*proof[:at], proof[at][:31], *proof[at + 1 :]],
    ]
    return [*found, [proof[1], proof[0], *proof[2:]]] if len(proof) > 1 else found
