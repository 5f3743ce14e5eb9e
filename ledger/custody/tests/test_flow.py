"""Money comes in and goes out: worked examples, each ending with a trial balance."""

from dataclasses import replace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from aidplatform.lib import clock
from aidplatform.testing.bank import Bank, membership
from aidplatform.testing.ledgers import assert_books_true, balances, read_trial
from aidplatform.testing.refusals import fire_deferred
from aidplatform.testing.world import World
from aidplatform.work.models import Job
from ledger.books.findings import Report
from ledger.custody import reconciliation, selectors, services
from ledger.custody import verify as custody
from ledger.custody.models import Collection, PaymentOrder, StatementLine
from ledger.custody.statement_parts import IN, OUT
from ledger.openbooks.models import Log
from ledger.sharing import verify as sharing
from ledger.sharing.models import Award, Period
from ledger.sharing.selectors import book_of
from ledger.sharing.verify.rows import PoolRow

Charged = tuple[World, Bank, Period]


def _award(world: World, code: str) -> Award:
    return Award.objects.get(pool=world.pool, code=code)


def test_charges_are_announced_by_a_job(charged: Charged) -> None:
    _world, _bank, period = charged
    assert period.charges_notified_at is not None
    job = Job.objects.get(kind="sharing.notify_charges", key=period.code)
    assert job.state == Job.State.DONE


def test_everything_paid_and_confirmed(charged: Charged) -> None:
    """Aid 1,500.00, fee 120.00, seven members: 231.43 each, 1,620.01 together, carry 0.01."""
    world, bank, period = charged
    assert bank.all_pay().totals == {"collection": (7, 162_001)}
    for code, fen in (("C-1", 100_000), ("C-2", 50_000)):
        bank.release(bank.order_aid(_award(world, code), fen))
    bank.release(bank.order_fee(period, 12_000))
    assert bank.all_pay().totals == {"payment": (3, 162_000)}
    fire_deferred()
    assert balances(book_of(world.pool)) == read_trial("""
        101 Custody bank            0.01      -
        240 Carried surplus         -         0.01
        401 Contributions           -     1,620.00
        501 Aid granted         1,500.00      -
        510 Management fee        120.00      -
    """)
    assert set(PaymentOrder.objects.values_list("state", flat=True)) == {"confirmed"}
    assert selectors.paid_fen(_award(world, "C-1")) == 100_000
    assert_books_true(world.pool)


def test_released_payment_is_in_transit_until_the_statement(charged: Charged) -> None:
    world, bank, _period = charged
    bank.all_pay()
    bank.release(bank.order_aid(_award(world, "C-1"), 100_000))
    assert balances(book_of(world.pool)) == read_trial("""
        101 Custody bank        1,620.01      -
        201 Aid payable             -       500.00
        230 Fee payable             -       120.00
        240 Carried surplus         -         0.01
        270 Payments in transit     -     1,000.00
        401 Contributions           -     1,620.00
        501 Aid granted         1,500.00      -
        510 Management fee        120.00      -
    """)
    found = reconciliation.reconcile(world.pool)
    assert found is not None
    assert found.agrees
    assert found.unconfirmed_fen == 100_000


