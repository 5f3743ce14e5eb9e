"""Memberships follow ages: moved at 00:00 of the birthday, once, however late, before every headcount, and told."""

import calendar
import datetime as dt
from zoneinfo import ZoneInfo

import psycopg
import pytest
from django.db import OperationalError

from aidplatform.lib import clock
from aidplatform.testing.bank import Bank
from aidplatform.testing.prepared import prepared
from aidplatform.testing.refusals import (
    about,
    fire_deferred,
    not_permitted,
    refused,
    refused_to_owner,
    run,
    value,
)
from aidplatform.testing.world import World, run_jobs, set_clock
from members.joining import ages, tasks
from members.joining.eligibility import age_on
from members.joining.end_models import MembershipEnd
from members.joining.headcounts import fix_headcount
from members.joining.models import Membership, MembershipSpan
from members.joining.services import admit_member, cover_members
from members.people import notices
from members.people.models import Notice, User

SHANGHAI = ZoneInfo("Asia/Shanghai")
NAMES = {"name_en": "Band", "name_zh": "年龄段"}
BANDS = [
    {"class_no": 5, "weight": 2, "age_from": 18, "age_before": 30, **NAMES},
    {
        "class_no": 2,
        "weight": 3,
        "age_from": 30,
        "age_before": 50,
        "name_en": "From 30",
        "name_zh": "三十岁起",
    },
    {"class_no": 0, "weight": 4, "age_from": 50, "age_before": 60, **NAMES},
]


@prepared
def by_age() -> World:
    """Give the test a pool whose classes go by age, at 10:00 of 2026-01-01."""
    return World.founded(members={5: 3}, classes=BANDS)


def _admit(
    world: World, born: dt.date, address: str = "one@example.org", pays_until: dt.date | None = None
) -> Membership:
    return admit_member(
        pool=world.pool,
        person=User.objects.create_user(address),
        class_no=5,
        from_at=clock.start_of_day(dt.date(2026, 1, 2), world.pool.time_zone),
        joined_date=dt.date(2026, 1, 1),
        birth_date=born,
        pays_until=pays_until,
        actor="test",
    )


def _spans(membership: Membership) -> list[tuple[int, str, str]]:
    """Return class, first day and end of each span, days in the pool's zone."""
    zone = ZoneInfo(membership.pool.time_zone)
    spans = MembershipSpan.objects.filter(membership_id=membership.pk).order_by("from_at")
    return [
        (
            s.class_no,
            f"{s.from_at.astimezone(zone):%m-%d %H}",
            f"{s.to_at.astimezone(zone):%m-%d}" if s.to_at else "",
        )
        for s in spans
    ]


def _at(day: dt.date, hour: int = 10) -> None:
    set_clock(dt.datetime(day.year, day.month, day.day, hour, tzinfo=SHANGHAI))


def test_class_at_agrees_with_the_plan_on_every_day_of_a_leap_year_and_its_next(by_age: World) -> None:
    plan = by_age.pool.plan_versions.get().plan()
    days = [dt.date(2027, 12, 30) + dt.timedelta(days=n) for n in range(370)]
    for born in (dt.date(1998, 2, 28), dt.date(1996, 2, 29), dt.date(1998, 3, 1), dt.date(1977, 12, 31)):
        rows = run(
            "SELECT d::date, members_class_at(%s, %s, d::date) FROM unnest(%s::date[]) d",
            by_age.pool.pk,
            born,
            days,
        )
        assert len(rows) == len(days)
        for day, class_no in rows:
            with about((born, day)):
                assert class_no == plan.class_at(age_on(born, day))


def test_class_at_is_the_nearest_band_outside_all(by_age: World) -> None:
    day = dt.date(2026, 6, 1)
    ask = "SELECT members_class_at(%s, %s, %s)"
    assert value(ask, by_age.pool.pk, dt.date(2020, 1, 1), day) == 5
    assert value(ask, by_age.pool.pk, dt.date(1940, 1, 1), day) == 0


