"""Read, check and date the terms of a plan version.

Pure: no clock, no database. An instance is always valid: every part refuses bad values when it is made,
naming the field and the reason, so that a plan is refused while it is drafted and not when it bills.
Money in the minor unit of the pool's currency (fen); dates are calendar dates in the pool's time zone.
"""

from __future__ import annotations

import hashlib
import json
import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from math import ceil
from typing import Any, Literal, get_args

from members.pools.aid_terms import (
    CaseStep,
    ReimbursementTerms,
    SpendStep,
    check_case_steps,
    check_spend_steps,
)
from members.pools.arrears_terms import ArrearsTerms
from members.pools.debit_terms import DebitTerms
from members.pools.document_terms import UNSAID, DocumentTerms
from members.pools.investigation_terms import InvestigationTerms
from members.pools.jury_terms import JuryTerms
from members.pools.succession_terms import TakeOverTerms, check_code
from members.pools.term_reading import MAX_AGE
from members.pools.term_reading import MAX_NAME as MAX_NAME  # the terms' own names for whoever drafts a plan
from members.pools.term_reading import TermsError as TermsError
from members.pools.term_reading import check_age_band as _check_age_band
from members.pools.term_reading import check_choice as _check_choice
from members.pools.term_reading import check_int as _check_int
from members.pools.term_reading import check_text as _check_text
from members.pools.term_reading import check_type as _check_type
from members.pools.term_reading import fields_of as _fields
from members.pools.term_reading import read_optional as _read_optional
from members.pools.term_reading import read_part as _read_part
from members.pools.term_reading import read_rate as _read_rate
from members.pools.term_reading import read_rows as _read_rows

OnCap = Literal["redistribute", "reserve_pays"]
OnInfeasible = Literal["sponsor", "reduce_aid", "defer"]
Cause = Literal["illness", "accident"]
ChangeBy = Literal["free_exit", "consent"]
IllnessInWait = Literal["no_aid", "shares_back"]

MAX_CLASSES = 64
MAX_AID_ROWS = 200
MAX_VESTING_STEPS = 20
MAX_WAITING_RULES = 20
# Terms are stated whole in an entry of the log, which has 65,535 bytes.
MAX_BYTES = 60_000
MAX_DAYS = 3650
# A shorter time to appeal is none, a longer one keeps a case open over a year.
APPEAL_DAYS = (7, 365)
OBJECTIONS = (1, 100)
#: Where rules are silent, this many cases of one period may be objected to by one member.
OBJECTIONS_UNSAID = 3
MAX_SENTENCE = 300
# From the notice that a pool ends to the end of cover, where its plan says nothing else.
DEFAULT_NOTICE_DAYS = 30
# Four years hold every length of month in every order.
_CHECKED_PERIODS_FROM = date(2023, 1, 1)
_CHECKED_MONTHS = 48

_SEVERITY = re.compile(r"[a-z][a-z_]{0,29}", re.ASCII)


@dataclass(frozen=True, slots=True)
class FeeTerms:
    """State the operator's fee: a rate on the aid, a fixed sum per period, and a ceiling."""

    rate: Fraction
    fixed_fen: int = 0
    ceiling_fen: int | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.rate, Fraction):
            raise TermsError("rate", "wrong_type", "must be a fraction written like 8/100")
        if not 0 <= self.rate <= 1:
            raise TermsError("rate", "rate_out_of_range", f"{self.rate} isn't between 0 and 1")
        _check_int("fixed_fen", self.fixed_fen, 0)
        if self.ceiling_fen is not None:
            _check_int("ceiling_fen", self.ceiling_fen, 0)

    def fee_fen(self, aid_fen: int) -> int:
        """Return the fee of a period with this much aid, rounded up once."""
        fee_fen = self.fixed_fen + ceil(self.rate * aid_fen)
        return fee_fen if self.ceiling_fen is None else min(fee_fen, self.ceiling_fen)

    @classmethod
    def from_json(cls, data: object) -> FeeTerms:
        given = _fields(data, required=("rate",), optional=("fixed_fen", "ceiling_fen"))
        rate = _read_rate(given["rate"])
        return cls(rate, given.get("fixed_fen", 0), given.get("ceiling_fen"))

    def to_json(self) -> dict[str, Any]:
        told: dict[str, Any] = {"rate": f"{self.rate.numerator}/{self.rate.denominator}"}
        if self.fixed_fen:
            told["fixed_fen"] = self.fixed_fen
        if self.ceiling_fen is not None:
            told["ceiling_fen"] = self.ceiling_fen
        return told


@dataclass(frozen=True, slots=True)
class PeriodDays:
    """Name the days of the month on which one period opens, goes public and is charged.

    A day beyond the end of a month means its last day. charge_months_later = 1: charged in the month
    after the one it opened in.
    """

    opening_day: int
    publicity_day: int
    charge_day: int
    charge_months_later: int = 0

    def __post_init__(self) -> None:
        for name in ("opening_day", "publicity_day", "charge_day"):
            _check_int(name, getattr(self, name), 1, 31)
        _check_int("charge_months_later", self.charge_months_later, 0, 1)

    @classmethod
    def from_json(cls, data: object) -> PeriodDays:
        given = _fields(
            data,
            required=("opening_day", "publicity_day", "charge_day"),
            optional=("charge_months_later",),
        )
        return cls(**given)

    def to_json(self) -> dict[str, Any]:
        told = {
            "opening_day": self.opening_day,
            "publicity_day": self.publicity_day,
            "charge_day": self.charge_day,
        }
        if self.charge_months_later:
            told["charge_months_later"] = self.charge_months_later
        return told


@dataclass(frozen=True, slots=True)
class PeriodDates:
    """Give the dates of one period.

    The period spans [opening_date, next_opening_date), its publicity [publicity_date,
    publicity_end_date). The headcount is as of 00:00 of publicity_date; charge_date is the first
    attempt to collect.
    """

    opening_date: date
    next_opening_date: date
    publicity_date: date
    publicity_end_date: date
    charge_date: date

    def __contains__(self, day: date) -> bool:
        return self.opening_date <= day < self.next_opening_date


