"""How much aid a plan grants for an event: the derivation, step by step. Pure.

The event day is the date of the document that first establishes the illness; the plan version in force on that day
decides. The result is data, so that the claimant, both reviewers and the tests read the same steps.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

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
class Figures:
    """What some plans ask of a case beside its event; all of it 0 where they do not (fen).

    spend_fen: bills of this claim. earlier_spend_fen, earlier_aid_fen: what was accepted and granted in earlier parts
    of the case, also where caps lowered it afterwards: what was lowered is owed no longer and does not come back with
    the next bills. cases_shared: cases that the member had shared before the event day.
    """

    spend_fen: int = 0
    earlier_spend_fen: int = 0
    earlier_aid_fen: int = 0
    cases_shared: int = 0
    is_part: bool = False

    @property
    def case_spend_fen(self) -> int:
        """Return the spend of the whole case so far."""
        return self.earlier_spend_fen + self.spend_fen


NO_FIGURES = Figures()
# From the aid after the step before to the next step.
Follow = Callable[[int], Step]


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
    figures: Figures = NO_FIGURES,
) -> Benefit:
    """Derive the most aid that the plan grants for an event.

    is_covered: the membership was covered on the event day. filed: the day of the first filing. earlier_fen: what
    other cases of the membership were granted. proven_age: the age at joining that was signed; None: the birth says it.
    waited_since: since when the waiting time was served in a pool that moved in; None: since they joined.
    Every question is answered, also after one stands in the way, so that nobody learns the next reason only after
    clearing the first. From `granted` on each step says the aid after it, and is worked out from the one before.

    Raises: ValueError when the event lies before the birth.
    """
    age = age_on(birth, event)
    waits_from = waited_since or joined
    joined_age = age_at_joining(birth, waits_from) if proven_age is None else proven_age
    waiting_days = plan.waits(cause=cause_of(severity), joined_age=joined_age)
    first_day = eligible_from(waits_from, waiting_days)
    steps = [
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
                **_what_it_ends(plan, is_in_the_wait=joined <= event < first_day),
            },
        ),
        *_reported(plan, event, filed),
        *_granted(plan, severity, age, figures),
    ]
    for follow in (
        _vested(plan, (event - first_day).days),
        _shared(plan, figures),
        _billed(plan, figures),
        _rest_of_case(figures),
        _within_lifetime(plan, earlier_fen),
    ):
        if follow is not None:
            steps.append(follow(_aid_after(steps[-1])))
    aid_fen = _aid_after(steps[-1])
    stands = all(step.passed for step in steps)
    assert 0 <= aid_fen <= plan.max_aid_fen
    joined_age_asked = joined_age if plan.waiting_asks_for_age else None
    return Benefit(aid_fen if stands else 0, age, tuple(steps), joined_age_asked)


def _aid_after(step: Step) -> int:
    return int(step.found["aid_fen"])


def _granted(plan: PlanTerms, severity: str, age: int, figures: Figures) -> Iterator[Step]:
    """Yield what the spend counts as, where plans ask for it, and the aid of the severity that counts."""
    counted, by = plan.counted_as(severity=severity, age=age, spend_fen=figures.case_spend_fen)
    if plan.spend_steps:
        reached: dict[str, str | int] = {"spend_fen": figures.case_spend_fen}
        if by is not None:
            reached |= {"from_fen": by.from_fen, "counts_as": by.counts_as}
        yield Step("spent", CLAUSE_AID, True, reached)
    most_fen = plan.max_aid_at(severity=counted, age=age)
    yield Step("granted", CLAUSE_AID, most_fen > 0, {"severity": counted, "age": age, "aid_fen": most_fen})


def _vested(plan: PlanTerms, days: int) -> Follow | None:
    """Return how aid grows with the time in the pool, so many days after the end of the wait."""
    if not plan.vesting:
        return None
    part = plan.vested_part(days)
    return lambda aid_fen: _part_of("vested", aid_fen, part, {"days": max(days, 0)})


def _shared(plan: PlanTerms, figures: Figures) -> Follow | None:
    """Return how aid grows with the cases that the member has shared."""
    if not plan.case_steps:
        return None
    part = plan.shared_part(figures.cases_shared)
    return lambda aid_fen: _part_of("shared", aid_fen, part, {"cases": figures.cases_shared})


def _part_of(name: str, aid_fen: int, part: Fraction, found: dict[str, str | int]) -> Step:
    left_fen = aid_fen * part.numerator // part.denominator
    return Step(name, CLAUSE_AID, left_fen > 0, {**found, "part": str(part), "aid_fen": left_fen})


def _billed(plan: PlanTerms, figures: Figures) -> Follow | None:
    """Return what is granted at once and against bills, where the plan asks for them."""
    terms = plan.reimbursement
    if terms is None:
        return None

    def follow(most_fen: int) -> Step:
        at_once_fen = terms.at_once_fen(most_fen)
        bills_fen = terms.bills_fen(most_fen, figures.case_spend_fen)
        found: dict[str, str | int] = {
            "most_fen": most_fen,
            "at_once_fen": at_once_fen,
            "spend_fen": figures.case_spend_fen,
            "deductible_fen": terms.deductible_fen,
            "part": str(terms.part),
            "bills_fen": bills_fen,
            "aid_fen": at_once_fen + bills_fen,
        }
        return Step("billed", CLAUSE_AID, at_once_fen + bills_fen > 0, found)

    return follow


def _rest_of_case(figures: Figures) -> Follow | None:
    """Return what earlier parts of the case leave to this one."""
    if not figures.is_part:
        return None

    def follow(case_fen: int) -> Step:
        rest_fen = max(case_fen - figures.earlier_aid_fen, 0)
        found: dict[str, str | int] = {
            "case_fen": case_fen,
            "earlier_fen": figures.earlier_aid_fen,
            "aid_fen": rest_fen,
        }
        return Step("rest", CLAUSE_AID, rest_fen > 0, found)

    return follow


def _within_lifetime(plan: PlanTerms, earlier_fen: int) -> Follow | None:
    """Return what earlier cases leave of the most for one person."""
    cap_fen = plan.lifetime_cap_fen
    if cap_fen is None:
        return None

    def follow(aid_fen: int) -> Step:
        left_fen = max(cap_fen - earlier_fen, 0)
        found: dict[str, str | int] = {
            "cap_fen": cap_fen,
            "earlier_fen": earlier_fen,
            "left_fen": left_fen,
            "aid_fen": min(aid_fen, left_fen),
        }
        return Step("lifetime", CLAUSE_AID, left_fen > 0, found)

    return follow


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


def _what_it_ends(plan: PlanTerms, *, is_in_the_wait: bool) -> dict[str, str | int]:
    """Return what becomes of the membership where an event lies in the wait; nothing where it goes on."""
    return {"ends": "shares_back"} if is_in_the_wait and plan.illness_in_wait == "shares_back" else {}


def _why_so_long(plan: PlanTerms, cause: Cause, joined_age: int) -> dict[str, str | int]:
    """Return what a waiting period went by; nothing where everybody has the same."""
    why: dict[str, str | int] = {}
    if plan.waiting_rules:
        why["cause"] = cause
    if plan.waiting_asks_for_age:
        why["joined_age"] = joined_age
    return why
