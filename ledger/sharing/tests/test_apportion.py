"""Check apportionment against worked cases and small tables of its own."""

from __future__ import annotations

from fractions import Fraction

import pytest

from ledger.sharing.apportion import (
    Costs,
    FeeRule,
    Group,
    ShareInputError,
    case_cap_excess_fen,
    compute_shares,
    room_this_year,
    split_by_largest_remainder,
)

NO_FEE = FeeRule(Fraction(0))
EIGHT_PERCENT = FeeRule(Fraction(8, 100))


def test_per_case_cap_breaks_even_at_the_published_size():
    break_even = 3_300_000  # the minimum size that Xianghubao published

    def sponsor_fen(members: int) -> int:
        sharing = compute_shares(
            groups=[Group(0, members, 1, cap_fen=10)],
            costs=Costs((30_000_000,)),
            fee_rule=FeeRule(Fraction(10, 100)),
            on_cap="reserve_pays",
        )
        return sharing.sponsor_fen

    assert sponsor_fen(break_even) == 0
    assert sponsor_fen(break_even - 1) == 10


def test_aid_of_half_a_million_carries_a_fee_of_forty_thousand():
    assert EIGHT_PERCENT.fee(500_000_00) == 40_000_00


@pytest.mark.parametrize(
    ("rule", "aid_fen", "fee_fen"),
    [
        (FeeRule(Fraction(8, 100)), 0, 0),
        (FeeRule(Fraction(8, 100)), 1, 1),
        (FeeRule(Fraction(8, 100)), 1250, 100),
        (FeeRule(Fraction(8, 100)), 1251, 101),
        (FeeRule(Fraction(0), fixed_fen=500), 0, 500),
        (FeeRule(Fraction(1, 10), fixed_fen=500), 1000, 600),
        (FeeRule(Fraction(1, 10), fixed_fen=500, ceiling_fen=550), 1000, 550),
        (FeeRule(Fraction(1, 10), ceiling_fen=0), 10**12, 0),
    ],
)
def test_fee_rounds_up_once_and_stops_at_its_ceiling(rule, aid_fen, fee_fen):
    assert rule.fee(aid_fen) == fee_fen


