"""The derivation of aid: a table of worked events, and what holds for all of them."""

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aidplatform.testing.world import ACCIDENT_AID, TERMS
from claims.filing import benefits
from claims.filing.benefits import Benefit, age_band
from claims.filing.illnesses import ILLNESSES
from members.joining.eligibility import age_on, eligible_from
from members.pools.aid_terms import CLAIMED_SEVERITIES
from members.pools.plan_terms import PlanTerms

PLAN = PlanTerms.from_json(TERMS)
D = dt.date.fromisoformat


def derive(**told: Any) -> Benefit:
    """Derive the aid of a case that is filed on its event day, unless told otherwise."""
    return benefits.derive(**({"filed": told["event"], "earlier_fen": 0} | told))


# severity, birth, event, joined, covered → aid in yuan, refused by
CASES = """
severe  1990-02-28  2026-05-04  2026-01-01  yes  300000  -
mild    1990-02-28  2026-05-04  2026-01-01  yes   50000  -
severe  1986-05-05  2026-05-04  2026-01-01  yes  300000  -
severe  1986-05-04  2026-05-04  2026-01-01  yes  100000  -
severe  1966-05-05  2026-05-04  2026-01-01  yes  100000  -
severe  1966-05-04  2026-05-04  2026-01-01  yes       0  aid
mild    1966-05-04  2026-05-04  2026-01-01  yes       0  aid
death   1990-02-28  2026-05-04  2026-01-01  yes       0  aid
severe  1990-02-28  2026-04-01  2026-01-01  yes       0  waiting
severe  1990-02-28  2026-04-02  2026-01-01  yes  300000  -
severe  1990-02-28  2025-12-31  2026-01-01  no        0  cover
severe  1990-02-28  2026-05-04  2026-01-01  no        0  cover
severe  2026-05-04  2026-05-04  2026-01-01  yes  300000  -
severe  1988-02-29  2028-02-29  2026-01-01  yes  100000  -
severe  1988-02-29  2028-02-28  2026-01-01  yes  300000  -
severe  1988-02-29  2027-03-01  2026-01-01  yes  300000  -
"""


@pytest.mark.parametrize("row", [line.split() for line in CASES.strip().splitlines()], ids=" ".join)
def test_aid_is_derived(row: list[str]) -> None:
    severity, birth, event, joined, covered, yuan, clause = row
    benefit = derive(
        plan=PLAN,
        severity=severity,
        birth=D(birth),
        event=D(event),
        joined=D(joined),
        is_covered=covered == "yes",
    )
    assert (benefit.aid_fen, benefit.refused_by or "-") == (int(yuan) * 100, clause)


def test_every_severity_that_a_plan_may_name_has_its_claims_and_no_claim_has_another() -> None:
    assert {illness.severity for illness in ILLNESSES.values()} == set(CLAIMED_SEVERITIES)


THIRDS = [{"from_days": 0, "part": "1/3"}, {"from_days": 365, "part": "2/3"}, {"from_days": 730, "part": "1"}]

# Joined on 1 January 2026 with 90 days of waiting, so that days count from 2 April: event → fen of 300,000.00.
GROWING = """
2026-04-01          0
2026-04-02  10000000
2027-04-01  10000000
2027-04-02  20000000
2028-03-31  20000000
2028-04-01  30000000
"""


@pytest.mark.parametrize("row", [line.split() for line in GROWING.strip().splitlines()], ids=" ".join)
def test_aid_grows_by_thirds_a_year(row: list[str]) -> None:
    """The way of Kang'ai: a third in the first year after the wait, two thirds in the second, then all of it."""
    benefit = derive(
        plan=PlanTerms.from_json(TERMS | {"vesting": THIRDS}),
        severity="severe",
        birth=D("1996-05-01"),
        event=D(row[0]),
        joined=D("2026-01-01"),
        is_covered=True,
    )
    assert benefit.aid_fen == int(row[1])
    assert [step.name for step in benefit.steps] == ["covered", "waited", "granted", "vested"]


