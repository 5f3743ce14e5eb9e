"""Divide the need of one period over its members, exactly and in whole fen.

Pure arithmetic: integers and `Fraction`, no clock, no database, no float. The period task, the dry
run and the rule sandbox all call this one file, so a previewed share can't differ from a charged one.

Terms: A aid, Φ fee, W what else is to be shared, R reserve contribution, V reserve drawn, C carry,
E what a sponsor pays, S all shares assessed. The need is N = A + W + Φ + R − C_in − V. Everyone owes
the quota q = min(cap, level × weight) and is charged ceil(q): the period is summed first and rounded
once, because rounding each case on its own would overcharge a big pool several times over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import Literal, get_args

OnCap = Literal["redistribute", "reserve_pays"]
OnInfeasible = Literal["sponsor", "reduce_aid", "defer"]


class ShareInputError(ValueError):
    """Refuse figures that can't be shared out, naming the figure and the value that broke the rule."""

    def __init__(self, field: str, value: object, rule: str) -> None:
        super().__init__(f"{field} = {value!r}: {rule}")
        self.field = field
        self.value = value
        self.rule = rule


class SharingBrokenError(AssertionError):
    """Report a result that breaks a guarantee: a fault in this file, never of its input."""


@dataclass(frozen=True, slots=True)
class Group:
    """Describe members who are alike: one class, one weight, one cap.

    A cap is what each of them may be charged this period at most, in whole fen; None means no cap.
    A yearly cap becomes a cap of the period through `room_this_year`; a prepaid plan that respreads
    short balances passes min(cap, balance). Members with different room are different groups.
    """

    class_no: int
    count: int
    weight: int
    cap_fen: int | None = None

    def __post_init__(self) -> None:
        _require_int("class_no", self.class_no, at_least=0)
        _require_int("count", self.count, at_least=0)
        _require_int("weight", self.weight, at_least=1)
        if self.cap_fen is not None:
            _require_int("cap_fen", self.cap_fen, at_least=0)

    @property
    def total_weight(self) -> int:
        return self.count * self.weight


@dataclass(frozen=True, slots=True)
class FeeRule:
    """State what the operator may take: a rate on the aid, a fixed sum per period, and a ceiling."""

    rate: Fraction
    fixed_fen: int = 0
    ceiling_fen: int | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.rate, Fraction) or not 0 <= self.rate <= 1:
            raise ShareInputError("rate", self.rate, "must be a Fraction from 0 to 1")
        _require_int("fixed_fen", self.fixed_fen, at_least=0)
        if self.ceiling_fen is not None:
            _require_int("ceiling_fen", self.ceiling_fen, at_least=0)

    def fee(self, aid_fen: int) -> int:
        """Return the fee in fen on the whole aid of a period.

        Rounded up once per period, never per case. Never falls when the aid grows.
        """
        _require_int("aid_fen", aid_fen, at_least=0)
        fee_fen = self.fixed_fen + ceil(self.rate * aid_fen)
        return fee_fen if self.ceiling_fen is None else min(fee_fen, self.ceiling_fen)


@dataclass(frozen=True, slots=True)
class Costs:
    """List what a period has to raise, in fen.

    `aid_fens` holds one amount per award, in an order the caller keeps (the order of the award codes):
    results name awards by their place in it. `carry_in_fen` may be negative here, a deficit; the
    books show a deficit as one of the other costs instead. `sponsored_fen` is what a sponsor has
    already taken over before anything is summed, see `case_cap_excess_fen`. `reserve_fen` is what the
    reserve holds: it pays what caps keep from the members, before anybody else does.
    """

    aid_fens: tuple[int, ...]
    other_costs_fen: int = 0
    reserve_contribution_fen: int = 0
    reserve_fen: int = 0
    carry_in_fen: int = 0
    sponsored_fen: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.aid_fens, tuple):
            raise ShareInputError("aid_fens", self.aid_fens, "must be a tuple of amounts")
        for place, aid_fen in enumerate(self.aid_fens):
            _require_int(f"aid_fens[{place}]", aid_fen, at_least=0)
        _require_int("other_costs_fen", self.other_costs_fen, at_least=0)
        _require_int("reserve_contribution_fen", self.reserve_contribution_fen, at_least=0)
        _require_int("reserve_fen", self.reserve_fen, at_least=0)
        _require_int("carry_in_fen", self.carry_in_fen)
        _require_int("sponsored_fen", self.sponsored_fen, at_least=0)

    @property
    def aid_fen(self) -> int:
        return sum(self.aid_fens)

    @property
    def besides_aid_and_fee_fen(self) -> int:
        """Return W + R − C_in less the part a sponsor has already taken over; may be negative."""
        raised = self.other_costs_fen + self.reserve_contribution_fen
        return raised - self.carry_in_fen - self.sponsored_fen


