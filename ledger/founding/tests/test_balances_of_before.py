"""What members had paid ahead to their old pool: owed to them until they confirm, then in their wallets."""

import datetime as dt
import uuid
from typing import Any

from django.db import transaction

from aidplatform.lib import clock
from aidplatform.site.demo.bank import next_statement
from aidplatform.testing.bank import Bank
from aidplatform.testing.ledgers import assert_books_true, balances, read_trial
from aidplatform.testing.prepared import prepared
from aidplatform.testing.refusals import fire_deferred, refused, run
from aidplatform.testing.reversals import reversed_by_two
from aidplatform.testing.world import World, run_jobs
from aidplatform.tests.pages_helpers import client_of
from aidplatform.work import jobs
from aidplatform.work.models import Job
from ledger.books.findings import Report
from ledger.custody import selectors, services, wallet_openings, wallet_verify
from ledger.custody import verify as custody
from ledger.custody.models import PaymentOrder
from ledger.custody.wallet_models import WalletEntry
from ledger.custody.wallet_selectors import balance_fen
from ledger.founding.models import OpeningBalances
from ledger.founding.services import open_for_sharing
from ledger.founding.tests.test_opening import ADDRESS, approve, propose
from ledger.sharing.selectors import book_of
from members.joining import importing
from members.joining.models import ImportedMember, Membership, MembershipSpan
from members.joining.tests.lists import approved, listed, proposed, row, villager
from members.joining.tests.test_importing import sign

FUNDING = {"join_fen": 30_000, "warn_below_fen": 10_000, "top_up_days": 30}
# 400.00 and 250.00 of members, 300.00 of somebody who may never come; 50.00 carried.
HELD = {"1": "400", "2": "250", "3": "300"}
CUSTODY = 100_000


def ahead(number: int, **changes: str) -> dict[str, str]:
    return row(number, **({"Share owed": "", "Prepaid balance": HELD[str(number)]} | changes))


@prepared
def moving() -> World:
    """Give the test a pool that pays ahead and gathers; three are listed with 950.00 together."""
    world = World.founded(members=0, gathering=True, minimum_members=1, funding=FUNDING)
    approved(world, ahead(1), ahead(2), ahead(3))
    return world


def proposed_opening(world: World, **changes: Any) -> OpeningBalances:
    return propose(
        world, **({"custody_fen": CUSTODY, "carried_surplus_fen": 5_000, "reserve_fen": 0} | changes)
    )


def first_statement(world: World) -> Bank:
    """Import the statement that begins with the custody."""
    bank = Bank(world)
    bank.take(
        next_statement(bank.account, until=dt.date(2026, 1, 2), unpaid=1.0, from_date=dt.date(2026, 1, 1))
    )
    return bank


def joined(world: World, number: int) -> Membership:
    member = sign(world, villager(number), number)
    run_jobs()
    return member


def held(member: Membership) -> int:
    return balance_fen(pool=member.pool, membership_id=member.pk)


def assert_verified(world: World) -> None:
    fire_deferred()
    report = Report.of(custody.SENTENCES, wallet_verify.SENTENCES)
    custody.verify_custody(report, world.pool.pk, world.pool.code, book_of(world.pool).pk)
    assert not report.is_false, report.statements
    assert_books_true(world.pool)


def test_balances_go_into_wallets_when_the_bank_has_shown_them(moving: World) -> None:
    """Two confirm before the statement, their balances are wallets with it; the third is still owed theirs."""
    first, second = joined(moving, 1), joined(moving, 2)
    approve(moving, proposed_opening(moving))
    assert (held(first), held(second)) == (0, 0)
    assert balances(book_of(moving.pool)) == read_trial("""
        101 Custody bank        1,000.00      -
        220 Refunds payable         -       950.00
        240 Carried surplus         -        50.00
    """)
    bank = first_statement(moving)
    assert (held(first), held(second)) == (40_000, 25_000)
    assert balances(book_of(moving.pool)) == read_trial("""
        101 Custody bank        1,000.00      -
        210 Prepaid balances        -       650.00
        220 Refunds payable         -       300.00
        240 Carried surplus         -        50.00
    """)
    covered = MembershipSpan.objects.filter(pool_id=moving.pool.pk).values_list("membership_id", flat=True)
    assert set(covered) == {first.pk}, "300.00 let a membership begin, 250.00 do not"
    bank.take(bank.statement(bank.receipt(2, 5_000)))
    assert held(second) == 30_000
    assert_verified(moving)


