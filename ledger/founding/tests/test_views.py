"""Pages of a pool's beginning: who sees what, what is said, and that a double click does it once."""

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import escape

from aidplatform.lib import clock
from aidplatform.site.todo import todos_of
from aidplatform.testing.world import TERMS, World, set_clock
from aidplatform.tests.pages_helpers import client_of
from ledger.founding.tests.test_founding import gathering, join, name_account, name_operator, staff
from members.people.models import User
from members.pools.forms import DraftForm
from members.pools.models import DutyGrant, DutyInvitation, PlanDraft, Pool
from members.pools.presets import all_presets
from members.pools.services import grant_founding_duty

CODE = "new"
ADDRESS = f"/pools/{CODE}/founding/"
NAMES = {
    "name_en": "New pool",
    "name_zh": "新计划",
    "code": CODE,
    "currency": "CNY",
    "time_zone": "Asia/Shanghai",
    "expected_members": "40",
}


@pytest.fixture
def founder(db: None) -> User:
    """Return an administrator of the whole installation, on a stopped clock."""
    set_clock(dt.datetime(2026, 1, 1, 2, tzinfo=dt.UTC))
    person = User.objects.create_user("founder@example.org", name="Founder")
    grant_founding_duty(pool=None, person=person, duty="pool_admin", at=clock.now())
    return person


@pytest.fixture
def draft(founder: User) -> PlanDraft:
    """Return the rules of a pool founded by its page."""
    answer = client_of(founder).post("/pools/found/village/", NAMES)
    assert (answer.status_code, answer["Location"]) == (302, ADDRESS)
    return PlanDraft.objects.select_related("pool").get()


def sent(draft: PlanDraft, **changes: Any) -> dict[str, Any]:
    """Return what the form of the rules sends when only these entries are changed."""
    form = DraftForm(draft)
    data: dict[str, Any] = {}
    for part in (*form.sections, *(row for table in form.tables for row in table)):
        for field in part:
            data[field.html_name] = "" if field.value() is None else field.value()
    for table in form.tables:
        data |= {f"{table.prefix}-{name}": value for name, value in table.management_form.initial.items()}
    operator = {f"operator-{name}": value for name, value in TERMS["operator"].items()}
    return data | operator | {"wind_down-payer": "Somebody", "wind_down-run_off_days": "90"} | changes


# --- choosing and founding ----------------------------------------------------------------------------------------


def test_presets_are_for_admins_with_a_second_factor(world: World, founder: User) -> None:
    assert client_of(None).get("/pools/found/").status_code == 302
    assert client_of(world.stranger).get("/pools/found/").status_code == 404
    assert client_of(world.admin, second_factor=False).get("/pools/found/").status_code == 302
    assert client_of(world.controller).get("/pools/found/").status_code == 404
    for person in (world.admin, founder):
        page = client_of(person).get("/pools/found/").content.decode()
        assert all(f"/pools/found/{preset.code}/" in page for preset in all_presets())


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("preset", all_presets(), ids=lambda preset: preset.code)
def test_preset_says_where_its_values_come_from(founder: User, preset: Any, language: str) -> None:
    page = client_of(founder, language=language).get(f"/pools/found/{preset.code}/").content.decode()
    source = next(iter(preset.sources.values()))
    assert escape(source.en if language == "en" else source.zh) in page
    assert escape(preset.about_en if language == "en" else preset.about_zh) in page
    marked = any(source.is_ours for source in preset.sources.values())
    assert ("our default" in page or "我们的默认值" in page) is marked


def test_unknown_preset_is_not_found(founder: User) -> None:
    assert client_of(founder).get("/pools/found/insurer/").status_code == 404


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"code": "found"}, "This word is used by the site itself."),
        ({"code": "no spaces"}, "Enter a valid"),
        ({"name_zh": ""}, "This field is required."),
        ({"name_en": "Good pool\nBcc: x"}, "Write it in one line"),
        ({"name_en": "Good\u202epool"}, "Write it in one line"),
        ({"currency": "XXX"}, "Select a valid choice."),
        ({"time_zone": "Mars/Base"}, "Select a valid choice."),
        ({"expected_members": "0"}, "greater than or equal to 1"),
    ],
)
def test_bad_entry_founds_nothing(founder: User, changes: dict[str, str], says: str) -> None:
    answer = client_of(founder).post("/pools/found/village/", NAMES | changes)
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert not Pool.objects.exists()


