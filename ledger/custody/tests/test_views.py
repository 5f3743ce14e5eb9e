"""The pages of custody: who may open them, what they do, what a double click does, what they cost."""

import datetime as dt
import uuid
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from aidplatform.lib.qr import qr_html
from aidplatform.site.demo.bank import next_statement_file
from aidplatform.site.todo import todos_of
from aidplatform.testing.bank import Bank, charged_world
from aidplatform.testing.refusals import run
from aidplatform.testing.world import World, set_clock
from aidplatform.work.models import AuditEntry
from ledger.custody import reconciliation
from ledger.custody.mapping_models import StatementUpload
from ledger.custody.models import BankStatement, PaymentOrder
from ledger.custody.references import spaced
from ledger.custody.statement_files import write_csv
from ledger.custody.statement_parts import IN
from ledger.founding.tests.test_founding import gathering
from ledger.sharing.models import Period
from members.people.models import User
from members.pools.rules import DEMO_MFA

Charged = tuple[World, Bank, Period]
CODE = "test-pool"


def client_of(person: User) -> Client:
    """Return a browser in which the person has signed in with a second factor."""
    client = Client()
    client.force_login(person)
    session = client.session
    session[DEMO_MFA] = True
    session.save()
    return client


def key() -> dict[str, str]:
    return {"key": str(uuid.uuid4())}


def url(name: str, *arguments: Any) -> str:
    return reverse(f"custody_{name}" if name else "custody", args=[CODE, *arguments])


def payee(amount: str) -> dict[str, str]:
    return {"amount": amount, "payee_name": "Zhang San", "payee_account": "6222 9999 0000 1111", **key()}


def send(client: Client, data: bytes) -> Any:
    """Upload a file and return the page that shows what it would do."""
    return client.post(url("uploads"), {"file": SimpleUploadedFile("s.csv", data)}, follow=True)


GET_PAGES = ("", "statements", "unidentified", "payments", "payments_csv", "arrears_csv")


@pytest.mark.parametrize("page", GET_PAGES)
def test_pages_open_to_money_people_and_to_no_stranger(charged: Charged, page: str) -> None:
    world = charged[0]
    assert client_of(world.treasurer).get(url(page)).status_code == 200
    assert client_of(world.controller).get(url(page)).status_code == 200
    assert client_of(world.stranger).get(url(page)).status_code == 404
    assert Client().get(url(page)).status_code == 302


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("uploads", ()),
        ("order_aid", ("C-1",)),
        ("order_fee", (1,)),
        ("identify", (1, 1)),
        ("refund", (1, 1)),
        ("import", ("0" * 64,)),
    ],
)
def test_only_the_treasurer_imports_and_orders(
    charged: Charged, name: str, arguments: tuple[Any, ...]
) -> None:
    world = charged[0]
    for person, status in (
        (world.controller, 403),
        (world.auditor, 403),
        (world.admin, 403),
        (world.stranger, 404),
    ):
        assert client_of(person).post(url(name, *arguments), key()).status_code == status


def test_a_case_is_paid_by_the_pages_alone(charged: Charged) -> None:
    """Upload, look, import; order; another person releases exactly that; the next statement confirms it."""
    world, bank, period = charged
    treasurer, controller = client_of(world.treasurer), client_of(world.controller)
    day = bank.day
    data = write_csv(bank.statement(*(bank.receipt(number, 23_143) for number in range(1, 8))))
    page = send(treasurer, data)
    assert "¥1,620.01" in page.content.decode()
    assert not BankStatement.objects.exists()
    sha256 = page.context["waiting"].sha256
    assert treasurer.post(url("import", sha256), key()).status_code == 302
    assert BankStatement.objects.get().closing_fen == 162_001
    assert not StatementUpload.objects.exists()
    ordered = treasurer.post(url("order_aid", "C-1"), payee("1,000.00"))
    assert ordered.status_code == 302
    shown = controller.get(url("payment", 1))
    assert "6222999900001111" in shown.content.decode()
    form = {"shown_sha256": shown.context["order"].shown_sha256, **key()}
    assert controller.post(url("release", 1), form).status_code == 302
    assert PaymentOrder.objects.get().state == "released"
    assert "1 released payment" in treasurer.get(url("payments")).content.decode()
    assert treasurer.post(url("make_file"), key()).status_code == 302
    file = controller.get(url("payment_file", 1, "xml"))
    assert b"1000.00" in file.content
    assert "File 1" in controller.get(url("payment", 1)).content.decode()
    assert AuditEntry.objects.filter(action="download_payments", actor=world.controller.code).exists()
    following = next_statement_file(bank.account, until=day.replace(day=day.day + 2), unpaid=1.0)
    page = send(treasurer, following)
    treasurer.post(url("import", page.context["waiting"].sha256), key())
    assert PaymentOrder.objects.get().state == "confirmed"
    found = reconciliation.reconcile(world.pool)
    assert found is not None
    assert found.agrees
    assert "Bank = ledger" in controller.get(url("")).content.decode()
    assert period.code == f"{CODE}/1"


