"""Aid taken back before it was paid: two people, a reason, and all of it, with its fee, to the members."""

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
from aidplatform.site.todo import todos_of
from aidplatform.testing.bank import Bank, charged_world
from aidplatform.testing.kills import killed_at
from aidplatform.testing.ledgers import assert_books_true, balances
from aidplatform.testing.pairs import Meanwhile, wait_for_a_waiter
from aidplatform.testing.races import raised, together
from aidplatform.testing.refusals import fire_deferred, not_permitted, refused, refused_to_owner, run
from aidplatform.testing.revocations import (
    FOUND,
    agree_to_revocation,
    propose_revocation,
    revoked_by_two,
    second_reviewer,
)
from aidplatform.testing.world import World, set_clock
from aidplatform.tests.pages_helpers import client_of
from aidplatform.work.models import AuditEntry
from ledger.books.models import JournalEntry
from ledger.books.services import Line, credit, debit
from ledger.custody import revocations, selectors, settlements, two_people
from ledger.custody.models import PaymentOrder
from ledger.custody.references import ORDER, make_reference
from ledger.custody.revocation_models import AwardRevocation
from ledger.custody.statement_parts import IN
from ledger.custody.tests.test_interests import SPONSOR, handed_on
from ledger.custody.tests.test_settlements import pay_everything, run_off_is_over
from ledger.custody.tests.test_write_offs import false_statements
from ledger.openbooks.models import LogEntry
from ledger.openbooks.services import post_logged_entry
from ledger.sharing import selectors as sharing
from ledger.sharing.models import Award, Period
from ledger.sharing.selectors import book_of
from ledger.sharing.views import figures_in_full

Charged = tuple[World, Bank, Period]
PAGE = "/pools/test-pool/custody/aid-taken-back/"
API = "/api/v1/pools/test-pool/aid-taken-back/"
INSERT = """INSERT INTO ledger_awardrevocation
            (pool_id, number, award_id, reason, aid_fen, fee_fen, fee_owed_fen, state, proposed_by, proposed_at,
             decided_by)
            VALUES (%s, 1, %s, %s, 1, 1, 0, %s, %s, now(), %s)"""
AGREE = """UPDATE ledger_awardrevocation SET state = 'agreed', decided_by = %s, decided_at = now(), entry_id = %s"""


def award(world: World, code: str = "C-1") -> Award:
    return Award.objects.select_related("pool", "period").get(pool=world.pool, code=code)


def booked(world: World, lines: list[Line] | None = None, **changes: Any) -> JournalEntry:
    """Post the entry past the service, as an insider could."""
    told = {
        "key": "award_revoked/1", "kind": "award_revoked", "maker": second_reviewer(world).code,
        "checker": world.controller.code,
    } | changes  # fmt: skip
    whole = [
        debit("201", 100_000), debit("230", 8_000), credit("240", 108_000), debit("401", 108_000),
        credit("501", 100_000), credit("510", 8_000),
    ]  # fmt: skip
    return post_logged_entry(
        book=book_of(world.pool), lines=lines or whole, entry_date=clock.today("Asia/Shanghai"), at=clock.now(),
        description="x", source="x", **told,
    )  # fmt: skip


def released(bank: Bank, code: str, fen: int) -> None:
    bank.release(bank.order_aid(award(bank.world, code), fen))


def come_back(bank: Bank, order: PaymentOrder) -> None:
    """Let the bank return a payment that it had made."""
    text = make_reference(bank.world.pool.code, ORDER, order.number)
    bank.take(bank.statement(bank.line(IN, order.amount_fen, text=text)))


def next_begins(world: World, period: Period) -> None:
    set_clock(clock.start_of_day(period.next_opening_date, world.pool.time_zone))


# --- what becomes of the money --------------------------------------------------------------------------------------


