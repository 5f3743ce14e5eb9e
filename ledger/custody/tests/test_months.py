"""Closed months: two people, the bank beside the books, no entry of then any more; opened again only in the open."""

import datetime as dt
import hashlib
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from aidplatform.lib import clock
from aidplatform.site.todo import todos_of
from aidplatform.testing.bank import Bank, charged_world
from aidplatform.testing.ledgers import assert_books_true
from aidplatform.testing.pairs import Meanwhile, wait_for_a_waiter
from aidplatform.testing.refusals import fire_deferred, not_permitted, refused, refused_to_owner, run
from aidplatform.testing.world import World, set_clock
from aidplatform.tests.pages_helpers import client_of
from ledger.books.services import credit, debit
from ledger.books.tests.insider import insert_entry, post_raw
from ledger.custody import months, reconciled_days
from ledger.custody.month_models import MonthClose, MonthReopening
from ledger.custody.statement_parts import IN
from ledger.openbooks.models import LogEntry
from ledger.openbooks.services import post_logged_entry, reverse_logged_entry
from ledger.sharing.models import Period
from ledger.sharing.selectors import book_of
from members.people.models import User

Charged = tuple[World, Bank, Period]
PAGE = "/pools/test-pool/ledger/months/"
API = "/api/v1/pools/test-pool/months/"
OF_BANK = {
    "closed_month_has_its_statements",
    "closed_month_agrees_with_its_bank",
    "closed_month_is_reconciled",
}


def month_of(world: World) -> dt.date:
    found = months.next_month(world.pool)
    assert found is not None
    return found.month_date


def end_of(month: dt.date) -> dt.date:
    return (month + dt.timedelta(days=31)).replace(day=1)


def on(day: dt.date) -> None:
    set_clock(clock.start_of_day(day, "Asia/Shanghai") + dt.timedelta(hours=9))


def all_is_paid(world: World, bank: Bank) -> None:
    """Let the members pay their shares, and their aid be paid out of them."""
    bank.all_pay()
    for award in world.pool.awards.filter(state="shared").order_by("code"):
        bank.release(bank.order_aid(award, award.payable_fen))
    bank.all_pay()


def made_ready(world: World, bank: Bank) -> dt.date:
    """Let the month pass, its statements come and a green check be made; return its first day."""
    month = month_of(world)
    if not bank.account.statements.exists():
        all_is_paid(world, bank)
    bank.take(bank.statement(days=(end_of(month) - bank.day).days))
    on(end_of(month))
    kept = reconciled_days.keep_day(world.pool, clock.now())
    assert kept is not None
    assert kept.broken == 0
    return month


def propose(world: World, month: dt.date, by: User | None = None) -> MonthClose:
    proposer = (by or world.treasurer).code
    return months.propose_close(pool=world.pool, month_date=month, proposer=proposer, at=clock.now())


def closed(world: World, bank: Bank) -> MonthClose:
    """Close the first month."""
    made = propose(world, made_ready(world, bank))
    done = months.agree_to_close(close=made, person=world.controller.code, at=clock.now())
    fire_deferred()
    return done


def reopened(world: World, close: MonthClose) -> MonthReopening:
    made = months.propose_reopening(
        close=close, reason="a receipt was placed wrong", proposer=world.treasurer.code, at=clock.now()
    )
    done = months.agree_to_reopening(reopening=made, person=world.controller.code, at=clock.now())
    fire_deferred()
    return done


def post(world: World, day: dt.date, key: str = "late/1") -> Any:
    return post_logged_entry(
        book=book_of(world.pool), key=key, kind="transfer", entry_date=day, at=clock.now(), description="late",
        source="nowhere", maker=world.treasurer.code, lines=[debit("101", 5), credit("250", 5)],
    )  # fmt: skip


@contextmanager
def undone() -> Iterator[None]:
    """Take back what the block has written: books that could never be committed."""
    before = transaction.savepoint()
    yield
    transaction.savepoint_rollback(before)


