"""Telling every member with an account what they owe, before it is collected."""

from django.urls import reverse

from aidplatform.lib.failpoints import failpoint
from aidplatform.work import jobs
from ledger.sharing.models import Period
from members.people import notices
from members.people.models import User

TELL = "disclosure.tell_charges"
# Person and share in fen: memberships without an account cost nothing, and nobody who has died is asked for money.
_CHARGED_PEOPLE = """
    SELECT m.person_id, c.share_fen FROM members_membership m
      JOIN ledger_charge c ON c.pool_id = m.pool_id AND c.membership_id = m.id AND c.period_no = %(period)s
     WHERE m.pool_id = %(pool)s AND c.pool_id = %(pool)s AND m.person_id > %(after)s
       AND NOT EXISTS (SELECT 1 FROM members_membershipend e WHERE e.membership_id = m.id AND e.reason = 'deceased')
     ORDER BY m.person_id LIMIT %(batch)s"""


def tell_charges(lease: jobs.Lease) -> dict[str, int]:
    """Write a notice and a mail for each charged membership with an account, batch by batch.

    Each batch is a transaction; what an earlier attempt told is found and not told again.
    """
    period = Period.objects.select_related("pool").get(pk=lease.payload["period"])
    told = 0
    for batch in notices.batches(_CHARGED_PEOPLE, pool=period.pool_id, period=period.number):
        with lease.transaction():
            people = User.objects.in_bulk([person for person, _fen in batch])
            news = [_news(period, people[person], fen) for person, fen in batch]
            told += notices.tell(news, batch=f"charged/{period.code}/{batch[0][0]}", actor=lease.actor)
        failpoint("disclosure.told")
    return {"told": told}


def _news(period: Period, person: User, share_fen: int) -> notices.News:
    pool = period.pool
    return notices.News(
        person=person,
        kind=notices.CHARGED,
        key=period.code,
        params={
            "pool_en": pool.name_en,
            "pool_zh": pool.name_zh,
            "number": period.number,
            "fen": share_fen,
            "currency": pool.currency,
            "charge_date": period.charge_date.isoformat(),
        },
        link=reverse("my_pool", args=[pool.code]),
    )