def test_class_at_knows_none_where_ages_do_not_decide(world: World) -> None:
    assert value("SELECT members_class_at(%s, '1990-01-01', '2026-01-01')", world.pool.pk) is None


@pytest.mark.parametrize("day", [dt.date(2028, 2, 28), dt.date(2028, 2, 29), dt.date(2028, 3, 1), dt.date(2027, 3, 1),
                                 dt.date(2027, 2, 28), dt.date(2100, 3, 1), dt.date(2026, 7, 9)])  # fmt: skip
@pytest.mark.parametrize("age", [18, 30, 96])
def test_born_to_be_names_who_completes_that_age_on_that_day(age: int, day: dt.date) -> None:
    window = [dt.date(day.year - age - 1, 12, 1) + dt.timedelta(days=n) for n in range(500)]
    eve = day - dt.timedelta(days=1)
    expected = [
        born for born in window if born <= eve and age_on(born, eve) == age - 1 and age_on(born, day) == age
    ]
    assert sorted(ages.born_to_be(age, day)) == expected
    leaplings = calendar.isleap(day.year - age) and not calendar.isleap(day.year)
    assert len(expected) == (2 if leaplings and (day.month, day.day) == (3, 1) else len(expected) and 1)


def test_class_moves_at_midnight_of_the_birthday_and_is_told_once(by_age: World) -> None:
    membership = _admit(by_age, dt.date(1996, 3, 8))
    _at(dt.date(2026, 3, 7), 23)
    tasks.follow_ages()
    run_jobs()
    assert _spans(membership) == [(5, "01-02 00", "")]
    _at(dt.date(2026, 3, 8), 9)
    for _again in range(2):
        tasks.follow_ages()
        run_jobs()
    assert _spans(membership) == [(5, "01-02 00", "03-08"), (2, "03-08 00", "")]
    told = Notice.objects.get(person=membership.person, kind=notices.CLASS_CHANGED)
    assert (told.params["weight_before"], told.params["weight"], told.params["from"]) == (2, 3, "2026-03-08")
    assert (
        notices.subject_of(told.kind, told.params)
        == "In Test pool you belong to “From 30” from 8 Mar 2026 on"
    )


def test_each_missed_day_is_followed_as_of_that_day(by_age: World) -> None:
    ada, bo = (_admit(by_age, dt.date(1996, 3, n), address=f"{n}@example.org") for n in (3, 5))
    _at(dt.date(2026, 3, 9))
    assert ages.follow_ages(pool=by_age.pool) == 2
    assert _spans(ada) == [(5, "01-02 00", "03-03"), (2, "03-03 00", "")]
    assert _spans(bo) == [(5, "01-02 00", "03-05"), (2, "03-05 00", "")]
    assert ages.follow_ages(pool=by_age.pool) == 0


def test_born_on_29_february_moves_on_1_march(by_age: World) -> None:
    leapling = _admit(by_age, dt.date(1996, 2, 29))
    _at(dt.date(2026, 2, 28))
    assert ages.follow_ages(pool=by_age.pool) == 0
    _at(dt.date(2026, 3, 1))
    assert ages.follow_ages(pool=by_age.pool) == 1
    assert _spans(leapling)[-1] == (2, "03-01 00", "")


def test_cover_begins_in_the_class_of_its_first_day(by_age: World) -> None:
    """Signed the day before a birthday, or first covered years later: the class is that of the day cover begins."""
    membership = _admit(by_age, dt.date(1996, 1, 2))
    assert _spans(membership) == [(2, "01-02 00", "")]
    membership = _admit(
        by_age, dt.date(1996, 1, 2), address="late@example.org", pays_until=dt.date(2026, 1, 31)
    )
    _at(dt.date(2046, 1, 3))
    begins = clock.start_of_day(dt.date(2046, 1, 4), "Asia/Shanghai")
    cover_members(pool=by_age.pool, rows=[(membership.pk, 2)], from_at=begins)
    assert _spans(membership) == [(0, "01-04 00", "")]


