"""Debits that nothing explains: what they were is found out by one person and agreed to by another, whole and once."""

import json
import uuid
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from aidplatform.lib import clock
from aidplatform.testing.bank import Bank, charged_world
from aidplatform.testing.ledgers import assert_books_true, balances
from aidplatform.testing.pairs import Meanwhile, wait_for_a_waiter
from aidplatform.testing.refusals import fire_deferred, not_permitted, refused, refused_to_owner, run
from aidplatform.testing.world import World, set_clock
from aidplatform.tests.pages_helpers import client_of
from ledger.books.findings import Report
from ledger.books.services import credit, debit
from ledger.custody import explanation_verify, explanations, reconciled_days, services, two_people
from ledger.custody.explanation_models import DebitExplanation
from ledger.custody.models import PaymentOrder, StatementLine
from ledger.custody.reconciliation import open_fen_of
from ledger.custody.statement_files import IN, OUT
from ledger.openbooks.services import post_logged_entry, reverse_logged_entry
from ledger.sharing.models import Period
from ledger.sharing.selectors import book_of
from members.pools.models import Pool

Charged = tuple[World, Bank, Period]
PAGE = "/pools/test-pool/custody/debits-to-explain/"
API = "/api/v1/pools/test-pool/debits-to-explain/"


def debited(bank: Bank, fen: int = 5_000) -> StatementLine:
    """Let the bank take money for nothing that is known, after the members have paid; return the booking."""
    if not bank.account.statements.exists():
        bank.all_pay()
    bank.take(bank.statement(bank.line(OUT, fen, text="ref lost", counterparty="Somebody")))
    return StatementLine.objects.select_related("statement", "account__pool").get(
        kind="unexplained", statement__number=bank.account.statements.count()
    )


def propose(world: World, line: StatementLine, cause: str, **papers: Any) -> DebitExplanation:
    return explanations.propose_explanation(
        line=line,
        cause=cause,
        note="the bank said so",
        proposer=world.treasurer.code,
        at=clock.now(),
        **papers,
    )


def agree(world: World, one: DebitExplanation) -> DebitExplanation:
    done = explanations.agree_to_explanation(explanation=one, person=world.controller.code, at=clock.now())
    fire_deferred()
    return done


def false_statements(world: World) -> dict[str, Any]:
    pool = world.pool
    report = Report.of(explanation_verify.SENTENCES)
    parameters = {"pool": pool.pk, "code": pool.code, "book": book_of(pool).pk}
    explanation_verify.verify_explanations(report, parameters)
    return {code: one.findings for code, one in report.statements.items() if one.false}


def net(world: World, account: str) -> int:
    return balances(book_of(world.pool)).get(account, 0)


def released_aid(bank: Bank, period: Period, fen: int = 5_000) -> PaymentOrder:
    bank.all_pay()
    award = period.awards.order_by("code").first()
    assert award is not None
    return bank.release(bank.order_aid(award, fen))


@pytest.mark.parametrize("cause", ["bank_fee", "operator"])
def test_whoever_runs_the_pool_makes_it_good(charged: Charged, cause: str) -> None:
    world, bank, _period = charged
    line = debited(bank)
    assert (net(world, "140"), net(world, "130")) == (5_000, 0)
    one = propose(world, line, cause)
    assert (one.number, one.amount_fen, net(world, "140")) == (1, 5_000, 5_000)
    done = agree(world, one)
    assert done.entry is not None
    assert (done.entry.kind, done.entry.maker, done.entry.checker) == (
        "debit_explained",
        world.treasurer.code,
        world.controller.code,
    )
    assert (net(world, "140"), net(world, "130")) == (0, 5_000)
    assert list(explanations.debits_to_explain(world.pool)) == []
    assert_books_true(world.pool)
    assert false_statements(world) == {}


def test_payment_that_came_without_its_reference_counts_as_paid(charged: Charged) -> None:
    world, bank, period = charged
    order = released_aid(bank, period)
    line = debited(bank)
    assert explanations.papers_like(bank.account, [line])[line.pk].orders == (order,)
    assert net(world, "270") == -5_000
    agree(world, propose(world, line, "payment", order=order))
    order.refresh_from_db()
    assert (order.state, order.confirmed_line) == ("confirmed", line)
    assert (net(world, "140"), net(world, "270")) == (0, 0)
    with pytest.raises(services.WrongStateError):
        services.cancel_order(order=order, canceller=world.controller.code, at=clock.now())
    assert_books_true(world.pool)
    assert false_statements(world) == {}


