"""The QR code of a transfer: byte for byte what banks' programs read, else the facts line by line."""

import re
from dataclasses import replace

import pytest
import segno

from aidplatform.lib.qr import QUIET_ZONE, modules, qr_html
from ledger.custody.references import make_reference
from ledger.custody.transfer_codes import Transfer, transfer_code

REFERENCE = make_reference("harbor", "M", 7)
IN_EURO = Transfer("Mutual Aid e.V.", "DE89370400440532013000", "EUR", 12_305, REFERENCE)


def test_euro_to_an_iban_is_the_payload_of_the_guideline() -> None:
    assert transfer_code(IN_EURO) == (
        f"BCD\n002\n1\nSCT\n\nMutual Aid e.V.\nDE89370400440532013000\nEUR123.05\n\n{REFERENCE}"
    )


def test_payer_who_chooses_the_amount_finds_none() -> None:
    assert transfer_code(replace(IN_EURO, amount_fen=None)).split("\n")[7:] == ["", "", REFERENCE]


@pytest.mark.parametrize(
    ("fen", "written"), [(1, "EUR0.01"), (100, "EUR1.00"), (99_999_999_999, "EUR999999999.99")]
)
def test_amounts_have_a_point_and_two_decimals(fen: int, written: str) -> None:
    assert transfer_code(replace(IN_EURO, amount_fen=fen)).split("\n")[7] == written


@pytest.mark.parametrize("fen", [0, -1])
def test_nobody_transfers_nothing(fen: int) -> None:
    with pytest.raises(ValueError, match="nothing"):
        transfer_code(replace(IN_EURO, amount_fen=fen))


@pytest.mark.parametrize(
    ("change", "lines"),
    [
        ({"currency": "CNY"}, ["Mutual Aid e.V.", "DE89370400440532013000", "CNY 123.05", REFERENCE]),
        (
            {"account_number": "6222 0000 1234"},
            ["Mutual Aid e.V.", "6222 0000 1234", "EUR 123.05", REFERENCE],
        ),
        # One digit is wrong: its check digits do not fit, and no bank's program is told that it is an IBAN.
        (
            {"account_number": "DE89370400440532013001"},
            ["Mutual Aid e.V.", "DE89370400440532013001", "EUR 123.05", REFERENCE],
        ),
        ({"holder_name": "x" * 71}, ["x" * 71, "DE89370400440532013000", "EUR 123.05", REFERENCE]),
        (
            {"amount_fen": 100_000_000_000},
            ["Mutual Aid e.V.", "DE89370400440532013000", "EUR 1000000000.00", REFERENCE],
        ),
        ({"currency": "CNY", "amount_fen": None}, ["Mutual Aid e.V.", "DE89370400440532013000", REFERENCE]),
    ],
)
def test_otherwise_the_facts_line_by_line(change: dict[str, object], lines: list[str]) -> None:
    assert transfer_code(replace(IN_EURO, **change)).split("\n") == lines  # type: ignore[arg-type]


def test_name_cannot_add_a_line() -> None:
    """A line break in a name would move every field after it, and with them the account that is paid."""
    text = transfer_code(replace(IN_EURO, holder_name="Mutual\nAid\r\n  e.V. "))
    assert text.split("\n")[5:7] == ["Mutual Aid e.V.", "DE89370400440532013000"]
    assert len(text.split("\n")) == 10


def test_spaced_iban_is_written_without_spaces() -> None:
    spaced = replace(IN_EURO, account_number="DE89 3704 0044 0532 0130 00")
    assert transfer_code(spaced) == transfer_code(IN_EURO)


@pytest.mark.parametrize("name", ["Mutual Aid e.V.", "互助会资金托管专户", "é" * 70])
def test_symbol_is_what_an_independent_encoding_gives(name: str) -> None:
    """Level M, and no larger than version 13, as the guideline has it; Chinese is UTF-8."""
    text = transfer_code(replace(IN_EURO, holder_name=name))
    expected = segno.make(text.encode(), error="m", boost_error=False, micro=False)
    assert modules(text) == [[bool(module) for module in row] for row in expected.matrix]
    assert expected.error == "M"
    assert int(expected.version) <= 13


def test_drawing_holds_every_module_on_a_white_ground() -> None:
    drawn = qr_html("RF18 <&> 互助", 'a "label"')
    rows = modules("RF18 <&> 互助")
    side = len(rows) + 2 * QUIET_ZONE
    assert f'viewBox="0 0 {side} {side}"' in drawn
    assert '<rect width="100%" height="100%" fill="#fff"/>' in drawn
    assert "a &quot;label&quot;" in drawn
    assert "style" not in drawn
    dark = {
        (int(x) + step, int(y))
        for x, y, width in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\d+z", drawn)
        for step in range(int(width))
    }
    assert dark == {
        (x + QUIET_ZONE, y + QUIET_ZONE)
        for y, row in enumerate(rows)
        for x, module in enumerate(row)
        if module
    }
