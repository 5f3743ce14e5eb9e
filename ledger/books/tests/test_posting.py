"""Posting and reversing through the services."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from aidplatform.lib.errors import as_domain_error
from aidplatform.testing.ledgers import balances, read_trial, replay_log
from ledger.books.models import Book, JournalEntry
from ledger.books.services import EmptyEntryError, Line, UnknownAccountError, credit, debit
from ledger.openbooks.services import post_logged_entry, reverse_logged_entry

AT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def _post(book: Book, key: str, *lines: Line) -> JournalEntry:
    return post_logged_entry(
        book=book,
        key=key,
        kind="test",
        lines=list(lines),
        entry_date=AT.date(),
        at=AT,
        description="A test",
        source="test",
        maker="P-1",
    )


def _reverse(entry: JournalEntry) -> JournalEntry:
    return reverse_logged_entry(
        entry=entry, reason="Wrong amount", entry_date=AT.date(), at=AT, maker="P-1", checker="P-2"
    )


def test_worked_example_ends_with_its_trial_balance(book: Book) -> None:
    _post(book, "award", debit("120", 30_000_00), credit("201", 30_000_00))
    _post(book, "interest", debit("101", 12_34), credit("240", 12_34))
    _post(book, "write-off", debit("120", 4_86), credit("250", 4_86))
    expected = """
        101  Custody bank            12.34          -
        120  To be shared        30,004.86          -
        201  Aid payable                 -  30,000.00
        240  Carried surplus             -      12.34
        250  Unidentified                -       4.86
    """
    assert balances(book) == read_trial(expected)
    assert replay_log(book.code) == read_trial(expected)


def test_post_leaves_out_zero_amounts_and_refuses_an_entry_of_nothing_else(book: Book) -> None:
    entry = _post(book, "one", debit("101", 5), credit("250", 5), debit("140", 0))
    assert entry.postings.count() == 2
    with pytest.raises(EmptyEntryError):
        _post(book, "nothing", debit("101", 0), credit("250", 0))
    assert book.entries.count() == 1


def test_post_names_accounts_the_book_has_not(book: Book) -> None:
    with pytest.raises(UnknownAccountError, match=r"777, 888") as caught:
        _post(book, "unknown", debit("888", 5), credit("777", 5))
    assert caught.value.extra == {"codes": ["777", "888"]}


def test_post_numbers_entries_from_one(book: Book) -> None:
    numbers = [_post(book, key, debit("101", 5), credit("250", 5)).number for key in "abc"]
    assert numbers == [1, 2, 3]
    assert Book.objects.get(pk=book.pk).last_entry_no == 3


def test_reversal_takes_the_balances_back_and_is_refused_twice(book: Book) -> None:
    entry = _post(book, "award", debit("120", 500), credit("201", 500))
    reversal = _reverse(entry)
    assert balances(book) == {}
    assert reversal.reverses == entry
    assert JournalEntry.objects.get(pk=entry.pk).reversed_by == reversal
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        _reverse(entry)
    refusal = as_domain_error(caught.value)
    assert refusal is not None
    assert refusal.code == "one_reversal_per_entry"


def test_reversal_of_a_reversal_is_refused(book: Book) -> None:
    reversal = _reverse(_post(book, "award", debit("120", 500), credit("201", 500)))
    with pytest.raises(IntegrityError, match="no mirror"), transaction.atomic():
        _reverse(reversal)


def test_repeated_key_is_refused_and_changes_nothing(book: Book) -> None:
    _post(book, "award", debit("120", 500), credit("201", 500))
    with pytest.raises(IntegrityError, match="one_entry_per_event"), transaction.atomic():
        _post(book, "award", debit("120", 900), credit("201", 900))
    assert balances(book) == {"120": 500, "201": -500}
    assert replay_log(book.code) == {"120": 500, "201": -500}
