"""The form in which a treasurer says why a closed month should take entries again."""

from django.utils.translation import gettext_lazy as _

from aidplatform.lib.fields import NameField
from ledger.custody.forms import KeyForm


class ReopeningForm(KeyForm):
    """Why the month is opened again."""

    reason = NameField(
        label=_("Why it is opened again"),
        max_length=300,
        help_text=_("Everybody can read this. No names of members."),
    )
