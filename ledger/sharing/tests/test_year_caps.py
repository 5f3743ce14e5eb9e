"""Caps of a calendar year: worked examples, what the database refuses, and what follows from earlier charges."""

import datetime as dt
import json
from io import StringIO

import psycopg
import pytest
from django.core.management import call_command
from hypothesis import given, settings
from hypothesis import strategies as st

from aidplatform.lib import clock
from aidplatform.testing.ledgers import assert_books_true
from aidplatform.testing.refusals import about, not_permitted, refused, refused_to_owner, run
from aidplatform.testing.world import World, run_jobs, set_clock
from ledger.disclosure.selectors import past_shares_of, year_to_date_fen
from ledger.sharing import recompute, services
from ledger.sharing.models import FIGURES, Charge, Period
from ledger.sharing.plan_shares import Rooms, share_out
from ledger.sharing.selectors import compute_bill, rooms_of
from ledger.sharing.tests.test_verify_recompute import AMOUNT, AWARDS, plans
from ledger.sharing.tests.worked import parse, play
from members.joining.models import Membership, MembershipSpan
from members.joining.services import admit_group, cover_members, end_covers
from members.pools.models import Pool
from members.pools.plan_terms import PlanTerms

EXAMPLES = {
    # Four have paid 27.00 of 30.00. Of 54.00 they bear 3.00 each, and the two who came 21.00 each. Of 21.60 the four
    # bear nothing and the two 9.00 each, which leaves 3.60.
    "who has paid the year's most is charged what it leaves, the others the rest": """
        members 0:4
        year_cap 30.00
        period
        case 100.00
        = shares 0 27.00 4
        period
        join 0:2
        case 50.00
        = need 54.00
        = shares 0 21.00 2 3.00 4
        = carry_out 0.00
        period
        case 20.00
        = need 18.00
        = sponsor 3.60
        = shares 0 9.00 2 0.00 4
        trial
        110 Shares receivable  180.00       -
        130 Sponsor receivable   3.60       -
        201 Aid payable             -  170.00
        230 Fee payable             -   13.60
        401 Contributions           -  180.00
        410 Sponsor income          -    3.60
        501 Aid granted        170.00       -
        510 Management fee      13.60       -
    """,
    # 16.66 with its fee, 1.34, are the 18.00 for which there is room.
    "nobody has room: every aid is lowered": """
        members 0:4
        year_cap 30.00
        rest reduce_aid
        period
        case 100.00
        = shares 0 27.00 4
        period
        join 0:2
        case 50.00
        = shares 0 21.00 2 3.00 4
        period
        case 15.00
        case 5.00
        = aid 16.66
        = fee 1.34
        = shares 0 9.00 2 0.00 4
        = part 1 12.50
        = part 2 4.16
        trial
        110 Shares receivable  180.00       -
        201 Aid payable             -  166.66
        230 Fee payable             -   13.34
        401 Contributions           -  180.00
        501 Aid granted        166.66       -
        510 Management fee      13.34       -
    """,
    # Of 120.00 by weight the heavier would pay 30.00, where the cap is 25.00: 75.00, and 15.00 from each of the others.
    # Then the heavier have no room; of 24.00 three of weight 1 and the one of weight 3 who came bear 4.00 and 12.00.
    "the heavier class meets its year first; who comes later has room": """
        members 0:3 1:3
        weights 0:1 1:3
        fee 0/100
        year_cap 25.00
        period
        case 120.00
        = shares 0 15.00 3
        = shares 1 25.00 3
        period
        join 1:1
        case 24.00
        = shares 0 4.00 3
        = shares 1 12.00 1 0.00 3
        trial
        110 Shares receivable  144.00       -
        201 Aid payable             -  144.00
        401 Contributions           -  144.00
        501 Aid granted        144.00       -
    """,
    # The year's cap leaves more than the period's for all but those who have paid.
    "the smaller of both caps holds": """
        members 0:4
        fee 0/100
        period_cap 20.00
        year_cap 30.00
        period
        case 80.00
        = shares 0 20.00 4
        period
        join 0:1
        case 70.00
        = sponsor 10.00
        = shares 0 20.00 1 10.00 4
        trial
        110 Shares receivable  140.00       -
        130 Sponsor receivable  10.00       -
        201 Aid payable             -  150.00
        401 Contributions           -  140.00
        410 Sponsor income          -   10.00
        501 Aid granted        150.00       -
    """,
    # Who has room pays no more for the others: 9.00 each of 54.00, of which four pay only 3.00.
    "a sponsor takes at once what the year leaves": """
        members 0:4
        year_cap 30.00
        rest reserve_pays
        period
        case 100.00
        = shares 0 27.00 4
        period
        join 0:2
        case 50.00
        = sponsor 24.00
        = shares 0 9.00 2 3.00 4
        trial
        110 Shares receivable  138.00       -
        130 Sponsor receivable  24.00       -
        201 Aid payable             -  150.00
        230 Fee payable             -   12.00
        401 Contributions           -  138.00
        410 Sponsor income          -   24.00
        501 Aid granted        150.00       -
        510 Management fee      12.00       -
    """,
}


