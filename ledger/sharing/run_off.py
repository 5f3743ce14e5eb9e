"""Reads of a pool's floor and of its run-off: headcounts against the floor, and what members may still pay."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from ledger.sharing.models import Period
from members.ending.floor import Freeze, freezes_below
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


def room_left(period: Period) -> dict[int, int] | None:
    """Return what a member of each class may still pay in this period (fen), by class; None: there is no upper end.

    Whoever bears the run-off has been charged alike since the notice, so that what a class was charged is what each of
    its members was: the cap of the plan, less that.
    """
    ending = run_off_of(period)
    if ending is None or ending.run_off_cap_fen is None:
        return None
    earlier = run_off_periods(ending).filter(number__lt=period.number, classes__isnull=False)
    charged = _by_class(row for classes in earlier.values_list("classes", flat=True) for row in classes or [])
    return {
        int(class_no): ending.run_off_cap_fen - charged.get(int(class_no), 0) for class_no in ending.counts
    }


def is_beyond_run_off_cap(period: Period, classes: Iterable[Mapping[str, Any]]) -> bool:
    """Tell whether these shares would take members beyond what they pay for the run-off at most."""
    room = room_left(period)
    if room is None:
        return False
    return any(share_fen > room.get(class_no, 0) for class_no, share_fen in _by_class(classes).items())


def _by_class(rows: Iterable[Mapping[str, Any]]) -> dict[int, int]:
    sums: dict[int, int] = {}
    for row in rows:
        sums[row["class_no"]] = sums.get(row["class_no"], 0) + row["share_fen"]
    return sums
