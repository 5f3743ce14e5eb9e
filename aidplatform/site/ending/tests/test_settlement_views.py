"""The page on which a pool that ends is settled, its doors for programs, and the close that follows."""

import pytest
from django.core.cache import cache
from django.urls import reverse

from aidplatform.lib import clock
from aidplatform.site.ending.checklist import checklist
from aidplatform.testing.bank import Bank, charged_world
from aidplatform.testing.endings import wind_down
from aidplatform.testing.prepared import prepared
from aidplatform.testing.world import World, set_clock
from aidplatform.tests.pages_helpers import client_of
from ledger.custody.settlement_models import FinalSettlement
from members.ending.selectors import live_ending

PAGE = "/pools/test-pool/ending/settlement/"
API = "/api/v1/pools/test-pool/ending/settlements/"
SHARE = 23_143


@pytest.fixture(autouse=True)
def no_counts_left_over(db: None) -> None:
    """Begin with empty counts of requests."""
    cache.clear()


@prepared
def over() -> World:
    """Return a pool of seven of whom five have paid, after its run-off."""
    world, bank, _period = charged_world(100_000, 50_000)
    bank.take(bank.statement(*(bank.receipt(number, SHARE) for number in range(1, 6))))
    ending = wind_down(world)
    set_clock(clock.start_of_day(ending.run_off_end_date, world.pool.time_zone))
    return world


def open_items(world: World) -> list[str]:
    ending = live_ending(world.pool)
    assert ending is not None
    return [item.code for item in checklist(world.pool, ending, clock.now()).items if not item.is_done]


def test_treasurer_orders_controller_approves_and_nothing_is_left_unpaid(over: World) -> None:
    treasurer, controller = client_of(over.treasurer), client_of(over.controller)
    assert "uncollected" in open_items(over)
    assert PAGE in controller.get("/pools/test-pool/ending/").content.decode()
    assert "462.86" in treasurer.get(PAGE).content.decode()
    for _click in range(2):
        assert treasurer.post(f"{PAGE}order/").status_code == 302
    one = FinalSettlement.objects.get()
    shown = controller.get(PAGE).content.decode()
    assert one.shown_sha256 in shown
    assert "C-2" in shown
    assert controller.post(f"{PAGE}1/approve/", {"shown_sha256": "0" * 64}).status_code == 409
    for _click in range(2):
        answer = controller.post(f"{PAGE}1/approve/", {"shown_sha256": one.shown_sha256})
        assert answer.status_code == 302
    one.refresh_from_db()
    assert one.state == "approved"
    entry = controller.get(reverse("entry", args=["test-pool", one.entry.number])).content.decode()
    assert PAGE in entry
    assert "uncollected" not in open_items(over)
    assert treasurer.post(f"{PAGE}1/withdraw/").status_code == 409


def test_withdrawal_and_bad_moments(over: World) -> None:
    treasurer = client_of(over.treasurer)
    treasurer.post(f"{PAGE}order/")
    for _click in range(2):
        assert treasurer.post(f"{PAGE}1/withdraw/").status_code == 302
    assert FinalSettlement.objects.get().state == "withdrawn"
    Bank(over).order_aid(over.pool.awards.get(code="C-1"), 100)
    answer = treasurer.post(f"{PAGE}order/")
    assert answer.status_code == 409
    assert "under way" in answer.content.decode()


def test_who_may_open_and_order(over: World) -> None:
    assert client_of(over.auditor).get(PAGE).status_code == 200
    assert client_of(over.stranger).get(PAGE).status_code in {403, 404}
    for person in (over.controller, over.admin, over.auditor):
        assert client_of(person).post(f"{PAGE}order/").status_code == 403
    client_of(over.treasurer).post(f"{PAGE}order/")
    assert client_of(over.treasurer).post(f"{PAGE}1/approve/").status_code == 403


def test_programs_order_approve_and_withdraw(over: World) -> None:
    treasurer, controller = client_of(over.treasurer), client_of(over.controller)
    made = treasurer.post(f"{API}order/", content_type="application/json")
    assert made.status_code == 201
    assert made.json()["receivable_fen"] == 2 * SHARE
    assert (
        treasurer.post(f"{API}1/withdrawal/", content_type="application/json").json()["state"] == "withdrawn"
    )
    made = treasurer.post(f"{API}order/", content_type="application/json").json()
    done = controller.post(
        f"{API}2/approval/", {"shown_sha256": made["shown_sha256"]}, content_type="application/json"
    ).json()
    assert (done["state"], done["carry_fen"] + done["fee_fen"] + done["aid_fen"]) == ("approved", 2 * SHARE)
    rows = treasurer.get(API).json()["results"]
    assert [(row["number"], row["state"]) for row in rows] == [(2, "approved"), (1, "withdrawn")]
