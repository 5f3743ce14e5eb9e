"""The sections of a plan's form that are given as a whole or not at all."""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.fields import FenField, NameField
from members.pools.plan_terms import (
    APPEAL_DAYS,
    MAX_DAYS,
    MAX_NAME,
    MAX_SENTENCE,
    OBJECTIONS,
    OBJECTIONS_UNSAID,
    ReserveTerms,
    WindDownTerms,
)
from members.pools.succession_terms import TakeOverTerms

# The parts of a plan whose forms are sections.
SECTIONS = {
    "operator",
    "wind_down",
    "reserve",
    "reimbursement",
    "floor",
    "funding",
    "arrears",
    "debit",
    "jury",
    "investigation",
    "documents",
    "takes_over",
}
# Terms that people write in another way.
_WRITTEN_AS = {
    "contribution_rate": "contribution_percent",
    "threshold_permille": "threshold_percent",
    "inclusive": "threshold",
    "kinds": "resident_id",
}


def entry_of(name: str) -> str:
    """Return the entry of a section that shows an error of one of its terms."""
    name = name.removesuffix("_fen")
    return _WRITTEN_AS.get(name, name)


class PeriodForm(forms.Form):
    """The days of the month of one period; a row without an opening day is left out."""

    opening_day = forms.IntegerField(label=_("Opens on day"), min_value=1, max_value=31, required=False)
    publicity_day = forms.IntegerField(
        label=_("Cases go public on day"), min_value=1, max_value=31, required=False
    )
    charge_day = forms.IntegerField(label=_("Charged on day"), min_value=1, max_value=31, required=False)
    charge_months_later = forms.BooleanField(label=_("of the next month"), required=False)

    def clean(self) -> dict[str, Any]:
        """Refuse half a row."""
        given = super().clean() or {}
        if given.get("opening_day") is not None:
            for name in ("publicity_day", "charge_day"):
                if given.get(name) is None and name not in self.errors:
                    self.add_error(name, _("Write the day, or leave the opening empty to drop the row."))
        return given


class AppealDaysField(forms.IntegerField):
    """Within how many days whoever is refused may appeal; empty: nobody may."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            label=_("Time to appeal, days"),
            min_value=APPEAL_DAYS[0],
            max_value=APPEAL_DAYS[1],
            required=False,
            help_text=_("Whoever is refused may have it looked at by two other people. Empty: nobody may."),
            **kwargs,
        )


class ReportDaysField(forms.IntegerField):
    """Within how many days of its event day a case is reported; empty: at any time."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            label=_("Time to report, days"), min_value=1, max_value=MAX_DAYS, required=False, **kwargs
        )


class ReturnDaysField(forms.IntegerField):
    """After how many days who was removed may join again; empty: never."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            label=_("Joining again after a removal, days"),
            min_value=1,
            max_value=MAX_DAYS,
            required=False,
            help_text=_("Empty: whoever was removed cannot join again."),
            **kwargs,
        )


class SuccessorField(forms.SlugField):
    """In which pool a member may go on at the last age; empty: in none."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            label=_("Goes on in the pool, at the last age"),
            help_text=_("The code of another pool, whose rules take members of this one. Empty: none."),
            max_length=40,
            required=False,
            **kwargs,
        )