def test_unpaid_aid_and_its_fee_go_to_the_members(charged: Charged) -> None:
    """Of 1,000.00 and 500.00 with a fee of 8 % the first goes back whole: 1,080.00 lower the next bill."""
    world, bank, period = charged
    before = balances(book_of(world.pool))
    one = propose_revocation(world, award(world))
    assert (one.number, one.aid_fen, one.fee_fen, one.fee_owed_fen) == (1, 100_000, 8_000, 0)
    assert balances(book_of(world.pool)) == before, "nothing is booked by one person"
    set_clock(clock.now() + dt.timedelta(hours=1))
    done = agree_to_revocation(world, one)
    fire_deferred()
    after = balances(book_of(world.pool))
    assert {code: fen - before.get(code, 0) for code, fen in after.items() if fen != before.get(code, 0)} == {
        "201": 100_000, "230": 8_000, "240": -108_000, "401": 108_000, "501": -100_000, "510": -8_000,
    }  # fmt: skip
    assert done.entry is not None
    assert (done.entry.maker, done.entry.checker) == (second_reviewer(world).code, world.controller.code)
    body = json.loads(bytes(LogEntry.objects.get(type="award.adjust", key="revoked/1/C-1").data))["body"]
    assert body == {
        "case": "C-1", "period": 1, "was": 100_000, "is": 0, "why": "revoked", "reason": FOUND,
        "entry": done.entry.number, "fee_back": 8_000,
    }  # fmt: skip
    told = AuditEntry.objects.filter(action__endswith="_revocation").order_by("pk")
    assert [(event.actor, event.action) for event in told] == [
        (second_reviewer(world).code, "propose_revocation"),
        (world.controller.code, "decide_revocation"),
    ]
    assert_books_true(world.pool)
    assert false_statements(world) == {}
    # The charges stand, the other case is paid, and the fee is that of what is left.
    bank.all_pay()
    assert [
        (one.award.code, one.payable_fen) for one in selectors.payable_awards(world.pool) if one.payable_fen
    ] == [("C-2", 50_000)]
    pay_everything(world, bank)
    assert (
        sum(bank.account.pool.payment_orders.filter(kind="fee").values_list("amount_fen", flat=True)) == 4_000
    )
    assert false_statements(world) == {}
    # The next bill takes it in, and says what it is.
    next_begins(world, period)
    world.award(50_000, code="C-3")
    following = world.computed_period()
    figures = figures_in_full(following)
    assert figures is not None
    assert following.carry_in_fen == 108_000 + (period.carry_out_fen or 0)
    assert (figures.given_back_fen, following.need_fen, following.assessed_fen) == (
        108_000, 50_000 + 4_000 - (following.carry_in_fen or 0), 0,
    )  # fmt: skip
    page = client_of(world.admin).get("/pools/test-pool/periods/2/").content.decode()
    assert "aid taken back before it was paid, with its fee" in page


def test_next_bill_is_posted_and_the_books_stay_true(charged: Charged) -> None:
    """What is left over of what was given back is carried on."""
    world, _bank, period = charged
    revoked_by_two(world, award(world, "C-2"))
    next_begins(world, period)
    world.award(100_000, code="C-3")
    after = world.posted_period()
    given = 50_000 + 4_000
    assert (after.carry_in_fen, after.need_fen) == (
        given + (period.carry_out_fen or 0),
        108_000 - given - (period.carry_out_fen or 0),
    )
    fire_deferred()
    assert_books_true(world.pool)
    assert false_statements(world) == {}


def test_what_is_paid_stays_paid(charged: Charged) -> None:
    world, bank, _period = charged
    bank.all_pay()
    released(bank, "C-1", 30_000)
    bank.all_pay()
    one = revoked_by_two(world, award(world))
    # 8 % of 500.00 and of the 300.00 that were paid: of 120.00 the members get 56.00 back.
    assert (one.aid_fen, one.fee_fen) == (70_000, 5_600)
    assert award(world).payable_fen == 30_000
    pay_everything(world, bank)
    assert false_statements(world) == {}
    assert {balances(book_of(world.pool)).get(code, 0) for code in ("201", "230")} == {0}


def test_what_the_bank_returns_later_goes_back_by_a_decision_of_its_own(charged: Charged) -> None:
    world, bank, _period = charged
    bank.all_pay()
    released(bank, "C-1", 30_000)
    bank.all_pay()
    revoked_by_two(world, award(world))
    order = award(world).payment_orders.get()
    come_back(bank, order)
    order.refresh_from_db()
    assert order.state == "returned"
    with refused("revoked_aid_is_not_ordered"):
        bank.order_aid(award(world), 30_000)
    one = revoked_by_two(world, award(world))
    assert (one.number, one.aid_fen, one.fee_fen) == (2, 30_000, 2_400)
    assert award(world).payable_fen == 0
    assert false_statements(world) == {}


