"""The API as a program meets it: the rows of the pages, problems with a name, tokens, keys, cursors, limits."""

import datetime as dt
import json
import re
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from drf_spectacular.drainage import reset_generator_stats
from drf_spectacular.generators import SchemaGenerator

from aidplatform.lib import clock
from aidplatform.testing.prepared import prepared
from aidplatform.testing.world import World
from aidplatform.tests.pages_helpers import client_of, post_another_period, public_world
from aidplatform.tests.test_policies import patterns
from ledger.books.models import JournalEntry
from ledger.sharing.models import Period
from members.joining.models import Membership
from members.joining.services import admit_member
from members.people.models import ApiToken, User

API = "/api/v1/"
POOL = f"{API}pools/test-pool/"


@pytest.fixture(autouse=True)
def no_counts_left_over(db: None) -> None:
    """Begin with empty throttle counts: the table is rolled back, but the clock of a window is not."""
    cache.clear()


@prepared
def pool() -> World:
    """Give the test a pool of 150, one of them with an account, and a posted period."""
    world = public_world(members=149)
    admit_member(
        pool=world.pool, person=User.objects.create_user("member@example.org"), class_no=0,
        from_at=clock.start_of_day(dt.date(2026, 1, 2), world.pool.time_zone),
        joined_date=dt.date(2026, 1, 1), actor="test",
    )  # fmt: skip
    world.award(1_000_000)
    world.posted_period()
    return world


def member() -> User:
    person = Membership.objects.get(person__email="member@example.org").person
    assert person is not None
    return person


def get(client: Client, address: str, status: int = 200) -> Any:
    response = client.get(address)
    assert response.status_code == status, response.content
    return json.loads(response.content)


def approve(client: Client, period: Period, key: str | None, shown: str | None = None) -> Any:
    headers = {"Idempotency-Key": key} if key is not None else {}
    return client.post(
        f"{POOL}periods/{period.number}/approval/",
        json.dumps({"shown_sha256": shown or period.shown_sha256}),
        content_type="application/json",
        headers=headers,
    )


def test_public_rows_are_those_of_the_pages(pool: World) -> None:
    visitor = client_of(None)
    assert [row["code"] for row in get(visitor, f"{API}pools/")["results"]] == ["test-pool"]
    assert get(visitor, POOL)["name_zh"] == "测试互助"
    version = get(visitor, f"{POOL}plan-versions/")["results"][0]
    assert version["terms"]["waiting_days"] == 90
    assert "not insurance" in version["covenant_en"]
    period = get(visitor, f"{POOL}periods/1/")
    assert (period["assessed_fen"], period["headcount"], period["state"]) == (1_080_000, 150, "posted")
    assert period.pop("moves") is None, "it is the first headcount"
    assert get(visitor, f"{POOL}periods/")["results"] == [period]
    case = get(visitor, f"{POOL}cases/")["results"][0]
    assert (case["code"], case["period"], case["aid_fen"]) == ("C-1", 1, 1_000_000)
    assert "claim" not in json.dumps(case)


def test_member_reads_own_membership_and_charges(pool: World) -> None:
    client = client_of(member())
    mine = get(client, f"{API}me/memberships/")
    assert [(row["pool"], row["eligible_date"], row["is_waiting"]) for row in mine] == [
        ("test-pool", "2026-04-02", True)
    ]
    charges = get(client, f"{POOL}my-charges/")
    assert charges == {
        "next": None,
        "results": [
            {
                "period": 1,
                "charge_date": "2026-01-14",
                "share_fen": 7200,
                "written_off_fen": 0,
                "collected_fen": 0,
                "open_fen": 7200,
                "class_no": 0,
                "weight": 1,
                "cap_fen": None,
                "is_at_cap": False,
                "parts": [
                    {"code": "aid", "name": "Aid for the cases", "amount": 666666},
                    {"code": "fee", "name": "Management fee", "amount": 53333},
                    {"code": "rounding", "name": "Rounded up to the fen", "amount": 1},
                ],
                "bill": {
                    "headcount": 150,
                    "cases": 1,
                    "aid_fen": 1_000_000,
                    "other_costs_fen": 0,
                    "fee_fen": 80_000,
                    "reserve_contribution_fen": 0,
                    "reserve_drawn_fen": 0,
                    "sponsor_fen": 0,
                    "carry_in_fen": 0,
                    "need_fen": 1_080_000,
                    "assessed_fen": 1_080_000,
                    "carry_out_fen": 0,
                },
                "cases": [
                    {
                        "code": "C-1",
                        "aid_fen": 1_000_000,
                        "age": "–",
                        "sex": "–",
                        "region": "–",
                        "disease": "thyroid cancer",
                    }
                ],
                "change": None,
            }
        ],
    }
    assert get(client, f"{POOL}my-charges/?before=1")["results"] == []
    assert get(client, f"{POOL}my-charges/?before=x", 400)["status"] == 400
    latest = get(client, f"{POOL}my-charges/?limit=1")
    assert latest["results"] == charges["results"][:1]
    assert get(client, f"{POOL}my-charges/?limit=51", 400)["status"] == 400
    assert get(client_of(pool.stranger), f"{API}me/memberships/") == []


