"""Why a share changed: the closed form against every order of the factors, and what the parts must always be."""

import random
from fractions import Fraction
from itertools import permutations

import pytest

from ledger.sharing.changes import Charged, causes, change_parts
from ledger.sharing.figures import ClassFigures, Figures, Part, share_parts

LETTERS = ("aid_fen", "other_costs_fen", "fee_fen", "reserve_contribution_fen")
TAKEN = ("reserve_drawn_fen", "sponsor_fen", "carry_in_fen")


def charged(weight: int = 1, members: int = 7, others: int = 0, **lines: int) -> Charged:
    """Return what somebody of that weight is charged, beside so many of weight 3, with the share that follows."""
    rows = ((0, weight, members), (1, 3, others))
    need = sum(lines.get(name, 0) for name in LETTERS) - sum(lines.get(name, 0) for name in TAKEN)
    total = sum(one * count for _no, one, count in rows)
    classes = tuple(ClassFigures(no, one, count, -(-need * one // total)) for no, one, count in rows)
    figures = Figures(
        cases=1,
        awarded_fen=lines.get("aid_fen", 0),
        carry_out_fen=0,
        need_fen=need,
        assessed_fen=sum(row.total_fen for row in classes),
        classes=classes,
        **{name: lines.get(name, 0) for name in (*LETTERS, *TAKEN)},
    )
    return Charged(figures, classes[0])


def total(parts: list[Part]) -> int:
    return sum(part.amount if part.sign == "+" else -part.amount for part in parts)


def by_every_order(before: Charged, after: Charged) -> dict[str, Fraction]:
    """Return the average of each factor over all orders, one by one: the definition."""
    names = [*sorted(set(before.lines) | set(after.lines)), "weight", "all"]
    sums = dict.fromkeys(names, Fraction(0))
    orders = list(permutations(names))
    for order in orders:
        changed: set[str] = set()
        value = _value(before, after, changed)
        for name in order:
            changed.add(name)
            sums[name] += (now := _value(before, after, changed)) - value
            value = now
    return {name: fen / len(orders) for name, fen in sums.items()}


def _value(before: Charged, after: Charged, changed: set[str]) -> Fraction:
    lines = {
        letter: (after if letter in changed else before).lines.get(letter, ("", 0))[1]
        for letter in set(before.lines) | set(after.lines)
    }
    weight = (after if "weight" in changed else before).row.weight
    everybody = (after if "all" in changed else before).figures.total_weight
    return Fraction(weight * sum(lines.values()), everybody)


def by_chance(chance: random.Random) -> Charged:
    lines = {
        name: chance.choice((0, chance.randrange(1, 10**7))) for name in ("other_costs_fen", "carry_in_fen")
    }
    aid = chance.randrange(10**7, 10**9)
    return charged(
        chance.randrange(1, 5),
        chance.randrange(1, 40),
        chance.randrange(40),
        aid_fen=aid,
        fee_fen=aid // 12,
        **lines,
    )


@pytest.mark.parametrize("seed", range(12))
def test_causes_are_their_average_over_every_order(seed: int) -> None:
    chance = random.Random(seed)
    before, after = by_chance(chance), by_chance(chance)
    expected = by_every_order(before, after)
    letters = [*before.lines, *(letter for letter in after.lines if letter not in before.lines)]
    found = dict(
        zip([*letters, "all", "weight"], (fen for _key, _name, fen in causes(before, after)), strict=True)
    )
    assert found == expected
    assert sum(found.values()) == after.exact - before.exact


@pytest.mark.parametrize("seed", range(40))
def test_parts_add_up_to_the_change(seed: int) -> None:
    chance = random.Random(seed)
    before, after = by_chance(chance), by_chance(chance)
    parts = change_parts(before, after)
    assert total(parts) == (after.row.share_fen - before.row.share_fen) * 100
    assert total(parts) == -total(change_parts(after, before))


def test_a_headcount_alone_leaves_every_other_part_at_nothing() -> None:
    before, after = (
        charged(members=7, aid_fen=100_000, fee_fen=8_000),
        charged(members=9, aid_fen=100_000, fee_fen=8_000),
    )
    parts = change_parts(before, after)
    # 108,000 / 7 = 15,428.571… and 108,000 / 9 = 12,000: 3,428.571… less; rounded up 15,429.
    assert [(str(part.name), part.sign, part.amount) for part in parts] == [
        ("How many share, by their weights", "−", 342_857),
        ("Rounding", "−", 43),
    ]


def test_nothing_changed_is_nothing_to_explain() -> None:
    assert change_parts(charged(aid_fen=100_000), charged(aid_fen=100_000)) == []


def test_a_worked_example() -> None:
    """700.00 over 7 becomes 1,600.00 over 8: 100.00 each becomes 200.00, worked by hand.

    Aid: 900.00 × (1/7 + 1/8) / 2 = 120.535…; headcount: (1/8 − 1/7) × (700.00 + 1,600.00) / 2 = −20.535….
    """
    parts = change_parts(charged(members=7, aid_fen=70_000), charged(members=8, aid_fen=160_000))
    assert [(str(part.name), part.sign, part.text) for part in parts] == [
        ("Aid for the cases", "+", "120.5357"),
        ("How many share, by their weights", "−", "20.5357"),
    ]


def test_what_a_cap_does_is_named_as_such() -> None:
    free, capped = charged(aid_fen=70_000), charged(aid_fen=160_000)
    row = ClassFigures(0, 1, 7, 12_000, cap_fen=12_000)
    parts = change_parts(free, Charged(capped.figures, row))
    assert total(parts) == (12_000 - 10_000) * 100
    # 1,600.00 over 7 are 228.571428…, rounded up 228.58; the cap leaves 120.00 of them.
    assert [(part.code, part.signed) for part in parts] == [
        ("aid", 1_285_714),
        ("rounding", 86),
        ("cap", -1_085_800),
    ]


def test_surplus_that_is_carried_on_is_no_cap() -> None:
    surplus = charged(carry_in_fen=70_000)
    nothing = Charged(surplus.figures, ClassFigures(0, 1, 7, 0))
    parts = change_parts(nothing, charged(aid_fen=70_000))
    assert [(part.code, part.signed) for part in parts] == [
        ("aid", 1_000_000),
        ("carry_in", 1_000_000),
        ("carry_out", -1_000_000),
    ]


@pytest.mark.parametrize(
    ("share_fen", "expected"),
    [
        (22_858, [("aid", 2_285_714), ("rounding", 86)]),
        (12_000, [("aid", 2_285_714), ("rounding", 86), ("cap", -1_085_800)]),
        (30_000, [("aid", 2_285_714), ("rounding", 86), ("cap", 714_200)]),
    ],
)
def test_parts_of_a_share_name_rounding_and_caps_apart(
    share_fen: int, expected: list[tuple[str, int]]
) -> None:
    figures = charged(aid_fen=160_000).figures
    parts = share_parts(figures, ClassFigures(0, 1, 7, share_fen, cap_fen=12_000))
    assert [(part.code, part.signed) for part in parts] == expected
    assert total(parts) == share_fen * 100


@pytest.mark.parametrize("seed", range(40))
def test_parts_of_a_share_add_up_to_it(seed: int) -> None:
    one = by_chance(random.Random(seed))
    parts = share_parts(one.figures, one.row)
    assert total(parts) == one.row.share_fen * 100
    assert "cap" not in {part.code for part in parts}


def test_a_new_weight_has_a_part_of_its_own() -> None:
    before = charged(weight=1, members=1, others=2, aid_fen=70_000)
    after = charged(weight=2, members=1, others=2, aid_fen=70_000)
    names = [str(part.name) for part in change_parts(before, after)]
    assert names[:2] == ["How many share, by their weights", "My weight"]


def test_a_period_of_nobody_explains_nothing() -> None:
    nobody = charged(members=1, aid_fen=100)
    empty = Charged(Figures(**{**nobody.figures.__dict__, "classes": ()}), nobody.row)
    assert change_parts(empty, nobody) == change_parts(nobody, empty) == []
