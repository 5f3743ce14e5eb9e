"""Check plan terms: what they refuse and why, their one text, and the dates they lay down."""

from __future__ import annotations

import copy
import hashlib
import json
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from members.pools.aid_terms import check_claimable
from members.pools.plan_terms import (
    MAX_CLASSES,
    CalendarTerms,
    FeeTerms,
    PeriodDates,
    PeriodDays,
    PlanTerms,
    TermsError,
    break_even_members,
    period_dates,
)

FIXED = settings(max_examples=150, deadline=None, derandomize=True, database=None)

TWICE_A_MONTH: dict[str, Any] = {
    "fee": {"rate": "8/100"},
    "calendar": {
        "periods": [
            {"opening_day": 1, "publicity_day": 7, "charge_day": 14},
            {"opening_day": 15, "publicity_day": 21, "charge_day": 28},
        ],
        "publicity_days": 3,
    },
    "classes": [{"class_no": 0, "weight": 1, "name_en": "Member", "name_zh": "成员"}],
    "aid": [
        {"severity": "severe", "age_from": 0, "age_before": 40, "max_aid_fen": 30_000_000},
        {"severity": "severe", "age_from": 40, "age_before": 60, "max_aid_fen": 10_000_000},
        {"severity": "mild", "age_from": 0, "age_before": 60, "max_aid_fen": 5_000_000},
    ],
    "waiting_days": 90,
    "minimum_members": 3_300_000,
    "notice_days": 30,
    "on_cap": "redistribute",
    "on_infeasible": "sponsor",
    "operator": {
        "name": "Helping Hands Ltd",
        "registration": "91330100TEST00001X",
        "legal_basis_en": "Contract between the members",
        "legal_basis_zh": "成员之间的合同",
        "contact": "office@example.org",
    },
    "wind_down": {"payer": "Helping Hands Ltd", "run_off_days": 180},
}


def cases(*rows):
    """Return steps by cases shared."""
    return [{"from_cases": number, "part": part} for number, part in rows]


def late(**fields: Any) -> dict[str, Any]:
    """Return what follows from an unpaid share, with the fields that a test changes."""
    told = {"reminder_days": [7, 14], "grace_days": 14, "make_up_days": 30, "hardship_days": 60}
    return told | fields


def wallet(**changes):
    return {"join_fen": 900, "warn_below_fen": 300, "top_up_days": 30} | changes


def steps(*rows):
    """Return steps of vesting."""
    return [{"from_days": days, "part": part} for days, part in rows]


# The way of Kang'ai: 180 days, from 40 a year, after an accident a month.
KANGAI = [{"cause": "accident", "days": 30}, {"joined_from": 40, "days": 365}]
ACCIDENT_AID = {"severity": "accident", "age_from": 0, "age_before": 60, "max_aid_fen": 20_000_000}


def with_accidents(rules):
    """Return terms whose waiting goes by these rules, with aid for accidents."""
    return changed("waiting_rules", rules) | {"aid": [*TWICE_A_MONTH["aid"], ACCIDENT_AID]}


def changed(path: str, value: object) -> dict[str, Any]:
    """Return the terms with one value at a path like `classes.0.weight` replaced."""
    data = copy.deepcopy(TWICE_A_MONTH)
    place: Any = data
    *outer, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    for step in outer:
        place = place[step]
    place[last] = value
    return data


def without(path: str) -> dict[str, Any]:
    data = copy.deepcopy(TWICE_A_MONTH)
    place: Any = data
    *outer, last = path.split(".")
    for step in outer:
        place = place[step]
    del place[last]
    return data


def a_class(class_no: int, weight: object = 1) -> dict[str, Any]:
    return {"class_no": class_no, "weight": weight, "name_en": "Band", "name_zh": "档"}


def a_day(opening: int, publicity: int, charge: int, months_later: int = 0) -> dict[str, int]:
    return {
        "opening_day": opening,
        "publicity_day": publicity,
        "charge_day": charge,
        "charge_months_later": months_later,
    }


def refusal(data: object) -> tuple[str, str]:
    with pytest.raises(TermsError) as refused:
        PlanTerms.from_json(data)
    return refused.value.field, refused.value.code


def test_terms_are_read_as_written():
    terms = PlanTerms.from_json(TWICE_A_MONTH)
    assert terms.fee == FeeTerms(Fraction(8, 100))
    assert terms.fee.fee_fen(500_000_00) == 40_000_00
    assert terms.calendar.periods[1] == PeriodDays(15, 21, 28)
    assert [(c.class_no, c.weight, c.name_zh) for c in terms.classes] == [(0, 1, "成员")]
    assert (terms.waiting_days, terms.notice_days, terms.minimum_members) == (90, 30, 3_300_000)
    assert (terms.on_cap, terms.on_infeasible, terms.per_case_cap_fen) == ("redistribute", "sponsor", None)
    assert terms.max_aid_fen == 30_000_000


def test_terms_survive_json_and_back():
    data = changed("per_case_cap_fen", 10)
    data["minimum_members"] = 3_300_000
    data["fee"] = {"rate": "10/100", "ceiling_fen": 5_000_000, "fixed_fen": 7}
    data["minimum_members"] = 3_300_001
    data["calendar"]["periods"][1] = a_day(15, 21, 5, months_later=1)
    terms = PlanTerms.from_json(data)
    assert PlanTerms.from_json(json.loads(terms.canonical_json)) == terms
    assert PlanTerms.from_json(terms.to_json()).sha256 == terms.sha256


def test_hash_is_that_of_the_canonical_text():
    terms = PlanTerms.from_json(TWICE_A_MONTH)
    text = terms.canonical_json
    assert text.startswith('{"aid":[{"age_before":60,"age_from":0,"max_aid_fen":5000000,"severity":"mild"}')
    assert "成员" in text
    assert ", " not in text
    assert ": " not in text
    assert terms.sha256 == hashlib.sha256(text.encode("utf-8")).hexdigest()


