"""How memberships end for good: each guarantee broken by hand as aid_app, and what the ways of ending write."""

import datetime as dt
from typing import Any

import psycopg
import pytest
from django.db import IntegrityError, transaction

from aidplatform.lib import clock
from aidplatform.lib.errors import guarantee_name
from aidplatform.testing.pairs import Meanwhile, wait_for_a_waiter
from aidplatform.testing.refusals import fire_deferred, not_permitted, refused, refused_to_owner, run
from aidplatform.testing.world import OPENED, World
from members.joining.models import Membership, MembershipSpan
from members.joining.selectors import covers_of, memberships_of
from members.joining.services import admit_member, cover_members, end_cover, end_covers
from members.people.models import User

ZONE = "Asia/Shanghai"
DAY = dt.timedelta(days=1)


def member(world: World, name: str = "member") -> Membership:
    """Admit somebody with an account, covered since yesterday."""
    return admit_member(
        pool=world.pool,
        person=User.objects.create_user(f"{name}@people.example.org"),
        class_no=0,
        from_at=clock.now() - DAY,
        joined_date=OPENED,
        actor="test",
    )


def midnight(days: int = 1) -> dt.datetime:
    return clock.start_of_day(clock.today(ZONE) + days * DAY, ZONE)


def _insert(membership: Membership, **columns: Any) -> None:
    row = {
        "membership_id": membership.pk,
        "reason": "lapsed",
        "end_date": clock.today(ZONE) + DAY,
        "reference": "",
        "recorded_by": "test",
        "recorded_at": clock.now(),
        **columns,
    }
    places = ", ".join(["%s"] * len(row))
    run(f"INSERT INTO members_membershipend ({', '.join(row)}) VALUES ({places})", *row.values())


def _end_span(membership: Membership, at: dt.datetime) -> None:
    run("UPDATE members_span SET to_at = %s WHERE membership_id = %s AND to_at IS NULL", at, membership.pk)


def test_end_of_a_membership_is_one_fact_with_its_reason(world: World) -> None:
    one = member(world)
    assert one.person is not None
    ended = end_cover(membership=one, at=midnight(), reason="left", actor=one.person.code)
    fire_deferred()
    assert (ended.reason, ended.end_date) == ("left", clock.today(ZONE) + DAY)
    (span,) = MembershipSpan.objects.filter(membership_id=one.pk)
    assert span.to_at == midnight()
    found = memberships_of(one.person).get()
    cover = covers_of([found], clock.now())[one.pk]
    assert cover.end == ended
    assert not cover.has_ended
    assert covers_of([found], midnight())[one.pk].has_ended
    with pytest.raises(IntegrityError), transaction.atomic():
        end_cover(membership=one, at=midnight(), reason="left", actor=one.person.code)


def test_membership_that_goes_on_has_no_end(world: World) -> None:
    one = member(world)
    assert one.person is not None
    assert covers_of([memberships_of(one.person).get()], clock.now())[one.pk].end is None


def test_membership_end_has_a_reason(world: World) -> None:
    with refused("membership_end_has_a_reason"):
        _insert(member(world), reason="bored")


def test_membership_end_is_permanent(db: None, owner: psycopg.Connection) -> None:
    for statement in (
        "UPDATE members_membershipend SET reason = 'left'",
        "DELETE FROM members_membershipend",
        "TRUNCATE members_membershipend",
    ):
        with refused_to_owner(owner, "membership_end_is_permanent"):
            owner.execute(statement)
        with not_permitted():
            run(statement)


def test_members_leave_themselves(world: World) -> None:
    one = member(world)
    with refused("members_leave_themselves"):
        _insert(one, reason="left", recorded_by=world.admin.code)


@pytest.mark.parametrize("days", [-30, 0, 2])
def test_leaving_ends_with_the_day(world: World, days: int) -> None:
    one = member(world)
    assert one.person is not None
    with refused("leaving_ends_with_the_day"):
        _insert(one, reason="left", recorded_by=one.person.code, end_date=clock.today(ZONE) + days * DAY)


