"""One mail a day with the notices that wait for it, at the hour of the person's choice."""

import datetime as dt
from collections import defaultdict
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import override

from aidplatform.lib import clock
from aidplatform.lib.dates import format_day
from aidplatform.lib.failpoints import failpoint
from aidplatform.work import jobs
from aidplatform.work.models import Job
from members.people.choices import wishes_of
from members.people.mails import Letter, write_mails
from members.people.models import Mail, Notice, NoticeHours, User
from members.people.notices import batches, foot_of_mail, said, subject_of
from members.people.texts import Text, numbers_of, words_for, write_texts

WRITE = "people.write_digests"
SERVICE = "service:people"

# Person, day and hour of whose digest it is time, by the clock of their zone: told before that hour, not carried yet.
_DUE = """
    SELECT n.person_id, (%(at)s AT TIME ZONE h.zone)::date, h.due_at
      FROM members_notice n
      JOIN members_user u ON u.id = n.person_id
      CROSS JOIN LATERAL (
           SELECT zone, ((%(at)s AT TIME ZONE zone)::date + make_interval(hours => hour)) AT TIME ZONE zone AS due_at
             FROM (SELECT coalesce(max(c.time_zone), %(zone)s) AS zone,
                           coalesce(max(c.digest_hour), %(hour)s) AS hour
                     FROM members_noticehours c WHERE c.person_id = n.person_id) chosen) h
     WHERE n.way = 'digest' AND n.digest_date IS NULL AND n.person_id > %(after)s
       AND n.at < h.due_at AND h.due_at <= %(at)s
       AND NOT EXISTS (SELECT 1 FROM members_mail m WHERE m.key =
                       'digest/' || u.code || '/' || to_char(%(at)s AT TIME ZONE h.zone, 'YYYY-MM-DD'))
     GROUP BY 1, 2, 3 ORDER BY 1 LIMIT %(batch)s"""


def order_due(at: dt.datetime) -> None:
    """Have digests written once a quarter of an hour, if any is due; doubled, late or lost ticks change nothing."""
    quarter = at - dt.timedelta(minutes=at.minute % 15, seconds=at.second, microseconds=at.microsecond)
    key = f"{quarter:%Y-%m-%dT%H:%M}"
    if Job.objects.filter(kind=WRITE, key=key).exists():
        return
    with connection.cursor() as cursor:
        cursor.execute(_DUE, _unchosen() | {"at": at, "after": 0, "batch": 1})
        is_due = cursor.fetchone() is not None
    if is_due:
        jobs.enqueue(kind=WRITE, key=key, payload={}, actor=SERVICE)


def _unchosen() -> dict[str, Any]:
    """Return the zone and the hour of whoever has chosen none."""
    hours = NoticeHours()
    return {"zone": hours.time_zone, "hour": hours.digest_hour}


def write_digests(lease: jobs.Lease) -> dict[str, int]:
    """Write a mail for each person whose hour has come, batch by batch, and mark what it carries.

    Mail and marks are one transaction, and the key of the mail is person and day: nothing is written twice.
    """
    at = clock.now()
    written = 0
    for batch in batches(_DUE, at=at, **_unchosen()):
        with lease.transaction():
            written += _write(batch, f"digest/{lease.job_id}/{batch[0][0]}/{lease.attempt}", lease.actor)
        failpoint("people.digests_written")
    return {"digests": written}


def _write(batch: list[tuple[int, dt.date, dt.datetime]], name: str, actor: str) -> int:
    due = {person: (day, due_at) for person, day, due_at in batch}
    # Another job may be at the same people: whoever comes second finds their mail.
    locked = User.objects.select_for_update(no_key=True).filter(pk__in=due).order_by("pk")
    keys = {person: _key(person, due[person.pk][0]) for person in locked}
    there = set(Mail.objects.filter(key__in=keys.values()).values_list("key", flat=True))
    people = {person.pk: person for person, key in keys.items() if key not in there}
    waiting: dict[int, list[Notice]] = defaultdict(list)
    marked: dict[dt.date, list[int]] = defaultdict(list)
    for notice in Notice.objects.filter(person__in=people, way="digest", digest_date=None).order_by("pk"):
        day, due_at = due[notice.person_id]
        if notice.at < due_at:
            waiting[notice.person_id].append(notice)
            marked[day].append(notice.pk)
    letters = [_letter(people[pk], due[pk][0], found) for pk, found in waiting.items()]
    write_mails(letters, batch=name, actor=actor)
    write_texts(_texts(people, {pk: due[pk][0] for pk in waiting}, waiting), batch=name, actor=actor)
    for day, carried in marked.items():
        Notice.objects.filter(pk__in=carried).update(digest_date=day)
    return len(letters)


def _letter(person: User, day: dt.date, carried: list[Notice]) -> Letter:
    with override(person.language):
        parts = ["\n\n".join((subject_of(notice.kind, notice.params), *said(notice))) for notice in carried]
        parts.append(foot_of_mail())
        subject = _("Your notices of %(day)s: %(count)s") % {"day": format_day(day), "count": len(carried)}
    return Letter(_key(person, day), person, subject, "\n\n— — —\n\n".join(parts) + "\n")


def _texts(people: dict[int, User], days: dict[int, dt.date], waiting: dict[int, list[Notice]]) -> list[Text]:
    """Return a text message for each whose digest carries something of which they want one, after quiet hours."""
    wishes = wishes_of([people[pk] for pk in waiting])
    wanted = {
        pk: [notice for notice in found if wishes[pk].wants_text_of(notice.kind)]
        for pk, found in waiting.items()
    }
    numbers = numbers_of([people[pk] for pk, found in wanted.items() if found])
    return [
        Text(
            _key(people[pk], days[pk]),
            people[pk],
            number,
            words_for(people[pk], len(wanted[pk])),
            hours=wishes[pk].hours,
        )
        for pk, number in numbers.items()
    ]


def _key(person: User, day: dt.date) -> str:
    return f"digest/{person.code}/{day}"