def test_partial_money_is_shared_in_the_same_proportion(charged: Charged) -> None:
    """Three of seven have paid 694.29: each case can be paid 46.286 % of its aid, rounded down to the fen."""
    _world, bank, period = charged
    bank.take(bank.statement(*(bank.receipt(number, 23_143) for number in (1, 2, 3))))
    payable = {one.award.code: one.payable_fen for one in selectors.payable_now(period)}
    assert payable == {"C-1": 100_000 * 69_429 // 150_000, "C-2": 50_000 * 69_429 // 150_000}
    assert payable == {"C-1": 46_286, "C-2": 23_143}


def test_payment_that_came_back_is_ordered_anew_within_what_is_there(charged: Charged) -> None:
    """The other case was paid beyond its proportion of what is left; 231.43 are there, and no more is offered."""
    world, bank, period = charged
    bank.take(bank.statement(*(bank.receipt(number, 23_143) for number in (1, 2, 3))))
    first = bank.release(bank.order_aid(_award(world, "C-1"), 46_286))
    bank.release(bank.order_aid(_award(world, "C-2"), 23_143))
    bank.all_pay(unpaid=1.0)
    back = bank.line(IN, 46_286, text=selectors.order_reference(first))
    bank.take(bank.statement(back, replace(bank.receipt(1, 23_143), direction=OUT)))
    payable = {one.award.code: one.payable_fen for one in selectors.payable_now(period)}
    assert payable == {"C-1": 23_143, "C-2": 0}
    bank.release(bank.order_aid(_award(world, "C-1"), 23_143))
    assert {one.payable_fen for one in selectors.payable_now(period)} == {0}


def test_part_of_a_share_then_the_rest(charged: Charged) -> None:
    world, bank, period = charged
    bank.take(bank.statement(bank.receipt(4, 10_000)))
    bank.take(bank.statement(bank.receipt(4, 13_143)))
    owed = selectors.charges_of(pool=world.pool, membership_id=membership(world, 4).pk)
    assert [(one.share_fen, one.collected_fen, one.open_fen) for one in owed] == [(23_143, 23_143, 0)]
    row = selectors.arrears(world.pool)[0]
    assert (row.charged_fen, row.collected_fen, row.owing_members) == (162_001, 23_143, 6)
    assert selectors.collected_fen(period) == 23_143
    assert len(list(selectors.arrears_rows(world.pool))) == 6


def test_overpayment_stays_unidentified_until_refunded(charged: Charged) -> None:
    world, bank, _period = charged
    bank.take(bank.statement(bank.receipt(1, 30_000)))
    (left,) = reconciliation.unidentified(bank.account)
    assert left.open_fen == 30_000 - 23_143
    refund = services.order_payment(
        pool=world.pool,
        kind="refund",
        receipt=left.line,
        amount_fen=left.open_fen,
        payee_name="Member One",
        payee_account="6222 1",
        orderer=world.treasurer.code,
        at=clock.now(),
    )
    assert reconciliation.unidentified(bank.account) == []
    bank.release(refund)
    bank.all_pay(unpaid=1.0)
    fire_deferred()
    assert balances(book_of(world.pool)) == read_trial("""
        101 Custody bank          231.43      -
        110 Shares receivable   1,388.58      -
        201 Aid payable             -     1,500.00
        230 Fee payable             -       120.00
        240 Carried surplus         -         0.01
        401 Contributions           -     1,620.00
        501 Aid granted         1,500.00      -
        510 Management fee        120.00      -
    """)


def test_cancelled_refund_is_unidentified_again(charged: Charged) -> None:
    world, bank, _period = charged
    bank.take(bank.statement(bank.line(IN, 500, text="who am I")))
    (left,) = reconciliation.unidentified(bank.account)
    order = services.order_payment(
        pool=world.pool,
        kind="refund",
        receipt=left.line,
        amount_fen=500,
        payee_name="X",
        payee_account="1",
        orderer=world.treasurer.code,
        at=clock.now(),
    )
    services.cancel_order(order=order, canceller=world.treasurer.code, at=clock.now())
    assert [one.open_fen for one in reconciliation.unidentified(bank.account)] == [500]
    assert balances(book_of(world.pool))["250"] == -500


def test_unknown_money_is_identified_later(charged: Charged) -> None:
    world, bank, _period = charged
    bank.take(bank.statement(bank.line(IN, 23_143, text="share of Li", counterparty="Li Lei")))
    (left,) = reconciliation.unidentified(bank.account)
    assert selectors.counterparty(left.line) == "Li Lei"
    paid = services.identify_receipt(
        receipt=left.line,
        membership=membership(world, 5),
        identifier=world.treasurer.code,
        at=clock.now(),
    )
    assert paid == 23_143
    assert reconciliation.unidentified(bank.account) == []
    assert balances(book_of(world.pool))["110"] == 6 * 23_143
    with pytest.raises(services.NothingOwedError):
        services.identify_receipt(
            receipt=left.line,
            membership=membership(world, 5),
            identifier=world.treasurer.code,
            at=clock.now(),
        )


def test_statement_of_every_kind(charged: Charged) -> None:
    """A bank charge is the operator's, interest is the members', an unknown debit waits to be explained."""
    world, bank, _period = charged
    bank.take(bank.statement(*(bank.receipt(number, 23_143) for number in range(1, 8))))
    result = bank.take(
        bank.statement(
            bank.line(OUT, 150, code="charge"),
            bank.line(IN, 33, code="interest"),
            bank.line(OUT, 777, text="?"),
            bank.line(IN, 999, text="no reference"),
            bank.line(OUT, 23_143, text=f"returned debit {bank.reference(7)}"),
        )
    )
    assert {kind: count for kind, (count, _fen) in result.totals.items()} == {
        "bank_fee": 1,
        "chargeback": 1,
        "interest": 1,
        "unexplained": 1,
        "unidentified": 1,
    }
    fire_deferred()
    assert balances(book_of(world.pool)) == read_trial("""
        101 Custody bank        1,389.63      -
        110 Shares receivable     231.43      -
        130 Operator receivable     1.50      -
        140 Debits to explain       7.77      -
        201 Aid payable             -     1,500.00
        230 Fee payable             -       120.00
        240 Carried surplus         -         0.34
        250 Unidentified            -         9.99
        401 Contributions           -     1,620.00
        501 Aid granted         1,500.00      -
        510 Management fee        120.00      -
    """)
    assert Collection.objects.filter(amount_fen__lt=0).count() == 1
    assert_books_true(world.pool)


def test_oldest_period_is_paid_first(charged: Charged) -> None:
    world, bank, first = charged
    world.award(70_000, code="C-3")
    from aidplatform.testing.world import set_clock

    set_clock(clock.start_of_day(first.next_opening_date, "Asia/Shanghai"))
    second = world.posted_period()
    share = (second.classes or [])[0]["share_fen"]
    bank.take(bank.statement(bank.receipt(1, 23_143 + 100)))
    owed = selectors.charges_of(pool=world.pool, membership_id=membership(world, 1).pk)
    assert [(one.period_no, one.collected_fen) for one in owed] == [(2, 100), (1, 23_143)]
    bank.take(bank.statement(bank.receipt(1, share - 100)))
    assert selectors.charges_of(pool=world.pool, membership_id=membership(world, 1).pk)[0].open_fen == 0


def test_only_statements_of_the_same_days_are_read_again(charged: Charged) -> None:
    """The next days' file reads no stored booking, however many there are; one of the same days reads its own."""
    bank = charged[1]
    first = bank.statement(bank.line(IN, 10))
    bank.take(first)
    for data, asked in ((bank.statement(bank.line(IN, 11)), 0), (first, 1)):
        again = replace(data, bank_number="again")
        with CaptureQueriesContext(connection) as caught:
            bank.take(again)
        reads = [
            query["sql"]
            for query in caught
            if query["sql"].startswith('SELECT "ledger_statementline"."content_hash"')
        ]
        assert len(reads) == asked
        assert all('"ledger_statementline"."statement_id" IN' in read for read in reads)


def test_returned_payment_is_owed_again(charged: Charged) -> None:
    world, bank, _period = charged
    bank.all_pay()
    order = bank.release(bank.order_aid(_award(world, "C-1"), 100_000))
    bank.all_pay()
    bank.take(
        bank.statement(bank.line(IN, 100_000, text=f"account closed {selectors.order_reference(order)}"))
    )
    order.refresh_from_db()
    assert order.state == PaymentOrder.State.RETURNED
    assert balances(book_of(world.pool))["201"] == -150_000
    assert {one.award.code: one.payable_fen for one in selectors.payable_awards(world.pool)} == {
        "C-1": 100_000,
        "C-2": 50_000,
    }
    fire_deferred()


def test_confirmed_aid_is_told_as_an_event(charged: Charged, settings: object) -> None:
    world, bank, _period = charged
    settings.EVENT_SUBSCRIBERS = {**settings.EVENT_SUBSCRIBERS, "award.paid": ["test.hears"]}
    bank.all_pay()
    bank.release(bank.order_aid(_award(world, "C-1"), 40_000))
    bank.all_pay()
    job = Job.objects.get(kind="test.hears")
    assert (job.payload["code"], job.payload["paid_fen"], job.payload["is_complete"]) == (
        "C-1",
        40_000,
        False,
    )


def test_counterparty_and_payee_are_sealed(charged: Charged) -> None:
    world, bank, _period = charged
    bank.take(bank.statement(bank.receipt(1, 23_143, counterparty="Li Lei")))
    line = StatementLine.objects.get(line_no=1, statement__number=1)
    order = bank.order_aid(_award(world, "C-1"), 100)
    stored = bytes(line.counterparty) + bytes(order.payee_name) + bytes(order.payee_account)
    assert b"Li Lei" not in stored
    assert b"Zhang" not in stored
    assert b"1111" not in stored
    assert selectors.payee_of(order) == selectors.Payee("Zhang San", "6222999900001111")


def test_verification_holds_over_custody(charged: Charged) -> None:
    """Every statement about books, log, periods and custody is true after receipts, payments and a chargeback."""
    world, bank, period = charged
    bank.all_pay()
    bank.release(bank.order_aid(_award(world, "C-1"), 60_000))
    bank.take(
        bank.statement(
            bank.line(IN, 999, text="no reference"), bank.line(OUT, 23_143, text=bank.reference(7))
        )
    )
    report = Report.of(custody.SENTENCES, sharing.SENTENCES)
    custody.verify_custody(report, world.pool.pk, world.pool.code, book_of(world.pool).pk)
    sharing.verify_sharing(report, next(iter(_rows(world))))
    assert not report.is_false, report.statements
    assert all(report.statements[name].examined for name in custody.SENTENCES)
    assert period.charges_notified_at is not None


def _rows(world: World) -> list[PoolRow]:
    book = book_of(world.pool)
    log = Log.objects.get(code=world.pool.code)
    return [PoolRow(world.pool.pk, world.pool.code, world.pool.time_zone, book.pk, log.pk)]
