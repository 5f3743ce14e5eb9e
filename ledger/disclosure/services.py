"""Telling every member what they owe, before it is collected; of a child its guardian and whoever pays."""

from aidplatform.lib.failpoints import failpoint
from aidplatform.work import jobs
from ledger.sharing.models import Period
from members.joining.told import COLUMNS, IN_ORDER, LISTENS, TOLD_OF_MONEY, Told, read
from members.people import notices

TELL = "disclosure.tell_charges"
# The share in fen; nobody is asked for the money of somebody who has died.
_CHARGED = f"""
    SELECT {COLUMNS}, c.share_fen FROM {TOLD_OF_MONEY}
      JOIN ledger_charge c ON c.pool_id = m.pool_id AND c.membership_id = m.id AND c.period_no = %(period)s
     WHERE {LISTENS} AND c.pool_id = %(pool)s
       AND NOT EXISTS (SELECT 1 FROM members_membershipend e WHERE e.membership_id = m.id AND e.reason = 'deceased')
       {IN_ORDER}"""  # noqa: S608 - fixed names


def tell_charges(lease: jobs.Lease) -> dict[str, int]:
    """Write a notice and a mail for each charged membership of which somebody is told, batch by batch.

    Each batch is a transaction; what an earlier attempt told is found and not told again.
    """
    period = Period.objects.select_related("pool").get(pk=lease.payload["period"])
    told = 0
    for batch in notices.batches(_CHARGED, pool=period.pool_id, period=period.number):
        with lease.transaction():
            news = [_news(period, one, fen) for one, (fen,) in read(batch)]
            told += notices.tell(news, batch=f"charged/{period.code}/{batch[0][0]}", actor=lease.actor)
        failpoint("disclosure.told")
    return {"told": told}


def _news(period: Period, told: Told, share_fen: int) -> notices.News:
    pool = period.pool
    return told.news(
        notices.CHARGED,
        told.key(period.code),
        {
            "pool_en": pool.name_en,
            "pool_zh": pool.name_zh,
            "number": period.number,
            "fen": share_fen,
            "currency": pool.currency,
            "charge_date": period.charge_date.isoformat(),
        },
        pool=pool.code,
    )
