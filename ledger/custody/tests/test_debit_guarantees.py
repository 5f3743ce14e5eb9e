"""Each guarantee of debits, broken by raw SQL as the application's role."""

from typing import Any

import psycopg
import pytest
from django.db import connection

from aidplatform.lib import clock
from aidplatform.testing.bank import Bank
from aidplatform.testing.debits import Debits, admit_payer, debited_world
from aidplatform.testing.prepared import prepared
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
from ledger.custody import charge_files, mandates, services
from ledger.custody.charge_models import ChargeFile, ChargeResult
from ledger.custody.statement_parts import IN
from ledger.openbooks import services as openbooks
from ledger.sharing.models import Period

FILE = """INSERT INTO ledger_chargefile (pool_id, number, period_no, scheme, instruction_count, amount_fen, first_no,
                                         last_no, made_by, made_date, made_at)
          VALUES (%(pool)s, 0, %(period)s, 'sepa', %(count)s, %(fen)s, %(no)s, %(no)s, %(by)s, '2020-01-01', now())
          RETURNING id"""
INSTRUCTION = """
    INSERT INTO ledger_chargeinstruction (file_id, pool_id, period_no, payer_id, payer_no, attempt, mandate_id,
           mandate_no, signed_date, is_first, collection_date, amount_fen)
    SELECT %(file)s, %(pool)s, %(period)s, %(payer)s, %(no)s, %(attempt)s, d.id, d.number, d.signed_date, %(first)s,
           %(day)s, %(fen)s FROM ledger_debitmandate d WHERE d.id = %(mandate)s"""
RESULT_FILE = """
    INSERT INTO ledger_chargeresultfile (pool_id, number, agent_number, format, sha256, line_count, dropped_lines,
           pending_lines, collected_fen, rejected_fen, returned_fen, imported_by, imported_at)
    VALUES (%(pool)s, 0, '', 'csv', md5(random()::text), 1, 0, 0, %(collected)s, %(rejected)s, %(returned)s, %(by)s,
            now())
    RETURNING id"""
RESULT = """INSERT INTO ledger_chargeresult (result_file_id, instruction_id, kind, amount_fen, reason, result_date)
            VALUES (%(file)s, %(instruction)s, %(kind)s, %(fen)s, '', %(day)s)"""


@prepared
def debits() -> Debits:
    """Give the test a pool of six, of whom three have given a mandate, with an announced period."""
    return debited_world()


def by_hand(debits: Debits, **changes: Any) -> None:
    """Write a file of one instruction for the first payer."""
    member = debits.payers[0]
    live = mandates.live_mandate(member)
    row: dict[str, Any] = {
        "pool": debits.pool.pk,
        "period": 1,
        "count": 1,
        "fen": debits.share_fen,
        "payer": member.pk,
        "no": member.number,
        "by": debits.world.treasurer.code,
        "mandate": live.pk if live else None,
        "attempt": 1,
        "first": True,
        "day": "2026-01-19",
        "owed": None,
    } | changes
    row["file"] = value_of(FILE, row)
    if changes.get("owed"):
        row["fen"] = row["owed"]
    run_of(INSTRUCTION, row)


def value_of(sql: str, row: dict[str, Any]) -> Any:
    return run_of(sql, row)[0][0]


def run_of(sql: str, row: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, row)
        return list(cursor.fetchall()) if cursor.description else []


def said(debits: Debits, kind: str, place: int = 0, **changes: Any) -> None:
    """Write an answer of one line by hand."""
    instruction = ChargeFile.objects.get(number=1).instructions.order_by("pk")[place]
    row: dict[str, Any] = {
        "pool": debits.pool.pk,
        "by": debits.world.treasurer.code,
        "collected": 0,
        "rejected": 0,
        "returned": 0,
        "kind": kind,
        "instruction": instruction.pk,
        "fen": instruction.amount_fen,
        "day": clock.today(debits.pool.time_zone),
    } | changes
    row[kind] = row["fen"] if "sum" not in changes else changes["sum"]
    row["file"] = value_of(RESULT_FILE, row)
    run_of(RESULT, row)


def test_charge_file_begins_with_the_databases_own_figures(debits: Debits) -> None:
    by_hand(debits)
    file = ChargeFile.objects.get()
    assert (file.number, file.made_date) == (1, clock.today(debits.pool.time_zone))
    assert abs((file.made_at - clock.now()).total_seconds()) < 60
    fire_deferred()


def test_custody_people_hold_their_duty(debits: Debits) -> None:
    with refused("custody_people_hold_their_duty"):
        by_hand(debits, by=debits.world.controller.code)
    debits.make()
    with refused("custody_people_hold_their_duty"):
        said(debits, "collected", by=debits.world.auditor.code)


