"""How a verification is printed and judged: one report, one exit code."""

import json
from collections.abc import Callable
from typing import Any

from django.core.management.base import OutputWrapper

from ledger.books.findings import KEEP, Report
from ledger.verification.reading import look

TRUE, FALSE, UNCHECKED = 0, 1, 2
RESULTS = {
    TRUE: "All statements are true.",
    FALSE: "A statement is false. Post nothing further before it is explained.",
    UNCHECKED: "Not everything could be checked; nothing is said about what was not.",
}


def judge(report: Report, check: Callable[[], None], out: OutputWrapper, *, is_json: bool) -> int:
    """Run the checks, print what they found, and return the exit code; what can't be read is no "true"."""
    look(report, check)
    code = FALSE if report.is_false else UNCHECKED if report.unchecked else TRUE
    if is_json:
        out.write(json.dumps(_as_json(report, code), ensure_ascii=False))
    else:
        _print(report, code, out)
    return code


def _print(report: Report, code: int, out: OutputWrapper) -> None:
    for name, statement in report.statements.items():
        mark = "FALSE" if statement.false else "true " if statement.examined else "     "
        out.write(f"{mark}  {name}: {statement.sentence} [{statement.examined:,} checked]")
        for finding in statement.findings:
            out.write(f"       {finding.where}: must be {finding.expected}; is {finding.found}")
        if statement.false > KEEP:
            out.write(f"       … false in {statement.false:,} places")
    for reason in report.unchecked:
        out.write(f"COULD NOT CHECK  {reason}")
    out.write(RESULTS[code])


def _as_json(report: Report, code: int) -> dict[str, Any]:
    return {
        "result": {TRUE: "true", FALSE: "false", UNCHECKED: "could not check"}[code],
        "statements": [
            {
                "code": name,
                "sentence": statement.sentence,
                "checked": statement.examined,
                "false": statement.false,
                "findings": [vars(finding) for finding in statement.findings],
            }
            for name, statement in report.statements.items()
        ],
        "unchecked": report.unchecked,
    }
