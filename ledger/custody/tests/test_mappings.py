"""A treasurer describes the bank's table once; from then on it is read like that, and the books say by which words."""

import datetime as dt

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.test import Client

from aidplatform.lib import clock
from aidplatform.testing.bank import Bank, charged_world
from aidplatform.testing.prepared import prepared
from aidplatform.testing.refusals import not_permitted, refused, run
from aidplatform.testing.world import World
from aidplatform.tests.pages_helpers import client_of
from ledger.custody.mapped_csv import Mapping
from ledger.custody.mapping_models import StatementMapping, StatementUpload
from ledger.custody.mappings import Reading, describe
from ledger.custody.models import BankStatement, StatementLine
from ledger.custody.services import FileRefusedError, import_statement

HERE = "/pools/test-pool/custody"
COLUMNS = "记账日期,交易时间,借方,贷方,余额,对方户名,附言"
CHOICES = {
    "date": "记账日期",
    "date_form": "%Y%m%d",
    "amount_form": "two",
    "amount": "贷方",
    "out": "借方",
    "balance": "余额",
    "counterparty": "对方户名",
    "text": "附言",
    "account": "",
    "charges": "fee",
}


@prepared
def charged() -> tuple[World, Bank]:
    world, bank, _period = charged_world(100_000)
    return world, bank


def table(bank: Bank, *bookings: tuple[int, str], opening: int = 0) -> bytes:
    """Return a table of the bank's day in GB 18030, newest first, as banks in China write them."""
    rows, balance = [], opening
    for fen, text in bookings:
        balance += fen
        name = "" if fen < 0 else "李雷"
        out, incoming = (f"{-fen / 100:.2f}", "") if fen < 0 else ("", f"{fen / 100:,.2f}")
        rows.append(f'{bank.day:%Y%m%d},10:00:00,{out},"{incoming}","{balance / 100:,.2f}",{name},{text}')
    return "\r\n".join([f"账号,{bank.account.number}", COLUMNS, *rows[::-1], ""]).encode("gb18030")


def mapping() -> Mapping:
    return Mapping(delimiter=",", decimal_comma=False, **CHOICES)


def upload(client: Client, data: bytes, name: str = "流水.csv"):
    return client.post(f"{HERE}/uploads/", {"file": SimpleUploadedFile(name, data)}, secure=True, follow=True)


def days_of(bank: Bank, until: dt.date | None = None) -> dict[str, str]:
    return {"first_day": bank.day.isoformat(), "last_day": (until or bank.day).isoformat()}


def test_table_is_described_once_and_shares_are_paid_by_it(charged: tuple[World, Bank]) -> None:
    world, bank = charged
    client = client_of(world.treasurer)
    data = table(bank, (5_000, bank.reference(1)), (123, "who knows"), (-50, "fee of the month"))
    page = upload(client, data)
    assert "It is a table of my bank" in page.content.decode()
    here = page.request["PATH_INFO"]
    form = client.get(f"{here}table/", secure=True).content.decode()
    # What columns are usually called is offered.
    for column in ("记账日期", "贷方", "借方", "余额", "对方户名", "附言"):
        assert f'<option value="{column}" selected>' in form
    assert '<option value="%Y%m%d" selected>20260131' in form
    assert "who knows" in form  # the first lines, to choose by
    look = client.post(f"{here}table/", CHOICES | days_of(bank), secure=True, follow=True)
    assert "share paid" in look.content.decode()
    key = look.context["key_form"].initial["key"]
    client.post(f"{here}import/", {"key": key}, secure=True)
    statement = BankStatement.objects.select_related("mapping").get()
    assert (statement.format, statement.mapping.number, statement.closing_fen) == ("mapped", 1, 5_073)
    kinds = dict(StatementLine.objects.values_list("kind", "amount_fen"))
    assert kinds == {"collection": 5_000, "unidentified": 123, "bank_fee": 50}
    assert not StatementUpload.objects.exists()

    # The next one is read like it: only the days are asked.
    following = table(bank, (700, bank.reference(2)), opening=5_073)
    asked = upload(client, following)
    assert asked.request["PATH_INFO"].endswith("/table/")
    assert "read like the last table" in asked.content.decode()
    look = client.post(asked.request["PATH_INFO"], CHOICES | days_of(bank), secure=True, follow=True)
    client.post(
        look.request["PATH_INFO"] + "import/", {"key": look.context["key_form"].initial["key"]}, secure=True
    )
    assert BankStatement.objects.count() == 2
    assert StatementMapping.objects.count() == 1


def test_days_are_filled_in_whatever_the_language(charged: tuple[World, Bank]) -> None:
    world, bank = charged
    client = client_of(world.treasurer)
    bank.take(bank.statement())
    here = upload(client, table(bank, (5_000, "x"))).request["PATH_INFO"] + "table/"
    for language in ("en", "zh-Hans"):
        page = client.get(here, secure=True, headers={"Accept-Language": language}).content.decode()
        assert f'value="{bank.day.isoformat()}"' in page


