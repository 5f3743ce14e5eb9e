"""Whoever reads the books has them recomputed, follows it part by part, and sees where a statement is false."""

from typing import Any

import psycopg
import pytest
from django.db import connection

from aidplatform.lib import clock
from aidplatform.testing.bank import charged_world
from aidplatform.testing.refusals import not_permitted, refused, refused_to_owner
from aidplatform.testing.world import World, run_jobs
from aidplatform.tests.pages_helpers import client_of
from aidplatform.work.models import Job
from ledger.verification import selectors, services
from ledger.verification.models import Verification, VerificationPart

HERE = "/pools/test-pool/ledger/verifications/"
API = "/api/v1/pools/test-pool/verifications/"
PARTS = ["books", "log", "period/1", "awards", "custody", "ends"]


@pytest.fixture
def charged(committed_db: tuple[str, str]) -> World:
    """A pool with one posted period, in a database whose commits are real: a verification takes snapshots."""
    world, bank, _period = charged_world(100_000)
    bank.all_pay(unpaid=0.3)
    return world


def harm(urls: tuple[str, str], table: str, change: str) -> None:
    """Change a table as the owner of the database could: with its guards asleep for that moment."""
    with psycopg.connect(urls[0]) as owner:
        owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        owner.execute(f"UPDATE {table} SET {change}")
        owner.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def ask(world: World) -> Verification:
    return services.ask_for_verification(pool=world.pool, asker=world.auditor.code, at=clock.now())


def verified(world: World) -> Verification:
    found = ask(world)
    run_jobs()
    found.refresh_from_db()
    return found


def test_true_books_are_true_part_by_part(charged: World) -> None:
    found = verified(charged)
    assert (found.number, found.state, found.verdict, found.parts) == (1, "done", "true", PARTS)
    outcome = selectors.outcome_of(found)
    assert outcome.false == outcome.unchecked == []
    assert outcome.statements["charge_equals_class_rate"].examined == 7
    assert outcome.statements["custody_equals_bank"].examined == 1
    assert list(found.results.order_by("place").values_list("place", flat=True)) == list(range(6))


def test_a_changed_charge_is_shown_with_both_figures(charged: World, committed_db: tuple[str, str]) -> None:
    harm(committed_db, "ledger_charge", "share_fen = share_fen + 1 WHERE membership_id % 3 = 0")
    found = verified(charged)
    assert found.verdict == "false"
    false = dict(selectors.outcome_of(found).false)
    assert {"charge_equals_class_rate", "posted_charges_equal_assessed"} <= set(false)
    finding = false["posted_charges_equal_assessed"].findings[0]
    page = client_of(charged.auditor).get(HERE, secure=True).content.decode()
    assert "A statement is false. Post nothing further before it is explained." in page
    assert finding.expected in page
    assert finding.found in page
    assert "found a false statement" in client_of(charged.controller).get("/", secure=True).content.decode()
    told = client_of(charged.auditor).get(f"{API}1/", secure=True).json()
    assert told["verification"]["verdict"] == "false"
    by_code = {one["code"]: one for one in told["statements"]}
    assert by_code["posted_charges_equal_assessed"]["findings"][0]["expected"] == finding.expected


def test_what_cannot_be_read_is_not_called_true(charged: World, committed_db: tuple[str, str]) -> None:
    harm(committed_db, "members_planversion", "terms = terms || '{\"deductible\": 5}'")
    found = verified(charged)
    assert found.verdict in ("unchecked", "false")
    assert any("deductible" in reason for _name, reason in selectors.outcome_of(found).unchecked)


def test_a_verification_that_was_broken_off_goes_on(charged: World) -> None:
    found = ask(charged)
    VerificationPart.objects.create(verification=found, place=0, results=[], unchecked=[])
    page = client_of(charged.treasurer).get(HERE, secure=True).content.decode()
    assert "1 of 6 parts" in page
    assert "The public log" in page
    run_jobs()
    found.refresh_from_db()
    assert found.verdict == "true"
    assert found.results.get(place=0).results == []


