"""The RFC 6962 tree over leaf hashes: root, inclusion and consistency proofs, and how they are checked. Pure.

Hash of an inner node: SHA-256 over 0x01, left, right. A node without a neighbor goes up as it is. The root of no
leaves is SHA-256 of nothing. Proofs are lists of hashes from the leaf upwards, as RFC 6962 sections 2.1.1 and
2.1.2 write them; they are checked as RFC 9162 sections 2.1.3.2 and 2.1.4.2 say, which needs no leaf but the one.
"""

import hashlib
from collections.abc import Sequence

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def tree_root(leaves: Sequence[bytes]) -> bytes:
    """Return the root over these leaf hashes."""
    if not leaves:
        return EMPTY_ROOT
    level = list(leaves)
    while len(level) > 1:
        level = _parents(level)
    return level[0]


def inclusion_proof(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """Return the siblings on the way from a leaf to the root.

    Raises: ValueError for an index that is not in the tree.
    """
    if not 0 <= index < len(leaves):
        raise ValueError(f"leaf {index} of a tree of {len(leaves)}")
    proof, level = [], list(leaves)
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            proof.append(level[sibling])
        level, index = _parents(level), index // 2
    return proof


def consistency_proof(old: int, leaves: Sequence[bytes]) -> list[bytes]:
    """Return the proof that the tree of the first `old` leaves is the beginning of the tree of all.

    Empty for no old leaves, which everything begins with, and for all of them.

    Raises: ValueError for an old size beyond the new one.
    """
    new = len(leaves)
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {old} leaves is no beginning of one of {new}")
    if old in {0, new}:
        return []
    # Upwards past every node that is a left child no longer growing: the proof begins with the node that both share.
    index, level, proof = old - 1, list(leaves), []
    while index % 2:
        level, index = _parents(level), index // 2
    if index:
        proof.append(level[index])
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            proof.append(level[sibling])
        level, index = _parents(level), index // 2
    return proof


def verify_inclusion(*, leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Say whether the proof leads from this leaf at this place to this root."""
    if not 0 <= index < size or not _are_hashes(proof, leaf, root):
        return False
    place, last, found = index, size - 1, leaf
    for part in proof:
        if not last:
            return False
        if place % 2 or place == last:
            found = node_hash(part, found)
            while place and not place % 2:
                place, last = place // 2, last // 2
        else:
            found = node_hash(found, part)
        place, last = place // 2, last // 2
    return last == 0 and found == root


def verify_consistency(
    *, old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Say whether the proof shows that the tree of the old root is the beginning of the tree of the new one."""
    if not 0 <= old <= new or not _are_hashes(proof, old_root, new_root):
        return False
    if old == 0:
        return not proof and old_root == EMPTY_ROOT and (new > 0 or new_root == EMPTY_ROOT)
    if old == new:
        return not proof and old_root == new_root
    return _both_roots(old, new, _with_own_root(old, old_root, proof)) == (old_root, new_root)


def _with_own_root(old: int, old_root: bytes, proof: Sequence[bytes]) -> list[bytes]:
    """Put the old root before the proof where the old tree is full: it is then the node that both share."""
    return [old_root, *proof] if old & (old - 1) == 0 else list(proof)


def _both_roots(old: int, new: int, path: Sequence[bytes]) -> tuple[bytes, bytes] | None:
    """Return the old and the new root that the path leads to, None where its length fits neither."""
    place, last = old - 1, new - 1
    while place % 2:
        place, last = place // 2, last // 2
    if not path:
        return None
    before = after = path[0]
    for part in path[1:]:
        if not last:
            return None
        if place % 2 or place == last:
            before, after = node_hash(part, before), node_hash(part, after)
            while place and not place % 2:
                place, last = place // 2, last // 2
        else:
            after = node_hash(after, part)
        place, last = place // 2, last // 2
    return (before, after) if last == 0 else None


def _parents(level: Sequence[bytes]) -> list[bytes]:
    """Return the level above: pairs hashed, a node without a neighbor as it is."""
    pairs = [node_hash(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
    return [*pairs, level[-1]] if len(level) % 2 else pairs


def _are_hashes(proof: Sequence[bytes], *others: bytes) -> bool:
    return all(len(part) == HASH_BYTES for part in (*proof, *others))
