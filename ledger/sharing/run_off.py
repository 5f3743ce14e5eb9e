"""Reads of a pool's floor and of its run-off: headcounts against the floor, and which periods belong to it."""

import datetime as dt
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from ledger.sharing.models import Period
from members.ending.floor import Distance, Freeze, freezes_below
from members.ending.models import PoolEnding
from members.pools.models import Pool


@dataclass(frozen=True)
class FreezeRow:
    """A headcount against the floor. running: how many up to this one are below it without a break."""

    freeze: Freeze
    publicity_date: dt.date
    running: int


def freezes_of(pool: Pool, newest: int) -> list[FreezeRow]:
    """Return the last headcounts of a pool, oldest first."""
    found = list(
        pool.periods.filter(as_of__isnull=False)
        .order_by("-number")
        .values_list("number", "headcount", "publicity_date", "plan_version__terms__floor__members")[:newest]
    )
    rows: list[FreezeRow] = []
    freezes: list[Freeze] = []
    for number, headcount, publicity_date, floor in reversed(found):
        freezes.append(Freeze(number, headcount or 0, floor))
        rows.append(FreezeRow(freezes[-1], publicity_date, freezes_below(freezes)))
    return rows


def distance_of(row: FreezeRow | None, floor: int | None) -> Distance | None:
    """Return how far the last headcount is from the floor of today's rules; None without the one or the other."""
    if row is None or floor is None:
        return None
    return Distance(row.freeze.period_no, row.freeze.headcount, floor, row.running)


def run_off_periods(ending: PoolEnding) -> QuerySet[Period]:
    """Return the periods that are shared by those who were covered at 00:00 of the notice."""
    found = Period.objects.filter(pool_id=ending.pool_id, number__gt=ending.after_period_no)
    if ending.cancelled_period_no is not None:
        found = found.filter(number__lt=ending.cancelled_period_no)
    return found.order_by("number")


def run_off_of(period: Period) -> PoolEnding | None:
    """Return the ending whose run-off the period belongs to; None: everyone covered on its publicity day shares it."""
    return (
        PoolEnding.objects.filter(pool_id=period.pool_id, after_period_no__lt=period.number)
        .filter(Q(cancelled_at=None) | Q(cancelled_period_no__gt=period.number))
        .first()
    )
