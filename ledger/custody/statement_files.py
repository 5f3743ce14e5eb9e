"""Bank statements as files: camt.053 (ISO 20022) and a plain CSV, read into one shape. Pure.

A file is taken whole or not at all: one that is cut off, adds up to another closing balance or holds something
unknown is refused with the place and the figures. Nothing here knows a pool or a database.

CSV: UTF-8, UTF-16 or GB 18030. First the header, a key and a value per row, in any order:
account, statement, from, to (last day), opening, closing, lines; then the row
date, reference, amount, direction, counterparty, text, code; then the lines. direction: in or out. code: empty,
charge or interest. Amounts like 1234.50, never negative but for opening and closing.
"""

import csv
import datetime as dt
import io
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree
from xml.parsers import expat

CAMT = "camt.053"
CSV = "csv"
IN = "in"
OUT = "out"
CHARGE = "charge"
INTEREST = "interest"
LARGEST_FEN = 2**53 - 1
MOST_LINES = 500_000
_AMOUNT = re.compile(r"-?[0-9]{1,14}(\.[0-9]{1,5})?")
_COLUMNS = ["date", "reference", "amount", "direction", "counterparty", "text"]
_HEADER = ("account", "statement", "from", "to", "opening", "closing", "lines")
_CODES = {"", CHARGE, INTEREST}
# ISO 20022 external bank transaction codes: sub-families of charges and of interest.
_CHARGE_CODES = {"CHRG", "COMM", "FEES", "COME", "COMI", "COMT"}
_INTEREST_CODES = {"INTR"}


class StatementFileError(ValueError):
    """The file is no statement that can be taken; reason is one word, detail says where and which figures."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True)
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


def read_statement(data: bytes) -> FileStatement:
    """Read a file of either form and check it against itself.

    Raises: StatementFileError with reason not_a_statement, truncated, bad_value, does_not_add_up,
    line_outside_dates, too_long, several_statements or unsupported.
    """
    statement = _read_camt(data) if looks_like_xml(data) else _read_csv(data)
    if statement.from_date >= statement.to_date:
        raise StatementFileError("bad_value", f"from {statement.from_date} to before {statement.to_date}")
    moved = sum(line.signed_fen for line in statement.lines)
    if statement.opening_fen + moved != statement.closing_fen:
        detail = f"opening {statement.opening_fen} + lines {moved} = {statement.opening_fen + moved}"
        raise StatementFileError("does_not_add_up", f"{detail}; closing {statement.closing_fen}")
    for number, line in enumerate(statement.lines, start=1):
        if not statement.from_date <= line.booking_date < statement.to_date:
            raise StatementFileError("line_outside_dates", f"line {number}: {line.booking_date}")
    return statement


def looks_like_xml(data: bytes) -> bool:
    head = data[:200].lstrip(b"\xef\xbb\xbf \t\r\n")
    return head.startswith((b"<", b"\xff\xfe<", b"\xfe\xff\x00<"))


def clean(text: str) -> str:
    """Return text in NFC on one line, without control characters."""
    kept = "".join(
        c if unicodedata.category(c)[0] != "C" else " " for c in unicodedata.normalize("NFC", text)
    )
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


# --- CSV --------------------------------------------------------------------------------------------------


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


def _read_csv(data: bytes) -> FileStatement:
    header, body = read_table(data, _COLUMNS, _HEADER, "not_a_statement", width=6)
    if not header["lines"].isascii() or not header["lines"].isdigit():
        raise StatementFileError("bad_value", f"lines: {header['lines'][:20]}")
    if len(body) != int(header["lines"]):
        raise StatementFileError("truncated", f"{len(body)} lines; the header says {header['lines']}")
    _not_too_long(len(body))
    return FileStatement(
        format=CSV,
        account_number=header["account"],
        currency=header.get("currency", ""),
        bank_number=clean(header["statement"])[:40],
        from_date=read_date(header["from"], "from"),
        to_date=read_date(header["to"], "to") + dt.timedelta(days=1),
        opening_fen=read_fen(header["opening"], "opening"),
        closing_fen=read_fen(header["closing"], "closing"),
        lines=tuple(_csv_line(row, number) for number, row in enumerate(body, start=1)),
    )


def _csv_line(row: list[str], number: int) -> FileLine:
    where = f"line {number}"
    if len(row) not in {6, 7}:
        raise StatementFileError("truncated", f"{where}: {len(row)} columns")
    day, reference, amount, direction, counterparty, text, code = [*row, ""][:7]
    if direction.strip() not in {IN, OUT}:
        raise StatementFileError("bad_value", f"{where}: direction {direction[:20]!r}")
    if code.strip() not in _CODES:
        raise StatementFileError("bad_value", f"{where}: code {code[:20]!r}")
    return FileLine(
        booking_date=read_date(day, where),
        direction=direction.strip(),
        amount_fen=positive_fen(amount, where),
        bank_reference=clean(reference)[:140],
        counterparty=clean(counterparty)[:140],
        text=clean(text)[:500],
        code=code.strip(),
    )


def write_csv(statement: FileStatement) -> bytes:
    """Return the statement in the CSV form, byte for byte the same for the same statement."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows(
        [
            ["account", statement.account_number],
            ["currency", statement.currency],
            ["statement", statement.bank_number],
            ["from", statement.from_date.isoformat()],
            ["to", (statement.to_date - dt.timedelta(days=1)).isoformat()],
            ["opening", plain_amount(statement.opening_fen)],
            ["closing", plain_amount(statement.closing_fen)],
            ["lines", len(statement.lines)],
            [*_COLUMNS, "code"],
        ]
    )
    for line in statement.lines:
        writer.writerow(
            [
                line.booking_date.isoformat(),
                line.bank_reference,
                plain_amount(line.amount_fen),
                line.direction,
                line.counterparty,
                line.text,
                line.code,
            ]
        )
    return out.getvalue().encode()


