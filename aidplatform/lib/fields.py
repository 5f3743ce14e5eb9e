"""Form fields that several rooms share."""

from typing import Any

from django import forms

from aidplatform.lib.errors import DomainError
from aidplatform.lib.money import format_fen, parse_fen


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