def test_double_click_founds_one_pool_and_says_so(draft: PlanDraft, founder: User) -> None:
    answer = client_of(founder).post("/pools/found/village/", NAMES)
    assert answer.status_code == 422
    assert "There is a pool with this address already." in answer.content.decode()
    assert Pool.objects.count() == 1


def test_admin_of_another_pool_becomes_admin_of_the_new_one(world: World) -> None:
    assert client_of(world.admin).post("/pools/found/village/", NAMES).status_code == 302
    assert DutyGrant.objects.filter(person=world.admin, pool__code=CODE, duty="pool_admin").exists()


# --- the draft ----------------------------------------------------------------------------------------------------


def test_draft_is_nobodys_but_its_founders(draft: PlanDraft, world: World) -> None:
    for person in (None, world.stranger, world.controller):
        client = client_of(person)
        assert client.get(f"/pools/{CODE}/").status_code == 404
        assert client.get(ADDRESS).status_code in {302, 404}


def test_founding_page_names_what_is_missing(draft: PlanDraft, founder: User) -> None:
    client = client_of(founder)
    assert client.get(f"/pools/{CODE}/")["Location"] == ADDRESS
    page = client.get(ADDRESS).content.decode()
    assert "The rules name nobody yet." in page
    assert "Nobody yet: reviewer, second reviewer, treasurer, controller" in page
    assert (
        "¥165.00" in page
    )  # one case of 6,000.00, and a tenth of it put by, over the forty that are expected
    assert "Publish the rules and let members join" not in page
    assert any(ADDRESS in todo.address for todo in todos_of(founder))


def test_rules_are_written_as_a_whole(draft: PlanDraft, founder: User) -> None:
    rows = {
        "classes-1-name_en": "Two", "classes-1-name_zh": "二", "classes-1-weight": "2",
        "periods-1-opening_day": "", "fee_percent": "5", "expected_members": "60",
    }  # fmt: skip
    answer = client_of(founder).post(f"{ADDRESS}rules/", sent(draft, **rows))
    assert (answer.status_code, answer["Location"]) == (302, ADDRESS)
    saved = PlanDraft.objects.get()
    plan = saved.plan()
    assert [(row.class_no, row.weight) for row in plan.classes] == [(0, 1), (1, 2)]
    assert (str(plan.fee.rate), saved.expected_members) == ("1/20", 60)
    assert plan.operator is not None
    assert plan.operator.name == TERMS["operator"]["name"]
    assert plan.wind_down is not None
    assert (plan.wind_down.payer, plan.wind_down.run_off_days) == ("Somebody", 90)


