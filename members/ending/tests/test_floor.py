"""The floor in a plan's terms, and headcounts counted against it, date by date."""

import datetime as dt

import pytest

from aidplatform.testing.world import TERMS
from members.ending.floor import Freeze, ending_dates, freezes_below, is_below_floor
from members.pools.plan_terms import FloorTerms, PlanTerms, TermsError


def plan(**terms):
    return PlanTerms.from_json(TERMS | {"minimum_members": 10} | terms)


@pytest.mark.parametrize(
    ("floor", "field", "code"),
    [
        ({}, "floor.members", "missing_field"),
        ([], "floor", "wrong_type"),
        ({"members": 0}, "floor.members", "out_of_range"),
        ({"members": "5"}, "floor.members", "wrong_type"),
        ({"members": True}, "floor.members", "wrong_type"),
        ({"members": 5, "notice_days": 0}, "floor.notice_days", "out_of_range"),
        ({"members": 5, "notice_days": 3651}, "floor.notice_days", "out_of_range"),
        ({"members": 5, "freezes": 2}, "floor.freezes", "unknown_field"),
        ({"members": 11}, "floor.members", "floor_above_minimum"),
    ],
)
def test_bad_floors_are_refused_by_field_and_reason(floor, field, code):
    with pytest.raises(TermsError) as refused:
        plan(floor=floor)
    assert (refused.value.field, refused.value.code) == (field, code)


def test_floor_may_be_as_high_as_the_fewest_members_to_open():
    assert plan(floor={"members": 10}).floor == FloorTerms(members=10, notice_days=30)


def test_under_a_cap_per_case_the_floor_bears_a_case():
    """300,000 and the fee of 8 % at 0.10 each take 3.24 million members."""
    capped = {"minimum_members": 3_300_000, "per_case_cap_fen": 10}
    assert plan(**capped, floor={"members": 3_240_000}).floor is not None
    with pytest.raises(TermsError) as refused:
        plan(**capped, floor={"members": 3_239_999})
    assert (refused.value.code, refused.value.params) == ("floor_below_break_even", {"needed": 3_240_000})


def test_a_floor_is_told_with_its_notice_and_a_plan_without_one_tells_none():
    assert plan(floor={"members": 5}).to_json()["floor"] == {"members": 5, "notice_days": 30}
    assert "floor" not in plan().to_json()
    assert plan().sha256 != plan(floor={"members": 5}).sha256 != plan(floor={"members": 6}).sha256


@pytest.mark.parametrize(
    ("headcounts", "below"),
    [
        ([], 0),
        ([5], 0),
        ([4], 1),
        ([4, 4], 2),
        ([4, 5], 0),
        ([4, 5, 4], 1),
        ([4, 5, 4, 0], 2),
        ([9, 4, 3, 2], 3),
        ([4, 4, 5], 0),
    ],
)
def test_only_headcounts_running_below_the_floor_count(headcounts, below):
    freezes = [Freeze(number, headcount, 5) for number, headcount in enumerate(headcounts, start=1)]
    assert freezes_below(freezes) == below
    assert is_below_floor(freezes) == (below >= 2)


def test_each_headcount_is_held_against_the_floor_of_its_own_rules():
    assert freezes_below([Freeze(1, 4, 5), Freeze(2, 4, 4)]) == 0
    assert freezes_below([Freeze(1, 4, 5), Freeze(2, 4, None)]) == 0
    assert freezes_below([Freeze(1, 4, None), Freeze(2, 4, 5)]) == 1


@pytest.mark.parametrize(
    ("notice_days", "run_off_days", "cover_end", "run_off_end"),
    [
        (30, 180, dt.date(2020, 1, 20), dt.date(2020, 7, 18)),
        (1, 0, dt.date(2019, 12, 22), dt.date(2019, 12, 22)),
        (366, 30, dt.date(2020, 12, 21), dt.date(2021, 1, 20)),
    ],
)
def test_dates_follow_from_the_notice(notice_days, run_off_days, cover_end, run_off_end):
    terms = plan(
        floor={"members": 5, "notice_days": notice_days},
        wind_down={"payer": "A payer", "run_off_days": run_off_days},
    )
    dates = ending_dates(terms, dt.date(2019, 12, 21))
    assert (dates.cover_end_date, dates.run_off_end_date) == (cover_end, run_off_end)


def test_without_a_floor_notice_is_thirty_days():
    assert ending_dates(plan(), dt.date(2026, 1, 1)).cover_end_date == dt.date(2026, 1, 31)
