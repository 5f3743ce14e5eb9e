"""Recompute a jury's draw from the entries of the log and the published list alone. Pure.

A second reading of the same rules, which imports nothing of the draw itself. Each statement is false under its own
name, with the two values that differ.
"""

import hashlib
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Any, Protocol

SENTENCES = {
    "draw_is_committed_once": "The log states one list and its hashes per stage, and no stage but after a failure.",
    "draw_entries_are_whole": "The leaf hash of every entry is that of its bytes.",
    "draw_commits_before_its_words": "List and hashes are in the log before any words, and these before the result.",
    "draw_pool_is_the_committed": "The published list has the hash and length that the log states, and no name twice.",
    "draw_follows_its_plan": "Jurors, reserves and votes it takes follow from the eligible by the published rules.",
    "words_fit_their_hashes": "Told words fit the hashes in the log: of three witnesses, of whom two have told.",
    "missing_words_are_named": "Whoever kept silent is named, and nobody else.",
    "randomness_is_of_all_words": "The randomness is the hash of all words that were told, in order.",
    "seed_is_of_commitment_and_words": "The seed is the hash of the entry that commits and of the randomness.",
    "indices_follow_the_seed": "The places in the list follow from the seed without bias, in order, none twice.",
    "drawn_names_stand_at_their_places": "Each name that was drawn stands at its place in the list.",
    "reserves_follow_in_order": "Whoever drops out is replaced by the next reserve in order, once.",
    "ballots_are_of_seated_jurors": "Ballots are of jurors with a seat, one each, after the draw and before the tally.",
    "votes_open_as_they_were_cast": "Every ballot opens what was published when it was cast; none is missing or added.",
    "tally_is_the_sum_of_the_votes": "The count is the sum of the opened votes.",
    "verdict_follows_the_rule": "The verdict follows from the count, the votes it takes and the threshold.",
}
_DOMAIN = b"huzhu/draw/v1"


class NothingToCheckError(LookupError):
    """The log states no draw under this name."""


class Expecting(Protocol):
    """What takes the findings, such as `ledger.books.findings.Report`."""

    def expect(self, code: str, where: str, expected: object, found: object) -> None:
        """Hold one figure against what it must be."""


@dataclass(frozen=True)
class Line:
    """An entry of the log: its number, its type and key, its bytes and its leaf hash."""

    seq: int
    type: str
    key: str
    data: bytes
    leaf_hash: bytes

    @property
    def body(self) -> dict[str, Any]:
        """Return what it says."""
        told = json.loads(self.data)["body"]
        return told if isinstance(told, dict) else {}


def verify_case(
    report: Expecting,
    ref: str,
    lines: Sequence[Line],
    lists: Mapping[int, Sequence[bytes]],
    rules: dict[int, Any],
) -> None:
    """Check all stages of a case. lists: the published list by stage; rules: the jury's terms by plan version.

    Raises: NothingToCheckError.
    """
    commits = [line for line in lines if line.type == "draw.commit" and line.body.get("ref") == ref]
    if not commits:
        raise NothingToCheckError(f"the log states no draw of {ref}")
    about = [line for line in lines if line.body.get("ref") == ref]
    for line in about:
        told = hashlib.sha256(b"\x00" + line.data).hexdigest()
        report.expect("draw_entries_are_whole", f"entry {line.seq}", told, line.leaf_hash.hex())
    stages = [line.body.get("stage") for line in commits]
    report.expect("draw_is_committed_once", ref, list(range(1, len(commits) + 1)), stages)
    for commit in commits:
        stage = commit.body.get("stage")
        _Stage(report, commit, [line for line in about if line.body.get("stage") == stage]).verify(
            lists.get(stage or 0, ()), rules, is_last=commit is commits[-1]
        )