def test_equal_terms_written_differently_have_one_hash():
    other = copy.deepcopy(TWICE_A_MONTH)
    other["aid"].reverse()
    other["fee"] = {"ceiling_fen": None, "fixed_fen": 0, "rate": "2/25"}
    other["calendar"]["periods"] = [a_day(1, 7, 14), a_day(15, 21, 28)]
    other["per_case_cap_fen"] = None
    other = dict(reversed(other.items()))
    assert PlanTerms.from_json(other).sha256 == PlanTerms.from_json(TWICE_A_MONTH).sha256


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("fee.rate", "9/100"),
        ("fee.fixed_fen", 1),
        ("fee.ceiling_fen", 1_000_000),
        ("calendar.publicity_days", 4),
        ("calendar.periods.0.charge_day", 13),
        ("classes.0.weight", 2),
        ("classes.0.name_zh", "会员"),
        ("aid.2.max_aid_fen", 4_999_999),
        ("waiting_days", 91),
        ("minimum_members", 3_300_001),
        ("notice_days", 31),
        ("change_by", "consent"),
        ("illness_in_wait", "shares_back"),
        ("return_after_removal_days", 365),
        ("successor", "senior"),
        ("takes_over", {"pools": ["young"], "waiting_counts": True}),
        ("debit", {"scheme": "card", "creditor_id": "7", "first_notice_days": 5, "later_notice_days": 2}),
        ("documents", {"kinds": ["resident_id"]}),
        ("on_cap", "reserve_pays"),
        ("on_infeasible", "defer"),
        ("per_case_cap_fen", 10),
        ("period_cap_fen", 10),
        ("sponsor", "A foundation"),
        ("operator.contact", "elsewhere@example.org"),
        ("operator", None),
        ("wind_down.run_off_days", 179),
        ("wind_down", None),
    ],
)
def test_every_term_changes_the_hash(path, value):
    assert PlanTerms.from_json(changed(path, value)).sha256 != PlanTerms.from_json(TWICE_A_MONTH).sha256


def test_to_json_holds_integers_and_strings_only():
    def leaves(value: object) -> list[object]:
        if isinstance(value, dict):
            return [leaf for inner in value.values() for leaf in leaves(inner)]
        if isinstance(value, list):
            return [leaf for inner in value for leaf in leaves(inner)]
        return [value]

    told = PlanTerms.from_json(changed("per_case_cap_fen", 10)).to_json()
    assert {type(leaf) for leaf in leaves(told)} == {int, str}


