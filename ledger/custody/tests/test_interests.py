"""The operator's interests and income: two people tell them, what comes in lowers the next need, gaps are seen."""

import datetime as dt
import json
import uuid
from typing import Any

import psycopg
import pytest
from django.core.cache import cache
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from aidplatform.lib import clock
from aidplatform.site.todo import todos_of
from aidplatform.testing.bank import Bank, charged_world
from aidplatform.testing.ledgers import assert_books_true
from aidplatform.testing.refusals import refused, refused_to_owner
from aidplatform.testing.world import World, set_clock
from aidplatform.tests.pages_helpers import client_of
from ledger.books.selectors import balance_fen
from ledger.custody import interests
from ledger.custody.interest_models import IncomeReport, OperatorInterest
from ledger.custody.references import INCOME, REFERRAL, SPONSOR, make_reference
from ledger.custody.statement_parts import IN, OUT, FileLine
from ledger.openbooks.models import LogEntry
from ledger.sharing.models import Period
from ledger.sharing.selectors import book_of
from members.pools.models import Pool
from members.pools.services import found_pool

Charged = tuple[World, Bank, Period]
PAGE = "/pools/test-pool/interests/"
API = "/api/v1/pools/test-pool/interests/"
SINCE = dt.date(2025, 4, 1)


@pytest.fixture
def charged(charged: Charged) -> Charged:
    """Give the test the small pool of custody, and nobody who has asked too often."""
    cache.clear()
    return charged


def propose(world: World, partner: str = "Green Pharmacy", **fields: Any) -> OperatorInterest:
    given: dict[str, Any] = {
        "kind": "referral",
        "relation": "Pays 30.00 for each member sent.",
        "since_date": SINCE,
        "until_date": None,
        "replaces": None,
    }
    return interests.propose_interest(
        pool=world.pool, partner=partner, proposer=world.admin.code, at=clock.now(), **(given | fields)
    )


def confirmed(world: World, **fields: Any) -> OperatorInterest:
    made = propose(world, **fields)
    return interests.confirm_interest(interest=made, confirmer=world.controller.code, at=clock.now())


def reported(world: World, period: Period, referral_fen: int, sponsor_fen: int = 0) -> IncomeReport:
    made = waiting_report(world, period, referral_fen, sponsor_fen)
    return interests.confirm_income(report=made, confirmer=world.controller.code, at=clock.now())


def waiting_report(world: World, period: Period, referral_fen: int, sponsor_fen: int = 0) -> IncomeReport:
    return interests.report_income(
        period=period,
        referral_fen=referral_fen,
        sponsor_fen=sponsor_fen,
        note="",
        proposer=world.admin.code,
        at=clock.now(),
    )


def handed_on(bank: Bank, fen: int, what: int) -> FileLine:
    """Return the operator's transfer of an income."""
    return bank.line(IN, fen, text=make_reference(bank.world.pool.code, INCOME, what))


def next_posted(world: World, last: Period, aid_fen: int, code: str) -> Period:
    set_clock(clock.start_of_day(last.next_opening_date, world.pool.time_zone))
    world.award(aid_fen, code=code)
    return world.posted_period()


# --- what comes in lowers the next need ------------------------------------------------------------------------------


def test_income_lowers_the_next_need(charged: Charged) -> None:
    """500.00 of referrals and 1.00 of a sponsor: aid 700.00 and fee 56.00 less those and the carry of 0.01."""
    world, bank, first = charged
    bank.all_pay()
    bank.take(bank.statement(handed_on(bank, 50_000, REFERRAL), handed_on(bank, 100, SPONSOR)))
    assert balance_fen(book_of(world.pool), "240") == 50_100 + (first.carry_out_fen or 0)
    second = next_posted(world, first, 70_000, "C-3")
    assert (first.carry_out_fen, second.other_income_fen, second.carry_in_fen) == (1, 50_100, 50_101)
    assert second.need_fen == 70_000 + 5_600 - 50_101
    rows = interests.income_by_period(world.pool)
    assert [(one.number, one.booked_referral_fen, one.booked_sponsor_fen) for one in rows] == [
        (2, 50_000, 100),
        (1, 0, 0),
    ]
    assert_books_true(world.pool)


