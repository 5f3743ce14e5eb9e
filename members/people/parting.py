"""What a membership that ends still owes and gets back, in sentences: for the page before and the receipt after.

is_own: whether the membership is the reader's own; else that of a child whom they have added.
"""

from typing import Any

from django.utils.translation import gettext as _

from aidplatform.lib.dates import spoken_day
from aidplatform.lib.money import format_money


def parting_words(figures: dict[str, Any], *, is_own: bool = True) -> list[str]:
    """Return the sentences. figures: those of a receipt, in fen, with the currency."""
    currency = figures["currency"]
    said = [_open(figures["open_fen"], currency)]
    said += [coming_words(row, currency, is_own=is_own) for row in figures["coming"]]
    if figures["bears_run_off"]:
        said.append(
            _(
                "You share the run-off of this pool, whether you stay or leave: the notice of its end says how."
            )
            if is_own
            else _("They share the run-off of this pool, staying or not: the notice of its end says how.")
        )
    elif not figures["coming"]:
        said.append(
            _("No further period counts you: no other share comes.")
            if is_own
            else _("No further period counts them: no other share comes.")
        )
    if figures["wallet_fen"] is not None:
        said.append(_wallet(figures, currency, is_own))
    for one in figures.get("family", ()):
        said.append(_("With you leaves member %(number)s; of them:") % {"number": one["number"]})
        said += parting_words({**one, "currency": currency}, is_own=False)
    said += [
        staying_words(number, figures["adults_until"], is_asked=is_asked)
        for number, is_asked in figures.get("adults", ())
    ]
    return said


def staying_words(number: int, last: str, *, is_asked: bool) -> str:
    """Say what becomes of an adult for whom the leaver has paid. last: until when the leaver's transfers count."""
    names = {"number": number, "day": spoken_day(last)}
    if is_asked:
        return (
            _(
                "Member %(number)s is asked whether they leave too, and stays unless they do it themselves. Until"
                " %(day)s your transfers still count for them."
            )
            % names
        )
    return (
        _(
            "Member %(number)s stays. Until %(day)s your transfers still count for them; what is charged later they pay"
            " themselves, or somebody else does."
        )
        % names
    )


def _open(fen: int, currency: str) -> str:
    if not fen:
        return _("Every earlier share is paid.")
    return _("Of earlier shares %(amount)s are not paid yet and stay owed.") % {
        "amount": format_money(fen, currency)
    }


def coming_words(row: list[Any], currency: str, *, is_own: bool = True) -> str:
    """Say what is known of a share to come: [number of the period, its state, at most, cap (fen), end of publicity]."""
    number, state, fen, cap_fen, publicity_end = row
    names = {"number": number, "day": spoken_day(publicity_end)}
    if fen is None and cap_fen is not None:
        names["amount"] = format_money(cap_fen, currency)
        return (
            _(
                "Period %(number)s counts you; its cases are not public yet, so that its share is not known."
                " The rules let it be %(amount)s at most."
            )
            if is_own
            else _(
                "Period %(number)s counts them; its cases are not public yet, so that its share is not known."
                " The rules let it be %(amount)s at most."
            )
        ) % names
    if fen is None:
        return (
            _("Period %(number)s counts you; its cases are not public yet, so that its share is not known.")
            if is_own
            else _(
                "Period %(number)s counts them; its cases are not public yet, so that its share is not known."
            )
        ) % names
    names["amount"] = format_money(fen, currency)
    return _known(state, is_own) % names


def _known(state: str, is_own: bool) -> str:
    """Return the sentence of a share of which at least the most is known."""
    if state in {"approved", "posting"}:
        return (
            _("Period %(number)s charges you exactly %(amount)s.")
            if is_own
            else _("Period %(number)s charges them exactly %(amount)s.")
        )
    if state == "announced":
        return (
            _(
                "Period %(number)s counts you: at most %(amount)s, exact on %(day)s, when publicity of its cases ends."
            )
            if is_own
            else _(
                "Period %(number)s counts them: at most %(amount)s, exact on %(day)s, when publicity of its cases ends."
            )
        )
    return (
        _("Period %(number)s counts you: at most %(amount)s, exact as soon as its figures are approved.")
        if is_own
        else _(
            "Period %(number)s counts them: at most %(amount)s, exact as soon as its figures are approved."
        )
    )


def _wallet(figures: dict[str, Any], currency: str, is_own: bool) -> str:
    names = {
        "held": format_money(figures["wallet_fen"] - figures["free_fen"], currency),
        "free": format_money(figures["free_fen"], currency),
    }
    if figures["free_fen"] == figures["wallet_fen"]:
        said = (
            _("The %(free)s in your wallet are paid back: a treasurer orders it, a controller releases it.")
            if is_own
            else _(
                "The %(free)s in their wallet are paid back: a treasurer orders it, a controller releases it."
            )
        )
        return said % names
    said = (
        _(
            "Of your wallet %(free)s are paid back now: a treasurer orders it, a controller releases it. %(held)s are"
            " held until the share is charged, and what it leaves of them is paid back then."
        )
        if is_own
        else _(
            "Of their wallet %(free)s are paid back now: a treasurer orders it, a controller releases it. %(held)s are"
            " held until the share is charged, and what it leaves of them is paid back then."
        )
    )
    return said % names
