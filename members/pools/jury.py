"""The jury of a plan, as people read and write it."""

from fractions import Fraction
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from members.pools.jury_terms import (
    ARBITER_DAYS,
    LEAST_ELIGIBLE,
    MAX_TENURE_DAYS,
    SEATS,
    TAKE_DAYS,
    USUAL_ARBITER_DAYS,
    VOTING_HOURS,
    JuryTerms,
)
from members.pools.term_reading import MAX_NAME

_INCLUSIVE = (
    ("", gettext_lazy("No jury")),
    ("at_least", gettext_lazy("At least this part of the votes")),
    ("more_than", gettext_lazy("More than this part of the votes")),
)
_ARBITER = ("arbiter_name", "arbiter_organization", "arbiter_contact")
_REQUIRED = (
    "threshold", "threshold_percent", "tenure_days", "seats", "reserves", "quorum", "voting_hours", "take_days",
)  # fmt: skip


class JuryForm(forms.Form):
    """Who judges a refusal in the end, and by how many votes: all of it, or no jury."""

    threshold = forms.ChoiceField(
        label=gettext_lazy("The aid is granted by"), choices=_INCLUSIVE, required=False
    )
    threshold_percent = forms.DecimalField(
        label=gettext_lazy("Percent of the votes"),
        min_value=0,
        max_value=100,
        decimal_places=1,
        required=False,
    )
    seats = forms.IntegerField(
        label=gettext_lazy("Jurors"), min_value=SEATS[0], max_value=SEATS[1], required=False
    )
    reserves = forms.IntegerField(
        label=gettext_lazy("Reserves"), min_value=0, max_value=SEATS[1], required=False
    )
    quorum = forms.IntegerField(
        label=gettext_lazy("Votes it takes"), min_value=3, max_value=SEATS[1], required=False
    )
    quorum_permille = forms.IntegerField(
        label=gettext_lazy("Votes it takes, per 1,000 eligible"),
        help_text=gettext_lazy("Where that is more, jurors and reserves grow in the same proportion."),
        min_value=0,
        max_value=1000,
        required=False,
    )
    tenure_days = forms.IntegerField(
        label=gettext_lazy("Days of membership of a juror"),
        min_value=0,
        max_value=MAX_TENURE_DAYS,
        required=False,
    )
    voting_hours = forms.IntegerField(
        label=gettext_lazy("Hours to vote"),
        min_value=VOTING_HOURS[0],
        max_value=VOTING_HOURS[1],
        required=False,
    )
    take_days = forms.IntegerField(
        label=gettext_lazy("Days to go to the jury"),
        min_value=TAKE_DAYS[0],
        max_value=TAKE_DAYS[1],
        required=False,
    )

    arbiter_name = forms.CharField(
        label=gettext_lazy("Outside arbiter: name"), max_length=MAX_NAME, required=False
    )
    arbiter_organization = forms.CharField(
        label=gettext_lazy("Outside arbiter: organization"), max_length=MAX_NAME, required=False
    )
    arbiter_contact = forms.CharField(
        label=gettext_lazy("Outside arbiter: how to reach them"),
        help_text=gettext_lazy("Everyone who reads the plan reads this."),
        max_length=MAX_NAME,
        required=False,
    )
    arbiter_days = forms.IntegerField(
        label=gettext_lazy("Days for the outside arbiter"),
        help_text=gettext_lazy("From taking the case on to the decision; empty: 30."),
        min_value=ARBITER_DAYS[0],
        max_value=ARBITER_DAYS[1],
        required=False,
    )

    def clean(self) -> dict[str, Any]:
        """Refuse a jury without what makes it whole."""
        given = super().clean() or {}
        if any(value is not None and value != "" for value in given.values()):
            for name in _REQUIRED:
                if given.get(name) in (None, "") and name not in self.errors:
                    self.add_error(name, _("This belongs to it: write it, or leave the whole section empty."))
        if any(given.get(name) for name in _ARBITER):
            for name in _ARBITER:
                if not given.get(name) and name not in self.errors:
                    self.add_error(
                        name, _("Name the arbiter in full: name, organization, how to reach them.")
                    )
        return given

    def terms(self) -> dict[str, Any] | None:
        """Return the section as the terms have it; no threshold: no jury."""
        given = dict(self.cleaned_data)
        threshold, percent = given.pop("threshold"), given.pop("threshold_percent")
        if not threshold:
            return None
        return given | {
            "threshold_permille": int(percent * 10),
            "inclusive": threshold == "at_least",
            "quorum_permille": given["quorum_permille"] or 0,
            "arbiter_days": given["arbiter_days"] or USUAL_ARBITER_DAYS,
        }

    @staticmethod
    def entries(jury: JuryTerms | None) -> dict[str, Any]:
        """Return what is in the boxes under these terms."""
        if jury is None:
            return {}
        told = jury.to_json()
        permille, inclusive = told.pop("threshold_permille"), told.pop("inclusive")
        whole, tenth = divmod(permille, 10)
        return told | {
            "threshold": "at_least" if inclusive else "more_than",
            "threshold_percent": f"{whole}.{tenth}" if tenth else str(whole),
        }


