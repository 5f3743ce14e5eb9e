"""Investigations of a claim by somebody from outside: how long they last, and who bears what they cost. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from members.pools.term_reading import MAX_INT, check_choice, check_int, fields_of

# Nobody may be named here who claims: what an investigation costs is never the claimant's.
BorneBy = Literal["shared", "operator", "reserve"]
DAYS = (3, 90)
ANSWER_DAYS = (3, 60)


@dataclass(frozen=True, slots=True)
class InvestigationTerms:
    """Say how long an investigator has, from which cost on two people order one, and who bears it.

    days: from the order to the report, and once more when it is extended. agreed_above_fen: one that may cost more than
    this takes a second person. most_fen: none may cost more. borne_by: shared: every member, with the next bill;
    operator: who runs the pool; reserve: what members have put by. answer_days: for so long nothing is recommended
    while its claimant has not answered the findings.
    """

    days: int
    agreed_above_fen: int
    most_fen: int
    borne_by: BorneBy
    answer_days: int

    def __post_init__(self) -> None:
        check_int("days", self.days, *DAYS)
        check_int("agreed_above_fen", self.agreed_above_fen, 0)
        check_int("most_fen", self.most_fen, max(self.agreed_above_fen, 1), MAX_INT)
        check_choice("borne_by", self.borne_by, get_args(BorneBy))
        check_int("answer_days", self.answer_days, *ANSWER_DAYS)

    @classmethod
    def from_json(cls, data: object) -> InvestigationTerms:
        return cls(
            **fields_of(data, required=("days", "agreed_above_fen", "most_fen", "borne_by", "answer_days"))
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "days": self.days,
            "agreed_above_fen": self.agreed_above_fen,
            "most_fen": self.most_fen,
            "borne_by": self.borne_by,
            "answer_days": self.answer_days,
        }
