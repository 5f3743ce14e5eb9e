"""Forms of leaving."""

from django import forms


class LeaveForm(forms.Form):
    """That somebody leaves as it was shown; the key makes a second click the same deed."""

    key = forms.UUIDField(widget=forms.HiddenInput)
    shown_sha256 = forms.RegexField(r"^[0-9a-f]{64}$", widget=forms.HiddenInput)
