"""What the files of a bank have in common: one shape of a statement, and how their values are read. Pure."""

import csv
import datetime as dt
import io
import re
import unicodedata
from dataclasses import dataclass
from xml.etree import ElementTree
from xml.parsers import expat

CAMT = "camt.053"
CSV = "csv"
MT940 = "mt940"
MAPPED = "mapped"
IN = "in"
OUT = "out"
CHARGE = "charge"
INTEREST = "interest"
LARGEST_FEN = 2**53 - 1
MOST_LINES = 500_000
_AMOUNT = re.compile(r"-?[0-9]{1,14}(\.[0-9]{1,5})?")


class StatementFileError(ValueError):
    """The file is no statement that can be taken; reason is one word, detail says where and which figures."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class FileLine:
    """One booking: direction in or out, an amount above zero (fen), the day the bank booked it.

    code: charge, interest or empty. bank_reference: what the bank calls it; empty when it does not say.
    """

    booking_date: dt.date
    direction: str
    amount_fen: int
    bank_reference: str
    counterparty: str
    text: str
    code: str = ""

    @property
    def signed_fen(self) -> int:
        """Return what the booking adds to the account."""
        return self.amount_fen if self.direction == IN else -self.amount_fen


@dataclass(frozen=True)
class FileStatement:
    """One statement: half-open days [from_date, to_date), balances in fen, its bookings in the file's order."""

    format: str
    account_number: str
    currency: str
    bank_number: str
    from_date: dt.date
    to_date: dt.date
    opening_fen: int
    closing_fen: int
    lines: tuple[FileLine, ...]


def clean(text: str) -> str:
    """Return text in NFC on one line, without control characters."""
    kept = unicodedata.normalize("NFC", text)
    # Spaces aside, nothing of category C is printable; of a million bookings hardly one is not.
    if not kept.isprintable():
        kept = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in kept)
    return " ".join(kept.split())


def read_fen(text: str, where: str) -> int:
    """Read an amount with a point; digits beyond two decimals must be zero."""
    text = text.strip()
    if not _AMOUNT.fullmatch(text):
        raise StatementFileError("bad_value", f"{where}: {text[:40]!r} is no amount")
    whole, _point, cents = text.lstrip("-").partition(".")
    if cents[2:].strip("0"):
        raise StatementFileError("bad_value", f"{where}: {text} has more than two decimals")
    fen = int(whole) * 100 + int(cents[:2].ljust(2, "0") or 0)
    if fen > LARGEST_FEN:
        raise StatementFileError("bad_value", f"{where}: {text} is too large")
    return -fen if text.startswith("-") else fen


def positive_fen(text: str, where: str) -> int:
    fen = read_fen(text, where)
    if fen <= 0:
        raise StatementFileError("bad_value", f"{where}: {text} is not above zero")
    return fen


def read_date(text: str, where: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text.strip()[:10])
    except ValueError:
        raise StatementFileError("bad_value", f"{where}: {text[:40]!r} is no date like 2026-02-01") from None


def plain_amount(fen: int) -> str:
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def not_too_long(count: int) -> None:
    """Refuse more bookings than are taken at once."""
    if count > MOST_LINES:
        raise StatementFileError("too_long", f"{count} lines; the most is {MOST_LINES}")


def decoded(data: bytes) -> str:
    """Return the text; a file without a mark is UTF-8, or else GB 18030."""
    encodings = ["utf-16"] if data.startswith((b"\xff\xfe", b"\xfe\xff")) else ["utf-8-sig", "gb18030"]
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise StatementFileError("not_a_statement", "the text is in no known encoding")


def read_table(
    data: bytes, columns: list[str], needed: tuple[str, ...], reason: str, width: int | None = None
) -> tuple[dict[str, str], list[list[str]]]:
    """Return the header (name, value) and the rows below the row that names the columns.

    needed: names without which there is no header. width: how many cells of that row are compared; None: all.

    Raises: StatementFileError with reason truncated, or with the given one where it is no such file.
    """
    try:
        rows = [row for row in csv.reader(io.StringIO(decoded(data)), strict=True) if any(row)]
    except csv.Error as error:
        raise StatementFileError("truncated", str(error)) from None
    header: dict[str, str] = {}
    start = 0
    for start, row in enumerate(rows):
        if [cell.strip().lower() for cell in row[:width]] == columns:
            break
        if len(row) < 2 or row[0].strip().lower() in header:
            raise StatementFileError(reason, f"row {start + 1}: {','.join(row)[:60]}")
        header[row[0].strip().lower()] = row[1].strip()
    else:
        raise StatementFileError(reason, f"no row {','.join(columns)}")
    if missing := [name for name in needed if name not in header]:
        raise StatementFileError(reason, f"header without {', '.join(missing)}")
    return header, rows[start + 1 :]


def looks_like_xml(data: bytes) -> bool:
    """Tell whether a file begins as XML does."""
    head = data[:200].lstrip(b"\xef\xbb\xbf \t\r\n")
    return head.startswith((b"<", b"\xff\xfe<", b"\xfe\xff\x00<"))


def refuse_doctype(data: bytes) -> None:
    """Read the file once for its shape alone: no document type, so no entity can grow or reach outside."""

    def refuse(*_arguments: object) -> None:
        raise StatementFileError("not_a_statement", "a document type is not allowed")

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise StatementFileError("truncated", str(error)) from None


def text_at(element: ElementTree.Element, path: str) -> str:
    return (element.findtext(path) or "").strip()
