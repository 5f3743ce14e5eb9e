"""Forms of publicity: an objection, its papers, reply and answer, what is taken out of it, and the appeal."""

from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from claims.filing.forms import PAPER_TYPES, PaperForm
from claims.publicity.models import Redaction


def _paper_field(label: object, *, required: bool) -> forms.FileField:
    return forms.FileField(
        label=label,  # type: ignore[arg-type]  # a lazy sentence
        required=required,
        help_text=_("JPEG, PNG or PDF, 10 MB at most. Place and camera data are removed."),
        widget=forms.ClearableFileInput(attrs={"accept": PAPER_TYPES}),
    )


class ObjectForm(forms.Form):
    """What a member holds against a case, with a first paper if there is one."""

    reason = forms.CharField(
        label=_("What do you know that the reviewers should know?"),
        help_text=_(
            "Read by the second reviewer who answers it, and by whose case it is, who can reply."
            " Nobody is told your name."
        ),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    file = _paper_field(_("A paper that shows it"), required=False)
    key = forms.UUIDField(widget=forms.HiddenInput)


class ObjectionPaperForm(forms.Form):
    """A further paper beside an objection."""

    file = _paper_field(_("A further paper"), required=True)


class ReplyForm(forms.Form):
    """What the claimant replies to an objection."""

    text = forms.CharField(
        label=_("Your reply"),
        max_length=2000,
        help_text=_("Read by the second reviewer who answers the objection, before they do. You reply once."),
        widget=forms.Textarea(attrs={"rows": 4}),
    )


class RedactionForm(forms.Form):
    """Words to be taken out of an objection, and why."""

    ground = forms.ChoiceField(label=_("Why"), choices=Redaction.Ground.choices)
    words = forms.CharField(
        label=_("Words to be taken out"),
        max_length=2000,
        help_text=_("As they stand in the objection; several passages one a line."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def clean_words(self) -> list[str]:
        """Return the passages."""
        return [line.strip() for line in self.cleaned_data["words"].splitlines() if line.strip()]


_DISMISSED = ("no", _("Dismissed: the case goes on"))


class AnswerForm(forms.Form):
    """How an objection is answered. may_uphold: offers it; what is sent all the same is for the service to refuse."""

    upheld = forms.TypedChoiceField(
        label=_("Answer"),
        choices=[_DISMISSED, ("yes", _("Upheld: the award is withdrawn"))],
        coerce=lambda word: word == "yes",
    )
    answer = forms.CharField(label=_("Reason"), max_length=2000, widget=forms.Textarea(attrs={"rows": 4}))

    def __init__(self, *args: Any, may_uphold: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not may_uphold:
            cast(forms.Select, self.fields["upheld"].widget).choices = [_DISMISSED]


class AppealForm(PaperForm):
    """Why a refused claim should be looked at anew, with one further paper if there is one."""

    reason = forms.CharField(
        label=_("Why should it be looked at again?"),
        help_text=_(
            "What was overlooked, or what is new. Only the two people who decide on your appeal read this."
        ),
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 6}),
    )
    key = forms.UUIDField(widget=forms.HiddenInput)
    field_order = ("reason", "kind", "file", "key")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["file"].required = False
        self.fields["kind"].label = _("Kind of further paper")
        self.fields["file"].label = _("Further paper, if there is one")
