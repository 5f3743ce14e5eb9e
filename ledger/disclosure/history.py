"""A pool's posted periods as plots: share, headcount and cases, one bar a period. Geometry only, no database.

Drawn as wide as a phone, so that the figures beside the bars are as large as the words around them.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from ledger.disclosure.plots import Column, Frame, Tick, stand

_FRAME = Frame(width=360, height=210, left=84, right=354, top=22, bottom=184)


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
class PeriodBar(Column):
    """The figure of one period as a bar."""

    number: int
    charge_date: dt.date
    value: int


@dataclass(frozen=True)
class HistoryPlot(Frame):
    """One figure of all periods, oldest left, from zero up. kind: share, members or cases."""

    kind: str
    bars: tuple[PeriodBar, ...]
    up: tuple[Tick, ...]


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
    columns, ticks = stand(values, _FRAME, widest=30.0, part=0.7)
    bars = (
        PeriodBar(**asdict(column), number=period.number, charge_date=period.charge_date, value=value)
        for column, period, value in zip(columns, periods, values, strict=True)
    )
    return HistoryPlot(kind, tuple(bars), ticks, **asdict(_FRAME))
