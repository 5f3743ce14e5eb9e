"""Each guarantee of wallets, broken by raw SQL as the application's role, and by the owner where it is about facts."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import transaction

from aidplatform.lib import clock
from aidplatform.testing.bank import Bank, membership
from aidplatform.testing.refusals import fire_deferred, not_permitted, refused, refused_to_owner, run, value
from aidplatform.testing.world import World, run_jobs, set_clock
from ledger.books.services import credit, debit
from ledger.custody.models import PaymentOrder, StatementLine
from ledger.custody.services import cancel_order
from ledger.custody.statement_parts import IN
from ledger.custody.wallet_models import WalletEntry
from ledger.openbooks import services as openbooks
from ledger.sharing import services as sharing
from ledger.sharing.selectors import book_of

FUNDING = {"join_fen": 30_000, "warn_below_fen": 10_000, "top_up_days": 30}
Ahead = tuple[World, Bank]


@pytest.fixture
def ahead(db: None) -> Ahead:
    """Give the test a pool of three with 300.00 in each wallet."""
    world = World.founded(members=3, funding=FUNDING)
    bank = Bank(world)
    bank.take(bank.statement(*(bank.receipt(number, 30_000) for number in (1, 2, 3))))
    return world, bank


def entry(world: World, number: int, **changed: Any) -> None:
    """Insert an entry as aid_app: by default a top-up of the member's own receipt."""
    row = {
        "pool_id": world.pool.pk,
        "membership_id": membership(world, number).pk,
        "kind": "top_up",
        "amount_fen": 30_000,
        "line_id": None,
        "order_id": None,
        "period_no": None,
        "recorded_by": world.treasurer.code,
        "at": clock.now(),
    } | changed
    places = ", ".join(["%s"] * len(row))
    run(f"INSERT INTO ledger_walletentry ({', '.join(row)}) VALUES ({places})", *row.values())


@contextmanager
def undone() -> Iterator[None]:
    """Let the block do what no commit would take, and take it back."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def line_of(number: int) -> int:
    return StatementLine.objects.get(line_no=number).pk


def unknown(bank: Bank, fen: int) -> int:
    """Take a receipt that bears nobody's reference."""
    bank.take(bank.statement(bank.line(IN, fen, text="?")))
    return StatementLine.objects.get(kind="unidentified").pk


def test_one_top_up_per_line_and_wallet(ahead: Ahead) -> None:
    with refused("one_top_up_per_line_and_wallet"):
        entry(ahead[0], 1, line_id=line_of(1))


@pytest.mark.parametrize(("number", "fen"), [(2, 30_000), (2, 29_999)])
def test_top_up_is_of_its_receipt(ahead: Ahead, number: int, fen: int) -> None:
    """Another member's receipt, all of it or a part."""
    with refused("top_up_is_of_its_receipt"):
        entry(ahead[0], number, line_id=line_of(1), amount_fen=fen)


def test_top_up_is_of_its_receipt_and_of_what_is_left_of_it(ahead: Ahead) -> None:
    world, bank = ahead
    line = unknown(bank, 500)
    with undone():
        entry(world, 1, line_id=line, amount_fen=300)
        with refused("top_up_is_of_its_receipt"):
            entry(world, 2, line_id=line, amount_fen=201)


def test_receipt_is_used_once_by_wallets_and_refunds_together(ahead: Ahead) -> None:
    world, bank = ahead
    line = unknown(bank, 500)
    with undone():
        entry(world, 1, line_id=line, amount_fen=300)
        with refused("receipt_is_used_once"):
            _order(world, kind="refund", receipt_id=line, amount_fen=201)


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("wallet_entry_has_its_sign", {"amount_fen": -1}),
        ("wallet_entry_has_its_sign", {"amount_fen": 0}),
        ("wallet_entry_has_its_sign", {"kind": "gift"}),
        ("wallet_entry_has_its_sign", {"kind": "refund", "amount_fen": 1}),
        ("wallet_entry_is_exact", {"amount_fen": 2**53}),
        ("wallet_entry_names_its_source", {}),
        ("wallet_entry_names_its_source", {"kind": "gap"}),
        ("wallet_entry_names_its_source", {"kind": "refund", "amount_fen": -1}),
        ("wallet_entry_names_its_source", {"kind": "opening", "period_no": 1}),
    ],
)
def test_entry_has_sign_and_source(ahead: Ahead, name: str, changed: dict[str, Any]) -> None:
    with refused(name):
        entry(ahead[0], 1, **changed)


def test_wallets_are_of_pools_that_pay_ahead(ahead: Ahead) -> None:
    other = World.founded(code="other-pool", members=3)
    with refused("wallets_are_of_pools_that_pay_ahead"):
        entry(other, 1, kind="opening")


def test_wallet_is_of_the_pool(ahead: Ahead) -> None:
    other = World.founded(code="other-pool", members=3)
    with refused("wallet_is_of_the_pool"):
        entry(ahead[0], 1, kind="opening", membership_id=membership(other, 1).pk)


