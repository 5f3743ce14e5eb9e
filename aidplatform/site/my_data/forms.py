"""The form by which an erasure is asked for."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from members.people.models import User


class EraseForm(forms.Form):
    """One's own code, typed: nobody does it by a slip of the hand."""

    code = forms.CharField(
        label=_("Your code"),
        max_length=12,
        help_text=_("Type your code as it stands above, such as P-ABCDEFGHJK."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, person: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._person = person

    def clean_code(self) -> str:
        """Demand the code of whoever asks."""
        code = str(self.cleaned_data["code"]).strip().upper()
        if code != self._person.code:
            raise forms.ValidationError(_("This is not your code."))
        return code
