"""How terms of a plan are read and refused: every part names the field and the reason in the same way. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from typing import Any, TypeVar
from unicodedata import is_normalized

Part = TypeVar("Part")

# Whole numbers up to here survive every JSON reader, those that keep numbers as doubles included.
MAX_INT = 2**53 - 1
MAX_AGE = 150
MAX_NAME = 80

_RATE = re.compile(r"(0|[1-9][0-9]{0,8})(?:/([1-9][0-9]{0,8}))?", re.ASCII)


class TermsError(ValueError):
    """Refuse terms: `field` is the path to the culprit, `code` the rule, `params` the figures in it."""

    def __init__(self, field: str, code: str, message: str, **params: int | str) -> None:
        super().__init__(f"{field or 'terms'}: {message}")
        self.field = field
        self.code = code
        self.message = message
        self.params = params

    def inside(self, path: str) -> TermsError:
        """Return the same error seen from one level further out."""
        return TermsError(
            f"{path}.{self.field}" if self.field else path, self.code, self.message, **self.params
        )


def check_type(field: str, value: object, wanted: type) -> None:
    """Demand exactly that type. Raises: TermsError."""
    # type() and not isinstance: true is no number of days.
    if type(value) is not wanted:
        shown = type(value).__name__
        raise TermsError(field, "wrong_type", f"must be {wanted.__name__}, not {shown}")


def check_int(field: str, value: object, low: int, high: int = MAX_INT) -> None:
    """Demand a whole number of a range. Raises: TermsError."""
    check_type(field, value, int)
    if not low <= value <= high:  # type: ignore[operator]
        raise TermsError(field, "out_of_range", f"{value} isn't between {low} and {high}", low=low, high=high)


def check_age_band(age_from: object, age_before: object) -> None:
    """Demand two ages in their order. Raises: TermsError."""
    check_int("age_from", age_from, 0, MAX_AGE)
    check_int("age_before", age_before, 0, MAX_AGE)
    if age_from >= age_before:  # type: ignore[operator]
        raise TermsError("age_before", "empty_age_band", f"no age from {age_from} to below it")


def check_text(field: str, value: object, most: int = MAX_NAME) -> None:
    """Demand a text that people can read, in composed form. Raises: TermsError."""
    check_type(field, value, str)
    text = str(value)
    if not text.strip() or len(text) > most or not text.isprintable() or not is_normalized("NFC", text):
        raise TermsError(
            field, "bad_text", f"must be 1 to {most} printable characters in composed form", most=most
        )


def check_choice(field: str, value: object, choices: Sequence[str]) -> None:
    """Demand one of the choices. Raises: TermsError."""
    if value not in choices:
        raise TermsError(field, "unknown_choice", f"{value!r} is none of {', '.join(choices)}")


def read_rate(value: object, field: str = "rate") -> Fraction:
    """Return the fraction that a text like 8/100 writes. Raises: TermsError."""
    check_type(field, value, str)
    found = _RATE.fullmatch(str(value))
    if found is None:
        raise TermsError(field, "bad_rate", f"{value!r} isn't a fraction like 8/100")
    return Fraction(int(found[1]), int(found[2] or 1))


def fields_of(data: object, *, required: Sequence[str], optional: Sequence[str] = ()) -> dict[str, Any]:
    """Return the fields of a JSON object after refusing missing and unknown ones; null means not given."""
    if not isinstance(data, Mapping):
        raise TermsError("", "wrong_type", "must be an object")
    for name in data:
        if name not in required and name not in optional:
            raise TermsError(ascii(name)[1:-1][:80], "unknown_field", "isn't a field of these terms")
    given = {name: value for name, value in data.items() if value is not None}
    for name in required:
        if name not in given:
            raise TermsError(name, "missing_field", "must be given")
    return given


def _list(field: str, value: object) -> list[object]:
    if not isinstance(value, list):
        raise TermsError(field, "wrong_type", "must be a list")
    return value


@contextmanager
def _seen_from(path: str) -> Iterator[None]:
    try:
        yield
    except TermsError as error:
        raise error.inside(path) from None


def read_part(path: str, read: Callable[[object], Part], data: object) -> Part:
    """Read a part of the terms; what is wrong with it is named by its whole path."""
    with _seen_from(path):
        return read(data)


def read_optional(path: str, read: Callable[[object], Part], given: Mapping[str, Any]) -> Part | None:
    """Read a part that may be left out."""
    return read_part(path, read, given[path]) if path in given else None


def read_rows(path: str, read: Callable[[object], Part], data: object) -> tuple[Part, ...]:
    """Read a list of parts; what is wrong with one is named by its place."""
    return tuple(read_part(f"{path}[{place}]", read, row) for place, row in enumerate(_list(path, data)))