@dataclass(frozen=True, slots=True)
class CalendarTerms:
    """Lay down one or two periods a month and the length of publicity in days.

    Checked over four years, so that no month is too short: openings come one after another, publicity
    begins inside its period, the charge comes when publicity has ended and no later than the next
    publicity begins, so that a period's carry is known before the next share is announced.
    """

    periods: tuple[PeriodDays, ...]
    publicity_days: int

    def __post_init__(self) -> None:
        if not isinstance(self.periods, tuple) or not 1 <= len(self.periods) <= 2:
            raise TermsError("periods", "wrong_number_of_periods", "a month has one or two periods")
        _check_int("publicity_days", self.publicity_days, 1, 31)
        first = self._index_of(_CHECKED_PERIODS_FROM)
        for index in range(first, first + _CHECKED_MONTHS * len(self.periods)):
            self._check_period(index)

    def period_dates(self, day: date, later: int = 0) -> PeriodDates:
        """Return the dates of the period that holds the day, or of one `later` periods after it."""
        return self._dates(self._index_of(day) + later)

    def _index_of(self, day: date) -> int:
        """Number the period that holds a day, counting without a gap from year 0."""
        index = (day.year * 12 + day.month) * len(self.periods) - 1
        while self._opening(index) > day:
            index -= 1
        return index

    def _opening(self, index: int) -> date:
        month, slot = divmod(index, len(self.periods))
        return _day_of_month(month, self.periods[slot].opening_day)

    def _publicity(self, index: int) -> date:
        month, slot = divmod(index, len(self.periods))
        return _day_of_month(month, self.periods[slot].publicity_day)

    def _dates(self, index: int) -> PeriodDates:
        month, slot = divmod(index, len(self.periods))
        days = self.periods[slot]
        publicity_date = self._publicity(index)
        return PeriodDates(
            opening_date=self._opening(index),
            next_opening_date=self._opening(index + 1),
            publicity_date=publicity_date,
            publicity_end_date=publicity_date + timedelta(days=self.publicity_days),
            charge_date=_day_of_month(month + days.charge_months_later, days.charge_day),
        )

    def _check_period(self, index: int) -> None:
        dates = self._dates(index)
        slot = f"periods[{index % len(self.periods)}]"
        if dates.opening_date >= dates.next_opening_date:
            raise TermsError(
                f"{slot}.opening_day",
                "periods_out_of_order",
                f"opens on {dates.opening_date}, but the next period on {dates.next_opening_date}",
            )
        if dates.publicity_date not in dates:
            raise TermsError(
                f"{slot}.publicity_day",
                "publicity_outside_period",
                f"{dates.publicity_date} isn't in the period from {dates.opening_date} "
                f"up to {dates.next_opening_date}",
            )
        if dates.charge_date < dates.publicity_end_date:
            raise TermsError(
                f"{slot}.charge_day",
                "charge_before_publicity_ends",
                f"charges on {dates.charge_date}, while publicity lasts until {dates.publicity_end_date}",
            )
        if dates.charge_date > self._publicity(index + 1):
            raise TermsError(
                f"{slot}.charge_day",
                "charge_after_next_publicity",
                f"charges on {dates.charge_date}, after the next publicity of {self._publicity(index + 1)}",
            )

    @classmethod
    def from_json(cls, data: object) -> CalendarTerms:
        given = _fields(data, required=("periods", "publicity_days"))
        return cls(_read_rows("periods", PeriodDays.from_json, given["periods"]), given["publicity_days"])

    def to_json(self) -> dict[str, Any]:
        return {"periods": [days.to_json() for days in self.periods], "publicity_days": self.publicity_days}


@dataclass(frozen=True, slots=True)
class ClassTerms:
    """Give members of one class their weight and the name it has on bills.

    age_from, age_before: whoever's age is in [age_from, age_before) belongs here; None where age doesn't matter.
    """

    class_no: int
    weight: int
    name_en: str
    name_zh: str
    age_from: int | None = None
    age_before: int | None = None

    def __post_init__(self) -> None:
        # Six bits hold the class in a roll of members.
        _check_int("class_no", self.class_no, 0, MAX_CLASSES - 1)
        _check_int("weight", self.weight, 1, 1_000_000)
        _check_text("name_en", self.name_en)
        _check_text("name_zh", self.name_zh)
        if (self.age_from is None) != (self.age_before is None):
            raise TermsError("age_before", "half_an_age_band", "an age band has both a first age and an end")
        if self.age_from is not None:
            _check_age_band(self.age_from, self.age_before)

    @classmethod
    def from_json(cls, data: object) -> ClassTerms:
        given = _fields(
            data,
            required=("class_no", "weight", "name_en", "name_zh"),
            optional=("age_from", "age_before"),
        )
        return cls(**given)

    def to_json(self) -> dict[str, Any]:
        told: dict[str, Any] = {
            "class_no": self.class_no,
            "weight": self.weight,
            "name_en": self.name_en,
            "name_zh": self.name_zh,
        }
        if self.age_from is not None:
            told |= {"age_from": self.age_from, "age_before": self.age_before}
        return told


@dataclass(frozen=True, slots=True)
class AidTerms:
    """Give the most aid for one severity at ages [age_from, age_before) on the day of the event."""

    severity: str
    age_from: int
    age_before: int
    max_aid_fen: int

    def __post_init__(self) -> None:
        _check_type("severity", self.severity, str)
        if not _SEVERITY.fullmatch(self.severity):
            raise TermsError("severity", "bad_code", "must be lower case letters and underscores")
        _check_age_band(self.age_from, self.age_before)
        _check_int("max_aid_fen", self.max_aid_fen, 1)

    @classmethod
    def from_json(cls, data: object) -> AidTerms:
        return cls(**_fields(data, required=("severity", "age_from", "age_before", "max_aid_fen")))

    def to_json(self) -> dict[str, Any]:
        return {
            "severity": self.severity,
            "age_from": self.age_from,
            "age_before": self.age_before,
            "max_aid_fen": self.max_aid_fen,
        }


@dataclass(frozen=True, slots=True)
class VestingStep:
    """Give the part of the aid that is granted from so many days after the end of the waiting period on."""

    from_days: int
    part: Fraction

    def __post_init__(self) -> None:
        _check_int("from_days", self.from_days, 0, MAX_DAYS)
        if not isinstance(self.part, Fraction):
            raise TermsError("part", "wrong_type", "must be a fraction written like 1/3")
        if not 0 < self.part <= 1:
            raise TermsError("part", "part_out_of_range", f"{self.part} isn't above 0 and at most 1")

    @classmethod
    def from_json(cls, data: object) -> VestingStep:
        given = _fields(data, required=("from_days", "part"))
        return cls(given["from_days"], _read_rate(given["part"], "part"))

    def to_json(self) -> dict[str, Any]:
        return {"from_days": self.from_days, "part": f"{self.part.numerator}/{self.part.denominator}"}


