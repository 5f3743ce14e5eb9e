"""What one person cannot do about the match of a receipt, by page or by raw SQL; crashes and races."""

import signal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction

from aidplatform.lib import clock
from aidplatform.testing.bank import Bank, charged_world, membership
from aidplatform.testing.kills import killed_at
from aidplatform.testing.ledgers import assert_books_true, balances
from aidplatform.testing.pairs import Meanwhile, wait_for_a_waiter
from aidplatform.testing.races import raised, together
from aidplatform.testing.refusals import fire_deferred, not_permitted, refused, refused_to_owner, run
from aidplatform.testing.undoings import (
    FOUND,
    agree_to_undoing,
    newest_receipt,
    propose_undoing,
    undone_by_two,
)
from aidplatform.testing.world import World
from ledger.books.models import JournalEntry
from ledger.books.services import credit, debit
from ledger.custody import services, settlements, two_people, undoings
from ledger.custody.models import PaymentOrder, StatementLine
from ledger.custody.tests.test_settlements import run_off_is_over
from ledger.custody.tests.test_write_offs import false_statements
from ledger.custody.undoing_models import MatchUndoing
from ledger.openbooks.services import post_logged_entry
from ledger.sharing.models import Period
from ledger.sharing.selectors import book_of

Charged = tuple[World, Bank, Period]
SHARE = 23_143
INSERT = """INSERT INTO ledger_matchundoing
            (pool_id, number, receipt_id, membership_id, reason, amount_fen, recovered_fen, state, proposed_by,
             proposed_at, decided_by)
            VALUES (%s, 1, %s, %s, %s, 1, 0, %s, %s, now(), %s)"""
AGREE = "UPDATE ledger_matchundoing SET state = 'agreed', decided_by = %s, decided_at = now(), entry_id = %s"
TAKE = """INSERT INTO ledger_collection
          (line_id, membership_id, pool_id, period_no, amount_fen, recorded_by, at, turn)
          VALUES (%s, %s, %s, 1, %s, %s, (SELECT coalesce(max(decided_at), now()) FROM ledger_matchundoing), %s)"""


def paid(bank: Bank, number: int = 1) -> StatementLine:
    bank.take(bank.statement(bank.receipt(number, SHARE)))
    return newest_receipt(bank.world)


def booked(world: World, **changes: Any) -> JournalEntry:
    """Post the entry past the service, as an insider could."""
    told = {
        "key": "match_undone/1", "kind": "match_undone", "maker": world.treasurer.code,
        "checker": world.controller.code, "lines": [debit("110", SHARE), credit("250", SHARE)],
    } | changes  # fmt: skip
    return post_logged_entry(
        book=book_of(world.pool), entry_date=clock.today("Asia/Shanghai"), at=clock.now(), description="x",
        source="x", **told,
    )  # fmt: skip


def refund(world: World, receipt: StatementLine) -> PaymentOrder:
    return services.order_payment(
        pool=world.pool, kind="refund", receipt=receipt, amount_fen=SHARE, payee_name="Li Si",
        payee_account="6222 7777 0000 3333", orderer=world.treasurer.code, at=clock.now(),
    )  # fmt: skip


def take(world: World, receipt: StatementLine, fen: int, turn: int, number: int = 1) -> None:
    run(TAKE, receipt.pk, membership(world, number).pk, world.pool.pk, fen, world.treasurer.code, turn)


def test_it_takes_two_people_who_hold_their_duty(charged: Charged) -> None:
    world, bank, _period = charged
    receipt = paid(bank)
    for person in (world.controller, world.admin, world.auditor):
        with refused("undoing_people_hold_their_duty"):
            propose_undoing(world, receipt, 1, person)
    one = propose_undoing(world, receipt, 1)
    with pytest.raises(two_people.SamePersonError) as caught:
        agree_to_undoing(world, one, world.treasurer)
    assert caught.value.code == "agreed_undoing_needs_two_people"
    for person in (world.auditor, world.admin):
        with refused("undoing_people_hold_their_duty"):
            agree_to_undoing(world, one, person)
        with refused("undoing_people_hold_their_duty"):
            undoings.withdraw_undoing(undoing=one, person=person.code, at=clock.now())
    with refused("undoing_people_hold_their_duty"):
        run(AGREE, world.treasurer.code, booked(world, checker="x").pk)