def test_only_a_treasurer_fills_wallets(ahead: Ahead) -> None:
    line = unknown(ahead[1], 500)
    with refused("custody_people_hold_their_duty"):
        entry(ahead[0], 1, line_id=line, amount_fen=500, recorded_by=ahead[0].controller.code)


def test_prepaid_is_sum_of_wallets_at_the_commit(ahead: Ahead) -> None:
    line = unknown(ahead[1], 500)
    with refused("prepaid_is_sum_of_wallets"):
        entry(ahead[0], 1, line_id=line, amount_fen=500)
        fire_deferred()


def test_prepaid_is_sum_of_wallets_whatever_the_journal_says(ahead: Ahead) -> None:
    with refused("prepaid_is_sum_of_wallets"):
        _post(ahead[0], debit("210", 500), credit("250", 500))
        fire_deferred()


def test_opening_balance_of_a_wallet_takes_an_approved_opening(ahead: Ahead) -> None:
    """No wallet begins with money that no list and no statement showed."""
    with refused("wallet_opens_as_imported"):
        entry(ahead[0], 1, kind="opening")


def _post(world: World, *lines: Any) -> None:
    openbooks.post_logged_entry(
        book=book_of(world.pool),
        key="opening/1",
        kind="opening",
        lines=list(lines),
        entry_date=clock.today("Asia/Shanghai"),
        at=clock.now(),
        description="by hand",
        source="test",
        maker="t",
        checker="u",
    )


def test_wallet_never_negative(ahead: Ahead) -> None:
    with refused("wallet_never_negative"):
        ahead[1].order_back(1, 30_001)


def test_refund_leaves_the_next_share(ahead: Ahead) -> None:
    """Aid 300.00, fee 24.00: 108.00 each. From the freeze to the posting that much stays; before and after, nothing."""
    world, bank = ahead
    world.award(30_000)
    bank.order_back(1, 1)
    period = sharing.open_period(pool=world.pool, at=clock.now())
    set_clock(clock.start_of_day(period.publicity_date, "Asia/Shanghai"))
    period = sharing.freeze_headcount(period=period, at=clock.now())
    with refused("refund_leaves_the_next_share"):
        bank.order_back(2, 1)
    period = sharing.announce_period(period=period, at=clock.now())
    _leaves_share(bank)
    set_clock(clock.start_of_day(period.publicity_end_date, "Asia/Shanghai"))
    period = sharing.settle_period(period=period, at=clock.now())
    _leaves_share(bank)
    period = sharing.compute_shares(period=period, preparer=world.admin.code, at=clock.now())
    _leaves_share(bank)
    sharing.approve_period(
        period=period,
        approver=world.controller.code,
        shown_sha256=period.shown_sha256 or "",
        at=clock.now(),
    )
    _leaves_share(bank)
    run_jobs()
    bank.order_back(2, 19_200)
    assert value("SELECT wallet_balance(%s, %s)", world.pool.pk, membership(world, 2).pk) == 0


def _leaves_share(bank: Bank) -> None:
    with refused("refund_leaves_the_next_share"):
        bank.order_back(2, 19_201)
    order = bank.order_back(2, 19_200)
    cancel_order(order=order, canceller=bank.world.treasurer.code, at=clock.now())


def test_wallet_gap_is_what_is_lacking(ahead: Ahead) -> None:
    """Nobody writes a gap by hand: not before the period is posted, not while it is, not afterwards."""
    world, _bank = ahead
    world.award(30_000)
    world.approved_period()
    with refused("wallet_gap_is_what_is_lacking"):
        entry(world, 1, kind="gap", amount_fen=5, period_no=1)
    run_jobs()
    for fen in (5, 10_800):
        with refused("wallet_gap_is_what_is_lacking"):
            entry(world, 1, kind="gap", amount_fen=fen, period_no=1)
    with refused("wallet_gap_is_what_is_lacking"):
        entry(world, 1, kind="gap", amount_fen=5, period_no=9)


def test_prepaid_period_is_paid_by_wallets(db: None) -> None:
    """A period that charges nobody is posted with what wallets paid all the same, by the closing function alone."""
    world = World.founded(members=0, funding=FUNDING)
    period = world.approved_period()
    for sql in (
        "UPDATE ledger_period SET wallet_fen = 0, gap_fen = 0 WHERE id = %s",
        "SELECT draw_from_wallets(%s)",
    ):
        with not_permitted():
            run(sql, period.pk)
    with refused("prepaid_period_is_paid_by_wallets"):
        run("UPDATE ledger_period SET state = 'posting' WHERE id = %s", period.pk)
        run("UPDATE ledger_period SET state = 'posted', posted_at = now() WHERE id = %s", period.pk)
    run_jobs()
    period.refresh_from_db()
    assert (period.state, period.wallet_fen, period.gap_fen) == ("posted", 0, 0)