@dataclass(frozen=True, slots=True)
class ClassShare:
    """Give the share of every member of one class: the exact quota and the whole fen charged."""

    class_no: int
    count: int
    weight: int
    share_fen: int
    quota: Fraction
    cap_fen: int | None = None

    @property
    def total_fen(self) -> int:
        return self.count * self.share_fen

    @property
    def is_capped(self) -> bool:
        return self.cap_fen is not None and self.quota == self.cap_fen


@dataclass(frozen=True, slots=True)
class WalletDraw:
    """Say what each member of one class pays from a prepaid balance, and what is left there, in fen."""

    class_no: int
    count: int
    share_fen: int
    paid_fen: int
    balance_after_fen: int

    @property
    def gap_fen(self) -> int:
        """Return what each of them falls short by: a deficit of the pool, which the next need takes over."""
        return self.share_fen - self.paid_fen


@dataclass(frozen=True, slots=True)
class Sharing:
    """Hold the result of dividing a period. Amounts in fen.

    Always true: S + E + V + C_in + shortfall = A + W + Φ + R + C_out, with A the aid shared now.

    need_fen: A + W + Φ + R − C_in − what a sponsor took over before; the quotas are of this need.
    level: the quota of weight 1 with no cap. aid_fens: per award, what is shared now. deferred_fens:
    per award, what waits for a later period (only under defer). original_need_fen: the need before
    any aid was reduced or deferred. reserve_contribution_fen: R. reserve_drawn_fen: V. sponsor_fen: E.
    shortfall_fen: what nobody pays, so the period can't be posted as it stands; more than 0 without
    payers, or when reduced aid is still too much.
    """

    fee_fen: int
    need_fen: int
    original_need_fen: int
    level: Fraction
    shares: tuple[ClassShare, ...]
    assessed_fen: int
    carry_out_fen: int
    reserve_contribution_fen: int
    reserve_drawn_fen: int
    sponsor_fen: int
    shortfall_fen: int
    aid_fens: tuple[int, ...]
    deferred_fens: tuple[int, ...]

    @property
    def aid_fen(self) -> int:
        return sum(self.aid_fens)

    @property
    def deferred_fen(self) -> int:
        return sum(self.deferred_fens)

    @property
    def borne_fen(self) -> int:
        """Return what of the need members bear: S − C_out; below 0 where the carry is more than the costs."""
        return self.assessed_fen - self.carry_out_fen

    @property
    def has_payers(self) -> bool:
        return any(share.count for share in self.shares)

    @property
    def charged_count(self) -> int:
        """Return how many members are charged more than nothing."""
        return sum(share.count for share in self.shares if share.share_fen)


