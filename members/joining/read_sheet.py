"""Reads one uploaded table in a process of its own: `python -I read_sheet.py < file > rows.json`.

Whoever uploads chooses the bytes that a decoder reads, so a workbook is opened here, with little memory and time,
after its directory has said how large it becomes. What comes out is a list of rows, each its number in the file and
its cells as text; a number too long for a spreadsheet to keep, and the result of a formula, come out as marks that
no text begins with. Knows nothing of the application. Exit status 3 and a word on stderr: the file is refused.
"""

import csv
import datetime as dt
import io
import json
import sys
import zipfile
from collections.abc import Iterable, Iterator

MEMORY = 1024 * 2**20
SECONDS = 60
MOST_ROWS = 50_000
MOST_COLUMNS = 40
MOST_PARTS = 300
# A workbook of that many rows is some 20 MB unpacked; a bomb is thousands.
MOST_UNPACKED = 120 * 2**20
LONGEST_CELL = 1_000
# Spreadsheets keep fifteen digits of a number; the rest they make up.
EXACT = 10**15
ROUNDED = "\x00rounded"
FORMULA = "\x00formula"
REFUSED = 3
_ENCODINGS = ("utf-8-sig", "gb18030")


class RefusedError(Exception):
    """The file is not taken; the message is a word that the application says in a sentence."""


def main() -> int:
    """Read the whole file and write its rows."""
    import resource  # which not every system has that only reads this file's constants

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    data = sys.stdin.buffer.read()
    try:
        rows = rows_of(data)
    except RefusedError as error:
        sys.stderr.write(str(error))
        return REFUSED
    except MemoryError:
        sys.stderr.write("too_large")
        return REFUSED
    except Exception as error:
        sys.stderr.write(f"unreadable {type(error).__name__}")
        return REFUSED
    sys.stdout.write(json.dumps(rows))
    sys.stdout.flush()
    return 0


def rows_of(data: bytes) -> list[tuple[int, list[str]]]:
    """Return the rows that hold anything, each with its number in the file. Raises: RefusedError."""
    if not data.strip():
        raise RefusedError("empty")
    cells = _workbook(data) if data.startswith(b"PK\x03\x04") else _text(data)
    rows: list[tuple[int, list[str]]] = []
    for number, row in enumerate(cells, start=1):
        if any(row):
            rows.append((number, row))
        if len(rows) > MOST_ROWS + 1 or number > 2 * MOST_ROWS:
            raise RefusedError("too_many_rows")
    if not rows:
        raise RefusedError("empty")
    return rows


def _text(data: bytes) -> Iterator[list[str]]:
    """Yield the rows of a CSV file, whatever of comma, semicolon and tab parts its columns."""
    text = data.decode("utf-16") if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else _decoded(data)
    if "\x00" in text:
        raise RefusedError("not_a_table")
    first = text.lstrip().split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    csv.field_size_limit(LONGEST_CELL)
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True):
            yield _row(row)
    except csv.Error:
        raise RefusedError("bad_csv") from None


def _decoded(data: bytes) -> str:
    for encoding in _ENCODINGS:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise RefusedError("not_a_table")


def _workbook(data: bytes) -> Iterator[list[str]]:
    """Yield the rows of a workbook's first sheet."""
    import openpyxl

    _refuse_bombs(data)
    # Formulas as they are written: what a program once computed from them is nobody's entry.
    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=False, keep_links=False)
    sheet = book.worksheets[0]
    sheet.reset_dimensions()  # what the file says of its own size is not asked
    for row in sheet.iter_rows(max_col=MOST_COLUMNS + 1, values_only=True):
        yield _row(_said(value) for value in row)


def _refuse_bombs(data: bytes) -> None:
    """Refuse an archive by its directory; unpacking stops by itself where a part is larger than that says."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
            names = {part.filename for part in parts}
            if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_UNPACKED:
                raise RefusedError("too_large")
            if any(part.flag_bits & 1 for part in parts):
                raise RefusedError("encrypted")
            if "xl/workbook.xml" not in names:
                raise RefusedError("not_a_table")
            for part in parts:
                # No workbook declares a document type; entities that multiply need one.
                if part.filename.endswith((".xml", ".rels")) and _declares_a_type(archive.read(part)):
                    raise RefusedError("not_a_table")
    except zipfile.BadZipFile:
        raise RefusedError("unreadable") from None


def _declares_a_type(part: bytes) -> bool:
    """Tell whether an XML part declares a document type, or is written so that this could not be seen."""
    return b"<!DOCTYPE" in part or b"\x00" in part[:4]


def _said(value: object) -> str:
    """Return a cell of a workbook as the text that a person would read in it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, dt.datetime):
        return value.date().isoformat()
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, int | float):
        if not abs(value) < EXACT:
            return ROUNDED
        return str(int(value)) if value == int(value) else repr(value)
    text = str(value)
    return FORMULA if text.startswith("=") else text


def _row(cells: Iterable[str]) -> list[str]:
    row = [cell.strip() for cell in cells]
    while row and not row[-1]:
        row.pop()
    if len(row) > MOST_COLUMNS:
        raise RefusedError("too_many_columns")
    if any(len(cell) > LONGEST_CELL for cell in row):
        raise RefusedError("cell_too_long")
    return row


if __name__ == "__main__":
    sys.exit(main())
