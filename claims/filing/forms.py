"""The four small steps of a claim."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.fields import FenField
from claims.filing.illnesses import ILLNESSES
from claims.filing.models import Claim
from claims.filing.words import KINDS
from ledger.sharing.faces import DISEASES, REGIONS

_ACCOUNT = re.compile(r"^[0-9A-Z]{8,34}$")


class WhatForm(forms.Form):
    """What happened, and to whom."""

    illness = forms.ChoiceField(
        label=_("Illness"),
        help_text=_("An injury from outside, sudden and unintended, is an accident; its waiting may differ."),
    )
    event_date = forms.DateField(
        label=_("Date of the first diagnosis"),
        help_text=_("The date on the paper that first names this illness."),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    birth_date = forms.DateField(
        label=_("Birth date of the person who is ill"),
        widget=forms.DateInput(attrs={"type": "date", "autocomplete": "bday"}, format="%Y-%m-%d"),
    )
    sex = forms.ChoiceField(label=_("Sex"), required=False, choices=Claim.Sex.choices)
    region = forms.ChoiceField(label=_("Region"), required=False)
    story = forms.CharField(
        label=_("In your own words"),
        help_text=_("What happened, which hospital, what was done. Only reviewers of your claim read this."),
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 6}),
    )

    def __init__(
        self, *args: Any, asks_for_spend: bool = False, asks_for_birth: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        if not asks_for_birth:
            del self.fields["birth_date"]
        if asks_for_spend:
            self.fields["spend_fen"] = _spend_field(_("What treatment has cost so far"))
        self.fields["illness"].choices = [(code, DISEASES[code]) for code in ILLNESSES]  # type: ignore[attr-defined]
        self.fields["region"].choices = [("", _("not shown")), *REGIONS.items()]  # type: ignore[attr-defined]


class PartForm(forms.Form):
    """Further bills of a case whose event is known."""

    story = forms.CharField(
        label=_("In your own words"),
        help_text=_("What these bills are for. Only reviewers of your claim read this."),
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 4}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["spend_fen"] = _spend_field(_("Sum of these further bills"))


def _spend_field(label: Any) -> FenField:
    """Return the entry for a sum of bills, which the papers of kind “bill” show."""
    return FenField(
        label=label,
        help_text=_(
            "What the bills come to that you add as papers, without bills of earlier claims; 0 if there are none yet."
        ),
    )


class PaperForm(forms.Form):
    """One photograph or PDF."""

    kind = forms.ChoiceField(label=_("Kind of paper"), choices=list(KINDS.items()))
    file = forms.FileField(
        label=_("Photograph or file"),
        help_text=_("JPEG, PNG or PDF, 10 MB at most. Place and camera data are removed."),
        widget=forms.ClearableFileInput(attrs={"accept": "image/jpeg,image/png,application/pdf"}),
    )


class _SeveralFiles(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Any number of files; what each is worth is found out one by one."""

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        """Return the files that were chosen."""
        return [file for file in data or [] if file]


PAPER_TYPES = "image/jpeg,image/png,application/pdf"


class PapersForm(forms.Form):
    """Photographs and PDF files of one kind of paper, from the store of the phone or fresh from its camera."""

    kind = forms.ChoiceField(label=_("Kind of paper"), choices=list(KINDS.items()))
    file = FilesField(
        label=_("Photographs or files"),
        required=False,
        help_text=_("JPEG, PNG or PDF, 10 MB each, several at once. Place and camera data are removed."),
        widget=_SeveralFiles(attrs={"accept": PAPER_TYPES}),
    )
    photo = FilesField(
        label=_("Take a photograph now"),
        required=False,
        widget=_SeveralFiles(attrs={"accept": "image/*", "capture": "environment"}),
    )

    def clean(self) -> dict[str, Any]:
        """Demand a file. Raises: ValidationError."""
        told: dict[str, Any] = super().clean() or {}
        told["files"] = [*told.get("file", []), *told.get("photo", [])]
        if not told["files"]:
            self.add_error("file", _("Choose at least one file, or take a photograph."))
        return told


class PayeeForm(forms.Form):
    """Where the aid goes."""

    payee_name = forms.CharField(label=_("Name of the account holder"), max_length=80)
    payee_account = forms.CharField(
        label=_("Account number"),
        max_length=60,
        help_text=_("Only its last four digits are shown again."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "numeric"}),
    )

    def clean_payee_account(self) -> str:
        """Return the number without spaces; refuse what no bank would give."""
        compact = re.sub(r"[\s-]", "", str(self.cleaned_data["payee_account"])).upper()
        if not _ACCOUNT.match(compact):
            raise ValidationError(_("An account number has 8 to 34 digits or letters."))
        return compact


class ConsentForm(forms.Form):
    """Consent to what each layer is told, exactly as it is shown. shown: the hash over all of it."""

    shown = forms.CharField(widget=forms.HiddenInput)
    agreed = forms.BooleanField(
        label=_("I agree that everyone, members, jurors and reviewers are told this, and nothing else."),
        error_messages={"required": _("Without your consent the case cannot be announced.")},
    )
