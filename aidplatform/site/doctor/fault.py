"""A fault: what is wrong, and what to do about it; and how checks ask the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with an installation, in a sentence, and the remedy in another."""

    sentence: str
    remedy: str


def rows(sql: str, parameters: Sequence[Any] | dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
    """Run a query whose answer is small."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found
