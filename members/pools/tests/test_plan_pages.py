"""Pages and endpoints of a plan: reading versions and changes, proposing, publishing, withdrawing; and its words."""

import dataclasses
import datetime as dt
import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import translation

from aidplatform.lib import clock
from aidplatform.site.todo import todos_of
from aidplatform.testing.investigation_cases import INVESTIGATION
from aidplatform.testing.world import ACCIDENT_AID, TERMS, World, set_clock
from aidplatform.tests.pages_helpers import client_of
from members.pools.forms import ChangeForm
from members.pools.models import PlanProposal, PlanVersion
from members.pools.plan_terms import PlanTerms, TermsError
from members.pools.plan_words import difference, plan_lines
from members.pools.refusal_words import terms_error_words
from members.pools.selectors import newest_plan
from members.pools.services import propose_plan
from members.pools.succession_terms import TakeOverTerms
from members.pools.tests.test_plan_terms import JURY
from members.pools.who_joins import succession_words

CODE = "test-pool"
DAY = dt.date(2026, 2, 1)
ADDRESS = f"/pools/{CODE}/plan/"


def sent(world: World, **changes: Any) -> dict[str, Any]:
    """Return what the form sends when only these entries are changed."""
    form = ChangeForm(newest_plan(world.pool))
    data: dict[str, Any] = {}
    for part in (*form.sections, *(row for table in form.tables for row in table)):
        for field in part:
            initial = field.value()
            data[field.html_name] = "" if initial is None else initial
    for formset in form.tables:
        data |= {f"{formset.prefix}-{name}": value for name, value in formset.management_form.initial.items()}
    return data | {"effective_date": "2026-02-01", "reason": "It costs less."} | changes


def propose(world: World, **terms: Any) -> PlanProposal:
    """Propose rules that differ in these terms."""
    last = newest_plan(world.pool)
    return propose_plan(
        pool=world.pool, base=last.number, terms=TERMS | terms, covenant=("Now shorter.", "更短。"),
        declaration=last.declaration,
        effective_date=DAY, reason="It costs less.", proposer=world.admin.code, at=clock.now(),
    )  # fmt: skip


# --- the pages --------------------------------------------------------------------------------------------------


def test_form_begins_with_the_rules_published_last_and_changes_only_what_was_changed(world: World) -> None:
    admin = client_of(world.admin)
    page = admin.get(f"{ADDRESS}propose/").content.decode()
    assert 'value="300,000.00"' in page
    assert 'value="2026-01-08"' in page  # the earliest day
    answer = admin.post(f"{ADDRESS}propose/", sent(world, fee_percent="6.5", **{"aid-0-max_aid": "60,000"}))
    assert (answer.status_code, answer["Location"]) == (302, f"{ADDRESS}proposals/1/")
    made = PlanProposal.objects.get()
    before, after = newest_plan(world.pool).plan(), made.plan()
    assert after.fee.rate == PlanTerms.from_json(TERMS | {"fee": {"rate": "65/1000"}}).fee.rate
    assert [row.max_aid_fen for row in after.aid] == [6_000_000, *(row.max_aid_fen for row in before.aid[1:])]
    assert (after.calendar, after.classes, after.waiting_days) == (
        before.calendar,
        before.classes,
        before.waiting_days,
    )


def test_aid_can_be_made_to_grow(world: World) -> None:
    rows = {
        "vesting-0-from_days": 0,
        "vesting-0-part": "1/3",
        "vesting-2-from_days": 365,
        "vesting-2-part": "1",
    }
    assert client_of(world.admin).post(f"{ADDRESS}propose/", sent(world, **rows)).status_code == 302
    page = client_of(world.controller).get(f"{ADDRESS}proposals/1/").content.decode()
    assert "From 0 days after the waiting period: 1/3 of the aid." in page
    assert "From 365 days after the waiting period: the whole aid." in page


def test_waiting_can_depend_on_cause_and_age(world: World) -> None:
    rows = {
        "waiting-0-cause": "accident",
        "waiting-0-days": 30,
        "waiting-1-joined_from": 40,
        "waiting-1-days": 365,
    }
    refused = client_of(world.admin).post(f"{ADDRESS}propose/", sent(world, **rows)).content.decode()
    assert "A waiting period for a cause takes aid for accidents" in refused
    rows |= {
        "aid-3-severity": "accident",
        "aid-3-age_from": 0,
        "aid-3-age_before": 60,
        "aid-3-max_aid": "200,000",
    }
    assert client_of(world.admin).post(f"{ADDRESS}propose/", sent(world, **rows)).status_code == 302
    rules = PlanProposal.objects.get().terms["waiting_rules"]
    assert rules == [{"cause": "accident", "days": 30}, {"joined_from": 40, "days": 365}]
    page = client_of(world.controller).get(f"{ADDRESS}proposals/1/").content.decode()
    for said in (
        "Accident: 30 days after joining",
        "Any cause, who joins from age 40: 365 days after joining",
        "Everything else: 90 days after joining",
        "The first line that fits decides.",
        "An accident is an injury from outside",
    ):
        assert said in page