def test_part_of_an_aid_is_rounded_down_to_the_fen() -> None:
    """A third of 50,000.00 is 16,666.66."""
    benefit = derive(
        plan=PlanTerms.from_json(TERMS | {"vesting": THIRDS}),
        severity="mild",
        birth=D("1996-05-01"),
        event=D("2026-05-04"),
        joined=D("2026-01-01"),
        is_covered=True,
    )
    assert benefit.aid_fen == 1_666_666
    assert benefit.steps[-1].found == {"days": 32, "part": "1/3", "aid_fen": 1_666_666}


KANGAI = TERMS | {
    "aid": [*TERMS["aid"], ACCIDENT_AID],
    "waiting_days": 180,
    "waiting_rules": [{"cause": "accident", "days": 30}, {"joined_from": 40, "days": 365}],
}

# Joined on 1 January 2026: severity, birth, event → aid in yuan, refused by
WAITS = """
severe    1986-01-02  2026-06-30       0  waiting
severe    1986-01-02  2026-07-01  100000  -
severe    1986-01-01  2026-07-01       0  waiting
severe    1986-01-01  2027-01-01       0  waiting
severe    1986-01-01  2027-01-02  100000  -
accident  1986-01-01  2026-01-31       0  waiting
accident  1986-01-01  2026-02-01  200000  -
accident  1990-01-01  2026-02-01  200000  -
"""


@pytest.mark.parametrize("row", [line.split() for line in WAITS.strip().splitlines()], ids=" ".join)
def test_wait_goes_by_cause_and_age_at_joining(row: list[str]) -> None:
    """Kang'ai: 180 days, from 40 a year, after an accident 30 days."""
    severity, birth, event, yuan, clause = row
    benefit = derive(
        plan=PlanTerms.from_json(KANGAI),
        severity=severity,
        birth=D(birth),
        event=D(event),
        joined=D("2026-01-01"),
        is_covered=True,
    )
    assert (benefit.aid_fen, benefit.refused_by or "-") == (int(yuan) * 100, clause)


def test_derivation_says_what_the_wait_went_by() -> None:
    event = {"severity": "severe", "event": D("2027-05-04"), "joined": D("2026-01-01"), "is_covered": True}
    benefit = derive(plan=PlanTerms.from_json(KANGAI), birth=D("1986-01-01"), **event)
    assert benefit.joined_age == 40
    assert benefit.steps[1].found == {
        "days": 365,
        "first_day": "2027-01-02",
        "cause": "illness",
        "joined_age": 40,
    }
    proven = derive(plan=PlanTerms.from_json(KANGAI), birth=D("1986-01-01"), proven_age=39, **event)
    assert (proven.joined_age, proven.steps[1].found["days"]) == (39, 180)
    born_later = derive(plan=PlanTerms.from_json(KANGAI), birth=D("2026-06-01"), **event)
    assert (born_later.joined_age, born_later.aid_fen) == (0, 30_000_000)
    assert derive(plan=PLAN, birth=D("1986-01-01"), **event).joined_age is None


def test_aid_grows_from_the_end_of_the_own_wait() -> None:
    plan = PlanTerms.from_json(KANGAI | {"vesting": THIRDS})
    event = {"birth": D("1986-01-01"), "joined": D("2026-01-01"), "is_covered": True}
    illness = derive(plan=plan, severity="severe", event=D("2028-01-01"), **event)
    accident = derive(plan=plan, severity="accident", event=D("2028-01-01"), **event)
    assert [b.steps[-1].found["part"] for b in (illness, accident)] == ["1/3", "2/3"]
    assert [b.steps[-1].found["days"] for b in (illness, accident)] == [364, 699]


@pytest.mark.parametrize(
    ("filed", "aid_fen", "clause"),
    [("2026-05-04", 30_000_000, ""), ("2026-10-31", 30_000_000, ""), ("2026-11-01", 0, "report")],
)
def test_case_is_reported_within_the_days_of_the_plan(filed: str, aid_fen: int, clause: str) -> None:
    """180 days from the day of diagnosis, the last one included."""
    benefit = derive(
        plan=PlanTerms.from_json(TERMS | {"report_days": 180}),
        severity="severe",
        birth=D("1996-05-01"),
        event=D("2026-05-04"),
        joined=D("2026-01-01"),
        is_covered=True,
        filed=D(filed),
    )
    assert (benefit.aid_fen, benefit.refused_by) == (aid_fen, clause)
    assert [step.name for step in benefit.steps] == ["covered", "waited", "reported", "granted"]
    assert benefit.steps[2].found == {"days": 180, "last_day": "2026-10-31", "filed": filed}