@pytest.mark.parametrize(
    ("path", "value", "field", "code"),
    [
        ("premium", 5, "premium", "unknown_field"),
        ("fee.percent", 8, "fee.percent", "unknown_field"),
        ("calendar.periods.1.retry_day", 3, "calendar.periods[1].retry_day", "unknown_field"),
        ("classes.0.color", "red", "classes[0].color", "unknown_field"),
        ("aid.1.note", "x", "aid[1].note", "unknown_field"),
        ("fee", "8/100", "fee", "wrong_type"),
        ("fee.rate", 0.08, "fee.rate", "wrong_type"),
        ("fee.rate", "8%", "fee.rate", "bad_rate"),
        ("fee.rate", "8/0", "fee.rate", "bad_rate"),
        ("fee.rate", "-1/100", "fee.rate", "bad_rate"),
        ("fee.rate", "８/100", "fee.rate", "bad_rate"),
        ("fee.rate", "8/100\n", "fee.rate", "bad_rate"),
        ("fee.rate", "101/100", "fee.rate", "rate_out_of_range"),
        ("fee.fixed_fen", -1, "fee.fixed_fen", "out_of_range"),
        ("fee.ceiling_fen", "10", "fee.ceiling_fen", "wrong_type"),
        ("calendar", [], "calendar", "wrong_type"),
        ("calendar.periods", {}, "calendar.periods", "wrong_type"),
        ("calendar.periods", [], "calendar.periods", "wrong_number_of_periods"),
        ("calendar.periods", [a_day(1, 2, 9)] * 3, "calendar.periods", "wrong_number_of_periods"),
        ("calendar.periods.0", 7, "calendar.periods[0]", "wrong_type"),
        ("calendar.periods.0.opening_day", 0, "calendar.periods[0].opening_day", "out_of_range"),
        ("calendar.periods.0.publicity_day", 32, "calendar.periods[0].publicity_day", "out_of_range"),
        ("calendar.periods.0.charge_day", "14", "calendar.periods[0].charge_day", "wrong_type"),
        (
            "calendar.periods.0.charge_months_later",
            2,
            "calendar.periods[0].charge_months_later",
            "out_of_range",
        ),
        ("calendar.publicity_days", 0, "calendar.publicity_days", "out_of_range"),
        ("calendar.publicity_days", True, "calendar.publicity_days", "wrong_type"),
        ("calendar.publicity_days", 8, "calendar.periods[0].charge_day", "charge_before_publicity_ends"),
        (
            "calendar.periods.0.charge_day",
            9,
            "calendar.periods[0].charge_day",
            "charge_before_publicity_ends",
        ),
        (
            "calendar.periods.0.charge_day",
            22,
            "calendar.periods[0].charge_day",
            "charge_after_next_publicity",
        ),
        (
            "calendar.periods.0.publicity_day",
            15,
            "calendar.periods[0].publicity_day",
            "publicity_outside_period",
        ),
        (
            "calendar.periods.1.publicity_day",
            14,
            "calendar.periods[1].publicity_day",
            "publicity_outside_period",
        ),
        ("calendar.periods.1.opening_day", 1, "calendar.periods[0].opening_day", "periods_out_of_order"),
        ("classes", [], "classes", "empty"),
        ("classes", {"0": 1}, "classes", "wrong_type"),
        ("classes", [a_class(0), a_class(0)], "classes[1].class_no", "listed_twice"),
        ("classes", [a_class(n % 64) for n in range(65)], "classes", "too_many_classes"),
        ("classes", [a_class(64)], "classes[0].class_no", "out_of_range"),
        ("classes", [a_class(0, 0)], "classes[0].weight", "out_of_range"),
        ("classes", [a_class(0), a_class(1, -3)], "classes[1].weight", "out_of_range"),
        ("classes", [a_class(0, 1.5)], "classes[0].weight", "wrong_type"),
        ("classes.0.name_en", " ", "classes[0].name_en", "bad_text"),
        ("classes.0.name_en", "a\x00b", "classes[0].name_en", "bad_text"),
        ("classes.0.name_zh", "员" * 81, "classes[0].name_zh", "bad_text"),
        ("aid", [], "aid", "empty"),
        ("aid.0.severity", "Severe!", "aid[0].severity", "bad_code"),
        ("aid.0.age_before", 0, "aid[0].age_before", "empty_age_band"),
        ("aid.0.age_before", 41, "aid[1].age_from", "ages_overlap"),
        ("aid.0.max_aid_fen", 0, "aid[0].max_aid_fen", "out_of_range"),
        ("aid.0.max_aid_fen", 2**53, "aid[0].max_aid_fen", "out_of_range"),
        ("waiting_days", -1, "waiting_days", "out_of_range"),
        ("waiting_days", 90.0, "waiting_days", "wrong_type"),
        ("notice_days", "30", "notice_days", "wrong_type"),
        ("minimum_members", 0, "minimum_members", "out_of_range"),
        ("on_cap", "ignore", "on_cap", "unknown_choice"),
        ("change_by", "vote", "change_by", "unknown_choice"),
        ("illness_in_wait", "aid", "illness_in_wait", "unknown_choice"),
        ("on_infeasible", [], "on_infeasible", "unknown_choice"),
        ("per_case_cap_fen", 0, "per_case_cap_fen", "out_of_range"),
        ("per_case_cap_fen", 9, "minimum_members", "too_few_for_case_cap"),
        ("vesting", [{"from_days": 1, "part": "1"}], "vesting[0].from_days", "vesting_starts_late"),
        ("vesting", steps((0, "1/3"), (0, "1")), "vesting[1].from_days", "vesting_must_grow"),
        ("vesting", steps((0, "1/2"), (9, "1/3"), (10, "1")), "vesting[1].from_days", "vesting_must_grow"),
        ("vesting", steps((0, "1/3"), (365, "2/3")), "vesting[1].part", "vesting_ends_below_all"),
        ("vesting", steps((0, "0"), (365, "1")), "vesting[0].part", "part_out_of_range"),
        ("vesting", steps((0, "4/3")), "vesting[0].part", "part_out_of_range"),
        ("vesting", steps((0, "a third")), "vesting[0].part", "bad_rate"),
        ("vesting", steps((0, "1/0")), "vesting[0].part", "bad_rate"),
        ("vesting", steps((-1, "1")), "vesting[0].from_days", "out_of_range"),
        ("vesting", [{"from_days": 0}], "vesting[0].part", "missing_field"),
        ("one_aid_ends", 1, "one_aid_ends", "wrong_type"),
        ("one_aid_ends", "yes", "one_aid_ends", "wrong_type"),
        ("by_invitation", "yes", "by_invitation", "wrong_type"),
        ("lifetime_cap_fen", 0, "lifetime_cap_fen", "out_of_range"),
        ("lifetime_cap_fen", "1", "lifetime_cap_fen", "wrong_type"),
        ("lifetime_cap_fen", 29_999_999, "lifetime_cap_fen", "lifetime_cap_below_aid"),
        ("spend_steps", [{"from_fen": 0, "counts_as": "severe"}], "spend_steps[0].from_fen", "out_of_range"),
        (
            "spend_steps",
            [{"from_fen": 1, "counts_as": "death"}],
            "spend_steps[0].counts_as",
            "severity_without_aid",
        ),
        ("spend_steps", [{"from_fen": 1, "counts_as": 1}], "spend_steps[0].counts_as", "wrong_type"),
        ("spend_steps", [{"from_fen": 1}], "spend_steps[0].counts_as", "missing_field"),
        (
            "spend_steps",
            [{"from_fen": 2, "counts_as": "severe"}, {"from_fen": 2, "counts_as": "severe"}],
            "spend_steps[1].from_fen",
            "spend_must_rise",
        ),
        (
            "spend_steps",
            [{"from_fen": n, "counts_as": "severe"} for n in range(1, 22)],
            "spend_steps",
            "too_many_spend_steps",
        ),
        ("case_steps", [{"from_cases": 1, "part": "1"}], "case_steps[0].from_cases", "case_steps_start_late"),
        ("case_steps", cases((0, "1/2"), (0, "1")), "case_steps[1].from_cases", "case_steps_must_grow"),
        ("case_steps", cases((0, "1/2"), (9, "1/2")), "case_steps[1].from_cases", "case_steps_must_grow"),
        ("case_steps", cases((0, "1/2"), (9, "2/3")), "case_steps[1].part", "vesting_ends_below_all"),
        ("case_steps", cases((0, "0"), (9, "1")), "case_steps[0].part", "part_out_of_range"),
        ("case_steps", cases(*((n, f"{n + 1}/21") for n in range(21))), "case_steps", "too_many_case_steps"),
        ("reimbursement", "1/5", "reimbursement", "wrong_type"),
        ("reimbursement", {}, "reimbursement.at_once", "missing_field"),
        ("reimbursement", {"at_once": "1"}, "reimbursement.at_once", "at_once_out_of_range"),
        ("reimbursement", {"at_once": "a fifth"}, "reimbursement.at_once", "bad_rate"),
        ("reimbursement", {"at_once": "1/5", "part": "0"}, "reimbursement.part", "part_out_of_range"),
        ("reimbursement", {"at_once": "1/5", "part": "3/2"}, "reimbursement.part", "part_out_of_range"),
        (
            "reimbursement",
            {"at_once": "1/5", "deductible_fen": -1},
            "reimbursement.deductible_fen",
            "out_of_range",
        ),
        ("funding", {"join_fen": 900}, "funding.warn_below_fen", "missing_field"),
        ("funding", {}, "funding.join_fen", "missing_field"),
        ("funding", wallet(join_fen=0), "funding.join_fen", "out_of_range"),
        ("funding", wallet(join_fen="900"), "funding.join_fen", "wrong_type"),
        ("funding", wallet(warn_below_fen=-1), "funding.warn_below_fen", "out_of_range"),
        ("funding", wallet(warn_below_fen=901), "funding.warn_below_fen", "warned_from_the_start"),
        ("funding", wallet(top_up_days=0), "funding.top_up_days", "out_of_range"),
        ("funding", wallet(top_up_days=367), "funding.top_up_days", "out_of_range"),
        ("funding", wallet(colour=1), "funding.colour", "unknown_field"),
        ("arrears", {"grace_days": 20}, "arrears.reminder_days", "missing_field"),
        ("arrears", late(reminder_days=7), "arrears.reminder_days", "wrong_type"),
        ("arrears", late(reminder_days=[0]), "arrears.reminder_days", "out_of_range"),
        ("arrears", late(reminder_days=["7"]), "arrears.reminder_days", "wrong_type"),
        ("arrears", late(reminder_days=[7, 7]), "arrears.reminder_days", "reminders_out_of_order"),
        ("arrears", late(reminder_days=[14, 7]), "arrears.reminder_days", "reminders_out_of_order"),
        ("arrears", late(reminder_days=[1, 2, 3, 4, 5, 6, 7]), "arrears.reminder_days", "too_many_reminders"),
        ("arrears", late(grace_days=13), "arrears.grace_days", "grace_ends_before_the_last_reminder"),
        ("arrears", late(reminder_days=[], grace_days=0), "arrears.grace_days", "out_of_range"),
        ("arrears", late(grace_days=367), "arrears.grace_days", "out_of_range"),
        ("arrears", late(make_up_days=0), "arrears.make_up_days", "out_of_range"),
        ("arrears", late(hardship_days=-1), "arrears.hardship_days", "out_of_range"),
        ("arrears", late(colour=1), "arrears.colour", "unknown_field"),
        ("report_days", 0, "report_days", "out_of_range"),
        ("report_days", 3651, "report_days", "out_of_range"),
        ("report_days", "180", "report_days", "wrong_type"),
        ("two_deciders_from_fen", 0, "two_deciders_from_fen", "out_of_range"),
        ("two_deciders_from_fen", "1", "two_deciders_from_fen", "wrong_type"),
        ("return_after_removal_days", 0, "return_after_removal_days", "out_of_range"),
        ("return_after_removal_days", 3651, "return_after_removal_days", "out_of_range"),
        ("return_after_removal_days", "30", "return_after_removal_days", "wrong_type"),
        ("successor", "No Code", "successor", "bad_pool_code"),
        ("successor", 7, "successor", "wrong_type"),
        ("takes_over", {"pools": []}, "takes_over.pools", "wrong_number_of_pools"),
        ("takes_over", {"pools": ["Ä"]}, "takes_over.pools", "bad_pool_code"),
        ("takes_over", {"pools": "young"}, "takes_over.pools", "wrong_type"),
        ("takes_over", {"pools": ["young"], "waiting_counts": 1}, "takes_over.waiting_counts", "wrong_type"),
        ("takes_over", {"pools": ["young"], "age": 1}, "takes_over.age", "unknown_field"),
        ("appeal_days", 6, "appeal_days", "out_of_range"),
        ("appeal_days", 366, "appeal_days", "out_of_range"),
        ("appeal_days", "30", "appeal_days", "wrong_type"),
        ("waiting_rules", [{"days": 30}], "waiting_rules[0].cause", "waiting_rule_for_everybody"),
        ("waiting_rules", [{"cause": "accident"}], "waiting_rules[0].days", "missing_field"),
        ("waiting_rules", [{"cause": "flood", "days": 1}], "waiting_rules[0].cause", "unknown_choice"),
        ("waiting_rules", [{"cause": "accident", "days": -1}], "waiting_rules[0].days", "out_of_range"),
        ("waiting_rules", [{"joined_from": 151, "days": 1}], "waiting_rules[0].joined_from", "out_of_range"),
        ("waiting_rules", [{"joined_from": True, "days": 1}], "waiting_rules[0].joined_from", "wrong_type"),
        (
            "waiting_rules",
            [{"joined_from": 40, "joined_before": 40, "days": 1}],
            "waiting_rules[0].joined_before",
            "empty_age_band",
        ),
        (
            "waiting_rules",
            [{"joined_before": 0, "days": 1}],
            "waiting_rules[0].joined_before",
            "empty_age_band",
        ),
        ("waiting_rules", [*KANGAI, KANGAI[0]], "waiting_rules[2].days", "waiting_rule_never_fits"),
        (
            "waiting_rules",
            [
                {"cause": "illness", "days": 9},
                {"cause": "accident", "days": 8},
                {"joined_from": 50, "days": 7},
            ],
            "waiting_rules[2].days",
            "waiting_rule_never_fits",
        ),
        (
            "waiting_rules",
            [{"joined_from": n, "joined_before": n + 1, "days": 1} for n in range(21)],
            "waiting_rules",
            "too_many_waiting_rules",
        ),
        ("vesting", steps(*((n, f"{n + 1}/21") for n in range(21))), "vesting", "too_many_steps"),
        ("operator", [], "operator", "wrong_type"),
        ("operator", {"name": "One"}, "operator.registration", "missing_field"),
        ("operator.name", "", "operator.name", "bad_text"),
        ("operator.registration", "9" * 81, "operator.registration", "bad_text"),
        ("operator.legal_basis_en", "x" * 301, "operator.legal_basis_en", "bad_text"),
        ("operator.legal_basis_zh", 7, "operator.legal_basis_zh", "wrong_type"),
        ("operator.contact", "a\nb", "operator.contact", "bad_text"),
        ("wind_down", {"payer": "One"}, "wind_down.run_off_days", "missing_field"),
        ("wind_down.payer", " ", "wind_down.payer", "bad_text"),
        ("wind_down.run_off_days", 3651, "wind_down.run_off_days", "out_of_range"),
        (
            "wind_down",
            {"payer": "A", "run_off_days": 1, "past_shares_back": 1},
            "wind_down.past_shares_back",
            "wrong_type",
        ),
        (
            "wind_down",
            {"payer": "A", "run_off_days": 1, "run_off_cap_fen": 9},
            "wind_down.run_off_cap_fen",
            "run_off_cannot_be_paid",
        ),
    ],
)
def test_bad_terms_are_refused_by_field_and_reason(path, value, field, code):
    assert refusal(changed(path, value)) == (field, code)


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("fee", "fee"),
        ("fee.rate", "fee.rate"),
        ("calendar.publicity_days", "calendar.publicity_days"),
        ("waiting_days", "waiting_days"),
        ("on_cap", "on_cap"),
    ],
)
def test_missing_field_is_named(path, field):
    assert refusal(without(path)) == (field, "missing_field")


