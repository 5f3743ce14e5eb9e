"""Recompute a period's bill from plan terms and counts, in plain integers. Pure.

A second way to the same figures as `apportion`, kept apart on purpose: it shares no line with it, works on the
stored JSON of a plan and uses neither fractions nor caps per member, which no plan can express yet. A plan that
says more than this file understands is reported as not checkable, never as right. All amounts in fen.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# From vesting on they say nothing about a bill: how much aid is granted and to whom, for how long rules are announced,
# who runs the pool and how it ends.
TERMS = {
    "fee",
    "calendar",
    "classes",
    "aid",
    "waiting_days",
    "minimum_members",
    "on_cap",
    "on_infeasible",
    "per_case_cap_fen",
    "vesting",
    "waiting_rules",
    "report_days",
    "lifetime_cap_fen",
    "one_aid_ends",
    "notice_days",
    "operator",
    "wind_down",
    # Who is counted below it is said by the headcount, not by the bill.
    "floor",
}
FEE_TERMS = {"rate", "fixed_fen", "ceiling_fen"}


class UnknownTermsError(ValueError):
    """The plan holds a term that this recomputation does not understand."""


@dataclass(frozen=True)
class Bill:
    """What a period must charge: shares by class number."""

    fee: int
    sponsored: int
    need: int
    shares: dict[int, int]
    assessed: int
    carry_out: int


def bill(
    terms: Mapping[str, Any],
    members: Mapping[int, int],
    aids: list[int],
    *,
    other_costs: int,
    reserve_contribution: int,
    reserve_drawn: int,
    carry_in: int,
) -> Bill:
    """Return every figure of the bill of a period with those members per class and those awards.

    Raises: UnknownTermsError; KeyError for a class that the plan does not name.
    """
    _understand(terms)
    aid = sum(aids)
    the_fee = fee(terms["fee"], aid)
    weights = {row["class_no"]: row["weight"] for row in terms["classes"]}
    total_weight = sum(count * weights[class_no] for class_no, count in members.items())
    cap = terms.get("per_case_cap_fen")
    sponsored = above_case_cap(aids, the_fee, cap, total_weight, min(weights.values())) if cap else 0
    costs = aid + other_costs + the_fee + reserve_contribution
    need = costs - reserve_drawn - carry_in - sponsored
    shares = {
        class_no: up(need * weights[class_no], total_weight) if need > 0 else 0
        for class_no, count in members.items()
        if count
    }
    assessed = sum(members[class_no] * share for class_no, share in shares.items())
    return Bill(the_fee, sponsored, need, shares, assessed, max(0, assessed - need))


def fee(terms: Mapping[str, Any], aid: int) -> int:
    """Return the operator's fee on a period's aid: rate rounded up once, plus the fixed sum, up to the ceiling."""
    numerator, _, denominator = terms["rate"].partition("/")
    total = int(terms.get("fixed_fen") or 0) + up(aid * int(numerator), int(denominator or 1))
    ceiling = terms.get("ceiling_fen")
    return total if ceiling is None else min(total, int(ceiling))


def above_case_cap(aids: list[int], the_fee: int, cap: int, total_weight: int, base_weight: int) -> int:
    """Return what of the cases, each with its part of the fee, lies above the cap per case, rounded down once.

    A case of a fen with fee φ on aid A counts a·(A + φ)/A, of which members bear cap × total weight / base
    weight; both sides are brought to the denominator A × base weight.
    """
    aid = sum(aids)
    if not aid or not total_weight:
        return 0
    borne = cap * total_weight * aid
    over = sum(max(0, one * (aid + the_fee) * base_weight - borne) for one in aids)
    return over // (aid * base_weight)


def up(numerator: int, denominator: int) -> int:
    """Divide and round up."""
    return -(-numerator // denominator)


def _understand(terms: Mapping[str, Any]) -> None:
    unknown = sorted((terms.keys() - TERMS) | (terms["fee"].keys() - FEE_TERMS))
    if unknown:
        raise UnknownTermsError(f"terms this recomputation does not know: {', '.join(unknown)}")
