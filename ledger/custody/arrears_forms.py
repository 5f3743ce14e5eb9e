"""Forms of arrears: asking for a pause, for oneself or for a member, and the days that are proposed."""

from django import forms
from django.utils.translation import gettext_lazy as _

from ledger.custody.arrears_models import MAX_REASON
from ledger.custody.arrears_selectors import STATES
from ledger.custody.forms import KeyForm
from members.pools.arrears_terms import MAX_GRACE_DAYS


class PauseForm(KeyForm):
    """Why a member cannot pay now, in their words."""

    reason = forms.CharField(
        label=_("Why you cannot pay now"),
        help_text=_("In your words. No proof is needed, and no diagnosis: two people of the pool read it."),
        max_length=MAX_REASON,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class PauseForForm(KeyForm):
    """For whom a pause is asked, and why."""

    membership = forms.IntegerField(label=_("Membership number"), min_value=1, max_value=10**9 - 1)
    reason = forms.CharField(
        label=_("Why they cannot pay now"), max_length=MAX_REASON, widget=forms.Textarea(attrs={"rows": 2})
    )


class StateForm(forms.Form):
    """Which of the late members are listed; none chosen: all."""

    state = forms.ChoiceField(
        label=_("State"),
        choices=[("", _("all")), *((code, name) for code, name in STATES.items())],
        required=False,
    )


class DaysForm(KeyForm):
    """How many days are added to the grace."""

    days = forms.IntegerField(label=_("Days to add"), min_value=1, max_value=MAX_GRACE_DAYS)
