"""Forms of publicity: an objection, and its answer."""

from django import forms
from django.utils.translation import gettext_lazy as _


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