def test_mistake_that_came_back_uses_up_its_receipt(charged: Charged) -> None:
    world, bank, _period = charged
    line = debited(bank)
    bank.take(bank.statement(bank.line(IN, 5_000, text="sorry"), bank.line(IN, 4_999, text="other")))
    back = StatementLine.objects.select_related("statement", "account__pool").get(
        kind="unidentified", amount_fen=5_000
    )
    assert explanations.papers_like(bank.account, [line])[line.pk].receipts == (back,)
    agree(world, propose(world, line, "given_back", receipt=back))
    assert (net(world, "140"), net(world, "250")) == (0, -4_999)
    assert open_fen_of(back) == 0
    with refused("receipt_is_used_once"):
        services.order_payment(
            pool=world.pool, kind="refund", receipt=back, amount_fen=1, payee_name="A", payee_account="6222 0000",
            orderer=world.treasurer.code, at=clock.now(),
        )  # fmt: skip
    assert_books_true(world.pool)
    assert false_statements(world) == {}


def test_explained_debit_is_late_no_more(charged: Charged) -> None:
    world, bank, _period = charged
    line = debited(bank)
    set_clock(clock.start_of_day(clock.today(world.pool.time_zone), world.pool.time_zone).replace(day=28))

    def waits() -> list[int]:
        found = reconciled_days.clearing(bank.account)
        return [one.count for one in found if one.account == "140"]

    assert waits() == [1]
    agree(world, propose(world, line, "operator"))
    assert waits() == [0]


def test_what_an_explanation_rests_on_has_to_fit(charged: Charged) -> None:
    world, bank, period = charged
    order = released_aid(bank, period, fen=4_000)
    line = debited(bank)
    bank.take(bank.statement(bank.line(IN, 4_000), bank.line(OUT, 4_000, code="charge")))
    receipt = StatementLine.objects.get(kind="unidentified")
    other = StatementLine.objects.exclude(kind__in=["unexplained", "collection", "unidentified"]).first()
    assert other is not None
    with refused("explanation_fits_its_papers"):
        propose(world, line, "payment", order=order)
    with refused("explanation_fits_its_papers"):
        propose(world, line, "given_back", receipt=receipt)
    with refused("only_debits_to_explain_are_explained"):
        propose(world, other, "operator")
    for cause, papers in (("payment", {}), ("operator", {"receipt": receipt})):
        with refused("explanation_names_its_papers" if papers else "explanation_fits_its_papers"):
            propose(world, line, cause, **papers)
    with refused("explanation_says_how_it_was_found"):
        explanations.propose_explanation(
            line=line, cause="operator", note=" ", proposer=world.treasurer.code, at=clock.now()
        )


def test_debit_payment_and_receipt_are_explained_once(charged: Charged) -> None:
    world, bank, period = charged
    order = released_aid(bank, period)
    first, second = debited(bank), debited(bank)
    bank.take(bank.statement(bank.line(IN, 5_000)))
    receipt = StatementLine.objects.get(kind="unidentified")
    one = propose(world, first, "payment", order=order)
    with refused("debit_is_explained_once"):
        propose(world, first, "operator")
    with refused("payment_explains_one_debit"):
        propose(world, second, "payment", order=order)
    explanations.withdraw_explanation(explanation=one, person=world.treasurer.code, at=clock.now())
    propose(world, first, "given_back", receipt=receipt)
    with refused("receipt_gives_back_one_debit"):
        propose(world, second, "given_back", receipt=receipt)
    propose(world, second, "payment", order=order)


def test_payment_that_moved_on_explains_nothing(charged: Charged) -> None:
    world, bank, period = charged
    order = released_aid(bank, period)
    line = debited(bank)
    one = propose(world, line, "payment", order=order)
    run("UPDATE ledger_paymentorder SET state = 'cancelled', cancelled_by = %s, cancelled_at = aid_now() WHERE id = %s",
        world.controller.code, order.pk)  # fmt: skip
    with refused("explanation_fits_its_papers"):
        agree(world, one)


def by_hand(world: World, one: DebitExplanation, entry: int | None, **changed: Any) -> None:
    """Agree by raw SQL as the controller, but for what is changed."""
    row = {
        "state": "agreed", "decided_by": world.controller.code, "decided_at": clock.now(), "entry_id": entry, **changed,
    }  # fmt: skip
    run(
        f"UPDATE ledger_debitexplanation SET {', '.join(f'{column} = %s' for column in row)} WHERE id = {one.pk}",
        *row.values(),
    )


