"""Forms of reviewers."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.fields import FenField
from claims.filing.models import Claim
from claims.filing.states import ON_THE_DESK
from claims.filing.words import KINDS
from claims.review.models import Clause, Outcome

_REASON = {"rows": 4}
# Codes of papers with what each is called.
Papers = Sequence[tuple[str, object]]


# Sets of the queue that everybody has, each an address: what is mine, late, ….
SETS: dict[str, object] = {
    "mine": _("Mine"),
    "unassigned": _("Nobody's yet"),
    "second": _("For my decision"),
    "late": _("Late"),
    "appeals": _("Appeals"),
}


class QueueForm(forms.Form):
    """What of the queue is shown; all of it stands in the address."""

    state = forms.ChoiceField(label=_("State"), required=False)
    mine = forms.BooleanField(label=_("Only mine"), required=False)
    text = forms.CharField(label=_("Claim number"), required=False, max_length=20)
    set = forms.ChoiceField(
        choices=[("", ""), *SETS.items()], required=False, widget=forms.HiddenInput, label=_("Set")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = dict(Claim.State.choices)
        self.fields["state"].choices = [  # type: ignore[attr-defined]
            ("", _("All on the desk")),
            *((state, names[state]) for state in ON_THE_DESK),
        ]


class PapersForm(forms.Form):
    """What the claimant is asked for."""

    kinds = forms.MultipleChoiceField(
        label=_("Kinds of paper"),
        choices=list(KINDS.items()),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    message = forms.CharField(
        label=_("Message to the claimant"), max_length=2000, widget=forms.Textarea(attrs=_REASON)
    )


class AcceptForm(forms.Form):
    """What of the bills a reviewer would accept: the derivation is worked out for it."""

    accepted = FenField(
        label=_("Spend you accept"),
        help_text=_("The sum of the bills that belong to this case, at most what the claim tells."),
    )


def _cited() -> forms.MultipleChoiceField:
    """Return the field of papers on which a judgment rests; its choices are those of the claim."""
    return forms.MultipleChoiceField(
        label=_("Papers that establish it"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("An approval rests on one at least."),
    )


class RecommendForm(forms.Form):
    """A recommendation: outcome, spend where the plan asks for it, aid, clause, papers, reason."""

    outcome = forms.ChoiceField(
        label=_("Recommendation"), choices=[c for c in Outcome.choices if c[0] != "returned"]
    )
    aid = FenField(label=_("Aid"), required=False, help_text=_("At most what the plan grants."))
    clause = forms.ChoiceField(label=_("Clause of the covenant"), choices=Clause.choices)
    papers = _cited()
    reason = forms.CharField(label=_("Reason"), max_length=4000, widget=forms.Textarea(attrs=_REASON))
    key = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, papers: Papers = (), asks_for_spend: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["papers"].choices = list(papers)  # type: ignore[attr-defined]
        if asks_for_spend:
            spend = FenField(
                label=_("Spend you accept"), help_text=_("Of an approval: the bills that count.")
            )
            self.fields["accepted_spend_fen"] = spend
            self.order_fields(["outcome", "accepted_spend_fen"])

    def clean_aid(self) -> int:
        """Return the aid in fen; nothing for a rejection."""
        return self.cleaned_data["aid"] or 0


class DecideForm(forms.Form):
    """A decision over the hash of what was shown, and the papers on which it rests."""

    outcome = forms.ChoiceField(label=_("Decision"), choices=Outcome.choices)
    clause = forms.ChoiceField(label=_("Clause of the covenant"), choices=Clause.choices)
    papers = _cited()
    reason = forms.CharField(label=_("Reason"), max_length=4000, widget=forms.Textarea(attrs=_REASON))
    shown_sha256 = forms.CharField(
        widget=forms.HiddenInput, validators=[RegexValidator(r"^[0-9a-f]{64}$")], max_length=64
    )
    key = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, papers: Papers = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["papers"].choices = list(papers)  # type: ignore[attr-defined]


class BlindForm(RecommendForm):
    """How somebody judges who has not seen how it was judged."""

    outcome = forms.ChoiceField(
        label=_("Your judgment"), choices=[c for c in Outcome.choices if c[0] != "returned"]
    )


class NoteForm(forms.Form):
    """A note for the other reviewers of a case."""

    text = forms.CharField(
        label=_("Note"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Read by the reviewers of this case alone; it stays as it is written."),
    )


class OutsideReviewerForm(forms.Form):
    """Who is proposed to look at a claim from outside, and why the pool has nobody."""

    name = forms.CharField(
        label=_("Name, profession, and how to reach them"),
        help_text=_(
            "Somebody who is no member here, holds no duty in this pool, and knows neither the claimant nor its people."
            " The claimant reads this."
        ),
        max_length=200,
    )
    reason = forms.CharField(
        label=_("Why nobody of the pool can"),
        help_text=_("The claimant reads this as well. Name nobody who is near to the case."),
        max_length=1000,
        widget=forms.Textarea(attrs=_REASON),
    )


class LinkForm(forms.Form):
    """Where the link for somebody outside is mailed, if anywhere. instead_of: the mark of the one it replaces."""

    address = forms.EmailField(
        label=_("E-mail address to which it is sent"),
        required=False,
        help_text=_("The mail says nothing of the case. Without an address you send the link yourself."),
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    instead_of = forms.CharField(required=False, widget=forms.HiddenInput)


class HandOverForm(forms.Form):
    """To whom a claim is handed."""

    to = forms.ChoiceField(label=_("Hand it to"))

    def __init__(self, *args: Any, reviewers: Papers = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["to"].choices = list(reviewers)  # type: ignore[attr-defined]
