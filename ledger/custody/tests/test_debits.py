"""Debits from the file to the bank: worked examples, each ending with a trial balance."""

import datetime as dt
import hashlib
from xml.etree import ElementTree

import pytest

from aidplatform.lib import clock
from aidplatform.lib.csv_files import plain_fen
from aidplatform.lib.errors import NotFoundError
from aidplatform.testing.debits import CARD, Debits, debited_world
from aidplatform.testing.ledgers import assert_books_true, balances
from aidplatform.testing.prepared import prepared
from aidplatform.testing.refusals import fire_deferred
from aidplatform.testing.world import run_jobs
from ledger.custody import arrears_life, charge_files
from ledger.custody.charge_models import ChargeInstruction
from ledger.custody.models import Collection
from ledger.sharing.selectors import book_of
from members.people.models import Notice
from members.pools.models import Pool


@prepared
def debits() -> Debits:
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
    """Charge day 14 January, first notice 5 days: 19 January. Retry days 17 and 21: the first is over by then."""
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
    assert {(row.attempt, row.collection_date, row.is_first) for row in rows} == {
        (2, dt.date(2026, 1, 22), False)
    }


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


def test_a_killed_job_goes_on_and_debits_nobody_twice(debits: Debits) -> None:
    """One file was committed, its hash and the rest were not: the next run finds both, and nobody is in two files."""
    pool = Pool.objects.get(pk=debits.pool.pk)
    first = charge_files.make_file(
        pool=pool, period_no=1, scheme="sepa", most=1, maker=debits.world.treasurer.code
    )
    assert first is not None
    assert not first.exports.exists()
    debits.make()
    files = charge_files.files_of(pool).order_by("number")
    assert [(file.instruction_count, file.exports.count()) for file in files] == [(1, 2), (2, 2)]
    payers = list(ChargeInstruction.objects.order_by("pk").values_list("payer_no", flat=True))
    assert payers == [one.number for one in debits.payers]
    run_jobs()
    assert Notice.objects.filter(kind="debit_announced").count() == 3


def test_a_card_is_debited_by_the_mandate_and_no_account_number_leaves(db: None) -> None:
    card = {"scheme": "card", "creditor_id": "Agreement 7", "first_notice_days": 3, "later_notice_days": 3}
    debits = debited_world("anna", currency="CNY", debit=card)
    file = debits.make()
    assert (file.scheme, charge_files.forms_of(file)) == ("card", ["csv"])
    text = b"".join(charge_files.export(file, "csv")).decode()
    assert f"AID-{debits.pool.pk}-4-1,2026-01-01,2026-01-17,FRST," in text
    assert CARD not in text
    with pytest.raises(NotFoundError):
        charge_files.export(file, "xml")


def test_a_reminder_does_not_ask_for_a_transfer_of_what_is_being_debited(debits: Debits) -> None:
    debits.make()
    debits.later(3)
    arrears_life.remind_due(clock.now())
    run_jobs()
    asked = Notice.objects.filter(kind="share_unpaid").values_list("person__email", flat=True)
    assert not {one.person.email for one in debits.payers if one.person} & set(asked)


def test_the_structure_of_pain_008_is_in_its_order(debits: Debits) -> None:
    """The order of elements is part of the standard; a block holds one sequence and day, and says its sum."""
    file = debits.make()
    root = ElementTree.fromstring(b"".join(charge_files.export(file, "xml")))
    space = "{urn:iso:std:iso:20022:tech:xsd:pain.008.001.02}"
    names = [element.tag.removeprefix(space) for element in root[0][1]]
    transaction = [
        element.tag.removeprefix(space) for element in root[0][1].findall(f"{space}DrctDbtTxInf")[0]
    ]
    assert names == [
        *(
            "PmtInfId",
            "PmtMtd",
            "BtchBookg",
            "NbOfTxs",
            "CtrlSum",
            "PmtTpInf",
            "ReqdColltnDt",
            "Cdtr",
            "CdtrAcct",
        ),
        *("CdtrAgt", "ChrgBr", "CdtrSchmeId", "DrctDbtTxInf", "DrctDbtTxInf", "DrctDbtTxInf"),
    ]
    assert transaction == ["PmtId", "InstdAmt", "DrctDbtTx", "DbtrAgt", "Dbtr", "DbtrAcct", "RmtInf"]
    assert root[0][0].findtext(f"{space}CtrlSum") == plain_fen(file.amount_fen)
    assert root[0][1].findtext(f"{space}NbOfTxs") == "3"
    assert root[0][1].findtext(f"{space}ReqdColltnDt") == "2026-01-19"