def open_conditions(world: World) -> set[str]:
    found = months.next_month(world.pool)
    assert found is not None
    return {one.name for one in found.conditions if not one.holds}


def test_month_is_closed_by_two_people_with_what_it_came_to(charged: Charged) -> None:
    world, bank, _period = charged
    done = closed(world, bank)
    month = done.month_date
    assert (done.number, done.state, done.later_fen) == (1, "agreed", 0)
    assert (done.proposed_by, done.decided_by) == (world.treasurer.code, world.controller.code)
    last = bank.account.statements.order_by("-number").first()
    assert last is not None
    assert done.bank_fen == last.closing_fen == done.custody_fen > 0
    balances = {one.code: one.balance_fen for one in months.closing_balances(done)}
    assert balances["101"] == done.bank_fen
    told = "|".join(
        [
            "test-pool", f"{month:%Y-%m}", str(done.entries), str(done.bank_fen), "0",
            *(f"{code}:{debit_fen}:{credit_fen}" for code, debit_fen, credit_fen in done.balances),
        ]
    )  # fmt: skip
    assert hashlib.sha256(told.encode()).hexdigest() == done.sha256
    logged = json.loads(bytes(LogEntry.objects.get(type="stats", key="month/1").data))
    assert (logged["body"]["sha256"], logged["body"]["month"]) == (done.sha256, f"{month:%Y-%m}")
    assert month_of(world) == end_of(month)
    assert_books_true(world.pool)


def test_closed_month_takes_no_entry(charged: Charged) -> None:
    world, bank, _period = charged
    done = closed(world, bank)
    last_day = end_of(done.month_date) - dt.timedelta(days=1)
    book = book_of(world.pool)
    for day in (done.month_date, last_day, done.month_date - dt.timedelta(days=40)):
        with refused("closed_month_takes_no_entry"):
            post(world, day)
        with refused("closed_month_takes_no_entry"):
            insert_entry(book, f"raw/{day}", entry_date=day)
    entry = book.entries.filter(entry_date__lte=last_day).order_by("-number")[0]
    with refused("closed_month_takes_no_entry"):
        reverse_logged_entry(
            entry=entry, reason="was wrong", entry_date=entry.entry_date, at=clock.now(),
            maker=world.treasurer.code, checker=world.controller.code,
        )  # fmt: skip
    made = post(world, end_of(done.month_date))
    assert made.entry_date == end_of(done.month_date)


def test_entry_that_meets_a_close_comes_too_late(committed_db: tuple[str, str]) -> None:
    world, bank, _period = charged_world(100_000)
    month = made_ready(world, bank)
    made = propose(world, month)
    with transaction.atomic():
        months.agree_to_close(close=made, person=world.controller.code, at=clock.now())
        entry = Meanwhile(lambda: post(world, month))
        wait_for_a_waiter(connection.connection)
    with refused("closed_month_takes_no_entry"):
        entry.outcome()


def test_close_that_meets_an_entry_is_counted_anew(committed_db: tuple[str, str]) -> None:
    world, bank, _period = charged_world(100_000)
    month = made_ready(world, bank)
    made = propose(world, month)
    with transaction.atomic():
        post(world, month)
        close = Meanwhile(
            lambda: months.agree_to_close(close=made, person=world.controller.code, at=clock.now())
        )
        wait_for_a_waiter(connection.connection)
    with refused("closed_month_agrees_with_its_bank"):
        close.outcome()


