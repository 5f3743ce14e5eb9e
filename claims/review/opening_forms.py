"""The form in front of every paper: what it is opened for."""

from django import forms
from django.utils.translation import gettext_lazy as _

from claims.review.opening_models import Purpose


class OpeningForm(forms.Form):
    """What a paper is opened for; the claimant reads it."""

    purpose = forms.ChoiceField(label=_("What you look for"), choices=[("", "–"), *Purpose.choices])
    note = forms.CharField(
        label=_("In your own words"),
        required=False,
        max_length=300,
        help_text=_("Needed for “something else”. The claimant reads this; nobody else does."),
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    key = forms.UUIDField(widget=forms.HiddenInput)
