"""Each guarantee of memberships and spans, broken by hand as aid_app: the database refuses in its name."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, transaction

from aidplatform.lib.db import is_retryable, sqlstate
from aidplatform.testing.pairs import Meanwhile, wait_for_a_waiter
from aidplatform.testing.refusals import not_permitted, refused, refused_to_owner, run, value
from aidplatform.testing.world import World
from members.joining.headcounts import fix_headcount
from members.joining.models import Membership
from members.joining.services import admit_group, admit_member, end_cover

JANUARY = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
FEBRUARY = dt.datetime(2026, 2, 1, tzinfo=dt.UTC)
MARCH = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


@pytest.fixture
def bare(world: World) -> Iterator[Membership]:
    """Give the test a membership without a span, which is never committed: why its cover ends nobody says."""
    yield Membership.objects.create(pool=world.pool, number=100, joined_date=JANUARY.date())
    transaction.set_rollback(True)


def _cover(
    membership: Membership, from_at: dt.datetime, to_at: dt.datetime | None = None, **columns: Any
) -> None:
    row = {
        "pool_id": membership.pool_id,
        "membership_id": membership.pk,
        "class_no": 0,
        "from_at": from_at,
        "to_at": to_at,
        "recorded_at": JANUARY,
        **columns,
    }
    places = ", ".join(["%s"] * len(row))
    run(f"INSERT INTO members_span ({', '.join(row)}) VALUES ({places})", *row.values())


def _end(membership: Membership, to_at: dt.datetime | None) -> None:
    run("UPDATE members_span SET to_at = %s WHERE membership_id = %s", to_at, membership.pk)


def _leave_by_hand(membership: Membership) -> None:
    """End a span first and say why afterwards, as no service does, so that the span's own guard waits."""
    with transaction.atomic():
        _end(membership, FEBRUARY)
        run(
            """INSERT INTO members_membershipend (membership_id, reason, end_date, reference, recorded_by, recorded_at)
               VALUES (%s, 'left', %s, '', 'test', now())""",
            membership.pk,
            FEBRUARY.date() + dt.timedelta(days=1),
        )


def test_span_ends_once(bare: Membership) -> None:
    _cover(bare, JANUARY)
    _end(bare, FEBRUARY)
    for to_at in (MARCH, None, FEBRUARY):
        with refused("span_ends_once"):
            _end(bare, to_at)


def test_span_ends_once_and_an_end_cannot_be_taken_for_none(bare: Membership) -> None:
    _cover(bare, JANUARY)
    with refused("span_ends_once"):
        _end(bare, None)


@pytest.mark.parametrize(
    "column", ["from_at", "class_no", "recorded_at", "ended_recorded_at", "membership_id"]
)
def test_span_gives_no_right_to_change_anything_but_its_end(bare: Membership, column: str) -> None:
    _cover(bare, JANUARY)
    with not_permitted():
        run(f"UPDATE members_span SET {column} = {column}")


def test_span_recording_is_real_whatever_instant_is_claimed(bare: Membership) -> None:
    before = value("SELECT clock_timestamp()")
    _cover(bare, JANUARY, FEBRUARY, recorded_at=JANUARY, ended_recorded_at=JANUARY)
    recorded, ended = run(
        "SELECT recorded_at, ended_recorded_at FROM members_span WHERE membership_id = %s", bare.pk
    )[0]
    assert before <= recorded == ended <= value("SELECT clock_timestamp()")


def test_span_recording_is_real_for_its_end(bare: Membership) -> None:
    _cover(bare, JANUARY)
    before = value("SELECT clock_timestamp()")
    _end(bare, FEBRUARY)
    assert before <= value("SELECT ended_recorded_at FROM members_span WHERE membership_id = %s", bare.pk)


@pytest.mark.parametrize(
    ("from_at", "to_at"),
    [
        (JANUARY, None),
        (FEBRUARY - dt.timedelta(seconds=1), None),
        (JANUARY - dt.timedelta(days=9), MARCH),
        (JANUARY - dt.timedelta(days=9), JANUARY + dt.timedelta(seconds=1)),
        (JANUARY + dt.timedelta(days=1), JANUARY + dt.timedelta(days=2)),
    ],
)
def test_spans_do_not_overlap(bare: Membership, from_at: dt.datetime, to_at: dt.datetime | None) -> None:
    _cover(bare, JANUARY, FEBRUARY)
    name = "members_span_pkey" if from_at == JANUARY else "spans_do_not_overlap"
    with refused(name):
        _cover(bare, from_at, to_at)


def test_spans_do_not_overlap_but_may_touch(bare: Membership) -> None:
    _cover(bare, JANUARY, FEBRUARY)
    _cover(bare, FEBRUARY, MARCH)
    _cover(bare, MARCH)
    with refused("spans_do_not_overlap"):
        _cover(bare, MARCH + dt.timedelta(days=300))