def test_new_bands_move_everybody_on_the_first_day(by_age: World) -> None:
    membership = _admit(by_age, dt.date(1991, 6, 1))
    assert ages.follow_ages(pool=by_age.pool) == 0
    rows = [{**BANDS[0], "age_before": 40}, {**BANDS[1], "age_from": 40}, BANDS[2]]
    by_age.change_plan(dt.date(2026, 2, 1), classes=rows)
    _at(dt.date(2026, 2, 5))
    assert ages.follow_ages(pool=by_age.pool) == 1
    assert _spans(membership) == [(2, "01-02 00", "02-01"), (5, "02-01 00", "")]


def test_members_without_a_birth_date_stay(by_age: World) -> None:
    _at(dt.date(2046, 1, 1))
    assert ages.follow_ages(pool=by_age.pool) == 0
    assert {s.class_no for s in MembershipSpan.objects.filter(pool_id=by_age.pool.pk)} == {5}


def test_headcount_follows_ages(by_age: World) -> None:
    membership = _admit(by_age, dt.date(1996, 3, 7))
    _at(dt.date(2026, 3, 7), 0)
    fix_headcount(pool=by_age.pool)
    counted = run(
        """SELECT h.membership_id, h.class_no FROM members_pool p, members_headcount(
                  p.id, %s, p.headcount_recorded_at, 0, 9223372036854775807) h WHERE p.id = %s""",
        clock.now(),
        by_age.pool.pk,
    )
    assert dict(counted)[membership.pk] == 2


def test_headcount_follows_ages_also_for_who_goes_around_the_program(by_age: World) -> None:
    _admit(by_age, dt.date(1996, 3, 7))
    fix_headcount(pool=by_age.pool)
    _at(dt.date(2026, 1, 2))
    with refused("headcount_follows_ages"):
        run("UPDATE members_pool SET headcount_recorded_at = clock_timestamp() WHERE id = %s", by_age.pool.pk)
    for day in ("2026-01-03", "2025-12-31", None):
        with about(day), refused("headcount_follows_ages"):
            run("UPDATE members_pool SET ages_followed_date = %s WHERE id = %s", day, by_age.pool.pk)


def test_headcount_of_a_pool_that_knows_no_birth_dates_needs_no_ages(world: World) -> None:
    run("UPDATE members_pool SET headcount_recorded_at = clock_timestamp() WHERE id = %s", world.pool.pk)
    assert [pool.code for pool, _day in ages.due(clock.now())] == ["test-pool"]
    assert ages.follow_ages(pool=world.pool) == 0
    assert list(ages.due(clock.now())) == []


# --- the age at which the rules end -------------------------------------------------------------------------------


def _told(membership: Membership) -> list[tuple[str, str]]:
    found = Notice.objects.filter(person=membership.person).order_by("pk")
    return [(notice.kind, notice.params["until"]) for notice in found]


def test_membership_ends_at_midnight_of_the_birthday_and_is_told_ahead(world: World) -> None:
    membership = _admit(world, dt.date(1966, 3, 8))
    for day in (dt.date(2026, 2, 5), dt.date(2026, 2, 6), dt.date(2026, 3, 7)):
        _at(day)
        tasks.follow_ages()
        run_jobs()
        assert _told(membership) == [(notices.AGES_OUT, "2026-03-08")] * (day > dt.date(2026, 2, 5))
        assert _spans(membership) == [(5, "01-02 00", "")]
    _at(dt.date(2026, 3, 9))
    for _again in range(2):
        tasks.follow_ages()
        run_jobs()
    assert _spans(membership) == [(5, "01-02 00", "03-08")]
    assert MembershipEnd.objects.filter(membership=membership).values_list("reason", "end_date").get() == (
        "aged_out",
        dt.date(2026, 3, 8),
    )
    assert _told(membership)[1:] == [(notices.AGED_OUT, "2026-03-08")]
    fire_deferred()


