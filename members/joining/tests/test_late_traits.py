"""Sex and province of earlier members: read off the sealed card, once, for the days to come, of nobody erased."""

import datetime as dt
from io import StringIO

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from aidplatform.lib import clock
from aidplatform.site.my_data.tests.test_erasing import erased, leave
from aidplatform.testing.refusals import about, not_permitted, refused, refused_to_owner, run, value
from aidplatform.testing.world import World
from aidplatform.work.models import AuditEntry
from members import my_data
from members.joining import applications, family, payers, traits
from members.joining.child_papers import sealed_for_child
from members.joining.documents import Traits
from members.joining.family_models import FamilyMember
from members.joining.models import CovenantSignature, Membership
from members.joining.services import admit_member
from members.joining.tests.papers import BORN, paper, passport, resident_id
from members.joining.tests.test_family import prepared
from members.joining.trait_models import LateTraits
from members.people.identity import Paper, record_identity
from members.people.models import Identity, User

JANUARY = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
READ = "SELECT members_read_traits(%s, %s, %s)"
CHILD_BORN = dt.date(2018, 3, 1)


def earlier(world: World, name: str, on_paper: Paper | None, known: Traits | None = None) -> Membership:
    """Return the membership of somebody who joined when neither was kept."""
    person = User.objects.create_user(f"{name}@example.org", name=name)
    if on_paper is not None:
        record_identity(person=person, paper=on_paper, at=JANUARY)
    return admit_member(
        pool=world.pool,
        person=person,
        class_no=0,
        from_at=JANUARY,
        joined_date=JANUARY.date(),
        birth_date=BORN,
        actor="test",
        **({"traits": known} if known else {}),
    )


def earlier_child(world: World, guardian: Membership, on_paper: Paper) -> Membership:
    """Return the membership of a child whom a guardian added at that time."""
    application = prepared(guardian, on_paper)
    child = admit_member(
        pool=world.pool,
        person=None,
        class_no=0,
        from_at=JANUARY,
        joined_date=JANUARY.date(),
        birth_date=on_paper.birth_date,
        actor="test",
    )
    FamilyMember.objects.create(
        membership=child,
        pool=world.pool,
        guardian=guardian,
        relation="child",
        document_index=family.document_index(on_paper),
        sealed=sealed_for_child(child, on_paper),
        added_at=JANUARY,
    )
    assert guardian.person is not None
    applications.write_signature(
        application=application,
        membership=child,
        birth_date=on_paper.birth_date,
        language="en",
        capacity=CovenantSignature.Capacity.GUARDIAN,
        signed_by=guardian.person.code,
        at=clock.now(),
    )
    payers.begin_family_link(membership=child, payer=guardian, at=clock.now())
    return child


def known(membership: Membership) -> tuple[str, str]:
    membership.refresh_from_db()
    return membership.sex, membership.region


def read() -> list[int]:
    return list(traits.read_traits(actor="operator"))


def test_card_says_sex_and_province_of_who_joined_earlier(world: World) -> None:
    guardian = earlier(world, "woman", paper(resident_id(region="330106")))
    child = earlier_child(world, guardian, paper(resident_id(CHILD_BORN, "540102"), CHILD_BORN))
    foreigner = earlier(world, "foreigner", passport("X1234567"))
    nobody = earlier(world, "nobody", None)
    joined = earlier(world, "joined", paper(resident_id(region="110101")), Traits("m", "hebei"))
    assert read() == [2]
    assert (known(guardian), known(child)) == (("f", "zhejiang"), ("f", "tibet"))
    assert (known(foreigner), known(nobody), known(joined)) == (("", ""), ("", ""), ("m", "hebei"))
    tomorrow = clock.today(world.pool.time_zone) + dt.timedelta(days=1)
    assert dict(LateTraits.objects.values_list("pk", "effective_date")) == {
        guardian.pk: tomorrow,
        child.pk: tomorrow,
    }
    assert AuditEntry.objects.get(action="read_traits").subject == world.pool.code


