"""Tables of banks' websites: read by a description, held against their own balances, refused when anything is off."""

import datetime as dt
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.custody.mapped_csv import (
    MARKED,
    TWO_COLUMNS,
    Mapping,
    as_terms,
    fits,
    from_terms,
    likely_date_form,
    likely_delimiter,
    read_mapped,
    top_of,
)
from ledger.custody.statement_files import checked
from ledger.custody.statement_parts import IN, OUT, FileLine, StatementFileError

ACCOUNT = "6222000012345678901"
DAYS = (dt.date(2026, 2, 1), dt.date(2026, 2, 4))
CHINESE = Mapping(
    delimiter=",", date="交易日期", date_form="%Y-%m-%d", decimal_comma=False, amount_form=TWO_COLUMNS,
    amount="贷方发生额", out="借方发生额", balance="余额", reference="流水号", counterparty="对方户名", text="摘要",
    more_text="附言", charges="手续费 管理费", interest="利息",
)  # fmt: skip
TABLE = """账号：,6222 0000 1234 5678 901,,,,,,
查询区间：,2026-02-01 至 2026-02-03,,,,,,
交易日期,借方发生额,贷方发生额,余额,对方户名,摘要,附言,流水号
2026-02-03 10:11:12,"1,000.00",,"2,234.50",王芳,付款,PO-1-0001-X,S4
2026-02-02 09:00:00,,"3,000.00","3,234.50",李雷,转账,MA-1-0007-X,S3
2026-02-02 08:00:00,0.50,0.00,234.50,,手续费,,S2
2026-02-01 23:59:59,,35.00,235.00,韩梅梅,转账,MA-1-0008-X,S1
合计,"1,000.50","3,035.00",,,,,
"""
GERMAN = Mapping(
    delimiter=";", date="Buchungstag", date_form="%d.%m.%Y", decimal_comma=True, amount_form="signed", amount="Betrag",
    balance="Saldo", text="Verwendungszweck", account="Konto",
)  # fmt: skip
GERMAN_TABLE = f"""Konto;Buchungstag;Verwendungszweck;Betrag;Saldo
{ACCOUNT};01.02.2026;share;1.234,50;1.234,50
{ACCOUNT};02.02.2026;fee;-0,50;1.234,00
"""
ENGLISH = Mapping(
    delimiter="\t", date="Date", date_form="%m/%d/%Y", decimal_comma=False, amount_form=MARKED, amount="Amount",
    mark="D/C", incoming="C CR", balance="Balance", text="Details",
)  # fmt: skip
ENGLISH_TABLE = f"""Account {ACCOUNT}\t\t\t\t
Date\tDetails\tAmount\tD/C\tBalance
02/01/2026\tshare\t10.00\tCR\t$10.00
02/03/2026\tback\t4.00\tD\t$6.00
"""


def read(text: str, mapping: Mapping = CHINESE, encoding: str = "utf-8"):
    return checked(read_mapped(text.encode(encoding), mapping, ACCOUNT, DAYS, "CNY"))


def refusal_of(text: str, mapping: Mapping = CHINESE) -> StatementFileError:
    with pytest.raises(StatementFileError) as caught:
        read(text, mapping)
    return caught.value


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_newest_first_is_turned_around(encoding: str) -> None:
    found = read(TABLE, encoding=encoding)
    assert (found.opening_fen, found.closing_fen, found.from_date, found.to_date) == (20_000, 223_450, *DAYS)
    assert found.lines == (
        FileLine(dt.date(2026, 2, 1), IN, 3_500, "S1", "韩梅梅", "转账 / MA-1-0008-X"),
        FileLine(dt.date(2026, 2, 2), OUT, 50, "S2", "", "手续费", "charge"),
        FileLine(dt.date(2026, 2, 2), IN, 300_000, "S3", "李雷", "转账 / MA-1-0007-X"),
        FileLine(dt.date(2026, 2, 3), OUT, 100_000, "S4", "王芳", "付款 / PO-1-0001-X"),
    )


def test_other_ways_of_writing_amounts_and_days() -> None:
    german, english = read(GERMAN_TABLE, GERMAN), read(ENGLISH_TABLE, ENGLISH)
    assert [line.signed_fen for line in german.lines] == [123_450, -50]
    assert (german.opening_fen, german.closing_fen) == (0, 123_400)
    assert [(line.booking_date.day, line.signed_fen) for line in english.lines] == [(1, 1_000), (3, -400)]


def test_balances_out_of_step_are_refused_with_their_row() -> None:
    dropped = TABLE.replace('2026-02-02 09:00:00,,"3,000.00","3,234.50",李雷,转账,MA-1-0007-X,S3\n', "")
    assert refusal_of(dropped).reason == "does_not_add_up"
    assert "row 4" in refusal_of(dropped).detail
    changed = TABLE.replace(",35.00,235.00", ",35.01,235.00").replace("234.50,,手", "234.51,,手")
    assert refusal_of(changed).reason == "does_not_add_up"
    swapped = TABLE.replace("S3\n2026", "S3\n2026").splitlines(keepends=True)
    swapped[3], swapped[4] = swapped[4], swapped[3]
    assert refusal_of("".join(swapped)).reason == "does_not_add_up"


