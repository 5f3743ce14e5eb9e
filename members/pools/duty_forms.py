"""The forms by which duties change."""

from django import forms
from django.utils.translation import gettext_lazy as _

from members.pools.duty_models import LONGEST_REASON
from members.pools.models import DutyGrant


class ReasonForm(forms.Form):
    """Why; whom it concerns is told."""

    reason = forms.CharField(
        label=_("Reason"), max_length=LONGEST_REASON, help_text=_("Whom it concerns is told this.")
    )


class ProposeDutyForm(ReasonForm):
    """Who is to hold which duty."""

    duty = forms.ChoiceField(label=_("Duty"), choices=DutyGrant.Duty.choices)
    person = forms.CharField(
        label=_("Code of the person"),
        max_length=40,
        help_text=_("Such as P-ABCDEFGHJK. It stands on their page “My data”; they tell you."),
    )
    field_order = ("duty", "person", "reason")
