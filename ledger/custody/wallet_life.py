"""What a wallet does to its membership: it begins with the first money, is suspended by a gap, goes on or lapses.

Nothing here runs by the clock alone. A membership is suspended when a period is posted, and it lapses with the
statement that tells about its last day: as long as the bank has not been heard, nobody loses anything. Callers hold the
lock of the pool. Whoever is concerned is told by a job.
"""

import datetime as dt
from collections.abc import Iterator
from typing import Any

from django.db import connection

from aidplatform.lib import clock
from aidplatform.lib.failpoints import failpoint
from aidplatform.work import audit, jobs
from ledger.custody.models import BankStatement
from ledger.custody.suspensions import end_with_memberships, lapse, restore, suspend
from ledger.custody.wallet_models import Suspension
from ledger.sharing.models import Period
from members.joining.services import cover_members
from members.joining.told import COLUMNS, IN_ORDER, LISTENS, TOLD, Told, read
from members.people import notices
from members.pools.models import Pool
from members.pools.plan_terms import FundingTerms
from members.pools.selectors import funding_in_force

FOLLOW = "custody.follow_wallets"
ANNOUNCE = "custody.announce_to_wallets"
TELL = "custody.tell_wallets"
BATCH = 1_000

# Money that was booked on the last day or before it counts, whenever the statement is imported.
_IN_TIME = """
    wallet_balance(%(pool)s, s.membership_id) - coalesce((
        SELECT sum(e.amount_fen) FROM ledger_walletentry e JOIN ledger_statementline l ON l.id = e.line_id
         WHERE e.pool_id = %(pool)s AND e.membership_id = s.membership_id AND l.booking_date > s.until_date), 0)"""
_SUSPENDED = f"""
    SELECT s.id, s.membership_id, s.class_no FROM ledger_suspension s
     WHERE s.pool_id = %(pool)s AND s.state = 'suspended' AND {_IN_TIME} >= %(level)s ORDER BY s.membership_id"""
_AWAITED = f"""
    SELECT s.membership_id, s.class_no FROM members_awaitedcover s
      JOIN members_membership m ON m.id = s.membership_id
     WHERE m.pool_id = %(pool)s AND {_IN_TIME} >= %(level)s
       AND NOT EXISTS (SELECT 1 FROM members_span c WHERE c.pool_id = m.pool_id AND c.membership_id = m.id)
       AND NOT EXISTS (SELECT 1 FROM members_membershipend e WHERE e.membership_id = m.id)
     ORDER BY s.membership_id"""


def follow_money(*, pool: Pool, at: dt.datetime, actor: str, statement: BankStatement | None = None) -> None:
    """Let memberships begin or go on for which enough has come, and lapse those of whom a statement says that none has.

    Both are covered from the next day on: what has been counted is not counted again.
    """
    today = clock.day_of(at, pool.time_zone)
    funding = funding_in_force(pool, today)
    if funding is None:
        return
    tomorrow = today + dt.timedelta(days=1)
    end_with_memberships(pool, today)
    begun = _rows(_AWAITED, pool=pool.pk, level=funding.join_fen)
    restored = _rows(_SUSPENDED, pool=pool.pk, level=funding.restores_from_fen)
    cover_members(pool=pool, rows=begun, from_at=clock.start_of_day(tomorrow, pool.time_zone))
    restore(pool=pool, rows=restored, today=today)
    lapsed = lapse(pool=pool, statement=statement, today=today, actor=actor)
    if begun or restored or lapsed:
        told = {"begun": len(begun), "restored": len(restored), "lapsed": lapsed}
        audit.record(actor=actor, action="follow_wallets", subject=pool.code, **told)
    if statement is not None:
        order_news(pool, f"statement/{statement.number}", actor)


def _rows(sql: str, **parameters: int) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


