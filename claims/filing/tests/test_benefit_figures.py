"""Aid by spend, against bills and by cases shared: worked cases, what holds for all, and the same in SQL."""

import datetime as dt
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aidplatform.testing.world import TERMS
from claims.filing.benefits import Benefit, Figures, derive
from members.pools.plan_terms import PlanTerms

D = dt.date.fromisoformat
ROOT = Path(__file__).resolve().parents[3]
JOINED, EVENT = D("2026-01-01"), D("2026-05-04")
# Meituan's way: by list or by spend; and before that a fifth at once and the rest against bills.
BY_SPEND = {
    "aid": [
        {"severity": "severe", "age_from": 0, "age_before": 40, "max_aid_fen": 30_000_000},
        {"severity": "mild", "age_from": 0, "age_before": 40, "max_aid_fen": 15_000_000},
    ],
    "spend_steps": [
        {"from_fen": 12_000_000, "counts_as": "mild"},
        {"from_fen": 24_000_000, "counts_as": "severe"},
    ],
}
BILLS = {
    "aid": [{"severity": "severe", "age_from": 0, "age_before": 40, "max_aid_fen": 35_000_000}],
    "reimbursement": {"at_once": "1/5"},
}
BY_CASES = [
    {"from_cases": 0, "part": "1/3"},
    {"from_cases": 5, "part": "2/3"},
    {"from_cases": 10, "part": "1"},
]


def derived(terms: dict[str, Any], severity: str = "severe", earlier_fen: int = 0, **figures: Any) -> Benefit:
    """Derive the aid of somebody aged 30 who is covered and has waited."""
    return derive(
        plan=PlanTerms.from_json(TERMS | terms),
        severity=severity,
        birth=D("1996-01-01"),
        event=EVENT,
        joined=JOINED,
        is_covered=True,
        filed=EVENT,
        earlier_fen=earlier_fen,
        figures=Figures(**figures),
    )


# severity, spend in yuan → aid in yuan
THRESHOLDS = """
other        0       0
other   119999       0
other   120000  150000
other   239999  150000
other   240000  300000
mild         0  150000
mild    239999  150000
mild    240000  300000
severe       0  300000
severe  999999  300000
"""


@pytest.mark.parametrize("row", [line.split() for line in THRESHOLDS.strip().splitlines()], ids=" ".join)
def test_spend_counts_as_a_severity(row: list[str]) -> None:
    benefit = derived(BY_SPEND, row[0], spend_fen=int(row[1]) * 100)
    assert benefit.aid_fen == int(row[2]) * 100
    assert benefit.refused_by == ("" if benefit.aid_fen else "aid")


def test_derivation_names_the_sum_that_was_reached() -> None:
    reached = derived(BY_SPEND, "other", spend_fen=13_000_000)
    assert reached.to_json()[2:] == [
        {"name": "spent", "clause": "aid", "passed": True, "spend_fen": 13_000_000, "from_fen": 12_000_000,
         "counts_as": "mild"},
        {"name": "granted", "clause": "aid", "passed": True, "severity": "mild", "age": 30, "aid_fen": 15_000_000},
    ]  # fmt: skip
    assert derived(BY_SPEND, "severe", spend_fen=13_000_000).steps[2].found == {"spend_fen": 13_000_000}


# deductible, part, spend of this claim, spend before, aid before in yuan → aid in yuan, of 350,000 with a fifth at once
REIMBURSED = """
0      1         0       0       0   70000
0      1     50000       0       0  120000
0      1    280000       0       0  350000
0      1    900000       0       0  350000
10000  1     10000       0       0   70000
10000  1     60000       0       0  120000
0      4/5  100000       0       0  150000
20000  4/5  100000       0       0  134000
0      1     50000   50000  120000   50000
0      1    300000   50000  120000  230000
10000  1      5000    8000   70000    3000
0      1         0   50000  120000       0
"""


@pytest.mark.parametrize("row", [line.split() for line in REIMBURSED.strip().splitlines()], ids=" ".join)
def test_a_part_comes_at_once_and_the_rest_against_bills(row: list[str]) -> None:
    deductible, spend, before, granted, yuan = (int(row[n]) * 100 for n in (0, 2, 3, 4, 5))
    terms = BILLS["reimbursement"] | {"deductible_fen": deductible, "part": row[1]}  # type: ignore[operator]
    benefit = derived(
        BILLS | {"reimbursement": terms},
        spend_fen=spend,
        earlier_spend_fen=before,
        earlier_aid_fen=granted,
        is_part=bool(granted),
    )
    assert benefit.aid_fen == yuan