def test_form_that_is_sent_back_as_it_came_changes_nothing(draft: PlanDraft, founder: User) -> None:
    data = sent(draft) | dict.fromkeys(
        [*(f"operator-{name}" for name in TERMS["operator"]), "wind_down-payer", "wind_down-run_off_days"], ""
    )
    assert client_of(founder).post(f"{ADDRESS}rules/", data).status_code == 302
    assert PlanDraft.objects.get().terms == draft.terms


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"operator-contact": ""}, "This belongs to it"),
        ({"wind_down-payer": ""}, "This belongs to it"),
        (
            {"wind_down-run_off_cap": "1"},
            "do not bear one case at the highest aid with its fee: it takes 1500.00",
        ),
        ({"per_case_cap": "0.10"}, "takes at least 60000"),
        ({"classes-1-weight": "2"}, "Write the name"),
        ({"classes-0-age_from": "1", "classes-0-age_before": ""}, "An age band has both"),
        ({"periods-0-publicity_day": ""}, "Write the day"),
        ({"periods-0-opening_day": ""}, "A month has one or two periods."),
        ({"aid-0-max_aid": "", "aid-1-max_aid": ""}, "At least one row is needed."),
        ({"operator-name": "x" * 81}, "at most 80"),
        ({"expected_members": "0"}, "greater than or equal to 1"),
        ({"changes": "0"}, "These rules were saved meanwhile"),
        ({"changes": "x"}, "Enter a whole number."),
    ],
)
def test_bad_rule_is_named_and_nothing_is_lost(
    draft: PlanDraft, founder: User, changes: dict[str, str], says: str
) -> None:
    answer = client_of(founder).post(f"{ADDRESS}rules/", sent(draft, waiting_days="77", **changes))
    page = answer.content.decode()
    assert answer.status_code in {409, 422}
    assert says in page
    assert 'value="77"' in page
    assert PlanDraft.objects.get().changes == 1


def test_entries_of_a_stale_form_can_be_saved_by_choice(draft: PlanDraft, founder: User) -> None:
    client = client_of(founder)
    stale = sent(draft, waiting_days="77")
    assert client.post(f"{ADDRESS}rules/", sent(draft, waiting_days="50")).status_code == 302
    refused = client.post(f"{ADDRESS}rules/", stale)
    page = refused.content.decode()
    assert (refused.status_code, 'name="changes" value="2"' in page, 'value="77"' in page) == (
        409,
        True,
        True,
    )
    assert client.post(f"{ADDRESS}rules/", stale | {"changes": 2}).status_code == 302
    assert PlanDraft.objects.get().plan().waiting_days == 77


def test_run_off_of_no_days_is_an_entry(draft: PlanDraft, founder: User) -> None:
    answer = client_of(founder).post(
        f"{ADDRESS}rules/", sent(draft, **{"wind_down-payer": "", "wind_down-run_off_days": "0"})
    )
    assert (answer.status_code, "This belongs to it" in answer.content.decode()) == (422, True)


def test_duty_given_by_mistake_is_taken_back_in_a_draft(draft: PlanDraft, founder: User) -> None:
    wrong = User.objects.create_user("wrong@example.org")
    grant = grant_founding_duty(pool=draft.pool, person=wrong, duty="treasurer", at=clock.now())
    client = client_of(founder)
    for _click in range(2):
        assert client.post(f"{ADDRESS}duties/{grant.pk}/end/").status_code == 302
    grant.refresh_from_db()
    assert grant.ended_at is not None
    assert client.post(f"{ADDRESS}duties/{grant.pk + 100}/end/").status_code == 404
    name_operator(draft)
    staff(draft.pool)
    held = DutyGrant.objects.get(pool=draft.pool, duty="controller")
    client.post(f"{ADDRESS}gather/", {"changes": PlanDraft.objects.get().changes})
    assert client.post(f"{ADDRESS}duties/{held.pk}/end/").status_code == 409


def test_costs_of_unsaved_entries(draft: PlanDraft, founder: User) -> None:
    """One case of 12,000.00, and a tenth of it put by, over sixty: 220.00 each."""
    client = client_of(founder)
    data = sent(draft, **{"aid-0-max_aid": "12000", "aid-1-max_aid": "12000", "expected_members": "60"})
    page = client.post(f"{ADDRESS}costs/", data).content.decode()
    assert "¥220.00" in page
    bad = client.post(f"{ADDRESS}costs/", data | {"aid-0-age_before": "0"})
    assert (bad.status_code, "These entries make no plan yet." in bad.content.decode()) == (200, True)
    assert PlanDraft.objects.get().changes == 1


def test_rules_of_a_gathering_pool_are_no_draft(founder: User) -> None:
    gathering(founder)
    client = client_of(founder)
    assert client.get(f"{ADDRESS}rules/").status_code == 404
    assert client.post(f"{ADDRESS}costs/", {}).status_code == 404


