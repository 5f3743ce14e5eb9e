"""Money is an integer number of minor units (fen); this file only writes and reads it for people."""

import re

from django.utils.translation import gettext as _

from aidplatform.lib.errors import DomainError

SYMBOLS = {"CNY": "¥", "EUR": "€", "USD": "$", "GBP": "£"}
LARGEST_FEN = 2**53 - 1
_AMOUNT = re.compile(r"(?P<whole>\d{1,3}(,\d{3})+|\d+)(\.(?P<cents>\d{1,2}))?", re.ASCII)


class AmountError(DomainError):
    """The text is not an amount of money."""

    code = "bad_amount"


def format_fen(fen: int) -> str:
    """Return 1,234.56 for 123456 fen, with a minus sign (U+2212) for negative amounts."""
    whole, cents = divmod(abs(fen), 100)
    return f"{'−' if fen < 0 else ''}{whole:,}.{cents:02d}"


def format_money(fen: int, currency: str) -> str:
    """Return ¥1,234.56; a currency without a symbol of its own stands behind the figure."""
    symbol = SYMBOLS.get(currency)
    text = format_fen(fen)
    if symbol is None:
        return f"{text} {currency}"
    return f"−{symbol}{text[1:]}" if fen < 0 else f"{symbol}{text}"


def parse_fen(text: str) -> int:
    """Read 1234.5 or 1,234.50 as fen.

    Raises: AmountError for anything else, more than two decimals, or 2^53 fen and more.
    """
    match = _AMOUNT.fullmatch(text.strip())
    if match is None:
        raise AmountError(_("“%(text)s” is not an amount. Write it like 1,234.50.") % {"text": text[:40]})
    whole = match["whole"].replace(",", "").lstrip("0") or "0"
    # Python itself refuses to read thousands of digits.
    fen = int(whole[:20]) * 100 + int((match["cents"] or "0").ljust(2, "0"))
    if len(whole) > 20 or fen > LARGEST_FEN:
        raise AmountError(_("%(text)s is larger than this ledger can hold.") % {"text": text[:40]})
    return fen