def test_asking_twice_is_asking_once_until_it_is_done(charged: World) -> None:
    client = client_of(charged.controller)
    for _time in range(2):
        assert client.post(f"{HERE}ask/", secure=True).status_code == 302
    assert Job.objects.filter(kind="verify_books").count() == Verification.objects.count() == 1
    run_jobs()
    assert client.post(API, secure=True).json()["number"] == 2
    run_jobs()
    listed = client.get(API, secure=True).json()["results"]
    assert [(one["number"], one["verdict"]) for one in listed] == [(2, "true"), (1, "true")]
    assert "Verification 1" in client.get(HERE, secure=True).content.decode()
    csv = b"".join(client.get(f"{HERE}1/statements.csv", secure=True)).decode("utf-8-sig")
    assert csv.startswith("statement,sentence,examined,false")
    assert "custody_equals_bank" in csv


def test_statements_are_in_the_readers_language(charged: World) -> None:
    verified(charged)
    client = client_of(charged.auditor)
    page = client.get(HERE, secure=True, headers={"accept-language": "zh-hans"}).content.decode()
    assert "账上托管科目等于银行最近的期末余额。" in page


def test_page_asks_the_same_of_many_verifications_as_of_one(
    charged: World, django_assert_max_num_queries: Any
) -> None:
    client = client_of(charged.auditor)
    for _time in range(3):
        verified(charged)
    client.get(HERE, secure=True)
    with django_assert_max_num_queries(14):
        client.get(HERE, secure=True)


@pytest.mark.django_db
def test_verification_is_asked_by_staff(world: World) -> None:
    with refused("verification_is_asked_by_staff"):
        services.ask_for_verification(pool=world.pool, asker=world.stranger.code, at=clock.now())


@pytest.mark.django_db
def test_one_verification_at_a_time(world: World) -> None:
    first = ask(world)
    assert ask(world) == first
    with refused("one_verification_at_a_time"):
        Verification.objects.create(
            pool=world.pool, parts=["books"], asked_by=world.auditor.code, asked_at=clock.now()
        )


@pytest.mark.django_db
@pytest.mark.parametrize("place", [1, 9])
def test_verification_goes_part_by_part(world: World, place: int) -> None:
    found = ask(world)
    with refused("verification_goes_part_by_part"):
        VerificationPart.objects.create(verification=found, place=place, results=[], unchecked=[])


@pytest.mark.django_db
def test_verdict_follows_its_parts(world: World) -> None:
    found = ask(world)
    lie = Verification.objects.filter(pk=found.pk)
    done = {"state": "done", "ended_at": clock.now()}
    with refused("verdict_follows_its_parts"):
        lie.update(verdict="true", **done)
    for place in range(len(found.parts)):
        false = [{"code": "journal_entry_balances", "examined": 3, "false": place % 2, "findings": []}]
        VerificationPart.objects.create(verification=found, place=place, results=false, unchecked=["x"])
    for verdict in ("true", "unchecked"):
        with refused("verdict_follows_its_parts"):
            lie.update(verdict=verdict, **done)
    with refused("done_verification_has_its_verdict"):
        lie.update(verdict="false", state="done")
    assert lie.update(verdict="false", **done) == 1
    with refused("verification_state_follows_order"):
        lie.update(state="running", verdict="", ended_at=None)


@pytest.mark.django_db
def test_verifications_stay(world: World, owner: psycopg.Connection) -> None:
    ask(world)
    with connection.cursor() as cursor, not_permitted():
        cursor.execute("DELETE FROM ledger_verification")
    with connection.cursor() as cursor, not_permitted():
        cursor.execute("UPDATE ledger_verification SET asked_by = 'somebody'")
    for table, name in (
        ("ledger_verification", "verifications_are_kept"),
        ("ledger_verificationpart", "verification_part_is_permanent"),
    ):
        with refused_to_owner(owner, name):
            owner.execute(f"DELETE FROM {table}")
