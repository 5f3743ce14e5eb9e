"""Money between integers and what people read and type."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aidplatform.lib.money import LARGEST_FEN, AmountError, format_fen, format_money, parse_fen


@pytest.mark.parametrize(
    ("fen", "text"),
    [
        (0, "0.00"),
        (1, "0.01"),
        (99, "0.99"),
        (100, "1.00"),
        (123_456, "1,234.56"),
        (-5, "−0.05"),
        (-123_456_789, "−1,234,567.89"),
        (LARGEST_FEN, "90,071,992,547,409.91"),
    ],
)
def test_format_fen(fen: int, text: str) -> None:
    assert format_fen(fen) == text


@pytest.mark.parametrize(
    ("fen", "currency", "text"),
    [
        (123_456, "CNY", "¥1,234.56"),
        (-123_456, "CNY", "−¥1,234.56"),
        (5, "EUR", "€0.05"),
        (5, "USD", "$0.05"),
        (-5, "CHF", "−0.05 CHF"),
        (100_000, "CHF", "1,000.00 CHF"),
    ],
)
def test_format_money_puts_sign_and_symbol_where_people_look(fen: int, currency: str, text: str) -> None:
    assert format_money(fen, currency) == text


@pytest.mark.parametrize(
    ("text", "fen"),
    [
        ("0", 0),
        ("1", 100),
        ("1.5", 150),
        ("1.05", 105),
        ("1234.50", 123_450),
        ("1,234.50", 123_450),
        ("1,234,567", 123_456_700),
        (" 12.34 ", 1_234),
        ("0001", 100),
        ("90071992547409.91", LARGEST_FEN),
    ],
)
def test_parse_fen(text: str, fen: int) -> None:
    assert parse_fen(text) == fen


NO_AMOUNTS = (
    *(
        "",
        " ",
        "1.",
        ".5",
        "1.234",
        "-1",
        "−1",
        "+1",
        "1e3",
        "1,23",
        "12,34.5",
        "1,,000",
        "1.2.3",
        "¥1",
        "0x10",
    ),
    *("1 000", "NaN", "inf", "1\n2", "1,0000"),
)


@pytest.mark.parametrize("text", NO_AMOUNTS)
def test_parse_fen_refuses_what_is_not_an_amount(text: str) -> None:
    with pytest.raises(AmountError) as caught:
        parse_fen(text)
    assert caught.value.code == "bad_amount"


@pytest.mark.parametrize("text", ["90071992547409.92", "1" * 40, "99,999,999,999,999.99"])
def test_parse_fen_refuses_more_than_this_ledger_can_hold(text: str) -> None:
    with pytest.raises(AmountError, match="larger than this ledger can hold"):
        parse_fen(text)


def test_parse_fen_takes_digits_of_other_scripts_for_no_amount() -> None:
    for text in ("१२", "１２", "一"):
        with pytest.raises(AmountError):
            parse_fen(text)


@settings(derandomize=True, max_examples=300)
@given(st.integers(0, LARGEST_FEN))
def test_parse_fen_reads_back_what_format_fen_writes(fen: int) -> None:
    assert parse_fen(format_fen(fen)) == fen
    assert parse_fen(format_fen(fen).replace(",", "")) == fen
