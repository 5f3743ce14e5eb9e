"""The end of a period: each line is done or open by the rows alone, and says who acts."""

import datetime as dt
import uuid
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from aidplatform.lib import clock
from aidplatform.site.todo import todos_of
from aidplatform.testing.bank import Bank, charged_world
from aidplatform.testing.debits import debited_world
from aidplatform.testing.prepared import prepared
from aidplatform.testing.signing import TestSigner
from aidplatform.testing.world import World, run_jobs, set_clock
from aidplatform.tests.pages_helpers import client_of
from ledger.custody import interests, reconciled_days
from ledger.custody.models import PaymentOrder
from ledger.custody.references import ORDER, make_reference
from ledger.custody.statement_parts import IN, OUT
from ledger.sharing.models import Period
from ledger.verification.period_end import Line, checklist
from ledger.verification.services import ask_for_verification

Charged = tuple[World, Bank, Period]
PAGE = "/pools/test-pool/ledger/period-ends/1/"
API = "/api/v1/pools/test-pool/periods/1/end/"


@pytest.fixture
def charged(posted: Charged) -> Charged:
    """Give the test that pool, and empty counts of requests."""
    cache.clear()
    return posted


@prepared
def posted() -> Charged:
    """Give the test a pool of seven whose first period is posted, with its bank."""
    return charged_world(100_000, 50_000)


def lines(period: Period) -> dict[str, Line]:
    found = Period.objects.select_related("pool", "plan_version").get(pk=period.pk)
    return {line.code: line for line in checklist(found)}


def open_codes(period: Period) -> set[str]:
    return {code for code, line in lines(period).items() if line.is_open}


def after(period: Period) -> None:
    """Let the period be over by its dates."""
    set_clock(clock.start_of_day(period.next_opening_date, period.pool.time_zone) + dt.timedelta(hours=9))


def bank_says(bank: Bank, *lines_of_day: Any) -> None:
    """Import a statement of everything up to today, with these bookings on its first day."""
    days = (clock.today(bank.world.pool.time_zone) - bank.day).days
    bank.take(bank.statement(*lines_of_day, days=max(1, days)))


def test_every_line_is_worked_off(committed_db: tuple[str, str], tmp_path: Any) -> None:
    """A period from nothing to everything done: paid, released, on statements, reconciled, stated, verified, signed."""
    world, bank, period = charged_world(100_000, 50_000)
    bank.all_pay()
    for award in world.pool.awards.order_by("code"):
        bank.order_aid(award, award.aid_fen)
    bank.order_fee(period, 12_000)
    after(period)
    assert open_codes(period) == {
        "statements", "reconciliation", "released", "interests", "verified", "signed",
    }  # fmt: skip
    for order in PaymentOrder.objects.order_by("number"):
        bank.release(order)
    # What is released on the day after is for the next end; these were ordered before.
    assert "released" not in open_codes(period)
    bank.all_pay()
    bank_says(bank)
    reconciled_days.keep_day(world.pool, clock.now())
    report = interests.report_income(
        period=period, referral_fen=0, sponsor_fen=0, note="", proposer=world.admin.code, at=clock.now()
    )
    assert lines(period)["interests"].duty == "controller"
    interests.confirm_income(report=report, confirmer=world.controller.code, at=clock.now())
    ask_for_verification(pool=world.pool, asker=world.auditor.code, at=clock.now())
    assert "verified" in open_codes(period)
    run_jobs()
    assert open_codes(period) == {"signed"}
    assert lines(period)["signed"].duty == ""
    signer = TestSigner(tmp_path / "state")
    signer.sign()
    assert open_codes(period) == set()
    assert {code for code, line in lines(period).items() if line.state == "none"} == {
        "charge_files",
        "results",
    }


def test_statements_reach_to_the_end(charged: Charged) -> None:
    world, bank, period = charged
    assert lines(period)["statements"].note == "none is in"
    after(period)
    days = (period.next_opening_date - bank.day).days
    bank.take(bank.statement(days=days - 1))
    assert "statements" in open_codes(period)
    bank.take(bank.statement())
    assert "statements" not in open_codes(period)
    assert world.treasurer


def test_money_without_an_owner_or_a_reason_is_open(charged: Charged) -> None:
    _world, bank, period = charged
    bank.take(bank.statement(bank.line(IN, 999, text="?"), bank.line(OUT, 777, text="?")))
    after(period)
    found = lines(period)
    assert {"unidentified", "suspense"} <= open_codes(period)
    days = (period.next_opening_date - dt.date(2026, 1, 1)).days
    assert found["unidentified"].note == f"receipts: 1, ¥9.99 in all; days that the oldest waits: {days}"
    assert found["suspense"].note == "¥7.77"


def test_receipts_of_the_next_period_are_not_of_this_one(charged: Charged) -> None:
    _world, bank, period = charged
    after(period)
    bank_says(bank)
    bank.take(bank.statement(bank.line(IN, 999, text="?")))
    assert "unidentified" not in open_codes(period)


