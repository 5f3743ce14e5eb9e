"""Tables that a bank's website hands out as CSV, read by a description of their columns. Pure.

Every bank names and orders its columns in its own way; a treasurer says once which column is which. The column of
balances is what makes such a table a statement: line by line the balance must follow from the one before, in the order
of the table or in the reverse, and the balances before the first and after the last booking are opening and closing.
What stands above the row of names and below the last booking (titles, sums) is passed over.

Which days it covers the table does not say: whoever asked the bank for them does.
"""

import csv
import datetime as dt
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import pairwise

from ledger.custody.statement_parts import (
    CHARGE,
    IN,
    INTEREST,
    MAPPED,
    OUT,
    FileLine,
    FileStatement,
    StatementFileError,
    clean,
    decoded,
    not_too_long,
    read_fen,
)

DATE_FORMS = ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y")
DELIMITERS = (",", ";", "\t", "|")
#: One column with a sign; one for what comes in and one for what goes out; an amount beside a word for its direction.
SIGNED, TWO_COLUMNS, MARKED = "signed", "two", "marked"
AMOUNT_FORMS = (SIGNED, TWO_COLUMNS, MARKED)
_LOOK_AT = 60
_SHOWN = 3
_FIGURE = re.compile(r"[-+]?[\d.,/\- :]+")
_UNNEEDED = re.compile(r"[\s'¥￥$€£+]|CNY|RMB")


@dataclass(frozen=True)
class Mapping:
    """Which column is which, by its name in the table; empty where the table has none.

    amount: with a sign, or without (marked), or of what comes in (two). out: of what goes out (two). mark: the column
    of the direction, incoming: the words there for what comes in, separated by spaces (marked). account: the column
    in which each line names the account; empty where the number stands above the table. charges, interest: words in
    the texts of what the bank itself takes and gives, separated by spaces.
    """

    delimiter: str
    date: str
    date_form: str
    decimal_comma: bool
    amount_form: str
    amount: str
    balance: str
    out: str = ""
    mark: str = ""
    incoming: str = ""
    reference: str = ""
    counterparty: str = ""
    text: str = ""
    more_text: str = ""
    account: str = ""
    charges: str = ""
    interest: str = ""

    @property
    def columns(self) -> list[str]:
        """Return the names that the table must have."""
        names = [self.date, self.amount, self.balance, self.out, self.mark, self.reference]
        names += [self.counterparty, self.text, self.more_text, self.account]
        return [name for name in dict.fromkeys(names) if name]


def as_terms(mapping: Mapping) -> dict[str, object]:
    """Return a description as it is stored."""
    return asdict(mapping)


def from_terms(terms: dict[str, object]) -> Mapping:
    """Return the description that was stored. Raises: TypeError for another shape."""
    known = {one.name for one in fields(Mapping)}
    return Mapping(**{name: value for name, value in terms.items() if name in known})  # type: ignore[arg-type]


def top_of(data: bytes, delimiter: str) -> list[list[str]]:
    """Return the row that looks most like the one of names, the fullest without figures in it, and some rows below.

    Raises: StatementFileError where the text is no table.
    """
    rows = _rows(data, delimiter)[:_LOOK_AT]
    named = [
        at for at, row in enumerate(rows) if len(row) > 3 and not any(_FIGURE.fullmatch(c) for c in row if c)
    ]
    at = max(named, key=lambda one: _filled(rows[one]), default=None)
    return [] if at is None else rows[at : at + 1 + _SHOWN]


def likely_date_form(texts: Iterable[str]) -> str | None:
    """Return the way of writing days that all of these are written in."""
    cells = [text for text in texts if text]
    return next((form for form in DATE_FORMS if cells and all(_is_day(cell, form) for cell in cells)), None)


def likely_delimiter(data: bytes) -> str:
    """Return the delimiter that makes the most columns."""
    head = decoded(data)[:5000]
    return max(DELIMITERS, key=head.count)


def fits(data: bytes, mapping: Mapping) -> bool:
    """Tell whether the table has all the columns of a description."""
    try:
        return _header_at(_rows(data, mapping.delimiter), mapping) is not None
    except StatementFileError:
        return False


