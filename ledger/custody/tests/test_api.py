"""Custody as a program meets it: who reads what, and money that moves once however often it is asked for."""

import json
from collections import Counter
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from aidplatform.testing.bank import Bank, charged_world
from aidplatform.testing.ledgers import assert_books_true, balances
from aidplatform.testing.races import together
from aidplatform.testing.world import World
from aidplatform.tests.pages_helpers import client_of
from ledger.custody.models import PaymentOrder
from ledger.custody.tests.test_races import second_controller
from ledger.sharing.models import Period
from ledger.sharing.selectors import book_of

Charged = tuple[World, Bank, Period]
POOL = "/api/v1/pools/test-pool/"
AID = f"{POOL}payments/aid/C-1/"
PAYEE = {"payee_name": "Zhang San", "payee_account": "6222 9999 0000 1111"}
NO_BANK = dict.fromkeys(
    (
        *("agrees", "ledger_fen", "bank_fen", "difference_fen", "statement", "until_date"),
        *("checked_date", "rules_broken"),
    )
)


@pytest.fixture(autouse=True)
def no_counts_left_over(request: pytest.FixtureRequest) -> None:
    """Begin with empty throttle counts: the table is rolled back, but the clock of a window is not."""
    if "db" in request.fixturenames:
        request.getfixturevalue("db")
        cache.clear()


@pytest.fixture
def paid(charged: Charged) -> Charged:
    """Let every member pay."""
    charged[1].all_pay()
    return charged


def get(client: Client, address: str, status: int = 200) -> Any:
    response = client.get(address)
    assert response.status_code == status, response.content
    return json.loads(response.content)


def send(client: Client, address: str, key: str | None = "key-00000001", **content: Any) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(address, json.dumps(content), content_type="application/json", headers=headers)


def order(client: Client, key: str | None = "key-00000001", fen: int = 100_000, **content: Any) -> Any:
    return send(client, AID, key, **(PAYEE | {"amount_fen": fen} | content))


def told(response: Any) -> tuple[int, str]:
    """Return status and word of a refusal."""
    assert response.headers["Content-Type"] == "application/problem+json"
    return response.status_code, response.json()["type"].removeprefix("urn:aid:")


# --- reading --------------------------------------------------------------------------------------------------


def test_everyone_reads_that_bank_equals_ledger(db: None) -> None:
    world, bank, _period = charged_world(100_000, members=100)
    assert get(client_of(None), f"{POOL}bank/") == NO_BANK
    bank.all_pay()
    row = get(client_of(None), f"{POOL}bank/")
    assert (row["agrees"], row["difference_fen"], row["statement"]) == (True, 0, 1)
    assert row["ledger_fen"] == row["bank_fen"] == balances(book_of(world.pool))["101"]


def test_bank_line_of_a_very_small_pool_is_for_its_staff(paid: Charged) -> None:
    world = paid[0]
    assert get(client_of(None), f"{POOL}bank/") == NO_BANK
    assert get(client_of(world.stranger), f"{POOL}bank/") == NO_BANK
    assert get(client_of(world.auditor), f"{POOL}bank/")["agrees"] is True
    assert get(client_of(world.auditor, second_factor=False), f"{POOL}bank/") == NO_BANK


def test_staff_read_statements_and_their_bookings_without_names(charged: Charged) -> None:
    world, bank, _period = charged
    client = client_of(world.auditor)
    assert get(client, f"{POOL}statements/")["results"] == []
    bank.take(bank.statement(bank.receipt(1, 23_143, counterparty="Li Lei"), bank.receipt(2, 100)))
    (row,) = get(client, f"{POOL}statements/")["results"]
    assert (row["number"], row["closing_fen"], row["line_count"]) == (1, 23_243, 2)
    assert get(client, f"{POOL}statements/1/") == row
    lines = get(client_of(world.treasurer), f"{POOL}statements/1/lines/")["results"]
    assert [(line["line_no"], line["amount_fen"], line["kind"]) for line in lines] == [
        (1, 23_143, "collection"),
        (2, 100, "collection"),
    ]
    assert "Li Lei" not in json.dumps(lines)
    assert get(client, f"{POOL}statements/9/", 404)["type"] == "urn:aid:not_found"
    assert get(client, f"{POOL}statements/9/lines/", 404)["type"] == "urn:aid:not_found"


def test_payments_are_read_and_payees_by_money_people(paid: Charged) -> None:
    world, bank, _period = paid
    made = bank.order_aid(world.pool.awards.get(code="C-1"), 100_000)
    (row,) = get(client_of(world.auditor), f"{POOL}payments/")["results"]
    assert (row["number"], row["kind"], row["what_for"], row["state"]) == (1, "aid", "C-1", "ordered")
    whole = get(client_of(world.controller), f"{POOL}payments/1/")
    assert whole["shown_sha256"] == made.shown_sha256
    assert str(whole["amount_fen"]) in whole["shown_text"]
    assert set(whole["payee"]) == {"name", "account"}
    assert get(client_of(world.auditor), f"{POOL}payments/1/") == whole | {"payee": None}
    assert get(client_of(world.auditor), f"{POOL}payments/9/", 404)["type"] == "urn:aid:not_found"


