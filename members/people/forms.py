"""Forms of an account, where those of allauth need other words; and of what a person is mailed."""

from collections.abc import Mapping
from typing import Any, cast

from allauth.mfa.webauthn.forms import AddWebAuthnForm, EditWebAuthnForm
from django import forms
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.fields import zone_choices
from members.people.choices import Wishes
from members.people.models import NoticeChoice, NoticeHours, Way


class AddPasskeyForm(AddWebAuthnForm):  # type: ignore[misc]
    """A passkey stands for the password too, unless it is a key without room to remember whose it is."""

    name = forms.CharField(label=_("Name of this passkey"), required=False, max_length=60)
    passwordless = forms.BooleanField(
        label=_("Sign in with it alone, without e-mail and password"),
        required=False,
        initial=True,
        help_text=_(
            "Leave the tick. Only an old security key, which cannot remember whose it is, needs it taken away: "
            "such a key is asked for after the password."
        ),
    )


class RenamePasskeyForm(EditWebAuthnForm):  # type: ignore[misc]
    """Only the name can change."""

    name = forms.CharField(label=_("Name of this passkey"), max_length=60)


HOURS = [(hour, f"{hour:02}:00") for hour in range(24)]
QUIET = [("", _("no quiet hours")), *HOURS]


def _hour(label: Any, choices: list[Any], **options: Any) -> forms.TypedChoiceField:
    return forms.TypedChoiceField(label=label, choices=choices, coerce=int, empty_value=None, **options)


class NoticesForm(forms.Form):
    """How each category comes, and when: a field for each category, then the hours."""

    digest_hour = _hour(_("Hour of the daily digest"), HOURS)
    time_zone = forms.ChoiceField(label=_("Time zone"))
    quiet_from_hour = _hour(_("Quiet from"), QUIET, required=False)
    quiet_to_hour = _hour(
        _("Quiet until"),
        QUIET,
        required=False,
        help_text=_("What would be mailed in these hours is mailed when they end. They may cross midnight."),
    )

    def __init__(
        self, wishes: Wishes, data: Mapping[str, Any] | None = None, *, has_phone: bool = False
    ) -> None:
        hours = wishes.hours
        kept = {name: getattr(hours, name) for name in self.base_fields}
        super().__init__(data, initial=kept)
        cast(forms.ChoiceField, self.fields["time_zone"]).choices = zone_choices()
        categories = {}
        for category in NoticeChoice.Category:
            is_kept = category in NoticeChoice.ALWAYS_MAILED
            categories[category.value] = forms.ChoiceField(
                label=category.label,
                choices=[(w.value, w.label) for w in Way if not (is_kept and w == Way.PAGE)],
                initial=wishes.ways.get(category, Way.AT_ONCE.value),
                help_text=_("Money or rights hang on these: they are mailed in any case.") if is_kept else "",
            )
        self.fields = categories | self.fields
        if has_phone:
            self.fields["texts"] = forms.MultipleChoiceField(
                label=_("Of these a text message as well"),
                choices=NoticeChoice.Category.choices,
                initial=sorted(wishes.texts),
                required=False,
                widget=forms.CheckboxSelectMultiple,
                help_text=_(
                    "It says that there is something to read, and nothing of what it is. With a digest it comes once a"
                    " day; quiet hours hold for it."
                ),
            )

    def clean(self) -> dict[str, Any]:
        """Return the fields. Raises: ValidationError for quiet hours with one end, or none between them."""
        given = super().clean() or {}
        begin, end = given.get("quiet_from_hour"), given.get("quiet_to_hour")
        if "quiet_to_hour" in given and (
            (begin is None) != (end is None) or (begin is not None and begin == end)
        ):
            self.add_error("quiet_to_hour", _("Give both ends of the quiet hours, or neither; they differ."))
        return given

    def ways(self) -> dict[str, str]:
        """Return what was chosen for each category."""
        return {category.value: self.cleaned_data[category.value] for category in NoticeChoice.Category}

    def texts(self) -> set[str] | None:
        """Return of which categories text messages are wanted; None where no phone is confirmed."""
        return set(self.cleaned_data["texts"]) if "texts" in self.fields else None

    def hours(self) -> NoticeHours:
        """Return the hours that were chosen, not saved."""
        return NoticeHours(**{name: self.cleaned_data[name] for name in self.base_fields})


class PhoneForm(forms.Form):
    """A phone number."""

    number = forms.CharField(
        label=_("Phone number"),
        max_length=30,
        help_text=_("With its country code, such as +86 138 0013 8000. It is stored encrypted."),
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel"}),
    )


class PhoneCodeForm(forms.Form):
    """The code that a number was sent."""

    code = forms.CharField(
        label=_("Code from the text message"),
        max_length=10,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "one-time-code"}),
    )