@pytest.mark.parametrize("large", [False, True], ids=["small", "large"])
@pytest.mark.parametrize("name", EXAMPLES)
def test_worked_example(db: None, name: str, large: bool) -> None:
    play(EXAMPLES[name], large=large)


def test_examples_say_what_each_pays() -> None:
    assert parse(EXAMPLES["nobody has room: every aid is lowered"]).periods[2].expected["shares 0"] == {
        900: 2,
        0: 4,
    }


def next_period(world: World) -> None:
    """Go on to the day on which the next period opens."""
    last = world.pool.periods.latest("number")
    set_clock(clock.start_of_day(last.next_opening_date, world.pool.time_zone))


def shares(period: Period) -> dict[int, int]:
    """Return what each membership was charged."""
    return dict(
        Charge.objects.filter(pool_id=period.pool_id, period_no=period.number).values_list(
            "membership_id", "share_fen"
        )
    )


def test_a_year_is_that_of_the_charge_days(db: None) -> None:
    """What December's period charges in January counts for the new year."""
    days = {"opening_day": 1, "publicity_day": 28, "charge_day": 5, "charge_months_later": 1}
    world = World.founded(
        members=4, year_cap_fen=3_000, calendar={"publicity_days": 3, "periods": [days]}, fee={"rate": "0/1"}
    )
    world.award(9_200)
    assert world.posted_period().charge_date == dt.date(2026, 2, 5)
    for _month in range(10):
        next_period(world)
        world.posted_period()
    next_period(world)
    world.award(8_000, "C-2")
    december = world.posted_period()
    assert (december.number, december.charge_date) == (12, dt.date(2027, 1, 5))
    assert set(shares(december).values()) == {2_000}
    next_period(world)
    world.award(8_000, "C-3")
    january = world.posted_period()
    assert set(shares(january).values()) == {1_000}
    assert january.sponsor_fen == 4_000
    member = Membership.objects.filter(pool=world.pool).first()
    assert member is not None
    assert year_to_date_fen(past_shares_of(member), 2027) == 3_000
    assert_books_true(world.pool)


def test_a_change_of_class_does_not_begin_the_year_anew(db: None) -> None:
    classes = [
        {"class_no": no, "weight": weight, "name_en": "A class", "name_zh": "一类"}
        for no, weight in enumerate((1, 2))
    ]
    world = World.founded(members={0: 3, 1: 1}, classes=classes, year_cap_fen=2_500, fee={"rate": "0/1"})
    world.award(5_000)
    first = world.posted_period()
    member = Membership.objects.filter(pool=world.pool).earliest("pk")
    assert shares(first)[member.pk] == 1_000
    next_period(world)
    Pool.objects.select_for_update().get(pk=world.pool.pk)
    end_covers(pool=world.pool, membership_ids=[member.pk], at=clock.now())
    cover_members(pool=world.pool, rows=[(member.pk, 1)], from_at=clock.now())
    world.award(9_000, "C-2")
    second = world.posted_period()
    span = MembershipSpan.objects.get(pool_id=world.pool.pk, membership_id=member.pk, to_at=None)
    assert (span.class_no, shares(second)[member.pk]) == (1, 1_500)
    assert_books_true(world.pool)


def test_a_lower_cap_in_mid_year_leaves_nothing_and_asks_nothing_back(db: None) -> None:
    world = World.founded(members=4, year_cap_fen=5_000, fee={"rate": "0/1"}, notice_days=0)
    world.award(12_000)
    world.posted_period()
    next_period(world)
    world.change_plan(
        dt.date(2026, 3, 1), year_cap_fen=2_000, fee={"rate": "0/1"}, notice_days=0, minimum_members=3
    )
    world.posted_period()
    next_period(world)
    world.award(1_000, "C-2")
    period = world.posted_period()
    assert set(shares(period).values()) == {0}
    assert period.sponsor_fen == 1_000
    assert_books_true(world.pool)


