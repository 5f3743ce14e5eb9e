"""Form fields that several rooms share."""

from typing import Any
from unicodedata import normalize

from django import forms
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.errors import DomainError
from aidplatform.lib.money import format_fen, parse_fen
from aidplatform.lib.zones import ZONES


def zone_choices(kept: str = "") -> list[tuple[str, Any]]:
    """Return the time zones that people choose from, from west to east, named by cities in the reader's language.

    kept: one that somebody chose by its name elsewhere; it stays to be chosen.
    """
    rare = [(kept, kept.replace("_", " "))] if kept and kept not in ZONES else []
    return [*ZONES.items(), *rare]


class FenField(forms.CharField):
    """An amount of money as people write it, read as fen; nothing where nothing is written."""

    def prepare_value(self, value: Any) -> Any:
        """Write fen as people do."""
        return format_fen(value) if isinstance(value, int) else value

    def to_python(self, value: Any) -> Any:
        """Read fen."""
        if isinstance(value, int):
            return value
        text = super().to_python(value)
        try:
            return parse_fen(text) if text else None
        except DomainError as error:
            raise forms.ValidationError(str(error), code="bad_amount") from None


class NameField(forms.CharField):
    """A name or a short text: one line, composed, since some keyboards send accents apart from their letters."""

    def to_python(self, value: Any) -> str:
        """Return the text in composed form. Raises: ValidationError for line breaks and letters nobody sees."""
        text = normalize("NFC", str(super().to_python(value)))
        if not text.isprintable():
            raise forms.ValidationError(_("Write it in one line, without invisible characters."))
        return text


class TextField(forms.CharField):
    """A long text, kept to the letter but for the line ends, which browsers send in pairs."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=forms.Textarea(attrs={"rows": 12}), strip=False, max_length=100_000, **kwargs)

    def to_python(self, value: Any) -> str:
        """Return the text with single line ends."""
        return str(super().to_python(value)).replace("\r\n", "\n")

    def validate(self, value: Any) -> None:
        """Refuse a text of spaces alone."""
        super().validate(str(value).strip())
