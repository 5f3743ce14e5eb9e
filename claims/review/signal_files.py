"""Claims as lines of JSON, one each, for the measurement of signals: written here, or by anybody else. Pure.

A line is an object: `id` (text), `fraud` (a kind as a code word, or null: honest), `held_out` (true: of a kind made
after the limits were set; may be left out) and `features`, the names of `signals.Features`: whole numbers, true and
false, days as YYYY-MM-DD, null; `issued` is an object of days by kind of paper. What is left out is not known. Names
that begin with x_ are others' own and are not read.
"""

import datetime as dt
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Any, NoReturn

from claims.review.signals import Features

_WORD = re.compile(r"[a-z][a-z0-9_]{0,39}")
_KINDS: dict[str, str] = {
    field.name: field.type.__name__ if isinstance(field.type, type) else str(field.type)
    for field in fields(Features)
}
_MOST = 10**9
_LINE = {"id", "fraud", "held_out", "features"}


class BadLineError(ValueError):
    """A line that is no claim; the message names the line, the field and what is wrong with it."""


@dataclass(frozen=True)
class Case:
    """A claim of which it is known what it is. fraud: the kind; empty: honest."""

    name: str
    fraud: str
    is_held_out: bool
    features: Features


def to_line(case: Case) -> str:
    """Return the line of a claim; what says nothing is left out."""
    told: dict[str, Any] = {}
    plain = Features()
    for name in _KINDS:
        value = getattr(case.features, name)
        if value == getattr(plain, name):
            continue
        if name == "issued":
            value = {kind: day.isoformat() for kind, day in value}
        told[name] = value.isoformat() if isinstance(value, dt.date) else value
    line = {"id": case.name, "fraud": case.fraud or None, "held_out": case.is_held_out, "features": told}
    return json.dumps(line, ensure_ascii=False, separators=(",", ":"))


def read_lines(lines: Iterable[str]) -> Iterator[Case]:
    """Yield the claims of a file; empty lines are passed over. Raises: BadLineError."""
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield _case(line)
            except BadLineError as error:
                raise BadLineError(f"line {number}: {error}") from None


def _case(line: str) -> Case:
    try:
        told = json.loads(line, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise BadLineError(f"no JSON: {error}") from None
    if not isinstance(told, dict):
        raise BadLineError("not an object")
    _refuse_unknown(told, _LINE, "")
    name, fraud, given = told.get("id"), told.get("fraud"), told.get("features")
    if not isinstance(name, str) or not 0 < len(name) <= 80:
        raise BadLineError("id: a text of 1 to 80 characters")
    if "fraud" not in told or not (fraud is None or (isinstance(fraud, str) and _WORD.fullmatch(fraud))):
        raise BadLineError("fraud: a code word (a-z, 0-9, _), or null for an honest claim")
    if not isinstance(told.get("held_out", False), bool):
        raise BadLineError("held_out: true or false")
    if not isinstance(given, dict):
        raise BadLineError("features: an object")
    _refuse_unknown(given, set(_KINDS), "features.")
    read = {key: _value(key, value) for key, value in given.items() if key in _KINDS}
    return Case(name, fraud or "", told.get("held_out", False), Features(**read))


def _refuse_unknown(told: dict[str, Any], known: set[str], place: str) -> None:
    for name in told:
        if name not in known and not name.startswith("x_"):
            raise BadLineError(f"{place}{name}: there is no such field")


def _value(name: str, value: Any) -> Any:
    """Return a feature's value. Raises: BadLineError."""
    kind = _KINDS[name]
    if name == "issued":
        if not isinstance(value, dict):
            raise BadLineError("features.issued: an object of days by kind of paper")
        return tuple(sorted((key, _day(f"features.issued.{key}", day)) for key, day in value.items()))
    if value is None and "None" in kind:
        return None
    if "date" in kind:
        return _day(f"features.{name}", value)
    if kind == "bool":
        if not isinstance(value, bool):
            raise BadLineError(f"features.{name}: true or false")
        return value
    if kind == "str":
        if not isinstance(value, str) or len(value) > 40:
            raise BadLineError(f"features.{name}: a text of at most 40 characters")
        return value
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MOST:
        raise BadLineError(f"features.{name}: a whole number from 0 to {_MOST}")
    return value


def _day(place: str, value: Any) -> dt.date:
    try:
        return dt.date.fromisoformat(value)
    except (TypeError, ValueError):
        raise BadLineError(f"{place}: a day as YYYY-MM-DD") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
