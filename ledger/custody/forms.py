"""Forms of custody. Each that moves money carries a key, so that a double click moves it once."""

from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.fields import FenField, NameField
from ledger.custody.write_off_models import WriteOff
from ledger.sharing.payees import Payee

LARGEST_FILE = 64 * 1024 * 1024
ACCOUNT = RegexValidator(
    r"^[0-9A-Za-z][0-9A-Za-z \-]{3,40}$", _("Write the account number as the bank does: digits and letters.")
)


class AmountField(FenField):
    """An amount of money that is more than none."""

    def clean(self, value: Any) -> Any:
        """Refuse nothing and zero; the text checks of a CharField do not apply to a figure."""
        fen = self.to_python(value)
        if fen is None or fen <= 0:
            raise forms.ValidationError(_("Write an amount above zero."), code="bad_amount")
        return fen


class KeyForm(forms.Form):
    """A deed that needs no more than its key."""

    key = forms.UUIDField(widget=forms.HiddenInput)


class AccountForm(KeyForm):
    """The pool's custody account."""

    bank_name = NameField(label=_("Bank"), max_length=80)
    holder_name = NameField(label=_("Account holder"), max_length=80)
    number = forms.CharField(label=_("Account number"), max_length=42, validators=[ACCOUNT])


class UploadForm(forms.Form):
    """A bank statement as a file."""

    file = forms.FileField(
        label=_("Statement file"), help_text=_("camt.053 (XML), MT940 or CSV, one statement")
    )

    def clean_file(self) -> Any:
        """Refuse a file that is larger than any statement that can be taken."""
        file = self.cleaned_data["file"]
        if file.size > LARGEST_FILE:
            raise forms.ValidationError(_("The file is too large for one statement."), code="too_large")
        return file


class IdentifyForm(KeyForm):
    """Whose money a receipt is."""

    membership = forms.IntegerField(label=_("Membership number"), min_value=1, max_value=10**9 - 1)


class WriteOffForm(KeyForm):
    """Whose unpaid shares nobody can collect, up to which period, and why."""

    membership = forms.IntegerField(label=_("Membership number"), min_value=1, max_value=10**9 - 1)
    upto_period_no = forms.IntegerField(
        label=_("Shares up to period"),
        min_value=1,
        max_value=10**6,
        help_text=_("Shares of later periods stay owed."),
    )
    reason = forms.ChoiceField(label=_("Why"), choices=WriteOff.Reason)
    reminders = forms.IntegerField(
        label=_("Reminders sent"),
        min_value=0,
        max_value=99,
        required=False,
        help_text=_("One at least where members have not paid after reminders."),
    )

    def clean(self) -> dict[str, Any]:
        """Refuse to give somebody up who was never reminded. Raises: ValidationError."""
        given = super().clean() or {}
        if given.get("reason") == WriteOff.Reason.UNCOLLECTABLE and not given.get("reminders"):
            self.add_error("reminders", _("Say how often the member was reminded."))
        return given


class PayeeForm(KeyForm):
    """To whom an order pays, and how much."""

    amount = AmountField(label=_("Amount"), max_length=24)
    payee_name = forms.CharField(label=_("Payee"), max_length=80)
    payee_account = forms.CharField(label=_("Payee's account"), max_length=42, validators=[ACCOUNT])


class AidForm(PayeeForm):
    """An order of aid: where the award names whom it is paid to, nobody types it again."""

    def __init__(self, *args: Any, named: Payee | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if named is not None:
            del self.fields["payee_name"], self.fields["payee_account"]


class LimitsForm(KeyForm):
    """Limits of releases; what is left empty has no limit."""

    daily = FenField(
        label=_("All releases of a day together"),
        required=False,
        help_text=_("Left empty: no limit a day."),
    )
    step_up = FenField(
        label=_("A second factor once more above"),
        required=False,
        help_text=_("Left empty: it is not asked for again. 0: it is asked for at every release."),
    )

    def clean_daily(self) -> int | None:
        """Refuse a limit of nothing, which no payment could pass. Raises: ValidationError."""
        fen: int | None = self.cleaned_data["daily"]
        if fen is not None and fen <= 0:
            raise forms.ValidationError(_("Write an amount above zero."), code="bad_amount")
        return fen


class ReleaseForm(KeyForm):
    """A release: the hash of what is on the releaser's screen."""

    shown_sha256 = forms.CharField(
        widget=forms.HiddenInput, validators=[RegexValidator(r"^[0-9a-f]{64}$")], max_length=64
    )