@pytest.mark.parametrize(
    ("earlier_fen", "aid_fen", "clause"),
    [
        (0, 30_000_000, ""),
        (20_000_000, 30_000_000, ""),
        (20_000_001, 29_999_999, ""),
        (50_000_000, 0, "aid"),
        (60_000_000, 0, "aid"),
    ],
)
def test_all_cases_of_a_member_stay_within_the_limit(earlier_fen: int, aid_fen: int, clause: str) -> None:
    benefit = derive(
        plan=PlanTerms.from_json(TERMS | {"lifetime_cap_fen": 50_000_000}),
        severity="severe",
        birth=D("1996-05-01"),
        event=D("2026-05-04"),
        joined=D("2026-01-01"),
        is_covered=True,
        earlier_fen=earlier_fen,
    )
    assert (benefit.aid_fen, benefit.refused_by) == (aid_fen, clause)
    assert benefit.steps[-1].found == {
        "cap_fen": 50_000_000,
        "earlier_fen": earlier_fen,
        "left_fen": max(50_000_000 - earlier_fen, 0),
        "aid_fen": aid_fen,
    }


def test_every_question_is_answered_even_after_a_refusal() -> None:
    benefit = derive(
        plan=PLAN,
        severity="death",
        birth=D("1990-02-28"),
        event=D("2025-12-31"),
        joined=D("2026-01-01"),
        is_covered=False,
    )
    assert [(step.name, step.passed) for step in benefit.steps] == [
        ("covered", False),
        ("waited", False),
        ("granted", False),
    ]
    assert benefit.to_json()[1] == {
        "name": "waited",
        "clause": "waiting",
        "passed": False,
        "days": 90,
        "first_day": "2026-04-02",
    }


# 29 February counts on 1 March in common years.
@pytest.mark.parametrize(
    ("day", "age"), [("2027-02-28", 38), ("2027-03-01", 39), ("2028-02-28", 39), ("2028-02-29", 40)]
)
def test_birthday_of_a_leap_day(day: str, age: int) -> None:
    assert age_on(D("1988-02-29"), D(day)) == age


def test_age_before_birth_is_refused() -> None:
    with pytest.raises(ValueError, match="before the birth"):
        age_on(D("2026-05-05"), D("2026-05-04"))


def test_waiting_ends_a_day_after_its_days() -> None:
    assert eligible_from(D("2026-01-01"), 90) == D("2026-04-02")
    assert eligible_from(D("2028-02-28"), 0) == D("2028-02-29")


@pytest.mark.parametrize(("age", "band"), [(0, "0-9"), (9, "0-9"), (36, "30-39"), (40, "40-49")])
def test_age_band(age: int, band: str) -> None:
    assert age_band(age) == band


_DAYS = st.dates(dt.date(1930, 1, 1), dt.date(2035, 12, 31))


@given(_DAYS, _DAYS)
def test_age_grows_by_one_a_year(birth: dt.date, day: dt.date) -> None:
    if day < birth or (day.month, day.day) == (2, 29):
        return
    assert age_on(birth, day.replace(year=day.year + 1)) - age_on(birth, day) in {0, 1, 2}
    assert age_on(birth, day) <= day.year - birth.year


@given(_DAYS, _DAYS, st.sampled_from(["severe", "mild", "death"]), st.booleans())
def test_aid_is_none_or_what_the_plan_grants(
    birth: dt.date, event: dt.date, severity: str, covered: bool
) -> None:
    if event < birth:
        return
    benefit = derive(
        plan=PLAN, severity=severity, birth=birth, event=event, joined=D("2026-01-01"), is_covered=covered
    )
    assert benefit.aid_fen in {0, PLAN.max_aid_at(severity=severity, age=benefit.age)}
    assert (benefit.aid_fen == 0) == bool(benefit.refused_by)
