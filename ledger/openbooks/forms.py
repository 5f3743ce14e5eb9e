"""The forms of the log's witnesses."""

import uuid

from django import forms
from django.utils.translation import gettext_lazy as _


class KeyForm(forms.Form):
    """A deed that needs no more than its key: the same form twice is one deed."""

    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)


class WitnessesForm(KeyForm):
    """Who witnesses the log. witnesses: cleaned to pairs of key and address."""

    witnesses = forms.CharField(
        label=_("Witnesses, one a line"),
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 5, "spellcheck": "false"}),
        help_text=_(
            "Key and address as the witness tells them, with a space between. Empty: nobody witnesses it."
        ),
    )
    needed = forms.IntegerField(
        label=_("How many of them are needed"),
        min_value=0,
        max_value=8,
        initial=2,
        help_text=_("A reader trusts a checkpoint that so many have signed."),
    )

    def clean_witnesses(self) -> list[tuple[str, str]]:
        """Read the lines. Raises: ValidationError naming the line that is not key and address."""
        found = []
        for number, line in enumerate(self.cleaned_data["witnesses"].splitlines(), 1):
            words = line.split()
            if not words:
                continue
            if len(words) != 2:
                raise forms.ValidationError(
                    _("Line %(number)s is not a key and an address with a space between.")
                    % {"number": number}
                )
            found.append((words[0], words[1]))
        return found
