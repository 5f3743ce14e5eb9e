"""A small history to verify: two pools, large and small layout, costs besides awards, a reversal, an open period."""

import datetime as dt
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.conf import settings as django_settings
from django.db import connections, transaction
from django.test import override_settings

from aidplatform.lib import clock
from aidplatform.testing.authorities import running_authority
from aidplatform.testing.bank import Bank, charged_world, membership
from aidplatform.testing.debits import debited_world
from aidplatform.testing.endings import wind_down
from aidplatform.testing.investigation_cases import INVESTIGATION, InvestigationCases
from aidplatform.testing.plugin import test_services
from aidplatform.testing.reversals import reversed_by_two
from aidplatform.testing.revocations import revoked_by_two
from aidplatform.testing.signing import TestSigner
from aidplatform.testing.stack import connected_to
from aidplatform.testing.undoings import newest_receipt, undone_by_two
from aidplatform.testing.waiting_cases import charged_cases, pass_days, pay, refuse
from aidplatform.testing.witnesses import name_witnesses, running_witness
from aidplatform.testing.world import World, run_jobs, set_clock
from ledger.books.services import credit, debit
from ledger.custody import (
    costs,
    explanations,
    hardship,
    interests,
    months,
    reconciled_days,
    settlements,
    write_offs,
)
from ledger.custody import services as custody
from ledger.custody.cost_models import OutsideCost
from ledger.custody.statement_files import OUT
from ledger.leaving import reports
from ledger.openbooks import services as openbooks
from ledger.openbooks.checkpoint_models import Checkpoint, Heartbeat, LogKey
from ledger.openbooks.models import Log
from ledger.openbooks.services import append, state_changes_of_keys
from ledger.openbooks.stamps import stamp_checkpoints
from ledger.openbooks.witnesses import ask_witnesses
from ledger.sharing.models import Award, Period
from ledger.sharing.selectors import book_of
from members.joining.services import admit_member, end_cover
from members.joining.tests.going_on import signed_ahead
from members.joining.tests.papers import filled, passport
from members.joining.tests.test_signing import _sign as sign_covenant
from members.people.models import User
from members.pools.models import Pool

SHANGHAI = "Asia/Shanghai"


def connect_to(name: str) -> str:
    """Point Django at another database; return the one it had."""
    connection = connections["default"]
    connection.close()
    before, connection.settings_dict["NAME"] = connection.settings_dict["NAME"], name
    return str(before)


@pytest.fixture(scope="module")
def history(django_db_blocker) -> Iterator[str]:
    """Make the history once, by the services; yields the name of the database to clone."""
    services = test_services()
    name = f"aid_history_{uuid.uuid4().hex[:10]}"
    services.create_database(name, "aid_template")
    width, django_settings.SHARD_MEMBERS = django_settings.SHARD_MEMBERS, 4
    with django_db_blocker.unblock():
        before = connect_to(name)
        try:
            make_history()
            yield name
        finally:
            connections.close_all()
            connect_to(before)
            django_settings.SHARD_MEMBERS = width
            services.drop_database(name)


