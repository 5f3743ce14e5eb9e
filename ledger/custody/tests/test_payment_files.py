"""Released payments go to the bank once: in one file, with the same bytes each time, and never under another name."""

import csv
import datetime as dt
import hashlib
import uuid
from io import StringIO
from xml.etree import ElementTree

import pytest
from django.db import IntegrityError, connection, transaction

from aidplatform.lib import clock
from aidplatform.testing.bank import Bank, charged_world
from aidplatform.testing.prepared import prepared
from aidplatform.testing.refusals import fire_deferred, not_permitted, refused, run
from aidplatform.testing.world import World, set_clock
from aidplatform.tests.pages_helpers import client_of
from ledger.custody import payment_files, selectors, services
from ledger.custody.charge_files import ExportDiffersError
from ledger.custody.models import PaymentOrder
from ledger.custody.payment_file_models import PaymentFile, PaymentFileLine
from ledger.custody.payment_file_triggers import FATE_DAYS
from ledger.custody.payment_files import CancelledWithinError, NothingToSendError

SPACE = "{urn:iso:std:iso:20022:tech:xsd:pain.001.001.09}"


@prepared
def paid() -> tuple[World, Bank]:
    """Return a pool with money, and two cases that may be paid."""
    world, bank, _period = charged_world(100_000, 50_000)
    bank.all_pay()
    return world, bank


def released(world: World, bank: Bank, code: str = "C-1", fen: int = 1_000) -> PaymentOrder:
    return bank.release(bank.order_aid(world.pool.awards.get(code=code), fen))


def make(world: World) -> PaymentFile:
    return payment_files.make_file(pool=world.pool, maker=world.treasurer.code, at=clock.now())


def test_file_holds_what_was_released_and_the_next_one_what_came_after(paid: tuple[World, Bank]) -> None:
    world, bank = paid
    orders = [released(world, bank), released(world, bank, "C-2", 2_050)]
    bank.order_aid(world.pool.awards.get(code="C-1"), 7)
    first = make(world)
    assert (first.number, first.order_count, first.amount_fen) == (1, 2, 3_050)
    with pytest.raises(NothingToSendError):
        make(world)
    third = released(world, bank, fen=30)
    assert list(make(world).lines.values_list("order", flat=True)) == [third.pk]
    assert {payment_files.file_of(order) for order in orders} == {first}
    fire_deferred()


def test_bytes_are_the_same_each_time_and_others_are_not_handed_out(paid: tuple[World, Bank]) -> None:
    world, bank = paid
    order = released(world, bank)
    file = make(world)
    for form in payment_files.FORMS:
        data = payment_files.export(file, form)
        assert hashlib.sha256(data).hexdigest() == getattr(file, f"{form}_sha256")
        set_clock(clock.now() + dt.timedelta(days=3))
        assert payment_files.export(file, form) == data
    rows = list(csv.reader(StringIO(payment_files.export(file, "csv").decode())))
    assert rows[0] == list(payment_files.PAYMENT_COLUMNS)
    assert rows[1][:5] == [selectors.order_reference(order), "Zhang San", "6222999900001111", "10.00", "CNY"]
    file.csv_sha256 = "0" * 64
    with pytest.raises(ExportDiffersError):
        payment_files.export(file, "csv")


def test_structure_of_pain_001_is_in_its_order(paid: tuple[World, Bank]) -> None:
    """Elements and their order by the published structure of pain.001.001.09; the bank is told no case."""
    world, bank = paid
    order = released(world, bank)
    released(world, bank, "C-2", 2_050)
    file = make(world)
    data = payment_files.export(file, "xml")
    root = ElementTree.fromstring(data)

    def names(element: ElementTree.Element) -> list[str]:
        return [child.tag.removeprefix(SPACE) for child in element]

    top = root.find(f"{SPACE}CstmrCdtTrfInitn")
    assert top is not None
    assert names(top) == ["GrpHdr", "PmtInf"]
    head, block = top
    assert names(head) == ["MsgId", "CreDtTm", "NbOfTxs", "CtrlSum", "InitgPty"]
    assert names(block) == [
        "PmtInfId", "PmtMtd", "BtchBookg", "NbOfTxs", "CtrlSum", "ReqdExctnDt", "Dbtr", "DbtrAcct", "DbtrAgt", "ChrgBr",
        "CdtTrfTxInf", "CdtTrfTxInf",
    ]  # fmt: skip
    transfer = block.find(f"{SPACE}CdtTrfTxInf")
    assert transfer is not None
    assert names(transfer) == ["PmtId", "Amt", "Cdtr", "CdtrAcct", "RmtInf"]
    assert transfer.findtext(f"{SPACE}PmtId/{SPACE}EndToEndId") == selectors.order_reference(order)
    assert [head.findtext(f"{SPACE}{name}") for name in ("NbOfTxs", "CtrlSum")] == ["2", "30.50"]
    assert len(head.findtext(f"{SPACE}MsgId") or "") <= 35
    assert transfer.findtext(f"{SPACE}RmtInf/{SPACE}Ustrd") == selectors.order_reference(order)