def test_fee_that_was_paid_already_is_owed_by_the_operator(charged: Charged) -> None:
    """Its period's aid was ordered in full, the fee went out, then the bank brought one payment back."""
    world, bank, _period = charged
    bank.all_pay()
    pay_everything(world, bank)
    order = award(world).payment_orders.get()
    come_back(bank, order)
    one = revoked_by_two(world, award(world))
    assert (one.aid_fen, one.fee_fen, one.fee_owed_fen) == (100_000, 8_000, 8_000)
    assert (balances(book_of(world.pool))["130"], balances(book_of(world.pool)).get("230", 0)) == (8_000, 0)
    assert selectors.payable_fee_fen(award(world).period) == 0
    fire_deferred()
    assert false_statements(world) == {}
    # What the operator pays is what is owed, and no income of the members.
    bank.take(bank.statement(handed_on(bank, 8_000, SPONSOR)))
    assert balances(book_of(world.pool)).get("130", 0) == 0


# --- when it is refused ----------------------------------------------------------------------------------------------


def test_orders_are_confirmed_or_cancelled_first(charged: Charged) -> None:
    world, bank, _period = charged
    bank.all_pay()
    order = bank.order_aid(award(world), 10_000)
    with refused("revocation_waits_for_orders"):
        propose_revocation(world, award(world))
    bank.release(order)
    with refused("revocation_waits_for_orders"):
        propose_revocation(world, award(world))
    bank.all_pay(unpaid=1.0)
    one = propose_revocation(world, award(world))
    assert one.aid_fen == 90_000
    # From the proposal on nobody orders; of other cases they do.
    with refused("revoked_aid_is_not_ordered"):
        bank.order_aid(award(world), 1)
    assert bank.order_aid(award(world, "C-2"), 1).state == "ordered"


def test_fee_that_is_on_its_way_is_waited_for(charged: Charged) -> None:
    world, bank, period = charged
    bank.all_pay()
    for code, fen in (("C-1", 100_000), ("C-2", 50_000)):
        released(bank, code, fen)
    bank.all_pay(unpaid=1.0)
    order = award(world).payment_orders.get()
    bank.release(bank.order_fee(period, 1_000))
    come_back(bank, order)
    with refused("revocation_waits_for_orders"):
        propose_revocation(world, award(world))
    bank.all_pay(unpaid=1.0)
    assert propose_revocation(world, award(world)).fee_owed_fen == 0


def test_only_unpaid_aid_of_a_posted_period_is_revoked(charged: Charged) -> None:
    world, bank, period = charged
    bank.all_pay()
    pay_everything(world, bank)
    next_begins(world, period)
    with refused("only_unpaid_aid_is_revoked"):
        propose_revocation(world, award(world))
    world.award(60_000, code="C-3")
    world.computed_period()
    with refused("only_a_shared_award_is_revoked"):
        propose_revocation(world, award(world, "C-3"))
    other = World.founded(code="other-pool", members=3)
    with refused("only_a_shared_award_is_revoked"):
        run(INSERT, other.pool.pk, award(world).pk, FOUND, "proposed", second_reviewer(other).code, None)


def test_figures_that_have_moved_on_are_proposed_anew(charged: Charged) -> None:
    world, bank, _period = charged
    bank.all_pay()
    released(bank, "C-1", 30_000)
    bank.all_pay(unpaid=1.0)
    one = propose_revocation(world, award(world))
    order = award(world).payment_orders.get()
    come_back(bank, order)
    with refused("revocation_is_of_the_books"):
        agree_to_revocation(world, one)
    revocations.withdraw_revocation(revocation=one, person=world.controller.code, at=clock.now())
    assert revoked_by_two(world, award(world)).aid_fen == 100_000


