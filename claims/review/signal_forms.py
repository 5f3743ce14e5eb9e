"""Forms about signals: what the papers say, and what came of a signal."""

import datetime as dt
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from claims.filing.words import KINDS
from claims.review.readings import Reading
from claims.review.signal_models import SignalMark

_DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class ReadingForm(forms.Form):
    """What the papers say; a day of issue for each kind of paper that the claim holds. Everything may be left out."""

    symptom_date = forms.DateField(
        label=_("First sign or examination"),
        required=False,
        widget=_DAY,
        help_text=_("As the papers date it."),
    )
    diagnosis_date = forms.DateField(label=_("Day of the diagnosis"), required=False, widget=_DAY)
    hospital = forms.CharField(label=_("Hospital"), required=False, max_length=80)
    doctor = forms.CharField(label=_("Doctor who signed"), required=False, max_length=80)
    report_no = forms.CharField(label=_("Number of the report"), required=False, max_length=60)
    has_earlier_illness = forms.BooleanField(
        label=_("The papers name an illness or a treatment from before the member joined"), required=False
    )

    def __init__(self, *args: Any, kinds: list[str], today: dt.date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._kinds, self._today = kinds, today
        for kind in kinds:
            self.fields[f"issued_{kind}"] = forms.DateField(
                label=_("Day of issue: %(paper)s") % {"paper": KINDS[kind]}, required=False, widget=_DAY
            )

    def clean(self) -> dict[str, Any]:
        """Refuse days that no paper can bear: it was in our hands today."""
        told = super().clean() or {}
        for name, value in list(told.items()):
            if isinstance(value, dt.date) and not dt.date(1900, 1, 1) <= value <= self._today:
                self.add_error(
                    name, _("This day lies in the future, or before 1900. Look at the paper again.")
                )
        return told

    def reading(self) -> Reading:
        """Return what was told."""
        told = dict(self.cleaned_data)
        days = {kind: told.pop(f"issued_{kind}") for kind in self._kinds}
        return Reading(**told, issued=tuple((kind, day) for kind, day in days.items() if day))

    @staticmethod
    def initial_of(reading: Reading) -> dict[str, Any]:
        """Return what the form shows of an earlier reading."""
        return {**reading.__dict__, **{f"issued_{kind}": day for kind, day in reading.issued}}


class MarkForm(forms.Form):
    """What came of a signal, with a word on it."""

    meaning = forms.ChoiceField(
        label=_("What came of it"), choices=SignalMark.Meaning.choices, widget=forms.RadioSelect
    )
    reason = forms.CharField(
        label=_("A word on it"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_(
            "What you looked at, and what explains or confirms it. The claimant can read it after the decision."
        ),
    )