def test_names_are_escaped(paid: tuple[World, Bank]) -> None:
    world, bank = paid
    order = services.order_payment(
        pool=world.pool,
        kind="aid",
        award=world.pool.awards.get(code="C-1"),
        amount_fen=5,
        payee_name="<A> & B",
        payee_account="DE89 3704 0044 0532 0130 00",
        orderer=world.treasurer.code,
        at=clock.now(),
    )
    bank.release(order)
    root = ElementTree.fromstring(payment_files.export(make(world), "xml"))
    assert root.findtext(f".//{SPACE}Cdtr/{SPACE}Nm") == "<A> & B"
    assert root.findtext(f".//{SPACE}CdtrAcct/{SPACE}Id/{SPACE}IBAN") == "DE89370400440532013000"


# --- pages ------------------------------------------------------------------------------------------------------


def test_treasurer_makes_it_once_whatever_the_browser_repeats(paid: tuple[World, Bank]) -> None:
    world, bank = paid
    released(world, bank)
    here = "/pools/test-pool/custody/payments/"
    client = client_of(world.treasurer)
    page = client.get(here, secure=True)
    assert "1 released payment of ¥10.00 waits to be sent." in page.content.decode()
    form = {"key": str(page.context["key_form"].initial["key"])}
    for _again in range(2):
        assert client.post(f"{here}files/", form, secure=True).status_code == 302
    assert PaymentFile.objects.count() == 1
    nothing = client.post(f"{here}files/", {"key": str(uuid.uuid4())}, secure=True)
    assert nothing.status_code == 409
    assert "No released payment waits to be sent." in nothing.content.decode()
    assert client_of(world.controller).post(f"{here}files/", form, secure=True).status_code in {403, 404}
    file = client_of(world.controller).get(f"{here}files/1.csv", secure=True)
    assert file.headers["Content-Disposition"] == 'attachment; filename="test-pool-payments-1.csv"'
    assert client_of(world.auditor).get(f"{here}files/1.csv", secure=True).status_code in {403, 404}
    assert client.get(f"{here}files/1.ods", secure=True).status_code == 422
    assert client.get(f"{here}files/2.csv", secure=True).status_code == 404


def test_treasurer_is_reminded_until_it_is_made(paid: tuple[World, Bank]) -> None:
    world, bank = paid
    client, reminder = client_of(world.treasurer), "wait to be sent to the bank: 2"
    released(world, bank)
    released(world, bank, "C-2")
    assert reminder in client.get("/", secure=True).content.decode()
    assert reminder not in client_of(world.controller).get("/", secure=True).content.decode()
    make(world)
    assert "wait to be sent to the bank" not in client.get("/", secure=True).content.decode()


def test_programs_make_and_list_them(paid: tuple[World, Bank]) -> None:
    world, bank = paid
    released(world, bank)
    client = client_of(world.treasurer)
    headers = {"Idempotency-Key": "11111111-1111-4111-8111-111111111111"}
    here = "/api/v1/pools/test-pool/payment-files/"
    made = client.post(f"{here}next/", secure=True, headers=headers)
    assert (made.status_code, made.json()) == (201, {"number": 1})
    assert client.post(f"{here}next/", secure=True, headers=headers).json() == {"number": 1}
    (row,) = client.get(here, secure=True).json()["results"]
    assert (row["order_count"], row["amount_fen"]) == (1, 1_000)


# --- guarantees -------------------------------------------------------------------------------------------------


def test_payment_file_is_the_treasurers(paid: tuple[World, Bank]) -> None:
    world, bank = paid
    released(world, bank)
    with refused("payment_file_is_the_treasurers"):
        payment_files.make_file(pool=world.pool, maker=world.controller.code, at=clock.now())


