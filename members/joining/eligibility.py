"""Who may join a pool, from when on they are covered and may ask for aid. Pure: no clock, no database.

Dates are calendar dates in the pool's zone; ages are completed years, and who was born on 29 February has
their birthday on 1 March of other years.
"""

from calendar import isleap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from members.pools.covenants import Question
from members.pools.plan_terms import Cause, ClassTerms, PlanTerms

# Whoever signs for themselves must be of age.
SIGNING_AGE = 18
OLDEST = 130

# From this age on a child for whom a guardian signs is asked, and agrees.
AGREES_FROM = 14
Reason = Literal["born_in_future", "too_old_to_be_true", "minor", "of_age", "below_ages", "above_ages"]


@dataclass(frozen=True, slots=True)
class AgeWindow:
    """The ages [first, before) at which the plan knows any aid."""

    first: int
    before: int


def age_on(birth_date: date, day: date) -> int:
    """Return completed years; on 29 February born, a year is completed on 1 March.

    Raises: ValueError when the day lies before the birth.
    """
    if day < birth_date:
        raise ValueError(f"{day} is before the birth on {birth_date}")
    return day.year - birth_date.year - ((day.month, day.day) < (birth_date.month, birth_date.day))


def birthday(birth_date: date, age: int) -> date:
    """Return the day on which somebody completes that many years."""
    year = birth_date.year + age
    leapling = (birth_date.month, birth_date.day) == (2, 29) and not isleap(year)
    return date(year, 3, 1) if leapling else birth_date.replace(year=year)


def next_class(plan: PlanTerms, birth_date: date, day: date) -> tuple[date, ClassTerms] | None:
    """Return the next day after that one on which the age belongs to another class; None: no later one does."""
    age = age_on(birth_date, day)
    later = sorted(
        (row.age_from, row) for row in plan.classes if row.age_from is not None and row.age_from > age
    )
    here = plan.class_at(age)
    return next(((birthday(birth_date, first), row) for first, row in later if row.class_no != here), None)


def age_window(plan: PlanTerms, *, for_child: bool = False) -> AgeWindow:
    """Return the ages at which one may join: of age or signed for by a guardian, and in some row of the plan's aid."""
    first, before = min(row.age_from for row in plan.aid), max(row.age_before for row in plan.aid)
    return (
        AgeWindow(first, min(before, SIGNING_AGE))
        if for_child
        else AgeWindow(max(SIGNING_AGE, first), before)
    )


def takes_children(plan: PlanTerms) -> bool:
    """Tell whether the rules have any aid for somebody for whom a guardian would sign."""
    window = age_window(plan, for_child=True)
    return window.first < window.before


def age_refusal(plan: PlanTerms, birth_date: date, day: date, *, for_child: bool = False) -> Reason | None:
    """Return why somebody born on that date may not join on that day; None: their age is no obstacle.

    for_child: a guardian signs for them.
    """
    if birth_date > day:
        return "born_in_future"
    age, window = age_on(birth_date, day), age_window(plan, for_child=for_child)
    if age >= OLDEST:
        return "too_old_to_be_true"
    if for_child and age >= SIGNING_AGE:
        return "of_age"
    if not for_child and age < SIGNING_AGE:
        return "minor"
    if age < window.first:
        return "below_ages"
    return "above_ages" if age >= window.before else None


def excluding(questions: Sequence[Question], answers: Mapping[str, bool]) -> Question | None:
    """Return the first question whose answer keeps somebody out; None: no answer does."""
    return next((q for q in questions if q.effect == "excludes" and answers.get(q.code)), None)


def unanswered(questions: Sequence[Question], answers: Mapping[str, bool]) -> Question | None:
    """Return the first question without an answer."""
    return next((q for q in questions if q.code not in answers), None)


def covered_from(joined_date: date) -> date:
    """Return the first day of cover: the day after joining, from 00:00 of the pool's zone."""
    return joined_date + timedelta(days=1)


def eligible_by_plan(
    plan: PlanTerms,
    birth_date: date,
    joined_date: date,
    cause: Cause = "illness",
    since_date: date | None = None,
) -> date:
    """Return the first day that counts for a cause, for who was born and joins on those days.

    since_date: since when they have waited in a pool that moved in; here they are covered from tomorrow at the
    earliest.
    """
    waits_from = since_date or joined_date
    waited = eligible_from(waits_from, plan.waits(cause=cause, joined_age=age_on(birth_date, waits_from)))
    return max(waited, covered_from(joined_date))


def eligible_from(joined_date: date, waiting_days: int) -> date:
    """Return the first day of an illness for which aid can be asked: join day + 1 + waiting days, from 00:00."""
    return joined_date + timedelta(days=1 + waiting_days)