def plain_amount(fen: int) -> str:
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"


# --- camt.053 -----------------------------------------------------------------------------------------------


def _read_camt(data: bytes) -> FileStatement:
    refuse_doctype(data)
    root = ElementTree.fromstring(data)  # noqa: S314 - without a document type there are no entities
    namespace = root.tag.partition("}")[0].lstrip("{")
    if "camt.053" not in namespace:
        raise StatementFileError("not_a_statement", f"namespace {namespace[:80]!r}")
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    statements = root.findall("BkToCstmrStmt/Stmt")
    if len(statements) != 1:
        raise StatementFileError("several_statements", f"{len(statements)} statements in one file")
    return _camt_statement(statements[0])


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


def _camt_statement(found: ElementTree.Element) -> FileStatement:
    balances: dict[str, int] = {}
    for balance in found.findall("Bal"):
        code = text_at(balance, "Tp/CdOrPrtry/Cd")
        sign = -1 if text_at(balance, "CdtDbtInd") == "DBIT" else 1
        balances.setdefault(code, sign * read_fen(text_at(balance, "Amt"), f"balance {code}"))
    opening = balances.get("OPBD", balances.get("PRCD"))
    if opening is None or "CLBD" not in balances:
        raise StatementFileError("not_a_statement", "opening (OPBD) or closing (CLBD) balance is missing")
    lines = tuple(line for entry in found.findall("Ntry") for line in _camt_entry(entry))
    _not_too_long(len(lines))
    _check_summary(found)
    start, end = text_at(found, "FrToDt/FrDtTm"), text_at(found, "FrToDt/ToDtTm")
    if not start or not end:
        raise StatementFileError("not_a_statement", "the days it covers (FrToDt) are missing")
    return FileStatement(
        format=CAMT,
        account_number=text_at(found, "Acct/Id/IBAN") or text_at(found, "Acct/Id/Othr/Id"),
        currency=text_at(found, "Acct/Ccy") or _currency(found),
        bank_number=clean(text_at(found, "ElctrncSeqNb") or text_at(found, "Id"))[:40],
        from_date=read_date(start, "FrDtTm"),
        to_date=_end_of(end),
        opening_fen=opening,
        closing_fen=balances["CLBD"],
        lines=lines,
    )


def _end_of(text: str) -> dt.date:
    """Return the day after the last one: 2026-02-02T00:00 ends the first, 2026-02-01T23:59 as well."""
    day = read_date(text, "ToDtTm")
    return day if re.match(r".{10}T00:00(:00)?(\.0+)?(Z|[+-]|$)", text) else day + dt.timedelta(days=1)


