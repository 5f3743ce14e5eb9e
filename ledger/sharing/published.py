"""Hold published figures of a real pool against what the arithmetic of sharing gives.

Pure: reads one data file that ships beside it, nothing else. Of most periods only some figures were
ever published, many of them rounded ("over 72 million"). So every figure is an interval, the share is
computed at both ends with `apportion.compute_shares`, and the verdict says no more than they allow:
agrees, consistent with an interval, contradicts, or can't be checked. Reasons are codes with figures,
so that a page can say them in its own language. Money in fen.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from math import ceil, floor
from pathlib import Path

from ledger.sharing.apportion import (
    Costs,
    FeeRule,
    Group,
    Sharing,
    compute_shares,
    split_by_largest_remainder,
)

DATA_FILE = Path(__file__).with_name("published_periods.csv")

# The least and the most one case of a plan could be given (yuan), by the plan's own table of aid:
# 300,000 up to age 39, 100,000 at 40 to 59, 50,000 for mild illness; seniors 100,000 and 50,000.
AID_OF_A_CASE_YUAN = {"critical": (50_000, 300_000), "senior": (50_000, 100_000)}

# Headcounts of the same plan this near in time stand in for one that wasn't published, give or take
# a tenth: the fastest growth in the file between two periods is 8 % (July 2019).
NEIGHBOR_DAYS = 60
NEIGHBOR_SLACK = Fraction(1, 10)

# A surplus carried in is below one fen a member, so it can lower a share by one fen and no more.
CARRY_LOWERS_BY_FEN = 1

# At a share of one fen any larger pool would do, so the people there are bound the headcount.
MOST_MEMBERS = 8_000_000_000


class Kind(StrEnum):
    """Say how a published share stands to the computed one."""

    AGREES = "agrees"
    CONSISTENT = "consistent_interval"
    CONTRADICTS = "contradicts"
    UNCHECKED = "cannot_be_checked"


class PublishedFileError(ValueError):
    """Refuse a row of the data file, naming row and column."""


@dataclass(frozen=True, slots=True)
class Range:
    """Hold the least and the greatest whole number a figure can stand for, both included."""

    low: int
    high: int

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.high:
            raise ValueError(f"{self.low} to {self.high} is no range of counts or amounts")

    @property
    def is_exact(self) -> bool:
        return self.low == self.high

    def __contains__(self, number: int) -> bool:
        return self.low <= number <= self.high

    def meets(self, other: Range) -> bool:
        return self.low <= other.high and other.low <= self.high


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """Hold what was published about one period, case, year or date.

    span: period · case (one case inside a period) · year · total (since the start) · headcount.
    members_plan: whose headcount it is, as some sources give that of all plans together.
    published_members and published_aid_fen are the words of the source, the ranges what they can mean.
    paid_by_operator: the period was never charged to members.
    """

    label: str
    plan: str
    span: str
    date: date | None
    published_members: int | None
    members: Range | None
    members_plan: str
    cases: Range | None
    published_aid_fen: int | None
    aid_fen: Range | None
    fee_fen: int | None
    share_fen: int | None
    fee_rates: tuple[Fraction, ...]
    paid_by_operator: bool
    source: str
    confidence: str


@dataclass(frozen=True, slots=True)
class ReplayInput:
    """Give one choice of a period's unknown figures, complete enough to divide."""

    members: int
    aid_fens: tuple[int, ...]
    fee_rate: Fraction

    def compute(self) -> Sharing:
        return compute_shares(
            groups=[Group(class_no=0, count=self.members, weight=1)],
            costs=Costs(self.aid_fens),
            fee_rule=FeeRule(self.fee_rate),
        )


@dataclass(frozen=True, slots=True)
class ReplayBounds:
    """Give the inputs that make a row's share as small and as large as its figures allow.

    unknowns names the figures that keep the two apart: members, members_rounded, cases, aid, fee_rate.
    """

    lowest: ReplayInput
    highest: ReplayInput
    unknowns: tuple[str, ...]

    def compute(self) -> Range:
        """Divide both and return the range of the share in fen."""
        return Range(self.lowest.compute().shares[0].share_fen, self.highest.compute().shares[0].share_fen)


