"""The form in which a second reviewer says of which case unpaid aid goes back to the members, and why."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.fields import NameField
from ledger.custody.forms import KeyForm


class RevocationForm(KeyForm):
    """The case, and the finding of the review."""

    case = forms.ChoiceField(label=_("Case"))
    reason = NameField(
        label=_("What was found"),
        max_length=300,
        help_text=_("Everybody can read this, the claimant first. No names, and nothing of the illness."),
    )

    def __init__(self, *args: Any, cases: list[str], **options: Any) -> None:
        """Offer these cases."""
        super().__init__(*args, **options)
        self.fields["case"].choices = [(case, case) for case in cases]  # type: ignore[attr-defined]
