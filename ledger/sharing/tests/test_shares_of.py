"""What one membership owed: every charge it has, whoever came late or went early, from one table or from many."""

import datetime as dt

import pytest

from aidplatform.lib import clock
from aidplatform.testing.world import World
from aidplatform.tests.pages_helpers import post_another_period
from ledger.sharing.models import Charge
from ledger.sharing.selectors import shares_of
from members.joining.services import admit_member, end_cover
from members.people.models import User


@pytest.fixture(params=[False, True], ids=["one table", "a table per period"])
def world(request: pytest.FixtureRequest, db: None) -> World:
    """Give the test three posted periods; one membership left before the second, another joined after the first."""
    made = World.founded(members=3, large=request.param)
    made.award(1_000_003)
    made.posted_period()
    leaver = made.pool.memberships.order_by("number")[0]
    end_cover(membership=leaver, at=clock.now(), reason="left", actor="test")
    admit_member(
        pool=made.pool,
        person=User.objects.create_user("late@example.org"),
        class_no=0,
        from_at=clock.start_of_day(
            clock.today(made.pool.time_zone) + dt.timedelta(days=1), made.pool.time_zone
        ),
        joined_date=clock.today(made.pool.time_zone),
        actor="test",
    )
    for number in (2, 3):
        post_another_period(made, f"C-{number}")
    return made


@pytest.mark.parametrize("before_no", [None, 3, 2, 1])
@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_shares_are_the_newest_charges_before_a_period(
    world: World, before_no: int | None, limit: int
) -> None:
    found = {
        one.number: shares_of(one, before_no=before_no, limit=limit) for one in world.pool.memberships.all()
    }
    for one in world.pool.memberships.all():
        charges = Charge.objects.filter(pool_id=world.pool.pk, membership_id=one.pk)
        newest = sorted(charges.values_list("period_no", "share_fen"), reverse=True)
        assert found[one.number] == [row for row in newest if before_no is None or row[0] < before_no][:limit]


def test_shares_are_of_the_periods_in_which_a_membership_was_counted(world: World) -> None:
    counted = [
        [number for number, _fen in shares_of(one, limit=100)]
        for one in world.pool.memberships.order_by("number")
    ]
    assert counted == [[1], [3, 2, 1], [3, 2, 1], [3, 2]]
