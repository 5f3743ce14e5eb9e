"""Forms of the operator's interests and of its income."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.fields import FenField, NameField
from ledger.books.forms import DayField
from ledger.custody import interests
from ledger.custody.forms import KeyForm
from ledger.custody.interest_models import OperatorInterest
from ledger.sharing.models import Period
from members.pools.models import Pool


class ZeroOrMoreField(FenField):
    """An amount of money that has to be said, also where it is nothing."""

    def clean(self, value: Any) -> Any:
        """Refuse silence and less than nothing; the text checks of a CharField do not apply to a figure."""
        fen = self.to_python(value)
        if fen is None or not 0 <= fen < 2**53:
            raise forms.ValidationError(_("Write an amount, 0 where there is none."), code="bad_amount")
        return fen


class InterestForm(KeyForm):
    """An interest for the register."""

    partner = NameField(
        label=_("With whom"), max_length=120, help_text=_("A company or body. No private people.")
    )
    kind = forms.ChoiceField(label=_("What it is"), choices=OperatorInterest.Kind)
    relation = NameField(
        label=_("In one sentence"),
        max_length=300,
        help_text=_("For example: pays 30.00 for each member sent."),
    )
    since_date = DayField(label=_("Since"))
    until_date = DayField(
        label=_("Until"),
        required=False,
        help_text=_("The first day on which it is over. Left empty: it goes on."),
    )
    replaces = forms.TypedChoiceField(
        label=_("In the place of"), required=False, coerce=int, empty_value=None
    )

    def __init__(self, *args: Any, pool: Pool, **options: Any) -> None:
        """Offer what stands in the pool's register to be replaced."""
        super().__init__(*args, **options)
        rows = [(one.number, f"{one.number} · {one.partner}") for one in interests.register(pool)]
        self.fields["replaces"].choices = [("", _("nothing")), *rows]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Refuse an interest that ends before it began."""
        given = super().clean() or {}
        since, until = given.get("since_date"), given.get("until_date")
        if since and until and until <= since:
            self.add_error("until_date", _("It ends after it began."))
        return given


class IncomeForm(KeyForm):
    """What the operator has had from referrals and sponsors in a period."""

    period = forms.ModelChoiceField(label=_("Period"), queryset=Period.objects.none(), to_field_name="number")
    referral = ZeroOrMoreField(label=_("From referrals"))
    sponsor = ZeroOrMoreField(
        label=_("From sponsors"),
        help_text=_("Without what the plan has a sponsor bear: that stands in the bill."),
    )
    note = NameField(label=_("Note"), max_length=300, required=False)

    def __init__(self, *args: Any, pool: Pool, **options: Any) -> None:
        """Offer the posted periods of the pool."""
        super().__init__(*args, **options)
        posted = Period.objects.filter(pool=pool, state=Period.State.POSTED).order_by("-number")
        self.fields["period"].queryset = posted  # type: ignore[attr-defined]
        self.fields["period"].label_from_instance = lambda one: str(one.number)  # type: ignore[attr-defined]
