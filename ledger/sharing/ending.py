"""How a pool ends, seen from its periods: the floor at every headcount, the end of cover, the run-off, the log.

Two headcounts running below the floor stop the intake in the transaction of the second; one at or above it before
cover ends calls that off. After the notice every period is shared by whoever was covered at 00:00 of its day.
"""

import datetime as dt
from typing import Any

from django.db import connection, transaction

from aidplatform.lib import clock
from ledger.openbooks import services as openbooks
from ledger.sharing.models import Award, Period
from ledger.sharing.run_off import freezes_of
from members.ending import services as endings
from members.ending.floor import is_below_floor
from members.ending.models import EndingProposal, PoolEnding
from members.ending.selectors import live_ending
from members.pools.models import Pool

RUNNING = (Pool.State.OPEN, Pool.State.INTAKE_STOPPED, Pool.State.WINDING_DOWN)
END_COVER = "end_cover"


def before_headcount(period: Period, at: dt.datetime) -> None:
    """Call the notice off if the members to be counted now are as many as the floor again."""
    ending = live_ending(period.pool)
    if ending is None or ending.cause != PoolEnding.Cause.FLOOR:
        return
    if period.publicity_date >= ending.cover_end_date or _covered(period) < (ending.floor_members or 0):
        return
    called_off = endings.call_off(ending=ending, at=at)
    _state_in_log(called_off, "open", at, members=called_off.cancelled_headcount or 0)


def _covered(period: Period) -> int:
    """Count who is covered at 00:00 of the publicity day; the pool's row is locked."""
    as_of = clock.start_of_day(period.publicity_date, period.pool.time_zone)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM members_headcount(%s, %s, clock_timestamp(), 0, 9223372036854775807)",
            [period.pool_id, as_of],
        )
        covered: int = cursor.fetchone()[0]
    return covered


def after_headcount(period: Period, at: dt.datetime) -> None:
    """Give notice if this headcount and the one before are below the floor."""
    pool = Pool.objects.get(pk=period.pool_id)
    if pool.state != Pool.State.OPEN or not is_below_floor([row.freeze for row in freezes_of(pool, 2)]):
        return
    ending = endings.stop_at_the_floor(pool=pool, at=at)
    _state_in_log(
        ending,
        Pool.State.INTAKE_STOPPED,
        at,
        headcounts=[ending.first_headcount or 0, ending.second_headcount or 0],
        floor=ending.floor_members or 0,
    )


def confirm_ending(
    *, proposal: EndingProposal, confirmer: str, shown_sha256: str, at: dt.datetime
) -> PoolEnding:
    """Give the notice that two people agree on, and state it in the log; errors as in `members.ending.services`."""
    with transaction.atomic():
        ending = endings.confirm_ending(
            proposal=proposal, confirmer=confirmer, shown_sha256=shown_sha256, at=at
        )
        _state_in_log(ending, Pool.State.INTAKE_STOPPED, at, reason=proposal.reason)
    return ending


def end_cover(pool: Pool, at: dt.datetime) -> None:
    """Begin the wind-down: nobody is covered from 00:00 of the announced day on."""
    ending = live_ending(pool)
    assert ending is not None, "a pool whose intake is stopped has its notice"
    ended = endings.end_cover_of_all(ending=ending, at=at)
    _state_in_log(ending, Pool.State.WINDING_DOWN, at, members=ended)


def close_pool(*, pool: Pool, closer: str, at: dt.datetime) -> PoolEnding:
    """Close a pool of which nothing is open, and state it in the log; errors as in `members.ending.services`."""
    with transaction.atomic():
        ending = endings.close_pool(pool=pool, closer=closer, at=at)
        _state_in_log(ending, Pool.State.CLOSED, at)
    return ending


def _state_in_log(ending: PoolEnding, state: str, at: dt.datetime, **figures: Any) -> None:
    """State in the log where the pool is now, with the days, people and figures that this follows from."""
    openbooks.append(
        code=ending.pool.code,
        entry_type="pool.state",
        key=f"{ending.number}/{state}",
        body={
            "state": str(state),
            "cause": ending.cause,
            "notice": ending.notice_date.isoformat(),
            "cover_end": ending.cover_end_date.isoformat(),
            "run_off_end": ending.run_off_end_date.isoformat(),
            "bearers": ending.bearers,
            "counts": ending.counts,
            "after_period": ending.after_period_no,
            **({} if ending.run_off_cap_fen is None else {"run_off_cap": ending.run_off_cap_fen}),
            **figures,
        },
        at=at,
    )


def in_order(
    pool: Pool, step: tuple[str, Period | None] | None, opens_date: dt.date | None, at: dt.datetime
) -> tuple[str, Period | None] | None:
    """Return what is due first of the calendar's step and of the end of the pool.

    opens_date: the day of the next period, where the step is to open it. Cover ends on its day; a scheduler that is
    late first takes what the calendar has before that day. In a wind-down a period opens while cases are taken, and
    later only for a case that waits.
    """
    if pool.state == Pool.State.OPEN:
        return step
    ending = live_ending(pool)
    assert ending is not None, "a pool leaves its open state with a notice"
    if pool.state == Pool.State.INTAKE_STOPPED:
        if clock.start_of_day(ending.cover_end_date, pool.time_zone) > at:
            return step
        day = _day_of(step, opens_date)
        return step if day is not None and day < ending.cover_end_date else (END_COVER, None)
    is_over = opens_date is not None and opens_date >= ending.run_off_end_date
    return None if is_over and not _a_case_waits(pool) else step


def _day_of(step: tuple[str, Period | None] | None, opens_date: dt.date | None) -> dt.date | None:
    """Return the day of the plan to which a step belongs that opens or counts; None for the others."""
    if step is not None and step[0] == "freeze" and step[1] is not None:
        return step[1].publicity_date
    return opens_date if step is not None and step[0] == "open" else None


def _a_case_waits(pool: Pool) -> bool:
    return Award.objects.filter(pool=pool, period=None, state=Award.State.ANNOUNCED, is_held=False).exists()
