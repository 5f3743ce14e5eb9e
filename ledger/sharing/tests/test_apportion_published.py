"""Check the verdicts on published figures, row by row, and what they rest on."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest

from ledger.sharing.published import (
    REASONS,
    UNKNOWN_NAMES,
    Kind,
    PublishedFileError,
    PublishedRow,
    Range,
    ReplayInput,
    count_kinds,
    explain,
    judge,
    judge_all,
    published_rows,
    read_row,
    replay_bounds,
)

ROWS = {row.label: row for row in published_rows()}
VERDICTS = {verdict.label: verdict for verdict in judge_all()}

# label, verdict, reason, computed share in fen (least, most)
EXPECTED = """
2018-12-1              contradicts         headcount_does_not_close  2-2
2019-??-?:guizhou-case agrees              same_to_the_fen           1-1
2019-06-2:critical     consistent_interval within_interval           12-68
2019-senior-first:senior cannot_be_checked no_headcount_near         -
2020-10-1:critical     cannot_be_checked   neither_cases_nor_aid     -
2020-10-2:critical     consistent_interval within_interval           133-975
2020-11-1:all          cannot_be_checked   no_share_published        -
2020-11-2:all          cannot_be_checked   no_share_published        -
2020-12-1:critical     consistent_interval within_interval           1-1112
2020-12-1:senior       cannot_be_checked   no_share_published        -
2020-12-1:all          cannot_be_checked   no_share_published        -
2020-12-2:critical     consistent_interval within_interval           1-1030
2021-01-1:all          cannot_be_checked   no_share_published        -
2021-01-2:all          cannot_be_checked   no_share_published        -
2021-02-1:all          cannot_be_checked   no_share_published        -
2021-06-1:all          cannot_be_checked   no_share_published        -
2021-08-1:all          cannot_be_checked   no_share_published        -
2021-12-2:all          cannot_be_checked   paid_by_operator          800-825
2022-01-1:all          cannot_be_checked   paid_by_operator          722-917
2022-01-2:all          cannot_be_checked   paid_by_operator          748-949
2019-annual:critical   cannot_be_checked   many_periods              -
2020-annual:critical   cannot_be_checked   many_periods              -
2020-annual:senior     cannot_be_checked   many_periods              -
2020-annual:chronic    cannot_be_checked   many_periods              -
cum:2019-04-10         cannot_be_checked   no_share_published        -
cum:2019-05-08         cannot_be_checked   no_share_published        -
cum:2019-09-1          cannot_be_checked   no_share_published        -
cum:2019-11-27         cannot_be_checked   no_share_published        -
cum:2020-12-2          cannot_be_checked   no_share_published        -
cum:2021-12-28         cannot_be_checked   no_share_published        -
cum:2022-01-2          cannot_be_checked   no_share_published        -
2018-12-31             cannot_be_checked   no_share_published        -
2019-01-2:critical     agrees              same_to_the_fen           3-3
2019-05-1:critical     consistent_interval within_interval           1-8
2019-05-2:critical     cannot_be_checked   neither_cases_nor_aid     -
2019-06-1:critical     cannot_be_checked   neither_cases_nor_aid     -
2019-07-1:critical     consistent_interval within_interval           22-127
2019-07-2:critical     consistent_interval within_interval           34-204
cum:2019-08-09         cannot_be_checked   many_periods              -
2020-08-1:critical     cannot_be_checked   neither_cases_nor_aid     -
2020-08-2:critical     cannot_be_checked   neither_cases_nor_aid     -
2020-annual:all        cannot_be_checked   no_share_published        -
"""
TABLE = [line.split() for line in EXPECTED.strip().splitlines()]


def a_row(**changes: object) -> PublishedRow:
    """Return a fully published period: 100 members, one case of 1,000.00, no fee, 10.00 each."""
    plain = PublishedRow(
        label="made-up",
        plan="critical",
        span="period",
        date=date(2020, 1, 7),
        published_members=100,
        members=Range(100, 100),
        members_plan="critical",
        cases=Range(1, 1),
        published_aid_fen=100_000,
        aid_fen=Range(100_000, 100_000),
        fee_fen=None,
        share_fen=1_000,
        fee_rates=(Fraction(0),),
        paid_by_operator=False,
        source="",
        confidence="",
    )
    return replace(plain, **changes)


@pytest.mark.parametrize(("label", "kind", "code", "computed"), TABLE)
def test_verdict_of_published_row(label, kind, code, computed):
    verdict = VERDICTS[label]
    shown = f"{verdict.computed_fen.low}-{verdict.computed_fen.high}" if verdict.computed_fen else "-"
    assert (verdict.kind, verdict.reason.code, shown) == (kind, code, computed)


def test_every_published_row_has_a_verdict_and_a_source():
    assert [row.label for row in published_rows()] == [line[0] for line in TABLE]
    assert len(ROWS) == len(TABLE) == 42
    assert all(row.source and row.confidence for row in published_rows())


def test_verdicts_are_counted():
    assert count_kinds(VERDICTS.values()) == {
        Kind.AGREES: 2,
        Kind.CONSISTENT: 7,
        Kind.CONTRADICTS: 1,
        Kind.UNCHECKED: 32,
    }
    assert count_kinds([]) == dict.fromkeys(Kind, 0)


def test_first_published_charge_agrees_to_the_fen():
    verdict = VERDICTS["2019-01-2:critical"]
    assert verdict.computed_share_fen == verdict.published_share_fen == 3
    assert explain(verdict) == "648,000.00 over 23,000,000 members is 0.03 each, as published."


def test_single_case_agrees_to_the_fen():
    verdict = VERDICTS["2019-??-?:guizhou-case"]
    assert verdict.computed_share_fen == verdict.published_share_fen == 1
    assert explain(verdict) == "324,000.00 over 34,860,000 members is 0.01 each, as published."


def test_first_december_share_does_not_close():
    verdict = VERDICTS["2018-12-1"]
    assert verdict.implied_members == Range(10_800_000, 16_499_999)
    assert verdict.computed_share_fen == 2
    assert explain(verdict) == (
        "Published 0.03 implies 10,800,000 to 16,499,999 members. Headcounts published near that time "
        "(2018-12-31: 27,000,000, 2019-01-2:critical: 23,000,000) allow at least 0.02 and at most 0.02, "
        "even with a tenth fewer or more members."
    )


def test_unpublished_mean_aid_is_inferred_from_the_share():
    """0.94 × 73.234 million / 1.08 / 286 is 222.9 thousand a case; one fen less is the other bound."""
    implied = VERDICTS["2019-07-1:critical"].implied_mean_aid_fen
    assert 22_287_000 <= implied.high <= 22_287_200
    assert implied.low == 73_233_500 * 93 * 100 // 108 // 286


def test_mean_aid_is_not_inferred_from_cases_of_all_plans():
    assert VERDICTS["2020-12-1:critical"].implied_mean_aid_fen is None
    assert VERDICTS["2020-10-2:critical"].implied_mean_aid_fen is not None


def test_evidence_is_told_in_the_order_of_time():
    rows = published_rows()[::-1]
    evidence = judge(ROWS["2018-12-1"], rows).reason.params["evidence"]
    assert evidence == "2018-12-31: 27,000,000, 2019-01-2:critical: 23,000,000"
    late = a_row(label="a-late", members=Range(90, 90), share_fen=None, date=date(2020, 1, 9))
    early = a_row(label="b-early", members=Range(90, 90), share_fen=None, date=date(2020, 1, 8))
    wrong = a_row(members=None, published_members=None, share_fen=5)
    params = judge(wrong, [wrong, late, early]).reason.params
    assert params["evidence"] == "b-early: 100, a-late: 100"


def test_unpublished_headcount_is_inferred_from_the_share():
    """21 senior cases of 50,000 to 100,000 at 0.56 mean 2.0 to 4.1 million payers."""
    assert VERDICTS["2019-senior-first:senior"].implied_members == Range(2_025_000, 4_123_636)


def test_fee_derived_at_eight_percent_is_the_computed_fee():
    row = ROWS["2019-01-2:critical"]
    bounds = replay_bounds(row)
    assert bounds.highest.compute().fee_fen == row.fee_fen == 4_800_000
    assert bounds.highest.aid_fens == (30_000_000, 30_000_000)


def test_replay_bounds_enclose_rounded_headcounts():
    bounds = replay_bounds(ROWS["2019-06-2:critical"])
    assert bounds.highest == ReplayInput(72_000_000, (30_000_000,) * 150, Fraction(8, 100))
    assert bounds.lowest == ReplayInput(72_999_999, (5_000_000,) * 150, Fraction(8, 100))
    assert bounds.unknowns == ("members_rounded", "aid")


def test_shares_of_an_engine_replace_those_computed_here():
    row = ROWS["2019-01-2:critical"]
    assert judge(row, computed_fen=Range(3, 3)) == judge(row)
    assert judge(row, computed_fen=Range(7, 7)).kind is Kind.CONTRADICTS


@pytest.mark.parametrize(
    ("changes", "kind", "code"),
    [
        ({}, Kind.AGREES, "same_to_the_fen"),
        ({"share_fen": 999}, Kind.CONSISTENT, "one_fen_below_by_carry"),
        ({"share_fen": 998}, Kind.CONTRADICTS, "share_outside_interval"),
        ({"share_fen": 1_001}, Kind.CONTRADICTS, "share_outside_interval"),
        ({"members": Range(99, 101)}, Kind.CONSISTENT, "within_interval"),
        ({"fee_rates": (Fraction(8, 100), Fraction(10, 100))}, Kind.CONTRADICTS, "share_outside_interval"),
        (
            {"fee_rates": (Fraction(8, 100), Fraction(1, 10)), "share_fen": 1_090},
            Kind.CONSISTENT,
            "within_interval",
        ),
        ({"aid_fen": None, "share_fen": 200_000}, Kind.CONSISTENT, "within_interval"),
        ({"aid_fen": None, "cases": None}, Kind.UNCHECKED, "neither_cases_nor_aid"),
        (
            {"aid_fen": None, "plan": "chronic", "members_plan": "chronic"},
            Kind.UNCHECKED,
            "neither_cases_nor_aid",
        ),
        ({"members_plan": "all"}, Kind.UNCHECKED, "no_headcount_near"),
        ({"members": None, "date": None}, Kind.UNCHECKED, "no_headcount_near"),
        ({"span": "year"}, Kind.UNCHECKED, "many_periods"),
        ({"share_fen": None}, Kind.UNCHECKED, "no_share_published"),
        ({"share_fen": None, "paid_by_operator": True}, Kind.UNCHECKED, "paid_by_operator"),
    ],
)
def test_verdict_follows_from_what_is_known(changes, kind, code):
    row = a_row(**changes)
    verdict = judge(row, [row])
    assert (verdict.kind, verdict.reason.code) == (kind, code)


@pytest.mark.parametrize(
    ("days_apart", "plan", "kind"),
    [
        (60, "critical", Kind.CONSISTENT),
        (-60, "critical", Kind.CONSISTENT),
        (61, "critical", Kind.UNCHECKED),
        (1, "all", Kind.UNCHECKED),
    ],
)
def test_headcount_near_in_time_and_of_the_same_plan_stands_in(days_apart, plan, kind):
    row = a_row(members=None, published_members=None)
    near = a_row(
        label="near",
        members_plan=plan,
        date=date.fromordinal(row.date.toordinal() + days_apart),
        share_fen=None,
    )
    assert judge(row, [row, near]).kind is kind


def test_headcount_nearby_counts_with_a_tenth_around_it():
    row = a_row(members=None, published_members=None)
    near = a_row(label="near", members=Range(100, 110))
    bounds = replay_bounds(row, [row, near])
    assert (bounds.highest.members, bounds.lowest.members) == (90, 121)


def test_share_of_one_fen_leaves_the_headcount_open_above():
    row = a_row(members=None, published_members=None, share_fen=1)
    assert judge(row, [row]).implied_members == Range(100_000, 8_000_000_000)


@pytest.mark.parametrize(
    ("said_as", "expected"),
    [
        ("", Range(72_000_000, 72_000_000)),
        ("over 1000000", Range(72_000_000, 72_999_999)),
        ("almost 1000000", Range(71_000_001, 72_000_000)),
        ("rounded 1000000", Range(71_500_000, 72_500_000)),
    ],
)
def test_words_of_the_source_become_a_range(said_as, expected):
    assert read_row(cells(members="72000000", members_as=said_as)).members == expected


def test_rounded_money_becomes_a_range_in_fen():
    row = read_row(cells(aid_yuan="560000000", aid_as="rounded 10000000"))
    assert row.aid_fen == Range(55_500_000_000, 56_500_000_000)
    assert row.published_aid_fen == 56_000_000_000


def cells(**changes: str) -> dict[str, str]:
    columns = (
        "period plan span date members members_as members_plan cases cases_as aid_yuan aid_as fee_yuan "
        "share_yuan fee_rates payer source confidence"
    )
    return dict.fromkeys(columns.split(), "") | {"period": "made-up", "fee_rates": "8/100"} | changes


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"members": "many"}, "many"),
        ({"members": "5", "members_as": "about 10"}, "about 10"),
        ({"cases": "5", "cases_as": "some"}, "some"),
        ({"share_yuan": "0.005"}, "whole number of fen"),
        ({"date": "2019-13-01"}, "month"),
        ({"cases": "-1"}, "-1"),
    ],
)
def test_unreadable_cell_is_refused_with_its_row(changes, message):
    with pytest.raises(PublishedFileError, match="made-up") as refused:
        read_row(cells(**changes))
    assert message in str(refused.value)


def test_missing_column_is_refused():
    with pytest.raises(PublishedFileError, match="share_yuan"):
        read_row({name: text for name, text in cells().items() if name != "share_yuan"})


@pytest.mark.parametrize("verdict", VERDICTS.values(), ids=VERDICTS)
def test_every_reason_can_be_said_in_english(verdict):
    sentence = explain(verdict)
    assert sentence.endswith(".")
    assert "{" not in sentence
    assert "_fen" not in sentence


def test_every_reason_code_is_reached_and_named():
    reached = {verdict.reason.code for verdict in VERDICTS.values()}
    assert set(REASONS) - reached == {"one_fen_below_by_carry", "share_outside_interval"}
    assert {name for verdict in VERDICTS.values() for name in verdict.unknowns} == set(UNKNOWN_NAMES)
