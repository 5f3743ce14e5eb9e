"""The forms of a plan, drafted or changed: its terms as people write them, read back into terms."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.fields import FenField, NameField, TextField
from members.pools import section_forms
from members.pools.aid_forms import AidRows, CaseStepRows, ReimbursementForm, SpendRows, VestingRows
from members.pools.arrears import ArrearsForm
from members.pools.change_by import CHANGE_BY
from members.pools.debit import DebitForm
from members.pools.document_kinds import DocumentsForm
from members.pools.ending_forms import FloorForm
from members.pools.funding import FundingForm
from members.pools.illness_in_wait import ILLNESS_IN_WAIT
from members.pools.investigation import InvestigationForm
from members.pools.jury import JuryForm
from members.pools.models import PlanDraft, PlanVersion
from members.pools.plan_terms import MAX_CLASSES, MAX_NAME, PlanTerms, TermsError
from members.pools.plan_words import exact_percent
from members.pools.refusal_words import terms_error_words
from members.pools.section_forms import (
    AppealDaysField,
    ObjectionsField,
    OperatorForm,
    PeriodForm,
    ReserveForm,
    WindDownForm,
)

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
    "period_cap_fen": "period_cap",
    "year_cap_fen": "year_cap",
    "lifetime_cap_fen": "lifetime_cap",
    "two_deciders_from_fen": "two_deciders_from",
}
_TABLES = {
    "aid": "aid",
    "classes": "classes",
    "calendar.periods": "periods",
    "vesting": "vesting",
    "spend_steps": "spend",
    "case_steps": "case_steps",
    "waiting_rules": "waiting",
}
# Entries that no one sees.
_HIDDEN = ("base", "changes")


# Entries that are the terms of their names, as they stand.
_AS_ENTERED = (
    "waiting_days",
    "report_days",
    "return_after_removal_days",
    "appeal_days",
    "objections_per_period",
    "one_aid_ends",
    "by_invitation",
    "minimum_members",
    "notice_days",
    "change_by",
    "illness_in_wait",
    "on_cap",
    "on_infeasible",
)


class RulesForm(forms.Form):
    """The rules that stand alone, and the texts."""

    fee_percent = forms.DecimalField(
        label=_("Management fee, percent of the aid"), min_value=0, max_value=100, decimal_places=6
    )
    fee_fixed = FenField(label=_("Fee per period"), required=False)
    fee_ceiling = FenField(label=_("Fee at most, per period"), required=False)
    waiting_days = forms.IntegerField(label=_("Waiting period, days"), min_value=0, max_value=3650)
    illness_in_wait = forms.ChoiceField(label=_("Illness in the waiting period"), choices=ILLNESS_IN_WAIT)
    report_days = section_forms.ReportDaysField()
    appeal_days = AppealDaysField()
    objections_per_period = ObjectionsField()
    lifetime_cap = FenField(label=_("Most for one person"), required=False)
    two_deciders_from = FenField(label=_("Two second reviewers, from an aid of"), required=False)
    one_aid_ends = forms.BooleanField(label=_("One aid ends the membership"), required=False)
    minimum_members = forms.IntegerField(label=_("Fewest members"), min_value=1)
    notice_days = forms.IntegerField(label=_("Days of notice for a change"), min_value=0, max_value=3650)
    change_by = forms.ChoiceField(
        label=_("Who does not answer to new rules"),
        choices=CHANGE_BY,
        help_text=_("It holds for changes that are published while these rules are in force."),
    )
    return_after_removal_days = section_forms.ReturnDaysField()
    successor = section_forms.SuccessorField()
    by_invitation = forms.BooleanField(label=_("Nobody joins without an invitation"), required=False)
    per_case_cap = FenField(label=_("Most for one case and member"), required=False)
    period_cap = FenField(label=_("Most for one period and member"), required=False)
    year_cap = FenField(
        label=_("Most for one calendar year and member"),
        required=False,
        help_text=_(
            "The year of the charge days. Who has paid this much is charged nothing more until January."
        ),
    )
    sponsor = NameField(
        label=_("Sponsor"),
        help_text=_("Who pays what caps leave to a sponsor. Empty: whoever runs the pool."),
        max_length=MAX_NAME,
        required=False,
    )
    on_cap = forms.ChoiceField(label=_("Where a cap leaves a rest"), choices=_ON_CAP)
    on_infeasible = forms.ChoiceField(label=_("Where nobody has room"), choices=_ON_INFEASIBLE)
    publicity_days = forms.IntegerField(label=_("Publicity, days"), min_value=1, max_value=31)
    covenant_en = TextField(label=_("Covenant in English"))
    covenant_zh = TextField(label=_("Covenant in Chinese"))


class ChangedRulesForm(RulesForm):
    """The same for a pool that has members, with the version that is changed, the day and the reason."""

    base = forms.IntegerField(widget=forms.HiddenInput)
    effective_date = forms.DateField(
        label=_("In force from"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    reason = forms.CharField(
        label=_("Why"),
        help_text=_("Every member reads this sentence beside what changes."),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class DraftRulesForm(RulesForm):
    """The same for a draft, with the edits that the editor has seen, and for how many the costs are shown."""

    changes = forms.IntegerField(widget=forms.HiddenInput)
    expected_members = forms.IntegerField(label=_("Members you expect"), min_value=1, max_value=1_000_000_000)


class ClassForm(forms.Form):
    """The weight and the names of a class that members may belong to; number and ages stay."""

    name_en = NameField(label=_("Name in English"), max_length=MAX_NAME)
    name_zh = NameField(label=_("Name in Chinese"), max_length=MAX_NAME)
    weight = forms.IntegerField(label=_("Weight"), min_value=1, max_value=1_000_000)


class DraftClassForm(forms.Form):
    """A class of a draft, with the ages that join it; a row without a weight is left out."""

    name_en = NameField(label=_("Name in English"), max_length=MAX_NAME, required=False)
    name_zh = NameField(label=_("Name in Chinese"), max_length=MAX_NAME, required=False)
    weight = forms.IntegerField(label=_("Weight"), min_value=1, max_value=1_000_000, required=False)
    age_from = forms.IntegerField(label=_("From age"), min_value=0, max_value=150, required=False)
    age_before = forms.IntegerField(label=_("Before age"), min_value=0, max_value=150, required=False)

    def clean(self) -> dict[str, Any]:
        """Refuse half a row."""
        given = super().clean() or {}
        if given.get("weight") is not None:
            for name in ("name_en", "name_zh"):
                if not given.get(name) and name not in self.errors:
                    self.add_error(name, _("Write the name, or leave the weight empty to drop the row."))
        return given


class WaitingForm(forms.Form):
    """Another waiting period for a cause, for ages at joining, or both; a row without days is left out."""

    cause = forms.ChoiceField(
        label=_("Cause"),
        choices=[("", _("Any cause")), ("illness", _("Illness")), ("accident", _("Accident"))],
        required=False,
    )
    joined_from = forms.IntegerField(label=_("Joined from age"), min_value=0, max_value=150, required=False)
    joined_before = forms.IntegerField(
        label=_("Joined before age"), min_value=0, max_value=150, required=False
    )
    days = forms.IntegerField(label=_("Days of waiting"), min_value=0, max_value=3650, required=False)

    def clean(self) -> dict[str, Any]:
        """Return the row as the terms have it; refuse one that says for whom, but not how long."""
        given = super().clean() or {}
        names = ("cause", "joined_from", "joined_before")
        says_for_whom = any(given.get(name) not in {None, ""} for name in names)
        if says_for_whom and given.get("days") is None and "days" not in self.errors:
            self.add_error("days", _("Write the days, or empty the row to drop it."))
        return given | {"cause": given.get("cause") or None}


ClassRows = forms.formset_factory(ClassForm, extra=0, max_num=MAX_CLASSES)
DraftClassRows = forms.formset_factory(DraftClassForm, extra=2, max_num=MAX_CLASSES)
WaitingRows = forms.formset_factory(WaitingForm, extra=2, max_num=20)
PeriodRows = forms.formset_factory(PeriodForm, extra=1, max_num=2)
# By which entry a row of a table counts as given.
_KEPT_BY = {
    "aid": "max_aid",
    "vesting": "part",
    "spend": "from_fen",
    "case_steps": "part",
    "waiting": "days",
    "classes": "weight",
    "periods": "opening_day",
}


class PlanForm:
    """All forms of a plan as one, filled in with its terms and texts, or with what was sent."""

    rules_form: ClassVar[type[RulesForm]] = RulesForm
    class_rows: ClassVar[Any] = DraftClassRows

    def __init__(
        self, source: PlanDraft | PlanVersion, data: Mapping[str, Any] | None = None, **stated: int
    ) -> None:
        plan = source.plan()
        severities = tuple(row.severity for row in plan.aid)
        self.before = plan
        self.rules = self.rules_form(data, initial=_rules(source, plan) | stated)
        self.aid = AidRows(data, prefix="aid", initial=_aid(plan), form_kwargs={"severities": severities})
        self.classes = self.class_rows(
            data, prefix="classes", initial=[row.to_json() for row in plan.classes]
        )
        self.vesting = VestingRows(data, prefix="vesting", initial=[step.to_json() for step in plan.vesting])
        self.spend = SpendRows(
            data,
            prefix="spend",
            initial=[step.to_json() for step in plan.spend_steps],
            form_kwargs={"severities": severities},
        )
        self.case_steps = CaseStepRows(
            data, prefix="case_steps", initial=[step.to_json() for step in plan.case_steps]
        )
        self.reimbursement = ReimbursementForm(
            data, prefix="reimbursement", initial=ReimbursementForm.entries(plan.reimbursement)
        )
        self.waiting = WaitingRows(
            data, prefix="waiting", initial=[rule.to_json() for rule in plan.waiting_rules]
        )
        self.periods = PeriodRows(
            data, prefix="periods", initial=[days.to_json() for days in plan.calendar.periods]
        )
        self.operator = OperatorForm(
            data, prefix="operator", initial=plan.operator.to_json() if plan.operator else {}
        )
        self.wind_down = WindDownForm(data, prefix="wind_down", initial=WindDownForm.entries(plan.wind_down))
        self.floor = FloorForm(data, prefix="floor", initial=plan.floor.to_json() if plan.floor else {})
        self.reserve = ReserveForm(data, prefix="reserve", initial=_reserve(plan))
        self.reserve.before = plan.reserve
        self.funding = FundingForm(data, prefix="funding", initial=FundingForm.entries(plan.funding))
        self.arrears = ArrearsForm(data, prefix="arrears", initial=ArrearsForm.entries(plan.arrears))
        self.debit = DebitForm(data, prefix="debit", initial=DebitForm.entries(plan.debit))
        self.jury = JuryForm(data, prefix="jury", initial=JuryForm.entries(plan.jury))
        self.investigation = InvestigationForm(
            data, prefix="investigation", initial=InvestigationForm.entries(plan.investigation)
        )
        self.documents = DocumentsForm(data, prefix="documents", initial=DocumentsForm.entries(plan))
        self.takes_over = section_forms.TakeOverForm(
            data, prefix="takes_over", initial=section_forms.TakeOverForm.entries(plan.takes_over)
        )
        self.tables = (
            self.aid,
            self.vesting,
            self.spend,
            self.case_steps,
            self.waiting,
            self.classes,
            self.periods,
        )
        self.sections = (
            self.rules,
            self.reimbursement,
            self.operator,
            self.wind_down,
            self.reserve,
            self.floor,
            self.funding,
            self.arrears,
            self.debit,
            self.jury,
            self.investigation,
            self.documents,
            self.takes_over,
        )

    def is_valid(self) -> bool:
        """Check all of them, so that every error is shown at once."""
        checked = [one.is_valid() for one in (*self.sections, *self.tables)]
        return all(checked)

    def terms(self) -> dict[str, Any]:
        """Return the terms as `PlanTerms` reads them."""
        rules = self.rules.cleaned_data
        rate = Fraction(rules["fee_percent"]) / 100
        if "fee_percent" not in self.rules.changed_data:
            rate = self.before.fee.rate  # which may be a third
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
                    for row in (form.cleaned_data for form in self._given("periods"))
                ],
            },
            "classes": self._classes(),
            "aid": [_aid_row(form.cleaned_data) for form in self._given("aid")],
            "vesting": [form.cleaned_data for form in self._given("vesting")],
            "spend_steps": [form.cleaned_data for form in self._given("spend")],
            "case_steps": [form.cleaned_data for form in self._given("case_steps")],
            "reimbursement": self.reimbursement.terms(),
            "waiting_rules": [form.cleaned_data for form in self._given("waiting")],
            "per_case_cap_fen": rules["per_case_cap"],
            "period_cap_fen": rules["period_cap"],
            "year_cap_fen": rules["year_cap"],
            "sponsor": rules["sponsor"] or None,
            "successor": rules["successor"] or None,
            "reserve": self.reserve.terms(),
            "lifetime_cap_fen": rules["lifetime_cap"],
            "two_deciders_from_fen": rules["two_deciders_from"],
            "operator": self.operator.terms(),
            "wind_down": self.wind_down.terms(),
            "floor": self.floor.terms(),
            "funding": self.funding.terms(),
            "arrears": self.arrears.terms(),
            "debit": self.debit.terms(),
            "jury": self.jury.terms(),
            "investigation": self.investigation.terms(),
            "documents": self.documents.terms(),
            "takes_over": self.takes_over.terms(),
            **{name: rules[name] for name in _AS_ENTERED},
        }

    @property
    def covenant(self) -> tuple[str, str]:
        """Return the text in English and in Chinese."""
        return self.rules.cleaned_data["covenant_en"], self.rules.cleaned_data["covenant_zh"]

    def _classes(self) -> list[dict[str, Any]]:
        """Return the classes of a draft, numbered in the order of their rows."""
        return [form.cleaned_data | {"class_no": no} for no, form in enumerate(self._given("classes"))]

    def _given(self, table: str) -> list[Any]:
        """Return the rows of a table that are kept: those with the entry that decides."""
        rows: list[Any] = getattr(self, table).forms
        return [form for form in rows if form.cleaned_data.get(_KEPT_BY[table]) not in {None, ""}]

    def show(self, error: TermsError) -> None:
        """Show an error of the terms at the entry that it is about."""
        words = terms_error_words(error)
        for part, table in _TABLES.items():
            if error.field.startswith(f"{part}["):
                place, _bracket, name = error.field.removeprefix(f"{part}[").partition("]")
                rows = self._given(table)
                form = rows[int(place)] if int(place) < len(rows) else self.rules
                name = name.lstrip(".")
                name = name if name in form.fields else name.removesuffix("_fen")
                form.add_error(name if name in form.fields else None, words)
                return
        section, _dot, name = error.field.partition(".")
        if section in section_forms.SECTIONS:
            form = getattr(self, section)
            name = section_forms.entry_of(name)
        else:
            form, name = self.rules, _SHOWN_AT.get(error.field, error.field)
        form.add_error(name if name in form.fields else None, words)

    @property
    def has_errors(self) -> bool:
        """Tell whether anything that was sent is refused."""
        return any(one.errors for one in self.sections) or any(
            table.total_error_count() for table in self.tables
        )

    @property
    def unplaced_errors(self) -> list[str]:
        """Return the errors that no entry on the page can show."""
        found = [error for one in self.sections for error in one.non_field_errors()]
        found += [error for name in _HIDDEN for error in self.rules.errors.get(name, [])]
        for formset in self.tables:
            found += formset.non_form_errors()
        return [str(error) for error in found]


class DraftForm(PlanForm):
    """The forms of a draft: classes come and go with their ages.

    suggested: what the preset says about the ending, shown beside the entry.
    """

    rules_form = DraftRulesForm

    def __init__(
        self,
        draft: PlanDraft,
        data: Mapping[str, Any] | None = None,
        suggested: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(draft, data, changes=draft.changes, expected_members=draft.expected_members)
        days = (suggested or {}).get("run_off_days")
        if days is not None:
            # A suggestion and no entry: an ending without its payer would be half an ending.
            self.wind_down.fields["run_off_days"].help_text = _("The preset suggests %(days)s.") % {
                "days": days
            }


class ChangeForm(PlanForm):
    """The forms of a change: classes that members belong to stay, with their numbers and ages."""

    rules_form = ChangedRulesForm
    class_rows = ClassRows

    def __init__(self, version: PlanVersion, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(version, data, base=version.number)

    def _classes(self) -> list[dict[str, Any]]:
        rows = zip(self.before.classes, self.classes.forms, strict=False)
        return [row.to_json() | form.cleaned_data for row, form in rows]


def _percent_entry(rate: Fraction) -> Decimal:
    """Return a rate in percent as an entry shows it: with six decimals."""
    return Decimal(exact_percent(round(rate, 8)))


def _rules(source: PlanDraft | PlanVersion, plan: PlanTerms) -> dict[str, Any]:
    return {
        "fee_percent": _percent_entry(plan.fee.rate),
        "fee_fixed": plan.fee.fixed_fen or None,
        "fee_ceiling": plan.fee.ceiling_fen,
        **{name: getattr(plan, name) for name in _AS_ENTERED},
        "per_case_cap": plan.per_case_cap_fen,
        "period_cap": plan.period_cap_fen,
        "year_cap": plan.year_cap_fen,
        "sponsor": plan.sponsor or "",
        "successor": plan.successor or "",
        "lifetime_cap": plan.lifetime_cap_fen,
        "two_deciders_from": plan.two_deciders_from_fen,
        "publicity_days": plan.calendar.publicity_days,
        "covenant_en": source.covenant_en,
        "covenant_zh": source.covenant_zh,
    }


def _reserve(plan: PlanTerms) -> dict[str, Any]:
    if plan.reserve is None:
        return {}
    return {
        "contribution_percent": _percent_entry(plan.reserve.contribution_rate) or None,
        "contribution": plan.reserve.contribution_fen or None,
        "target": plan.reserve.target_fen,
        "goes_to": plan.reserve.goes_to or "",
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
