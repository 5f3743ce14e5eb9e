"""Telling every member with an account what they owe, before it is collected."""

from collections.abc import Iterator

from django.db import connection
from django.urls import reverse

from aidplatform.lib.failpoints import failpoint
from aidplatform.work import jobs
from ledger.sharing.models import Period
from members.people import notices
from members.people.models import User

TELL = "disclosure.tell_charges"
BATCH = 500


def tell_charges(lease: jobs.Lease) -> dict[str, int]:
    """Write a notice and a mail for each charged membership with an account, batch by batch.

    Each batch is a transaction; what an earlier attempt told is found and not told again.
    """
    period = Period.objects.select_related("pool").get(pk=lease.payload["period"])
    told = 0
    for batch in _charged_people(period):
        with lease.transaction():
            people = User.objects.in_bulk([person for person, _fen in batch])
            news = [_news(period, people[person], fen) for person, fen in batch]
            told += notices.tell(news, batch=f"charged/{period.code}/{batch[0][0]}", actor=lease.actor)
        failpoint("disclosure.told")
    return {"told": told}


def _charged_people(period: Period) -> Iterator[list[tuple[int, int]]]:
    """Yield batches of (person, share in fen), by person: memberships without an account cost nothing."""
    after = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                """SELECT m.person_id, c.share_fen FROM members_membership m
                     JOIN ledger_charge c
                       ON c.pool_id = m.pool_id AND c.membership_id = m.id AND c.period_no = %s
                    WHERE m.pool_id = %s AND c.pool_id = %s AND m.person_id > %s
                    ORDER BY m.person_id LIMIT %s""",
                [period.number, period.pool_id, period.pool_id, after, BATCH],
            )
            batch = cursor.fetchall()
        if not batch:
            return
        yield batch
        after = batch[-1][0]


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
