"""Writes to the books: open a book, post an entry, reverse one."""

import datetime as dt
from dataclasses import dataclass

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.errors import DomainError
from ledger.books.chart import CHART
from ledger.books.models import Account, Book, JournalEntry, Posting


class UnknownAccountError(DomainError):
    """A posting names an account that the book does not have."""

    code = "unknown_account"


class EmptyEntryError(DomainError):
    """An entry whose amounts are all zero says nothing."""

    code = "empty_entry"


@dataclass(frozen=True)
class Line:
    """One posting to be: account code, side D or C, amount in fen (0 is left out)."""

    account: str
    side: str
    amount_fen: int


def debit(account: str, amount_fen: int) -> Line:
    """Return a debit of that many fen."""
    return Line(account, "D", amount_fen)


def credit(account: str, amount_fen: int) -> Line:
    """Return a credit of that many fen."""
    return Line(account, "C", amount_fen)


def open_book(*, code: str, currency: str) -> Book:
    """Create a fund's book with every account of the chart."""
    with transaction.atomic():
        book = Book.objects.create(code=code, currency=currency)
        Account.objects.bulk_create(
            Account(
                book=book,
                code=line.code,
                kind=line.kind,
                normal_side=line.normal_side,
                never_negative=line.never_negative,
            )
            for line in CHART
        )
    return book


def post_entry(
    *,
    book: Book,
    key: str,
    kind: str,
    lines: list[Line],
    entry_date: dt.date,
    at: dt.datetime,
    description: str,
    source: str,
    maker: str,
    checker: str = "",
    reverses: JournalEntry | None = None,
) -> JournalEntry:
    """Post one balanced entry; the database refuses anything else (journal_entry_balances and its kin).

    Posting the same key again is refused (one_entry_per_event): callers decide what a repetition means.

    Raises: UnknownAccountError, EmptyEntryError, IntegrityError bearing a guarantee's name.
    """
    lines = [line for line in lines if line.amount_fen != 0]
    if not lines:
        raise EmptyEntryError(_("This entry moves nothing: all its amounts are zero."), key=key)
    account_ids = dict(book.accounts.values_list("code", "pk"))
    if missing := sorted({line.account for line in lines} - account_ids.keys()):
        raise UnknownAccountError(
            _("The book has no account %(codes)s.") % {"codes": ", ".join(missing)}, codes=missing
        )
    with transaction.atomic():
        entry = JournalEntry.objects.create(
            book=book,
            number=0,  # the guard entry_number_follows_last gives the number
            key=key,
            kind=kind,
            entry_date=entry_date,
            at=at,
            description=description,
            source=source,
            maker=maker,
            checker=checker,
            reverses=reverses,
        )
        # One statement: the guard refuses postings that come later. Ordered, so that two entries lock
        # balances in the same order.
        ordered = sorted(lines, key=lambda line: (line.account, line.side))
        with connection.cursor() as cursor:
            cursor.execute(
                """INSERT INTO ledger_posting (entry_id, account_id, side, amount_fen)
                   SELECT %s, * FROM unnest(%s::bigint[], %s::text[], %s::bigint[])""",
                [
                    entry.pk,
                    [account_ids[line.account] for line in ordered],
                    [line.side for line in ordered],
                    [line.amount_fen for line in ordered],
                ],
            )
        entry.refresh_from_db(fields=["number"])
    return entry


def reverse_entry(
    *,
    entry: JournalEntry,
    reason: str,
    entry_date: dt.date,
    at: dt.datetime,
    maker: str,
    checker: str,
) -> JournalEntry:
    """Post the mirror of an entry, with a reason and a second person; the original stays as it is."""
    mirror = [
        Line(posting.account.code, "C" if posting.side == Posting.Side.DEBIT else "D", posting.amount_fen)
        for posting in entry.postings.select_related("account")
    ]
    return post_entry(
        book=entry.book,
        key=f"reversal/{entry.number}",
        kind="reversal",
        lines=mirror,
        entry_date=entry_date,
        at=at,
        description=reason,
        source=f"entry {entry.number}",
        maker=maker,
        checker=checker,
        reverses=entry,
    )
