"""MT940 of three manners of banks, its pages and days, and every way in which such a file is cut or forged."""

import datetime as dt
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aidplatform.testing.bank import Bank, charged_world
from ledger.custody.models import BankStatement, StatementLine
from ledger.custody.services import import_statement
from ledger.custody.statement_files import read_statement
from ledger.custody.statement_parts import IN, OUT, FileLine, FileStatement, StatementFileError

DAY = dt.date(2026, 2, 2)


def mt940(
    *bookings: str, opening: str = "C260201CNY0,00", closing: str = "C260202CNY0,", number: str = "7/1"
) -> bytes:
    """Return a message of one day with these fields between its balances."""
    fields = [":20:STMT", ":25:SOMEBANK/6222000012345678901", f":28C:{number}", f":60F:{opening}", *bookings]
    return "\r\n".join([*fields, f":62F:{closing}", ":64:C260202CNY0,", "-", ""]).encode()


def reason_of(data: bytes) -> str:
    with pytest.raises(StatementFileError) as caught:
        read_statement(data)
    return caught.value.reason


def test_bookings_are_read_in_all_three_manners() -> None:
    numbered = ":86:166?00TRANSFER?20EREF+NOTPROVIDED?21 share MA-1-0?22007-X?32LI L?33EI"
    named = ":86:/TRTP/SEPA/REMI/share of February/EREF/E-77/NAME/韩梅梅/"
    free = ":86:" + "x" * 61 + " MA-\r\n1-0007\r\nthanks"
    found = read_statement(
        mt940(
            ":61:2602020202C2,00NTRFNONREF//B-1", numbered,
            ":61:2602020202CY1,1NTRFOWN-9//B-2", named,
            ":61:260202D0,50NCHGNONREF", ":86:charge of the month",
            ":61:2602020202C0,4NINTNONREF//B-4",
            ":61:2602020202RC0,30NTRFR-1//B-5", free,
            ":61:2602020202RD0,20NTRFNONREF",
            closing="C260202CNY2,90",
        )
    )  # fmt: skip
    assert (found.format, found.account_number, found.currency, found.bank_number) == (
        "mt940",
        "6222000012345678901",
        "CNY",
        "7",
    )
    assert (found.from_date, found.to_date) == (DAY, DAY + dt.timedelta(days=1))
    assert found.lines == (
        FileLine(DAY, IN, 200, "B-1", "LI LEI", "EREF+NOTPROVIDED share MA-1-0007-X"),
        FileLine(DAY, IN, 110, "B-2", "韩梅梅", "share of February / E-77 / OWN-9"),
        FileLine(DAY, OUT, 50, "", "", "charge of the month", "charge"),
        FileLine(DAY, IN, 40, "B-4", "", "", "interest"),
        FileLine(DAY, OUT, 30, "B-5", "", "x" * 61 + " MA-1-0007 thanks / R-1"),
        FileLine(DAY, IN, 20, "", "", ""),
    )


def test_pages_are_one_statement() -> None:
    first = mt940(":61:260202C1,NTRFNONREF//A").replace(b":62F:C260202CNY0,", b":62M:C260202CNY1,")
    second = mt940(":61:260202C2,NTRFNONREF//B", number="7/2", closing="C260202CNY3,")
    second = second.replace(b":60F:C260201CNY0,00", b":60M:C260202CNY1,00")
    found = read_statement(first + second)
    assert [line.bank_reference for line in found.lines] == ["A", "B"]
    assert (found.opening_fen, found.closing_fen, found.from_date) == (0, 300, DAY)
    assert reason_of(first) == "truncated"
    assert reason_of(first + second.replace(b"CNY1,00", b"CNY1,01")) == "does_not_add_up"
    assert reason_of(first + mt940()) == "several_statements"


def test_envelope_of_the_network_is_no_part_of_it() -> None:
    data = b"{1:F01BANKCNBJAXXX0000000000}{2:O9400000000000}{4:\r\n" + mt940().replace(
        b"\r\n-\r\n", b"\r\n-}{5:}\r\n"
    )
    assert read_statement(data).closing_fen == 0


def test_days_begin_after_the_opening_balance() -> None:
    over_the_weekend = read_statement(mt940(opening="C260130CNY0,"))
    assert (over_the_weekend.from_date, over_the_weekend.to_date) == (
        dt.date(2026, 1, 31),
        dt.date(2026, 2, 3),
    )
    same_day = read_statement(mt940(opening="C260202CNY0,"))
    assert (same_day.from_date, same_day.to_date) == (DAY, DAY + dt.timedelta(days=1))