def test_who_confirms_later_has_the_balance_at_once(moving: World) -> None:
    first = joined(moving, 1)
    approve(moving, proposed_opening(moving))
    first_statement(moving)
    moving.pool = open_for_sharing(pool=moving.pool, opener=moving.admin.code)
    moving.award(10_000)
    moving.posted_period()
    third = joined(moving, 3)
    assert held(third) == 30_000
    assert MembershipSpan.objects.filter(pool_id=moving.pool.pk, membership_id=third.pk).exists()
    assert held(first) < 40_000
    assert balances(book_of(moving.pool))["220"] == -25_000
    assert_verified(moving)


def test_wallet_opens_once_however_often_it_is_asked_for(moving: World) -> None:
    first = joined(moving, 1)
    approve(moving, proposed_opening(moving))
    bank = first_statement(moving)
    with transaction.atomic():
        assert wallet_openings.open_wallets(pool=moving.pool, by="x", at=clock.now()) == 0
    bank.take(bank.statement())
    assert WalletEntry.objects.filter(kind="opening").count() == 1
    assert held(first) == 40_000
    assert_verified(moving)


def test_wrong_opening_is_reversed_while_the_bank_has_shown_nothing(moving: World) -> None:
    joined(moving, 1)
    opening = approve(moving, proposed_opening(moving))
    assert opening.entry is not None
    reversed_by_two(moving, opening.entry, "The bank shows more.")
    again = approve(moving, proposed_opening(moving, custody_fen=110_000, carried_surplus_fen=15_000))
    assert (again.prepaid_fen, again.number) == (95_000, 2)
    first_statement(moving)
    assert_verified(moving)


def test_balances_of_the_list_belong_to_the_sum(moving: World) -> None:
    with refused("opening_balances_balance"):
        run(
            """INSERT INTO ledger_openingbalances (pool_id, number, custody_fen, receivable_fen, carried_surplus_fen,
               reserve_fen, proof, state, proposed_by, proposed_at)
               VALUES (%s, 1, %s, 0, %s, 0, 'x', 'proposed', %s, now())""",
            moving.pool.pk, CUSTODY, CUSTODY, moving.treasurer.code,
        )  # fmt: skip
    waiting = proposed_opening(moving)
    importing.take_back(row=listed(moving.pool, 2), by=moving.admin.code)
    with refused("opening_owes_what_the_list_says"):
        approve(moving, waiting)
    approved(moving, ahead(2))
    approve(moving, waiting)
    with refused("opening_owes_what_the_list_says"):
        importing.take_back(row=listed(moving.pool, 2), by=moving.admin.code)
    more = proposed(moving, row(5, **{"Prepaid balance": "1"}))
    with refused("opening_owes_what_the_list_says"):
        importing.approve_import(
            member_import=more,
            approver=moving.controller.code,
            shown_sha256=more.shown_sha256,
            at=clock.now(),
        )


INSERT = """INSERT INTO ledger_walletentry (pool_id, membership_id, kind, amount_fen, recorded_by, at)
            VALUES (%s, %s, 'opening', %s, %s, now())"""


def test_wallet_opens_as_imported(moving: World) -> None:
    """Not before the bank has shown the money, and not with another amount."""
    first = joined(moving, 1)
    approve(moving, proposed_opening(moving))
    with refused("wallet_opens_as_imported"):
        run(INSERT, moving.pool.pk, first.pk, 40_000, moving.treasurer.code)
    first_statement(moving)
    third = sign(moving, villager(3), 3)
    with refused("wallet_opens_as_imported"):
        run(INSERT, moving.pool.pk, third.pk, 30_001, moving.treasurer.code)


