"""A second implementation of the roll's tree, written from the definition alone: recursion, lists, no cleverness."""

import hashlib
import struct

TAG = b"huzhu/roll/v1"
Figures = tuple[tuple[int, ...], int, bytes]


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def record(commitment: bytes, class_byte: int, fen: int) -> bytes:
    return commitment + struct.pack(">BQ", class_byte, fen)


def leaf(classes: int, data: bytes) -> Figures:
    counts = [0] * (2 * classes)
    base, is_own = data[32] & 0x3F, bool(data[32] & 0x80)
    counts[base + (classes if is_own else 0)] = 1
    return tuple(counts), struct.unpack(">Q", data[33:])[0] if is_own else 0, sha(b"\x10" + TAG + data)


def packed(figures: Figures) -> bytes:
    counts, own, hashed = figures
    return b"".join(struct.pack(">Q", count) for count in counts) + struct.pack(">Q", own) + hashed


def root(classes: int, records: list[bytes]) -> Figures:
    if not records:
        return (0,) * (2 * classes), 0, sha(b"")
    if len(records) == 1:
        return leaf(classes, records[0])
    k = 1
    while k * 2 < len(records):
        k *= 2
    left, right = root(classes, records[:k]), root(classes, records[k:])
    counts = tuple(a + b for a, b in zip(left[0], right[0], strict=True))
    return counts, left[1] + right[1], sha(b"\x11" + TAG + packed(left) + packed(right))


def path(classes: int, index: int, records: list[bytes]) -> list[tuple[str, Figures]]:
    if len(records) == 1:
        return []
    k = 1
    while k * 2 < len(records):
        k *= 2
    if index < k:
        return [*path(classes, index, records[:k]), ("R", root(classes, records[k:]))]
    return [*path(classes, index - k, records[k:]), ("L", root(classes, records[:k]))]


def head(pool_id: bytes, period: int, classes: int, figures: Figures) -> bytes:
    counts, own, hashed = figures
    fields = b"".join(struct.pack(">Q", field) for field in (period, classes, *counts, own))
    return sha(b"\x12" + TAG + pool_id + fields + hashed)
