"""What an app hands out of one person and what it erases: tables of rows and files, what it leaves out, keeps, and why.

Each app has a module `my_data` with one `Exporter` and a module `erasing` with one `Eraser`; the site collects them. Of
nobody else does anything get into either.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]
Rows = Callable[[Any], Iterator[Row]]
Files = Callable[[Any], Iterator[tuple[str, bytes]]]


@dataclass(frozen=True)
class Table:
    """One table of an export. title: what it holds, in the reader's language. rows: of a person, one by one."""

    name: str
    title: object
    rows: Rows


@dataclass(frozen=True)
class Exporter:
    """All that one app hands out.

    files: (name, bytes) of a person. exported: columns that point at a person, a membership or a claim, each with the
    table that hands out what it points from. left_out: those of which nothing is handed out, each with the reason.
    """

    tables: tuple[Table, ...]
    exported: Mapping[str, str]
    left_out: Mapping[str, str]
    files: Files | None = None


@dataclass(frozen=True)
class Hindrance:
    """Something open that has to end before a person can be erased. code: its stable word; link: where it ends."""

    code: str
    sentence: object
    link: str


@dataclass(frozen=True)
class Eraser:
    """What one app destroys of a person, and what it keeps.

    function: of the database, which destroys. erased, kept: sentences for the person; those kept say why, and of how
    long. hindrances: of a person at an instant. withdraw: what waits for an answer by the person, or of others, is
    taken back in the transaction that erases, so that nobody waits for an account that answers no more.
    """

    function: str
    erased: tuple[object, ...]
    kept: tuple[object, ...]
    hindrances: Callable[[Any, dt.datetime], Iterator[Hindrance]]
    withdraw: Callable[[Any, dt.datetime], None] | None = None


def fields_of(instance: Any, *names: str) -> Row:
    """Return these fields of a row by their names."""
    return {name: getattr(instance, name) for name in names}
