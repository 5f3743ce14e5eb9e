"""An illness in the waiting period under a plan that gives the shares back.

Two people decide. Once nobody can appeal any more the membership ends, what was paid goes back to the account of the
claim, and everybody bears it.
"""

import datetime as dt
from typing import Any

import psycopg
import pytest

from aidplatform.lib import clock
from aidplatform.testing.bank import Bank
from aidplatform.testing.claim_cases import EVENT, AppealCases
from aidplatform.testing.ledgers import assert_books_true, balances
from aidplatform.testing.prepared import prepared
from aidplatform.testing.refusals import fire_deferred, refused, refused_to_owner
from aidplatform.testing.waiting_cases import SHARE, charged_cases, pass_days, pay, refuse
from aidplatform.testing.world import set_clock
from aidplatform.tests.pages_helpers import client_of
from claims.filing.models import Claim
from claims.review import services as review
from claims.review.selectors import public_ref, shown_sha256
from ledger.custody import services as custody
from ledger.custody.models import Collection, PaymentOrder
from ledger.custody.selectors import charges_of, payee_of
from ledger.custody.share_return_models import SharesReturn
from ledger.custody.share_returns import standing
from ledger.leaving import illness
from ledger.openbooks.services import reverse_logged_entry
from ledger.sharing.payees import Payee
from ledger.sharing.selectors import book_of
from ledger.verification.statements import new_report, verify_everything
from members.joining.end_models import MembershipEnd
from members.joining.models import MembershipSpan
from members.people.models import Notice


@prepared
def charged() -> tuple[AppealCases, Bank]:
    """Give the test a pool in which the claimant, who waits, owes one announced share like everyone."""
    return charged_cases()


def assert_verified(cases: AppealCases) -> None:
    """Demand that the books balance, and that verify_books finds nothing of the pool false."""
    assert_books_true(cases.world.pool)
    report = new_report()
    verify_everything(report, cases.world.pool.code)
    assert {code: one.findings for code, one in report.statements.items() if one.false} == {}


def given_back(cases: AppealCases) -> SharesReturn:
    return SharesReturn.objects.get(membership_id=cases.membership.pk)


def test_what_was_paid_goes_back_and_what_is_open_is_asked_for_no_more(
    charged: tuple[AppealCases, Bank],
) -> None:
    cases, bank = charged
    pay(cases, bank, 5_000)
    before = balances(book_of(cases.world.pool))
    claim = refuse(cases, cases.filed())
    assert claim.derivation[1]["ends"] == "shares_back"
    pass_days(cases, 30)
    assert not SharesReturn.objects.exists(), "an appeal may still come"
    pass_days(cases, 1)
    made = given_back(cases)
    assert (made.charges, made.paid_fen, made.open_fen) == ([[1, 5_000, 7_000]], 5_000, 7_000)
    assert made.entry is not None
    assert (made.entry.maker, made.entry.checker) == (cases.reviewer.code, cases.second.code)
    net = balances(book_of(cases.world.pool))
    moved = {code: net.get(code, 0) - before.get(code, 0) for code in {*net, *before}}
    assert {code: fen for code, fen in moved.items() if fen} == {"110": -7_000, "120": 12_000, "220": -5_000}
    end = MembershipEnd.objects.get(membership=cases.membership)
    tomorrow = clock.today(cases.world.pool.time_zone) + dt.timedelta(days=1)
    assert (end.reason, end.end_date) == ("ill", tomorrow)
    span = MembershipSpan.objects.get(membership_id=cases.membership.pk)
    assert span.to_at == clock.start_of_day(tomorrow, cases.world.pool.time_zone)
    owed = charges_of(pool=cases.world.pool, membership_id=cases.membership.pk)
    assert {charge.open_fen for charge in owed} == {0}
    told = Notice.objects.get(person=cases.claimant, kind="shares_back")
    assert told.params["fen"] == 5_000
    assert_verified(cases)


