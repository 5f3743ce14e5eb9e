"""What caps per period and a reserve promise, on generated plans: nothing is put by at the cost of anybody's aid."""

from dataclasses import replace

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ledger.sharing.apportion import Sharing
from ledger.sharing.plan_shares import share_out, sponsored_fen
from ledger.sharing.tests.test_verify_recompute import AMOUNT, AWARDS, CLASSES, plans
from members.pools.plan_terms import PlanTerms

PLAYED = settings(max_examples=300, deadline=None)
MEMBERS = st.shared(CLASSES, key="classes").map(
    lambda drawn: {no: count for no, (_w, count) in drawn.items()}
)
PLANS = plans().map(PlanTerms.from_json)


def charges(sharing: Sharing) -> dict[int, int]:
    return {share.class_no: share.share_fen for share in sharing.shares if share.count}


@PLAYED
@given(plan=PLANS, members=MEMBERS, aids=AWARDS, carry=st.just(0) | AMOUNT, reserve=st.just(0) | AMOUNT)
def test_a_period_puts_by_only_what_caps_leave_room_for(plan, members, aids, carry, reserve):
    sharing = share_out(plan, counts=members, aid_fens=tuple(aids), carry_in_fen=carry, reserve_fen=reserve)
    put_by_fen = sharing.reserve_contribution_fen
    if put_by_fen:
        assert reserve + put_by_fen <= plan.reserve.target_fen
        assert (sharing.reserve_drawn_fen, sharing.aid_fen) == (0, sum(aids))
        assert sharing.sponsor_fen == sponsored_fen(plan, counts=members, aid_fens=tuple(aids))
    without = share_out(replace(plan, reserve=None), counts=members, aid_fens=tuple(aids), carry_in_fen=carry)
    assert sharing.aid_fen >= without.aid_fen
    assert sharing.sponsor_fen <= without.sponsor_fen


@PLAYED
@given(plan=PLANS, members=MEMBERS, aids=AWARDS, reserve=st.just(0) | AMOUNT)
def test_reserve_pays_what_it_has_and_only_what_caps_leave(plan, members, aids, reserve):
    sharing = share_out(plan, counts=members, aid_fens=tuple(aids), reserve_fen=reserve)
    assert 0 <= sharing.reserve_drawn_fen <= (reserve if plan.reserve else 0)
    if sharing.reserve_drawn_fen:
        assert any(share.is_capped for share in sharing.shares if share.count)
    for share in sharing.shares:
        assert plan.period_cap_fen is None or share.share_fen <= plan.period_cap_fen


@PLAYED
@given(plan=PLANS, members=MEMBERS, aids=AWARDS, reserve=AMOUNT, more=AMOUNT)
def test_a_fuller_reserve_never_raises_a_charge_nor_lowers_an_aid(plan, members, aids, reserve, more):
    before = share_out(plan, counts=members, aid_fens=tuple(aids), reserve_fen=reserve)
    after = share_out(plan, counts=members, aid_fens=tuple(aids), reserve_fen=reserve + more)
    assert all(share <= charges(before)[class_no] for class_no, share in charges(after).items())
    # Of all together: a single award may have a fen less, where largest remainders fall otherwise.
    assert after.aid_fen >= before.aid_fen


@PLAYED
@given(plan=PLANS, members=MEMBERS, aids=AWARDS, reserve=AMOUNT, data=st.data())
def test_one_more_member_never_raises_a_charge(plan, members, aids, reserve, data):
    # A cap per case is rounded in the members' disfavor by less than a fen of the whole; it has tests of its own.
    plan = replace(plan, per_case_cap_fen=None)
    peopled = [class_no for class_no, count in members.items() if count]
    assume(peopled)
    joined = data.draw(st.sampled_from(peopled))
    before = share_out(plan, counts=members, aid_fens=tuple(aids), reserve_fen=reserve)
    more = members | {joined: members[joined] + 1}
    after = share_out(plan, counts=more, aid_fens=tuple(aids), reserve_fen=reserve)
    assert all(share <= charges(before)[class_no] for class_no, share in charges(after).items())
    assert after.aid_fen >= before.aid_fen
    assert after.sponsor_fen <= before.sponsor_fen


@PLAYED
@given(plan=PLANS, members=MEMBERS, periods=st.lists(AWARDS, min_size=1, max_size=5))
def test_carry_and_reserve_telescope_over_periods(plan, members, periods):
    """What came in less what was spent is what is carried and put by, over any run of periods."""
    carry_fen = reserve_fen = came_in = spent = 0
    for aids in periods:
        sharing = share_out(
            plan, counts=members, aid_fens=tuple(aids), carry_in_fen=carry_fen, reserve_fen=reserve_fen
        )
        assume(not sharing.shortfall_fen)
        came_in += sharing.assessed_fen + sharing.sponsor_fen
        spent += sharing.aid_fen + sharing.fee_fen
        carry_fen = sharing.carry_out_fen
        reserve_fen += sharing.reserve_contribution_fen - sharing.reserve_drawn_fen
        assert reserve_fen >= 0
    assert came_in - spent == carry_fen + reserve_fen