class _Stage:
    """One stage of a case, from its commitment to its tally."""

    def __init__(self, report: Expecting, commit: Line, lines: list[Line]) -> None:
        self.report, self.commit, self.lines = report, commit, lines
        self.told = commit.body
        self.where = f"draw {self.told.get('ref')}/{self.told.get('stage')}"

    def of(self, entry_type: str) -> list[Line]:
        """Return the entries of a type, in their order."""
        return [line for line in self.lines if line.type == entry_type]

    def expect(self, code: str, expected: object, found: object, what: str = "") -> None:
        """Hold one figure against what it must be."""
        self.report.expect(code, f"{self.where} {what}".strip(), expected, found)

    def verify(self, names: Sequence[bytes], rules: dict[int, Any], *, is_last: bool) -> None:
        """Check everything that the log states of it so far."""
        failed, results, tallies = self.of("incident"), self.of("draw.result"), self.of("jury.tally")
        self.expect("draw_is_committed_once", 1, len(self.of("draw.commit")), "entries that commit")
        self.expect("draw_is_committed_once", int(not is_last), len(failed), "failures")
        self._order(results)
        self._list(names)
        self._plan(rules)
        words = self._words()
        for result in results[:1]:
            self._result(result.body, words, names)
            self._places()
            if tallies:
                self._tally(result, tallies[0])
        self.expect("draw_is_committed_once", min(len(results), 1), len(results), "results")

    def _order(self, results: list[Line]) -> None:
        for reveal in self.of("draw.reveal"):
            self.expect(
                "draw_commits_before_its_words",
                True,
                self.commit.seq < reveal.seq and all(reveal.seq < one.seq for one in results),
                f"entry {reveal.seq} after {self.commit.seq} and before the result",
            )

    def _list(self, names: Sequence[bytes]) -> None:
        ordered = all(one < other for one, other in itertools.pairwise(names))
        self.expect("draw_pool_is_the_committed", (self.told.get("n"), True), (len(names), ordered), "names")
        content = _DOMAIN + b"/list" + len(names).to_bytes(8, "big") + b"".join(names)
        self.expect("draw_pool_is_the_committed", self.told.get("head"), hashlib.sha256(content).hexdigest())

    def _plan(self, rules: dict[int, Any]) -> None:
        rule = self.told.get("rule", {})
        version = self.told.get("version")
        self.expect("draw_follows_its_plan", rules.get(version or 0), rule, f"rules of version {version}")
        eligible, seats, quorum = self.told.get("n", 0), rule.get("seats", 1), rule.get("quorum", 1)
        wanted = max(quorum, ceil(Fraction(eligible * rule.get("quorum_permille", 0), 1000)))
        grown = min(ceil(Fraction(wanted * seats, quorum)), 200)
        drawn = min(grown, eligible)
        behind = min(ceil(Fraction(rule.get("reserves", 0) * grown, seats)), 200, eligible - drawn)
        needed = min(wanted, ceil(Fraction(quorum * grown, seats)), drawn)
        figures = tuple(self.told.get(name) for name in ("seats", "reserves", "quorum"))
        self.expect("draw_follows_its_plan", (drawn, behind, needed), figures, "seats, reserves, quorum")

    def _words(self) -> dict[int, str]:
        hashes = {one["number"]: one["commit"] for one in self.told.get("beacon", {}).get("witnesses", [])}
        words = {line.body["witness"]: line.body["words"] for line in self.of("draw.reveal")}
        for number, told in words.items():
            found = hashlib.sha256(told.encode()).hexdigest()
            self.expect("words_fit_their_hashes", hashes.get(number), found, f"witness {number}")
        self.expect("words_fit_their_hashes", True, len(hashes) >= 3, "three witnesses")
        self.expect(
            "words_fit_their_hashes", len(self.of("draw.reveal")), len(words), "words of each witness"
        )
        return words

    def _result(self, told: dict[str, Any], words: dict[int, str], names: Sequence[bytes]) -> None:
        witnesses = {one["number"] for one in self.told.get("beacon", {}).get("witnesses", [])}
        self.expect("words_fit_their_hashes", True, len(words) >= 2, "two witnesses who told")
        self.expect("missing_words_are_named", sorted(witnesses - set(words)), told.get("missing"))
        parts = sorted(one.encode() for one in words.values())
        mixed = hashlib.sha256(b"".join(len(one).to_bytes(2, "big") + one for one in parts))
        self.expect("randomness_is_of_all_words", mixed.hexdigest(), told.get("randomness"))
        seed = hashlib.sha256(_DOMAIN + self.commit.leaf_hash + mixed.digest()).digest()
        self.expect("seed_is_of_commitment_and_words", seed.hex(), told.get("seed"))
        count = self.told.get("seats", 0) + self.told.get("reserves", 0)
        indices = _indices(seed, len(names), min(count, len(names)))
        self.expect("indices_follow_the_seed", indices, [index for index, _name in told.get("drawn", [])])
        for number, (index, name) in enumerate(told.get("drawn", []), start=1):
            stands = names[index].hex() if 0 <= index < len(names) else "nobody"
            self.expect("drawn_names_stand_at_their_places", stands, name, f"number {number}")

    def _places(self) -> None:
        """Hold every replacement against the next reserve in order."""
        after = self.told.get("seats", 0)
        last = after + self.told.get("reserves", 0)
        for line in self.of("draw.replace"):
            following = after + 1 if after < last else None
            self.expect("reserves_follow_in_order", following, line.body.get("by"), f"entry {line.seq}")
            after = min(after + 1, last)

    def _seated(self) -> set[int]:
        seated = set(range(1, self.told.get("seats", 0) + 1))
        for line in self.of("draw.replace"):
            seated.discard(line.body.get("out", 0))
            seated |= {line.body["by"]} if "by" in line.body else set()
        return seated

    def _tally(self, result: Line, tally: Line) -> None:
        told = tally.body
        cast: dict[int, str] = {}
        for line in self.of("jury.ballot"):
            seat, sound = line.body.get("seat", 0), result.seq < line.seq < tally.seq
            stands = (sound, seat in self._seated(), seat not in cast)
            self.expect("ballots_are_of_seated_jurors", (True, True, True), stands, f"entry {line.seq}")
            cast[seat] = line.body.get("commit", "")
        if told.get("outcome") == "withdrawn":
            self.expect("votes_open_as_they_were_cast", [], told.get("ballots", []))
            return
        opened = told.get("ballots", [])
        self.expect("votes_open_as_they_were_cast", sorted(cast), [seat for seat, *_rest in opened], "seats")
        for seat, commit, salt, vote in opened:
            opens = hashlib.sha256(bytes.fromhex(salt) + vote.encode()).hexdigest()
            found = (commit, opens)
            self.expect(
                "votes_open_as_they_were_cast", (cast.get(seat), cast.get(seat)), found, f"seat {seat}"
            )
        votes_for = sum(vote == "for" for *_seat, vote in opened)
        votes_against = sum(vote == "against" for *_seat, vote in opened)
        counts = (told.get("for"), told.get("against"), told.get("quorum"))
        self.expect(
            "tally_is_the_sum_of_the_votes", (votes_for, votes_against, self.told.get("quorum")), counts
        )
        self.expect("verdict_follows_the_rule", self._verdict(votes_for, votes_against), told.get("outcome"))

    def _verdict(self, votes_for: int, votes_against: int) -> str:
        votes, rule = votes_for + votes_against, self.told.get("rule", {})
        if votes < self.told.get("quorum", 0) or not votes:
            return "no_quorum"
        part, threshold = Fraction(votes_for, votes), Fraction(rule.get("threshold_permille", 0), 1000)
        return "granted" if part > threshold or (part == threshold and rule.get("inclusive")) else "refused"


def _indices(seed: bytes, size: int, count: int) -> list[int]:
    """Return the places that the seed draws: blocks of 64 bits, of which the last, incomplete round does not count."""
    found: list[int] = []
    counter = 0
    while len(found) < count:
        digest = hashlib.sha256(seed + counter.to_bytes(4, "big")).digest()
        round_no, place = divmod(int.from_bytes(digest[:8], "big"), size)
        counter += 1
        if round_no < (1 << 64) // size and place not in found:
            found.append(place)
    return found