def test_time_to_report_can_be_set_and_lifted(world: World) -> None:
    admin = client_of(world.admin)
    assert admin.post(f"{ADDRESS}propose/", sent(world, report_days=180)).status_code == 302
    assert PlanProposal.objects.get().terms["report_days"] == 180
    page = admin.get(f"{ADDRESS}proposals/1/").content.decode()
    assert "within 180 days of its event day" in page
    assert admin.post(f"{ADDRESS}proposals/1/withdraw/").status_code == 302
    world.change_plan(dt.date(2026, 1, 8), report_days=180)
    assert admin.post(f"{ADDRESS}propose/", sent(world, report_days="")).status_code == 302
    assert "report_days" not in PlanProposal.objects.get(state="open").terms


def test_time_to_appeal_can_be_set_and_lifted(world: World) -> None:
    admin = client_of(world.admin)
    assert "cannot appeal inside the pool" in admin.get(ADDRESS).content.decode()
    assert admin.post(f"{ADDRESS}propose/", sent(world, appeal_days=30)).status_code == 302
    assert PlanProposal.objects.get().terms["appeal_days"] == 30
    page = admin.get(f"{ADDRESS}proposals/1/").content.decode()
    assert "may appeal once within 30 days, free of charge" in page
    assert admin.post(f"{ADDRESS}proposals/1/withdraw/").status_code == 302
    world.change_plan(dt.date(2026, 1, 8), appeal_days=30)
    assert admin.post(f"{ADDRESS}propose/", sent(world, appeal_days="")).status_code == 302
    assert "appeal_days" not in PlanProposal.objects.get(state="open").terms


def test_floor_can_be_set_and_lifted(world: World) -> None:
    admin = client_of(world.admin)
    assert admin.post(f"{ADDRESS}propose/", sent(world, **{"floor-members": 2})).status_code == 302
    assert PlanProposal.objects.get().terms["floor"] == {"members": 2, "notice_days": 30}
    page = admin.get(f"{ADDRESS}proposals/1/").content.decode()
    assert "2. At two headcounts running below it intake stops and the pool ends" in page
    assert "Notice of 30 days is given before cover ends." in page
    assert admin.post(f"{ADDRESS}proposals/1/withdraw/").status_code == 302
    world.change_plan(dt.date(2026, 1, 8), floor={"members": 3, "notice_days": 14})
    assert admin.post(f"{ADDRESS}propose/", sent(world, **{"floor-members": ""})).status_code == 302
    assert "floor" not in PlanProposal.objects.get(state="open").terms


def test_most_for_one_person_can_be_set(world: World) -> None:
    admin = client_of(world.admin)
    assert admin.post(f"{ADDRESS}propose/", sent(world, lifetime_cap="500,000")).status_code == 302
    assert PlanProposal.objects.get().terms["lifetime_cap_fen"] == 50_000_000
    page = admin.get(f"{ADDRESS}proposals/1/").content.decode()
    assert "All cases of one member together are granted ¥500,000.00 at most." in page


def test_aid_can_go_by_spend_bills_and_cases_shared(world: World) -> None:
    rows = {
        "spend-0-from_fen": "120,000",
        "spend-0-counts_as": "mild",
        "spend-1-from_fen": "240,000",
        "spend-1-counts_as": "severe",
        "case_steps-0-from_cases": 0,
        "case_steps-0-part": "1/2",
        "case_steps-2-from_cases": 10,
        "case_steps-2-part": "1",
        "reimbursement-at_once": "1/5",
        "reimbursement-deductible": "10,000",
    }
    admin = client_of(world.admin)
    assert admin.post(f"{ADDRESS}propose/", sent(world, **rows)).status_code == 302
    terms = PlanProposal.objects.get().terms
    assert terms["spend_steps"] == [
        {"from_fen": 12_000_000, "counts_as": "mild"},
        {"from_fen": 24_000_000, "counts_as": "severe"},
    ]
    assert terms["case_steps"] == [{"from_cases": 0, "part": "1/2"}, {"from_cases": 10, "part": "1/1"}]
    assert terms["reimbursement"] == {"at_once": "1/5", "part": "1/1", "deductible_fen": 1_000_000}
    page = admin.get(f"{ADDRESS}proposals/1/").content.decode()
    for said in (
        "Who has spent ¥240,000.00 or more has at least the aid of: Severe illness",
        "From 0 cases shared on: 1/2 of the aid.",
        "From 10 cases shared on: the whole aid.",
        "1/5 of it at once, without bills.",
        "The rest against bills, for what is above ¥10,000.00 in a case.",
    ):
        assert said in page


