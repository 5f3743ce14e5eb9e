"""Bank statements as files, of whichever form a bank sends: camt.053, MT940 and a plain CSV. Pure.

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

from ledger.custody.camt_files import read_camt
from ledger.custody.mt940_files import looks_like_mt940, read_mt940
from ledger.custody.statement_parts import (
    CHARGE,
    CSV,
    IN,
    INTEREST,
    OUT,
    FileLine,
    FileStatement,
    StatementFileError,
    clean,
    looks_like_xml,
    not_too_long,
    plain_amount,
    positive_fen,
    read_date,
    read_fen,
    read_table,
)

_COLUMNS = ["date", "reference", "amount", "direction", "counterparty", "text"]
_HEADER = ("account", "statement", "from", "to", "opening", "closing", "lines")
_CODES = {"", CHARGE, INTEREST}


def read_statement(data: bytes) -> FileStatement:
    """Read a file of any of these forms and check it against itself.

    Raises: StatementFileError with reason not_a_statement, truncated, bad_value, does_not_add_up,
    line_outside_dates, too_long, several_statements or unsupported.
    """
    read = read_camt if looks_like_xml(data) else read_mt940 if looks_like_mt940(data) else _read_csv
    return checked(read(data))


def checked(statement: FileStatement) -> FileStatement:
    """Return a statement that agrees with itself. Raises: StatementFileError."""
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


def _read_csv(data: bytes) -> FileStatement:
    header, body = read_table(data, _COLUMNS, _HEADER, "not_a_statement", width=6)
    if not header["lines"].isascii() or not header["lines"].isdigit():
        raise StatementFileError("bad_value", f"lines: {header['lines'][:20]}")
    if len(body) != int(header["lines"]):
        raise StatementFileError("truncated", f"{len(body)} lines; the header says {header['lines']}")
    not_too_long(len(body))
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
