"""Opening balances of a pool that moves in: first in its books, once, by two people, as the bank shows them."""

import datetime as dt
import json
from typing import Any

import pytest

from aidplatform.lib import clock
from aidplatform.site.demo.bank import next_statement
from aidplatform.testing.bank import Bank
from aidplatform.testing.ledgers import assert_books_true, balances, read_trial
from aidplatform.testing.prepared import prepared
from aidplatform.testing.refusals import fire_deferred, not_permitted, refused, refused_to_owner, run
from aidplatform.testing.reversals import reversed_by_two
from aidplatform.testing.world import World
from aidplatform.tests.pages_helpers import client_of
from ledger.books.models import Book
from ledger.books.services import credit, debit
from ledger.custody.services import FileRefusedError
from ledger.custody.statement_files import write_csv
from ledger.disclosure.readiness import readiness
from ledger.founding import moving_in
from ledger.founding.models import OpeningBalances
from ledger.founding.services import NotReadyError, open_for_sharing
from ledger.openbooks.models import LogEntry
from ledger.openbooks.services import post_logged_entry
from members.joining import importing
from members.joining.tests.lists import approved, listed, proposed, row, villager
from members.joining.tests.test_importing import sign

ADDRESS = "/pools/test-pool/move-in/opening/"
INSERT = """INSERT INTO ledger_openingbalances (pool_id, number, custody_fen, receivable_fen, carried_surplus_fen,
    reserve_fen, proof, state, proposed_by, proposed_at) VALUES (%s, 1, %s, 0, %s, %s, %s, %s, %s, now())"""


@prepared
def moving() -> World:
    """Give the test a pool that gathers its members; three are listed, the second owes 12.50."""
    world = World.founded(members=0, gathering=True, minimum_members=1)
    approved(world)
    return world


def propose(world: World, **changes: Any) -> OpeningBalances:
    """Propose 1,000.00 at the bank and 12.50 owed, of which 200.00 are a reserve and 812.50 a surplus."""
    told = {
        "custody_fen": 100_000,
        "carried_surplus_fen": 81_250,
        "reserve_fen": 20_000,
        "proof": "cash book, page 31",
    }
    return moving_in.propose_opening(
        pool=world.pool, proposer=world.treasurer.code, at=clock.now(), **(told | changes)
    )


def approve(world: World, opening: OpeningBalances) -> OpeningBalances:
    return moving_in.approve_opening(
        opening=opening, approver=world.controller.code, shown_sha256=opening.shown_sha256, at=clock.now()
    )


TRIAL = """
101 Custody bank              1,000.00         -
110 Shares receivable            12.50         -
240 Carried surplus                  -    812.50
260 Reserve fund                     -    200.00
"""


def test_opening_is_the_first_entry_of_books_and_log(moving: World) -> None:
    opening = approve(moving, propose(moving))
    book = Book.objects.get(code=moving.pool.code)
    assert balances(book) == read_trial(TRIAL)
    entry = opening.entry
    assert entry is not None
    assert (entry.number, entry.kind, entry.maker, entry.checker) == (
        1, "opening", moving.treasurer.code, moving.controller.code,
    )  # fmt: skip
    stated = LogEntry.objects.get(log__code=moving.pool.code, type="book.entry")
    assert json.loads(bytes(stated.data))["body"]["postings"] == [
        ["101", "D", 100_000], ["110", "D", 1_250], ["240", "C", 81_250], ["260", "C", 20_000],
    ]  # fmt: skip
    fire_deferred()
    assert_books_true(moving.pool)


def test_balances_that_differ_are_told_with_the_difference(moving: World) -> None:
    with pytest.raises(moving_in.OpeningDoesNotBalanceError) as caught:
        propose(moving, reserve_fen=0)
    assert caught.value.extra == {"difference_fen": 20_000}
    with refused("opening_balances_balance"):
        run(INSERT, moving.pool.pk, 1, 1, 0, "x", "proposed", moving.treasurer.code)