def test_rules_of_spend_bills_and_cases_stay_as_they_are_when_others_change(world: World) -> None:
    told = {
        "spend_steps": [{"from_fen": 12_000_000, "counts_as": "mild"}],
        "case_steps": [{"from_cases": 0, "part": "1/3"}, {"from_cases": 3, "part": "1/1"}],
        "reimbursement": {"at_once": "0/1", "part": "4/5", "deductible_fen": 1},
    }
    world.change_plan(dt.date(2026, 1, 8), **told)
    admin = client_of(world.admin)
    assert admin.post(f"{ADDRESS}propose/", sent(world, fee_percent="6")).status_code == 302
    terms = PlanProposal.objects.get(state="open").terms
    assert {name: terms[name] for name in told} == told
    gone = sent(world, **{"spend-0-from_fen": "", "case_steps-0-part": "", "case_steps-1-part": ""})
    assert admin.post(f"{ADDRESS}proposals/2/withdraw/").status_code == 302
    assert admin.post(f"{ADDRESS}propose/", gone | {"reimbursement-at_once": "", "reimbursement-part": "",
        "reimbursement-deductible": ""}).status_code == 302  # fmt: skip
    assert not set(told) & set(PlanProposal.objects.get(state="open").terms)


def test_one_aid_can_be_made_to_end_the_membership(world: World) -> None:
    admin = client_of(world.admin)
    assert admin.post(f"{ADDRESS}propose/", sent(world, one_aid_ends="on")).status_code == 302
    assert PlanProposal.objects.get().terms["one_aid_ends"] is True
    assert "One aid ends the membership: " in admin.get(f"{ADDRESS}proposals/1/").content.decode()


def test_row_can_be_dropped_and_another_added(world: World) -> None:
    rows = {
        "aid-0-max_aid": "",
        "aid-3-severity": "accident",
        "aid-3-age_from": 18,
        "aid-3-age_before": 60,
        "aid-3-max_aid": "1",
    }
    assert client_of(world.admin).post(f"{ADDRESS}propose/", sent(world, **rows)).status_code == 302
    aid = PlanProposal.objects.get().plan().aid
    assert [(row.severity, row.max_aid_fen) for row in aid] == [
        ("accident", 100),
        ("severe", 30_000_000),
        ("severe", 10_000_000),
    ]


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"fee_percent": "101"}, "fee_percent", "less than or equal to 100"),
        (
            {"effective_date": "2026-01-07", "fee_percent": "7"},
            "effective_date",
            "Choose a day from 8 Jan 2026",
        ),
        ({"reason": ""}, "reason", "required"),
        ({"aid-1-age_before": "0"}, "aid-1-age_before", "The first age must be below the end."),
        ({"aid-1-age_before": ""}, "aid-1-age_before", "Write the age"),
        ({"aid-1-max_aid": "much"}, "aid-1-max_aid", "much"),
        (
            {"vesting-0-from_days": "0", "vesting-0-part": "1/3"},
            "vesting-0-part",
            "The last step grants the whole aid",
        ),
        ({"vesting-0-part": "1"}, "vesting-0-from_days", "Write the days"),
        (
            {"vesting-0-from_days": "0", "vesting-0-part": "half"},
            "vesting-0-part",
            "Write a rate as a fraction",
        ),
        ({"lifetime_cap": "299,999.99"}, "lifetime_cap", "One case may be granted 300000.00."),
        ({"floor-members": "4"}, "floor-members", "write 3 at most"),
        ({"floor-members": "2", "floor-notice_days": "0"}, "floor-notice_days", "greater than or equal to 1"),
        ({"report_days": "0"}, "report_days", "greater than or equal to 1"),
        ({"appeal_days": "6"}, "appeal_days", "greater than or equal to 7"),
        (
            {"spend-0-from_fen": "0", "spend-0-counts_as": "mild"},
            "spend-0-from_fen",
            "Choose a value from 1",
        ),
        (
            {"spend-0-from_fen": "9", "spend-0-counts_as": "accident"},
            "spend-0-counts_as",
            "no row of aid for this severity",
        ),
        (
            {
                f"spend-{n}-{name}": value
                for n in (0, 1)
                for name, value in (("from_fen", "9"), ("counts_as", "mild"))
            },
            "spend-1-from_fen",
            "above the one before",
        ),
        ({"case_steps-0-part": "1"}, "case_steps-0-from_cases", "Write the cases"),
        (
            {"case_steps-0-from_cases": "1", "case_steps-0-part": "1"},
            "case_steps-0-from_cases",
            "begins with 0 cases",
        ),
        ({"reimbursement-at_once": "1"}, "reimbursement-at_once", "from 0 to below 1"),
        ({"reimbursement-part": "4/5"}, "reimbursement-at_once", "leave the whole section empty"),
        ({"reimbursement-at_once": "a fifth"}, "reimbursement-at_once", "Write a rate as a fraction"),
        (
            {"reimbursement-at_once": "1/5", "reimbursement-part": "2"},
            "reimbursement-part",
            "above 0 and at most 1",
        ),
        (
            {"reimbursement-at_once": "1/5", "per_case_cap": "1,000,000"},
            "per_case_cap",
            "a cap for one case cannot hold",
        ),
        ({"waiting-0-cause": "accident"}, "waiting-0-days", "Write the days"),
        ({"waiting-0-days": "5"}, "waiting-0-cause", "Name a cause or an age"),
        (
            {"waiting-0-joined_before": "40", "waiting-0-days": "5", "waiting-0-joined_from": "40"},
            "waiting-0-joined_before",
            "The first age must be below the end.",
        ),
        ({"periods-0-charge_day": "8"}, "periods-0-charge_day", "before publicity has ended"),
        ({"classes-0-name_en": "x" * 81}, "classes-0-name_en", "80"),
        ({"per_case_cap": "0.10"}, "minimum_members", "takes at least"),
    ],
)
def test_bad_entry_is_named_at_its_place_and_nothing_is_lost(
    world: World, changes: dict[str, str], field: str, says: str
) -> None:
    answer = client_of(world.admin).post(f"{ADDRESS}propose/", sent(world, **changes))
    assert answer.status_code == 422
    page = answer.content.decode()
    error = page[page.index(f'id="id_{field}_error"') :].split("</div>")[0]
    assert says in error
    assert "It costs less." in page or field == "reason"
    assert not PlanProposal.objects.exists()


