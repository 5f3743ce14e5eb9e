"""The tree in tiles of 256 hashes, and entries in bundles of 256, as c2sp.org/tlog-tiles says. Pure.

A tile never changes once it is full; a partial one is named with its width, so that every address has one answer.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ledger.openbooks.canonical import LONGEST
from ledger.openbooks.merkle import tree_root

WIDTH = 256
TOP_LEVEL = 63
# Index in groups of three digits, all but the last with an x before; then, of a partial one, its width.
PLACE = r"(?:x[0-9]{3}/)*[0-9]{3}(?:\.p/[1-9][0-9]{0,2})?"
_PLACE = re.compile(PLACE)


class TileError(ValueError):
    """The address names no tile; the message says why."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile by its level (0: leaf hashes), its index there, and how many hashes it has."""

    level: int
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Return its address below tile/LEVEL/."""
        return tile_path(self.index) + (f".p/{self.width}" if self.width < WIDTH else "")

    @property
    def leaves(self) -> tuple[int, int]:
        """Return the first leaf that it spans, and the one behind the last."""
        each = WIDTH**self.level
        first = self.index * WIDTH
        return first * each, (first + self.width) * each

    def is_in(self, size: int) -> bool:
        """Say whether a tree of so many leaves has it, or had it when it was smaller."""
        return self.leaves[1] <= size


def tile_path(index: int) -> str:
    """Return an index in groups of three digits: 1234067 is x001/x234/067."""
    groups = [f"{index % 1000:03}"]
    while index := index // 1000:
        groups.append(f"x{index % 1000:03}")
    return "/".join(reversed(groups))


def read_tile(level: int, place: str) -> Tile:
    """Read the address of a tile. Raises: TileError for one that is written otherwise."""
    if not 0 <= level <= TOP_LEVEL or not _PLACE.fullmatch(place):
        raise TileError(f"tile/{level}/{place} is no address of a tile")
    groups, _partial, width = place.partition(".p/")
    tile = Tile(level, int(re.sub(r"[x/]", "", groups)), int(width or WIDTH))
    if tile.path != place or tile.width > WIDTH:
        raise TileError(f"tile/{level}/{place} is written otherwise")
    return tile


def tile_hashes(tile: Tile, leaves: Sequence[bytes]) -> bytes:
    """Return the tile's bytes from the leaf hashes that it spans."""
    each = WIDTH**tile.level
    if len(leaves) != tile.width * each:
        raise TileError(f"{len(leaves)} leaves for a tile that spans {tile.width * each}")
    return b"".join(tree_root(leaves[start : start + each]) for start in range(0, len(leaves), each))


def tiles_of(size: int) -> list[Tile]:
    """Return every tile of a tree of so many leaves, the partial ones last in their level."""
    found, level = [], 0
    while count := size // WIDTH**level:
        full, rest = divmod(count, WIDTH)
        found += [Tile(level, index) for index in range(full)]
        found += [Tile(level, full, rest)] if rest else []
        level += 1
    return found


def entry_bundle(entries: Sequence[bytes]) -> bytes:
    """Return entries one behind the other, each behind its length in two bytes."""
    if any(len(data) > LONGEST for data in entries):
        raise TileError(f"an entry of more than {LONGEST} bytes")
    return b"".join(len(data).to_bytes(2) + data for data in entries)
