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
    "year_cap_fen",
    "reserve",
    "vesting",
    "waiting_rules",
    "report_days",
    # Who may ask again, not what is shared.
    "appeal_days",
    # How often one may object.
    "objections_per_period",
    # How many people decide, not how much.
    "two_deciders_from_fen",
    "jury",
    # What an investigation may cost and who bears it; what it did cost is booked.
    "investigation",
    "lifetime_cap_fen",
    "one_aid_ends",
    "by_invitation",
    # By which paper somebody joins.
    "documents",
    "return_after_removal_days",
    # Where somebody goes on, or comes from, at the last age: who is counted is in the headcount.
    "successor",
    "takes_over",
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
    # What follows from an unpaid share changes none.
    "arrears",
    # Who stays when rules change is in the headcount.
    "change_by",
    # What it costs to give shares back is read from the books.
    "illness_in_wait",
    # By which way a share is paid changes none.
    "debit",
}
FEE_TERMS = {"rate", "fixed_fen", "ceiling_fen"}
CAPS = ("period_cap_fen", "year_cap_fen")
# A class, what one of it may still be charged at most, how many may.
Room = tuple[int, int | None, int]
# A class, how many pay alike, the weight, the cap of each.
Payer = tuple[int, int, int, int | None]
RESERVE_TERMS = {"target_fen", "contribution_fen", "contribution_rate", "goes_to"}


class UnknownTermsError(ValueError):
    """The plan holds a term that this recomputation does not understand."""


@dataclass(frozen=True)
class Bill:
    """What a period must charge: shares by class number, which whoever has less room is charged only up to it.

    aid: what is shared now; need: what members bear of it all.
    """

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
    rooms: list[Room] | None = None,
    run_off: bool = False,
) -> Bill:
    """Return every figure of the bill of a period with those members per class and those awards.

    reserve: what it holds; a plan without one leaves it alone. rooms: what members may still be charged, where caps
    count what they were charged before. run_off: one of them is the cap of the run-off: what members do not bear,
    somebody else pays, and nothing is put by.

    Raises: UnknownTermsError; KeyError for a class that the plan does not name.
    """
    _understand(terms)
    reserve = reserve if terms.get("reserve") else 0
    weights = {row["class_no"]: row["weight"] for row in terms["classes"]}
    most = min((terms[name] for name in CAPS if name in terms), default=None)
    if rooms is None:
        rooms = [(class_no, most, count) for class_no, count in members.items()]
    payers = [(class_no, count, weights[class_no], cap) for class_no, cap, count in rooms if count]
    total_weight = sum(count * weight for _no, count, weight, _cap in payers)
    takes_all = terms.get("on_cap") == "reserve_pays" and not run_off
    sponsor_pays = run_off or takes_all or terms.get("on_infeasible", "sponsor") == "sponsor"
    aid = sum(aids)
    the_fee = fee(terms["fee"], aid)
    case_cap = terms.get("per_case_cap_fen")
    sponsored = (
        above_case_cap(aids, the_fee, case_cap, total_weight, min(weights.values())) if case_cap else 0
    )
    besides = other_costs - carry_in - sponsored
    contribution = 0 if run_off else into_reserve(terms, payers, aid + the_fee, besides, reserve)
    borne_at_most = all_caps(payers)
    if borne_at_most is not None and payers and not sponsor_pays:
        room = borne_at_most + reserve - besides - contribution
        if aid + the_fee > room:
            aid = affordable_aid(terms["fee"], aid, room)
            the_fee = fee(terms["fee"], aid)
    need = aid + the_fee + besides + contribution
    shares = capped_shares(payers, max(0, need), takes_all=takes_all)
    assessed = sum(count * charge(shares[class_no], cap) for class_no, count, _weight, cap in payers)
    left = max(0, need - assessed) if payers else 0
    drawn = min(reserve, left)
    if sponsor_pays:
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


def charge(share: int, cap: int | None) -> int:
    """Return what a member of a class with that share is charged: no more than there is room for."""
    return share if cap is None else min(share, cap)


def all_caps(payers: list[Payer]) -> int | None:
    """Return what all payers together may be charged; None where somebody has no cap."""
    together = 0
    for _no, count, _weight, cap in payers:
        if cap is None:
            return None
        together += count * cap
    return together


def into_reserve(
    terms: Mapping[str, Any], payers: list[Payer], costs: int, besides: int, reserve: int
) -> int:
    """Return what goes into the reserve on costs of aid and fee: up to its target, and only where no cap is met."""
    rules = terms.get("reserve")
    if not rules or not payers:
        return 0
    numerator, _, denominator = rules.get("contribution_rate", "0").partition("/")
    wanted = rules.get("contribution_fen", 0) + up(costs * int(numerator), int(denominator or 1))
    room = all_caps(payers) or 0
    if terms.get("on_cap") == "reserve_pays":
        total_weight = sum(count * weight for _no, count, weight, _cap in payers)
        room = min((cap or 0) * total_weight // weight for _no, _count, weight, cap in payers)
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


def capped_shares(payers: list[Payer], need: int, *, takes_all: bool) -> dict[int, int]:
    """Return the share of each class: need by weight, rounded up; whoever has less room is charged the room.

    What caps keep from some the others bear: everyone whose part would be above the cap is set aside with the cap, and
    the rest is divided anew until nobody is. Where somebody else takes all of it (`takes_all`), they bear no more.
    """
    free, rest = payers, need
    while free:
        total = sum(count * weight for _no, count, weight, _cap in free)
        over = [payer for payer in free if payer[3] is not None and rest * payer[2] > payer[3] * total]
        if not over or takes_all:
            shares = {class_no: up(rest * weight, total) for class_no, _count, weight, _cap in payers}
            return {no: charge(share, largest_room(payers, no)) for no, share in shares.items()}
        rest -= sum(count * (cap or 0) for _no, count, _weight, cap in over)
        free = [payer for payer in free if payer not in over]
    return {class_no: largest_room(payers, class_no) or 0 for class_no, *_rest in payers}


def largest_room(payers: list[Payer], class_no: int) -> int | None:
    """Return the most that a member of a class may be charged; None where one has no cap."""
    caps = [cap for no, _count, _weight, cap in payers if no == class_no]
    return None if None in caps else max(cap for cap in caps if cap is not None)


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
