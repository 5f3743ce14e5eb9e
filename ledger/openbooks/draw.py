"""The jury's draw as anyone recomputes it: seed, indices, reserves, sealed votes, verdict. Pure.

Encodings: u16, u32 and u64 are big-endian, text is UTF-8 in NFC. The operator chooses nothing here: the list of the
eligible and the hashes of the witnesses' words are in the log before any of these words is known.
"""

import hashlib
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

DOMAIN = b"huzhu/draw/v1"
FOR, AGAINST = "for", "against"
VOTES = (FOR, AGAINST)
GRANTED, REFUSED, NO_QUORUM, WITHDRAWN = "granted", "refused", "no_quorum", "withdrawn"
# One entry of the log holds a tally of so many seats, and a result of twice as many.
MOST_SEATS = 200
# A draw goes on without a witness who does not tell their words, as long as so many have told theirs.
LEAST_REVEALS = 2
LEAST_WITNESSES = 3
_BLOCKS = 2**64


@dataclass(frozen=True, slots=True)
class Panel:
    """How many are drawn: seats that vote, reserves behind them in order, and how many votes are a quorum."""

    seats: int
    reserves: int
    quorum: int


def panel_for(*, eligible: int, seats: int, reserves: int, quorum: int, quorum_permille: int) -> Panel:
    """Return the panel for so many eligible, by a plan's figures for a small pool.

    A quorum that is a part of the eligible grows with them, and seats and reserves grow in the same proportion, up to
    MOST_SEATS; there are never more of them than people.
    """
    wanted = max(quorum, -(-eligible * quorum_permille // 1000))
    grown = min(-(-wanted * seats // quorum), MOST_SEATS)
    drawn = min(grown, eligible)
    behind = min(-(-reserves * grown // seats), MOST_SEATS, eligible - drawn)
    # Where seats meet their limit, the quorum keeps its proportion to them.
    needed = min(wanted, -(-quorum * grown // seats), drawn)
    return Panel(drawn, behind, needed)


def word_commitment(words: str) -> bytes:
    """Return what a witness commits to: SHA-256 of the words, as `printf '%s' "words" | sha256sum` prints it."""
    return hashlib.sha256(words.encode()).digest()


def mixed(words: Iterable[str]) -> bytes:
    """Return the randomness of all words that were told: SHA-256 over them in order, each behind its u16 length."""
    told = sorted(one.encode() for one in words)
    return hashlib.sha256(b"".join(len(one).to_bytes(2) + one for one in told)).digest()


def juror_commitment(salt: bytes, code: str) -> bytes:
    """Return the name that somebody bears in one list; who knows the salt recognizes it, nobody else does."""
    return hashlib.sha256(DOMAIN + b"/juror" + salt + code.encode()).digest()


def list_head(commitments: Sequence[bytes]) -> bytes:
    """Return the hash of the list of the eligible: SHA-256 over their number as u64 and the names in strict order.

    Raises: ValueError for names that are not of 32 bytes, out of order or twice there.
    """
    for before, after in itertools.pairwise(commitments):
        if not before < after:
            raise ValueError(f"{after.hex()} after {before.hex()}")
    if any(len(one) != 32 for one in commitments):
        raise ValueError("a name has 32 bytes")
    return hashlib.sha256(DOMAIN + b"/list" + len(commitments).to_bytes(8) + b"".join(commitments)).digest()


def draw_seed(commit_leaf: bytes, randomness: bytes) -> bytes:
    """Return the seed: SHA-256 over the domain, the leaf hash of `draw.commit` and the randomness."""
    return hashlib.sha256(DOMAIN + commit_leaf + randomness).digest()


def draw_indices(seed: bytes, size: int, count: int) -> list[int]:
    """Return `count` different indices below `size`, in the order in which they are drawn: seats first, then reserves.

    Block number c is the u64 at the head of SHA-256(seed ‖ u32 c). A block beyond the last whole multiple of `size`
    counts for nothing, so that no index is likelier than another; nor does one whose index was drawn before.

    Raises: ValueError where fewer people are there than are drawn.
    """
    if not 0 <= count <= size:
        raise ValueError(f"{count} of {size}")
    limit = _BLOCKS - _BLOCKS % size if size else 0
    drawn: list[int] = []
    taken: set[int] = set()
    counter = 0
    while len(drawn) < count:
        block = int.from_bytes(hashlib.sha256(seed + counter.to_bytes(4)).digest()[:8])
        counter += 1
        if block >= limit or block % size in taken:
            continue
        drawn.append(block % size)
        taken.add(drawn[-1])
    assert len(set(drawn)) == count
    assert all(0 <= index < size for index in drawn)
    return drawn


def vote_commitment(salt: bytes, vote: str) -> bytes:
    """Return what stands in the log from the moment a juror votes: SHA-256 over 16 random bytes and the vote."""
    assert len(salt) == 16
    assert vote in VOTES, vote
    return hashlib.sha256(salt + vote.encode()).digest()


def verdict_of(
    *, votes_for: int, votes_against: int, quorum: int, threshold_permille: int, inclusive: bool
) -> str:
    """Return what the votes come to: no quorum below it; granted at the threshold or only above it; else refused."""
    votes = votes_for + votes_against
    if votes < quorum or votes == 0:
        return NO_QUORUM
    told, needed = votes_for * 1000, votes * threshold_permille
    return GRANTED if told > needed or (inclusive and told == needed) else REFUSED
