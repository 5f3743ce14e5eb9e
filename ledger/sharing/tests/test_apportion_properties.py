"""Check the promises of apportionment on generated cases, extremes included.

`AID_SOAK=1` plays fifty times as many, from a fresh seed that hypothesis prints on a failure.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from math import ceil
from typing import Any, get_args

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ledger.sharing import apportion
from ledger.sharing.apportion import (
    Costs,
    FeeRule,
    Group,
    Sharing,
    case_cap_excess_fen,
    compute_shares,
    split_by_largest_remainder,
)
from members.pools import plan_terms
from members.pools.term_reading import MAX_INT

SOAK = os.environ.get("AID_SOAK", "0") not in ("", "0")
PLAYED = settings(
    max_examples=6_000 if SOAK else 120,
    deadline=None,
    derandomize=not SOAK,
    print_blob=SOAK,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)

HUGE = 2**53
ON_CAP = get_args(apportion.OnCap)
ON_INFEASIBLE = get_args(apportion.OnInfeasible)

counts = st.one_of(st.integers(0, 3), st.integers(0, 1_000), st.sampled_from([10**8, HUGE]))
weights = st.one_of(st.integers(1, 4), st.integers(1, 100), st.sampled_from([10**6, HUGE]))
small_fens = st.integers(0, 2_000)
fens = st.one_of(small_fens, st.integers(0, 10**9), st.sampled_from([30_000_000, HUGE, HUGE + 1]))
rates = st.sampled_from([Fraction(0), Fraction(8, 100), Fraction(1, 10), Fraction(1, 3), Fraction(1)])


@st.composite
def fee_rules(draw: st.DrawFn) -> FeeRule:
    ceiling_fen = draw(st.none() | fens)
    return FeeRule(draw(rates), draw(st.just(0) | small_fens), ceiling_fen)


@st.composite
def cost_lists(draw: st.DrawFn) -> Costs:
    return Costs(
        aid_fens=tuple(draw(st.lists(fens, max_size=5))),
        other_costs_fen=draw(st.just(0) | fens),
        reserve_contribution_fen=draw(st.just(0) | small_fens),
        reserve_fen=draw(st.just(0) | small_fens | fens),
        carry_in_fen=draw(st.just(0) | fens | fens.map(lambda fen: -fen)),
        sponsored_fen=draw(st.just(0) | small_fens),
    )


@st.composite
def group_lists(draw: st.DrawFn, *, around: int = 1_000, min_size: int = 0) -> list[Group]:
    """Draw classes whose caps lie on both sides of what an even split of `around` would ask."""
    drawn = draw(st.lists(st.tuples(counts, weights), min_size=min_size, max_size=6))
    weight = sum(count * weight for count, weight in drawn) or 1
    groups = []
    for class_no, (count, own_weight) in enumerate(drawn):
        even = max(0, around) * own_weight // weight
        caps = st.none() | st.integers(0, 2 * even + 3) | st.integers(max(0, even - 2), even + 2)
        groups.append(Group(class_no, count, own_weight, draw(caps)))
    return groups


@st.composite
def cases(draw: st.DrawFn, **fixed: Any) -> dict[str, Any]:
    """Draw the arguments of one sharing."""
    costs, fee_rule = draw(cost_lists()), draw(fee_rules())
    need_fen = costs.aid_fen + fee_rule.fee(costs.aid_fen) + costs.besides_aid_and_fee_fen
    drawn = {
        "groups": draw(group_lists(around=need_fen)),
        "costs": costs,
        "fee_rule": fee_rule,
        "on_cap": draw(st.sampled_from(ON_CAP)),
        "on_infeasible": draw(st.sampled_from(ON_INFEASIBLE)),
    }
    return drawn | fixed


def with_sponsor(case: dict[str, Any]) -> dict[str, Any]:
    """Fix who bears the excess, so that the need shared is the one given."""
    return case | {"on_infeasible": "sponsor"}


def charge_by_class(sharing: Sharing) -> dict[int, int]:
    return {share.class_no: share.share_fen for share in sharing.shares}


def level_by_rounds(groups: list[Group], need_fen: int) -> list[Fraction]:
    """Find the quotas a second way: fix everyone the level puts at the cap, compute again, repeat."""
    fixed: dict[int, Fraction] = {}
    while True:
        free = [g for g in groups if g.class_no not in fixed]
        weight = sum(g.total_weight for g in free)
        rest = need_fen - sum(g.count * fixed[g.class_no] for g in groups if g.class_no in fixed)
        level = Fraction(rest, weight) if weight else Fraction(0)
        reached = [g for g in free if g.count and g.cap_fen is not None and level * g.weight >= g.cap_fen]
        if not reached:
            return [fixed.get(g.class_no, level * g.weight) for g in groups]
        fixed |= {g.class_no: Fraction(g.cap_fen) for g in reached}


def sum_of_caps(groups: list[Group]) -> int | None:
    payers = [g for g in groups if g.count]
    if any(g.cap_fen is None for g in payers):
        return None
    return sum(g.count * g.cap_fen for g in payers)


@PLAYED
@given(cases())
def test_budget_is_met_with_less_than_one_fen_a_payer_over(case):
    sharing = compute_shares(**case)
    if sharing.need_fen > 0:
        assert 0 <= sharing.carry_out_fen < max(1, sharing.charged_count)
        unmet = sharing.shortfall_fen + sharing.sponsor_fen - case["costs"].sponsored_fen
        unmet += sharing.reserve_drawn_fen
        assert sharing.assessed_fen + unmet - sharing.need_fen == sharing.carry_out_fen
        assert unmet == 0 or sharing.carry_out_fen == 0
    else:
        assert (sharing.assessed_fen, sharing.carry_out_fen) == (0, -sharing.need_fen)


@PLAYED
@given(cases())
def test_income_equals_expense(case):
    sharing, costs = compute_shares(**case), case["costs"]
    paid_in = sharing.assessed_fen + sharing.sponsor_fen + sharing.reserve_drawn_fen + costs.carry_in_fen
    used = sharing.aid_fen + costs.other_costs_fen + sharing.fee_fen + costs.reserve_contribution_fen
    assert paid_in + sharing.shortfall_fen == used + sharing.carry_out_fen
    assert sharing.fee_fen == case["fee_rule"].fee(sharing.aid_fen)


@PLAYED
@given(cases())
def test_nobody_is_undercharged_or_charged_a_whole_fen_more(case):
    for share in compute_shares(**case).shares:
        assert share.quota <= share.share_fen < share.quota + 1


@PLAYED
@given(cases())
def test_nobody_is_charged_above_the_cap(case):
    for group, share in zip(case["groups"], compute_shares(**case).shares, strict=True):
        assert group.cap_fen is None or share.share_fen <= group.cap_fen


@PLAYED
@given(cases(on_cap="redistribute", on_infeasible="sponsor"))
def test_quotas_are_those_of_repeated_rounds_and_meet_the_need(case):
    sharing = compute_shares(**case)
    limit_fen = sum_of_caps(case["groups"])
    assume(sharing.need_fen > 0 and sharing.has_payers)
    assume(limit_fen is None or sharing.need_fen <= limit_fen)
    by_rounds = level_by_rounds(case["groups"], sharing.need_fen)
    met = [(g, s.quota, q) for g, s, q in zip(case["groups"], sharing.shares, by_rounds, strict=True)]
    assert all(quota == expected for group, quota, expected in met if group.count)
    assert sum(group.count * quota for group, quota, _ in met) == sharing.need_fen
    assert sharing.sponsor_fen == case["costs"].sponsored_fen


@PLAYED
@given(cases(on_cap="redistribute"))
def test_everyone_pays_the_level_or_the_cap(case):
    sharing = compute_shares(**case)
    for share in sharing.shares:
        uncapped = sharing.level * share.weight
        assert share.quota == (uncapped if share.cap_fen is None else min(uncapped, share.cap_fen))


@PLAYED
@given(cases(on_cap="reserve_pays"))
def test_reserve_pays_exactly_what_caps_keep_from_members(case):
    sharing = compute_shares(**case)
    weight = sum(g.total_weight for g in case["groups"])
    assume(weight)
    need_fen = max(0, sharing.need_fen)
    for group, share in zip(case["groups"], sharing.shares, strict=True):
        uncapped = ceil(Fraction(need_fen * group.weight, weight))
        assert share.share_fen == (uncapped if group.cap_fen is None else min(uncapped, group.cap_fen))
    left_fen = max(0, need_fen - sharing.assessed_fen)
    assert sharing.reserve_drawn_fen == min(left_fen, case["costs"].reserve_fen)
    assert sharing.sponsor_fen - case["costs"].sponsored_fen == left_fen - sharing.reserve_drawn_fen
    assert (sharing.aid_fens, sharing.shortfall_fen) == (case["costs"].aid_fens, 0)


@PLAYED
@given(cases(), st.randoms(use_true_random=False))
def test_permuting_members_permutes_the_result(case, random):
    shuffled = list(case["groups"])
    random.shuffle(shuffled)
    plain, permuted = compute_shares(**case), compute_shares(**case | {"groups": shuffled})
    assert charge_by_class(permuted) == charge_by_class(plain)
    assert replace(permuted, shares=()) == replace(plain, shares=())


@PLAYED
@given(cases(), st.data())
def test_equal_members_are_equal_whatever_class_they_are_listed_under(case, data):
    """Splitting a class in two, under numbers of their own, changes nothing for anyone."""
    assume(case["groups"])
    place = data.draw(st.integers(0, len(case["groups"]) - 1))
    whole = case["groups"][place]
    moved = data.draw(st.integers(0, whole.count))
    split = [*case["groups"], replace(whole, class_no=99, count=moved)]
    split[place] = replace(whole, count=whole.count - moved)
    plain, parted = compute_shares(**case), compute_shares(**case | {"groups": split})
    charges = charge_by_class(parted)
    assert charges.pop(99) == charges[whole.class_no]
    assert charges == charge_by_class(plain)
    assert (parted.assessed_fen, parted.carry_out_fen) == (plain.assessed_fen, plain.carry_out_fen)


@PLAYED
@given(cases())
def test_heavier_weight_never_pays_less(case):
    shares = compute_shares(**case).shares
    for heavy in shares:
        for light in shares:
            wider = heavy.cap_fen is None or (light.cap_fen is not None and heavy.cap_fen >= light.cap_fen)
            if heavy.weight >= light.weight and wider:
                assert heavy.share_fen >= light.share_fen


@PLAYED
@given(cases().map(with_sponsor), st.integers(1, 3) | fens)
def test_more_need_never_lowers_a_charge(case, more_fen):
    costs = case["costs"]
    dearer = replace(costs, other_costs_fen=costs.other_costs_fen + more_fen)
    before = charge_by_class(compute_shares(**case))
    after = charge_by_class(compute_shares(**case | {"costs": dearer}))
    assert all(after[class_no] >= before[class_no] for class_no in before)


@PLAYED
@given(cases().map(with_sponsor), st.data())
def test_one_more_member_never_raises_a_charge(case, data):
    assume(any(g.count for g in case["groups"]))
    place = data.draw(st.integers(0, len(case["groups"]) - 1))
    joined = list(case["groups"])
    joined[place] = replace(joined[place], count=joined[place].count + 1)
    before, after = compute_shares(**case), compute_shares(**case | {"groups": joined})
    for group, old, new in zip(case["groups"], before.shares, after.shares, strict=True):
        assert new.share_fen <= old.share_fen or group.count == 0


@PLAYED
@given(cases().map(with_sponsor), st.data())
def test_raising_a_cap_never_raises_anothers_charge(case, data):
    capped = [place for place, g in enumerate(case["groups"]) if g.cap_fen is not None]
    assume(capped)
    place = data.draw(st.sampled_from(capped))
    wider = list(case["groups"])
    more_fen = data.draw(st.none() | st.integers(1, 50))
    old_cap_fen = wider[place].cap_fen
    wider[place] = replace(wider[place], cap_fen=None if more_fen is None else old_cap_fen + more_fen)
    before = charge_by_class(compute_shares(**case))
    after = charge_by_class(compute_shares(**case | {"groups": wider}))
    for group in wider:
        # A class without members has a rate but nobody whose charge could rise.
        if group.count and group.class_no != wider[place].class_no:
            assert after[group.class_no] <= before[group.class_no]


@PLAYED
@given(cases(), st.randoms(use_true_random=False))
def test_order_of_awards_does_not_matter(case, random):
    costs = case["costs"]
    shuffled = list(costs.aid_fens)
    random.shuffle(shuffled)
    plain = compute_shares(**case)
    other = compute_shares(**case | {"costs": replace(costs, aid_fens=tuple(shuffled))})
    assert other.shares == plain.shares
    assert Counter(zip(shuffled, other.aid_fens, other.deferred_fens, strict=True)) == Counter(
        zip(costs.aid_fens, plain.aid_fens, plain.deferred_fens, strict=True)
    )


@PLAYED
@given(cases(), st.data())
def test_batching_of_awards_does_not_matter(case, data):
    costs = case["costs"]
    assume(costs.aid_fens)
    cut = data.draw(st.integers(0, costs.aid_fens[0]))
    parted = (cut, costs.aid_fens[0] - cut, *costs.aid_fens[1:])
    plain = compute_shares(**case)
    for aid_fens in (parted, (costs.aid_fen,)):
        other = compute_shares(**case | {"costs": replace(costs, aid_fens=aid_fens)})
        assert other.shares == plain.shares
        assert (other.aid_fen, other.fee_fen, other.deferred_fen, other.carry_out_fen) == (
            plain.aid_fen,
            plain.fee_fen,
            plain.deferred_fen,
            plain.carry_out_fen,
        )


@PLAYED
@given(st.lists(cases(), min_size=1, max_size=6), fens)
def test_carry_telescopes_over_periods(periods, first_carry_fen):
    """All that came in less all that was due is the change of the carry, over any run of periods."""
    carry_fen, came_in, due = first_carry_fen, 0, 0
    for period in periods:
        costs = replace(period["costs"], carry_in_fen=carry_fen)
        sharing = compute_shares(**period | {"costs": costs})
        came_in += sharing.assessed_fen + sharing.sponsor_fen + sharing.reserve_drawn_fen
        due += sharing.aid_fen + sharing.fee_fen + costs.other_costs_fen + costs.reserve_contribution_fen
        carry_fen = sharing.carry_out_fen - sharing.shortfall_fen
    assert came_in - due == carry_fen - first_carry_fen


@PLAYED
@given(cases())
def test_no_payer_is_an_explicit_shortfall(case):
    deserted = [replace(group, count=0) for group in case["groups"]]
    sharing = compute_shares(**case | {"groups": deserted})
    assert sharing.shortfall_fen == max(0, sharing.need_fen)
    assert sharing.aid_fens == case["costs"].aid_fens
    assert (sharing.assessed_fen, sharing.sponsor_fen) == (0, case["costs"].sponsored_fen)


@PLAYED
@given(cases())
def test_replay_gives_identical_results(case):
    copied = case | {"groups": [replace(g) for g in case["groups"]], "costs": replace(case["costs"])}
    assert compute_shares(**copied) == compute_shares(**case)


@PLAYED
@given(cases(), st.integers(2, 1_000) | st.just(HUGE))
def test_scaling_all_weights_changes_nothing(case, factor):
    scaled = [replace(g, weight=g.weight * factor) for g in case["groups"]]
    plain, other = compute_shares(**case), compute_shares(**case | {"groups": scaled})
    assert [(s.share_fen, s.quota) for s in other.shares] == [(s.share_fen, s.quota) for s in plain.shares]
    assert (other.assessed_fen, other.aid_fens) == (plain.assessed_fen, plain.aid_fens)


@PLAYED
@given(cases(on_cap="redistribute"), st.sampled_from(["reduce_aid", "defer"]))
def test_lowered_aid_is_the_largest_the_caps_allow(case, on_infeasible):
    case |= {"on_infeasible": on_infeasible}
    sharing, costs, rule = compute_shares(**case), case["costs"], case["fee_rule"]
    caps_fen = sum_of_caps(case["groups"])
    limit_fen = None if caps_fen is None else caps_fen + costs.reserve_fen
    if not sharing.has_payers or limit_fen is None or sharing.original_need_fen <= limit_fen:
        assert (sharing.aid_fens, sharing.deferred_fen) == (costs.aid_fens, 0)
        return
    one_more = sharing.aid_fen + 1
    assert one_more + rule.fee(one_more) + costs.besides_aid_and_fee_fen > limit_fen or costs.aid_fen == 0
    assert sharing.need_fen <= limit_fen or sharing.aid_fen == 0
    assert sharing.shortfall_fen == max(0, sharing.need_fen - limit_fen)
    assert sharing.reserve_drawn_fen == min(costs.reserve_fen, max(0, sharing.need_fen - caps_fen))
    left_fens = tuple(full - now for full, now in zip(costs.aid_fens, sharing.aid_fens, strict=True))
    assert sharing.deferred_fens == (left_fens if on_infeasible == "defer" else (0,) * len(left_fens))


@PLAYED
@given(st.lists(fens, min_size=1, max_size=8), st.data())
def test_largest_remainder_stays_within_one_fen_of_the_proportion(weights_drawn, data):
    total = sum(weights_drawn)
    assume(total)
    amount_fen = data.draw(st.integers(0, total))
    parts = split_by_largest_remainder(amount_fen, weights_drawn)
    assert sum(parts) == amount_fen
    for part, weight in zip(parts, weights_drawn, strict=True):
        assert abs(part - Fraction(amount_fen * weight, total)) < 1
        assert 0 <= part <= weight


@PLAYED
@given(
    st.lists(st.integers(1, 10**8), min_size=1, max_size=6),
    rates,
    st.integers(0, 2_000),
    st.integers(1, 10**7),
    st.integers(1, 50),
)
def test_case_cap_bounds_every_members_part(aids, rate, case_cap_fen, members, weight):
    rule = FeeRule(rate)
    excess_fen = case_cap_excess_fen(
        aid_fens=tuple(aids),
        fee_rule=rule,
        case_cap_fen=case_cap_fen,
        payers_weight=members * weight,
        base_weight=weight,
    )
    sharing = compute_shares(
        groups=[Group(0, members, weight)],
        costs=Costs(tuple(aids), sponsored_fen=excess_fen),
        fee_rule=rule,
    )
    assert sharing.sponsor_fen == excess_fen <= sum(aids) + rule.fee(sum(aids))
    assert sharing.shares[0].share_fen <= case_cap_fen * len(aids) + 1
    assert sharing.shares[0].quota <= case_cap_fen * len(aids) + Fraction(1, members)


@PLAYED
@given(fee_rules(), fens, small_fens)
def test_fee_never_falls_and_never_passes_its_ceiling(rule, aid_fen, more_fen):
    assert rule.fee(aid_fen) <= rule.fee(aid_fen + more_fen)
    assert rule.ceiling_fen is None or rule.fee(aid_fen) <= rule.ceiling_fen


@PLAYED
@given(fee_rules(), fens)
def test_fee_on_the_bill_is_the_fee_of_the_plan(rule, aid_fen):
    assume((rule.ceiling_fen or 0) <= MAX_INT)
    terms = plan_terms.FeeTerms(rule.rate, rule.fixed_fen, rule.ceiling_fen)
    assert terms.fee_fen(aid_fen) == rule.fee(aid_fen)


def test_plans_offer_exactly_the_switches_there_are():
    assert get_args(plan_terms.OnCap) == ON_CAP
    assert get_args(plan_terms.OnInfeasible) == ON_INFEASIBLE