@pytest.mark.parametrize("data", [None, [], "terms", 7])
def test_terms_must_be_an_object(data):
    with pytest.raises(TermsError, match=r"^terms: must be an object$"):
        PlanTerms.from_json(data)


def test_refusal_says_why_in_figures():
    data = changed("per_case_cap_fen", 10)
    data["fee"]["rate"] = "10/100"
    data["minimum_members"] = 3_299_999
    with pytest.raises(TermsError) as refused:
        PlanTerms.from_json(data)
    assert refused.value.params == {"needed": 3_300_000, "given": 3_299_999}
    assert "3300000 members" in str(refused.value)


def test_case_cap_of_ten_fen_takes_three_million_three_hundred_thousand_members():
    fee = FeeTerms(Fraction(10, 100))
    assert break_even_members(max_aid_fen=30_000_000, fee=fee, per_case_cap_fen=10) == 3_300_000
    data = changed("per_case_cap_fen", 10)
    data["fee"]["rate"] = "10/100"
    assert PlanTerms.from_json(data).minimum_members == 3_300_000


def test_break_even_size_is_rounded_up():
    assert break_even_members(max_aid_fen=100, fee=FeeTerms(Fraction(0)), per_case_cap_fen=7) == 15


def test_null_is_not_given():
    assert refusal(changed("waiting_days", None)) == ("waiting_days", "missing_field")
    assert PlanTerms.from_json(changed("fee.fixed_fen", None)).fee.fixed_fen == 0


