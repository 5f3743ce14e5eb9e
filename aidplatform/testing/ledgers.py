"""Small ledgers as text: trial balances to compare with, and the sums that must hold after every test."""

import hashlib
import json

from django.db import connection

from ledger.books import chart
from ledger.books.models import Account, Book
from ledger.books.selectors import trial_balance
from ledger.openbooks.models import LogEntry
from members.pools.models import Pool

Balances = dict[str, int]  # account code → debits less credits (fen)


def balances(book: Book) -> Balances:
    """Return the accounts of a book that are not at zero."""
    found = {line.account.code: line.debit_fen - line.credit_fen for line in trial_balance(book).lines}
    return {code: fen for code, fen in found.items() if fen}


def read_trial(text: str) -> Balances:
    """Read a trial balance written as `code name … debit|- credit|-` per line, amounts like 1,234.50."""
    read: Balances = {}
    for line in text.strip().splitlines():
        code, *_name, debit, credit = line.split()
        read[code] = _fen(debit) - _fen(credit)
    return read


def _fen(text: str) -> int:
    return 0 if text == "-" else int(text.replace(",", "").replace(".", ""))


def assert_books_true(pool: Pool) -> None:
    """Recompute what every posting must leave behind; independent of services and selectors.

    The trial balance agrees, income is expense, charges are what periods put on Shares receivable, took from wallets,
    or put back into To be shared because wallets lacked it, and the log alone replays to the same balances.
    """
    book = Book.objects.get(code=pool.code)
    net = balances(book)
    assert sum(net.values()) == 0
    assert _of_kind(book, net, "income") + _of_kind(book, net, "expense") == 0
    assert _charged(pool) == _assessed_in_entries(book)
    assert replay_log(pool.code) == net


def _of_kind(book: Book, net: Balances, kind: str) -> int:
    codes = Account.objects.filter(book=book, kind=kind).values_list("code", flat=True)
    return sum(net.get(code, 0) for code in codes)


def _charged(pool: Pool) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT coalesce(sum(c.share_fen), 0)::bigint FROM ledger_charge c
                 JOIN ledger_period p ON p.pool_id = c.pool_id AND p.number = c.period_no
                WHERE c.pool_id = %s AND p.state = 'posted'""",
            [pool.pk],
        )
        fen: int = cursor.fetchone()[0]
    return fen


def _assessed_in_entries(book: Book) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT coalesce(sum(p.amount_fen), 0)::bigint FROM ledger_posting p
                 JOIN ledger_journalentry e ON e.id = p.entry_id JOIN ledger_account a ON a.id = p.account_id
                WHERE e.book_id = %s AND e.kind = 'period' AND a.code = ANY(%s) AND p.side = 'D'""",
            [book.pk, [chart.RECEIVABLE, chart.PREPAID, chart.TO_BE_SHARED]],
        )
        fen: int = cursor.fetchone()[0]
    return fen


def replay_log(code: str) -> Balances:
    """Return the balances that the log's book entries alone give, its order and hashes checked on the way."""
    net: Balances = {}
    numbers = []
    for place, entry in enumerate(LogEntry.objects.filter(log__code=code).order_by("seq")):
        data = bytes(entry.data)
        assert entry.seq == place
        assert hashlib.sha256(b"\x00" + data).digest() == bytes(entry.leaf_hash)
        if entry.type == "book.entry":
            body = json.loads(data)["body"]
            numbers.append(body["number"])
            for account, side, fen in body["postings"]:
                net[account] = net.get(account, 0) + (fen if side == "D" else -fen)
    assert numbers == list(range(1, len(numbers) + 1))
    return {account: fen for account, fen in net.items() if fen}
