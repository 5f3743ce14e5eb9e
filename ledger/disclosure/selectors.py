"""Reads for the public pages: what the last bills were, for one pool or for all, in a fixed number of queries."""

from dataclasses import dataclass

from django.db.models import Count, Sum
from django.db.models.functions import ExtractYear

from ledger.sharing.figures import SMALLEST_PUBLIC_POOL, ClassFigures, class_figures
from ledger.sharing.models import Period
from members.pools.models import DutyGrant, Pool

PLOTTED = 24


@dataclass(frozen=True)
class PoolCard:
    """A pool and its last posted period, as the front page shows them."""

    pool: Pool
    last: Period | None
    base: ClassFigures | None
    cases: int

    @property
    def shows_periods(self) -> bool:
        """Tell whether single periods may be shown to everyone."""
        return self.last is None or (self.last.headcount or 0) >= SMALLEST_PUBLIC_POOL


@dataclass(frozen=True)
class Year:
    """The sums of one year (fen): all that a very small pool shows of itself."""

    year: int
    periods: int
    cases: int
    aid_fen: int
    fee_fen: int
    assessed_fen: int


def pool_cards() -> list[PoolCard]:
    """Return every pool beyond its draft with its last posted period. Three queries."""
    pools = list(Pool.objects.exclude(state=Pool.State.DRAFT).order_by("code"))
    posted = Period.objects.filter(pool__in=pools, state=Period.State.POSTED).select_related("pool")
    last = {period.pool_id: period for period in posted.order_by("pool_id", "-number").distinct("pool_id")}
    cases = dict(posted.values_list("pool_id").annotate(Sum("cases")).order_by())
    return [
        PoolCard(pool, last.get(pool.pk), base_class(last.get(pool.pk)), cases.get(pool.pk) or 0)
        for pool in pools
    ]


def base_class(period: Period | None) -> ClassFigures | None:
    """Return the lightest class with members of a computed period."""
    if period is None or period.classes is None:
        return None
    peopled = [row for row in class_figures(period.classes) if row.members]
    return min(peopled, key=lambda row: (row.weight, row.class_no)) if peopled else None


def past_shares(pool: Pool) -> list[Period]:
    """Return the last posted periods, oldest first."""
    newest = pool.periods.filter(state=Period.State.POSTED).order_by("-number")[:PLOTTED]
    return list(reversed(newest))


def yearly_totals(pool: Pool) -> list[Year]:
    """Return what each year's posted periods came to, newest first."""
    rows = (
        pool.periods.filter(state=Period.State.POSTED)
        .annotate(year=ExtractYear("charge_date"))
        .values("year")
        .annotate(
            periods=Count("pk"),
            cases_sum=Sum("cases"),
            aid=Sum("aid_fen"),
            fee=Sum("fee_fen"),
            assessed=Sum("assessed_fen"),
        )
        .order_by("-year")
    )
    return [
        Year(r["year"], r["periods"], r["cases_sum"] or 0, r["aid"] or 0, r["fee"] or 0, r["assessed"] or 0)
        for r in rows
    ]


def duty_counts(pool: Pool) -> list[tuple[object, int]]:
    """Return how many people hold each duty; nobody is named."""
    held = dict(
        DutyGrant.objects.filter(pool=pool, ended_at=None)
        .values_list("duty")
        .annotate(Count("person", distinct=True))
        .order_by()
    )
    return [(duty.label, held[duty.value]) for duty in DutyGrant.Duty if duty.value in held]
