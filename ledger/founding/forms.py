"""Forms of a pool's beginning."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.fields import FenField, NameField, zone_choices
from aidplatform.lib.money import SYMBOLS
from members.pools.models import DutyGrant


class FoundForm(forms.Form):
    """What a new pool is called and counts in; fixed from its first day."""

    name_en = NameField(label=_("Name in English"), max_length=80)
    name_zh = NameField(label=_("Name in Chinese"), max_length=80)
    code = forms.SlugField(
        label=_("Short name in addresses"),
        max_length=40,
        help_text=_("Lower case letters, digits and hyphens. It cannot be changed later."),
    )
    currency = forms.ChoiceField(
        label=_("Currency"), choices=[(code, f"{code} {symbol}") for code, symbol in SYMBOLS.items()]
    )
    time_zone = forms.ChoiceField(
        label=_("Time zone"),
        initial="Asia/Shanghai",
        help_text=_("A day of the pool begins at 00:00 there."),
    )
    expected_members = forms.IntegerField(
        label=_("Members you expect"),
        min_value=1,
        max_value=1_000_000_000,
        help_text=_("How charges are stored follows from this first number for good: rather too many."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["time_zone"].choices = zone_choices()  # type: ignore[attr-defined]

    def clean_code(self) -> str:
        """Return the code in lower case. Raises: ValidationError for one that addresses need themselves."""
        code = str(self.cleaned_data["code"]).lower()
        if code in RESERVED:
            raise forms.ValidationError(_("This word is used by the site itself. Choose another."))
        return code


# Parts of addresses that stand where a pool's code would.
RESERVED = frozenset({"found"})


class InviteForm(forms.Form):
    """Whom to ask for which duty."""

    duty = forms.ChoiceField(label=_("Duty"), choices=DutyGrant.Duty)
    email = forms.EmailField(label=_("E-mail address"), max_length=254)


class OpeningForm(forms.Form):
    """What a pool that moves in brings along; what its members owe is what the approved imports say."""

    custody = FenField(
        label=_("Money in the custody account"),
        required=False,
        help_text=_("What the first bank statement begins with."),
    )
    carried_surplus = FenField(
        label=_("Carried surplus"),
        required=False,
        help_text=_("The members' money that lowers the next bill."),
    )
    reserve = FenField(label=_("Reserve fund"), required=False)
    proof = NameField(
        label=_("Where the old books show it"),
        max_length=200,
        help_text=_("Such as “cash book 2025, page 31”. It stands in the journal, which members can read."),
    )


class ApproveOpeningForm(forms.Form):
    """An approval, naming the hash of what was shown."""

    shown_sha256 = forms.CharField(min_length=64, max_length=64, widget=forms.HiddenInput)
