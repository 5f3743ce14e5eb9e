"""A receipt that counted for the wrong member: nobody's again, with its old day; each example ends in the books."""

import datetime as dt
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from aidplatform.lib import clock
from aidplatform.site.todo import todos_of
from aidplatform.testing.bank import Bank, membership
from aidplatform.testing.ledgers import assert_books_true, balances, read_trial
from aidplatform.testing.refusals import fire_deferred, refused
from aidplatform.testing.signing import TestSigner
from aidplatform.testing.undoings import (
    FOUND,
    agree_to_undoing,
    newest_receipt,
    propose_undoing,
    undone_by_two,
)
from aidplatform.testing.world import World, run_jobs, set_clock
from aidplatform.tests.pages_helpers import client_of
from aidplatform.work.models import AuditEntry
from ledger.custody import reconciliation, selectors, services, undoings
from ledger.custody.models import Collection, PaymentOrder
from ledger.custody.tests.test_arrears_guarantees import Late, at, day
from ledger.custody.tests.test_payers import account, owed, owing, pays_for
from ledger.custody.tests.test_wallets import everybody, next_period, of, prepaid
from ledger.custody.tests.test_write_offs import approve, false_statements, order
from ledger.custody.undoing_models import MatchUndoing
from ledger.custody.wallet_models import Suspension, WalletEntry
from ledger.my_data import EXPORTER
from ledger.openbooks.models import LogEntry
from ledger.openbooks.tests.test_standalone import TRUE, verify
from ledger.sharing.models import Charge, Period
from ledger.sharing.selectors import book_of
from ledger.sharing.services import log_version
from ledger.sharing.tests.test_roll_files import copied
from members.people.models import Notice
from members.pools.selectors import newest_plan

__all__ = ["prepaid"]
Charged = tuple[World, Bank, Period]
SHARE = 23_143
PAGE = "/pools/test-pool/custody/wrong-matches/"
RECEIPT = "/pools/test-pool/custody/receipts/1/1/"
API = "/api/v1/pools/test-pool/"


def identify(world: World, receipt: Any, number: int) -> int:
    return services.identify_receipt(
        receipt=receipt,
        membership=membership(world, number),
        identifier=world.treasurer.code,
        at=clock.now(),
    )


