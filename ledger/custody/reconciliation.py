"""Bank against ledger: do they agree, since when has the bank been silent, and which money is nobody's yet."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import OuterRef, Subquery
from django.utils.functional import Promise

from aidplatform.lib import clock
from ledger.books import chart
from ledger.books.models import Book
from ledger.books.selectors import balance_fen, balances_fen
from ledger.custody.models import BankAccount, BankStatement, PaymentOrder, StatementLine
from ledger.custody.reconciled_models import ReconciledDay
from ledger.custody.reconciled_rules import BROKEN
from ledger.custody.reconciled_words import RULES
from ledger.custody.selectors import account_of, orders, statements
from ledger.custody.triggers import USED, may_be_nobodys_sql
from members.pools.models import Pool

OLD_DAYS = 5
# A pool's bank sends a statement every week at least; one that is older says little about today.
STATEMENT_DAYS = 10
MOST_SHOWN = 1000
# In how many of the newest statements what was paid too much is looked for first.
NEWEST = 8


@dataclass(frozen=True)
class Receipt:
    """A receipt of which something is nobody's yet (fen), and for how many days."""

    line: StatementLine
    open_fen: int
    days: int

    @property
    def is_old(self) -> bool:
        """Tell whether it waits longer than it should."""
        return self.days > OLD_DAYS


@dataclass(frozen=True)
class Checked:
    """What the newest daily reconciliation found: how many rules of the cash book are broken, and which."""

    day: dt.date
    broken: int
    verdicts: list[dict[str, Any]]

    @property
    def broken_rules(self) -> list[Promise]:
        """Return what the rules say that are broken."""
        return [RULES[one["rule"]] for one in self.verdicts if one["state"] == BROKEN]


@dataclass(frozen=True)
class BankLine:
    """The ledger's custody account against the bank's last closing balance (fen), as on a day (today).

    checked: None before the first daily reconciliation.
    """

    account: BankAccount
    last: BankStatement | None
    ledger_fen: int
    today: dt.date
    checked: Checked | None

    @property
    def bank_fen(self) -> int | None:
        """Return the bank's figure; None before the first statement."""
        return self.last.closing_fen if self.last else None

    @property
    def difference_fen(self) -> int:
        """Return ledger less bank; 0 when they agree, or when the bank has said nothing of an empty account."""
        return self.ledger_fen - (self.bank_fen or 0)

    @property
    def agrees(self) -> bool:
        """Tell whether bank = ledger."""
        return self.difference_fen == 0

    @property
    def age_days(self) -> int:
        """Return how many days have passed since the last one that a statement tells about; 0 before the first."""
        return (self.today - self.last.to_date).days if self.last else 0

    @property
    def is_old(self) -> bool:
        """Tell whether the bank has been silent for so long that its agreement says little."""
        return self.age_days > STATEMENT_DAYS


@dataclass(frozen=True)
class Reconciliation(BankLine):
    """The same with everything that explains it: what is on its way, and what is nobody's yet."""

    unconfirmed: tuple[PaymentOrder, ...]
    unidentified: tuple[Receipt, ...]
    unexplained_fen: int

    @property
    def unconfirmed_fen(self) -> int:
        """Return what released orders will still take."""
        return sum(order.amount_fen for order in self.unconfirmed)

    @property
    def unidentified_fen(self) -> int:
        """Return what came in and is nobody's yet."""
        return sum(receipt.open_fen for receipt in self.unidentified)


def reconcile(pool: Pool) -> Reconciliation | None:
    """Hold the custody account against the bank; None while the pool has no bank account."""
    account = account_of(pool)
    if account is None:
        return None
    book = Book.objects.get(code=pool.code)
    newest = pool.reconciled_days.order_by("-day").first()
    return Reconciliation(
        account=account,
        last=statements(account).first(),
        ledger_fen=balance_fen(book, chart.CUSTODY),
        today=clock.today(pool.time_zone),
        checked=Checked(newest.day, newest.broken, newest.verdicts) if newest else None,
        unconfirmed=tuple(orders(pool).filter(state=PaymentOrder.State.RELEASED)),
        unidentified=tuple(unidentified(account)),
        unexplained_fen=balance_fen(book, chart.UNEXPLAINED_DEBITS),
    )


def bank_line(pool: Pool) -> BankLine | None:
    """Return the one public line: does the bank hold what the books say? None without a bank account."""
    return next(iter(bank_lines([pool])), None)


