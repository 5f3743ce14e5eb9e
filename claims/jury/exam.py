"""The questions to whoever offers to be a juror; the right answers come from the plan in force. Pure."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from members.pools.jury_terms import JuryTerms
from members.pools.plan_terms import PlanTerms

YES, NO = "yes", "no"


@dataclass(frozen=True)
class Question:
    """A question by its code word, with the answers that are offered, the right one among them.

    figure: the answers are figures of this unit; else they are code words of their own.
    """

    code: str
    answers: tuple[str, ...]
    right: str
    figure: str = ""


def questions_for(plan: PlanTerms, jury: JuryTerms, person: str) -> list[Question]:
    """Return five questions of all, others for other people but always the same for one, in a fixed order."""
    every = list(_every(plan, jury))
    lots = {one.code: hashlib.sha256(f"{person}/{one.code}".encode()).digest() for one in every}
    drawn = sorted(every, key=lambda one: lots[one.code])[:5]
    return [one for one in every if one in drawn]


def wrong_of(questions: list[Question], answers: dict[str, str]) -> list[str]:
    """Return the codes of the questions that were not answered rightly."""
    return [one.code for one in questions if answers.get(one.code) != one.right]


def _every(plan: PlanTerms, jury: JuryTerms) -> Iterator[Question]:
    """Yield all questions there are about these rules."""
    yield _figures("waiting", plan.waiting_days, "days", (30, 90, 180, 365))
    yield Question("version", ("event_day", "today", "joining"), "event_day")
    yield Question("threshold", ("at_least", "more_than"), "at_least" if jury.inclusive else "more_than")
    yield _figures("quorum", jury.quorum, "votes", (5, 15, 50, 100))
    yield Question("money", ("plan", "jury", "claimant"), "plan")
    yield _figures("publicity", plan.calendar.publicity_days, "days", (1, 3, 7, 14))
    yield Question("known", (YES, NO), NO)
    yield Question("tell", (YES, NO), NO)
    yield _figures("hours", jury.voting_hours, "hours", (24, 48, 72, 168))


def _figures(code: str, right: int, unit: str, others: tuple[int, ...]) -> Question:
    """Return a question with the right figure among three others, in their order."""
    wrong = [other for other in others if other != right][:3]
    return Question(code, tuple(str(one) for one in sorted([right, *wrong])), str(right), unit)
