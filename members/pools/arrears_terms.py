"""What follows from a share that is not paid, where members pay afterwards. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from members.pools.term_reading import TermsError, check_int, check_type, fields_of

MAX_REMINDERS = 6
MAX_GRACE_DAYS = 366


@dataclass(frozen=True, slots=True)
class ArrearsTerms:
    """Say how a member who has not paid a share is asked again, stays covered, and comes back.

    reminder_days: so many days after the charge day the share is asked for again. grace_days: up to that day, it
    included, the member stays covered. make_up_days: for so long a suspended membership comes back once everything open
    is paid; then it lapses. hardship_days: how many days a pause may add to the grace in all; 0: none.
    """

    reminder_days: tuple[int, ...]
    grace_days: int
    make_up_days: int
    hardship_days: int = 0

    def __post_init__(self) -> None:
        check_int("grace_days", self.grace_days, 1, MAX_GRACE_DAYS)
        check_int("make_up_days", self.make_up_days, 1, MAX_GRACE_DAYS)
        check_int("hardship_days", self.hardship_days, 0, MAX_GRACE_DAYS)
        if len(self.reminder_days) > MAX_REMINDERS:
            raise TermsError(
                "reminder_days",
                "too_many_reminders",
                f"{len(self.reminder_days)} reminders, at most {MAX_REMINDERS}",
            )
        for day in self.reminder_days:
            check_int("reminder_days", day, 1, MAX_GRACE_DAYS)
        for earlier, later in pairwise(self.reminder_days):
            if later <= earlier:
                raise TermsError(
                    "reminder_days", "reminders_out_of_order", f"day {later} after day {earlier}"
                )
        if self.reminder_days and self.grace_days < self.reminder_days[-1]:
            raise TermsError(
                "grace_days",
                "grace_ends_before_the_last_reminder",
                f"{self.grace_days} days, but the last reminder on day {self.reminder_days[-1]}",
                needed=self.reminder_days[-1],
            )

    @classmethod
    def from_json(cls, data: object) -> ArrearsTerms:
        given = fields_of(
            data, required=("reminder_days", "grace_days", "make_up_days"), optional=("hardship_days",)
        )
        check_type("reminder_days", given["reminder_days"], list)
        return cls(
            tuple(given["reminder_days"]),
            given["grace_days"],
            given["make_up_days"],
            given.get("hardship_days", 0),
        )

    def to_json(self) -> dict[str, Any]:
        told: dict[str, Any] = {
            "reminder_days": list(self.reminder_days),
            "grace_days": self.grace_days,
            "make_up_days": self.make_up_days,
        }
        if self.hardship_days:
            told["hardship_days"] = self.hardship_days
        return told
