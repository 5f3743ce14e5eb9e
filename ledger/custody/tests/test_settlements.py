"""The end of a pool whose shares were not all paid: it is taken from what is owed, and the pool closes."""

from typing import Any

import psycopg
import pytest

from aidplatform.lib import clock
from aidplatform.testing.bank import Bank
from aidplatform.testing.endings import wind_down
from aidplatform.testing.ledgers import assert_books_true, balances
from aidplatform.testing.refusals import about, fire_deferred, not_permitted, refused, refused_to_owner, run
from aidplatform.testing.world import World, set_clock
from ledger.books.models import JournalEntry
from ledger.books.services import credit, debit
from ledger.custody import selectors, services, settlements
from ledger.custody.settlement_models import FinalSettlement
from ledger.custody.statement_parts import OUT
from ledger.custody.tests.test_write_offs import approve as approve_write_off
from ledger.custody.tests.test_write_offs import false_statements
from ledger.custody.tests.test_write_offs import order as order_write_off
from ledger.custody.write_off_models import WrittenOffCharge
from ledger.openbooks.services import post_logged_entry, reverse_logged_entry
from ledger.sharing import ending as endings
from ledger.sharing.models import Award, Period
from ledger.sharing.selectors import book_of
from members.ending.selectors import live_ending

Charged = tuple[World, Bank, Period]
SHARE = 23_143  # 1,500.00 of aid and 120.00 of fee over seven, rounded up; 0.01 is carried


def run_off_is_over(world: World) -> None:
    """Go to the end of the run-off: cover has ended, nothing more is filed."""
    ending = live_ending(world.pool) if world.pool.state == "winding_down" else wind_down(world)
    set_clock(clock.start_of_day(ending.run_off_end_date, world.pool.time_zone))


def order(world: World) -> FinalSettlement:
    """Order the settlement as the treasurer."""
    return settlements.order_settlement(pool=world.pool, orderer=world.treasurer.code, at=clock.now())


def approve(world: World, one: FinalSettlement) -> FinalSettlement:
    """Approve it as the controller."""
    done = settlements.approve_settlement(
        settlement=one, approver=world.controller.code, shown_sha256=one.shown_sha256 or "", at=clock.now()
    )
    fire_deferred()
    return done


def pay(bank: Bank, count: int) -> None:
    """Let that many members pay their share."""
    bank.take(bank.statement(*(bank.receipt(number, SHARE) for number in range(1, count + 1))))


def pay_everything(world: World, bank: Bank) -> None:
    """Order, release and confirm all aid and then all of the fee that can be paid."""
    for one in selectors.payable_awards(world.pool):
        if one.payable_fen:
            bank.release(bank.order_aid(one.award, one.payable_fen))
    for period in world.pool.periods.order_by("number"):
        if fen := selectors.payable_fee_fen(period):
            bank.release(bank.order_fee(period, fen))
    bank.all_pay(unpaid=1.0)