def test_who_has_not_paid_yet_ages_out_as_well_and_no_money_lets_them_in(db: None) -> None:
    funding = {"join_fen": 30_000, "warn_below_fen": 10_000, "top_up_days": 30}
    world = World.founded(members=3, funding=funding)
    membership = _admit(world, dt.date(1966, 1, 5), pays_until=dt.date(2026, 1, 31))
    _at(dt.date(2026, 1, 6))
    assert ages.follow_ages(pool=world.pool) == 1
    bank = Bank(world)
    bank.take(bank.statement(bank.receipt(membership.number, 30_000)))
    run_jobs()
    fire_deferred()
    assert _spans(membership) == []


def test_aged_out_at_the_age(world: World) -> None:
    young, old = (
        _admit(world, dt.date(1966, 3, 8)),
        _admit(world, dt.date(1960, 1, 1), address="old@example.org"),
    )
    sql = """INSERT INTO members_membershipend (membership_id, reason, end_date, reference, recorded_by, recorded_at)
             VALUES (%s, 'aged_out', %s, '', 'service', now())"""
    _at(dt.date(2026, 3, 7))
    for one, day in ((young, "2026-03-07"), (young, "2026-03-08"), (old, "2026-03-08")):
        with about((one, day)), refused("aged_out_at_the_age"):
            run(sql, one.pk, day)
    nobody = world.pool.memberships.get(number=1)
    with refused("aged_out_at_the_age"):
        run(sql, nobody.pk, "2026-03-07")


def test_span_class_follows_age(by_age: World) -> None:
    membership = _admit(by_age, dt.date(1990, 1, 1), pays_until=dt.date(2026, 1, 31))
    at = clock.start_of_day(dt.date(2026, 2, 1), "Asia/Shanghai")
    with refused("span_class_follows_age"):
        run(
            """INSERT INTO members_span (pool_id, membership_id, class_no, from_at, recorded_at)
               VALUES (%s, %s, 5, %s, now())""",
            by_age.pool.pk,
            membership.pk,
            at,
        )


def test_membership_keeps_its_birth_date(committed_db: tuple[str, str]) -> None:
    world = World.founded(members={5: 3}, classes=BANDS)
    membership = _admit(world, dt.date(1990, 1, 1))
    change = "UPDATE members_membership SET birth_date = %s WHERE id = %s"
    with not_permitted():
        run(change, dt.date(2000, 1, 1), membership.pk)
    with psycopg.connect(committed_db[0], autocommit=True) as owner:
        for born in (dt.date(2000, 1, 1), None):
            with about(born), refused_to_owner(owner, "membership_keeps_its_person"):
                owner.execute(change, [born, membership.pk])


def test_days_are_those_of_the_pools_zone(db: None) -> None:
    world = World.founded(code="west", members={5: 3}, time_zone="America/Los_Angeles", classes=BANDS)
    membership = _admit(world, dt.date(1996, 3, 8))
    set_clock(
        dt.datetime(2026, 3, 8, 7, 30, tzinfo=dt.UTC)
    )  # still the 7th there, and the night of the time change
    assert ages.follow_ages(pool=world.pool) == 0
    set_clock(dt.datetime(2026, 3, 8, 8, tzinfo=dt.UTC))
    assert ages.follow_ages(pool=world.pool) == 1
    assert _spans(membership) == [(5, "01-02 00", "03-08"), (2, "03-08 00", "")]


def test_who_follows_waits_for_the_lock_of_the_pool(committed_db: tuple[str, str]) -> None:
    world = World.founded(members={5: 3}, classes=BANDS)
    membership = _admit(world, dt.date(1996, 3, 8))
    _at(dt.date(2026, 3, 8))
    with psycopg.connect(committed_db[0]) as other:
        other.execute("SELECT 1 FROM members_pool WHERE id = %s FOR UPDATE", [world.pool.pk])
        run("SET lock_timeout = '200ms'")
        with pytest.raises(OperationalError, match="lock timeout"):
            ages.follow_ages(pool=world.pool)
        run("SET lock_timeout = 0")
    assert ages.follow_ages(pool=world.pool) == 1
    assert len(_spans(membership)) == 2
