"""Memberships follow their person's age: into another class, and out of the pool, at 00:00 of a birthday, and told.

Every day is looked at once, by the rules of that day, however late: a clock that stood still for a week changes nothing
but when it is written down. Every headcount is preceded by it, which the database holds (headcount_follows_ages).
"""

import datetime as dt
from calendar import isleap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet
from django.urls import reverse

from aidplatform.lib import clock
from aidplatform.lib.failpoints import failpoint
from aidplatform.work import audit, jobs
from members.joining.eligibility import SIGNING_AGE, birthday
from members.joining.guardian_sql import has_died_sql
from members.joining.models import Membership
from members.joining.payer_news import tell_of_ends
from members.joining.silence import end_silent
from members.joining.told import COLUMNS, IN_ORDER, LISTENS, TOLD, Told, read
from members.joining.transfer_offers import OFFERED_AHEAD, REMINDED_AHEAD, offer_of
from members.joining.transfers import offer_news, pools_before, take_over_due, waiting_for_a_closed_pool
from members.people import notices
from members.people.models import User
from members.pools.models import PlanVersion, Pool
from members.pools.plan_terms import PlanTerms

FOLLOW = "joining.follow_ages"
TELL = "joining.tell_classes"
TELL_OUT = "joining.tell_ages_out"
TELL_OF_AGE = "joining.tell_of_age"
TELL_OFFERS = "joining.tell_offers"
SERVICE = "service"
# So many days ahead somebody is told that they reach the age at which the rules end, or a child is of age.
TOLD_AHEAD = dt.timedelta(days=30)

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
# The suspended and those who have not paid yet as well: nothing restores them any more.
_END = """
    WITH over AS (
        SELECT m.pool_id, m.id FROM members_membership m
         WHERE m.pool_id = %(pool)s AND {who} AND m.joined_date < %(day)s
           AND date_part('year', age(%(day)s::timestamp, m.birth_date::timestamp)) >= %(oldest)s
           AND NOT EXISTS (SELECT 1 FROM members_membershipend e WHERE e.membership_id = m.id)),
    ended AS (
        UPDATE members_span s SET to_at = greatest(%(at)s, s.from_at) FROM over o
         WHERE s.pool_id = o.pool_id AND s.membership_id = o.id AND s.to_at IS NULL)
    INSERT INTO members_membershipend (membership_id, reason, end_date, reference, recorded_by, recorded_at)
    SELECT id, 'aged_out', %(day)s, '', %(by)s, clock_timestamp() FROM over"""
_EVERYBODY = "m.birth_date IS NOT NULL"
_BIRTHDAYS = "m.birth_date = ANY(%(born)s)"


def due(at: dt.datetime) -> Iterator[tuple[Pool, dt.date]]:
    """Yield each open pool whose members' ages were not looked at today, with its day."""
    for pool in Pool.objects.filter(state=Pool.State.OPEN):
        today = clock.day_of(at, pool.time_zone)
        if pool.ages_followed_date is None or pool.ages_followed_date < today:
            yield pool, today
    # Whoever has signed for a pool that takes nobody any more is told so on the day.
    for pool in waiting_for_a_closed_pool(at.date()):
        yield pool, clock.day_of(at, pool.time_zone)


def order_due(at: dt.datetime) -> None:
    """Have it done for each pool where a day has begun; doubled, late or lost ticks change nothing."""
    for pool, today in due(at):
        jobs.enqueue(kind=FOLLOW, key=f"{pool.code}/{today}", payload={"pool": pool.pk}, actor=SERVICE)


def follow(lease: jobs.Lease) -> dict[str, int]:
    """Move or end whoever has reached an age since the last time."""
    with lease.transaction():
        followed = follow_ages(pool=Pool.objects.get(pk=lease.payload["pool"]))
    return {"members": followed}


