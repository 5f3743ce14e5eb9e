"""Bank statements in the form MT940 of SWIFT, read into the shape of the others. Pure.

A statement may go on over several messages, its pages (:28C:12/1, 12/2): each page begins with the balance that the
last one ended with. Read strictly, since a file is taken whole or not at all: a tag that does not belong, a page that
is missing or a booking that says something unknown refuses the file with its row. Libraries for this form pass over
what they do not know.

Days: the opening balance is that of the last statement's last day, so that the days begin on the next one; banks that
repeat the day itself give both balances one date. A booking without an entry date is of its value date where that is
among the days, or else of the last one.

Source: SWIFT, Standards MT, category 9, MT 940 customer statement message; field 61 and 86 as published there.
"""

import datetime as dt
import re
from dataclasses import dataclass, field
from itertools import pairwise

from ledger.custody.statement_parts import (
    CHARGE,
    IN,
    INTEREST,
    MT940,
    OUT,
    FileLine,
    FileStatement,
    StatementFileError,
    clean,
    decoded,
    not_too_long,
    positive_fen,
    read_fen,
)

_TAG = re.compile(r":(\d{2}[A-Z]?):(.*)")
_KNOWN = ("20", "21", "25", "25P", "28C", "60F", "60M", "61", "86", "62F", "62M", "64", "65")
_BALANCE = re.compile(r"(?P<sign>[CD])(?P<day>\d{6})(?P<currency>[A-Z]{3})(?P<amount>\d{1,14},\d{0,2})")
_BOOKING = re.compile(
    r"(?P<value>\d{6})(?P<entry>\d{4})?(?P<mark>RC|RD|C|D)[A-Z]?(?P<amount>\d{1,14},\d{0,2})"
    r"(?P<kind>[NFS][A-Z0-9]{3})(?P<own>.*?)(//(?P<bank>.*))?"
)
# Type codes of field 61: charges and other expenses; interest.
_CODES = {"CHG": CHARGE, "INT": INTEREST}
_NO_REFERENCE = {"", "NONREF", "NOTPROVIDED"}
_WHOLE_LINE = 60


@dataclass
class _Field:
    """A tag with its lines, and where in the file it begins."""

    tag: str
    lines: list[str]
    row: int

    @property
    def text(self) -> str:
        """Return its first line."""
        return self.lines[0].strip()


@dataclass
class _Booking:
    """Field 61 with the field 86 that follows it."""

    of: _Field
    about: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Balance:
    """A balance with its day (fen, below zero where the account is overdrawn)."""

    day: dt.date
    currency: str
    fen: int


def looks_like_mt940(data: bytes) -> bool:
    """Tell whether a file begins as one of these does."""
    return re.match(rb"(\xef\xbb\xbf)?\s*(\{1:|:20:)", data[:64]) is not None


def read_mt940(data: bytes) -> FileStatement:
    """Read the pages of one statement.

    Raises: StatementFileError with reason not_a_statement, truncated, bad_value, does_not_add_up, too_long or
    several_statements.
    """
    pages = [_Page.of(fields) for fields in _messages(decoded(data))]
    first, last = pages[0], pages[-1]
    if not first.is_first or any(page.is_first for page in pages[1:]):
        raise StatementFileError("several_statements", "more than one opening balance (60F), or none")
    if not last.is_last or any(page.is_last for page in pages[:-1]):
        raise StatementFileError("truncated", "no closing balance (62F) at the end")
    for page, following in pairwise(pages):
        if (page.account, page.closing.fen) != (following.account, following.opening.fen):
            detail = f"page ends with {page.closing.fen}, the next begins with {following.opening.fen}"
            raise StatementFileError("does_not_add_up", detail)
    bookings = [booking for page in pages for booking in page.bookings]
    not_too_long(len(bookings))
    opening, closing = first.opening, last.closing
    start = opening.day if opening.day == closing.day else opening.day + dt.timedelta(days=1)
    days = (start, closing.day + dt.timedelta(days=1))
    return FileStatement(
        format=MT940,
        account_number=first.account,
        currency=opening.currency,
        bank_number=first.number,
        from_date=days[0],
        to_date=days[1],
        opening_fen=opening.fen,
        closing_fen=closing.fen,
        lines=tuple(_line(booking, days) for booking in bookings),
    )


@dataclass(frozen=True)
class _Page:
    """One message of a statement."""

    account: str
    number: str
    opening: _Balance
    closing: _Balance
    bookings: tuple[_Booking, ...]
    is_first: bool
    is_last: bool

    @classmethod
    def of(cls, fields: list[_Field]) -> "_Page":
        """Sort the fields of a message."""
        held = {one.tag: one for one in fields}
        account = held.get("25") or held.get("25P")
        opening = held.get("60F") or held.get("60M")
        closing = held.get("62F") or held.get("62M")
        if account is None or opening is None:
            raise StatementFileError("not_a_statement", "no account (25) or no opening balance (60F)")
        if closing is None:
            raise StatementFileError("truncated", "no closing balance (62F)")
        number = held["28C"].text if "28C" in held else ""
        return cls(
            account=account.text.rpartition("/")[2],
            number=clean(number.partition("/")[0])[:40],
            opening=_balance(opening),
            closing=_balance(closing),
            bookings=tuple(_bookings(fields)),
            is_first=opening.tag == "60F",
            is_last=closing.tag == "62F",
        )


