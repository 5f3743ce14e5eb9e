"""Reversals: two people, a reason that everybody can read, nothing that something else rests on, once and whole."""

import datetime as dt
import json
import signal
import uuid
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from aidplatform.lib import clock
from aidplatform.site.demo.bank import next_statement
from aidplatform.site.todo import todos_of
from aidplatform.testing.bank import Bank
from aidplatform.testing.kills import killed_at
from aidplatform.testing.ledgers import assert_books_true, balances
from aidplatform.testing.pairs import Meanwhile, wait_for_a_waiter
from aidplatform.testing.prepared import prepared
from aidplatform.testing.races import raised, together
from aidplatform.testing.refusals import fire_deferred, not_permitted, refused, refused_to_owner, run
from aidplatform.testing.reversals import reversed_by_two
from aidplatform.testing.world import World, set_clock
from aidplatform.tests.pages_helpers import client_of
from aidplatform.work.models import AuditEntry
from ledger.books.models import JournalEntry
from ledger.books.services import credit, debit
from ledger.custody import reversals, two_people
from ledger.custody.reversal_models import EntryReversal
from ledger.founding import moving_in
from ledger.openbooks.models import LogEntry
from ledger.openbooks.services import post_logged_entry, reverse_logged_entry
from ledger.sharing.models import Period
from ledger.sharing.selectors import book_of
from members.people.models import User

Charged = tuple[World, Bank, Period]
ENTRIES = "/pools/test-pool/ledger/entries/"
PAGE = "/pools/test-pool/ledger/reversals/"
API = "/api/v1/pools/test-pool/"
WHY = "the bank shows 900.00"
INSERT = """INSERT INTO ledger_entryreversal
            (pool_id, number, entry_id, reason, state, proposed_by, proposed_at, decided_by)
            VALUES (%s, 1, %s, %s, %s, %s, now(), %s)"""


def moved_in() -> World:
    """Return a pool that gathers and has booked its opening: 1,000.00 at the bank, of which 200.00 are a reserve."""
    world = World.founded(members=0, gathering=True, minimum_members=1)
    opened(world)
    return world


def opened(world: World, custody_fen: int = 100_000) -> JournalEntry:
    opening = moving_in.propose_opening(
        pool=world.pool, custody_fen=custody_fen, carried_surplus_fen=custody_fen - 20_000, reserve_fen=20_000,
        proof="cash book, page 31", proposer=world.treasurer.code, at=clock.now(),
    )  # fmt: skip
    done = moving_in.approve_opening(
        opening=opening, approver=world.controller.code, shown_sha256=opening.shown_sha256, at=clock.now()
    )
    assert done.entry is not None
    return done.entry


@prepared
def opening() -> World:
    """Give the test such a pool."""
    return moved_in()


def first_entry(world: World) -> JournalEntry:
    return book_of(world.pool).entries.select_related("book").get(number=1)


def propose(world: World, by: User | None = None, reason: str = WHY) -> EntryReversal:
    return reversals.propose_reversal(
        entry=first_entry(world), reason=reason, proposer=(by or world.treasurer).code, at=clock.now()
    )


def agree(world: World, one: EntryReversal, by: User | None = None) -> EntryReversal:
    return reversals.agree_to_reversal(reversal=one, person=(by or world.controller).code, at=clock.now())


def mirror(world: World, **changes: Any) -> JournalEntry:
    """Post the mirror past the service, as an insider could."""
    told = {"reason": WHY, "maker": world.treasurer.code, "checker": world.controller.code} | changes
    return reverse_logged_entry(
        entry=first_entry(world), entry_date=clock.today("Asia/Shanghai"), at=clock.now(), **told
    )


def cost(world: World, key: str, kind: str = "bank_charge", source: str = "counted") -> JournalEntry:
    lines = (
        [credit("130", 40), debit("120", 40)]
        if kind == "bank_charge"
        else [debit("130", 40), credit("240", 40)]
    )
    return post_logged_entry(
        book=book_of(world.pool), key=key, kind=kind, lines=lines, entry_date=clock.today("Asia/Shanghai"),
        at=clock.now(), description="x", source=source, maker=world.treasurer.code,
    )  # fmt: skip