def test_returned_payment_is_open_until_it_is_ordered_anew(charged: Charged) -> None:
    world, bank, period = charged
    bank.all_pay()
    award = world.pool.awards.get(code="C-1")
    bank.release(bank.order_aid(award, 100_000))
    assert lines(period)["confirmed"].note == "1 left"
    bank.all_pay()
    bank.take(bank.statement(bank.line(IN, 100_000, text=make_reference("test-pool", ORDER, 1))))
    assert PaymentOrder.objects.get().state == "returned"
    assert "returns" in open_codes(period)
    bank.order_aid(award, 100_000)
    assert "returns" not in open_codes(period)
    assert lines(period)["released"].duty == "controller"


def test_fee_beyond_what_came_in_is_open(charged: Charged) -> None:
    """120.00 of fee was taken when everyone had paid; one share of 231.43 is charged back: 102.85 are earned."""
    world, bank, period = charged
    bank.all_pay()
    for award in world.pool.awards.order_by("code"):
        bank.release(bank.order_aid(award, award.aid_fen))
    bank.release(bank.order_fee(period, 12_000))
    assert lines(period)["fee"].note == "taken ¥120.00 of ¥120.00 earned"
    assert "fee" not in open_codes(period)
    bank.take(bank.statement(bank.line(OUT, 23_143, text=bank.reference(7))))
    assert lines(period)["fee"].note == "taken ¥120.00 of ¥102.85 earned"
    assert "fee" in open_codes(period)


def test_red_reconciliation_is_open(charged: Charged) -> None:
    world, bank, period = charged
    bank.take(bank.statement(bank.line(OUT, 777, text="?")))
    set_clock(clock.now() + dt.timedelta(days=20))
    reconciled_days.keep_day(world.pool, clock.now())
    assert "reconciliation" in open_codes(period)
    assert lines(period)["reconciliation"].note.startswith("rules broken: ")


def test_debits_are_in_a_file_and_answered(db: None) -> None:
    debits = debited_world()
    period = debits.period
    assert {"charge_files"} == open_codes(period) & {"charge_files", "results"}
    file = debits.make()
    assert "charge_files" not in open_codes(period)
    after(period)
    assert lines(period)["results"].note == f"{file.instruction_count} left"
    debits.answer(*((name, "collected", "") for name in debits.ids(file)))
    assert lines(period)["results"].state == "done"


def test_verification_before_the_posting_proves_nothing_of_it(db: None) -> None:
    world = World.founded()
    ask_for_verification(pool=world.pool, asker=world.auditor.code, at=clock.now())
    run_jobs()
    world.award(100_000)
    period = world.posted_period()
    assert "verified" in open_codes(period)
    assert lines(period)["verified"].note == "not verified since"


def test_page_csv_and_program_say_the_same(charged: Charged) -> None:
    world, _bank, period = charged
    for person in (world.admin, world.controller, world.treasurer, world.auditor):
        assert client_of(person).get(PAGE).status_code == 200
    page = client_of(world.treasurer).get(PAGE).content.decode()
    assert "not stated" in page
    assert "<strong>you</strong>" in page
    rows = client_of(world.auditor).get(API).json()
    assert {row["code"]: row["state"] for row in rows} == {
        code: line.state for code, line in lines(period).items()
    }
    answer = client_of(world.auditor).get("/pools/test-pool/ledger/period-ends/1.csv")
    told = b"".join(answer.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    assert [line.split(",")[:2] for line in told[1:]] == [[row["code"], row["state"]] for row in rows]
    newest = client_of(world.treasurer).get("/pools/test-pool/ledger/period-ends/")
    assert newest["Location"] == PAGE
    assert client_of(world.stranger).get(PAGE).status_code == 404
    assert client_of(world.stranger).get(API).status_code == 404
    assert client_of(world.treasurer).get(PAGE.replace("/1/", "/9/")).status_code == 404


def test_pool_without_a_period_says_so(db: None) -> None:
    world = World.founded()
    answer = client_of(world.treasurer).get("/pools/test-pool/ledger/period-ends/")
    assert answer.status_code == 200
    assert "No period has begun yet" in answer.content.decode()


def test_home_tells_who_has_to_act_once_the_period_is_over(charged: Charged) -> None:
    world, _bank, period = charged
    assert PAGE not in [todo.address for todo in todos_of(world.treasurer)]
    after(period)
    for person in (world.treasurer, world.admin, world.controller):
        assert PAGE in [todo.address for todo in todos_of(person)]
    assert PAGE not in [todo.address for todo in todos_of(world.auditor)]


def test_queries_do_not_grow_with_what_waits(charged: Charged) -> None:
    world, bank, period = charged
    bank.all_pay()

    def count() -> int:
        with CaptureQueriesContext(connection) as seen:
            checklist(Period.objects.select_related("pool", "plan_version").get(pk=period.pk))
        return len(seen)

    bank.take(bank.statement(bank.line(IN, 5, text=str(uuid.uuid4()))))
    bank.order_aid(world.pool.awards.get(code="C-1"), 1_000)
    before = count()
    bank.take(bank.statement(*(bank.line(IN, fen, text=str(uuid.uuid4())) for fen in (6, 7, 8))))
    for _order in range(3):
        bank.order_aid(world.pool.awards.get(code="C-1"), 1_000)
    assert count() == before
