"""A million changes of what a pool has published, none accepted; a thousand forked and shortened logs, all found.

Half of the changes are blind: bytes of a signed log. Half mean something: a theft, a lie about a roll or a draw, told
in a log that is written anew, hashed anew, and signed with the operator's real key.
"""

import random
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ledger.openbooks.canonical import canonical_bytes, leaf_hash
from ledger.openbooks.checkpoints import Head
from ledger.openbooks.merkle import tree_root
from ledger.openbooks.notes import signed
from ledger.openbooks.rolls import EXPLICIT, Record
from ledger.openbooks.standalone import verify as stranger
from ledger.openbooks.tests.roll_story import PERIOD, Story
from ledger.openbooks.tests.test_draw import REF
from ledger.openbooks.tests.test_standalone import KEY, ORIGIN, SEED
from ledger.openbooks.tests.test_standalone_draws import Told
from ledger.openbooks.tests.thefts import FOUND, Thief
from ledger.openbooks.tests.years import Year
from ledger.openbooks.tiles import entry_bundle, tile_hashes, tiles_of

SAMPLE, ALL = 1_500, 1_000_000
VIEWS, ALL_VIEWS = 60, 1_000
Files = dict[str, bytes]
Judge = Callable[["Memory"], object]


class Memory(stranger.Source):
    """The files of a log without a disk."""

    def __init__(self, files: Files) -> None:
        super().__init__("memory")
        self.files = files

    def read(self, name: str) -> bytes:
        if name not in self.files:
            raise stranger.Unchecked(name)
        return self.files[name]


def published(entries: list[bytes]) -> Files:
    """Return the files of a log of these entries, signed with the real key."""
    leaves = [leaf_hash(data) for data in entries]
    note = signed(Head(ORIGIN, len(entries), tree_root(leaves)).text(), name=ORIGIN, seed=SEED).encode()
    files = {"checkpoint": note.encode() if isinstance(note, str) else note, "keys": f"{KEY}\n".encode()}
    for tile in tiles_of(len(entries)):
        if tile.level == 0:
            spanned = slice(*tile.leaves)
            files[f"tile/entries/{tile.path}"] = entry_bundle(entries[spanned])
            files[f"tile/0/{tile.path}"] = tile_hashes(tile, leaves[spanned])
    return files


def accepted(judge: Judge, files: Files) -> bool:
    """Say whether the verifier prints a tick. What it cannot read it says so of, as its `main` does."""
    try:
        judge(Memory(files))
    except (stranger.IsFalse, stranger.Unchecked, *stranger.FAULTS):
        return False
    return True


def native(public: bytes, message: bytes, signature: bytes) -> bool:
    """Verify as the file's own Ed25519 does, in a hundredth of its time; other tests hold the two together."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def book(source: Memory) -> object:
    return stranger.check_book(source, KEY)


def roll(source: Memory) -> object:
    return stranger.check_roll(source, PERIOD, KEY)


def draw(source: Memory) -> object:
    return stranger.check_draw(source, REF, KEY)


# --- changes ------------------------------------------------------------------------------------------------------


class Changes:
    """Changes from a seed, one after the other, each with who judges it."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.years = [
            published([canonical_bytes(one) for one in Year(n, periods=1).entries]) for n in range(8)
        ]

    def each(self) -> Iterator[tuple[str, Judge, Files]]:
        """Yield kind, judge and files: blind and meant ones in turn."""
        meant = (self.theft, self.theft, self.theft, self.lie_about_a_roll, self.lie_about_a_draw)
        while True:
            yield "blind", book, self.blind()
            yield "meant", *self.rng.choice(meant)()

    def blind(self) -> Files:
        """Change a byte of what a log is read from, or leave it out."""
        files = dict(self.rng.choice(self.years))
        name = self.rng.choice([name for name in files if not name.startswith("tile/0/")])
        data = bytearray(files[name])
        at = self.rng.randrange(len(data))
        if self.rng.random() < 0.1:
            del data[at]
        else:
            data[at] ^= self.rng.randrange(1, 256)
        files[name] = bytes(data)
        return files

    def theft(self) -> tuple[Judge, Files]:
        """Take something in a year of two periods."""
        while True:
            theft, seed = self.rng.choice(sorted(FOUND)), self.rng.randrange(2**40)
            thief = Thief(seed, theft, self.rng.randint(1, 500), periods=2)
            if thief.taken:
                return book, published([canonical_bytes(one) for one in thief.entries])

    def lie_about_a_roll(self) -> tuple[Judge, Files]:
        """Change lines of the roll, before or after the freeze, or one figure of the bill; trees and heads follow."""
        story, rng = Story(), self.rng
        lines = rng.choice([story.frozen, story.closed])
        at = rng.randrange(len(lines))
        line = Record.read(lines[at])
        kind = rng.randrange(7)
        if kind == 0:
            lines[at] = Record(
                line.commitment, line.place, line.fen + rng.randint(1, 9999), line.is_explicit
            ).encode()
        elif kind == 1:
            lines[at] = Record(line.commitment, 1 - line.place, line.fen, line.is_explicit).encode()
        elif kind == 2:
            lines[at] = Record(rng.randbytes(32), line.place, line.fen, line.is_explicit).encode()
            lines.sort()
        elif kind == 3:
            del lines[at]
        elif kind == 4:
            lines.insert(at, lines[at])
        elif kind == 5:
            lines[at] = line.commitment + bytes([lines[at][32] ^ EXPLICIT]) + lines[at][33:]
        else:
            name = rng.choice(["S", "E", "V", "C_in", "A", "W", "fee", "R", "C_out"])
            story.bill[name] += rng.randint(1, 999)
        files = published(list(story.entries().values()))
        files[f"roll/{PERIOD}/part/0"] = b"".join(story.closed)
        return roll, files

    def lie_about_a_draw(self) -> tuple[Judge, Files]:
        """Change a figure, a name or a hash that a draw rests on."""
        case, rng = Told(), self.rng
        kind = rng.randrange(6)
        result, tally = case.body("draw.result"), case.body("jury.tally")
        if kind == 0:
            result["drawn"][rng.randrange(8)][0] += rng.randint(1, 9)
        elif kind == 1:
            case.names[rng.randrange(40)] = rng.randbytes(32)
        elif kind == 2:
            result[rng.choice(["seed", "randomness"])] = rng.randbytes(32).hex()
        elif kind == 3:
            tally["ballots"][rng.randrange(3)][rng.randrange(1, 3)] = rng.randbytes(16).hex()
        elif kind == 4:
            tally[rng.choice(["for", "against", "quorum"])] += rng.randint(1, 9)
        else:
            case.body("draw.commit")[rng.choice(["n", "seats", "reserves", "quorum"])] += rng.randint(1, 9)
        files = published(case.envelopes())
        files[f"draw/{REF}/1"] = b"".join(case.names)
        return draw, files


