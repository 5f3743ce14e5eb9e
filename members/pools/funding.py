"""How members pay, as people read and write it: afterwards, or ahead from wallets."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from aidplatform.lib.fields import FenField
from aidplatform.lib.money import format_money
from members.pools.plan_terms import FundingTerms


class FundingForm(forms.Form):
    """How members pay: all of it for wallets, or none for paying afterwards."""

    join = FenField(label=gettext_lazy("To join, at least"), required=False)
    warn_below = FenField(label=gettext_lazy("Warned below"), required=False)
    top_up_days = forms.IntegerField(
        label=gettext_lazy("Days to top up"), min_value=1, max_value=366, required=False
    )

    def clean(self) -> dict[str, Any]:
        """Refuse half a wallet."""
        given = super().clean() or {}
        if any(value is not None for value in given.values()):
            for name, value in given.items():
                if value is None and name not in self.errors:
                    self.add_error(name, _("This belongs to it: write it, or leave the whole section empty."))
        return given

    def terms(self) -> dict[str, Any] | None:
        """Return the wallets as the terms have them; nothing given: none."""
        given = self.cleaned_data
        if given["join"] is None:
            return None
        return {
            "join_fen": given["join"],
            "warn_below_fen": given["warn_below"],
            "top_up_days": given["top_up_days"],
        }

    @staticmethod
    def entries(funding: FundingTerms | None) -> dict[str, Any]:
        """Return what is in the boxes under these terms."""
        told = funding.to_json() if funding else {}
        return {name.removesuffix("_fen"): value for name, value in told.items()}


def funding_words(funding: FundingTerms | None, currency: str) -> tuple[str, ...]:
    """Say whether members pay afterwards or ahead, and what follows from an empty wallet."""
    if funding is None:
        return (_("Afterwards: nobody pays anything before a period has been shared and announced."),)
    join = _(
        "Ahead, from a wallet that the pool holds for each member. A membership counts once %(amount)s has arrived."
    ) % {"amount": format_money(funding.join_fen, currency)}
    warned = (
        _("Below %(amount)s a member is told to top up.")
        % {"amount": format_money(funding.warn_below_fen, currency)}
        if funding.warn_below_fen
        else _("Nobody is warned before a wallet runs short.")
    )
    lapses = ngettext(
        "A wallet that runs short suspends the membership. A top-up to %(amount)s within %(days)s day restores it with"
        " the waiting time kept; after that it lapses.",
        "A wallet that runs short suspends the membership. A top-up to %(amount)s within %(days)s days restores it with"
        " the waiting time kept; after that it lapses.",
        funding.top_up_days,
    ) % {
        "days": funding.top_up_days,
        "amount": format_money(funding.restores_from_fen, currency),
    }
    return (
        join,
        warned,
        lapses,
        _("What a wallet lacks nobody owes: it is part of what the next period shares."),
        _("Whoever leaves is paid back what is left in the wallet."),
    )
