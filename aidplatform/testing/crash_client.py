"""The people of a crash test, in a process that may be killed itself.

They take every pool from one period to the next: let the day come, ask for the shares, approve them. The
process remembers nothing. Started again it goes on from what the database says, as people do who look at the
page again; an answer that never came is asked for again under the same idempotency key.
"""

import sys
import time
from collections.abc import Callable
from typing import Any

from django.db import Error as DatabaseError
from django.db import connection, transaction

from aidplatform.lib import clock
from aidplatform.lib.errors import DomainError
from aidplatform.testing.world import set_clock
from aidplatform.work.idempotency import once
from ledger.sharing.models import Award, Period
from ledger.sharing.roll_models import Roll
from ledger.sharing.services import announce_award, approve_period, request_computation
from members.pools.models import DutyGrant, Pool

#: What `python -c` is given, with the number of periods behind it: Django is set up before its models load.
START = "import django; django.setup(); from aidplatform.testing.crash_client import main; main()"


def main(attend_to: Callable[[Period], None] | None = None) -> None:
    """Look, do what is to be done, and look again, until that many periods of every pool are posted.

    attend_to: what people do with a period that waits for them, if otherwise than here.
    """
    wanted = int(sys.argv[1])
    while True:
        try:
            if look(wanted, attend_to or attend):
                return
        except (DatabaseError, DomainError) as error:
            print(f"again, because of {type(error).__name__}: {error}", flush=True)
            connection.close()
        time.sleep(0.1)


def look(wanted: int, attend_to: Callable[[Period], None]) -> bool:
    """Do the next step of every pool; True when all are done. All pools are in step: one clock serves them."""
    newest = [pool.periods.order_by("-number").first() for pool in Pool.objects.order_by("code")]
    if any(period is None for period in newest):
        return False
    number = min(period.number for period in newest if period)
    current = list(Period.objects.filter(number=number).select_related("pool").order_by("pool__code"))
    states = {period.state for period in current}
    if states == {Period.State.POSTED}:
        if any(period.charges_notified_at is None for period in current) or lacks_rolls(current):
            return False
        if number >= wanted:
            return True
        begin_next(current)
    elif states == {Period.State.OPENED}:
        let_day_come(current[0], "publicity_date")
    elif states == {Period.State.ANNOUNCED}:
        let_day_come(current[0], "publicity_end_date")
    for period in current:
        attend_to(period)
    return False


def lacks_rolls(periods: list[Period]) -> bool:
    """Tell whether the log does not state yet who pays what: a line that comes later would stand elsewhere in it."""
    stated = Roll.objects.filter(period__in=periods, stage=Roll.Stage.CLOSE)
    return stated.count() < len(periods)


def let_day_come(period: Period, date: str) -> None:
    """Move the demo clock to 00:00 of one of the period's dates."""
    set_clock(clock.start_of_day(getattr(period, date), period.pool.time_zone))
    print(f"{date} of period {period.number} has come", flush=True)


def begin_next(current: list[Period]) -> None:
    """Announce the next period's cases in every pool, then let its first day come."""
    for period in current:
        with transaction.atomic():
            code = f"C-{period.number + 1}"
            if not Award.objects.filter(pool=period.pool, code=code).exists():
                announce_award(
                    pool=period.pool,
                    code=code,
                    claim_code=f"claim-{code}",
                    masked={"age_band": "40-49", "sex": "m", "region": "Henan", "disease": "stroke"},
                    aid_fen=1_000_000 + 7_919 * period.number,
                    announcer="service",
                    at=clock.now(),
                )
    let_day_come(current[0], "next_opening_date")


def attend(period: Period) -> None:
    """Ask for the shares, or approve them, when that is what a period waits for."""
    if period.state == Period.State.SETTLED:
        ask_once(period)
    elif period.state == Period.State.COMPUTED:
        first, again = approve(period), approve(period)
        assert first == again, f"the second answer differs: {first}, {again}"
        print(f"approved {period.code}", flush=True)


def ask_once(period: Period) -> None:
    """Ask for the shares unless they have come meanwhile: asking then would have them computed again."""
    with transaction.atomic():
        Pool.objects.select_for_update().get(pk=period.pool_id)
        if Period.objects.filter(pk=period.pk, state=Period.State.SETTLED).exists():
            request_computation(period=period, preparer=holder(period, "pool_admin"))


def approve(period: Period) -> dict[str, Any]:
    """Approve the figures as a page does: under a key, so that clicking twice approves once."""
    approver, shown = holder(period, "controller"), period.shown_sha256 or ""

    def act() -> dict[str, Any]:
        done = approve_period(period=period, approver=approver, shown_sha256=shown, at=clock.now())
        return {"period": done.code, "sha256": done.approved_sha256}

    return once(scope=f"approve/{approver}", key=period.code, content={"sha256": shown}, act=act)


def holder(period: Period, duty: str) -> str:
    """Return the code of the person who holds the duty in the period's pool."""
    grant = DutyGrant.objects.select_related("person").get(pool=period.pool, duty=duty, ended_at=None)
    return grant.person.code