def test_staff_read_the_books(pool: World) -> None:
    client = client_of(pool.auditor)
    trial = get(client, f"{POOL}trial-balance/")
    assert trial["debit_fen"] == trial["credit_fen"] > 0
    assert get(client, f"{POOL}accounts/") == trial["accounts"]
    entries = get(client, f"{POOL}entries/")["results"]
    assert [row["number"] for row in entries] == sorted((row["number"] for row in entries), reverse=True)
    newest = get(client, f"{POOL}entries/{entries[0]['number']}/")
    assert newest == entries[0]
    sides = {side: sum(p["amount_fen"] for p in newest["postings"] if p["side"] == side) for side in "DC"}
    assert sides["D"] == sides["C"] > 0


def test_amounts_are_whole_numbers_everywhere(pool: World) -> None:
    client = client_of(pool.auditor)
    for address in ("periods/", "cases/", "entries/", "trial-balance/", "plan-versions/"):
        text = json.dumps(get(client, POOL + address))
        assert re.findall(r'_fen": (?!-?\d+[,}\]]|null)', text) == []


def test_very_small_pool_shows_no_figures_to_strangers(db: None) -> None:
    world = World.founded(members=7)
    world.award(700_000)
    world.posted_period()
    strangers = get(client_of(world.stranger), f"{POOL}periods/1/")
    assert (strangers["assessed_fen"], strangers["classes"], strangers["headcount"]) == (None, None, None)
    assert get(client_of(None), f"{POOL}cases/")["results"] == []
    assert get(client_of(world.auditor), f"{POOL}periods/1/")["assessed_fen"] == 756_000
    assert get(client_of(world.auditor), f"{POOL}cases/")["results"][0]["code"] == "C-1"


def test_duty_without_second_factor_counts_for_nothing(pool: World) -> None:
    weak = client_of(pool.auditor, second_factor=False)
    answer = get(weak, f"{POOL}entries/", 403)
    assert answer["type"] == "urn:aid:second_factor_missing"


def test_approval_needs_its_key_and_acts_once(db: None) -> None:
    world = public_world()
    world.award(1_000_000)
    period = world.computed_period()
    client = client_of(world.controller)
    assert approve(client, period, None).json()["type"] == "urn:aid:idempotency_key_missing"
    assert approve(client, period, "short").status_code == 400
    other = approve(client, period, "key-00000000", "0" * 64)
    assert (other.status_code, other.json()["type"]) == (409, "urn:aid:approval_is_of_what_was_shown")
    assert approve(client, period, "key-00000001").json() == {"state": "approved"}
    assert approve(client, period, "key-00000001").json() == {"state": "approved"}
    assert approve(client, period, "key-00000002").status_code == 409
    reused = approve(client, period, "key-00000001", "0" * 64)
    assert (reused.status_code, reused.json()["type"]) == (409, "urn:aid:idempotency_key_reused")
    assert approve(client_of(world.admin), period, "key-00000003").status_code == 403
    assert approve(client_of(world.stranger), period, "key-00000004").status_code == 404
    assert approve(client_of(None), period, "key-00000005").status_code == 401


