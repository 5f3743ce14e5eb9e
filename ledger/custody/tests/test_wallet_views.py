"""Pages of wallets: the member's own, the treasurer's list, paying one back; and the same for programs."""

import datetime as dt
import uuid
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from aidplatform.lib import clock
from aidplatform.testing.bank import ZONE, Bank
from aidplatform.testing.prepared import prepared
from aidplatform.testing.world import World, run_jobs, set_clock
from ledger.custody import services
from ledger.custody.models import PaymentOrder
from ledger.custody.statement_parts import IN
from ledger.custody.tests.test_views import client_of
from ledger.custody.tests.test_wallet_life import FUNDING, Town, day
from members.people.models import User
from members.people.services import make_token

CODE = "test-pool"


def url(name: str, *arguments: Any) -> str:
    return reverse(name, args=[CODE, *arguments])


@prepared
def town() -> Town:
    """Give the test a pool in which Li's wallet has run short."""
    town = Town.founded()
    town.short_period()
    run_jobs()
    return town


def li(town: Town) -> User:
    assert town.li.person is not None
    return town.li.person


def test_member_sees_balance_movements_and_what_to_do(town: Town) -> None:
    page = client_of(li(town)).get(url("my_wallet")).content.decode()
    for said in (
        "Suspended since",
        "¥100.00",
        "¥132.00",
        "top-up",
        "share of period 1",
        town.bank.reference(5)[:4],
    ):
        assert said in page
    assert "Movements, and how to top up" in client_of(li(town)).get(url("my_pool")).content.decode()


def test_member_is_shown_what_the_next_charge_takes_at_most(db: None) -> None:
    town = Town.founded()
    town.hears("01-02", 50_000, "01-03")
    town.world.award(200_000)
    town.world.computed_period()
    page = client_of(li(town)).get(url("my_wallet")).content.decode()
    assert "The next charge takes at most" in page
    assert "¥432.00" in page


def test_new_member_is_told_what_to_pay_and_until_when(db: None) -> None:
    town = Town.founded()
    page = client_of(li(town)).get(url("my_pool")).content.decode()
    assert "The first payment is awaited: ¥300.00" in page
    town.hears("02-01", 30_000, "02-02")
    page = client_of(li(town)).get(url("my_wallet")).content.decode()
    assert "the membership has lapsed" in page
    assert "What is left in the wallet is paid back." in page


def test_wallet_is_nobody_elses_and_there_is_none_where_members_pay_afterwards(town: Town) -> None:
    assert client_of(town.world.stranger).get(url("my_wallet")).status_code == 404
    assert Client().get(url("my_wallet")).status_code == 302
    other = World.founded(code="other-pool")
    assert client_of(other.treasurer).get(reverse("custody_wallets", args=["other-pool"])).status_code == 404
    page = client_of(other.treasurer).get(reverse("custody", args=["other-pool"])).content.decode()
    assert "Wallets" not in page
    assert "Collected, period by period" in page


@pytest.mark.parametrize("name", ["custody_wallets", "custody_wallets_csv"])
def test_list_opens_to_money_people_and_to_no_stranger(town: Town, name: str) -> None:
    world = town.world
    for person in (world.treasurer, world.controller, world.auditor, world.admin):
        assert client_of(person).get(url(name)).status_code == 200
    assert client_of(world.stranger).get(url(name)).status_code == 404
    assert Client().get(url(name)).status_code == 302


def test_list_shows_the_sum_beside_the_books_and_whom_to_look_after(town: Town) -> None:
    page = client_of(town.world.treasurer).get(url("custody_wallets")).content.decode()
    assert "Wallets and books say the same." in page
    assert page.count("¥2,272.00") >= 2
    assert "suspended" in page
    rows = client_of(town.world.auditor).get(url("custody_wallets_csv")).getvalue().decode().splitlines()
    assert rows[0].lstrip("\ufeff") == "membership,balance_CNY,state,until"
    assert rows[1] == "1,568.00,covered,"
    assert rows[5] == "5,0.00,suspended,2026-02-09"


def payee(amount: str) -> dict[str, str]:
    return {
        "amount": amount,
        "payee_name": "Li Si",
        "payee_account": "6222 9999 0000 1111",
        "key": str(uuid.uuid4()),
    }