def test_change_that_is_none_is_said_above_the_form(world: World) -> None:
    answer = client_of(world.admin).post(f"{ADDRESS}propose/", sent(world))
    assert answer.status_code == 422
    assert "Nothing differs from the version published last." in answer.content.decode()


def test_controller_reads_publishes_and_everyone_sees_it_coming(world: World) -> None:
    proposal = propose(world, fee={"rate": "6/100"})
    page = f"{ADDRESS}proposals/1/"
    assert [todo.address for todo in todos_of(world.controller)] == [page]
    controller = client_of(world.controller)
    text = controller.get(page).content.decode()
    for said in (
        "<del>8 % of the aid",
        "<ins>6 % of the aid",
        "Now shorter.",
        proposal.shown_sha256,
        "It costs less.",
    ):
        assert said in text
    stale = controller.post(f"{page}publish/", {"shown_sha256": "0" * 64})
    assert stale.status_code == 409
    done = controller.post(f"{page}publish/", {"shown_sha256": proposal.shown_sha256})
    assert (done.status_code, done["Location"]) == (302, f"{ADDRESS}2/")
    again = controller.post(f"{page}publish/", {"shown_sha256": proposal.shown_sha256})
    assert (again.status_code, again["Location"]) == (302, f"{ADDRESS}2/")
    assert todos_of(world.controller) == []
    visitor = Client()
    assert "comes into force on" in visitor.get(ADDRESS).content.decode()
    version = visitor.get(f"{ADDRESS}2/").content.decode()
    assert "These rules are not in force yet." in version
    assert "<ins>6 % of the aid" in version
    set_clock(clock.start_of_day(DAY, "Asia/Shanghai"))
    assert "comes into force on" not in visitor.get(ADDRESS).content.decode()


def test_proposal_is_taken_back_by_its_maker_or_turned_down(world: World) -> None:
    propose(world, waiting_days=30)
    assert client_of(world.admin).post(f"{ADDRESS}proposals/1/withdraw/").status_code == 302
    propose(world, waiting_days=30)
    assert client_of(world.controller).post(f"{ADDRESS}proposals/2/withdraw/").status_code == 302
    assert set(PlanProposal.objects.values_list("state", flat=True)) == {"withdrawn"}
    page = client_of(world.auditor).get(f"{ADDRESS}proposals/2/").content.decode()
    assert world.controller.code in page
    assert "Publish these rules" not in page


def test_who_proposed_is_told_to_wait_for_the_controller(world: World) -> None:
    propose(world, waiting_days=30)
    page = client_of(world.admin).get(f"{ADDRESS}proposals/1/").content.decode()
    assert "You proposed this; a controller publishes it." in page
    assert client_of(world.admin).post(f"{ADDRESS}proposals/1/publish/").status_code == 403


@pytest.mark.parametrize("who", ["treasurer", "stranger"])
def test_proposals_are_for_those_who_decide_or_audit(world: World, who: str) -> None:
    propose(world, waiting_days=30)
    status = client_of(getattr(world, who)).get(f"{ADDRESS}proposals/1/").status_code
    assert status == (403 if who == "treasurer" else 404)


def test_plan_page_costs_the_same_for_one_version_and_three(world: World) -> None:
    visitor = Client()
    visitor.get(ADDRESS)
    with CaptureQueriesContext(connection) as one:
        visitor.get(ADDRESS)
    world.change_plan(DAY, waiting_days=30)
    world.change_plan(DAY + dt.timedelta(days=30), waiting_days=20)
    with CaptureQueriesContext(connection) as three:
        visitor.get(ADDRESS)
    assert len(one) == len(three)


# --- the endpoints ----------------------------------------------------------------------------------------------