@pytest.mark.parametrize(
    ("false", "reason"),
    [
        (TABLE.replace("余额", "balance"), "not_a_statement"),
        (TABLE.replace("5678 901", "5678 902"), "wrong_account"),
        (TABLE.replace("2026-02-03 10", "2026-02-30 10"), "bad_value"),
        (TABLE.replace("35.00", "abc"), "bad_value"),
        (TABLE.replace("0.50,0.00", "0.50,1.00"), "bad_value"),
        (TABLE.replace("0.50,0.00", ",0.00"), "bad_value"),
        (TABLE.replace("35.00,235", "35.001,235"), "bad_value"),
        (TABLE.replace(",韩梅梅,转账,MA-1-0008-X,S1", ""), "truncated"),
        (TABLE.replace("2026-02-02 08:00:00,", ","), "bad_value"),
        (TABLE[:TABLE.index("2026-02-03 10")], "no_bookings"),
        (TABLE + '"', "truncated"),
        (TABLE.replace("2026-02-01 23", "2026-01-31 23"), "line_outside_dates"),
    ],
)  # fmt: skip
def test_false_tables_are_refused(false: str, reason: str) -> None:
    assert false != TABLE
    assert refusal_of(false).reason == reason


def test_account_in_a_column_is_that_of_every_line() -> None:
    other = GERMAN_TABLE.replace(f"{ACCOUNT};02", "6222000099999999999;02")
    assert refusal_of(other, GERMAN).reason == "wrong_account"


def test_unknown_word_for_a_direction_is_refused() -> None:
    refusal = refusal_of(ENGLISH_TABLE.replace("CR", "credit"), ENGLISH)
    assert (refusal.reason, refusal.detail) == ("bad_value", "D/C: D, credit")


def test_what_the_bank_books_itself_is_known_by_its_words() -> None:
    """Whoever writes "interest" into a transfer does not make it the bank's."""
    interest = read(TABLE.replace("韩梅梅,转账,MA-1-0008-X", ",利息,"))
    assert interest.lines[0].code == "interest"
    of_a_member = read(TABLE.replace("韩梅梅,转账,MA-1-0008-X", "韩梅梅,利息,"))
    assert of_a_member.lines[0].code == ""


def test_columns_are_found_and_a_description_knows_its_tables() -> None:
    data = TABLE.encode("gb18030")
    assert likely_delimiter(data) == ","
    names, *rows = top_of(data, ",")
    assert names == TABLE.splitlines()[2].split(",")
    assert [row[0][:10] for row in rows] == ["2026-02-03", "2026-02-02", "2026-02-02"]
    assert top_of(b"a,b\n1,2\n", ",") == []
    assert likely_date_form(row[0] for row in rows) == "%Y-%m-%d"
    assert likely_date_form(["20260131", "20260201"]) == "%Y%m%d"
    assert likely_date_form(["31.01.2026", "no day"]) is None
    assert likely_date_form([]) is None
    assert fits(data, CHINESE)
    assert not fits(data, GERMAN)
    assert not fits(b"\xff\xfe\x00", CHINESE)
    assert likely_delimiter(GERMAN_TABLE.encode()) == ";"
    assert from_terms(as_terms(CHINESE)) == CHINESE


@given(st.integers(0, 2**32), st.booleans())
def test_every_line_is_accounted_for(seed: int, is_newest_first: bool) -> None:
    """Of tables made by chance: what is read is what was written, and no line can be left out or changed."""
    chance = random.Random(seed)
    balance = opening = chance.randrange(10**6)
    rows, lines = [], []
    for number in range(chance.randrange(1, 12)):
        fen = chance.choice([-1, 1]) * chance.randrange(1, 10**5)
        balance += fen
        day = dt.date(2026, 2, 1) + dt.timedelta(days=number // 5)
        rows.append(
            f"{day:%m/%d/%Y}\tnumber {number}\t{abs(fen) / 100:.2f}\t{'C' if fen > 0 else 'D'}\t{balance / 100:.2f}\n"
        )
        lines.append((day, fen, f"number {number}"))
    head = "".join(ENGLISH_TABLE.splitlines(keepends=True)[:2])
    found = read(head + "".join(rows[::-1] if is_newest_first else rows), ENGLISH)
    assert (found.opening_fen, found.closing_fen) == (opening, balance)
    told = [(line.booking_date, line.signed_fen, line.text) for line in found.lines]
    assert told == lines or len(lines) == 1
    if len(rows) > 2:
        del rows[chance.randrange(1, len(rows) - 1)]
        assert refusal_of(head + "".join(rows), ENGLISH).reason == "does_not_add_up"


def test_description_is_never_half_of_another() -> None:
    assert replace(CHINESE, more_text="").columns == [name for name in CHINESE.columns if name != "附言"]


def test_example_of_the_manual() -> None:
    """A booking left out at the end moves the opening, which the last statement then does not fit."""
    head, *rows = TABLE.splitlines(keepends=True)[2:-1]
    top = TABLE.splitlines(keepends=True)[0]
    found = read(top + head + "".join(rows[2:]))
    assert (found.opening_fen, found.closing_fen) == (20_000, 23_450)
    assert read(top + head + rows[2]).opening_fen == 23_500
