"""A posting that is paused stands still, whoever was slow; one that is cancelled leaves nothing."""

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from django.db import connection

from aidplatform.lib import clock
from aidplatform.testing.ledgers import assert_books_true
from aidplatform.testing.pairs import Meanwhile, wait_for_a_waiter
from aidplatform.testing.plugin import TEMPLATE, test_services
from aidplatform.testing.refusals import refused, refused_to_owner, run, value
from aidplatform.testing.stack import connected_to
from aidplatform.testing.world import World, run_jobs, set_clock
from aidplatform.work import jobs
from aidplatform.work.models import AuditEntry, Job
from ledger.digest import money_digest
from ledger.openbooks.models import LogEntry
from ledger.sharing import posting, services
from ledger.sharing import tasks as _handlers  # noqa: F401  registers them
from ledger.sharing.models import Charge, Period
from ledger.sharing.selectors import compute_bill

LAYOUTS = pytest.mark.parametrize("large", [False, True], ids=["small", "large"])
WIDTH = 4
MEMBERS = 23
SHARDS = 6


@pytest.fixture(autouse=True)
def several_shards(settings: Any) -> None:
    settings.SHARD_MEMBERS = WIDTH


@pytest.fixture
def unguarded(committed_db: tuple[str, str]) -> Iterator[psycopg.Connection]:
    """Give the test its own database and a connection as aid_owner there."""
    with psycopg.connect(committed_db[0]) as owner:
        yield owner


def founded(large: bool = False, code: str = "stop-pool") -> World:
    world = World.founded(code=code, members=MEMBERS, large=large)
    world.award(1_000_003)
    return world


def work(kind: str, most: int = 1000) -> None:
    """Do the waiting jobs of a kind, so many at most, as a worker would."""
    for job in Job.objects.filter(kind=kind, state=Job.State.QUEUED).order_by("pk")[:most]:
        assert jobs.run(job.pk)


def half_way(world: World, shards: int = 2) -> Period:
    """Run until the shelf is open and so many shards are written."""
    period = world.approved_period()
    work(services.START)
    work(services.SHARD, shards)
    period.refresh_from_db()
    assert (period.state, written(period)) == ("posting", shards)
    return period


def written(period: Period) -> int:
    return period.manifest.exclude(written_at=None).count()


def pause(world: World, period: Period) -> Period:
    return posting.pause_posting(period=period, pauser=world.controller.code, at=clock.now())


def approve(world: World, period: Period) -> Period:
    return services.approve_period(
        period=period, approver=world.controller.code, shown_sha256=period.shown_sha256 or "", at=clock.now()
    )


def shelf(world: World) -> str | None:
    return value("SELECT to_regclass(%s)::text", f"public.ledger_charge_{world.pool.pk}_1")


def charges(world: World) -> list[tuple[int, int]]:
    return sorted(Charge.objects.filter(pool_id=world.pool.pk).values_list("membership_id", "share_fen"))


def require_posted(world: World, period: Period) -> None:
    """Demand charges for all, each once and of the share, under a key, and no job that was blamed."""
    run_jobs()
    period.refresh_from_db()
    assert (period.state, period.charged_members, period.charged_fen) == (
        "posted",
        MEMBERS,
        period.assessed_fen,
    )
    members = sorted(world.pool.memberships.values_list("pk", flat=True))
    share = period.classes[0]["share_fen"]
    assert charges(world) == [(member, share) for member in members]
    leaf = f"ledger_charge_{world.pool.pk}" + ("_1" if world.pool.charges_by_period else "")
    assert value("SELECT count(*) FROM pg_index WHERE indrelid = %s::regclass AND indisprimary", leaf) == 1
    assert (shelf(world) is not None) == world.pool.charges_by_period
    assert not Job.objects.filter(failures__gt=0).exists()
    assert_books_true(world.pool)


def deeds(period: Period, action: str) -> int:
    return AuditEntry.objects.filter(action=action, subject=period.code).count()


