"""Debits from the file to the bank: worked examples, each ending with a trial balance."""

import datetime as dt
import hashlib

import pytest

from aidplatform.lib.csv_files import plain_fen
from aidplatform.testing.bank import Bank
from aidplatform.testing.debits import Debits, debited_world
from aidplatform.testing.ledgers import assert_books_true, balances, read_trial
from aidplatform.testing.refusals import fire_deferred
from ledger.custody import charge_files
from ledger.custody.charge_models import ChargeInstruction
from ledger.custody.models import Collection
from ledger.sharing.selectors import book_of


@pytest.fixture
def debits(db: None) -> Debits:
    """Give the test a pool of six, of whom three have given a mandate, with 231.43 each announced."""
    return debited_world()


def test_a_file_asks_each_payer_with_a_mandate_once_and_posts_nothing(debits: Debits) -> None:
    before = balances(book_of(debits.pool))
    file = debits.make()
    assert (file.number, file.period_no, file.instruction_count) == (1, 1, 3)
    rows = list(ChargeInstruction.objects.filter(file=file).order_by("payer_no"))
    assert [row.payer_no for row in rows] == [one.number for one in debits.payers]
    assert {row.amount_fen for row in rows} == {debits.share_fen}
    assert {row.attempt for row in rows} == {1}
    assert balances(book_of(debits.pool)) == before


def test_collected_money_is_in_transit_until_the_bank_shows_it(debits: Debits) -> None:
    file = debits.make()
    first, second, third = debits.ids(file)
    answer = debits.answer((first, "collected", ""), (second, "collected", ""), (third, "rejected", "AM04"))
    assert answer.is_new
    fire_deferred()
    share = debits.share_fen
    net = debits.in_transit_fen
    assert net == 2 * share
    assert Collection.objects.count() == 2
    bank = debits.bank
    bank.take(bank.statement(debits.handed_on(file, 2 * share)))
    fire_deferred()
    assert debits.in_transit_fen == 0
    assert_books_true(debits.pool)


def test_a_failed_debit_is_due_again_on_the_retry_day_of_the_plan(debits: Debits) -> None:
    """Charge day 14 January, first notice 5 days: 19 January. Retry days 17 and 21: the second, as the first is over."""
    file = debits.make()
    assert {row.collection_date for row in file.instructions.all()} == {dt.date(2026, 1, 19)}
    names = debits.ids(file)
    debits.later(4)
    debits.answer(*((name, "rejected", "AM04") for name in names))
    with pytest.raises(charge_files.NothingDueError):
        debits.make()
    debits.later(2)
    again = debits.make()
    rows = list(again.instructions.all())
    assert {(row.attempt, row.collection_date, row.is_first) for row in rows} == {(2, dt.date(2026, 1, 22), False)}


def test_the_bytes_are_the_same_each_time_and_both_forms_hold_the_file(debits: Debits) -> None:
    file = debits.make()
    for form in ("csv", "xml"):
        first, second = (b"".join(charge_files.export(file, form)) for _time in range(2))
        kept = charge_files.access_export(file=file, form=form)
        assert first == second
        assert (hashlib.sha256(first).hexdigest(), len(first)) == (kept.sha256, kept.size)
    text = b"".join(charge_files.export(file, "csv")).decode().splitlines()
    assert text[0] == charge_files.COLUMNS
    pool, payer = debits.pool.pk, debits.payers[0].number
    amount = plain_fen(debits.share_fen)
    assert text[1] == f"AID-{pool}-{payer}-1-1,AID-{pool}-{payer}-1,2026-01-01,2026-01-19,FRST,{amount},EUR"
