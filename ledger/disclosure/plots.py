"""Geometry of the plots: figures in, coordinates out. The templates draw them as SVG. No database here.

Only coordinates are floats; every figure that is shown comes in as an integer and is written from it.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from math import log10

from ledger.sharing.apportion import Costs, FeeRule, Group, Sharing, compute_shares

WIDTH, HEIGHT = 720, 340
LEFT, RIGHT, TOP, BOTTOM = 96, 34, 20, 44
STEPS = 4

# The worked example of the manual: one case, the usual fee, pools from three people to a hundred million.
EXAMPLE_AID_FEN = 50_000_000
EXAMPLE_FEE = FeeRule(rate=Fraction(8, 100))
EXAMPLE_SIZES = (3, 10, 30, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000)
_SMALLEST, _LARGEST = 3, 100_000_000
_LEAST_FEN, _MOST_FEN = 1, 100_000_000


@dataclass(frozen=True)
class Point:
    """A figure on a plot: where it is drawn and what it says."""

    x: float
    y: float
    members: int
    share_fen: int


@dataclass(frozen=True)
class Tick:
    """A grid line with its figure."""

    at: float
    value: int


@dataclass(frozen=True)
class OneCase:
    """One case, its fee (fen), and what each of so many members pays for it."""

    aid_fen: int
    fee_fen: int
    share_at: Callable[[int], int]


@dataclass(frozen=True, kw_only=True)
class Frame:
    """Where a plot is drawn: its size, and the edges of what lies inside its margins."""

    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM


@dataclass(frozen=True)
class Column:
    """A bar without what it stands for."""

    x: float
    y: float
    width: float
    height: float
    middle: float


@dataclass(frozen=True)
class SizePlot(Frame):
    """The share of one case against the size of the pool, both axes logarithmic."""

    aid_fen: int
    fee_fen: int
    need_fen: int
    points: tuple[Point, ...]
    curve: str
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    marked: Point | None

    @property
    def marked_right(self) -> bool:
        """Tell whether the mark is so far right that its words stand before it."""
        return self.marked is not None and self.marked.x > self.width / 2

    @property
    def marked_low(self) -> bool:
        """Tell whether the mark is so near the axis that its words do not stand below it."""
        return self.marked is not None and self.marked.y > self.bottom - 40


@dataclass(frozen=True)
class Bar(Column):
    """One period of the past: its share as a bar."""

    number: int
    charge_date: dt.date
    members: int
    share_fen: int


@dataclass(frozen=True)
class SharesPlot(Frame):
    """The shares of past periods, oldest left, from zero up."""

    bars: tuple[Bar, ...]
    up: tuple[Tick, ...]


@dataclass(frozen=True, kw_only=True)
class FloorPlot(Frame):
    """A headcount as one lying bar, with the floor as a mark across it; both from zero."""

    height: int = 96
    left: int = 2
    right: int = WIDTH - 2
    top: int = 30
    bottom: int = 62
    bar: float
    mark: float
    headcount: int
    floor: int

    @property
    def mark_is_right(self) -> bool:
        """Tell whether the mark is so far right that its words stand before it."""
        return self.mark > self.width / 2


def floor_plot(headcount: int, floor: int) -> FloorPlot:
    """Return the bar; the larger of the two leaves an eighth of the width free."""
    wide = (WIDTH - 4) / (max(headcount, floor) * 9 / 8)
    return FloorPlot(
        bar=_coordinate(headcount * wide),
        mark=_coordinate(2 + floor * wide),
        headcount=headcount,
        floor=floor,
    )


def share_at(members: int) -> int:
    """Return what each of that many members is charged for the worked example (fen)."""
    return _example(members).shares[0].share_fen


def size_plot(members_now: int | None = None, case: OneCase | None = None) -> SizePlot:
    """Return the share of a case from 3 to 100 million members; members_now marks a pool on the curve.

    case: the worked example where none is given.
    """
    case = case or OneCase(EXAMPLE_AID_FEN, EXAMPLE_FEE.fee(EXAMPLE_AID_FEN), share_at)
    exponents = [Fraction(step, 6) for step in range(3, 49)]
    sizes = sorted({_SMALLEST, _LARGEST, *(round(10 ** float(exponent)) for exponent in exponents)})
    marked = members_now if members_now is not None and _SMALLEST <= members_now <= _LARGEST else None
    return SizePlot(
        aid_fen=case.aid_fen,
        fee_fen=case.fee_fen,
        need_fen=case.aid_fen + case.fee_fen,
        points=tuple(_point(size, case) for size in EXAMPLE_SIZES),
        curve=_path([_point(size, case) for size in sizes if size >= _SMALLEST]),
        across=tuple(Tick(_x(10**power), 10**power) for power in range(1, 9)),
        up=tuple(Tick(_y(10**power), 10**power) for power in range(0, 9, 2)),
        marked=_point(marked, case) if marked else None,
    )


def shares_plot(periods: Sequence[tuple[int, dt.date, int, int]]) -> SharesPlot | None:
    """Return bars for (number, charge date, members, share in fen), oldest first; nothing to draw: None."""
    if not periods:
        return None
    shares_fen = [share_fen for _number, _date, _members, share_fen in periods]
    columns, ticks = stand(shares_fen, Frame(), widest=46.0, part=0.64)
    bars = (
        Bar(**asdict(column), number=number, charge_date=charge_date, members=members, share_fen=share_fen)
        for column, (number, charge_date, members, share_fen) in zip(columns, periods, strict=True)
    )
    return SharesPlot(tuple(bars), ticks)


def stand(
    values: Sequence[int], frame: Frame, *, widest: float, part: float
) -> tuple[list[Column], tuple[Tick, ...]]:
    """Return a column for each value, side by side from zero up, and the grid lines behind them.

    widest: what a column is wide at most; part: what it takes of its place.
    """
    ceiling, tall = round_ceiling(max(values)), frame.bottom - frame.top
    step = (frame.right - frame.left) / len(values)
    width = min(widest, step * part)
    columns = []
    for place, value in enumerate(values):
        middle, height = frame.left + step * (place + 0.5), tall * value / ceiling
        sides = (middle - width / 2, frame.bottom - height, width, height, middle)
        columns.append(Column(*(_coordinate(side) for side in sides)))
    ticks = (
        Tick(_coordinate(frame.bottom - tall * step_no / STEPS), ceiling * step_no // STEPS)
        for step_no in range(STEPS + 1)
    )
    return columns, tuple(ticks)


def _example(members: int) -> Sharing:
    return compute_shares(
        groups=[Group(class_no=0, count=members, weight=1)],
        costs=Costs((EXAMPLE_AID_FEN,)),
        fee_rule=EXAMPLE_FEE,
    )


def _point(members: int, case: OneCase) -> Point:
    share_fen = case.share_at(members)
    return Point(_x(members), _y(share_fen), members, share_fen)


def _x(members: int) -> float:
    span = log10(_LARGEST) - log10(_SMALLEST)
    return _coordinate(LEFT + (WIDTH - LEFT - RIGHT) * (log10(members) - log10(_SMALLEST)) / span)


def _y(fen: int) -> float:
    span = log10(_MOST_FEN) - log10(_LEAST_FEN)
    return _coordinate(
        HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (log10(max(fen, 1)) - log10(_LEAST_FEN)) / span
    )


def _path(points: Sequence[Point]) -> str:
    return "M" + " L".join(f"{point.x} {point.y}" for point in points)


def round_ceiling(fen: int) -> int:
    """Return the next figure above that divides into four clean steps: 4, 8, 12, 20, 40 times a power of ten."""
    power = 1
    while True:
        for step in (4, 8, 12, 20):
            if step * power >= fen:
                return step * power
        power *= 10


def _coordinate(value: float) -> float:
    return round(value, 1)
