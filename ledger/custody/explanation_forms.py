"""The form in which a treasurer says what a debit was."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.dates import format_day
from aidplatform.lib.fields import NameField
from ledger.custody.explanation_models import DebitExplanation
from ledger.custody.explanations import Papers
from ledger.custody.forms import KeyForm

Cause = DebitExplanation.Cause


class ExplanationForm(KeyForm):
    """What a debit was: one choice, which names the payment or the receipt it rests on, and how it was found out."""

    what = forms.ChoiceField(label=_("What it was"), widget=forms.RadioSelect)
    note = NameField(
        label=_("How you found out"),
        max_length=300,
        help_text=_("For example: the bank confirmed by telephone, call of 3 March. No names of members."),
    )

    def __init__(self, *args: Any, papers: Papers, **options: Any) -> None:
        """Offer what fits the amount of the debit."""
        super().__init__(*args, **options)
        self.rests_on: dict[str, dict[str, Any]] = {}
        choices: list[tuple[str, Any]] = []
        for order in papers.orders:
            value = f"{Cause.PAYMENT}:{order.number}"
            self.rests_on[value] = {"cause": Cause.PAYMENT, "order": order}
            told = {"number": order.number, "account": order.payee_hint, "kind": order.get_kind_display()}
            choices.append((value, _("payment %(number)s: %(kind)s, to %(account)s") % told))
        for receipt in papers.receipts:
            value = f"{Cause.GIVEN_BACK}:{receipt.code}"
            self.rests_on[value] = {"cause": Cause.GIVEN_BACK, "receipt": receipt}
            told = {"receipt": receipt.code, "day": format_day(receipt.booking_date)}
            choices.append((value, _("a mistake, which came back on %(day)s as receipt %(receipt)s") % told))
        for cause in (Cause.BANK_FEE, Cause.OPERATOR):
            self.rests_on[cause.value] = {"cause": cause}
            choices.append((cause.value, cause.label))
        self.fields["what"].choices = choices  # type: ignore[attr-defined]

    @property
    def found(self) -> dict[str, Any]:
        """Return what was chosen as the service takes it: cause, and order or receipt."""
        return self.rests_on[self.cleaned_data["what"]]