def test_treasurer_reads_what_can_be_ordered(paid: Charged) -> None:
    world, bank, _period = paid
    bank.order_aid(world.pool.awards.get(code="C-1"), 40_000)
    assert get(client_of(world.treasurer), f"{POOL}payable/") == [
        {"case": "C-1", "period": 1, "aid_fen": 100_000, "ordered_fen": 40_000, "payable_fen": 60_000},
        {"case": "C-2", "period": 1, "aid_fen": 50_000, "ordered_fen": 0, "payable_fen": 50_000},
    ]


READ = ("statements/", "statements/1/", "statements/1/lines/", "payments/", "payments/1/", "payable/")
DEEDS = ("payments/aid/C-1/", "payments/1/release/", "payments/1/cancellation/")


def test_strangers_find_the_same_nothing_everywhere(paid: Charged) -> None:
    world, bank, _period = paid
    bank.order_aid(world.pool.awards.get(code="C-1"), 40_000)
    client = client_of(world.stranger)
    for tail in READ + DEEDS:
        for method in (client.get, client.post):
            here, none = method(POOL + tail), method(f"/api/v1/pools/no-such/{tail}")
            assert (here.status_code, here.content) == (none.status_code, none.content) == (404, here.content)
        assert client_of(None).get(POOL + tail).status_code == 401


@pytest.mark.parametrize(
    ("tail", "may"),
    [
        ("payments/aid/C-1/", {"treasurer"}),
        ("payments/1/release/", {"controller"}),
        ("payments/1/cancellation/", {"controller", "treasurer"}),
    ],
)
def test_other_duties_move_no_money(paid: Charged, tail: str, may: set[str]) -> None:
    world, bank, _period = paid
    bank.order_aid(world.pool.awards.get(code="C-1"), 40_000)
    for duty in {"admin", "controller", "treasurer", "auditor"} - may:
        assert told(send(client_of(getattr(world, duty)), POOL + tail)) == (403, "forbidden")
    weak = client_of(getattr(world, min(may)), second_factor=False)
    assert told(send(weak, POOL + tail)) == (403, "second_factor_missing")
    assert PaymentOrder.objects.get().state == "ordered"


@pytest.mark.parametrize("tail", ["bank/", "statements/", "statements/1/lines/", "payments/", "payable/"])
def test_lists_cost_the_same_for_one_row_and_three(paid: Charged, tail: str) -> None:
    world, bank, _period = paid
    award = world.pool.awards.get(code="C-1")
    bank.order_aid(award, 10_000)
    client = client_of(world.auditor)
    client.get(POOL + tail)
    with CaptureQueriesContext(connection) as one:
        client.get(POOL + tail)
    for number in (1, 2):
        bank.order_aid(award, 10_000)
        bank.take(bank.statement(bank.receipt(number, 5)))
    with CaptureQueriesContext(connection) as three:
        client.get(POOL + tail)
    assert len(three) == len(one)


# --- moving money ---------------------------------------------------------------------------------------------


def test_case_is_paid_by_a_program(paid: Charged) -> None:
    """Order, release by another person exactly what is shown; the bank's statement confirms it."""
    world, bank, _period = paid
    made = order(client_of(world.treasurer))
    assert made.status_code == 201
    shown = get(client_of(world.controller), f"{POOL}payments/{made.json()['number']}/")
    assert shown["payee"] == {"name": "Zhang San", "account": "6222999900001111"}
    assert made.json() == {"number": 1, "shown_sha256": shown["shown_sha256"]}
    released = send(
        client_of(world.controller), f"{POOL}payments/1/release/", shown_sha256=shown["shown_sha256"]
    )
    assert (released.status_code, released.json()) == (200, {"state": "released"})
    bank.all_pay()
    assert get(client_of(world.auditor), f"{POOL}payments/1/")["state"] == "confirmed"
    assert_books_true(world.pool)


def test_same_key_orders_once_and_other_content_is_refused(paid: Charged) -> None:
    client = client_of(paid[0].treasurer)
    assert told(order(client, None)) == (400, "idempotency_key_missing")
    assert told(order(client, "short")) == (400, "idempotency_key_missing")
    first = order(client, fen=10_000)
    assert [order(client, fen=10_000).content for _repeat in range(3)] == [first.content] * 3
    assert told(order(client, fen=10_001)) == (409, "idempotency_key_reused")
    other = send(client, f"{POOL}payments/aid/C-2/", amount_fen=10_000, **PAYEE)
    assert told(other) == (409, "idempotency_key_reused")
    assert order(client, "key-00000002", fen=10_000).json()["number"] == 2
    assert PaymentOrder.objects.count() == 2


