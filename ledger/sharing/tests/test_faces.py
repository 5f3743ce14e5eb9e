"""What is told of a case is counted over its headcount, fixed with its announcement, and held by the database."""

import datetime as dt
import json
from typing import Any

import pytest
from django.db import connection
from psycopg import Connection

from aidplatform.lib import clock
from aidplatform.testing.refusals import not_permitted, refused, refused_to_owner
from aidplatform.testing.world import OPENED, World, set_clock
from ledger.openbooks.models import LogEntry
from ledger.sharing import services
from ledger.sharing.face_models import CaseFace
from ledger.sharing.face_selectors import FacesOf
from ledger.sharing.face_services import members_of
from ledger.sharing.layers import MEMBERS, PUBLIC
from ledger.sharing.models import Award, Period
from ledger.verification.statements import new_report, verify_everything
from members.joining import traits
from members.joining.documents import Traits
from members.joining.services import admit_group, admit_member
from members.joining.tests.papers import paper, resident_id
from members.people.identity import record_identity
from members.people.models import User

BORN = dt.date(1990, 2, 28)
WOMAN, MAN = (BORN, Traits("f", "zhejiang")), (BORN, Traits("m", "zhejiang"))
MASKED = {
    "age_band": "30-39",
    "sex": "f",
    "region": "zhejiang",
    "disease": "leukemia",
    "month": "2026-01",
    "joined": f"{OPENED:%Y-%m}",
}


def founded(women: int, men: int, code: str = "faces") -> World:
    """Return a pool of so many members of 35 years from Zhejiang; nothing is known of the one of the founding."""
    world = World.founded(code=code, members=1)
    for known, count in ((WOMAN, women), (MAN, men)):
        if count:
            admit(world, count, OPENED, known)
    return world


def admit(world: World, count: int, day: dt.date, known: tuple[dt.date, Traits] = WOMAN) -> None:
    admit_group(
        pool=world.pool,
        count=count,
        class_no=0,
        from_at=clock.start_of_day(day, world.pool.time_zone),
        joined_date=day,
        actor="test",
        known=[known],
    )


def to_the_next(world: World, period: Period) -> None:
    set_clock(clock.start_of_day(period.next_opening_date, world.pool.time_zone))


def award(world: World, code: str = "C-1", **masked: str) -> Award:
    return services.announce_award(
        pool=world.pool,
        code=code,
        claim_code=f"claim-{code}",
        masked=MASKED | masked,
        aid_fen=100_000,
        announcer="service",
        at=clock.now(),
    )


def logged(kind: str) -> list[dict[str, Any]]:
    return [json.loads(bytes(row.data))["body"] for row in LogEntry.objects.filter(type=kind).order_by("seq")]


@pytest.mark.django_db
def test_case_is_told_as_widely_as_five_members_share_it() -> None:
    world = founded(women=5, men=100)
    made = award(world)
    world.announced_period()
    face = CaseFace.objects.get()
    assert (face.step, face.members, face.is_public) == (0, 5, True)
    assert FacesOf([made], MEMBERS).told(made) == {
        "age": "30-39",
        "sex": "f",
        "region": "zhejiang",
        "disease": "cancer",
        "month": "2026-01",
        "illness": "leukemia",
        "joined": f"{OPENED:%Y-%m}",
        "helped": 0,
    }
    told = {
        "age": "30-39",
        "sex": "f",
        "region": "zhejiang",
        "disease": "cancer",
        "month": "2026-01",
    }
    assert FacesOf([made], PUBLIC).told(made) == told
    assert logged("case.face") == [{"case": "C-1", "step": 0, "members": 5} | told]


@pytest.mark.django_db
def test_what_four_share_is_told_more_widely() -> None:
    world = founded(women=4, men=100)
    made = award(world)
    world.announced_period()
    face = CaseFace.objects.get()
    assert (face.step, face.members, face.sex, face.age) == (7, 104, "", "20-39")
    assert "region" not in FacesOf([made], PUBLIC).told(made)


@pytest.mark.django_db
def test_everyone_is_told_nothing_of_a_case_of_a_very_small_pool() -> None:
    world = founded(women=6, men=60)
    made = award(world)
    world.announced_period()
    assert FacesOf([made], PUBLIC).told(made) == {}
    assert FacesOf([made], MEMBERS).told(made)["sex"] == "f"
    assert logged("case.face") == [{"case": "C-1", "step": 0, "members": 6}]


