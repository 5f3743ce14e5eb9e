"""Forms of publicity: an objection and its answer, and the claimant's appeal."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from claims.filing.forms import PaperForm


class ObjectForm(forms.Form):
    """What a member holds against a case."""

    reason = forms.CharField(
        label=_("What do you know that the reviewers should know?"),
        help_text=_("Read by the second reviewer who answers it. Your name is not published."),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    key = forms.UUIDField(widget=forms.HiddenInput)


class AnswerForm(forms.Form):
    """How an objection is answered."""

    upheld = forms.TypedChoiceField(
        label=_("Answer"),
        choices=[("no", _("Dismissed: the case goes on")), ("yes", _("Upheld: the award is withdrawn"))],
        coerce=lambda word: word == "yes",
    )
    answer = forms.CharField(label=_("Reason"), max_length=2000, widget=forms.Textarea(attrs={"rows": 4}))


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
