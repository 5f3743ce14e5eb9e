"""Forms of a period's staff."""

from django import forms
from django.core.validators import RegexValidator


class ApproveForm(forms.Form):
    """An approval: the hash of the figures on the approver's screen, and a key that makes a double click one."""

    shown_sha256 = forms.CharField(
        widget=forms.HiddenInput, validators=[RegexValidator(r"^[0-9a-f]{64}$")], max_length=64
    )
    key = forms.UUIDField(widget=forms.HiddenInput)


class CancelPostingForm(forms.Form):
    """A cancellation: a key that makes a double click one."""

    key = forms.UUIDField(widget=forms.HiddenInput)