def read_mapped(
    data: bytes, mapping: Mapping, account: str, days: tuple[dt.date, dt.date], currency: str
) -> FileStatement:
    """Read a table as the statement of an account (digits and letters of its number) for days [from, before).

    Raises: StatementFileError with reason not_a_statement, wrong_account, truncated, bad_value, does_not_add_up,
    no_bookings or too_long.
    """
    rows = _rows(data, mapping.delimiter)
    at = _header_at(rows, mapping)
    if at is None:
        missing = [name for name in mapping.columns if not any(name in row for row in rows[:_LOOK_AT])]
        raise StatementFileError("not_a_statement", f"no column {', '.join(missing) or mapping.date}")
    bookings = list(_bookings(rows, at, mapping))
    lines = [_read_line(held, number, mapping) for number, held in bookings]
    _demand_two_directions([held for _number, held in bookings], mapping)
    not_too_long(len(lines))
    if not lines:
        raise StatementFileError("no_bookings", f"no line below row {at + 1}")
    _demand_account(rows[:at], [held for _number, held in bookings], mapping, account)
    ordered = _in_order(lines)
    return FileStatement(
        format=MAPPED,
        account_number=account,
        currency=currency,
        bank_number="",
        from_date=days[0],
        to_date=days[1],
        opening_fen=ordered[0].balance_fen - ordered[0].line.signed_fen,
        closing_fen=ordered[-1].balance_fen,
        lines=tuple(one.line for one in ordered),
    )


@dataclass(frozen=True)
class _Line:
    """A booking with the balance after it (fen), and the row that it stands in."""

    line: FileLine
    balance_fen: int
    row: int


def _rows(data: bytes, delimiter: str) -> list[list[str]]:
    try:
        read = csv.reader(io.StringIO(decoded(data)), delimiter=delimiter, strict=True)
        return [[clean(cell) for cell in row] for row in read]
    except csv.Error as error:
        raise StatementFileError("truncated", str(error)) from None


def _filled(row: Sequence[str]) -> int:
    return sum(1 for cell in row if cell)


def _header_at(rows: list[list[str]], mapping: Mapping) -> int | None:
    wanted = set(mapping.columns)
    return next((at for at, row in enumerate(rows[:_LOOK_AT]) if wanted <= set(row)), None)


def _bookings(rows: list[list[str]], at: int, mapping: Mapping) -> Iterable[tuple[int, dict[str, str]]]:
    """Yield the rows of bookings by column, with their number in the file; they end where no day stands any more."""
    names = rows[at]
    is_over = False
    for number, row in enumerate(rows[at + 1 :], start=at + 2):
        held = dict(zip(names, row, strict=False))
        if not re.match(r"\d", held.get(mapping.date, "")):
            is_over = is_over or _filled(row) > 0
            continue
        if is_over:
            raise StatementFileError("bad_value", f"row {number}: a booking below a row without a day")
        if len(row) < len(names) - names[::-1].count(""):
            raise StatementFileError("truncated", f"row {number}: {len(row)} columns, above {len(names)}")
        yield number, held


def _read_line(held: dict[str, str], number: int, mapping: Mapping) -> _Line:
    where = f"row {number}"
    signed = _signed_fen(held, mapping, where)
    if signed == 0:
        raise StatementFileError("bad_value", f"{where}: the amount is zero or missing")
    texts = [text for name in (mapping.text, mapping.more_text) if (text := held.get(name, ""))]
    counterparty = held.get(mapping.counterparty, "")
    line = FileLine(
        booking_date=_day(held[mapping.date], mapping.date_form, where),
        direction=IN if signed > 0 else OUT,
        amount_fen=abs(signed),
        bank_reference=held.get(mapping.reference, "")[:140],
        counterparty=counterparty[:140],
        text=" / ".join(texts)[:500],
        # Whoever transfers money writes its text as well; what the bank books itself has nobody on the other side.
        code="" if counterparty else _code_of(" ".join(texts), mapping, is_in=signed > 0),
    )
    return _Line(line, _fen(held.get(mapping.balance, ""), mapping, where), number)