def test_program_proposes_publishes_and_reads_what_changed(world: World) -> None:
    admin, controller = client_of(world.admin), client_of(world.controller)
    base = f"/api/v1/pools/{CODE}/"
    body = {
        "base_version": 1,
        "terms": TERMS | {"waiting_days": 30},
        "effective_date": "2026-02-01",
        "reason": "Shorter.",
    }
    made = admin.post(f"{base}plan-proposals/new/", body, content_type="application/json")
    assert made.status_code == 201
    shown = {"shown_sha256": made.json()["shown_sha256"]}
    other = controller.post(
        f"{base}plan-proposals/1/publication/", {"shown_sha256": "0" * 64}, content_type="application/json"
    )
    assert (other.status_code, other.json()["type"]) == (409, "urn:aid:plan_change_is_what_was_shown")
    done = controller.post(f"{base}plan-proposals/1/publication/", shown, content_type="application/json")
    assert (done.status_code, done.json()["number"]) == (201, 2)
    changes = Client().get(f"{base}plan-versions/2/changes/").json()
    assert changes == {
        "rules": [
            {
                "name": "Waiting period",
                "before": ["90 days after joining"],
                "after": ["30 days after joining"],
            }
        ],
        "covenant_en": [],
        "covenant_zh": [],
        "questions": [],
    }
    assert Client().get(f"{base}plan-versions/1/changes/").json()["rules"] == []
    listed = client_of(world.auditor).get(f"{base}plan-proposals/").json()["results"]
    assert [(one["number"], one["state"]) for one in listed] == [(1, "published")]


def test_program_is_told_the_field_that_makes_no_sense(world: World) -> None:
    body = {
        "base_version": 1,
        "terms": TERMS | {"fee": {"rate": "x"}},
        "effective_date": "2026-02-01",
        "reason": "x",
    }
    answer = client_of(world.admin).post(
        f"/api/v1/pools/{CODE}/plan-proposals/new/", body, content_type="application/json"
    )
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:aid:bad_rate")
    assert answer.json()["title"].startswith("fee.rate: ")


def test_program_withdraws(world: World) -> None:
    propose(world, waiting_days=30)
    answer = client_of(world.controller).post(f"/api/v1/pools/{CODE}/plan-proposals/1/withdrawal/")
    assert answer.json()["state"] == "withdrawn"


# --- words ------------------------------------------------------------------------------------------------------


def test_words_name_every_rule_in_both_languages(world: World) -> None:
    plan = newest_plan(world.pool).plan()
    english = plan_lines(plan, "CNY")
    with translation.override("zh-hans"):
        chinese = plan_lines(plan, "CNY")
    assert len(english) == len(chinese) == 37
    assert all(one.name != other.name for one, other in zip(english, chinese, strict=True))


