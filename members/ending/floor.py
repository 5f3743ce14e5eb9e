"""When a pool ends by its headcounts, and on which days. Pure.

Headcounts are those of frozen periods, in their order; dates are days of the pool's zone, half-open.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from members.pools.plan_terms import PlanTerms

FREEZES_RUNNING = 2


@dataclass(frozen=True, slots=True)
class Freeze:
    """A headcount of a period and the floor of the rules that the period follows; None: these have none."""

    period_no: int
    headcount: int
    floor: int | None

    @property
    def is_below(self) -> bool:
        """Tell whether it counts as below the floor."""
        return self.floor is not None and self.headcount < self.floor


@dataclass(frozen=True, slots=True)
class Distance:
    """How far a headcount is from the floor. running: how many up to this one are below it without a break."""

    period_no: int
    headcount: int
    floor: int
    running: int

    @property
    def leaves(self) -> int:
        """Return how many members fewer would be below the floor; 0: it is below."""
        return max(0, self.headcount - self.floor + 1)

    @property
    def missing(self) -> int:
        """Return how many members more would be at the floor; 0: it is not below."""
        return max(0, self.floor - self.headcount)


@dataclass(frozen=True, slots=True)
class EndingDates:
    """Give the days of an ending.

    Everyone covered at 00:00 of notice_date bears the run-off. Cover lasts until 00:00 of cover_end_date; cases of the
    time before are filed before 00:00 of run_off_end_date.
    """

    notice_date: date
    cover_end_date: date
    run_off_end_date: date


def freezes_below(freezes: Sequence[Freeze]) -> int:
    """Return how many headcounts running, up to the last one, are below the floor."""
    running = 0
    for freeze in reversed(freezes):
        if not freeze.is_below:
            break
        running += 1
    return running


def is_below_floor(freezes: Sequence[Freeze]) -> bool:
    """Tell whether the floor ends the pool: two headcounts running below it."""
    return freezes_below(freezes) >= FREEZES_RUNNING


def ending_dates(plan: PlanTerms, notice_date: date, cover_end_date: date | None = None) -> EndingDates:
    """Return the days of an ending with notice on that day; cover_end_date: a later day that two people chose.

    Raises: ValueError for a plan that does not say how it ends.
    """
    if plan.wind_down is None:
        raise ValueError("the plan does not say how it ends")
    cover_end = cover_end_date or notice_date + timedelta(days=plan.ending_notice_days)
    return EndingDates(notice_date, cover_end, cover_end + timedelta(days=plan.wind_down.run_off_days))