_SHORT = """
    SELECT g.membership_id, s.class_no FROM ledger_walletentry g
      JOIN members_span s ON s.pool_id = g.pool_id AND s.membership_id = g.membership_id AND s.to_at IS NULL
     WHERE g.pool_id = %(pool)s AND g.kind = 'gap' AND g.period_no = %(period)s AND s.from_at < %(until)s
       AND wallet_balance(g.pool_id, g.membership_id) < %(level)s
       AND NOT EXISTS (SELECT 1 FROM ledger_suspension p WHERE p.pool_id = g.pool_id
                          AND p.membership_id = g.membership_id AND p.period_no = g.period_no)
     ORDER BY g.membership_id LIMIT %(batch)s"""


def follow_period(lease: jobs.Lease) -> dict[str, int]:
    """Suspend the memberships whose wallets lacked something of a posted period, batch by batch; then tell.

    Each batch is a transaction; who was suspended by an earlier attempt is not met again. Whoever has topped up since
    the posting goes on. The charge that ran them short stands; from the next day on they are in no headcount.
    """
    period = Period.objects.select_related("pool", "plan_version").get(pk=lease.payload["period"])
    funding, pool = period.plan_version.plan().funding, period.pool
    if funding is None:
        return {"suspended": 0}
    suspended = 0
    while True:
        with lease.transaction():
            Pool.objects.select_for_update().get(pk=pool.pk)
            batch = _suspend(pool, period, funding, clock.now())
            if batch:
                audit.record(actor=lease.actor, action="suspend_members", subject=period.code, members=batch)
            else:
                order_news(pool, f"period/{period.number}", lease.actor)
        failpoint("custody.suspended")
        suspended += batch
        if not batch:
            return {"suspended": suspended}


def _suspend(pool: Pool, period: Period, funding: FundingTerms, at: dt.datetime) -> int:
    today = clock.day_of(at, pool.time_zone)
    tomorrow = today + dt.timedelta(days=1)
    from_at = clock.start_of_day(tomorrow, pool.time_zone)
    with connection.cursor() as cursor:
        parameters = {"pool": pool.pk, "period": period.number, "level": funding.restores_from_fen}
        cursor.execute(_SHORT, {**parameters, "until": from_at, "batch": BATCH})
        rows = cursor.fetchall()
    until = today + dt.timedelta(days=funding.top_up_days)
    short = [
        Suspension(
            pool_id=pool.pk,
            membership_id=membership,
            period_no=period.number,
            class_no=class_no,
            from_date=tomorrow,
            until_date=until,
        )
        for membership, class_no in rows
    ]
    return suspend(pool=pool, suspensions=short, from_at=from_at)


# --- telling ----------------------------------------------------------------------------------------------------


def order_news(pool: Pool, cause: str, actor: str) -> None:
    """Have members told what has become of their wallets since the last time."""
    jobs.enqueue(kind=TELL, key=f"{pool.code}/{cause}", payload={"pool": pool.pk}, actor=actor)


# Who is covered with a wallet below the warning level, or whose newest suspension is still news. A membership is warned
# once for each fall: the key is the last money that came in.
_NEWS = f"""
    SELECT {COLUMNS}, wallet.fen, p.state, p.period_no, p.until_date, p.ended_date,
           (SELECT max(e.id) FROM ledger_walletentry e
             WHERE e.pool_id = m.pool_id AND e.membership_id = m.id AND e.kind <> 'gap'),
           EXISTS (SELECT 1 FROM members_span s WHERE s.pool_id = m.pool_id AND s.membership_id = m.id
                      AND (s.to_at IS NULL OR s.to_at > %(now)s))
      FROM {TOLD}
      CROSS JOIN LATERAL (SELECT wallet_balance(m.pool_id, m.id) AS fen) wallet
      LEFT JOIN LATERAL (SELECT * FROM ledger_suspension s WHERE s.pool_id = m.pool_id AND s.membership_id = m.id
                          ORDER BY s.period_no DESC LIMIT 1) p ON true
     WHERE {LISTENS} AND (p.id IS NOT NULL OR wallet.fen < %(warned)s)
       AND NOT EXISTS (SELECT 1 FROM members_membershipend e WHERE e.membership_id = m.id AND e.reason <> 'lapsed')
       {IN_ORDER}"""