@pytest.mark.parametrize(
    "bad",
    [
        {"amount_fen": 0},
        {"amount_fen": -5},
        {"amount_fen": 10.5},
        {"amount_fen": 2**53},
        {"amount_fen": "much"},
        {"payee_name": ""},
        {"payee_name": "x" * 81},
        {"payee_account": "!"},
        {"payee_account": "6222\u0000 9999"},
        {"payee_account": None},
    ],
)
def test_bad_order_is_a_400_and_leaves_its_key_unused(paid: Charged, bad: dict[str, Any]) -> None:
    client = client_of(paid[0].treasurer)
    refused = order(client, **bad)
    assert told(refused)[0] == 400
    assert next(iter(bad)) in refused.json()["title"]
    assert order(client).status_code == 201


def test_refusals_of_the_database_keep_their_names_and_the_key(charged: Charged) -> None:
    world, bank, _period = charged
    client = client_of(world.treasurer)
    assert told(order(client)) == (409, "aid_is_paid_as_collected")
    assert told(send(client, f"{POOL}payments/aid/C-9/", amount_fen=1, **PAYEE)) == (404, "not_found")
    bank.all_pay()
    assert order(client).status_code == 201
    assert told(order(client, "key-00000002", fen=1)) == (409, "aid_paid_at_most_the_award")


def test_release_is_of_exactly_what_was_shown_and_happens_once(paid: Charged) -> None:
    world, bank, _period = paid
    made = bank.order_aid(world.pool.awards.get(code="C-1"), 100_000)
    client, address = client_of(world.controller), f"{POOL}payments/1/release/"
    assert told(send(client, address, shown_sha256="abc"))[0] == 400
    assert told(send(client, address, shown_sha256="0" * 64)) == (409, "release_is_of_what_was_shown")
    assert told(send(client, address, None, shown_sha256=made.shown_sha256))[0] == 400
    for _repeat in range(3):
        answer = send(client, address, shown_sha256=made.shown_sha256)
        assert (answer.status_code, answer.json()) == (200, {"state": "released"})
    again = send(client, address, "key-00000002", shown_sha256=made.shown_sha256)
    assert told(again) == (409, "order_state_follows_order")
    missing = send(client, f"{POOL}payments/9/release/", shown_sha256="0" * 64)
    assert told(missing) == (404, "not_found")
    assert balances(book_of(world.pool))["270"] == -100_000


def test_treasurer_takes_an_order_back_and_only_a_controller_a_release(paid: Charged) -> None:
    world, bank, _period = paid
    award = world.pool.awards.get(code="C-1")
    bank.order_aid(award, 40_000)
    treasurer, controller = client_of(world.treasurer), client_of(world.controller)
    address = f"{POOL}payments/1/cancellation/"
    assert told(send(treasurer, address, None)) == (400, "idempotency_key_missing")
    for _repeat in range(2):
        assert send(treasurer, address).json() == {"state": "cancelled"}
    assert told(send(controller, address)) == (409, "order_state_follows_order")
    bank.release(bank.order_aid(award, 40_000))
    address = f"{POOL}payments/2/cancellation/"
    assert told(send(treasurer, address)) == (409, "custody_people_hold_their_duty")
    assert send(controller, address).json() == {"state": "cancelled"}
    assert_books_true(world.pool)


def released_at_once(world: World, *requests: tuple[Client, str]) -> Counter[tuple[int, str]]:
    """Let the clients release payment 1 at one instant, each with its key; count what they are told."""
    shown = PaymentOrder.objects.get().shown_sha256
    answers = together(
        [
            lambda client=client, key=key: send(  # type: ignore[misc]
                client, f"{POOL}payments/1/release/", key, shown_sha256=shown
            )
            for client, key in requests
        ]
    )
    assert_books_true(world.pool)
    assert balances(book_of(world.pool))["270"] == -100_000
    return Counter(
        (one.status_code, one.json().get("state") or one.json()["type"].removeprefix("urn:aid:"))  # type: ignore[union-attr]
        for one in answers
    )


@pytest.mark.usefixtures("committed_db")
def test_two_controllers_release_at_once_and_one_is_told_so() -> None:
    world, bank, _period = charged_world(100_000, 50_000)
    bank.all_pay()
    other = second_controller(world)
    bank.order_aid(world.pool.awards.get(code="C-1"), 100_000)
    one, two = client_of(world.controller), client_of(other)
    outcomes = released_at_once(world, (one, "key-00000001"), (two, "key-00000001"))
    assert outcomes == {(200, "released"): 1, (409, "order_state_follows_order"): 1}


@pytest.mark.usefixtures("committed_db")
def test_one_key_sent_eight_times_at_once_releases_once() -> None:
    world, bank, _period = charged_world(100_000, 50_000)
    bank.all_pay()
    bank.order_aid(world.pool.awards.get(code="C-1"), 100_000)
    requests = [(client_of(world.controller), "key-00000001") for _client in range(8)]
    assert released_at_once(world, *requests) == {(200, "released"): 8}
