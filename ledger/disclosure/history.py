"""A pool's posted periods as plots: share, headcount and cases, one bar a period. Geometry only, no database.

Drawn as wide as a phone, so that the figures beside the bars are as large as the words around them.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from ledger.disclosure.plots import Tick, round_ceiling

WIDTH, HEIGHT = 360, 210
LEFT, RIGHT, TOP, BOTTOM = 84, 6, 22, 26
STEPS = 4


@dataclass(frozen=True)
class PastPeriod:
    """What one posted period came to (fen); share_fen: of its lightest class, None where it had no members."""

    number: int
    charge_date: dt.date
    members: int
    cases: int
    aid_fen: int
    fee_fen: int
    assessed_fen: int
    share_fen: int | None


@dataclass(frozen=True)
class PeriodBar:
    """The figure of one period as a bar."""

    x: float
    y: float
    width: float
    height: float
    middle: float
    number: int
    charge_date: dt.date
    value: int


@dataclass(frozen=True)
class HistoryPlot:
    """One figure of all periods, oldest left, from zero up. kind: share, members or cases."""

    kind: str
    bars: tuple[PeriodBar, ...]
    up: tuple[Tick, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM


def history_plots(periods: Sequence[PastPeriod]) -> list[HistoryPlot]:
    """Return the plots of periods in their order, oldest first; without periods none."""
    if not periods:
        return []
    return [
        _plot("share", periods, [period.share_fen or 0 for period in periods]),
        _plot("members", periods, [period.members for period in periods]),
        _plot("cases", periods, [period.cases for period in periods]),
    ]


def _plot(kind: str, periods: Sequence[PastPeriod], values: Sequence[int]) -> HistoryPlot:
    ceiling = round_ceiling(max(values))
    tall, step = HEIGHT - TOP - BOTTOM, (WIDTH - LEFT - RIGHT) / len(periods)
    width = min(30.0, step * 0.7)
    bars = []
    for place, (period, value) in enumerate(zip(periods, values, strict=True)):
        middle, height = LEFT + step * (place + 0.5), tall * value / ceiling
        bars.append(
            PeriodBar(
                x=round(middle - width / 2, 1),
                y=round(HEIGHT - BOTTOM - height, 1),
                width=round(width, 1),
                height=round(height, 1),
                middle=round(middle, 1),
                number=period.number,
                charge_date=period.charge_date,
                value=value,
            )
        )
    ticks = (
        Tick(round(HEIGHT - BOTTOM - tall * part / STEPS, 1), ceiling * part // STEPS)
        for part in range(STEPS + 1)
    )
    return HistoryPlot(kind, tuple(bars), tuple(ticks))