def test_settlement_and_revocation_wait_for_each_other(charged: Charged) -> None:
    world, bank, _period = charged
    bank.take(bank.statement(*(bank.receipt(number, 23_143) for number in range(1, 6))))
    run_off_is_over(world)
    one = propose_revocation(world, award(world))
    with refused("settlement_waits_for_orders"):
        settlements.order_settlement(pool=world.pool, orderer=world.treasurer.code, at=clock.now())
    revocations.withdraw_revocation(revocation=one, person=second_reviewer(world).code, at=clock.now())
    made = settlements.order_settlement(pool=world.pool, orderer=world.treasurer.code, at=clock.now())
    settlements.approve_settlement(
        settlement=made, approver=world.controller.code, shown_sha256=made.shown_sha256 or "", at=clock.now()
    )
    with refused("revocation_comes_before_the_settlement"):
        propose_revocation(world, award(world))


def test_pool_is_settled_after_aid_was_taken_back(charged: Charged) -> None:
    """What went to the carry bears what nobody will pay, before the fee and before aid."""
    world, bank, _period = charged
    bank.take(bank.statement(*(bank.receipt(number, 23_143) for number in range(1, 6))))
    revoked_by_two(world, award(world, "C-2"))
    run_off_is_over(world)
    made = settlements.order_settlement(pool=world.pool, orderer=world.treasurer.code, at=clock.now())
    assert (made.figures["carry"], made.figures["fee"], made.figures["aid"]) == (2 * 23_143, 0, 0)
    settlements.approve_settlement(
        settlement=made, approver=world.controller.code, shown_sha256=made.shown_sha256 or "", at=clock.now()
    )
    fire_deferred()
    assert false_statements(world) == {}


# --- what one person cannot do ---------------------------------------------------------------------------------------


def test_it_takes_two_people_who_hold_their_duty(charged: Charged) -> None:
    world, _bank, _period = charged
    for person in (world.controller, world.admin, world.auditor, world.treasurer):
        with refused("revocation_people_hold_their_duty"):
            propose_revocation(world, award(world), person)
    one = propose_revocation(world, award(world))
    with pytest.raises(two_people.SamePersonError):
        agree_to_revocation(world, one, second_reviewer(world))
    for person in (world.auditor, world.admin, world.treasurer):
        with refused("revocation_people_hold_their_duty"):
            agree_to_revocation(world, one, person)
        with refused("revocation_people_hold_their_duty"):
            revocations.withdraw_revocation(revocation=one, person=person.code, at=clock.now())
    with refused("revocation_people_hold_their_duty"):
        run(AGREE, second_reviewer(world).code, booked(world, checker="x").pk)


def test_agreed_revocation_names_its_two_people(charged: Charged, owner: psycopg.Connection) -> None:
    world, _bank, _period = charged
    names = {
        "agreed_revocation_needs_two_people", "agreed_revocation_names_its_entry", "revocation_says_why",
        "revocation_figures_in_range",
    }  # fmt: skip
    found = owner.execute(
        "SELECT conname FROM pg_constraint WHERE conrelid = 'ledger_awardrevocation'::regclass AND contype = 'c'"
    )
    assert names <= {row[0] for row in found.fetchall()}
    with refused("revocation_says_why"):
        propose_revocation(world, award(world), reason=" ")
    propose_revocation(world, award(world))
    with refused("agreed_revocation_needs_two_people"):
        run("UPDATE ledger_awardrevocation SET decided_by = %s", world.controller.code)
    with refused("agreed_revocation_names_its_entry"):
        run(
            "UPDATE ledger_awardrevocation SET state = 'withdrawn', decided_by = %s, entry_id = %s",
            world.controller.code,
            booked(world).pk,
        )


def test_agreed_revocation_has_its_entry(charged: Charged) -> None:
    """Its amounts, its key, the two who decided it; and the log, with the reason."""
    world, _bank, _period = charged
    propose_revocation(world, award(world))
    short = [debit("201", 100_000), credit("240", 100_000), debit("401", 100_000), credit("501", 100_000)]
    for changes in (
        {"maker": "P-9"}, {"checker": "P-9"}, {"key": "award_revoked/2"}, {"kind": "other_income"}, {"lines": short},
    ):  # fmt: skip
        with refused("agreed_revocation_has_its_entry"):
            run(AGREE, world.controller.code, booked(world, **changes).pk)
    with refused("agreed_revocation_has_its_entry"):
        run(AGREE.replace("%s, decided_at", "%s, decided_at", 1), world.controller.code, None)
    with refused("revocation_is_in_the_log"):
        run(AGREE, world.controller.code, booked(world).pk)
        fire_deferred()


