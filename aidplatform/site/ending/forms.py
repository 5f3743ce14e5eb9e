"""The form with which an admin proposes to end a pool."""

from django import forms
from django.utils.translation import gettext_lazy as _


class EndForm(forms.Form):
    """Why, and until when members stay covered."""

    reason = forms.CharField(
        label=_("Why"),
        help_text=_("Every member reads this sentence."),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    cover_end_date = forms.DateField(
        label=_("Cover ends at 00:00 of"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