def test_cross_site_form_cannot_approve_by_a_session(db: None) -> None:
    world = public_world()
    world.award(1_000_000)
    period = world.computed_period()
    client = client_of(world.controller, enforce_csrf_checks=True)
    answer = approve(client, period, "key-00000001")
    assert answer.status_code == 403
    period.refresh_from_db()
    assert period.state == "computed"


def test_errors_are_problems_with_the_words_of_the_pages(pool: World) -> None:
    for client, address, status in (
        (client_of(None), f"{API}pools/none/", 404),
        (client_of(None), f"{API}me/memberships/", 401),
        (client_of(pool.stranger), f"{POOL}my-charges/", 404),
        (client_of(pool.treasurer), f"{POOL}periods/99/", 404),
        (client_of(None), f"{API}token/", 401),
    ):
        response = client.get(address)
        assert response.status_code == status
        assert response.headers["Content-Type"] == "application/problem+json"
        body = response.json()
        assert (body["status"], body["type"][:8]) == (status, "urn:aid:")
    assert client_of(None).get(f"{API}me/memberships/").headers["WWW-Authenticate"] == "Bearer"
    assert client_of(None).post(f"{API}pools/").status_code == 405
    chinese = client_of(None, language="zh-hans").get(f"{API}pools/none/").json()
    assert re.search(r"[\u4e00-\u9fff]", chinese["title"])


def test_absent_and_not_yours_answer_alike(pool: World) -> None:
    client = client_of(pool.stranger)
    for tail in ("my-charges/", "entries/", "accounts/", "trial-balance/", "entries/1/"):
        mine, none = client.get(POOL + tail), client.get(f"{API}pools/no-such/{tail}")
        assert (mine.status_code, mine.content) == (none.status_code, none.content) == (404, mine.content)


def test_token_speaks_for_its_person_until_it_ends(pool: World) -> None:
    person = member()
    session = client_of(person)
    token = session.post(f"{API}token/").json()["token"]
    program = Client(headers={"Authorization": f"Bearer {token}"})
    assert get(program, f"{API}me/memberships/")[0]["pool"] == "test-pool"
    assert ApiToken.objects.get().token_sha256 not in token
    assert program.post(f"{API}token/").status_code == 403
    newer = session.post(f"{API}token/").json()["token"]
    assert program.get(f"{API}me/memberships/").status_code == 401
    program = Client(headers={"Authorization": f"Bearer {newer}"})
    assert program.delete(f"{API}token/").status_code == 204
    assert program.get(f"{API}me/memberships/").status_code == 401
    for bad in ("Bearer", "Bearer a b", "Bearer é", f"Bearer {newer}x"):
        assert Client(headers={"Authorization": bad}).get(f"{API}me/memberships/").status_code == 401


def test_token_of_a_person_who_was_shut_out_opens_nothing(pool: World) -> None:
    person = member()
    token = client_of(person).post(f"{API}token/").json()["token"]
    User.objects.filter(pk=person.pk).update(is_active=False)
    program = Client(headers={"Authorization": f"Bearer {token}"})
    assert program.get(f"{API}me/memberships/").status_code == 401


@pytest.mark.parametrize(("second_factor", "status"), [(True, 200), (False, 403)])
def test_token_is_as_strong_as_the_session_it_was_made_in(
    pool: World, second_factor: bool, status: int
) -> None:
    token = client_of(pool.auditor, second_factor=second_factor).post(f"{API}token/").json()["token"]
    program = Client(headers={"Authorization": f"Bearer {token}"})
    assert program.get(f"{POOL}trial-balance/").status_code == status


def test_pages_follow_a_cursor_without_a_gap(pool: World) -> None:
    client = client_of(pool.auditor)
    address: str | None = f"{POOL}entries/?limit=1"
    seen: list[int] = []
    while address:
        page = get(client, address)
        seen += [row["number"] for row in page["results"]]
        address = page["next"]
    assert seen == list(JournalEntry.objects.order_by("-number").values_list("number", flat=True))


@pytest.mark.parametrize("tail", ["periods/", "cases/", "entries/", "my-charges/"])
def test_lists_cost_the_same_for_one_row_and_three(pool: World, tail: str) -> None:
    client = client_of(member() if tail == "my-charges/" else pool.auditor)
    client.get(POOL + tail)
    with CaptureQueriesContext(connection) as one:
        client.get(POOL + tail)
    for number in (2, 3):
        post_another_period(pool, f"C-{number}")
    with CaptureQueriesContext(connection) as three:
        client.get(POOL + tail)
    assert len(three) == len(one)


