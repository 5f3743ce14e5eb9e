"""Each guarantee of write-offs, broken by raw SQL as the application's role, and by the owner."""

import datetime as dt
from typing import Any

import psycopg
import pytest
from django.db import connection

from aidplatform.lib import clock
from aidplatform.testing.bank import Bank, charged_world, membership
from aidplatform.testing.ledgers import balances
from aidplatform.testing.refusals import (
    about,
    fire_deferred,
    not_permitted,
    refused,
    refused_to_owner,
    run,
    value,
)
from aidplatform.testing.world import World
from ledger.books.models import JournalEntry
from ledger.books.services import credit, debit
from ledger.custody import write_offs
from ledger.custody.tests.test_races import at_once, second_controller
from ledger.custody.tests.test_write_offs import SHARE, approve, order
from ledger.custody.write_off_models import WriteOff, WrittenOffCharge
from ledger.openbooks.services import post_logged_entry, reverse_logged_entry
from ledger.sharing.models import Period
from ledger.sharing.selectors import book_of

Charged = tuple[World, Bank, Period]
NOW = dt.datetime(2026, 1, 14, tzinfo=dt.UTC)


def insert(world: World, **changed: Any) -> int:
    """Insert a write-off that would be right but for what is changed."""
    row = {
        "pool_id": world.pool.pk,
        "number": 7,
        "membership_id": membership(world, 1).pk,
        "reason": "left",
        "reminders": 0,
        "upto_period_no": 1,
        "charges": "[[1, 1]]",
        "amount_fen": 1,
        "shown_sha256": "0" * 64,
        "state": "ordered",
        "ordered_by": world.treasurer.code,
        "ordered_at": NOW,
        **changed,
    }
    places = ", ".join(["%s"] * len(row))
    return int(
        value(f"INSERT INTO ledger_writeoff ({', '.join(row)}) VALUES ({places}) RETURNING id", *row.values())
    )


def approval(world: World, one: WriteOff, entry: int | None, **changed: Any) -> None:
    """Approve by raw SQL as the controller, but for what is changed."""
    row = {
        "state": "approved",
        "decided_by": world.controller.code,
        "decided_at": NOW,
        "approved_sha256": one.shown_sha256,
        "entry_id": entry,
        **changed,
    }
    run(
        f"UPDATE ledger_writeoff SET {', '.join(f'{column} = %s' for column in row)} WHERE id = {one.pk}",
        *row.values(),
    )


def entry(world: World, one: WriteOff, fen: int | None = None, **changed: Any) -> int:
    """Book a write-off as its approval does, but for what is changed; return the entry's id."""
    fen = one.amount_fen if fen is None else fen
    given = {
        "key": f"write_off/{one.number}",
        "kind": "write_off",
        "maker": one.ordered_by,
        "checker": world.controller.code,
        **changed,
    }
    made = post_logged_entry(
        book=book_of(world.pool),
        lines=[debit("120", fen), credit("110", fen)],
        entry_date=dt.date(2026, 1, 14),
        at=clock.now(),
        description="x",
        source="x",
        **given,
    )
    return int(made.pk)


def test_figures_of_a_write_off_are_the_databases_own(charged: Charged) -> None:
    world, bank, _period = charged
    bank.take(bank.statement(bank.receipt(1, 143)))
    made = WriteOff.objects.get(pk=insert(world, amount_fen=999_999, charges="[[1, 999999]]"))
    assert (made.number, made.amount_fen, made.charges) == (1, SHARE - 143, [[1, SHARE - 143]])
    assert made.shown_sha256 != "0" * 64
    assert made.ordered_at == clock.now()


def test_write_off_begins_ordered(charged: Charged) -> None:
    world = charged[0]
    with refused("write_off_begins_ordered"):
        insert(world, decided_by=world.controller.code)
    with refused("write_off_is_decided_once"):
        insert(world, state="approved")