def test_everybody_bears_it_with_the_next_bill(charged: tuple[AppealCases, Bank]) -> None:
    cases, bank = charged
    pay(cases, bank, SHARE)
    refuse(cases, cases.filed())
    pass_days(cases, 31)
    cases.world.award(100_000, code="C-2")
    pass_days(cases, 31)
    period = cases.world.pool.periods.get(awards__code="C-2")
    # Eight are left; 1,000.00, the fee of 80.00 and 120.00 that went back, less nothing carried.
    assert period.other_costs_fen == SHARE
    assert period.need_fen == 100_000 + 8_000 + SHARE - period.carry_in_fen
    assert charges_of(pool=cases.world.pool, membership_id=cases.membership.pk)[0].period_no < period.number
    assert [row["members"] for row in period.classes] == [8]
    assert_books_true(cases.world.pool)


def test_money_goes_to_the_account_of_the_claim_by_two_people(charged: tuple[AppealCases, Bank]) -> None:
    cases, bank = charged
    pay(cases, bank, SHARE)
    refuse(cases, cases.filed())
    pass_days(cases, 31)
    treasurer, controller = client_of(cases.world.treasurer), client_of(cases.world.controller)
    base = f"/pools/{cases.world.pool.code}/custody/payments/"
    address = f"{base}shares/{given_back(cases).number}/"
    assert f'href="{base}"' in treasurer.get("/").content.decode()
    assert f'href="{address}"' in treasurer.get(base).content.decode()
    page = treasurer.get(address)
    assert "622200001111222" in page.content.decode()
    assert controller.get(address).status_code == 403
    assert client_of(cases.neighbor).get(address).status_code in {403, 404}
    key = page.context["form"].initial["key"]
    assert treasurer.post(address, {"key": key, "amount": "120.01"}).status_code == 409
    assert treasurer.post(address, {"key": key, "amount": "much"}).status_code == 422
    key = treasurer.get(address).context["form"].initial["key"]
    assert treasurer.post(address, {"key": key, "amount": "120.00"}).status_code == 302
    assert treasurer.post(address, {"key": key, "amount": "120.00"}).status_code == 302
    order = PaymentOrder.objects.get(kind="shares")
    assert (order.amount_fen, payee_of(order).account) == (SHARE, "6222000011112222")
    bank.release(order)
    bank.all_pay()
    order.refresh_from_db()
    assert order.state == "confirmed"
    assert "220" not in balances(book_of(cases.world.pool))
    assert_verified(cases)


def test_another_account_and_more_than_was_paid_are_refused_by_the_database(
    charged: tuple[AppealCases, Bank],
) -> None:
    cases, bank = charged
    pay(cases, bank, SHARE)
    refuse(cases, cases.filed())
    pass_days(cases, 31)
    given: dict[str, Any] = {
        "pool": cases.world.pool, "kind": "shares", "membership": cases.membership,
        "orderer": cases.world.treasurer.code, "at": clock.now(),
    }  # fmt: skip
    named = {"payee_name": "Li Na", "payee_account": "6222 0000 1111 2222"}
    with refused("shares_go_back_to_the_named_payee"):
        custody.order_payment(amount_fen=1, payee_name="Li Na", payee_account="6222 1", **given)
    with refused("shares_go_back_as_they_were_paid"):
        custody.order_payment(amount_fen=SHARE + 1, **named, **given)
    order = custody.order_payment(amount_fen=SHARE, **named, **given)
    with refused("shares_go_back_as_they_were_paid"):
        custody.order_payment(amount_fen=1, **named, **given)
    custody.cancel_order(order=order, canceller=cases.world.treasurer.code, at=clock.now())
    assert standing([given_back(cases)])[0].left_fen == SHARE
    custody.order_payment(amount_fen=SHARE, **named, **given)
    assert_books_true(cases.world.pool)


def test_money_that_comes_afterwards_is_nobodys_and_no_recovery(charged: tuple[AppealCases, Bank]) -> None:
    cases, bank = charged
    refuse(cases, cases.filed())
    pass_days(cases, 31)
    assert given_back(cases).open_fen == SHARE
    pay(cases, bank, SHARE)
    assert not Collection.objects.filter(membership_id=cases.membership.pk).exists()
    assert balances(book_of(cases.world.pool))["250"] == -SHARE
    assert_books_true(cases.world.pool)


