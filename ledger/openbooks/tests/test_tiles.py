"""Tiles and their addresses, by the examples of the specification and by what a tree needs."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.openbooks.merkle import tree_root
from ledger.openbooks.tiles import Tile, TileError, entry_bundle, read_tile, tile_hashes, tile_path, tiles_of


def some(size: int) -> list[bytes]:
    return [hashlib.sha256(number.to_bytes(4)).digest() for number in range(size)]


@pytest.mark.parametrize(
    ("index", "path"),
    [(0, "000"), (67, "067"), (999, "999"), (1000, "x001/000"), (1234067, "x001/x234/067")],
)
def test_address_of_the_specification(index: int, path: str) -> None:
    assert tile_path(index) == path
    assert read_tile(3, path) == Tile(3, index)
    assert read_tile(0, f"{path}.p/7") == Tile(0, index, 7)


@given(st.integers(0, 63), st.integers(0, 10**12), st.integers(1, 256))
def test_every_tile_has_one_address(level: int, index: int, width: int) -> None:
    assert read_tile(level, Tile(level, index, width).path) == Tile(level, index, width)


@pytest.mark.parametrize(
    "place",
    ["", "0", "00", "0000", "x000/000", "001/002", "x001/x002", "000.p/0", "000.p/256", "000.p/300", "000.p/01",
     "000.p/", "000.p", "000/", "/000", "x1/000", "٠٠٠", "000.P/1", "000\n"],
)  # fmt: skip
def test_no_tile_has_another_address(place: str) -> None:
    with pytest.raises(TileError):
        read_tile(0, place)


@pytest.mark.parametrize("level", [-1, 64])
def test_no_tile_has_another_level(level: int) -> None:
    with pytest.raises(TileError):
        read_tile(level, "000")


def test_tiles_of_the_tree_of_the_specification() -> None:
    found = tiles_of(70_000)
    by_level = [[tile for tile in found if tile.level == level] for level in range(4)]
    assert [len(tiles) for tiles in by_level] == [274, 2, 1, 0]
    assert [tiles[-1].width for tiles in by_level[:3]] == [112, 17, 1]
    assert tiles_of(256) == [Tile(0, 0), Tile(1, 0, 1)]
    assert tiles_of(0) == []


@pytest.mark.parametrize("size", [1, 255, 256, 257, 700])
def test_root_follows_from_the_tiles(size: int) -> None:
    leaves = some(size)
    found = {tile: tile_hashes(tile, leaves[slice(*tile.leaves)]) for tile in tiles_of(size)}
    assert all(tile.is_in(size) for tile in found)
    assert all(len(hashes) == 32 * tile.width for tile, hashes in found.items())
    level_0 = b"".join(hashes for tile, hashes in found.items() if tile.level == 0)
    assert level_0 == b"".join(leaves)
    ones = b"".join(hashes for tile, hashes in found.items() if tile.level == 1)
    full = [ones[at : at + 32] for at in range(0, len(ones), 32)]
    rest = leaves[len(full) * 256 :]
    assert tree_root(leaves) == tree_root([*full, tree_root(rest)] if rest else full)


def test_tile_is_of_the_leaves_that_it_spans() -> None:
    with pytest.raises(TileError, match="3 leaves for a tile that spans 2"):
        tile_hashes(Tile(0, 0, 2), some(3))


def test_partial_tile_of_before_is_still_in_a_larger_tree() -> None:
    assert Tile(0, 0, 3).is_in(5)
    assert not Tile(0, 0, 6).is_in(5)
    assert not Tile(1, 0, 1).is_in(255)
    assert Tile(1, 0, 1).is_in(256)


def test_bundle_puts_each_length_before_its_entry() -> None:
    assert entry_bundle([b"", b"ab"]) == b"\x00\x00\x00\x02ab"
    assert entry_bundle([b"x" * 65_535])[:2] == b"\xff\xff"
    with pytest.raises(TileError, match="more than 65535"):
        entry_bundle([b"x" * 65_536])