def test_an_entry_is_reversed_by_two_people_with_a_reason(opening: World) -> None:
    one = propose(opening)
    assert (one.number, one.state, one.due_at - one.proposed_at) == (1, "proposed", dt.timedelta(days=7))
    assert balances(book_of(opening.pool))["101"] == 100_000
    set_clock(clock.now() + dt.timedelta(days=1))
    done = agree(opening, one)
    fire_deferred()
    assert not any(balances(book_of(opening.pool)).values())
    entry = first_entry(opening)
    assert done.reversal is not None
    assert (entry.reversed_by, done.reversal.reverses) == (done.reversal, entry)
    assert (done.reversal.maker, done.reversal.checker, done.reversal.description) == (
        opening.treasurer.code, opening.controller.code, WHY,
    )  # fmt: skip
    assert done.reversal.entry_date == clock.today("Asia/Shanghai")
    logged = json.loads(bytes(LogEntry.objects.get(type="correction", key="reversal/1").data))
    assert logged["body"] == {"entry": 1, "reversal": done.reversal.number, "reason": WHY}
    told = AuditEntry.objects.filter(action__endswith="_reversal").order_by("pk")
    assert [(event.actor, event.action) for event in told] == [
        (opening.treasurer.code, "propose_reversal"),
        (opening.controller.code, "decide_reversal"),
    ]
    # What was wrong is booked anew, and taken back again if need be.
    again = opened(opening, 90_000)
    assert reversed_by_two(opening, again).reverses == again
    assert_books_true(opening.pool)


def test_reversal_needs_two_people_who_hold_their_duty(opening: World) -> None:
    for person in (opening.controller, opening.admin, opening.auditor):
        with refused("reversal_people_hold_their_duty"):
            propose(opening, person)
    one = propose(opening)
    with pytest.raises(two_people.SamePersonError):
        agree(opening, one, opening.treasurer)
    for person in (opening.auditor, opening.admin):
        with refused("reversal_people_hold_their_duty"):
            agree(opening, one, person)
        with refused("reversal_people_hold_their_duty"):
            reversals.withdraw_reversal(reversal=one, person=person.code, at=clock.now())
    update = "UPDATE ledger_entryreversal SET state = 'agreed', decided_by = %s, decided_at = now(), reversal_id = %s"
    with refused("reversal_people_hold_their_duty"):
        run(update, opening.treasurer.code, mirror(opening, checker="x").pk)
    with refused("agreed_reversal_has_its_entry"):
        run(update, opening.controller.code, mirror(opening, checker="x").pk)


def test_agreed_reversal_names_its_two_people(opening: World, owner: psycopg.Connection) -> None:
    names = {"agreed_reversal_needs_two_people", "agreed_reversal_names_its_entry", "reversal_says_why"}
    found = owner.execute(
        "SELECT conname FROM pg_constraint WHERE conrelid = 'ledger_entryreversal'::regclass AND contype = 'c'"
    )
    assert names <= {row[0] for row in found.fetchall()}
    propose(opening)
    update = "UPDATE ledger_entryreversal SET state = 'agreed', decided_at = now(), decided_by = %s"
    with refused("agreed_reversal_has_its_entry"):
        run(update, opening.controller.code)
    with refused("agreed_reversal_needs_two_people"):
        run("UPDATE ledger_entryreversal SET decided_by = %s", opening.controller.code)
    with refused("agreed_reversal_names_its_entry"):
        entry = mirror(opening)
        run("UPDATE ledger_entryreversal SET state = 'withdrawn', decided_by = %s, reversal_id = %s",
            opening.controller.code, entry.pk)  # fmt: skip


def test_reversal_has_its_decision(opening: World) -> None:
    with refused("reversal_has_its_decision"):
        mirror(opening)
        fire_deferred()
    one = propose(opening)
    with refused("reversal_has_its_decision"):
        mirror(opening)
        fire_deferred()
    reversals.withdraw_reversal(reversal=one, person=opening.controller.code, at=clock.now())
    with refused("reversal_has_its_decision"):
        mirror(opening)
        fire_deferred()


