"""The class of a membership follows the age of its person: moved at 00:00 of the birthday, and told.

Every day is looked at once, by the rules of that day, however late: a clock that stood still for a week changes nothing
but when it is written down. Every headcount is preceded by it, which the database holds (headcount_follows_ages).
"""

import datetime as dt
from collections.abc import Iterator
from typing import Any

from django.db import connection, transaction
from django.db.models import Q
from django.urls import reverse

from aidplatform.lib import clock
from aidplatform.lib.failpoints import failpoint
from aidplatform.work import audit, jobs
from members.people import notices
from members.people.models import User
from members.pools.models import PlanVersion, Pool
from members.pools.plan_terms import PlanTerms

FOLLOW = "joining.follow_ages"
TELL = "joining.tell_classes"
SERVICE = "service"

# A cover that begins on this very day has been given the class of this day.
_MOVE = """
    WITH moving AS (
        SELECT s.pool_id, s.membership_id, s.from_at, members_class_at(m.pool_id, m.birth_date, %(day)s) AS class_no
          FROM members_membership m
          JOIN members_span s ON s.pool_id = m.pool_id AND s.membership_id = m.id AND s.to_at IS NULL
         WHERE m.pool_id = %(pool)s AND s.from_at < %(at)s AND {who}
           AND members_class_at(m.pool_id, m.birth_date, %(day)s) <> s.class_no),
    ended AS (
        UPDATE members_span s SET to_at = %(at)s FROM moving o
         WHERE s.pool_id = o.pool_id AND s.membership_id = o.membership_id AND s.from_at = o.from_at)
    INSERT INTO members_span (pool_id, membership_id, class_no, from_at, recorded_at)
    SELECT pool_id, membership_id, class_no, %(at)s, clock_timestamp() FROM moving"""
_EVERYBODY = "m.birth_date IS NOT NULL"
_BIRTHDAYS = "m.birth_date = ANY(%(born)s)"


def due(at: dt.datetime) -> Iterator[tuple[Pool, dt.date]]:
    """Yield each pool whose rules have classes by age and whose members were not looked at today, with its day."""
    by_age = Pool.objects.filter(plan_versions__terms__classes__0__has_key="age_from")
    for pool in by_age.filter(state=Pool.State.OPEN).distinct():
        today = clock.day_of(at, pool.time_zone)
        if pool.ages_followed_date is None or pool.ages_followed_date < today:
            yield pool, today


def order_due(at: dt.datetime) -> None:
    """Have it done for each pool where a day has begun; doubled, late or lost ticks change nothing."""
    for pool, today in due(at):
        jobs.enqueue(kind=FOLLOW, key=f"{pool.code}/{today}", payload={"pool": pool.pk}, actor=SERVICE)


def follow(lease: jobs.Lease) -> dict[str, int]:
    """Move whoever belongs into another class since the last time."""
    with lease.transaction():
        moved = follow_ages(pool=Pool.objects.get(pk=lease.payload["pool"]))
    return {"moved": moved}


def follow_ages(*, pool: Pool) -> int:
    """Move members into the class of their age, day by day up to today; return how many.

    While a pool ends it does nothing: whoever shares then is counted as of the notice.
    """
    with transaction.atomic():
        pool = Pool.objects.select_for_update().get(pk=pool.pk)
        today = clock.today(pool.time_zone)
        versions = list(pool.plan_versions.filter(effective_date__lte=today).order_by("effective_date"))
        by_age = [version for version in versions if _bands(version.plan())]
        if pool.state != Pool.State.OPEN or not by_age:
            return 0
        last = pool.ages_followed_date
        day = by_age[0].effective_date if last is None else last + dt.timedelta(days=1)
        moved = 0
        while day <= today:
            moved += _follow_day(pool, [v for v in versions if v.effective_date <= day][-1], day)
            day += dt.timedelta(days=1)
        Pool.objects.filter(pk=pool.pk).filter(
            Q(ages_followed_date=None) | Q(ages_followed_date__lt=today)
        ).update(ages_followed_date=today)
    return moved


