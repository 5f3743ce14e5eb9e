"""Terms of aid beyond the table of sums: by spend on treatment, against bills, by cases shared. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

from members.pools.term_reading import (
    TermsError,
    check_int,
    check_type,
    fields_of,
    read_rate,
)

MAX_SPEND_STEPS = 20
MAX_CASE_STEPS = 20
# What a claim can be of. Who dies cannot file one, and nobody is entitled to in their place yet.
CLAIMED_SEVERITIES = ("severe", "mild", "accident", "other")


@dataclass(frozen=True, slots=True)
class SpendStep:
    """Let whoever has spent so much on treatment (fen) have the aid of a severity, whatever the illness."""

    from_fen: int
    counts_as: str

    def __post_init__(self) -> None:
        check_int("from_fen", self.from_fen, 1)
        check_type("counts_as", self.counts_as, str)

    @classmethod
    def from_json(cls, data: object) -> SpendStep:
        return cls(**fields_of(data, required=("from_fen", "counts_as")))

    def to_json(self) -> dict[str, Any]:
        return {"from_fen": self.from_fen, "counts_as": self.counts_as}


@dataclass(frozen=True, slots=True)
class CaseStep:
    """Give the part of the aid that is granted to who has shared so many cases before the event."""

    from_cases: int
    part: Fraction

    def __post_init__(self) -> None:
        check_int("from_cases", self.from_cases, 0, 1_000_000)
        _check_part("part", self.part)

    @classmethod
    def from_json(cls, data: object) -> CaseStep:
        given = fields_of(data, required=("from_cases", "part"))
        return cls(given["from_cases"], read_rate(given["part"], "part"))

    def to_json(self) -> dict[str, Any]:
        return {"from_cases": self.from_cases, "part": _told(self.part)}


@dataclass(frozen=True, slots=True)
class ReimbursementTerms:
    """Grant a part of the aid at once and the rest against bills.

    at_once: part of the most that is granted without bills; 0: none. part: of the bills above the deductible (fen),
    which counts once in a case, however many claims its bills come in.
    """

    at_once: Fraction
    part: Fraction = Fraction(1)
    deductible_fen: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.at_once, Fraction):
            raise TermsError("at_once", "wrong_type", "must be a fraction written like 1/5")
        if not 0 <= self.at_once < 1:
            raise TermsError("at_once", "at_once_out_of_range", f"{self.at_once} isn't from 0 to below 1")
        _check_part("part", self.part)
        check_int("deductible_fen", self.deductible_fen, 0)

    def at_once_fen(self, most_fen: int) -> int:
        """Return what is granted without bills, rounded down."""
        return most_fen * self.at_once.numerator // self.at_once.denominator

    def bills_fen(self, most_fen: int, spend_fen: int) -> int:
        """Return what is granted against bills of that sum, rounded down, up to what the most leaves."""
        above_fen = max(spend_fen - self.deductible_fen, 0)
        repaid_fen = above_fen * self.part.numerator // self.part.denominator
        return min(repaid_fen, most_fen - self.at_once_fen(most_fen))

    @classmethod
    def from_json(cls, data: object) -> ReimbursementTerms:
        given = fields_of(data, required=("at_once",), optional=("part", "deductible_fen"))
        part = read_rate(given.get("part", "1"), "part")
        return cls(read_rate(given["at_once"], "at_once"), part, given.get("deductible_fen", 0))

    def to_json(self) -> dict[str, Any]:
        told: dict[str, Any] = {"at_once": _told(self.at_once), "part": _told(self.part)}
        if self.deductible_fen:
            told["deductible_fen"] = self.deductible_fen
        return told


def check_claimable(terms: Mapping[str, Any]) -> None:
    """Demand of rules that are drafted that they promise nothing that is never granted.

    Every row of aid can be claimed, by its severity or by spend; a wait that goes by cause comes with aid for
    accidents, as it would else tell of a wait that nothing comes after. Not asked of plans that are read: one that was
    published before stays what members have signed.

    terms: as plans read them. Raises: TermsError.
    """
    by_spend = {step["counts_as"] for step in terms.get("spend_steps") or ()}
    severities = [row["severity"] for row in terms["aid"]]
    for place, severity in enumerate(severities):
        if severity not in {*CLAIMED_SEVERITIES, *by_spend}:
            raise TermsError(
                f"aid[{place}].severity", "aid_nobody_can_claim", f"no claim can be of {severity!r}"
            )
    if by_spend or "accident" in severities:
        return
    for place, rule in enumerate(terms.get("waiting_rules") or ()):
        if rule.get("cause") is not None:
            raise TermsError(
                f"waiting_rules[{place}].cause", "accident_without_aid", "the plan has no aid for accidents"
            )


def check_spend_steps(steps: Sequence[SpendStep], severities: set[str]) -> None:
    """Demand steps that rise, each to a severity that the plan has aid for. Raises: TermsError."""
    if len(steps) > MAX_SPEND_STEPS:
        raise TermsError(
            "spend_steps", "too_many_spend_steps", f"{len(steps)} steps, at most {MAX_SPEND_STEPS}"
        )
    for place, step in enumerate(steps):
        if step.counts_as not in severities:
            raise TermsError(
                f"spend_steps[{place}].counts_as",
                "severity_without_aid",
                f"{step.counts_as!r} has no row of aid",
            )
    for place, (step, following) in enumerate(pairwise(steps), start=1):
        if following.from_fen <= step.from_fen:
            raise TermsError(
                f"spend_steps[{place}].from_fen",
                "spend_must_rise",
                "each step takes more than the one before",
            )


def check_case_steps(steps: Sequence[CaseStep]) -> None:
    """Demand steps that begin with no case, only ever grow, and end with the whole aid. Raises: TermsError."""
    if not steps:
        return
    if len(steps) > MAX_CASE_STEPS:
        raise TermsError("case_steps", "too_many_case_steps", f"{len(steps)} steps, at most {MAX_CASE_STEPS}")
    if steps[0].from_cases != 0:
        raise TermsError("case_steps[0].from_cases", "case_steps_start_late", "the first step begins with 0")
    for place, (step, following) in enumerate(pairwise(steps), start=1):
        if following.from_cases <= step.from_cases or following.part <= step.part:
            raise TermsError(
                f"case_steps[{place}].from_cases",
                "case_steps_must_grow",
                "each step takes more and grants more",
            )
    if steps[-1].part != 1:
        raise TermsError(
            f"case_steps[{len(steps) - 1}].part",
            "vesting_ends_below_all",
            "the last step grants the whole aid",
        )


def _check_part(field: str, part: object) -> None:
    if not isinstance(part, Fraction):
        raise TermsError(field, "wrong_type", "must be a fraction written like 1/3")
    if not 0 < part <= 1:
        raise TermsError(field, "part_out_of_range", f"{part} isn't above 0 and at most 1")


def _told(part: Fraction) -> str:
    return f"{part.numerator}/{part.denominator}"