# --- people -------------------------------------------------------------------------------------------------------


def test_who_is_asked_finds_it_at_home_and_takes_the_duty(draft: PlanDraft, founder: User) -> None:
    person = User.objects.create_user("treasurer@example.org")
    asked = client_of(founder).post(
        f"{ADDRESS}invite/", {"duty": "treasurer", "email": "Treasurer@example.org"}
    )
    assert asked.status_code == 302
    assert "Founder asks you to be treasurer of New pool" in client_of(person).get("/").content.decode()
    here = f"/pools/{CODE}/invitation/"
    assert "I take it" in client_of(person).get(here).content.decode()
    found = DutyInvitation.objects.get()
    answer = client_of(person).post(here, {"invitation": found.pk, "answer": "yes"})
    assert answer["Location"] == "/"
    assert DutyGrant.objects.filter(person=person, pool=draft.pool, duty="treasurer").exists()
    again = client_of(person).post(here, {"invitation": found.pk, "answer": "yes"})
    assert (again.status_code, again["Location"]) == (302, "/")
    assert client_of(person).get(here)["Location"] == "/"


def test_invitation_is_nobody_elses(draft: PlanDraft, founder: User, world: World) -> None:
    client_of(founder).post(f"{ADDRESS}invite/", {"duty": "treasurer", "email": "treasurer@example.org"})
    here = f"/pools/{CODE}/invitation/"
    found = DutyInvitation.objects.get()
    assert client_of(None).get(here).status_code == 302
    for person in (world.stranger, founder):
        assert client_of(person).get(here).status_code == 404
        assert client_of(person).post(here, {"invitation": found.pk, "answer": "yes"}).status_code == 404


def test_no_is_an_answer(draft: PlanDraft, founder: User) -> None:
    person = User.objects.create_user("treasurer@example.org")
    client_of(founder).post(f"{ADDRESS}invite/", {"duty": "treasurer", "email": person.email})
    found = DutyInvitation.objects.get()
    client_of(person).post(f"/pools/{CODE}/invitation/", {"invitation": found.pk, "answer": "no"})
    assert DutyInvitation.objects.get().state == "declined"
    assert "declined" in client_of(founder).get(ADDRESS).content.decode()


def test_question_can_be_taken_back(draft: PlanDraft, founder: User) -> None:
    client = client_of(founder)
    client.post(f"{ADDRESS}invite/", {"duty": "treasurer", "email": "treasurer@example.org"})
    found = DutyInvitation.objects.get()
    for _click in range(2):
        assert client.post(f"{ADDRESS}invite/{found.pk}/withdraw/").status_code == 302
    assert DutyInvitation.objects.get().state == "withdrawn"
    assert client.post(f"{ADDRESS}invite/{found.pk + 1}/withdraw/").status_code == 404


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ({"duty": "king", "email": "a@example.org"}, "Select a valid choice."),
        ({"duty": "treasurer", "email": "nobody"}, "Enter a valid email address."),
    ],
)
def test_bad_question_asks_nobody(
    draft: PlanDraft, founder: User, entries: dict[str, str], says: str
) -> None:
    answer = client_of(founder).post(f"{ADDRESS}invite/", entries)
    assert (answer.status_code, says in answer.content.decode()) == (422, True)
    assert not DutyInvitation.objects.exists()


def test_same_question_twice_is_said_and_asked_once(draft: PlanDraft, founder: User) -> None:
    entries = {"duty": "treasurer", "email": "t@example.org"}
    assert client_of(founder).post(f"{ADDRESS}invite/", entries).status_code == 302
    again = client_of(founder).post(f"{ADDRESS}invite/", entries)
    assert (again.status_code, "has not answered yet" in again.content.decode()) == (409, True)
    assert DutyInvitation.objects.count() == 1


# --- gathering and opening ----------------------------------------------------------------------------------------