def test_rooms_are_taken_again_when_an_earlier_period_has_been_posted_since(db: None) -> None:
    """A period may be announced while the one before it waits to be posted: then its shares are provisional."""
    world = World.founded(members=4, year_cap_fen=3_000, fee={"rate": "0/1"})
    world.award(8_000)
    first = world.computed_period()
    next_period(world)
    world.award(8_000, "C-2")
    second = world.settled_period()
    assert rooms_of(second) == Rooms([(0, 3_000, 4)])
    assert {row["share_fen"] for row in compute_bill(second).classes} == {2_000}
    approve(world, first)
    second = services.compute_shares(period=second, preparer=world.admin.code, at=clock.now())
    assert rooms_of(second) == Rooms([(0, 1_000, 4)])
    approve(world, second)
    assert set(shares(second).values()) == {1_000}
    assert_books_true(world.pool)


def approve(world: World, period: Period) -> None:
    """Approve and post a computed period."""
    services.approve_period(
        period=period,
        approver=world.controller.code,
        shown_sha256=period.shown_sha256 or "",
        at=clock.now(),
    )
    run_jobs()
    period.refresh_from_db()
    assert period.state == "posted"


# --- what the database refuses ----------------------------------------------------------------------------------


def second_computed(**terms: object) -> tuple[World, Period]:
    """Return a pool of four of whom each has paid 27.00 of 30.00, two who came, and the period computed for them."""
    world = World.founded(members=4, year_cap_fen=3_000, **terms)
    world.award(10_000)
    world.posted_period()
    next_period(world)
    admit_group(
        pool=world.pool,
        count=2,
        class_no=0,
        from_at=clock.now(),
        joined_date=clock.today(world.pool.time_zone),
        actor="founding",
    )
    world.award(5_000, "C-2")
    return world, world.computed_period()


def test_period_figures_follow_their_sources_under_a_yearly_cap(db: None) -> None:
    _world, period = second_computed()
    assert period.classes == [
        {"class_no": 0, "weight": 1, "members": 2, "share_fen": 2_100, "cap_fen": 3_000},
        {"class_no": 0, "weight": 1, "members": 4, "share_fen": 300, "cap_fen": 300},
    ]
    for figure in (name for name in FIGURES if name not in {"carry_out_fen", "books_upto_no"}):
        for change in (1, -1):
            with about((figure, change)), refused("period_figures_follow_their_sources"):
                run(f"UPDATE ledger_period SET {figure} = {figure} + {change} WHERE id = %s", period.pk)
    for place, name in [(place, name) for place in (0, 1) for name in period.classes[0]]:
        forged = [dict(row) for row in period.classes]
        forged[place][name] += 1
        with about((place, name)), refused("period_figures_follow_their_sources"):
            run("UPDATE ledger_period SET classes = %s WHERE id = %s", json.dumps(forged), period.pk)


def test_manifest_keeps_its_rooms(committed_db: tuple[str, str]) -> None:
    """The application cannot write them, and once a period is approved nobody can."""
    world, period = second_computed()
    line = period.manifest.get()
    assert line.rooms == [[0, 300, 4], [0, 3_000, 2]]
    with not_permitted():
        run("UPDATE ledger_manifestline SET rooms = NULL WHERE id = %s", line.pk)
    services.approve_period(
        period=period,
        approver=world.controller.code,
        shown_sha256=period.shown_sha256 or "",
        at=clock.now(),
    )
    with psycopg.connect(committed_db[0]) as owner, refused_to_owner(owner, "manifest_keeps_its_counts"):
        owner.execute("UPDATE ledger_manifestline SET rooms = NULL WHERE id = %s", [line.pk])


@pytest.mark.parametrize("large", [False, True], ids=["small", "large"])
def test_charge_stays_within_its_room(committed_db: tuple[str, str], large: bool) -> None:
    """Even where a manifest, by the owner's hand, says that there is room: the charges themselves are asked."""
    world, period = second_computed(large=large)
    line = period.manifest.get()
    services.approve_period(
        period=period,
        approver=world.controller.code,
        shown_sha256=period.shown_sha256 or "",
        at=clock.now(),
    )
    run("UPDATE ledger_period SET state = 'posting' WHERE id = %s", period.pk)
    with psycopg.connect(committed_db[0], autocommit=True) as owner:
        owner.execute("ALTER TABLE ledger_manifestline DISABLE TRIGGER USER")
        owner.execute(
            "UPDATE ledger_manifestline SET rooms = '[[0, 3000, 6]]', want_fen = 12600 WHERE id = %s",
            [line.pk],
        )
        owner.execute("ALTER TABLE ledger_manifestline ENABLE TRIGGER USER")
        for step, number in (("open_charge_shelf", period.pk), ("write_charge_shard", line.pk)):
            owner.execute(f"SELECT {step}(%s)", [number])
        with refused_to_owner(owner, "charge_stays_within_its_room"):
            owner.execute("SELECT close_charge_shelf(%s)", [period.pk])
        assert not Charge.objects.filter(pool_id=world.pool.pk, period_no=2).exists()


