"""Payments by the list: what is chosen is ordered or released, each for itself; what is refused is named."""

import datetime as dt
from typing import Any

from aidplatform.lib import clock
from aidplatform.lib.csv_files import plain_fen
from aidplatform.site.todo import todos_of
from aidplatform.testing.bank import ZONE, Bank
from aidplatform.testing.ledgers import assert_books_true
from aidplatform.testing.prepared import prepared
from aidplatform.testing.world import World, set_clock
from ledger.custody import release_limits, selectors
from ledger.custody.models import PaymentOrder
from ledger.custody.statement_parts import IN
from ledger.custody.tests.test_views import client_of, key, url
from ledger.sharing.payees import Payee

Paid = tuple[World, Bank]
AIDS = {"C-1": 100_000, "C-2": 50_000, "C-3": 20_000}


@prepared
def paid() -> Paid:
    """Give each test a pool whose members have paid for three cases; the third names nobody to pay to."""
    world = World.founded(members=7)
    bank = Bank(world)
    for code, fen in AIDS.items():
        payee = Payee.of(f"Patient {code}", "6222 9999 0000 1111") if code != "C-3" else None
        world.award(fen, code=code, payee=payee)
    period = world.posted_period()
    set_clock(clock.start_of_day(period.charge_date, ZONE) + dt.timedelta(hours=10))
    bank.all_pay()
    return world, bank


def shown(world: World) -> dict[str, str]:
    """Return the fields of the list of aid as a browser would send them, with every box that is there."""
    page = client_of(world.treasurer).get(url("payments"))
    content = page.content.decode()
    fields = {f"aid-{one.award.code}": plain_fen(one.payable_fen) for one in page.context["payable"]}
    return {name: amount for name, amount in fields.items() if f'name="{name}" value="{amount}"' in content}


def orders() -> list[tuple[str, int, str]]:
    return [
        (order.what_for, order.amount_fen, order.state) for order in PaymentOrder.objects.order_by("number")
    ]


def order_all(world: World) -> Any:
    return client_of(world.treasurer).post(url("order_chosen"), {**shown(world), **key()}, follow=True)


def hashes() -> dict[str, str]:
    return {f"release-{order.number}": str(order.shown_sha256) for order in PaymentOrder.objects.all()}


def test_what_is_due_is_ordered_by_one_press(paid: Paid) -> None:
    """Of the case that names nobody there is no box: whom it goes to has to be written."""
    world, _bank = paid
    assert shown(world) == {"aid-C-1": "1000.00", "aid-C-2": "500.00"}
    assert "2 payments are ordered." in order_all(world).content.decode()
    assert orders() == [("C-1", 100_000, "ordered"), ("C-2", 50_000, "ordered")]
    assert selectors.payee_of(PaymentOrder.objects.get(number=1)).name == "Patient C-1"
    assert_books_true(world.pool)


def test_double_click_orders_once(paid: Paid) -> None:
    world, _bank = paid
    given = {**shown(world), **key()}
    for _click in range(2):
        assert client_of(world.treasurer).post(url("order_chosen"), given).status_code == 302
    assert len(orders()) == 2


def test_case_ordered_meanwhile_is_named_and_the_others_are_ordered(paid: Paid) -> None:
    world, bank = paid
    given = {**shown(world), **key()}
    bank.order_aid(world.pool.awards.get(code="C-3"), 20_000)
    client_of(world.treasurer).post(url("order_chosen"), {"aid-C-1": "1000.00", **key()})
    page = client_of(world.treasurer).post(url("order_chosen"), given)
    text = page.content.decode()
    assert page.status_code == 409
    assert "<strong>C-1</strong>" in text
    assert "aid_paid_at_most_the_award" in text
    assert orders() == [("C-3", 20_000, "ordered"), ("C-1", 100_000, "ordered"), ("C-2", 50_000, "ordered")]


