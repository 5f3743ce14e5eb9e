"""Forms of investigations: the order, the report, the claimant's answer."""

from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.fields import FenField, NameField
from claims.filing.models import LARGEST_PAPER
from claims.filing.papers import refuse

_TEXT = {"rows": 4}


class OrderForm(forms.Form):
    """What somebody from outside is asked, why, who it is, and what it may cost."""

    question = forms.CharField(
        label=_("What is to be found out"),
        max_length=1000,
        widget=forms.Textarea(attrs=_TEXT),
        help_text=_("The investigator and the claimant read this."),
    )
    reason = forms.CharField(
        label=_("Why the papers do not answer it"),
        max_length=1000,
        widget=forms.Textarea(attrs=_TEXT),
        help_text=_("The claimant reads this. A signal alone is no reason: say what is open."),
    )
    name = NameField(
        label=_("Who is asked"),
        max_length=80,
        help_text=_("Somebody who knows neither the claimant nor the people of this pool."),
    )
    most = FenField(label=_("It may cost at most"))
    key = forms.UUIDField(widget=forms.HiddenInput)


class FindingForm(forms.Form):
    """A photograph or a PDF that belongs to the report."""

    file = forms.FileField(
        label=_("Photograph or PDF"),
        allow_empty_file=True,
        widget=forms.ClearableFileInput(attrs={"accept": "image/jpeg,image/png,application/pdf"}),
    )

    def clean_file(self) -> Any:
        """Refuse what is too large before it is read."""
        file = self.cleaned_data["file"]
        if (file.size or 0) > LARGEST_PAPER:
            raise forms.ValidationError(str(refuse("too_large")))
        return file


class ReportForm(forms.Form):
    """What was found, and what it has cost."""

    text = forms.CharField(
        label=_("What you have found"),
        max_length=8000,
        widget=forms.Textarea(attrs={"rows": 10}),
        help_text=_(
            "The reviewers and the claimant read it. Say what you saw, and what you were told by whom."
        ),
    )
    bill = FenField(label=_("What it has cost"), help_text=_("At most what was agreed; 0 where it is free."))
    payee_name = NameField(label=_("Paid to"), max_length=80, required=False)
    payee_account = forms.CharField(
        label=_("Account number"),
        max_length=42,
        required=False,
        validators=[RegexValidator(r"^[0-9A-Za-z \-]{5,42}$")],
    )
    key = forms.UUIDField(widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        """Ask for the account where something is to be paid."""
        given = super().clean() or {}
        if given.get("bill"):
            for name in ("payee_name", "payee_account"):
                if not given.get(name) and name not in self.errors:
                    self.add_error(name, _("Say to whom it is paid: a name and an account."))
        return given


class FindingsAnswerForm(forms.Form):
    """What the claimant says to the findings; empty: nothing."""

    text = forms.CharField(
        label=_("Your answer"),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text=_("The reviewers read it before they recommend. Empty: you have nothing to say to it."),
    )
    key = forms.UUIDField(widget=forms.HiddenInput)