def compute_shares(
    *,
    groups: Sequence[Group],
    costs: Costs,
    fee_rule: FeeRule,
    on_cap: OnCap = "redistribute",
    on_infeasible: OnInfeasible = "sponsor",
) -> Sharing:
    """Divide a period's need over its members and return every figure of the bill.

    on_cap: `redistribute` lets members with room bear what a cap keeps from others, down to the level
    at which the quotas meet the need; `reserve_pays` charges everyone the smaller of cap and uncapped
    share, and the reserve (V), then a sponsor (E) pays the rest, so nothing is ever infeasible.
    on_infeasible, when the need is more than all caps and the reserve together: `sponsor` pays the rest (E);
    `reduce_aid` lowers the aid to the largest affordable sum, the fee following it; `defer` shares
    that same sum now and leaves the rest of each award for a later period. Reduced and deferred aid
    are split in proportion over all awards, so that nobody's place in a queue decides.

    Guarantees: no charge above its cap or below its quota; 0 ≤ carry-out < members charged whenever
    there is a need; without payers an explicit shortfall and aid untouched, whatever the switches; for
    a given need shared, one more fen of it never lowers a charge, one more member never raises one.
    Raises ShareInputError on a figure out of range, a class listed twice, or an unknown switch.
    """
    _check_switches(groups, on_cap, on_infeasible)
    limit_fen = None if on_cap == "reserve_pays" or on_infeasible == "sponsor" else _sum_of_caps(groups)
    if limit_fen is not None:
        limit_fen += costs.reserve_fen
    full_aid_fen = costs.aid_fen
    full_need_fen = _need(full_aid_fen, costs, fee_rule)
    if limit_fen is None or full_need_fen <= limit_fen or not _has_payers(groups):
        aid_fens = costs.aid_fens
    else:
        aid_fens = _affordable_aids(costs, fee_rule, limit_fen)

    need_fen = _need(sum(aid_fens), costs, fee_rule)
    level = _level(groups, need_fen, on_cap)
    shares = tuple(_class_share(group, level) for group in groups)
    assessed_fen = sum(share.total_fen for share in shares)
    unmet_fen = max(0, need_fen - assessed_fen)
    drawn_fen = min(costs.reserve_fen, unmet_fen) if _has_payers(groups) else 0
    unmet_fen -= drawn_fen
    sponsor_pays = limit_fen is None and _has_payers(groups)
    waits = on_infeasible == "defer"
    sharing = Sharing(
        fee_fen=fee_rule.fee(sum(aid_fens)),
        need_fen=need_fen,
        original_need_fen=full_need_fen,
        level=level,
        shares=shares,
        assessed_fen=assessed_fen,
        carry_out_fen=max(0, assessed_fen - need_fen),
        reserve_contribution_fen=costs.reserve_contribution_fen,
        reserve_drawn_fen=drawn_fen,
        sponsor_fen=costs.sponsored_fen + (unmet_fen if sponsor_pays else 0),
        shortfall_fen=0 if sponsor_pays else unmet_fen,
        aid_fens=aid_fens,
        deferred_fens=tuple(
            full - now if waits else 0 for full, now in zip(costs.aid_fens, aid_fens, strict=True)
        ),
    )
    _ensure_guarantees(sharing, costs)
    return sharing


def room_this_year(
    *, period_cap_fen: int | None, annual_cap_fen: int | None, paid_this_year_fen: int
) -> int | None:
    """Return what a member may still be charged this period, in fen; None when nothing limits it.

    The year is the calendar year of the charge day. A cap lowered in mid-year leaves no room rather
    than a negative one.
    """
    _require_int("paid_this_year_fen", paid_this_year_fen, at_least=0)
    if annual_cap_fen is None:
        return period_cap_fen
    room_fen = max(0, annual_cap_fen - paid_this_year_fen)
    return room_fen if period_cap_fen is None else min(period_cap_fen, room_fen)