def bank_lines(pools: Collection[Pool]) -> list[BankLine]:
    """Return the line of each of these pools that has a bank account, by code. Four queries, however many."""
    newest_day = ReconciledDay.objects.filter(pool=OuterRef("pool")).order_by("-day")
    accounts = (
        BankAccount.objects.filter(pool__in=pools)
        .select_related("pool")
        .annotate(
            checked_day=Subquery(newest_day.values("day")[:1]),
            checked_broken=Subquery(newest_day.values("broken")[:1]),
            checked_verdicts=Subquery(newest_day.values("verdicts")[:1]),
        )
        .order_by("pool__code")
    )
    balances = balances_fen([account.pool.code for account in accounts], chart.CUSTODY)
    newest = BankStatement.objects.filter(account__in=accounts).order_by("account", "-number")
    last = {statement.account_id: statement for statement in newest.distinct("account")}
    now = clock.now()
    return [
        BankLine(
            account=account,
            last=last.get(account.pk),
            ledger_fen=balances[account.pool.code],
            today=clock.day_of(now, account.pool.time_zone),
            checked=Checked(account.checked_day, account.checked_broken, account.checked_verdicts)
            if account.checked_day
            else None,
        )
        for account in accounts
    ]


def unidentified(account: BankAccount) -> list[Receipt]:
    """Return receipts of which something is nobody's yet, oldest first."""
    open_fen = _open_receipts(account)
    oldest_first = StatementLine.objects.filter(pk__in=open_fen).order_by("booking_date", "pk")
    today = clock.today(account.pool.time_zone)
    return [
        Receipt(line, open_fen[line.pk], (today - line.booking_date).days)
        for line in oldest_first.select_related("statement")[:MOST_SHOWN]
    ]


def _open_receipts(account: BankAccount) -> dict[int, int]:
    """Return what of which receipts is nobody's yet (fen), by line. Four queries at most, beside the two of the books.

    Receipts that bear no reference are few and have an index of their own, and few matches are undone. Of those that
    paid shares hardly any paid too much, and mostly lately: they are read from the newest statements on, until all is
    found that the books hold.
    """
    left_fen = balance_fen(Book.objects.get(code=account.pool.code), chart.UNIDENTIFIED)
    if left_fen == 0:
        return {}
    found = _open_of(account, _KNOWN_TO_BE_FREE, "true")
    below = None
    for newest in (NEWEST, NEWEST**2, None):
        if sum(found.values()) == left_fen:
            break
        numbers = account.statements.filter(number__lt=below) if below else account.statements
        of = list(numbers.order_by("-number").values_list("pk", "number")[:newest])
        if not of:
            break
        found |= _open_of(account, "ledger_statementline l", _OVERPAID, statements=[pk for pk, _number in of])
        below = of[-1][1]
    return found


def open_fen_of(receipt: StatementLine) -> int:
    """Return what of a receipt is nobody's yet (fen)."""
    account = receipt.account
    return _open_of(account, _ONE_LINE, may_be_nobodys_sql("l"), line=receipt.pk).get(receipt.pk, 0)


def _open_of(account: BankAccount, lines: str, which: str, **asked: int | list[int]) -> dict[int, int]:
    """Return what of these lines is nobody's yet (fen), by line. lines: an item of FROM that is called l."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT l.id, (l.amount_fen - used.fen)::bigint FROM {lines}
                 CROSS JOIN LATERAL (SELECT {USED.format(line="l.id")} AS fen) used
                 WHERE l.account_id = %(account)s AND {which} AND l.amount_fen > used.fen""",  # noqa: S608 - fixed texts
            dict(account=account.pk, **asked),
        )
        return dict(cursor.fetchall())


_KNOWN_TO_BE_FREE = """(
    SELECT id, account_id, amount_fen FROM ledger_statementline
     WHERE account_id = %(account)s AND kind = 'unidentified'
     UNION
    SELECT n.id, n.account_id, n.amount_fen
      FROM ledger_matchundoing u JOIN ledger_statementline n ON n.id = u.receipt_id
     WHERE n.account_id = %(account)s AND u.state = 'agreed') l"""
_ONE_LINE = "(SELECT * FROM ledger_statementline WHERE id = %(line)s LIMIT 1) l"
# What shares took is asked first: of nearly every receipt it is all.
_OVERPAID = """l.kind = 'collection' AND l.statement_id = ANY(%(statements)s)
                 AND l.amount_fen > coalesce((SELECT sum(k.amount_fen) FROM ledger_collection k
                                               WHERE k.line_id = l.id), 0)"""
