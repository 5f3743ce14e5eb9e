"""The pages of write-offs and their doors for programs: who may open them, what they do, what a double click does."""

import uuid
from typing import Any

import pytest
from django.urls import reverse

from aidplatform.site.todo import todos_of
from aidplatform.testing.bank import Bank, charged_world, membership
from aidplatform.testing.world import World
from ledger.custody.tests.test_views import client_of
from ledger.custody.tests.test_write_offs import SHARE, approve, order
from ledger.custody.write_off_models import WriteOff
from ledger.sharing.models import Period
from members.people.models import User

Charged = tuple[World, Bank, Period]
CODE = "test-pool"


def form(**changed: Any) -> dict[str, Any]:
    """Return what a treasurer fills in."""
    return {
        "key": str(uuid.uuid4()),
        "membership": 1,
        "upto_period_no": 1,
        "reason": "uncollectable",
        "reminders": 3,
    } | changed


def test_treasurer_orders_and_controller_approves(charged: Charged) -> None:
    world = charged[0]
    treasurer, controller = client_of(world.treasurer), client_of(world.controller)
    page = treasurer.get(reverse("custody_write_offs", args=[CODE]))
    assert "Order a write-off" in page.content.decode()
    given = form()
    for _click in range(2):
        answer = treasurer.post(reverse("custody_order_write_off", args=[CODE]), given)
        assert answer.status_code == 302
    one = WriteOff.objects.get()
    assert (one.amount_fen, one.reminders) == (SHARE, 3)
    assert any("write-off" in todo.text for todo in todos_of(world.controller))
    shown = controller.get(reverse("custody_write_off", args=[CODE, 1])).content.decode()
    assert "3 reminders" in shown
    assert one.shown_sha256 in shown
    given = {"key": str(uuid.uuid4()), "shown_sha256": one.shown_sha256}
    for _click in range(2):
        answer = controller.post(reverse("custody_approve_write_off", args=[CODE, 1]), given)
        assert answer.status_code == 302
    one.refresh_from_db()
    assert one.state == "approved"
    entry = controller.get(reverse("entry", args=[CODE, one.entry.number])).content.decode()
    assert reverse("custody_write_off", args=[CODE, 1]) in entry
    assert not any("write-off" in todo.text for todo in todos_of(world.controller))
    again = controller.post(reverse("custody_withdraw_write_off", args=[CODE, 1]), {"key": str(uuid.uuid4())})
    assert again.status_code == 409


def test_withdrawal_leaves_the_share_owed(charged: Charged) -> None:
    world = charged[0]
    order(world)
    answer = client_of(world.treasurer).post(
        reverse("custody_withdraw_write_off", args=[CODE, 1]), {"key": str(uuid.uuid4())}
    )
    assert answer.status_code == 302
    assert WriteOff.objects.get().state == "withdrawn"


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"reminders": 0}, "Say how often the member was reminded."),
        ({"membership": 999}, "This pool has no membership 999."),
        ({"upto_period_no": 0}, "upto_period_no"),
    ],
)
def test_bad_input_is_refused(charged: Charged, changed: dict[str, Any], says: str) -> None:
    answer = client_of(charged[0].treasurer).post(
        reverse("custody_order_write_off", args=[CODE]), form(**changed)
    )
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert not WriteOff.objects.exists()


def test_only_money_duties_open_the_pages(charged: Charged) -> None:
    world = charged[0]
    order(world)
    for person, statuses in (
        (world.stranger, (404, 404)),
        (world.auditor, (403, 403)),
        (world.controller, (200, 403)),
    ):
        client = client_of(person)
        got = (
            client.get(reverse("custody_write_offs", args=[CODE])).status_code,
            client.post(reverse("custody_order_write_off", args=[CODE]), form(membership=2)).status_code,
        )
        assert got in (statuses, (403, 403)), person
    answer = client_of(world.treasurer).post(
        reverse("custody_approve_write_off", args=[CODE, 1]), {"key": str(uuid.uuid4())}
    )
    assert answer.status_code == 403


def test_page_costs_the_same_for_one_row_and_for_three(
    charged: Charged,
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    world = charged[0]
    client, counts = client_of(world.treasurer), []
    for numbers in ((1,), (2, 3)):
        for number in numbers:
            order(world, number)
        client.get(reverse("custody_write_offs", args=[CODE]))
        with CaptureQueriesContext(connection) as caught:
            client.get(reverse("custody_write_offs", args=[CODE]))
        counts.append(len(caught))
    assert counts[0] == counts[1]


def test_member_sees_what_was_written_off(charged: Charged) -> None:
    world = charged[0]
    person = User.objects.create_user("member@example.org", name="A member")
    member = membership(world, 1)
    member.person = person
    member.save(update_fields=["person"])
    approve(world, order(world))
    client = client_of(person)
    assert "was written off" in client.get(reverse("my_pool", args=[CODE])).content.decode()
    row = client.get(reverse("api_my_charges", args=[CODE])).json()["results"][0]
    assert (row["share_fen"], row["written_off_fen"]) == (SHARE, SHARE)


def test_programs_order_approve_and_withdraw(charged: Charged) -> None:
    world = charged[0]
    treasurer, controller = client_of(world.treasurer), client_of(world.controller)
    key = {"HTTP_IDEMPOTENCY_KEY": str(uuid.uuid4())}
    text = {"membership": 1, "upto_period_no": 1, "reason": "deceased"}
    made = treasurer.post(reverse("api_order_write_off", args=[CODE]), text, "application/json", **key)
    again = treasurer.post(reverse("api_order_write_off", args=[CODE]), text, "application/json", **key)
    assert (made.status_code, made.json()) == (201, again.json())
    done = controller.post(
        reverse("api_approve_write_off", args=[CODE, 1]),
        {"shown_sha256": made.json()["shown_sha256"]},
        "application/json",
        HTTP_IDEMPOTENCY_KEY=str(uuid.uuid4()),
    )
    assert done.json() == {"state": "approved"}
    order(world, 2)
    gone = treasurer.post(
        reverse("api_withdraw_write_off", args=[CODE, 2]),
        {},
        "application/json",
        HTTP_IDEMPOTENCY_KEY=str(uuid.uuid4()),
    )
    assert gone.json() == {"state": "withdrawn"}
    rows = treasurer.get(reverse("api_write_offs", args=[CODE])).json()["results"]
    assert [(row["number"], row["state"], row["charges"]) for row in rows] == [
        (2, "withdrawn", [[1, SHARE]]),
        (1, "approved", [[1, SHARE]]),
    ]


def test_no_page_of_another_pool(db: None) -> None:
    world, _bank, _period = charged_world(100_000)
    order(world)
    other = World.founded(code="other")
    answer = client_of(other.treasurer).get(reverse("custody_write_off", args=["other", 1]))
    assert answer.status_code == 404


def test_list_says_what_was_written_off_and_what_of_it_came_after_all(charged: Charged) -> None:
    world, bank, _period = charged
    client, address = client_of(world.controller), reverse("custody_write_offs", args=[CODE])
    order(world, 2)
    assert "Paid after all" not in client.get(address).content.decode(), "nothing is approved yet"
    approve(world, order(world))
    bank.take(bank.statement(bank.receipt(1, 20_000)))
    page = client.get(address)
    assert (page.context["written_off_fen"], page.context["recovered_fen"]) == (SHARE, 20_000)
    assert "Paid after all" in page.content.decode()
