"""Tables as CSV downloads: UTF-8 with a mark for spreadsheets, streamed, with no cell a spreadsheet would run."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from django.http import StreamingHttpResponse

_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class _Echo:
    """Hands each written line back, so that rows can be streamed."""

    def write(self, line: str) -> str:
        """Return what a file would have stored."""
        return line


def plain_fen(fen: int) -> str:
    """Return 1234.56 for machines: no thousands, an ASCII minus, always two decimals."""
    whole, cents = divmod(abs(fen), 100)
    return f"{'-' if fen < 0 else ''}{whole}.{cents:02d}"


def safe_text(text: str) -> str:
    """Return text that a spreadsheet shows instead of calculating."""
    return f"'{text}" if text.startswith(_STARTS_A_FORMULA) else text


def csv_response(
    filename: str, header: Sequence[object], rows: Iterable[Sequence[object]]
) -> StreamingHttpResponse:
    """Return a download of the rows. Numbers go in as text made by `plain_fen` or as int; text is made safe."""
    return _download(filename, csv_lines(header, rows))


def csv_blocks_response(filename: str, header: str, blocks: Iterable[str]) -> StreamingHttpResponse:
    """Return a download of lines that are CSV already, however many there are in a block."""
    return _download(filename, chain(["\ufeff", f"{header}\r\n"], blocks))


def _download(filename: str, parts: Iterable[str]) -> StreamingHttpResponse:
    response = StreamingHttpResponse(parts, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response


def csv_lines(header: Sequence[object], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Yield a table line by line, its mark for spreadsheets first."""
    writer = csv.writer(_Echo())
    yield "\ufeff"
    yield str(writer.writerow([str(title) for title in header]))
    for row in rows:
        yield str(writer.writerow([safe_text(cell) if isinstance(cell, Text) else cell for cell in row]))


class Text(str):
    """A cell that a person wrote: made safe on its way out."""

    __slots__ = ()