def test_month_is_closed_only_when_everything_is_there(charged: Charged) -> None:
    world, bank, _period = charged
    month = month_of(world)
    assert {"closed_month_is_over", *OF_BANK} >= open_conditions(world) >= {"closed_month_is_over"}
    with refused("closed_month_is_over"):
        propose(world, month)
    on(end_of(month))
    with refused("months_close_in_order"):
        propose(
            world, month - dt.timedelta(days=1) - dt.timedelta(days=(month - dt.timedelta(days=1)).day - 1)
        )
    with refused("month_begins_on_its_first_day"):
        propose(world, month + dt.timedelta(days=1))
    with refused("closed_month_has_its_statements"):
        propose(world, month)
    all_is_paid(world, bank)
    bank.take(bank.statement(days=(end_of(month) - bank.day).days))
    with refused("closed_month_is_reconciled"):
        propose(world, month)
    reconciled_days.keep_day(world.pool, clock.now())
    assert open_conditions(world) == set()
    with refused("month_close_people_hold_their_duty"):
        propose(world, month, world.controller)
    assert propose(world, month).state == "proposed"
    with refused("one_waiting_month_close_per_pool"):
        propose(world, month)


def test_month_that_differs_from_its_bank_stays_open(charged: Charged) -> None:
    world, bank, _period = charged
    month = made_ready(world, bank)
    with undone():
        post(world, month)
        assert open_conditions(world) == {"closed_month_agrees_with_its_bank"}
        with refused("closed_month_agrees_with_its_bank"):
            propose(world, month)


def test_red_check_keeps_a_month_open(charged: Charged) -> None:
    """A receipt that is nobody's for more than five bank days breaks a rule of the daily check."""
    world, bank, _period = charged
    month = month_of(world)
    all_is_paid(world, bank)
    bank.take(bank.statement(bank.line(IN, 777, text="?"), days=(end_of(month) - bank.day).days))
    on(end_of(month) + dt.timedelta(days=9))
    kept = reconciled_days.keep_day(world.pool, clock.now())
    assert kept is not None
    assert kept.broken > 0
    with refused("closed_month_is_reconciled"):
        propose(world, month)


def test_award_whose_publicity_ended_is_booked_first(charged: Charged) -> None:
    world, bank, _period = charged
    closed(world, bank)
    world.award(10_000, code="N-1")
    following = world.announced_period()
    month = month_of(world)
    assert month <= following.publicity_end_date < end_of(month)
    made_ready(world, bank)
    with refused("closed_month_has_its_awards"):
        propose(world, month)
    world.settled_period(following)
    on(end_of(month))
    assert open_conditions(world) == set()


def test_statement_across_the_end_of_a_month_is_told_apart(charged: Charged) -> None:
    """What the bank booked in the month with a statement that ends after it stands in the next month of the books."""
    world, bank, _period = charged
    month = month_of(world)
    all_is_paid(world, bank)
    bank.take(bank.statement(days=(end_of(month) - bank.day).days - 2))
    before = bank.account.statements.order_by("-number")[0].closing_fen
    bank.take(bank.statement(bank.receipt(1, 333), days=5))
    on(end_of(month) + dt.timedelta(days=3))
    kept = reconciled_days.keep_day(world.pool, clock.now())
    assert kept is not None
    done = propose(world, month)
    assert (done.bank_fen, done.later_fen, done.custody_fen) == (before + 333, 333, before)


def test_close_needs_two_people_and_is_decided_once(charged: Charged) -> None:
    world, bank, _period = charged
    made = propose(world, made_ready(world, bank))
    with pytest.raises(months.MonthSamePersonError):
        months.agree_to_close(close=made, person=world.treasurer.code, at=clock.now())
    change = (
        "UPDATE ledger_monthclose SET state = 'agreed', decided_by = %s, decided_at = now() WHERE id = %s"
    )
    with refused("month_close_needs_two_people"):
        run("UPDATE ledger_monthclose SET decided_by = %s WHERE id = %s", world.controller.code, made.pk)
    for person in (world.auditor, world.treasurer):
        with refused("month_close_people_hold_their_duty"):
            run(change, person.code, made.pk)
    with refused("month_close_is_in_the_log"):
        run(change, world.controller.code, made.pk)
        fire_deferred()
    done = months.withdraw_close(close=made, person=world.treasurer.code, at=clock.now())
    assert done.state == "withdrawn"
    with pytest.raises(months.MonthMovedOnError):
        months.agree_to_close(close=made, person=world.controller.code, at=clock.now())
    with refused("month_close_is_agreed_as_proposed"):
        run("UPDATE ledger_monthclose SET decided_by = %s WHERE id = %s", world.controller.code, made.pk)
    assert propose(world, made.month_date).number == 2