def test_rounding_each_case_on_its_own_would_charge_five_times_as_much():
    members = 100_000_000
    aids = (30_000_000,) * 1000 + (10_000_000,) * 1500
    summed = compute_shares(groups=[Group(0, members, 1)], costs=Costs(aids), fee_rule=EIGHT_PERCENT)
    one_by_one = sum(-(-(aid + EIGHT_PERCENT.fee(aid)) // members) for aid in aids)
    assert (summed.shares[0].share_fen, one_by_one) == (486, 2500)


def test_all_terms_of_the_need_meet_in_one_bill():
    """A 10,000 + W 250 + Φ 800 + R 100 − C_in 50 = 11,100 over 3 × 1 + 2 × 2 = 7 weights."""
    sharing = compute_shares(
        groups=[Group(1, 3, 1), Group(2, 2, 2)],
        costs=Costs(
            aid_fens=(7_500, 2_500),
            other_costs_fen=250,
            reserve_contribution_fen=100,
            carry_in_fen=50,
        ),
        fee_rule=EIGHT_PERCENT,
    )
    assert sharing.need_fen == 11_100
    assert [(s.class_no, s.quota, s.share_fen) for s in sharing.shares] == [
        (1, Fraction(11_100, 7), 1586),
        (2, Fraction(22_200, 7), 3172),
    ]
    assert sharing.assessed_fen == 3 * 1586 + 2 * 3172 == 11_102
    assert (sharing.carry_out_fen, sharing.sponsor_fen, sharing.shortfall_fen) == (2, 0, 0)


def test_negative_need_charges_nobody_and_is_carried():
    sharing = compute_shares(
        groups=[Group(0, 10, 1)], costs=Costs((1_000,), carry_in_fen=5_000), fee_rule=EIGHT_PERCENT
    )
    assert (sharing.need_fen, sharing.assessed_fen, sharing.carry_out_fen) == (-3_920, 0, 3_920)
    assert sharing.aid_fens == (1_000,)


def test_deficit_brought_in_is_shared_like_a_cost():
    as_deficit = compute_shares(
        groups=[Group(0, 7, 1)], costs=Costs((900,), carry_in_fen=-100), fee_rule=NO_FEE
    )
    as_cost = compute_shares(
        groups=[Group(0, 7, 1)], costs=Costs((900,), other_costs_fen=100), fee_rule=NO_FEE
    )
    assert as_deficit.shares == as_cost.shares
    assert as_deficit.carry_out_fen == as_cost.carry_out_fen == 1


@pytest.mark.parametrize("on_cap", ["redistribute", "reserve_pays"])
@pytest.mark.parametrize("on_infeasible", ["sponsor", "reduce_aid", "defer"])
@pytest.mark.parametrize("groups", [[], [Group(0, 0, 1)], [Group(0, 0, 1, cap_fen=5), Group(1, 0, 3)]])
def test_no_payers_leave_an_explicit_shortfall(groups, on_cap, on_infeasible):
    sharing = compute_shares(
        groups=groups,
        costs=Costs((10_000,)),
        fee_rule=EIGHT_PERCENT,
        on_cap=on_cap,
        on_infeasible=on_infeasible,
    )
    assert (sharing.shortfall_fen, sharing.sponsor_fen, sharing.assessed_fen) == (10_800, 0, 0)
    assert (sharing.aid_fens, sharing.deferred_fens) == ((10_000,), (0,))
    assert not sharing.has_payers


def test_no_payers_and_no_need_is_no_shortfall():
    sharing = compute_shares(groups=[], costs=Costs((), carry_in_fen=7), fee_rule=EIGHT_PERCENT)
    assert (sharing.shortfall_fen, sharing.carry_out_fen) == (0, 7)


def test_sponsor_pays_what_the_caps_leave_open():
    sharing = compute_shares(
        groups=[Group(0, 3, 1, cap_fen=100), Group(1, 1, 2, cap_fen=50)],
        costs=Costs((1_000,)),
        fee_rule=NO_FEE,
    )
    assert [s.share_fen for s in sharing.shares] == [100, 50]
    assert (sharing.sponsor_fen, sharing.carry_out_fen, sharing.shortfall_fen) == (650, 0, 0)
    assert all(s.is_capped for s in sharing.shares)


def test_deferred_aid_waits_and_the_next_period_completes_it():
    """Caps raise 600 a period: 1,000 of aid takes two periods, each award in the same proportion."""
    members = [Group(0, 6, 1, cap_fen=100)]
    first = compute_shares(groups=members, costs=Costs((750, 250)), fee_rule=NO_FEE, on_infeasible="defer")
    assert (first.aid_fens, first.deferred_fens) == ((450, 150), (300, 100))
    assert (first.assessed_fen, first.shortfall_fen, first.sponsor_fen) == (600, 0, 0)
    second = compute_shares(
        groups=members, costs=Costs(first.deferred_fens), fee_rule=NO_FEE, on_infeasible="defer"
    )
    assert (second.aid_fens, second.deferred_fens) == ((300, 100), (0, 0))
    assert [s.share_fen for s in second.shares] == [67]


def test_reduced_aid_is_gone_and_not_deferred():
    sharing = compute_shares(
        groups=[Group(0, 6, 1, cap_fen=100)],
        costs=Costs((750, 250)),
        fee_rule=NO_FEE,
        on_infeasible="reduce_aid",
    )
    assert (sharing.aid_fens, sharing.deferred_fen) == ((450, 150), 0)


def test_costs_besides_aid_above_all_caps_are_a_shortfall():
    sharing = compute_shares(
        groups=[Group(0, 2, 1, cap_fen=100)],
        costs=Costs((500,), other_costs_fen=250),
        fee_rule=NO_FEE,
        on_infeasible="reduce_aid",
    )
    assert (sharing.aid_fens, sharing.assessed_fen, sharing.shortfall_fen) == ((0,), 200, 50)


def test_cap_of_nothing_charges_nothing_and_others_bear_it():
    sharing = compute_shares(
        groups=[Group(0, 5, 1, cap_fen=0), Group(1, 4, 1)], costs=Costs((1_001,)), fee_rule=NO_FEE
    )
    assert [s.share_fen for s in sharing.shares] == [0, 251]
    assert sharing.charged_count == 4


def test_empty_class_still_gets_a_published_rate():
    sharing = compute_shares(groups=[Group(0, 10, 2), Group(1, 0, 3)], costs=Costs((1_000,)), fee_rule=NO_FEE)
    assert [(s.count, s.share_fen) for s in sharing.shares] == [(10, 100), (0, 150)]


def test_empty_class_does_not_raise_the_level_when_everyone_is_capped():
    sharing = compute_shares(
        groups=[Group(0, 2, 1, cap_fen=100), Group(1, 0, 1, cap_fen=500)],
        costs=Costs((1_000,)),
        fee_rule=NO_FEE,
    )
    assert (sharing.level, [s.share_fen for s in sharing.shares]) == (100, [100, 100])


def test_respread_wallet_is_a_cap_at_the_balance():
    """Prepaid: balances 10, 30 and 1,000 meet a need of 300; whoever is short pays the balance."""
    sharing = compute_shares(
        groups=[Group(0, 1, 1, cap_fen=10), Group(1, 1, 1, cap_fen=30), Group(2, 2, 1, cap_fen=1_000)],
        costs=Costs((300,)),
        fee_rule=NO_FEE,
    )
    assert [s.share_fen for s in sharing.shares] == [10, 30, 130]


def test_short_wallet_deficit_is_collected_in_the_next_period():
    """Prepaid, deficit to next: shares of 100 stand, a balance of 60 leaves 40 for the others' next bill."""
    first = compute_shares(groups=[Group(0, 3, 1)], costs=Costs((300,)), fee_rule=NO_FEE)
    gap_fen = max(0, first.shares[0].share_fen - 60)
    second = compute_shares(
        groups=[Group(0, 2, 1)],
        costs=Costs((300,), carry_in_fen=first.carry_out_fen - gap_fen),
        fee_rule=NO_FEE,
    )
    assert gap_fen == 40
    assert (second.need_fen, second.shares[0].share_fen) == (340, 170)


@pytest.mark.parametrize(
    ("period_cap_fen", "annual_cap_fen", "paid_fen", "room_fen"),
    [
        (None, None, 500, None),
        (70, None, 500, 70),
        (None, 18_800, 18_700, 100),
        (50, 18_800, 18_700, 50),
        (None, 18_800, 18_800, 0),
        (None, 18_800, 19_000, 0),
    ],
)
def test_room_this_year_is_the_tighter_cap(period_cap_fen, annual_cap_fen, paid_fen, room_fen):
    room = room_this_year(
        period_cap_fen=period_cap_fen, annual_cap_fen=annual_cap_fen, paid_this_year_fen=paid_fen
    )
    assert room == room_fen


def test_case_cap_leaves_the_excess_to_a_sponsor():
    """3 million payers × 0.10 bear 300,000.00 of each case; a case with fee costs 330,000.00."""
    ten_percent = FeeRule(Fraction(10, 100))
    aids = (30_000_000, 30_000_000, 5_000_000)
    excess_fen = case_cap_excess_fen(
        aid_fens=aids, fee_rule=ten_percent, case_cap_fen=10, payers_weight=3_000_000, base_weight=1
    )
    assert excess_fen == 2 * 3_000_000
    sharing = compute_shares(
        groups=[Group(0, 3_000_000, 1)],
        costs=Costs(aids, sponsored_fen=excess_fen),
        fee_rule=ten_percent,
    )
    assert sharing.sponsor_fen == excess_fen
    assert sharing.need_fen == 60_000_000 + 5_500_000
    assert sharing.shares[0].share_fen == 22


@pytest.mark.parametrize(
    ("payers_weight", "base_weight", "excess_fen"), [(10, 1, 0), (10, 2, 50), (19, 2, 5)]
)
def test_case_cap_counts_weights_against_the_base(payers_weight, base_weight, excess_fen):
    excess = case_cap_excess_fen(
        aid_fens=(100,),
        fee_rule=NO_FEE,
        case_cap_fen=10,
        payers_weight=payers_weight,
        base_weight=base_weight,
    )
    assert excess == excess_fen


def test_case_cap_of_no_cases_is_nothing():
    assert (
        case_cap_excess_fen(
            aid_fens=(), fee_rule=EIGHT_PERCENT, case_cap_fen=1, payers_weight=1, base_weight=1
        )
        == 0
    )


def test_case_cap_without_payers_is_refused():
    with pytest.raises(ShareInputError, match="payers_weight = 0"):
        case_cap_excess_fen(
            aid_fens=(1,), fee_rule=EIGHT_PERCENT, case_cap_fen=1, payers_weight=0, base_weight=1
        )


@pytest.mark.parametrize(
    ("amount_fen", "weights", "parts"),
    [
        (52_222, (60_000, 40_000), (31_333, 20_889)),
        (1, (5, 5, 5), (1, 0, 0)),
        (2, (1, 5, 5), (0, 1, 1)),
        (2, (1, 3), (0, 2)),
        (0, (3, 4), (0, 0)),
        (0, (), ()),
        (0, (0, 0), (0, 0)),
        (7, (0, 7), (0, 7)),
    ],
)
def test_largest_remainder_sums_exactly(amount_fen, weights, parts):
    assert split_by_largest_remainder(amount_fen, weights) == parts


def test_largest_remainder_refuses_an_amount_without_weights():
    with pytest.raises(ShareInputError, match="weights"):
        split_by_largest_remainder(1, (0, 0))


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: Group(0, -1, 1), "count"),
        (lambda: Group(0, 1, 0), "weight"),
        (lambda: Group(0, 1, 1, cap_fen=-1), "cap_fen"),
        (lambda: Group(0, 1, 1.0), "weight"),
        (lambda: Group(0, True, 1), "count"),
        (lambda: Group(-1, 1, 1), "class_no"),
        (lambda: FeeRule(Fraction(-1, 100)), "rate"),
        (lambda: FeeRule(Fraction(101, 100)), "rate"),
        (lambda: FeeRule(0.08), "rate"),
        (lambda: FeeRule(Fraction(0), fixed_fen=-1), "fixed_fen"),
        (lambda: FeeRule(Fraction(0), ceiling_fen=-1), "ceiling_fen"),
        (lambda: EIGHT_PERCENT.fee(-1), "aid_fen"),
        (lambda: Costs([1]), "aid_fens"),
        (lambda: Costs((1, -2)), "aid_fens[1]"),
        (lambda: Costs((1.5,)), "aid_fens[0]"),
        (lambda: Costs((), other_costs_fen=-1), "other_costs_fen"),
        (lambda: Costs((), reserve_contribution_fen=-1), "reserve_contribution_fen"),
        (lambda: Costs((), reserve_fen=-1), "reserve_fen"),
        (lambda: Costs((), carry_in_fen=0.5), "carry_in_fen"),
        (lambda: Costs((), sponsored_fen=-1), "sponsored_fen"),
        (
            lambda: room_this_year(period_cap_fen=None, annual_cap_fen=1, paid_this_year_fen=-1),
            "paid_this_year_fen",
        ),
    ],
)
def test_bad_figure_is_refused_by_name(make, field):
    with pytest.raises(ShareInputError) as refused:
        make()
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"on_cap": "ignore"}, "on_cap"),
        ({"on_infeasible": "pray"}, "on_infeasible"),
        ({"groups": [Group(4, 1, 1), Group(4, 1, 2)]}, "class_no"),
    ],
)
def test_unknown_switch_or_repeated_class_is_refused(changed, field):
    arguments = {"groups": [Group(0, 1, 1)], "costs": Costs((1,)), "fee_rule": NO_FEE} | changed
    with pytest.raises(ShareInputError) as refused:
        compute_shares(**arguments)
    assert refused.value.field == field