@dataclass(frozen=True, slots=True)
class Reason:
    """Say why by a code and the figures in it; names ending in _fen are money."""

    code: str
    params: Mapping[str, int | str]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Judge one published row.

    computed_fen: the share as the row's figures allow it, before any carry; None when they allow no
    computation. implied_members, implied_mean_aid_fen: what the unpublished figure would have to be for
    the published share to come out.
    """

    label: str
    kind: Kind
    reason: Reason
    published_share_fen: int | None
    computed_fen: Range | None = None
    unknowns: tuple[str, ...] = ()
    implied_members: Range | None = None
    implied_mean_aid_fen: Range | None = None

    @property
    def computed_share_fen(self) -> int | None:
        """Return the computed share where it is one figure, else None."""
        if self.computed_fen is None or not self.computed_fen.is_exact:
            return None
        return self.computed_fen.low


@lru_cache(maxsize=1)
def published_rows() -> tuple[PublishedRow, ...]:
    """Read the published figures that ship with the application, in the order of the file.

    Raises PublishedFileError when a cell can't be read.
    """
    with DATA_FILE.open(encoding="utf-8", newline="") as lines:
        return tuple(read_row(cells) for cells in csv.DictReader(lines))


def read_row(cells: Mapping[str, str]) -> PublishedRow:
    """Turn one row of text cells into figures. Raises PublishedFileError, naming the row and the cell."""
    try:
        members = _number(cells["members"])
        aid_fen = _fen(cells["aid_yuan"])
        return PublishedRow(
            label=cells["period"],
            plan=cells["plan"],
            span=cells["span"],
            date=date.fromisoformat(cells["date"]) if cells["date"] else None,
            published_members=members,
            members=_meaning(members, cells["members_as"], 1),
            members_plan=cells["members_plan"],
            cases=_cases(_number(cells["cases"]), cells["cases_as"]),
            published_aid_fen=aid_fen,
            aid_fen=_meaning(aid_fen, cells["aid_as"], 100),
            fee_fen=_fen(cells["fee_yuan"]),
            share_fen=_fen(cells["share_yuan"]),
            fee_rates=tuple(Fraction(rate) for rate in cells["fee_rates"].split()),
            paid_by_operator=cells["payer"] == "operator",
            source=cells["source"],
            confidence=cells["confidence"],
        )
    except (KeyError, ValueError) as fault:
        raise PublishedFileError(f"row {cells.get('period')!r}: {fault}") from fault


def replay_bounds(row: PublishedRow, rows: Sequence[PublishedRow] | None = None) -> ReplayBounds | None:
    """Return the two inputs between which a row's true ones lie; None when too little is known.

    Whoever runs these through a real engine can hand the shares back to `judge` as `computed_fen`.
    """
    members = _members_of(row, _all_or(rows))
    aids = _aid_bounds(row)
    if members is None or aids is None or row.span not in ("period", "case"):
        return None
    return ReplayBounds(
        lowest=ReplayInput(members.high, aids[0], min(row.fee_rates)),
        highest=ReplayInput(members.low, aids[1], max(row.fee_rates)),
        unknowns=_unknowns(row),
    )


def judge(
    row: PublishedRow,
    rows: Sequence[PublishedRow] | None = None,
    computed_fen: Range | None = None,
) -> Verdict:
    """Compare a published share with the computed one and say why the verdict is what it is.

    rows: all published rows, for headcounts near in time; those that ship by default. computed_fen: the
    shares at both bounds as an engine gave them; computed here when not given.
    """
    rows = _all_or(rows)
    bounds = replay_bounds(row, rows)
    if bounds is not None and computed_fen is None:
        computed_fen = bounds.compute()
    if row.share_fen is None:
        return _unchecked_without_share(row, computed_fen, bounds)
    if bounds is None or computed_fen is None:
        return _unchecked_with_share(row, row.share_fen)
    if computed_fen == Range(row.share_fen, row.share_fen) and _is_all_published(bounds):
        return _agrees(row, row.share_fen, computed_fen, bounds)
    reachable = Range(max(0, computed_fen.low - CARRY_LOWERS_BY_FEN), computed_fen.high)
    if row.share_fen in reachable:
        return _consistent(row, row.share_fen, computed_fen, bounds, rows)
    return _contradicts(row, row.share_fen, computed_fen, bounds, rows)


def judge_all(rows: Sequence[PublishedRow] | None = None) -> tuple[Verdict, ...]:
    """Judge every row, each in the light of all the others."""
    rows = _all_or(rows)
    return tuple(judge(row, rows) for row in rows)


def count_kinds(verdicts: Iterable[Verdict]) -> dict[Kind, int]:
    """Count verdicts by kind, every kind present."""
    counts = dict.fromkeys(Kind, 0)
    for verdict in verdicts:
        counts[verdict.kind] += 1
    return counts


def explain(verdict: Verdict) -> str:
    """Say a verdict's reason in English."""
    shown = {name: _shown(name, value) for name, value in verdict.reason.params.items()}
    unknowns = ", ".join(UNKNOWN_NAMES[code] for code in verdict.unknowns)
    return REASONS[verdict.reason.code].format(**shown, unknowns=unknowns)


