"""What the QR code beside an account says, so that nobody types a transfer by hand. Pure.

In euro to an IBAN: the payload that banks' programs read, version 002, in UTF-8. Otherwise the same facts line by line,
to be copied. Source: EPC069-12, Quick response code: guidelines to enable data capture for the initiation of a SEPA
credit transfer.
"""

import re
from dataclasses import dataclass

from stdnum import iban

# Limits of EPC069-12.
LONGEST_NAME = 70
LARGEST_FEN = 99_999_999_999


@dataclass(frozen=True)
class Transfer:
    """A transfer to be made. amount_fen: None where the payer chooses."""

    holder_name: str
    account_number: str
    currency: str
    amount_fen: int | None
    reference: str


def transfer_code(transfer: Transfer) -> str:
    """Return the text of the QR code.

    Raises: ValueError for an amount that is not above zero.
    """
    if transfer.amount_fen is not None and transfer.amount_fen <= 0:
        raise ValueError("nobody transfers nothing")
    return _payload(transfer) if _is_for_banks(transfer) else _lines(transfer)


def _is_for_banks(transfer: Transfer) -> bool:
    """Tell whether EPC069-12 has room for the transfer: a name that was cut would not be the holder's."""
    return (
        transfer.currency == "EUR"
        and iban.is_valid(transfer.account_number)
        and len(_one_line(transfer.holder_name)) <= LONGEST_NAME
        and (transfer.amount_fen or 0) <= LARGEST_FEN
    )


def _payload(transfer: Transfer) -> str:
    amount = "" if transfer.amount_fen is None else f"EUR{_plain(transfer.amount_fen)}"
    return "\n".join(
        (
            "BCD",
            "002",
            "1",
            "SCT",
            "",  # BIC: since version 002 the IBAN is enough
            _one_line(transfer.holder_name),
            iban.compact(transfer.account_number),
            amount,
            "",  # purpose
            transfer.reference,
        )
    )


def _lines(transfer: Transfer) -> str:
    amount = [] if transfer.amount_fen is None else [f"{transfer.currency} {_plain(transfer.amount_fen)}"]
    return "\n".join(
        (_one_line(transfer.holder_name), _one_line(transfer.account_number), *amount, transfer.reference)
    )


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _plain(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"
