"""The forms of complaints."""

import uuid
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from members.rights.models import LONGEST_TEXT, Complaint


class ComplainForm(forms.Form):
    """What somebody complains about; key: the same form twice is one complaint."""

    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    about = forms.ChoiceField(label=_("What it is about"), choices=Complaint.About.choices)
    reference = forms.CharField(
        label=_("Claim or period"),
        required=False,
        max_length=20,
        help_text=_(
            "The code of a claim of yours, such as CL-ABCDEFGHJK, or the number of a period you shared."
        ),
    )
    text = forms.CharField(
        label=_("What happened, and what you ask for"),
        max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text=_("Kept encrypted. Only whoever answers reads it."),
    )


class TextForm(forms.Form):
    """An answer, or why an answer does not settle it."""

    text = forms.CharField(max_length=LONGEST_TEXT, widget=forms.Textarea(attrs={"rows": 5}))

    def __init__(self, *args: Any, label: object = _("Answer"), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["text"].label = str(label)


class FilterForm(forms.Form):
    """Which complaints a list shows."""

    state = forms.ChoiceField(
        label=_("State"), required=False, choices=[("", _("all")), *Complaint.State.choices]
    )
    about = forms.ChoiceField(
        label=_("What it is about"), required=False, choices=[("", _("all")), *Complaint.About.choices]
    )
    late = forms.ChoiceField(label=_("Day"), required=False, choices=[("", _("all")), ("1", _("overdue"))])