@dataclass(frozen=True, slots=True)
class WaitingRule:
    """Give another waiting period for one cause, for who joins at an age in [joined_from, joined_before), or both.

    cause None: every cause; an age None: no bound on that side.
    """

    days: int
    cause: Cause | None = None
    joined_from: int | None = None
    joined_before: int | None = None

    def __post_init__(self) -> None:
        _check_int("days", self.days, 0, MAX_DAYS)
        if self.cause is not None:
            _check_choice("cause", self.cause, get_args(Cause))
        for name in ("joined_from", "joined_before"):
            if getattr(self, name) is not None:
                _check_int(name, getattr(self, name), 0, MAX_AGE)
        if self.joined_before is not None and (self.joined_from or 0) >= self.joined_before:
            raise TermsError("joined_before", "empty_age_band", f"no age below {self.joined_before}")
        if self.cause is None and not self.asks_for_age:
            raise TermsError("cause", "waiting_rule_for_everybody", "names neither a cause nor an age")

    @property
    def asks_for_age(self) -> bool:
        """Tell whether the age at joining decides if the rule fits."""
        return self.joined_from is not None or self.joined_before is not None

    def fits(self, cause: Cause, joined_age: int) -> bool:
        """Tell whether the rule is for this cause and for who joined at this age."""
        is_old_enough = self.joined_from is None or self.joined_from <= joined_age
        is_young_enough = self.joined_before is None or joined_age < self.joined_before
        return self.cause in {None, cause} and is_old_enough and is_young_enough

    @classmethod
    def from_json(cls, data: object) -> WaitingRule:
        optional = ("cause", "joined_from", "joined_before")
        return cls(**_fields(data, required=("days",), optional=optional))

    def to_json(self) -> dict[str, Any]:
        told = {"cause": self.cause, "joined_from": self.joined_from, "joined_before": self.joined_before}
        return {"days": self.days} | {name: value for name, value in told.items() if value is not None}


@dataclass(frozen=True, slots=True)
class OperatorTerms:
    """Name who runs the pool and by which right: a legal entity, its registration, the basis, how to reach it."""

    name: str
    registration: str
    legal_basis_en: str
    legal_basis_zh: str
    contact: str

    def __post_init__(self) -> None:
        _check_text("name", self.name)
        _check_text("registration", self.registration)
        _check_text("legal_basis_en", self.legal_basis_en, MAX_SENTENCE)
        _check_text("legal_basis_zh", self.legal_basis_zh, MAX_SENTENCE)
        _check_text("contact", self.contact, MAX_SENTENCE)

    @classmethod
    def from_json(cls, data: object) -> OperatorTerms:
        names = ("name", "registration", "legal_basis_en", "legal_basis_zh", "contact")
        return cls(**_fields(data, required=names))

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "registration": self.registration,
            "legal_basis_en": self.legal_basis_en,
            "legal_basis_zh": self.legal_basis_zh,
            "contact": self.contact,
        }


@dataclass(frozen=True, slots=True)
class WindDownTerms:
    """Say how the pool ends: for how long cases of the time before are still taken, and who bears them.

    payer: who pays what members do not. run_off_cap_fen: what a member pays for the whole run-off at most; None: their
    shares have no end. past_shares_back: the payer also gives back what members have paid since they joined.
    """

    payer: str
    run_off_days: int
    run_off_cap_fen: int | None = None
    past_shares_back: bool = False

    def __post_init__(self) -> None:
        _check_text("payer", self.payer)
        _check_int("run_off_days", self.run_off_days, 0, MAX_DAYS)
        if self.run_off_cap_fen is not None:
            _check_int("run_off_cap_fen", self.run_off_cap_fen, 1)
        _check_type("past_shares_back", self.past_shares_back, bool)

    @classmethod
    def from_json(cls, data: object) -> WindDownTerms:
        optional = ("run_off_cap_fen", "past_shares_back")
        return cls(**_fields(data, required=("payer", "run_off_days"), optional=optional))

    def to_json(self) -> dict[str, Any]:
        told: dict[str, Any] = {"payer": self.payer, "run_off_days": self.run_off_days}
        if self.run_off_cap_fen is not None:
            told["run_off_cap_fen"] = self.run_off_cap_fen
        if self.past_shares_back:
            told["past_shares_back"] = True
        return told


@dataclass(frozen=True, slots=True)
class FloorTerms:
    """Say below how many members a pool ends: at two headcounts running below it intake stops and notice is given.

    members: a headcount below this many counts; one at or above it begins the count anew. notice_days: from the
    notice to the end of cover.
    """

    members: int
    notice_days: int = DEFAULT_NOTICE_DAYS

    def __post_init__(self) -> None:
        _check_int("members", self.members, 1)
        # A day at least: who is told today is covered tomorrow.
        _check_int("notice_days", self.notice_days, 1, MAX_DAYS)

    @classmethod
    def from_json(cls, data: object) -> FloorTerms:
        return cls(**_fields(data, required=("members",), optional=("notice_days",)))

    def to_json(self) -> dict[str, Any]:
        return {"members": self.members, "notice_days": self.notice_days}


@dataclass(frozen=True, slots=True)
class ReserveTerms:
    """Say what goes into the reserve each period, up to which sum, and whose it is when the pool ends.

    contribution_fen and contribution_rate (of a period's aid with its fee) add up. The reserve pays what a member's cap
    per period leaves, as far as it reaches, and nothing else. goes_to: a body that takes what is left at the end; None:
    everyone covered at the last headcount, alike.
    """

    target_fen: int
    contribution_fen: int = 0
    contribution_rate: Fraction = Fraction(0)
    goes_to: str | None = None

    def __post_init__(self) -> None:
        _check_int("target_fen", self.target_fen, 1)
        _check_int("contribution_fen", self.contribution_fen, 0)
        if not isinstance(self.contribution_rate, Fraction):
            raise TermsError("contribution_rate", "wrong_type", "must be a fraction written like 5/100")
        if not 0 <= self.contribution_rate <= 1:
            raise TermsError(
                "contribution_rate", "part_out_of_range", f"{self.contribution_rate} isn't between 0 and 1"
            )
        if not self.contribution_fen and not self.contribution_rate:
            raise TermsError(
                "contribution_fen", "reserve_never_fills", "nothing is ever put into the reserve"
            )
        if self.goes_to is not None:
            _check_text("goes_to", self.goes_to)

    def contribution(self, costs_fen: int) -> int:
        """Return what a period whose aid and fee come to this much puts in, before the target (fen)."""
        return self.contribution_fen + ceil(self.contribution_rate * costs_fen)

    @classmethod
    def from_json(cls, data: object) -> ReserveTerms:
        given = _fields(
            data, required=("target_fen",), optional=("contribution_fen", "contribution_rate", "goes_to")
        )
        rate = given.pop("contribution_rate", None)
        if rate is not None:
            given["contribution_rate"] = _read_rate(rate, "contribution_rate")
        return cls(**given)

    def to_json(self) -> dict[str, Any]:
        told: dict[str, Any] = {"target_fen": self.target_fen}
        if self.contribution_fen:
            told["contribution_fen"] = self.contribution_fen
        if self.contribution_rate:
            rate = self.contribution_rate
            told["contribution_rate"] = f"{rate.numerator}/{rate.denominator}"
        if self.goes_to is not None:
            told["goes_to"] = self.goes_to
        return told


