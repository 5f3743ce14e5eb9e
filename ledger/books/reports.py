"""What the books say of some days: balances at their end, income against expense, money in and out of the bank."""

import datetime as dt
from dataclasses import dataclass

from django.db import connection

from ledger.books import chart
from ledger.books.models import Account, Book
from ledger.books.selectors import TrialBalance, TrialLine, trial_balance


@dataclass(frozen=True)
class IncomeStatement:
    """Income and expense accounts that moved in these days, and their two sums (fen), equal in a pass-through."""

    income: tuple[TrialLine, ...]
    expense: tuple[TrialLine, ...]

    @property
    def income_fen(self) -> int:
        """Return all that came in as income."""
        return sum(line.balance_fen for line in self.income)

    @property
    def expense_fen(self) -> int:
        """Return all that was spent."""
        return sum(line.balance_fen for line in self.expense)

    @property
    def is_even(self) -> bool:
        """Tell whether income equals expense."""
        return self.income_fen == self.expense_fen


@dataclass(frozen=True)
class CashLine:
    """Entries of a kind that moved money on the custody account in these days (fen)."""

    kind: str
    in_fen: int
    out_fen: int


@dataclass(frozen=True)
class CashFlow:
    """What the custody account held before and after these days, and what moved it between (fen)."""

    opening_fen: int
    lines: tuple[CashLine, ...]

    @property
    def in_fen(self) -> int:
        """Return all that came in."""
        return sum(line.in_fen for line in self.lines)

    @property
    def out_fen(self) -> int:
        """Return all that went out."""
        return sum(line.out_fen for line in self.lines)

    @property
    def closing_fen(self) -> int:
        """Return what was there afterwards."""
        return self.opening_fen + self.in_fen - self.out_fen


def trial_balance_on(book: Book, day: dt.date | None) -> TrialBalance:
    """Return every account with its sums at the end of a day; None: now, from the sums that are kept."""
    return trial_balance(book) if day is None else TrialBalance(_sums(book, None, day))


def income_statement(book: Book, since: dt.date, until: dt.date) -> IncomeStatement:
    """Return income and expense of the days [since, until], by account; those that stood still are left out."""
    moved = [line for line in _sums(book, since, until) if line.debit_fen or line.credit_fen]
    return IncomeStatement(
        income=tuple(line for line in moved if line.account.kind == Account.Kind.INCOME),
        expense=tuple(line for line in moved if line.account.kind == Account.Kind.EXPENSE),
    )


def cash_flow(book: Book, since: dt.date, until: dt.date) -> CashFlow:
    """Return what moved the custody account in the days [since, until], by the kind of entry."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT CASE WHEN e.entry_date >= %(since)s THEN e.kind END,
                      coalesce(sum(p.amount_fen) FILTER (WHERE p.side = 'D'), 0)::bigint,
                      coalesce(sum(p.amount_fen) FILTER (WHERE p.side = 'C'), 0)::bigint
                 FROM ledger_account a JOIN ledger_posting p ON p.account_id = a.id
                 JOIN ledger_journalentry e ON e.id = p.entry_id
                WHERE a.book_id = %(book)s AND a.code = %(custody)s AND e.entry_date <= %(until)s
                GROUP BY 1 ORDER BY 1""",
            {"book": book.pk, "custody": chart.CUSTODY, "since": since, "until": until},
        )
        rows = cursor.fetchall()
    return CashFlow(
        opening_fen=sum(came - went for kind, came, went in rows if kind is None),
        lines=tuple(CashLine(*row) for row in rows if row[0] is not None),
    )


def _sums(book: Book, since: dt.date | None, until: dt.date) -> tuple[TrialLine, ...]:
    """Return what was posted to every account in the days [since, until], in the order of the chart. Two queries."""
    accounts = list(book.accounts.order_by("code"))
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT p.account_id, coalesce(sum(p.amount_fen) FILTER (WHERE p.side = 'D'), 0)::bigint,
                      coalesce(sum(p.amount_fen) FILTER (WHERE p.side = 'C'), 0)::bigint
                 FROM ledger_journalentry e JOIN ledger_posting p ON p.entry_id = e.id
                WHERE e.book_id = %(book)s AND e.entry_date <= %(until)s
                  AND e.entry_date >= coalesce(%(since)s, '-infinity'::date)
                GROUP BY p.account_id""",
            {"book": book.pk, "since": since, "until": until},
        )
        sums = {account: (debit, credit) for account, debit, credit in cursor.fetchall()}
    return tuple(TrialLine(account, *sums.get(account.pk, (0, 0))) for account in accounts)