def test_gathering_too_early_says_what_is_missing(draft: PlanDraft, founder: User) -> None:
    answer = client_of(founder).post(f"{ADDRESS}gather/")
    assert (answer.status_code, "Still missing: A legal entity" in answer.content.decode()) == (409, True)
    assert Pool.objects.get(code=CODE).state == "draft"


def test_pool_gathers_and_opens_by_its_page(draft: PlanDraft, founder: User) -> None:
    name_operator(draft)
    staff(draft.pool)
    client = client_of(founder)
    assert "Publish the rules and let members join" in client.get(ADDRESS).content.decode()
    seen = {"changes": PlanDraft.objects.get().changes}
    assert (
        client.post(f"{ADDRESS}gather/", {"changes": 1}).status_code == 409
    )  # the draft has been edited since
    for _click in range(2):
        assert client.post(f"{ADDRESS}gather/", seen)["Location"] == ADDRESS
    assert draft.pool.plan_versions.count() == 1
    public = client_of(None).get(f"/pools/{CODE}/").content.decode()
    assert "This pool is gathering its members." in public
    assert "A controller names it." in public
    assert "0 / 4" in public
    too_early = client.post(f"{ADDRESS}open/")
    assert (too_early.status_code, "Still missing: A custody account" in too_early.content.decode()) == (
        409,
        True,
    )
    name_account(draft.pool)
    join(draft.pool, 4)
    for _click in range(2):
        assert client.post(f"{ADDRESS}open/").status_code == 302
    assert Pool.objects.get(code=CODE).state == "open"
    assert client.get(ADDRESS)["Location"] == f"/pools/{CODE}/"
    assert "What it needs to open" not in client_of(None).get(f"/pools/{CODE}/").content.decode()


@pytest.mark.parametrize("deed", ["rules/", "costs/", "invite/", "gather/", "open/"])
def test_deeds_are_for_admins(founder: User, deed: str, world: World) -> None:
    pool = gathering(founder)
    treasurer = DutyGrant.objects.get(pool=pool, duty="treasurer").person
    assert client_of(treasurer).get(ADDRESS).status_code == 200
    assert client_of(treasurer).post(f"{ADDRESS}{deed}").status_code == 403
    assert client_of(world.admin).post(f"{ADDRESS}{deed}").status_code == 404
    assert client_of(None).post(f"{ADDRESS}{deed}").status_code == 302
    if deed != "rules/":
        assert client_of(founder).get(f"{ADDRESS}{deed}").status_code == 405


def test_founding_page_asks_a_fixed_number_of_queries(draft: PlanDraft, founder: User) -> None:
    client = client_of(founder)
    client.get(ADDRESS)
    with CaptureQueriesContext(connection) as few:
        client.get(ADDRESS)
    staff(draft.pool)
    for number in range(3):
        client.post(f"{ADDRESS}invite/", {"duty": "auditor", "email": f"a{number}@example.org"})
    with CaptureQueriesContext(connection) as many:
        client.get(ADDRESS)
    assert len(many) == len(few)


def test_aid_that_jumps_is_warned_of_beside_its_costs(draft: PlanDraft, founder: User) -> None:
    page = client_of(founder)
    said = "Aid jumps between neighboring ages"
    assert said in page.get(reverse("found_pool", args=["xianghubao"])).content.decode()
    assert said not in page.get(reverse("found_pool", args=["meituan"])).content.decode()
    entries = sent(draft)
    place = next(n for n, row in enumerate(draft.plan().aid) if row.age_from <= 39 < row.age_before)
    split = {f"aid-{place}-age_before": 40}
    assert said not in page.post(f"{ADDRESS}costs/", entries).content.decode()
    split |= {
        f"aid-{len(draft.plan().aid)}-{name}": value
        for name, value in (("severity", draft.plan().aid[place].severity), ("age_from", 40), ("age_before", 60),
                            ("max_aid", "1"))
    }  # fmt: skip
    answer = page.post(f"{ADDRESS}costs/", entries | split)
    shown = answer.content.decode()
    assert said in shown
    assert "An illustration, not the experience of any pool" in shown