def test_spans_do_not_overlap_within_one_statement(bare: Membership) -> None:
    with refused("spans_do_not_overlap"):
        run(
            """INSERT INTO members_span (pool_id, membership_id, class_no, from_at, recorded_at)
               SELECT %s, %s, 0, day, day FROM unnest(%s::timestamptz[]) day""",
            bare.pool_id,
            bare.pk,
            [JANUARY, FEBRUARY],
        )


def test_span_belongs_to_its_membership(bare: Membership) -> None:
    other = World.founded(code="other-pool", members=0)
    with refused("span_belongs_to_its_membership"):
        _cover(bare, JANUARY, pool_id=other.pool.pk)
    with refused("span_belongs_to_its_membership"):
        _cover(bare, JANUARY, membership_id=bare.pk + 1000)


def test_span_end_is_recorded_and_not_before_its_start(bare: Membership) -> None:
    with refused("span_end_is_recorded"):
        _cover(bare, FEBRUARY, JANUARY)
    _cover(bare, FEBRUARY)
    with refused("span_end_is_recorded"):
        _end(bare, JANUARY)


@pytest.mark.parametrize("class_no", [-1, 64])
def test_span_class_in_range(bare: Membership, class_no: int) -> None:
    with refused("span_class_in_range"):
        _cover(bare, JANUARY, class_no=class_no)


@pytest.mark.parametrize("table", ["members_span", "members_membership"])
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_memberships_and_spans_give_the_application_no_right_to_delete(
    world: World, table: str, statement: str
) -> None:
    with not_permitted():
        run(statement.format(table))


@pytest.mark.parametrize(
    ("table", "name"), [("members_span", "span_is_kept"), ("members_membership", "memberships_are_kept")]
)
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_memberships_and_spans_are_kept_by_the_owner_too(
    owner: psycopg.Connection, table: str, name: str, statement: str
) -> None:
    with refused_to_owner(owner, name):
        owner.execute(statement.format(table))


def test_membership_keeps_its_person(bare: Membership, world: World) -> None:
    run("UPDATE members_membership SET person_id = %s WHERE id = %s", world.stranger.pk, bare.pk)
    for person in (world.auditor.pk, None):
        with refused("membership_keeps_its_person"):
            run("UPDATE members_membership SET person_id = %s WHERE id = %s", person, bare.pk)
    with not_permitted():
        run("UPDATE members_membership SET number = 7 WHERE id = %s", bare.pk)


@pytest.mark.parametrize("pk", [0, -5, 2**53, 2**63 - 1])
def test_membership_id_in_range_so_that_every_headcount_finds_it(world: World, pk: int) -> None:
    with refused("membership_id_in_range"):
        run(
            """INSERT INTO members_membership (id, pool_id, number, joined_date)
               OVERRIDING SYSTEM VALUE VALUES (%s, %s, 900, '2026-01-01')""",
            pk,
            world.pool.pk,
        )


def test_one_membership_per_person_and_pool(world: World) -> None:
    fields: dict[str, Any] = {
        "person": world.stranger,
        "class_no": 0,
        "from_at": JANUARY,
        "joined_date": JANUARY.date(),
        "actor": "test",
    }
    admit_member(pool=world.pool, **fields)
    with refused("one_membership_per_person_and_pool"):
        admit_member(pool=world.pool, **fields)
    other = World.founded(code="other-pool", members=3)
    assert admit_member(pool=other.pool, **fields).number == 4


def test_one_membership_per_number(world: World) -> None:
    with refused("one_membership_per_number"):
        Membership.objects.create(pool=world.pool, number=7, joined_date=JANUARY.date())


def test_admitted_are_numbered_and_covered_from_that_instant(world: World) -> None:
    last = admit_group(
        pool=world.pool, count=3, class_no=2, from_at=MARCH, joined_date=MARCH.date(), actor="test"
    )
    assert last == 10
    spans = run(
        """SELECT m.number, s.class_no, s.from_at, s.to_at FROM members_span s
             JOIN members_membership m ON m.id = s.membership_id WHERE m.number > 7 ORDER BY 1"""
    )
    assert spans == [(8, 2, MARCH, None), (9, 2, MARCH, None), (10, 2, MARCH, None)]


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE", "READ UNCOMMITTED"])
def test_guards_see_what_is_committed_or_refuse(committed_db: tuple[str, str], level: str) -> None:
    pool = World.founded().pool
    bare = Membership.objects.create(pool=pool, number=100, joined_date=JANUARY.date())
    for act in (lambda: _cover(bare, JANUARY), lambda: _end(pool.memberships.get(number=1), FEBRUARY)):
        with refused("guards_see_what_is_committed"):
            run(f"SET TRANSACTION ISOLATION LEVEL {level}")
            act()


