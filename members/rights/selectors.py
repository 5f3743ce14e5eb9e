"""Reads of complaints: one's own, those that wait for somebody on duty, and the counts that everybody sees."""

import datetime as dt
from dataclasses import dataclass

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock
from aidplatform.lib.crypto import unseal_text
from aidplatform.lib.errors import NotFoundError
from members.joining.models import JoinApplication, Membership
from members.people.models import User
from members.pools.models import DutyGrant, Pool
from members.pools.selectors import access_pool, duties_of
from members.rights.models import Complaint

ADMIN = DutyGrant.Duty.POOL_ADMIN.value
AUDITOR = DutyGrant.Duty.AUDITOR.value
CONTROLLER = DutyGrant.Duty.CONTROLLER.value
READERS = (ADMIN, AUDITOR, CONTROLLER)
_SECOND = {AUDITOR, CONTROLLER}


@dataclass(frozen=True)
class ComplaintCounts:
    """What everybody sees. in_time: first answers by their day; late: waiting or answered beyond it.

    settled: those that wait for nobody of the pool; median_days: from filing to the first answer.
    """

    waiting: int
    in_time: int
    late: int
    median_days: int | None
    settled: int

    @property
    def all(self) -> int:
        """Return how many there ever were."""
        return self.waiting + self.settled


def is_related(pool: Pool, person: User) -> bool:
    """Tell whether the person belongs, belonged or applied to a pool."""
    return (
        Membership.objects.filter(pool=pool, person=person).exists()
        or JoinApplication.objects.filter(pool=pool, person=person).exists()
    )


def access_related(*, code: str, person: User) -> Pool:
    """Return a pool that the person belongs, belonged or applied to. Raises: NotFoundError."""
    pool = access_pool(code=code)
    if not is_related(pool, person):
        raise NotFoundError(_("There is no pool with this address."))
    return pool


def own_complaints(pool: Pool, person: User) -> QuerySet[Complaint]:
    """Return the person's complaints in a pool, newest first."""
    return Complaint.objects.filter(pool=pool, person=person).select_related("pool", "person").order_by("-pk")


def access_own(*, pool: Pool, person: User, year: int, number: int) -> Complaint:
    """Return a complaint of the person's own. Raises: NotFoundError."""
    return _found(own_complaints(pool, person), year, number)


def readable_complaints(pool: Pool, person: User) -> QuerySet[Complaint]:
    """Return the complaints of a pool that somebody with a duty may read: none of their own, and of admins no admin."""
    found = Complaint.objects.filter(pool=pool).exclude(person=person)
    if not duties_of(person, pool) & _SECOND:
        found = found.exclude(about=Complaint.About.ADMIN).exclude(person__in=_admins(pool))
    return found.select_related("pool", "person").order_by("-year", "-number")


def access_readable(*, pool: Pool, person: User, year: int, number: int) -> Complaint:
    """Return a complaint that somebody with a duty may read. Raises: NotFoundError."""
    return _found(readable_complaints(pool, person), year, number)


def filtered(
    found: QuerySet[Complaint], *, state: str = "", about: str = "", late_on: dt.date | None = None
) -> QuerySet[Complaint]:
    """Return those in a state and about something; late_on: only those overdue on that day."""
    found = found.filter(state=state) if state else found
    found = found.filter(about=about) if about else found
    return found.filter(overdue(late_on)) if late_on else found


def overdue(today: dt.date) -> Q:
    """Return the condition of what should have been answered before a day."""
    return Q(state=Complaint.State.FILED, due_date__lt=today) | Q(
        state=Complaint.State.PASSED_ON, second_due_date__lt=today
    )


def is_of_admins(complaint: Complaint) -> bool:
    """Tell whether it is about the pool's admins, or by one of them: not theirs to answer."""
    is_by_one = _admins(complaint.pool).filter(pk=complaint.person_id).exists()
    return complaint.about == Complaint.About.ADMIN or is_by_one


def answerers(complaint: Complaint) -> list[User]:
    """Return who is to answer it now: whoever holds the duty and has no part in it."""
    of_second = complaint.state == Complaint.State.PASSED_ON or is_of_admins(complaint)
    duties = _SECOND if of_second else {ADMIN}
    grants = DutyGrant.objects.filter(pool=complaint.pool, duty__in=duties, ended_at=None)
    others = grants.exclude(person=complaint.person).exclude(person__code=complaint.answered_by or "")
    people = {grant.person for grant in others.select_related("person")}
    return sorted(people, key=lambda person: person.pk)