def room_under_caps(groups: Sequence[Group], *, on_cap: OnCap) -> int | None:
    """Return the largest need that nobody but the members bears, in fen; None when nothing limits it.

    Under `redistribute` all caps together; under `reserve_pays` the need at which the first group meets its cap.
    """
    limit_fen = _sum_of_caps(groups)
    if limit_fen is None or on_cap == "redistribute" or not _has_payers(groups):
        return limit_fen
    weight = sum(group.total_weight for group in groups)
    return min((group.cap_fen or 0) * weight // group.weight for group in groups if group.count)


def case_cap_excess_fen(
    *, aid_fens: tuple[int, ...], fee_rule: FeeRule, case_cap_fen: int, payers_weight: int, base_weight: int
) -> int:
    """Return what a cap per case keeps from the members and a sponsor takes over, in fen.

    The cap covers a case's aid with its proportional part of the period's fee: the members bear at
    most cap × (payers' weight / base weight) of it. The sum is rounded down once, so the members bear
    the fraction of a fen. Hand the result to `Costs.sponsored_fen`.
    Raises ShareInputError when there is nobody to pay: that is a shortfall, not a capped case.
    """
    _require_int("case_cap_fen", case_cap_fen, at_least=0)
    _require_int("payers_weight", payers_weight, at_least=1)
    _require_int("base_weight", base_weight, at_least=1)
    aid_fen = sum(aid_fens)
    if aid_fen == 0:
        return 0
    with_fee = Fraction(aid_fen + fee_rule.fee(aid_fen), aid_fen)
    borne = Fraction(case_cap_fen * payers_weight, base_weight)
    return floor(sum((max(Fraction(0), case_fen * with_fee - borne) for case_fen in aid_fens), Fraction(0)))


def draw_wallets(shares: Sequence[ClassShare], balances_fen: Mapping[int, int]) -> tuple[WalletDraw, ...]:
    """Return what members of prepaid classes pay of their shares, each as far as the balance reaches.

    balances_fen: per class what each of its members has paid in. The share stands where the balance is short;
    plans that spread the gap over those with room cap each group at its balance before sharing instead.
    Raises ShareInputError on a class without a balance or with a negative one.
    """
    draws = []
    for share in shares:
        balance_fen = balances_fen.get(share.class_no)
        _require_int(f"balances_fen[{share.class_no}]", balance_fen, at_least=0)
        assert balance_fen is not None
        paid_fen = min(share.share_fen, balance_fen)
        draws.append(
            WalletDraw(share.class_no, share.count, share.share_fen, paid_fen, balance_fen - paid_fen)
        )
    return tuple(draws)


def split_by_largest_remainder(amount_fen: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Split an amount in proportion to weights into whole fen that sum to it exactly.

    Used for awards only. Members are never charged this way: equal members would differ by a fen and
    a larger need could lower a charge. Equal remainders go to the larger weight, then the earlier place.
    """
    total = sum(weights)
    if total == 0:
        if amount_fen:
            raise ShareInputError("weights", tuple(weights), f"can't take a share of {amount_fen}")
        return tuple(0 for _ in weights)
    floors = [amount_fen * weight // total for weight in weights]
    left_fen = amount_fen - sum(floors)
    by_remainder = sorted(
        range(len(weights)), key=lambda i: (-(amount_fen * weights[i] % total), -weights[i], i)
    )
    for place in by_remainder[:left_fen]:
        floors[place] += 1
    return tuple(floors)


def _need(aid_fen: int, costs: Costs, fee_rule: FeeRule) -> int:
    return aid_fen + fee_rule.fee(aid_fen) + costs.besides_aid_and_fee_fen


def _has_payers(groups: Sequence[Group]) -> bool:
    return any(group.count for group in groups)


def _sum_of_caps(groups: Sequence[Group]) -> int | None:
    """Return the most that caps let the members pay together; None when somebody has no cap."""
    total_fen = 0
    for group in groups:
        if group.count and group.cap_fen is None:
            return None
        total_fen += group.count * (group.cap_fen or 0)
    return total_fen


def _affordable_aids(costs: Costs, fee_rule: FeeRule, limit_fen: int) -> tuple[int, ...]:
    """Lower the aid to the largest sum whose need is within the limit, every award in proportion."""
    aid_fen = _largest_passing(costs.aid_fen, lambda aid: _need(aid, costs, fee_rule) <= limit_fen)
    return split_by_largest_remainder(aid_fen, costs.aid_fens)


def _largest_passing(failing: int, passes: Callable[[int], bool]) -> int:
    """Find by halving the largest whole number below `failing` that passes; 0 when none does."""
    passing = 0
    while failing - passing > 1:
        middle = (passing + failing) // 2
        if passes(middle):
            passing = middle
        else:
            failing = middle
    return passing


def _level(groups: Sequence[Group], need_fen: int, on_cap: OnCap) -> Fraction:
    """Return the quota of weight 1, before its cap."""
    weight = sum(group.total_weight for group in groups)
    if need_fen <= 0 or weight == 0:
        return Fraction(0)
    if on_cap == "reserve_pays":
        return Fraction(need_fen, weight)
    return _water_level(groups, need_fen, weight)


def _water_level(groups: Sequence[Group], need_fen: int, weight: int) -> Fraction:
    """Return the level at which quotas under their caps meet the need exactly.

    Groups are fixed at their cap in the order in which a rising level reaches it; each one fixed can
    only raise the level for the rest, so one pass finds it. When the caps can't meet the need, the
    result is the level that puts everyone at the cap.
    """
    level = Fraction(0)
    capped = [(Fraction(g.cap_fen, g.weight), g) for g in groups if g.count and g.cap_fen is not None]
    for reached_at, group in sorted(capped, key=lambda pair: pair[0]):
        if need_fen < reached_at * weight:
            break
        need_fen -= int(reached_at * group.total_weight)
        weight -= group.total_weight
        level = reached_at
    return Fraction(need_fen, weight) if weight else level


def _class_share(group: Group, level: Fraction) -> ClassShare:
    quota = level * group.weight
    if group.cap_fen is not None:
        quota = min(quota, Fraction(group.cap_fen))
    return ClassShare(
        class_no=group.class_no,
        count=group.count,
        weight=group.weight,
        share_fen=ceil(quota),
        quota=quota,
        cap_fen=group.cap_fen,
    )


def _require_int(field: str, value: object, *, at_least: int | None = None) -> None:
    """Refuse anything but a true integer: a float or a bool in a money figure is a mistake upstream."""
    if type(value) is not int:
        raise ShareInputError(field, value, "must be an integer")
    if at_least is not None and value < at_least:
        raise ShareInputError(field, value, f"must be at least {at_least}")


def _check_switches(groups: Sequence[Group], on_cap: str, on_infeasible: str) -> None:
    if on_cap not in get_args(OnCap):
        raise ShareInputError("on_cap", on_cap, f"must be one of {get_args(OnCap)}")
    if on_infeasible not in get_args(OnInfeasible):
        raise ShareInputError("on_infeasible", on_infeasible, f"must be one of {get_args(OnInfeasible)}")
    seen: set[tuple[int, int | None]] = set()
    for group in groups:
        if (group.class_no, group.cap_fen) in seen:
            raise ShareInputError("class_no", group.class_no, "is listed twice with one cap")
        seen.add((group.class_no, group.cap_fen))


def _ensure_guarantees(sharing: Sharing, costs: Costs) -> None:
    """Raise SharingBrokenError unless the promises of `compute_shares` hold for this very result."""
    for share in sharing.shares:
        _ensure(0 <= share.quota <= share.share_fen < share.quota + 1, "share is the quota rounded up", share)
        _ensure(share.cap_fen is None or share.share_fen <= share.cap_fen, "no share above its cap", share)
    if sharing.need_fen > 0:
        surplus_limit = max(1, sharing.charged_count)
        _ensure(0 <= sharing.carry_out_fen < surplus_limit, "carry-out below members charged", sharing)
    else:
        _ensure(sharing.assessed_fen == 0, "no need, no charge", sharing)
    for full_fen, now_fen, later_fen in zip(
        costs.aid_fens, sharing.aid_fens, sharing.deferred_fens, strict=True
    ):
        _ensure(0 <= now_fen <= full_fen and 0 <= later_fen <= full_fen - now_fen, "no award grows", sharing)
    _ensure(sharing.reserve_drawn_fen <= costs.reserve_fen, "the reserve pays what it has", sharing)
    paid_in = sharing.assessed_fen + sharing.sponsor_fen + sharing.reserve_drawn_fen + costs.carry_in_fen
    used = sharing.aid_fen + costs.other_costs_fen + sharing.fee_fen + costs.reserve_contribution_fen
    _ensure(paid_in + sharing.shortfall_fen == used + sharing.carry_out_fen, "income equals expense", sharing)


def _ensure(holds: bool, guarantee: str, shown: object) -> None:
    # Not an assert statement: the guarantee must hold under python -O too.
    if not holds:
        raise SharingBrokenError(f"{guarantee}: {shown!r}")
