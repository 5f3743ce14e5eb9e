"""What members owe from before their pool moved in: money that comes pays it first, and nobody pays more of it."""

import datetime as dt

import pytest

from aidplatform.lib import clock
from aidplatform.site.demo.bank import next_statement
from aidplatform.testing.bank import Bank, membership
from aidplatform.testing.ledgers import assert_books_true, balances, read_trial
from aidplatform.testing.prepared import prepared
from aidplatform.testing.refusals import fire_deferred, refused, run
from aidplatform.testing.world import World, set_clock
from aidplatform.tests.pages_helpers import client_of
from ledger.books.findings import Report
from ledger.custody import reconciliation, selectors, services, write_off_verify
from ledger.custody import verify as custody
from ledger.custody.models import StatementLine
from ledger.custody.owed import open_fen_by_member
from ledger.custody.statement_parts import IN, OUT
from ledger.founding.services import open_for_sharing
from ledger.founding.tests.test_opening import approve, propose
from ledger.sharing.models import Period
from ledger.sharing.selectors import book_of
from members.joining.tests.lists import approved, row, villager
from members.joining.tests.test_importing import sign

Moved = tuple[World, Bank]
SHARE = 32_667  # 1,000.00 of aid and 80.00 of fee less 100.00 carried in, over three members
DEBT = 1_250


@prepared
def moved() -> Moved:
    """Give the test a pool of three that moved in and is open; the second owes 12.50 and is paid for by the first."""
    world = World.founded(members=0, gathering=True, minimum_members=1)
    approved(world, row(1), row(2, **{"Paid by": "villager-1@example.org"}), row(3))
    approve(world, propose(world, custody_fen=8_750, carried_surplus_fen=10_000, reserve_fen=0))
    for number in (1, 2, 3):
        sign(world, villager(number), number)
    bank = Bank(world)
    bank.take(
        next_statement(bank.account, until=dt.date(2026, 1, 2), unpaid=1.0, from_date=dt.date(2026, 1, 1))
    )
    world.pool = open_for_sharing(pool=world.pool, opener=world.admin.code)
    return world, bank


def charged(world: World) -> Period:
    """Share 1,000.00 and come to the charge day."""
    world.award(100_000)
    period = world.posted_period()
    set_clock(clock.start_of_day(period.charge_date, "Asia/Shanghai"))
    return period


def owed(world: World, number: int) -> tuple[int, int]:
    """Return what a member owes from before, and of announced charges."""
    member = membership(world, number)
    return open_fen_by_member(world.pool, [member.pk])[member.pk]


def paid(bank: Bank, number: int, fen: int) -> StatementLine:
    result = bank.take(bank.statement(bank.receipt(number, fen)))
    fire_deferred()
    return StatementLine.objects.get(statement=result.statement)


def assert_verified(world: World) -> None:
    report = Report.of(custody.SENTENCES, write_off_verify.SENTENCES)
    custody.verify_custody(report, world.pool.pk, world.pool.code, book_of(world.pool).pk)
    assert not report.is_false, report.statements
    assert_books_true(world.pool)


def test_money_pays_the_debt_of_before_and_nothing_beyond(moved: Moved) -> None:
    """13.00 of member 2, before any period: 12.50 are the debt, 0.50 nobody's."""
    world, bank = moved
    assert owed(world, 2) == (DEBT, 0)
    line = paid(bank, 2, 1_300)
    assert owed(world, 2) == (0, 0)
    assert reconciliation.open_fen_of(line) == 50
    assert balances(book_of(world.pool)) == read_trial("""
        101 Custody bank          100.50      -
        240 Carried surplus         -       100.00
        250 Unidentified            -         0.50
    """)
    assert_verified(world)


def test_oldest_debt_comes_first(moved: Moved) -> None:
    world, bank = moved
    charged(world)
    paid(bank, 2, DEBT - 1)
    assert owed(world, 2) == (1, SHARE)
    paid(bank, 2, 11)
    assert owed(world, 2) == (0, SHARE - 10)
    assert_verified(world)


def test_payer_pays_the_debt_of_whom_they_pay_for(moved: Moved) -> None:
    """Member 1 pays their own share, then what member 2 owes from before, then their share."""
    world, bank = moved
    charged(world)
    paid(bank, 1, SHARE + DEBT + 100)
    assert owed(world, 1) == (0, 0)
    assert owed(world, 2) == (0, SHARE - 100)
    page = client_of(membership(world, 2).person).get("/pools/test-pool/me/").content.decode()
    assert "Owed from the old pool" in page
    assert_verified(world)