def test_amount_or_payee_that_is_missing_is_told(paid: Paid) -> None:
    world, _bank = paid
    treasurer = client_of(world.treasurer)
    for fields in ({"aid-C-3": "200.00"}, {"aid-C-1": "much"}, {"aid-C-1": "-5"}):
        page = treasurer.post(url("order_chosen"), {**fields, **key()})
        assert (page.status_code, "incomplete" in page.content.decode()) == (422, True)
    assert "nothing_chosen" in treasurer.post(url("order_chosen"), key()).content.decode()
    assert treasurer.post(url("order_chosen"), {"aid-C-9": "1.00", **key()}).status_code == 404
    assert orders() == []


def test_chosen_payments_are_released_as_shown(paid: Paid) -> None:
    """The controller reads payee and account beside each box; what was not chosen waits."""
    world, bank = paid
    order_all(world)
    controller = client_of(world.controller)
    text = controller.get(url("payments")).content.decode()
    for number in (1, 2):
        assert f"Patient C-{number}" in text
    assert "checked" not in text
    assert controller.get(f"{url('payments')}?choose=all").content.decode().count(" checked>") == 2
    one = {name: value for name, value in hashes().items() if name == "release-1"}
    done = controller.post(url("release_chosen"), {**one, **key()}, follow=True)
    assert "1 payment is released." in done.content.decode()
    assert orders() == [("C-1", 100_000, "released"), ("C-2", 50_000, "ordered")]
    controller.post(url("release_chosen"), {**hashes(), **key()})
    assert [state for _case, _fen, state in orders()] == ["released", "released"]
    bank.take(bank.statement(bank.line(IN, 1)))
    assert_books_true(world.pool)


def test_another_text_than_shown_is_not_released_and_the_rest_is(paid: Paid) -> None:
    world, _bank = paid
    order_all(world)
    given = hashes() | {"release-1": "0" * 64}
    page = client_of(world.controller).post(url("release_chosen"), {**given, **key()})
    assert page.status_code == 409
    assert "not what was shown" in page.content.decode()
    assert orders() == [("C-1", 100_000, "ordered"), ("C-2", 50_000, "released")]


def test_limit_of_the_day_stops_what_goes_beyond_it(paid: Paid) -> None:
    world, _bank = paid
    order_all(world)
    proposed = release_limits.propose_limits(
        pool=world.pool, daily_fen=100_000, step_up_fen=None, proposer=world.admin.code, at=clock.now()
    )
    release_limits.approve_limits(limit=proposed, approver=world.controller.code, at=clock.now())
    page = client_of(world.controller).post(url("release_chosen"), {**hashes(), **key()})
    assert page.status_code == 409
    assert [state for _case, _fen, state in orders()] == ["released", "ordered"]


def test_each_list_is_for_its_duty(paid: Paid) -> None:
    world, _bank = paid
    order_all(world)
    for name, right in (("order_chosen", world.treasurer), ("release_chosen", world.controller)):
        for person in (world.treasurer, world.controller, world.auditor, world.stranger):
            status = (
                client_of(person).post(url(name), {"aid-C-9": "1.00", "release-99": "x", **key()}).status_code
            )
            assert (status == 404) if person in (right, world.stranger) else (status == 403)
    assert "release-1" not in client_of(world.treasurer).get(url("payments")).content.decode()
    assert "aid-C-" not in client_of(world.controller).get(url("payments")).content.decode()


def test_to_dos_lead_to_one_or_to_the_list(paid: Paid) -> None:
    world, bank = paid
    assert "Cases of Test pool whose aid can be paid: 3" in told(world.treasurer)
    order_all(world)
    assert "Aid of case C-3 of Test pool can be paid" in told(world.treasurer)
    assert "Payments of Test pool that wait for your release: 2" in told(world.controller)
    client_of(world.controller).post(url("release_chosen"), {"release-1": hashes()["release-1"], **key()})
    assert "Payment 2 of Test pool waits for your release" in told(world.controller)
    assert not any("nobody" in text for text in told(world.treasurer))
    bank.take(bank.statement(bank.line(IN, 23_143)))
    assert "Money of Test pool that is nobody's yet: ¥231.43" in told(world.treasurer)


def told(person: Any) -> list[str]:
    return [str(todo.text) for todo in todos_of(person)]
