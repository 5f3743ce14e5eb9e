"""Filters of the journal."""

from django import forms
from django.utils.translation import gettext_lazy as _

KINDS = (
    ("", _("every kind")),
    ("award", _("award final")),
    ("period", _("period posted")),
    ("write_off", _("write-off")),
    ("recovery", _("written-off share paid after all")),
    ("settlement", _("settlement at the end of the pool")),
    ("bank_charge", _("bank charge")),
    ("waiting_refund", _("refund for illness in the wait")),
    ("investigation", _("cost of an investigation")),
    ("other_income", _("other income")),
    ("interest", _("interest")),
    ("opening", _("opening balance")),
    ("collection", _("shares collected")),
    ("top_up", _("wallets topped up")),
    ("wallets_opened", _("balances of before put into wallets")),
    ("unidentified", _("unidentified receipts")),
    ("identified", _("receipt identified")),
    ("chargeback", _("shares charged back")),
    ("debit_collected", _("debits collected, on the agent's word")),
    ("debit_returned", _("debits taken back, on the agent's word")),
    ("debits_settled", _("debits handed on by the agent")),
    ("debits_taken_back", _("debits taken back by the agent")),
    ("payment_released", _("payment released")),
    ("payment_confirmed", _("payments made")),
    ("payment_returned", _("payment returned")),
    ("payment_cancelled", _("payment cancelled")),
    ("refund_due", _("refund ordered")),
    ("refund_undone", _("refund cancelled")),
    ("bank_fee", _("bank charge, the operator's")),
    ("bank_debit", _("debit to explain")),
    ("reversal", _("reversal")),
)


class EntryFilter(forms.Form):
    """What to show of the journal; everything is optional and lives in the address."""

    kind = forms.ChoiceField(label=_("Kind"), choices=KINDS, required=False)
    since = forms.DateField(
        label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    until = forms.DateField(
        label=_("Until"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    text = forms.CharField(label=_("Text"), required=False, max_length=80)
    before = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)

    def clean(self) -> dict[str, object]:
        """Refuse a span that ends before it begins."""
        given = super().clean() or {}
        since, until = given.get("since"), given.get("until")
        if since and until and until < since:
            raise forms.ValidationError(_("The span ends before it begins."), code="empty_span")
        return given