def moved(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    codes = before.keys() | after.keys()
    return {code: fen for code in codes if (fen := after.get(code, 0) - before.get(code, 0))}


# --- what becomes of the money --------------------------------------------------------------------------------------


def test_receipt_is_nobodys_again_and_pays_for_whom_it_was(charged: Charged) -> None:
    """Of member 1 by a wrong reference: 231.43 are nobody's, of their old day, then member 2's."""
    world, bank, _period = charged
    bank.take(bank.statement(bank.receipt(1, SHARE)))
    receipt, before = newest_receipt(world), balances(book_of(world.pool))
    one = propose_undoing(world, receipt, 1)
    assert (one.number, one.amount_fen, one.recovered_fen) == (1, SHARE, 0)
    assert balances(book_of(world.pool)) == before, "nothing is booked by one person"
    set_clock(clock.now() + dt.timedelta(days=3))
    done = agree_to_undoing(world, one)
    fire_deferred()
    assert moved(before, balances(book_of(world.pool))) == {"110": SHARE, "250": -SHARE}
    assert done.entry is not None
    assert (done.entry.maker, done.entry.checker) == (world.treasurer.code, world.controller.code)
    assert owed(world) == owing(world)
    waiting = reconciliation.unidentified(bank.account)
    assert [(one.line.pk, one.open_fen, one.line.booking_date) for one in waiting] == [
        (receipt.pk, SHARE, receipt.booking_date)
    ]
    assert waiting[0].days > 2
    told = AuditEntry.objects.filter(action__endswith="_undoing").order_by("pk")
    assert [(event.actor, event.action) for event in told] == [
        (world.treasurer.code, "propose_undoing"),
        (world.controller.code, "decide_undoing"),
    ]
    assert false_statements(world) == {}
    assert identify(world, receipt, 2) == SHARE
    assert owed(world) == owing(world, m2=0)
    assert balances(book_of(world.pool)) == before
    assert_books_true(world.pool)
    assert false_statements(world) == {}


def test_whoever_reads_the_log_follows_an_undone_match(committed_db: tuple[str, str], tmp_path: Path) -> None:
    """The stand-alone verifier knows nothing of matches: entries, arrears and bank have to agree all the same."""
    world = World.founded(members=101)
    log_version(world.pool, newest_plan(world.pool))  # as it is where a pool is founded by people
    bank = Bank(world)
    world.award(2_000_000)
    period = world.posted_period()
    set_clock(clock.start_of_day(period.charge_date, world.pool.time_zone) + dt.timedelta(hours=10))
    share = Charge.objects.filter(pool_id=world.pool.pk)[0].share_fen
    bank.take(bank.statement(bank.receipt(1, share), bank.receipt(2, share)))
    undone_by_two(world, newest_receipt(world), 2)
    for _day in range(4):
        set_clock(clock.now() + dt.timedelta(days=10))
        bank.take(bank.statement(days=10))
        run_jobs()
    assert LogEntry.objects.filter(log__code="test-pool", type="collect.close").exists()
    TestSigner(tmp_path / "signer" / "state").sign()
    code, said = verify("book", copied(tmp_path / "files"))
    assert code == TRUE, said


def test_data_of_a_member_hold_what_was_not_their_money(charged: Charged) -> None:
    world, bank, _period = charged
    person = account(world, 1)
    bank.take(bank.statement(bank.receipt(1, SHARE)))
    receipt = newest_receipt(world)
    undone_by_two(world, receipt, 1)
    told = {table.name: list(table.rows(person)) for table in EXPORTER.tables}["undone_matches"]
    assert [(row["receipt"], row["amount_fen"], row["state"]) for row in told] == [
        (receipt.code, SHARE, "agreed")
    ]
    assert FOUND not in str(told), "whose it was is theirs to tell"


def test_undone_match_can_be_made_again_and_undone_again(charged: Charged) -> None:
    """Should the first word have been the right one: the same receipt pays the same share, as often as it takes."""
    world, bank, _period = charged
    bank.take(bank.statement(bank.line("in", SHARE, text="no reference")))
    receipt = newest_receipt(world)
    for _round in range(3):
        assert identify(world, receipt, 1) == SHARE
        undone_by_two(world, receipt, 1)
        fire_deferred()
    assert identify(world, receipt, 1) == SHARE
    turns = list(Collection.objects.order_by("pk").values_list("turn", flat=True))
    assert turns == [0, -1, 1, -2, 2, -3, 3]
    assert owed(world) == owing(world, m1=0)
    assert false_statements(world) == {}


def test_everything_that_it_paid_is_open_again_also_of_others(charged: Charged) -> None:
    """A family's transfer: of payer and paid for; what another receipt paid of it stays paid."""
    world, bank, _period = charged
    pays_for(world, 4, 2)
    bank.take(bank.statement(bank.receipt(2, 143)))
    bank.take(bank.statement(bank.receipt(4, 2 * SHARE)))
    receipt = newest_receipt(world)
    assert owed(world) == owing(world, m2=0, m4=0)
    with refused("only_a_standing_match_is_undone"):
        propose_undoing(world, receipt, 2)
    one = undone_by_two(world, receipt, 4)
    fire_deferred()
    assert one.amount_fen == 2 * SHARE - 143
    assert owed(world) == owing(world, m2=SHARE - 143)
    assert reconciliation.open_fen_of(receipt) == 2 * SHARE
    assert false_statements(world) == {}


def test_only_what_is_matched_goes_back_and_a_refund_of_the_rest_stays(charged: Charged) -> None:
    world, bank, _period = charged
    bank.take(bank.statement(bank.receipt(1, SHARE + 500)))
    receipt = newest_receipt(world)
    refund = services.order_payment(
        pool=world.pool, kind="refund", receipt=receipt, amount_fen=500, payee_name="Li Si",
        payee_account="6222 7777 0000 3333", orderer=world.treasurer.code, at=clock.now(),
    )  # fmt: skip
    bank.release(refund)
    assert undone_by_two(world, receipt, 1).amount_fen == SHARE
    fire_deferred()
    assert reconciliation.open_fen_of(receipt) == SHARE
    back = {
        "kind": "refund",
        "receipt": receipt,
        "payee_name": "Li Si",
        "payee_account": "6222 7777 0000 3333",
    }
    with refused("receipt_is_used_once"):
        services.order_payment(
            pool=world.pool, amount_fen=SHARE + 1, orderer=world.treasurer.code, at=clock.now(), **back
        )
    services.order_payment(
        pool=world.pool, amount_fen=SHARE, orderer=world.treasurer.code, at=clock.now(), **back
    )
    assert reconciliation.open_fen_of(receipt) == 0
    assert false_statements(world) == {}


def test_what_the_bank_took_back_is_not_undone_once_more(charged: Charged) -> None:
    world, bank, _period = charged
    bank.take(bank.statement(bank.receipt(1, SHARE)))
    receipt = newest_receipt(world)
    one = propose_undoing(world, receipt, 1)
    bank.take(bank.statement(bank.line("out", SHARE, text=bank.reference(1))))
    with refused("undone_money_is_still_there"):
        agree_to_undoing(world, one)
    # And the other way round: what is undone, the bank cannot take from that member any more.
    bank.take(bank.statement(bank.receipt(2, SHARE)))
    undone_by_two(world, newest_receipt(world), 2)
    bank.take(bank.statement(bank.receipt(2, 100)))
    taken = bank.take(bank.statement(bank.line("out", SHARE, text=bank.reference(2))))
    assert taken.totals == {"unexplained": (1, SHARE)}
    assert false_statements(world) == {}


def test_recovery_of_a_written_off_share_is_a_cost_again(charged: Charged) -> None:
    """143 of the share were paid, 23,000 written off; a later receipt of 500 recovered a part, wrongly."""
    world, bank, _period = charged
    bank.take(bank.statement(bank.receipt(1, 143)))
    first = newest_receipt(world)
    approve(world, order(world))
    bank.take(bank.statement(bank.receipt(1, 500)))
    before = balances(book_of(world.pool))
    one = undone_by_two(world, newest_receipt(world), 1)
    fire_deferred()
    assert (one.amount_fen, one.recovered_fen) == (500, 500)
    assert moved(before, balances(book_of(world.pool))) == {"120": 500, "250": -500}
    assert undone_by_two(world, first, 1).recovered_fen == 143
    fire_deferred()
    assert false_statements(world) == {}
    assert_books_true(world.pool)


def test_figures_that_have_moved_on_are_proposed_anew(charged: Charged) -> None:
    world, bank, _period = charged
    bank.take(bank.statement(bank.line("in", 2 * SHARE, text="no reference")))
    receipt = newest_receipt(world)
    identify(world, receipt, 1)
    one = propose_undoing(world, receipt, 1)
    pays_for(world, 1, 2)
    assert identify(world, receipt, 1) == SHARE
    with refused("undoing_is_of_the_books"):
        agree_to_undoing(world, one)
    undoings.withdraw_undoing(undoing=one, person=world.treasurer.code, at=clock.now())
    assert undone_by_two(world, receipt, 1).amount_fen == 2 * SHARE
    fire_deferred()
    assert false_statements(world) == {}


# --- what becomes of the member -------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_member_who_believed_to_have_paid_has_new_days_and_is_told() -> None:
    """Charged on 14 January, grace until 24 January; undone on 1 March: asked for since then, until 11 March."""
    late = Late.founded()
    late.bank.take(late.bank.statement(*(late.bank.receipt(number, 27_000) for number in (1, 2, 3, 4))))
    receipt = newest_receipt(late.world)
    member = Collection.objects.filter(line=receipt).latest("pk").membership_id
    number = next(no for no in (1, 2, 3, 4) if membership(late.world, no).pk == member)
    person = account(late.world, number)
    at("03-01")
    undone_by_two(late.world, receipt, number)
    fire_deferred()
    late.hears_before("03-05")
    run_jobs()
    assert Suspension.objects.count() == 0
    news = Notice.objects.filter(kind="match_undone")
    assert [(one.params["fen"], one.person_id) for one in news] == [(27_000, person.pk)]
    at("03-12")
    late.hears_before("03-12")
    run_jobs()
    assert [(one.membership_id, one.from_date) for one in Suspension.objects.all()] == [
        (member, day("03-13"))
    ]
    fire_deferred()
    assert false_statements(late.world) == {}


# --- wallets --------------------------------------------------------------------------------------------------------


def test_wallet_gives_back_what_is_in_it(prepaid: tuple[World, Bank]) -> None:
    world, bank = prepaid
    everybody(bank, 30_000)
    receipt = newest_receipt(world)
    owner = WalletEntry.objects.get(line=receipt).membership_id
    number = next(no for no in range(1, 8) if membership(world, no).pk == owner)
    account(world, number)
    one = undone_by_two(world, receipt, number)
    fire_deferred()
    assert (one.amount_fen, of(world, number)) == (30_000, 0)
    assert balances(book_of(world.pool)) == read_trial("""
        101 Custody bank        2,100.00      -
        210 Prepaid balances        -     1,800.00
        250 Unidentified            -       300.00
    """)
    assert [(one.line.pk, one.open_fen) for one in reconciliation.unidentified(bank.account)] == [
        (receipt.pk, 30_000)
    ]
    assert Notice.objects.filter(kind="wallet_match_undone").count() == 1
    assert false_statements(world) == {}
    other = 1 if number != 1 else 2
    assert identify(world, receipt, other) == 30_000
    assert of(world, other) == 60_000
    fire_deferred()
    assert_books_true(world.pool)
    assert false_statements(world) == {}


def test_wallet_is_never_taken_below_nothing(prepaid: tuple[World, Bank]) -> None:
    """Of 300.00 a period took 231.43 and a payment back 30.00: 38.57 go back, and after that nothing."""
    world, bank = prepaid
    everybody(bank, 30_000)
    receipt = newest_receipt(world)
    owner = WalletEntry.objects.get(line=receipt).membership_id
    number = next(no for no in range(1, 8) if membership(world, no).pk == owner)
    world.award(150_000)
    period = world.posted_period()
    bank.release(bank.order_back(number, 3_000))
    one = undone_by_two(world, receipt, number)
    fire_deferred()
    assert (one.amount_fen, of(world, number)) == (30_000 - SHARE - 3_000, 0)
    with refused("undone_money_is_still_there"):
        propose_undoing(world, receipt, number)
    assert false_statements(world) == {}
    next_period(world, period)
    assert PaymentOrder.objects.count() == 1


def test_what_a_frozen_period_may_take_stays(prepaid: tuple[World, Bank]) -> None:
    world, bank = prepaid
    everybody(bank, 30_000)
    receipt = newest_receipt(world)
    owner = WalletEntry.objects.get(line=receipt).membership_id
    number = next(no for no in range(1, 8) if membership(world, no).pk == owner)
    one = propose_undoing(world, receipt, number)
    world.award(150_000)
    world.announced_period()
    with refused("undoing_is_of_the_books"):
        agree_to_undoing(world, one)


# --- pages and programs ---------------------------------------------------------------------------------------------


def test_pages_lead_two_people_to_the_end(charged: Charged) -> None:
    world, bank, _period = charged
    bank.take(bank.statement(bank.receipt(1, SHARE)))
    treasurer, controller = client_of(world.treasurer), client_of(world.controller)
    assert RECEIPT in treasurer.get("/pools/test-pool/custody/statements/1/").content.decode()
    assert "member 1: ¥231.43" in treasurer.get(RECEIPT).content.decode()
    for bad in ({"member": "1", "reason": ""}, {"member": "2", "reason": FOUND}):
        answer = treasurer.post(f"{RECEIPT}undo/", {"key": str(uuid.uuid4()), **bad})
        assert answer.status_code == 422
    told = {"key": str(uuid.uuid4()), "member": "1", "reason": FOUND}
    assert [treasurer.post(f"{RECEIPT}undo/", told).status_code for _click in range(2)] == [302, 302]
    assert controller.post(f"{RECEIPT}undo/", told).status_code == 403
    assert "waits for a controller" in treasurer.get(RECEIPT).content.decode()
    page = controller.get(PAGE).content.decode()
    assert FOUND in page
    assert "Undo the match" in page
    assert "Undo the match" not in treasurer.get(PAGE).content.decode()
    assert PAGE in [todo.address for todo in todos_of(world.controller)]
    assert PAGE not in [todo.address for todo in todos_of(world.treasurer)]
    key = {"key": str(uuid.uuid4())}
    assert treasurer.post(f"{PAGE}1/agree/", key).status_code == 403
    assert [controller.post(f"{PAGE}1/agree/", key).status_code for _click in range(2)] == [302, 302]
    again = controller.post(f"{PAGE}1/withdraw/", {"key": str(uuid.uuid4())})
    assert again.status_code == 409
    assert "already" in again.content.decode()
    rows = treasurer.get(f"{PAGE}all.csv").getvalue().decode().splitlines()  # type: ignore[attr-defined]
    assert rows[1].startswith(f"1,1/1,1,231.43,0.00,{FOUND},agreed,{world.treasurer.code},")
    assert controller.post(f"{PAGE}2/withdraw/", key).status_code == 404
    assert client_of(world.stranger).get(PAGE).status_code == 404
    refusal = treasurer.post(f"{RECEIPT}undo/", {"key": str(uuid.uuid4()), "member": "1", "reason": FOUND})
    assert refusal.status_code == 422, "it counts for nobody any more"
    entry = MatchUndoing.objects.get().entry
    assert entry is not None
    shown = treasurer.get(f"/pools/test-pool/ledger/entries/{entry.number}/").content.decode()
    assert "matched anew" in shown


def test_programs_do_as_people_do(charged: Charged) -> None:
    world, bank, _period = charged
    bank.take(bank.statement(bank.receipt(1, SHARE)))
    treasurer, controller = client_of(world.treasurer), client_of(world.controller)

    def post(client: Any, address: str, key: str, **given: Any) -> Any:
        return client.post(
            API + address, given, content_type="application/json", headers={"Idempotency-Key": key}
        )

    undo = "statements/1/lines/1/undoing/"
    made = [post(treasurer, undo, "undo-one", membership_no=1, reason=FOUND) for _twice in range(2)]
    assert [(one.status_code, one.json()) for one in made] == [(201, {"number": 1})] * 2
    assert post(treasurer, "wrong-matches/1/agree/", "agree-one").status_code == 403
    agreed = [post(controller, "wrong-matches/1/agree/", "agree-two").json() for _twice in range(2)]
    assert agreed == [{"state": "agreed"}] * 2
    row = controller.get(f"{API}wrong-matches/").json()["results"][0]
    assert (row["receipt"], row["membership_no"], row["amount_fen"], row["reason"]) == (
        "1/1",
        1,
        SHARE,
        FOUND,
    )
    refusal = post(treasurer, undo, "undo-two", membership_no=1, reason=FOUND)
    assert (refusal.status_code, refusal.json()["type"]) == (409, "urn:aid:only_a_standing_match_is_undone")
    assert post(treasurer, undo, "undo-three", membership_no=99, reason=FOUND).status_code == 422
    last = post(controller, "wrong-matches/1/withdraw/", "withdraw-one").json()
    assert last["type"] == "urn:aid:undoing_is_decided_once"


def test_list_asks_as_much_of_one_as_of_three(charged: Charged) -> None:
    world, bank, _period = charged
    client = client_of(world.controller)

    def asked() -> int:
        client.get(PAGE)
        with CaptureQueriesContext(connection) as captured:
            assert client.get(PAGE).status_code == 200
        return len(captured)

    def undone(number: int) -> None:
        bank.take(bank.statement(bank.receipt(number, SHARE)))
        undone_by_two(world, newest_receipt(world), number)

    undone(1)
    one = asked()
    for number in (2, 3):
        undone(number)
    assert asked() == one
    assert len(selectors.arrears(world.pool)) == 1
