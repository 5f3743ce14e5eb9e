"""Telling members, and guardians of those without an account, how their pool ends, step by step."""

from typing import Any

from django.urls import reverse

from aidplatform.lib.failpoints import failpoint
from aidplatform.work import jobs
from members.ending.models import PoolEnding
from members.joining.told import COLUMNS, IN_ORDER, LISTENS, TOLD, Told, read
from members.people import notices

# Whoever was covered at the notice, or began later: bears tells who shares the run-off.
_CONCERNED = f"""
    SELECT {COLUMNS}, was.bears FROM {TOLD} CROSS JOIN LATERAL (
        SELECT bool_or(s.from_at <= %(as_of)s AND s.recorded_at <= %(recorded)s) AS bears FROM members_span s
         WHERE s.pool_id = m.pool_id AND s.membership_id = m.id
           AND (s.to_at IS NULL OR s.to_at > %(as_of)s OR s.ended_recorded_at > %(recorded)s)) was
     WHERE {LISTENS} AND was.bears IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM members_membershipend e WHERE e.membership_id = m.id AND e.reason = 'deceased')
       {IN_ORDER}"""  # noqa: S608 - fixed names
_KINDS = {
    "reopened": notices.ENDING_OFF,
    "cover_ended": notices.COVER_ENDED,
    "closed": notices.POOL_CLOSED,
}


def tell_step(lease: jobs.Lease) -> dict[str, int]:
    """Write a notice and a mail of one step of each membership, batch by batch; that all is over each person once."""
    ending = PoolEnding.objects.select_related("pool", "proposal").get(pk=lease.payload["ending"])
    step = lease.payload["step"]
    told = 0
    for batch in notices.batches(
        _CONCERNED, pool=ending.pool_id, as_of=ending.as_of, recorded=ending.recorded_at
    ):
        with lease.transaction():
            rows = read(batch)
            if step == "closed":
                rows = list({one.person.pk: (one, row) for one, row in rows}.values())
            news = [_news(ending, step, one, bears) for one, (bears,) in rows]
            told += notices.tell(
                news, batch=f"ending/{ending}/{step}/{batch[0][0]}/{lease.attempt}", actor=lease.actor
            )
        failpoint("ending.told")
    return {"told": told}


def _news(ending: PoolEnding, step: str, told: Told, bears: bool) -> notices.News:
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
    kind = _KINDS.get(step, stopped)
    if kind == notices.POOL_CLOSED or told.is_own:
        return notices.News(told.person, kind, str(ending), params, reverse("pool", args=[pool.code]))
    return told.news(kind, told.key(str(ending)), params, pool=pool.code)
