"""The member list as a file: reads an uploaded one elsewhere, says why it is refused, and makes an empty one."""

import io
import json
from pathlib import Path

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from aidplatform.lib.apart import TIMED_OUT, RefusedApartError, run_apart
from aidplatform.lib.errors import DomainError
from members.joining.import_rows import COLUMNS

LARGEST_FILE = 8 * 2**20
TEMPLATE_ROWS = 500
_READER = Path(__file__).with_name("read_sheet.py")
_PATIENCE = 90
Rows = list[tuple[int, list[str]]]

_REASONS: dict[str, object] = {
    "empty": gettext_lazy("This file is empty."),
    "too_large": gettext_lazy(
        "This file is too large: 8 MB at most, and no workbook that unpacks to hundreds. Save the list alone."
    ),
    "too_many_rows": gettext_lazy(
        "The list has more than 50,000 rows. Split it and import the parts one by one."
    ),
    "too_many_columns": gettext_lazy(
        "The list has more than 40 columns. Take the template, and fill in its columns."
    ),
    "cell_too_long": gettext_lazy("A cell holds more than 1,000 characters."),
    "encrypted": gettext_lazy("This workbook is protected by a password. Save it without one."),
    "not_a_table": gettext_lazy("This is neither a workbook (.xlsx) nor a CSV file."),
    "bad_csv": gettext_lazy(
        "This CSV file is not whole: a quotation mark is not closed, or stands where none may."
    ),
    "unreadable": gettext_lazy("This file cannot be read: it is damaged or not what its beginning says."),
}


class SheetRefusedError(DomainError):
    """The file is not taken; `extra["reason"]` is the word for it."""

    code = "sheet_refused"


def read_rows(data: bytes) -> Rows:
    """Return the rows of a file, read by a process that has nothing of our environment. Raises: SheetRefusedError."""
    if len(data) > LARGEST_FILE:
        raise _refused("too_large")
    try:
        written = run_apart(_READER, data=data, patience=_PATIENCE)
    except RefusedApartError as refusal:
        word = "too_large" if refusal.word == TIMED_OUT else refusal.word
        raise _refused(word if word in _REASONS else "unreadable") from None
    return [(number, cells) for number, cells in json.loads(written)]


def _refused(reason: str) -> SheetRefusedError:
    return SheetRefusedError(_REASONS[reason], reason=reason)


def template_workbook() -> bytes:
    """Return an empty list with its columns in the reader's language, and a sheet that explains them.

    Every column is text, so that no spreadsheet rounds an identity number or turns a date around.
    """
    # Here and not above: only this function needs it, and every worker would hold it in memory.
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font

    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = _("Members")
    for place, column in enumerate(COLUMNS, start=1):
        head = sheet.cell(row=1, column=place, value=str(column.title))
        head.font = Font(bold=True)
        sheet.column_dimensions[head.column_letter].width = 24
        for row in range(2, TEMPLATE_ROWS + 2):
            sheet.cell(row=row, column=place).number_format = "@"
    sheet.freeze_panes = "A2"
    explained = book.create_sheet(_("What goes where"))
    explained.append([_("Column"), _("Must be filled in"), _("What to write")])
    for column in COLUMNS:
        explained.append([str(column.title), _("yes") if column.is_required else _("no"), str(column.help)])
    for letter, width in (("A", 30), ("B", 18), ("C", 90)):
        explained.column_dimensions[letter].width = width
    for cells in explained.iter_rows():
        for cell in cells:
            cell.alignment = Alignment(wrap_text=True, vertical="top")
    for cell in explained[1]:
        cell.font = Font(bold=True)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
