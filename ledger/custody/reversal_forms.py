"""The form in which a treasurer says why an entry should be taken back."""

from django.utils.translation import gettext_lazy as _

from aidplatform.lib.fields import NameField
from ledger.custody.forms import KeyForm


class ReversalForm(KeyForm):
    """Why the entry is taken back."""

    reason = NameField(
        label=_("Why it is reversed"),
        max_length=200,
        help_text=_("Everybody can read this. No names of members."),
    )
