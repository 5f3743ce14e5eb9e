"""What journals write of texts in any language, and of nothing at all."""

import datetime as dt
from pathlib import Path

import pytest

from aidplatform.testing.accounting_tools import judge
from ledger.exports.journals import WRITERS, Closing, Entry, Journal, JournalAccount

DAY = dt.date(2026, 2, 1)
ACCOUNTS = (
    JournalAccount("101", "Custody bank", "asset"),
    JournalAccount("250", "Unidentified receipts", "liability"),
)


def journal(*told: Entry | Closing, fund: str = "village_2") -> Journal:
    return Journal("村互助, CNY", fund, "CNY", DAY, ACCOUNTS, (), told)


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize(
    "text",
    [
        "互助金收款：李雷的“附言”",
        'quotes " and \\ and ; a comment | a payee, a tag:value',
        "two  spaces\nand a line",
        "* ! (7) = @ {1}",
        "",
    ],
)
def test_no_text_breaks_a_journal(kind: str, text: str, tmp_path: Path) -> None:
    entry = Entry(DAY, 1, "unidentified", text, text, text, "P-1", "P-2", None, (("101", 5), ("250", -5)))
    whole = "".join(WRITERS[kind](journal(entry, Closing(DAY, 1, "101", 5))))
    assert judge(kind, whole, tmp_path) == ""
    false = "".join(WRITERS[kind](journal(entry, Closing(DAY, 1, "101", 4))))
    assert judge(kind, false, tmp_path) != ""


@pytest.mark.parametrize("kind", WRITERS)
def test_empty_books_are_a_journal(kind: str, tmp_path: Path) -> None:
    assert judge(kind, "".join(WRITERS[kind](journal())), tmp_path) == ""