@pytest.mark.django_db
def test_who_came_after_the_headcount_does_not_count() -> None:
    world = founded(women=4, men=100)
    award(world)
    period = services.open_period(pool=world.pool, at=clock.now())
    set_clock(clock.start_of_day(period.publicity_date, world.pool.time_zone))
    period = services.freeze_headcount(period=period, at=clock.now())
    admit(world, 10, period.publicity_date + dt.timedelta(days=1))
    services.announce_period(period=period, at=clock.now())
    assert CaseFace.objects.get().sex == ""


@pytest.mark.django_db
def test_case_that_is_announced_again_is_told_as_before() -> None:
    world = founded(women=5, men=100)
    made = award(world)
    period = world.announced_period()
    services.hold_award(award=made, holder="service", at=clock.now())
    settled = world.settled_period(period)
    services.release_award(award=made, releaser="service", at=clock.now())
    before = CaseFace.objects.get()
    services.compute_shares(period=settled, preparer=world.admin.code, at=clock.now())
    to_the_next(world, period)
    world.announced_period()
    assert CaseFace.objects.get() == before
    made.refresh_from_db()
    assert made.period is not None
    assert made.period.number == 2
    assert len(logged("case.face")) == 1


@pytest.mark.django_db
def test_people_helped_are_counted_since_the_time_that_is_told() -> None:
    world = founded(women=5, men=100)
    award(world, "C-1")
    to_the_next(world, world.posted_period())
    admit(world, 5, dt.date(2026, 2, 1))
    award(world, "C-2")
    award(world, "C-3", joined="2026-02")
    award(world, "C-4", joined="")
    world.announced_period()
    told = {face.claim_code: (face.joined, face.helped) for face in CaseFace.objects.all()}
    assert told == {
        "claim-C-1": ("2026-01", 0),
        "claim-C-2": ("2026-01", 1),
        "claim-C-3": ("2026-02", 0),
        "claim-C-4": ("", 1),
    }


@pytest.mark.django_db
def test_many_cases_take_one_look_at_the_members(django_assert_num_queries: Any) -> None:
    world = founded(women=5, men=100)
    period = world.announced_period()
    with django_assert_num_queries(3):  # the look, and a setting before and after it
        assert members_of(period).all == 106


@pytest.mark.django_db
def test_members_whom_the_statistics_missed_are_not_compared_each_with_each(owner: Connection) -> None:
    """Statistics taken while many members are being admitted find none; each with each takes minutes then."""
    world = founded(women=5, men=30_000)
    owner.execute("ANALYZE members_membership, members_span")
    owner.commit()
    period = world.announced_period()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '15s'")
    assert members_of(period).all == 30_006


def _frozen(world: World) -> Period:
    period = services.open_period(pool=world.pool, at=clock.now())
    set_clock(clock.start_of_day(period.publicity_date, world.pool.time_zone))
    period = services.freeze_headcount(period=period, at=clock.now())
    Award.objects.filter(pool=world.pool).update(period=period)
    return period


def _insert(period: Period, **given: Any) -> None:
    """Write a face by hand, as somebody with the application's password could."""
    row = dict.fromkeys(("age", "sex", "region", "joined", "month", "illness", "disease"), "") | {
        "pool_id": period.pool_id,
        "claim_code": "claim-C-1",
        "period_id": period.pk,
        "step": 0,
        "members": 5,
        "helped": 0,
        "is_public": True,
        **given,
    }
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO ledger_caseface ({', '.join(row)}) VALUES ({', '.join(['%s'] * len(row))})",
            list(row.values()),
        )


@pytest.mark.django_db
@pytest.mark.parametrize(
    "told",
    [
        {"sex": "f"},
        {"age": "30-39", "sex": "f"},
        {"age": "40-59"},
        {"region": "east", "sex": "f"},
        {"region": "southwest"},
        {"joined": "2025-12"},
        {"joined": "2025"},
        {"joined": "2026-Q2"},
    ],
)
def test_face_is_shared_by_five(told: dict[str, str]) -> None:
    world = founded(women=4, men=100)
    award(world)
    period = _frozen(world)
    with refused("face_is_shared_by_five"):
        _insert(period, **told)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "told",
    [
        {"sex": "m", "age": "30-39", "region": "zhejiang", "joined": "2026-01"},
        {"age": "20-39", "region": "east", "joined": "2026-Q1"},
        {"joined": "2026"},
        {},
    ],
)
def test_what_five_share_can_be_told(told: dict[str, str]) -> None:
    world = founded(women=4, men=100)
    award(world)
    _insert(_frozen(world), **told)
    assert CaseFace.objects.count() == 1