def test_spans_do_not_overlap_when_two_connections_write_at_once(committed_db: tuple[str, str]) -> None:
    bare = Membership.objects.create(pool=World.founded().pool, number=100, joined_date=JANUARY.date())
    with psycopg.connect(committed_db[1]) as other:
        other.execute(
            """INSERT INTO members_span (pool_id, membership_id, class_no, from_at, recorded_at)
               VALUES (%s, %s, 0, %s, now())""",
            [bare.pool_id, bare.pk, JANUARY],
        )
        second = Meanwhile(lambda: _refused_overlap(bare))
        wait_for_a_waiter(other)
        other.commit()
        assert second.outcome() == "refused"
    assert value("SELECT count(*) FROM members_span WHERE membership_id = %s", bare.pk) == 1


def _refused_overlap(membership: Membership) -> str:
    with refused("spans_do_not_overlap"):
        _cover(membership, FEBRUARY)
    return "refused"


def test_span_is_recorded_after_headcount_or_written_again(committed_db: tuple[str, str]) -> None:
    """Whoever is being admitted while a headcount is taken is neither half in it nor silently behind it."""
    world = World.founded()
    bare = Membership.objects.create(pool=world.pool, number=100, joined_date=JANUARY.date())
    leaver = world.pool.memberships.get(number=1)
    for write in (lambda: _cover(bare, JANUARY), lambda: _leave_by_hand(leaver)):
        with psycopg.connect(committed_db[1]) as counting:
            counting.execute("SELECT 1 FROM members_pool WHERE id = %s FOR UPDATE", [world.pool.pk])
            writer = Meanwhile(write)
            wait_for_a_waiter(counting)
            counting.execute(
                "UPDATE members_pool SET headcount_recorded_at = now() WHERE id = %s", [world.pool.pk]
            )
            counting.commit()
            with pytest.raises(DatabaseError) as caught:
                writer.outcome()
        assert sqlstate(caught.value) == "40001"
        assert caught.value.__cause__.diag.constraint_name == "span_is_recorded_after_headcount"
        assert is_retryable(caught.value)
        write()
    # The second headcount knows the one who came after the first, and not yet that the other left.
    assert _counted(world, at=FEBRUARY) == 8


def _counted(world: World, at: dt.datetime) -> int:
    """Count as of an instant, as the last headcount knew it."""
    counted: int = value(
        """SELECT count(*) FROM members_pool p,
                  members_headcount(p.id, %s, p.headcount_recorded_at, 0, 9223372036854775807)
            WHERE p.id = %s""",
        at,
        world.pool.pk,
    )
    return counted


def test_headcount_of_the_past_can_be_taken_again(committed_db: tuple[str, str]) -> None:
    """Joiners and leavers recorded later change no headcount taken before, even where they are backdated."""
    world = World.founded()
    with transaction.atomic():
        fix_headcount(pool=world.pool)
    assert _counted(world, at=FEBRUARY) == 7
    admit_group(
        pool=world.pool, count=2, class_no=0, from_at=JANUARY, joined_date=JANUARY.date(), actor="late"
    )
    end_cover(membership=world.pool.memberships.get(number=1), at=JANUARY, reason="left", actor="late")
    assert _counted(world, at=FEBRUARY) == 7
    with transaction.atomic():
        fix_headcount(pool=world.pool)
    assert _counted(world, at=FEBRUARY) == 8


def test_large_admission_is_judged_in_one_pass_after_an_undone_one(committed_db: tuple[str, str]) -> None:
    """The dead rows of an undone admission make the statistics tell of a few rows in many pages."""
    world = World.founded()
    large: dict[str, Any] = {"count": 20_000, "class_no": 0, "joined_date": JANUARY.date(), "actor": "test"}
    with transaction.atomic():
        admit_group(pool=world.pool, from_at=JANUARY, **large)
        transaction.set_rollback(True)
    with psycopg.connect(committed_db[0], autocommit=True) as owner:
        owner.execute("ANALYZE members_membership, members_span")
    with transaction.atomic():
        run("SET LOCAL statement_timeout = '15s'")
        assert admit_group(pool=world.pool, from_at=JANUARY, **large) == 20_007


def test_headcount_recorded_at_is_the_servers_own_instant(world: World) -> None:
    before = value("SELECT clock_timestamp()")
    run("UPDATE members_pool SET headcount_recorded_at = '2001-01-01' WHERE id = %s", world.pool.pk)
    assert before < value("SELECT headcount_recorded_at FROM members_pool WHERE id = %s", world.pool.pk)