def test_chargeback_puts_the_debt_in_arrears_again(moved: Moved) -> None:
    world, bank = moved
    paid(bank, 2, DEBT)
    totals = bank.take(bank.statement(bank.line(OUT, DEBT, text=bank.reference(2)))).totals
    fire_deferred()
    assert totals == {"chargeback": (1, DEBT)}
    assert owed(world, 2) == (DEBT, 0)
    page = client_of(membership(world, 2).person).get("/pools/test-pool/me/").content.decode()
    assert "¥12.50 is from before the pool moved in" in page
    assert_verified(world)


def test_unknown_money_is_identified_as_a_debt_of_before(moved: Moved) -> None:
    world, bank = moved
    result = bank.take(bank.statement(bank.line(IN, DEBT, text="old share")))
    line = StatementLine.objects.get(statement=result.statement)
    given = {"receipt": line, "membership": membership(world, 2), "identifier": world.treasurer.code}
    assert services.identify_receipt(at=clock.now(), **given) == DEBT
    with pytest.raises(services.NothingOwedError):
        services.identify_receipt(at=clock.now(), **given)
    assert_verified(world)


def test_arrears_list_the_debt_before_the_first_period(moved: Moved) -> None:
    world, bank = moved
    charged(world)
    paid(bank, 2, 250)
    assert [one for one in selectors.arrears_rows(world.pool) if one[0] == 2] == [
        (2, 0, DEBT, 250, DEBT - 250),
        (2, 1, SHARE, 0, SHARE),
    ]


def test_custody_page_says_how_much_of_it_has_come(moved: Moved) -> None:
    world, bank = moved
    paid(bank, 2, 250)
    page = client_of(world.treasurer).get("/pools/test-pool/custody/").content.decode()
    assert "moved in: ¥12.50, of which ¥2.50 has come in and ¥0.00 is of people who have not" in page


INSERT = """INSERT INTO ledger_collection (line_id, membership_id, pool_id, period_no, amount_fen, payer_id,
    recorded_by, at) VALUES (%s, %s, %s, %s, %s, %s, %s, now())"""


def test_debt_of_before_is_collected_up_to_what_the_list_says(moved: Moved) -> None:
    world, bank = moved
    result = bank.take(bank.statement(bank.line(IN, 5_000, text="?")))
    line = StatementLine.objects.get(statement=result.statement)

    def collect(number: int, fen: int, payer: int | None = None, period: int = 0) -> None:
        run(
            INSERT, line.pk, membership(world, number).pk, world.pool.pk, period, fen,
            payer and membership(world, payer).pk, world.treasurer.code,
        )  # fmt: skip

    for number, fen in ((2, DEBT + 1), (1, 1), (3, 1)):
        with refused("collected_at_most_the_share"):
            collect(number, fen)
    with refused("collection_needs_notice"):
        collect(2, 1, period=1)
    collect(2, DEBT)


def test_payer_owing_from_before_is_filled_first(db: None) -> None:
    """The payer is the one who owes from before: nobody else's share is paid with their money until it is paid."""
    world = World.founded(members=0, gathering=True, minimum_members=1)
    approved(world, row(1, **{"Paid by": "villager-2@example.org"}), row(2), row(3))
    approve(world, propose(world, custody_fen=8_750, carried_surplus_fen=10_000, reserve_fen=0))
    for number in (1, 2, 3):
        sign(world, villager(number), number)
    bank = Bank(world)
    bank.take(
        next_statement(bank.account, until=dt.date(2026, 1, 2), unpaid=1.0, from_date=dt.date(2026, 1, 1))
    )
    world.pool = open_for_sharing(pool=world.pool, opener=world.admin.code)
    charged(world)
    paid(bank, 2, SHARE)
    assert owed(world, 2) == (0, DEBT)
    result = bank.take(
        bank.statement(bank.line(OUT, DEBT, text=bank.reference(2)), bank.line(IN, 9, text="?"))
    )
    line = StatementLine.objects.get(statement=result.statement, line_no=2)
    with refused("payer_is_filled_first"):
        run(
            INSERT, line.pk, membership(world, 1).pk, world.pool.pk, 1, 5, membership(world, 2).pk,
            world.treasurer.code,
        )  # fmt: skip


def test_debt_is_not_collected_before_it_is_in_the_books(db: None) -> None:
    world = World.founded(members=0, gathering=True, minimum_members=1)
    approved(world)
    sign(world, villager(2), 2)
    bank = Bank(world)
    line = paid(bank, 1, DEBT)
    assert reconciliation.open_fen_of(line) == DEBT
    with refused("collected_at_most_the_share"):
        run(
            INSERT, line.pk, membership(world, 1).pk, world.pool.pk, 0, 1, None, world.treasurer.code,
        )  # fmt: skip
