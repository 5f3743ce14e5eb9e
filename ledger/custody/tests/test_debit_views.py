"""Pages of debits: what is due, files, answers, calendar, a refund, and a member's own page."""

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from aidplatform.lib import clock
from aidplatform.site.todo_member import of_member as todos_of_member
from aidplatform.testing.debits import Debits, debited_world
from aidplatform.testing.prepared import prepared
from aidplatform.testing.refusals import about
from aidplatform.testing.world import run_jobs, set_clock
from aidplatform.tests.pages_helpers import client_of
from ledger.custody import charge_selectors
from ledger.custody.charge_models import ChargeFile, ChargeResultFile, DebitRetry
from ledger.custody.charge_selectors import PERIODS_OFFERED
from ledger.custody.models import PaymentOrder
from ledger.custody.selectors import how_to_pay
from members.people.models import Notice, User

HOME = "/pools/test-pool/custody/debits/"
MINE = "/pools/test-pool/me/mandate/"


@prepared
def debits() -> Debits:
    """Give the test a pool of six, of whom three have given a mandate, with an announced period."""
    return debited_world()


def payer(debits: Debits, place: int = 0) -> User:
    person = debits.payers[place].person
    assert person is not None
    return person


def key_of(page: Any, name: str = "key") -> str:
    text = page.content.decode()
    start = text.index(f'name="{name}" value="') + len(name) + 15
    return text[start : text.index('"', start)]


def upload(client: Client, data: bytes) -> Any:
    file = SimpleUploadedFile("answer.csv", data)
    return client.post(f"{HOME}results/", {"file": file}, follow=True)