def may_answer(complaint: Complaint, person: User) -> bool:
    """Tell whether it waits for this person's answer."""
    return waiting_for(person).filter(pk=complaint.pk).exists()


def counts_of(pool: Pool, today: dt.date) -> ComplaintCounts:
    """Return what everybody sees of a pool's complaints. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT count(*) FILTER (WHERE state IN ('filed', 'passed_on')),
                      count(*) FILTER (WHERE answered_date <= due_date),
                      count(*) FILTER (WHERE coalesce(answered_date, %(today)s) > due_date
                                          OR coalesce(second_date, %(today)s) > second_due_date),
                      round(percentile_cont(0.5) WITHIN GROUP (ORDER BY answered_date - filed_date))::int,
                      count(*) FILTER (WHERE state NOT IN ('filed', 'passed_on'))
                 FROM (SELECT c.*, (c.filed_at AT TIME ZONE %(zone)s)::date AS filed_date,
                              (c.answered_at AT TIME ZONE %(zone)s)::date AS answered_date,
                              (c.second_at AT TIME ZONE %(zone)s)::date AS second_date
                         FROM members_complaint c WHERE c.pool_id = %(pool)s) c""",
            {"pool": pool.pk, "zone": pool.time_zone, "today": today},
        )
        waiting, in_time, late, median, answered = cursor.fetchone()
    return ComplaintCounts(waiting, in_time, late, median, answered)


def text_of(complaint: Complaint) -> str:
    """Return what the complainant wrote."""
    return unseal_text(bytes(complaint.text_sealed), complaint.place_of("text"))


def answer_of(complaint: Complaint) -> str:
    """Return the answer; empty while there is none."""
    return _opened(complaint, complaint.answer_sealed, "answer")


def remark_of(complaint: Complaint) -> str:
    """Return why the answer did not settle it."""
    return _opened(complaint, complaint.remark_sealed, "remark")


def second_of(complaint: Complaint) -> str:
    """Return the second person's answer."""
    return _opened(complaint, complaint.second_sealed, "second")


def waiting_for(person: User) -> QuerySet[Complaint]:
    """Return the complaints that wait for this person's answer, by the rules that the database holds."""
    mine = DutyGrant.objects.filter(person=person, pool=OuterRef("pool"), ended_at=None)
    is_admin, is_second = Exists(mine.filter(duty=ADMIN)), Exists(mine.filter(duty__in=_SECOND))
    of_admins = Q(about=Complaint.About.ADMIN) | Q(
        Exists(
            DutyGrant.objects.filter(
                Q(pool=OuterRef("pool")) | Q(pool=None), person=OuterRef("person"), duty=ADMIN, ended_at=None
            )
        )
    )
    found = Complaint.objects.filter(
        Q(state=Complaint.State.FILED) & (of_admins & Q(is_second) | ~of_admins & Q(is_admin))
        | Q(state=Complaint.State.PASSED_ON) & Q(is_second) & ~Q(answered_by=person.code)
    )
    return found.exclude(person=person).select_related("pool", "person").order_by("due_date", "pk")


def is_late(complaint: Complaint, at: dt.datetime) -> bool:
    """Tell whether it waits beyond its day at an instant."""
    today = clock.day_of(at, complaint.pool.time_zone)
    return complaint.state in Complaint.WAITING and complaint.until_date < today


def _admins(pool: Pool) -> QuerySet[User]:
    grants = DutyGrant.objects.filter(Q(pool=pool) | Q(pool=None), duty=ADMIN, ended_at=None)
    return User.objects.filter(pk__in=grants.values("person"))


def _found(complaints: QuerySet[Complaint], year: int, number: int) -> Complaint:
    found = complaints.filter(year=year, number=number).first() if year < 10_000 and number < 2**31 else None
    if found is None:
        raise NotFoundError(_("There is no such page, or it is not yours to see."))
    return found


def _opened(complaint: Complaint, sealed: bytes | memoryview | None, part: str) -> str:
    return unseal_text(bytes(sealed), complaint.place_of(part)) if sealed is not None else ""