def test_what_is_changed_here_is_accepted_before() -> None:
    """Otherwise a refusal would say nothing."""
    assert all(accepted(book, files) for files in Changes(1).years[:2])
    story, case = Story(), Told()
    of_roll, of_draw = published(list(story.entries().values())), published(case.envelopes())
    assert accepted(roll, of_roll | {f"roll/{PERIOD}/part/0": b"".join(story.closed)})
    assert accepted(draw, of_draw | {f"draw/{REF}/1": b"".join(case.names)})


def refused_all(count: int, seed: int) -> dict[str, int]:
    """Try so many changes; return how many of each kind were tried."""
    tried = {"blind": 0, "meant": 0}
    for number, (kind, judge, files) in enumerate(islice(Changes(seed).each(), count)):
        assert not accepted(judge, files), f"change {number} of seed {seed}, {kind}"
        tried[kind] += 1
    return tried


def test_no_change_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stranger, "is_signed", native)
    assert refused_all(SAMPLE, 1) == {"blind": SAMPLE // 2, "meant": SAMPLE // 2}


@pytest.mark.soak
def test_none_of_a_million_changes_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stranger, "is_signed", native)
    assert refused_all(ALL, 2) == {"blind": ALL // 2, "meant": ALL // 2}


# --- split views and rollbacks ------------------------------------------------------------------------------------


def another(entries: list[bytes], size: int, place: int, rng: random.Random) -> list[bytes]:
    """Return what somebody is shown instead, of whom one knows that they have seen the first `size`."""
    match rng.randrange(4):
        case 0:
            return [*entries[:place], entries[place] + b" ", *entries[place + 1 :]]
        case 1:
            return [*entries[:place], *entries[place + 1 :]]
        case 2:
            return [*entries[:place], b"{}", *entries[place:]]
        case _:
            return entries[: rng.randrange(1, size)]


def unlike_views(count: int, folder: Path) -> dict[str, int]:
    """Show so many members another log than they have kept a checkpoint of; return by which name each found it."""
    rng, found = random.Random(3), dict.fromkeys(("nothing_was_rewritten", "log_only_grows"), 0)
    old = folder / "old"
    for _number in range(count):
        entries = [canonical_bytes(one) for one in Year(rng.randrange(99), periods=1).entries]
        size = rng.randrange(2, len(entries) + 1)
        old.write_bytes(published(entries[:size])["checkpoint"])
        place = rng.randrange(size)
        shown = another(entries, size, place, rng)
        with pytest.raises(stranger.IsFalse) as told:
            stranger.check_history(str(old), Memory(published(shown)), KEY)
        found[told.value.code] += 1
    return found


def test_split_views_and_rollbacks_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stranger, "is_signed", native)
    found = unlike_views(VIEWS, tmp_path)
    assert sum(found.values()) == VIEWS
    assert all(found.values())


@pytest.mark.soak
def test_a_thousand_split_views_and_rollbacks_are_found(tmp_path: Path) -> None:
    """By the file's own Ed25519."""
    assert sum(unlike_views(ALL_VIEWS, tmp_path).values()) == ALL_VIEWS
