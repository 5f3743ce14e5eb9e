"""The tables of the auditor's pack: what books, bank and periods say, without anybody's name, paper or account."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from aidplatform.lib.csv_files import Text, plain_fen
from ledger.books.models import Book
from ledger.books.selectors import trial_balance
from ledger.custody.models import BankStatement, PaymentOrder
from ledger.exports.journals import Closing
from ledger.exports.selectors import english_name, journal_of
from ledger.sharing.models import Award, Period
from members.pools.models import PlanVersion

Row = Sequence[object]


@dataclass(frozen=True)
class Table:
    """A table: its file's name, what stands above its columns, its rows. Amounts are in the currency, like 12.34."""

    name: str
    header: tuple[str, ...]
    rows: Iterable[Row]


def tables_of(book: Book) -> tuple[Table, ...]:
    """Return every table; each is read when its rows are asked for."""
    return (
        Table("trial_balance.csv", ("account", "name", "debit", "credit", "balance"), _accounts(book)),
        Table(
            "postings.csv",
            ("entry", "date", "kind", "text", "key", "source", "maker", "checker", "account", "debit", "credit"),
            _postings(book),
        ),
        Table(
            "bank_statements.csv",
            ("statement", "from", "before", "opening", "closing", "lines", "sha256", "imported by", "imported at"),
            _statements(book.code),
        ),
        Table(
            "payments.csv",
            ("order", "kind", "case", "period", "amount", "state", "ordered by", "ordered at", "released by",
             "released at", "statement line"),
            _payments(book.code),
        ),
        Table(
            "periods.csv",
            ("period", "state", "from", "before", "headcount", "cases", "aid", "fee", "other costs", "carry in",
             "carry out", "assessed", "sha256"),
            _periods(book.code),
        ),
        Table("cases.csv", ("case", "period", "state", "aid", "shared", "lowered"), _cases(book.code)),
        Table(
            "rules.csv",
            ("version", "in force from", "published at", "published by", "sha256 of terms", "sha256 of covenant"),
            _rules(book.code),
        ),
    )  # fmt: skip


def _accounts(book: Book) -> Iterator[Row]:
    for line in trial_balance(book).lines:
        sums = (plain_fen(line.debit_fen), plain_fen(line.credit_fen), plain_fen(line.balance_fen))
        yield (line.account.code, english_name(line.account), *sums)


def _postings(book: Book) -> Iterator[Row]:
    for entry in journal_of(book).told:
        if isinstance(entry, Closing):
            continue
        texts = (entry.kind, entry.text, entry.key, entry.source, entry.maker, entry.checker)
        for account, fen in entry.postings:
            sides = (plain_fen(fen), "") if fen > 0 else ("", plain_fen(-fen))
            yield (entry.number, entry.date, *map(Text, texts), account, *sides)


def _statements(code: str) -> Iterator[Row]:
    for one in BankStatement.objects.filter(account__pool__code=code).order_by("number").iterator():
        sums = (plain_fen(one.opening_fen), plain_fen(one.closing_fen), one.line_count)
        yield (one.number, one.from_date, one.to_date, *sums, one.sha256, one.imported_by, one.imported_at)


def _payments(code: str) -> Iterator[Row]:
    found = PaymentOrder.objects.filter(pool__code=code).order_by("number")
    for one in found.select_related("award", "period", "confirmed_line__statement").iterator():
        yield (
            one.number,
            one.kind,
            one.award.code if one.award else "",
            one.period.number if one.period else "",
            plain_fen(one.amount_fen),
            one.state,
            one.ordered_by,
            one.ordered_at,
            one.released_by or "",
            one.released_at or "",
            one.confirmed_line.code if one.confirmed_line else "",
        )


def _periods(code: str) -> Iterator[Row]:
    for one in Period.objects.filter(pool__code=code).order_by("number").iterator():
        figures = (
            one.aid_fen,
            one.fee_fen,
            one.other_costs_fen,
            one.carry_in_fen,
            one.carry_out_fen,
            one.assessed_fen,
        )
        counts = (_if_known(one.headcount), _if_known(one.cases))
        sums = ("" if fen is None else plain_fen(fen) for fen in figures)
        days = (one.opening_date, one.next_opening_date)
        yield (one.number, one.state, *days, *counts, *sums, one.shown_sha256 or "")


def _cases(code: str) -> Iterator[Row]:
    for one in Award.objects.filter(pool__code=code).select_related("period").order_by("code").iterator():
        shared = "" if one.shared_fen is None else plain_fen(one.shared_fen)
        period = one.period.number if one.period else ""
        yield (one.code, period, one.state, plain_fen(one.aid_fen), shared, plain_fen(one.lowered_fen))


def _rules(code: str) -> Iterator[Row]:
    for one in PlanVersion.objects.filter(pool__code=code).order_by("number").iterator():
        hashes = (one.terms_sha256, one.covenant_sha256)
        yield (one.number, one.effective_date, one.published_at, one.published_by, *hashes)


def _if_known(count: int | None) -> object:
    return "" if count is None else count
