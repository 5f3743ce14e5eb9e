"""Reads of the books: trial balance, statement, one entry. Query counts do not grow with rows."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.errors import NotFoundError
from ledger.books.models import Account, Book, JournalEntry, Posting


@dataclass(frozen=True)
class TrialLine:
    """One account's sums (fen); balance on its normal side."""

    account: Account
    debit_fen: int
    credit_fen: int

    @property
    def balance_fen(self) -> int:
        """Return the balance on the normal side."""
        net = self.debit_fen - self.credit_fen
        return net if self.account.normal_side == "D" else -net

    @property
    def net_debit_fen(self) -> int:
        """Return what the trial balance shows in its debit column."""
        return max(self.debit_fen - self.credit_fen, 0)

    @property
    def net_credit_fen(self) -> int:
        """Return what the trial balance shows in its credit column."""
        return max(self.credit_fen - self.debit_fen, 0)


@dataclass(frozen=True)
class TrialBalance:
    """All accounts of a book and the two totals that must be equal."""

    lines: tuple[TrialLine, ...]

    @property
    def debit_fen(self) -> int:
        """Return the sum of the debit column."""
        return sum(line.net_debit_fen for line in self.lines)

    @property
    def credit_fen(self) -> int:
        """Return the sum of the credit column."""
        return sum(line.net_credit_fen for line in self.lines)

    @property
    def is_balanced(self) -> bool:
        """Tell whether both columns agree."""
        return self.debit_fen == self.credit_fen


@dataclass(frozen=True)
class StatementLine:
    """One posting on an account with the balance after it (fen, normal side)."""

    entry_no: int
    entry_date: object
    kind: str
    description: str
    source: str
    debit_fen: int
    credit_fen: int
    balance_fen: int


def access_book(*, code: str) -> Book:
    """Return the book with that code.

    Raises: NotFoundError.
    """
    book = Book.objects.filter(code=code).first()
    if book is None:
        raise NotFoundError(_("There is no such book, or it is not yours to see."))
    return book


def access_account(*, book: Book, code: str) -> Account:
    """Return an account of the book. Raises: NotFoundError."""
    account = book.accounts.filter(code=code).select_related("book").first()
    if account is None:
        raise NotFoundError(_("This book has no such account."))
    return account


def access_entry(*, book: Book, number: int) -> JournalEntry:
    """Return an entry of the book with its postings. Raises: NotFoundError."""
    entry = (
        book.entries.filter(number=number)
        .select_related("book", "reverses", "reversed_by")
        .prefetch_related("postings__account")
        .first()
    )
    if entry is None:
        raise NotFoundError(_("This book has no such entry."))
    return entry


def trial_balance(book: Book) -> TrialBalance:
    """Return every account with its sums, in the order of the chart. One query."""
    accounts = book.accounts.select_related("balance").order_by("code")
    return TrialBalance(
        tuple(
            TrialLine(account, account.balance.debit_fen, account.balance.credit_fen) for account in accounts
        )
    )


def balance_fen(book: Book, account_code: str) -> int:
    """Return one account's balance on its normal side (fen). O(1)."""
    account = book.accounts.select_related("balance").get(code=account_code)
    return account.balance.balance_fen


def balances_fen(codes: Collection[str], account_code: str) -> dict[str, int]:
    """Return the balance of one account in each of these books, by the book's code (fen). One query."""
    accounts = Account.objects.filter(book__code__in=codes, code=account_code)
    return {one.book.code: one.balance.balance_fen for one in accounts.select_related("book", "balance")}


def entries(book: Book) -> QuerySet[JournalEntry]:
    """Return the book's entries, newest first."""
    return book.entries.order_by("-number")


def find_entries(number: int, *, codes: Collection[str]) -> QuerySet[JournalEntry]:
    """Return the entries of that number in the books with these codes."""
    found = JournalEntry.objects.filter(book__code__in=codes, number=number)
    return found.select_related("book").order_by("book__code")


def find_entries_of(fen: int, *, codes: Collection[str]) -> QuerySet[JournalEntry]:
    """Return the entries that move exactly so much (fen) on an account of the books with these codes, newest first."""
    moved = Posting.objects.filter(entry=OuterRef("pk"), amount_fen=fen)
    found = JournalEntry.objects.filter(Exists(moved), book__code__in=codes)
    return found.select_related("book").order_by("-entry_date", "-pk")


def statement(account: Account, *, before_no: int | None = None, limit: int = 100) -> list[StatementLine]:
    """Return up to `limit` lines of an account, newest first, each with the balance after it.

    before_no: continue before that entry (cursor). The running balance starts from the stored one and goes
    backwards: the first page costs the same at ten lines and at ten million.
    """
    sign = 1 if account.normal_side == "D" else -1
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH later AS (
                SELECT coalesce(sum(CASE p.side WHEN 'D' THEN p.amount_fen ELSE -p.amount_fen END), 0) AS fen
                  FROM ledger_posting p JOIN ledger_journalentry e ON e.id = p.entry_id
                 WHERE p.account_id = %(account)s AND %(before)s::bigint IS NOT NULL AND e.number >= %(before)s
            ), line AS (
                SELECT e.number, e.entry_date, e.kind, e.description, e.source,
                       sum(p.amount_fen) FILTER (WHERE p.side = 'D') AS debit,
                       sum(p.amount_fen) FILTER (WHERE p.side = 'C') AS credit
                  FROM ledger_posting p JOIN ledger_journalentry e ON e.id = p.entry_id
                 WHERE p.account_id = %(account)s AND (%(before)s::bigint IS NULL OR e.number < %(before)s)
                 GROUP BY e.id ORDER BY e.number DESC LIMIT %(limit)s
            )
            SELECT number, entry_date, kind, description, source, coalesce(debit, 0), coalesce(credit, 0),
                   (SELECT b.debit_fen - b.credit_fen FROM ledger_accountbalance b
                     WHERE b.account_id = %(account)s) - (SELECT fen FROM later)
                   - coalesce(sum(coalesce(debit, 0) - coalesce(credit, 0))
                       OVER (ORDER BY number DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)
              FROM line ORDER BY number DESC
            """,
            {"account": account.pk, "before": before_no, "limit": limit},
        )
        rows = cursor.fetchall()
    return [
        StatementLine(no, date, kind, text, source, int(dr), int(cr), sign * int(net))
        for no, date, kind, text, source, dr, cr, net in rows
    ]


def statement_lines(account: Account) -> Iterator[StatementLine]:
    """Yield the whole statement, oldest pages last, for an export."""
    before: int | None = None
    while page := statement(account, before_no=before, limit=1000):
        yield from page
        before = page[-1].entry_no
