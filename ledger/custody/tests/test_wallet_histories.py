"""Histories by chance: whatever comes, goes and is shared, wallets are what a few lines of Python say they are."""

import random
from typing import Any

import pytest

from aidplatform.lib import clock
from aidplatform.testing.bank import ZONE, Bank, membership
from aidplatform.testing.ledgers import assert_books_true, balances
from aidplatform.testing.refusals import fire_deferred, run
from aidplatform.testing.world import World, run_jobs, set_clock
from aidplatform.work import jobs
from aidplatform.work.models import Job
from ledger.books.findings import Report
from ledger.custody import verify, wallet_verify
from ledger.custody.wallet_models import WalletEntry
from ledger.sharing import posting, services
from ledger.sharing.models import Charge, Period
from ledger.sharing.selectors import book_of
from members.joining.models import MembershipSpan

FUNDING = {"join_fen": 10_000, "warn_below_fen": 0, "top_up_days": 366}
MEMBERS = 9
LAYOUTS = pytest.mark.parametrize("large", [False, True], ids=["small", "large"])


@pytest.fixture(autouse=True)
def several_shards(settings: Any) -> None:
    settings.SHARD_MEMBERS = 4


def a_pool(large: bool) -> tuple[World, Bank]:
    world = World.founded(members=MEMBERS, large=large, funding=FUNDING)
    return world, Bank(world)


def held(world: World) -> dict[int, int]:
    """Return what the database says of every wallet, by the members' numbers."""
    rows = run(
        "SELECT number, wallet_balance(pool_id, id) FROM members_membership WHERE pool_id = %s", world.pool.pk
    )
    return dict(rows)


def covered(world: World) -> set[int]:
    open_spans = MembershipSpan.objects.filter(pool_id=world.pool.pk, to_at=None).values("membership_id")
    return set(world.pool.memberships.filter(pk__in=open_spans).values_list("number", flat=True))


def assert_wallets_true(world: World) -> None:
    fire_deferred()
    report = Report.of(verify.SENTENCES, wallet_verify.SENTENCES)
    verify.verify_custody(report, world.pool.pk, world.pool.code, book_of(world.pool).pk)
    assert not report.is_false, [one for one in report.statements.values() if one.findings]
    assert_books_true(world.pool)
    assert -balances(book_of(world.pool)).get("210", 0) == sum(held(world).values())


@LAYOUTS
@pytest.mark.parametrize("seed", range(3))
def test_wallets_are_what_came_less_what_went(db: None, seed: int, large: bool) -> None:
    chance = random.Random(seed)
    world, bank = a_pool(large)
    model = dict.fromkeys(range(1, MEMBERS + 1), 0)
    lacked = 0
    for round_no in range(3):
        money = {n: chance.choice([0, 1, 9_999, 10_000, 25_000]) for n in model}
        bank.take(bank.statement(*(bank.receipt(n, fen) for n, fen in money.items() if fen)))
        model = {n: fen + money[n] for n, fen in model.items()}
        run_jobs()
        for number in chance.sample(sorted(model), 2):
            if model[number] > 1:
                back = chance.randint(1, model[number])
                bank.order_back(number, back)
                model[number] -= back
        assert held(world) == model
        world.award(chance.choice([1, 70_000, 150_001]), code=f"C-{round_no}")
        period = world.approved_period()
        assert period.other_costs_fen == lacked
        payers = covered(world) if round_no else set(model)
        assert period.headcount == len(payers)
        run_jobs()
        share = (period.classes or [])[0]["share_fen"]
        gaps = {n: max(0, share - model[n]) for n in payers}
        model = {n: max(0, fen - share) if n in payers else fen for n, fen in model.items()}
        lacked = sum(gaps.values())
        period.refresh_from_db()
        assert (period.gap_fen, period.wallet_fen) == (lacked, share * len(payers) - lacked)
        assert held(world) == model
        assert covered(world) == {n for n in payers if not gaps[n] or model[n]}
        assert_wallets_true(world)
        set_clock(clock.start_of_day(period.next_opening_date, ZONE))


@LAYOUTS
def test_posting_that_is_cancelled_takes_nothing_from_wallets(db: None, large: bool) -> None:
    """Half written, paused, cancelled: no wallet has moved; posted again, each gap is there once."""
    world, bank = a_pool(large)
    bank.take(bank.statement(*(bank.receipt(n, 10_000) for n in range(1, MEMBERS))))
    before = held(world)
    world.award(70_000)
    period = world.approved_period()
    for kind, most in ((services.START, 1), (services.SHARD, 2)):
        for job in Job.objects.filter(kind=kind, state=Job.State.QUEUED).order_by("pk")[:most]:
            assert jobs.run(job.pk)
    period = posting.pause_posting(period=period, pauser=world.controller.code, at=clock.now())
    period = posting.cancel_posting(period=period, canceller=world.controller.code)
    assert (held(world), period.wallet_fen, period.gap_fen) == (before, None, None)
    services.approve_period(
        period=period,
        approver=world.controller.code,
        shown_sha256=period.shown_sha256 or "",
        at=clock.now(),
    )
    run_jobs()
    period = Period.objects.get(pk=period.pk)
    assert (period.state, period.gap_fen) == ("posted", 8_400)
    assert WalletEntry.objects.get(kind="gap").membership_id == membership(world, MEMBERS).pk
    assert Charge.objects.filter(pool_id=world.pool.pk).count() == MEMBERS
    assert_wallets_true(world)
