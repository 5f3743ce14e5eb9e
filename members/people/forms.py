"""Forms of an account, where those of allauth need other words; and of what a person is mailed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from allauth.mfa.webauthn.forms import AddWebAuthnForm, EditWebAuthnForm
from django import forms
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.fields import zone_choices
from members.people.choices import Wishes
from members.people.events import EVENTS
from members.people.models import AS_CATEGORY, NoticeChoice, NoticeHours, Way


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


def _event_name(category: str, event: str) -> str:
    return f"{category}-{event}"


def _texts_field(label: Any, choices: list[Any], wishes: Wishes, **options: Any) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=label,
        choices=choices,
        initial=[name for name, _label in choices if name in wishes.texts],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        **options,
    )


def _of_category(code: str, wishes: Wishes, *, has_phone: bool) -> list[tuple[str, forms.Field]]:
    """Return the fields of a category: how all of it comes, whether that is to hold for every event, and each event.

    has_phone: also of which events a text message comes. Of a category with one event the category is enough.
    """
    category = NoticeChoice.Category(code)
    is_kept = category in NoticeChoice.ALWAYS_MAILED
    ways = [(w.value, w.label) for w in Way if not (is_kept and w == Way.PAGE)]
    whole = forms.ChoiceField(
        label=category.label,
        choices=ways,
        initial=wishes.ways.get(code, Way.AT_ONCE.value),
        help_text=_("Money or rights hang on these: they are mailed in any case.") if is_kept else "",
    )
    if len(EVENTS[code]) == 1:
        return [(code, whole)]
    found: list[tuple[str, forms.Field]] = [
        (code, whole),
        (f"{code}-all", forms.BooleanField(label=_("Also for what I have chosen by itself"), required=False)),
    ]
    for event, one in EVENTS[code].items():
        chosen = wishes.events.get((code, event), AS_CATEGORY)
        choices = [(AS_CATEGORY, _("as all of these")), *ways]
        # A page that was left open, or a program, may send the categories alone.
        field = forms.ChoiceField(label=cast(Any, one.label), choices=choices, initial=chosen, required=False)
        found.append((_event_name(code, event), field))
    if has_phone:
        names = [(f"{code}.{event}", one.label) for event, one in EVENTS[code].items()]
        found.append((f"{code}-texts", _texts_field(_("Of these a text message as well"), names, wishes)))
    return found


@dataclass(frozen=True)
class CategoryFields:
    """The fields of a category as a page shows them. texts: the events of which text messages come.

    is_apart: an event was chosen by itself, or is refused.
    """

    whole: forms.BoundField
    all_of_them: forms.BoundField | None
    events: list[forms.BoundField]
    texts: forms.BoundField | None

    @property
    def is_apart(self) -> bool:
        """Tell whether the ways of the events have to be seen at once."""
        return any(one.errors or one.value() not in (AS_CATEGORY, None, "") for one in self.events)

    @property
    def is_open(self) -> bool:
        """Tell whether anything of the events has to be seen at once."""
        return self.is_apart or bool(self.texts and (self.texts.errors or self.texts.value()))


class NoticesForm(forms.Form):
    """How each category and each event comes, and when: the fields of the categories, then the hours."""

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
        cast(forms.ChoiceField, self.fields["time_zone"]).choices = zone_choices(hours.time_zone)
        self.fields = {
            name: made for code in EVENTS for name, made in _of_category(code, wishes, has_phone=has_phone)
        } | self.fields
        if has_phone:
            self.fields["texts"] = _texts_field(
                _("Of all of these a text message as well"),
                NoticeChoice.Category.choices,
                wishes,
                help_text=_(
                    "It says that there is something to read, and nothing of what it is. With a digest it comes once a"
                    " day; quiet hours hold for it. Single events are chosen with their category, above."
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

    def categories(self) -> list[CategoryFields]:
        """Return the fields by category."""
        return [
            CategoryFields(
                self[code],
                self[f"{code}-all"] if f"{code}-all" in self.fields else None,
                [self[_event_name(code, one)] for one in events if _event_name(code, one) in self.fields],
                self[f"{code}-texts"] if f"{code}-texts" in self.fields else None,
            )
            for code, events in EVENTS.items()
        ]

    def rest(self) -> list[forms.BoundField]:
        """Return the fields that are of no category."""
        return [one for one in self if one.name.split("-")[0] not in EVENTS]

    def events(self) -> dict[tuple[str, str], str]:
        """Return what was chosen for each event; nothing of those that were not sent."""
        chosen = {}
        for code, events in EVENTS.items():
            for event in events:
                way = self.cleaned_data.get(_event_name(code, event))
                if way:
                    chosen[code, event] = AS_CATEGORY if self.cleaned_data[f"{code}-all"] else way
        return chosen

    def ways(self) -> dict[str, str]:
        """Return what was chosen for each category."""
        return {category.value: self.cleaned_data[category.value] for category in NoticeChoice.Category}

    def texts(self) -> set[str] | None:
        """Return of which categories and events text messages are wanted; None where no phone is confirmed."""
        if "texts" not in self.fields:
            return None
        of_events = [self.cleaned_data.get(f"{code}-texts", []) for code in EVENTS]
        return set(self.cleaned_data["texts"]).union(*of_events)

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
