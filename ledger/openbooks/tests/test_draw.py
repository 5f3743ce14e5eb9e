"""The draw: against a second implementation, for uniformity with fixed seeds, and every attack under its own name."""

import hashlib
import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.openbooks import draw
from ledger.openbooks.draw_verify import SENTENCES, Line, NothingToCheckError, verify_case

RULE = {
    "tenure_days": 30, "seats": 5, "reserves": 3, "quorum": 3, "threshold_permille": 500, "inclusive": True,
    "voting_hours": 72, "take_days": 30,
}  # fmt: skip
REF = "0123456789abcdef"
WORDS = {1: "seven red kettles", 2: "a late tram in the rain", 3: "blue gate, wet dog"}


def drawn_otherwise(seed: bytes, size: int, count: int) -> list[int]:
    """Draw as the text says it, written anew: over bits, with a table of who is left out."""
    out, place = dict.fromkeys(range(size), False), 0
    order: list[int] = []
    while len(order) != count:
        block = int(hashlib.sha256(seed + bytes.fromhex(f"{place:08x}")).hexdigest()[:16], 16)
        place += 1
        if block > 2**64 - 1 - (2**64 % size):
            continue
        index = block - size * (block // size)
        if not out[index]:
            out[index] = True
            order.append(index)
    return order


@given(seed=st.binary(min_size=32, max_size=32), size=st.integers(1, 400), part=st.floats(0, 1))
def test_indices_match_a_second_implementation(seed: bytes, size: int, part: float) -> None:
    count = min(int(size * part), 60)
    assert draw.draw_indices(seed, size, count) == drawn_otherwise(seed, size, count)


def test_every_place_is_as_likely_as_any_other() -> None:
    size, draws = 30, 6000
    first, anywhere = Counter[int](), Counter[int]()
    for number in range(draws):
        indices = draw.draw_indices(hashlib.sha256(b"even %d" % number).digest(), size, 5)
        first[indices[0]] += 1
        anywhere.update(indices)
    for counts, drawn in ((first, draws), (anywhere, 5 * draws)):
        expected = drawn / size
        chi_square = sum((counts[place] - expected) ** 2 / expected for place in range(size))
        assert chi_square < 58.3  # 29 degrees of freedom: exceeded by one fair draw in a thousand


def test_a_block_of_the_last_round_counts_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = iter([2**64 - 1, 2**64 - 2, 6])

    class Hash:
        def digest(self) -> bytes:
            return next(blocks).to_bytes(8) + bytes(24)

    monkeypatch.setattr(draw.hashlib, "sha256", lambda _data: Hash())
    # 2^64 is 1 mod 3: only the very last block is beyond the last whole round.
    assert draw.draw_indices(b"", 3, 2) == [(2**64 - 2) % 3, 0]


def test_more_than_all_cannot_be_drawn() -> None:
    with pytest.raises(ValueError, match="6 of 5"):
        draw.draw_indices(bytes(32), 5, 6)
    assert sorted(draw.draw_indices(bytes(32), 5, 5)) == list(range(5))
    assert draw.draw_indices(bytes(32), 0, 0) == []


@pytest.mark.parametrize(
    ("eligible", "expected"),
    [(30, (21, 9, 15)), (100, (21, 21, 15)), (30_000, (42, 42, 30)), (10**8, (200, 200, 143))],
)
def test_panel_grows_with_the_quorum(eligible: int, expected: tuple[int, int, int]) -> None:
    panel = draw.panel_for(eligible=eligible, seats=21, reserves=21, quorum=15, quorum_permille=1)
    assert (panel.seats, panel.reserves, panel.quorum) == expected


@pytest.mark.parametrize(
    ("votes", "inclusive", "outcome"),
    [
        ((2, 2), True, "granted"),
        ((2, 2), False, "refused"),
        ((3, 2), False, "granted"),
        ((1, 2), True, "refused"),
        ((2, 0), True, "no_quorum"),
        ((0, 0), True, "no_quorum"),
    ],
)
def test_threshold_is_inclusive_or_not(votes: tuple[int, int], inclusive: bool, outcome: str) -> None:
    told = draw.verdict_of(
        votes_for=votes[0], votes_against=votes[1], quorum=3, threshold_permille=500, inclusive=inclusive
    )
    assert told == outcome


def test_list_is_in_strict_order() -> None:
    with pytest.raises(ValueError):
        draw.list_head([b"b" * 32, b"a" * 32])
    with pytest.raises(ValueError):
        draw.list_head([b"a" * 32, b"a" * 32])


class Found:
    """Collect the names of the statements that are false, with their two values."""

    def __init__(self) -> None:
        self.false: dict[str, tuple[object, object]] = {}

    def expect(self, code: str, where: str, expected: object, found: object) -> None:
        assert code in SENTENCES
        if expected != found:
            self.false.setdefault(code, (expected, found))


class Case:
    """A true log of one draw, to be spoiled in one place."""

    def __init__(self) -> None:
        salts = [hashlib.sha256(b"salt %d" % number).digest() for number in range(40)]
        self.names = sorted(draw.juror_commitment(salt, f"P-{n}") for n, salt in enumerate(salts))
        self.entries: list[tuple[str, dict[str, Any]]] = []
        witnesses = [
            {"number": number, "as": "auditor", "commit": draw.word_commitment(words).hex()}
            for number, words in WORDS.items()
        ]
        self.add(
            "draw.commit", version=1, rule=RULE, head=draw.list_head(self.names).hex(), n=40, seats=5, reserves=3,
            quorum=3, beacon={"kind": "commit_reveal", "witnesses": witnesses},
        )  # fmt: skip
        for number, words in WORDS.items():
            self.add("draw.reveal", witness=number, words=words)
        self.add("draw.result", **self.result())
        self.add("draw.replace", out=2, by=6, why="declined")
        ballots = []
        for seat, vote in ((1, "for"), (3, "against"), (6, "for")):
            salt = hashlib.sha256(b"%d" % seat).digest()[:16]
            commit = draw.vote_commitment(salt, vote).hex()
            self.add("jury.ballot", seat=seat, commit=commit)
            ballots.append([seat, commit, salt.hex(), vote])
        self.add("jury.tally", outcome="granted", quorum=3, ballots=ballots, **{"for": 2, "against": 1})

    def add(self, entry_type: str, **body: Any) -> None:
        self.entries.append((entry_type, {"ref": REF, "stage": 1, **body}))

    def result(self) -> dict[str, Any]:
        randomness = draw.mixed(WORDS.values())
        seed = draw.draw_seed(self.line(0).leaf_hash, randomness)
        indices = draw.draw_indices(seed, 40, 8)
        drawn = [[index, self.names[index].hex()] for index in indices]
        return {"missing": [], "randomness": randomness.hex(), "seed": seed.hex(), "drawn": drawn}

    def line(self, place: int) -> Line:
        entry_type, body = self.entries[place]
        data = json.dumps({"seq": place, "type": entry_type, "body": body}, sort_keys=True).encode()
        return Line(place, entry_type, REF, data, hashlib.sha256(b"\x00" + data).digest())

    def body(self, entry_type: str, which: int = 0) -> dict[str, Any]:
        return [body for told, body in self.entries if told == entry_type][which]

    def false(self, rules: dict[int, Any] | None = None) -> dict[str, tuple[object, object]]:
        found = Found()
        lines = [self.line(place) for place in range(len(self.entries))]
        verify_case(found, REF, lines, {1: self.names}, rules or {1: RULE})
        return found.false


def test_true_log_has_nothing_false() -> None:
    assert Case().false() == {}


def test_draw_after_its_words_is_named() -> None:
    case = Case()
    case.entries.insert(0, case.entries.pop(1))
    assert "draw_commits_before_its_words" in case.false()


def test_second_draw_is_named() -> None:
    case = Case()
    case.entries.append(case.entries[0])
    assert case.false()["draw_is_committed_once"] == ([1, 2], [1, 1])
    case = Case()
    case.add("draw.commit", **{**case.entries[0][1], "stage": 2})
    assert case.false()["draw_is_committed_once"] == (1, 0)  # a new stage without a failure


def test_swapped_pool_is_named() -> None:
    case = Case()
    case.names[3] = bytes(31) + b"\x01"
    case.names.sort()
    told, found = case.false()["draw_pool_is_the_committed"]
    assert told == case.body("draw.commit")["head"] != found


def test_padded_pool_is_named() -> None:
    case = Case()
    case.names.append(b"\xff" * 32)
    assert case.false()["draw_pool_is_the_committed"] == ((40, True), (41, True))


def test_biased_index_is_named() -> None:
    case = Case()
    result = case.body("draw.result")
    seed = bytes.fromhex(result["seed"])
    # The remainder of the whole digest: bits that the rule does not take.
    biased = list(
        dict.fromkeys(int.from_bytes(hashlib.sha256(seed + n.to_bytes(4)).digest()) % 40 for n in range(60))
    )
    result["drawn"] = [[index, case.names[index].hex()] for index in biased[:8]]
    assert set(case.false()) == {"indices_follow_the_seed"}


def test_changed_vote_is_named() -> None:
    case = Case()
    opened = case.body("jury.tally")["ballots"][1]
    opened[3] = "for"
    case.body("jury.tally").update({"for": 3, "against": 0})
    assert set(case.false()) == {"votes_open_as_they_were_cast"}


@pytest.mark.parametrize(
    ("spoil", "name"),
    [
        (lambda c: c.body("draw.reveal").update(words="other words here"), "words_fit_their_hashes"),
        (lambda c: c.body("draw.result").update(missing=[3]), "missing_words_are_named"),
        (lambda c: c.body("draw.result").update(randomness="00" * 32), "randomness_is_of_all_words"),
        (lambda c: c.body("draw.result").update(seed="00" * 32), "seed_is_of_commitment_and_words"),
        (lambda c: c.body("draw.result")["drawn"][0].__setitem__(1, "00" * 32), "drawn_names_stand_at_their_places"),
        (lambda c: c.body("draw.replace").update(by=7), "reserves_follow_in_order"),
        (lambda c: c.body("jury.ballot").update(seat=2), "ballots_are_of_seated_jurors"),
        (lambda c: c.body("jury.tally")["ballots"].pop(), "votes_open_as_they_were_cast"),
        (lambda c: c.body("jury.tally").update({"for": 3}), "tally_is_the_sum_of_the_votes"),
        (lambda c: c.body("jury.tally").update(outcome="refused"), "verdict_follows_the_rule"),
    ],
)  # fmt: skip
def test_each_lie_is_named(spoil: Any, name: str) -> None:
    case = Case()
    spoil(case)
    assert name in case.false()


def test_other_rules_than_published_are_named() -> None:
    assert "draw_follows_its_plan" in Case().false(rules={1: RULE | {"quorum": 5}})
    case = Case()
    case.body("draw.commit").update(seats=6)
    assert "draw_follows_its_plan" in case.false()


def test_changed_bytes_are_named() -> None:
    case = Case()
    lines = [case.line(place) for place in range(len(case.entries))]
    lines[2] = Line(2, lines[2].type, REF, lines[2].data, bytes(32))
    found = Found()
    verify_case(found, REF, lines, {1: case.names}, {1: RULE})
    assert set(found.false) == {"draw_entries_are_whole"}


def test_without_a_draw_nothing_could_be_checked() -> None:
    with pytest.raises(NothingToCheckError):
        verify_case(Found(), REF, [], {}, {})