def test_run_off_must_bear_one_case_of_the_fewest_members():
    """3.3 million members bear 300,000 with a fee of 8 %, 324,000 yuan, at 10 fen each: 9.82 rounded up."""
    run_off = {"payer": "Helping Hands Ltd", "run_off_days": 180, "run_off_cap_fen": 10}
    assert PlanTerms.from_json(changed("wind_down", run_off)).wind_down.run_off_cap_fen == 10
    with pytest.raises(TermsError) as caught:
        PlanTerms.from_json(changed("wind_down", run_off | {"run_off_cap_fen": 9}))
    assert caught.value.params == {"needed_fen": 10, "given_fen": 9, "members": 3_300_000}


RESERVE = {
    "target_fen": 50_000,
    "contribution_fen": 100,
    "contribution_rate": "1/3",
    "goes_to": "The village school",
}


def with_reserve(**changes):
    """Return terms with a cap per period and a reserve; what is changed to None is left out."""
    reserve = {name: value for name, value in (RESERVE | changes).items() if value is not None}
    return changed("period_cap_fen", 1_000) | {"reserve": reserve}


def test_reserve_is_read_as_written_and_puts_by_what_it_says():
    terms = PlanTerms.from_json(with_reserve())
    assert PlanTerms.from_json(terms.to_json()) == terms
    assert terms.to_json()["reserve"] == RESERVE
    assert terms.reserve.contribution(1_000) == 100 + 334
    assert PlanTerms.from_json(with_reserve(contribution_rate=None)).reserve.contribution(1_000) == 100
    assert PlanTerms.from_json(with_reserve(contribution_fen=None)).reserve.contribution(3) == 1
    assert PlanTerms.from_json(with_reserve(goes_to=None)).reserve.goes_to is None


@pytest.mark.parametrize(
    ("terms", "field", "code"),
    [
        (
            with_reserve(contribution_fen=None, contribution_rate=None),
            "reserve.contribution_fen",
            "reserve_never_fills",
        ),
        (
            with_reserve(contribution_rate="0/1", contribution_fen=0),
            "reserve.contribution_fen",
            "reserve_never_fills",
        ),
        (with_reserve(target_fen=0), "reserve.target_fen", "out_of_range"),
        (with_reserve(target_fen=None), "reserve.target_fen", "missing_field"),
        (with_reserve(contribution_rate="4/3"), "reserve.contribution_rate", "part_out_of_range"),
        (with_reserve(contribution_rate=5), "reserve.contribution_rate", "wrong_type"),
        (with_reserve(goes_to=" "), "reserve.goes_to", "bad_text"),
        (with_reserve(goes_to="Helping Hands Ltd"), "reserve.goes_to", "reserve_goes_to_the_operator"),
        (with_reserve() | {"period_cap_fen": None}, "period_cap_fen", "reserve_never_pays"),
        (changed("period_cap_fen", 0), "period_cap_fen", "out_of_range"),
        (changed("period_cap_fen", 1.5), "period_cap_fen", "wrong_type"),
        (changed("sponsor", ""), "sponsor", "bad_text"),
        (
            changed("period_cap_fen", 1_000) | {"on_infeasible": "defer", "per_case_cap_fen": 300_000_000},
            "per_case_cap_fen",
            "cap_on_a_case_that_waits",
        ),
    ],
)
def test_caps_and_reserves_that_make_no_sense_are_refused(terms, field, code):
    assert refusal(terms) == (field, code)


def test_rest_waits_only_where_members_with_room_bear_what_a_cap_leaves():
    capped = changed("period_cap_fen", 1_000) | {"on_infeasible": "defer"}
    assert PlanTerms.from_json(capped).rest_waits
    reserved = capped | {"on_cap": "reserve_pays", "per_case_cap_fen": 300_000_000}
    assert not PlanTerms.from_json(reserved).rest_waits


def test_fee_ceiling_lowers_the_break_even_size():
    fee = FeeTerms(Fraction(10, 100), ceiling_fen=1_000_000)
    assert break_even_members(max_aid_fen=30_000_000, fee=fee, per_case_cap_fen=10) == 3_100_000


def test_sixty_four_classes_are_allowed_and_base_is_the_lightest():
    classes = [a_class(n, weight=100 - n) for n in reversed(range(MAX_CLASSES))]
    terms = PlanTerms.from_json(changed("classes", classes))
    assert [c.class_no for c in terms.classes] == list(range(64))
    assert terms.base_weight == 37
    assert terms.weight_of(10) == 90
    with pytest.raises(KeyError):
        terms.weight_of(64)


@pytest.mark.parametrize(
    ("severity", "age", "max_aid_fen"),
    [
        ("severe", 0, 30_000_000),
        ("severe", 39, 30_000_000),
        ("severe", 40, 10_000_000),
        ("severe", 59, 10_000_000),
        ("severe", 60, 0),
        ("mild", 59, 5_000_000),
        ("unheard_of", 30, 0),
    ],
)
def test_aid_depends_on_severity_and_age(severity, age, max_aid_fen):
    assert PlanTerms.from_json(TWICE_A_MONTH).max_aid_at(severity=severity, age=age) == max_aid_fen


def test_terms_cannot_be_changed():
    terms = PlanTerms.from_json(TWICE_A_MONTH)
    with pytest.raises(AttributeError):
        terms.waiting_days = 0


def test_period_dates_follow_the_published_calendar():
    """Published on the 7th and 21st with three days' notice, charged on the 14th and 28th."""
    terms = PlanTerms.from_json(TWICE_A_MONTH)
    assert period_dates(terms, date(2019, 1, 20)) == PeriodDates(
        opening_date=date(2019, 1, 15),
        next_opening_date=date(2019, 2, 1),
        publicity_date=date(2019, 1, 21),
        publicity_end_date=date(2019, 1, 24),
        charge_date=date(2019, 1, 28),
    )
    assert period_dates(terms, date(2019, 1, 20), 2).opening_date == date(2019, 2, 1)
    assert period_dates(terms, date(2019, 1, 20), 72).charge_date == date(2022, 1, 14)


