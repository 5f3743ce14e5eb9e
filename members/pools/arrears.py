"""What follows from a share that is not paid, as people read and write it."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from members.pools.arrears_terms import MAX_GRACE_DAYS, ArrearsTerms


class DaysField(forms.CharField):
    """A list of days such as 7, 14, 21, of which any sign between them is understood; nothing written: no days."""

    def clean(self, value: Any) -> list[int]:
        """Return the days. Raises: ValidationError."""
        parts = super().clean(value).replace("，", " ").replace("、", " ").replace(",", " ").split()
        if not all(part.isascii() and part.isdecimal() and len(part) < 5 for part in parts):
            raise forms.ValidationError(_("Write days like 7, 14, 21."))
        return [int(part) for part in parts]

    def prepare_value(self, value: Any) -> Any:
        """Write a list of days as people do."""
        return ", ".join(map(str, value)) if isinstance(value, list) else value


class ArrearsForm(forms.Form):
    """What follows from an unpaid share: days of grace and of make-up, or nothing at all."""

    reminder_days = DaysField(
        label=gettext_lazy("Asked again after days"),
        help_text=gettext_lazy("Counted from the charge day, such as 7, 14, 21"),
        max_length=60,
        required=False,
    )
    grace_days = forms.IntegerField(
        label=gettext_lazy("Days of grace"), min_value=1, max_value=MAX_GRACE_DAYS, required=False
    )
    make_up_days = forms.IntegerField(
        label=gettext_lazy("Days to make up"), min_value=1, max_value=MAX_GRACE_DAYS, required=False
    )
    hardship_days = forms.IntegerField(
        label=gettext_lazy("Days a hardship pause may add"),
        min_value=0,
        max_value=MAX_GRACE_DAYS,
        required=False,
    )

    def clean(self) -> dict[str, Any]:
        """Refuse a part without the days that make it whole."""
        given = super().clean() or {}
        if any(given.values()):
            for name in ("grace_days", "make_up_days"):
                if given.get(name) is None and name not in self.errors:
                    self.add_error(name, _("This belongs to it: write it, or leave the whole section empty."))
        return given

    def terms(self) -> dict[str, Any] | None:
        """Return the section as the terms have it; no days of grace: none."""
        given = self.cleaned_data
        if given["grace_days"] is None:
            return None
        return given | {"hardship_days": given["hardship_days"] or 0}

    @staticmethod
    def entries(arrears: ArrearsTerms | None) -> dict[str, Any]:
        """Return what is in the boxes under these terms."""
        return arrears.to_json() if arrears else {}


def arrears_words(arrears: ArrearsTerms | None) -> tuple[str, ...]:
    """Say what becomes of a member who does not pay afterwards."""
    if arrears is None:
        return (_("An unpaid share stays owed. Nobody loses their membership by it."),)
    days = ", ".join(map(str, arrears.reminder_days))
    asked = (
        ngettext(
            "Who has not paid is asked again on day %(days)s after the charge day.",
            "Who has not paid is asked again on days %(days)s after the charge day.",
            len(arrears.reminder_days),
        )
        % {"days": days}
        if days
        else _("Nobody is asked a second time.")
    )
    grace = ngettext(
        "They stay covered for %(days)s day after it, and are suspended only once the bank has told of all of it.",
        "They stay covered for %(days)s days after it, and are suspended only once the bank has told of all of them.",
        arrears.grace_days,
    ) % {"days": arrears.grace_days}
    back = ngettext(
        "Whoever pays everything open within %(days)s day of a suspension is covered again, with the waiting time kept;"
        " after that the membership lapses.",
        "Whoever pays everything open within %(days)s days of a suspension is covered again, with the waiting time"
        " kept; after that the membership lapses.",
        arrears.make_up_days,
    ) % {"days": arrears.make_up_days}
    paused = (
        ngettext(
            "In hardship two people of the pool can add up to %(days)s day of grace.",
            "In hardship two people of the pool can add up to %(days)s days of grace.",
            arrears.hardship_days,
        )
        % {"days": arrears.hardship_days}
        if arrears.hardship_days
        else _("There is no pause for hardship.")
    )
    return (asked, grace, back, paused)
