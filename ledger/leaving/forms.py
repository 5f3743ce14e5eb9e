"""Forms of leaving."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.fields import NameField
from ledger.custody.forms import KeyForm
from members.joining.end_models import REPORTED, MembershipEnd


class LeaveForm(forms.Form):
    """That somebody leaves as it was shown; the key makes a second click the same deed."""

    key = forms.UUIDField(widget=forms.HiddenInput)
    shown_sha256 = forms.RegexField(r"^[0-9a-f]{64}$", widget=forms.HiddenInput)
    children = forms.TypedMultipleChoiceField(label=_("Who leaves with you"), required=False, coerce=int)
    asked = forms.TypedMultipleChoiceField(label=_("Whom you ask to leave too"), required=False, coerce=int)

    def __init__(
        self, *args: Any, children: Sequence[int] = (), adults: Sequence[int] = (), **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        for name, numbers in (("children", children), ("asked", adults)):
            self.fields[name].choices = [(number, str(number)) for number in numbers]  # type: ignore[attr-defined]


class ReportForm(KeyForm):
    """Whose membership ends, why, and what shows it."""

    membership = forms.IntegerField(label=_("Membership number"), min_value=1, max_value=10**9 - 1)
    reason = forms.ChoiceField(label=_("Why"), choices=REPORTED)
    event_date = forms.DateField(
        label=_("Day of the death"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    reference = NameField(
        label=_("Proof or clause"),
        max_length=200,
        help_text=_(
            "Of a death the paper, with who issued it and its number. Of a removal the clause of the covenant."
        ),
    )
    statement = forms.CharField(
        label=_("What the member did"),
        help_text=_("Only for a removal. The member reads this sentence."),
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def clean(self) -> dict[str, Any]:
        """Demand the day of a death, and what a removal rests on. Raises: ValidationError."""
        given = super().clean() or {}
        is_death = given.get("reason") == MembershipEnd.Reason.DECEASED
        if is_death and not given.get("event_date") and "event_date" not in self.errors:
            self.add_error("event_date", _("Say on which day the member died."))
        if not is_death:
            given["event_date"] = None
            if not given.get("statement"):
                self.add_error("statement", _("Say what the member did."))
        return given
