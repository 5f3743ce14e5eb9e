"""What the verifier says of rolls and of a member's own proof: true of the truth, and of each lie its name.

Every lie is consistent as far as it can be, and signed with the log's real key: only what is checked gives it away.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ledger.openbooks.notes import b64
from ledger.openbooks.rolls import Record
from ledger.openbooks.tests.roll_story import (
    KINDS,
    PEOPLE,
    PERIOD,
    Body,
    Person,
    Records,
    Story,
    honest_bill,
    honest_closed,
)
from ledger.openbooks.tests.roll_story import honest_frozen as frozen
from ledger.openbooks.tests.test_standalone import FALSE, KEY, TRUE, UNCHECKED, verify

CAPPED, ME, NEIGHBOR, OTHER = PEOPLE[1], PEOPLE[2], PEOPLE[3], PEOPLE[7]


def judge(
    folder: Path, bundle: Body, *, document: str | None = ME.document, **options: str
) -> tuple[int, str]:
    file = folder / "bundle.json"
    file.write_text(json.dumps(bundle, ensure_ascii=False), encoding="utf-8")
    given = [] if document is None else ["--id", document]
    for name, value in options.items():
        given += [f"--{name}", value]
    return verify("member", file, *given)


def roll(folder: Path, story: Story) -> tuple[int, str]:
    return verify("roll", story.files(folder / "files"), PERIOD, "--key", KEY)


def says(found: tuple[int, str], code: str) -> None:
    assert (found[0], f"[{code}]" in found[1]) == (FALSE, True), found[1]
    assert "应为" in found[1]


# --- the truth ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "person", [PEOPLE[0], CAPPED, OTHER], ids=["at the rate", "own amount", "another class"]
)
def test_own_line_is_true(tmp_path: Path, person: Any) -> None:
    code, said = judge(
        tmp_path, Story().bundle(person), document=person.document, secret=b64(person.secret), key=KEY
    )
    assert code == TRUE, said
    assert f"True: member {person.number} of test-pool is charged" in said
    assert "one of 9 members, 1083 fen in all" in said
    assert "属实" in said


def test_document_is_read_however_it_is_written(tmp_path: Path) -> None:
    spaced = f" {ME.document[:3].lower()} {ME.document[3:]} "
    assert judge(tmp_path, Story().bundle(ME), document=spaced)[0] == TRUE


def test_without_the_document_no_tick_is_printed(tmp_path: Path) -> None:
    code, said = judge(tmp_path, Story().bundle(ME), document=None)
    assert code == UNCHECKED
    assert "COULD NOT CHECK" in said
    assert "True:" not in said


def test_whole_roll_is_true(tmp_path: Path) -> None:
    code, said = roll(tmp_path, Story())
    assert code == TRUE, said
    assert "True: the 9 lines of period 57" in said


def test_period_that_is_not_there_could_not_be_checked(tmp_path: Path) -> None:
    files = Story().files(tmp_path / "files")
    assert verify("roll", files, 58)[0] == UNCHECKED
    (files / "roll" / "57" / "part" / "0").unlink()
    assert verify("roll", files, PERIOD)[0] == UNCHECKED


@pytest.mark.parametrize(
    "spoil", [lambda b: b.pop("entries"), lambda b: b.update(path=7), lambda b: b.pop("leaf")]
)
def test_bundle_that_is_none_could_not_be_checked(tmp_path: Path, spoil: Callable[[Body], Any]) -> None:
    bundle = Story().bundle(ME)
    spoil(bundle)
    assert judge(tmp_path, bundle)[0] == UNCHECKED
    assert verify("member", tmp_path / "nothing.json")[0] == UNCHECKED


# --- lies told to one member --------------------------------------------------------------------------------------


def test_clash_leaf_is_named(tmp_path: Path) -> None:
    """Two people are shown the same line: its commitment is of one of them."""
    bundle = Story().bundle(ME)
    says(judge(tmp_path, bundle, document=OTHER.document), "commitment_is_mine")
    says(judge(tmp_path, bundle, secret=b64(OTHER.secret)), "commitment_is_mine")
    bundle["member"]["salt"] = b64(bytes(32))
    says(judge(tmp_path, bundle), "salt_is_mine")


def test_padding_leaf_nobody_owns_is_not_mine(tmp_path: Path) -> None:
    bundle = Story().bundle(ME, index=0 if PEOPLE[2].commitment != frozen()[0][:32] else 1)
    says(judge(tmp_path, bundle), "commitment_is_mine")


def test_maxwell_sum_lie_is_named(tmp_path: Path) -> None:
    """What the nodes hash to is kept, and their figures say that others pay nothing: the hash knows both."""
    bundle = Story().bundle(ME)
    for step in bundle["path"]:
        step[1], step[2] = [sum(step[1]), 0, 0, 0], 0
    says(judge(tmp_path, bundle), "root_is_the_stated_one")


def test_zero_count_subtree_is_named(tmp_path: Path) -> None:
    bundle = Story().bundle(ME)
    bundle["path"][0][1] = [0, 0, 0, 0]
    says(judge(tmp_path, bundle), "sibling_has_members")


def test_place_that_is_not_the_members_is_named(tmp_path: Path) -> None:
    story = Story()
    bundle = story.bundle(ME)
    bundle["leaf"]["index"] ^= 1
    says(judge(tmp_path, bundle), "path_fits_its_place")
    bundle = story.bundle(ME)
    left = next(step for step in bundle["path"] if step[0] == "L")
    left[1][0] += 1
    says(judge(tmp_path, bundle), "left_members_are_my_index")


@pytest.mark.parametrize("fen", [2**53, 2**64, -1])
def test_wrapped_or_negative_amount_is_named(tmp_path: Path, fen: int) -> None:
    found = judge(tmp_path, Story().bundle(ME, fen=fen))
    assert found[0] in {FALSE, UNCHECKED}
    assert "True:" not in found[1]
    if abs(fen) < 2**53:
        says(found, "amount_in_range")


def test_another_amount_or_class_than_in_the_roll_is_named(tmp_path: Path) -> None:
    says(judge(tmp_path, Story().bundle(ME, fen=97)), "root_is_the_stated_one")
    says(judge(tmp_path, Story().bundle(ME, **{"class": 1})), "root_is_the_stated_one")
    says(judge(tmp_path, Story().bundle(ME, is_own=True)), "root_is_the_stated_one")


def two_logs(person: Person) -> Body:
    """Return a bundle of a log that froze after the cases; that is shown in another log, of the same key."""
    late, early = Story(order=("period.announce", "roll.freeze", *KINDS[2:])), Story()
    bundle, before = late.bundle(person), early.bundle(person)
    own = len(bundle["hashes"])
    bundle["hashes"] += before["hashes"]
    for kind in ("roll.freeze", "period.announce"):
        told = before["entries"][kind]
        bundle["entries"][kind] = told | {"path": [own + place for place in told["path"]]}
    return bundle


def test_statements_of_two_logs_are_named(tmp_path: Path) -> None:
    """Each stands in a log that the real key has signed; only in one log do their numbers say what was first."""
    says(judge(tmp_path, two_logs(ME)), "statement_stands_in_the_log")


@pytest.mark.parametrize("split", [[0, 4, 4, 4], [0, 0, 0, 4], [0, 1, 1, 2, 3], [0, 4], [0, 1, 2]])
def test_path_of_another_length_is_named_however_its_sides_are_written(
    tmp_path: Path, split: list[int]
) -> None:
    bundle = Story().bundle(ME)
    sides = "".join(step[0] for step in bundle["path"])
    assert len(sides) == 4
    ends = [*split[1:], len(sides)]
    bundle["path"] = [[sides[one:two], *bundle["path"][0][1:]] for one, two in zip(split, ends, strict=True)]
    bundle["frozen_path"] = bundle["frozen_path"][:1] * len(split)
    says(judge(tmp_path, bundle), "path_fits_its_place")


def test_way_of_other_lengths_before_and_after_is_named(tmp_path: Path) -> None:
    bundle = Story().bundle(ME)
    bundle["frozen_path"].pop()
    says(judge(tmp_path, bundle), "path_fits_its_place")


@pytest.mark.parametrize("index", ["-1", '"1"', "01", "1.0", "true", "5", "9007199254740992"])
def test_place_in_the_log_that_is_none_is_never_true(tmp_path: Path, index: str) -> None:
    bundle = Story().bundle(ME)
    bundle["entries"]["period.announce"]["index"] = "@"
    file = tmp_path / "bundle.json"
    file.write_text(json.dumps(bundle, ensure_ascii=False).replace('"@"', index), encoding="utf-8")
    assert verify("member", file, "--id", ME.document)[0] == (FALSE if index == "5" else UNCHECKED)


@pytest.mark.parametrize("place", [-1, 2, 99])
def test_way_by_a_hash_that_is_not_there_is_never_true(tmp_path: Path, place: int) -> None:
    """Counted from the end, the last hash would be the right one."""
    bundle = Story().bundle(ME)
    told = bundle["entries"]["roll.freeze"]
    assert (len(bundle["hashes"]), told["path"][-1]) == (6, 1)
    bundle["hashes"] = [*bundle["hashes"][:1], *bundle["hashes"][2:], bundle["hashes"][1]]
    told["path"][-1] = place
    assert judge(tmp_path, bundle)[0] == (FALSE if place == 2 else UNCHECKED)


def test_version_that_is_no_number_is_named(tmp_path: Path) -> None:
    """True is 1 to Python, and to nobody else."""
    story, bundle = Story(), Story().bundle(ME)
    entries = story.entries()
    entries["roll.close"] = entries["roll.close"].replace(b'"v":1}', b'"v":true}')
    assert b"true" in entries["roll.close"]
    story.entries = lambda: entries  # type: ignore[method-assign]
    bundle |= story.proofs()
    says(judge(tmp_path, bundle), "entry_names_its_place")


@pytest.mark.parametrize(
    "harm",
    [
        lambda text: text.replace('"fen": 98', '"fen": 98, "fen": 98'),
        lambda text: text.replace('"fen": 98', '"fen": 98.0'),
        lambda text: text.replace('"fen": 98', '"fen": NaN'),
        lambda text: text.replace('"fen": 98', '"fen": 98, "more": null'),
        lambda text: text.replace('"is_own": false', '"is_own": 0'),
        lambda text: text.replace("huzhu-proof/2", "huzhu-proof/1"),
        lambda text: text.replace(b64(ME.secret), b64(ME.secret[:31])),
        lambda text: '{"more": ' + "[" * 200_000 + "]" * 200_000 + "," + text[1:],
        lambda text: '{"more": ' + "[" * 101 + "1" + "]" * 101 + "," + text[1:],
        lambda text: text.replace('"passport"', '"' + "p" * 70_000 + '"'),
    ],
)
def test_bundle_that_is_written_otherwise_could_not_be_checked(
    tmp_path: Path, harm: Callable[[str], str]
) -> None:
    before = json.dumps(Story().bundle(ME), ensure_ascii=False)
    file = tmp_path / "bundle.json"
    file.write_text(harm(before), encoding="utf-8")
    assert file.read_text() != before
    assert verify("member", file, "--id", ME.document)[0] == UNCHECKED


# --- lies about the whole -----------------------------------------------------------------------------------------


def with_amount(fen: int, *, own: bool = False) -> Records:
    return [
        Record(record[:32], record[32] & 0x3F, fen, is_explicit=own).encode()
        if record[:32] == ME.commitment
        else record
        for record in honest_closed()
    ]


def in_class(place: int) -> Records:
    return [
        Record(record[:32], place, 196).encode() if record[:32] == ME.commitment else record
        for record in honest_closed()
    ]


def bill(**changes: Any) -> Body:
    return honest_bill() | changes


def body_of(kind: str, **changes: Any) -> Callable[[str, Body], Body]:
    return lambda told, body: body | changes if told == kind else body


def swapped(kinds: tuple[str, ...], one: int, two: int) -> tuple[str, ...]:
    order = [*kinds]
    order[one], order[two] = order[two], order[one]
    return tuple(order)


def own_at_the_rate() -> Story:
    """Members 2 and 3 have 5 and 97 fen left of a cap; the roll takes one fen of 2 and gives it to 3."""
    own = {PEOPLE[1].commitment: 4, ME.commitment: 98}
    closed = [
        Record(record[:32], 0, own[record[:32]], is_explicit=True).encode() if record[:32] in own else record
        for record in honest_closed()
    ]
    shares = [[0, 1, 4, 98, 500], [0, 1, 1, 97, 97], [0, 1, 1, 5, 5], [3, 2, 3, 196, 500]]
    return Story(closed=closed, bill=bill(classes=shares, S=1_082, C_out=2))


def test_own_amount_at_the_rate_is_named_to_its_member(tmp_path: Path) -> None:
    says(judge(tmp_path, own_at_the_rate().bundle(ME)), "own_amount_is_below_the_rate")


def rows(*others: list[int]) -> Body:
    """Return the honest bill with further rows."""
    return bill(classes=[*others, *honest_bill()["classes"]])


def padded_freeze() -> Story:
    """Freeze somebody more, marked as if by an own amount, who may be charged in the place of another."""
    more = Record(bytes(32), 0, is_explicit=True).encode()
    return Story(frozen=[more, *frozen()])


LIES: dict[str, tuple[Story, str]] = {
    "class of weight nothing": (Story(bill=rows([0, 0, 0, 98])), "amount_in_range"),
    "class with a figure too many": (Story(bill=rows([0, 1, 0, 98, 500, 1])), "amount_in_range"),
    "negative cap": (Story(bill=rows([0, 1, 0, 98, -1])), "amount_in_range"),
    "lighter weight for a friend": (Story(bill=rows([3, 1, 0, 98])), "rates_follow_from_the_need"),
    "payers who are in no roll": (Story(bill=rows([9, 1, 1, 98])), "bill_counts_are_those_of_the_roll"),
    "roll frozen after the cases": (Story(order=swapped(KINDS, 0, 1)), "freeze_announce_close_in_order"),
    "cases after the close": (Story(order=swapped(KINDS, 1, 2)), "freeze_announce_close_in_order"),
    "claim added after close": (Story(cases=["C-1", "C-2", "C-3"]), "cases_were_announced"),
    "roll swapped after freeze": (Story(frozen=frozen()[1:]), "members_are_those_frozen"),
    "wrong class": (Story(closed=in_class(1)), "members_are_those_frozen"),
    "hidden payer omitted": (Story(closed=honest_closed()[1:]), "members_are_those_frozen"),
    "inflated own amounts": (Story(closed=with_amount(1, own=True)), "bill_counts_are_those_of_the_roll"),
    "sum of others than the roll": (
        Story(bill=bill(S=1_084, C_out=4)), "sum_is_of_the_roll",
    ),
    "carry kept by operator": (Story(bill=bill(C_out=2)), "identity_holds"),
    "carry larger than rounding": (
        Story(bill=bill(A=990, fee=80, C_out=13)), "carry_is_less_than_the_charged",
    ),
    "need and rates differ": (Story(bill=bill(A=995, C_out=8)), "rates_follow_from_the_need"),
    "negative fee": (Story(bill=bill(fee=-80, A=1_160)), "amount_in_range"),
    "n larger than records": (Story(body=body_of("roll.close", n=10)), "head_is_the_stated_one"),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_lie_is_named_to_a_member_and_to_whoever_reads_the_roll(tmp_path: Path, lie: str) -> None:
    story, code = LIES[lie]
    if lie == "n larger than records":
        found = judge(tmp_path, story.bundle(NEIGHBOR), document=NEIGHBOR.document)
        assert found[0] == FALSE
        assert "[path_fits_its_place]" in found[1] or "[head_is_the_stated_one]" in found[1]
        code = "records_are_as_many_as_members"
    elif lie not in {"roll swapped after freeze", "hidden payer omitted"}:
        says(judge(tmp_path, story.bundle(NEIGHBOR), document=NEIGHBOR.document), code)
    says(roll(tmp_path, story), code)


@pytest.mark.parametrize(
    ("closed", "code"),
    [
        (honest_closed()[::-1], "commitments_rise"),
        ([*honest_closed()[:1], *honest_closed()[:1], *honest_closed()[2:]], "commitments_rise"),
        (with_amount(97), "amount_is_the_rate"),
        (with_amount(98, own=True), "own_amount_is_below_the_rate"),
        (with_amount(2**53 - 1), "amount_is_the_rate"),
    ],
    ids=[
        "reordered roll",
        "duplicate leaf",
        "rebate leaf for a friend",
        "own amount at the rate",
        "huge amount",
    ],
)
def test_line_that_is_wrong_is_named_by_the_whole_roll(tmp_path: Path, closed: Records, code: str) -> None:
    """The statements are those of the honest roll; the file is another one."""
    files = Story().files(tmp_path / "files")
    (files / "roll" / str(PERIOD) / "part" / "0").write_bytes(b"".join(closed))
    says(verify("roll", files, PERIOD, "--key", KEY), code)


@pytest.mark.parametrize("class_byte", [0x40, 2, 0x3F])
def test_class_that_is_not_there_is_named(tmp_path: Path, class_byte: int) -> None:
    files = Story().files(tmp_path / "files")
    part = files / "roll" / str(PERIOD) / "part" / "0"
    data = bytearray(part.read_bytes())
    data[32] = class_byte
    part.write_bytes(data)
    says(verify("roll", files, PERIOD, "--key", KEY), "class_is_of_the_roll")


def test_amount_of_2_to_the_53rd_in_a_file_is_named(tmp_path: Path) -> None:
    files = Story().files(tmp_path / "files")
    part = files / "roll" / str(PERIOD) / "part" / "0"
    data = bytearray(part.read_bytes())
    data[33:41] = (2**53).to_bytes(8)
    part.write_bytes(data)
    says(verify("roll", files, PERIOD, "--key", KEY), "amount_in_range")


@pytest.mark.parametrize("kind", ["period.announce", "period.close"])
def test_cases_of_which_only_a_hash_is_stated_are_not_called_checked(tmp_path: Path, kind: str) -> None:
    """Where a period has very many, the log has no room for them; whether one was added is not seen then."""

    def hashed(name: str, body: Body) -> Body:
        if name != kind:
            return body
        return {key: value for key, value in body.items() if key != "cases"} | {"case_count": 2}

    story = Story(body=hashed)
    assert judge(tmp_path, story.bundle(NEIGHBOR), document=NEIGHBOR.document)[0] == UNCHECKED
    assert roll(tmp_path, story)[0] == UNCHECKED


def test_who_was_frozen_as_padding_is_named(tmp_path: Path) -> None:
    says(roll(tmp_path, padded_freeze()), "members_are_those_frozen")


def test_other_members_than_were_frozen_are_named(tmp_path: Path) -> None:
    """As many, of the same classes; one of them is somebody else."""
    stranger = Record(bytes(32), frozen()[0][32], 0).encode()
    others = Story(frozen=[stranger, *frozen()[1:]])
    says(roll(tmp_path, others), "root_is_the_stated_one")


def test_statement_that_is_not_in_the_log_is_named(tmp_path: Path) -> None:
    bundle = Story().bundle(ME)
    told = bundle["entries"]["period.close"]
    told["entry"] = told["entry"].replace('"A":1000', '"A":999')
    says(judge(tmp_path, bundle), "statement_stands_in_the_log")


def test_statement_of_another_period_is_named(tmp_path: Path) -> None:
    says(
        judge(tmp_path, Story(body=body_of("period.close", period=56)).bundle(ME)),
        "statements_are_of_the_period",
    )


def test_bundle_signed_by_somebody_else_is_named(tmp_path: Path) -> None:
    bundle = Story().bundle(ME)
    bundle["checkpoint"] = bundle["checkpoint"][:-8] + "AAAAAA=\n"
    code, said = judge(tmp_path, bundle)
    assert code == FALSE
    assert "[checkpoint_is_signed]" in said