class ObjectionsField(forms.IntegerField):
    """To how many cases of a period one member may object; empty: to as many as where rules are silent."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            label=_("Objections of one member, per period"),
            min_value=OBJECTIONS[0],
            max_value=OBJECTIONS[1],
            required=False,
            help_text=_("To so many cases of a period. Empty: three."),
            **kwargs,
        )

    def clean(self, value: Any) -> int:
        """Return the number."""
        return super().clean(value) or OBJECTIONS_UNSAID


class TakeOverForm(forms.Form):
    """From which pools members come over at the last age there, and whether their waiting time counts."""

    pools = forms.CharField(
        label=_("Members come over from these pools"),
        help_text=_(
            "Codes, with commas between them. Whose rules end there by age, and who has signed, goes on here. Empty:"
            " nobody does."
        ),
        max_length=700,
        required=False,
    )
    waiting_counts = forms.BooleanField(label=_("The waiting time served there counts here"), required=False)

    def terms(self) -> dict[str, Any] | None:
        """Return it as the terms have it; no pool given: none."""
        codes = [code.strip() for code in self.cleaned_data["pools"].split(",") if code.strip()]
        if not codes:
            return None
        return {"pools": codes, "waiting_counts": self.cleaned_data["waiting_counts"]}

    @staticmethod
    def entries(takes_over: TakeOverTerms | None) -> dict[str, Any]:
        """Return what is in the boxes under these terms."""
        if takes_over is None:
            return {"waiting_counts": True}
        return {"pools": ", ".join(takes_over.pools), "waiting_counts": takes_over.waiting_counts}


class OperatorForm(forms.Form):
    """Who runs the pool: all of it, or none while it is a draft."""

    name = NameField(label=_("Legal entity"), max_length=MAX_NAME, required=False)
    registration = NameField(label=_("Registration number"), max_length=MAX_NAME, required=False)
    legal_basis_en = NameField(label=_("Legal basis, in English"), max_length=MAX_SENTENCE, required=False)
    legal_basis_zh = NameField(label=_("Legal basis, in Chinese"), max_length=MAX_SENTENCE, required=False)
    contact = NameField(label=_("How to reach it"), max_length=MAX_SENTENCE, required=False)

    def clean(self) -> dict[str, Any]:
        """Refuse a half-named operator."""
        given = super().clean() or {}
        if any(given.values()):
            _require(self, given, self.fields)
        return given

    def terms(self) -> dict[str, Any] | None:
        """Return the operator as the terms have it; nothing given: none."""
        return dict(self.cleaned_data) if any(self.cleaned_data.values()) else None


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
            _require(self, given, ("payer", "run_off_days"))
        return given

    def terms(self) -> dict[str, Any] | None:
        """Return the ending as the terms have it; nothing given: none."""
        given = dict(self.cleaned_data)
        if not given["payer"]:
            return None
        cap_fen = given.pop("run_off_cap")
        return given | {"run_off_cap_fen": cap_fen}

    @staticmethod
    def entries(wind_down: WindDownTerms | None) -> dict[str, Any]:
        """Return what is in the boxes under these terms."""
        told = wind_down.to_json() if wind_down else {}
        return told | {"run_off_cap": told.get("run_off_cap_fen")}


class ReserveForm(forms.Form):
    """What is put by, up to which sum, and whose it is at the end: all of it, or none.

    before: the reserve that the form was filled in with.
    """

    contribution_percent = forms.DecimalField(
        label=_("Percent of aid and fee"), min_value=0, max_value=100, decimal_places=6, required=False
    )
    contribution = FenField(label=_("Sum per period"), required=False)
    target = FenField(label=_("Up to, in all"), required=False)
    goes_to = NameField(
        label=_("Who gets it at the end"),
        help_text=_("Empty: everyone covered at the last headcount, alike."),
        max_length=MAX_NAME,
        required=False,
    )
    before: ReserveTerms | None = None

    def clean(self) -> dict[str, Any]:
        """Refuse half a reserve."""
        given = super().clean() or {}
        if any(value is not None and value != "" for value in given.values()):
            _require(self, given, ("target",))
        return given

    def terms(self) -> dict[str, Any] | None:
        """Return the reserve as the terms have it; nothing given: none."""
        given = self.cleaned_data
        if given["target"] is None:
            return None
        rate = Fraction(given["contribution_percent"] or 0) / 100
        if self.before and "contribution_percent" not in self.changed_data:
            rate = self.before.contribution_rate  # which may be a third
        return {
            "contribution_rate": f"{rate.numerator}/{rate.denominator}",
            "contribution_fen": given["contribution"] or 0,
            "target_fen": given["target"],
            "goes_to": given["goes_to"] or None,
        }


def _require(form: forms.Form, given: Mapping[str, Any], names: Iterable[str]) -> None:
    for name in names:
        if given.get(name) in (None, "") and name not in form.errors:
            form.add_error(name, _("This belongs to it: write it, or leave the whole section empty."))
