"""Several people at one instant: one effect, and clear refusals for the rest."""

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, connection

from aidplatform.lib import clock
from aidplatform.lib.errors import ConflictError, as_domain_error
from aidplatform.testing.bank import Bank, charged_world
from aidplatform.testing.ledgers import assert_books_true, balances
from aidplatform.testing.world import World
from aidplatform.work.idempotency import once
from ledger.custody import services
from ledger.custody.models import BankStatement, Collection, PaymentOrder
from ledger.custody.statement_files import write_csv
from ledger.custody.statement_parts import IN, OUT
from ledger.sharing.selectors import book_of
from members.people.models import User
from members.pools.models import DutyGrant

pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.fixture
def paid() -> tuple[World, Bank]:
    """Return a pool whose members have all paid, on a database with real commits."""
    world, bank, _period = charged_world(100_000, 50_000)
    bank.all_pay()
    return world, bank


def at_once(*acts: Callable[[], Any]) -> Counter[str]:
    """Run all at one instant on connections of their own; count what came of each: its answer or its refusal."""
    barrier, outcomes, lock = threading.Barrier(len(acts)), Counter[str](), threading.Lock()

    def run(act: Callable[[], Any]) -> None:
        barrier.wait()
        try:
            answer = act()
            outcome = str(answer) if isinstance(answer, str) else "done"
        except ConflictError as error:
            outcome = error.code
        except DatabaseError as error:
            named = as_domain_error(error)
            outcome = named.code if named else repr(error)
        finally:
            connection.close()
        with lock:
            outcomes[outcome] += 1

    threads = [threading.Thread(target=run, args=[act], daemon=True) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sum(outcomes.values()) == len(acts), "somebody still waits"
    return outcomes


def second_controller(world: World) -> User:
    """Appoint another controller, as two people do."""
    person = User.objects.create_user("controller2@test-pool.example.org", name="Second")
    DutyGrant.objects.create(
        pool=world.pool,
        person=person,
        duty="controller",
        proposed_by=world.admin,
        confirmed_by=world.auditor,
        granted_at=clock.now(),
    )
    return person


def releasing(order: PaymentOrder, code: str) -> Callable[[], Any]:
    return lambda: services.release_payment(
        order=order, releaser=code, shown_sha256=order.shown_sha256 or "", at=clock.now()
    )


def test_two_controllers_release_one_order_once(paid: tuple[World, Bank]) -> None:
    world, bank = paid
    other = second_controller(world)
    order = bank.order_aid(world.pool.awards.get(code="C-1"), 100_000)
    outcomes = at_once(releasing(order, world.controller.code), releasing(order, other.code))
    assert outcomes == {"done": 1, "order_state_follows_order": 1}
    assert balances(book_of(world.pool))["270"] == -100_000
    assert_books_true(world.pool)


def test_two_releases_never_spend_the_same_money(paid: tuple[World, Bank]) -> None:
    """Two orders fit the money when they are made; then the bank takes some: only one can still go."""
    world, bank = paid
    other = second_controller(world)
    orders = [bank.order_aid(world.pool.awards.get(code="C-1"), 90_000)]
    orders.append(bank.order_aid(world.pool.awards.get(code="C-2"), 50_000))
    bank.take(bank.statement(bank.line(OUT, 60_000)))
    outcomes = at_once(releasing(orders[0], world.controller.code), releasing(orders[1], other.code))
    assert outcomes == {"done": 1, "aid_never_spends_protected_money": 1}
    assert PaymentOrder.objects.filter(state="released").count() == 1
    assert_books_true(world.pool)


def test_orders_at_one_instant_stay_within_the_award(paid: tuple[World, Bank]) -> None:
    world, bank = paid
    award = world.pool.awards.get(code="C-2")
    outcomes = at_once(*[lambda: bank.order_aid(award, 20_000)] * 6)
    assert outcomes == {"done": 2, "aid_paid_at_most_the_award": 4}
    assert sorted(PaymentOrder.objects.values_list("number", flat=True)) == [1, 2]


def test_fifty_clicks_release_once(paid: tuple[World, Bank]) -> None:
    world, bank = paid
    order = bank.order_aid(world.pool.awards.get(code="C-1"), 100_000)

    def click() -> str:
        def act() -> dict[str, Any]:
            return {"state": releasing(order, world.controller.code)().state}

        return str(once(scope="release", key="one-click", content={"n": 1}, act=act)["state"])

    assert at_once(*[click] * 50) == {"released": 50}
    assert balances(book_of(world.pool))["270"] == -100_000


def test_one_file_imported_by_eight_at_once_is_one_statement(paid: tuple[World, Bank]) -> None:
    world, bank = paid
    data = write_csv(bank.statement(bank.line(IN, 777)))
    outcomes = at_once(*[lambda: str(bank.take_bytes(data).is_new)] * 8)
    assert outcomes == {"True": 1, "False": 7}
    assert BankStatement.objects.count() == 2
    assert balances(book_of(world.pool))["250"] == -777
    assert_books_true(world.pool)


def test_release_and_cancel_at_once_have_one_outcome(paid: tuple[World, Bank]) -> None:
    world, bank = paid
    order = bank.order_aid(world.pool.awards.get(code="C-1"), 100_000)
    outcomes = at_once(
        releasing(order, world.controller.code),
        lambda: services.cancel_order(order=order, canceller=world.treasurer.code, at=clock.now()),
    )
    order.refresh_from_db()
    in_transit = balances(book_of(world.pool)).get("270", 0)
    assert (order.state, in_transit) in {("released", -100_000), ("cancelled", 0)}
    assert outcomes["done"] == 1
    assert_books_true(world.pool)


def test_import_and_release_at_once_keep_bank_and_ledger_together(paid: tuple[World, Bank]) -> None:
    world, bank = paid
    order = bank.order_aid(world.pool.awards.get(code="C-1"), 100_000)
    data = write_csv(bank.statement(bank.line(IN, 5)))
    assert at_once(releasing(order, world.controller.code), lambda: bank.take_bytes(data)) == {"done": 2}
    assert balances(book_of(world.pool))["101"] == 162_006
    assert Collection.objects.count() == 7
    assert_books_true(world.pool)