def test_first_statement_shows_the_custody_or_is_refused(moving: World) -> None:
    approve(moving, propose(moving))
    sign(moving, villager(1), 1)
    assert [item.code for item in readiness(moving.pool).missing] == ["opening"]
    with pytest.raises(NotReadyError):
        open_for_sharing(pool=moving.pool, opener=moving.admin.code)
    with refused("bank_shows_the_opening"):
        run(
            "UPDATE members_pool SET state = 'open', opened_date = '2026-01-01' WHERE id = %s", moving.pool.pk
        )
    bank = Bank(moving)
    shown = next_statement(bank.account, until=dt.date(2026, 1, 2), unpaid=1.0, from_date=dt.date(2026, 1, 1))
    assert shown.opening_fen == 100_000
    wrong = write_csv(shown).replace(b"1000.00", b"999.00")
    assert wrong != write_csv(shown)
    with pytest.raises(FileRefusedError) as caught:
        bank.take_bytes(wrong)
    assert caught.value.extra["reason"] == "opening_differs"
    bank.take(shown)
    assert readiness(moving.pool).may_open
    moving.pool = open_for_sharing(pool=moving.pool, opener=moving.admin.code)
    fire_deferred()


def test_carried_surplus_lowers_the_first_bill(moving: World) -> None:
    approve(moving, propose(moving, custody_fen=8_750, carried_surplus_fen=10_000, reserve_fen=0))
    for number in (1, 2, 3):
        sign(moving, villager(number), number)
    bank = Bank(moving)
    bank.take(
        next_statement(bank.account, until=dt.date(2026, 1, 2), unpaid=1.0, from_date=dt.date(2026, 1, 1))
    )
    moving.pool = open_for_sharing(pool=moving.pool, opener=moving.admin.code)
    moving.award(100_000)
    period = moving.posted_period()
    # 1,000.00 of aid and 80.00 of fee less 100.00 carried in: 980.00 over three members.
    assert (period.carry_in_fen, period.need_fen) == (10_000, 98_000)
    assert [part["share_fen"] for part in period.classes or []] == [32_667]
    assert_books_true(moving.pool)


def test_opening_comes_first_and_once(moving: World) -> None:
    opening = approve(moving, propose(moving))
    with refused("opening_comes_first_and_once"):
        propose(moving)
    assert opening.entry is not None
    reversed_by_two(moving, opening.entry, "The bank shows less.")
    again = approve(moving, propose(moving, custody_fen=90_000, carried_surplus_fen=71_250))
    assert again.number == 2
    assert balances(Book.objects.get(code=moving.pool.code))["101"] == 90_000


def test_opening_comes_before_every_other_entry_and_statement(moving: World) -> None:
    waiting = propose(moving)
    bank = Bank(moving)
    shown = next_statement(bank.account, until=dt.date(2026, 1, 2), unpaid=1.0, from_date=dt.date(2026, 1, 1))
    bank.take(shown)
    with refused("opening_comes_first_and_once"):
        approve(moving, waiting)


def test_opening_is_refused_once_something_else_is_booked(moving: World) -> None:
    waiting = propose(moving)
    post_logged_entry(
        book=Book.objects.get(code=moving.pool.code), key="x", kind="award", at=clock.now(),
        lines=[debit("120", 5), credit("201", 5)], entry_date=dt.date(2026, 1, 1), description="x", source="x",
        maker="x",
    )  # fmt: skip
    with refused("opening_comes_first_and_once"):
        approve(moving, waiting)


def test_opening_entry_is_approved(moving: World) -> None:
    with refused("opening_entry_is_approved"):
        post_logged_entry(
            book=Book.objects.get(code=moving.pool.code), key="opening/1", kind="opening", at=clock.now(),
            lines=[debit("101", 5), credit("240", 5)], entry_date=dt.date(2026, 1, 1), description="x", source="x",
            maker="x",
        )  # fmt: skip
        fire_deferred()


