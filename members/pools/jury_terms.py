"""The jury before which a claimant may take a refusal that an appeal has confirmed. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from members.pools.term_reading import TermsError, check_int, check_text, check_type, fields_of

# Below so many eligible members a jury would be a circle of acquaintances: the pool takes an outside arbiter.
LEAST_ELIGIBLE = 30
SEATS = (5, 200)
VOTING_HOURS = (24, 720)
TAKE_DAYS = (7, 365)
MAX_TENURE_DAYS = 3650
ARBITER_DAYS = (7, 90)
# Where a plan is silent: time for a file and a letter, and no longer than an appeal may be waited for.
USUAL_ARBITER_DAYS = 30
_ARBITER = ("arbiter_name", "arbiter_organization", "arbiter_contact")


@dataclass(frozen=True, slots=True)
class JuryTerms:
    """Say who may be drawn, how many, and which verdict their votes come to.

    tenure_days: for so long a juror is a member when the list is made. seats, reserves: how many are drawn. quorum: how
    many votes it takes; quorum_permille: at least this part of all who are eligible, by which seats and reserves grow
    in the same proportion. threshold_permille: this part of the votes grants the aid; inclusive: exactly this part does
    too. voting_hours: from the draw to the closing. take_days: within so many days after the refusal on appeal.
    arbiter_name, arbiter_organization, arbiter_contact: who decides from outside where too few can be drawn, all three
    or none; named in no plan they are appointed by two people. arbiter_days: within so many days of taking it on.
    """

    tenure_days: int
    seats: int
    reserves: int
    quorum: int
    threshold_permille: int
    inclusive: bool
    voting_hours: int
    take_days: int
    quorum_permille: int = 0
    arbiter_days: int = USUAL_ARBITER_DAYS
    arbiter_name: str = ""
    arbiter_organization: str = ""
    arbiter_contact: str = ""

    def __post_init__(self) -> None:
        check_int("tenure_days", self.tenure_days, 0, MAX_TENURE_DAYS)
        check_int("seats", self.seats, *SEATS)
        check_int("reserves", self.reserves, 0, SEATS[1])
        check_int("quorum", self.quorum, 3, SEATS[1])
        check_int("quorum_permille", self.quorum_permille, 0, 1000)
        check_int("threshold_permille", self.threshold_permille, 1, 1000)
        check_type("inclusive", self.inclusive, bool)
        check_int("voting_hours", self.voting_hours, *VOTING_HOURS)
        check_int("take_days", self.take_days, *TAKE_DAYS)
        check_int("arbiter_days", self.arbiter_days, *ARBITER_DAYS)
        if self.names_an_arbiter:
            for name in _ARBITER:
                check_text(name, getattr(self, name))
        if self.quorum > self.seats:
            raise TermsError(
                "quorum",
                "quorum_above_seats",
                f"{self.quorum} votes of {self.seats} jurors",
                most=self.seats,
            )
        if self.threshold_permille == 1000 and not self.inclusive:
            raise TermsError("inclusive", "threshold_above_all_votes", "more than all votes never comes")

    @property
    def names_an_arbiter(self) -> bool:
        """Tell whether the plan says who decides where too few can be drawn."""
        return any(getattr(self, name) for name in _ARBITER)

    @classmethod
    def from_json(cls, data: object) -> JuryTerms:
        names = ("tenure_days", "seats", "reserves", "quorum", "threshold_permille", "inclusive")
        required = (*names, "voting_hours", "take_days")
        return cls(
            **fields_of(data, required=required, optional=("quorum_permille", "arbiter_days", *_ARBITER))
        )

    def to_json(self) -> dict[str, Any]:
        told: dict[str, Any] = {
            "tenure_days": self.tenure_days,
            "seats": self.seats,
            "reserves": self.reserves,
            "quorum": self.quorum,
            "threshold_permille": self.threshold_permille,
            "inclusive": self.inclusive,
            "voting_hours": self.voting_hours,
            "take_days": self.take_days,
        }
        if self.quorum_permille:
            told["quorum_permille"] = self.quorum_permille
        if self.arbiter_days != USUAL_ARBITER_DAYS:
            told["arbiter_days"] = self.arbiter_days
        if self.names_an_arbiter:
            told |= {name: getattr(self, name) for name in _ARBITER}
        return told