def test_agreed_reversal_has_its_entry(opening: World) -> None:
    """The mirror bears the proposer, who agreed, and the reason."""
    one = propose(opening)
    update = "UPDATE ledger_entryreversal SET state = 'agreed', decided_by = %s, decided_at = now(), reversal_id = %s"
    for changes in ({"reason": "another"}, {"maker": "P-9"}, {"checker": "P-9"}):
        with refused("agreed_reversal_has_its_entry"):
            run(update, opening.controller.code, mirror(opening, **changes).pk)
    with refused("agreed_reversal_has_its_entry"):
        run(update, opening.controller.code, first_entry(opening).pk)
    with refused("reversal_is_in_the_log"):
        run(update, opening.controller.code, mirror(opening).pk)
        fire_deferred()
    assert agree(opening, one).state == "agreed"


def test_reversal_begins_proposed_and_is_decided_once(opening: World) -> None:
    entry = first_entry(opening)
    with refused("reversal_begins_proposed"):
        run(
            INSERT,
            opening.pool.pk,
            entry.pk,
            WHY,
            "proposed",
            opening.treasurer.code,
            opening.controller.code,
        )
    with refused("reversal_is_decided_once"):
        run(INSERT, opening.pool.pk, entry.pk, WHY, "agreed", opening.treasurer.code, None)
    with refused("reversal_says_why"):
        propose(opening, reason=" ")
    one = propose(opening)
    with refused("entry_has_one_open_reversal"):
        propose(opening)
    for change in ("reason = 'y'", "entry_id = 1", "proposed_by = 'P-9'"):
        with not_permitted():
            run(f"UPDATE ledger_entryreversal SET {change}")
    agree(opening, one)
    with refused("reversal_is_agreed_as_proposed"):
        run("UPDATE ledger_entryreversal SET decided_by = %s", opening.admin.code)
    for decide in (reversals.agree_to_reversal, reversals.withdraw_reversal):
        with pytest.raises(two_people.MovedOnError):
            decide(reversal=one, person=opening.controller.code, at=clock.now())
    with refused("one_reversal_per_entry"):
        propose(opening)


def test_reversals_are_kept_from_the_owner_too(owner: psycopg.Connection) -> None:
    for statement in ("DELETE FROM ledger_entryreversal", "TRUNCATE ledger_entryreversal CASCADE"):
        with refused_to_owner(owner, "reversals_are_kept"):
            owner.execute(statement)


def test_only_what_stands_alone_is_reversed(charged: Charged) -> None:
    """Awards, periods and bookings have their own ways back; the page of each says which."""
    world, bank, _period = charged
    bank.all_pay()
    client = client_of(world.treasurer)
    words = {
        "award": "A case stands behind this",
        "period": "charge rests on it",
        "collection": "the books follow the bank",
    }
    for kind, text in words.items():
        entry = book_of(world.pool).entries.filter(kind=kind).latest("number")
        with refused("only_what_stands_alone_is_reversed"):
            reversals.propose_reversal(entry=entry, reason=WHY, proposer=world.treasurer.code, at=clock.now())
        page = client.get(f"{ENTRIES}{entry.number}/").content.decode()
        assert text in page
        assert "Propose to reverse it" not in page
    assert set(words) | {entry.kind for entry in book_of(world.pool).entries.all()} <= set(reversals.WHY_NOT)
    for kind in ("bank_charge", "interest", "other_income"):
        assert reversed_by_two(world, cost(world, f"{kind}/1", kind)).kind == "reversal"
    booked = cost(world, "x/2", "interest", source="statement test-pool/1")
    with refused("only_what_stands_alone_is_reversed"):
        reversals.propose_reversal(entry=booked, reason=WHY, proposer=world.treasurer.code, at=clock.now())
    mirrored = book_of(world.pool).entries.filter(kind="reversal").latest("number")
    with refused("only_what_stands_alone_is_reversed"):
        reversals.propose_reversal(entry=mirrored, reason=WHY, proposer=world.treasurer.code, at=clock.now())
    assert_books_true(world.pool)