@LAYOUTS
def test_paused_posting_stands_still_and_goes_on(committed_db: Any, large: bool) -> None:
    world = founded(large)
    period = half_way(world)
    pause(world, period)
    run_jobs()
    period.refresh_from_db()
    assert (period.state, written(period), charges(world)) == ("posting", 2, [])
    assert not Job.objects.exclude(state=Job.State.DONE).exists(), "its shards wait for whoever goes on"
    posting.resume_posting(period=period, resumer=world.admin.code)
    require_posted(world, period)
    assert (deeds(period, "pause_posting"), deeds(period, "resume_posting")) == (1, 1)


@LAYOUTS
def test_paused_posting_stands_still_before_it_begins_and_before_it_is_closed(
    committed_db: Any, large: bool
) -> None:
    world = founded(large)
    period = world.approved_period()
    pause(world, period)
    run_jobs()
    period.refresh_from_db()
    assert (period.state, shelf(world)) == ("approved", None)
    posting.resume_posting(period=period, resumer=world.admin.code)
    work(services.START)
    work(services.SHARD)
    pause(world, period)
    run_jobs()
    period.refresh_from_db()
    assert (period.state, period.charged_members, period.entry) == ("posting", None, None)
    assert written(period) == period.manifest.count()
    posting.resume_posting(period=period, resumer=world.admin.code)
    require_posted(world, period)


@LAYOUTS
def test_paused_posting_stands_still_whoever_asks(committed_db: Any, large: bool) -> None:
    world = founded(large)
    period = half_way(world)
    pause(world, period)
    line = period.manifest.filter(written_at=None).first()
    for function, argument in (
        ("open_charge_shelf", period.pk),
        ("write_charge_shard", line.pk),
        ("close_charge_shelf", period.pk),
    ):
        with refused("paused_posting_stands_still"):
            run(f"SELECT * FROM {function}(%s)", argument)
    with refused("only_a_posting_is_paused"):
        run("UPDATE ledger_period SET posting_paused_by = NULL")


def test_pausing_twice_and_going_on_twice_is_once(committed_db: Any) -> None:
    world = founded()
    period = half_way(world)
    first = pause(world, period)
    again = posting.pause_posting(period=period, pauser=world.admin.code, at=clock.now())
    assert (again.posting_paused_by, again.posting_paused_at) == (
        world.controller.code,
        first.posting_paused_at,
    )
    posting.resume_posting(period=period, resumer=world.admin.code)
    posting.resume_posting(period=period, resumer=world.admin.code)
    assert (deeds(period, "pause_posting"), deeds(period, "resume_posting")) == (1, 1)
    assert Job.objects.filter(kind=services.START).count() == 2
    require_posted(world, period)


@LAYOUTS
def test_cancelled_posting_leaves_nothing_and_can_be_posted_again(committed_db: Any, large: bool) -> None:
    world = founded(large)
    entries, lines = services.book_of(world.pool).entries, LogEntry.objects.filter(log__code=world.pool.code)
    period = world.computed_period()
    before = (entries.count(), lines.count(), period.shown_sha256)
    approve(world, period)
    work(services.START)
    work(services.SHARD, 3)
    pause(world, period)
    period = posting.cancel_posting(period=period, canceller=world.admin.code)
    assert (period.state, period.approved_by, period.approved_sha256, period.posting_paused_at) == (
        "computed",
        None,
        None,
        None,
    )
    assert (written(period), charges(world), shelf(world)) == (0, [], None)
    assert (entries.count(), lines.count(), period.shown_sha256) == before
    discarded = AuditEntry.objects.get(action="cancel_posting").detail["discarded"]
    assert 0 < discarded <= 3 * WIDTH
    run_jobs()
    period.refresh_from_db()
    assert (period.state, written(period)) == ("computed", 0), "what waited of the old order does nothing"
    approve(world, period)
    require_posted(world, period)