# --- what follows of it elsewhere -------------------------------------------------------------------------------


def test_verification_finds_a_room_and_a_charge_that_do_not_follow(committed_db: tuple[str, str]) -> None:
    """A manifest whose rooms were changed after all, and a charge of a fen more than the year leaves."""
    world, period = second_computed()
    approve(world, period)
    assert _verdict(world) == 0
    with psycopg.connect(committed_db[0], autocommit=True) as owner:
        owner.execute("ALTER TABLE ledger_manifestline DISABLE TRIGGER USER")
        owner.execute(
            "UPDATE ledger_manifestline SET rooms = '[[0, 300, 5], [0, 3000, 1]]' WHERE period_id = %s",
            [period.pk],
        )
        assert _verdict(world) == 1
        owner.execute(
            "UPDATE ledger_manifestline SET rooms = '[[0, 300, 4], [0, 3000, 2]]' WHERE period_id = %s",
            [period.pk],
        )
        assert _verdict(world) == 0
        leaf = f"ledger_charge_{world.pool.pk}"
        owner.execute(f"ALTER TABLE {leaf} DISABLE TRIGGER USER")
        for fen, membership in ((1, "min"), (-1, "max")):
            owner.execute(
                f"UPDATE {leaf} SET share_fen = share_fen + {fen} WHERE period_no = 2 AND membership_id ="
                f" (SELECT {membership}(membership_id) FROM {leaf} WHERE period_no = 2)"
            )
        assert _verdict(world) == 1


def _verdict(world: World) -> int:
    """Return what both verifications of the pool end with; they must agree."""
    ends = set()
    for command, arguments in (
        ("verify_books", ["--pool", world.pool.code]),
        ("verify_period", ["--pool", world.pool.code, "--number", "2"]),
    ):
        try:
            call_command(command, *arguments, stdout=StringIO(), stderr=StringIO())
            ends.add(0)
        except SystemExit as ended:
            ends.add(int(ended.code or 0))
    (end,) = ends
    return end


ROOMS = st.lists(
    st.tuples(st.integers(0, 10**6), st.integers(0, 10**5)),
    min_size=1,
    max_size=4,
    unique_by=lambda row: row[0],
)


@settings(max_examples=400, deadline=None)
@given(
    terms=plans(),
    aids=AWARDS,
    other=st.just(0) | AMOUNT,
    carry=st.just(0) | AMOUNT,
    reserve=st.just(0) | AMOUNT,
    run_off=st.booleans(),
    data=st.data(),
)
def test_both_bills_agree_on_rooms(terms, aids, other, carry, reserve, run_off, data):
    plan = PlanTerms.from_json(terms | {"year_cap_fen": 10**12})
    rooms = [(row.class_no, room, members) for row in plan.classes for room, members in data.draw(ROOMS)]
    counts = {
        row.class_no: sum(members for class_no, _room, members in rooms if class_no == row.class_no)
        for row in plan.classes
    }
    sharing = share_out(
        plan,
        counts=counts,
        aid_fens=tuple(aids),
        other_costs_fen=other,
        carry_in_fen=carry,
        reserve_fen=reserve,
        rooms=Rooms(rooms, is_run_off=run_off),
    )
    bill = recompute.bill(
        plan.to_json(),
        counts,
        aids,
        other_costs=other,
        carry_in=carry,
        reserve=reserve,
        rooms=rooms,
        run_off=run_off,
    )
    assert (bill.aid, bill.fee) == (sharing.aid_fen, sharing.fee_fen)
    assert (bill.contribution, bill.drawn) == (sharing.reserve_contribution_fen, sharing.reserve_drawn_fen)
    assert bill.sponsored == sharing.sponsor_fen
    assert (bill.assessed, bill.carry_out) == (sharing.assessed_fen, sharing.carry_out_fen)
    for share in sharing.shares:
        assert share.cap_fen is not None
        if share.count:
            assert recompute.charge(bill.shares[share.class_no], share.cap_fen) == share.share_fen