@dataclass(frozen=True, slots=True)
class FundingTerms:
    """Say that members pay ahead: each has a wallet, from which a period takes the share when it is posted.

    join_fen: what has to be in the wallet before a membership counts. warn_below_fen: below it a member is told to top
    up; 0: never. top_up_days: for so long a membership whose wallet ran short is suspended, and a first payment is
    awaited, before it lapses. What a wallet lacks is never owed by its member: it is a cost of the next period.
    """

    join_fen: int
    warn_below_fen: int
    top_up_days: int

    def __post_init__(self) -> None:
        _check_int("join_fen", self.join_fen, 1)
        _check_int("warn_below_fen", self.warn_below_fen, 0)
        _check_int("top_up_days", self.top_up_days, 1, 366)
        if self.warn_below_fen > self.join_fen:
            raise TermsError(
                "warn_below_fen",
                "warned_from_the_start",
                f"{self.warn_below_fen} fen, but members join with {self.join_fen} fen",
                needed_fen=self.join_fen,
            )

    @property
    def restores_from_fen(self) -> int:
        """Return the balance from which a suspended membership goes on: one that needs no warning."""
        return max(self.warn_below_fen, 1)

    @classmethod
    def from_json(cls, data: object) -> FundingTerms:
        return cls(**_fields(data, required=("join_fen", "warn_below_fen", "top_up_days")))

    def to_json(self) -> dict[str, Any]:
        return {
            "join_fen": self.join_fen,
            "warn_below_fen": self.warn_below_fen,
            "top_up_days": self.top_up_days,
        }