REASONS = {
    "same_to_the_fen": "{need_fen} over {members} members is {share_fen} each, as published.",
    "within_interval": (
        "Published {share_fen}; the figures known allow at least {low_fen} and at most {high_fen}. "
        "Not published exactly: {unknowns}."
    ),
    "one_fen_below_by_carry": (
        "Published {share_fen}, computed from {low_fen}: a surplus carried in can make the fen between."
    ),
    "headcount_does_not_close": (
        "Published {share_fen} implies {implied_low} to {implied_high} members. Headcounts published near "
        "that time ({evidence}) allow at least {low_fen} and at most {high_fen}, even with a tenth fewer or "
        "more members."
    ),
    "share_outside_interval": (
        "Published {share_fen}, but the figures known allow at least {low_fen} and at most {high_fen}."
    ),
    "no_share_published": "No share was published for it.",
    "paid_by_operator": "The operator paid this period, members were charged nothing.",
    "many_periods": "It sums many periods with different headcounts, of which too little is published.",
    "neither_cases_nor_aid": "Neither the cases nor the aid of it were published.",
    "no_headcount_near": (
        "No headcount of this plan within {days} days was published. {share_fen} would imply {implied_low} "
        "to {implied_high} members."
    ),
}

UNKNOWN_NAMES = {
    "members": "the headcount (taken from dates nearby)",
    "members_rounded": "the headcount to the last member",
    "cases": "the number of cases of this plan alone",
    "aid": "the aid of each case",
    "aid_rounded": "the aid to the last yuan",
    "fee_rate": "the fee rate of that time",
}


def _all_or(rows: Sequence[PublishedRow] | None) -> Sequence[PublishedRow]:
    return published_rows() if rows is None else rows


def _is_all_published(bounds: ReplayBounds) -> bool:
    """Tell whether everything the share needs was published, be it rounded."""
    return not {"members", "cases", "aid"} & set(bounds.unknowns)


def _agrees(row: PublishedRow, share_fen: int, computed_fen: Range, bounds: ReplayBounds) -> Verdict:
    params: dict[str, int | str] = {
        "need_fen": bounds.highest.compute().need_fen,
        "members": row.published_members or bounds.highest.members,
        "share_fen": share_fen,
    }
    reason = Reason("same_to_the_fen", params)
    return Verdict(row.label, Kind.AGREES, reason, share_fen, computed_fen, bounds.unknowns)


