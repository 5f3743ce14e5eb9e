"""Telling members with an account how their pool ends, step by step, by notice and by mail."""

from typing import Any

from django.urls import reverse

from aidplatform.lib.failpoints import failpoint
from aidplatform.work import jobs
from members.ending.models import PoolEnding
from members.people import notices
from members.people.models import User

# Whoever was covered at the notice, or began later: bears tells who shares the run-off.
_MEMBERS_WITH_ACCOUNTS = """
    SELECT m.person_id, bool_or(s.from_at <= %(as_of)s AND s.recorded_at <= %(recorded)s)
      FROM members_membership m JOIN members_span s ON s.pool_id = m.pool_id AND s.membership_id = m.id
     WHERE m.pool_id = %(pool)s AND m.person_id > %(after)s
       AND (s.to_at IS NULL OR s.to_at > %(as_of)s OR s.ended_recorded_at > %(recorded)s)
       AND NOT EXISTS (SELECT 1 FROM members_membershipend e WHERE e.membership_id = m.id AND e.reason = 'deceased')
     GROUP BY m.person_id ORDER BY m.person_id LIMIT %(batch)s"""
_KINDS = {
    "reopened": notices.ENDING_OFF,
    "cover_ended": notices.COVER_ENDED,
    "closed": notices.POOL_CLOSED,
}


def tell_step(lease: jobs.Lease) -> dict[str, int]:
    """Write a notice and a mail of one step for each member with an account, batch by batch, each once."""
    ending = PoolEnding.objects.select_related("pool", "proposal").get(pk=lease.payload["ending"])
    step = lease.payload["step"]
    told = 0
    for batch in notices.batches(
        _MEMBERS_WITH_ACCOUNTS, pool=ending.pool_id, as_of=ending.as_of, recorded=ending.recorded_at
    ):
        with lease.transaction():
            found = User.objects.in_bulk([person for person, _bears in batch])
            news = [_news(ending, step, found[person], bears) for person, bears in batch]
            told += notices.tell(
                news, batch=f"ending/{ending}/{step}/{batch[0][0]}/{lease.attempt}", actor=lease.actor
            )
        failpoint("ending.told")
    return {"told": told}


def _news(ending: PoolEnding, step: str, person: User, bears: bool) -> notices.News:
    pool = ending.pool
    stopped = notices.ENDING_FLOOR if ending.cause == PoolEnding.Cause.FLOOR else notices.ENDING_DECIDED
    params: dict[str, Any] = {
        "pool_en": pool.name_en,
        "pool_zh": pool.name_zh,
        "currency": pool.currency,
        "reason": ending.proposal.reason if ending.proposal else "",
        "first": ending.first_headcount or 0,
        "second": ending.second_headcount or 0,
        "floor": ending.floor_members or 0,
        "members": ending.cancelled_headcount or 0,
        "cover_end": ending.cover_end_date.isoformat(),
        "run_off_end": ending.run_off_end_date.isoformat(),
        "bears": bears,
        "cap_fen": ending.run_off_cap_fen,
    }
    return notices.News(
        person=person,
        kind=_KINDS.get(step, stopped),
        key=str(ending),
        params=params,
        link=reverse("pool", args=[pool.code]),
    )