def test_close_is_agreed_as_it_was_counted(charged: Charged) -> None:
    world, bank, _period = charged
    made = propose(world, made_ready(world, bank))
    with undone():
        post_raw(book_of(world.pool), "raw/1", ("102", "D", 5), ("250", "C", 5), entry_date=made.month_date)
        with refused("month_is_closed_as_counted"):
            months.agree_to_close(close=made, person=world.controller.code, at=clock.now())


def test_nothing_of_a_close_is_written_by_hand(charged: Charged) -> None:
    world, bank, _period = charged
    month = made_ready(world, bank)
    begin = (
        "INSERT INTO ledger_monthclose (pool_id, number, month_date, balances, entries, bank_fen, later_fen, sha256,"
        " state, proposed_by, proposed_at, decided_by) VALUES (%s, 7, %s, '[[\"101\", 1, 0]]', 1, 1, 0, 'x',"
        " %s, %s, now(), %s)"
    )
    pool, treasurer = world.pool.pk, world.treasurer.code
    with refused("month_close_begins_proposed"):
        run(begin, pool, month, "proposed", treasurer, world.controller.code)
    with refused("month_close_is_decided_once"):
        run(begin, pool, month, "agreed", treasurer, None)
    run(begin, pool, month, "proposed", treasurer, None)
    made = MonthClose.objects.get()
    assert (made.number, len(made.sha256)) == (1, 64)
    assert made.bank_fen == bank.account.statements.order_by("-number")[0].closing_fen
    with not_permitted():
        run("UPDATE ledger_monthclose SET bank_fen = 0")
    with not_permitted():
        run("DELETE FROM ledger_monthclose")
    with not_permitted():
        run("UPDATE ledger_monthreopening SET reason = ''")


def test_closes_are_kept_from_the_owner_too(owner: psycopg.Connection[Any]) -> None:
    for table, name in (
        ("monthclose", "month_closes_are_kept"),
        ("monthreopening", "month_reopenings_are_kept"),
    ):
        with refused_to_owner(owner, name):
            owner.execute(f"DELETE FROM ledger_{table}")
        with refused_to_owner(owner, name):
            owner.execute(f"TRUNCATE ledger_{table} CASCADE")


def test_month_is_opened_again_by_two_people_with_a_reason(charged: Charged) -> None:
    world, bank, _period = charged
    done = closed(world, bank)
    say = {"close": done, "reason": "wrong", "at": clock.now()}
    with refused("month_reopening_people_hold_their_duty"):
        months.propose_reopening(proposer=world.controller.code, **say)
    with refused("month_reopening_says_why"):
        months.propose_reopening(proposer=world.treasurer.code, **{**say, "reason": " "})
    begin = (
        "INSERT INTO ledger_monthreopening (pool_id, close_id, reason, state, proposed_by, proposed_at, decided_by)"
        " VALUES (%s, %s, 'x', %s, %s, now(), %s)"
    )
    row = world.pool.pk, done.pk
    with refused("month_reopening_begins_proposed"):
        run(begin, *row, "proposed", world.treasurer.code, world.controller.code)
    with refused("month_reopening_is_decided_once"):
        run(begin, *row, "withdrawn", world.treasurer.code, None)
    made = months.propose_reopening(proposer=world.treasurer.code, **say)
    with refused("month_is_reopened_once"):
        months.propose_reopening(proposer=world.treasurer.code, **say)
    with refused("closed_month_takes_no_entry"):
        post(world, done.month_date)
    change = (
        "UPDATE ledger_monthreopening SET state = 'agreed', decided_by = %s, decided_at = now() WHERE id = %s"
    )
    with refused("month_reopening_is_in_the_log"):
        run(change, world.controller.code, made.pk)
        fire_deferred()
    for person in (world.auditor, world.treasurer):
        with refused("month_reopening_people_hold_their_duty"):
            run(change, person.code, made.pk)
    with refused("month_reopening_needs_two_people"):
        run("UPDATE ledger_monthreopening SET decided_by = %s WHERE id = %s", world.controller.code, made.pk)
    with pytest.raises(months.MonthSamePersonError):
        months.agree_to_reopening(reopening=made, person=world.treasurer.code, at=clock.now())
    months.agree_to_reopening(reopening=made, person=world.controller.code, at=clock.now())
    fire_deferred()
    with refused("month_reopening_is_agreed_as_proposed"):
        run("UPDATE ledger_monthreopening SET decided_at = now() WHERE id = %s", made.pk)
    with refused("only_the_last_closed_month_reopens"):
        months.propose_reopening(proposer=world.treasurer.code, **say)
    assert month_of(world) == done.month_date
    assert post(world, done.month_date).entry_date == done.month_date
    assert LogEntry.objects.filter(type="stats", key="month-reopened/1").exists()