def test_only_a_match_that_stands_is_undone(charged: Charged) -> None:
    world, bank, _period = charged
    receipt = paid(bank)
    with refused("only_a_standing_match_is_undone"):
        propose_undoing(world, receipt, 2)
    other, _bank, _period2 = charged_world(1_000, code="other")
    with refused("only_a_standing_match_is_undone"):
        run(INSERT, world.pool.pk, paid(_bank).pk, membership(world, 1).pk, FOUND, "proposed",
            world.treasurer.code, None)  # fmt: skip
    assert other.pool.code == "other"


def test_undoing_begins_proposed_and_is_decided_once(charged: Charged) -> None:
    world, bank, _period = charged
    receipt = paid(bank)
    whose = (world.pool.pk, receipt.pk, membership(world, 1).pk, FOUND)
    with refused("undoing_begins_proposed"):
        run(INSERT, *whose, "proposed", world.treasurer.code, world.controller.code)
    with refused("undoing_is_decided_once"):
        run(INSERT, *whose, "agreed", world.treasurer.code, None)
    run(INSERT, *whose, "proposed", world.treasurer.code, None)
    one = MatchUndoing.objects.get()
    assert (one.amount_fen, one.recovered_fen) == (SHARE, 0), "the figures are the database's own"
    with refused("receipt_has_one_open_undoing"):
        propose_undoing(world, receipt, 1)
    for change in (
        "reason = 'y'",
        "amount_fen = 1",
        "proposed_by = 'P-9'",
        "receipt_id = 1",
        "membership_id = 1",
    ):
        with not_permitted():
            run(f"UPDATE ledger_matchundoing SET {change}")
    agree_to_undoing(world, one)
    fire_deferred()
    with refused("undoing_is_agreed_as_proposed"):
        run("UPDATE ledger_matchundoing SET decided_by = %s", world.admin.code)
    for decide in (undoings.agree_to_undoing, undoings.withdraw_undoing):
        with pytest.raises(two_people.MovedOnError):
            decide(undoing=one, person=world.controller.code, at=clock.now())


def test_agreed_undoing_names_its_two_people(charged: Charged, owner: psycopg.Connection) -> None:
    world, bank, _period = charged
    receipt = paid(bank)
    names = {
        "agreed_undoing_needs_two_people", "agreed_undoing_names_its_entry", "undoing_says_why",
        "undoing_figures_in_range",
    }  # fmt: skip
    found = owner.execute(
        "SELECT conname FROM pg_constraint WHERE conrelid = 'ledger_matchundoing'::regclass AND contype = 'c'"
    )
    assert names <= {row[0] for row in found.fetchall()}
    with refused("undoing_says_why"):
        propose_undoing(world, receipt, 1, reason=" ")
    propose_undoing(world, receipt, 1)
    with refused("agreed_undoing_needs_two_people"):
        run("UPDATE ledger_matchundoing SET decided_by = %s", world.controller.code)
    with refused("agreed_undoing_names_its_entry"):
        run(
            "UPDATE ledger_matchundoing SET state = 'withdrawn', decided_by = %s, entry_id = %s",
            world.controller.code,
            booked(world).pk,
        )


def test_agreed_undoing_has_its_entry_and_takes_its_match_back(charged: Charged) -> None:
    """Its amounts, its key, the two who decided it; and what the receipt had paid counts as not paid, all of it."""
    world, bank, _period = charged
    receipt = paid(bank)
    propose_undoing(world, receipt, 1)
    for changes in (
        {"maker": "P-9"}, {"checker": "P-9"}, {"key": "match_undone/2"}, {"kind": "other_income"},
        {"lines": [debit("110", SHARE - 1), credit("250", SHARE - 1)]},
        {"lines": [debit("120", SHARE), credit("250", SHARE)]},
    ):  # fmt: skip
        with refused("agreed_undoing_has_its_entry"):
            run(AGREE, world.controller.code, booked(world, **changes).pk)
    with refused("agreed_undoing_takes_its_match_back"):
        run(AGREE, world.controller.code, booked(world).pk)
        fire_deferred()
    with refused("agreed_undoing_takes_its_match_back"):
        run(AGREE, world.controller.code, booked(world).pk)
        take(world, receipt, 1 - SHARE, -1)
        fire_deferred()


def test_undone_match_has_its_decision(charged: Charged) -> None:
    world, bank, _period = charged
    one = propose_undoing(world, paid(bank), 1)
    back = {"key": "recovery_undone/1", "kind": "write_off", "lines": [debit("120", 5), credit("250", 5)]}
    for changes in ({}, back):
        with refused("undone_match_has_its_decision"):
            booked(world, **changes)
            fire_deferred()
    undoings.withdraw_undoing(undoing=one, person=world.controller.code, at=clock.now())
    with refused("undone_match_has_its_decision"):
        booked(world)
        fire_deferred()


