"""What somebody who leaves still owes and gets back, in sentences: for the page before and the receipt after."""

from typing import Any

from django.utils.translation import gettext as _

from aidplatform.lib.money import format_money


def parting_words(figures: dict[str, Any]) -> list[str]:
    """Return the sentences. figures: those of a receipt, in fen, with the currency."""
    currency = figures["currency"]
    said = [_open(figures["open_fen"], currency)]
    said += [coming_words(row, currency) for row in figures["coming"]]
    if figures["bears_run_off"]:
        said.append(
            _(
                "You share the run-off of this pool, whether you stay or leave: the notice of its end says how."
            )
        )
    elif not figures["coming"]:
        said.append(_("No further period counts you: no other share comes."))
    if figures["wallet_fen"] is not None:
        said.append(_wallet(figures, currency))
    for one in figures.get("family", ()):
        said.append(_("With you leaves member %(number)s; of them:") % {"number": one["number"]})
        said += parting_words({**one, "currency": currency})
    return said


def _open(fen: int, currency: str) -> str:
    if not fen:
        return _("Every earlier share is paid.")
    return _("Of earlier shares %(amount)s are not paid yet and stay owed.") % {
        "amount": format_money(fen, currency)
    }


def coming_words(row: list[Any], currency: str) -> str:
    """Say what is known of a share to come: [number of the period, its state, at most, cap (fen), end of publicity]."""
    number, state, fen, cap_fen, publicity_end = row
    names = {"number": number, "day": publicity_end}
    if fen is None and cap_fen is not None:
        return _(
            "Period %(number)s counts you; its cases are not public yet, so that its share is not known."
            " The rules let it be %(amount)s at most."
        ) % {**names, "amount": format_money(cap_fen, currency)}
    if fen is None:
        return (
            _("Period %(number)s counts you; its cases are not public yet, so that its share is not known.")
            % names
        )
    names["amount"] = format_money(fen, currency)
    if state in {"approved", "posting"}:
        return _("Period %(number)s charges you exactly %(amount)s.") % names
    if state == "announced":
        return (
            _(
                "Period %(number)s counts you: at most %(amount)s, exact on %(day)s, when publicity of its cases ends."
            )
            % names
        )
    return (
        _("Period %(number)s counts you: at most %(amount)s, exact as soon as its figures are approved.")
        % names
    )


def _wallet(figures: dict[str, Any], currency: str) -> str:
    names = {
        "held": format_money(figures["wallet_fen"] - figures["free_fen"], currency),
        "free": format_money(figures["free_fen"], currency),
    }
    if figures["free_fen"] == figures["wallet_fen"]:
        return _(
            "The %(free)s in your wallet are paid back: a treasurer orders it, a controller releases it."
        ) % (names)
    return (
        _(
            "Of your wallet %(free)s are paid back now: a treasurer orders it, a controller releases it. %(held)s are"
            " held until the share is charged, and what it leaves of them is paid back then."
        )
        % names
    )