def test_the_treasurer_makes_a_file_takes_the_answer_and_sees_what_became_of_it(debits: Debits) -> None:
    client = client_of(debits.world.treasurer)
    page = client.get(HOME)
    assert "Make the files of period 1: 3 debits" in page.content.decode()
    key = key_of(page)
    for _twice in range(2):
        done = client.post(f"{HOME}periods/1/", {"key": key}, follow=True)
        assert "The files are being made" in done.content.decode()
    run_jobs()
    file = ChargeFile.objects.get()
    first, second, third = debits.ids(file)
    page = client.get(f"{HOME}files/1/")
    assert first in page.content.decode()
    for form in ("csv", "xml"):
        answer = client.get(f"{HOME}files/1.{form}")
        assert first in b"".join(answer.streaming_content).decode()
        assert answer["X-Content-SHA256"] == file.exports.get(format=form).sha256
    data = debits.file_of(
        debits.lines((first, "collected", ""), (second, "rejected", "AM04"), (third, "collected", ""))
    )
    assert "There was not enough money in the account." in upload(client, data).content.decode()
    again = upload(client, b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n")).content.decode()
    assert "Nothing in this file is new: 3 lines were known already." in again
    assert ChargeResultFile.objects.count() == 1
    calendar = client.get(f"{HOME}calendar/").content.decode()
    assert "67 % of the debits with an answer have brought their money." in calendar
    table = b"".join(client.get(f"{HOME}calendar.csv").streaming_content).decode()
    share = debits.share_fen
    assert f"2026-01-19,1,1,1,3,{3 * share},2,{2 * share},1,{share},0,0,0,0" in table


def test_a_refused_answer_says_where(debits: Debits) -> None:
    file = debits.make()
    client = client_of(debits.world.treasurer)
    data = debits.file_of(debits.lines((debits.ids(file)[0], "collected", ""), fen=1))
    page = upload(client, data).content.decode()
    assert "The file names another amount than was asked for." in page
    assert "line 1: 1; asked for" in page
    assert client.post(f"{HOME}results/", {}).status_code == 422


def test_a_member_sees_why_and_lets_it_be_tried_again(debits: Debits) -> None:
    file = debits.make()
    run_jobs()
    person = payer(debits)
    announced = Notice.objects.get(person=person, kind="debit_announced")
    assert announced.params["date"] == "2026-01-19"
    client = client_of(person)
    assert "announced" in client.get(MINE).content.decode()
    debits.later(4)
    debits.answer((debits.ids(file)[0], "rejected", "AM04"))
    run_jobs()
    assert Notice.objects.filter(person=person, kind="debit_failed").count() == 1
    page = client.get(MINE).content.decode()
    assert "There was not enough money in the account." in page
    assert "is tried again on" in page
    done = client.post(f"{MINE}retry/", follow=True).content.decode()
    assert "goes with the next file" in done
    assert "You have asked for it today" in client.post(f"{MINE}retry/", follow=True).content.decode()
    assert DebitRetry.objects.count() == 1
    again = debits.make()
    assert [(row.payer_no, row.attempt) for row in again.instructions.all()] == [(debits.payers[0].number, 2)]


def test_what_was_debited_too_much_is_paid_back(debits: Debits) -> None:
    """The member transfers while the debit is on its way: the debit pays nothing and goes back."""
    file, bank = debits.make(), debits.bank
    bank.take(bank.statement(bank.receipt(debits.payers[0].number, debits.share_fen)))
    debits.answer((debits.ids(file)[0], "collected", ""))
    client = client_of(debits.world.treasurer)
    page = client.get(HOME).content.decode()
    assert "Debited too much" in page
    address = next(part.split('"')[0] for part in page.split('href="') if "pay-back" in part)
    key = key_of(client.get(address))
    for _twice in range(2):
        client.post(address, {"key": key})
    order = PaymentOrder.objects.get()
    assert (order.kind, order.amount_fen, order.payee_hint) == ("refund", debits.share_fen, "…3000")
    assert client.get(address).status_code == 404


def test_pages_are_for_those_who_run_the_pool(debits: Debits) -> None:
    debits.make()
    pages = ["", "files/1/", "files/1.csv", "calendar/", "calendar.csv"]
    for page in pages:
        with about(page):
            assert client_of(debits.world.stranger).get(HOME + page).status_code == 404
    auditor = client_of(debits.world.auditor)
    assert auditor.get(HOME).status_code == 200
    assert auditor.get(f"{HOME}files/1.csv").status_code == 403
    assert auditor.post(f"{HOME}periods/1/").status_code == 403
    assert auditor.post(f"{HOME}results/").status_code == 403
    treasurer = client_of(debits.world.treasurer)
    for missing in ("files/9/", "files/9.csv", "results/9/", "pay-back/9/"):
        with about(missing):
            assert treasurer.get(HOME + missing).status_code == 404
    assert client_of(debits.world.stranger).post(f"{MINE}retry/").status_code == 404


def test_nothing_due_is_said(debits: Debits) -> None:
    debits.make()
    client = client_of(debits.world.treasurer)
    page = client.post(f"{HOME}periods/1/", {"key": "6f1b0f5c-4f57-4a52-9d0e-0d2f6f2b5a11"})
    assert page.status_code == 409
    assert "Nobody is to be debited for this period now" in page.content.decode()


def test_lists_take_the_same_queries_at_one_row_and_at_three(db: None) -> None:
    counts = {}
    for many in (1, 3):
        debits = debited_world(*[f"m{many}{place}" for place in range(many)], code=f"pool-{many}")
        file = debits.make()
        debits.answer(*((name, "rejected", "AM04") for name in debits.ids(file)))
        client = client_of(debits.world.treasurer)
        home = HOME.replace("test-pool", debits.pool.code)
        for page in ("", "files/1/", "results/1/", "calendar/"):
            client.get(home + page)
            with CaptureQueriesContext(connection) as queries:
                assert client.get(home + page).status_code == 200
            counts.setdefault(page, set()).add(len(queries))
    assert {page: len(found) for page, found in counts.items()} == dict.fromkeys(counts, 1), counts


def test_a_page_does_not_wait_for_the_count_of_very_many(
    debits: Debits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(charge_selectors, "PATIENCE_MS", 10)
    slow = f"SELECT * FROM ({charge_selectors._COMING_DAYS}) coming, pg_sleep(20)"
    monkeypatch.setattr(charge_selectors, "_COMING_DAYS", slow)
    client = client_of(debits.world.treasurer)
    page = client.get(HOME)
    assert "Make the files of period 1</button>" in page.content.decode()
    assert "they are counted when the files are made" in page.content.decode()
    client.post(f"{HOME}periods/1/", {"key": key_of(page)})
    run_jobs()
    assert ChargeFile.objects.get().instruction_count == 3


def test_what_is_debited_is_not_asked_to_be_transferred_as_well(debits: Debits) -> None:
    """Nobody pays twice: neither before the announcement nor after it, and what failed for good is asked again."""
    member, share = debits.payers[0], debits.share_fen
    person = payer(debits)

    def said() -> tuple[int, int, str | None]:
        how = how_to_pay(member)
        assert how is not None
        return how.debited_fen, how.to_transfer_fen, how.code

    assert said() == (share, 0, None)
    page = client_of(person).get("/pools/test-pool/me/").content.decode()
    assert "is debited from your account: do not transfer it." in page
    assert "Scan it and nothing is mistyped" not in page
    assert [one for one in todos_of_member(person) if "not paid" in one.text] == []
    file = debits.make()
    run_jobs()
    assert said() == (share, 0, None)
    debits.later(4)
    debits.answer((debits.ids(file)[0], "rejected", "AM04"))
    assert said() == (share, 0, None)
    # A second attempt fails after the last day of the plan's calendar: nothing more comes by itself.
    debits.later(10)
    file = debits.make()
    debits.later(4)
    debits.take(debits.file_of(debits.lines((debits.ids(file)[0], "rejected", "AM04")), "A-2"))
    assert said()[:2] == (0, share)
    assert any("not paid" in one.text for one in todos_of_member(person))
    body = client_of(person).get("/api/v1/pools/test-pool/my-payment/").json()
    assert (body["total_fen"], body["debited_fen"], body["to_transfer_fen"]) == (share, 0, share)


def test_no_debit_is_promised_that_no_file_is_made_of(debits: Debits) -> None:
    """Files are made of the newest periods; what an earlier one left open is asked for by transfer."""
    last = debits.period
    for number in range(2, PERIODS_OFFERED + 2):
        set_clock(clock.start_of_day(last.next_opening_date, debits.pool.time_zone))
        debits.world.award(100_000, code=f"C-{number}")
        last = debits.world.posted_period()
    page = client_of(payer(debits)).get(MINE).content.decode()
    assert "of period 1 is not debited any more: transfer it." in page
    assert "To transfer, in all:" in page
    assert re.findall(r"of period (\d) goes with the next file", page) == ["2", "3", "4"]
    assert page.count("is not debited any more") == 1
