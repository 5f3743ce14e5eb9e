"""Telling every member what they owe, before it is collected; whoever answers for several, all of it in one notice."""

from itertools import groupby
from typing import Any

from django.urls import reverse

from aidplatform.lib.failpoints import failpoint
from aidplatform.work import jobs
from ledger.sharing.models import Period
from members.joining.payers import payers_besides_sql
from members.joining.told import COLUMNS, IN_ORDER, LISTENS, TOLD_OF_SHARES, Told, read
from members.people import notices

TELL = "disclosure.tell_charges"
# The share in fen, and the number of another member who pays it; nobody is asked for the money of who has died.
_CHARGED = f"""
    SELECT {COLUMNS}, c.share_fen, {payers_besides_sql("m", "own.id")} FROM {TOLD_OF_SHARES}
      CROSS JOIN LATERAL (SELECT share_fen FROM ledger_charge
                           WHERE pool_id = %(pool)s AND membership_id = m.id AND period_no = %(period)s OFFSET 0) c
     WHERE {LISTENS}
       AND NOT EXISTS (SELECT 1 FROM members_membershipend e WHERE e.membership_id = m.id AND e.reason = 'deceased')
       {IN_ORDER}"""  # noqa: S608 - fixed names
Share = tuple[Told, tuple[Any, ...]]


def tell_charges(lease: jobs.Lease) -> dict[str, int]:
    """Write one notice and one mail for each person who is told of a charge, batch by batch.

    Each batch is a transaction; what an earlier attempt told is found and not told again.
    """
    period = Period.objects.select_related("pool", "plan_version").get(pk=lease.payload["period"])
    told = 0
    for batch in notices.batches(_CHARGED, pool=period.pool_id, period=period.number):
        with lease.transaction():
            news = [
                _news(period, list(shares))
                for _person, shares in groupby(read(batch), key=lambda share: share[0].person.pk)
            ]
            told += notices.tell(news, batch=f"charged/{period.code}/{batch[0][0]}", actor=lease.actor)
        failpoint("disclosure.told")
    return {"told": told}


def _news(period: Period, shares: list[Share]) -> notices.News:
    """Return what one person is told: a period's notices have one key, so that nobody is told twice of it."""
    pool = period.pool
    params = {
        "pool_en": pool.name_en,
        "pool_zh": pool.name_zh,
        "number": period.number,
        "currency": pool.currency,
        "charge_date": period.charge_date.isoformat(),
        "from_wallet": period.plan_version.plan().funding is not None,
    }
    if len(shares) == 1:
        ((told, (share_fen, _payer)),) = shares
        return told.news(notices.CHARGED, period.code, params | {"fen": share_fen}, pool=pool.code)
    shares.sort(key=lambda share: not share[0].is_own)
    lines = [_line(told, share_fen, payer) for told, (share_fen, payer) in shares]
    asked_fen = sum(line["fen"] for line in lines if line["payer"] is None)
    is_guardian = any(line["part"] == "guardian" for line in lines)
    page = reverse("family" if is_guardian else "my_payer", args=[pool.code])
    told_params = params | {"fen": asked_fen, "lines": lines}
    return notices.News(shares[0][0].person, notices.CHARGED, period.code, told_params, page)


def _line(told: Told, share_fen: int, payer: int | None) -> dict[str, Any]:
    whose = {"membership": told.membership_id, "member": told.number, "part": told.part}
    return whose | {"fen": share_fen, "payer": payer}
