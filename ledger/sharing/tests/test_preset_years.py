"""A year of every preset, written by hand in `preset_years`, against calendar, sharing and recomputation."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import pytest

from ledger.sharing import recompute
from ledger.sharing.apportion import Sharing
from ledger.sharing.plan_shares import share_out
from ledger.sharing.published import published_rows
from members.ending.floor import Freeze, ending_dates, is_below_floor
from members.pools.plan_terms import PeriodDates, PlanTerms, period_dates
from members.pools.presets import all_presets, find_preset

FOLDER = Path(__file__).with_name("preset_years")
CODES = sorted(path.stem for path in FOLDER.glob("*.txt"))
GIVEN = {"period", "members", "aids", "other costs", "income"}
DIFFERS = re.compile(r"# differs from (\w+) at (\S+): ([^.]+)\.")
PUBLISHED = re.compile(r"# published: (\S+) is (\S+)")
FLOOR = re.compile(r"# below the floor: (.+)")
ENDS = re.compile(
    r"# the floor ends the pool at (\S+): notice (\S+), covered before (\S+), filed before (\S+), borne by ([\d,]+)"
)

# What the columns say, by their names; amounts in fen, shares by class.
Figures = dict[str, object]


@dataclass(frozen=True)
class Line:
    """One period as it is written: what goes in, and every figure that has to come out."""

    period: str
    members: dict[int, int]
    aid_fens: tuple[int, ...]
    other_costs_fen: int
    income_fen: int
    carry_in_fen: int
    reserve_fen: int
    expected: Figures

    @property
    def headcount(self) -> int:
        return sum(self.members.values())


@dataclass(frozen=True)
class Year:
    """A file: its lines by period, and what its comments promise of them."""

    plan: PlanTerms
    lines: dict[str, Line]
    differs: tuple[tuple[str, str, frozenset[str]], ...]
    published: dict[str, str]
    below_floor: tuple[str, ...]
    ending: tuple[str, ...] | None


def fen(text: str) -> int:
    """Return an amount like -1,234.50 in fen."""
    found = re.fullmatch(r"(-?)(\d{1,3}(?:,\d{3})*)\.(\d\d)", text)
    assert found, f"{text!r} is no amount"
    return int(found[1] + found[2].replace(",", "") + found[3])


def by_class(text: str) -> dict[int, str]:
    return {int(one.split(":")[0]): one.split(":")[1] for one in text.split()}


def aid_fens(text: str) -> tuple[int, ...]:
    """Return each aid of `2 x 300,000.00 + 1 x 50,000.00`; none for a dash."""
    rows = [] if text == "-" else [row.split(" x ") for row in text.split(" + ")]
    return tuple(amount for count, aid in rows for amount in [fen(aid)] * int(count))


# Columns of plans with a reserve or with lowered aid; elsewhere all three are 0.
RESERVE = ("put by", "drawn", "lowered")


def read_line(cells: dict[str, str], carry_fen: int, reserve_fen: int) -> Line:
    """Return a line of the table; carry_fen, reserve_fen: what the line before carried out, and what was put by."""
    cells = dict.fromkeys(RESERVE, "0.00") | cells
    expected: Figures = {}
    for name, text in cells.items():
        if name in {"opens", "public", "ends", "charged"}:
            expected[name] = date.fromisoformat(text)
        elif name == "share":
            expected[name] = {no: fen(share) for no, share in by_class(text).items()}
        elif name not in GIVEN:
            expected[name] = fen(text)
    return Line(
        period=cells["period"],
        members={no: int(count.replace(",", "")) for no, count in by_class(cells["members"]).items()},
        aid_fens=aid_fens(cells["aids"]),
        other_costs_fen=fen(cells["other costs"]),
        income_fen=fen(cells["income"]),
        carry_in_fen=carry_fen + fen(cells["income"]),
        reserve_fen=reserve_fen,
        expected=expected,
    )


@lru_cache
def year_of(code: str) -> Year:
    text = (FOLDER / f"{code}.txt").read_text(encoding="utf-8")
    names, *rows = [
        [cell.strip() for cell in row.split("|")]
        for row in text.splitlines()
        if row and not row.startswith("#")
    ]
    lines: dict[str, Line] = {}
    carry_fen = reserve_fen = 0
    for row in rows:
        line = read_line(dict(zip(names, row, strict=True)), carry_fen, reserve_fen)
        assert line.period not in lines
        lines[line.period] = line
        carry_fen = line.expected["carry out"]
        reserve_fen += line.expected["put by"] - line.expected["drawn"]
    floor = FLOOR.search(text)
    assert floor, "the file has to say which headcounts are below the floor"
    return Year(
        plan=find_preset(code).plan(),
        lines=lines,
        differs=tuple(
            (other, period, frozenset(names.split(", "))) for other, period, names in DIFFERS.findall(text)
        ),
        published=dict(PUBLISHED.findall(text)),
        below_floor=() if floor[1] == "none" else tuple(floor[1].split()),
        ending=found.groups() if (found := ENDS.search(text)) else None,
    )


def every_line():
    return [
        pytest.param(code, number, line, id=f"{code}-{line.period}")
        for code in CODES
        for number, line in enumerate(year_of(code).lines.values(), start=1)
    ]


def play(plan: PlanTerms, line: Line, members: dict[int, int]) -> Sharing:
    return share_out(
        plan,
        counts=members,
        aid_fens=line.aid_fens,
        other_costs_fen=line.other_costs_fen,
        carry_in_fen=line.carry_in_fen,
        reserve_fen=line.reserve_fen,
    )


def figures(dates: PeriodDates, sharing: Sharing, awarded_fen: int) -> Figures:
    """Return what was computed, under the names of the columns."""
    return {
        "opens": dates.opening_date,
        "public": dates.publicity_date,
        "ends": dates.publicity_end_date,
        "charged": dates.charge_date,
        "fee": sharing.fee_fen,
        "sponsor": sharing.sponsor_fen,
        "put by": sharing.reserve_contribution_fen,
        "drawn": sharing.reserve_drawn_fen,
        "lowered": awarded_fen - sharing.aid_fen,
        "need": sharing.borne_fen,
        "share": {share.class_no: share.share_fen for share in sharing.shares},
        "assessed": sharing.assessed_fen,
        "carry out": sharing.carry_out_fen,
    }


def test_every_preset_has_its_year():
    assert {preset.code for preset in all_presets()} == set(CODES)


@pytest.mark.parametrize("code", CODES)
def test_a_year_has_all_its_periods(code):
    year = year_of(code)
    assert len(year.lines) == 12 * len(year.plan.calendar.periods)
    assert list(year.lines) == sorted(year.lines)


@pytest.mark.parametrize(("code", "number", "line"), every_line())
def test_period_comes_out_as_written(code, number, line):
    """The dates by counting from the first period, the figures from what the line before carried out."""
    year = year_of(code)
    first = next(iter(year.lines.values())).expected["opens"]
    sharing = play(year.plan, line, line.members)
    assert figures(period_dates(year.plan, first, number), sharing, sum(line.aid_fens)) == line.expected
    assert (sharing.shortfall_fen, sharing.deferred_fen) == (0, 0)


@pytest.mark.parametrize(("code", "number", "line"), every_line())
def test_income_equals_expense_in_every_period(code, number, line):
    """S + E + V + C_in = A + W + Φ + R + C_out, of what is written and of what is computed."""
    sharing = play(year_of(code).plan, line, line.members)
    written = line.expected
    aid_and_costs_fen = sum(line.aid_fens) + line.other_costs_fen
    assert (
        sharing.assessed_fen + sharing.sponsor_fen + sharing.reserve_drawn_fen + line.carry_in_fen
        == sharing.aid_fen
        + line.other_costs_fen
        + sharing.fee_fen
        + sharing.reserve_contribution_fen
        + sharing.carry_out_fen
    )
    assert (
        written["assessed"] + written["sponsor"] + written["drawn"] + line.carry_in_fen
        == aid_and_costs_fen - written["lowered"] + written["fee"] + written["put by"] + written["carry out"]
    )


@pytest.mark.parametrize(("code", "number", "line"), every_line())
def test_recomputation_in_plain_integers_comes_to_the_same(code, number, line):
    bill = recompute.bill(
        find_preset(code).terms,
        line.members,
        list(line.aid_fens),
        other_costs=line.other_costs_fen,
        carry_in=line.carry_in_fen,
        reserve=line.reserve_fen,
    )
    recomputed = {
        "fee": bill.fee,
        "sponsor": bill.sponsored,
        "put by": bill.contribution,
        "drawn": bill.drawn,
        "lowered": sum(line.aid_fens) - bill.aid,
        "need": bill.need,
        "share": bill.shares,
        "assessed": bill.assessed,
        "carry out": bill.carry_out,
    }
    assert recomputed == {name: line.expected[name] for name in recomputed}


def all_differences():
    return [
        pytest.param(code, *difference, id=f"{code}-{difference[1]}-{difference[0]}")
        for code in CODES
        for difference in year_of(code).differs
    ]


@pytest.mark.parametrize("code", CODES)
def test_a_year_says_what_other_rules_would_change(code):
    others = {other for other, _period, _columns in year_of(code).differs}
    assert others >= ({"xianghubao"} if code != "xianghubao" else {"meituan"})


@pytest.mark.parametrize(("code", "other_code", "period", "columns"), all_differences())
def test_other_rules_change_exactly_what_is_said(code, other_code, period, columns):
    """The same people, cases and carry on the same day, all members in the one class of the other plan."""
    year, other = year_of(code), find_preset(other_code).plan()
    line = year.lines[period]
    assert len(other.classes) == 1
    sharing = play(other, line, {other.classes[0].class_no: line.headcount})
    dates = other.calendar.period_dates(line.expected["public"])
    under_other = figures(dates, sharing, sum(line.aid_fens))
    found = {name for name, value in under_other.items() if value != line.expected[name]}
    assert found == columns
    assert found


@pytest.mark.parametrize("code", CODES)
def test_headcounts_below_the_floor_are_those_that_are_named(code):
    year = year_of(code)
    below = [line.period for line in year.lines.values() if line.headcount < year.plan.minimum_members]
    assert tuple(below) == year.below_floor


def test_baidu_ends_with_two_headcounts_below_its_floor():
    assert year_of("baidu").below_floor == tuple(year_of("baidu").lines)[-2:]


@pytest.mark.parametrize("code", CODES)
def test_the_floor_ends_the_pool_where_that_is_written(code):
    """Headcount by headcount; the ending by the preset's own notice and run-off, named a payer."""
    year = year_of(code)
    floor = year.plan.floor.members if year.plan.floor else None
    terms = find_preset(code).terms | {"wind_down": find_preset(code).wind_down | {"payer": "A payer"}}
    met, freezes = None, []
    for number, line in enumerate(year.lines.values(), start=1):
        freezes.append(Freeze(number, line.headcount, floor))
        if is_below_floor(freezes):
            dates = ending_dates(PlanTerms.from_json(terms), line.expected["public"])
            days = (dates.notice_date, dates.cover_end_date, dates.run_off_end_date)
            met = (line.period, *(day.isoformat() for day in days), f"{line.headcount:,}")
            break
    assert met == year.ending