def test_only_unpaid_shares_are_written_off(charged: Charged) -> None:
    world, bank, _period = charged
    with about("a membership without charges"), refused("only_unpaid_shares_are_written_off"):
        insert(world, membership_id=999_999_999)
    bank.take(bank.statement(bank.receipt(1, SHARE)))
    with about("paid"), refused("only_unpaid_shares_are_written_off"):
        insert(world)
    one = order(world, 2)
    bank.take(bank.statement(bank.receipt(2, 10)))
    with about("paid since"), refused("only_unpaid_shares_are_written_off"):
        approval(world, one, entry(world, one))


def test_shares_that_are_not_announced_are_not_written_off(db: None) -> None:
    world = World.founded()
    world.award(100_000)
    assert world.computed_period().charges_notified_at is None
    with refused("only_unpaid_shares_are_written_off"):
        insert(world)


def test_only_treasurers_order_and_only_controllers_approve(charged: Charged) -> None:
    world = charged[0]
    for person in (world.controller, world.stranger, world.auditor):
        with about(person), refused("write_off_people_hold_their_duty"):
            insert(world, ordered_by=person.code)
    one = order(world)
    for person in (world.admin, world.stranger, world.auditor):
        with about(person), refused("write_off_people_hold_their_duty"):
            approval(world, one, entry(world, one, checker=person.code), decided_by=person.code)
    with refused("write_off_people_hold_their_duty"):
        run("UPDATE ledger_writeoff SET state = 'withdrawn', decided_by = %s, decided_at = %s", "P-9", NOW)


def test_plain_constraint_stands_behind_the_two_people(charged: Charged, owner: psycopg.Connection) -> None:
    found = owner.execute(
        """SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'write_off_approver_is_not_orderer'"""
    ).fetchone()
    assert found is not None
    assert "decided_by" in found[0]


def test_approval_is_of_what_was_shown_and_names_everything(charged: Charged) -> None:
    world = charged[0]
    one = order(world)
    with refused("write_off_is_of_what_was_shown"):
        approval(world, one, entry(world, one), approved_sha256="0" * 64)
    with refused("write_off_needs_two_people"):
        approval(world, one, entry(world, one), approved_sha256=None)
    with not_permitted():
        run("UPDATE ledger_writeoff SET amount_fen = 1")


def test_approved_write_off_has_its_entry(charged: Charged) -> None:
    world = charged[0]
    one = order(world)
    cases: dict[str, dict[str, Any]] = {
        "another amount": {"fen": one.amount_fen - 1},
        "another key": {"key": "write_off/99"},
        "another kind": {"kind": "bank_charge"},
        "nobody checked it": {"checker": ""},
        "another maker": {"maker": world.admin.code},
    }
    for what, changed in cases.items():
        with about(what), refused("approved_write_off_has_its_entry"):
            approval(world, one, entry(world, one, **changed))
    with about("none"), refused("approved_write_off_has_its_entry"):
        approval(world, one, None)


@pytest.mark.parametrize("kind", ["write_off", "waiting_refund", "settlement"])
def test_no_loss_is_put_on_all_members_that_nobody_decided(charged: Charged, kind: str) -> None:
    world = charged[0]
    one = order(world)
    with refused("loss_has_its_decision"):
        entry(world, one, kind=kind)
        fire_deferred()


def test_charge_is_written_off_once_and_by_the_database_alone(
    charged: Charged, owner: psycopg.Connection
) -> None:
    world = charged[0]
    done = approve(world, order(world))
    row = WrittenOffCharge.objects.get()
    assert (row.membership_id, row.period_no, row.amount_fen) == (membership(world, 1).pk, 1, SHARE)
    with not_permitted():
        run(
            """INSERT INTO ledger_writtenoffcharge (pool_id, membership_id, period_no, amount_fen, write_off_id)
               VALUES (%s, %s, 1, 1, %s)""",
            world.pool.pk,
            membership(world, 2).pk,
            done.pk,
        )
    for statement in (
        "UPDATE ledger_writtenoffcharge SET amount_fen = 1",
        "DELETE FROM ledger_writtenoffcharge",
    ):
        with not_permitted():
            run(statement)
        with refused_to_owner(owner, "written_off_charge_is_permanent"):
            owner.execute(statement)
    with refused("only_unpaid_shares_are_written_off"):
        insert(world)


