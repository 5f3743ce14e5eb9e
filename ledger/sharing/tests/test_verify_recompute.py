"""Two implementations of the bill, written apart, agree on generated plans, members and awards."""

import dataclasses
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.sharing import recompute
from ledger.sharing.apportion import OnCap, OnInfeasible
from ledger.sharing.plan_shares import share_out
from members.pools.plan_terms import FeeTerms, PlanTerms, ReserveTerms

AMOUNT = st.integers(min_value=0, max_value=10**10)
AWARDS = st.lists(st.integers(min_value=1, max_value=10**9), max_size=6)
CLASSES = st.dictionaries(
    st.integers(0, 63), st.tuples(st.integers(1, 50), st.integers(0, 10**6)), min_size=1, max_size=5
)
RATE = st.tuples(st.integers(0, 20), st.integers(20, 300))
# Either far below what a share comes to, or around it.
CAP = st.none() | st.integers(1, 10**4) | st.integers(1, 10**9)


@st.composite
def plans(draw):
    """Draw the stored terms of a plan with every rule a bill may depend on."""
    rate, cap = draw(RATE), draw(CAP)
    fee = {"rate": f"{rate[0]}/{rate[1]}", "fixed_fen": draw(st.integers(0, 10**6))}
    if draw(st.booleans()):
        fee["ceiling_fen"] = draw(st.integers(1, 10**8))
    terms = {
        "fee": fee,
        "calendar": {
            "periods": [{"opening_day": 1, "publicity_day": 11, "charge_day": 20}],
            "publicity_days": 3,
        },
        "classes": [
            {"class_no": no, "weight": weight, "name_en": "A class", "name_zh": "一类"}
            for no, (weight, _count) in draw(st.shared(CLASSES, key="classes")).items()
        ],
        "aid": [{"severity": "severe", "age_from": 0, "age_before": 60, "max_aid_fen": 1}],
        "waiting_days": 90,
        "minimum_members": 10**9,
        "notice_days": 30,
        "on_cap": draw(st.sampled_from(get_args(OnCap))),
        "on_infeasible": draw(st.sampled_from(get_args(OnInfeasible))),
        "per_case_cap_fen": draw(st.none() | st.integers(1, 10**4)),
        "period_cap_fen": cap,
    }
    if terms["on_infeasible"] == "defer":
        # A case that is shared in several periods has no cap of its own.
        terms["per_case_cap_fen"] = None
    if cap is not None and draw(st.booleans()):
        share = draw(RATE)
        terms["reserve"] = {
            "target_fen": draw(st.integers(1, 10**10)),
            "contribution_fen": draw(st.integers(1, 10**7)),
            "contribution_rate": f"{share[0]}/{share[1]}",
        }
    return {name: value for name, value in terms.items() if value is not None}


@settings(max_examples=400, deadline=None)
@given(
    classes=st.shared(CLASSES, key="classes"),
    terms=plans(),
    aids=AWARDS,
    other=st.just(0) | AMOUNT,
    carry=st.just(0) | AMOUNT,
    reserve=st.just(0) | AMOUNT,
)
def test_both_bills_agree(classes, terms, aids, other, carry, reserve):
    members = {no: count for no, (_weight, count) in classes.items()}
    sharing = share_out(
        PlanTerms.from_json(terms),
        counts=members,
        aid_fens=tuple(aids),
        other_costs_fen=other,
        carry_in_fen=carry,
        reserve_fen=reserve,
    )

    bill = recompute.bill(terms, members, aids, other_costs=other, carry_in=carry, reserve=reserve)

    assert (bill.aid, bill.fee) == (sharing.aid_fen, sharing.fee_fen)
    assert (bill.contribution, bill.drawn) == (sharing.reserve_contribution_fen, sharing.reserve_drawn_fen)
    assert bill.sponsored == sharing.sponsor_fen
    assert bill.shares == {share.class_no: share.share_fen for share in sharing.shares if share.count}
    assert (bill.assessed, bill.carry_out) == (sharing.assessed_fen, sharing.carry_out_fen)
    if not sharing.shortfall_fen:
        assert bill.need == sharing.borne_fen


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
        carry_in=0,
    )
    assert (bill.fee, bill.shares, bill.carry_out) == (4_800_000, {0: 3}, 4_200_000)


def test_terms_that_are_not_understood_are_refused():
    plan = {"fee": {"rate": "0/1", "minimum_fen": 5}, "classes": [], "lottery": True}
    with pytest.raises(recompute.UnknownTermsError, match="lottery, minimum_fen"):
        recompute.bill(plan, {}, [], other_costs=0, carry_in=0)


def test_every_term_of_a_plan_is_understood():
    """A term that this file forgets would leave every pool that uses it unchecked."""
    assert {field.name for field in dataclasses.fields(PlanTerms)} == recompute.TERMS
    assert {field.name for field in dataclasses.fields(FeeTerms)} == recompute.FEE_TERMS
    assert {field.name for field in dataclasses.fields(ReserveTerms)} == recompute.RESERVE_TERMS
