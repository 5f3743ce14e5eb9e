"""Aid of which a part waits: shared over several periods, with the rest an award of its own each time."""

import json

from aidplatform.lib import clock
from aidplatform.testing.ledgers import assert_books_true
from aidplatform.testing.world import World, set_clock
from ledger.openbooks.models import LogEntry
from ledger.sharing.models import Award, Period

# Seven members bear 1,000.00 each at most; of cases of 8,000.00 and 4,000.00 that leaves 6,481.48 with its fee.
WAITS = {"period_cap_fen": 100_000, "on_infeasible": "defer"}


def waiting(*, members: int = 7, **terms: object) -> World:
    """Found a pool in which two cases of 12,000.00 meet caps of 7,000.00."""
    world = World.founded(members=members, **WAITS | terms)
    world.award(800_000, "C-1")
    world.award(400_000, "C-2")
    return world


def next_period(world: World) -> Period:
    """Post the period that follows the last one."""
    last = world.pool.periods.latest("number")
    set_clock(clock.start_of_day(last.next_opening_date, world.pool.time_zone))
    return world.posted_period()


def parts() -> list[tuple[str, int | None, int, int | None, str]]:
    """Return the awards: number, period, aid, what of it is shared, state."""
    return list(
        Award.objects.order_by("code").values_list("code", "period__number", "aid_fen", "shared_fen", "state")
    )


def test_what_caps_leave_no_room_for_waits_and_the_next_period_completes_it(db: None) -> None:
    world = waiting()
    first = world.posted_period()
    assert (first.awarded_fen, first.aid_fen) == (1_200_000, 648_148)
    assert parts() == [
        ("C-1", 1, 800_000, 432_099, "shared"),
        ("C-1.2", None, 367_901, None, "announced"),
        ("C-2", 1, 400_000, 216_049, "shared"),
        ("C-2.2", None, 183_951, None, "announced"),
    ]
    assert_books_true(world.pool)
    second = next_period(world)
    assert (second.cases, second.awarded_fen, second.aid_fen) == (2, 551_852, 551_852)
    assert [row[1:] for row in parts() if row[0].endswith(".2")] == [
        (2, 367_901, 367_901, "shared"),
        (2, 183_951, 183_951, "shared"),
    ]
    assert_books_true(world.pool)
    told = [json.loads(bytes(entry.data))["body"] for entry in LogEntry.objects.filter(type="award.adjust")]
    assert [(body["case"], body["was"], body["is"], body["why"], body["rest"]) for body in told] == [
        ("C-1", 800_000, 432_099, "rest_waits", "C-1.2"),
        ("C-2", 400_000, 216_049, "rest_waits", "C-2.2"),
    ]