def follow_ages(*, pool: Pool, after: frozenset[int] = frozenset()) -> int:
    """Move members into the class of their age, and end memberships at the age at which the rules end, up to today.

    Day by day, for whoever's birth date is known; before new rules begin it also ends the memberships of who has not
    agreed to them, where they ask for it. Whoever has signed to come over from a pool that ends at an age is taken over
    once that one has followed the ages of its own. Returns for how many something has changed. While a pool ends it
    takes nobody over and moves nobody: whoever shares then is counted as of the notice.

    after: the pools (by id) that wait for this one. Two can come before each other while their rules change; whoever
    waits already is not followed again.
    """
    with transaction.atomic():
        pool = Pool.objects.select_for_update().get(pk=pool.pk)
        today = clock.today(pool.time_zone)
        versions = list(pool.plan_versions.filter(effective_date__lte=today).order_by("effective_date"))
        waiting = after | {pool.pk}
        for before in pools_before(pool).exclude(pk__in=waiting):
            follow_ages(pool=before, after=waiting)
        followed = take_over_due(pool=pool)
        if pool.state != Pool.State.OPEN or not versions:
            return followed
        last = pool.ages_followed_date
        day = versions[0].effective_date if last is None else last + dt.timedelta(days=1)
        ages_are_known = pool.memberships.filter(birth_date__isnull=False).exists()
        first_days = {version.effective_date for version in versions}
        while day <= today:
            # Where nobody's age is known, nothing happens but on the first day of new rules.
            if ages_are_known or day in first_days:
                version = [one for one in versions if one.effective_date <= day][-1]
                followed += _follow_day(_Day(pool, version, day))
            day += dt.timedelta(days=1)
        if last is None or last < today:
            Pool.objects.filter(pk=pool.pk).update(ages_followed_date=today)
    return followed


@dataclass(frozen=True)
class _Day:
    """One day of a pool, and the rules in force on it."""

    pool: Pool
    version: PlanVersion
    day: dt.date

    def change(self, sql: str, ages: list[int], **parameters: Any) -> int:
        """Run a statement for those who reach one of these ages on this day; return how many rows it wrote.

        New rules may concern everybody; so may their second day, for covers that were to begin on the first.
        """
        is_new = self.day <= self.version.effective_date + dt.timedelta(days=1)
        parameters |= {
            "pool": self.pool.pk,
            "day": self.day,
            "at": clock.start_of_day(self.day, self.pool.time_zone),
            "born": [born for age in ages for born in born_to_be(age, self.day)],
        }
        with connection.cursor() as cursor:
            cursor.execute(sql.format(who=_EVERYBODY if is_new else _BIRTHDAYS), parameters)
            return int(cursor.rowcount)


def _follow_day(one: _Day) -> int:
    bands, oldest = _bands(one.version), _oldest(one.version)
    over = one.change(_END, [oldest], oldest=oldest, by=SERVICE)
    silent = end_silent(pool=one.pool, day=one.day)
    moved = one.change(_MOVE, bands) if bands else 0
    soon = born_to_be(oldest, one.day + TOLD_AHEAD)
    is_told = over or one.pool.memberships.filter(birth_date__in=soon, end=None).exists()
    key, payload = f"{one.pool.code}/{one.day}", {"pool": one.pool.pk, "day": one.day.isoformat()}
    if moved:
        jobs.enqueue(kind=TELL, key=key, payload=payload, actor=SERVICE)
    if is_told:
        jobs.enqueue(kind=TELL_OUT, key=key, payload=payload, actor=SERVICE)
    of_age = born_to_be(SIGNING_AGE, one.day + TOLD_AHEAD)
    if one.pool.memberships.filter(birth_date__in=of_age, person=None, end=None).exists():
        jobs.enqueue(kind=TELL_OF_AGE, key=key, payload=payload, actor=SERVICE)
    if one.version.plan().successor and _near_the_last_age(one).exists():
        jobs.enqueue(kind=TELL_OFFERS, key=key, payload=payload, actor=SERVICE)
    if over or moved or silent:
        failpoint("joining.ages_followed")
        told = {"day": one.day.isoformat(), "moved": moved, "ended": over, "silent": silent}
        audit.record(actor=SERVICE, action="follow_ages", subject=one.pool.code, **told)
    return over + moved + silent


