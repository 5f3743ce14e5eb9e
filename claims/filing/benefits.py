"""How much aid a plan grants for an event: the derivation, step by step. Pure.

The event day is the date of the document that first establishes the illness; the plan version in force on that day
decides. The result is data, so that the claimant, both reviewers and the tests read the same steps.
"""

import datetime as dt
from dataclasses import dataclass

from members.joining.eligibility import age_on, eligible_from
from members.pools.plan_terms import Cause, PlanTerms

# Clauses of the covenant that a derivation cites.
CLAUSE_COVER = "cover"
CLAUSE_WAITING = "waiting"
CLAUSE_REPORT = "report"
CLAUSE_AID = "aid"


@dataclass(frozen=True)
class Step:
    """One question of the derivation: its name, what was found, and whether it stands in the way of aid.

    found: codes and figures by name; dates as ISO text, amounts in fen.
    """

    name: str
    clause: str
    passed: bool
    found: dict[str, str | int]


@dataclass(frozen=True)
class Benefit:
    """The aid an event may be granted at most (fen), and how that came about.

    joined_age: the age at joining where the plan's waiting period asks for it.
    """

    aid_fen: int
    age: int
    steps: tuple[Step, ...]
    joined_age: int | None = None

    @property
    def refused_by(self) -> str:
        """Return the clause that stands in the way of aid; empty where none does."""
        return next((step.clause for step in self.steps if not step.passed), "")

    def to_json(self) -> list[dict[str, object]]:
        """Return the steps as plain data."""
        return [
            {"name": step.name, "clause": step.clause, "passed": step.passed, **step.found}
            for step in self.steps
        ]


def cause_of(severity: str) -> Cause:
    """Return what a waiting period asks about: an event of severity `accident` is one, everything else an illness."""
    return "accident" if severity == "accident" else "illness"


def age_at_joining(birth: dt.date, joined: dt.date) -> int:
    """Return completed years on the day of joining; who was born since then joined at 0."""
    return age_on(birth, max(birth, joined))


def age_band(age: int) -> str:
    """Return the published band of ten years, e.g. 30-39."""
    low = age // 10 * 10
    return f"{low}-{low + 9}"


def derive(
    *,
    plan: PlanTerms,
    severity: str,
    birth: dt.date,
    event: dt.date,
    joined: dt.date,
    is_covered: bool,
    filed: dt.date,
    earlier_fen: int,
    proven_age: int | None = None,
    waited_since: dt.date | None = None,
) -> Benefit:
    """Derive the most aid that the plan grants for an event.

    is_covered: the membership was covered on the event day. filed: the day of the first filing. earlier_fen: what
    other cases of the membership were granted. proven_age: the age at joining that was signed; None: the birth says it.
    waited_since: since when the waiting time was served in a pool that moved in; None: since they joined.
    Every question is answered, also after one stands in the way, so that nobody learns the next reason only after
    clearing the first.

    Raises: ValueError when the event lies before the birth.
    """
    age = age_on(birth, event)
    waits_from = waited_since or joined
    joined_age = age_at_joining(birth, waits_from) if proven_age is None else proven_age
    waiting_days = plan.waits(cause=cause_of(severity), joined_age=joined_age)
    first_day = eligible_from(waits_from, waiting_days)
    most_fen = plan.max_aid_at(severity=severity, age=age)
    steps: tuple[Step, ...] = (
        Step(
            "covered",
            CLAUSE_COVER,
            joined <= event and is_covered,
            {"event": event.isoformat(), "joined": joined.isoformat()},
        ),
        Step(
            "waited",
            CLAUSE_WAITING,
            first_day <= event,
            {
                "days": waiting_days,
                "first_day": first_day.isoformat(),
                **({} if waited_since is None else {"since": waited_since.isoformat()}),
                **_why_so_long(plan, cause_of(severity), joined_age),
            },
        ),
        *_reported(plan, event, filed),
        Step("granted", CLAUSE_AID, most_fen > 0, {"severity": severity, "age": age, "aid_fen": most_fen}),
    )
    aid_fen = most_fen
    if plan.vesting:
        days = (event - first_day).days
        part = plan.vested_part(days)
        aid_fen = most_fen * part.numerator // part.denominator
        steps += (
            Step(
                "vested",
                CLAUSE_AID,
                aid_fen > 0,
                {"days": max(days, 0), "part": str(part), "aid_fen": aid_fen},
            ),
        )
    if plan.lifetime_cap_fen is not None:
        left_fen = max(plan.lifetime_cap_fen - earlier_fen, 0)
        aid_fen = min(aid_fen, left_fen)
        steps += (
            Step(
                "lifetime",
                CLAUSE_AID,
                left_fen > 0,
                {
                    "cap_fen": plan.lifetime_cap_fen,
                    "earlier_fen": earlier_fen,
                    "left_fen": left_fen,
                    "aid_fen": aid_fen,
                },
            ),
        )
    stands = all(step.passed for step in steps)
    assert 0 <= aid_fen <= plan.max_aid_fen
    return Benefit(aid_fen if stands else 0, age, steps, joined_age if plan.waiting_asks_for_age else None)


def _reported(plan: PlanTerms, event: dt.date, filed: dt.date) -> tuple[Step, ...]:
    """Return the question whether the case was filed in time; none where it can be filed at any time."""
    last_day = plan.last_day_to_report(event)
    if plan.report_days is None or last_day is None:
        return ()
    found: dict[str, str | int] = {
        "days": plan.report_days,
        "last_day": last_day.isoformat(),
        "filed": filed.isoformat(),
    }
    return (Step("reported", CLAUSE_REPORT, filed <= last_day, found),)


def _why_so_long(plan: PlanTerms, cause: Cause, joined_age: int) -> dict[str, str | int]:
    """Return what a waiting period went by; nothing where everybody has the same."""
    why: dict[str, str | int] = {}
    if plan.waiting_rules:
        why["cause"] = cause
    if plan.waiting_asks_for_age:
        why["joined_age"] = joined_age
    return why