def test_period_numbers_start_at_one():
    with pytest.raises(ValueError, match="period_no = 0"):
        period_dates(PlanTerms.from_json(TWICE_A_MONTH), date(2019, 1, 20), 0)


@pytest.mark.parametrize(
    ("year", "month", "charged"),
    [(2024, 1, 31), (2024, 2, 29), (2023, 2, 28), (2100, 2, 28), (2000, 2, 29), (2024, 4, 30)],
)
def test_day_beyond_the_month_is_its_last_day(year, month, charged):
    calendar = CalendarTerms((PeriodDays(1, 10, 31),), 3)
    assert calendar.period_dates(date(year, month, 5)).charge_date == date(year, month, charged)


def test_day_before_the_first_opening_of_the_month_is_in_last_months_period():
    calendar = CalendarTerms((PeriodDays(31, 31, 15, charge_months_later=1),), 7)
    february = calendar.period_dates(date(2024, 2, 28))
    assert (february.opening_date, february.next_opening_date) == (date(2024, 1, 31), date(2024, 2, 29))
    assert calendar.period_dates(date(2024, 2, 29)).opening_date == date(2024, 2, 29)
    assert calendar.period_dates(date(2023, 3, 1)).opening_date == date(2023, 2, 28)


def test_calendar_that_fails_only_in_february_is_refused():
    with pytest.raises(TermsError) as refused:
        CalendarTerms((PeriodDays(5, 27, 31),), 4)
    assert refused.value.code == "charge_before_publicity_ends"
    assert "-02-" in str(refused.value)
    with pytest.raises(TermsError) as refused:
        CalendarTerms((PeriodDays(28, 28, 30), PeriodDays(30, 30, 4, 1)), 1)
    assert refused.value.code == "periods_out_of_order"


@st.composite
def calendars(draw: st.DrawFn) -> CalendarTerms:
    """Draw valid calendars, days beyond short months included."""
    twice = draw(st.booleans())
    publicity_days = draw(st.integers(1, 5 if twice else 12))
    limits = [(1, 9, 16), (16, 22, 31)] if twice else [(1, 12, 31)]
    periods = []
    for first, last_publicity, last in limits:
        opening = draw(st.integers(first, first + 3))
        publicity = draw(st.integers(opening, last_publicity))
        later = draw(st.booleans()) and last == 31
        charge = draw(
            st.integers(1, periods[0].publicity_day if periods else opening)
            if later
            else st.integers(min(publicity + publicity_days, 27), last)
        )
        periods.append(PeriodDays(opening, publicity, charge, int(later)))
    return CalendarTerms(tuple(periods), publicity_days)


@FIXED
@given(calendars(), st.dates(date(1900, 1, 1), date(2400, 12, 31)))
def test_every_day_is_in_exactly_the_period_found_for_it(calendar, day):
    found = calendar.period_dates(day)
    assert found.opening_date <= day < found.next_opening_date
    assert calendar.period_dates(found.opening_date) == found
    assert calendar.period_dates(found.next_opening_date - timedelta(days=1)) == found
    assert calendar.period_dates(found.next_opening_date) == calendar.period_dates(day, later=1)


@FIXED
@given(calendars(), st.dates(date(1900, 1, 1), date(2400, 1, 1)))
def test_periods_tile_the_calendar_and_keep_their_order(calendar, first_date):
    run = [calendar.period_dates(first_date, later) for later in range(60)]
    for earlier, later in pairwise(run):
        assert earlier.next_opening_date == later.opening_date
        assert earlier.charge_date <= later.publicity_date
    for dates in run:
        assert dates.opening_date <= dates.publicity_date < dates.next_opening_date
        assert dates.publicity_end_date - dates.publicity_date == timedelta(days=calendar.publicity_days)
        assert dates.publicity_end_date <= dates.charge_date


def test_four_years_have_as_many_periods_as_months_lay_down():
    terms = PlanTerms.from_json(TWICE_A_MONTH)
    openings = {period_dates(terms, date(2020, 1, 1) + timedelta(days=n)).opening_date for n in range(1461)}
    assert len(openings) == 96
    assert sum(d.day == 15 for d in openings) == 48


def banded(*bands: tuple[int, int | None, int | None]) -> dict[str, Any]:
    """Return terms with one class per (number, first age, end); None leaves the age out."""
    rows = [
        {"class_no": no, "weight": no + 1, "name_en": f"Class {no}", "name_zh": f"第{no}类"}
        | ({} if first is None else {"age_from": first})
        | ({} if end is None else {"age_before": end})
        for no, first, end in bands
    ]
    return changed("classes", rows)


@pytest.mark.parametrize(
    ("age", "class_no"), [(17, 2), (18, 2), (29, 2), (30, 0), (44, 0), (45, 1), (59, 1), (90, 1)]
)
def test_age_at_joining_decides_the_class_whatever_the_order_of_numbers(age: int, class_no: int) -> None:
    plan = PlanTerms.from_json(banded((0, 30, 45), (1, 45, 60), (2, 18, 30)))
    assert plan.class_at(age) == class_no
    assert PlanTerms.from_json(plan.to_json()) == plan


def test_without_ages_everyone_joins_the_first_class() -> None:
    plan = PlanTerms.from_json(banded((3, None, None), (1, None, None)))
    assert (plan.class_at(20), plan.class_at(59)) == (1, 1)
    assert all("age_from" not in row for row in plan.to_json()["classes"])


@pytest.mark.parametrize(
    ("bands", "field", "code"),
    [
        (((0, 18, 30), (1, None, None)), "classes", "some_without_ages"),
        (((0, 18, 30), (1, 31, 60)), "classes", "ages_do_not_join"),
        (((0, 18, 30), (1, 29, 60)), "classes", "ages_do_not_join"),
        (((0, 18, None),), "classes[0].age_before", "half_an_age_band"),
        (((0, 30, 30),), "classes[0].age_before", "empty_age_band"),
    ],
)
def test_class_ages_that_make_no_sense_are_refused_by_name(
    bands: tuple[tuple[int, int | None, int | None], ...], field: str, code: str
) -> None:
    with pytest.raises(TermsError) as refused:
        PlanTerms.from_json(banded(*bands))
    assert (refused.value.field, refused.value.code) == (field, code)


