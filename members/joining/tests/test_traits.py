"""Sex and province of a member: off the identity card at joining, written once, of the lists, emptied by an erasure."""

import datetime as dt

import psycopg
import pytest
from django.db import connection

from aidplatform.testing.refusals import about, not_permitted, refused, refused_to_owner, run
from aidplatform.testing.world import World
from members.joining.documents import Traits
from members.joining.models import Membership
from members.joining.services import admit_group, admit_member

JANUARY = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)


def _admit(world: World) -> Membership:
    return admit_member(
        pool=world.pool,
        person=world.stranger,
        class_no=0,
        from_at=JANUARY,
        joined_date=JANUARY.date(),
        birth_date=dt.date(1990, 2, 28),
        traits=Traits("f", "zhejiang"),
        actor="test",
    )


def test_members_without_accounts_have_what_is_known_in_turn(world: World) -> None:
    known = [(None, Traits("f", "tibet")), (dt.date(1990, 2, 28), Traits("m", "hebei"))]
    admit_group(
        pool=world.pool,
        count=5,
        class_no=0,
        from_at=JANUARY,
        joined_date=JANUARY.date(),
        actor="test",
        known=known,
    )
    found = run(
        "SELECT sex, region, birth_date, count(*) FROM members_membership WHERE sex <> '' GROUP BY 1, 2, 3 ORDER BY 1"
    )
    assert found == [("f", "tibet", None, 2), ("m", "hebei", dt.date(1990, 2, 28), 3)]


def test_membership_keeps_its_sex_and_province(committed_db: tuple[str, str]) -> None:
    membership = _admit(World.founded())
    change = "UPDATE members_membership SET {} WHERE id = %s"
    with not_permitted():
        run(change.format("sex = 'm'"), membership.pk)
    with psycopg.connect(committed_db[0], autocommit=True) as owner:
        for other in ("sex = 'm'", "sex = ''", "region = 'hebei'", "region = ''"):
            with about(other), refused_to_owner(owner, "membership_keeps_its_person"):
                owner.execute(change.format(other), [membership.pk])


@pytest.mark.parametrize(("sex", "region"), [("x", ""), ("", "atlantis"), ("F", ""), ("", "Zhejiang")])
def test_membership_tells_what_is_known(world: World, sex: str, region: str) -> None:
    with refused("membership_tells_what_is_known"), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO members_membership (pool_id, number, joined_date, sex, region) VALUES (%s, 99, %s, %s, %s)",
            [world.pool.pk, JANUARY.date(), sex, region],
        )