def test_every_term_that_differs_is_in_the_words(world: World) -> None:
    """A change that the words do not show would be a change behind the members' backs."""
    changes: list[dict[str, Any]] = [
        {"fee": {"rate": "9/100"}},
        {"fee": {"rate": "8/100", "fixed_fen": 5}},
        {"fee": {"rate": "8/100", "ceiling_fen": 5}},
        {"calendar": TERMS["calendar"] | {"publicity_days": 4}},
        *(
            {
                "calendar": {
                    "publicity_days": 3,
                    "periods": [{"opening_day": 1, "publicity_day": 7, "charge_day": 14} | one],
                }
            }
            for one in (
                {"opening_day": 2},
                {"publicity_day": 8},
                {"charge_day": 15},
                {"charge_months_later": 1, "charge_day": 2},
            )
        ),
        {"classes": [*TERMS["classes"], {"class_no": 1, "weight": 2, "name_en": "Two", "name_zh": "二"}]},
        {"aid": [*TERMS["aid"][:2], TERMS["aid"][2] | {"max_aid_fen": 1}]},
        {"aid": [*TERMS["aid"][:2], TERMS["aid"][2] | {"age_from": 1}]},
        {"aid": [*TERMS["aid"][:2], TERMS["aid"][2] | {"age_before": 59}]},
        {"aid": TERMS["aid"][:2]},
        {"classes": [TERMS["classes"][0] | {"weight": 2}]},
        {"classes": [TERMS["classes"][0] | {"age_from": 0, "age_before": 60}]},
        {"classes": [TERMS["classes"][0] | {"weight": 2, "name_en": "All"}]},
        {"fee": {"rate": "1/3"}},
        {"fee": {"rate": "8000001/100000000"}},
        {"waiting_days": 1},
        {"minimum_members": 4},
        {"floor": {"members": 2}},
        {"floor": {"members": 3}},
        {"floor": {"members": 3, "notice_days": 60}},
        {"notice_days": 1},
        {"change_by": "consent"},
        {"illness_in_wait": "shares_back"},
        *(
            {
                "debit": {
                    "scheme": "sepa",
                    "creditor_id": "DE98ZZZ09999999999",
                    "first_notice_days": 5,
                    "later_notice_days": 2,
                }
                | debit
            }
            for debit in (
                {},
                {"scheme": "card"},
                {"scheme": "card", "creditor_id": "No. 7"},
                {"first_notice_days": 6},
                {"later_notice_days": 3},
                {"refund_days": 56},
            )
        ),
        {"documents": {"kinds": ["resident_id"]}},
        {"documents": {"kinds": ["passport"]}},
        *(
            {
                "documents": {"kinds": ["other"]}
                | {"other_en": "A", "other_zh": "甲", "other_country": "CN"}
                | other
            }
            for other in ({}, {"other_en": "B"}, {"other_zh": "乙"}, {"other_country": "DE"})
        ),
        {"on_cap": "reserve_pays"},
        {"on_infeasible": "reduce_aid"},
        {"on_infeasible": "defer"},
        {"per_case_cap_fen": 300_000_000},
        {"year_cap_fen": 100_000},
        {"vesting": [{"from_days": 0, "part": "1/3"}, {"from_days": 365, "part": "1"}]},
        {"report_days": 180},
        {"appeal_days": 30},
        {"objections_per_period": 5},
        {"two_deciders_from_fen": 100},
        {"return_after_removal_days": 1},
        {"return_after_removal_days": 365},
        {"successor": "senior"},
        {"takes_over": {"pools": ["older", "young"], "waiting_counts": False}},
        *(
            {"appeal_days": 30, "jury": JURY | one}
            for one in (
                {},
                {"tenure_days": 31},
                {"seats": 22},
                {"reserves": 22},
                {"quorum": 16},
                {"quorum_permille": 1},
                {"threshold_permille": 501},
                {"inclusive": False},
                {"voting_hours": 73},
                {"take_days": 31},
            )
        ),
        *(
            {"investigation": INVESTIGATION | one}
            for one in (
                {},
                {"days": 15},
                {"agreed_above_fen": 50_001},
                {"most_fen": 300_001},
                {"borne_by": "operator"},
                {"answer_days": 8},
            )
        ),
        {"period_cap_fen": 100_000},
        {"sponsor": "A foundation"},
        *(
            {"period_cap_fen": 100_000, "reserve": {"target_fen": 500_000} | reserve}
            for reserve in (
                {"contribution_fen": 1_000},
                {"contribution_rate": "1/3"},
                {"contribution_rate": "5/100", "contribution_fen": 1, "goes_to": "The village school"},
            )
        ),
        {"lifetime_cap_fen": 50_000_000},
        {"one_aid_ends": True},
        {"by_invitation": True},
        {"spend_steps": [{"from_fen": 12_000_000, "counts_as": "mild"}]},
        {"spend_steps": [{"from_fen": 12_000_001, "counts_as": "mild"}]},
        {"spend_steps": [{"from_fen": 12_000_000, "counts_as": "severe"}]},
        {"case_steps": [{"from_cases": 0, "part": "1"}]},
        {"case_steps": [{"from_cases": 0, "part": "1/2"}, {"from_cases": 10, "part": "1"}]},
        {"case_steps": [{"from_cases": 0, "part": "1/3"}, {"from_cases": 10, "part": "1"}]},
        {"case_steps": [{"from_cases": 0, "part": "1/2"}, {"from_cases": 11, "part": "1"}]},
        {"reimbursement": {"at_once": "1/5"}},
        {"reimbursement": {"at_once": "0"}},
        {"reimbursement": {"at_once": "1/5", "part": "4/5"}},
        {"reimbursement": {"at_once": "1/5", "deductible_fen": 1_000_000}},
        {"reimbursement": {"at_once": "1/5", "part": "4/5", "deductible_fen": 1_000_000}},
        *(
            {"funding": {"join_fen": 900, "warn_below_fen": 300, "top_up_days": 30} | one}
            for one in ({}, {"join_fen": 1000}, {"warn_below_fen": 0}, {"top_up_days": 1})
        ),
        *(
            {
                "arrears": {"reminder_days": [7], "grace_days": 14, "make_up_days": 30, "hardship_days": 9}
                | one
            }
            for one in (
                {},
                {"reminder_days": []},
                {"reminder_days": [1, 7]},
                {"grace_days": 15},
                {"make_up_days": 1},
                {"hardship_days": 0},
            )
        ),
        *(
            {"waiting_rules": rules, "aid": [*TERMS["aid"], ACCIDENT_AID]}
            for rules in (
                [{"cause": "accident", "days": 90}],
                [{"cause": "illness", "days": 90}],
                [{"joined_from": 40, "days": 90}],
                [{"joined_before": 40, "days": 90}],
                [{"joined_from": 40, "joined_before": 50, "days": 90}],
                [{"cause": "accident", "joined_from": 40, "days": 90}],
            )
        ),
        *({"operator": TERMS["operator"] | {name: "Other"}} for name in TERMS["operator"]),
        {"operator": None},
        *(
            {"wind_down": TERMS["wind_down"] | one}
            for one in (
                {"payer": "Other"},
                {"run_off_days": 90},
                {"run_off_cap_fen": 10_800_000},
                {"past_shares_back": True},
            )
        ),
        {"wind_down": None},
    ]
    base = plan_lines(PlanTerms.from_json(TERMS), "CNY")
    told = [plan_lines(PlanTerms.from_json(TERMS | change), "CNY") for change in changes]
    for place, change in enumerate(changes):
        assert told[place] != base, change
        assert told[place] not in told[:place], change
    covered = {name.partition(".")[0] for change in changes for name in change}
    assert covered == {field.name for field in dataclasses.fields(PlanTerms)}


