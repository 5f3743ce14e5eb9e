"""What a plan makes of costs and members: its terms handed to the arithmetic. Pure.

Bills and everything that asks what rules would cost go through this one function.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ledger.sharing.apportion import (
    Costs,
    FeeRule,
    Group,
    Sharing,
    case_cap_excess_fen,
    compute_shares,
    room_under_caps,
)
from members.pools.plan_terms import PlanTerms


@dataclass(frozen=True, slots=True)
class Rooms:
    """What members may still be charged in a period: (class, fen, members), where caps reach over several periods.

    is_run_off: one of these caps is that of the run-off. Then whoever the plan names for it pays what members do not,
    whatever else it says of caps, and nothing more is put by.
    """

    rows: Sequence[tuple[int, int, int]]
    is_run_off: bool = False


def share_out(
    plan: PlanTerms,
    *,
    counts: Mapping[int, int],
    aid_fens: tuple[int, ...],
    other_costs_fen: int = 0,
    carry_in_fen: int = 0,
    reserve_fen: int = 0,
    rooms: Rooms | None = None,
) -> Sharing:
    """Divide one period under a plan. counts: members per class; amounts in fen.

    reserve_fen: what the reserve holds; a plan that says nothing of a reserve leaves it alone. rooms: None where nobody
    has been charged anything yet that a cap counts.

    Raises: KeyError for a class that the plan does not have; ShareInputError.
    """
    if rooms is not None and rooms.is_run_off:
        plan = replace(plan, on_cap="redistribute", on_infeasible="sponsor")
    groups, fee_rule = _groups(plan, counts, rooms), _fee_rule(plan)
    reserve_fen = reserve_fen if plan.reserve else 0
    taken_over_fen = _sponsored_fen(plan, groups, aid_fens, fee_rule)
    aid_and_fee_fen = sum(aid_fens) + fee_rule.fee(sum(aid_fens))
    contribution_fen = 0
    if rooms is None or not rooms.is_run_off:
        contribution_fen = _reserve_contribution_fen(
            plan,
            groups,
            aid_and_fee_fen=aid_and_fee_fen,
            need_fen=aid_and_fee_fen + other_costs_fen - carry_in_fen - taken_over_fen,
            reserve_fen=reserve_fen,
        )
    return compute_shares(
        groups=groups,
        costs=Costs(
            aid_fens=aid_fens,
            other_costs_fen=other_costs_fen,
            reserve_contribution_fen=contribution_fen,
            reserve_fen=reserve_fen,
            carry_in_fen=carry_in_fen,
            sponsored_fen=taken_over_fen,
        ),
        fee_rule=fee_rule,
        on_cap=plan.on_cap,
        on_infeasible=plan.on_infeasible,
    )


def sponsored_fen(plan: PlanTerms, *, counts: Mapping[int, int], aid_fens: tuple[int, ...]) -> int:
    """Return what a cap per case leaves to the sponsor, whatever caps of time do afterwards (fen)."""
    return _sponsored_fen(plan, _groups(plan, counts), aid_fens, _fee_rule(plan))


def _groups(plan: PlanTerms, counts: Mapping[int, int], rooms: Rooms | None = None) -> tuple[Group, ...]:
    """Return members who are alike: of one class, and with one room where caps count what came before."""
    if rooms is not None:
        return tuple(
            Group(class_no=class_no, count=count, weight=plan.weight_of(class_no), cap_fen=room_fen)
            for class_no, room_fen, count in rooms.rows
        )
    return tuple(
        Group(
            class_no=class_no,
            count=count,
            weight=plan.weight_of(class_no),
            cap_fen=plan.member_cap_fen,
        )
        for class_no, count in counts.items()
    )


def _fee_rule(plan: PlanTerms) -> FeeRule:
    return FeeRule(rate=plan.fee.rate, fixed_fen=plan.fee.fixed_fen, ceiling_fen=plan.fee.ceiling_fen)


def _sponsored_fen(
    plan: PlanTerms, groups: tuple[Group, ...], aid_fens: tuple[int, ...], fee_rule: FeeRule
) -> int:
    payers_weight = sum(group.total_weight for group in groups)
    if plan.per_case_cap_fen is None or payers_weight == 0:
        return 0
    return case_cap_excess_fen(
        aid_fens=aid_fens,
        fee_rule=fee_rule,
        case_cap_fen=plan.per_case_cap_fen,
        payers_weight=payers_weight,
        base_weight=plan.base_weight,
    )


def _reserve_contribution_fen(
    plan: PlanTerms, groups: tuple[Group, ...], *, aid_and_fee_fen: int, need_fen: int, reserve_fen: int
) -> int:
    """Return what goes into the reserve (fen): as the plan says, up to its target, as far as caps leave room.

    So a period in which a cap is reached puts nothing by: nobody's aid is cut, and no sponsor pays, for the reserve.
    """
    if plan.reserve is None or not any(group.count for group in groups):
        return 0
    room_fen = room_under_caps(groups, on_cap=plan.on_cap)
    wanted_fen = min(plan.reserve.contribution(aid_and_fee_fen), plan.reserve.target_fen - reserve_fen)
    return max(0, wanted_fen if room_fen is None else min(wanted_fen, room_fen - need_fen))