def test_wallet_is_paid_back_by_its_order(ahead: Ahead) -> None:
    world, bank = ahead
    own, other = membership(world, 1), membership(world, 2)
    with refused("wallet_is_paid_back_by_its_order"):
        _order(world, kind="wallet", membership_id=own.pk, amount_fen=100)
        fire_deferred()
    for number, fen in ((2, -100), (1, -99)):
        with refused("wallet_is_paid_back_by_its_order"):
            _order(world, kind="wallet", membership_id=own.pk, amount_fen=100)
            entry(world, number, kind="refund", amount_fen=fen, order_id=PaymentOrder.objects.get().pk)
    order = bank.order_back(2, 100)
    assert order.membership_id == other.pk
    with refused("wallet_is_paid_back_by_its_order"):
        entry(world, 2, kind="refund_undone", amount_fen=100, order_id=order.pk)
    with refused("wallet_is_paid_back_by_its_order"):
        run(
            "UPDATE ledger_paymentorder SET state = 'cancelled', cancelled_by = %s, cancelled_at = now() WHERE id = %s",
            world.treasurer.code,
            order.pk,
        )
        fire_deferred()


def test_one_wallet_entry_per_order_and_kind(ahead: Ahead) -> None:
    order = ahead[1].order_back(1, 100)
    with refused("one_wallet_entry_per_order_and_kind"):
        entry(ahead[0], 1, kind="refund", amount_fen=-100, order_id=order.pk)


def test_order_names_what_it_pays_with_a_wallet(ahead: Ahead) -> None:
    world, bank = ahead
    line = unknown(bank, 500)
    for changed in (
        {"kind": "wallet"},
        {"kind": "wallet", "membership_id": membership(world, 1).pk, "receipt_id": line},
        {"kind": "refund", "membership_id": membership(world, 1).pk, "receipt_id": line},
    ):
        with refused("order_names_what_it_pays"):
            _order(world, amount_fen=100, **changed)


def _order(world: World, **changed: Any) -> None:
    row = {
        "pool_id": world.pool.pk,
        "number": 0,
        "payee_name": b"x",
        "payee_account": b"x",
        "payee_hash": b"x" * 32,
        "payee_hint": "x",
        "state": "ordered",
        "ordered_by": world.treasurer.code,
        "ordered_at": clock.now(),
    } | changed
    places = ", ".join(["%s"] * len(row))
    run(f"INSERT INTO ledger_paymentorder ({', '.join(row)}) VALUES ({places})", *row.values())


def test_membership_of_an_order_is_part_of_what_is_released(ahead: Ahead) -> None:
    """Two orders equal in all but the wallet hash differently, and one without a wallet as it always did."""
    bank = ahead[1]
    one, other = bank.order_back(1, 100), bank.order_back(2, 100)
    assert one.shown_sha256 != other.shown_sha256
    with not_permitted():
        run("UPDATE ledger_paymentorder SET membership_id = 1 WHERE id = %s", one.pk)


def test_wallet_entry_is_permanent(owner: psycopg.Connection, db: None) -> None:
    for sql in (
        "UPDATE ledger_walletentry SET amount_fen = 1",
        "DELETE FROM ledger_walletentry",
        "TRUNCATE ledger_walletentry CASCADE",
    ):
        with refused_to_owner(owner, "wallet_entry_is_permanent"):
            owner.execute(sql)
        with not_permitted():
            run(sql)


def test_totals_are_written_by_the_guard_alone(ahead: Ahead) -> None:
    for sql in (
        "UPDATE ledger_wallettotal SET entries_fen = 0",
        "DELETE FROM ledger_wallettotal",
        "INSERT INTO ledger_wallettotal VALUES (77, 1)",
    ):
        with not_permitted():
            run(sql)
    assert value("SELECT entries_fen FROM ledger_wallettotal WHERE pool_id = %s", ahead[0].pool.pk) == 90_000


def test_money_in_wallets_is_protected(ahead: Ahead) -> None:
    """300.00 of aid can be paid from what was shared; the 576.00 left in wallets can not."""
    world, bank = ahead
    award = world.award(30_000)
    world.posted_period()
    award.refresh_from_db()
    bank.release(bank.order_aid(award, 30_000))
    assert WalletEntry.objects.filter(kind="gap").count() == 0
    second = world.award(50_000, code="C-2")
    with refused("aid_order_needs_a_shared_award"):
        bank.order_aid(second, 50_000)
    assert PaymentOrder.objects.count() == 1
    assert (
        value("SELECT free FROM (SELECT sum(payable_fen) AS free FROM custody_payable(%s)) f", world.pool.pk)
        == 0
    )


def test_permanent_rows_of_wallets_are_refused_to_the_owner(owner: psycopg.Connection, db: None) -> None:
    for sql in (
        "UPDATE members_awaitedcover SET class_no = 1",
        "DELETE FROM members_awaitedcover",
        "TRUNCATE members_awaitedcover CASCADE",
    ):
        with refused_to_owner(owner, "awaited_cover_is_permanent"):
            owner.execute(sql)
        with not_permitted():
            run(sql)
    with refused_to_owner(owner, "suspensions_are_kept"):
        owner.execute("DELETE FROM ledger_suspension")
