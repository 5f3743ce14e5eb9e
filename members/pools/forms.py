"""The form of a change of rules: the terms of a plan as people write them, read back into terms."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any
from unicodedata import normalize

from django import forms
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.fields import FenField
from members.pools.models import PlanVersion
from members.pools.plan_terms import PlanTerms, TermsError
from members.pools.plan_words import exact_percent, severity_words, terms_error_words

_ON_CAP = (
    ("redistribute", _("Members with room bear it")),
    ("reserve_pays", _("A sponsor or the reserve pays it")),
)
_ON_INFEASIBLE = (
    ("sponsor", _("The sponsor pays the rest")),
    ("reduce_aid", _("Every aid of the period is reduced alike")),
    ("defer", _("A part of every aid waits for the next period")),
)
# Where an error of the terms is shown; rows of tables are found by their place.
_SHOWN_AT = {
    "fee.rate": "fee_percent",
    "fee.fixed_fen": "fee_fixed",
    "fee.ceiling_fen": "fee_ceiling",
    "calendar.publicity_days": "publicity_days",
    "per_case_cap_fen": "per_case_cap",
}
_DROPPED_WITHOUT = {"aid": "max_aid", "vesting": "part"}
_ROWS = {"aid": "aid", "classes": "classes", "calendar.periods": "periods", "vesting": "vesting"}


class TextField(forms.CharField):
    """A long text, kept to the letter but for the line ends, which browsers send in pairs."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=forms.Textarea(attrs={"rows": 12}), strip=False, max_length=100_000, **kwargs)

    def to_python(self, value: Any) -> str:
        """Return the text with single line ends."""
        return str(super().to_python(value)).replace("\r\n", "\n")

    def validate(self, value: Any) -> None:
        """Refuse a text of spaces alone."""
        super().validate(str(value).strip())