def make_history() -> None:
    """Post one period of each pool, book a cost, a reversal and an income, and compute the next period.

    A third pool has a bank: shares come in, one of two cases is paid, the other is on its way. In a fourth, members pay
    ahead.
    """
    make_returned_history()  # the calendar of every pool that is there moves on with it
    small, large = World.founded(code="small", members=7), World.founded(code="large", members=9, large=True)
    large.award(900_01, code="L-1")
    large.posted_period()
    small.award(100_000, code="S-1")
    small.award(50_000, code="S-2")
    first = small.posted_period()
    folder = Path(tempfile.mkdtemp(prefix="aid-signer-"))
    sign_history(folder)
    book = book_of(small.pool)
    at = clock.now()
    common = {"book": book, "entry_date": at.date(), "at": at, "source": "test", "maker": "t", "checker": "u"}
    for number, fen in enumerate((25, 40), start=1):
        returned = openbooks.post_logged_entry(
            key=f"bank_charge/{number}",
            kind="bank_charge",
            lines=[debit("120", fen), credit("110", fen)],
            description="a cost",
            **common,
        )
    reversed_by_two(small, returned, "paid after all")
    openbooks.post_logged_entry(
        key="interest/1",
        kind="interest",
        lines=[debit("101", 11), credit("240", 11)],
        description="interest of the month",
        **common,
    )
    set_clock(clock.start_of_day(first.next_opening_date, SHANGHAI) + dt.timedelta(hours=1))
    small.award(70_000, code="S-3")
    small.posted_period()
    set_clock(clock.now() + dt.timedelta(days=31))
    small.award(30_000, code="S-4")
    small.computed_period()
    make_paid_history()
    make_prepaid_history()
    make_owing_history()
    make_aged_history()
    make_gone_on_history()
    make_late_history()
    make_debited_history()
    make_taken_history()
    make_closed_history()
    make_revoked_history()
    make_undone_history()
    make_investigated_history()
    for pool in Pool.objects.order_by("code"):
        reconciled_days.keep_day(pool, clock.now())
    witness_history(small, folder)
    stamp_history(folder)
    sign_history(folder)
    renew_key(TestSigner(folder / "state"), Log.objects.get(code="closed"))
    shutil.rmtree(folder)


def make_revoked_history() -> None:
    """Take back the one case of a pool before it is paid."""
    world, _bank, _period = charged_world(90_001, members=3, code="revoked")
    revoked_by_two(world, Award.objects.select_related("pool", "period").get(pool=world.pool))


def make_undone_history() -> None:
    """Undo a match that a wrong reference made, and match the receipt to another member."""
    world, bank, _period = charged_world(60_000, members=3, code="undone")
    bank.take(bank.statement(bank.receipt(1, 21_600)))
    receipt = newest_receipt(world)
    undone_by_two(world, receipt, 1)
    custody.identify_receipt(
        receipt=receipt, membership=membership(world, 2), identifier=world.treasurer.code, at=clock.now()
    )


def witness_history(small: World, folder: Path) -> None:
    """Name a witness of the small pool's log, and let it sign what is signed of it by then."""
    with running_witness(folder / "witness", "witness.example/one") as witness:
        witness.add(LogKey.objects.get(log__code="small").vkey)
        name_witnesses(small, [witness], needed=1)
        assert ask_witnesses(now=int(clock.machine_now().timestamp())) == 1


def stamp_history(folder: Path) -> None:
    """Let an authority of time stamp what is signed of every log by then."""
    with (
        running_authority(folder / "authority") as (authority, url),
        override_settings(TIME_STAMP_URLS=(url,), TIME_STAMP_ROOTS=authority.root),
    ):
        assert stamp_checkpoints(now=clock.machine_now()) > 1


def sign_history(folder: Path) -> None:
    """Sign every log as it is now, and let the signer say once that nothing has changed."""
    signer = TestSigner(folder / "state")
    signer.sign()
    with signer.at_work():
        last = Checkpoint.objects.filter(log__code="small").latest("size")
        Heartbeat.objects.create(checkpoint=last, at=last.signed_at)


def renew_key(signer: TestSigner, log: Log) -> None:
    """Give one log a new key, and let it sign something."""
    renewed = TestSigner(signer.path, f"{signer.secret} and after it", (signer.secret,))
    with renewed.at_work() as at_work:
        at_work.follow(log)
    state_changes_of_keys()
    append(code=log.code, entry_type="stats", key="renewed", body={}, at=clock.now())
    log.refresh_from_db()
    with renewed.at_work() as at_work:
        at_work.follow(log)


