"""What the verifier says of the cash book: true of honest years, and each theft of a fen or more by a name.

Thefts are told in a log that is whole and signed with its real key. What a year's log alone cannot show stands in the
manual: reviewers who collude, a bank file that was forged from the beginning.
"""

from pathlib import Path
from typing import Any

import pytest

from ledger.openbooks.canonical import canonical_bytes
from ledger.openbooks.standalone import verify as stranger
from ledger.openbooks.tests.test_standalone import FALSE, KEY, TRUE, UNCHECKED, verify, write
from ledger.openbooks.tests.thefts import FOUND, Thief
from ledger.openbooks.tests.years import ACCOUNT, Body, Year

EACH = 7


def files(folder: Path, entries: list[Body]) -> Path:
    return write(folder / "files", [canonical_bytes(entry) for entry in entries])


def book(folder: Path, entries: list[Body], *given: object) -> tuple[int, str]:
    return verify("book", files(folder, entries), "--key", KEY, *given)


def found_in(entries: list[Body]) -> str:
    """Return under which name the cash book refuses a log, or nothing."""
    taken = stranger.CashBook()
    try:
        for entry in entries:
            taken.take(entry["seq"], entry)
        taken.finish()
    except stranger.IsFalse as error:
        return str(error.code)
    return ""


def a_thief(theft: str, number: int) -> Thief:
    """Return a year in which this theft had its chance; number: the how manyth such year."""
    seed, fen = number * 10_000, 1 if number % 2 else 1 + number * 13 % 40
    while not (thief := Thief(seed, theft, fen)).taken:
        seed += 1
    return thief


# --- honest years -------------------------------------------------------------------------------------------------


def test_honest_year_is_true(tmp_path: Path) -> None:
    code, said = book(tmp_path, Year(7).entries, "--account", f"{ACCOUNT[:4]} {ACCOUNT[4:]}")
    assert code == TRUE, said
    assert "payments have their reasons" in said
    assert "均有依据" in said


def test_no_false_alarm_in_clean_years() -> None:
    kinds: set[str] = set()
    for seed in range(120):
        entries = Year(seed, revokes=seed % 3 == 0).entries
        assert found_in(entries) == "", f"seed {seed}"
        kinds |= {one["body"]["kind"] for one in entries if one["type"] == "book.entry"}
    # All that happens to money has happened.
    happened = {
        "returned",
        "chargeback",
        "payment_cancelled",
        "write_off",
        "top_up",
        "refund_due",
        "unidentified",
        "award_revoked",
    }
    assert kinds >= happened


@pytest.mark.soak
def test_no_false_alarm_in_a_thousand_clean_years() -> None:
    assert [seed for seed in range(1000) if found_in(Year(seed, revokes=seed % 3 == 0).entries)] == []


def test_rounding_may_bring_more_than_a_cap_keeps() -> None:
    """Where the reserve pays what caps keep, it pays nothing then, and the shares of the others stay as they are."""
    assert found_in(Year(983).entries) == ""


# --- thefts -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("theft", sorted(FOUND))
def test_theft_is_found(theft: str) -> None:
    """Seven of each, of one fen and of more: over two hundred thefts in all."""
    assert len(FOUND) * EACH >= 200
    for number in range(EACH):
        thief = a_thief(theft, number)
        assert found_in(thief.entries) in FOUND[theft], f"{theft} of {thief.fen} fen, {number}"


def test_theft_is_told_with_both_values(tmp_path: Path) -> None:
    code, said = book(tmp_path, a_thief("an edited closing balance", 1).entries)
    assert code == FALSE
    assert "[bank_day_sums]" in said
    expected, found = (line.rsplit(": ", 1)[1] for line in said.strip().split("\n")[-2:])
    assert int(expected) - int(found) == 1


def test_other_account_than_ones_own_receipt_names_is_told(tmp_path: Path) -> None:
    code, said = book(tmp_path, Year(3, periods=1).entries, "--account", "6222 1")
    assert (code, "[account_is_the_custody_account]" in said) == (FALSE, True)


# --- what cannot be checked -----------------------------------------------------------------------------------------


def test_what_is_not_listed_could_not_be_checked(tmp_path: Path) -> None:
    entries = Year(7).entries
    day = next(one["body"] for one in entries if one["type"] == "bank.day" and one["body"]["settled"])
    day["settled_count"] += 1
    code, said = book(tmp_path, entries)
    assert (code, "True:" in said) == (UNCHECKED, False)


@pytest.mark.parametrize("kind", ["book.entry", "bank.day", "pay.order", "period.close", "period.announce"])
def test_statement_that_lacks_something_could_not_be_checked(tmp_path: Path, kind: str) -> None:
    entries = Year(7).entries
    body: dict[str, Any] = next(
        one["body"] for one in entries if one["type"] == kind and "1" in str(one["body"])
    )
    body.clear()
    code, said = book(tmp_path, entries)
    assert (code, "COULD NOT CHECK" in said) == (UNCHECKED, True)