def test_own_data_say_since_when_they_are_known(world: World) -> None:
    membership = earlier(world, "woman", paper(resident_id(region="330106")))
    read()
    assert membership.person is not None
    row = next(my_data._memberships(membership.person))
    tomorrow = clock.today(world.pool.time_zone) + dt.timedelta(days=1)
    assert (row["sex"], row["region"], row["sex_and_region_known_from"]) == ("f", "zhejiang", tomorrow)


def test_reading_goes_on_where_it_stopped(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traits, "BATCH", 2)
    regions = ("110101", "120101", "130101", "140101", "150101")
    members = [earlier(world, f"m{n}", paper(resident_id(region=one))) for n, one in enumerate(regions)]
    first = next(traits.read_traits(actor="operator"))
    assert (first, [bool(known(one)[0]) for one in members]) == (2, [True, True, False, False, False])
    said = StringIO()
    call_command("read_traits", stdout=said)
    assert said.getvalue().startswith("Sex and province of 3 members")
    assert [known(one)[1] for one in members] == ["beijing", "tianjin", "hebei", "shanxi", "inner_mongolia"]
    call_command("read_traits", stdout=said)
    assert AuditEntry.objects.filter(action="read_traits").count() == 3


def test_card_that_does_not_open_stops_the_command_by_name(world: World) -> None:
    membership = earlier(world, "woman", paper())
    stranger = earlier(world, "stranger", None)
    assert stranger.person is not None
    Identity.objects.create(
        person=stranger.person,
        kind="resident_id",
        document_index=b"\0" * 32,
        sealed=bytes(Identity.objects.get(person=membership.person).sealed),
        recorded_at=JANUARY,
    )
    with pytest.raises(CommandError, match="Of 0 members"):
        call_command("read_traits")


def test_queries_do_not_grow_with_the_members(world: World) -> None:
    counts = []
    for names in (("one",), ("two", "three", "four")):
        for name in names:
            number = resident_id(BORN + dt.timedelta(days=len(name) + ord(name[0])))
            earlier(world, name, paper(number))
        with CaptureQueriesContext(connection) as queries:
            read()
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_nothing_is_read_of_who_is_erased(world: World) -> None:
    membership = earlier(world, "woman", paper())
    assert membership.person is not None
    leave(membership)
    erased(membership.person)
    # What was read of the card before the erasure comes too late.
    assert value(READ, [membership.pk], ["f"], ["beijing"]) == 0
    assert read() == []
    assert (known(membership), LateTraits.objects.count()) == (("", ""), 0)


def test_known_traits_are_not_read_again(world: World) -> None:
    membership = earlier(world, "woman", paper(), Traits("f", "zhejiang"))
    assert value(READ, [membership.pk], ["m"], ["hebei"]) == 0
    assert known(membership) == ("f", "zhejiang")
    other = earlier(world, "other", None)
    with refused("membership_tells_what_is_known"):
        run(READ, [other.pk], ["m"], ["atlantis"])


def test_late_traits_are_permanent(committed_db: tuple[str, str]) -> None:
    membership = earlier(World.founded(), "woman", paper())
    for statement in (
        "INSERT INTO members_latetraits (membership_id, effective_date) VALUES (%s, '2020-01-01')",
        "UPDATE members_latetraits SET effective_date = '2020-01-01' WHERE membership_id = %s",
        "DELETE FROM members_latetraits WHERE membership_id = %s",
        "UPDATE members_membership SET sex = 'f' WHERE id = %s",
    ):
        with about(statement), not_permitted():
            run(statement, membership.pk)
    read()
    with psycopg.connect(committed_db[0], autocommit=True) as owner:
        for statement in (
            "UPDATE members_latetraits SET effective_date = '2020-01-01'",
            "DELETE FROM members_latetraits",
            "TRUNCATE members_latetraits",
        ):
            with about(statement), refused_to_owner(owner, "late_traits_are_permanent"):
                owner.execute(statement)