def test_only_the_last_closed_month_reopens(charged: Charged) -> None:
    world, bank, _period = charged
    first = closed(world, bank)
    second = closed(world, bank)
    assert second.month_date == end_of(first.month_date)
    with refused("only_the_last_closed_month_reopens"):
        months.propose_reopening(close=first, reason="x", proposer=world.treasurer.code, at=clock.now())
    reopened(world, second)
    again = propose(world, second.month_date)
    assert (again.number, again.sha256) == (3, second.sha256)


def test_month_closed_again_after_an_opening_holds(charged: Charged) -> None:
    world, bank, _period = charged
    first = closed(world, bank)
    reopened(world, first)
    again = propose(world, first.month_date)
    months.agree_to_close(close=again, person=world.controller.code, at=clock.now())
    with refused("closed_month_takes_no_entry"):
        post(world, first.month_date)
    assert [one.is_reopened for one in months.public_closes(world.pool)] == [False, True]
    assert_books_true(world.pool)


# --- pages and programs -----------------------------------------------------------------------------------------


def send(client: Any, path: str, **fields: str) -> Any:
    return client.post(path, {"key": str(uuid.uuid4()), **fields})


def download(person: User, name: str) -> str:
    return b"".join(client_of(person).get(f"{PAGE}{name}").streaming_content).decode()


def test_two_people_close_and_open_a_month_on_its_pages(charged: Charged) -> None:
    world, bank, _period = charged
    month = made_ready(world, bank)
    treasurer, controller = client_of(world.treasurer), client_of(world.controller)
    told = [todo.text for todo in todos_of(world.treasurer)]
    assert any(f"{month:%Y-%m}" in text and "can be closed" in text for text in told)
    page = treasurer.get(PAGE).content.decode()
    assert f"Propose to close {month:%Y-%m}" in page
    assert send(treasurer, f"{PAGE}{month:%Y-%m}/propose/").status_code == 302
    assert "can be closed" not in " ".join(str(todo.text) for todo in todos_of(world.treasurer))
    assert any("waits for your agreement" in str(todo.text) for todo in todos_of(world.controller))
    assert "Close the month" in controller.get(f"{PAGE}1/").content.decode()
    assert send(controller, f"{PAGE}1/agree/").status_code == 302
    shown = treasurer.get(f"{PAGE}1/").content.decode()
    digest = MonthClose.objects.get().sha256
    assert digest in shown
    assert digest in download(world.auditor, "all.csv")
    assert "\n101," in download(world.auditor, "1.csv")
    public = client_of(None).get("/pools/test-pool/closed-months/").content.decode()
    assert digest in public
    again = send(controller, f"{PAGE}1/agree/")
    assert (again.status_code, "decided already" in again.content.decode()) == (409, True)
    empty = send(treasurer, f"{PAGE}1/reopen/", reason="")
    assert empty.status_code == 422
    assert send(treasurer, f"{PAGE}1/reopen/", reason="a receipt was placed wrong").status_code == 302
    assert any("opened again" in str(todo.text) for todo in todos_of(world.controller))
    assert send(controller, f"{PAGE}1/reopen/agree/").status_code == 302
    public = client_of(None).get("/pools/test-pool/closed-months/").content.decode()
    assert "a receipt was placed wrong" in public