def test_an_appeal_that_is_won_gives_nothing_back(charged: tuple[AppealCases, Bank]) -> None:
    cases, _bank = charged
    claim = refuse(cases, cases.filed())
    cases.appeal(claim)
    pass_days(cases, 40)
    assert not SharesReturn.objects.exists()


def test_an_appeal_that_is_lost_gives_them_back_at_once(charged: tuple[AppealCases, Bank]) -> None:
    cases, _bank = charged
    claim = refuse(cases, cases.filed())
    cases.appeal(claim)
    claim.refresh_from_db()
    review.assign_claim(claim=claim, reviewer=cases.other_reviewer.code, at=clock.now())
    given: dict[str, Any] = {
        "outcome": "rejected",
        "clause": "waiting",
        "papers": [],
        "reason": "It is of May.",
        "at": clock.now(),
    }
    review.recommend(claim=claim, reviewer=cases.other_reviewer.code, aid_fen=0, **given)
    claim.refresh_from_db()
    review.decide(claim=claim, decider=cases.third.code, shown_sha256=shown_sha256(claim), **given)
    pass_days(cases, 5)  # headcounts that were due are taken and charged first
    made = given_back(cases)
    assert (made.reviewer, made.decider) == (cases.other_reviewer.code, cases.third.code)


@pytest.mark.parametrize("clause", ["papers", "declaration"])
def test_another_reason_gives_nothing_back(charged: tuple[AppealCases, Bank], clause: str) -> None:
    cases, _bank = charged
    refuse(cases, cases.filed(), clause)
    pass_days(cases, 32)
    assert not SharesReturn.objects.exists()
    assert not MembershipEnd.objects.exists()


def test_where_the_plan_knows_nothing_of_it_the_membership_goes_on(db: None) -> None:
    cases, _bank = charged_cases(illness_in_wait="no_aid")
    claim = refuse(cases, cases.filed())
    assert "ends" not in claim.derivation[1]
    pass_days(cases, 32)
    assert not SharesReturn.objects.exists()
    assert not MembershipEnd.objects.exists()


def test_it_waits_for_the_shares_of_a_headcount_that_is_taken(charged: tuple[AppealCases, Bank]) -> None:
    cases, bank = charged
    pay(cases, bank, SHARE)
    refuse(cases, cases.filed())
    cases.world.award(200_000, code="C-2")
    pass_days(cases, 33, post=False)
    assert not SharesReturn.objects.exists()
    pass_days(cases, 1)
    pass_days(cases, 1)
    made = given_back(cases)
    assert made.charges[-1][0] == cases.world.pool.periods.get(awards__code="C-2").number
    assert made.paid_fen == SHARE
    assert made.open_fen > SHARE


# --- by raw SQL, as the application's role ------------------------------------------------------------------------


def forge(cases: AppealCases, **changed: Any) -> SharesReturn:
    """Write the row of a return past every service."""
    claim = Claim.objects.get(membership=cases.membership)
    given: dict[str, Any] = {
        "pool": cases.world.pool,
        "number": 0,
        "membership_id": cases.membership.pk,
        "event_date": EVENT,
        "decision": f"{public_ref(claim)}/{claim.round}",
        "reviewer": cases.reviewer.code,
        "decider": cases.second.code,
        "charges": [],
        "paid_fen": 0,
        "open_fen": 0,
        "payee_sealed": b"x",
        "payee_hash": b"x",
        "returned_at": clock.now(),
    }
    return SharesReturn.objects.create(**given | changed)


def test_nobody_forges_a_return(charged: tuple[AppealCases, Bank]) -> None:
    cases, _bank = charged
    refuse(cases, cases.filed())
    with refused("shares_go_back_as_decided"):
        forge(cases)  # an appeal may still come
    set_clock(clock.now() + dt.timedelta(days=31))
    for decider in (cases.reviewer, cases.third):
        with refused("shares_go_back_as_decided"):
            forge(cases, decider=decider.code)
    with refused("shares_go_back_as_decided"):
        forge(cases, membership_id=cases.world.pool.memberships.get(person=cases.neighbor).pk)
    with refused("shares_go_back_as_decided"):
        forge(cases, event_date=EVENT + dt.timedelta(days=1))
    with refused("shares_return_has_its_entry"):
        forge(cases)
        fire_deferred()