def test_cancelled_posting_leaves_other_periods_of_a_small_pool_alone(committed_db: Any) -> None:
    world = founded()
    first = world.posted_period()
    before = charges(world)
    assert len(before) == MEMBERS
    set_clock(clock.start_of_day(first.next_opening_date, world.pool.time_zone))
    world.award(500, "C-2")
    second = half_way(world)
    pause(world, second)
    posting.cancel_posting(period=second, canceller=world.admin.code)
    assert charges(world) == before
    second.refresh_from_db()
    approve(world, second)
    run_jobs()
    assert Charge.objects.filter(pool_id=world.pool.pk, period_no=2).count() == MEMBERS


def test_cancelled_posting_can_be_computed_anew_and_needs_a_new_approval(committed_db: Any) -> None:
    world = founded()
    period = half_way(world)
    shown = period.shown_sha256
    pause(world, period)
    posting.cancel_posting(period=period, canceller=world.controller.code)
    services.openbooks.post_logged_entry(
        book=services.book_of(world.pool),
        key="bank_charge/1",
        kind="bank_charge",
        lines=[services.debit("120", 4_321), services.credit("101", 4_321)],
        entry_date=period.publicity_end_date,
        at=clock.now(),
        description="Bank charge",
        source="bank line 1",
        maker=world.treasurer.code,
    )
    again = services.compute_shares(period=period, preparer=world.admin.code, at=clock.now())
    assert (again.shown_sha256, again.other_costs_fen) == (shown, 0)
    assert (again.state, again.approved_by, again.approved_sha256) == ("computed", None, None)
    approve(world, again)
    require_posted(world, again)
    set_clock(clock.start_of_day(again.next_opening_date, world.pool.time_zone))
    assert compute_bill(world.announced_period()).other_costs_by_kind == {"bank_charge": 4_321}


@LAYOUTS
def test_only_a_paused_posting_is_cancelled(committed_db: Any, large: bool) -> None:
    world = founded(large)
    period = world.computed_period()

    def refuse_cancellation() -> None:
        with refused("only_a_paused_posting_is_cancelled"):
            posting.cancel_posting(period=period, canceller=world.admin.code)

    refuse_cancellation()
    approve(world, period)
    refuse_cancellation()
    with refused("only_a_paused_posting_is_cancelled"):
        run("UPDATE ledger_period SET state = 'computed', approved_by = NULL")
    work(services.START)
    work(services.SHARD)
    refuse_cancellation()
    assert written(period) == SHARDS
    require_posted(world, period)
    refuse_cancellation()
    with pytest.raises(services.WrongStateError):
        pause(world, period)
    with pytest.raises(services.WrongStateError):
        posting.resume_posting(period=period, resumer=world.admin.code)
    with refused("posted_period_is_permanent"):
        run("UPDATE ledger_period SET state = 'computed', approved_by = NULL")
    assert len(charges(world)) == MEMBERS


def test_only_a_paused_posting_is_cancelled_and_none_whose_charges_are_closed(committed_db: Any) -> None:
    """As an insider might who closes the shelf and leaves the period unposted."""
    world = founded()
    period = half_way(world, SHARDS)
    run("SELECT * FROM close_charge_shelf(%s)", period.pk)
    pause(world, period)
    with refused("only_a_paused_posting_is_cancelled"):
        posting.cancel_posting(period=period, canceller=world.admin.code)
    with refused("only_a_paused_posting_is_cancelled"):
        run("UPDATE ledger_period SET state = 'computed', posting_paused_at = NULL, posting_paused_by = NULL")