def test_what_a_sponsor_owes_is_settled_first(charged: Charged) -> None:
    world, bank, _period = charged
    bank.all_pay()
    bank.take(bank.statement(bank.line(OUT, 150, code="charge"), handed_on(bank, 100, SPONSOR)))
    assert balance_fen(book_of(world.pool), "130") == 150
    bank.take(bank.statement(handed_on(bank, 200, SPONSOR)))
    assert balance_fen(book_of(world.pool), "130") == 0
    assert balance_fen(book_of(world.pool), "240") == 1 + 100 + 50
    assert_books_true(world.pool)


def test_other_numbers_and_debits_are_no_income(charged: Charged) -> None:
    world, bank, _period = charged
    bank.all_pay()
    result = bank.take(
        bank.statement(
            handed_on(bank, 10, 3), bank.line(OUT, 5, text=make_reference("test-pool", INCOME, REFERRAL))
        )
    )
    assert set(result.totals) == {"unidentified", "unexplained"}
    assert balance_fen(book_of(world.pool), "240") == 1


def test_silence_is_not_zero_and_gaps_run_on(charged: Charged) -> None:
    """Reported 300.00 too early is a gap until it has arrived; what is booked and never reported is one as well."""
    world, bank, first = charged
    bank.all_pay()
    (row,) = interests.income_by_period(world.pool)
    assert (row.is_stated, row.referral_fen, row.has_gap) == (False, None, False)
    reported(world, first, 30_000)
    (row,) = interests.income_by_period(world.pool)
    assert (row.is_stated, row.gap_referral_fen, row.gap_sponsor_fen) == (True, 30_000, 0)
    bank.take(bank.statement(handed_on(bank, 30_000, REFERRAL), handed_on(bank, 700, SPONSOR)))
    second = next_posted(world, first, 70_000, "C-3")
    row = interests.income_by_period(world.pool)[0]
    assert (row.is_stated, row.has_gap) == (False, False)
    reported(world, second, 0)
    newest, oldest = interests.income_by_period(world.pool)
    assert (newest.gap_referral_fen, newest.gap_sponsor_fen) == (0, -700)
    assert oldest.gap_referral_fen == 30_000
    reported(world, second, 0, 700)
    assert not interests.income_by_period(world.pool)[0].has_gap


# --- two people, and the log -----------------------------------------------------------------------------------------


def test_interest_needs_two_people_and_is_decided_once(charged: Charged) -> None:
    world = charged[0]
    made = propose(world)
    assert list(interests.register(world.pool)) == []
    with pytest.raises(interests.SamePersonError):
        interests.confirm_interest(interest=made, confirmer=world.admin.code, at=clock.now())
    interests.confirm_interest(interest=made, confirmer=world.controller.code, at=clock.now())
    with pytest.raises(interests.InterestMovedOnError):
        interests.withdraw(told=made, person=world.admin.code, at=clock.now())
    found = LogEntry.objects.get(log__code="test-pool", type="stats", key="interest/1")
    assert json.loads(found.data)["body"] == {
        "interest": 1,
        "kind": "referral",
        "since": "2025-04-01",
        "sha256": interests.text_hash(made),
    }


def test_interest_that_ended_takes_the_place_of_the_one_that_went_on(charged: Charged) -> None:
    world = charged[0]
    confirmed(world)
    confirmed(world, partner="River Clinic", kind="supplier")
    ended = propose(world, until_date=dt.date(2025, 12, 1), replaces=1)
    other = propose(world, until_date=dt.date(2025, 11, 1), replaces=1)
    assert [one.number for one in interests.register(world.pool)] == [2, 1]
    interests.confirm_interest(interest=ended, confirmer=world.controller.code, at=clock.now())
    assert [one.number for one in interests.register(world.pool)] == [3, 2]
    with refused("interest_is_replaced_once"):
        interests.confirm_interest(interest=other, confirmer=world.controller.code, at=clock.now())
    with refused("interest_replaces_a_confirmed_one"):
        propose(world, replaces=4)


def test_income_report_needs_two_people_and_a_posted_period(charged: Charged) -> None:
    world, _bank, first = charged
    made = waiting_report(world, first, 0)
    with pytest.raises(interests.SamePersonError):
        interests.confirm_income(report=made, confirmer=world.admin.code, at=clock.now())
    with pytest.raises(IntegrityError, match="one_waiting_income_report_per_period"), transaction.atomic():
        waiting_report(world, first, 1)
    interests.withdraw(told=made, person=world.admin.code, at=clock.now())
    reported(world, first, 0)
    assert json.loads(LogEntry.objects.get(type="stats", key="income/2").data)["body"] == {
        "income": 2,
        "period": 1,
        "referral_fen": 0,
        "sponsor_fen": 0,
    }
    set_clock(clock.start_of_day(first.next_opening_date, world.pool.time_zone))
    with refused("income_report_is_of_a_posted_period"):
        waiting_report(world, world.announced_period(), 0)


