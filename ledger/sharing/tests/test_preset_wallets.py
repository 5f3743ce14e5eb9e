"""The wallets of presets whose members pay ahead, written by hand in `preset_wallets`, against their years."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import pytest

from ledger.sharing.apportion import ClassShare, draw_wallets
from ledger.sharing.tests.test_preset_years import fen, year_of
from members.pools.plan_terms import FundingTerms
from members.pools.presets import all_presets

FOLDER = Path(__file__).with_name("preset_wallets")
CODES = sorted(path.stem for path in FOLDER.glob("*.txt"))
each = pytest.mark.parametrize("code", CODES)


@dataclass(frozen=True)
class Row:
    """One group in one period (fen). taken None: it is in no headcount. back None: nothing is paid back."""

    period: str
    group: str
    members: int
    booked: date | None
    in_fen: int
    before_fen: int
    taken_fen: int | None
    lacking_fen: int
    after_fen: int
    then: str
    back_fen: int | None


def _fen(text: str) -> int | None:
    return None if text == "-" else fen(text)


@lru_cache
def rows_of(code: str) -> tuple[Row, ...]:
    lines = [line for line in (FOLDER / f"{code}.txt").read_text(encoding="utf-8").splitlines() if line]
    table = [[cell.strip() for cell in line.split("|")] for line in lines if not line.startswith("#")]
    names = [
        "period",
        "group",
        "members",
        "booked",
        "in",
        "before",
        "taken",
        "lacking",
        "after",
        "then",
        "back",
    ]
    assert table[0] == names
    return tuple(
        Row(
            period=period,
            group=group,
            members=int(members.replace(",", "")),
            booked=None if booked == "-" else date.fromisoformat(booked),
            in_fen=fen(came),
            before_fen=fen(before),
            taken_fen=_fen(taken),
            lacking_fen=_fen(lacking) or 0,
            after_fen=fen(after),
            then=then,
            back_fen=_fen(back),
        )
        for period, group, members, booked, came, before, taken, lacking, after, then, back in table[1:]
    )


def funding_of(code: str) -> FundingTerms:
    funding = year_of(code).plan.funding
    assert funding is not None
    return funding


def of_group(code: str) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = {}
    for row in rows_of(code):
        groups.setdefault(row.group, []).append(row)
    return groups


def test_every_preset_that_has_wallets_has_them_played():
    assert {preset.code for preset in all_presets() if preset.plan().funding} == set(CODES)


@each
def test_groups_are_the_headcount_of_every_period(code):
    for period, line in year_of(code).lines.items():
        counted = [row.members for row in rows_of(code) if row.period == period and row.taken_fen is not None]
        assert sum(counted) == line.headcount, period


@each
def test_wallets_pay_the_share_of_the_year_as_far_as_they_reach(code):
    for row in rows_of(code):
        if row.taken_fen is None:
            continue
        share = year_of(code).lines[row.period].expected["share"][0]
        (draw,) = draw_wallets([ClassShare(0, row.members, 1, share, Fraction(share))], {0: row.before_fen})
        assert (draw.paid_fen, draw.gap_fen, draw.balance_after_fen) == (
            row.taken_fen,
            row.lacking_fen,
            row.after_fen,
        ), row


@each
def test_a_line_begins_where_the_one_before_ended(code):
    for rows in of_group(code).values():
        balance = 0
        for row in rows:
            assert row.before_fen == balance + row.in_fen, row
            balance = row.after_fen


@each
def test_what_wallets_lack_is_the_other_cost_of_the_next_period(code):
    lines = list(year_of(code).lines.values())
    lacking = [
        sum(r.members * r.lacking_fen for r in rows_of(code) if r.period == line.period) for line in lines
    ]
    assert [line.other_costs_fen for line in lines] == [0, *lacking[:-1]]
    assert lacking[-1] == 0
    assert sum(lacking) > 0


@each
def test_standing_follows_the_terms(code):
    """Warned below the level, suspended by a gap for the days of the plan, lapsed when nothing came in them."""
    terms, lines = funding_of(code), year_of(code).lines
    for rows in of_group(code).values():
        assert rows[0].in_fen >= terms.join_fen
        until: date | None = None
        for row in rows:
            public, charged = (lines[row.period].expected[name] for name in ("public", "charged"))
            if row.taken_fen is None:
                assert until is not None
                assert (row.then, row.in_fen) == (f"lapsed after {until}", 0)
                assert until < public
                continue
            if until is not None:
                assert row.booked is not None
                assert row.booked <= until
                assert row.before_fen >= terms.restores_from_fen
            assert row.booked is None or row.booked < public
            until = charged + timedelta(days=terms.top_up_days) if row.lacking_fen else None
            short = f"suspended until {until}"
            low = "warned" if row.after_fen < terms.warn_below_fen else "covered"
            assert row.then == (short if until else low), row


@each
def test_a_suspended_group_is_in_no_headcount_until_its_money_has_come(code):
    periods = list(year_of(code).lines)
    for rows in of_group(code).values():
        for row, following in pairwise(rows):
            if following.taken_fen is None or following.booked is not None:
                continue
            assert periods.index(following.period) == periods.index(row.period) + 1


@each
def test_everybody_is_paid_back_what_is_left_and_nobody_more(code):
    came = sum(row.members * row.in_fen for row in rows_of(code))
    taken = sum(row.members * (row.taken_fen or 0) for row in rows_of(code))
    back = 0
    for rows in of_group(code).values():
        assert [row.back_fen is not None for row in rows] == [False] * (len(rows) - 1) + [True]
        assert rows[-1].back_fen == rows[-1].after_fen
        back += rows[-1].members * rows[-1].after_fen
    assert came - taken == back


@each
def test_wallets_and_gaps_are_all_that_was_assessed(code):
    assessed = sum(line.expected["assessed"] for line in year_of(code).lines.values())
    assert assessed == sum(r.members * ((r.taken_fen or 0) + r.lacking_fen) for r in rows_of(code))


@each
def test_a_year_has_what_wallets_are_about(code):
    then = [row.then.split()[0] for row in rows_of(code)]
    assert {"covered", "warned", "suspended", "lapsed"} == set(then)
    again = [
        following
        for rows in of_group(code).values()
        for row, following in pairwise(rows)
        if row.then.startswith("suspended") and following.booked
    ]
    assert again
    last = max(year_of(code).lines)
    assert [row for row in rows_of(code) if row.back_fen and row.period != last]
    assert sum(1 for row in rows_of(code) if row.back_fen and row.period == last) > 1