def _consistent(
    row: PublishedRow,
    share_fen: int,
    computed_fen: Range,
    bounds: ReplayBounds,
    rows: Sequence[PublishedRow],
) -> Verdict:
    params: dict[str, int | str] = {
        "share_fen": share_fen,
        "low_fen": computed_fen.low,
        "high_fen": computed_fen.high,
    }
    code = "within_interval" if share_fen in computed_fen else "one_fen_below_by_carry"
    return Verdict(
        row.label,
        Kind.CONSISTENT,
        Reason(code, params),
        share_fen,
        computed_fen,
        bounds.unknowns,
        _implied_members(row, share_fen) if row.members is None else None,
        _implied_mean_aid(row, share_fen, rows),
    )


def _contradicts(
    row: PublishedRow,
    share_fen: int,
    computed_fen: Range,
    bounds: ReplayBounds,
    rows: Sequence[PublishedRow],
) -> Verdict:
    params: dict[str, int | str] = {
        "share_fen": share_fen,
        "low_fen": computed_fen.low,
        "high_fen": computed_fen.high,
    }
    implied = _implied_members(row, share_fen)
    code = "share_outside_interval"
    if row.members is None and implied is not None:
        code = "headcount_does_not_close"
        evidence = ", ".join(f"{near.label}: {near.published_members:,}" for near in _neighbors(row, rows))
        params |= {"implied_low": implied.low, "implied_high": implied.high, "evidence": evidence}
    return Verdict(
        row.label,
        Kind.CONTRADICTS,
        Reason(code, params),
        share_fen,
        computed_fen,
        bounds.unknowns,
        implied,
    )


def _unchecked_without_share(
    row: PublishedRow, computed_fen: Range | None, bounds: ReplayBounds | None
) -> Verdict:
    code = "paid_by_operator" if row.paid_by_operator else "no_share_published"
    unknowns = bounds.unknowns if bounds else ()
    return Verdict(row.label, Kind.UNCHECKED, Reason(code, {}), None, computed_fen, unknowns)


def _unchecked_with_share(row: PublishedRow, share_fen: int) -> Verdict:
    implied = _implied_members(row, share_fen)
    if row.span not in ("period", "case"):
        return Verdict(row.label, Kind.UNCHECKED, Reason("many_periods", {}), share_fen)
    if implied is None:
        return Verdict(row.label, Kind.UNCHECKED, Reason("neither_cases_nor_aid", {}), share_fen)
    params = {
        "days": NEIGHBOR_DAYS,
        "share_fen": share_fen,
        "implied_low": implied.low,
        "implied_high": implied.high,
    }
    reason = Reason("no_headcount_near", params)
    return Verdict(row.label, Kind.UNCHECKED, reason, share_fen, implied_members=implied)


def _neighbors(row: PublishedRow, rows: Sequence[PublishedRow]) -> tuple[PublishedRow, ...]:
    """Return the rows with a headcount of the same plan near in time, earliest first."""
    if row.date is None:
        return ()
    reach = timedelta(days=NEIGHBOR_DAYS)
    dated = [
        (near.date, near)
        for near in rows
        if near.date is not None
        and near.members is not None
        and near.members_plan == row.plan
        and abs(near.date - row.date) <= reach
    ]
    return tuple(near for _, near in sorted(dated, key=lambda pair: pair[0]))


def _members_of(row: PublishedRow, rows: Sequence[PublishedRow]) -> Range | None:
    """Return the row's headcount, or a span around those of its neighbors."""
    if row.members is not None and row.members_plan == row.plan:
        return row.members
    near = [other.members for other in _neighbors(row, rows) if other.members is not None]
    if not near:
        return None
    low = min(members.low for members in near) * (1 - NEIGHBOR_SLACK)
    high = max(members.high for members in near) * (1 + NEIGHBOR_SLACK)
    return Range(floor(low), ceil(high))