def test_revoked_aid_has_its_decision(charged: Charged) -> None:
    world, _bank, _period = charged
    with refused("revoked_aid_has_its_decision"):
        booked(world)
        fire_deferred()
    one = propose_revocation(world, award(world))
    revocations.withdraw_revocation(revocation=one, person=world.controller.code, at=clock.now())
    with refused("revoked_aid_has_its_decision"):
        booked(world)
        fire_deferred()


def test_revocation_begins_proposed_and_is_decided_once(charged: Charged) -> None:
    world, _bank, _period = charged
    of = (world.pool.pk, award(world).pk, FOUND)
    with refused("revocation_begins_proposed"):
        run(INSERT, *of, "proposed", second_reviewer(world).code, world.controller.code)
    with refused("revocation_is_decided_once"):
        run(INSERT, *of, "agreed", second_reviewer(world).code, None)
    run(INSERT, *of, "proposed", second_reviewer(world).code, None)
    one = AwardRevocation.objects.get()
    assert (one.aid_fen, one.fee_fen) == (100_000, 8_000), "the figures are the database's own"
    with refused("award_has_one_open_revocation"):
        propose_revocation(world, award(world))
    for change in ("reason = 'y'", "aid_fen = 1", "proposed_by = 'P-9'", "award_id = 1"):
        with not_permitted():
            run(f"UPDATE ledger_awardrevocation SET {change}")
    with not_permitted():
        run("UPDATE ledger_award SET lowered_fen = 1")
    agree_to_revocation(world, one)
    with refused("revocation_is_agreed_as_proposed"):
        run("UPDATE ledger_awardrevocation SET decided_by = %s", world.admin.code)
    for decide in (revocations.agree_to_revocation, revocations.withdraw_revocation):
        with pytest.raises(two_people.MovedOnError):
            decide(revocation=one, person=world.controller.code, at=clock.now())


def test_revocations_are_kept_from_the_owner_too(owner: psycopg.Connection) -> None:
    for statement in ("DELETE FROM ledger_awardrevocation", "TRUNCATE ledger_awardrevocation CASCADE"):
        with refused_to_owner(owner, "revocations_are_kept"):
            owner.execute(statement)


# --- crashes and races -----------------------------------------------------------------------------------------------


def test_killed_half_way_nothing_is_revoked_and_then_it_is(
    committed_db: tuple[str, str], tmp_path: Path
) -> None:
    world, bank, _period = charged_world(100_000, 50_000)
    one = propose_revocation(world, award(world))
    before = balances(book_of(world.pool))
    ended = killed_at("custody.award_revoked", 1, tmp_path, lambda: agree_to_revocation(world, one))
    assert ended == -signal.SIGKILL
    one.refresh_from_db()
    assert (one.state, balances(book_of(world.pool))) == ("proposed", before)
    # Four agree at one instant: it is booked once.
    answers = together([lambda: agree_to_revocation(world, one)] * 4)
    assert [error.code for error in raised(answers)] == ["revocation_is_decided_once"] * 3
    assert JournalEntry.objects.filter(kind="award_revoked").count() == 1
    assert award(world).lowered_fen == 100_000
    # An order that meets a proposal waits for it, and is refused.
    bank.all_pay()
    with transaction.atomic():
        propose_revocation(world, award(world, "C-2"))
        late = Meanwhile(lambda: bank.order_aid(award(world, "C-2"), 1_000))
        wait_for_a_waiter(connection.connection)
    with refused("revoked_aid_is_not_ordered"):
        late.outcome()
    assert_books_true(world.pool)


# --- pages and programs ----------------------------------------------------------------------------------------------


