"""What the start page says, for programs: to-dos and next charges, one's own alone."""

import pytest
from django.core.cache import cache

from aidplatform.lib import clock
from aidplatform.site.tests.test_todo_member import admitted, home
from aidplatform.testing.world import World, set_clock
from aidplatform.tests.pages_helpers import PageClient, program_of

TODOS, NEXT = "/api/v1/me/todos/", "/api/v1/me/next-charges/"


@pytest.fixture(autouse=True)
def no_counts_left_over(db: None) -> None:
    """Begin with empty throttle counts."""
    cache.clear()


def test_todos_are_those_of_the_start_page(world: World) -> None:
    mine = admitted(world, "mine")
    assert mine.person is not None
    world.award(160_000)
    period = world.posted_period()
    set_clock(clock.start_of_day(period.charge_date, world.pool.time_zone))
    rows = program_of(mine.person).get(TODOS).json()
    assert rows == [
        {
            "text": "¥216.00 of your shares in Test pool are not paid",
            "action": "How to pay",
            "link": "/pools/test-pool/me/#pay",
        }
    ]
    assert rows[0]["text"] in home(mine.person)
    assert program_of(mine.person, "zh-hans").get(TODOS).json()[0]["text"] != rows[0]["text"]
    assert program_of(world.stranger).get(TODOS).json() == []
    assert PageClient().get(TODOS).status_code == 401


def test_next_charges_are_those_of_the_start_page(world: World) -> None:
    mine = admitted(world, "mine")
    assert mine.person is not None
    world.award(160_000)
    world.announced_period()
    assert program_of(mine.person).get(NEXT).json() == [
        {
            "pool": "test-pool",
            "number": mine.number,
            "next_publicity_date": "2026-01-07",
            "next_charge_date": "2026-01-14",
            "share_fen": 21_600,
            "is_exact": False,
        }
    ]
    assert program_of(world.stranger).get(NEXT).json() == []
    assert PageClient().get(NEXT).status_code == 401