def test_nothing_that_differs_is_shown_as_nothing(world: World) -> None:
    """Names in the other language, spaces, the meaning of a question: what hides is shown."""
    last = newest_plan(world.pool)

    def version(**changes: Any) -> PlanVersion:
        fields = {
            "terms": last.terms,
            "covenant_en": "One.",
            "covenant_zh": "一。",
            "declaration": last.declaration,
        }
        return PlanVersion(pool=world.pool, **(fields | changes))

    question = last.declaration[0]
    named = [TERMS["classes"][0] | {"name_zh": "大家"}]
    for changes in (
        {"terms": last.terms | {"classes": named}},
        {"covenant_zh": "二。"},
        {"covenant_en": "One. "},
        {"declaration": [question | {"meaning_en": "Nothing."}, *last.declaration[1:]]},
        {"declaration": [question | {"effect": "limits"}, *last.declaration[1:]]},
        {"declaration": [question | {"question_zh": "？"}, *last.declaration[1:]]},
    ):
        assert not difference(version(), version(**changes), "CNY").is_empty, changes
    assert difference(version(), version(), "CNY").is_empty


def test_change_that_shows_hides_none_that_does_not(world: World) -> None:
    """Beside another fee, the name of the only class in the other language would have gone unseen."""
    named = [TERMS["classes"][0] | {"name_zh": "大家"}]
    before = PlanTerms.from_json(TERMS)
    for changes in ({"fee": {"rate": "6/100"}}, {"classes": [named[0] | {"weight": 2}]}):
        both = plan_lines(PlanTerms.from_json(TERMS | {"classes": named} | changes), "CNY")
        shown = [one.name for one, other in zip(both, plan_lines(before, "CNY"), strict=True) if one != other]
        assert "Who shares" in shown
    sentences = {
        one.name: one.says for one in plan_lines(PlanTerms.from_json(TERMS | {"classes": named}), "CNY")
    }
    assert "Everyone / 大家: weight 1" in sentences["Who shares"]


def test_stale_form_does_not_undo_what_was_published_meanwhile(world: World) -> None:
    stale = sent(world, waiting_days="80")
    world.change_plan(DAY, waiting_days=30)
    answer = client_of(world.admin).post(f"{ADDRESS}propose/", stale | {"effective_date": "2026-03-01"})
    assert answer.status_code == 409
    assert "Version 2 has been published since." in answer.content.decode()


def test_rate_that_no_decimal_writes_stays_as_it_is(world: World) -> None:
    world.change_plan(DAY, fee={"rate": "1/3"})
    data = sent(world, waiting_days="80", effective_date="2026-03-01")
    answer = client_of(world.admin).post(f"{ADDRESS}propose/", data)
    assert answer.status_code == 302
    assert PlanProposal.objects.get(state="open").terms["fee"]["rate"] == "1/3"


@pytest.mark.parametrize(
    "changes",
    [
        {"periods-TOTAL_FORMS": "2"},
        {"classes-TOTAL_FORMS": "5"},
        {"classes-TOTAL_FORMS": "0"},
        {"aid-TOTAL_FORMS": "100000"},
        {"aid-TOTAL_FORMS": "x"},
        {"base": "x"},
        {"fee_fixed": "9" * 5000},
        {"covenant_en": "   "},
        {"effective_date": "9999-12-31"},
    ],
)
def test_tampered_form_is_refused_or_harmless(world: World, changes: dict[str, str]) -> None:
    answer = client_of(world.admin).post(f"{ADDRESS}propose/", sent(world, waiting_days="80", **changes))
    assert answer.status_code in {302, 422}
    for made in PlanProposal.objects.all():
        assert made.plan().classes == newest_plan(world.pool).plan().classes
        assert made.plan().calendar == newest_plan(world.pool).plan().calendar


@pytest.mark.parametrize("name", ["bad\x00name", "e\u0301", "\ud800"])
def test_program_cannot_bring_texts_that_the_log_could_not_state(world: World, name: str) -> None:
    classes = [TERMS["classes"][0] | {"name_en": name}]
    body = {
        "base_version": 1,
        "terms": TERMS | {"classes": classes},
        "effective_date": "2026-02-01",
        "reason": "x",
    }
    answer = client_of(world.admin).post(
        f"/api/v1/pools/{CODE}/plan-proposals/new/", body, content_type="application/json"
    )
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:aid:bad_text")


