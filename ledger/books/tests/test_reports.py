"""Balances at any day, income against expense and the money of some days, held against the entries themselves."""

import csv
import datetime as dt
from io import StringIO

from django.db import connection
from django.test.utils import CaptureQueriesContext

from aidplatform.testing.bank import Bank, charged_world
from aidplatform.testing.prepared import prepared
from aidplatform.testing.world import World
from aidplatform.tests.pages_helpers import client_of
from ledger.books import reports
from ledger.books.models import Book, Posting
from ledger.books.selectors import trial_balance

HERE = "/pools/test-pool/ledger/"


@prepared
def year() -> tuple[World, Bank, Book]:
    """Return a pool whose shares were collected on several days, one aid of it paid."""
    world, bank, _period = charged_world(100_000, 50_000)
    bank.all_pay(unpaid=0.5)
    bank.take(bank.statement(bank.line("in", 77, text="nobody's")))
    bank.all_pay()
    bank.release(bank.order_aid(world.pool.awards.get(code="C-1"), 9_000))
    bank.all_pay()
    return world, bank, Book.objects.get(code="test-pool")


def days_of(book: Book) -> list[dt.date]:
    return sorted(set(book.entries.values_list("entry_date", flat=True)))


def sum_of(book: Book, code: str, until: dt.date) -> int:
    """Add up an account's postings one by one."""
    found = Posting.objects.filter(entry__book=book, account__code=code, entry__entry_date__lte=until)
    return sum(one.amount_fen if one.side == "D" else -one.amount_fen for one in found)


def test_balances_of_any_day_are_those_of_its_entries(year: tuple[World, Bank, Book]) -> None:
    _world, _bank, book = year
    days = days_of(book)
    assert len(days) > 3
    for day in [days[0] - dt.timedelta(days=1), *days]:
        trial = reports.trial_balance_on(book, day)
        assert trial.is_balanced
        for line in trial.lines:
            assert line.debit_fen - line.credit_fen == sum_of(book, line.account.code, day)
    assert reports.trial_balance_on(book, None) == trial_balance(book)
    last = {line.account.code: line.balance_fen for line in reports.trial_balance_on(book, days[-1]).lines}
    assert last == {line.account.code: line.balance_fen for line in trial_balance(book).lines}


def test_income_equals_expense_of_any_days(year: tuple[World, Bank, Book]) -> None:
    _world, _bank, book = year
    days = days_of(book)
    for since in days:
        for until in days[days.index(since) :]:
            assert reports.income_statement(book, since, until).is_even
    whole = reports.income_statement(book, days[0], days[-1])
    assert {line.account.code: line.balance_fen for line in whole.expense} == {"501": 150_000, "510": 12_000}
    assert whole.income_fen == 162_000


def test_money_of_following_days_joins(year: tuple[World, Bank, Book]) -> None:
    _world, _bank, book = year
    days = days_of(book)
    closing = 0
    for day in days:
        flow = reports.cash_flow(book, day, day)
        assert flow.opening_fen == closing
        closing = flow.closing_fen
        assert closing == sum_of(book, "101", day)
    whole = reports.cash_flow(book, days[0], days[-1])
    assert {line.kind: (line.in_fen, line.out_fen) for line in whole.lines} == {
        "collection": (162_001, 0),
        "payment_confirmed": (0, 9_000),
        "unidentified": (77, 0),
    }


def test_pages_show_the_days_that_the_address_names(year: tuple[World, Bank, Book]) -> None:
    world, _bank, book = year
    client, days = client_of(world.auditor), days_of(book)
    before = (days[0] - dt.timedelta(days=1)).isoformat()
    assert "¥1,500.00" not in client.get(f"{HERE}trial-balance/?on={before}", secure=True).content.decode()
    assert "¥1,500.00" in client.get(f"{HERE}trial-balance/", secure=True).content.decode()
    assert client.get(f"{HERE}?on=2026-13-01", secure=True).status_code == 422
    query = f"?since={days[0]}&until={days[-1]}"
    page = client.get(f"{HERE}figures/{query}", secure=True).content.decode()
    for words in ("Income equals expense", "¥1,620.01", "¥90.00", f"kind=collection&amp;since={days[0]}"):
        assert words in page
    rows = csv.DictReader(
        StringIO(b"".join(client.get(f"{HERE}figures.csv{query}", secure=True)).decode("utf-8-sig"))  # type: ignore[arg-type]
    )
    told = {(row["part"], row["line"]): row["amount"] for row in rows}
    assert told["cash", "closing"] == "1530.78"
    assert told["expense", "501"] == "1500.00"
    wrong = client.get(f"{HERE}figures/?since=2026-02-02&until=2026-02-01", secure=True)
    assert wrong.status_code == 422
    assert "The span ends before it begins." in wrong.content.decode()
    assert client.get(f"{HERE}figures.csv?since=x", secure=True).status_code == 422


def test_days_are_shown_in_chinese_as_well(year: tuple[World, Bank, Book]) -> None:
    world, _bank, _book = year
    page = client_of(world.auditor).get(
        f"{HERE}figures/", secure=True, headers={"Accept-Language": "zh-Hans"}
    )
    assert 'value="2026-01-01"' in page.content.decode()
    assert "收入等于支出" in page.content.decode()


def test_programs_ask_for_a_day(year: tuple[World, Bank, Book]) -> None:
    world, _bank, book = year
    client, day = client_of(world.auditor), days_of(book)[0]
    answer = client.get(f"/api/v1/pools/test-pool/trial-balance/?on={day}", secure=True).json()
    sums = {row["code"]: row["debit_fen"] - row["credit_fen"] for row in answer["accounts"]}
    assert sums == {code: sum_of(book, code, day) for code in sums}
    assert client.get("/api/v1/pools/test-pool/trial-balance/?on=soon", secure=True).status_code == 400


def test_queries_do_not_grow(year: tuple[World, Bank, Book]) -> None:
    world, bank, _book = year
    client = client_of(world.auditor)

    def queries() -> int:
        with CaptureQueriesContext(connection) as made:
            client.get(f"{HERE}figures/", secure=True)
        return len(made)

    before = queries()
    for _day in range(4):
        bank.take(bank.statement(bank.line("in", 5, text="more")))
    assert queries() == before
