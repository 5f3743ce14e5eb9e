"""Filters of the books, which live in the address."""

from typing import Any

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
    ("sponsor_paid", _("what a sponsor or the operator owed, paid")),
    ("interest", _("interest")),
    ("opening", _("opening balance")),
    ("collection", _("shares collected")),
    ("top_up", _("wallets topped up")),
    ("wallets_opened", _("balances of before put into wallets")),
    ("unidentified", _("unidentified receipts")),
    ("identified", _("receipt identified")),
    ("match_undone", _("wrong match undone")),
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


class DayField(forms.DateField):
    """A day, chosen by the browser's own means; its value is written as ISO 8601 in every language."""

    def __init__(self, **options: Any) -> None:
        """Take what every field takes."""
        widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
        super().__init__(widget=widget, **options)


class SpanForm(forms.Form):
    """The days [since, until]."""

    since = DayField(label=_("From"))
    until = DayField(label=_("Until"))

    def clean(self) -> dict[str, object]:
        """Refuse a span that ends before it begins."""
        given = super().clean() or {}
        since, until = given.get("since"), given.get("until")
        if since and until and until < since:
            raise forms.ValidationError(_("The span ends before it begins."), code="empty_span")
        return given


class DayForm(forms.Form):
    """The day at whose end balances are shown; none: now."""

    on = DayField(label=_("At the end of"), required=False)


class EntryFilter(SpanForm):
    """What to show of the journal; everything is optional and lives in the address."""

    kind = forms.ChoiceField(label=_("Kind"), choices=KINDS, required=False)
    since = DayField(label=_("From"), required=False)
    until = DayField(label=_("Until"), required=False)
    text = forms.CharField(label=_("Text"), required=False, max_length=80)
    before = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)