def test_controller_names_the_account_once(db: None) -> None:
    set_clock(dt.datetime(2026, 1, 1, 2, tzinfo=dt.UTC))
    pool = gathering(User.objects.create_user("founder@example.org"))
    people = {grant.duty: grant.person for grant in pool.duty_grants.select_related("person")}
    controller, here = client_of(people["controller"]), f"/pools/{pool.code}/custody/"
    assert "Name the bank account" in controller.get(here).content.decode()
    form = {"bank_name": "B", "holder_name": "H", "number": "6222 0000 1111 2222", **key()}
    deed = reverse("custody_open_account", args=[pool.code])
    assert client_of(people["treasurer"]).post(deed, form).status_code == 403
    operators_own = controller.post(deed, form | {"holder_name": "HELPING HANDS, LTD."} | key())
    assert operators_own.status_code == 409
    assert "Who runs the pool may not hold its money" in operators_own.content.decode()
    hidden = controller.post(deed, form | {"holder_name": "H\u200b"} | key())
    assert (hidden.status_code, "Write it in one line" in hidden.content.decode()) == (422, True)
    assert controller.post(deed, form).status_code == 302
    again = controller.post(deed, form | key())
    assert again.status_code == 409
    assert "ledger_bankaccount_number_key" in again.content.decode()


def test_double_click_orders_once(charged: Charged) -> None:
    world, bank, _period = charged
    bank.all_pay()
    form = payee("100.00")
    for _click in range(5):
        assert client_of(world.treasurer).post(url("order_aid", "C-1"), form).status_code == 302
    assert PaymentOrder.objects.count() == 1


def test_bad_amount_is_shown_at_its_field(charged: Charged) -> None:
    world, bank, _period = charged
    bank.all_pay()
    page = client_of(world.treasurer).post(url("order_aid", "C-1"), payee("1,00"))
    assert page.status_code == 422
    assert "is not an amount" in page.content.decode()


def test_more_than_can_be_paid_is_refused_by_name(charged: Charged) -> None:
    world, bank, _period = charged
    bank.take(bank.statement(bank.receipt(1, 23_143)))
    page = client_of(world.treasurer).post(url("order_aid", "C-1"), payee("1,000.00"))
    assert page.status_code == 409
    assert "aid_is_paid_as_collected" in page.content.decode()


def test_release_of_something_else_is_refused(charged: Charged) -> None:
    world, bank, _period = charged
    bank.all_pay()
    order = bank.order_aid(world.pool.awards.get(code="C-1"), 100)
    page = client_of(world.controller).post(url("release", order.number), {"shown_sha256": "0" * 64, **key()})
    assert page.status_code == 409
    assert "release_is_of_what_was_shown" in page.content.decode()
    order.refresh_from_db()
    assert order.state == "ordered"


def test_forged_file_shows_its_reason(charged: Charged) -> None:
    world, bank, _period = charged
    data = write_csv(bank.statement(bank.receipt(1, 100))).replace(b"closing,1.00", b"closing,2.00")
    page = send(client_of(world.treasurer), data)
    assert page.status_code == 422
    assert "does_not_add_up" in page.content.decode()
    assert not BankStatement.objects.exists()


def test_receipt_is_matched_by_the_page(charged: Charged) -> None:
    world, bank, _period = charged
    bank.take(bank.statement(bank.line(IN, 23_143, counterparty="Li Lei")))
    treasurer = client_of(world.treasurer)
    assert "Li Lei" in treasurer.get(url("unidentified")).content.decode()
    assert treasurer.get(url("receipt", 1, 1)).status_code == 200
    nobody = treasurer.post(url("identify", 1, 1), {"membership": 99, **key()})
    assert (nobody.status_code, "no_such_membership" in nobody.content.decode()) == (422, True)
    assert treasurer.post(url("identify", 1, 1), {"membership": 3, **key()}).status_code == 302
    assert reconciliation.unidentified(bank.account) == []