def test_an_opening_that_the_bank_has_shown_stays(opening: World) -> None:
    one = propose(opening)
    bank = Bank(opening)
    bank.take(
        next_statement(bank.account, until=dt.date(2026, 1, 2), unpaid=1.0, from_date=dt.date(2026, 1, 1))
    )
    with refused("only_what_stands_alone_is_reversed"):
        agree(opening, one)
    assert first_entry(opening).pk is not None
    assert balances(book_of(opening.pool))["101"] == 100_000
    page = client_of(opening.treasurer).get(f"{ENTRIES}1/").content.decode()
    assert "The bank has shown this custody" in page


def test_a_cost_that_a_bill_has_taken_in_stays(world: World) -> None:
    booked = cost(world, "charge/1")
    one = reversals.propose_reversal(entry=booked, reason=WHY, proposer=world.treasurer.code, at=clock.now())
    world.award(100_000)
    world.announced_period()
    with refused("only_what_stands_alone_is_reversed"):
        agree(world, one)
    assert (
        "A bill that members were told"
        in client_of(world.auditor).get(f"{ENTRIES}{booked.number}/").content.decode()
    )


def test_another_pools_entry_is_not_reversed(opening: World) -> None:
    other = World.founded(code="other-pool", members=3)
    booked = cost(other, "charge/1")
    with refused("only_what_stands_alone_is_reversed"):
        run(INSERT, opening.pool.pk, booked.pk, WHY, "proposed", opening.treasurer.code, None)


def test_killed_half_way_nothing_is_reversed_and_then_it_is(
    committed_db: tuple[str, str], tmp_path: Path
) -> None:
    world = moved_in()
    one = propose(world)
    ended = killed_at("custody.entry_reversed", 1, tmp_path, lambda: agree(world, one))
    assert ended == -signal.SIGKILL
    one.refresh_from_db()
    assert (one.state, balances(book_of(world.pool))["101"]) == ("proposed", 100_000)
    assert not LogEntry.objects.filter(type="correction").exists()
    assert agree(world, one).state == "agreed"
    assert_books_true(world.pool)


def test_two_who_agree_at_one_instant_reverse_it_once(committed_db: tuple[str, str]) -> None:
    world = moved_in()
    one = propose(world)
    answers = together([lambda: agree(world, one)] * 4)
    assert [error.code for error in raised(answers)] == ["reversal_is_decided_once"] * 3
    assert JournalEntry.objects.filter(reverses__isnull=False).count() == 1
    assert_books_true(world.pool)


def test_reversal_that_meets_the_first_statement_comes_too_late(committed_db: tuple[str, str]) -> None:
    world = moved_in()
    one, bank = propose(world), Bank(world)
    shown = next_statement(bank.account, until=dt.date(2026, 1, 2), unpaid=1.0, from_date=dt.date(2026, 1, 1))
    with transaction.atomic():
        bank.take(shown)
        late = Meanwhile(lambda: agree(world, one))
        wait_for_a_waiter(connection.connection)
    with refused("only_what_stands_alone_is_reversed"):
        late.outcome()