def test_a_wallet_is_paid_back_by_two_people(town: Town) -> None:
    world, bank = town.world, town.bank
    page = client_of(world.treasurer).get(url("custody_wallet", 1)).content.decode()
    assert "¥568.00 can be paid back now" in page
    sent = payee("568.00")
    for _twice in range(2):
        assert client_of(world.treasurer).post(url("custody_pay_back", 1), sent).status_code == 302
    order = PaymentOrder.objects.get()
    assert (order.kind, order.what_for, order.amount_fen) == ("wallet", "#1", 56_800)
    bank.release(order)
    bank.all_pay()
    order.refresh_from_db()
    assert order.state == "confirmed"


def test_more_than_there_is_is_refused_in_words(town: Town) -> None:
    answer = client_of(town.world.treasurer).post(url("custody_pay_back", 1), payee("568.01"))
    assert answer.status_code == 409
    assert "More is not in this wallet." in answer.content.decode()
    assert client_of(town.world.treasurer).post(url("custody_pay_back", 1), payee("x")).status_code == 422
    assert client_of(town.world.controller).post(url("custody_pay_back", 1), payee("1.00")).status_code == 403
    assert client_of(town.world.treasurer).get(url("custody_wallet", 99)).status_code == 404


def test_returned_payment_is_in_the_wallet_again(town: Town) -> None:
    from ledger.custody.selectors import order_reference
    from ledger.custody.wallet_selectors import balance_fen

    world, bank = town.world, town.bank
    order = bank.release(bank.order_back(1, 6_800))
    bank.all_pay()
    bank.take(bank.statement(bank.line(IN, 6_800, text=f"account closed {order_reference(order)}")))
    first = world.pool.memberships.get(number=1)
    assert balance_fen(pool=world.pool, membership_id=first.pk) == 56_800
    order = bank.release(bank.order_back(1, 6_800))
    services.cancel_order(order=order, canceller=world.controller.code, at=clock.now())
    assert balance_fen(pool=world.pool, membership_id=first.pk) == 56_800


def test_identified_receipt_goes_to_the_wallet_whole(db: None) -> None:
    world = World.founded(members=3, funding=FUNDING)
    bank = Bank(world)
    bank.take(bank.statement(bank.line(IN, 700, text="?")))
    client = client_of(world.treasurer)
    assert "All of it goes to the member" in client.get(url("custody_receipt", 1, 1)).content.decode()
    sent = {"membership": "2", "key": str(uuid.uuid4())}
    assert client.post(url("custody_identify", 1, 1), sent).status_code == 302
    assert "¥7.00" in client.get(url("custody_wallet", 2)).content.decode()
    assert client.post(url("custody_identify", 1, 1), sent | {"key": str(uuid.uuid4())}).status_code >= 400


def test_who_ran_short_reads_suspended_and_not_ended_wherever_it_stands(town: Town) -> None:
    # Covered until the midnight after the posting.
    set_clock(clock.now() + dt.timedelta(days=1))
    client = client_of(li(town))
    for address, said in (
        ("/", "suspended, not covered since"),
        (f"/pools/{CODE}/me/", "Your membership is suspended"),
    ):
        page = client.get(address).content.decode()
        assert said in page
        assert "Your membership has ended" not in page
    assert client.get("/api/v1/me/memberships/").json()[0]["state"] == "suspended"


def test_wallet_for_programs(town: Town) -> None:
    token = make_token(person=li(town), is_strong=False, at=clock.now())
    client = Client(headers={"authorization": f"Bearer {token}"})
    told = client.get(reverse("api_my_wallet", args=[CODE])).json()
    assert (told["balance_fen"], told["asked_fen"], told["suspended_until"]) == (0, 10_000, "2026-02-09")
    assert [(one["kind"], one["amount_fen"], one["gap_fen"]) for one in told["movements"]] == [
        ("share", -30_000, 13_200),
        ("top_up", 30_000, 0),
    ]
    assert Client().get(reverse("api_my_wallet", args=[CODE])).status_code in {401, 403}
    assert day("02-09") > clock.today(ZONE)