def test_receipt_is_sent_back_by_the_page(charged: Charged) -> None:
    world, bank, _period = charged
    bank.take(bank.statement(bank.line(IN, 500)))
    assert client_of(world.treasurer).post(url("refund", 1, 1), payee("5.00")).status_code == 302
    order = PaymentOrder.objects.get()
    assert (order.kind, order.what_for) == ("refund", "1/1")
    assert client_of(world.controller).post(url("cancel", 1), key()).status_code == 302
    order.refresh_from_db()
    assert order.state == "cancelled"


def test_fee_page_offers_what_is_earned(charged: Charged) -> None:
    world, bank, _period = charged
    bank.all_pay()
    for code, fen in (("C-1", 100_000), ("C-2", 50_000)):
        bank.order_aid(world.pool.awards.get(code=code), fen)
    treasurer = client_of(world.treasurer)
    assert treasurer.get(url("new_fee", 1)).context["fee_fen"] == 12_000
    assert treasurer.post(url("order_fee", 1), payee("120.00")).status_code == 302
    assert "Fee that is earned" not in treasurer.get(url("payments")).content.decode()


def test_names_on_the_other_side_are_for_money_people(charged: Charged) -> None:
    world, bank, _period = charged
    bank.take(bank.statement(bank.receipt(1, 23_143, counterparty="Li Lei")))
    assert "Li Lei" in client_of(world.treasurer).get(url("statement", 1)).content.decode()
    assert "Li Lei" not in client_of(world.auditor).get(url("statement", 1)).content.decode()
    exported = b"".join(client_of(world.treasurer).get(url("statement_csv", 1)).streaming_content)
    assert b"Li Lei" not in exported


@pytest.mark.parametrize("lines", [1, 3])
def test_statement_page_costs_the_same_for_any_number_of_lines(
    charged: Charged, django_assert_max_num_queries: Any, lines: int
) -> None:
    world, bank, _period = charged
    bank.take(bank.statement(*(bank.receipt(number, 23_143) for number in range(1, lines + 1))))
    client = client_of(world.auditor)
    with django_assert_max_num_queries(15):
        assert client.get(url("statement", 1)).status_code == 200


def test_what_does_not_exist_is_a_404(charged: Charged) -> None:
    treasurer = client_of(charged[0].treasurer)
    for name, arguments in (
        ("statement", (9,)),
        ("payment", (9,)),
        ("receipt", (9, 9)),
        ("upload", ("0" * 64,)),
        ("new_aid", ("C-9",)),
        ("new_fee", (9,)),
    ):
        assert treasurer.get(url(name, *arguments)).status_code == 404


def test_member_is_told_how_to_pay(charged: Charged) -> None:
    """Reference, account and what is owed stand on the member's own page; once paid, it says so."""
    world, bank, _period = charged
    person = User.objects.create_user("member@example.org", name="Member")
    run(
        "UPDATE members_membership SET person_id = %s WHERE pool_id = %s AND number = 1",
        person.pk,
        world.pool.pk,
    )
    client = client_of(person)
    page = client.get(reverse("my_pool", args=[CODE])).content.decode()
    assert spaced(bank.reference(1)) in page
    assert bank.account.number in page
    assert "You owe ¥231.43" in page
    holds = f"{bank.account.holder_name}\n{bank.account.number}\nCNY 231.43\n{bank.reference(1)}"
    assert qr_html(holds, "QR code with account, amount and reference of your transfer") in page
    bank.all_pay()
    page = client.get(reverse("my_pool", args=[CODE])).content.decode()
    assert "Everything announced so far is paid" in page
    assert 'class="qr"' not in page


def test_everyone_sees_that_bank_equals_ledger(db: None) -> None:
    """A pool of a hundred shows the line to everyone; a smaller one to nobody outside."""
    for members, shown in ((100, True), (7, False)):
        _world, bank, _period = charged_world(100_000, members=members, code=f"pool-{members}")
        if members == 100:
            bank.all_pay()
        page = Client().get(reverse("pool", args=[f"pool-{members}"])).content.decode()
        assert ("Bank = ledger" in page) is shown


def test_what_waits_for_treasurer_and_controller(charged: Charged) -> None:
    world, bank, _period = charged
    bank.all_pay()
    # The bank's last statement is of the pool's first day.
    assert [todo.address for todo in todos_of(world.treasurer)] == [
        url(""),
        f"{url('payments')}#aid",
    ]
    order = bank.order_aid(world.pool.awards.get(code="C-1"), 100_000)
    assert url("payment", order.number) in [todo.address for todo in todos_of(world.controller)]
    bank.release(order)
    assert url("new_aid", "C-2") in [todo.address for todo in todos_of(world.treasurer)]
    assert url("payment", order.number) not in [todo.address for todo in todos_of(world.controller)]
