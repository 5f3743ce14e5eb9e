"""The first start of a demonstration: one large period posted by the worker, then a year of small pools."""

import datetime as dt

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock
from aidplatform.lib.errors import ConflictError
from aidplatform.site.demo import deeds, history
from aidplatform.site.demo.clock import (
    ZONE,
    let_clock_run_from,
    morning_of,
    require_demo,
    stop_clock_at,
    wait_for_worker,
)
from aidplatform.site.demo.gathering import bring_lists, found_gathering_pool, take_an_opening_back
from aidplatform.site.demo.people import make_people
from aidplatform.site.demo.pools import (
    DEMO,
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

# The days of the large pool's first period: it opens, its cases go public, publicity ends.
FIRST_DAYS = (dt.date(2026, 1, 1), dt.date(2026, 1, 7), dt.date(2026, 1, 10))


class StillBeingMadeError(ConflictError):
    """The history of the demonstration is being played; its clock is not the visitors' yet."""

    code = "still_being_made"


def prepare_demo(*, patience: float = 120.0) -> Period | None:
    """Make the people and the large pool, and have the worker post its first period; done already: None.

    Broken off anywhere, the next call goes on from the rows that are there.

    Raises: WorkerSilentError when the worker does not do its part within `patience` seconds per step.
    """
    require_demo()
    is_posted = Period.objects.filter(pool__code=DEMO, number=1, charges_notified_at__isnull=False).exists()
    if is_posted or Installation.objects.get().demo_ready:
        return None
    make_people()
    pool = _large_pool()
    for day in FIRST_DAYS:
        if clock.now() < morning_of(day):
            stop_clock_at(morning_of(day))
        sharing.advance_due(at=clock.now())
        wait_for_worker(patience)
    period = pool.periods.select_related("pool").get(number=1)
    for deed in (deeds.prepare_period, deeds.approve_period):
        deed(period)
        wait_for_worker(patience)
    announce_cases(pool=pool, cases=SECOND_CASES)
    period.refresh_from_db()
    return period


def play_history(*, patience: float = 120.0) -> bool:
    """Play the year of the small pools, then let the clock run and hand it to the visitors; False: done already.

    The clock goes back to the first day of that year, which is why nobody else may move it meanwhile.

    Raises: WorkerSilentError.
    """
    require_demo()
    if Installation.objects.get().demo_ready:
        return False
    if not Pool.objects.filter(code=history.TOWN).exists():
        stop_clock_at(morning_of(history.OPENED))
    history.play(history.END)
    gathering = found_gathering_pool()
    bring_lists(gathering, wait_for_worker)
    take_an_opening_back(gathering)
    with transaction.atomic():
        let_clock_run_from(morning_of(history.END))
        Installation.objects.update(demo_ready=True)
    sharing.advance_due(at=clock.now())
    wait_for_worker(patience)
    return True


def is_being_made() -> bool:
    """Tell whether the large pool is there, but not yet the history."""
    return (
        settings.DEMO
        and Pool.objects.filter(code=DEMO).exists()
        and not Installation.objects.get().demo_ready
    )


def require_made() -> None:
    """Refuse what would disturb the history while it is played. Raises: NotADemoError, StillBeingMadeError."""
    require_demo()
    if is_being_made():
        raise StillBeingMadeError(
            _("A year of history is still being played; this takes a minute. Look at the bill meanwhile.")
        )


def played_percent() -> int:
    """Return how much of the history has been played, by its calendar."""
    whole = (history.END - history.OPENED).days
    return max(0, min(99, 100 * (clock.today(ZONE) - history.OPENED).days // whole))


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