# --- the database ----------------------------------------------------------------------------------------------------

_INTEREST = """INSERT INTO ledger_operatorinterest (pool_id, number, kind, partner, relation, since_date, until_date,
                      state, proposed_by, proposed_at, decided_by, decided_at)
               SELECT id, 1, '{}', '{}', 'x', '2025-04-01', {}, '{}', %s, now(), {}, {} FROM members_pool"""
_INCOME = """INSERT INTO ledger_incomereport (pool_id, number, period_id, referral_fen, sponsor_fen, note, state,
                    proposed_by, proposed_at, decided_by, decided_at)
             SELECT pool_id, 1, id, {}, {}, '', '{}', %s, now(), {}, {} FROM ledger_period"""
_NONE = ("NULL", "NULL")
_BOTH = ("'x'", "now()")


@pytest.mark.parametrize(
    ("by", "sql", "name"),
    [
        (
            "controller",
            _INTEREST.format("owner", "A", "NULL", "proposed", *_NONE),
            "interest_people_hold_their_duty",
        ),
        ("admin", _INTEREST.format("owner", "A", "NULL", "confirmed", *_BOTH), "interest_begins_proposed"),
        ("admin", _INTEREST.format("owner", "A", "NULL", "confirmed", *_NONE), "interest_is_decided_once"),
        (
            "admin",
            _INTEREST.format("owner", " ", "NULL", "proposed", *_NONE),
            "interest_says_with_whom_and_what",
        ),
        (
            "admin",
            _INTEREST.format("gift", "A", "NULL", "proposed", *_NONE),
            "interest_says_with_whom_and_what",
        ),
        (
            "admin",
            _INTEREST.format("owner", "A", "'2025-04-01'", "proposed", *_NONE),
            "interest_ends_after_it_began",
        ),
        ("treasurer", _INCOME.format(0, 0, "proposed", *_NONE), "income_report_people_hold_their_duty"),
        ("admin", _INCOME.format(0, 0, "confirmed", *_BOTH), "income_report_begins_proposed"),
        ("admin", _INCOME.format(0, 0, "confirmed", *_NONE), "income_report_is_decided_once"),
        ("admin", _INCOME.format(-1, 0, "proposed", *_NONE), "income_report_is_an_amount"),
        ("admin", _INCOME.format(0, -1, "proposed", *_NONE), "income_report_is_an_amount"),
    ],
)
def test_application_cannot_make_interests_up(charged: Charged, by: str, sql: str, name: str) -> None:
    world = charged[0]
    with connection.cursor() as cursor, refused(name):
        cursor.execute(sql, [getattr(world, by).code])


@pytest.mark.parametrize("noun", ["interest", "income_report"])
@pytest.mark.parametrize(
    ("by", "sql", "name"),
    [
        ("admin", "state = 'confirmed', decided_by = %s, decided_at = now()", "{}_people_hold_their_duty"),
        (
            "treasurer",
            "state = 'withdrawn', decided_by = %s, decided_at = now()",
            "{}_people_hold_their_duty",
        ),
        ("controller", "state = 'confirmed', decided_by = %s, decided_at = now()", "{}_is_in_the_log"),
        ("controller", "state = 'proposed', decided_by = %s, decided_at = now()", "{}_needs_two_people"),
        ("controller", "state = 'withdrawn', decided_by = %s, proposed_by = 'x'", "42501"),
    ],
)
def test_application_cannot_decide_interests_alone(
    charged: Charged, noun: str, by: str, sql: str, name: str
) -> None:
    world, _bank, first = charged
    propose(world)
    waiting_report(world, first, 5)
    table = {"interest": "ledger_operatorinterest", "income_report": "ledger_incomereport"}[noun]
    with pytest.raises(DatabaseError) as caught, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET {sql}", [getattr(world, by).code])
    diag = caught.value.__cause__.diag  # type: ignore[union-attr]
    assert name.format(noun) in (diag.constraint_name, diag.sqlstate)