@pytest.mark.django_db
def test_face_says_who_shares_it() -> None:
    world = founded(women=4, men=100)
    award(world)
    period = _frozen(world)
    with refused("face_says_who_shares_it"):
        _insert(period, sex="m", members=4)
    with refused("face_is_told_by_a_step"):
        _insert(period, step=9)


@pytest.mark.django_db
def test_small_pool_shows_totals_only() -> None:
    world = founded(women=6, men=60)
    award(world)
    period = _frozen(world)
    with refused("small_pool_shows_totals_only"):
        _insert(period, sex="f")
    _insert(period, sex="f", is_public=False)


@pytest.mark.django_db
def test_face_comes_with_its_announcement() -> None:
    world = founded(women=6, men=100)
    award(world)
    period = _frozen(world)
    with refused("face_comes_with_its_announcement"):
        _insert(period, claim_code="claim-of-nobody")
    _insert(period)
    with refused("one_face_per_claim"):
        _insert(period)
    services.announce_period(period=period, at=clock.now())
    with refused("face_comes_with_its_announcement"):
        _insert(period, claim_code="claim-C-2")


@pytest.mark.django_db
def test_cases_are_announced_with_their_faces() -> None:
    world = founded(women=6, men=100)
    award(world)
    period = _frozen(world)
    with refused("cases_are_announced_with_their_faces"):
        Period.objects.filter(pk=period.pk).update(state="announced")


@pytest.mark.django_db
@pytest.mark.parametrize("change", ["UPDATE ledger_caseface SET sex = ''", "DELETE FROM ledger_caseface"])
def test_face_is_fixed_at_the_announcement(change: str) -> None:
    with not_permitted(), connection.cursor() as cursor:
        cursor.execute(change)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE ledger_caseface SET sex = ''",
        "DELETE FROM ledger_caseface",
        "TRUNCATE ledger_caseface CASCADE",
    ],
)
def test_face_is_fixed_for_the_owner_too(owner: Any, change: str) -> None:
    with refused_to_owner(owner, "face_is_fixed_at_the_announcement"):
        owner.execute(change)


def unknown_women(world: World, count: int) -> None:
    """Admit women from Zhejiang whose identity card is kept, and of whom neither was read at joining."""
    for number in range(count):
        person = User.objects.create_user(f"woman-{number}@example.org", name=f"Woman {number}")
        card = paper(resident_id(BORN, f"3301{number:02d}"), BORN)
        record_identity(person=person, paper=card, at=clock.now())
        admit_member(
            pool=world.pool,
            person=person,
            class_no=0,
            from_at=clock.start_of_day(OPENED, world.pool.time_zone),
            joined_date=OPENED,
            birth_date=BORN,
            actor="test",
        )


@pytest.mark.django_db
def test_traits_that_are_read_later_count_for_cases_to_come_alone() -> None:
    world = founded(women=5, men=100)
    unknown_women(world, 5)
    award(world)
    period = world.announced_period()
    first = CaseFace.objects.get()
    assert (first.step, first.sex, first.members) == (0, "f", 5)
    assert list(traits.read_traits(actor="operator")) == [5]
    to_the_next(world, period)
    award(world, "C-2")
    world.announced_period()
    second = CaseFace.objects.get(claim_code="claim-C-2")
    assert (second.step, second.sex, second.region, second.members) == (0, "f", "zhejiang", 10)
    report = new_report()
    verify_everything(report, world.pool.code)
    assert report.statements["face_is_shared_by_five"].examined == 2
    assert [code for code, statement in report.statements.items() if statement.false] == []


@pytest.mark.django_db
def test_traits_that_are_read_on_the_day_of_a_headcount_are_not_known_of_it() -> None:
    world = founded(women=0, men=100)
    unknown_women(world, 5)
    award(world)
    period = _frozen(world)
    assert list(traits.read_traits(actor="operator")) == [5]
    with refused("face_is_shared_by_five"):
        _insert(period, sex="f")
    services.announce_period(period=period, at=clock.now())
    assert (CaseFace.objects.get().step, CaseFace.objects.get().sex) == (7, "")