def _follow_day(pool: Pool, version: PlanVersion, day: dt.date) -> int:
    bands = _bands(version.plan())
    if not bands:
        return 0
    # New rules may move everybody; so may their second day, for covers that were to begin on the first.
    is_new = day <= version.effective_date + dt.timedelta(days=1)
    parameters: dict[str, Any] = {
        "pool": pool.pk,
        "day": day,
        "at": clock.start_of_day(day, pool.time_zone),
        "born": [born for first in bands for born in born_to_be(first, day)],
    }
    with connection.cursor() as cursor:
        cursor.execute(_MOVE.format(who=_EVERYBODY if is_new else _BIRTHDAYS), parameters)
        moved: int = cursor.rowcount
    if moved:
        failpoint("joining.ages_followed")
        audit.record(
            actor=SERVICE, action="follow_ages", subject=pool.code, day=day.isoformat(), members=moved
        )
        jobs.enqueue(
            kind=TELL,
            key=f"{pool.code}/{day}",
            payload={"pool": pool.pk, "day": day.isoformat()},
            actor=SERVICE,
        )
    return moved


def _bands(plan: PlanTerms) -> list[int]:
    """Return the first age of each class; none where ages do not decide."""
    return [row.age_from for row in plan.classes if row.age_from is not None]


def born_to_be(age: int, day: dt.date) -> list[dt.date]:
    """Return the birth dates of those who complete that many years on that day; 29 February counts on 1 March."""
    year = day.year - age
    born = [dt.date(year, day.month, day.day)] if _exists(year, day) else []
    leapling = dt.date(year, 2, 29) if _exists(year, dt.date(2000, 2, 29)) else None
    if leapling and (day.month, day.day) == (3, 1) and not _exists(day.year, dt.date(2000, 2, 29)):
        born.append(leapling)
    return born


def _exists(year: int, day: dt.date) -> bool:
    return year >= 1 and (
        (day.month, day.day) != (2, 29) or (year % 4 == 0 and (year % 100 != 0 or year % 400 == 0))
    )


# --- telling ----------------------------------------------------------------------------------------------------

_MOVED = """
    SELECT m.person_id, m.number, was.class_no, now.class_no
      FROM members_membership m
      JOIN members_span now ON now.pool_id = m.pool_id AND now.membership_id = m.id AND now.from_at = %(at)s
      JOIN members_span was ON was.pool_id = m.pool_id AND was.membership_id = m.id AND was.to_at = %(at)s
     WHERE m.pool_id = %(pool)s AND m.birth_date IS NOT NULL AND m.person_id > %(after)s
       AND now.class_no <> was.class_no
     ORDER BY m.person_id LIMIT %(batch)s"""


def tell_classes(lease: jobs.Lease) -> dict[str, int]:
    """Tell each member with an account who was moved on that day, once."""
    pool = Pool.objects.get(pk=lease.payload["pool"])
    day = dt.date.fromisoformat(lease.payload["day"])
    plan = pool.plan_versions.filter(effective_date__lte=day).latest("effective_date").plan()
    told = 0
    for batch in notices.batches(_MOVED, pool=pool.pk, at=clock.start_of_day(day, pool.time_zone)):
        with lease.transaction():
            people = User.objects.in_bulk([row[0] for row in batch])
            news = [_news(pool, plan, day, people[row[0]], row[1:]) for row in batch]
            told += notices.tell(
                news, batch=f"classes/{pool.code}/{day}/{batch[0][0]}/{lease.attempt}", actor=lease.actor
            )
        failpoint("joining.classes_told")
    return {"told": told}


def _news(pool: Pool, plan: PlanTerms, day: dt.date, person: User, row: tuple[Any, ...]) -> notices.News:
    number, was, now = row
    rows = {one.class_no: one for one in plan.classes}
    return notices.News(
        person=person,
        kind=notices.CLASS_CHANGED,
        key=f"{pool.code}#{number}/{day}",
        params={
            "pool_en": pool.name_en,
            "pool_zh": pool.name_zh,
            "class_en": rows[now].name_en,
            "class_zh": rows[now].name_zh,
            "weight": rows[now].weight,
            "weight_before": rows[was].weight,
            "from": day.isoformat(),
        },
        link=reverse("my_pool", args=[pool.code]),
    )
