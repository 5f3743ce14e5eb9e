"""The people of one case, in a process that may be killed itself: from the draft to the confirmed receipt.

The process remembers nothing: started again it asks the rows what the case waits for, as people do who look at the page
again. The clock stands still at nine in the morning of each day, so that two runs write the same hours.
"""

import datetime as dt
import time

from django.db import Error as DatabaseError
from django.db import connection

from aidplatform.lib.errors import DomainError
from aidplatform.site.demo import case, deeds
from aidplatform.site.demo.clock import morning_of, stop_clock_at, wait_for_worker
from aidplatform.site.demo.history import TOWN
from aidplatform.site.demo.people import MEMBER, NEIGHBOR, cast_member
from aidplatform.site.demo.pools import TERMS, Founding, found
from claims.filing.models import Claim
from claims.publicity.selectors import award_of, is_in_publicity

#: What `python -c` is given: Django is set up before its models load.
START = "import django; django.setup(); from aidplatform.testing.crash_journey import main; main()"
OPENED, FALLEN_ILL = dt.date(2026, 1, 1), dt.date(2026, 1, 15)
_CALENDAR = {
    "publicity_days": 3,
    "periods": [{"opening_day": 1, "publicity_day": 20, "charge_day": 27}],
}


def found_town() -> None:
    """Found a town of forty with a case that is told, but not filed."""
    stop_clock_at(morning_of(OPENED))
    # Ten members bear no case of 300,000 under a limit for the run-off.
    ending = TERMS["wind_down"] | {"run_off_cap_fen": None}
    terms = TERMS | {"calendar": _CALENDAR, "waiting_days": 0, "minimum_members": 10, "wind_down": ending}
    pool = found(Founding(TOWN, "Town", "城镇", {0: 38}, OPENED, terms, "6222 0000 0000 0040 02"))
    for number, key in enumerate((MEMBER, NEIGHBOR), start=1):
        deeds.join(pool, cast_member(key), number)
    stop_clock_at(morning_of(FALLEN_ILL))
    deeds.draft_claim(pool, cast_member(MEMBER), "stroke_mild")


def main() -> None:
    """Look, do what the case waits for, and look again, until its way has ended."""
    while True:
        try:
            if look():
                return
        except (DatabaseError, DomainError) as error:
            print(f"again, because of {type(error).__name__}: {error}", flush=True)
            connection.close()
        time.sleep(0.1)


def look() -> bool:
    """Let the worker finish, then take the next step; True when there is none."""
    wait_for_worker()
    claim = case.guided_claim()
    assert claim is not None
    if _can_be_objected_to(claim):
        deeds.object_to(claim.pool, claim.claimant)
        # The worker looks for signals while the objection is open; an answer that came first would hide it.
        wait_for_worker()
        claim.refresh_from_db()
    step = case.next_step(claim)
    if step is None:
        return True
    print(f"{step.role} {step.text}", flush=True)
    case.take(step, actor="crash")
    return False


def _can_be_objected_to(claim: Claim) -> bool:
    """Tell whether the neighbor has still to object: once, while the case is public."""
    award = award_of(claim) if claim.state == Claim.State.IN_PUBLICITY else None
    return award is not None and is_in_publicity(award) and not claim.objections.exists()
