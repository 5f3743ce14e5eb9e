"""Shares that nobody can collect: written off by two people, borne by the next bill, recovered when money comes."""

from typing import Any

import pytest

from aidplatform.lib import clock
from aidplatform.testing.bank import Bank, membership
from aidplatform.testing.ledgers import assert_books_true, balances
from aidplatform.testing.refusals import about, refused
from aidplatform.testing.world import World, set_clock
from aidplatform.work.models import AuditEntry
from ledger.custody import selectors, services, write_offs
from ledger.custody.models import Collection, StatementLine
from ledger.custody.statement_parts import IN, OUT
from ledger.custody.write_off_models import WriteOff, WrittenOffCharge
from ledger.sharing.models import Period
from ledger.sharing.selectors import balance_of, book_of, books_window, other_costs
from ledger.sharing.views import figures_of
from ledger.verification.statements import new_report, verify_everything

Charged = tuple[World, Bank, Period]
SHARE = 23_143


def order(world: World, number: int = 1, **changed: Any) -> WriteOff:
    """Order as the treasurer that what a member owes is written off."""
    given: dict[str, Any] = {"reason": "left", "reminders": 0, "upto_period_no": 99} | changed
    return write_offs.order_write_off(
        membership=membership(world, number), orderer=world.treasurer.code, at=clock.now(), **given
    )


def approve(world: World, one: WriteOff) -> WriteOff:
    """Approve it as the controller."""
    return write_offs.approve_write_off(
        write_off=one, approver=world.controller.code, shown_sha256=one.shown_sha256 or "", at=clock.now()
    )


def false_statements(world: World) -> dict[str, Any]:
    """Return what `verify_books` finds wrong."""
    report = new_report()
    verify_everything(report, world.pool.code)
    return {code: one.findings for code, one in report.statements.items() if one.false}


def next_costs(world: World) -> tuple[int, int]:
    """Return other costs and carry of the bill that the next period would have (fen)."""
    window = books_window(Period(pool=world.pool, number=99))
    return sum(other_costs(window).values()), balance_of(window, "240")


def test_what_is_written_off_is_a_cost_of_the_next_bill(charged: Charged) -> None:
    world, bank, _period = charged
    bank.take(bank.statement(bank.receipt(1, 143), *(bank.receipt(no, SHARE) for no in range(2, 8))))
    one = order(world, reason="uncollectable", reminders=3)
    assert (one.number, one.amount_fen, one.charges) == (1, 23_000, [[1, 23_000]])
    assert balances(book_of(world.pool))["110"] == 23_000
    done = approve(world, one)
    assert (done.state, done.entry.maker, done.entry.checker) == (
        "approved",
        world.treasurer.code,
        world.controller.code,
    )
    net = balances(book_of(world.pool))
    assert "110" not in net
    assert net["120"] == 23_000
    assert next_costs(world)[0] == 23_000
    assert list(selectors.arrears_rows(world.pool)) == []
    row = selectors.arrears(world.pool)[0]
    assert (row.open_fen, row.owing_members, row.written_off_fen) == (0, 0, 23_000)
    assert selectors.how_to_pay(membership(world, 1)).open_fen == 0
    assert write_offs.written_off_of(membership(world, 1)) == {1: 23_000}
    assert set(AuditEntry.objects.filter(action__endswith="write_off").values_list("action", flat=True)) == {
        "order_write_off",
        "approve_write_off",
    }
    assert_books_true(world.pool)
    assert false_statements(world) == {}


def test_next_period_shares_it_and_names_the_cause(charged: Charged) -> None:
    world, bank, period = charged
    bank.take(bank.statement(*(bank.receipt(no, SHARE) for no in range(2, 8))))
    approve(world, order(world))
    set_clock(clock.start_of_day(period.next_opening_date, world.pool.time_zone))
    second = world.posted_period()
    assert second.other_costs_fen == SHARE
    figures = figures_of(second)
    assert figures is not None
    assert figures.other_costs_by_kind == (("write_off", SHARE),)
    assert false_statements(world) == {}
    assert_books_true(world.pool)
    # What comes now has been borne by others: it lowers the bill after that.
    bank.take(bank.statement(bank.receipt(1, SHARE)))
    net = balances(book_of(world.pool))
    assert "120" not in net
    assert next_costs(world) == (0, SHARE + (second.carry_out_fen or 0) - _paid_of(world, 2))
    assert false_statements(world) == {}


def _paid_of(world: World, period_no: int) -> int:
    """Return what of the receipt went to a newer share first (fen)."""
    found = Collection.objects.filter(pool_id=world.pool.pk, period_no=period_no)
    return sum(found.values_list("amount_fen", flat=True))