def _near_the_last_age(one: _Day) -> QuerySet[Membership]:
    """Return the members with an account who are told on that day that another pool takes them over."""
    oldest = _oldest(one.version)
    born = [day for ahead in (OFFERED_AHEAD, REMINDED_AHEAD) for day in born_to_be(oldest, one.day + ahead)]
    found = Membership.objects.filter(pool=one.pool, birth_date__in=born, person__isnull=False, end=None)
    return found.select_related("pool", "person").order_by("pk")


def tell_offers(lease: jobs.Lease) -> dict[str, int]:
    """Tell of the other pool who reaches the last age OFFERED_AHEAD later, and REMINDED_AHEAD who has not signed."""
    pool = Pool.objects.get(pk=lease.payload["pool"])
    day = dt.date.fromisoformat(lease.payload["day"])
    version = pool.plan_versions.filter(effective_date__lte=day).latest("effective_date")
    told = 0
    for member in _near_the_last_age(_Day(pool, version, day)):
        with lease.transaction():
            offer = offer_of(member, day)
            if offer is None or offer.obstacle or offer.signed:
                continue
            batch = f"offers/{member}/{day}/{lease.attempt}"
            told += notices.tell([offer_news(offer, on=day)], batch=batch, actor=lease.actor)
        failpoint("joining.offers_told")
    return {"told": told}


def _bands(version: PlanVersion) -> list[int]:
    """Return the first age of each class; none where ages do not decide."""
    return [row["age_from"] for row in version.terms["classes"] if "age_from" in row]


def _oldest(version: PlanVersion) -> int:
    """Return the age from which there is no aid."""
    oldest: int = max(row["age_before"] for row in version.terms["aid"])
    return oldest


def born_to_be(age: int, day: dt.date) -> list[dt.date]:
    """Return the birth dates of those who complete that many years on that day."""
    year = day.year - age
    days = {(day.month, day.day), (2, 29)}
    if not isleap(year):
        days.remove((2, 29))
    return [born for born in (dt.date(year, *one) for one in sorted(days)) if birthday(born, age) == day]


# --- telling ----------------------------------------------------------------------------------------------------

_MOVED = f"""
    SELECT {COLUMNS}, was.class_no, now.class_no FROM {TOLD}
      JOIN members_span now ON now.pool_id = m.pool_id AND now.membership_id = m.id AND now.from_at = %(at)s
      JOIN members_span was ON was.pool_id = m.pool_id AND was.membership_id = m.id AND was.to_at = %(at)s
     WHERE {LISTENS} AND m.birth_date IS NOT NULL AND now.class_no <> was.class_no {IN_ORDER}"""  # noqa: S608 - fixed names


def tell_classes(lease: jobs.Lease) -> dict[str, int]:
    """Tell of each member who was moved on that day, once."""
    pool = Pool.objects.get(pk=lease.payload["pool"])
    day = dt.date.fromisoformat(lease.payload["day"])
    plan = pool.plan_versions.filter(effective_date__lte=day).latest("effective_date").plan()
    told = 0
    for batch in notices.batches(_MOVED, pool=pool.pk, at=clock.start_of_day(day, pool.time_zone)):
        with lease.transaction():
            news = [_news(pool, plan, day, one, row) for one, row in read(batch)]
            told += notices.tell(
                news, batch=f"classes/{pool.code}/{day}/{batch[0][0]}/{lease.attempt}", actor=lease.actor
            )
        failpoint("joining.classes_told")
    return {"told": told}


_OUT = f"""
    SELECT {COLUMNS}, e.membership_id IS NOT NULL
      FROM {TOLD} LEFT JOIN members_membershipend e ON e.membership_id = m.id
     WHERE {LISTENS} AND m.birth_date IS NOT NULL
       AND (e.reason = 'aged_out' AND e.end_date = %(day)s
            OR e.membership_id IS NULL AND m.birth_date = ANY(%(soon)s))
       AND NOT EXISTS (SELECT 1 FROM members_agetransfer t WHERE t.membership_id = m.id AND t.state <> 'revoked')
       {IN_ORDER}"""  # noqa: S608 - fixed names