def threshold_words(jury: JuryTerms) -> str:
    """Say which part of the votes grants the aid, in words that leave no doubt about a tie."""
    part = Fraction(jury.threshold_permille, 1000)
    if part == 1:
        return _("all of the votes")
    if part == Fraction(1, 2):
        return _("at least half of the votes") if jury.inclusive else _("more than half of the votes")
    whole, tenth = divmod(jury.threshold_permille, 10)
    percent = f"{whole}.{tenth}" if tenth else str(whole)
    if jury.inclusive:
        return _("at least %(percent)s %% of the votes") % {"percent": percent}
    return _("more than %(percent)s %% of the votes") % {"percent": percent}


def jury_words(jury: JuryTerms | None) -> tuple[str, ...]:
    """Say who judges a refusal in the end, and how."""
    if jury is None:
        return (_("There is no jury: what an appeal has refused stays refused inside the pool."),)
    may = ngettext(
        "Within %(days)s day after a refusal on appeal its claimant may take the case to a jury of members, once.",
        "Within %(days)s days after a refusal on appeal its claimant may take the case to a jury of members, once.",
        jury.take_days,
    ) % {"days": jury.take_days}
    drawn = _(
        "%(seats)s jurors and %(reserves)s reserves are drawn by lot, so that anyone can recompute the draw, from the"
        " adult members of %(tenure)s days or more who have offered and have answered five questions on these rules."
        " Nobody near to the case is among them."
    ) % {"seats": jury.seats, "reserves": jury.reserves, "tenure": jury.tenure_days}
    quorum = _("It takes %(votes)s votes.") % {"votes": jury.quorum}
    if jury.quorum_permille:
        quorum = _(
            "It takes %(votes)s votes, and at least %(permille)s for every 1,000 members who can be drawn; where that"
            " is more, jurors and reserves grow in the same proportion, up to %(most)s each."
        ) % {"votes": jury.quorum, "permille": jury.quorum_permille, "most": SEATS[1]}
    granted = _(
        "The aid is granted by %(threshold)s; with fewer votes than it takes, the refusal stays. Jurors vote within"
        " %(hours)s hours, and nobody sees a count before that."
    ) % {"threshold": threshold_words(jury), "hours": jury.voting_hours}
    return (may, drawn, quorum, granted, _arbiter_words(jury))


def _arbiter_words(jury: JuryTerms) -> str:
    """Say who decides where a jury would be a circle of acquaintances."""
    told = {"least": LEAST_ELIGIBLE, "days": jury.arbiter_days}
    if not jury.names_an_arbiter:
        return (
            _(
                "With fewer than %(least)s members who can be drawn an outside arbiter decides in the place of the"
                " jury, within %(days)s days of taking the case on; two people of different duties appoint them."
            )
            % told
        )
    return _(
        "With fewer than %(least)s members who can be drawn an outside arbiter decides in the place of the jury, within"
        " %(days)s days of taking the case on: %(name)s, %(organization)s (%(contact)s)."
    ) % {
        **told,
        "name": jury.arbiter_name,
        "organization": jury.arbiter_organization,
        "contact": jury.arbiter_contact,
    }
