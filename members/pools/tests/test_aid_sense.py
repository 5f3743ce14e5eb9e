"""The sense check of a plan's steps of aid: which it names, with which figures, and which it lets pass."""

import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aidplatform.testing.world import TERMS
from members.pools.aid_sense import FIRST_AGE, ILL_OF_TEN_MILLION, LAST_AGE, MOST_TIMES, jumps
from members.pools.aid_words import jump_words
from members.pools.plan_terms import PlanTerms
from members.pools.presets import all_presets


def plan(*rows: tuple[int, int, int], classes: list[dict[str, Any]] | None = None) -> PlanTerms:
    """Return a plan with rows of aid for a severe illness: from age, before age, fen."""
    aid = [
        {"severity": "severe", "age_from": first, "age_before": end, "max_aid_fen": fen}
        for first, end, fen in rows
    ]
    return PlanTerms.from_json(TERMS | {"aid": aid} | ({"classes": classes} if classes else {}))


def weighted(*weights: int) -> list[dict[str, Any]]:
    """Return classes of ten years each from 20 on."""
    return [
        {"class_no": no, "weight": weight, "name_en": f"{no}", "name_zh": f"{no}", "age_from": 20 + 10 * no,
         "age_before": 30 + 10 * no}
        for no, weight in enumerate(weights)
    ]  # fmt: skip


def test_incidence_is_the_curve_that_is_written_down():
    ages = range(FIRST_AGE, LAST_AGE + 1)
    curve = [0.00012 + 0.0024 * math.exp(0.098 * (age - 40)) for age in ages]
    assert list(ILL_OF_TEN_MILLION) == [round(value * 10**7) for value in curve]
    assert [round(ILL_OF_TEN_MILLION[age - FIRST_AGE] / 1000) for age in (18, 40, 60)] == [4, 25, 172]


def test_step_down_is_named_with_its_rows_and_figures():
    """0.23 % of 300,000.00 at 39 against 0.252 % of 100,000.00 at 40."""
    (jump,) = jumps(plan((0, 40, 30_000_000), (40, 60, 10_000_000)))
    assert (jump.before.age, jump.after.age, jump.paths, jump.grows) == (39, 40, ("aid[0]", "aid[1]"), False)
    assert (jump.before.cost_fen, jump.after.cost_fen) == (68_880, 25_200)
    assert jump.times == Fraction(68_880, 25_200)
    assert jump_words(jump, "CNY") == (
        "Severe illness: at 39 up to ¥300,000.00, weight 1, expected ¥688.80 a year for each unit of weight; at 40"
        " up to ¥100,000.00, weight 1, expected ¥252.00 a year for each unit of weight."
        " 2.8 times as much at 39 as at 40."
    )


def test_step_up_is_named_as_well():
    (jump,) = jumps(plan((0, 40, 10_000_000), (40, 60, 20_000_000)))
    assert (jump.grows, jump.before.age, jump.after.age) == (True, 39, 40)
    assert jump_words(jump, "CNY").endswith("2.2 times as much at 40 as at 39.")


@pytest.mark.parametrize(
    "rows",
    [
        [(0, 60, 30_000_000)],
        [(0, 40, 30_000_000), (40, 60, 17_000_000)],
        [(0, 40, 30_000_000)],
        [(0, 40, 30_000_000), (45, 60, 1)],
        [(0, 18, 30_000_000), (18, 61, 1)],
        [(0, 61, 1), (61, 70, 30_000_000)],
    ],
)
def test_what_changes_little_or_ends_is_no_step(rows: list[tuple[int, int, int]]):
    assert jumps(plan(*rows)) == ()


def test_weights_count_and_can_make_up_for_a_step():
    stairs = [(20, 30, 40_000_000), (30, 40, 40_000_000), (40, 50, 10_000_000)]
    assert [jump.after.age for jump in jumps(plan(*stairs, classes=weighted(1, 2, 3)))] == [40]
    # A quarter of the aid for a third of the weight is as dear as before.
    assert jumps(plan(*stairs, classes=weighted(3, 3, 1))) == ()
    (heavy,) = jumps(plan((20, 50, 10_000_000), classes=weighted(1, 1, 3)))
    assert (heavy.after.age, heavy.paths) == (40, ("aid[0]", "aid[0]"))


def test_presets_warn_where_their_models_jumped():
    found = {
        preset.code: [(jump.before.age, jump.after.age) for jump in jumps(preset.plan())]
        for preset in all_presets()
    }
    assert {code: steps for code, steps in found.items() if steps} == {
        "association": [(49, 50)],
        "xianghubao": [(39, 40)],
        "qingsong": [(40, 41)],
    }


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=8), st.integers(1, 1000))
def test_scaling_aid_or_weights_changes_no_warning(amounts: list[int], scale: int):
    rows = [(18 + 5 * place, 23 + 5 * place, fen) for place, fen in enumerate(amounts)]
    scaled = [(first, end, fen * scale) for first, end, fen in rows]
    found = jumps(plan(*rows))
    assert [jump.after.age for jump in found] == [jump.after.age for jump in jumps(plan(*scaled))]
    assert all(jump.times > MOST_TIMES and jump.times >= 1 for jump in found)