def test_page_refuses_what_cannot_be_closed(charged: Charged) -> None:
    world, _bank, _period = charged
    treasurer = client_of(world.treasurer)
    early = send(treasurer, f"{PAGE}{month_of(world):%Y-%m}/propose/")
    assert (early.status_code, "not over yet" in early.content.decode()) == (409, True)
    assert send(treasurer, f"{PAGE}2026-13/propose/").status_code == 404
    assert send(client_of(world.auditor), f"{PAGE}2026-01/propose/").status_code == 403
    assert treasurer.get(f"{PAGE}1/").status_code == 404


def test_reopening_can_be_turned_down(charged: Charged) -> None:
    world, bank, _period = charged
    closed(world, bank)
    treasurer, controller = client_of(world.treasurer), client_of(world.controller)
    send(treasurer, f"{PAGE}1/reopen/", reason="why not")
    assert send(controller, f"{PAGE}1/reopen/withdraw/").status_code == 302
    page = treasurer.get(f"{PAGE}1/").content.decode()
    assert "Propose to open it again" in page
    assert MonthReopening.objects.get().state == "withdrawn"
    assert "why not" not in client_of(None).get("/pools/test-pool/closed-months/").content.decode()


def test_queries_of_the_list_do_not_grow_with_it(charged: Charged) -> None:
    world, bank, _period = charged
    auditor = client_of(world.auditor)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert auditor.get(PAGE).status_code == 200
        return len(captured)

    closed(world, bank)
    queries()
    one = queries()
    closed(world, bank)
    closed(world, bank)
    assert queries() == one


def test_programs_close_a_month_too(charged: Charged) -> None:
    world, bank, _period = charged
    month = made_ready(world, bank)
    treasurer, controller = client_of(world.treasurer), client_of(world.controller)

    def send(client: Any, path: str, body: Any = None) -> Any:
        return client.post(
            f"{API}{path}",
            body or {},
            content_type="application/json",
            HTTP_IDEMPOTENCY_KEY=str(uuid.uuid4()),
        )

    found = treasurer.get(f"{API}next/").json()
    assert (found["month_date"], found["is_ready"], len(found["conditions"])) == (str(month), True, 5)
    made = send(treasurer, f"{month:%Y-%m}/propose/")
    assert (made.status_code, made.json()) == (201, {"number": 1})
    assert send(treasurer, "1/agree/").status_code == 403
    assert send(controller, "1/agree/").json() == {"state": "agreed"}
    row = client_of(world.auditor).get(API).json()["results"][0]
    assert (row["number"], row["state"], row["custody_fen"]) == (1, "agreed", row["bank_fen"])
    assert send(treasurer, "1/reopen/", {"reason": "x"}).json() == {"state": "proposed"}
    assert send(controller, "1/reopen/withdraw/").json() == {"state": "withdrawn"}
    assert send(treasurer, "1/reopen/", {"reason": "y"}).status_code == 201
    assert send(controller, "1/reopen/agree/").json() == {"state": "agreed"}
    public = client_of(None).get(f"{API}closed/").json()["results"]
    assert [(one["is_reopened"], one["reason"]) for one in public] == [(True, "y")]
    assert send(treasurer, f"{month:%Y-%m}/propose/").json() == {"number": 2}
    assert send(controller, "2/withdraw/").json() == {"state": "withdrawn"}