def test_payment_file_is_permanent(paid: tuple[World, Bank]) -> None:
    world, bank = paid
    released(world, bank)
    make(world)
    for table in ("ledger_paymentfile", "ledger_paymentfileline"):
        for sql in (f"UPDATE {table} SET id = id", f"DELETE FROM {table}"):
            with not_permitted():
                run(sql)


def row(world: World, **fields: object) -> PaymentFile:
    told = {"number": 1, "order_count": 1, "amount_fen": 1_000, "made_by": world.treasurer.code} | fields
    hashes = {"xml_sha256": "0" * 64, "csv_sha256": "0" * 64}
    return PaymentFile.objects.create(pool=world.pool, made_at=clock.now(), **hashes, **told)


def test_payment_file_follows_last(paid: tuple[World, Bank]) -> None:
    world, _bank = paid
    for number in (0, 2):
        with refused("payment_file_follows_last"):
            row(world, number=number)


def test_payment_file_pays_something(paid: tuple[World, Bank]) -> None:
    world, _bank = paid
    with pytest.raises(IntegrityError, match="payment_file_pays_something"), transaction.atomic():
        row(world, order_count=0, amount_fen=0)


@pytest.mark.parametrize(
    "fields", [{"order_count": 2}, {"amount_fen": 999}, {"order_count": 1, "amount_fen": 1_001}]
)
def test_payment_file_adds_up(fields: dict[str, int], paid: tuple[World, Bank]) -> None:
    world, bank = paid
    order = released(world, bank)
    with refused("payment_file_adds_up"):
        PaymentFileLine.objects.create(file=row(world, **fields), order=order)
        fire_deferred()


def test_payment_file_adds_up_also_when_a_line_comes_later(paid: tuple[World, Bank]) -> None:
    world, bank = paid
    released(world, bank)
    file = make(world)
    fire_deferred()
    with refused("payment_file_adds_up"):
        PaymentFileLine.objects.create(file=file, order=released(world, bank, fen=3))
        fire_deferred()


def test_payment_file_holds_released_orders(paid: tuple[World, Bank]) -> None:
    world, bank = paid
    ordered = bank.order_aid(world.pool.awards.get(code="C-1"), 1_000)
    with refused("payment_file_holds_released_orders"):
        PaymentFileLine.objects.create(file=row(world), order=ordered)
    other, its_bank, _period = charged_world(70_000, code="other")
    its_bank.all_pay()
    theirs = released(other, its_bank)
    with refused("payment_file_holds_released_orders"):
        PaymentFileLine.objects.create(file=row(world), order=theirs)


def test_one_file_per_order(paid: tuple[World, Bank]) -> None:
    world, bank = paid
    order = released(world, bank)
    make(world)
    with pytest.raises(IntegrityError, match="one_file_per_order"), transaction.atomic():
        PaymentFileLine.objects.create(file=row(world, number=2), order=order)


def test_sent_payment_waits_for_the_bank(paid: tuple[World, Bank]) -> None:
    """Its fate is unknown until statements tell of more days than a bank takes."""
    world, bank = paid
    order = released(world, bank)
    make(world)
    sent = clock.today("Asia/Shanghai")

    def cancel() -> None:
        services.cancel_order(order=order, canceller=world.controller.code, at=clock.now())

    with refused("sent_payment_waits_for_the_bank"):
        cancel()
    bank.take(bank.statement(days=(sent - bank.day).days + FATE_DAYS))
    with refused("sent_payment_waits_for_the_bank"):
        cancel()
    bank.take(bank.statement())
    cancel()
    order.refresh_from_db()
    assert order.state == "cancelled"
    file = payment_files.file_of(order)
    assert file is not None
    with pytest.raises(CancelledWithinError, match="would pay it all the same"):
        payment_files.export(file, "xml")


def test_released_payment_that_was_not_sent_is_cancelled_at_once(paid: tuple[World, Bank]) -> None:
    world, bank = paid
    order = released(world, bank)
    services.cancel_order(order=order, canceller=world.controller.code, at=clock.now())
    with pytest.raises(NothingToSendError):
        make(world)


def test_queries_do_not_grow_with_payments(paid: tuple[World, Bank]) -> None:
    world, bank = paid
    counts = []
    for many in (1, 4):
        for _one in range(many):
            released(world, bank, fen=11)
        file = make(world)
        before = len(connection.queries_log)
        connection.force_debug_cursor = True
        payment_files.export(file, "xml")
        counts.append(len(connection.queries_log) - before)
        connection.force_debug_cursor = False
    assert counts[0] == counts[1] > 0