def test_charge_file_is_of_an_announced_period(debits: Debits) -> None:
    with refused("charge_file_is_of_an_announced_period"):
        by_hand(debits, period=2)
    period = Period.objects.get(number=1)
    period.charges_notified_at = None
    with pytest.raises(charge_files.NotAnnouncedError):
        charge_files.request_files(period=period, maker=debits.world.treasurer.code, at=clock.now())


def test_charge_file_adds_up(debits: Debits) -> None:
    for name, changes in {
        "another sum": {"fen": 1, "owed": 2},
        "another number": {"count": 2},
    }.items():
        with about(name), refused("charge_file_adds_up"):
            by_hand(debits, **changes)
    with refused("charge_file_adds_up"):
        run_of(FILE, {"pool": debits.pool.pk, "period": 1, "count": 1, "fen": 1, "no": 1,
                      "by": debits.world.treasurer.code})  # fmt: skip
        fire_deferred()
    with refused("charge_file_asks_for_money"):
        by_hand(debits, count=0)
    with refused("instruction_asks_for_money"):
        by_hand(debits, fen=1, owed=-1)


def test_instruction_needs_a_mandate(debits: Debits) -> None:
    other = mandates.live_mandate(debits.payers[1])
    assert other is not None
    with refused("instruction_needs_a_mandate"):
        by_hand(debits, mandate=other.pk)
    revoked = mandates.live_mandate(debits.payers[0])
    assert revoked is not None
    mandates.revoke_mandate(membership=debits.payers[0])
    with refused("instruction_needs_a_mandate"):
        by_hand(debits, mandate=revoked.pk)


def test_debit_is_announced_ahead(debits: Debits) -> None:
    with refused("debit_is_announced_ahead"):
        by_hand(debits, day="2026-01-18")
    with refused("debit_is_announced_ahead"):
        by_hand(debits, first=False, day="2026-01-16")


def test_instruction_at_most_what_is_open(debits: Debits) -> None:
    with refused("instruction_at_most_what_is_open"):
        by_hand(debits, fen=debits.share_fen + 1)
    debits.bank.take(debits.bank.statement(debits.bank.receipt(debits.payers[0].number, 1)))
    with refused("instruction_at_most_what_is_open"):
        by_hand(debits)
    by_hand(debits, fen=debits.share_fen - 1)


def test_attempts_follow_each_other(debits: Debits) -> None:
    by_hand(debits)
    with refused("attempts_follow_each_other"):
        by_hand(debits, attempt=2, first=False)
    with refused("one_instruction_per_payer_period_and_attempt"):
        by_hand(debits, first=False)
    debits.answer((debits.ids(ChargeFile.objects.get())[0], "rejected", "AM04"))
    by_hand(debits, attempt=2, first=False)


def test_result_file_adds_up(debits: Debits) -> None:
    debits.make()
    with refused("result_file_adds_up"):
        said(debits, "rejected", sum=1)
    nothing = {
        "pool": debits.pool.pk,
        "by": debits.world.treasurer.code,
        "collected": 0,
        "rejected": 0,
        "returned": 0,
    }
    with refused("result_file_says_something"):
        run_of(RESULT_FILE.replace("md5(random()::text), 1", "md5(random()::text), 0"), nothing)


def test_result_is_of_its_instruction(debits: Debits) -> None:
    debits.make()
    with refused("result_is_of_its_instruction"):
        said(debits, "rejected", fen=1)
    with refused("result_is_of_its_instruction"):
        said(debits, "rejected", day="2026-02-01")


def test_results_follow_each_other(debits: Debits) -> None:
    names = debits.ids(debits.make())
    debits.answer((names[0], "rejected", "AM04"), (names[1], "collected", ""))
    for kind, place in (("collected", 0), ("returned", 0), ("rejected", 1), ("returned", 2)):
        with about(f"{kind} {place}"), refused("results_follow_each_other"):
            said(debits, kind, place)
    with refused("one_result_per_instruction_and_kind"):
        said(debits, "rejected", 0)


def test_in_transit_is_debits_not_settled(debits: Debits) -> None:
    debits.make()
    with refused("in_transit_is_debits_not_settled"):
        said(debits, "collected")  # and no entry books it
        fire_deferred()