def tell_of_the_operator(world: World, period: Period) -> None:
    """Put an interest of the operator into the register, and report that a period brought it nothing."""
    told = interests.propose_interest(
        pool=world.pool,
        kind="sponsor",
        partner="Bank of Trees",
        relation="gives when it likes",
        since_date=dt.date(2026, 1, 1),
        until_date=None,
        replaces=None,
        proposer=world.admin.code,
        at=clock.now(),
    )
    interests.confirm_interest(interest=told, confirmer=world.controller.code, at=clock.now())
    report = interests.report_income(
        period=period, referral_fen=0, sponsor_fen=0, note="", proposer=world.admin.code, at=clock.now()
    )
    interests.confirm_income(report=report, confirmer=world.controller.code, at=clock.now())


def make_paid_history() -> None:
    """Collect the shares of a pool, pay a case, release a payment, leave money unidentified; two memberships end."""
    world, bank, period = charged_world(100_000, 50_000, code="paid")
    first, second = world.pool.awards.order_by("code")
    tell_of_the_operator(world, period)
    bank.all_pay()
    bank.release(bank.order_aid(first, 100_000))
    bank.take(bank.statement(bank.line("in", 999, text="no reference")))
    bank.all_pay()
    bank.release(bank.order_aid(second, 20_000))
    end_cover(membership=membership(world, 5), at=clock.now(), reason="left", actor="test")
    died = reports.report_end(
        membership=membership(world, 6),
        reason="deceased",
        event_date=clock.today(SHANGHAI),
        reference="Death certificate 1",
        statement="",
        reporter=world.admin.code,
        at=clock.now(),
    )
    reports.confirm_end(
        report=died, confirmer=world.controller.code, shown_sha256=died.shown_sha256, at=clock.now()
    )


def make_prepaid_history() -> None:
    """Fill the wallets of a pool, pay some of one back, and post a period of which another lacks all."""
    world = World.founded(
        code="ahead", members=4, funding={"join_fen": 30_000, "warn_below_fen": 10_000, "top_up_days": 30}
    )
    bank = Bank(world)
    bank.take(bank.statement(*(bank.receipt(number, 30_000) for number in (1, 2, 3))))
    bank.release(bank.order_back(2, 6_001))
    world.award(70_000, code="A-1")
    world.posted_period()


def make_owing_history() -> None:
    """Write off what one member of a pool owes, recover a part of it, and settle the pool when it ends."""
    world, bank, _period = charged_world(100_000, code="owing")
    order = write_offs.order_write_off(
        membership=membership(world, 1),
        reason="left",
        reminders=0,
        upto_period_no=1,
        orderer=world.treasurer.code,
        at=clock.now(),
    )
    write_offs.approve_write_off(
        write_off=order,
        approver=world.controller.code,
        shown_sha256=order.shown_sha256 or "",
        at=clock.now(),
    )
    bank.take(bank.statement(bank.receipt(1, 29)))
    ending = wind_down(world)
    set_clock(clock.start_of_day(ending.run_off_end_date, SHANGHAI))
    settlement = settlements.order_settlement(pool=world.pool, orderer=world.treasurer.code, at=clock.now())
    settlements.approve_settlement(
        settlement=settlement,
        approver=world.controller.code,
        shown_sha256=settlement.shown_sha256 or "",
        at=clock.now(),
    )


def make_aged_history() -> None:
    """Post a period of a pool whose classes go by age, one member having a birthday before the headcount."""
    bands = [
        {"class_no": 0, "weight": 1, "name_en": "To 30", "name_zh": "青年", "age_from": 18, "age_before": 30},
        {"class_no": 1, "weight": 2, "name_en": "On", "name_zh": "中年", "age_from": 30, "age_before": 60},
    ]
    world = World.founded(code="aged", members=3, classes=bands)
    admit_member(
        pool=world.pool,
        person=User.objects.create_user("aged@example.org"),
        class_no=0,
        from_at=clock.start_of_day(dt.date(2026, 1, 2), SHANGHAI),
        joined_date=dt.date(2026, 1, 1),
        birth_date=dt.date(1996, 1, 7),
        actor="test",
    )
    world.award(50_000, code="B-1")
    period = world.posted_period()
    assert period.classes is not None
    assert [(row["class_no"], row["members"]) for row in period.classes] == [(0, 3), (1, 1)]