def test_one_person_in_both_duties_confirms_nothing_of_their_own(committed_db: tuple[str, str]) -> None:
    """Duties that do not meet already part the two; the check holds where a grant were ever to."""
    world, _bank, first = charged_world(100_000)
    made, told = propose(world), waiting_report(world, first, 5)
    with psycopg.connect(committed_db[0]) as owner:
        for table, name, key in (
            ("ledger_operatorinterest", "interest_needs_two_people", made.pk),
            ("ledger_incomereport", "income_report_needs_two_people", told.pk),
        ):
            owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            with refused_to_owner(owner, name):
                owner.execute(
                    f"""UPDATE {table} SET state = 'confirmed', decided_by = proposed_by, decided_at = now()
                         WHERE id = %s""",
                    [key],
                )


def test_told_interests_are_not_edited_by_the_owner(committed_db: tuple[str, str]) -> None:
    world, _bank, first = charged_world(100_000)
    confirmed(world)
    reported(world, first, 0)
    with psycopg.connect(committed_db[0]) as owner:
        for sql, name in (
            ("UPDATE ledger_operatorinterest SET partner = 'x'", "interest_is_decided_as_shown"),
            ("DELETE FROM ledger_operatorinterest", "interests_are_kept"),
            ("UPDATE ledger_incomereport SET referral_fen = 6", "income_report_is_decided_as_shown"),
            ("DELETE FROM ledger_incomereport", "income_reports_are_kept"),
        ):
            with refused_to_owner(owner, name):
                owner.execute(sql)


# --- pages and programs ----------------------------------------------------------------------------------------------


def form_of(**fields: str) -> dict[str, str]:
    return {"key": str(uuid.uuid4())} | fields


def test_everyone_reads_the_register(charged: Charged) -> None:
    world, _bank, first = charged
    confirmed(world, partner="=Green Pharmacy")
    propose(world, partner="Not yet told Ltd")
    page = Client().get(PAGE).content.decode()
    assert "Green Pharmacy" in page
    assert "Not yet told" not in page
    assert "not stated" in page
    assert "Report it" not in page
    reported(world, first, 0)
    page = Client().get(PAGE).content.decode()
    assert "not stated" not in page
    assert "¥0.00" in page
    told = b"".join(Client().get(f"{PAGE}register.csv").streaming_content).decode()  # type: ignore[attr-defined]
    assert "1,'=Green Pharmacy,referral,Pays 30.00 for each member sent.,2025-04-01,,,2026-" in told
    income = b"".join(Client().get(f"{PAGE}income.csv").streaming_content).decode()  # type: ignore[attr-defined]
    assert income.splitlines()[1] == "1,0.00,0.00,0.00,0.00,0.00,0.00"
    assert PAGE in Client().get("/pools/test-pool/").content.decode()


def test_register_of_a_draft_is_its_founders(charged: Charged) -> None:
    world = charged[0]
    found_pool(
        code="draft",
        name_en="Draft",
        name_zh="草稿",
        currency="CNY",
        time_zone="Asia/Shanghai",
        expected_members=5,
        founder=world.admin.code,
    )
    assert Pool.objects.get(code="draft").is_private
    for address in ("interests/", "interests/register.csv", "interests/income.csv"):
        assert client_of(world.stranger).get(f"/pools/draft/{address}").status_code == 404


def test_page_proposes_confirms_and_keeps_what_was_typed(charged: Charged) -> None:
    world = charged[0]
    admin, controller = client_of(world.admin), client_of(world.controller)
    bad = admin.post(
        f"{PAGE}propose/",
        form_of(
            partner="Green Pharmacy",
            kind="referral",
            relation="Pays.",
            since_date="2026-01-02",
            until_date="2026-01-01",
        ),
    )
    assert bad.status_code == 422
    assert 'value="Green Pharmacy"' in bad.content.decode()
    good = form_of(partner="Green Pharmacy", kind="referral", relation="Pays 30.00.", since_date="2026-01-01")
    for _click in range(2):
        assert admin.post(f"{PAGE}propose/", good).status_code == 302
    assert OperatorInterest.objects.count() == 1
    for amount in ("", "-1", "x"):
        assert (
            admin.post(f"{PAGE}income/", form_of(period="1", referral=amount, sponsor="0")).status_code == 422
        )
    assert (
        admin.post(f"{PAGE}income/", form_of(period="1", referral="120.00", sponsor="0")).status_code == 302
    )
    again = admin.post(f"{PAGE}income/", form_of(period="1", referral="1.00", sponsor="0"))
    assert again.status_code == 409
    assert 'value="1.00"' in again.content.decode()
    assert PAGE in [todo.address for todo in todos_of(world.controller)]
    assert PAGE not in [todo.address for todo in todos_of(world.treasurer)]
    assert admin.post(f"{PAGE}1/confirm/", form_of()).status_code == 403
    assert controller.post(f"{PAGE}1/confirm/", form_of()).status_code == 302
    assert controller.post(f"{PAGE}1/confirm/", form_of()).status_code == 409
    assert controller.post(f"{PAGE}9/confirm/", form_of()).status_code == 404
    assert controller.post(f"{PAGE}income/1/confirm/", form_of()).status_code == 302
    assert PAGE not in [todo.address for todo in todos_of(world.controller)]
    assert "referrals ¥120.00, sponsors ¥0.00" in Client().get(PAGE).content.decode()
    assert client_of(world.treasurer).post(f"{PAGE}propose/", good).status_code == 403
    assert client_of(world.stranger).post(f"{PAGE}propose/", good).status_code == 404
    admin.post(
        f"{PAGE}propose/",
        form_of(partner="B", kind="other", relation="x", since_date="2026-01-01", replaces="1"),
    )
    assert admin.post(f"{PAGE}2/withdraw/", form_of()).status_code == 302
    assert OperatorInterest.objects.get(number=2).state == "withdrawn"