def test_pages_lead_two_people_to_the_end(opening: World) -> None:
    treasurer, controller = client_of(opening.treasurer), client_of(opening.controller)
    address = f"{ENTRIES}1/"
    assert "Propose to reverse it" in treasurer.get(address).content.decode()
    assert "Propose to reverse it" not in controller.get(address).content.decode()
    bad = treasurer.post(f"{address}reverse/", {"key": str(uuid.uuid4()), "reason": ""})
    assert bad.status_code == 422
    told = {"key": str(uuid.uuid4()), "reason": WHY}
    assert [treasurer.post(f"{address}reverse/", told).status_code for _click in range(2)] == [302, 302]
    late = treasurer.post(f"{address}reverse/", told | {"key": str(uuid.uuid4())})
    assert late.status_code == 409
    assert "A reversal of this entry waits already" in late.content.decode()
    page = controller.get(address).content.decode()
    assert WHY in page
    assert "Reverse the entry" in page
    assert "Reverse the entry" not in treasurer.get(address).content.decode()
    waits = f"{address}#reversal"
    assert waits in [todo.address for todo in todos_of(opening.controller)]
    assert waits not in [todo.address for todo in todos_of(opening.treasurer)]
    set_clock(clock.now() + dt.timedelta(days=8))
    assert waits in [todo.address for todo in todos_of(opening.treasurer)]
    key = {"key": str(uuid.uuid4())}
    assert treasurer.post(f"{PAGE}1/agree/", key).status_code == 403
    assert [controller.post(f"{PAGE}1/agree/", key).status_code for _click in range(2)] == [302, 302]
    again = controller.post(f"{PAGE}1/withdraw/", {"key": str(uuid.uuid4())})
    assert again.status_code == 409
    assert "already" in again.content.decode()
    page = treasurer.get(address).content.decode()
    assert f'href="{ENTRIES}2/"' in page
    assert f'href="{address}"' in treasurer.get(f"{ENTRIES}2/").content.decode()
    assert WHY in client_of(opening.auditor).get(PAGE).content.decode()
    rows = treasurer.get(f"{PAGE}all.csv").getvalue().decode().splitlines()  # type: ignore[attr-defined]
    assert rows[1].startswith(f"1,1,{WHY},agreed,{opening.treasurer.code},")
    assert controller.post(f"{PAGE}2/withdraw/", key).status_code == 404
    assert client_of(opening.stranger).get(PAGE).status_code == 404


def test_a_proposal_is_turned_down_and_made_again(opening: World) -> None:
    treasurer, controller = client_of(opening.treasurer), client_of(opening.controller)
    propose(opening)
    assert controller.post(f"{PAGE}1/withdraw/", {"key": str(uuid.uuid4())}).status_code == 302
    page = treasurer.get(f"{ENTRIES}1/").content.decode()
    assert "withdrawn" in page
    assert "Propose to reverse it" in page
    assert propose(opening).number == 2


def test_programs_reverse_as_people_do(opening: World) -> None:
    treasurer, controller = client_of(opening.treasurer), client_of(opening.controller)

    def post(client: Any, address: str, key: str, **given: Any) -> Any:
        return client.post(
            API + address, given, content_type="application/json", headers={"Idempotency-Key": key}
        )

    made = [post(treasurer, "entries/1/reversal/", "reverse-one", reason=WHY) for _twice in range(2)]
    assert [(one.status_code, one.json()) for one in made] == [(201, {"number": 1})] * 2
    assert post(treasurer, "reversals/1/agree/", "agree-one").status_code == 403
    assert [post(controller, "reversals/1/agree/", "agree-two").json() for _twice in range(2)] == [
        {"state": "agreed"}
    ] * 2
    row = client_of(opening.auditor).get(f"{API}reversals/").json()["results"][0]
    assert (row["number"], row["entry"], row["reversal"], row["reason"]) == (1, 1, 2, WHY)
    assert [
        (one["number"], one["reverses"], one["reversed_by"])
        for one in treasurer.get(f"{API}entries/").json()["results"]
    ] == [(2, 1, None), (1, None, 2)]
    refusal = post(treasurer, "entries/1/reversal/", "reverse-two", reason=WHY)
    assert (refusal.status_code, refusal.json()["type"]) == (409, "urn:aid:one_reversal_per_entry")
    assert (
        post(controller, "reversals/1/withdraw/", "withdraw-one").json()["type"]
        == "urn:aid:reversal_is_decided_once"
    )


def test_list_asks_as_much_of_one_reversal_as_of_four(world: World) -> None:
    client = client_of(world.auditor)

    def asked() -> int:
        client.get(PAGE)
        with CaptureQueriesContext(connection) as captured:
            assert client.get(PAGE).status_code == 200
        return len(captured)

    reversed_by_two(world, cost(world, "charge/1"))
    one = asked()
    for number in range(2, 5):
        reversed_by_two(world, cost(world, f"charge/{number}"))
    assert asked() == one