def test_platforms_with_a_published_floor_end_by_it():
    assert {code for code in CODES if year_of(code).ending} == {"baidu", "xianghubao"}


@pytest.mark.parametrize("code", CODES)
def test_a_year_has_what_makes_years_hard(code):
    lines = list(year_of(code).lines.values())
    heads = [line.headcount for line in lines]
    steps = [after - before for before, after in pairwise(heads)]
    paid_by_carry = [
        line
        for line in lines
        if line.expected["need"] <= 0
        and sum(line.aid_fens) + line.other_costs_fen + line.expected["fee"] > 0
        and line.expected["assessed"] == 0
    ]
    assert [line for line in lines if not line.aid_fens], "a period without a case"
    assert paid_by_carry, "a carry that pays a whole period"
    assert [line for line in lines if line.expected["public"].month == 2], "February"
    assert min(steps) < 0 < max(steps), "members who leave and members who join"
    assert [line for line in lines if line.expected["carry out"] and line.expected["assessed"]], "rounding"
    assert max(max(line.aid_fens, default=0) for line in lines) <= year_of(code).plan.max_aid_fen


def test_years_show_what_each_plan_is_about():
    capped = {code for code in CODES for line in year_of(code).lines.values() if line.expected["sponsor"]}
    assert capped == {"xianghubao", "xianghubao_senior", "kangai"}
    assert 3 in {line.headcount for line in year_of("village").lines.values() if line.aid_fens}
    weighted = [
        line
        for line in year_of("association").lines.values()
        if len(set(line.expected["share"].values())) == 4
    ]
    assert len(weighted) == 11
    lowered = {code for code in CODES for line in year_of(code).lines.values() if line.expected["lowered"]}
    assert lowered == {"village"}
    assert date(2021, 2, 28) in {line.expected["charged"] for line in year_of("village").lines.values()}


@pytest.mark.parametrize(("period", "label"), year_of("xianghubao").published.items())
def test_what_was_published_is_in_the_line(period, label):
    row = next(row for row in published_rows() if row.label == label)
    line = year_of("xianghubao").lines[period]
    told = {"cases": len(line.aid_fens), "members": line.headcount, "share": line.expected["share"][0]}
    published = {
        "cases": row.cases.low if row.cases else told["cases"],
        "members": row.published_members or told["members"],
        "share": row.share_fen,
    }
    assert told == published


def test_first_half_year_adds_up_to_what_a_member_had_been_charged():
    """Published: 3.58 charged in 2019 up to 9 August, which is the fourteen periods up to July's second."""
    until = date(2019, 8, 9)
    lines = year_of("xianghubao").lines.values()
    assert sum(line.expected["share"][0] for line in lines if line.expected["charged"] <= until) == 358