def test_queries_do_not_grow_with_the_register(charged: Charged) -> None:
    world, _bank, first = charged
    client = client_of(world.controller)
    client.get(PAGE)

    def count() -> int:
        with CaptureQueriesContext(connection) as seen:
            client.get(PAGE)
        return len(seen)

    confirmed(world)
    reported(world, first, 0)
    before = count()
    for number in range(3):
        confirmed(world, partner=f"Partner {number}")
        reported(world, first, number)
        propose(world, partner=f"Waiting {number}")
    assert count() == before


def send(client: Client, address: str, **content: Any) -> Any:
    return client.post(
        address,
        json.dumps(content),
        content_type="application/json",
        headers={"Idempotency-Key": f"key-{uuid.uuid4()}"},
    )


def test_programs_tell_and_read_interests(charged: Charged) -> None:
    world = charged[0]
    admin, controller = client_of(world.admin), client_of(world.controller)
    told = {"kind": "sponsor", "partner": "Bank of Trees", "relation": "Gives.", "since_date": "2025-04-01"}
    made = send(admin, f"{API}propose/", **told)
    assert (made.status_code, made.json()) == (201, {"number": 1})
    assert send(controller, f"{API}propose/", **told).status_code == 403
    assert send(admin, f"{API}propose/", **(told | {"kind": "gift"})).status_code == 400
    assert Client().get(API).json()["results"] == []
    assert send(controller, f"{API}1/confirmation/").json() == {"state": "confirmed"}
    again = send(controller, f"{API}1/withdrawal/")
    assert again.json()["type"] == "urn:aid:interest_is_decided_once"
    (row,) = Client().get(API).json()["results"]
    assert (row["partner"], row["until_date"], row["decided_by"]) == (
        "Bank of Trees",
        None,
        world.controller.code,
    )
    amounts = {"period": 1, "referral_fen": 0, "sponsor_fen": 0}
    assert send(admin, f"{API}income/report/", **(amounts | {"period": 7})).status_code == 404
    assert Client().get(f"{API}income/").json()[0]["referral_fen"] is None
    assert send(admin, f"{API}income/report/", **amounts).json() == {"number": 1}
    assert send(admin, f"{API}income/1/confirmation/").status_code == 403
    assert send(controller, f"{API}income/1/confirmation/").json() == {"state": "confirmed"}
    assert Client().get(f"{API}income/").json() == [
        {
            "period": 1,
            "referral_fen": 0,
            "sponsor_fen": 0,
            "booked_referral_fen": 0,
            "booked_sponsor_fen": 0,
            "gap_referral_fen": 0,
            "gap_sponsor_fen": 0,
        }
    ]
    assert send(admin, f"{API}income/report/", **amounts).json() == {"number": 2}
    assert send(admin, f"{API}income/2/withdrawal/").json() == {"state": "withdrawn"}
    states = [row["state"] for row in client_of(world.auditor).get(f"{API}income/reports/").json()["results"]]
    assert states == ["withdrawn", "confirmed"]
    assert client_of(world.auditor).get(f"{API}told/").json()["results"][0]["number"] == 1
    assert client_of(world.stranger).get(f"{API}told/").status_code == 404
