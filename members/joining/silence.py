"""Memberships end on the first day of rules that took their consent and did not have it; and who is told.

Set-based, once for each such day, before the headcount that would count them (`ages.follow_ages`).
"""

import datetime as dt

from django.db import connection

from aidplatform.lib import clock
from aidplatform.lib.failpoints import failpoint
from aidplatform.work import jobs
from members.joining.payer_news import tell_of_ends
from members.joining.rule_triggers import silent_sql
from members.joining.told import COLUMNS, IN_ORDER, LISTENS, TOLD, Told, read
from members.people import notices
from members.pools.models import Pool
from members.pools.selectors import asks_consent

TELL = "joining.tell_silent"
SERVICE = "service"

# The suspended as well: they come back under no rules to which they have not agreed.
_END = f"""
    WITH over AS (
        SELECT m.pool_id, m.id FROM members_membership m JOIN members_planversion v ON v.id = %(version)s
         WHERE m.pool_id = v.pool_id AND {silent_sql("m", "v")}),
    ended AS (
        UPDATE members_span s SET to_at = greatest(%(at)s, s.from_at) FROM over o
         WHERE s.pool_id = o.pool_id AND s.membership_id = o.id AND s.to_at IS NULL)
    INSERT INTO members_membershipend (membership_id, reason, end_date, reference, recorded_by, recorded_at)
    SELECT id, 'silent', %(day)s, '', %(by)s, clock_timestamp() FROM over"""  # noqa: S608 - fixed names


def end_silent(*, pool: Pool, day: dt.date) -> int:
    """End the memberships that have not agreed to rules that begin on that day and ask for it; return how many.

    The caller has locked the pool.
    """
    version = pool.plan_versions.filter(effective_date=day, proposal__isnull=False).first()
    if version is None or not asks_consent(version):
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            _END,
            {
                "version": version.pk,
                "day": day,
                "at": clock.start_of_day(day, pool.time_zone),
                "by": SERVICE,
            },
        )
        ended = int(cursor.rowcount)
    if ended:
        payload = {"pool": pool.pk, "day": day.isoformat()}
        jobs.enqueue(kind=TELL, key=f"{pool.code}/{day}", payload=payload, actor=SERVICE)
    return ended


_ENDED = f"""
    SELECT {COLUMNS} FROM {TOLD} JOIN members_membershipend e ON e.membership_id = m.id
     WHERE {LISTENS} AND e.reason = 'silent' AND e.end_date = %(day)s {IN_ORDER}"""  # noqa: S608 - fixed names


def tell_silent(lease: jobs.Lease) -> dict[str, int]:
    """Tell, once each, whose membership has ended on that day because nobody agreed to the new rules."""
    pool = Pool.objects.get(pk=lease.payload["pool"])
    day = dt.date.fromisoformat(lease.payload["day"])
    told = 0
    for batch in notices.batches(_ENDED, pool=pool.pk, day=day):
        with lease.transaction():
            news = [_news(pool, day, one) for one, _rest in read(batch)]
            name = f"silent/{pool.code}/{day}/{batch[0][0]}/{lease.attempt}"
            told += notices.tell(news, batch=name, actor=lease.actor)
        failpoint("joining.silent_told")
    with lease.transaction():
        told += tell_of_ends(pool=pool, reason="silent", day=day, actor=lease.actor)
    return {"told": told}


def _news(pool: Pool, day: dt.date, one: Told) -> notices.News:
    params = {"pool_en": pool.name_en, "pool_zh": pool.name_zh, "until": day.isoformat()}
    return one.news(notices.RULES_ENDED, f"{pool.code}#{one.number}/{day}", params, pool=pool.code)