@pytest.mark.parametrize(
    ("cases", "yuan"), [(0, 100_000), (4, 100_000), (5, 200_000), (10, 300_000), (99, 300_000)]
)
def test_aid_grows_with_cases_shared(cases: int, yuan: int) -> None:
    benefit = derived({"case_steps": BY_CASES}, cases_shared=cases)
    assert benefit.aid_fen == yuan * 100
    assert benefit.steps[-1].found["cases"] == cases


def test_all_of_it_composes_in_one_order() -> None:
    """130,000 spent counts as severe: 300,000; two thirds for six cases: 200,000; 40,000 at once and 120,000 against
    bills above 10,000; 50,000 were granted before in this case and 400,000 in all, of 450,000.
    """
    benefit = derived(
        BY_SPEND
        | {
            "spend_steps": [{"from_fen": 12_000_000, "counts_as": "severe"}],
            "case_steps": BY_CASES,
            "reimbursement": {"at_once": "1/5", "deductible_fen": 1_000_000},
            "lifetime_cap_fen": 45_000_000,
        },
        "mild",
        earlier_fen=40_000_000,
        spend_fen=8_000_000,
        earlier_spend_fen=5_000_000,
        earlier_aid_fen=5_000_000,
        cases_shared=6,
        is_part=True,
    )
    amounts = [(step.name, step.found["aid_fen"]) for step in benefit.steps if "aid_fen" in step.found]
    assert amounts == [
        ("granted", 30_000_000),
        ("shared", 20_000_000),
        ("billed", 16_000_000),
        ("rest", 11_000_000),
        ("lifetime", 5_000_000),
    ]
    assert benefit.aid_fen == 5_000_000


# --- what holds for every plan and case -------------------------------------------------------------------------

_PARTS = st.integers(1, 30).map(lambda n: f"{n}/30")


@st.composite
def _steps(draw: st.DrawFn, first: str) -> list[dict[str, Any]]:
    """Return steps that begin with nothing, grow, and end with the whole."""
    count = draw(st.integers(1, 4))
    begins = sorted(draw(st.sets(st.integers(1, 400), min_size=count - 1, max_size=count - 1)))
    parts = sorted(draw(st.sets(st.integers(1, 29), min_size=count - 1, max_size=count - 1)))
    return [
        {first: begin, "part": f"{part}/30"} for begin, part in zip([0, *begins], [*parts, 30], strict=True)
    ]


@st.composite
def _terms(draw: st.DrawFn) -> dict[str, Any]:
    """Return terms in which any of the rules may stand."""
    sums = st.integers(1, 50_000_000)
    aid = [
        {"severity": severity, "age_from": low, "age_before": low + 30, "max_aid_fen": draw(sums)}
        for severity in ("severe", "mild")
        for low in (0, 30)
    ]
    terms: dict[str, Any] = {"aid": aid}
    if draw(st.booleans()):
        begins = sorted(draw(st.sets(st.integers(1, 40_000_000), min_size=1, max_size=3)))
        terms["spend_steps"] = [
            {"from_fen": begin, "counts_as": draw(st.sampled_from(["severe", "mild"]))} for begin in begins
        ]
    if draw(st.booleans()):
        terms["case_steps"] = draw(_steps("from_cases"))
    if draw(st.booleans()):
        terms["vesting"] = draw(_steps("from_days"))
    if draw(st.booleans()):
        terms["reimbursement"] = {
            "at_once": f"{draw(st.integers(0, 29))}/30",
            "part": draw(_PARTS),
            "deductible_fen": draw(st.integers(0, 5_000_000)),
        }
    if draw(st.booleans()):
        terms["lifetime_cap_fen"] = max(row["max_aid_fen"] for row in aid) + draw(st.integers(0, 10_000_000))
    return terms


@st.composite
def _case(draw: st.DrawFn) -> dict[str, Any]:
    """Return figures of a case, a later part or a first one."""
    is_part = draw(st.booleans())
    return {
        "spend_fen": draw(st.integers(0, 60_000_000)),
        "cases_shared": draw(st.integers(0, 450)),
        "is_part": is_part,
        "earlier_spend_fen": draw(st.integers(0, 60_000_000)) if is_part else 0,
        "earlier_aid_fen": draw(st.integers(1, 60_000_000)) if is_part else 0,
    }


_SEVERITY = st.sampled_from(["severe", "mild", "other"])


def part_of(fen: int, part: str) -> int:
    """Return a part of an amount as a derivation states it, rounded down."""
    fraction = Fraction(part)
    return fen * fraction.numerator // fraction.denominator


