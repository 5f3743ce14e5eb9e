"""Pools that end, by the services as any pool does."""

import datetime as dt

from aidplatform.lib import clock
from aidplatform.testing.world import World, set_clock
from ledger.sharing import ending as endings
from members.ending.models import EndingProposal, PoolEnding
from members.ending.selectors import first_cover_end, live_ending
from members.ending.services import propose_ending
from members.pools.models import Pool

REASON = "The meeting of the members decided to end it."


def propose_to_end(world: World, cover_end_date: dt.date | None = None) -> EndingProposal:
    """Propose as the pool admin to end the pool, on the first day that is possible unless another is given."""
    earliest = first_cover_end(world.pool, clock.today(world.pool.time_zone))
    assert earliest is not None
    return propose_ending(
        pool=world.pool,
        reason=REASON,
        cover_end_date=cover_end_date or earliest,
        proposer=world.admin.code,
        at=clock.now(),
    )


def end_by_two(world: World, cover_end_date: dt.date | None = None) -> PoolEnding:
    """Give notice by a pool admin and a controller: intake is stopped."""
    proposal = propose_to_end(world, cover_end_date)
    ending = endings.confirm_ending(
        proposal=proposal,
        confirmer=world.controller.code,
        shown_sha256=proposal.shown_sha256,
        at=clock.now(),
    )
    world.pool.refresh_from_db()
    return ending


def wind_down(world: World) -> PoolEnding:
    """Go to the announced day and end the cover of all."""
    ending = live_ending(world.pool) or end_by_two(world)
    set_clock(clock.start_of_day(ending.cover_end_date, world.pool.time_zone))
    endings.end_cover(Pool.objects.get(pk=world.pool.pk), clock.now())
    world.pool.refresh_from_db()
    return ending


def close(world: World) -> PoolEnding:
    """Go to the end of the run-off and close the pool."""
    ending = wind_down(world)
    set_clock(clock.start_of_day(ending.run_off_end_date, world.pool.time_zone))
    endings.close_pool(pool=world.pool, closer=world.controller.code, at=clock.now())
    world.pool.refresh_from_db()
    return ending