def test_one_opening_per_wallet(moving: World) -> None:
    first = joined(moving, 1)
    approve(moving, proposed_opening(moving))
    first_statement(moving)
    with refused("one_opening_per_wallet"):
        run(INSERT, moving.pool.pk, first.pk, 40_000, moving.treasurer.code)


def test_opening_of_a_wallet_moves_the_control_account(moving: World) -> None:
    first = joined(moving, 1)
    approve(moving, proposed_opening(moving))
    first_statement(moving)
    third = sign(moving, villager(3), 3)
    with refused("prepaid_is_sum_of_wallets"):
        run(INSERT, moving.pool.pk, third.pk, 30_000, moving.treasurer.code)
        fire_deferred()
    assert held(first) == 40_000


def order_back(world: World, number: int, fen: int) -> PaymentOrder:
    """Order the balance of somebody who has not confirmed to be paid back."""
    return services.order_payment(
        pool=world.pool,
        kind="balance",
        listed=listed(world.pool, number),
        amount_fen=fen,
        payee_name="Li Si",
        payee_account="6222 7777 0000 3333",
        orderer=world.treasurer.code,
        at=clock.now(),
    )


def test_who_was_paid_back_begins_with_an_empty_wallet(moving: World) -> None:
    joined(moving, 1)
    approve(moving, proposed_opening(moving))
    bank = first_statement(moving)
    order = bank.release(order_back(moving, 3, 30_000))
    assert (order.what_for, balances(book_of(moving.pool))["220"]) == ("1/4", -25_000)
    third = joined(moving, 3)
    assert held(third) == 0
    bank.all_pay()
    order.refresh_from_db()
    assert order.state == "confirmed"
    assert balances(book_of(moving.pool)) == read_trial("""
        101 Custody bank          700.00      -
        210 Prepaid balances        -       400.00
        220 Refunds payable         -       250.00
        240 Carried surplus         -        50.00
    """)
    bank.take(
        bank.statement(bank.line("in", 30_000, text=f"account closed {selectors.order_reference(order)}"))
    )
    assert held(third) == 30_000, "what the bank returned is theirs again"
    assert_verified(moving)


def test_cancelled_order_leaves_the_balance_to_its_member(moving: World) -> None:
    joined(moving, 1)
    approve(moving, proposed_opening(moving))
    first_statement(moving)
    order = order_back(moving, 3, 30_000)
    services.cancel_order(order=order, canceller=moving.treasurer.code, at=clock.now())
    assert held(joined(moving, 3)) == 30_000
    assert_verified(moving)


def test_balance_is_paid_back_whole_and_once(moving: World) -> None:
    """Not before the bank has shown it, not a part, not twice, and not of who has confirmed."""
    joined(moving, 1)
    approve(moving, proposed_opening(moving))
    with refused("balance_is_paid_back_whole_and_once"):
        order_back(moving, 3, 30_000)
    first_statement(moving)
    confirmed = ImportedMember.objects.get(pool=moving.pool, state="confirmed")
    for row_id, fen in ((listed(moving.pool, 3).pk, 29_999), (confirmed.pk, 40_000)):
        with refused("balance_is_paid_back_whole_and_once"):
            run(
                """INSERT INTO ledger_paymentorder (pool_id, number, kind, listed_id, amount_fen, payee_name,
                   payee_account, payee_hash, payee_hint, state, ordered_by, ordered_at)
                   VALUES (%s, 0, 'balance', %s, %s, 'x', 'y', %s, '…1', 'ordered', %s, now())""",
                moving.pool.pk, row_id, fen, b"z" * 32, moving.treasurer.code,
            )  # fmt: skip
    order_back(moving, 3, 30_000)
    with refused("balance_is_paid_back_whole_and_once"):
        order_back(moving, 3, 30_000)