def test_approved_opening_has_its_entry(moving: World) -> None:
    opening = propose(moving)
    approval = """UPDATE ledger_openingbalances SET state = 'approved', decided_by = %s, decided_at = now(),
                         approved_sha256 = shown_sha256, entry_id = %s WHERE id = %s"""
    with refused("opening_entry_is_approved"):
        entry = post_logged_entry(
            book=Book.objects.get(code=moving.pool.code), key="opening/1", kind="opening", at=clock.now(),
            lines=[debit("101", 5), credit("240", 5)], entry_date=dt.date(2026, 1, 1), description="x", source="x",
            maker=moving.treasurer.code, checker=moving.controller.code,
        )  # fmt: skip
        with refused("approved_opening_has_its_entry"):
            run(approval, moving.controller.code, entry.pk, opening.pk)
        with refused("opening_people_hold_their_duty"):
            run(approval, moving.auditor.code, entry.pk, opening.pk)
        fire_deferred()


def test_opening_takes_two_people_who_hold_their_duty(moving: World) -> None:
    for person in (moving.controller, moving.auditor, moving.stranger):
        with refused("opening_people_hold_their_duty"):
            run(INSERT, moving.pool.pk, 1250, 1250, 1250, "x", "proposed", person.code)
    opening = propose(moving)
    with pytest.raises(moving_in.SameOpenerError):
        moving_in.approve_opening(
            opening=opening, approver=moving.treasurer.code, shown_sha256=opening.shown_sha256, at=clock.now()
        )
    with pytest.raises(moving_in.OpeningChangedError):
        moving_in.approve_opening(
            opening=opening, approver=moving.controller.code, shown_sha256="0" * 64, at=clock.now()
        )
    with refused("opening_people_hold_their_duty"):
        moving_in.withdraw_opening(opening=opening, withdrawer=moving.auditor.code, at=clock.now())


def test_opening_is_approved_by_another_as_shown(moving: World) -> None:
    opening = propose(moving)
    with refused("opening_is_approved_by_another_as_shown"):
        run("UPDATE ledger_openingbalances SET approved_sha256 = 'x', decided_by = %s WHERE id = %s",
            moving.controller.code, opening.pk)  # fmt: skip


def test_opening_is_decided_as_shown_and_once(moving: World) -> None:
    opening = propose(moving)
    with not_permitted():
        run("UPDATE ledger_openingbalances SET custody_fen = 1 WHERE id = %s", opening.pk)
    with refused("one_open_opening_per_pool"):
        propose(moving)
    moving_in.withdraw_opening(opening=opening, withdrawer=moving.controller.code, at=clock.now())
    with refused("opening_is_decided_as_shown"):
        run("UPDATE ledger_openingbalances SET decided_by = 'x' WHERE id = %s", opening.pk)
    with pytest.raises(moving_in.OpeningChangedError):
        approve(moving, opening)


def test_opening_begins_proposed_with_the_figures_of_the_database(moving: World) -> None:
    with refused("opening_state_follows_order"):
        run(INSERT, moving.pool.pk, 0, 1250, 0, "x", "approved", moving.treasurer.code)
    with refused("opening_begins_proposed"):
        run(INSERT.replace("proposed_at)", "proposed_at, decided_by)").replace("now())", "now(), 'x')"),
            moving.pool.pk, 0, 1250, 0, "x", "proposed", moving.treasurer.code)  # fmt: skip
    with refused("opening_names_its_proof"):
        run(INSERT, moving.pool.pk, 0, 1250, 0, "", "proposed", moving.treasurer.code)
    run(INSERT, moving.pool.pk, 0, 1250, 0, "x", "proposed", moving.treasurer.code)
    opening = OpeningBalances.objects.get()
    assert (opening.number, opening.receivable_fen, len(opening.shown_sha256)) == (1, 1250, 64)


def test_opening_owes_what_the_list_says(moving: World) -> None:
    """A list approved since, or a row taken back, makes the proposal one of other figures; after it none may."""
    waiting = propose(moving)
    importing.take_back(row=listed(moving.pool, 2), by=moving.admin.code)
    with refused("opening_owes_what_the_list_says"):
        approve(moving, waiting)
    approved(moving, row(2))
    approve(moving, waiting)
    with refused("opening_owes_what_the_list_says"):
        importing.take_back(row=listed(moving.pool, 2), by=moving.admin.code)
    importing.take_back(row=listed(moving.pool, 1), by=moving.admin.code)
    more = proposed(moving, row(5, **{"Share owed": "1"}))
    with refused("opening_owes_what_the_list_says"):
        importing.approve_import(
            member_import=more,
            approver=moving.controller.code,
            shown_sha256=more.shown_sha256,
            at=clock.now(),
        )
    importing.withdraw_import(member_import=more, withdrawer=moving.admin.code, at=clock.now())
    assert approved(moving, row(5)).state == "approved"


