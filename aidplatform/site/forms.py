"""Forms of the site's own pages."""

from django import forms
from django.utils.translation import gettext_lazy as _


class MoveClockForm(forms.Form):
    """How many days the demonstration's clock moves on."""

    days = forms.IntegerField(
        label=_("Days"),
        min_value=1,
        max_value=366,
        initial=1,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )
