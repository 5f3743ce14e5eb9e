"""Who is erased leaves nobody waiting: what they were asked, have asked or signed ahead is taken back, and told."""

import datetime as dt

import pytest

from aidplatform.lib import clock
from aidplatform.site.my_data import erasing
from aidplatform.site.my_data.tests.test_erasing import begun_by_raw_sql, erased, leave
from aidplatform.testing.refusals import refused, run
from aidplatform.testing.world import World
from members.joining import ages, payers
from members.joining.models import Membership
from members.joining.tests.test_corrections import Mistaken
from members.joining.tests.test_corrections import mistaken as mistaken
from members.joining.tests.test_deputies import agreed, name, told_to
from members.joining.tests.test_family import guardian as guardian
from members.joining.tests.test_guardians import Alone
from members.joining.tests.test_guardians import alone as alone
from members.joining.tests.test_payers import INSERT, ask, join, person, told
from members.joining.tests.test_transfers import LAST, Two, leaves
from members.joining.tests.test_transfers import at as on
from members.people.models import User

DAY = dt.timedelta(days=1)


@pytest.fixture
def friend(world: World) -> User:
    """Give the test somebody with an account who belongs to no pool."""
    return User.objects.create_user("friend@example.org", name="Friend")


@pytest.fixture
def gone(world: World) -> Membership:
    """Give the test a member who is going to leave and be erased."""
    return join(world, "gone")


def test_who_asked_to_be_paid_for_hears_that_nobody_answers(world: World, gone: Membership) -> None:
    other = join(world, "other")
    link = ask(other, gone)
    leave(gone)
    begun_by_raw_sql(person(gone))
    erased(person(gone))
    link.refresh_from_db()
    assert (link.state, link.ended_by, told(other)) == ("declined", person(gone).code, ["payer_declined"])
    assert ask(other, join(world, "third")).state == "asked"


def test_question_of_who_is_erased_is_taken_back(world: World, gone: Membership) -> None:
    link = ask(gone, join(world, "other"))
    leave(gone)
    erased(person(gone))
    link.refresh_from_db()
    assert link.state == "declined"


def test_nobody_asks_an_account_that_is_erased(world: World, gone: Membership) -> None:
    other = join(world, "other")
    leave(gone)
    erased(person(gone))
    with pytest.raises(payers.NoSuchPayerError, match="can be asked"):
        ask(other, gone)
    with refused("erased_account_stays_erased"):
        run(INSERT, world.pool.pk, other.pk, gone.pk, "asked", person(other).code)


def test_who_stands_by_stands_by_no_more_and_the_member_is_told(gone: Membership, friend: User) -> None:
    one = agreed(gone, friend)
    begun_by_raw_sql(friend)
    erased(friend)
    one.refresh_from_db()
    assert (one.state, one.ended_by) == ("ended", friend.code)
    assert told(gone) == ["deputy_accepted", "deputy_ended"]


def test_who_was_named_is_told_that_the_member_is_gone(gone: Membership, friend: User) -> None:
    one = name(gone, friend)
    leave(gone)
    erased(person(gone))
    one.refresh_from_db()
    assert (one.state, told_to(friend)) == ("declined", ["deputy_named", "deputy_ended"])


def test_child_whose_uncle_is_erased_can_be_asked_for_by_another(alone: Alone) -> None:
    request = alone.proposed()
    leave(alone.uncle)
    begun_by_raw_sql(person(alone.uncle))
    erased(person(alone.uncle))
    request.refresh_from_db()
    assert (request.state, request.decided_by) == ("declined", person(alone.uncle).code)
    alone.uncle = join(alone.world, "aunt")
    assert alone.ask().number == 2


def test_correction_that_nobody_asks_for_any_more_is_withdrawn(mistaken: Mistaken) -> None:
    request = mistaken.ask()
    leave(mistaken.membership)
    begun_by_raw_sql(mistaken.person)
    erased(mistaken.person)
    request.refresh_from_db()
    assert (request.state, request.decided_by, bytes(request.reason_sealed)) == (
        "declined",
        mistaken.person.code,
        b"",
    )


def test_signature_ahead_of_who_is_erased_begins_nothing_and_stops_no_headcount(db: None) -> None:
    """Left and erased before the other pool has looked: nobody is taken over, and it counts without them."""
    two = Two()
    signed = two.sign()
    leaves(two, clock.today("Asia/Shanghai") + DAY)
    on(LAST - DAY)
    begun_by_raw_sql(two.person)
    erased(two.person)
    signed.refresh_from_db()
    assert (signed.state, signed.begun) == ("revoked", None)
    on(LAST)
    ages.follow_ages(pool=two.new.pool)
    assert two.arrived() is None
    assert two.new.pool.memberships.filter(person=two.person).count() == 0


def test_request_that_is_taken_back_leaves_everything_as_it_waits(gone: Membership, friend: User) -> None:
    """Nothing is withdrawn before the erasure itself: until then it can be taken back."""
    one = agreed(gone, friend)
    erasing.ask_erasure(person=friend, at=clock.now())
    erasing.cancel_erasure(person=friend, at=clock.now())
    one.refresh_from_db()
    assert one.state == "live"
