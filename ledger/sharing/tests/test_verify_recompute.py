"""Two implementations of the bill, written apart, agree on generated plans, members and awards."""

import dataclasses
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.sharing import recompute
from ledger.sharing.apportion import Costs, FeeRule, Group, case_cap_excess_fen, compute_shares
from members.pools.plan_terms import FeeTerms, PlanTerms

AMOUNT = st.integers(min_value=0, max_value=10**10)
AWARDS = st.lists(st.integers(min_value=1, max_value=10**9), max_size=6)
CLASSES = st.dictionaries(
    st.integers(0, 63), st.tuples(st.integers(1, 50), st.integers(0, 10**6)), min_size=1, max_size=5
)
RATE = st.tuples(st.integers(0, 20), st.integers(20, 300))


def terms(classes, rate, fixed, ceiling, cap):
    """Return the parts of stored plan terms that a bill depends on."""
    fee = {"rate": f"{rate[0]}/{rate[1]}", "fixed_fen": fixed} | ({"ceiling_fen": ceiling} if ceiling else {})
    rows = [{"class_no": no, "weight": weight} for no, (weight, _count) in classes.items()]
    return {"fee": fee, "classes": rows} | ({"per_case_cap_fen": cap} if cap else {})


@settings(max_examples=150, deadline=None)
@given(
    classes=CLASSES,
    rate=RATE,
    fixed=st.integers(0, 10**6),
    ceiling=st.none() | st.integers(1, 10**8),
    cap=st.none() | st.integers(1, 10**4),
    aids=AWARDS,
    other=AMOUNT,
    carry=AMOUNT,
)
def test_both_bills_agree(classes, rate, fixed, ceiling, cap, aids, other, carry):
    members = {no: count for no, (_weight, count) in classes.items()}
    rule = FeeRule(Fraction(*rate), fixed, ceiling)
    groups = [Group(no, count, weight) for no, (weight, count) in classes.items()]
    payers = sum(group.total_weight for group in groups)
    sponsored = 0
    if cap and payers:
        sponsored = case_cap_excess_fen(
            aid_fens=tuple(aids),
            fee_rule=rule,
            case_cap_fen=cap,
            payers_weight=payers,
            base_weight=min(weight for weight, _count in classes.values()),
        )
    costs = Costs(tuple(aids), other_costs_fen=other, carry_in_fen=carry, sponsored_fen=sponsored)
    sharing = compute_shares(groups=groups, costs=costs, fee_rule=rule)

    bill = recompute.bill(
        terms(classes, rate, fixed, ceiling, cap),
        members,
        aids,
        other_costs=other,
        reserve_contribution=0,
        reserve_drawn=0,
        carry_in=carry,
    )

    assert (bill.fee, bill.need, bill.sponsored) == (sharing.fee_fen, sharing.need_fen, sponsored)
    assert bill.shares == {share.class_no: share.share_fen for share in sharing.shares if share.count}
    assert (bill.assessed, bill.carry_out) == (sharing.assessed_fen, sharing.carry_out_fen)


@pytest.mark.parametrize(
    ("rate", "aid", "fee"),
    [("8/100", 50_000_000, 4_000_000), ("8/100", 1, 1), ("0/1", 99, 0), ("1", 7, 7), ("2/25", 13, 2)],
)
def test_the_fee_is_rounded_up_once(rate, aid, fee):
    assert recompute.fee({"rate": rate}, aid) == fee


def test_a_share_of_the_field_comes_out():
    bill = recompute.bill(
        {"fee": {"rate": "8/100"}, "classes": [{"class_no": 0, "weight": 1}]},
        {0: 23_000_000},
        [30_000_000, 30_000_000],
        other_costs=0,
        reserve_contribution=0,
        reserve_drawn=0,
        carry_in=0,
    )
    assert (bill.fee, bill.shares, bill.carry_out) == (4_800_000, {0: 3}, 4_200_000)


def test_terms_that_are_not_understood_are_refused():
    plan = {"fee": {"rate": "0/1", "minimum_fen": 5}, "classes": [], "lottery": True}
    with pytest.raises(recompute.UnknownTermsError, match="lottery, minimum_fen"):
        recompute.bill(plan, {}, [], other_costs=0, reserve_contribution=0, reserve_drawn=0, carry_in=0)


def test_every_term_of_a_plan_is_understood():
    """A term that this file forgets would leave every pool that uses it unchecked."""
    assert {field.name for field in dataclasses.fields(PlanTerms)} == recompute.TERMS
    assert {field.name for field in dataclasses.fields(FeeTerms)} == recompute.FEE_TERMS