def test_what_cannot_be_read_so_is_refused_and_keeps_the_answers(charged: tuple[World, Bank]) -> None:
    world, bank = charged
    client = client_of(world.treasurer)
    here = upload(client, table(bank, (5_000, "x"))).request["PATH_INFO"] + "table/"
    wrong = client.post(here, CHOICES | days_of(bank) | {"date_form": "%d.%m.%Y"}, secure=True)
    assert wrong.status_code == 422
    assert "is no date like 31.01.2026" in wrong.content.decode()
    assert '<option value="%d.%m.%Y" selected>' in wrong.content.decode()
    for change, words in (
        ({"out": ""}, "Choose the column of what goes out."),
        ({"amount_form": "marked"}, "say which words stand there"),
        ({"first_day": "2026-12-31"}, "The last day is before the first one."),
        ({"balance": "nothing"}, "nothing"),
    ):
        answer = client.post(here, CHOICES | days_of(bank) | change, secure=True)
        assert answer.status_code == 422
        assert words in answer.content.decode()
    assert not StatementMapping.objects.exists()
    broken = upload(client, b"\x00\x01\xff\xfe\x80").request["PATH_INFO"] + "table/"
    assert client.get(broken, secure=True).status_code == 422
    assert client_of(world.controller).get(here, secure=True).status_code in {403, 404}


def test_other_days_than_the_table_has_are_refused(charged: tuple[World, Bank]) -> None:
    world, bank = charged
    made = describe(account=bank.account, mapping=mapping(), maker=world.treasurer.code, at=clock.now())
    reading = Reading(made, bank.day + dt.timedelta(days=1), bank.day + dt.timedelta(days=2))
    with pytest.raises(FileRefusedError) as caught:
        import_statement(
            account=bank.account,
            data=table(bank, (1, "x")),
            filename="t.csv",
            importer=world.treasurer.code,
            at=clock.now(),
            reading=reading,
        )
    assert caught.value.extra["reason"] == "line_outside_dates"


def test_describing_the_same_again_changes_nothing(charged: tuple[World, Bank]) -> None:
    world, bank = charged
    numbers = [
        describe(account=bank.account, mapping=one, maker=world.treasurer.code, at=clock.now()).number
        for one in (mapping(), mapping(), Mapping(delimiter=";", decimal_comma=True, **CHOICES))
    ]
    assert numbers == [1, 1, 2]


# --- guarantees -------------------------------------------------------------------------------------------------


def test_mapping_is_the_treasurers(charged: tuple[World, Bank]) -> None:
    world, bank = charged
    with refused("mapping_is_the_treasurers"):
        describe(account=bank.account, mapping=mapping(), maker=world.controller.code, at=clock.now())


def test_mapping_is_permanent(charged: tuple[World, Bank]) -> None:
    world, bank = charged
    describe(account=bank.account, mapping=mapping(), maker=world.treasurer.code, at=clock.now())
    for sql in ("UPDATE ledger_statementmapping SET terms = '{}'", "DELETE FROM ledger_statementmapping"):
        with not_permitted():
            run(sql)


def test_mapping_is_of_the_account(charged: tuple[World, Bank]) -> None:
    world, bank = charged
    other = Bank(World.founded(code="other"))
    theirs = describe(
        account=other.account, mapping=mapping(), maker=other.world.treasurer.code, at=clock.now()
    )
    theirs.account = bank.account
    reading = Reading(theirs, bank.day, bank.day + dt.timedelta(days=1))
    with refused("mapping_is_of_the_account"):
        import_statement(
            account=bank.account,
            data=table(bank, (1, "x")),
            filename="t.csv",
            importer=world.treasurer.code,
            at=clock.now(),
            reading=reading,
        )


def test_mapped_statement_names_its_mapping(charged: tuple[World, Bank]) -> None:
    _world, bank = charged
    bank.take(bank.statement())
    with pytest.raises(IntegrityError, match="mapped_statement_names_its_mapping"), transaction.atomic():
        BankStatement.objects.create(
            account=bank.account,
            number=0,
            format="mapped",
            from_date=bank.day,
            to_date=bank.day + dt.timedelta(days=1),
            opening_fen=0,
            closing_fen=0,
            line_count=0,
            sha256="0" * 64,
            imported_by=bank.world.treasurer.code,
            imported_at=clock.now(),
        )


def test_upload_is_read_for_its_days(charged: tuple[World, Bank]) -> None:
    world, bank = charged
    upload(client_of(world.treasurer), table(bank, (1, "x")))
    made = describe(account=bank.account, mapping=mapping(), maker=world.treasurer.code, at=clock.now())
    with pytest.raises(IntegrityError, match="upload_is_read_for_its_days"), transaction.atomic():
        StatementUpload.objects.update(mapping=made)


def test_one_mapping_per_number(charged: tuple[World, Bank]) -> None:
    """The number is the database's own, whatever is claimed."""
    world, bank = charged
    for _again in range(2):
        StatementMapping.objects.create(
            account=bank.account, number=7, terms={}, made_by=world.treasurer.code, made_at=clock.now()
        )
    assert list(StatementMapping.objects.values_list("number", flat=True)) == [1, 2]
