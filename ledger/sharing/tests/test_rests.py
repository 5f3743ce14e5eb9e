"""Aid of which a part waits: shared over several periods, with the rest an award of its own each time."""

import json
from io import StringIO

import psycopg
import pytest
from django.core.management import call_command

from aidplatform.lib import clock
from aidplatform.testing.ledgers import assert_books_true, balances
from aidplatform.testing.world import TERMS, World, set_clock
from aidplatform.tests.pages_helpers import client_of
from ledger.disclosure.consequences import consequences
from ledger.disclosure.selectors import pool_cards, yearly_totals
from ledger.openbooks.models import LogEntry
from ledger.sharing.models import Award, Period
from ledger.sharing.selectors import book_of
from members.pools.plan_terms import PlanTerms

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


def test_a_rest_is_lowered_where_the_plan_has_changed_meanwhile(db: None) -> None:
    """What waited follows the rules of the period that shares it: the rest of the rest is owed no longer."""
    world = waiting()
    first = world.posted_period()
    world.change_plan(
        first.next_opening_date, **WAITS | {"on_infeasible": "reduce_aid", "period_cap_fen": 50_000}
    )
    second = next_period(world)
    assert (second.awarded_fen, second.aid_fen) == (551_852, 324_074)
    assert not Award.objects.exclude(state="shared").exists()
    assert_books_true(world.pool)
    net = balances(book_of(world.pool))
    assert (net.get("120", 0), net["201"]) == (0, -(648_148 + 324_074))


def test_a_rest_of_a_case_with_no_room_at_all_is_the_whole_case(db: None) -> None:
    """Other costs take all that members bear, 7,000.00: nothing of the case is shared, and all of it waits."""
    world = World.founded(**WAITS, fee={"rate": "0", "fixed_fen": 700_000})
    world.award(800_000)
    first = world.posted_period()
    assert (first.awarded_fen, first.aid_fen) == (800_000, 0)
    assert parts() == [
        ("C-1", 1, 800_000, 0, "shared"),
        ("C-1.2", None, 800_000, None, "announced"),
    ]
    assert_books_true(world.pool)


def test_programs_read_what_a_rest_is_of(db: None) -> None:
    world = waiting(members=150, period_cap_fen=5_000)
    world.posted_period()
    last = world.pool.periods.latest("number")
    set_clock(clock.start_of_day(last.next_opening_date, world.pool.time_zone))
    world.settled_period()
    rows = client_of(None).get("/api/v1/pools/test-pool/cases/").json()["results"]
    told = {row["code"]: (row["rest_of"], row["period"], row["aid_fen"], row["shared_fen"]) for row in rows}
    assert told["C-1"] == (None, 1, 800_000, 462_963)
    assert told["C-1.2"] == ("C-1", 2, 337_037, None)


def test_a_case_is_counted_once_and_its_aid_once(db: None) -> None:
    world = waiting()
    world.posted_period()
    next_period(world)
    year = yearly_totals(world.pool)[0]
    assert (year.periods, year.cases, year.aid_fen) == (2, 2, 1_200_000)
    assert pool_cards()[0].cases == 2


def test_founders_are_told_that_a_case_gets_less_at_first(db: None) -> None:
    terms = TERMS | {"period_cap_fen": 100_000, "minimum_members": 3}
    for rest, is_told in (("defer", True), ("reduce_aid", False)):
        plan = PlanTerms.from_json(terms | {"on_infeasible": rest})
        assert consequences(None, plan, {0: 7}).rest_waits is is_told