def test_collection_is_of_its_result(debits: Debits) -> None:
    names = debits.ids(debits.make())
    debits.answer((names[0], "collected", ""), (names[1], "rejected", "AM04"))
    result = ChargeResult.objects.get(kind="collected")
    insert = """INSERT INTO ledger_collection (result_id, line_id, membership_id, pool_id, period_no, amount_fen,
                                               payer_id, recorded_by, at)
                VALUES (%s, NULL, %s, %s, 1, %s, %s, %s, now())"""
    by, other = debits.world.treasurer.code, debits.payers[1]
    with refused("collection_is_of_its_result"):  # somebody else's money
        run(insert, result.pk, other.pk, debits.pool.pk, 1, None, by)
    with refused("collection_is_of_its_result"):  # what was not carried out pays nothing
        rejected = ChargeResult.objects.get(kind="rejected")
        run(insert, rejected.pk, other.pk, debits.pool.pk, 1, None, by)
    with refused("collection_has_one_source"):
        run(insert, None, other.pk, debits.pool.pk, 1, None, by)
    with refused("one_collection_per_result_and_charge"):
        run(insert, result.pk, debits.payers[0].pk, debits.pool.pk, 1, None, by)


def test_retry_is_asked_by_its_payer(debits: Debits) -> None:
    insert = """INSERT INTO ledger_debitretry (pool_id, membership_id, asked_by, asked_date, asked_at)
                VALUES (%s, %s, %s, '2020-01-01', now())"""
    first = debits.payers[0]
    code = first.person.code if first.person else ""
    with refused("retry_needs_a_failed_attempt"):
        run(insert, debits.pool.pk, first.pk, code)
    debits.answer((debits.ids(debits.make())[0], "rejected", "AM04"))
    with refused("retry_is_asked_by_its_payer"):
        run(insert, debits.pool.pk, first.pk, debits.world.treasurer.code)
    run(insert, debits.pool.pk, first.pk, code)
    assert value("SELECT asked_date FROM ledger_debitretry") == clock.today(debits.pool.time_zone)
    with refused("one_retry_a_day"):
        run(insert, debits.pool.pk, first.pk, code)


def test_instructed_period_stays_posted(debits: Debits) -> None:
    entry = JournalEntry.objects.get(pk=debits.period.entry_id)
    debits.make()
    with refused("instructed_period_stays_posted"):
        openbooks.reverse_logged_entry(
            entry=entry, reason="x", entry_date=entry.entry_date, at=clock.now(), maker="x", checker="y"
        )


def test_settled_debits_have_their_file(debits: Debits) -> None:
    file, other = debits.make(), World.founded(code="other-pool", members=3)
    bank = Bank(other)
    # Another pool's reference is nobody's money there.
    taken = bank.take(bank.statement(bank.line(IN, 100, text=charge_files.reference_of(file))))
    assert taken.totals == {"unidentified": (1, 100)}
    line = """INSERT INTO ledger_statementline (statement_id, account_id, line_no, booking_date, direction, amount_fen,
                     kind, charge_file_id, bank_reference, counterparty, text, content_hash, twin_no)
              SELECT statement_id, account_id, 2, booking_date, direction, amount_fen, %s, %s, '', '', '', 'x', 0
                FROM ledger_statementline WHERE account_id = %s"""
    with refused("debits_line_names_its_file"):
        run(line, "debited", None, bank.account.pk)


def test_debit_is_paid_back_once(debits: Debits) -> None:
    file, bank = debits.make(), debits.bank
    bank.take(bank.statement(bank.receipt(debits.payers[0].number, debits.share_fen)))
    debits.answer((debits.ids(file)[0], "collected", ""), (debits.ids(file)[1], "collected", ""))

    def pay_back(place: int, fen: int) -> None:
        services.order_payment(
            pool=debits.pool,
            kind="refund",
            debit_result=ChargeResult.objects.order_by("instruction__payer_no")[place],
            amount_fen=fen,
            payee_name="Anna",
            payee_account="DE89370400440532013000",
            orderer=debits.world.treasurer.code,
            at=clock.now(),
        )

    with refused("debit_is_paid_back_once"):
        pay_back(1, 1)  # it paid a share
    pay_back(0, debits.share_fen)
    with refused("debit_is_paid_back_once"):
        pay_back(0, 1)


def test_facts_of_debits_stay(debits: Debits, owner: psycopg.Connection) -> None:
    debits.make()
    for table, name in {
        "chargefile": "charge_file_is_permanent",
        "chargeexport": "charge_export_is_permanent",
        "chargeinstruction": "charge_instruction_is_permanent",
        "chargeresultfile": "charge_result_file_is_permanent",
        "chargeresult": "charge_result_is_permanent",
        "debitretry": "debit_retry_is_permanent",
    }.items():
        with about(table), not_permitted():
            run(f"DELETE FROM ledger_{table}")
        with about(table), refused_to_owner(owner, name):
            owner.execute(f"UPDATE ledger_{table} SET id = id")


def test_members_without_a_mandate_or_not_alive_are_not_debited(debits: Debits) -> None:
    admit_payer(debits.world, "dora", mandate=False)
    mandates.revoke_mandate(membership=debits.payers[2])
    assert [row.payer_no for row in debits.make().instructions.order_by("pk")] == [
        debits.payers[0].number,
        debits.payers[1].number,
    ]
