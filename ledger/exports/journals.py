"""The books as plain-text journals that other people's tools read: beancount and hledger. Pure.

A journal says once which accounts there are, then tells everything in the order of its days. The bank's closing
balances stand between the entries as assertions: the tool that reads the file adds up the entries itself and refuses
the file where it comes to another figure than the bank. Nothing is ever filled up (no `pad`), so that a line that is
left out, doubled or changed is found.

Sources: the beancount language syntax and the hledger manual, both as published by their projects.
"""

import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from ledger.custody.statement_parts import plain_amount

Writer = Callable[["Journal"], Iterator[str]]

DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class JournalAccount:
    """An account: its code in the chart, its English name, its kind (asset, liability, income, expense)."""

    code: str
    name: str
    kind: str


@dataclass(frozen=True)
class Entry:
    """One entry. postings: (code of the account, fen; what is credited is below zero), which add up to zero."""

    date: dt.date
    number: int
    kind: str
    text: str
    key: str
    source: str
    maker: str
    checker: str
    reverses: int | None
    postings: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Closing:
    """What the bank says that an account holds at the end of a day (fen), by its statement of that number."""

    date: dt.date
    statement: int
    account: str
    fen: int


@dataclass(frozen=True)
class Journal:
    """Everything of a book from one day on, or from its beginning.

    brought_forward: (code, fen; credit below zero) of what stood before the first day, empty for a whole book. told:
    entries and closings by day, and on a day the closings last.
    """

    title: str
    fund: str
    currency: str
    first_date: dt.date
    accounts: tuple[JournalAccount, ...]
    brought_forward: tuple[tuple[str, int], ...]
    told: Iterable[Entry | Closing]


def write_beancount(journal: Journal) -> Iterator[str]:
    """Yield a journal for beancount, version 3."""
    names = {one.code: _beancount_name(journal.fund, one) for one in journal.accounts}
    yield f'option "title" {_quoted(journal.title)}\noption "operating_currency" "{journal.currency}"\n\n'
    for name in [*names.values(), *_only_if(journal.brought_forward, _beancount_opening(journal.fund))]:
        yield f"{journal.first_date - DAY} open {name} {journal.currency}\n"
    if journal.brought_forward:
        yield f'\n{journal.first_date - DAY} * "brought forward"\n'
        yield from _sides(journal, names, journal.brought_forward)
        rest = -sum(fen for _code, fen in journal.brought_forward)
        yield f"  {_beancount_opening(journal.fund)}  {plain_amount(rest)} {journal.currency}\n"
    for one in journal.told:
        if isinstance(one, Closing):
            # An assertion of beancount holds at the beginning of its day; by itself it forgives a difference of a fen.
            amount = f"{plain_amount(one.fen)} ~ 0.00 {journal.currency}"
            yield f"\n{one.date + DAY} balance {names[one.account]}  {amount}\n"
            yield f"  statement: {one.statement}\n"
            continue
        yield f"\n{one.date} * {_quoted(one.kind)} {_quoted(one.text)}\n  entry: {one.number}\n"
        yield "".join(f"  {name}: {_quoted(text)}\n" for name, text in _particulars(one))
        yield from _sides(journal, names, one.postings)


def write_hledger(journal: Journal) -> Iterator[str]:
    """Yield a journal for hledger, version 1.25 and later."""
    names = {one.code: _hledger_name(journal.fund, one) for one in journal.accounts}
    opening = f"equity:{journal.fund}:brought forward"
    yield f"; {_plain(journal.title)}\n\ndecimal-mark .\ncommodity 1000.00 {journal.currency}\n\n"
    for name in [*names.values(), *_only_if(journal.brought_forward, opening)]:
        yield f"account {name}\n"
    if journal.brought_forward:
        yield f"\n{journal.first_date - DAY} * brought forward\n"
        yield from _sides(journal, names, journal.brought_forward)
        rest = -sum(fen for _code, fen in journal.brought_forward)
        yield f"  {opening}  {plain_amount(rest)} {journal.currency}\n"
    for one in journal.told:
        if isinstance(one, Closing):
            zero, amount = f"0.00 {journal.currency}", f"{plain_amount(one.fen)} {journal.currency}"
            yield f"\n{one.date} * bank's closing  ; statement:{one.statement}\n"
            yield f"  {names[one.account]}  {zero} = {amount}\n"
            continue
        yield f"\n{one.date} * ({one.number}) {_plain(one.kind)} | {_plain(one.text)}\n"
        yield "".join(f"  ; {name}:{_plain(text)}\n" for name, text in _particulars(one))
        yield from _sides(journal, names, one.postings)


WRITERS: dict[str, Writer] = {"beancount": write_beancount, "hledger": write_hledger}


def _sides(journal: Journal, names: dict[str, str], postings: Iterable[tuple[str, int]]) -> Iterator[str]:
    for code, fen in postings:
        yield f"  {names[code]}  {plain_amount(fen)} {journal.currency}\n"


def _particulars(entry: Entry) -> Iterator[tuple[str, str]]:
    """Return what else is known of an entry, by the name under which both tools find it."""
    yield "key", entry.key
    yield "source", entry.source
    yield "maker", entry.maker
    if entry.checker:
        yield "checker", entry.checker
    if entry.reverses is not None:
        yield "reverses", str(entry.reverses)


def _only_if(condition: object, name: str) -> list[str]:
    return [name] if condition else []


_ROOTS = {"asset": "Assets", "liability": "Liabilities", "income": "Income", "expense": "Expenses"}


def _beancount_name(fund: str, account: JournalAccount) -> str:
    """Return Assets:P-village:101-Custody-bank. A part begins with a capital or a digit and knows no underscore."""
    words = "-".join(re.findall(r"[A-Za-z0-9]+", account.name))
    return f"{_ROOTS[account.kind]}:{_part(fund)}:{account.code}-{words}"


def _beancount_opening(fund: str) -> str:
    return f"Equity:{_part(fund)}:Brought-forward"


def _part(fund: str) -> str:
    return "P-" + fund.replace("_", "--")


def _hledger_name(fund: str, account: JournalAccount) -> str:
    return f"{_ROOTS[account.kind].lower()}:{fund}:{account.code} {_plain(account.name)}"


def _quoted(text: str) -> str:
    """Return a string of beancount: on one line, quotes and backslashes escaped."""
    escaped = " ".join(text.split()).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _plain(text: str) -> str:
    """Return text in which hledger reads neither a comment, a further tag nor another part of the line."""
    return " ".join(re.sub(r"[;,|]", " ", text).split())
