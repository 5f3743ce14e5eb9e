"""The form in which a treasurer says that a receipt was matched to the wrong member, and why."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.fields import NameField
from aidplatform.lib.money import format_money
from ledger.custody.forms import KeyForm
from ledger.custody.undoings import Match


class UndoingForm(KeyForm):
    """Whose money it is not, and how that was found out."""

    member = forms.TypedChoiceField(label=_("Whose money it is not"), coerce=int)
    reason = NameField(
        label=_("How you found out"),
        max_length=300,
        help_text=_("For example: the payer wrote on 3 March, with the bank's receipt. No names of members."),
    )

    def __init__(self, *args: Any, matches: Sequence[Match], currency: str, **options: Any) -> None:
        """Offer those for whom the receipt counts."""
        super().__init__(*args, **options)
        self.fields["member"].choices = [  # type: ignore[attr-defined]
            (
                one.member,
                _("member %(number)s: %(amount)s")
                % {"number": one.member, "amount": format_money(one.fen, currency)},
            )
            for one in matches
        ]