def make_taken_history() -> None:
    """Let the bank of a pool pay an order without its reference, and take money for nothing; explain both."""
    world, bank, period = charged_world(100_000, code="taken")
    bank.all_pay()
    award = period.awards.get()
    order = bank.release(bank.order_aid(award, 4_000))
    bank.take(bank.statement(bank.line(OUT, 4_000), bank.line(OUT, 5_000)))
    for line in explanations.debits_to_explain(world.pool):
        made = explanations.propose_explanation(
            line=line,
            note="the bank said so",
            proposer=world.treasurer.code,
            at=clock.now(),
            **({"cause": "payment", "order": order} if line.amount_fen == 4_000 else {"cause": "operator"}),
        )
        explanations.agree_to_explanation(explanation=made, person=world.controller.code, at=clock.now())


def make_closed_history() -> None:
    """Close the first two months of a pool, and open the second one again."""
    world, bank, period = charged_world(100_000, code="closed")
    bank.all_pay()
    award = period.awards.get()
    bank.release(bank.order_aid(award, award.payable_fen))
    bank.all_pay()
    for _month in range(2):
        found = months.next_month(world.pool)
        assert found is not None
        end = (found.month_date + dt.timedelta(days=31)).replace(day=1)
        bank.take(bank.statement(days=(end - bank.day).days))
        set_clock(clock.start_of_day(end, SHANGHAI) + dt.timedelta(hours=9))
        reconciled_days.keep_day(world.pool, clock.now())
        proposer, decider = world.treasurer.code, world.controller.code
        made = months.propose_close(
            pool=world.pool, month_date=found.month_date, proposer=proposer, at=clock.now()
        )
        months.agree_to_close(close=made, person=decider, at=clock.now())
    opened = months.propose_reopening(close=made, reason="placed wrong", proposer=proposer, at=clock.now())
    months.agree_to_reopening(reopening=opened, person=decider, at=clock.now())


def make_debited_history() -> None:
    """Debit three members of a pool: one debit is collected and handed on, one is taken back, one fails."""
    debits = debited_world(code="debited")
    file = debits.make()
    debits.later(5)
    one, other, third = debits.ids(file)
    debits.answer((one, "collected", ""), (other, "collected", ""), (third, "rejected", "AM04"))
    debits.bank.take(debits.bank.statement(debits.handed_on(file, debits.share_fen)))
    debits.take(debits.file_of(debits.lines((other, "returned", "MD06")), name="A-2"))


def make_returned_history() -> None:
    """Give the shares back of who fell ill in the waiting period, and order half of them to be paid."""
    cases, bank = charged_cases(code="waited")
    pay(cases, bank, 5_000)
    refuse(cases, cases.filed())
    pass_days(cases, 31)
    custody.order_payment(
        pool=cases.world.pool,
        kind="shares",
        membership=cases.membership,
        amount_fen=2_500,
        payee_name="Li Na",
        payee_account="6222 0000 1111 2222",
        orderer=cases.world.treasurer.code,
        at=clock.now(),
    )


def make_investigated_history() -> None:
    """Look into a claim from outside, approve what it has cost, and order that to be paid."""
    cases = InvestigationCases.founded(World.founded(code="looked", investigation=INVESTIGATION))
    cases.reported()
    cost = OutsideCost.objects.get()
    controller = cases.world.controller.code
    costs.approve_cost(cost=cost, approver=controller, shown_sha256=cost.shown_sha256 or "", at=clock.now())
    Bank(cases.world)
    custody.order_payment(
        pool=cases.world.pool,
        kind="cost",
        cost=cost,
        amount_fen=30_000,
        payee_name="Wang Fang",
        payee_account="6222 1111 2222 3333",
        orderer=cases.world.treasurer.code,
        at=clock.now(),
    )


