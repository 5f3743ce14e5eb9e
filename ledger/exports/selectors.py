"""Reads of a pool's books for those who check them with tools of their own."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection
from django.utils.translation import override

from ledger.books import chart
from ledger.books.models import Account, Book
from ledger.custody.models import BankStatement
from ledger.exports.journals import DAY, Closing, Entry, Journal, JournalAccount
from ledger.openbooks.models import LogEntry
from ledger.sharing.models import Period


@dataclass(frozen=True)
class Days:
    """Days from one on and before another; None where nothing bounds them."""

    first: dt.date | None = None
    end: dt.date | None = None


ALL_DAYS = Days()


def days_of(period: Period) -> Days:
    """Return the days of a period: entries of one day are all of one period, and of no other."""
    return Days(period.opening_date, period.next_opening_date)


def journal_of(book: Book, days: Days = ALL_DAYS) -> Journal:
    """Return a book as a journal, whole or of some days, with what the bank said of its account.

    The bank's closings are read before the number of the last entry: whatever is imported meanwhile has entries with
    later numbers, which are left out.
    """
    closings = list(_closings(book.code, days))
    last_no = Book.objects.get(pk=book.pk).last_entry_no
    first = days.first or _first_day(book, closings)
    return Journal(
        title=f"{book.code}, {book.currency}, up to entry {last_no}",
        fund=book.code,
        currency=book.currency,
        first_date=first,
        accounts=tuple(_accounts(book)),
        brought_forward=_balances_before(book, days.first, last_no) if days.first else (),
        told=in_order(_entries(book, days, last_no), iter(closings)),
    )


def in_order(entries: Iterator[Entry], closings: Iterator[Closing]) -> Iterator[Entry | Closing]:
    """Yield entries, and after those of its day each closing. Both come in the order of their days."""
    closing = next(closings, None)
    for entry in entries:
        while closing and closing.date < entry.date:
            yield closing
            closing = next(closings, None)
        yield entry
    while closing:
        yield closing
        closing = next(closings, None)


def english_name(account: Account) -> str:
    """Return an account's English name, whatever language the reader has: files are compared."""
    with override("en"):
        return str(account.name)


def log_lines(code: str) -> Iterator[str]:
    """Yield the entries of a pool's log in order, in the bytes that are hashed, a line each."""
    found = LogEntry.objects.filter(log__code=code).order_by("seq").values_list("data", flat=True)
    for data in found.iterator(chunk_size=2000):
        yield bytes(data).decode() + "\n"


def _accounts(book: Book) -> Iterator[JournalAccount]:
    for account in Account.objects.filter(book=book).order_by("code"):
        yield JournalAccount(account.code, english_name(account), account.kind)


def _closings(code: str, days: Days) -> Iterator[Closing]:
    """Yield what the bank said at the end of days that are among these."""
    found = BankStatement.objects.filter(account__pool__code=code).order_by("number")
    if days.first:
        found = found.filter(to_date__gt=days.first)
    if days.end:
        found = found.filter(to_date__lte=days.end)
    for number, to_date, fen in found.values_list("number", "to_date", "closing_fen"):
        yield Closing(to_date - DAY, number, chart.CUSTODY, fen)


def _first_day(book: Book, closings: list[Closing]) -> dt.date:
    """Return the first day of which anything is told: a bank may tell of an empty account before the first entry."""
    entry = book.entries.order_by("entry_date").values_list("entry_date", flat=True).first()
    return min(
        [day for day in (entry, *(one.date for one in closings[:1])) if day], default=dt.date(1970, 1, 1)
    )


def _balances_before(book: Book, first: dt.date, last_no: int) -> tuple[tuple[str, int], ...]:
    """Return every account that is not at zero before a day (fen, credit below zero)."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT a.code, sum(CASE p.side WHEN 'D' THEN p.amount_fen ELSE -p.amount_fen END)::bigint AS fen
                 FROM ledger_journalentry e JOIN ledger_posting p ON p.entry_id = e.id
                 JOIN ledger_account a ON a.id = p.account_id
                WHERE e.book_id = %s AND e.entry_date < %s AND e.number <= %s
                GROUP BY a.code HAVING sum(CASE p.side WHEN 'D' THEN p.amount_fen ELSE -p.amount_fen END) <> 0
                ORDER BY a.code""",
            [book.pk, first, last_no],
        )
        return tuple(cursor.fetchall())


def _entries(book: Book, days: Days, last_no: int) -> Iterator[Entry]:
    """Yield the entries of these days by day and number, some thousands at a time."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(
            """SELECT e.entry_date, e.number, e.kind, e.description, e.key, e.source, e.maker, e.checker, r.number,
                      array_agg(a.code::text ORDER BY p.side DESC, a.code),
                      array_agg(CASE p.side WHEN 'D' THEN p.amount_fen ELSE -p.amount_fen END
                                ORDER BY p.side DESC, a.code)
                 FROM ledger_journalentry e JOIN ledger_posting p ON p.entry_id = e.id
                 JOIN ledger_account a ON a.id = p.account_id
                 LEFT JOIN ledger_journalentry r ON r.id = e.reverses_id
                WHERE e.book_id = %(book)s AND e.number <= %(last)s
                  AND e.entry_date >= coalesce(%(first)s, '-infinity'::date)
                  AND e.entry_date < coalesce(%(end)s, 'infinity'::date)
                GROUP BY e.id, r.number ORDER BY e.entry_date, e.number""",
            {"book": book.pk, "last": last_no, "first": days.first, "end": days.end},
        )
        while rows := cursor.fetchmany(5000):
            for date, number, kind, text, key, source, maker, checker, reverses, codes, amounts in rows:
                postings = tuple(zip(codes, amounts, strict=True))
                yield Entry(date, number, kind, text, key, source, maker, checker, reverses, postings)
