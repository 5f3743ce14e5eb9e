"""Debits from an account, as people read and write them."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from aidplatform.lib.fields import NameField
from members.pools.debit_terms import MAX_CREDITOR_ID, MAX_NOTICE_DAYS, MAX_REFUND_DAYS, DebitTerms

_SCHEMES = (
    ("", gettext_lazy("No debits: members transfer")),
    ("sepa", gettext_lazy("SEPA: in euro, from an IBAN")),
    ("card", gettext_lazy("From a Chinese bank card")),
)


class DebitForm(forms.Form):
    """By which scheme shares can be debited, or none."""

    scheme = forms.ChoiceField(label=gettext_lazy("Debit scheme"), choices=_SCHEMES, required=False)
    creditor_id = NameField(
        label=gettext_lazy("Creditor identifier"),
        help_text=gettext_lazy(
            "SEPA: such as DE98ZZZ09999999999. Card: number of the agreement with the bank."
        ),
        max_length=MAX_CREDITOR_ID,
        required=False,
    )
    first_notice_days = forms.IntegerField(
        label=gettext_lazy("Days of notice, first debit"),
        min_value=1,
        max_value=MAX_NOTICE_DAYS,
        required=False,
    )
    later_notice_days = forms.IntegerField(
        label=gettext_lazy("Days of notice, later debits"),
        min_value=1,
        max_value=MAX_NOTICE_DAYS,
        required=False,
    )
    refund_days = forms.IntegerField(
        label=gettext_lazy("Days in which a debit can be taken back"),
        min_value=0,
        max_value=MAX_REFUND_DAYS,
        required=False,
    )

    def clean(self) -> dict[str, Any]:
        """Refuse a scheme without what makes it whole."""
        given = super().clean() or {}
        if any(given.values()):
            for name in ("scheme", "creditor_id", "first_notice_days", "later_notice_days"):
                if not given.get(name) and name not in self.errors:
                    self.add_error(name, _("This belongs to it: write it, or leave the whole section empty."))
        return given

    def terms(self) -> dict[str, Any] | None:
        """Return the section as the terms have it; no scheme: none."""
        given = self.cleaned_data
        return given | {"refund_days": given["refund_days"] or 0} if given["scheme"] else None

    @staticmethod
    def entries(debit: DebitTerms | None) -> dict[str, Any]:
        """Return what is in the boxes under these terms."""
        return debit.to_json() if debit else {}


def scheme_words(scheme: str) -> str:
    """Say from what is debited."""
    return {"sepa": _("SEPA direct debit, from an IBAN"), "card": _("debit from a Chinese bank card")}[scheme]


def debit_words(debit: DebitTerms | None) -> tuple[str, ...]:
    """Say whether members may let their shares be debited, with which notice, and how they take it back."""
    if debit is None:
        return (_("Nothing is debited: members transfer."),)
    offered = _(
        "Whoever wants to gives a mandate: %(scheme)s, creditor %(creditor)s. It is revoked at any time."
    ) % {
        "scheme": scheme_words(debit.scheme),
        "creditor": debit.creditor_id,
    }
    announced = _(
        "A debit is announced before it is taken: the first one %(first)s days ahead, every later one %(later)s. Where"
        " that is later than the charge day, it comes later."
    ) % {"first": debit.first_notice_days, "later": debit.later_notice_days}
    back = (
        ngettext(
            "For %(days)s day after it the payer can have their bank take it back without a reason.",
            "For %(days)s days after it the payer can have their bank take it back without a reason.",
            debit.refund_days,
        )
        % {"days": debit.refund_days}
        if debit.refund_days
        else _("The bank takes it back where it was not covered by the mandate.")
    )
    return (offered, announced, back)
