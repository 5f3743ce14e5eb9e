"""Each guarantee of custody, broken by raw SQL as the application's role, and by the owner where it is about facts."""

import datetime as dt
from typing import Any

import psycopg
import pytest

from aidplatform.testing.bank import Bank, membership
from aidplatform.testing.refusals import (
    fire_deferred,
    not_permitted,
    refused,
    refused_to_owner,
    run,
    value,
)
from aidplatform.testing.world import World
from ledger.custody.models import BankStatement, PaymentOrder, StatementLine
from ledger.custody.statement_parts import IN
from ledger.sharing.models import Award, Period

Charged = tuple[World, Bank, Period]
FACTS = ("ledger_bankaccount", "ledger_bankstatement", "ledger_statementline", "ledger_collection")
PERMANENT = {
    "ledger_bankaccount": "bank_account_is_permanent",
    "ledger_bankstatement": "statement_is_permanent",
    "ledger_statementline": "statement_line_is_permanent",
    "ledger_collection": "collection_is_permanent",
}


def insert(table: str, **values: Any) -> int:
    """Insert a row as aid_app and return its id."""
    places = ", ".join(["%s"] * len(values))
    return int(
        value(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({places}) RETURNING id", *values.values())
    )


def statement(bank: Bank, **changed: Any) -> int:
    """Insert a statement that would be right but for what is changed."""
    day = bank.day
    last = bank.account.statements.order_by("-number").first()
    opening = last.closing_fen if last else 0
    return insert(
        "ledger_bankstatement",
        **{
            "account_id": bank.account.pk,
            "number": 0,
            "bank_number": "x",
            "format": "csv",
            "from_date": day,
            "to_date": day + dt.timedelta(days=1),
            "opening_fen": opening,
            "closing_fen": opening,
            "line_count": 0,
            "dropped_lines": 0,
            "sha256": "0" * 64,
            "imported_by": bank.world.treasurer.code,
            "imported_at": dt.datetime(2026, 1, 14, tzinfo=dt.UTC),
            **changed,
        },
    )


def line(bank: Bank, statement_id: int, /, **changed: Any) -> int:
    """Insert a line that would be right but for what is changed."""
    return insert(
        "ledger_statementline",
        **{
            "statement_id": statement_id,
            "account_id": bank.account.pk,
            "line_no": 1,
            "booking_date": value("SELECT from_date FROM ledger_bankstatement WHERE id = %s", statement_id),
            "direction": "in",
            "amount_fen": 100,
            "kind": "unidentified",
            "bank_reference": "",
            "counterparty": b"",
            "text": "",
            "content_hash": b"h" * 32,
            "twin_no": 0,
            **changed,
        },
    )


def collection(charged: Charged, line_id: int, **changed: Any) -> int:
    """Insert a collection for membership 1 in period 1 that would be right but for what is changed."""
    world, _bank, period = charged
    return insert(
        "ledger_collection",
        **{
            "line_id": line_id,
            "membership_id": membership(world, 1).pk,
            "pool_id": world.pool.pk,
            "period_no": period.number,
            "amount_fen": 1,
            "recorded_by": world.treasurer.code,
            "at": dt.datetime(2026, 1, 14, tzinfo=dt.UTC),
            **changed,
        },
    )


def order(bank: Bank, award: Award, **changed: Any) -> int:
    """Insert an order that would be right but for what is changed."""
    return insert(
        "ledger_paymentorder",
        **{
            "pool_id": bank.world.pool.pk,
            "number": 0,
            "kind": "aid",
            "award_id": award.pk,
            "amount_fen": 100,
            "payee_name": b"x",
            "payee_account": b"y",
            "payee_hash": b"z" * 32,
            "payee_hint": "…1",
            "state": "ordered",
            "ordered_by": bank.world.treasurer.code,
            "ordered_at": dt.datetime(2026, 1, 14, tzinfo=dt.UTC),
            **changed,
        },
    )


def award(world: World, code: str = "C-1") -> Award:
    return Award.objects.get(pool=world.pool, code=code)


@pytest.fixture
def paid(charged: Charged) -> Charged:
    """Let everybody pay, so that there is money to order."""
    charged[1].all_pay()
    return charged


@pytest.fixture
def unknown(charged: Charged) -> StatementLine:
    """Import one receipt of 500.00 that nobody explains."""
    bank = charged[1]
    result = bank.take(bank.statement(bank.line(IN, 50_000)))
    return StatementLine.objects.get(statement=result.statement)


# --- facts ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", FACTS)
@pytest.mark.parametrize("statement_", ["UPDATE {} SET id = id", "DELETE FROM {}"])
def test_app_may_change_no_fact(charged: Charged, table: str, statement_: str) -> None:
    with not_permitted():
        run(statement_.format(table))


@pytest.mark.parametrize("table", FACTS)
@pytest.mark.parametrize("statement_", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_even_the_owner_changes_no_fact(owner: psycopg.Connection, table: str, statement_: str) -> None:
    with pytest.raises(psycopg.Error) as caught, owner.transaction():
        owner.execute(statement_.format(table))
    assert caught.value.diag.constraint_name in PERMANENT.values()


def test_orders_are_kept(owner: psycopg.Connection) -> None:
    with refused_to_owner(owner, "orders_are_kept"):
        owner.execute("DELETE FROM ledger_paymentorder")


# --- bank account -------------------------------------------------------------------------------------------


def test_one_account_per_pool(charged: Charged) -> None:
    world, bank, _period = charged
    fields = {"bank_name": "x", "holder_name": "x", "opened_by": "x", "opened_at": bank.account.opened_at}
    with refused("ledger_bankaccount_pool_id_key"):
        insert("ledger_bankaccount", pool_id=world.pool.pk, number="1", **fields)


def test_no_account_serves_two_pools(charged: Charged) -> None:
    bank = charged[1]
    other = World.founded(code="other")
    fields = {"bank_name": "x", "holder_name": "x", "opened_by": "x", "opened_at": bank.account.opened_at}
    with refused("ledger_bankaccount_number_key"):
        insert("ledger_bankaccount", pool_id=other.pool.pk, number=bank.account.number, **fields)


# --- statements ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changed",
    [
        {"opening_fen": 1, "closing_fen": 1},
        {"from_date": dt.date(2026, 1, 1)},
        {"from_date": dt.date(2026, 3, 1), "to_date": dt.date(2026, 3, 2)},
    ],
    ids=["other balance", "days again", "a gap"],
)
def test_statement_follows_last(paid: Charged, changed: dict[str, Any]) -> None:
    with refused("statement_follows_last"):
        statement(paid[1], **changed)


def test_first_statement_opens_with_the_books(charged: Charged) -> None:
    with refused("statement_follows_last"):
        statement(charged[1], opening_fen=5, closing_fen=5)


def test_statement_number_is_the_databases(paid: Charged) -> None:
    pk = statement(paid[1], number=77)
    assert BankStatement.objects.get(pk=pk).number == 2


@pytest.mark.parametrize("who", ["controller", "admin", "auditor", "stranger"])
def test_only_a_treasurer_imports(charged: Charged, who: str) -> None:
    with refused("custody_people_hold_their_duty"):
        statement(charged[1], imported_by=getattr(charged[0], who).code)


def test_statement_without_its_lines_never_commits(charged: Charged) -> None:
    with refused("statement_adds_up"):
        statement(charged[1], closing_fen=100, line_count=1)
        fire_deferred()


def test_lines_must_come_to_the_closing_balance(charged: Charged) -> None:
    with refused("statement_adds_up"):
        line(charged[1], statement(charged[1], closing_fen=101, line_count=1))


def test_no_line_comes_later(charged: Charged) -> None:
    bank = charged[1]
    pk = bank.all_pay(unpaid=1.0).statement.pk
    with refused("statement_adds_up"):
        line(bank, pk)


def test_line_needs_a_statement_of_its_account(charged: Charged) -> None:
    """As a foreign key would: neither a statement that is not there, nor an account, nor another one's."""
    bank = charged[1]
    other = Bank(World.founded(code="other")).account.pk
    for changed in ({"statement_id": 99_999}, {"account_id": 99_999}, {"account_id": other}):
        with refused("statement_adds_up"):
            line(bank, statement(bank, closing_fen=100, line_count=1), **changed)


def test_line_outside_its_days_is_refused(charged: Charged) -> None:
    bank = charged[1]
    with refused("statement_adds_up"):
        line(
            bank,
            statement(bank, closing_fen=100, line_count=1),
            booking_date=bank.day + dt.timedelta(days=3),
        )


def test_custody_equals_bank(charged: Charged) -> None:
    """A statement whose money is not booked never commits."""
    bank = charged[1]
    with refused("custody_equals_bank"):
        line(bank, statement(bank, closing_fen=100, line_count=1))
        fire_deferred()


def test_a_booking_is_taken_once(charged: Charged, unknown: StatementLine) -> None:
    bank = charged[1]
    with refused("one_line_per_booking"):
        line(
            bank,
            statement(bank, closing_fen=50_100, line_count=1),
            content_hash=bytes(unknown.content_hash),
        )


@pytest.mark.parametrize(
    "changed",
    [
        {"direction": "in", "kind": "payment"},
        {"direction": "out", "kind": "collection"},
        {"direction": "up"},
    ],
    ids=str,
)
def test_line_kind_fits_direction(charged: Charged, changed: dict[str, Any]) -> None:
    bank = charged[1]
    with refused("line_kind_fits_direction"):
        line(bank, statement(bank, closing_fen=100, line_count=1), **changed)


def test_payment_line_has_its_order(paid: Charged) -> None:
    bank = paid[1]
    with refused("payment_line_has_its_order"):
        pk = statement(bank, closing_fen=161_901, line_count=1)
        line(bank, pk, direction="out", kind="payment")
        _fire("payment_line_has_its_order")


def _fire(guard: str) -> None:
    """Let one deferred guard judge now."""
    name = value("SELECT tgname FROM pg_trigger WHERE tgname LIKE %s", f"pgtrigger_{guard}_%")
    run(f"SET CONSTRAINTS {name} IMMEDIATE")


def test_line_names_no_membership_of_another_pool(charged: Charged) -> None:
    bank = charged[1]
    other = World.founded(code="other")
    with refused("line_payer_is_of_the_pool"):
        line(
            bank,
            statement(bank, closing_fen=100, line_count=1),
            kind="collection",
            membership_id=membership(other, 1).pk,
        )


# --- collections --------------------------------------------------------------------------------------------


def test_collected_at_most_the_share(charged: Charged, unknown: StatementLine) -> None:
    collection(charged, unknown.pk, amount_fen=23_143)
    with refused("collected_at_most_the_share"):
        collection(charged, _another(charged, unknown), amount_fen=1)


def _another(charged: Charged, unknown: StatementLine) -> int:
    bank = charged[1]
    result = bank.take(bank.statement(bank.line(IN, 10)))
    assert result.statement.number == unknown.statement.number + 1
    return StatementLine.objects.get(statement=result.statement).pk


def test_nobody_pays_a_charge_that_is_none(charged: Charged, unknown: StatementLine) -> None:
    other = World.founded(code="other")
    with refused("collected_at_most_the_share"):
        collection(charged, unknown.pk, membership_id=membership(other, 1).pk)


def test_receipt_is_used_once(charged: Charged, unknown: StatementLine) -> None:
    world = charged[0]
    for number, fen in ((1, 23_143), (2, 23_143)):
        collection(charged, unknown.pk, membership_id=membership(world, number).pk, amount_fen=fen)
    with refused("receipt_is_used_once"):
        collection(charged, unknown.pk, membership_id=membership(world, 3).pk, amount_fen=3_715)


def test_collection_needs_notice(db: None) -> None:
    """A charge that is posted and not announced is not collected."""
    world = World.founded()
    bank = Bank(world)
    world.award(100_000)
    period = world.approved_period()
    result = bank.take(bank.statement(bank.line(IN, 50_000)))
    unknown = StatementLine.objects.get(statement=result.statement)
    with refused("collection_needs_notice"):
        collection((world, bank, period), unknown.pk)


@pytest.mark.parametrize("changed", [{"amount_fen": -1}, {"amount_fen": 0}], ids=str)
def test_a_receipt_takes_nothing_back(
    charged: Charged, unknown: StatementLine, changed: dict[str, Any]
) -> None:
    name = "collection_fits_its_line" if changed["amount_fen"] else "collection_moves_money"
    with refused(name):
        collection(charged, unknown.pk, **changed)


def test_a_booking_that_is_not_there_pays_nothing(charged: Charged) -> None:
    with refused("collection_fits_its_line"):
        collection(charged, 99_999)


def test_money_of_another_pools_bank_pays_nothing_here(charged: Charged) -> None:
    world = charged[0]
    other = World.founded(code="other")
    bank = Bank(other)
    result = bank.take(bank.statement(bank.line(IN, 10)))
    with refused("collection_fits_its_line"):
        collection(charged, StatementLine.objects.get(statement=result.statement).pk)
    assert world.pool.pk != other.pool.pk


def test_only_a_treasurer_records_a_collection(charged: Charged, unknown: StatementLine) -> None:
    with refused("custody_people_hold_their_duty"):
        collection(charged, unknown.pk, recorded_by=charged[0].controller.code)


# --- the announcement of charges ------------------------------------------------------------------------------


def test_announcement_comes_once(charged: Charged) -> None:
    period = charged[2]
    for new in ("NULL", "now()"):
        with refused("posted_period_is_permanent"):
            run(f"UPDATE ledger_period SET charges_notified_at = {new} WHERE id = %s", period.pk)


def test_announcement_waits_for_the_posting(db: None) -> None:
    world = World.founded()
    world.award(100_000)
    period = world.computed_period()
    with refused("only_posted_charges_are_announced"):
        run("UPDATE ledger_period SET charges_notified_at = now() WHERE id = %s", period.pk)


# --- orders ---------------------------------------------------------------------------------------------------


def test_order_by_hand_is_right_but_for_what_is_changed(paid: Charged) -> None:
    world, bank, _period = paid
    made = PaymentOrder.objects.get(pk=order(bank, award(world), number=5, shown_sha256="0" * 64))
    assert made.number == 1
    assert made.shown_sha256 != "0" * 64


@pytest.mark.parametrize("who", ["controller", "admin", "auditor", "stranger"])
def test_only_a_treasurer_orders(paid: Charged, who: str) -> None:
    with refused("custody_people_hold_their_duty"):
        order(paid[1], award(paid[0]), ordered_by=getattr(paid[0], who).code)


def test_aid_order_needs_a_shared_award(paid: Charged) -> None:
    world, bank, _period = paid
    world.award(10_000, code="C-9")
    with refused("aid_order_needs_a_shared_award"):
        order(bank, award(world, "C-9"))


def test_aid_paid_at_most_the_award(paid: Charged) -> None:
    world, bank, _period = paid
    order(bank, award(world), amount_fen=60_000)
    with refused("aid_paid_at_most_the_award"):
        order(bank, award(world), amount_fen=40_001)


def test_aid_is_paid_as_collected(charged: Charged) -> None:
    world, bank, _period = charged
    bank.take(bank.statement(*(bank.receipt(number, 23_143) for number in (1, 2, 3))))
    order(bank, award(world), amount_fen=46_286)
    with refused("aid_is_paid_as_collected"):
        order(bank, award(world), amount_fen=1)


@pytest.mark.parametrize(
    "changed",
    [
        {"released_by": "P-1"},
        {"released_sha256": "0" * 64},
        {"cancelled_by": "P-1"},
        {"released_at": dt.datetime(2026, 1, 14, tzinfo=dt.UTC)},
    ],
    ids=str,
)
def test_order_begins_as_ordered(paid: Charged, changed: dict[str, Any]) -> None:
    with refused("order_begins_as_ordered"):
        order(paid[1], award(paid[0]), **changed)


@pytest.mark.parametrize("state", ["released", "confirmed", "returned", "cancelled"])
def test_order_is_not_born_released(paid: Charged, state: str) -> None:
    with refused("order_state_follows_order"):
        order(paid[1], award(paid[0]), state=state)


def test_order_names_what_it_pays(paid: Charged, unknown: StatementLine) -> None:
    """Of award, period and receipt exactly the one that its kind needs."""
    world, bank, _period = paid
    for changed in (
        {"receipt_id": unknown.pk},
        {"period_id": paid[2].pk},
        {"kind": "refund", "receipt_id": unknown.pk},
    ):
        with refused("order_names_what_it_pays"):
            order(bank, award(world), **changed)


@pytest.mark.parametrize("column", ["amount_fen", "award_id", "payee_hash", "payee_account", "ordered_by"])
def test_app_may_not_edit_an_order(paid: Charged, column: str) -> None:
    order(paid[1], award(paid[0]))
    with not_permitted():
        run(f"UPDATE ledger_paymentorder SET {column} = {column}")


@pytest.mark.parametrize("assignment", ["amount_fen = 1", "payee_hash = 'x'", "ordered_by = 'P-2'"])
def test_even_the_owner_may_not_edit_an_order(committed_db: tuple[str, str], assignment: str) -> None:
    from aidplatform.testing.bank import charged_world

    world, bank, _period = charged_world(100_000)
    bank.all_pay()
    order(bank, award(world))
    with psycopg.connect(committed_db[0]) as owner, refused_to_owner(owner, "order_keeps_its_terms"):
        owner.execute(f"UPDATE ledger_paymentorder SET {assignment}")


RELEASE = """UPDATE ledger_paymentorder SET state = 'released', released_by = %s, released_at = now(),
                    released_sha256 = {sha} WHERE id = %s"""


def release(pk: int, by: str, sha: str = "shown_sha256") -> None:
    run(RELEASE.format(sha=sha), by, pk)


def book_release(bank: Bank, pk: int, **changed: Any) -> None:
    """Post the entry of a release, as an insider would who then updates the order by hand."""
    from aidplatform.lib import clock
    from ledger.books.services import credit, debit
    from ledger.openbooks.services import post_logged_entry
    from ledger.sharing.selectors import book_of

    made = PaymentOrder.objects.get(pk=pk)
    fen = changed.pop("fen", made.amount_fen)
    post_logged_entry(
        book=book_of(bank.world.pool),
        at=clock.now(),
        **{
            "key": f"payment/{made.number}/released",
            "kind": "payment_released",
            "lines": [debit(changed.pop("debited", "201"), fen), credit("270", fen)],
            "entry_date": dt.date(2026, 1, 14),
            "description": "by hand",
            "source": "by hand",
            "maker": made.ordered_by,
            "checker": bank.world.controller.code,
            **changed,
        },
    )


def test_order_releaser_is_not_orderer(paid: Charged, owner: psycopg.Connection) -> None:
    """Refused by duty first, and by the constraint even to somebody who held both duties."""
    world, bank, _period = paid
    pk = order(bank, award(world))
    with refused("custody_people_hold_their_duty"):
        release(pk, world.treasurer.code)
    constraint = value(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'order_releaser_is_not_orderer'"
    )
    assert "released_by" in constraint
    assert "ordered_by" in constraint


@pytest.mark.parametrize("who", ["admin", "auditor", "stranger"])
def test_only_a_controller_releases(paid: Charged, who: str) -> None:
    pk = order(paid[1], award(paid[0]))
    book_release(paid[1], pk)
    with refused("custody_people_hold_their_duty"):
        release(pk, getattr(paid[0], who).code)


def test_release_is_of_what_was_shown(paid: Charged) -> None:
    pk = order(paid[1], award(paid[0]))
    book_release(paid[1], pk)
    with refused("release_is_of_what_was_shown"):
        release(pk, paid[0].controller.code, sha="repeat('0', 64)")


def test_released_order_has_its_entry(paid: Charged) -> None:
    pk = order(paid[1], award(paid[0]))
    with refused("released_order_has_its_entry"):
        release(pk, paid[0].controller.code)


@pytest.mark.parametrize(
    "changed",
    [{"fen": 99}, {"maker": "P-other"}, {"debited": "230"}, {"kind": "payment"}],
    ids=str,
)
def test_entry_of_a_release_is_exactly_its_own(paid: Charged, changed: dict[str, Any]) -> None:
    pk = order(paid[1], award(paid[0]))
    book_release(paid[1], pk, **changed)
    with refused("released_order_has_its_entry"):
        release(pk, paid[0].controller.code)


def test_aid_never_spends_protected_money(charged: Charged, owner: psycopg.Connection) -> None:
    """Money nobody has identified is not spent: an order made while there was enough is refused at its release."""
    world, bank, _period = charged
    bank.take(bank.statement(bank.receipt(1, 23_143), bank.line(IN, 50_000)))
    pk = order(bank, award(world), amount_fen=15_000)
    bank.take(bank.statement(bank.line("out", 9_000)))
    book_release(bank, pk)
    with refused("aid_never_spends_protected_money"):
        release(pk, world.controller.code)


def test_fee_follows_the_aid(paid: Charged) -> None:
    world, bank, period = paid
    with refused("fee_follows_the_aid"):
        order(bank, award(world), kind="fee", award_id=None, period_id=period.pk)


def test_fee_follows_the_cash(charged: Charged) -> None:
    """Six and a half of seven shares pay the aid; the fee grows with the money: floor(12,000 × 150,430 / 162,001)."""
    world, bank, period = charged
    lines = [bank.receipt(number, 23_143) for number in range(1, 7)]
    bank.take(bank.statement(*lines, bank.receipt(7, 11_572)))
    for code, fen in (("C-1", 100_000), ("C-2", 50_000)):
        order(bank, award(world, code), amount_fen=fen)
    earned = 12_000 * (6 * 23_143 + 11_572) // 162_001
    with refused("fee_follows_the_cash"):
        order(bank, award(world), kind="fee", award_id=None, period_id=period.pk, amount_fen=earned + 1)
    order(bank, award(world), kind="fee", award_id=None, period_id=period.pk, amount_fen=earned)


def test_refund_is_at_most_what_is_left(charged: Charged, unknown: StatementLine) -> None:
    world, bank, _period = charged
    with refused("receipt_is_used_once"):
        order(bank, award(world), kind="refund", award_id=None, receipt_id=unknown.pk, amount_fen=50_001)


def test_confirmation_names_a_payment_of_that_amount(paid: Charged) -> None:
    world, bank, _period = paid
    made = bank.release(bank.order_aid(award(world), 100_000))
    line_id = StatementLine.objects.order_by("pk").values_list("pk", flat=True)[0]
    with refused("order_is_settled_by_its_line"):
        run(
            "UPDATE ledger_paymentorder SET state = 'confirmed', confirmed_line_id = %s WHERE id = %s",
            line_id,
            made.pk,
        )


def test_confirmation_needs_a_line(paid: Charged) -> None:
    made = paid[1].release(paid[1].order_aid(award(paid[0]), 100_000))
    with refused("confirmed_order_has_its_line"):
        run("UPDATE ledger_paymentorder SET state = 'confirmed' WHERE id = %s", made.pk)


def test_confirmed_order_stays(paid: Charged) -> None:
    bank = paid[1]
    made = bank.release(bank.order_aid(award(paid[0]), 100_000))
    bank.all_pay()
    with refused("order_state_follows_order"):
        run(
            "UPDATE ledger_paymentorder SET state = 'cancelled', cancelled_by = %s, cancelled_at = now() WHERE id = %s",
            paid[0].controller.code,
            made.pk,
        )


def test_treasurer_cancels_only_before_the_release(paid: Charged) -> None:
    bank = paid[1]
    made = bank.release(bank.order_aid(award(paid[0]), 100_000))
    with refused("custody_people_hold_their_duty"):
        run(
            "UPDATE ledger_paymentorder SET state = 'cancelled', cancelled_by = %s, cancelled_at = now() WHERE id = %s",
            paid[0].treasurer.code,
            made.pk,
        )
