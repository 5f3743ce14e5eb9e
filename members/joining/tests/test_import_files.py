"""Uploaded member lists: read by a process of its own, refused in words, and never more than they may cost."""

import datetime as dt
import io
import time
import zipfile

import openpyxl
import pytest
from django.utils.translation import override

from members.joining import read_sheet
from members.joining.import_files import SheetRefusedError, read_rows, template_workbook
from members.joining.import_rows import COLUMNS
from members.joining.tests.lists import HEADER, csv_list, row, workbook


def reason(data: bytes) -> str:
    with pytest.raises(SheetRefusedError) as caught:
        read_rows(data)
    return str(caught.value.extra["reason"])


def repacked(data: bytes, name: str, content: bytes) -> bytes:
    """Return a workbook in which one part is another."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            new.writestr(part, content if part.filename == name else old.read(part))
    return out.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_of_any_spreadsheet_is_read(encoding: str, delimiter: str) -> None:
    data = csv_list(row(1, Name="李明"), delimiter=delimiter).decode().encode(encoding)
    rows = read_rows(data)
    assert [number for number, _cells in rows] == [1, 2]
    assert rows[0][1] == list(HEADER)
    assert rows[1][1][0] == "李明"


def test_workbook_is_read_as_people_see_it() -> None:
    rows = read_rows(
        workbook(
            ["Name", "Born", "Owed"],
            [],
            [" Li ", dt.date(1980, 1, 2), 12.5],
            ["Wu", dt.datetime(1980, 1, 2), 110105198001020001],  # noqa: DTZ001 - as spreadsheets keep a date
            ["=1+1", True, 3.0],
        )
    )
    assert rows == [
        (1, ["Name", "Born", "Owed"]),
        (3, ["Li", "1980-01-02", "12.5"]),
        (4, ["Wu", "1980-01-02", read_sheet.ROUNDED]),
        (5, [read_sheet.FORMULA, "1", "3"]),
    ]


def test_template_is_read_and_its_columns_are_text() -> None:
    for language in ("en", "zh-hans"):
        with override(language):
            data, titles = template_workbook(), [str(column.title) for column in COLUMNS]
        assert read_rows(data) == [(1, titles)]
        book = openpyxl.load_workbook(io.BytesIO(data))
        assert {cell.number_format for cell in book.worksheets[0][2]} == {"@"}
        assert len(list(book.worksheets[1].iter_rows())) == len(COLUMNS) + 1


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"\n".join([b"a,b"] * 50_002), "too_many_rows"),
        (b"a," * 41, "too_many_columns"),
        (b"a,b\n" + b"x" * 1_001 + b",y", "bad_csv"),
        (b'a,b\n"x,y', "bad_csv"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "not_a_table"),
        (b"PK\x03\x04 broken", "unreadable"),
        (b"x" * (8 * 2**20 + 1), "too_large"),
    ],
    ids=lambda part: str(part)[:20],
)
def test_file_that_is_no_list_is_refused_by_name(data: bytes, word: str) -> None:
    assert reason(data) == word


def test_archive_that_is_no_workbook_is_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("word/document.xml", "<w/>")
    assert reason(out.getvalue()) == "not_a_table"


def test_zip_bomb_is_refused_by_its_directory() -> None:
    bomb = repacked(workbook(["Name"]), "xl/worksheets/sheet1.xml", b"<x>" + b" " * (200 * 2**20) + b"</x>")
    assert len(bomb) < 2**20
    started = time.monotonic()
    assert reason(bomb) == "too_large"
    assert time.monotonic() - started < 20


def test_bomb_that_lies_about_its_size_is_stopped() -> None:
    """The directory says one byte: unpacking ends there and finds the sum of the part wrong."""
    data = bytearray(
        repacked(workbook(["Name"]), "xl/worksheets/sheet1.xml", b"<x>" + b" " * 50_000_000 + b"</x>")
    )
    place = data.rindex(b"xl/worksheets/sheet1.xml") - 46
    assert data[place : place + 4] == b"PK\x01\x02"
    data[place + 24 : place + 28] = (1).to_bytes(4, "little")
    assert reason(bytes(data)) == "unreadable"


def test_entities_that_multiply_are_refused() -> None:
    laughs = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>'
    for part in ("xl/workbook.xml", "xl/worksheets/sheet1.xml"):
        assert reason(repacked(workbook(["Name"]), part, laughs)) == "not_a_table"
        assert reason(repacked(workbook(["Name"]), part, laughs.decode().encode("utf-16"))) == "not_a_table"


def test_sheet_that_says_it_is_endless_costs_nothing() -> None:
    """A cell in the last of a million rows makes readers that trust the file walk all of them."""
    sheet = (
        b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><dimension ref="A1:XFD1048576"/>'
        b'<sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>Name</t></is></c></row>'
        b'<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>x</t></is></c></row></sheetData></worksheet>'
    )
    started = time.monotonic()
    assert reason(repacked(workbook(["Name"]), "xl/worksheets/sheet1.xml", sheet)) == "too_many_rows"
    assert time.monotonic() - started < 30