def entry(world: World, one: DebitExplanation, account: str = "130", **changed: Any) -> int:
    """Book an explanation as agreeing does, but for what is changed; return the entry's id."""
    given = {
        "key": f"debit_explained/{one.number}",
        "kind": "debit_explained",
        "maker": one.proposed_by,
        "checker": world.controller.code,
        **changed,
    }
    made = post_logged_entry(
        book=book_of(world.pool),
        lines=[debit(account, one.amount_fen), credit("140", one.amount_fen)],
        entry_date=clock.today(world.pool.time_zone),
        at=clock.now(),
        description="x",
        source="x",
        **given,
    )
    return int(made.pk)


@pytest.mark.parametrize(
    "wrong", [{"account": "250"}, {"kind": "bank_fee"}, {"maker": "x"}, {"checker": "x"}, {"key": "x/1"}]
)
def test_explained_debit_has_its_entry(charged: Charged, wrong: dict[str, str]) -> None:
    world, bank, _period = charged
    one = propose(world, debited(bank), "operator")
    with refused("explained_debit_has_its_entry"):
        by_hand(world, one, entry(world, one, **wrong))
    with refused("explained_debit_has_its_entry"):
        by_hand(world, one, None)


def test_explained_payment_is_confirmed(charged: Charged) -> None:
    world, bank, period = charged
    order = released_aid(bank, period)
    line = debited(bank)
    one = propose(world, line, "payment", order=order)
    with refused("order_is_settled_by_its_line"):
        run(
            "UPDATE ledger_paymentorder SET state = 'confirmed', confirmed_line_id = %s WHERE id = %s",
            line.pk,
            order.pk,
        )
    with refused("explained_payment_is_confirmed"):
        by_hand(world, one, entry(world, one, account="270"))
        fire_deferred()


def test_explanation_needs_two_people(charged: Charged) -> None:
    world, bank, _period = charged
    line = debited(bank)
    with refused("explanation_people_hold_their_duty"):
        explanations.propose_explanation(
            line=line, cause="operator", note="x", proposer=world.controller.code, at=clock.now()
        )
    one = propose(world, line, "operator")
    with pytest.raises(two_people.SamePersonError):
        explanations.agree_to_explanation(explanation=one, person=world.treasurer.code, at=clock.now())
    with refused("explanation_people_hold_their_duty"):
        by_hand(world, one, None, decided_by=world.treasurer.code)
    with refused("explanation_people_hold_their_duty"):
        by_hand(world, one, None, state="withdrawn", decided_by=world.auditor.code)
    with refused("agreed_explanation_names_its_entry"):
        by_hand(world, one, entry(world, one), state="withdrawn")
    with refused("explanation_needs_two_people"):
        by_hand(world, one, None, state="proposed")
    with refused("entry_checker_is_not_maker"):
        by_hand(world, one, entry(world, one, checker=world.treasurer.code))


def test_explanation_begins_proposed(charged: Charged) -> None:
    world, bank, _period = charged
    line = debited(bank)
    insert = """INSERT INTO ledger_debitexplanation
                       (pool_id, number, line_id, cause, note, amount_fen, state, proposed_by, proposed_at, decided_by)
                VALUES (%s, 1, %s, 'operator', 'x', 5000, %s, %s, now(), %s)"""
    with refused("explanation_begins_proposed"):
        run(insert, world.pool.pk, line.pk, "proposed", world.treasurer.code, world.controller.code)
    with refused("explanation_is_decided_once"):
        run(insert, world.pool.pk, line.pk, "agreed", world.treasurer.code, None)


def test_explanation_is_agreed_as_proposed_and_decided_once(charged: Charged) -> None:
    world, bank, _period = charged
    one = propose(world, debited(bank), "operator")
    for change in ("amount_fen = 1", "cause = 'bank_fee'", "note = 'y'"):
        with not_permitted():
            run(f"UPDATE ledger_debitexplanation SET {change}")
    done = agree(world, one)
    assert done.entry is not None
    with refused("explanation_is_agreed_as_proposed"):
        by_hand(world, one, done.entry.pk, decided_by=world.treasurer.code)
    for decide in (explanations.agree_to_explanation, explanations.withdraw_explanation):
        with pytest.raises(two_people.MovedOnError):
            decide(explanation=one, person=world.controller.code, at=clock.now())
    with refused("written_off_stays_written_off"):
        reverse_logged_entry(
            entry=done.entry,
            reason="x",
            entry_date=clock.today("Asia/Shanghai"),
            at=clock.now(),
            maker="t",
            checker="u",
        )


def test_explanations_are_kept_from_the_owner_too(owner: psycopg.Connection) -> None:
    for statement in ("DELETE FROM ledger_debitexplanation", "TRUNCATE ledger_debitexplanation CASCADE"):
        with refused_to_owner(owner, "explanations_are_kept"):
            owner.execute(statement)


