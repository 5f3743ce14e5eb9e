"""Aid of which a part waits: shared over several periods, with the rest an award of its own each time."""

import json
from io import StringIO

import psycopg
import pytest
from django.core.management import call_command

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


def verdict() -> tuple[int, dict[str, list[dict[str, str]]]]:
    """Return the exit code of verify_books and its findings."""
    out = StringIO()
    with pytest.raises(SystemExit) as left:
        call_command("verify_books", "--json", stdout=out)
    answer = json.loads(out.getvalue())
    assert answer["unchecked"] == []
    return left.value.code, {one["code"]: one["findings"] for one in answer["statements"] if one["false"]}


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


def test_verify_books_reckons_rests(committed_db: tuple[str, str]) -> None:
    """A forged rest, and one that is missing, are found in a history that is otherwise true."""
    world = waiting()
    world.posted_period()
    assert verdict() == (0, {})
    next_period(world)
    assert verdict() == (0, {})
    with psycopg.connect(committed_db[0], autocommit=True) as owner:
        owner.execute("ALTER TABLE ledger_award DISABLE TRIGGER USER")
        owner.execute("UPDATE ledger_award SET claim_code = 'another' WHERE code = 'C-1.2'")
        assert verdict()[1]["rest_is_what_was_not_shared"] == [
            {
                "where": "test-pool award C-1",
                "expected": "C-1.2 of 367901 fen",
                "found": "C-1.2 of 367901 fen, of another case or payee",
            }
        ]
        owner.execute("UPDATE ledger_award SET claim_code = 'claim-C-1' WHERE code = 'C-1.2'")
        owner.execute("DELETE FROM ledger_award WHERE code = 'C-2.2'")
        false = verdict()[1]
        assert false["rest_is_what_was_not_shared"][0]["found"] == "no rest"
        assert {"awards_sum_to_aid", "aid_payable_is_awards"} <= set(false)