def test_a_booked_return_ends_the_membership(
    charged: tuple[AppealCases, Bank], monkeypatch: pytest.MonkeyPatch
) -> None:
    cases, _bank = charged
    refuse(cases, cases.filed())
    set_clock(clock.now() + dt.timedelta(days=31))
    monkeypatch.setattr(illness, "_end", lambda *_left_out: None)
    with refused("shares_return_ends_the_membership"):
        claim = Claim.objects.get(membership=cases.membership)
        illness.give_shares_back(
            membership=cases.membership,
            event_date=EVENT,
            decision=f"{public_ref(claim)}/{claim.round}",
            reviewer=cases.reviewer.code,
            decider=cases.second.code,
            payee=Payee.of("Li Na", "6222"),
            claim_code=claim.code,
            at=clock.now(),
        )
        fire_deferred()


def test_shares_returns_are_kept(owner: psycopg.Connection) -> None:
    with refused_to_owner(owner, "shares_returns_are_kept"):
        owner.execute("DELETE FROM ledger_sharesreturn")


def test_nothing_goes_back_under_rules_that_give_nothing_back(db: None) -> None:
    cases, _bank = charged_cases(illness_in_wait="no_aid")
    refuse(cases, cases.filed())
    set_clock(clock.now() + dt.timedelta(days=31))
    with refused("shares_go_back_for_illness_in_the_wait"):
        forge(cases)


def test_nothing_goes_back_for_an_illness_after_the_wait(db: None) -> None:
    cases, _bank = charged_cases(waiting_days=10)
    refuse(cases, cases.filed())
    set_clock(clock.now() + dt.timedelta(days=31))
    with refused("shares_go_back_for_illness_in_the_wait"):
        forge(cases)


def test_a_return_waits_for_a_headcount_that_is_due(charged: tuple[AppealCases, Bank]) -> None:
    cases, _bank = charged
    refuse(cases, cases.filed())
    cases.world.award(200_000, code="C-2")
    pass_days(cases, 35, post=False)
    with refused("shares_go_back_once_charged"):
        forge(cases)


def test_a_return_is_permanent_and_made_once(charged: tuple[AppealCases, Bank]) -> None:
    cases, bank = charged
    pay(cases, bank, SHARE)
    refuse(cases, cases.filed())
    pass_days(cases, 31)
    made = given_back(cases)
    with refused("shares_go_back_once"):
        forge(cases)
    with refused("shares_return_is_permanent"):
        SharesReturn.objects.filter(pk=made.pk).update(entry=None)
    with refused("written_off_stays_written_off"):
        reverse_logged_entry(
            entry=made.entry,
            entry_date=clock.today(cases.world.pool.time_zone),
            at=clock.now(),
            reason="Why not",
            maker="a",
            checker="b",
        )


def test_an_end_by_illness_needs_its_return(charged: tuple[AppealCases, Bank]) -> None:
    cases, _bank = charged
    today = clock.today(cases.world.pool.time_zone)
    with refused("illness_ends_with_its_return"):
        MembershipEnd.objects.create(
            membership=cases.membership,
            reason="ill",
            end_date=today + dt.timedelta(days=1),
            recorded_by=cases.second.code,
            recorded_at=clock.now(),
        )


def test_an_order_of_shares_needs_a_return(charged: tuple[AppealCases, Bank]) -> None:
    cases, _bank = charged
    with refused("shares_go_back_as_they_were_paid"):
        custody.order_payment(
            pool=cases.world.pool,
            kind="shares",
            membership=cases.membership,
            amount_fen=1,
            payee_name="Li Na",
            payee_account="6222",
            orderer=cases.world.treasurer.code,
            at=clock.now(),
        )