def _code_of(text: str, mapping: Mapping, *, is_in: bool) -> str:
    words, code = (mapping.interest, INTEREST) if is_in else (mapping.charges, CHARGE)
    return code if any(word in text for word in words.split()) else ""


def _signed_fen(held: dict[str, str], mapping: Mapping, where: str) -> int:
    amount = _fen(held.get(mapping.amount, ""), mapping, where)
    if mapping.amount_form == SIGNED:
        return amount
    if mapping.amount_form == MARKED:
        is_in = held.get(mapping.mark, "") in mapping.incoming.split()
        return abs(amount) if is_in else -abs(amount)
    out = _fen(held.get(mapping.out, ""), mapping, where)
    if amount and out:
        raise StatementFileError("bad_value", f"{where}: an amount that comes in and one that goes out")
    return amount - abs(out)


def _demand_two_directions(bookings: list[dict[str, str]], mapping: Mapping) -> None:
    """Demand that beside the words for what comes in there is one for what goes out, and no word that nobody named."""
    if mapping.amount_form == MARKED:
        marks = {held.get(mapping.mark, "") for held in bookings}
        if len(others := sorted(marks - set(mapping.incoming.split()))) > 1:
            raise StatementFileError("bad_value", f"{mapping.mark}: {', '.join(others)[:60]}")


def _fen(text: str, mapping: Mapping, where: str) -> int:
    """Return an amount as banks write it; an empty cell and a dash are nothing."""
    plain = _UNNEEDED.sub("", text).replace("−", "-")
    if plain in {"", "-", "--"}:
        return 0
    plain = plain.replace(".", "").replace(",", ".") if mapping.decimal_comma else plain.replace(",", "")
    return read_fen(plain, where)


def _day(text: str, form: str, where: str) -> dt.date:
    """Return the day that a cell begins with; a time of the day may follow."""
    length = 8 if form == "%Y%m%d" else 10
    try:
        return dt.datetime.strptime(text[:length].strip(), form).date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        example = dt.date(2026, 1, 31).strftime(form)
        raise StatementFileError("bad_value", f"{where}: {text[:20]!r} is no date like {example}") from None


def _is_day(text: str, form: str) -> bool:
    try:
        _day(text, form, "")
    except StatementFileError:
        return False
    return True


def _in_order(lines: list[_Line]) -> list[_Line]:
    """Return the bookings in the order in which each balance follows from the last; newest first is turned around."""
    breaks = [_break_of(order) for order in (lines, lines[::-1])]
    if breaks[0] is None and (
        breaks[1] is not None or lines[0].line.booking_date <= lines[-1].line.booking_date
    ):
        return lines
    if breaks[1] is None:
        return lines[::-1]
    is_newest_first = lines[0].line.booking_date > lines[-1].line.booking_date
    raise StatementFileError("does_not_add_up", str(breaks[1 if is_newest_first else 0]))


def _break_of(lines: list[_Line]) -> str | None:
    """Return where a balance does not follow, or nothing."""
    for before, one in pairwise(lines):
        follows = before.balance_fen + one.line.signed_fen
        if follows != one.balance_fen:
            return f"row {one.row}: {before.balance_fen} + {one.line.signed_fen} = {follows}; balance {one.balance_fen}"
    return None


def _demand_account(
    above: list[list[str]], bookings: list[dict[str, str]], mapping: Mapping, account: str
) -> None:
    """Demand that the table is of that account, by its column or by what stands above it."""
    if mapping.account:
        told = {_number_of(held.get(mapping.account, "")) for held in bookings}
        if told != {account}:
            raise StatementFileError("wrong_account", ", ".join(sorted(f"…{one[-4:]}" for one in told)))
    elif not any(account in _number_of(cell) for row in above for cell in row):
        raise StatementFileError("wrong_account", f"…{account[-4:]} stands nowhere above the table")


def _number_of(text: str) -> str:
    return re.sub(r"[^0-9A-Za-z]", "", text).upper()