def _messages(text: str) -> list[list[_Field]]:
    """Return the fields of each message; what stands around them are the blocks of the network."""
    messages: list[list[_Field]] = []
    for row, line in enumerate(text.splitlines(), start=1):
        line = re.sub(r"^\{1:.*\{4:", "", line)
        found = _TAG.fullmatch(line)
        if found and found[1] not in _KNOWN:
            raise StatementFileError("not_a_statement", f"row {row}: field {found[1]}")
        if found and (found[1] == "20" or not messages):
            messages.append([])
        if found:
            messages[-1].append(_Field(found[1], [found[2]], row))
        elif line.rstrip() in {"", "-", "-}"} or line.startswith("-}"):
            continue
        elif not messages:
            raise StatementFileError("not_a_statement", f"row {row}: {line[:40]!r}")
        else:
            messages[-1][-1].lines.append(line)
    if not messages:
        raise StatementFileError("not_a_statement", "no field")
    return messages


def _bookings(fields: list[_Field]) -> list[_Booking]:
    """Return the bookings with what is said about each; a field 86 after the balance is about all of them."""
    found: list[_Booking] = []
    before = ""
    for one in fields:
        if one.tag == "61":
            found.append(_Booking(one))
        elif one.tag == "86" and before == "61":
            found[-1].about = one.lines
        before = one.tag
    return found


def _balance(one: _Field) -> _Balance:
    found = _BALANCE.fullmatch(one.text)
    where = f"row {one.row}"
    if found is None:
        raise StatementFileError("bad_value", f"{where}: {one.text[:40]!r} is no balance")
    fen = read_fen(_with_point(found["amount"]), where)
    return _Balance(_day(found["day"], where), found["currency"], -fen if found["sign"] == "D" else fen)


def _line(booking: _Booking, days: tuple[dt.date, dt.date]) -> FileLine:
    where = f"row {booking.of.row}"
    found = _BOOKING.fullmatch(booking.of.text)
    if found is None:
        raise StatementFileError("bad_value", f"{where}: {booking.of.text[:40]!r} is no booking")
    # A reversal of a credit takes money away, one of a debit brings it back.
    is_credit = found["mark"] in {"C", "RD"}
    texts, counterparty = _about(booking.about)
    own = found["own"].strip()
    texts += [own] if own not in {*_NO_REFERENCE, *texts} else []
    return FileLine(
        booking_date=_booked_on(found["value"], found["entry"], days, where),
        direction=IN if is_credit else OUT,
        amount_fen=positive_fen(_with_point(found["amount"]), where),
        bank_reference=clean(found["bank"] or "")[:140],
        counterparty=clean(counterparty)[:140],
        text=clean(" / ".join(texts) or " ".join(booking.of.lines[1:]))[:500],
        code=_CODES.get(found["kind"][1:], ""),
    )


def _booked_on(value: str, entry: str | None, days: tuple[dt.date, dt.date], where: str) -> dt.date:
    """Return the day of a booking. An entry date has no year: it is the one nearest to the value date."""
    value_date = _day(value, where)
    if entry is None:
        return value_date if days[0] <= value_date < days[1] else days[1] - dt.timedelta(days=1)
    years = (value_date.year - 1, value_date.year, value_date.year + 1)
    near = [_day(f"{year % 100:02}{entry}", where) for year in years if _is_day(year, entry)]
    if not near:
        raise StatementFileError("bad_value", f"{where}: {entry} is no day")
    return min(near, key=lambda day: abs(day - value_date))


def _is_day(year: int, entry: str) -> bool:
    return entry != "0229" or year % 4 == 0


def _day(text: str, where: str) -> dt.date:
    """Return 260131 as a day of this century."""
    try:
        return dt.date(2000 + int(text[:2]), int(text[2:4]), int(text[4:6]))
    except ValueError:
        raise StatementFileError("bad_value", f"{where}: {text} is no day like 260131") from None


def _with_point(amount: str) -> str:
    """Return 12,3 or 12, as other forms write it: 12.3, 12."""
    return amount.replace(",", ".").rstrip(".")


def _about(lines: list[str]) -> tuple[list[str], str]:
    """Return what a field 86 says: the texts, and the name on the other side.

    Banks write it in one of three ways: numbered parts (?20 … ?33), named parts (/REMI/ …, /NAME/ …), or freely.
    """
    whole = _joined(lines)
    if re.match(r"\d{3}\?", whole):
        parts = dict(re.findall(r"\?(\d\d)([^?]*)", whole))
        told = "".join(parts[number] for number in sorted(parts) if "20" <= number <= "29" or number >= "60")
        return [told] if told else [], parts.get("32", "") + parts.get("33", "")
    if whole.startswith("/") and (parts := dict(re.findall(r"/([A-Z]{2,4})/(.*?)(?=/[A-Z]{2,4}/|$)", whole))):
        named = [parts[name].strip("/ ") for name in ("REMI", "EREF", "KREF", "RTRN") if parts.get(name)]
        return [text for text in named if text not in _NO_REFERENCE], parts.get("NAME", "").strip("/ ")
    return [whole] if whole else [], ""


def _joined(lines: list[str]) -> str:
    """Return the lines as one: a line that is full was broken in the middle of a word."""
    whole = previous = ""
    for line in lines:
        gap = "" if not whole or len(previous) >= _WHOLE_LINE or line.startswith(("?", "/")) else " "
        whole, previous = whole + gap + line, line
    return whole.strip()