def test_pages_lead_two_people_to_the_end(charged: Charged) -> None:
    world, bank, period = charged
    treasurer, controller = client_of(world.treasurer), client_of(world.controller)
    assert "Every debit is explained" in treasurer.get(PAGE).content.decode()
    order = released_aid(bank, period)
    line = debited(bank)
    assert PAGE in treasurer.get("/").content.decode()
    assert PAGE not in controller.get("/").content.decode()
    page = treasurer.get(PAGE).content.decode()
    assert "ref lost" in page
    assert f"payment {order.number}: aid" in page
    assert "Propose it" not in controller.get(PAGE).content.decode()
    assert [client_of(person).get(PAGE).status_code for person in (world.auditor, world.stranger)] == [
        403,
        404,
    ]
    address = f"{PAGE}{line.statement.number}/{line.line_no}/propose/"
    bad = treasurer.post(
        address, {"key": str(uuid.uuid4()), "what": "payment:99", "note": "I asked the bank"}
    )
    assert bad.status_code == 422
    assert "I asked the bank" in bad.content.decode()
    told = {"key": str(uuid.uuid4()), "what": f"payment:{order.number}", "note": "I asked the bank"}
    assert [treasurer.post(address, told).status_code for _click in range(2)] == [302, 302]
    assert DebitExplanation.objects.count() == 1
    late = treasurer.post(address, told | {"key": str(uuid.uuid4())})
    assert late.status_code == 409
    assert "explained this debit already" in late.content.decode()
    assert PAGE in controller.get("/").content.decode()
    key = {"key": str(uuid.uuid4())}
    assert treasurer.post(f"{PAGE}1/agree/", key).status_code == 403
    assert [controller.post(f"{PAGE}1/agree/", key).status_code for _click in range(2)] == [302, 302]
    order.refresh_from_db()
    assert order.state == "confirmed"
    page = controller.get(PAGE).content.decode()
    assert "I asked the bank" in page
    rows = treasurer.get(f"{PAGE}all.csv").getvalue().decode().splitlines()  # type: ignore[attr-defined]
    assert f"1,{line.code}," in rows[1]
    assert treasurer.post(f"{PAGE}2/withdraw/", key).status_code == 404


def test_explanation_that_meets_an_import_waits_for_its_end(committed_db: tuple[str, str]) -> None:
    """An import locks the pool, then its bank account; with the account in hand a proposal would wait for the pool."""
    world, bank, _period = charged_world(100_000)
    line = debited(bank)
    with transaction.atomic():
        Pool.objects.select_for_update().get(pk=world.pool.pk)
        proposal = Meanwhile(lambda: propose(world, line, "bank_fee"))
        wait_for_a_waiter(connection.connection)
        bank.take(bank.statement(bank.line(IN, 1)))
    assert proposal.outcome().state == "proposed"


def test_page_asks_as_much_of_one_debit_as_of_three(charged: Charged) -> None:
    world, bank, period = charged
    released_aid(bank, period)
    client = client_of(world.treasurer)

    def asked() -> int:
        client.get(PAGE)
        with CaptureQueriesContext(connection) as captured:
            assert client.get(PAGE).status_code == 200
        return len(captured)

    debited(bank)
    one = asked()
    debited(bank, 4_000), debited(bank, 3_000)
    assert asked() == one


def test_programs_do_the_same(charged: Charged) -> None:
    world, bank, _period = charged
    line = debited(bank)
    where = f"{line.statement.number}/{line.line_no}/propose/"

    def post(person: Any, address: str, data: object) -> Any:
        return client_of(person).post(
            f"{API}{address}", json.dumps(data), content_type="application/json",
            headers={"Idempotency-Key": str(uuid.uuid4())},
        )  # fmt: skip

    waiting = client_of(world.treasurer).get(API).json()
    assert [(row["code"], row["amount_fen"]) for row in waiting] == [(line.code, 5_000)]
    told = {"cause": "operator", "note": "nobody knows"}
    assert post(world.controller, where, told).status_code == 403
    assert post(world.treasurer, where, told | {"payment": 99}).status_code == 404
    assert post(world.treasurer, where, told).json() == {"number": 1}
    assert post(world.treasurer, "1/agree/", {}).status_code == 403
    assert post(world.controller, "1/agree/", {}).json() == {"state": "agreed"}
    assert post(world.controller, "1/withdraw/", {}).status_code == 409
    rows = client_of(world.controller).get(f"{API}found/").json()["results"]
    assert [(row["debit"], row["cause"], row["state"]) for row in rows] == [(line.code, "operator", "agreed")]
    assert client_of(world.stranger).get(API).status_code == 404