def make_gone_on_history() -> None:
    """Let two members reach the last age of a pool, one of whom goes on in another; then that one is counted."""
    aid = [{"severity": "severe", "age_from": 60, "age_before": 80, "max_aid_fen": 1_000_000}]
    takes = {"pools": ["younger"], "waiting_counts": True}
    older = World.founded(code="older", members=4, aid=aid, takes_over=takes)
    younger = World.founded(code="younger", members=3, successor="older")
    day = dt.date(2026, 1, 7)
    for number in (1, 2):
        person = User.objects.create_user(f"going-on-{number}@example.org")
        paper = passport(f"GOON{number:06d}", day.replace(year=1966))
        member = sign_covenant(filled(younger.pool, person, paper))
        if number == 1:
            signed_ahead(member)
    older.award(50_000, code="G-1")
    assert older.posted_period().headcount == 5


def make_late_history() -> None:
    """Suspend two members of a pool for unpaid shares, let one of them pay, and grant a third a pause."""
    arrears = {"reminder_days": [5], "grace_days": 10, "make_up_days": 30, "hardship_days": 15}
    world = World.founded(code="late", members=4, arrears=arrears)
    world.award(100_000, code="L-9")
    world.posted_period()
    bank = Bank(world)
    set_clock(clock.start_of_day(dt.date(2026, 1, 14), SHANGHAI) + dt.timedelta(hours=10))
    pause = hardship.ask_pause(
        membership=membership(world, 3), reason="No work.", asker=world.admin.code, at=clock.now()
    )
    pause = hardship.propose_pause(pause=pause, days=5, proposer=world.admin.code, at=clock.now())
    hardship.grant_pause(
        pause=pause, granter=world.controller.code, shown_sha256=pause.shown_sha256, at=clock.now()
    )
    set_clock(clock.start_of_day(dt.date(2026, 1, 25), SHANGHAI) + dt.timedelta(hours=10))
    bank.take(bank.statement(bank.receipt(4, 27_000)))
    bank.take(bank.statement(days=(dt.date(2026, 1, 25) - bank.day).days))
    run_jobs()
    set_clock(clock.start_of_day(dt.date(2026, 1, 27), SHANGHAI) + dt.timedelta(hours=10))
    bank.take(bank.statement(bank.receipt(1, 27_000)))
    run_jobs()


@pytest.fixture(scope="module")
def harmed(history: str) -> Iterator[str]:
    """Give the name of a copy of the history with every guard switched off, and the address of its owner."""
    services, name = test_services(), f"aid_test_{uuid.uuid4().hex[:12]}"
    connections.close_all()
    owner_url, _app_url = services.create_database(name, history)
    with psycopg.connect(owner_url, autocommit=True) as owner:
        unguard(owner)
    yield owner_url
    services.drop_database(name)


@pytest.fixture
def books(harmed: str, django_db_blocker) -> Iterator[psycopg.Connection]:
    """Give the test the history as its owner without any guard; whatever is done there is taken back.

    A copy for each test took longer than the test. What verifies reads in the same transaction, with the isolation
    that it asks for.
    """
    with django_db_blocker.unblock(), connected_to(harmed), transaction.atomic():
        connection = connections["default"]
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield connection.connection
        transaction.set_rollback(True)


def unguard(owner: psycopg.Connection) -> None:
    """Switch off every guard."""
    tables = owner.execute(
        "SELECT oid::regclass::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
    ).fetchall()
    for (table,) in tables:
        owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")


def unguarded_harm(owner: psycopg.Connection, sql: str) -> None:
    """Do what the guards forbid, in a database where they have been on so far. % is written plainly."""
    unguard(owner)
    owner.execute(sql)


@pytest.fixture
def clone(history: str, django_db_blocker) -> Iterator[psycopg.Connection]:
    """Give the test a copy of the history; yields its owner's connection, by which to do harm."""
    services = test_services()
    name = f"aid_test_{uuid.uuid4().hex[:12]}"
    with django_db_blocker.unblock():
        connections.close_all()
        owner_url, _app_url = services.create_database(name, history)
        before = connect_to(name)
        try:
            with psycopg.connect(owner_url, autocommit=True) as owner:
                yield owner
        finally:
            connections.close_all()
            connect_to(before)
            services.drop_database(name)
