"""What investigations cost: billed and approved by two people, borne as the plan says, paid to whom the bill names."""

import json
import uuid
from typing import Any

import psycopg
import pytest

from aidplatform.lib import clock
from aidplatform.testing.bank import Bank
from aidplatform.testing.investigation_cases import InvestigationCases
from aidplatform.testing.ledgers import assert_books_true, balances
from aidplatform.testing.prepared import prepared
from aidplatform.testing.refusals import fire_deferred, refused, refused_to_owner, run
from aidplatform.testing.world import lay_down_all
from aidplatform.tests.pages_helpers import client_of
from ledger.books.findings import Report
from ledger.books.services import credit, debit
from ledger.custody import cost_verify, costs, services, write_off_verify
from ledger.custody.cost_models import OutsideCost
from ledger.openbooks.services import post_logged_entry, reverse_logged_entry
from ledger.sharing.models import Period
from ledger.sharing.selectors import book_of, books_window, other_costs

RESERVE = {"reserve": {"contribution_fen": 5_000, "target_fen": 100_000}, "period_cap_fen": 20_000_000}
PAGE = "/pools/test-pool/custody/costs/"


def billed(**terms: Any) -> tuple[InvestigationCases, OutsideCost]:
    """Return a pool in which an investigation has cost 300.00."""
    cases = InvestigationCases.founded(**terms)
    cases.reported()
    return cases, OutsideCost.objects.get()


@prepared
def cost() -> tuple[InvestigationCases, OutsideCost]:
    """Give the test a cost that waits, borne by all members."""
    return billed()


def approve(cases: InvestigationCases, one: OutsideCost) -> OutsideCost:
    return costs.approve_cost(
        cost=one, approver=cases.world.controller.code, shown_sha256=one.shown_sha256 or "", at=clock.now()
    )


def order(cases: InvestigationCases, one: OutsideCost, fen: int, account: str = "6222 1111 2222 3333") -> Any:
    return services.order_payment(
        pool=cases.world.pool,
        kind="cost",
        cost=one,
        amount_fen=fen,
        payee_name="Wang Fang",
        payee_account=account,
        orderer=cases.world.treasurer.code,
        at=clock.now(),
    )


def by_hand(cases: InvestigationCases, one: OutsideCost, entry: int | None, **changed: Any) -> None:
    """Approve by raw SQL as the controller, but for what is changed."""
    row = {
        "state": "approved", "decided_by": cases.world.controller.code, "decided_at": clock.now(),
        "approved_sha256": one.shown_sha256, "entry_id": entry, **changed,
    }  # fmt: skip
    run(
        f"UPDATE ledger_outsidecost SET {', '.join(f'{column} = %s' for column in row)} WHERE id = {one.pk}",
        *row.values(),
    )


def entry(cases: InvestigationCases, one: OutsideCost, account: str = "120", **changed: Any) -> int:
    """Book a cost as its approval does, but for what is changed; return the entry's id."""
    given = {
        "key": f"investigation/{one.number}",
        "kind": "investigation",
        "maker": one.billed_by,
        "checker": cases.world.controller.code,
        **changed,
    }
    made = post_logged_entry(
        book=book_of(cases.world.pool),
        lines=[debit(account, one.amount_fen), credit("235", one.amount_fen)],
        entry_date=clock.today(cases.world.pool.time_zone),
        at=clock.now(),
        description="x",
        source="x",
        **given,
    )
    return int(made.pk)


def false_statements(cases: InvestigationCases) -> dict[str, Any]:
    pool = cases.world.pool
    report = Report.of(cost_verify.SENTENCES, write_off_verify.SENTENCES)
    parameters = {"pool": pool.pk, "code": pool.code, "book": book_of(pool).pk}
    cost_verify.verify_costs(report, parameters)
    write_off_verify.verify_write_offs(report, parameters)
    return {code: one.findings for code, one in report.statements.items() if one.false}


def test_all_members_bear_it_with_the_next_bill(cost: tuple[InvestigationCases, OutsideCost]) -> None:
    cases, one = cost
    before = balances(book_of(cases.world.pool))
    assert before.get("235", 0) == 0
    done = approve(cases, one)
    assert done.entry is not None
    assert (done.entry.kind, done.entry.maker, done.entry.checker) == (
        "investigation",
        cases.reviewer.code,
        cases.world.controller.code,
    )
    net = balances(book_of(cases.world.pool))
    assert (net["120"], net["235"]) == (30_000, -30_000)
    window = books_window(Period(pool=cases.world.pool, number=99))
    assert other_costs(window) == {"investigation": 30_000}
    cases.world.award(100_000, code="C-1")
    period = cases.world.posted_period()
    assert period.other_costs_fen == 30_000
    net = balances(book_of(cases.world.pool))
    assert net["550"] == 30_000
    assert "120" not in net
    assert_books_true(cases.world.pool)
    assert false_statements(cases) == {}