def test_brackets_without_end_are_a_bad_request(world: World) -> None:
    answer = client_of(world.admin).post(
        f"/api/v1/pools/{CODE}/plan-proposals/new/", "[" * 100_000, content_type="application/json"
    )
    assert answer.status_code == 400


def test_second_click_lands_on_the_version_and_late_withdrawal_says_no(world: World) -> None:
    proposal = propose(world, waiting_days=30)
    world_page = f"{ADDRESS}proposals/1/"
    client_of(world.controller).post(f"{world_page}publish/", {"shown_sha256": proposal.shown_sha256})
    late = client_of(world.admin).post(f"{world_page}withdraw/")
    assert late.status_code == 409
    assert "This proposal has already been decided." in late.content.decode()


def test_joining_shows_the_rules_that_are_coming(world: World) -> None:
    world.change_plan(DAY, waiting_days=30)
    from members.joining import applications
    from members.joining.tests.papers import filled

    application = filled(world.pool, world.stranger)
    assert applications.next_step(application)
    page = client_of(world.stranger).get(f"/pools/{CODE}/join/covenant/").content.decode()
    assert "Version 2 comes into force on" in page


# --- what cases would cost --------------------------------------------------------------------------------------


def test_costs_of_old_and_new_rules_stand_side_by_side(world: World) -> None:
    """Seven members, 300,000.00 and 8 %: 46,285.72 each for a case; with 6 %: 45,428.58."""
    world.posted_period()
    propose(world, fee={"rate": "6/100"})
    address = f"{ADDRESS}proposals/1/shares/"
    page = client_of(world.controller).get(address).content.decode()
    for amount in ("46,285.72", "45,428.58", "0.00"):
        assert amount in page
    assert "last headcount" in page
    fragment = client_of(world.controller).get(address, HTTP_HX_REQUEST="true").content.decode()
    assert "<html" not in fragment
    assert "45,428.58" in fragment
    assert Client().get(address).status_code == 302
    # Strangers of a very small pool see what the fewest members would pay: three.
    public = Client().get(f"{ADDRESS}1/shares/").content.decode()
    assert "108,000.00" in public
    assert "at least" in public


def test_page_of_a_version_says_until_then_and_from_then_on(world: World) -> None:
    world.change_plan(DAY, waiting_days=30)
    page = Client().get(f"{ADDRESS}2/").content.decode()
    assert [re.sub("<.*?>", "", head) for head in re.findall("<th scope=.col.>.*?</th>", page)][:3] == [
        "Rule",
        "Until then",
        "From then on",
    ]


def test_difference_shows_paragraphs_that_went_and_came(world: World) -> None:
    last = newest_plan(world.pool)
    after = PlanVersion(
        pool=world.pool,
        terms=last.terms,
        covenant_en="One.\n\nTwo.\n\nFour.",
        covenant_zh="",
        declaration=last.declaration[1:],
    )
    before = PlanVersion(
        pool=world.pool,
        terms=last.terms,
        covenant_en="One.\n\nThree.\n\nFour.",
        covenant_zh="",
        declaration=last.declaration,
    )
    found = difference(before, after, "CNY")
    assert [(piece.look, piece.text) for piece in found.covenant_en] == [
        ("same", "One."), ("gone", "Three."), ("new", "Two."), ("same", "Four."),
    ]  # fmt: skip
    assert [piece.look for piece in found.questions] == ["gone"] + ["same"] * (len(last.declaration) - 1)
    assert found.rules == ()
    assert difference(before, before, "CNY").is_empty


def test_every_refusal_of_terms_has_its_words() -> None:
    from pathlib import Path

    from members.pools import aid_terms, covenants, plan_terms

    codes: set[str] = set()
    for module in (plan_terms, aid_terms, covenants):
        source = Path(module.__file__ or "").read_text()
        codes |= set(re.findall(r'TermsError\(\s*[^,]+,\s*"([a-z_]+)"', source))
    assert len(codes) > 15
    general = terms_error_words(TermsError("x", "unheard_of", ""))
    for code in codes:
        error = TermsError("x", code, "", low=1, high=2, needed=3, given=1, class_no=0, most=1, members=3)
        assert terms_error_words(error) != general, code


def test_addresses_name_their_pool() -> None:
    assert reverse("plan_version", args=[CODE, 2]) == f"{ADDRESS}2/"


def test_rules_name_another_pool_as_people_do(world: World) -> None:
    """By name and code; one that is not there yet by the code that the rules give."""
    plan = dataclasses.replace(
        world.pool.plan_versions.get().plan(),
        successor=world.pool.code,
        takes_over=TakeOverTerms((world.pool.code, "not-yet")),
    )
    called = f"“{world.pool.name_en}” ({world.pool.code})"
    forward, from_here, _waiting = succession_words(plan)
    assert f"in the pool {called} on the same day" in forward
    assert from_here.endswith(f": not-yet, {called}.")
    with translation.override("zh-hans"):
        assert f"“{world.pool.name_zh}”（{world.pool.code}）" in succession_words(plan)[0]