@dataclass(frozen=True, slots=True)
class PlanTerms:
    """Hold all terms of one plan version; see the covenant for their wording.

    per_case_cap_fen: what a member of the lightest class pays for one case at most, fee included.
    period_cap_fen, year_cap_fen: what any member pays at most for one period, and for the periods whose charge days lie
    in one calendar year, whatever the class.
    on_cap, on_infeasible: who bears what these two leave. reserve: pays of that first; None: there is none.
    sponsor: who pays what caps leave to a sponsor; None: whoever runs the pool.
    minimum_members: with how many it opens.
    floor: below how many it ends; None: no headcount ends it. notice_days: between publishing a version and
    its first day. vesting: how aid grows with the time in the pool; empty: in full once the waiting period is over.
    waiting_rules: other waiting periods than waiting_days; the first that fits decides, so their order is kept.
    report_days: within how many days of its event day a case is filed; None: at any time.
    appeal_days: within how many days of a refusal its claimant may appeal; None: nobody may.
    objections_per_period: to how many cases of one period one member may object.
    two_deciders_from_fen: from which aid on two second reviewers have to agree on a decision; None: one always decides.
    jury: before whom a refusal on appeal may be taken; None: before nobody.
    investigation: how somebody from outside looks into a claim, and who bears it; None: nobody does.
    return_after_removal_days: how long after a removal the same person may join again; None: never.
    successor: the code of the pool in which a member may go on at the age at which these rules end; None: in none.
    takes_over: from which pools members come so; None: from none.
    lifetime_cap_fen: what a member may be granted in all, over all cases; None: without end.
    documents: by which kinds of identity document somebody joins; None: as where rules are silent.
    one_aid_ends: whoever is granted aid leaves when the publicity of the case ends, at the latest with its period.
    by_invitation: nobody joins without an invitation but the people of its duties and whom an approved list names.
    spend_steps: how much spent on treatment has the aid of which severity. case_steps: how aid grows with the cases
    that a member has shared. reimbursement: how much is granted at once and how the rest follows bills.
    funding: None where members pay after a period is posted; otherwise they pay ahead, into wallets.
    arrears: what follows from a share that is not paid; None: nobody is suspended for it.
    debit: how shares can be debited from an account; None: members transfer.
    illness_in_wait: what becomes of who falls ill in the waiting period: no aid, or also their shares back and the end
    of the membership.
    change_by: what becomes of who does not answer when new rules are published under these: with free_exit they hold
    for them as well, with consent the membership ends before they begin.
    operator, wind_down: None only in a draft; a pool opens with both.
    Classes, aid rows and steps keep one order, so equal terms have equal JSON and equal hash.
    """

    fee: FeeTerms
    calendar: CalendarTerms
    classes: tuple[ClassTerms, ...]
    aid: tuple[AidTerms, ...]
    waiting_days: int
    minimum_members: int
    notice_days: int
    on_cap: OnCap = "redistribute"
    on_infeasible: OnInfeasible = "sponsor"
    per_case_cap_fen: int | None = None
    vesting: tuple[VestingStep, ...] = ()
    operator: OperatorTerms | None = None
    wind_down: WindDownTerms | None = None
    waiting_rules: tuple[WaitingRule, ...] = ()
    report_days: int | None = None
    lifetime_cap_fen: int | None = None
    one_aid_ends: bool = False
    by_invitation: bool = False
    period_cap_fen: int | None = None
    year_cap_fen: int | None = None
    reserve: ReserveTerms | None = None
    sponsor: str | None = None
    spend_steps: tuple[SpendStep, ...] = ()
    case_steps: tuple[CaseStep, ...] = ()
    reimbursement: ReimbursementTerms | None = None
    floor: FloorTerms | None = None
    funding: FundingTerms | None = None
    arrears: ArrearsTerms | None = None
    change_by: ChangeBy = "free_exit"
    debit: DebitTerms | None = None
    appeal_days: int | None = None
    objections_per_period: int = OBJECTIONS_UNSAID
    illness_in_wait: IllnessInWait = "no_aid"
    two_deciders_from_fen: int | None = None
    jury: JuryTerms | None = None
    investigation: InvestigationTerms | None = None
    documents: DocumentTerms | None = None
    return_after_removal_days: int | None = None
    successor: str | None = None
    takes_over: TakeOverTerms | None = None

    def __post_init__(self) -> None:
        _check_int("waiting_days", self.waiting_days, 0, MAX_DAYS)
        _check_int("minimum_members", self.minimum_members, 1)
        _check_int("notice_days", self.notice_days, 0, MAX_DAYS)
        _check_choice("on_cap", self.on_cap, get_args(OnCap))
        _check_choice("on_infeasible", self.on_infeasible, get_args(OnInfeasible))
        _check_choice("change_by", self.change_by, get_args(ChangeBy))
        _check_choice("illness_in_wait", self.illness_in_wait, get_args(IllnessInWait))
        _check_classes(self.classes)
        _check_aid(self.aid)
        _check_vesting(self.vesting)
        _check_waiting(self.waiting_rules)
        check_spend_steps(self.spend_steps, {row.severity for row in self.aid})
        check_case_steps(self.case_steps)
        if self.asks_for_spend and self.per_case_cap_fen is not None:
            # Its parts come in several periods, and each would be under the whole cap.
            raise TermsError(
                "per_case_cap_fen",
                "cap_on_a_case_in_parts",
                "a case whose bills come in parts has no cap of its own",
            )
        if self.report_days is not None:
            _check_int("report_days", self.report_days, 1, MAX_DAYS)
        if self.appeal_days is not None:
            _check_int("appeal_days", self.appeal_days, *APPEAL_DAYS)
        elif self.jury is not None:
            raise TermsError("jury", "jury_without_appeal", "a jury hears what an appeal has refused")
        _check_int("objections_per_period", self.objections_per_period, *OBJECTIONS)
        if self.return_after_removal_days is not None:
            _check_int("return_after_removal_days", self.return_after_removal_days, 1, MAX_DAYS)
        if self.successor is not None:
            check_code("successor", self.successor)
        if self.takes_over is not None and self.funding is not None:
            raise TermsError(
                "takes_over.pools",
                "takes_over_into_wallets",
                "cover of who pays ahead begins with a payment, so nobody comes over without a gap",
            )
        if self.two_deciders_from_fen is not None:
            _check_int("two_deciders_from_fen", self.two_deciders_from_fen, 1)
        if (
            self.investigation is not None
            and self.investigation.borne_by == "reserve"
            and self.reserve is None
        ):
            raise TermsError(
                "investigation.borne_by", "investigation_without_reserve", "the plan keeps no reserve"
            )
        _check_type("one_aid_ends", self.one_aid_ends, bool)
        _check_type("by_invitation", self.by_invitation, bool)
        if self.lifetime_cap_fen is not None:
            self._check_lifetime_cap(self.lifetime_cap_fen)
        object.__setattr__(self, "classes", tuple(sorted(self.classes, key=lambda c: c.class_no)))
        object.__setattr__(self, "aid", tuple(sorted(self.aid, key=lambda a: (a.severity, a.age_from))))
        if self.per_case_cap_fen is not None:
            _check_int("per_case_cap_fen", self.per_case_cap_fen, 1)
            self._check_cap_is_affordable(self.per_case_cap_fen)
        self._check_caps_of_time()
        if self.sponsor is not None:
            _check_text("sponsor", self.sponsor)
        if self.reserve is not None:
            self._check_reserve(self.reserve)
        if self.wind_down is not None and self.wind_down.run_off_cap_fen is not None:
            self._check_run_off_can_be_paid(self.wind_down.run_off_cap_fen)
        if self.floor is not None:
            self._check_floor(self.floor.members)
        if self.arrears is not None and self.funding is not None:
            raise TermsError("arrears", "arrears_of_wallets", "who pays ahead owes nothing")
        if self.illness_in_wait == "shares_back" and self.funding is not None:
            raise TermsError(
                "illness_in_wait", "shares_back_of_wallets", "who pays ahead gets back what a wallet holds"
            )
        if self.debit is not None and self.funding is not None:
            raise TermsError("debit", "debits_of_wallets", "who pays ahead chooses when and how much")
        if len(self.canonical_json.encode()) > MAX_BYTES:
            raise TermsError("", "too_long", f"more than {MAX_BYTES} bytes of terms")

    @property
    def max_aid_fen(self) -> int:
        """Return the largest aid a single case can have."""
        return max(row.max_aid_fen for row in self.aid)

    @property
    def ending_notice_days(self) -> int:
        """Return the days from the notice that the pool ends to the end of cover, whoever or whatever ends it."""
        return DEFAULT_NOTICE_DAYS if self.floor is None else self.floor.notice_days

    @property
    def taken_documents(self) -> DocumentTerms:
        """Return by which documents somebody joins."""
        return self.documents or UNSAID

    @property
    def member_cap_fen(self) -> int | None:
        """Return what a member who has not paid anything this year pays for a period at most; None: without end."""
        caps = [cap for cap in (self.period_cap_fen, self.year_cap_fen) if cap is not None]
        return min(caps, default=None)

    @property
    def base_weight(self) -> int:
        """Return the weight of the lightest class, to which a cap per case refers."""
        return min(row.weight for row in self.classes)

    def weight_of(self, class_no: int) -> int:
        """Return the weight of a class. Raises KeyError when the plan has no such class."""
        for row in self.classes:
            if row.class_no == class_no:
                return row.weight
        raise KeyError(class_no)

    def class_at(self, age: int) -> int:
        """Return the class of that age; below or above every band it is the nearest one."""
        rows = sorted(self.classes, key=lambda row: row.age_from or 0)
        reached = [row for row in rows if row.age_from is not None and row.age_from <= age]
        return (reached[-1] if reached else rows[0]).class_no

    def max_aid_at(self, *, severity: str, age: int) -> int:
        """Return the most aid for a severity at an age in completed years; 0 when the plan has none."""
        for row in self.aid:
            if row.severity == severity and row.age_from <= age < row.age_before:
                return row.max_aid_fen
        return 0

    def vested_part(self, days: int) -> Fraction:
        """Return the part of the aid granted so many days after the end of the waiting period; before it the first."""
        reached = [step.part for step in self.vesting if step.from_days <= max(days, 0)]
        return reached[-1] if reached else Fraction(1)

    @property
    def asks_for_spend(self) -> bool:
        """Tell whether aid depends on what was spent on treatment."""
        return bool(self.spend_steps) or self.reimbursement is not None

    @property
    def rest_waits(self) -> bool:
        """Tell whether aid that caps leave no room for waits for the next period."""
        return self.on_cap == "redistribute" and self.on_infeasible == "defer"

    def counted_as(self, *, severity: str, age: int, spend_fen: int) -> tuple[str, SpendStep | None]:
        """Return whose aid counts at an age: the own severity, or a dearer one that the spend reaches, and its step."""
        counted, by = severity, None
        for step in self.spend_steps:
            dearer = self.max_aid_at(severity=step.counts_as, age=age) > self.max_aid_at(
                severity=counted, age=age
            )
            if step.from_fen <= spend_fen and dearer:
                counted, by = step.counts_as, step
        return counted, by

    def shared_part(self, cases: int) -> Fraction:
        """Return the part of the aid granted to who has shared so many cases."""
        reached = [step.part for step in self.case_steps if step.from_cases <= cases]
        return reached[-1] if reached else Fraction(1)

    def waits(self, *, cause: Cause, joined_age: int) -> int:
        """Return the days of waiting for a cause, for who joined at that age: those of the first rule that fits."""
        fitting = (rule.days for rule in self.waiting_rules if rule.fits(cause, joined_age))
        return next(fitting, self.waiting_days)

    def longest_wait(self, cause: Cause) -> int:
        """Return the most days of waiting for a cause, whatever the age: nobody is promised aid too early."""
        return max(self.waits(cause=cause, joined_age=age) for age in _ages_that_matter(self.waiting_rules))

    @property
    def waiting_asks_for_age(self) -> bool:
        """Tell whether waiting depends on the age at joining."""
        return any(rule.asks_for_age for rule in self.waiting_rules)

    def last_day_to_report(self, event_date: date) -> date | None:
        """Return the last day on which a case of that day is filed in time; None: there is none."""
        return None if self.report_days is None else event_date + timedelta(days=self.report_days)

    def last_day_to_appeal(self, refused_date: date) -> date | None:
        """Return the last day on which a refusal of that day can be appealed against; None: there is no appeal."""
        return None if self.appeal_days is None else refused_date + timedelta(days=self.appeal_days)

    def deciders(self, aid_fen: int) -> int:
        """Return how many second reviewers decide on a claim that the plan grants so much at most."""
        return 1 if self.two_deciders_from_fen is None or aid_fen < self.two_deciders_from_fen else 2

    def last_day_to_take_to_jury(self, refused_date: date) -> date | None:
        """Return the last day on which a refusal on appeal can go before the jury; None: there is no jury."""
        return None if self.jury is None else refused_date + timedelta(days=self.jury.take_days)

    @property
    def canonical_json(self) -> str:
        """Return the one text of these terms: keys sorted, no spaces, characters as they are."""
        return json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @property
    def sha256(self) -> str:
        """Return the hash of the canonical JSON in UTF-8, as lower case hex."""
        return hashlib.sha256(self.canonical_json.encode()).hexdigest()

    @classmethod
    def from_json(cls, data: object) -> PlanTerms:
        """Read terms from decoded JSON; raise TermsError for the first thing wrong with them."""
        given = _fields(
            data,
            required=(
                "fee",
                "calendar",
                "classes",
                "aid",
                "waiting_days",
                "minimum_members",
                "notice_days",
                "on_cap",
                "on_infeasible",
            ),
            optional=(
                "per_case_cap_fen",
                "vesting",
                "operator",
                "wind_down",
                "waiting_rules",
                "report_days",
                "lifetime_cap_fen",
                "one_aid_ends",
                "by_invitation",
                "period_cap_fen",
                "year_cap_fen",
                "reserve",
                "sponsor",
                "spend_steps",
                "case_steps",
                "reimbursement",
                "floor",
                "funding",
                "arrears",
                "change_by",
                "debit",
                "appeal_days",
                "objections_per_period",
                "illness_in_wait",
                "two_deciders_from_fen",
                "jury",
                "investigation",
                "documents",
                "return_after_removal_days",
                "successor",
                "takes_over",
            ),
        )
        return cls(
            fee=_read_part("fee", FeeTerms.from_json, given["fee"]),
            calendar=_read_part("calendar", CalendarTerms.from_json, given["calendar"]),
            classes=_read_rows("classes", ClassTerms.from_json, given["classes"]),
            aid=_read_rows("aid", AidTerms.from_json, given["aid"]),
            waiting_days=given["waiting_days"],
            minimum_members=given["minimum_members"],
            notice_days=given["notice_days"],
            on_cap=given["on_cap"],
            on_infeasible=given["on_infeasible"],
            per_case_cap_fen=given.get("per_case_cap_fen"),
            vesting=_read_rows("vesting", VestingStep.from_json, given.get("vesting", [])),
            operator=_read_optional("operator", OperatorTerms.from_json, given),
            wind_down=_read_optional("wind_down", WindDownTerms.from_json, given),
            waiting_rules=_read_rows("waiting_rules", WaitingRule.from_json, given.get("waiting_rules", [])),
            report_days=given.get("report_days"),
            lifetime_cap_fen=given.get("lifetime_cap_fen"),
            one_aid_ends=given.get("one_aid_ends", False),
            by_invitation=given.get("by_invitation", False),
            period_cap_fen=given.get("period_cap_fen"),
            year_cap_fen=given.get("year_cap_fen"),
            reserve=_read_optional("reserve", ReserveTerms.from_json, given),
            sponsor=given.get("sponsor"),
            spend_steps=_read_rows("spend_steps", SpendStep.from_json, given.get("spend_steps", [])),
            case_steps=_read_rows("case_steps", CaseStep.from_json, given.get("case_steps", [])),
            reimbursement=_read_optional("reimbursement", ReimbursementTerms.from_json, given),
            floor=_read_optional("floor", FloorTerms.from_json, given),
            funding=_read_optional("funding", FundingTerms.from_json, given),
            arrears=_read_optional("arrears", ArrearsTerms.from_json, given),
            change_by=given.get("change_by", "free_exit"),
            debit=_read_optional("debit", DebitTerms.from_json, given),
            appeal_days=given.get("appeal_days"),
            objections_per_period=given.get("objections_per_period", OBJECTIONS_UNSAID),
            illness_in_wait=given.get("illness_in_wait", "no_aid"),
            two_deciders_from_fen=given.get("two_deciders_from_fen"),
            jury=_read_optional("jury", JuryTerms.from_json, given),
            investigation=_read_optional("investigation", InvestigationTerms.from_json, given),
            documents=_read_optional("documents", DocumentTerms.from_json, given),
            return_after_removal_days=given.get("return_after_removal_days"),
            successor=given.get("successor"),
            takes_over=_read_optional("takes_over", TakeOverTerms.from_json, given),
        )

    def to_json(self) -> dict[str, Any]:
        """Tell the terms in integers and strings; what isn't set is left out."""
        told: dict[str, Any] = {
            "fee": self.fee.to_json(),
            "calendar": self.calendar.to_json(),
            "classes": [row.to_json() for row in self.classes],
            "aid": [row.to_json() for row in self.aid],
            "waiting_days": self.waiting_days,
            "minimum_members": self.minimum_members,
            "notice_days": self.notice_days,
            "on_cap": self.on_cap,
            "on_infeasible": self.on_infeasible,
        }
        if self.per_case_cap_fen is not None:
            told["per_case_cap_fen"] = self.per_case_cap_fen
        if self.vesting:
            told["vesting"] = [step.to_json() for step in self.vesting]
        if self.operator is not None:
            told["operator"] = self.operator.to_json()
        if self.wind_down is not None:
            told["wind_down"] = self.wind_down.to_json()
        if self.waiting_rules:
            told["waiting_rules"] = [rule.to_json() for rule in self.waiting_rules]
        if self.report_days is not None:
            told["report_days"] = self.report_days
        if self.lifetime_cap_fen is not None:
            told["lifetime_cap_fen"] = self.lifetime_cap_fen
        if self.one_aid_ends:
            told["one_aid_ends"] = True
        if self.by_invitation:
            told["by_invitation"] = True
        if self.period_cap_fen is not None:
            told["period_cap_fen"] = self.period_cap_fen
        if self.year_cap_fen is not None:
            told["year_cap_fen"] = self.year_cap_fen
        if self.reserve is not None:
            told["reserve"] = self.reserve.to_json()
        if self.sponsor is not None:
            told["sponsor"] = self.sponsor
        if self.spend_steps:
            told["spend_steps"] = [step.to_json() for step in self.spend_steps]
        if self.case_steps:
            told["case_steps"] = [step.to_json() for step in self.case_steps]
        if self.reimbursement is not None:
            told["reimbursement"] = self.reimbursement.to_json()
        if self.floor is not None:
            told["floor"] = self.floor.to_json()
        if self.funding is not None:
            told["funding"] = self.funding.to_json()
        if self.arrears is not None:
            told["arrears"] = self.arrears.to_json()
        if self.change_by != "free_exit":
            told["change_by"] = self.change_by
        if self.debit is not None:
            told["debit"] = self.debit.to_json()
        if self.appeal_days is not None:
            told["appeal_days"] = self.appeal_days
        if self.objections_per_period != OBJECTIONS_UNSAID:
            told["objections_per_period"] = self.objections_per_period
        if self.illness_in_wait != "no_aid":
            told["illness_in_wait"] = self.illness_in_wait
        if self.two_deciders_from_fen is not None:
            told["two_deciders_from_fen"] = self.two_deciders_from_fen
        if self.jury is not None:
            told["jury"] = self.jury.to_json()
        if self.investigation is not None:
            told["investigation"] = self.investigation.to_json()
        if self.documents is not None:
            told["documents"] = self.documents.to_json()
        if self.return_after_removal_days is not None:
            told["return_after_removal_days"] = self.return_after_removal_days
        if self.successor is not None:
            told["successor"] = self.successor
        if self.takes_over is not None:
            told["takes_over"] = self.takes_over.to_json()
        return told

    def _check_cap_is_affordable(self, per_case_cap_fen: int) -> None:
        needed = break_even_members(
            max_aid_fen=self.max_aid_fen, fee=self.fee, per_case_cap_fen=per_case_cap_fen
        )
        if self.minimum_members < needed:
            raise TermsError(
                "minimum_members",
                "too_few_for_case_cap",
                f"a case of {self.max_aid_fen} fen under a cap of {per_case_cap_fen} fen takes at least "
                f"{needed} members, the plan only asks for {self.minimum_members}",
                needed=needed,
                given=self.minimum_members,
            )

    def _check_floor(self, members: int) -> None:
        """Demand that a pool does not open below its floor, and that at its floor a case can still be borne."""
        if members > self.minimum_members:
            raise TermsError(
                "floor.members",
                "floor_above_minimum",
                f"the pool opens with {self.minimum_members} members and would end below {members}",
                most=self.minimum_members,
            )
        if self.per_case_cap_fen is None:
            return
        needed = break_even_members(
            max_aid_fen=self.max_aid_fen, fee=self.fee, per_case_cap_fen=self.per_case_cap_fen
        )
        if members < needed:
            raise TermsError(
                "floor.members",
                "floor_below_break_even",
                f"under the cap per case fewer than {needed} members do not bear a case, the floor is {members}",
                needed=needed,
            )

    def _check_lifetime_cap(self, cap_fen: int) -> None:
        """Demand that a first case can be granted what the plan promises for it."""
        _check_int("lifetime_cap_fen", cap_fen, 1)
        if cap_fen < self.max_aid_fen:
            raise TermsError(
                "lifetime_cap_fen",
                "lifetime_cap_below_aid",
                f"{cap_fen} fen in all, but {self.max_aid_fen} fen for one case",
                needed_fen=self.max_aid_fen,
            )

    def _check_caps_of_time(self) -> None:
        """Demand caps per period and year that can be reached, and no cap per case where the rest of an aid waits."""
        for name in ("period_cap_fen", "year_cap_fen"):
            if getattr(self, name) is not None:
                _check_int(name, getattr(self, name), 1)
        period_fen, year_fen = self.period_cap_fen, self.year_cap_fen
        if period_fen is not None and year_fen is not None and period_fen >= year_fen:
            raise TermsError(
                "period_cap_fen",
                "period_cap_above_year_cap",
                f"{period_fen} fen for a period, {year_fen} fen for the whole year",
                most_fen=year_fen,
            )
        if self.member_cap_fen is not None and self.rest_waits and self.per_case_cap_fen is not None:
            # A case is shared in several periods then, and in each it would be under the whole cap.
            raise TermsError(
                "per_case_cap_fen",
                "cap_on_a_case_that_waits",
                "a case that is shared in several periods has no cap of its own",
            )

    def _check_reserve(self, reserve: ReserveTerms) -> None:
        """Demand that the reserve has something to pay, and that it never ends with who runs the pool."""
        if self.member_cap_fen is None:
            raise TermsError(
                "period_cap_fen",
                "reserve_never_pays",
                "a reserve pays what a cap per period or year leaves, and there is none",
            )
        if self.operator is not None and reserve.goes_to == self.operator.name:
            raise TermsError(
                "reserve.goes_to",
                "reserve_goes_to_the_operator",
                "what members put by is never the operator's",
            )

    def _check_run_off_can_be_paid(self, cap_fen: int) -> None:
        """Demand that the fewest members, each at the cap, can bear one case at the highest aid."""
        needed_fen = self.max_aid_fen + self.fee.fee_fen(self.max_aid_fen)
        least_fen = -(-needed_fen // self.minimum_members)
        if cap_fen < least_fen:
            raise TermsError(
                "wind_down.run_off_cap_fen",
                "run_off_cannot_be_paid",
                f"{self.minimum_members} members at {cap_fen} fen do not bear one case of {needed_fen} fen; it takes "
                f"{least_fen} fen each",
                needed_fen=least_fen,
                given_fen=cap_fen,
                members=self.minimum_members,
            )


def check_change(before: PlanTerms, after: PlanTerms) -> None:
    """Refuse terms that cannot follow those of a pool with members; raise TermsError naming the field."""
    kept = {row.class_no for row in after.classes}
    for row in before.classes:
        if row.class_no not in kept:
            raise TermsError(
                "classes", "class_left_out", f"members belong to class {row.class_no}", class_no=row.class_no
            )
    if (before.funding is None) != (after.funding is None):
        raise TermsError("funding", "funding_may_not_turn", "members have paid, or owe, by the other way")
    for name in ("operator", "wind_down", "sponsor", "reserve"):
        if getattr(before, name) is not None and getattr(after, name) is None:
            raise TermsError(
                name, "may_not_disappear", "members were told who answers to them, and how it ends"
            )


def period_dates(terms: PlanTerms, first_date: date, period_no: int = 1) -> PeriodDates:
    """Return the dates of the period_no-th period, the first being the one that holds first_date.

    Consecutive numbers tile the calendar: each period ends where the next one opens.
    """
    if period_no < 1:
        raise ValueError(f"period_no = {period_no}: periods are counted from 1")
    return terms.calendar.period_dates(first_date, period_no - 1)


def break_even_members(*, max_aid_fen: int, fee: FeeTerms, per_case_cap_fen: int) -> int:
    """Return how many members it takes to bear the dearest case and its fee under a cap per case.

    300,000 with a fee of 10 % under a cap of 0.10 takes 3.3 million. Heavier classes bear more; the
    count takes everyone for the lightest, so that the floor holds for any mix of members.
    """
    return -(-(max_aid_fen + fee.fee_fen(max_aid_fen)) // per_case_cap_fen)


def _day_of_month(month_index: int, day: int) -> date:
    """Return a day of a month counted from year 0; a day beyond its end is its last day."""
    year, month = divmod(month_index, 12)
    return date(year, month + 1, min(day, monthrange(year, month + 1)[1]))


def _check_classes(classes: tuple[ClassTerms, ...]) -> None:
    if not classes:
        raise TermsError("classes", "empty", "a plan needs at least one class")
    if len(classes) > MAX_CLASSES:
        raise TermsError("classes", "too_many_classes", f"{len(classes)} classes, at most {MAX_CLASSES}")
    seen: set[int] = set()
    for place, row in enumerate(classes):
        if row.class_no in seen:
            raise TermsError(f"classes[{place}].class_no", "listed_twice", f"class {row.class_no} again")
        seen.add(row.class_no)
    _check_class_ages(classes)


def _check_class_ages(classes: tuple[ClassTerms, ...]) -> None:
    """Demand that ages decide for every class or for none, and then leave no age between two classes."""
    bands = sorted((row.age_from, row.age_before) for row in classes if row.age_from is not None)
    if bands and len(bands) < len(classes):
        raise TermsError("classes", "some_without_ages", "either every class has an age band or none")
    for (_first, end), (begin, _last) in pairwise(bands):
        if end != begin:
            raise TermsError(
                "classes", "ages_do_not_join", f"a band ends at {end}, the next begins at {begin}"
            )


def _check_aid(aid: tuple[AidTerms, ...]) -> None:
    if not aid:
        raise TermsError("aid", "empty", "a plan needs at least one row of aid")
    if len(aid) > MAX_AID_ROWS:
        raise TermsError("aid", "too_many_rows", f"{len(aid)} rows, at most {MAX_AID_ROWS}")
    for place, row in enumerate(aid):
        for other in aid[:place]:
            overlap = row.age_from < other.age_before and other.age_from < row.age_before
            if row.severity == other.severity and overlap:
                raise TermsError(
                    f"aid[{place}].age_from",
                    "ages_overlap",
                    f"{row.severity} at {row.age_from} to below {row.age_before} is given twice",
                )


def _check_vesting(steps: tuple[VestingStep, ...]) -> None:
    """Demand steps that begin with the first day that counts, only ever grow, and end with the whole aid."""
    if not steps:
        return
    if len(steps) > MAX_VESTING_STEPS:
        raise TermsError("vesting", "too_many_steps", f"{len(steps)} steps, at most {MAX_VESTING_STEPS}")
    if steps[0].from_days != 0:
        raise TermsError("vesting[0].from_days", "vesting_starts_late", "the first step begins with day 0")
    for place, (step, following) in enumerate(pairwise(steps), start=1):
        if following.from_days <= step.from_days or following.part <= step.part:
            raise TermsError(
                f"vesting[{place}].from_days", "vesting_must_grow", "each step is later and larger"
            )
    if steps[-1].part != 1:
        raise TermsError(
            f"vesting[{len(steps) - 1}].part", "vesting_ends_below_all", "the last step grants the whole aid"
        )


def _ages_that_matter(rules: tuple[WaitingRule, ...]) -> list[int]:
    """Return the ages at which another rule may begin to fit, the first of all included."""
    ends = {age for rule in rules for age in (rule.joined_from, rule.joined_before) if age is not None}
    return sorted({0} | ends)


def _check_waiting(rules: tuple[WaitingRule, ...]) -> None:
    """Demand that every rule decides for somebody: one behind a wider rule would only seem to be promised."""
    if len(rules) > MAX_WAITING_RULES:
        raise TermsError(
            "waiting_rules", "too_many_waiting_rules", f"{len(rules)} rules, at most {MAX_WAITING_RULES}"
        )
    met = [(cause, age) for cause in get_args(Cause) for age in _ages_that_matter(rules)]
    for place, rule in enumerate(rules):
        fitting = [one for one in met if rule.fits(*one)]
        if all(any(earlier.fits(*one) for earlier in rules[:place]) for one in fitting):
            raise TermsError(
                f"waiting_rules[{place}].days",
                "waiting_rule_never_fits",
                "earlier rules fit whatever it fits",
            )