@pytest.mark.parametrize(("bearer", "account"), [("operator", "130"), ("reserve", "260")])
def test_others_bear_it_where_the_plan_says_so(db: None, bearer: str, account: str) -> None:
    more = RESERVE if bearer == "reserve" else {}
    cases, one = billed(investigation={"borne_by": bearer}, **more)
    if bearer == "reserve":
        with refused("account_never_negative"):
            approve(cases, one)
        fill_the_reserve(cases)
    before = balances(book_of(cases.world.pool)).get(account, 0)
    approve(cases, one)
    net = balances(book_of(cases.world.pool))
    assert net.get(account, 0) == before + 30_000
    assert other_costs(books_window(Period(pool=cases.world.pool, number=99))) == {}
    assert false_statements(cases) == {}


def fill_the_reserve(cases: InvestigationCases) -> None:
    """Put 300.00 into the reserve by hand: how a bill fills it is tried elsewhere."""
    post_logged_entry(
        book=book_of(cases.world.pool), key=f"fill/{uuid.uuid4()}", kind="other_income",
        lines=[debit("101", 30_000), credit("260", 30_000)], entry_date=clock.today("Asia/Shanghai"),
        at=clock.now(), description="x", source="x", maker="t", checker="u",
    )  # fmt: skip


def test_cost_needs_two_people(cost: tuple[InvestigationCases, OutsideCost]) -> None:
    cases, one = cost
    with pytest.raises(costs.SamePersonError):
        costs.approve_cost(
            cost=one, approver=cases.reviewer.code, shown_sha256=one.shown_sha256 or "", at=clock.now()
        )
    with pytest.raises(costs.ShownChangedError):
        costs.approve_cost(
            cost=one, approver=cases.world.controller.code, shown_sha256="0" * 64, at=clock.now()
        )
    with refused("cost_people_hold_their_duty"):
        by_hand(cases, one, None, decided_by=cases.world.treasurer.code)
    with refused("cost_needs_two_people"):
        by_hand(cases, one, entry(cases, one), approved_sha256="0" * 64)
    with refused("cost_needs_two_people"):
        by_hand(cases, one, None, state="turned_down", approved_sha256=one.shown_sha256)


def test_biller_never_approves(cost: tuple[InvestigationCases, OutsideCost]) -> None:
    cases, one = cost
    lay_down_all(cases.reviewer)
    cases.world.grant(cases.reviewer, "controller")
    with refused("cost_approver_is_not_biller"):
        by_hand(cases, one, None, state="turned_down", approved_sha256=None, decided_by=cases.reviewer.code)


@pytest.mark.parametrize(
    "wrong", [{"account": "130"}, {"kind": "bank_charge"}, {"maker": "x"}, {"key": "x/1"}]
)
def test_approved_cost_has_its_entry(
    cost: tuple[InvestigationCases, OutsideCost], wrong: dict[str, str]
) -> None:
    cases, one = cost
    with refused("approved_cost_has_its_entry"):
        by_hand(cases, one, entry(cases, one, **wrong))


def test_entry_of_a_cost_needs_the_cost_and_stays(cost: tuple[InvestigationCases, OutsideCost]) -> None:
    cases, one = cost
    with refused("loss_has_its_decision"):
        entry(cases, one)
        fire_deferred()
    done = approve(cases, one)
    fire_deferred()
    assert done.entry is not None
    with refused("written_off_stays_written_off"):
        reverse_logged_entry(
            entry=done.entry, reason="x", entry_date=clock.today("Asia/Shanghai"), at=clock.now(), maker="t",
            checker="u",
        )  # fmt: skip


def test_costs_are_kept_from_the_owner_too(owner: psycopg.Connection) -> None:
    for statement in ("DELETE FROM ledger_outsidecost", "TRUNCATE ledger_outsidecost CASCADE"):
        with refused_to_owner(owner, "costs_are_kept"):
            owner.execute(statement)


def test_cost_is_decided_once_and_kept(cost: tuple[InvestigationCases, OutsideCost]) -> None:
    cases, one = cost
    done = costs.turn_down_cost(cost=one, controller=cases.world.controller.code, at=clock.now())
    assert (done.state, done.entry) == ("turned_down", None)
    with pytest.raises(costs.CostMovedOnError):
        approve(cases, one)
    with refused("cost_is_decided_as_shown"):
        by_hand(cases, one, entry(cases, one))
    assert false_statements(cases) == {}