def test_aid_grows_by_steps_and_is_whole_without_them():
    terms = PlanTerms.from_json(changed("vesting", steps((0, "1/3"), (365, "2/3"), (730, "1"))))
    parts = [terms.vested_part(days) for days in (-5, 0, 364, 365, 729, 730, 9999)]
    assert parts == [Fraction(1, 3)] * 3 + [Fraction(2, 3)] * 2 + [Fraction(1)] * 2
    assert PlanTerms.from_json(terms.to_json()) == terms
    whole = PlanTerms.from_json(changed("vesting", None))
    assert whole.vested_part(0) == 1
    assert "vesting" not in whole.to_json()


@pytest.mark.parametrize(
    ("cause", "joined_age", "days"),
    [
        ("illness", 0, 180),
        ("illness", 39, 180),
        ("illness", 40, 365),
        ("accident", 39, 30),
        ("accident", 40, 30),
    ],
)
def test_waiting_depends_on_cause_and_age_at_joining(cause, joined_age, days):
    terms = PlanTerms.from_json(with_accidents(KANGAI) | {"waiting_days": 180})
    assert terms.waits(cause=cause, joined_age=joined_age) == days
    assert (terms.longest_wait("illness"), terms.longest_wait("accident")) == (365, 30)
    assert terms.waiting_asks_for_age
    assert PlanTerms.from_json(json.loads(terms.canonical_json)) == terms


def test_first_waiting_rule_that_fits_decides_so_their_order_is_a_term():
    terms = PlanTerms.from_json(with_accidents(KANGAI))
    turned = PlanTerms.from_json(with_accidents(KANGAI[::-1]))
    assert turned.waits(cause="accident", joined_age=40) == 365
    assert turned.sha256 != terms.sha256


@pytest.mark.parametrize("rules", [KANGAI[:1], [KANGAI[1], KANGAI[0]], [{"cause": "illness", "days": 365}]])
def test_wait_by_cause_takes_aid_for_accidents(rules):
    """Otherwise the plan states a wait for an accident, of which nothing ever comes."""
    place = next(no for no, rule in enumerate(rules) if "cause" in rule)
    with pytest.raises(TermsError) as refused:
        check_claimable(changed("waiting_rules", rules))
    assert (refused.value.field, refused.value.code) == (
        f"waiting_rules[{place}].cause",
        "accident_without_aid",
    )
    check_claimable(with_accidents(rules))
    # Whoever has spent so much has the aid of another severity, whatever the cause.
    by_spend = {"spend_steps": [{"from_fen": 12_000_000, "counts_as": "severe"}]}
    check_claimable(changed("waiting_rules", rules) | by_spend)
    # A plan that was published without being asked is read all the same.
    assert PlanTerms.from_json(changed("waiting_rules", rules)).waiting_rules


def test_wait_by_age_alone_takes_no_aid_for_accidents():
    assert (
        PlanTerms.from_json(changed("waiting_rules", KANGAI[1:])).waits(cause="accident", joined_age=40)
        == 365
    )


def test_plan_without_waiting_rules_is_what_it_was():
    terms = PlanTerms.from_json(changed("waiting_rules", []))
    assert terms.sha256 == PlanTerms.from_json(TWICE_A_MONTH).sha256
    assert "waiting_rules" not in terms.to_json()
    assert terms.waits(cause="accident", joined_age=70) == terms.longest_wait("illness") == 90
    assert not terms.waiting_asks_for_age


def test_last_day_to_report_is_so_many_days_after_the_event():
    terms = PlanTerms.from_json(changed("report_days", 180))
    assert terms.last_day_to_report(date(2026, 5, 4)) == date(2026, 10, 31)
    assert PlanTerms.from_json(terms.to_json()) == terms
    never = PlanTerms.from_json(changed("report_days", None))
    assert never.last_day_to_report(date(2026, 5, 4)) is None
    assert never.sha256 == PlanTerms.from_json(TWICE_A_MONTH).sha256


def test_last_day_to_appeal_is_so_many_days_after_the_refusal():
    terms = PlanTerms.from_json(changed("appeal_days", 30))
    assert terms.last_day_to_appeal(date(2026, 5, 4)) == date(2026, 6, 3)
    assert PlanTerms.from_json(terms.to_json()) == terms
    never = PlanTerms.from_json(changed("appeal_days", None))
    assert never.last_day_to_appeal(date(2026, 5, 4)) is None
    assert never.sha256 == PlanTerms.from_json(TWICE_A_MONTH).sha256


def test_shares_go_back_only_where_they_are_paid_afterwards():
    terms = PlanTerms.from_json(changed("illness_in_wait", "shares_back"))
    assert PlanTerms.from_json(terms.to_json()) == terms
    plain = PlanTerms.from_json(changed("illness_in_wait", "no_aid"))
    assert plain.sha256 == PlanTerms.from_json(TWICE_A_MONTH).sha256
    wallets = {"funding": {"join_fen": 900, "warn_below_fen": 500, "top_up_days": 30}}
    with pytest.raises(TermsError) as refusal:
        PlanTerms.from_json(changed("illness_in_wait", "shares_back") | wallets)
    assert (refusal.value.field, refusal.value.code) == ("illness_in_wait", "shares_back_of_wallets")


def test_two_second_reviewers_decide_from_an_amount_on():
    terms = PlanTerms.from_json(changed("two_deciders_from_fen", 5_000_000))
    assert [terms.deciders(fen) for fen in (0, 4_999_999, 5_000_000, 10**12)] == [1, 1, 2, 2]
    assert PlanTerms.from_json(terms.to_json()) == terms
    never = PlanTerms.from_json(changed("two_deciders_from_fen", None))
    assert never.deciders(10**12) == 1
    assert never.sha256 == PlanTerms.from_json(TWICE_A_MONTH).sha256


def test_most_for_one_person_is_at_least_one_case():
    terms = PlanTerms.from_json(changed("lifetime_cap_fen", 30_000_000))
    assert terms.lifetime_cap_fen == terms.max_aid_fen
    assert PlanTerms.from_json(terms.to_json()) == terms
    never = PlanTerms.from_json(changed("lifetime_cap_fen", None))
    assert never.sha256 == PlanTerms.from_json(TWICE_A_MONTH).sha256


def test_one_aid_ends_the_membership_only_where_it_is_said():
    terms = PlanTerms.from_json(changed("one_aid_ends", True))
    assert terms.one_aid_ends
    assert PlanTerms.from_json(json.loads(terms.canonical_json)) == terms
    for silent in (None, False):
        never = PlanTerms.from_json(changed("one_aid_ends", silent))
        assert not never.one_aid_ends
        assert never.sha256 == PlanTerms.from_json(TWICE_A_MONTH).sha256