def test_ended_membership_has_no_cover(world: World) -> None:
    one = member(world)
    with refused("ended_membership_has_no_cover"):
        _insert(one)
        fire_deferred()


def test_ended_membership_has_no_cover_beyond_its_end(world: World) -> None:
    one = member(world)
    with refused("ended_membership_has_no_cover"):
        _insert(one)
        _end_span(one, midnight() + dt.timedelta(seconds=1))
        fire_deferred()
    _insert(one)
    _end_span(one, midnight())
    fire_deferred()


def test_no_cover_after_the_end(world: World) -> None:
    one = member(world)
    end_cover(membership=one, at=midnight(), reason="lapsed", actor="test")
    with refused("no_cover_after_the_end"):
        cover_members(pool=world.pool, rows=[(one.pk, 0)], from_at=midnight(30))


def test_no_cover_after_the_end_even_if_it_is_just_being_written(committed_db: tuple[str, str]) -> None:
    """Two connections: whoever lets a membership go on waits for the one that ends it, and is refused then."""
    world = World.founded()
    one = world.pool.memberships.get(number=1)
    with psycopg.connect(committed_db[1]) as ending:
        ending.execute(
            "INSERT INTO members_membershipend (membership_id, reason, end_date, reference, recorded_by, recorded_at)"
            " VALUES (%s, 'lapsed', '2026-02-01', '', 'test', now())",
            [one.pk],
        )
        ending.execute(
            "UPDATE members_span SET to_at = '2026-01-31T16:00Z' WHERE membership_id = %s", [one.pk]
        )
        going_on = Meanwhile(lambda: cover_members(pool=world.pool, rows=[(one.pk, 0)], from_at=midnight(60)))
        wait_for_a_waiter(ending)
        ending.commit()
        with pytest.raises(IntegrityError) as caught:
            going_on.outcome()
    assert guarantee_name(caught.value) == "no_cover_after_the_end"


def test_cover_ends_with_a_reason(world: World) -> None:
    one = member(world)
    with refused("cover_ends_with_a_reason"):
        end_covers(pool=world.pool, membership_ids=[one.pk], at=midnight())
        fire_deferred()


def test_cover_ends_with_a_reason_that_goes_on_at_the_same_instant(world: World) -> None:
    one = member(world)
    with refused("cover_ends_with_a_reason"):
        end_covers(pool=world.pool, membership_ids=[one.pk], at=midnight())
        cover_members(pool=world.pool, rows=[(one.pk, 0)], from_at=midnight() + dt.timedelta(seconds=1))
        fire_deferred()
    end_covers(pool=world.pool, membership_ids=[one.pk], at=midnight())
    cover_members(pool=world.pool, rows=[(one.pk, 0)], from_at=midnight())
    fire_deferred()


def test_cover_ends_with_a_reason_even_if_it_is_written_as_ended(world: World) -> None:
    one = Membership.objects.create(pool=world.pool, number=100, joined_date=OPENED)
    with refused("cover_ends_with_a_reason"):
        run(
            "INSERT INTO members_span (pool_id, membership_id, class_no, from_at, to_at, recorded_at)"
            " VALUES (%s, %s, 0, %s, %s, now())",
            world.pool.pk,
            one.pk,
            midnight(),
            midnight(),
        )
        fire_deferred()


def test_span_that_would_begin_later_ends_where_it_begins(world: World) -> None:
    """A member dies before the day from which a new class would count; both spans end, neither begins anew."""
    one = member(world)
    end_covers(pool=world.pool, membership_ids=[one.pk], at=midnight())
    cover_members(pool=world.pool, rows=[(one.pk, 0)], from_at=midnight())
    end_cover(membership=one, at=midnight(0), reason="lapsed", actor="test")
    fire_deferred()
    spans = MembershipSpan.objects.filter(membership_id=one.pk).order_by("from_at")
    assert [(span.from_at, span.to_at) for span in spans][1] == (midnight(), midnight())
