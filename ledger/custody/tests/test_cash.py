"""Cash before release: a worked day of a treasurer, to the fen, on the page, as CSV and for programs."""

import json

import pytest
from django.core.cache import cache
from hypothesis import given
from hypothesis import strategies as st

from aidplatform.lib import clock
from aidplatform.testing.bank import Bank
from aidplatform.testing.world import World
from aidplatform.tests.pages_helpers import client_of
from ledger.custody import services
from ledger.custody.cash import Cash, cash_of, lacking_fen
from ledger.custody.models import StatementLine
from ledger.custody.statement_parts import IN, OUT
from ledger.sharing.models import Period

Charged = tuple[World, Bank, Period]
PAGE = "/pools/test-pool/custody/payments/"
API = "/api/v1/pools/test-pool/cash/"


def cash(world: World) -> Cash:
    found = cash_of(world.pool)
    assert found is not None
    return found


def row(world: World, kind: str) -> tuple[int, ...]:
    """Return owed, ordered, released, there for it, lacking for orders, lacking for all (fen)."""
    (part,) = [one for one in cash(world).parts if one.kind == kind]
    return (
        *(part.owed_fen, part.ordered_fen, part.released_fen),
        *(part.left_fen, part.orders_lack_fen, part.owed_lacks_fen),
    )


def test_nothing_is_there_before_the_first_statement(charged: Charged) -> None:
    world, _bank, _period = charged
    assert (cash(world).last, cash(world).bank_fen) == (None, 0)
    assert row(world, "aid") == (150_000, 0, 0, 0, 0, 150_000)
    assert row(world, "fee") == (12_000, 0, 0, 0, 0, 12_000)


def test_orders_and_dues_are_covered_in_their_order(charged: Charged) -> None:
    """1,620.01 came for aid 1,500.00 and fee 120.00, with 300.00 of which 68.57 is owed back to nobody yet known."""
    world, bank, period = charged
    bank.all_pay()
    bank.take(bank.statement(bank.line(IN, 999, text="no reference")))
    bank.release(bank.order_aid(world.pool.awards.get(code="C-1"), 100_000))
    bank.order_aid(world.pool.awards.get(code="C-2"), 50_000)
    bank.order_fee(period, 12_000)
    found = cash(world)
    assert (found.bank_fen, found.released_fen, found.others_fen) == (163_000, 100_000, 999)
    assert row(world, "aid") == (50_000, 50_000, 100_000, 62_001, 0, 0)
    assert row(world, "fee") == (12_000, 12_000, 0, 12_001, 0, 0)
    assert (found.ordered_fen, found.orders_lack_fen, found.owed_lacks_fen) == (62_000, 0, 0)


def test_a_chargeback_after_the_orders_leaves_the_fee_uncovered_first(charged: Charged) -> None:
    world, bank, period = charged
    bank.all_pay()
    bank.order_aid(world.pool.awards.get(code="C-1"), 100_000)
    bank.order_aid(world.pool.awards.get(code="C-2"), 50_000)
    bank.order_fee(period, 12_000)
    bank.take(bank.statement(bank.line(OUT, 23_143, text=bank.reference(1))))
    assert row(world, "aid") == (150_000, 150_000, 0, 138_858, 11_142, 11_142)
    assert row(world, "fee") == (12_000, 12_000, 0, -11_142, 12_000, 12_000)
    assert (cash(world).orders_lack_fen, cash(world).owed_lacks_fen) == (23_142, 23_142)


def test_money_paid_back_comes_before_aid(charged: Charged) -> None:
    world, bank, _period = charged
    bank.take(bank.statement(bank.line(IN, 5_000, text="no reference"), bank.receipt(1, 23_143)))
    (receipt,) = StatementLine.objects.filter(kind="unidentified")
    services.order_payment(
        pool=world.pool,
        kind="refund",
        receipt=receipt,
        amount_fen=3_000,
        payee_name="Who was it",
        payee_account="6222 1",
        orderer=world.treasurer.code,
        at=clock.now(),
    )
    assert cash(world).others_fen == 2_000
    assert row(world, "refund") == (3_000, 3_000, 0, 26_143, 0, 0)
    assert row(world, "aid") == (150_000, 0, 0, 23_143, 0, 126_857)


@given(asked=st.integers(0, 2**53), there=st.integers(-(2**53), 2**53))
def test_what_is_lacking_is_never_more_than_what_is_asked(asked: int, there: int) -> None:
    lack = lacking_fen(asked, there)
    assert 0 <= lack <= asked
    assert lack == 0 or lack == asked or asked - lack == there


def test_page_csv_and_api_say_the_same(charged: Charged) -> None:
    cache.clear()
    world, bank, period = charged
    bank.all_pay()
    bank.order_aid(world.pool.awards.get(code="C-1"), 100_000)
    bank.order_aid(world.pool.awards.get(code="C-2"), 50_000)
    bank.order_fee(period, 12_000)
    for person in (world.treasurer, world.controller):
        page = client_of(person).get(PAGE).content.decode()
        assert "Every order can be paid, and all that is owed." in page
        assert "Not every order" not in page
    bank.take(bank.statement(bank.line(OUT, 23_143, text=bank.reference(1))))
    page = client_of(world.controller).get(PAGE).content.decode()
    assert "Not every order can be paid." in page
    assert page.count('<strong class="lacking">') == 4
    told = b"".join(client_of(world.auditor).get(f"{PAGE}cash.csv").streaming_content).decode()
    assert "aid,0.00,1500.00,1500.00,1388.58,111.42,111.42\r\n" in told
    assert "fee,0.00,120.00,120.00,-111.42,120.00,120.00\r\n" in told
    answer = json.loads(client_of(world.treasurer).get(API).content)
    assert (answer["bank_fen"], answer["orders_lack_fen"]) == (138_858, 23_142)
    assert [(part["kind"], part["orders_lack_fen"]) for part in answer["parts"]] == [
        ("refund", 0),
        ("cost", 0),
        ("aid", 11_142),
        ("fee", 12_000),
    ]


@pytest.mark.parametrize("address", [f"{PAGE}cash.csv", API])
def test_cash_is_for_who_reads_the_bank(charged: Charged, address: str) -> None:
    cache.clear()
    world = charged[0]
    assert client_of(world.stranger).get(address).status_code == 404
    assert client_of(world.admin).get(address).status_code == 200