class RulesForm(forms.Form):
    """The rules that stand alone, the texts, the day and the reason."""

    base = forms.IntegerField(widget=forms.HiddenInput)
    fee_percent = forms.DecimalField(
        label=_("Management fee, percent of the aid"), min_value=0, max_value=100, decimal_places=6
    )
    fee_fixed = FenField(label=_("Fee per period"), required=False)
    fee_ceiling = FenField(label=_("Fee at most, per period"), required=False)
    waiting_days = forms.IntegerField(label=_("Waiting period, days"), min_value=0, max_value=3650)
    minimum_members = forms.IntegerField(label=_("Fewest members"), min_value=1)
    notice_days = forms.IntegerField(label=_("Days of notice for a change"), min_value=0, max_value=3650)
    per_case_cap = FenField(label=_("Most for one case and member"), required=False)
    on_cap = forms.ChoiceField(label=_("Where a cap leaves a rest"), choices=_ON_CAP)
    on_infeasible = forms.ChoiceField(label=_("Where nobody has room"), choices=_ON_INFEASIBLE)
    publicity_days = forms.IntegerField(label=_("Publicity, days"), min_value=1, max_value=31)
    covenant_en = TextField(label=_("Covenant in English"))
    covenant_zh = TextField(label=_("Covenant in Chinese"))
    effective_date = forms.DateField(
        label=_("In force from"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    reason = forms.CharField(
        label=_("Why"),
        help_text=_("Every member reads this sentence beside what changes."),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class AidForm(forms.Form):
    """One row of aid; a row without an amount is left out."""

    severity = forms.ChoiceField(label=_("Severity"))
    age_from = forms.IntegerField(label=_("From age"), min_value=0, max_value=150, required=False)
    age_before = forms.IntegerField(label=_("Before age"), min_value=0, max_value=150, required=False)
    max_aid = FenField(label=_("Aid, up to"), required=False)

    def __init__(self, *args: Any, severities: tuple[str, ...] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = dict.fromkeys(("severe", "mild", "death", "accident", *severities))
        self.fields["severity"].choices = [(code, severity_words(code)) for code in known]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Refuse half a row."""
        given = super().clean() or {}
        if given.get("max_aid") is not None:
            for name in ("age_from", "age_before"):
                if given.get(name) is None and name not in self.errors:
                    self.add_error(name, _("Write the age, or leave the amount empty to drop the row."))
        return given


class ClassForm(forms.Form):
    """The weight and the names of a class that members may belong to; number and ages stay."""

    name_en = forms.CharField(label=_("Name in English"), max_length=80)
    name_zh = forms.CharField(label=_("Name in Chinese"), max_length=80)
    weight = forms.IntegerField(label=_("Weight"), min_value=1, max_value=1_000_000)

    def clean(self) -> dict[str, Any]:
        """Compose accents with their letters: some keyboards send them apart."""
        given = super().clean() or {}
        return given | {
            name: normalize("NFC", given[name]) for name in ("name_en", "name_zh") if name in given
        }


class PeriodForm(forms.Form):
    """The days of the month of one period."""

    opening_day = forms.IntegerField(label=_("Opens on day"), min_value=1, max_value=31)
    publicity_day = forms.IntegerField(label=_("Cases go public on day"), min_value=1, max_value=31)
    charge_day = forms.IntegerField(label=_("Charged on day"), min_value=1, max_value=31)
    charge_months_later = forms.BooleanField(label=_("of the next month"), required=False)


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


AidRows = forms.formset_factory(AidForm, extra=2, max_num=200)
ClassRows = forms.formset_factory(ClassForm, extra=0, max_num=64)
VestingRows = forms.formset_factory(VestingForm, extra=3, max_num=20)
PeriodRows = forms.formset_factory(PeriodForm, extra=0, max_num=2)


class ChangeForm:
    """All forms of a change as one; filled in with the version that it changes, or with what was sent."""

    def __init__(self, version: PlanVersion, data: Mapping[str, Any] | None = None) -> None:
        plan = version.plan()
        severities = tuple(row.severity for row in plan.aid)
        self.version = version
        self.rules = RulesForm(data, initial=_rules(version, plan))
        self.aid = AidRows(data, prefix="aid", initial=_aid(plan), form_kwargs={"severities": severities})
        self.classes = ClassRows(data, prefix="classes", initial=[row.to_json() for row in plan.classes])
        self.vesting = VestingRows(data, prefix="vesting", initial=[step.to_json() for step in plan.vesting])
        self.periods = PeriodRows(
            data, prefix="periods", initial=[days.to_json() for days in plan.calendar.periods]
        )
        self.tables = (self.aid, self.vesting, self.classes, self.periods)

    def is_valid(self) -> bool:
        """Check all of them, so that every error is shown at once."""
        checked = [one.is_valid() for one in (self.rules, *self.tables)]
        return all(checked)

    def terms(self) -> dict[str, Any]:
        """Return the terms as `PlanTerms` reads them."""
        rules = self.rules.cleaned_data
        rate = Fraction(rules["fee_percent"]) / 100
        if "fee_percent" not in self.rules.changed_data:
            rate = self.version.plan().fee.rate  # which may be a third
        return {
            "fee": {
                "rate": f"{rate.numerator}/{rate.denominator}",
                "fixed_fen": rules["fee_fixed"] or 0,
                "ceiling_fen": rules["fee_ceiling"],
            },
            "calendar": {
                "publicity_days": rules["publicity_days"],
                "periods": [
                    row | {"charge_months_later": int(row["charge_months_later"])}
                    for row in self.periods.cleaned_data
                    if row
                ],
            },
            "classes": [
                row.to_json() | form.cleaned_data
                for row, form in zip(self.version.plan().classes, self.classes.forms, strict=False)
            ],
            "aid": [_aid_row(form.cleaned_data) for form in _given(self.aid, "max_aid")],
            "vesting": [form.cleaned_data for form in _given(self.vesting, "part")],
            "per_case_cap_fen": rules["per_case_cap"],
            **{
                name: rules[name]
                for name in ("waiting_days", "minimum_members", "notice_days", "on_cap", "on_infeasible")
            },
        }

    def show(self, error: TermsError) -> None:
        """Show an error of the terms at the entry that it is about."""
        words = terms_error_words(error)
        for part, attribute in _ROWS.items():
            if error.field.startswith(f"{part}["):
                place, _bracket, name = error.field.removeprefix(f"{part}[").partition("]")
                forms_of = _given(getattr(self, attribute), _DROPPED_WITHOUT.get(part, ""))
                form = forms_of[int(place)] if int(place) < len(forms_of) else self.rules
                name = name.lstrip(".").replace("max_aid_fen", "max_aid")
                form.add_error(name if name in form.fields else None, words)
                return
        name = _SHOWN_AT.get(error.field, error.field)
        self.rules.add_error(name if name in self.rules.fields else None, words)

    @property
    def has_errors(self) -> bool:
        """Tell whether anything that was sent is refused."""
        return bool(self.rules.errors) or any(table.total_error_count() for table in self.tables)

    @property
    def unplaced_errors(self) -> list[str]:
        """Return the errors that no entry on the page can show."""
        found = [*self.rules.non_field_errors(), *self.rules.errors.get("base", [])]
        for formset in self.tables:
            found += formset.non_form_errors()
        return [str(error) for error in found]


def _given(formset: Any, name: str) -> list[Any]:
    """Return the rows of a table that are kept: those with this entry; all of them where no entry decides."""
    return [form for form in formset.forms if not name or form.cleaned_data.get(name) not in {None, ""}]


def _rules(version: PlanVersion, plan: PlanTerms) -> dict[str, Any]:
    return {
        "base": version.number,
        "fee_percent": Decimal(exact_percent(round(plan.fee.rate, 8))),  # six decimals of a percent
        "fee_fixed": plan.fee.fixed_fen or None,
        "fee_ceiling": plan.fee.ceiling_fen,
        "waiting_days": plan.waiting_days,
        "minimum_members": plan.minimum_members,
        "notice_days": plan.notice_days,
        "per_case_cap": plan.per_case_cap_fen,
        "on_cap": plan.on_cap,
        "on_infeasible": plan.on_infeasible,
        "publicity_days": plan.calendar.publicity_days,
        "covenant_en": version.covenant_en,
        "covenant_zh": version.covenant_zh,
    }


def _aid(plan: PlanTerms) -> list[dict[str, Any]]:
    return [
        {
            "severity": row.severity,
            "age_from": row.age_from,
            "age_before": row.age_before,
            "max_aid": row.max_aid_fen,
        }
        for row in plan.aid
    ]


def _aid_row(given: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "severity": given["severity"],
        "age_from": given["age_from"],
        "age_before": given["age_before"],
        "max_aid_fen": given["max_aid"],
    }