def test_limits_are_counted_in_the_database_and_end_with_429(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rest_framework.throttling import AnonRateThrottle

    monkeypatch.setattr(AnonRateThrottle, "THROTTLE_RATES", {"anon": "3/min", "user": "3/min"})
    client = client_of(None)
    answers = [client.get(f"{API}pools/").status_code for _ in range(4)]
    assert answers == [200, 200, 200, 429]
    refused = client.get(f"{API}pools/")
    assert refused.json()["type"] == "urn:aid:throttled"
    assert int(refused.headers["Retry-After"]) > 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM work_cache WHERE cache_key LIKE '%%throttle%%'")
        assert cursor.fetchone()[0] > 0


def schema_of_all() -> Any:
    accept = {"accept": "application/vnd.oai.openapi+json"}
    return json.loads(client_of(None).get(f"{API}schema/", headers=accept).content)


def test_schema_names_every_address_and_no_amount_is_a_float(db: None) -> None:
    schema = schema_of_all()
    ours = {f"/{route}" for route, pattern in patterns() if pattern.name != "api_schema"}
    ours = {re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route) for route in ours if route.startswith("/api/")}
    assert set(schema["paths"]) == ours
    for name, model in schema["components"]["schemas"].items():
        for field, kind in model.get("properties", {}).items():
            if field.endswith("_fen"):
                assert kind["type"] == "integer", (name, field)


def test_schema_is_made_without_a_warning(db: None, capsys: pytest.CaptureFixture[str]) -> None:
    reset_generator_stats()  # what was said once is not said again
    SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    assert capsys.readouterr().err.splitlines() == []


def test_schema_tells_of_keys_and_of_problems(db: None) -> None:
    deeds = {
        operation["operationId"]: [one["name"] for one in operation.get("parameters", [])]
        for methods in schema_of_all()["paths"].values()
        for operation in methods.values()
        if "application/problem+json" in operation["responses"]["default"]["content"]
    }
    keyed = {name for name, parameters in deeds.items() if "Idempotency-Key" in parameters}
    assert keyed == {
        "approve_period",
        "cancel_posting",
        "make_payment_file",
        "order_aid",
        "release_payment",
        "identify_receipt",
        "cancel_payment",
        "order_write_off",
        "approve_write_off",
        "withdraw_write_off",
        "leave_pool",
        "end_child",
        "report_end",
        "confirm_end",
        "withdraw_end",
        "object_to_case",
        "appeal_claim",
        "open_paper",
        "open_paper_of_investigation",
        "order_investigation",
        "approve_cost",
        "turn_down_cost",
        "order_cost",
        "take_to_jury",
        "cast_ballot",
        "decide_as_arbiter",
        "recommend_claim",
        "decide_claim",
        "write_review_note",
        "request_papers",
        "open_paper_from_outside",
        "recommend_from_outside",
        "decide_from_outside",
        "file_complaint",
        "ask_my_pause",
        "ask_pause",
        "propose_pause",
        "grant_pause",
        "decline_pause",
        "make_charge_files",
        "import_debit_results",
        "retry_my_debit",
        "propose_release_limits",
        "approve_release_limits",
        "withdraw_release_limits",
        "propose_witnesses",
        "approve_witnesses",
        "withdraw_witnesses",
        "propose_reversal",
        "agree_to_reversal",
        "withdraw_reversal",
        "propose_undoing",
        "agree_to_undoing",
        "withdraw_undoing",
        "propose_revocation",
        "agree_to_revocation",
        "withdraw_revocation",
        "propose_explanation",
        "agree_to_explanation",
        "withdraw_explanation",
        "propose_month_close",
        "agree_to_month_close",
        "withdraw_month_close",
        "propose_month_reopening",
        "agree_to_month_reopening",
        "withdraw_month_reopening",
        "propose_interest",
        "confirm_interest",
        "withdraw_interest",
        "report_income",
        "confirm_income",
        "withdraw_income",
    }
    assert "my_claim" in deeds
