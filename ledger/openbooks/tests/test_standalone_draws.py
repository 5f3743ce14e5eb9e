"""What the verifier says of a jury's draw, and of everything at once, from a folder of files."""

import json
import shutil
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from ledger.openbooks import draw
from ledger.openbooks.canonical import canonical_bytes, leaf_hash
from ledger.openbooks.tests.roll_story import PEOPLE, Story
from ledger.openbooks.tests.test_draw import REF, RULE, Case
from ledger.openbooks.tests.test_standalone import FALSE, KEY, TRUE, UNCHECKED, verify, write
from ledger.openbooks.tests.years import Year


class Told(Case):
    """The draw in a log that anyone can read: behind the rules, with its list beside it."""

    def envelopes(self) -> list[bytes]:
        terms = {"jury": RULE}
        rules = {"version": 1, "terms": terms, "terms_sha256": sha256(canonical_bytes(terms)).hexdigest()}
        told = [("rule.publish", rules), *self.entries]
        return [self.envelope(seq, *one) for seq, one in enumerate(told)]

    def envelope(self, seq: int, entry_type: str, body: dict[str, Any]) -> bytes:
        whole = {"v": 1, "pool": "test-pool", "type": entry_type, "at": "2026-01-07T00:00:00Z", "seq": seq}
        return canonical_bytes(whole | {"body": body})

    def result(self) -> dict[str, Any]:
        """Draw by the hash that the entry has behind the rules."""
        randomness = draw.mixed(line["words"] for kind, line in self.entries if kind == "draw.reveal")
        seed = draw.draw_seed(leaf_hash(self.envelope(1, *self.entries[0])), randomness)
        drawn = [[index, self.names[index].hex()] for index in draw.draw_indices(seed, 40, 8)]
        return {"missing": [], "randomness": randomness.hex(), "seed": seed.hex(), "drawn": drawn}

    def files(self, folder: Path) -> Path:
        write(folder, self.envelopes())
        listed = folder / "draw" / REF / "1"
        listed.parent.mkdir(parents=True)
        listed.write_bytes(b"".join(self.names))
        return folder


def judge(folder: Path, case: Told) -> tuple[int, str]:
    return verify("draw", case.files(folder / "files"), REF, "--key", KEY)


def test_true_draw_is_true(tmp_path: Path) -> None:
    code, said = judge(tmp_path, Told())
    assert code == TRUE, said
    assert "True: 1 draws follow" in said


# What is changed in a true draw, and under which name it is found.
SPOILT: list[tuple[Any, str]] = [
    (lambda c: c.entries.insert(0, c.entries.pop(1)), "draw_commits_before_its_words"),
    (lambda c: c.entries.append(c.entries[0]), "draw_is_committed_once"),
    (lambda c: c.entries.append(c.entries[4]), "draw_is_committed_once"),
    (lambda c: c.add("draw.commit", **{**c.entries[0][1], "stage": 2}), "draw_is_committed_once"),
    (lambda c: c.names.append(b"\xff" * 32), "draw_pool_is_the_committed"),
    (lambda c: c.names.reverse(), "draw_pool_is_the_committed"),
    (lambda c: c.body("draw.commit").update(rule=RULE | {"quorum": 1}), "draw_follows_its_plan"),
    (lambda c: c.body("draw.commit").update(seats=6), "draw_follows_its_plan"),
    (lambda c: c.body("draw.reveal").update(words="other words here"), "words_fit_their_hashes"),
    (lambda c: c.body("draw.result").update(missing=[3]), "missing_words_are_named"),
    (lambda c: c.body("draw.result").update(randomness="00" * 32), "randomness_is_of_all_words"),
    (lambda c: c.body("draw.result").update(seed="00" * 32), "seed_is_of_commitment_and_words"),
    (lambda c: c.body("draw.result")["drawn"].reverse(), "indices_follow_the_seed"),
    (lambda c: c.body("draw.result")["drawn"][0].__setitem__(1, "00" * 32), "drawn_names_stand_at_their_places"),
    (lambda c: c.body("draw.replace").update(by=7), "reserves_follow_in_order"),
    (lambda c: c.body("jury.ballot").update(seat=2), "ballots_are_of_seated_jurors"),
    (lambda c: c.entries.insert(-1, c.entries[-2]), "ballots_are_of_seated_jurors"),
    (lambda c: c.body("jury.tally")["ballots"].pop(), "votes_open_as_they_were_cast"),
    (lambda c: c.body("jury.tally")["ballots"][1].__setitem__(3, "for"), "votes_open_as_they_were_cast"),
    (lambda c: c.body("jury.tally").update({"for": 3}), "tally_is_the_sum_of_the_votes"),
    (lambda c: c.body("jury.tally").update(outcome="refused"), "verdict_follows_the_rule"),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "name"), SPOILT)
def test_each_lie_about_a_draw_is_named(tmp_path: Path, spoil: Any, name: str) -> None:
    case = Told()
    spoil(case)
    code, said = judge(tmp_path, case)
    assert (code, f"[{name}]" in said) == (FALSE, True), said


def test_draw_without_its_list_could_not_be_checked(tmp_path: Path) -> None:
    files = Told().files(tmp_path / "files")
    assert verify("draw", files, "0" * 16, "--key", KEY)[0] == UNCHECKED
    shutil.rmtree(files / "draw")
    code, said = verify("draw", files, REF, "--key", KEY)
    assert (code, "True:" in said) == (UNCHECKED, False)


# --- everything at once -------------------------------------------------------------------------------------------


def test_all_of_a_folder_is_checked_and_kept(tmp_path: Path) -> None:
    """A copy is made while the pool's machine is on; with it off, the copy answers the same."""
    files = Told().files(tmp_path / "files")
    code, said = verify("all", files, "--key", KEY, "--keep", tmp_path / "copy")
    assert code == TRUE, said
    for part in ("log: True", "draw: True", "book: True", "True: all 3 parts"):
        assert part in said
    shutil.rmtree(files)
    code, again = verify("all", tmp_path / "copy", "--key", KEY)
    assert (code, again) == (TRUE, said)


def test_all_says_what_it_could_not_check_and_prints_no_tick(tmp_path: Path) -> None:
    files = write(tmp_path / "files", [canonical_bytes(one) for one in Year(7, periods=2).entries])
    code, said = verify("all", files, "--key", KEY)
    assert code == UNCHECKED  # the rolls of this year have no lines
    assert "book: True" in said
    assert "roll 1: COULD NOT CHECK" in said
    assert "all" not in said.rsplit("\n", 3)[-2]


def test_all_stops_at_what_is_false(tmp_path: Path) -> None:
    case = Told()
    case.body("jury.tally").update(outcome="refused")
    code, said = verify("all", case.files(tmp_path / "files"), "--key", KEY)
    assert (code, "[verdict_follows_the_rule]" in said) == (FALSE, True)


def test_all_takes_ones_own_proof_along(tmp_path: Path) -> None:
    story = Story()
    bundle = tmp_path / "bundle.json"
    bundle.write_text(json.dumps(story.bundle(PEOPLE[2]), ensure_ascii=False), encoding="utf-8")
    files = story.files(tmp_path / "files")
    code, said = verify("all", files, "--key", KEY, "--bundle", bundle, "--id", PEOPLE[2].document)
    assert "member: True: member 3" in said
    assert (code, "[bill_is_posted_as_stated]" in said) == (FALSE, True)  # this period has no journal