def tell_ages_out(lease: jobs.Lease) -> dict[str, int]:
    """Tell, once each, of whose membership has ended by age on that day, and whose ends TOLD_AHEAD later.

    Whoever has signed to go on in another pool knows the day, and is told of that pool instead.
    """
    pool = Pool.objects.get(pk=lease.payload["pool"])
    day = dt.date.fromisoformat(lease.payload["day"])
    oldest = _oldest(pool.plan_versions.filter(effective_date__lte=day).latest("effective_date"))
    told = 0
    for batch in notices.batches(_OUT, pool=pool.pk, day=day, soon=born_to_be(oldest, day + TOLD_AHEAD)):
        with lease.transaction():
            news = [
                one.news(
                    notices.AGED_OUT if is_over else notices.AGES_OUT,
                    f"{pool.code}#{one.number}/{day}",
                    {
                        "pool_en": pool.name_en,
                        "pool_zh": pool.name_zh,
                        "age": oldest,
                        "until": (day if is_over else day + TOLD_AHEAD).isoformat(),
                    },
                    pool=pool.code,
                )
                for one, (is_over,) in read(batch)
            ]
            name = f"ages_out/{pool.code}/{day}/{batch[0][0]}/{lease.attempt}"
            told += notices.tell(news, batch=name, actor=lease.actor)
        failpoint("joining.ages_out_told")
    with lease.transaction():
        told += tell_of_ends(pool=pool, reason="aged_out", day=day, actor=lease.actor)
    return {"told": told}


_OF_AGE = f"""
    SELECT m.id, g.person_id, m.number
      FROM members_membership m JOIN members_familymember f ON f.membership_id = m.id
      JOIN members_membership g ON g.id = f.guardian_id
     WHERE m.pool_id = %(pool)s AND m.person_id IS NULL AND m.birth_date = ANY(%(soon)s) AND m.id > %(after)s
       AND NOT EXISTS (SELECT 1 FROM members_membershipend e WHERE e.membership_id = m.id)
       AND NOT {has_died_sql("g.id")}
     ORDER BY m.id LIMIT %(batch)s"""  # noqa: S608 - fixed names


def tell_of_age(lease: jobs.Lease) -> dict[str, int]:
    """Tell guardians, once each, that a child is of age TOLD_AHEAD after that day and may take over."""
    pool = Pool.objects.get(pk=lease.payload["pool"])
    day = dt.date.fromisoformat(lease.payload["day"])
    told = 0
    for batch in notices.batches(_OF_AGE, pool=pool.pk, soon=born_to_be(SIGNING_AGE, day + TOLD_AHEAD)):
        with lease.transaction():
            people = User.objects.in_bulk([row[1] for row in batch])
            news = [
                notices.News(
                    person=people[guardian],
                    kind=notices.FAMILY_OF_AGE,
                    key=f"{pool.code}#{number}",
                    params={
                        "pool_en": pool.name_en,
                        "pool_zh": pool.name_zh,
                        "number": number,
                        "from": (day + TOLD_AHEAD).isoformat(),
                    },
                    link=reverse("family", args=[pool.code]),
                )
                for _membership, guardian, number in batch
            ]
            name = f"of_age/{pool.code}/{day}/{batch[0][0]}/{lease.attempt}"
            told += notices.tell(news, batch=name, actor=lease.actor)
        failpoint("joining.of_age_told")
    return {"told": told}


def _news(pool: Pool, plan: PlanTerms, day: dt.date, told: Told, row: tuple[Any, ...]) -> notices.News:
    was, now = row
    rows = {one.class_no: one for one in plan.classes}
    return told.news(
        notices.CLASS_CHANGED,
        f"{pool.code}#{told.number}/{day}",
        {
            "pool_en": pool.name_en,
            "pool_zh": pool.name_zh,
            "class_en": rows[now].name_en,
            "class_zh": rows[now].name_zh,
            "weight": rows[now].weight,
            "weight_before": rows[was].weight,
            "from": day.isoformat(),
        },
        pool=pool.code,
    )