def test_aid_by_spend_bills_and_cases_is_read_as_it_is_told():
    told = {
        "spend_steps": [{"from_fen": 5, "counts_as": "severe"}],
        "case_steps": cases((0, "1/2"), (9, "1/1")),
        "reimbursement": {"at_once": "1/5", "part": "4/5", "deductible_fen": 7},
    }
    terms = PlanTerms.from_json(TWICE_A_MONTH | told)
    assert {name: terms.to_json()[name] for name in told} == told
    assert PlanTerms.from_json(json.loads(terms.canonical_json)) == terms
    assert terms.asks_for_spend
    never = PlanTerms.from_json(TWICE_A_MONTH | dict.fromkeys(told))
    assert not never.asks_for_spend
    assert never.sha256 == PlanTerms.from_json(TWICE_A_MONTH).sha256
    assert (never.shared_part(0), terms.shared_part(8), terms.shared_part(9)) == (1, Fraction(1, 2), 1)


def test_spend_counts_for_the_dearest_aid_that_it_reaches():
    rows = [
        {"severity": "mild", "age_from": 0, "age_before": 60, "max_aid_fen": 15},
        {"severity": "severe", "age_from": 0, "age_before": 40, "max_aid_fen": 30},
        {"severity": "severe", "age_from": 40, "age_before": 60, "max_aid_fen": 10},
    ]
    steps = [{"from_fen": 12, "counts_as": "mild"}, {"from_fen": 24, "counts_as": "severe"}]
    terms = PlanTerms.from_json(TWICE_A_MONTH | {"aid": rows, "spend_steps": steps})
    first, second = terms.spend_steps

    def counted(severity, age, spend_fen):
        return terms.counted_as(severity=severity, age=age, spend_fen=spend_fen)

    assert counted("other", 30, 11) == ("other", None)
    assert counted("other", 30, 12) == ("mild", first)
    assert counted("other", 30, 24) == ("severe", second)
    assert counted("severe", 30, 99) == ("severe", None)
    assert counted("mild", 30, 24) == ("severe", second)
    # From 40 on the severe illness has less than the mild one, and more spend never grants less.
    assert counted("severe", 40, 24) == ("mild", first)
    assert counted("other", 60, 99) == ("other", None)


def test_cap_per_case_and_aid_in_parts_do_not_go_together():
    with pytest.raises(TermsError) as caught:
        PlanTerms.from_json(changed("per_case_cap_fen", 100_000_000) | {"reimbursement": {"at_once": "1/5"}})
    assert (caught.value.field, caught.value.code) == ("per_case_cap_fen", "cap_on_a_case_in_parts")


def test_arrears_are_told_as_they_were_read_and_are_of_who_pays_afterwards():
    terms = PlanTerms.from_json(changed("arrears", late()))
    assert terms.arrears is not None
    assert (terms.arrears.to_json(), terms.to_json()["arrears"]) == (late(), late())
    unpaused = PlanTerms.from_json(changed("arrears", late(reminder_days=[], hardship_days=0))).arrears
    assert unpaused is not None
    assert unpaused.to_json() == {"reminder_days": [], "grace_days": 14, "make_up_days": 30}
    assert PlanTerms.from_json(changed("arrears", None)).arrears is None
    with pytest.raises(TermsError) as refusal:
        PlanTerms.from_json(changed("arrears", late()) | {"funding": wallet()})
    assert (refusal.value.field, refusal.value.code) == ("arrears", "arrears_of_wallets")


def test_funding_is_told_and_restores_where_no_warning_is_due():
    funding = PlanTerms.from_json(changed("funding", wallet())).funding
    assert funding is not None
    assert (funding.to_json(), funding.restores_from_fen) == (wallet(), 300)
    unwarned = PlanTerms.from_json(changed("funding", wallet(warn_below_fen=0))).funding
    assert unwarned is not None
    assert unwarned.restores_from_fen == 1
    assert PlanTerms.from_json(changed("funding", None)).funding is None


JURY = {
    "tenure_days": 30,
    "seats": 21,
    "reserves": 21,
    "quorum": 15,
    "threshold_permille": 500,
    "inclusive": True,
    "voting_hours": 72,
    "take_days": 30,
}


def test_jury_is_told_back_and_dates_its_step() -> None:
    given = changed("appeal_days", 30) | {"jury": JURY | {"quorum_permille": 1}}
    terms = PlanTerms.from_json(given)
    assert terms.to_json()["jury"] == given["jury"]
    assert PlanTerms.from_json(given | {"jury": JURY}).to_json()["jury"] == JURY
    assert terms.last_day_to_take_to_jury(date(2026, 5, 20)) == date(2026, 6, 19)
    none = PlanTerms.from_json(changed("appeal_days", 30))
    assert none.last_day_to_take_to_jury(date(2026, 5, 20)) is None
    assert "jury" not in none.to_json()


@pytest.mark.parametrize(
    ("part", "field", "code"),
    [
        ({"quorum": 22}, "jury.quorum", "quorum_above_seats"),
        ({"threshold_permille": 1000, "inclusive": False}, "jury.inclusive", "threshold_above_all_votes"),
        ({"threshold_permille": 0}, "jury.threshold_permille", "out_of_range"),
        ({"inclusive": 1}, "jury.inclusive", "wrong_type"),
        ({"seats": 4}, "jury.seats", "out_of_range"),
        ({"seats": 201}, "jury.seats", "out_of_range"),
        ({"voting_hours": 23}, "jury.voting_hours", "out_of_range"),
        ({"take_days": 6}, "jury.take_days", "out_of_range"),
        ({"quorum_permille": 1001}, "jury.quorum_permille", "out_of_range"),
        ({"exam": True}, "jury.exam", "unknown_field"),
        ({"seats": None}, "jury.seats", "missing_field"),
    ],
)
def test_jury_that_cannot_judge_is_refused(part: dict[str, object], field: str, code: str) -> None:
    with pytest.raises(TermsError) as refused:
        PlanTerms.from_json(changed("appeal_days", 30) | {"jury": JURY | part})
    assert (refused.value.field, refused.value.code) == (field, code)


def test_jury_takes_an_appeal() -> None:
    with pytest.raises(TermsError) as refused:
        PlanTerms.from_json(changed("appeal_days", None) | {"jury": JURY})
    assert (refused.value.field, refused.value.code) == ("jury", "jury_without_appeal")
