"""The forms of the rules of aid: its table, and how it grows with time, spend, bills and cases shared."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.fields import FenField
from members.pools.aid_terms import MAX_CASE_STEPS, MAX_SPEND_STEPS, ReimbursementTerms
from members.pools.aid_words import severity_words

_KNOWN = ("severe", "mild", "accident")


def _severities(own: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(code, severity_words(code)) for code in dict.fromkeys((*_KNOWN, *own))]


class AidForm(forms.Form):
    """One row of aid; a row without an amount is left out."""

    severity = forms.ChoiceField(label=_("Severity"))
    age_from = forms.IntegerField(label=_("From age"), min_value=0, max_value=150, required=False)
    age_before = forms.IntegerField(label=_("Before age"), min_value=0, max_value=150, required=False)
    max_aid = FenField(label=_("Aid, up to"), required=False)

    def __init__(self, *args: Any, severities: tuple[str, ...] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["severity"].choices = _severities(severities)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Refuse half a row."""
        given = super().clean() or {}
        if given.get("max_aid") is not None:
            for name in ("age_from", "age_before"):
                if given.get(name) is None and name not in self.errors:
                    self.add_error(name, _("Write the age, or leave the amount empty to drop the row."))
        return given


class VestingForm(forms.Form):
    """One step in which aid grows; a row without a part is left out."""

    from_days = forms.IntegerField(
        label=_("Days after the waiting period"), min_value=0, max_value=3650, required=False
    )
    part = forms.CharField(
        label=_("Part of the aid"), help_text=_("A fraction like 1/3, or 1."), max_length=20, required=False
    )

    def clean(self) -> dict[str, Any]:
        """Refuse half a row."""
        given = super().clean() or {}
        if given.get("part") and given.get("from_days") is None and "from_days" not in self.errors:
            self.add_error("from_days", _("Write the days, or leave the part empty to drop the row."))
        return given


class SpendForm(forms.Form):
    """From which spend on treatment on the aid of which severity is granted; a row without a sum is left out."""

    from_fen = FenField(label=_("Who has spent"), required=False)
    counts_as = forms.ChoiceField(label=_("has the aid of"))

    def __init__(self, *args: Any, severities: tuple[str, ...] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["counts_as"].choices = _severities(severities)  # type: ignore[attr-defined]


class CaseStepForm(forms.Form):
    """One step in which aid grows with cases shared; a row without a part is left out."""

    from_cases = forms.IntegerField(label=_("Cases shared"), min_value=0, max_value=1_000_000, required=False)
    part = forms.CharField(
        label=_("Part of the aid"), help_text=_("A fraction like 1/3, or 1."), max_length=20, required=False
    )

    def clean(self) -> dict[str, Any]:
        """Refuse half a row."""
        given = super().clean() or {}
        if given.get("part") and given.get("from_cases") is None and "from_cases" not in self.errors:
            self.add_error("from_cases", _("Write the cases, or leave the part empty to drop the row."))
        return given


class ReimbursementForm(forms.Form):
    """What is granted at once, and how the rest follows bills; all empty: the whole aid without bills."""

    at_once = forms.CharField(
        label=_("At once, part of the aid"),
        help_text=_("A fraction like 1/5; 0 for nothing without bills. Empty: no bills are needed."),
        max_length=20,
        required=False,
    )
    part = forms.CharField(
        label=_("Part of the bills"),
        help_text=_("A fraction like 4/5. Empty: all of them."),
        max_length=20,
        required=False,
    )
    deductible = FenField(label=_("Deductible, once in a case"), required=False)

    def clean(self) -> dict[str, Any]:
        """Refuse a rule for bills that does not say what comes at once."""
        given = super().clean() or {}
        if not given.get("at_once") and (given.get("part") or given.get("deductible") is not None):
            self.add_error("at_once", _("This belongs to it: write it, or leave the whole section empty."))
        return given

    def terms(self) -> dict[str, Any] | None:
        """Return the rule as the terms have it; nothing given: none."""
        given = self.cleaned_data
        if not given["at_once"]:
            return None
        return {
            "at_once": given["at_once"],
            "part": given["part"] or "1",
            "deductible_fen": given["deductible"] or 0,
        }

    @staticmethod
    def entries(terms: ReimbursementTerms | None) -> dict[str, Any]:
        """Return what is in the boxes under these terms."""
        if terms is None:
            return {}
        return {
            "at_once": str(terms.at_once),
            "part": str(terms.part),
            "deductible": terms.deductible_fen or None,
        }


AidRows = forms.formset_factory(AidForm, extra=2, max_num=200)
VestingRows = forms.formset_factory(VestingForm, extra=3, max_num=20)
SpendRows = forms.formset_factory(SpendForm, extra=2, max_num=MAX_SPEND_STEPS)
CaseStepRows = forms.formset_factory(CaseStepForm, extra=3, max_num=MAX_CASE_STEPS)