def follow(benefit: Benefit) -> int:
    """Work the aid out from nothing but what the steps state, in their order."""
    fen = 0
    for step in benefit.to_json():
        match step:
            case {"name": "granted", "aid_fen": int(granted)}:
                fen = granted
            case {"name": "vested" | "shared", "part": str(part)}:
                fen = part_of(fen, part)
            case {"name": "billed", "at_once_fen": int(once), "spend_fen": int(spend), "deductible_fen": int(own),
                  "part": str(part), "most_fen": int(most)}:  # fmt: skip
                assert most == fen
                fen = min(fen, once + part_of(max(spend - own, 0), part))
            case {"name": "rest", "earlier_fen": int(earlier)}:
                fen = max(fen - earlier, 0)
            case {"name": "lifetime", "cap_fen": int(cap), "earlier_fen": int(earlier)}:
                fen = min(fen, max(cap - earlier, 0))
        if "aid_fen" in step:
            assert step["aid_fen"] == fen, step
    return fen if all(step.passed for step in benefit.steps) else 0


@settings(max_examples=200, deadline=None)
@given(_terms(), _SEVERITY, _case(), st.integers(0, 60_000_000))
def test_steps_lead_exactly_to_the_aid_and_no_cap_is_passed(
    terms: dict[str, Any], severity: str, case: dict[str, Any], earlier_fen: int
) -> None:
    benefit = derived(terms, severity, earlier_fen, **case)
    plan = PlanTerms.from_json(TERMS | terms)
    assert follow(benefit) == benefit.aid_fen
    assert 0 <= benefit.aid_fen <= plan.max_aid_fen
    assert (benefit.aid_fen == 0) == bool(benefit.refused_by)
    if plan.lifetime_cap_fen is not None:
        assert benefit.aid_fen + earlier_fen <= max(plan.lifetime_cap_fen, earlier_fen)
    if case["is_part"]:
        assert benefit.aid_fen + case["earlier_aid_fen"] <= max(plan.max_aid_fen, case["earlier_aid_fen"])


@settings(max_examples=200, deadline=None)
@given(_terms(), _SEVERITY, _case(), st.integers(0, 60_000_000), st.integers(0, 450))
def test_more_spend_and_more_cases_never_grant_less(
    terms: dict[str, Any], severity: str, case: dict[str, Any], more_fen: int, more_cases: int
) -> None:
    less = derived(terms, severity, **case)
    spent = derived(terms, severity, **(case | {"spend_fen": case["spend_fen"] + more_fen}))
    shared = derived(terms, severity, **(case | {"cases_shared": case["cases_shared"] + more_cases}))
    assert less.aid_fen <= spent.aid_fen
    assert less.aid_fen <= shared.aid_fen


@settings(max_examples=100, deadline=None)
@given(_terms(), _SEVERITY, st.lists(st.integers(0, 20_000_000), min_size=1, max_size=4))
def test_bills_in_parts_come_to_what_they_come_to_at_once(
    terms: dict[str, Any], severity: str, bills: list[int]
) -> None:
    """However the bills of a case are cut into claims, all parts together grant the same."""
    terms = {name: value for name, value in terms.items() if name != "lifetime_cap_fen"}
    spent_fen = granted_fen = 0
    for place, bill_fen in enumerate(bills):
        granted_fen += derived(
            terms,
            severity,
            spend_fen=bill_fen,
            earlier_spend_fen=spent_fen,
            earlier_aid_fen=granted_fen,
            is_part=place > 0,
        ).aid_fen
        spent_fen += bill_fen
    assert granted_fen == derived(terms, severity, spend_fen=sum(bills)).aid_fen


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    _terms(), _SEVERITY, st.integers(0, 65), st.integers(-10, 450), st.integers(0, 450), st.integers(0, 10**8)
)
def test_database_comes_to_the_same_by_its_own_way(
    owner: Any, terms: dict[str, Any], severity: str, age: int, days: int, cases: int, spend_fen: int
) -> None:
    plan = PlanTerms.from_json(TERMS | terms)
    written = PlanTerms.from_json(
        {name: v for name, v in (TERMS | terms).items() if name != "lifetime_cap_fen"}
    )
    event = JOINED + dt.timedelta(days=plan.waiting_days + 1 + days)
    benefit = derive(
        plan=written, severity=severity, birth=event - dt.timedelta(days=366 * age + 30), event=event, joined=JOINED,
        is_covered=True, filed=event, earlier_fen=0, figures=Figures(spend_fen=spend_fen, cases_shared=cases),
    )  # fmt: skip
    (found,) = owner.execute(
        "SELECT claims_aid_of_case(%s, %s, %s, %s, %s, %s)",
        [json.dumps(plan.to_json()), severity, benefit.age, days, cases, spend_fen],
    ).fetchone()
    assert found == follow(benefit) or days < 0
    assert found == int(benefit.steps[-1].found["aid_fen"])


@pytest.mark.parametrize("name", ["claims_aid_of_case", "claims_aid_by_plan"])
def test_application_cannot_call_what_guards_judge_by(db: None, name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT has_function_privilege(current_user, oid, 'execute') FROM pg_proc WHERE proname = %s",
            [name],
        )
        assert cursor.fetchall() == [(False,)]