def _camt_entry(entry: ElementTree.Element) -> Iterator[FileLine]:
    """Yield the bookings of an entry: one, or one per transaction where the bank has batched them."""
    where = f"entry {text_at(entry, 'AcctSvcrRef') or text_at(entry, 'NtryRef')}"
    status = text_at(entry, "Sts/Cd") or text_at(entry, "Sts")
    if status != "BOOK":
        raise StatementFileError("unsupported", f"{where}: status {status[:10]!r}; only booked entries count")
    whole = positive_fen(text_at(entry, "Amt"), where)
    details = entry.findall("NtryDtls/TxDtls")
    if len(details) <= 1:
        yield _camt_line(entry, details[0] if details else entry, whole, where)
        return
    amounts = [positive_fen(_detail_amount(detail), where) for detail in details]
    if sum(amounts) != whole:
        raise StatementFileError("does_not_add_up", f"{where}: transactions {sum(amounts)}, entry {whole}")
    for detail, amount in zip(details, amounts, strict=True):
        yield _camt_line(entry, detail, amount, where)


def _detail_amount(detail: ElementTree.Element) -> str:
    return text_at(detail, "Amt") or text_at(detail, "AmtDtls/TxAmt/Amt")


def _camt_line(
    entry: ElementTree.Element, detail: ElementTree.Element, amount_fen: int, where: str
) -> FileLine:
    mark = text_at(entry, "CdtDbtInd")
    if mark not in {"CRDT", "DBIT"}:
        raise StatementFileError("bad_value", f"{where}: CdtDbtInd {mark[:10]!r}")
    direction = IN if mark == "CRDT" else OUT
    party = "Dbtr" if direction == IN else "Cdtr"
    name = text_at(detail, f"RltdPties/{party}/Nm") or text_at(detail, f"RltdPties/{party}/Pty/Nm")
    family = text_at(detail, "BkTxCd/Domn/Fmly/SubFmlyCd") or text_at(entry, "BkTxCd/Domn/Fmly/SubFmlyCd")
    own = text_at(detail, "Refs/AcctSvcrRef") or text_at(detail, "Refs/TxId")
    texts = [element.text or "" for element in detail.findall("RmtInf/Ustrd")]
    texts += [element.text or "" for element in detail.findall("RmtInf/Strd/CdtrRefInf/Ref")]
    end_to_end = text_at(detail, "Refs/EndToEndId")
    batch = text_at(detail, "Refs/PmtInfId") or text_at(entry, "NtryDtls/Btch/PmtInfId")
    texts += [batch] if batch not in {"", "NOTPROVIDED", *texts} else []
    texts += [end_to_end] if end_to_end not in {"", "NOTPROVIDED", *texts} else []
    day = text_at(entry, "BookgDt/Dt") or text_at(entry, "BookgDt/DtTm")
    return FileLine(
        booking_date=read_date(day, where),
        direction=direction,
        amount_fen=amount_fen,
        bank_reference=clean(own or text_at(entry, "AcctSvcrRef") or text_at(entry, "NtryRef"))[:140],
        counterparty=clean(name)[:140],
        text=clean(" / ".join(texts) or text_at(entry, "AddtlNtryInf"))[:500],
        code=CHARGE if family in _CHARGE_CODES else INTEREST if family in _INTEREST_CODES else "",
    )


def _check_summary(found: ElementTree.Element) -> None:
    """Hold the number of entries and their sum against what the file says of itself."""
    entries = found.findall("Ntry")
    said = text_at(found, "TxsSummry/TtlNtries/NbOfNtries")
    if said and said != str(len(entries)):
        raise StatementFileError("truncated", f"{len(entries)} entries; the summary says {said[:12]}")
    total = text_at(found, "TxsSummry/TtlNtries/Sum")
    if total:
        held = sum(read_fen(text_at(entry, "Amt"), "entry") for entry in entries)
        if held != read_fen(total, "summary"):
            raise StatementFileError("does_not_add_up", f"entries {held}; the summary says {total[:20]}")


def _currency(found: ElementTree.Element) -> str:
    amount = found.find("Bal/Amt")
    return amount.get("Ccy", "") if amount is not None else ""


def text_at(element: ElementTree.Element, path: str) -> str:
    return (element.findtext(path) or "").strip()


def _not_too_long(count: int) -> None:
    if count > MOST_LINES:
        raise StatementFileError("too_long", f"{count} lines; the most is {MOST_LINES}")
