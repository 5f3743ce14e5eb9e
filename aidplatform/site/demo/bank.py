"""A bank that exists only in a demonstration: it makes the statement of the days since the last one.

Members pay what they owe with their references, all but a chosen fraction; orders that were released are paid.
Who pays follows from a seed and the membership's number, so the same pool always gets the same statement.
"""

import datetime as dt
import hashlib
from collections.abc import Collection

from ledger.books import chart
from ledger.books.models import Book
from ledger.books.selectors import balance_fen
from ledger.custody import statement_parts as files
from ledger.custody.models import BankAccount, PaymentOrder
from ledger.custody.references import MEMBERSHIP, make_reference
from ledger.custody.selectors import arrears_rows, order_reference, orders, payee_of
from ledger.custody.statement_files import write_csv

PARTS = 10_000


def next_statement(
    account: BankAccount,
    *,
    until: dt.date,
    unpaid: float = 0.03,
    seed: str = "demo",
    silent: Collection[int] = (),
    extra: tuple[files.FileLine, ...] = (),
    from_date: dt.date | None = None,
) -> files.FileStatement:
    """Return the statement from the last one up to and without `until`; every booking is of its last day.

    unpaid: the fraction of memberships that pay nothing. silent: numbers of others that do not. extra: further
    bookings, such as one nobody can explain. from_date: where the first statement begins; a later one begins where
    the last ended.
    """
    last = account.statements.order_by("-number").first()
    begins = last.to_date if last else from_date or until - dt.timedelta(days=1)
    day = until - dt.timedelta(days=1)
    opening = (
        last.closing_fen if last else balance_fen(Book.objects.get(code=account.pool.code), chart.CUSTODY)
    )
    number = last.number + 1 if last else 1
    lines = [*_payments(account, day, unpaid, seed, silent), *paid_orders(account, day), *extra]
    lines = [
        line if line.bank_reference else _with_reference(line, f"S{number:04d}-{place:06d}")
        for place, line in enumerate(lines, start=1)
    ]
    return files.FileStatement(
        format=files.CSV,
        account_number=account.number,
        currency=account.pool.currency,
        bank_number=str(number),
        from_date=begins,
        to_date=until,
        opening_fen=opening,
        closing_fen=opening + sum(line.signed_fen for line in lines),
        lines=tuple(lines),
    )


def next_statement_file(
    account: BankAccount,
    *,
    until: dt.date,
    unpaid: float = 0.03,
    silent: Collection[int] = (),
    extra: tuple[files.FileLine, ...] = (),
) -> bytes:
    """Return the same as a file to import."""
    return write_csv(next_statement(account, until=until, unpaid=unpaid, silent=silent, extra=extra))


def transfer(pool_code: str, number: int, fen: int, day: dt.date) -> files.FileLine:
    """Return what a member transfers with the reference of their membership."""
    return files.FileLine(
        booking_date=day,
        direction=files.IN,
        amount_fen=fen,
        bank_reference="",
        counterparty=f"Member {number}",
        text=make_reference(pool_code, MEMBERSHIP, number),
    )


def pays(seed: str, number: int, unpaid: float) -> bool:
    """Tell whether a membership pays, by its number alone."""
    digest = hashlib.sha256(f"{seed}/{number}".encode()).digest()
    return int.from_bytes(digest[:4]) % PARTS >= unpaid * PARTS


def _payments(
    account: BankAccount, day: dt.date, unpaid: float, seed: str, silent: Collection[int]
) -> list[files.FileLine]:
    """Return one transfer per membership that pays: all it owes of announced charges."""
    pool = account.pool
    announced = set(pool.periods.filter(charges_notified_at__isnull=False).values_list("number", flat=True))
    owed: dict[int, int] = {}
    for number, period_no, _share, _collected, open_fen in arrears_rows(pool):
        if period_no in announced and number not in silent and pays(seed, number, unpaid):
            owed[number] = owed.get(number, 0) + open_fen
    return [transfer(pool.code, number, fen, day) for number, fen in sorted(owed.items())]


def paid_orders(account: BankAccount, day: dt.date) -> list[files.FileLine]:
    """Return the debit of every released order."""
    released = orders(account.pool).filter(state=PaymentOrder.State.RELEASED).order_by("number")
    return [
        files.FileLine(
            booking_date=day,
            direction=files.OUT,
            amount_fen=order.amount_fen,
            bank_reference="",
            counterparty=payee_of(order).name,
            text=f"{order_reference(order)} {order.what_for}",
        )
        for order in released
    ]


def _with_reference(line: files.FileLine, reference: str) -> files.FileLine:
    """Return the booking under the bank's own number."""
    return files.FileLine(
        line.booking_date,
        line.direction,
        line.amount_fen,
        reference,
        line.counterparty,
        line.text,
        line.code,
    )