def _aid_bounds(row: PublishedRow) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """Return the aid of each case at its least and at its most; one sum when cases aren't known."""
    if row.aid_fen is not None:
        cases = row.cases.high if row.cases else 1
        alike = (1,) * cases
        return (
            split_by_largest_remainder(row.aid_fen.low, alike),
            split_by_largest_remainder(row.aid_fen.high, alike),
        )
    if row.cases is None or row.plan not in AID_OF_A_CASE_YUAN:
        return None
    least, most = AID_OF_A_CASE_YUAN[row.plan]
    return (least * 100,) * row.cases.low, (most * 100,) * row.cases.high


def _unknowns(row: PublishedRow) -> tuple[str, ...]:
    own_headcount = row.members is not None and row.members_plan == row.plan
    facts = {
        "members": not own_headcount,
        "members_rounded": own_headcount and row.members is not None and not row.members.is_exact,
        "cases": row.cases is not None and not row.cases.is_exact,
        "aid": row.aid_fen is None,
        "aid_rounded": row.aid_fen is not None and not row.aid_fen.is_exact,
        "fee_rate": len(row.fee_rates) > 1,
    }
    return tuple(name for name, unknown in facts.items() if unknown)


def _implied_members(row: PublishedRow, share_fen: int) -> Range | None:
    """Return the headcounts at which the need, rounded up, gives the share: (s − 1)·n < N ≤ s·n."""
    aids = _aid_bounds(row)
    if aids is None or share_fen == 0:
        return None
    least_fen = sum(aids[0]) + FeeRule(min(row.fee_rates)).fee(sum(aids[0]))
    most_fen = sum(aids[1]) + FeeRule(max(row.fee_rates)).fee(sum(aids[1]))
    fewest = -(-least_fen // share_fen)
    most = MOST_MEMBERS if share_fen == 1 else -(-most_fen // (share_fen - 1)) - 1
    return Range(fewest, max(fewest, most))


def _implied_mean_aid(row: PublishedRow, share_fen: int, rows: Sequence[PublishedRow]) -> Range | None:
    """Return the mean aid of a case, in fen, at which the published share comes out."""
    members = _members_of(row, rows)
    if row.aid_fen is not None or members is None or row.cases is None or not row.cases.is_exact:
        return None
    least = Fraction((share_fen - 1) * members.low, row.cases.low) / (1 + max(row.fee_rates))
    most = Fraction(share_fen * members.high, row.cases.low) / (1 + min(row.fee_rates))
    return Range(max(0, floor(least)), ceil(most))


def _meaning(number: int | None, said_as: str, scale: int) -> Range | None:
    """Return what a published figure can stand for.

    said_as: empty for exact, or `over U`, `almost U`, `rounded U` with U the unit the source counts in
    (times `scale` for money): over 72 million in millions is 72,000,000 to 72,999,999.
    """
    if number is None:
        return None
    if not said_as:
        return Range(number, number)
    manner, unit_text = said_as.split()
    unit = int(unit_text) * scale
    if manner == "over":
        return Range(number, number + unit - 1)
    if manner == "almost":
        return Range(number - unit + 1, number)
    if manner == "rounded":
        return Range(number - unit // 2, number + unit // 2)
    raise ValueError(f"{said_as!r} isn't a way to say a figure")


def _cases(number: int | None, said_as: str) -> Range | None:
    if number is None:
        return None
    if said_as not in ("", "at_most"):
        raise ValueError(f"{said_as!r} isn't a way to count cases")
    return Range(1 if said_as == "at_most" else number, number)


def _number(text: str) -> int | None:
    return int(text) if text else None


def _fen(text: str) -> int | None:
    """Read yuan as fen. Raises ValueError on a fraction of a fen."""
    if not text:
        return None
    fen = Fraction(text) * 100
    if fen.denominator != 1:
        raise ValueError(f"{text!r} isn't a whole number of fen")
    return fen.numerator


def _shown(name: str, value: int | str) -> str:
    if isinstance(value, str):
        return value
    return f"{value // 100:,}.{value % 100:02}" if name.endswith("_fen") else f"{value:,}"