def test_pages_lead_two_people_to_the_end(charged: Charged) -> None:
    world, _bank, _period = charged
    reviewer, controller = client_of(second_reviewer(world)), client_of(world.controller)
    assert PAGE in reviewer.get("/pools/test-pool/review/").content.decode()
    assert "Take unpaid aid back" in reviewer.get(PAGE).content.decode()
    assert "Take unpaid aid back" not in controller.get(PAGE).content.decode()
    for bad in ({"case": "C-1", "reason": ""}, {"case": "C-9", "reason": FOUND}):
        assert reviewer.post(f"{PAGE}propose/", {"key": str(uuid.uuid4()), **bad}).status_code == 422
    told = {"key": str(uuid.uuid4()), "case": "C-1", "reason": FOUND}
    assert [reviewer.post(f"{PAGE}propose/", told).status_code for _click in range(2)] == [302, 302]
    page = controller.get(PAGE).content.decode()
    assert FOUND in page
    assert "Give it back to the members" in page
    assert "Give it back to the members" not in reviewer.get(PAGE).content.decode()
    assert PAGE in [todo.address for todo in todos_of(world.controller)]
    assert PAGE not in [todo.address for todo in todos_of(second_reviewer(world))]
    set_clock(clock.now() + dt.timedelta(days=8))
    assert PAGE in [todo.address for todo in todos_of(second_reviewer(world))]
    key = {"key": str(uuid.uuid4())}
    assert reviewer.post(f"{PAGE}1/agree/", key).status_code == 403
    assert [controller.post(f"{PAGE}1/agree/", key).status_code for _click in range(2)] == [302, 302]
    again = controller.post(f"{PAGE}1/withdraw/", {"key": str(uuid.uuid4())})
    assert again.status_code == 409
    assert "already" in again.content.decode()
    rows = client_of(world.auditor).get(f"{PAGE}all.csv").getvalue().decode().splitlines()  # type: ignore[attr-defined]
    assert rows[1].startswith(f"1,C-1,1,{FOUND},1000.00,80.00,0.00,agreed,{second_reviewer(world).code},")
    assert controller.post(f"{PAGE}2/withdraw/", key).status_code == 404
    assert client_of(world.stranger).get(PAGE).status_code == 404
    entry = AwardRevocation.objects.get().entry
    assert entry is not None
    shown = (
        client_of(world.treasurer).get(f"/pools/test-pool/ledger/entries/{entry.number}/").content.decode()
    )
    assert "Two people have decided this" in shown


def test_programs_do_as_people_do(charged: Charged) -> None:
    world, _bank, _period = charged
    reviewer, controller = client_of(second_reviewer(world)), client_of(world.controller)

    def post(client: Any, address: str, key: str, **given: Any) -> Any:
        return client.post(
            API + address, given, content_type="application/json", headers={"Idempotency-Key": key}
        )

    made = [post(reviewer, "C-1/propose/", "revoke-one", reason=FOUND) for _twice in range(2)]
    assert [(one.status_code, one.json()) for one in made] == [(201, {"number": 1})] * 2
    assert post(reviewer, "1/agree/", "agree-one").status_code == 403
    assert [post(controller, "1/agree/", "agree-two").json() for _twice in range(2)] == [
        {"state": "agreed"}
    ] * 2
    row = client_of(world.auditor).get(API).json()["results"][0]
    assert (row["number"], row["case"], row["period"], row["aid_fen"], row["fee_fen"], row["reason"]) == (
        1, "C-1", 1, 100_000, 8_000, FOUND,
    )  # fmt: skip
    refusal = post(reviewer, "C-1/propose/", "revoke-two", reason=FOUND)
    assert (refusal.status_code, refusal.json()["type"]) == (409, "urn:aid:only_unpaid_aid_is_revoked")
    assert post(reviewer, "C-9/propose/", "revoke-three", reason=FOUND).status_code == 404
    assert (
        post(controller, "1/withdraw/", "withdraw-one").json()["type"] == "urn:aid:revocation_is_decided_once"
    )


def test_list_asks_as_much_of_one_as_of_three(world: World) -> None:
    client = client_of(world.auditor)
    for number in range(1, 5):
        world.award(10_000, code=f"C-{number}")
    world.posted_period()

    def asked() -> int:
        client.get(PAGE)
        with CaptureQueriesContext(connection) as captured:
            assert client.get(PAGE).status_code == 200
        return len(captured)

    revoked_by_two(world, award(world, "C-1"))
    one = asked()
    for number in (2, 3):
        revoked_by_two(world, award(world, f"C-{number}"))
    assert asked() == one
    assert sharing.added_to_carry(sharing.books_window(Period(pool=world.pool, number=99)))[1] > 0
