"""The first start of a demonstration: a year of three small pools, and one large period posted by the worker."""

import datetime as dt

from django.db import transaction

from aidplatform.lib import clock
from aidplatform.site.demo import deeds, history
from aidplatform.site.demo.clock import (
    let_clock_run_from,
    morning_of,
    require_demo,
    stop_clock_at,
    wait_for_worker,
)
from aidplatform.site.demo.people import make_people
from aidplatform.site.demo.pools import (
    FIRST_CASES,
    SECOND_CASES,
    admit_gao_xin,
    announce_cases,
    demo_founding,
    found,
)
from aidplatform.work.models import Installation
from ledger.sharing import services as sharing
from ledger.sharing.models import Period
from members.pools.models import Pool

# When the publicity of the large pool's first period ends.
FIRST_MORNING = dt.date(2026, 1, 10)


def prepare_demo(*, patience: float = 120.0) -> Period | None:
    """Make the demonstration once: people, pools with their history, and one large period posted by the worker.

    Broken off anywhere, the next call goes on from the rows that are there. Returns the large period the first time,
    None when the demonstration was ready.

    Raises: WorkerSilentError when the worker does not do its part within `patience` seconds per step.
    """
    require_demo()
    if Installation.objects.get().demo_ready:
        return None
    make_people()
    if not Pool.objects.filter(code=history.TOWN).exists():
        stop_clock_at(morning_of(history.OPENED))
    history.play(demo_founding().opened)
    pool = _large_pool()
    history.play(FIRST_MORNING)
    period = _post_first_period(pool, patience)
    announce_cases(pool=pool, cases=SECOND_CASES)
    history.play(history.END)
    with transaction.atomic():
        let_clock_run_from(morning_of(history.END))
        Installation.objects.update(demo_ready=True)
    sharing.advance_due(at=clock.now())
    wait_for_worker(patience)
    return period


@transaction.atomic
def _large_pool() -> Pool:
    """Return the pool of a hundred thousand, founded on the day it opens, with the cases of its first period."""
    founding = demo_founding()
    existing = Pool.objects.filter(code=founding.code).first()
    if existing is not None:
        return existing
    stop_clock_at(morning_of(founding.opened))
    pool = found(founding)
    admit_gao_xin(pool, founding.opened)
    announce_cases(pool=pool, cases=FIRST_CASES)
    return pool


def _post_first_period(pool: Pool, patience: float) -> Period:
    """Take period 1 to posted: the calendar and the worker do it, two people prepare and approve."""
    if clock.now() < morning_of(FIRST_MORNING):
        stop_clock_at(morning_of(FIRST_MORNING))
    sharing.advance_due(at=clock.now())
    wait_for_worker(patience)
    period = pool.periods.select_related("pool").get(number=1)
    for deed in (deeds.prepare_period, deeds.approve_period):
        deed(period)
        wait_for_worker(patience)
    period.refresh_from_db()
    return period