def test_cancelled_posting_leaves_nothing_even_if_the_function_is_left_out(committed_db: Any) -> None:
    world = founded()
    period = half_way(world)
    pause(world, period)
    unpaused = "posting_paused_at = NULL, posting_paused_by = NULL"
    without_approval = "approved_by = NULL, approved_at = NULL, approved_sha256 = NULL"
    with refused("cancelled_posting_leaves_nothing"):
        run(f"UPDATE ledger_period SET state = 'computed', {unpaused}, {without_approval}")
    posting.cancel_posting(period=period, canceller=world.admin.code)
    period.refresh_from_db()
    approve(world, period)
    pause(world, period)
    with refused("cancelled_posting_leaves_nothing"):
        run(f"UPDATE ledger_period SET state = 'computed', {unpaused}")
    with refused("approved_figures_are_fixed"):
        run(f"UPDATE ledger_period SET state = 'computed', fee_fen = 1, {unpaused}, {without_approval}")


def test_manifest_keeps_its_counts_of_a_shard_that_is_written_unless_its_posting_is_paused(
    unguarded: psycopg.Connection,
) -> None:
    period = half_way(founded())
    with refused_to_owner(unguarded, "manifest_keeps_its_counts"):
        unguarded.execute("UPDATE ledger_manifestline SET written_at = NULL WHERE written_at IS NOT NULL")
    unguarded.rollback()
    assert written(period) == 2


def test_period_people_hold_their_duty_when_they_pause(committed_db: Any) -> None:
    world = founded()
    period = half_way(world)
    for person in (world.treasurer, world.auditor, world.stranger):
        with refused("period_people_hold_their_duty"):
            posting.pause_posting(period=period, pauser=person.code, at=clock.now())
    for person in (world.admin, world.controller):
        posting.pause_posting(period=period, pauser=person.code, at=clock.now())
        posting.resume_posting(period=period, resumer=person.code)


@pytest.fixture
def slow(committed_db: tuple[str, str]) -> Iterator[psycopg.Connection]:
    """A worker's connection of its own, whose commit the test decides about."""
    with psycopg.connect(committed_db[1]) as worker:
        yield worker


@LAYOUTS
def test_pause_waits_for_a_shard_that_is_about_to_commit(slow: psycopg.Connection, large: bool) -> None:
    world = founded(large)
    period = half_way(world)
    line = period.manifest.filter(written_at=None).first()
    slow.execute("SELECT write_charge_shard(%s)", [line.pk])
    pausing = Meanwhile(lambda: pause(world, period))
    wait_for_a_waiter(slow)
    slow.commit()
    pausing.outcome()
    assert written(period) == 3, "it was written before the pause, not after it"


@LAYOUTS
def test_paused_posting_stands_still_for_a_worker_that_was_slow(
    unguarded: psycopg.Connection, large: bool
) -> None:
    """Its shard is being written when the pause is committed: it finds out at its end, and nothing of it stays."""
    world = founded(large)
    period = half_way(world)
    unguarded.execute(f"LOCK TABLE {shelf(world)} IN SHARE MODE")
    job = Job.objects.filter(kind=services.SHARD, state=Job.State.QUEUED).first()
    working = Meanwhile(lambda: jobs.run(job.pk))
    wait_for_a_waiter(unguarded)
    pause(world, period)
    unguarded.commit()
    assert working.outcome() is True
    job.refresh_from_db()
    assert (written(period), job.result, job.failures) == (2, {"written": 0}, 0)
    posting.resume_posting(period=period, resumer=world.admin.code)
    require_posted(world, period)


@LAYOUTS
def test_cancelled_posting_leaves_nothing_of_a_worker_that_was_slow(
    unguarded: psycopg.Connection, large: bool
) -> None:
    """The cancellation waits for the shard that is being written, which is undone; neither waits for ever."""
    world = founded(large)
    period = half_way(world)
    unguarded.execute(f"LOCK TABLE {shelf(world)} IN SHARE MODE")
    job = Job.objects.filter(kind=services.SHARD, state=Job.State.QUEUED).first()
    working = Meanwhile(lambda: jobs.run(job.pk))
    wait_for_a_waiter(unguarded)
    pause(world, period)
    cancelling = Meanwhile(lambda: posting.cancel_posting(period=period, canceller=world.admin.code))
    _until(lambda: bool(_waits_for_the_gate(unguarded)))
    unguarded.commit()
    assert working.outcome() is True
    assert cancelling.outcome().state == "computed"
    assert (written(period), shelf(world)) == (0, None)
    period.refresh_from_db()
    approve(world, period)
    require_posted(world, period)


