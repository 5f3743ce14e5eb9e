"""The forms of how a pool ends: the floor that ends it, and the run-off after it."""

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.fields import FenField, NameField
from members.pools.plan_terms import DEFAULT_NOTICE_DAYS, MAX_DAYS, MAX_NAME


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


class WindDownForm(forms.Form):
    """How the pool ends: all of it, or none while it is a draft."""

    payer = NameField(label=_("Who pays what members do not"), max_length=MAX_NAME, required=False)
    run_off_days = forms.IntegerField(
        label=_("Cases are taken for, days"), min_value=0, max_value=3650, required=False
    )
    run_off_cap = FenField(label=_("Most for a member"), required=False)
    past_shares_back = forms.BooleanField(label=_("Past shares are given back"), required=False)

    def clean(self) -> dict[str, Any]:
        """Refuse half an ending."""
        given = super().clean() or {}
        # By identity: no days is an entry, an empty box is none.
        if any(value is not None and value != "" and value is not False for value in given.values()):
            require(self, given, ("payer", "run_off_days"))
        return given

    def terms(self) -> dict[str, Any] | None:
        """Return the ending as the terms have it; nothing given: none."""
        given = dict(self.cleaned_data)
        if not given["payer"]:
            return None
        cap_fen = given.pop("run_off_cap")
        return given | {"run_off_cap_fen": cap_fen}


def require(form: forms.Form, given: Mapping[str, Any], names: Iterable[str]) -> None:
    """Refuse a section of which only some of these entries are given."""
    for name in names:
        if given.get(name) in (None, "") and name not in form.errors:
            form.add_error(name, _("This belongs to it: write it, or leave the whole section empty."))
