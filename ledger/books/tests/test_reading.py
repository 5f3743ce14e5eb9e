"""Reads of the books against a recomputation in plain Python, on generated journals; costs do not grow with rows."""

import datetime as dt
import itertools
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aidplatform.lib.errors import NotFoundError
from ledger.books.chart import BY_CODE, CHART
from ledger.books.models import Account, Book
from ledger.books.selectors import (
    access_account,
    access_book,
    access_entry,
    balance_fen,
    statement,
    statement_lines,
    trial_balance,
)
from ledger.books.services import Line, open_book
from ledger.openbooks.services import open_log, post_logged_entry

AT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
FREE = ("101", "102", "130", "140", "250", "270", "280")
EVERY_EXAMPLE = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
moves = st.lists(
    st.tuples(st.sampled_from(FREE), st.sampled_from(FREE), st.integers(1, 2**40)), min_size=1, max_size=4
)
journals = st.lists(st.tuples(moves, st.integers(0, 10**6)), min_size=1, max_size=10)


def _lines(entry: tuple[list[tuple[str, str, int]], int]) -> list[Line]:
    """Make balanced lines, one per account and side; part of them passes through income and expense."""
    moved, passed_fen = entry
    sums: dict[tuple[str, str], int] = {}
    for debited, credited, fen in moved:
        sums[debited, "D"] = sums.get((debited, "D"), 0) + fen
        sums[credited, "C"] = sums.get((credited, "C"), 0) + fen
    if passed_fen:
        sums["501", "D"] = sums["401", "C"] = passed_fen
    return [Line(account, side, fen) for (account, side), fen in sums.items()]


def _post(book: Book, number: int, lines: list[Line]) -> None:
    post_logged_entry(
        book=book,
        key=f"e/{number}",
        kind="move",
        lines=lines,
        entry_date=AT.date() + dt.timedelta(days=number),
        at=AT,
        description=f"Entry {number}",
        source="test",
        maker="P-1",
    )


def _running(account: str, journal: list[list[Line]]) -> list[tuple[int, int, int, int]]:
    """Recompute an account's statement: (entry number, debit, credit, balance after it), newest first."""
    sign = 1 if BY_CODE[account].normal_side == "D" else -1
    balance, found = 0, []
    for number, lines in enumerate(journal, start=1):
        debit = sum(line.amount_fen for line in lines if (line.account, line.side) == (account, "D"))
        credit = sum(line.amount_fen for line in lines if (line.account, line.side) == (account, "C"))
        if debit or credit:
            balance += sign * (debit - credit)
            found.append((number, debit, credit, balance))
    return found[::-1]


def _shown(account: Account, **page: Any) -> list[tuple[int, int, int, int]]:
    return [(s.entry_no, s.debit_fen, s.credit_fen, s.balance_fen) for s in statement(account, **page)]


@EVERY_EXAMPLE
@given(journal=journals, page=st.integers(1, 4))
def test_statement_and_trial_balance_equal_a_recomputation(db: None, journal: Any, page: int) -> None:
    with transaction.atomic():
        open_log(code="generated")
        book = open_book(code="generated", currency="CNY")
        entries = [_lines(entry) for entry in journal]
        for number, lines in enumerate(entries, start=1):
            _post(book, number, lines)
        for code in (*FREE, "401", "501"):
            account = access_account(book=book, code=code)
            expected = _running(code, entries)
            assert _shown(account) == expected
            assert _by_pages(account, page) == expected
            assert balance_fen(book, code) == (expected[0][3] if expected else 0)
        _check_trial_balance(book, entries)
        transaction.set_rollback(True)


def _by_pages(account: Account, size: int) -> list[tuple[int, int, int, int]]:
    read: list[tuple[int, int, int, int]] = []
    for _turn in itertools.count():
        page = _shown(account, before_no=read[-1][0] if read else None, limit=size)
        read += page
        if len(page) < size:
            return read
    raise AssertionError


def _check_trial_balance(book: Book, entries: list[list[Line]]) -> None:
    trial = trial_balance(book)
    lines = [line for entry in entries for line in entry]
    for shown in trial.lines:
        own = [line for line in lines if line.account == shown.account.code]
        assert shown.debit_fen == sum(line.amount_fen for line in own if line.side == "D")
        assert shown.credit_fen == sum(line.amount_fen for line in own if line.side == "C")
        assert shown.net_debit_fen - shown.net_credit_fen == shown.debit_fen - shown.credit_fen
        assert min(shown.net_debit_fen, shown.net_credit_fen) == 0
    assert trial.is_balanced
    assert [line.account.code for line in trial.lines] == sorted(line.code for line in CHART)


@pytest.fixture
def ten(book: Book) -> Book:
    """Ten entries on Custody bank."""
    for number in range(1, 11):
        _post(book, number, [Line("101", "D", number), Line("250", "C", number)])
    return book


@pytest.mark.parametrize("limit", [1, 10])
def test_statement_takes_one_query_whatever_its_length(
    ten: Book, django_assert_num_queries: Any, limit: int
) -> None:
    account = access_account(book=ten, code="101")
    with django_assert_num_queries(1):
        assert len(statement(account, before_no=11, limit=limit)) == limit


def test_statement_without_postings_is_empty(ten: Book) -> None:
    assert statement(access_account(book=ten, code="140")) == []
    assert statement(access_account(book=ten, code="101"), before_no=1) == []


def test_statement_lines_give_every_line(ten: Book) -> None:
    account = access_account(book=ten, code="101")
    whole = statement_lines(account)
    assert [line.entry_no for line in whole] == list(range(10, 0, -1))


def test_trial_balance_takes_one_query_with_one_entry_and_with_ten(
    book: Book, django_assert_num_queries: Any
) -> None:
    _post(book, 1, [Line("101", "D", 5), Line("250", "C", 5)])
    with django_assert_num_queries(1):
        trial_balance(book)
    for number in range(2, 11):
        _post(book, number, [Line("101", "D", 5), Line("250", "C", 5)])
    with django_assert_num_queries(1):
        assert trial_balance(book).debit_fen == 50


def test_entry_is_read_with_its_postings_in_constant_queries(
    ten: Book, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(3):
        entry = access_entry(book=ten, number=3)
        assert {(p.account.code, p.side, p.amount_fen) for p in entry.postings.all()} == {
            ("101", "D", 3),
            ("250", "C", 3),
        }


def test_what_does_not_exist_is_not_found(book: Book) -> None:
    for ask in (
        lambda: access_book(code="nowhere"),
        lambda: access_account(book=book, code="999"),
        lambda: access_entry(book=book, number=1),
    ):
        with pytest.raises(NotFoundError):
            ask()
