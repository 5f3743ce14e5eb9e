"""Members are told the day before their waiting time ends, once, however late or often the calendar looks."""

import datetime as dt

from aidplatform.lib import clock
from aidplatform.lib.failpoints import failpoint
from aidplatform.work import jobs
from aidplatform.work.models import Job
from members.joining.told import COLUMNS, IN_ORDER, LISTENS, TOLD, read
from members.people import notices
from members.people.cover_words import WAITING_OVER
from members.pools.models import Pool

TELL = "joining.tell_waiting"
SERVICE = "service"
# After an outage the days that nobody looked at are made up for, so far back.
MADE_UP_DAYS = 7
_DAY = dt.timedelta(days=1)

# Whoever waits for nothing was told at joining when cover begins; whoever is not covered then has nothing to be told.
_OVER = f"""
    SELECT {COLUMNS} FROM {TOLD}
      JOIN members_covenantsignature g ON g.membership_id = m.id
     WHERE {LISTENS} AND g.eligible_date = %(day)s AND g.eligible_date > m.joined_date + 1
       AND NOT EXISTS (SELECT 1 FROM members_membershipend e WHERE e.membership_id = m.id AND e.end_date <= %(day)s)
       AND EXISTS (SELECT 1 FROM members_span s WHERE s.pool_id = m.pool_id AND s.membership_id = m.id
                      AND s.from_at <= %(at)s AND (s.to_at IS NULL OR s.to_at > %(at)s)) {IN_ORDER}"""  # noqa: S608 - fixed names


def order_due(at: dt.datetime) -> None:
    """Have it told in each open pool of whom waiting ends tomorrow; doubled, late or lost ticks change nothing."""
    for pool in Pool.objects.filter(state=Pool.State.OPEN):
        tomorrow = clock.day_of(at, pool.time_zone) + _DAY
        if not Job.objects.filter(kind=TELL, key=_key(pool, tomorrow)).exists():
            days = [tomorrow - back * _DAY for back in range(MADE_UP_DAYS)]
            # Before its opening nothing counts, whenever a wait was over.
            for day in [one for one in days if pool.opened_date is None or one >= pool.opened_date]:
                payload = {"pool": pool.pk, "day": day.isoformat()}
                jobs.enqueue(kind=TELL, key=_key(pool, day), payload=payload, actor=SERVICE)


def tell_waiting(lease: jobs.Lease) -> dict[str, int]:
    """Tell, once each, of every covered member whose waiting time ends with that day's beginning."""
    pool = Pool.objects.get(pk=lease.payload["pool"])
    day = dt.date.fromisoformat(lease.payload["day"])
    params = {"pool_en": pool.name_en, "pool_zh": pool.name_zh, "eligible": day.isoformat()}
    told = 0
    for batch in notices.batches(_OVER, pool=pool.pk, day=day, at=clock.start_of_day(day, pool.time_zone)):
        with lease.transaction():
            news = [
                one.news(WAITING_OVER, f"{pool.code}#{one.number}", params, pool=pool.code)
                for one, _rest in read(batch)
            ]
            name = f"waiting/{pool.code}/{day}/{batch[0][0]}/{lease.attempt}"
            told += notices.tell(news, batch=name, actor=lease.actor)
        failpoint("joining.waiting_told")
    return {"told": told}


def _key(pool: Pool, day: dt.date) -> str:
    return f"{pool.code}/{day}"
