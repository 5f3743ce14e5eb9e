"""Recompute a period's bill from plan terms and counts, in plain integers. Pure.

A second way to the same figures as `apportion`, kept apart on purpose: it shares no line with it, works on the
stored JSON of a plan and uses no fractions. A plan that says more than this file understands is reported as not
checkable, never as right. All amounts in fen.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# From vesting on they say nothing about a bill: how much aid is granted and to whom, for how long rules are announced,
# who runs the pool, who sponsors it and how it ends.
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
    "period_cap_fen",
    "reserve",
    "vesting",
    "waiting_rules",
    "report_days",
    "lifetime_cap_fen",
    "one_aid_ends",
    "spend_steps",
    "case_steps",
    "reimbursement",
    "notice_days",
    "operator",
    "wind_down",
    # Who is counted below it is said by the headcount, not by the bill.
    "floor",
    "sponsor",
    # From where a share is paid, not how much it is.
    "funding",
}
FEE_TERMS = {"rate", "fixed_fen", "ceiling_fen"}
RESERVE_TERMS = {"target_fen", "contribution_fen", "contribution_rate", "goes_to"}


class UnknownTermsError(ValueError):
    """The plan holds a term that this recomputation does not understand."""


@dataclass(frozen=True)
class Bill:
    """What a period must charge: shares by class number. aid: what is shared now; need: what members bear of it all."""

    aid: int
    fee: int
    contribution: int
    drawn: int
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
    carry_in: int,
    reserve: int = 0,
) -> Bill:
    """Return every figure of the bill of a period with those members per class and those awards.

    reserve: what it holds; a plan without one leaves it alone.

    Raises: UnknownTermsError; KeyError for a class that the plan does not name.
    """
    _understand(terms)
    reserve = reserve if terms.get("reserve") else 0
    weights = {row["class_no"]: row["weight"] for row in terms["classes"]}
    payers = [(class_no, count, weights[class_no]) for class_no, count in members.items() if count]
    total_weight = sum(count * weight for _no, count, weight in payers)
    aid = sum(aids)
    the_fee = fee(terms["fee"], aid)
    case_cap, cap = terms.get("per_case_cap_fen"), terms.get("period_cap_fen")
    sponsored = (
        above_case_cap(aids, the_fee, case_cap, total_weight, min(weights.values())) if case_cap else 0
    )
    besides = other_costs - carry_in - sponsored
    contribution = into_reserve(terms, payers, aid + the_fee, besides, reserve)
    takes_all = terms.get("on_cap") == "reserve_pays"
    if cap and payers and not takes_all and terms.get("on_infeasible", "sponsor") != "sponsor":
        room = cap * sum(count for _no, count, _weight in payers) + reserve - besides - contribution
        if aid + the_fee > room:
            aid = affordable_aid(terms["fee"], aid, room)
            the_fee = fee(terms["fee"], aid)
    need = aid + the_fee + besides + contribution
    shares = capped_shares(payers, max(0, need), cap, takes_all=takes_all)
    assessed = sum(count * shares[class_no] for class_no, count, _weight in payers)
    left = max(0, need - assessed) if payers and cap else 0
    drawn = min(reserve, left)
    if takes_all or terms.get("on_infeasible", "sponsor") == "sponsor":
        sponsored += left - drawn
    borne = aid + the_fee + other_costs - carry_in + contribution - drawn - sponsored
    return Bill(
        aid=aid,
        fee=the_fee,
        contribution=contribution,
        drawn=drawn,
        sponsored=sponsored,
        need=borne,
        shares=shares,
        assessed=assessed,
        carry_out=max(0, assessed - need),
    )


def into_reserve(
    terms: Mapping[str, Any], payers: list[tuple[int, int, int]], costs: int, besides: int, reserve: int
) -> int:
    """Return what goes into the reserve on costs of aid and fee: up to its target, and only where no cap is met.

    payers: class, members, weight.
    """
    rules = terms.get("reserve")
    if not rules or not payers:
        return 0
    cap = int(terms["period_cap_fen"])
    numerator, _, denominator = rules.get("contribution_rate", "0").partition("/")
    wanted = rules.get("contribution_fen", 0) + up(costs * int(numerator), int(denominator or 1))
    room = cap * sum(count for _no, count, _weight in payers)
    if terms.get("on_cap") == "reserve_pays":
        total_weight = sum(count * weight for _no, count, weight in payers)
        room = cap * total_weight // max(weight for _no, _count, weight in payers)
    return int(max(0, min(wanted, rules["target_fen"] - reserve, room - costs - besides)))


def affordable_aid(rules: Mapping[str, Any], aid: int, room: int) -> int:
    """Return the most aid, up to that sum, which with its fee is within the room.

    Without a ceiling a + fixed + up(a·n/d) <= room is a·(d + n) <= (room - fixed)·d; and any aid may have the ceiling
    as its fee, so that room less the ceiling is affordable too.
    """
    numerator, _, denominator = rules["rate"].partition("/")
    n, d = int(numerator), int(denominator or 1)
    most = (room - int(rules.get("fixed_fen") or 0)) * d // (d + n)
    if rules.get("ceiling_fen") is not None:
        most = max(most, room - int(rules["ceiling_fen"]))
    return max(0, min(aid, most))


def capped_shares(
    payers: list[tuple[int, int, int]], need: int, cap: int | None, *, takes_all: bool
) -> dict[int, int]:
    """Return the share of each class: need by weight, rounded up, nobody above the cap.

    What the cap keeps from heavier classes the others bear, down to the heaviest that stays below it; where somebody
    else takes all of it (`takes_all`), they bear no more for it.
    """
    if cap is None or takes_all:
        total = sum(count * weight for _no, count, weight in payers)
        shares = {class_no: up(need * weight, total) for class_no, _count, weight in payers}
        return {class_no: share if cap is None else min(cap, share) for class_no, share in shares.items()}
    for heaviest in sorted({weight for _no, _count, weight in payers}, reverse=True):
        rest = need - cap * sum(count for _no, count, weight in payers if weight > heaviest)
        free = sum(count * weight for _no, count, weight in payers if weight <= heaviest)
        if rest * heaviest <= cap * free:
            return {
                class_no: cap if weight > heaviest else up(rest * weight, free)
                for class_no, _count, weight in payers
            }
    return {class_no: cap for class_no, _count, _weight in payers}


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
    reserve = terms.get("reserve") or {}
    unknown = sorted(
        (terms.keys() - TERMS) | (terms["fee"].keys() - FEE_TERMS) | (reserve.keys() - RESERVE_TERMS)
    )
    if unknown:
        raise UnknownTermsError(f"terms this recomputation does not know: {', '.join(unknown)}")