def test_pool_whose_shares_were_not_all_paid_is_settled_and_closes(charged: Charged) -> None:
    """Two of seven never pay: 462.86 less the carried cent; of the fee 120.00 × 5 / 7 are earned, the rest is aid."""
    world, bank, period = charged
    pay(bank, 5)
    run_off_is_over(world)
    one = order(world)
    fee = 12_000 - 12_000 * 5 * SHARE // period.assessed_fen
    aid = 2 * SHARE - 1 - fee
    assert one.figures == {
        "receivable": 2 * SHARE,
        "to_be_shared": 0,
        "carry": 1,
        "fee": fee,
        "aid": aid,
        "left": 0,
        "fees": [[1, fee]],
        # Two thirds and one third, the fen that is left over to the larger rest.
        "awards": [["C-1", 100_000, (2 * aid + 2) // 3], ["C-2", 50_000, aid - (2 * aid + 2) // 3]],
    }
    done = approve(world, one)
    net = balances(book_of(world.pool))
    assert {code: net.get(code, 0) for code in ("110", "120", "240", "201", "230")} == {
        "110": 0,
        "120": 0,
        "240": 0,
        "201": aid - 150_000,
        "230": fee - 12_000,
    }
    assert -(net["201"] + net["230"]) == net["101"], "what is still owed is what is there"
    assert (done.entry.maker, done.entry.checker) == (world.treasurer.code, world.controller.code)
    assert {row.amount_fen for row in WrittenOffCharge.objects.all()} == {SHARE}
    assert list(selectors.arrears_rows(world.pool)) == []
    assert_books_true(world.pool)
    assert false_statements(world) == {}
    pay_everything(world, bank)
    assert balances(book_of(world.pool)) == {
        code: fen for code, fen in balances(book_of(world.pool)).items() if code >= "401"
    }
    close_now(world)
    assert false_statements(world) == {}


def close_now(world: World) -> None:
    endings.close_pool(pool=world.pool, closer=world.controller.code, at=clock.now())
    world.pool.refresh_from_db()
    assert world.pool.state == "closed"


def test_aid_that_is_paid_is_not_lowered_and_fee_bears_the_rest(charged: Charged) -> None:
    """All money went to aid first: what is still unpaid of it, and then the fee, is what nobody will pay."""
    world, bank, _period = charged
    pay(bank, 5)
    pay_everything(world, bank)
    run_off_is_over(world)
    one = approve(world, order(world))
    # Both cases were paid in proportion, rounded down: one fen is there, and is left of the fee.
    unpaid = 150_000 - 5 * SHARE + 1
    assert (one.figures["aid"], one.figures["fee"], one.figures["carry"]) == (unpaid, 11_999, 1)
    assert sum(fen for _code, _unpaid, fen in one.figures["awards"]) == unpaid
    assert false_statements(world) == {}
    assert selectors.payable_awards(world.pool) == []
    pay_everything(world, bank)
    close_now(world)


def test_what_was_written_off_after_the_last_bill_is_settled_too(charged: Charged) -> None:
    world, bank, _period = charged
    pay(bank, 5)
    approve_write_off(world, order_write_off(world, 7))
    run_off_is_over(world)
    one = approve(world, order(world))
    assert (one.figures["receivable"], one.figures["to_be_shared"]) == (SHARE, SHARE)
    assert WrittenOffCharge.objects.filter(settlement=one).count() == 1
    assert false_statements(world) == {}
    pay_everything(world, bank)
    close_now(world)


def test_money_that_comes_later_belongs_to_the_members(charged: Charged) -> None:
    world, bank, _period = charged
    pay(bank, 5)
    run_off_is_over(world)
    approve(world, order(world))
    bank.take(bank.statement(bank.receipt(6, SHARE)))
    assert balances(book_of(world.pool))["240"] == -SHARE
    assert false_statements(world) == {}
    # The bank takes back what another had paid: it is owed again, and settled once more.
    bank.take(bank.statement(bank.line(OUT, SHARE, text=bank.reference(1))))
    assert balances(book_of(world.pool))["110"] == SHARE
    again = approve(world, order(world))
    assert (again.number, again.figures["carry"], again.figures["aid"]) == (2, SHARE, 0)
    assert "110" not in balances(book_of(world.pool))
    assert false_statements(world) == {}


def test_settlement_comes_last(charged: Charged) -> None:
    world, bank, _period = charged
    with about("open"), refused("settlement_comes_last"):
        order(world)
    wind_down(world)
    with about("cases are taken"), refused("settlement_comes_last"):
        order(world)
    pay(bank, 5)
    run_off_is_over(world)
    waiting = bank.order_aid(Award.objects.get(code="C-1"), 100)
    with about("an order waits"), refused("settlement_waits_for_orders"):
        order(world)
    services.cancel_order(order=waiting, canceller=world.controller.code, at=clock.now())
    order_write_off(world, 7)
    with about("a write-off waits"), refused("settlement_waits_for_orders"):
        order(world)


def test_settlement_is_borne(charged: Charged) -> None:
    world, bank, _period = charged
    pay(bank, 7)
    run_off_is_over(world)
    with refused("settlement_is_borne"):
        order(world)


def test_two_people_settle_what_was_shown(charged: Charged) -> None:
    world, bank, _period = charged
    pay(bank, 5)
    run_off_is_over(world)
    one = order(world)
    with refused("one_waiting_settlement_per_pool"):
        order(world)
    with pytest.raises(settlements.SamePersonError):
        settlements.approve_settlement(
            settlement=one, approver=world.treasurer.code, shown_sha256=one.shown_sha256, at=clock.now()
        )
    with pytest.raises(settlements.ShownChangedError):
        settlements.approve_settlement(
            settlement=one, approver=world.controller.code, shown_sha256="0" * 64, at=clock.now()
        )
    bank.take(bank.statement(bank.receipt(6, 100)))
    with refused("settlement_is_of_the_books"):
        approve(world, one)
    settlements.withdraw_settlement(settlement=one, withdrawer=world.controller.code, at=clock.now())
    approve(world, order(world))
    with pytest.raises(settlements.SettlementMovedOnError):
        settlements.withdraw_settlement(settlement=one, withdrawer=world.controller.code, at=clock.now())


# --- by raw SQL ---------------------------------------------------------------------------------------------------


@pytest.fixture
def over(charged: Charged) -> tuple[World, FinalSettlement]:
    """Return a pool that waits for its settlement to be approved."""
    world, bank, _period = charged
    pay(bank, 5)
    run_off_is_over(world)
    return world, order(world)


def insert(world: World, **changed: Any) -> None:
    """Insert a settlement that would be right but for what is changed."""
    row = {
        "pool_id": world.pool.pk,
        "number": 9,
        "figures": "{}",
        "state": "ordered",
        "ordered_by": world.treasurer.code,
        "ordered_at": clock.now(),
        **changed,
    }
    places = ", ".join(["%s"] * len(row))
    run(f"INSERT INTO ledger_finalsettlement ({', '.join(row)}) VALUES ({places})", *row.values())


def decide(world: World, one: FinalSettlement, **changed: Any) -> None:
    """Approve by raw SQL as the controller, but for what is changed."""
    row = {
        "state": "approved",
        "decided_by": world.controller.code,
        "decided_at": clock.now(),
        "approved_sha256": one.shown_sha256,
        **changed,
    }
    columns = ", ".join(f"{column} = %s" for column in row)
    run(f"UPDATE ledger_finalsettlement SET {columns} WHERE id = {one.pk}", *row.values())


def test_settlement_begins_ordered_by_a_treasurer(over: tuple[World, FinalSettlement]) -> None:
    world, one = over
    settlements.withdraw_settlement(settlement=one, withdrawer=world.controller.code, at=clock.now())
    with refused("settlement_begins_ordered"):
        insert(world, decided_by=world.controller.code)
    with refused("settlement_is_decided_once"):
        insert(world, state="approved")
    with refused("settlement_people_hold_their_duty"):
        insert(world, ordered_by=world.controller.code)
    insert(world, figures='{"aid": 1}')
    assert FinalSettlement.objects.get(number=2).figures == one.figures


def test_settlement_is_decided_as_shown_by_a_controller(over: tuple[World, FinalSettlement]) -> None:
    world, one = over
    for person in (world.admin, world.auditor, world.stranger):
        with about(person), refused("settlement_people_hold_their_duty"):
            decide(world, one, decided_by=person.code)
    with refused("settlement_is_of_what_was_shown"):
        decide(world, one, approved_sha256="0" * 64)
    with refused("settlement_needs_two_people"):
        decide(world, one, approved_sha256=None)
    with not_permitted():
        run("UPDATE ledger_finalsettlement SET figures = '{}'")
    with not_permitted():
        run("UPDATE ledger_award SET lowered_fen = 1")
    with not_permitted():
        run("DELETE FROM ledger_finalsettlement")


def test_approved_settlement_has_its_entry(over: tuple[World, FinalSettlement]) -> None:
    world, one = over
    with about("none"), refused("approved_settlement_has_its_entry"):
        decide(world, one)
        fire_deferred()
    figures = one.figures
    lines = settlements._lines(one)
    cases: dict[str, dict[str, Any]] = {
        "another key": {"key": "settlement/9"},
        "another kind": {"kind": "write_off"},
        "nobody checked it": {"checker": ""},
        "aid is lowered more": {
            "lines": [
                *(line for line in lines if line.account not in {"201", "501", "230", "510"}),
                debit("201", figures["aid"] + figures["fee"]),
                credit("501", figures["aid"] + figures["fee"]),
            ]
        },
    }
    for what, changed in cases.items():
        with about(what), refused("approved_settlement_has_its_entry"):
            decide(world, one)
            made = post_logged_entry(
                book=book_of(world.pool),
                at=clock.now(),
                **{
                    "key": "settlement/1",
                    "kind": "settlement",
                    "lines": lines,
                    "entry_date": clock.today(world.pool.time_zone),
                    "description": "x",
                    "source": "x",
                    "maker": one.ordered_by,
                    "checker": world.controller.code,
                    **changed,
                },
            )
            run("UPDATE ledger_finalsettlement SET entry_id = %s WHERE id = %s", made.pk, one.pk)


def test_an_approved_settlement_stays(over: tuple[World, FinalSettlement], owner: psycopg.Connection) -> None:
    world, one = over
    done = approve(world, one)
    with refused("settlement_is_decided_as_shown"):
        run("UPDATE ledger_finalsettlement SET entry_id = NULL WHERE id = %s", done.pk)
    with refused("settlement_is_decided_as_shown"):
        run("UPDATE ledger_finalsettlement SET decided_by = 'P-9' WHERE id = %s", done.pk)
    with refused("written_off_stays_written_off"):
        reverse_logged_entry(
            entry=JournalEntry.objects.get(pk=done.entry_id),
            reason="x",
            entry_date=clock.today(world.pool.time_zone),
            at=clock.now(),
            maker=world.treasurer.code,
            checker=world.controller.code,
        )
    with refused_to_owner(owner, "settlements_are_kept"):
        owner.execute("DELETE FROM ledger_finalsettlement")


def test_lowered_aid_cannot_be_ordered(over: tuple[World, FinalSettlement]) -> None:
    world, one = over
    approve(world, one)
    bank = Bank(world)
    award = Award.objects.get(code="C-1")
    with refused("aid_paid_at_most_the_award"):
        bank.order_aid(award, award.payable_fen + 1)
    for one_award in world.pool.awards.all():
        bank.order_aid(one_award, one_award.payable_fen)
    assert selectors.payable_awards(world.pool) == []
