"""The investigations of a plan, as people read and write them."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from aidplatform.lib.fields import FenField
from aidplatform.lib.money import format_money
from members.pools.investigation_terms import ANSWER_DAYS, DAYS, InvestigationTerms

BEARERS: dict[str, object] = {
    "shared": gettext_lazy("all members, with the next bill"),
    "operator": gettext_lazy("who runs the pool"),
    "reserve": gettext_lazy("the reserve"),
}


class InvestigationForm(forms.Form):
    """How long somebody from outside may look into a claim, and who bears it: all of it, or no investigations."""

    borne_by = forms.ChoiceField(
        label=gettext_lazy("The cost is borne by"),
        choices=[("", gettext_lazy("No investigations")), *BEARERS.items()],
        required=False,
    )
    days = forms.IntegerField(
        label=gettext_lazy("Days for the report"), min_value=DAYS[0], max_value=DAYS[1], required=False
    )
    answer_days = forms.IntegerField(
        label=gettext_lazy("Days for the claimant's answer"),
        min_value=ANSWER_DAYS[0],
        max_value=ANSWER_DAYS[1],
        required=False,
    )
    agreed_above = FenField(label=gettext_lazy("A second person above"), required=False)
    most = FenField(label=gettext_lazy("Most for one"), required=False)

    def clean(self) -> dict[str, Any]:
        """Refuse investigations without what makes them whole."""
        given = super().clean() or {}
        if any(value is not None and value != "" for value in given.values()):
            for name in self.fields:
                if given.get(name) in (None, "") and name not in self.errors:
                    self.add_error(name, _("This belongs to it: write it, or leave the whole section empty."))
        return given

    def terms(self) -> dict[str, Any] | None:
        """Return the section as the terms have it; nobody bears it: no investigations."""
        given = self.cleaned_data
        if not given["borne_by"]:
            return None
        return {
            "days": given["days"],
            "agreed_above_fen": given["agreed_above"],
            "most_fen": given["most"],
            "borne_by": given["borne_by"],
            "answer_days": given["answer_days"],
        }

    @staticmethod
    def entries(terms: InvestigationTerms | None) -> dict[str, Any]:
        """Return what is in the boxes under these terms."""
        if terms is None:
            return {}
        return {
            "borne_by": terms.borne_by,
            "days": terms.days,
            "answer_days": terms.answer_days,
            "agreed_above": terms.agreed_above_fen,
            "most": terms.most_fen,
        }


def investigation_words(terms: InvestigationTerms | None, currency: str) -> tuple[str, ...]:
    """Say who may look into a claim from outside, for how long, and who bears it."""
    if terms is None:
        return (_("Nobody from outside looks into a claim."),)
    order = _(
        "Where papers leave a question open, a reviewer may have somebody from outside look into it, for %(days)s days"
        " and at most once as long again. The claimant is told the question and why."
    ) % {"days": terms.days}
    cost = _(
        "It costs at most %(most)s; above %(limit)s a second person agrees to it. The cost is borne by %(bearer)s,"
        " never by the claimant."
    ) % {
        "most": format_money(terms.most_fen, currency),
        "limit": format_money(terms.agreed_above_fen, currency),
        "bearer": BEARERS[terms.borne_by],
    }
    answer = _(
        "The claimant reads what was found and has %(days)s days to answer; nothing is recommended before that."
    ) % {"days": terms.answer_days}
    return order, cost, answer