def test_cost_is_paid_once_and_to_its_payee(cost: tuple[InvestigationCases, OutsideCost]) -> None:
    cases, one = cost
    with refused("cost_is_paid_once"):
        order(cases, one, 100)
    approve(cases, one)
    with refused("cost_goes_to_its_payee"):
        order(cases, one, 30_000, account="6222 9999 9999 9999")
    first = order(cases, one, 20_000)
    assert first.what_for == one.reference
    with refused("cost_is_paid_once"):
        order(cases, one, 10_001)
    services.cancel_order(order=first, canceller=cases.world.controller.code, at=clock.now())
    paid = order(cases, one, 30_000)
    bank = Bank(cases.world)
    with refused("aid_never_spends_protected_money"):
        bank.release(paid)
    cases.world.award(100_000, code="C-1")
    cases.world.posted_period()
    bank.all_pay()
    bank.release(paid)
    assert "235" not in balances(book_of(cases.world.pool))
    assert false_statements(cases) == {}


def test_pages_of_a_cost(cost: tuple[InvestigationCases, OutsideCost]) -> None:
    cases, one = cost
    controller, treasurer = client_of(cases.world.controller), client_of(cases.world.treasurer)
    assert f"{PAGE}1/" in controller.get("/").content.decode()
    assert one.reference in treasurer.get(PAGE).content.decode()
    page = controller.get(f"{PAGE}1/").content.decode()
    assert "never by the claimant" in page
    assert "Approve this cost" in page
    assert "Approve this cost" not in treasurer.get(f"{PAGE}1/").content.decode()
    told = {"key": str(uuid.uuid4()), "shown_sha256": one.shown_sha256}
    for person, status in ((cases.world.treasurer, 403), (cases.reviewer, 403), (cases.world.stranger, 404)):
        assert client_of(person).post(f"{PAGE}1/approve/", told).status_code == status
    assert controller.post(f"{PAGE}1/approve/", {"key": told["key"]}).status_code == 422
    clicks = [controller.post(f"{PAGE}1/approve/", told).status_code for _click in range(2)]
    assert clicks == [302, 302]
    pay = "/pools/test-pool/custody/payments/costs/1/"
    assert pay in treasurer.get("/pools/test-pool/custody/payments/").content.decode()
    assert "6222111122223333" in treasurer.get(pay).content.decode()
    bad = treasurer.post(pay, {"key": str(uuid.uuid4()), "amount": "300.01"})
    assert bad.status_code == 409
    assert "300.01" in bad.content.decode()
    ordered = treasurer.post(pay, {"key": str(uuid.uuid4()), "amount": "300.00"})
    assert ordered.status_code == 302
    assert pay not in treasurer.get("/pools/test-pool/custody/payments/").content.decode()
    assert treasurer.get(f"{PAGE}2/").status_code == 404


def test_bill_is_turned_down_on_its_page(cost: tuple[InvestigationCases, OutsideCost]) -> None:
    cases, _one = cost
    controller = client_of(cases.world.controller)
    assert controller.post(f"{PAGE}1/turn-down/", {"key": str(uuid.uuid4())}).status_code == 302
    assert "turned down" in controller.get(f"{PAGE}1/").content.decode()
    late = controller.post(f"{PAGE}1/turn-down/", {"key": str(uuid.uuid4())})
    assert late.status_code == 409


def test_programs_do_the_same(cost: tuple[InvestigationCases, OutsideCost]) -> None:
    cases, one = cost
    address = "/api/v1/pools/test-pool/outside-costs/"

    def post(person: Any, where: str, data: object) -> Any:
        return client_of(person).post(
            f"{address}{where}", json.dumps(data), content_type="application/json",
            headers={"Idempotency-Key": str(uuid.uuid4())},
        )  # fmt: skip

    told = {"shown_sha256": one.shown_sha256}
    assert post(cases.world.treasurer, "1/approval/", told).status_code == 403
    assert post(cases.world.controller, "1/approval/", told).json() == {"state": "approved"}
    assert post(cases.world.controller, "1/turned-down/", {}).status_code == 409
    made = post(cases.world.treasurer, "1/order/", {"amount_fen": 30_000})
    assert made.status_code == 201, made.content
    rows = client_of(cases.world.treasurer).get(address).json()["results"]
    assert [(row["number"], row["borne_by"], row["state"]) for row in rows] == [(1, "shared", "approved")]