def test_match_is_undone_by_two_people(charged: Charged) -> None:
    """No row below zero without an undoing that was agreed to: of the receipt, of the member, of the instant."""
    world, bank, _period = charged
    receipt, other = paid(bank), paid(bank, 2)
    with refused("collection_fits_its_line"):
        take(world, receipt, -SHARE, 0, number=2)
    with refused("match_is_undone_by_two_people"):
        take(world, receipt, -SHARE, -1)
    one = propose_undoing(world, receipt, 1)
    with refused("match_is_undone_by_two_people"):
        take(world, receipt, -SHARE, -1)
    agree_to_undoing(world, one)
    fire_deferred()
    with refused("match_is_undone_by_two_people"):
        take(world, other, -SHARE, -1, number=2)
    with refused("match_is_undone_by_two_people"):
        take(world, receipt, SHARE, 2)
    with refused("collection_turn_fits_its_sign"):
        take(world, receipt, SHARE, -1)
    with refused("one_collection_per_line_and_charge"):
        take(world, receipt, -SHARE, -1)
    with refused("wallets_are_of_pools_that_pay_ahead"):
        run(
            """INSERT INTO ledger_walletentry (pool_id, membership_id, kind, amount_fen, line_id, recorded_by, at, turn)
               VALUES (%s, %s, 'undone', -1, %s, %s, now(), -1)""",
            world.pool.pk, membership(world, 1).pk, receipt.pk, world.treasurer.code,
        )  # fmt: skip
    for kind, turn in (("top_up", -1), ("refund_undone", 1)):
        with refused("wallet_entry_turn_fits_its_kind"):
            run(
                """INSERT INTO ledger_walletentry (pool_id, membership_id, kind, amount_fen, line_id, order_id,
                          recorded_by, at, turn)
                   SELECT %s, %s, %s, 1, CASE WHEN %s = 'top_up' THEN %s END, CASE WHEN %s <> 'top_up' THEN 1 END,
                          'x', now(), %s""",
                world.pool.pk, membership(world, 1).pk, kind, kind, receipt.pk, kind, turn,
            )  # fmt: skip


def test_settled_pool_asks_for_no_share_again(charged: Charged) -> None:
    world, bank, _period = charged
    receipt = paid(bank)
    run_off_is_over(world)
    made = settlements.order_settlement(pool=world.pool, orderer=world.treasurer.code, at=clock.now())
    settlements.approve_settlement(
        settlement=made, approver=world.controller.code, shown_sha256=made.shown_sha256 or "", at=clock.now()
    )
    with refused("undoing_comes_before_the_settlement"):
        propose_undoing(world, receipt, 1)


def test_undoings_are_kept_from_the_owner_too(owner: psycopg.Connection) -> None:
    for statement in ("DELETE FROM ledger_matchundoing", "TRUNCATE ledger_matchundoing CASCADE"):
        with refused_to_owner(owner, "undoings_are_kept"):
            owner.execute(statement)


def test_killed_half_way_nothing_is_undone_and_then_it_is(
    committed_db: tuple[str, str], tmp_path: Path
) -> None:
    world, bank, _period = charged_world(100_000, 50_000)
    receipt = paid(bank)
    one = propose_undoing(world, receipt, 1)
    before = balances(book_of(world.pool))
    ended = killed_at("custody.undoing_posted", 1, tmp_path, lambda: agree_to_undoing(world, one))
    assert ended == -signal.SIGKILL
    one.refresh_from_db()
    assert (one.state, balances(book_of(world.pool))) == ("proposed", before)
    # Four agree at one instant: it is booked once.
    answers = together([lambda: agree_to_undoing(world, one)] * 4)
    assert [error.code for error in raised(answers)] == ["undoing_is_decided_once"] * 3
    assert JournalEntry.objects.filter(kind="match_undone").count() == 1
    # A refund that meets a match waits for it: the receipt is used once.
    with transaction.atomic():
        services.identify_receipt(
            receipt=receipt, membership=membership(world, 2), identifier=world.treasurer.code, at=clock.now()
        )
        late = Meanwhile(lambda: refund(world, receipt))
        wait_for_a_waiter(connection.connection)
    with refused("receipt_is_used_once"):
        late.outcome()
    # And of an undoing and a refund of what it makes free, both may happen, one after the other.
    with transaction.atomic():
        undone_by_two(world, receipt, 2)
        late = Meanwhile(lambda: refund(world, receipt))
        wait_for_a_waiter(connection.connection)
    late.outcome()
    assert_books_true(world.pool)
    assert false_statements(world) == {}