def test_treasurer_pays_a_balance_back_by_the_page(moving: World) -> None:
    joined(moving, 1)
    approve(moving, proposed_opening(moving))
    first_statement(moving)
    treasurer, address = client_of(moving.treasurer), "/pools/test-pool/custody/wallets/"
    page = treasurer.get(address).content.decode()
    assert all(text in page for text in ("wait for their members", "villager-3@example.org", "¥300.00"))
    assert "villager-3@example.org" not in client_of(moving.auditor).get(address).content.decode()
    assert treasurer.get(f"{address}rows/1/4/").status_code == 200
    told = {"key": str(uuid.uuid4()), "amount": "300", "payee_name": "Li Si", "payee_account": "6222 7777"}
    assert (
        treasurer.post(f"{address}rows/1/4/", told | {"amount": "1", "key": str(uuid.uuid4())}).status_code
        == 409
    )
    assert treasurer.post(f"{address}rows/1/4/", told | {"payee_name": ""}).status_code == 422
    for _click in range(2):
        assert treasurer.post(f"{address}rows/1/4/", told).status_code == 302
    assert PaymentOrder.objects.count() == 1
    assert client_of(moving.controller).get("/pools/test-pool/custody/payments/1/").status_code == 200
    assert treasurer.get(f"{address}rows/1/2/").status_code == 404
    for person, status in ((moving.controller, 403), (moving.stranger, 404)):
        assert client_of(person).post(f"{address}rows/1/4/", told).status_code == status


def test_job_that_comes_again_opens_no_wallet_twice(moving: World) -> None:
    """A worker that died after its commit: the next attempt finds the wallet open."""
    approve(moving, proposed_opening(moving))
    first_statement(moving)
    third = joined(moving, 3)
    jobs.enqueue(
        kind=wallet_openings.OPEN_WALLETS, key="again", payload={"pool": moving.pool.pk}, actor="service"
    )
    lease = jobs.claim(Job.objects.get(key="again").pk)
    assert lease is not None
    assert wallet_openings.follow_confirmation(lease) == {"opened_fen": 0}
    assert WalletEntry.objects.filter(kind="opening").count() == 1
    assert held(third) == 30_000
    page = client_of(third.person).get("/pools/test-pool/me/").content.decode()
    assert "Balance of before" in page
    assert_verified(moving)


def test_imported_money_fits_the_rules(moving: World) -> None:
    """A row that owes where members pay ahead; one with a balance where they pay afterwards."""
    sql = """INSERT INTO members_importedmember (member_import_id, pool_id, row_no, email, document_index, proof,
             owed_fen, prepaid_fen, sealed, state) VALUES (%s, %s, 9, 'x@example.org', %s, '', %s, %s, '', 'open')"""
    afterwards = World.founded(code="other", members=0, gathering=True, minimum_members=1)
    for world, owed, prepaid in ((moving, 1, 0), (afterwards, 0, 1)):
        number = run(
            """INSERT INTO members_memberimport (pool_id, number, filename, sha256, state, proposed_by, proposed_at,
               row_count, served, owed_fen) VALUES (%s, 0, 'x', 'x', 'writing', %s, now(), 0, 0, 0) RETURNING id""",
            world.pool.pk, world.admin.code,
        )[0][0]  # fmt: skip
        with refused("imported_money_fits_the_rules"):
            run(sql, number, world.pool.pk, b"d" * 32, owed, prepaid)


def test_pages_show_what_was_paid_ahead(moving: World) -> None:
    page = client_of(moving.treasurer).get(ADDRESS).content.decode()
    assert "¥950.00" in page
    assert "Aid that is still to be paid is paid by the old pool" in page
    page = client_of(moving.controller).get("/pools/test-pool/move-in/1/").content.decode()
    assert all(text in page for text in ("Prepaid balance", "¥400.00", "¥950.00"))
    told = {"custody": "1000", "carried_surplus": "50", "reserve": "", "proof": "page 31"}
    assert client_of(moving.treasurer).post(ADDRESS, told).status_code == 302
    opening = OpeningBalances.objects.get()
    assert opening.prepaid_fen == 95_000
    assert "Prepaid balances" in client_of(moving.controller).get(ADDRESS).content.decode()
    answer = client_of(moving.auditor).get("/api/v1/pools/test-pool/opening-balances/").json()
    assert answer[0]["prepaid_fen"] == 95_000
