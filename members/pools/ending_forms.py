"""The form of the floor that ends a pool."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from members.pools.plan_terms import DEFAULT_NOTICE_DAYS, MAX_DAYS


class FloorForm(forms.Form):
    """Below how many members the pool ends, and with how many days' notice; no number: no floor."""

    members = forms.IntegerField(label=_("Members below which it ends"), min_value=1, required=False)
    notice_days = forms.IntegerField(
        label=_("Days of notice before cover ends"), min_value=1, max_value=MAX_DAYS, required=False
    )

    def terms(self) -> dict[str, Any] | None:
        """Return the floor as the terms have it; no number of members: none."""
        given = self.cleaned_data
        if given["members"] is None:
            return None
        return {"members": given["members"], "notice_days": given["notice_days"] or DEFAULT_NOTICE_DAYS}