# Who may be charged by a period that is announced: what is in the wallet, and the most that the period may take.
_TAKEN = f"""
    SELECT {COLUMNS}, wallet_balance(m.pool_id, m.id), taken.fen FROM {TOLD}
      CROSS JOIN LATERAL (SELECT wallet_reserved(m.pool_id, m.id) AS fen) taken
     WHERE {LISTENS} AND taken.fen > 0
       AND NOT EXISTS (SELECT 1 FROM members_membershipend e WHERE e.membership_id = m.id AND e.reason = 'deceased')
       {IN_ORDER}"""


def announce(lease: jobs.Lease) -> dict[str, int]:
    """Tell each member, once, what a period may take from their wallet, while there is time to top it up."""
    period = Period.objects.select_related("pool", "plan_version").get(pk=lease.payload["period"])
    if period.plan_version.plan().funding is None or period.state != Period.State.ANNOUNCED:
        return {"told": 0}
    pool, told = period.pool, 0
    params = {
        "pool_en": pool.name_en,
        "pool_zh": pool.name_zh,
        "currency": pool.currency,
        "number": period.number,
        "charge_date": period.charge_date.isoformat(),
    }
    for batch in notices.batches(_TAKEN, pool=pool.pk):
        with lease.transaction():
            news = [
                one.news(
                    notices.WALLET_SHARE,
                    f"{pool.code}#{one.number}/{period.number}",
                    params | {"held_fen": held, "fen": most},
                    pool=pool.code,
                    page="my_wallet",
                )
                for one, (held, most) in read(batch)
            ]
            name = f"wallet_share/{period.code}/{batch[0][0]}/{lease.attempt}"
            told += notices.tell(news, batch=name, actor=lease.actor)
        failpoint("custody.wallets_announced")
    return {"told": told}


def tell_wallets(lease: jobs.Lease) -> dict[str, int]:
    """Tell of each member a low wallet, a suspension, its end; what was told is not told again."""
    pool = Pool.objects.get(pk=lease.payload["pool"])
    told = 0
    now = clock.now()
    funding = funding_in_force(pool, clock.day_of(now, pool.time_zone))
    assert funding is not None
    for batch in notices.batches(_NEWS, pool=pool.pk, now=now, warned=funding.warn_below_fen):
        with lease.transaction():
            news = [one for told_of, row in read(batch) for one in _news(pool, funding, told_of, row)]
            name = f"wallets/{lease.job_id}/{batch[0][0]}/{lease.attempt}"
            told += notices.tell(news, batch=name, actor=lease.actor)
        failpoint("custody.wallets_told")
    return {"told": told}


_KINDS = {
    Suspension.State.SUSPENDED.value: notices.SUSPENDED,
    Suspension.State.RESTORED.value: notices.RESTORED,
    Suspension.State.LAPSED.value: notices.LAPSED,
}


def _news(pool: Pool, funding: FundingTerms, told: Told, row: tuple[Any, ...]) -> Iterator[notices.News]:
    fen, state, period_no, until, ended, last_entry, is_covered = row
    params = {
        "pool_en": pool.name_en,
        "pool_zh": pool.name_zh,
        "currency": pool.currency,
        "fen": fen,
        "needed_fen": funding.restores_from_fen,
    }
    place = f"{pool.code}#{told.number}"
    # That a membership ends with an aid is told where the aid becomes final.
    if state in _KINDS:
        days = {"until": until.isoformat(), "ended": ended.isoformat() if ended else ""}
        params_of = params | days | {"number": period_no}
        yield told.news(_KINDS[state], f"{place}/{period_no}", params_of, pool=pool.code, page="my_wallet")
    # Whoever is covered until midnight and suspended from then on has been told more than that.
    if is_covered and fen < funding.warn_below_fen and state in {None, Suspension.State.RESTORED}:
        params |= {"needed_fen": funding.warn_below_fen}
        yield told.news(notices.LOW, f"{place}/{last_entry or 0}", params, pool=pool.code, page="my_wallet")