def test_money_that_comes_before_the_next_bill_takes_the_cost_back(charged: Charged) -> None:
    world, bank, _period = charged
    bank.take(bank.statement(*(bank.receipt(no, SHARE) for no in range(2, 8))))
    approve(world, order(world))
    bank.take(bank.statement(bank.receipt(1, 20_000)))
    net = balances(book_of(world.pool))
    assert net["120"] == 3_143
    assert "110" not in net
    assert "250" not in net
    assert next_costs(world)[0] == 3_143
    assert false_statements(world) == {}
    # The bank takes it back: a cost again, and not owed again.
    bank.take(bank.statement(bank.line(OUT, 20_000, text=bank.reference(1))))
    net = balances(book_of(world.pool))
    assert net["120"] == SHARE
    assert "110" not in net
    assert next_costs(world)[0] == SHARE
    assert false_statements(world) == {}
    assert_books_true(world.pool)


def test_a_receipt_without_reference_is_a_recovery_once_it_is_identified(charged: Charged) -> None:
    world, bank, _period = charged
    bank.take(bank.statement(*(bank.receipt(no, SHARE) for no in range(2, 8))))
    approve(world, order(world))
    statement = bank.take(bank.statement(bank.line(IN, SHARE + 7))).statement
    receipt = StatementLine.objects.get(statement=statement)
    paid = services.identify_receipt(
        receipt=receipt, membership=membership(world, 1), identifier=world.treasurer.code, at=clock.now()
    )
    assert paid == SHARE
    net = balances(book_of(world.pool))
    assert (net.get("120", 0), net["250"]) == (0, -7)
    assert false_statements(world) == {}


def test_a_part_that_is_charged_back_is_a_cost_as_the_rest_is(charged: Charged) -> None:
    """Paid 143, the rest written off: nobody is asked again for what the bank takes back."""
    world, bank, _period = charged
    bank.take(bank.statement(bank.receipt(1, 143), *(bank.receipt(no, SHARE) for no in range(2, 8))))
    approve(world, order(world))
    bank.take(bank.statement(bank.line(OUT, 143, text=bank.reference(1))))
    net = balances(book_of(world.pool))
    assert ("110" in net, net["120"]) == (False, SHARE)
    assert selectors.how_to_pay(membership(world, 1)).open_fen == 0
    assert false_statements(world) == {}
    bank.take(bank.statement(bank.receipt(1, 150)))
    net = balances(book_of(world.pool))
    assert ("110" in net, net["120"]) == (False, 22_993)
    assert false_statements(world) == {}


def test_open_shares_are_paid_before_written_off_ones(charged: Charged) -> None:
    world, bank, period = charged
    approve(world, order(world, upto_period_no=1))
    set_clock(clock.start_of_day(period.next_opening_date, world.pool.time_zone))
    world.award(70_000, "C-9")
    second = world.posted_period()
    share = (second.classes or [])[0]["share_fen"]
    set_clock(clock.start_of_day(second.charge_date, world.pool.time_zone))
    bank.take(bank.statement(bank.receipt(1, share + 5)))
    assert {row.period_no: row.collected_fen for row in selectors.charges_of(
        pool=world.pool, membership_id=membership(world, 1).pk)} == {2: share, 1: 5}  # fmt: skip
    assert false_statements(world) == {}


def test_two_people_write_off_what_was_shown(charged: Charged) -> None:
    world, bank, _period = charged
    one = order(world)
    with pytest.raises(write_offs.SamePersonError):
        write_offs.approve_write_off(
            write_off=one, approver=world.treasurer.code, shown_sha256=one.shown_sha256 or "", at=clock.now()
        )
    with pytest.raises(write_offs.ShownChangedError):
        write_offs.approve_write_off(
            write_off=one, approver=world.controller.code, shown_sha256="0" * 64, at=clock.now()
        )
    with refused("one_waiting_write_off_per_membership"):
        order(world)
    bank.take(bank.statement(bank.receipt(1, 1)))
    with refused("only_unpaid_shares_are_written_off"):
        approve(world, one)
    withdrawn = write_offs.withdraw_write_off(write_off=one, withdrawer=world.controller.code, at=clock.now())
    assert withdrawn.state == "withdrawn"
    again = approve(world, order(world))
    assert again.amount_fen == SHARE - 1
    for act in (
        lambda: approve(world, again),
        lambda: write_offs.withdraw_write_off(
            write_off=again, withdrawer=world.controller.code, at=clock.now()
        ),
    ):
        with pytest.raises(write_offs.WriteOffMovedOnError):
            act()
    assert WrittenOffCharge.objects.count() == 1


def test_nothing_is_written_off_that_is_not_owed(charged: Charged) -> None:
    world, bank, _period = charged
    with about("nothing up to that period"), refused("only_unpaid_shares_are_written_off"):
        order(world, upto_period_no=0)
    bank.take(bank.statement(bank.receipt(1, SHARE)))
    with about("paid"), refused("only_unpaid_shares_are_written_off"):
        order(world)
    approve(world, order(world, 2))
    with about("written off before"), refused("only_unpaid_shares_are_written_off"):
        order(world, 2)
    with about("no reminder"), refused("write_off_says_why"):
        order(world, 3, reason="uncollectable")