def test_entry_date_counts_and_takes_the_nearest_year() -> None:
    new_year = mt940(":61:2512310101C1,NTRFNONREF", opening="C251231CNY0,", closing="C260101CNY1,")
    assert read_statement(new_year).lines[0].booking_date == dt.date(2026, 1, 1)
    # A value date outside the days, and no entry date: the last day.
    valued_later = mt940(":61:260205C1,NTRFNONREF", closing="C260202CNY1,")
    assert read_statement(valued_later).lines[0].booking_date == DAY
    leap = mt940(":61:2403010229C1,NTRFNONREF", opening="C240228CNY0,", closing="C240229CNY1,")
    assert read_statement(leap).lines[0].booking_date == dt.date(2024, 2, 29)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (mt940(":61:260202C1,NTRFNONREF"), "does_not_add_up"),
        (mt940(":61:260202C1,NTRFNONREF", closing="C260202CNY1,01"), "does_not_add_up"),
        (mt940(":61:260202C0,NTRFNONREF"), "bad_value"),
        (mt940(":61:260202X1,NTRFNONREF", closing="C260202CNY1,"), "bad_value"),
        (mt940(":61:260232C1,NTRFNONREF", closing="C260202CNY1,"), "bad_value"),
        (mt940(":61:2602021345C1,NTRFNONREF", closing="C260202CNY1,"), "bad_value"),
        (mt940(":61:2602020201C1,NTRFNONREF", closing="C260202CNY1,"), "line_outside_dates"),
        (mt940(":99:what", closing="C260202CNY0,"), "not_a_statement"),
        (mt940(closing="C260202CNY0.00"), "bad_value"),
        (mt940(opening="C269901CNY0,"), "bad_value"),
        (mt940(opening="C260203CNY0,"), "bad_value"),
        (mt940().split(b":62F:")[0], "truncated"),
        (mt940().replace(b":60F:", b":60M:"), "several_statements"),
        (mt940().replace(b":25:SOMEBANK/6222000012345678901\r\n", b""), "not_a_statement"),
        (mt940() + mt940(), "several_statements"),
        (b":20:", "not_a_statement"),
        (b"{1:F01}", "not_a_statement"),
    ],
)
def test_false_files_are_refused(data: bytes, reason: str) -> None:
    assert reason_of(data) == reason


@given(
    st.integers(
        1, len(mt940(":61:2602020202C12,34NTRFNONREF//B-1", ":86:text", closing="C260202CNY12,34")) - 1
    )
)
def test_no_cut_file_gives_other_figures(length: int) -> None:
    """What is left of a file is refused, or says the same: only what comes after the balance may be missing."""
    whole = mt940(":61:2602020202C12,34NTRFNONREF//B-1", ":86:text", closing="C260202CNY12,34")
    try:
        found = read_statement(whole[:length])
    except StatementFileError:
        return
    assert found == read_statement(whole)


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    """Whatever follows the first tag is read or refused with a reason."""
    with suppress(StatementFileError):
        found = read_statement(b":20:" + data)
        assert found.opening_fen + sum(line.signed_fen for line in found.lines) == found.closing_fen


def written(statement: FileStatement) -> bytes:
    """Return a statement of one day as its bank would send it."""
    bookings = []
    for line in statement.lines:
        mark, amount = (
            ("C" if line.direction == IN else "D"),
            f"{line.amount_fen / 100:.2f}".replace(".", ","),
        )
        bookings += [f":61:{line.booking_date:%y%m%d%m%d}{mark}{amount}NTRFNONREF//{line.bank_reference}"]
        bookings += [f":86:{line.text}"]
    before = statement.from_date - dt.timedelta(days=1)
    balances = (
        (before, statement.opening_fen),
        (statement.to_date - dt.timedelta(days=1), statement.closing_fen),
    )
    opening, closing = (f"C{day:%y%m%d}CNY{fen / 100:.2f}".replace(".", ",") for day, fen in balances)
    data = mt940(*bookings, opening=opening, closing=closing)
    return data.replace(b"6222000012345678901", statement.account_number.encode())


def test_shares_are_paid_by_it_and_a_repetition_adds_nothing(db: None) -> None:
    world, bank, _period = charged_world(100_000)
    data = written(bank.statement(bank.receipt(1, 5_000, bank_reference="B-9")))
    result = bank.take_bytes(data)
    assert result.totals == {"collection": (1, 5_000)}
    assert BankStatement.objects.get().format == "mt940"
    assert not bank.take_bytes(data).is_new
    # The same day once more in the bank's other form: its booking is known.
    line = StatementLine.objects.get()
    assert (line.kind, line.bank_reference) == ("collection", "B-9")
    other = import_statement(
        account=bank.account,
        data=data + b"\r\n",
        filename="again.sta",
        importer=world.treasurer.code,
        at=BankStatement.objects.get().imported_at,
    )
    assert (other.is_new, other.dropped) == (False, 1)


def test_each_balance_is_in_fen(db: None) -> None:
    _world, bank, _period = charged_world(100_000)
    result = Bank.take_bytes(
        bank, written(bank.statement(bank.receipt(1, 1), bank.line("in", 2, text="nobody")))
    )
    assert (result.statement.opening_fen, result.statement.closing_fen) == (0, 3)
