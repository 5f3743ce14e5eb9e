"""What a daily reconciliation says: the rules of the cash book, what broke one, and how bank days are counted. Pure.

Source: rules R1–R12 of the cash book. Expected and found are amounts (fen), days or words, as the unit says.
"""

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

HOLDS, BROKEN, NOTHING, ELSEWHERE = "holds", "broken", "nothing", "elsewhere"
KEEP = 20
MONEY, DAY, WORD = "money", "day", "word"
SUSPENSE_BANK_DAYS = 5
# No plan says in how many days aid is paid: two weeks after the charge day we ask.
PAYOUT_DAYS = 14
_SATURDAY = 5


@dataclass(frozen=True)
class Finding:
    """One place where a rule is broken. kind: what ref names (statement, line, payment, case, period, account)."""

    check: str
    kind: str
    ref: str
    unit: str
    expected: Any
    found: Any


@dataclass(frozen=True)
class Verdict:
    """What is to be said of one rule: how many rows it was held against, how many break it, and the first of them."""

    rule: str
    state: str
    examined: int = 0
    broken: int = 0
    findings: tuple[Finding, ...] = ()


def verdict_of(rule: str, examined: int, findings: Iterable[Finding]) -> Verdict:
    """Return the verdict: broken by any finding, and nothing to say where there was no row to hold it against."""
    found = tuple(findings)
    if found:
        return Verdict(rule, BROKEN, examined, len(found), found[:KEEP])
    return Verdict(rule, HOLDS if examined else NOTHING, examined)


def bank_days_before(day: dt.date, count: int, closed: Collection[dt.date] = ()) -> dt.date:
    """Return the day from which so many bank days have passed: Monday to Friday, less those of closed banks."""
    while count:
        day -= dt.timedelta(days=1)
        count -= day.weekday() < _SATURDAY and day not in closed
    return day


def to_json(verdicts: Iterable[Verdict]) -> list[dict[str, Any]]:
    """Return verdicts as they are stored and given out."""
    return [
        {
            "rule": one.rule,
            "state": one.state,
            "examined": one.examined,
            "broken": one.broken,
            "findings": [_finding_json(found) for found in one.findings],
        }
        for one in verdicts
    ]


def _finding_json(found: Finding) -> dict[str, Any]:
    values = (found.expected, found.found)
    expected, other = (value.isoformat() if isinstance(value, dt.date) else value for value in values)
    return {
        "check": found.check,
        "kind": found.kind,
        "ref": found.ref,
        "unit": found.unit,
        "expected": expected,
        "found": other,
    }


def from_json(rows: Iterable[dict[str, Any]]) -> list[Verdict]:
    """Return stored verdicts; the days in them are days again."""
    return [
        Verdict(
            row["rule"],
            row["state"],
            row["examined"],
            row["broken"],
            tuple(_finding(found) for found in row["findings"]),
        )
        for row in rows
    ]


def _finding(row: dict[str, Any]) -> Finding:
    expected, found = row["expected"], row["found"]
    if row["unit"] == DAY:
        expected, found = (dt.date.fromisoformat(value) if value else None for value in (expected, found))
    return Finding(row["check"], row["kind"], row["ref"], row["unit"], expected, found)