def test_books_begin_while_gathering(world: World) -> None:
    with refused("books_begin_while_gathering"):
        run(INSERT, world.pool.pk, 1, 1, 0, "x", "proposed", world.treasurer.code)


def test_openings_are_kept_by_the_owner_too(owner: Any) -> None:
    for sql in ("DELETE FROM ledger_openingbalances", "TRUNCATE ledger_openingbalances CASCADE"):
        with refused_to_owner(owner, "openings_are_kept"):
            owner.execute(sql)


# --- page and API -------------------------------------------------------------------------------------------------

ENTRIES = {
    "custody": "1,000.00",
    "carried_surplus": "812.50",
    "reserve": "200",
    "proof": "cash book, page 31",
}


def test_page_goes_from_the_form_to_the_entry(moving: World) -> None:
    treasurer, controller = client_of(moving.treasurer), client_of(moving.controller)
    page = treasurer.get(ADDRESS).content.decode()
    assert "Propose these balances" in page
    assert "¥12.50" in page
    answer = treasurer.post(ADDRESS, ENTRIES | {"reserve": "100"})
    assert answer.status_code == 422
    assert "the difference is ¥100.00" in answer.content.decode()
    answer = treasurer.post(ADDRESS, ENTRIES | {"custody": "a lot", "proof": ""})
    assert answer.status_code == 422
    assert not OpeningBalances.objects.exists()
    assert treasurer.post(ADDRESS, ENTRIES).status_code == 302
    opening = OpeningBalances.objects.get()
    page = controller.get(ADDRESS).content.decode()
    assert all(text in page for text in ("Approve and book", opening.shown_sha256, "cash book, page 31"))
    assert "Approve and book" not in treasurer.get(ADDRESS).content.decode()
    wrong = controller.post(f"{ADDRESS}1/approve/", {"shown_sha256": "0" * 64})
    assert wrong.status_code == 409
    for _click in range(2):
        answer = controller.post(f"{ADDRESS}1/approve/", {"shown_sha256": opening.shown_sha256})
        assert answer.status_code == 302
    assert "Journal entry 1" in controller.get(ADDRESS).content.decode()
    for person, status in ((moving.auditor, 403), (moving.stranger, 404), (moving.admin, 403)):
        assert client_of(person).post(f"{ADDRESS}1/approve/", {}).status_code == status


def test_page_takes_a_proposal_back(moving: World) -> None:
    propose(moving)
    for _click in range(2):
        assert client_of(moving.treasurer).post(f"{ADDRESS}1/withdraw/").status_code == 302
    assert OpeningBalances.objects.get().state == "withdrawn"


def test_programs_propose_and_approve_balances(moving: World) -> None:
    root = "/api/v1/pools/test-pool/opening-balances/"
    told = {"custody_fen": 100_000, "carried_surplus_fen": 81_250, "reserve_fen": 20_000, "proof": "page 31"}

    def post(person: Any, path: str, body: dict[str, Any]) -> Any:
        return client_of(person).post(f"{root}{path}", body, content_type="application/json")

    assert post(moving.controller, "proposal/", told).status_code == 403
    assert post(moving.treasurer, "proposal/", told | {"reserve_fen": 0}).status_code == 422
    made = post(moving.treasurer, "proposal/", told)
    assert (made.status_code, made.json()["receivable_fen"]) == (201, 1250)
    assert client_of(moving.auditor).get(root).json()[0]["state"] == "proposed"
    done = post(moving.controller, "1/approval/", {"shown_sha256": made.json()["shown_sha256"]})
    assert (done.status_code, done.json()["state"], done.json()["entry"]) == (200, "approved", 1)
    assert post(moving.treasurer, "1/withdrawal/", {}).status_code == 409
