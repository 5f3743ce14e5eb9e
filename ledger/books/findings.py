"""What a verification found: statements that were checked, and where one is false with the two figures that differ.

The verifiers of books, log and sharing recompute everything from the rows with code of their own: they import
no service, selector or arithmetic of the platform, so that a mistake there can't excuse itself.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

KEEP = 20


@dataclass(frozen=True)
class Finding:
    """One place where a statement is false: what must stand there and what does."""

    where: str
    expected: str
    found: str


@dataclass
class Statement:
    """One sentence about the books, how many rows it was held against, and the first places where it is false."""

    sentence: str
    examined: int = 0
    false: int = 0
    findings: list[Finding] = field(default_factory=list)


@dataclass
class Report:
    """All statements by code, and what could not be checked. It keeps KEEP findings of each, whatever the size."""

    statements: dict[str, Statement]
    unchecked: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, *sentences: Mapping[str, str]) -> "Report":
        """Return an empty report over those statements."""
        return cls({code: Statement(text) for part in sentences for code, text in part.items()})

    def examined(self, code: str, count: int) -> None:
        """Count rows that a statement was held against."""
        self.statements[code].examined += count

    def false(self, code: str, where: str, expected: object, found: object, count: int = 1) -> None:
        """Note that the statement is false there; count: how many places this finding stands for."""
        statement = self.statements[code]
        statement.false += count
        if len(statement.findings) < KEEP:
            statement.findings.append(Finding(where, str(expected), str(found)))

    def expect(self, code: str, where: str, expected: object, found: object) -> None:
        """Hold one figure against what it must be."""
        self.examined(code, 1)
        if expected != found:
            self.false(code, where, expected, found)

    def refute(self, code: str, sql: str, parameters: Mapping[str, Any]) -> None:
        """Note every row of a query as a place where the statement is false.

        sql returns (where, expected, found); only the first KEEP rows leave the database.
        """
        rows = fetch(
            f"SELECT bad.*, count(*) OVER () FROM ({sql}) bad LIMIT {KEEP}",  # noqa: S608 - fixed texts
            parameters,
        )
        for where, expected, found, _total in rows:
            self.false(code, where, expected, found)
        if rows:
            self.statements[code].false += rows[0][3] - len(rows)

    @property
    def is_false(self) -> bool:
        """Tell whether any statement is false."""
        return any(statement.false for statement in self.statements.values())


def fetch(sql: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Run a query whose answer is small."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def figure(sql: str, parameters: Mapping[str, Any]) -> Any:
    """Run a query for its single figure; None where it returns no row."""
    rows = fetch(sql, parameters)
    return rows[0][0] if rows else None


def stream(sql: str, parameters: Mapping[str, Any], at_once: int = 2000) -> Iterator[tuple[Any, ...]]:
    """Run a query of any size through a cursor in the database, so many rows at once, so that memory stays constant."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(sql, parameters)
        while rows := cursor.fetchmany(at_once):
            yield from rows