def test_written_off_charges_are_never_emptied(owner: psycopg.Connection) -> None:
    with refused_to_owner(owner, "written_off_charge_is_permanent"):
        owner.execute("TRUNCATE ledger_writtenoffcharge CASCADE")


def test_a_decided_write_off_is_not_edited_and_kept(charged: Charged, owner: psycopg.Connection) -> None:
    world = charged[0]
    done = approve(world, order(world))
    with refused("write_off_is_decided_as_shown"):
        run("UPDATE ledger_writeoff SET decided_by = %s WHERE id = %s", "P-9", done.pk)
    with refused("write_off_is_decided_as_shown"):
        run("UPDATE ledger_writeoff SET state = 'withdrawn', entry_id = NULL WHERE id = %s", done.pk)
    with not_permitted():
        run("DELETE FROM ledger_writeoff")
    with refused_to_owner(owner, "write_offs_are_kept"):
        owner.execute("DELETE FROM ledger_writeoff")


def test_written_off_stays_written_off(charged: Charged) -> None:
    world = charged[0]
    done = approve(world, order(world))
    with refused("written_off_stays_written_off"):
        reverse_logged_entry(
            entry=JournalEntry.objects.get(pk=done.entry_id),
            reason="Paid after all",
            entry_date=dt.date(2026, 1, 14),
            at=clock.now(),
            maker=world.treasurer.code,
            checker=world.controller.code,
        )


def test_members_who_pay_ahead_owe_nothing(db: None) -> None:
    world = World.founded(
        code="ahead", members=2, funding={"join_fen": 30_000, "warn_below_fen": 10_000, "top_up_days": 30}
    )
    bank = Bank(world)
    bank.take(bank.statement(*(bank.receipt(number, 30_000) for number in (1, 2))))
    world.award(10_000)
    world.posted_period()
    with refused("only_unpaid_shares_are_written_off"):
        order(world)


@pytest.mark.usefixtures("committed_db")
def test_a_payment_and_a_write_off_of_one_share_meet_one_after_the_other() -> None:
    """Whichever comes first: the share is paid, or written off and recovered, and the books are the same in the end."""
    world, bank, _period = charged_world(100_000)
    one = order(world)
    statement = bank.statement(bank.receipt(1, 100))

    def pay() -> None:
        bank.take(statement)

    outcomes = at_once(pay, lambda: approve(world, one))
    assert outcomes in ({"done": 2}, {"done": 1, "only_unpaid_shares_are_written_off": 1})
    connection.close()
    net = {code: fen for code, fen in balances(book_of(world.pool)).items() if code in {"101", "110", "120"}}
    written = WrittenOffCharge.objects.exists()
    share = one.amount_fen
    assert net == {
        "101": 100,
        **({"120": share - 100, "110": share * 6} if written else {"110": share * 7 - 100}),
    }


@pytest.mark.usefixtures("committed_db")
def test_two_controllers_at_once_write_off_once() -> None:
    world, _bank, _period = charged_world(100_000)
    second = second_controller(world)
    one = order(world)

    def by(code: str) -> Any:
        return lambda: write_offs.approve_write_off(
            write_off=one, approver=code, shown_sha256=one.shown_sha256 or "", at=clock.now()
        )

    assert at_once(by(world.controller.code), by(second.code)) == {
        "done": 1,
        "write_off_is_decided_once": 1,
    }
    assert WrittenOffCharge.objects.count() == 1