def _waits_for_the_gate(owner: psycopg.Connection) -> int:
    row = owner.execute(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    ).fetchone()
    return row[0] if row else 0


def _until(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.02)


@LAYOUTS
def test_charges_only_while_posting_for_a_worker_that_slept_through_a_cancellation(
    slow: psycopg.Connection, large: bool
) -> None:
    world = founded(large)
    period = half_way(world)
    line = period.manifest.filter(written_at=None).first()
    pause(world, period)
    posting.cancel_posting(period=period, canceller=world.admin.code)
    with pytest.raises(psycopg.Error) as caught:
        slow.execute("SELECT write_charge_shard(%s)", [line.pk])
    assert caught.value.diag.constraint_name == "charges_only_while_posting"


def test_guards_see_what_is_committed_when_a_shelf_is_discarded(slow: psycopg.Connection) -> None:
    world = founded()
    period = half_way(world)
    pause(world, period)
    slow.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    with pytest.raises(psycopg.Error) as caught:
        slow.execute("SELECT discard_charge_shelf(%s)", [period.pk])
    assert caught.value.diag.constraint_name == "guards_see_what_is_committed"


def _undisturbed(world: World, period: Period) -> None:
    run_jobs()


def _paused(world: World, period: Period) -> None:
    work(services.START)
    work(services.SHARD, 2)
    pause(world, period)
    run_jobs()
    posting.resume_posting(period=period, resumer=world.admin.code)
    run_jobs()


def _cancelled(world: World, period: Period) -> None:
    work(services.START)
    work(services.SHARD, 2)
    pause(world, period)
    posting.cancel_posting(period=period, canceller=world.admin.code)
    run_jobs()
    period.refresh_from_db()
    approve(world, period)
    run_jobs()


def test_digest_is_that_of_an_undisturbed_posting(django_db_blocker: Any) -> None:
    """Whatever happened on the way: charges, books, log and periods are the same to the last figure."""
    digests = []
    with django_db_blocker.unblock():
        for number, way in enumerate((_undisturbed, _paused, _cancelled)):
            name = f"aid_stops_{os.getpid()}_{number}"
            with (
                test_services().database(name, TEMPLATE) as (owner_url, app_url),
                connected_to(app_url),
            ):
                for code, large in (("small", False), ("large", True)):
                    world = founded(large, code)
                    _name_people(owner_url, code)
                    world.admin.refresh_from_db()
                    world.controller.refresh_from_db()
                    way(world, world.approved_period())
                assert set(Period.objects.values_list("state", flat=True)) == {"posted"}
                digests.append({d.table: d.sha256 for d in money_digest()} | {"work_auditentry": ""})
            connection.close()
    assert digests[0] == digests[1] == digests[2]


def _name_people(owner_url: str, code: str) -> None:
    """Give people codes that are the same in every run."""
    with psycopg.connect(owner_url) as owner:
        owner.execute(
            "UPDATE members_user SET code = md5(email)::char(12) WHERE email LIKE %s", [f"%@{code}.%"]
        )


def test_who_pauses_does_not_hold_the_pool_that_a_closing_needs(unguarded: psycopg.Connection) -> None:
    """A closing holds the period and asks for the pool at its end: pool first, then the period, would be a deadlock."""
    world = founded()
    period = half_way(world)
    unguarded.execute("SELECT 1 FROM members_pool WHERE id = %s FOR NO KEY UPDATE", [world.pool.pk])
    run("SET lock_timeout = '2s'")
    assert pause(world, period).posting_paused_at is not None
    assert posting.resume_posting(period=period, resumer=world.controller.code).posting_paused_at is None
