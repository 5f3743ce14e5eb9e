"""Reads of sharing: what is public when, how far posting has come, at a cost that does not grow."""

from dataclasses import replace
from typing import Any

import pytest

from aidplatform.lib import clock
from aidplatform.lib.errors import NotFoundError
from aidplatform.testing.refusals import run
from aidplatform.testing.world import World, run_jobs, set_clock
from aidplatform.work.models import Job
from ledger.sharing import posting, selectors, services
from ledger.sharing.models import Period


def _approved(world: World) -> Period:
    world.award(10_000_000)
    return world.approved_period()


def _start(period: Period) -> None:
    """Open the shelf; write no shard."""
    lease = services.jobs.claim(Job.objects.get(kind=services.START, key=period.posting_key).pk)
    assert lease is not None
    services.start_posting(lease)
    services.jobs._finish(lease, None)
    period.refresh_from_db()


def test_progress_tells_the_stage_and_never_a_hundred_before_it_is_posted(
    world: World, settings: Any
) -> None:
    settings.SHARD_MEMBERS = 1
    world.award(10_000_000)
    waiting = selectors.progress(world.settled_period())
    assert (waiting.stage, waiting.done_members, waiting.all_members, waiting.percent) == ("waiting", 0, 7, 0)
    period = Period.objects.get(pool=world.pool)
    services.compute_shares(period=period, preparer=world.admin.code, at=clock.now())
    period.refresh_from_db()
    services.approve_period(
        period=period, approver=world.controller.code, shown_sha256=period.shown_sha256 or "", at=clock.now()
    )
    period.refresh_from_db()
    assert selectors.progress(period).stage == "opening"
    _start(period)
    lines = list(period.manifest.order_by("shard_no"))
    assert len(lines) == 7
    for written, line in enumerate(lines, start=1):
        services.call("write_charge_shard", line.pk)
        told = selectors.progress(period)
        assert told.done_members == written
        assert told.percent == min(99, written * 100 // 7)
        assert told.stage == ("charging" if written < 7 else "closing")
    run_jobs()
    period.refresh_from_db()
    posted = selectors.progress(period)
    assert (posted.stage, posted.done_members, posted.percent) == ("posted", 7, 100)
    assert posted.finished_at is not None


@pytest.mark.parametrize("width", [1, 1000], ids=["seven shards", "one shard"])
def test_progress_takes_three_queries(
    world: World, settings: Any, width: int, django_assert_num_queries: Any
) -> None:
    settings.SHARD_MEMBERS = width
    period = _approved(world)
    _start(period)
    period = selectors.access_period(pool=world.pool, number=1)
    with django_assert_num_queries(3):
        selectors.progress(period)


def test_progress_tells_rate_and_time_left_of_the_present_run(world: World, settings: Any) -> None:
    """By the shards' own instants: what was charged before a pause says nothing about how fast it goes now."""
    settings.SHARD_MEMBERS = 1
    period = _approved(world)
    _start(period)
    lines = list(period.manifest.order_by("shard_no"))
    told = selectors.progress(period)
    assert (told.done_shards, told.all_shards, told.members_per_second, told.seconds_left) == (0, 7, 0, None)
    for line in lines[:3]:
        services.call("write_charge_shard", line.pk)
    started_at = selectors.progress(period).started_at
    assert started_at is not None
    told = replace(selectors.progress(period), pace=(3, 1.5, 0.5))
    assert (told.done_shards, told.members_per_second, told.seconds_left) == (3, 2, 2)
    assert replace(told, pace=(3, 1.5, 60.0)).seconds_left == 1
    assert replace(told, done_members=7).seconds_left is None
    posting.pause_posting(period=period, pauser=world.admin.code, at=clock.now())
    period = posting.resume_posting(period=period, resumer=world.admin.code)
    assert selectors.progress(period).pace[0] == 0
    _start(period)
    told = selectors.progress(period)
    assert (told.done_members, told.pace[0], told.members_per_second) == (3, 0, 0)
    services.call("write_charge_shard", lines[3].pk)
    told = selectors.progress(period)
    assert (told.done_members, told.pace[0]) == (4, 1)
    assert told.started_at is not None
    assert told.started_at > started_at


def test_progress_shows_the_error_of_a_job_that_is_stuck(world: World) -> None:
    period = _approved(world)
    run(
        "UPDATE work_job SET state = 'stuck', last_error = 'disk full' WHERE kind = %s AND key = %s",
        services.START,
        period.code,
    )
    assert selectors.progress(period).stuck_job == "disk full"


@pytest.mark.parametrize(("width", "cases"), [(1000, 1), (1, 1), (1000, 9), (1, 9)])
def test_bill_costs_the_same_queries_whatever_the_shards_and_cases(
    world: World, settings: Any, width: int, cases: int, django_assert_num_queries: Any
) -> None:
    settings.SHARD_MEMBERS = width
    for number in range(cases):
        world.award(1_000_000, f"C-{number}")
    period = world.settled_period()
    with django_assert_num_queries(7):
        bill = selectors.compute_bill(period)
    assert bill.sharing.aid_fen == cases * 1_000_000
    assert bill.sharing.shares[0].count == 7


def test_dry_run_is_what_is_stored_and_stays_so_after_posting(world: World) -> None:
    world.award(10_000_000)
    period = world.settled_period()
    dry = selectors.compute_bill(period)
    period = services.compute_shares(period=period, preparer=world.admin.code, at=clock.now())
    assert (dry.classes, dry.sharing.need_fen, dry.sharing.carry_out_fen) == (
        period.classes,
        period.need_fen,
        period.carry_out_fen,
    )
    services.approve_period(
        period=period, approver=world.controller.code, shown_sha256=period.shown_sha256 or "", at=clock.now()
    )
    run_jobs()
    period.refresh_from_db()
    again = selectors.compute_bill(period)
    assert (again.classes, again.carry_in_fen, again.books_upto_no) == (dry.classes, 0, dry.books_upto_no)


def test_period_is_public_from_its_announcement_on(world: World) -> None:
    world.award(10_000_000)
    period = services.open_period(pool=world.pool, at=clock.now())
    for step in (None, services.freeze_headcount):
        if step is not None:
            set_clock(clock.start_of_day(period.publicity_date, world.pool.time_zone))
            period = step(period=period, at=clock.now())
        assert not period.is_public
        assert list(selectors.public_periods(world.pool)) == []
        with pytest.raises(NotFoundError):
            selectors.access_public_period(pool=world.pool, number=1)
        assert selectors.access_period(pool=world.pool, number=1) == period
    period = services.announce_period(period=period, at=clock.now())
    assert period.is_public
    assert selectors.access_public_period(pool=world.pool, number=1) == period
    assert list(selectors.public_periods(world.pool)) == [period]
    assert selectors.last_posted(world.pool) is None


def test_period_of_another_pool_is_not_found(world: World) -> None:
    other = World.founded(code="other-pool", members=1)
    services.open_period(pool=world.pool, at=clock.now())
    with pytest.raises(NotFoundError):
        selectors.access_period(pool=other.pool, number=1)


def test_class_counts_sum_over_the_shards(db: None, settings: Any) -> None:
    settings.SHARD_MEMBERS = 2
    classes = [
        {"class_no": no, "weight": no + 1, "name_en": f"Class {no}", "name_zh": f"第{no}类"} for no in (0, 1)
    ]
    world = World.founded(members={0: 3, 1: 4}, classes=classes)
    period = world.settled_period()
    assert selectors.class_counts(period) == {0: 3, 1: 4}
    assert period.manifest.count() >= 4
