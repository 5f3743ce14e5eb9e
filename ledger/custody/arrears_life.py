"""What an unpaid share does to a membership where members pay afterwards: asked again, suspended, back, or lapsed.

As with wallets nothing runs by the clock alone: a membership is suspended, and lapses, once a statement tells about its
last day. Until then nobody loses anything. Money and reminders are the payer's; a suspension clings to who is covered.
"""

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

from django.db import connection
from django.urls import reverse

from aidplatform.lib import clock
from aidplatform.lib.failpoints import failpoint
from aidplatform.work import audit, jobs
from ledger.custody import collecting, suspensions
from ledger.custody.arrears_sql import keeps_out_sql, open_shares_sql
from ledger.custody.charge_sql import PENDING
from ledger.custody.models import BankStatement
from ledger.custody.references import MEMBERSHIP, make_reference, spaced
from ledger.custody.selectors import account_of
from ledger.custody.wallet_models import Suspension
from members.joining.payer_triggers import in_force_sql
from members.joining.told import COLUMNS, IN_ORDER, LISTENS, TOLD, guardian_sql, read
from members.people import notices
from members.people.models import User
from members.pools.models import Pool

FOLLOW = "custody.follow_arrears"
TELL = "custody.tell_arrears"
REMIND = "custody.remind"
SERVICE = "service"
BATCH = 1_000

# Money that was booked on the last day or before it counts, whenever the statement is imported.
_PAID_UP = f"""
    SELECT s.id, s.membership_id, s.class_no FROM ledger_suspension s
     WHERE s.pool_id = %(pool)s AND s.state = 'suspended' AND s.cause = 'unpaid'
       AND NOT {keeps_out_sql("s", "s.until_date")} ORDER BY s.membership_id"""


def suspends(pool: Pool) -> bool:
    """Tell whether any version of a pool's plan says what follows from an unpaid share."""
    return pool.plan_versions.filter(terms__has_key="arrears").exists()


def follow_payments(
    *, pool: Pool, at: dt.datetime, actor: str, statement: BankStatement | None = None
) -> None:
    """Let suspended memberships go on that have paid everything open; lapse those that by a statement have not.

    Whom the statement shows to be overdue a job suspends; then the collections that are over are stated. The caller has
    locked the pool.
    """
    if not suspends(pool):
        if statement is not None:
            collecting.order_closing(pool=pool, statement=statement.number, actor=actor)
        return
    today = clock.day_of(at, pool.time_zone)
    suspensions.end_with_memberships(pool, today)
    with connection.cursor() as cursor:
        cursor.execute(_PAID_UP, {"pool": pool.pk})
        paid_up = cursor.fetchall()
    restored = suspensions.restore(pool=pool, rows=paid_up, today=today)
    lapsed = suspensions.lapse(pool=pool, statement=statement, today=today, actor=actor)
    if restored or lapsed:
        audit.record(
            actor=actor, action="follow_payments", subject=pool.code, restored=restored, lapsed=lapsed
        )
    if statement is not None:
        key, payload = f"{pool.code}/{statement.number}", {"pool": pool.pk, "statement": statement.number}
        jobs.enqueue(kind=FOLLOW, key=key, payload=payload, actor=actor)
    elif restored:
        jobs.enqueue(kind=TELL, key=f"{pool.code}/{at.isoformat()}", payload={"pool": pool.pk}, actor=actor)


# The oldest share decides by whose rules the days to make up are counted.
_OVERDUE = f"""
    SELECT DISTINCT ON (o.membership_id) o.membership_id, s.class_no, o.period_no, (o.arrears->>'make_up_days')::int
      FROM ({open_shares_sql("%(pool)s")}) o
      JOIN members_span s ON s.pool_id = %(pool)s AND s.membership_id = o.membership_id AND s.to_at IS NULL
     WHERE o.last_date < %(heard)s AND o.last_date < %(today)s AND s.from_at < %(until)s
       AND NOT EXISTS (SELECT 1 FROM ledger_suspension p WHERE p.pool_id = %(pool)s
                          AND p.membership_id = o.membership_id AND p.state = 'suspended')
     ORDER BY o.membership_id, o.period_no LIMIT %(batch)s"""


def follow_statement(lease: jobs.Lease) -> dict[str, int]:
    """Suspend whoever has not paid up to the last day of grace, of which the bank has told, batch by batch; then tell.

    Each batch is a transaction, in which is asked again what is open: whoever has paid meanwhile goes on. While a pool
    ends nobody is suspended: whoever was covered at its notice shares whatever comes.
    """
    suspended = 0
    while True:
        with lease.transaction():
            pool = Pool.objects.select_for_update().get(pk=lease.payload["pool"])
            batch = _suspend(pool) if pool.state == Pool.State.OPEN else 0
            if batch:
                audit.record(actor=lease.actor, action="suspend_members", subject=pool.code, members=batch)
            else:
                key = f"{pool.code}/{lease.payload['statement']}"
                jobs.enqueue(kind=TELL, key=key, payload={"pool": pool.pk}, actor=lease.actor)
                collecting.order_closing(pool=pool, statement=lease.payload["statement"], actor=lease.actor)
        failpoint("custody.arrears_followed")
        suspended += batch
        if not batch:
            return {"suspended": suspended}


def _suspend(pool: Pool) -> int:
    today = clock.today(pool.time_zone)
    tomorrow = today + dt.timedelta(days=1)
    from_at = clock.start_of_day(tomorrow, pool.time_zone)
    heard = BankStatement.objects.filter(account__pool=pool).order_by("-number").first()
    assert heard is not None
    parameters: dict[str, int | dt.date | dt.datetime] = {
        "pool": pool.pk,
        "heard": heard.to_date,
        "today": today,
        "until": from_at,
        "batch": BATCH,
    }
    with connection.cursor() as cursor:
        cursor.execute(_OVERDUE, parameters)
        rows = cursor.fetchall()
    overdue = [
        Suspension(
            pool_id=pool.pk,
            membership_id=membership,
            period_no=period_no,
            class_no=class_no,
            cause=Suspension.Cause.UNPAID,
            from_date=tomorrow,
            until_date=today + dt.timedelta(days=make_up_days),
        )
        for membership, class_no, period_no, make_up_days in rows
    ]
    return suspensions.suspend(pool=pool, suspensions=overdue, from_at=from_at)


# --- telling ----------------------------------------------------------------------------------------------------

# Whose newest suspension followed an unpaid share; what has ended otherwise is told there.
_NEWS = f"""
    SELECT {COLUMNS}, p.id, p.state, p.period_no, p.from_date, p.until_date, p.ended_date,
           (SELECT coalesce(sum(o.open_fen), 0)::bigint FROM ({open_shares_sql("m.pool_id", "m.id")}) o)
      FROM {TOLD}
      JOIN LATERAL (SELECT * FROM ledger_suspension s WHERE s.pool_id = m.pool_id AND s.membership_id = m.id
                     ORDER BY s.id DESC LIMIT 1) p ON p.cause = 'unpaid'
     WHERE {LISTENS}
       AND NOT EXISTS (SELECT 1 FROM members_membershipend e WHERE e.membership_id = m.id AND e.reason <> 'lapsed')
       {IN_ORDER}"""
_KINDS = {
    Suspension.State.SUSPENDED.value: notices.UNPAID_SUSPENDED,
    Suspension.State.RESTORED.value: notices.RESTORED,
    Suspension.State.LAPSED.value: notices.UNPAID_LAPSED,
}


def tell_arrears(lease: jobs.Lease) -> dict[str, int]:
    """Tell of each member a suspension and its end, and whoever else pays for them; each thing once."""
    pool = Pool.objects.get(pk=lease.payload["pool"])
    told = 0
    for batch in notices.batches(_NEWS, pool=pool.pk):
        with lease.transaction():
            news = [
                one.news(
                    _KINDS[state],
                    f"{pool.code}#{one.number}/{pk}",
                    _pool_params(pool)
                    | {
                        "fen": fen,
                        "number": period_no,
                        "from": first.isoformat(),
                        "until": until.isoformat(),
                        "ended": ended.isoformat() if ended else "",
                    },
                    pool=pool.code,
                )
                for one, (pk, state, period_no, first, until, ended, fen) in read(batch)
                if state in _KINDS
            ]
            name = f"arrears/{lease.job_id}/{batch[0][0]}/{lease.attempt}"
            told += notices.tell(news, batch=name, actor=lease.actor)
        failpoint("custody.arrears_told")
    return {"told": told + _tell_payers(lease, pool)}


# Whom others pay for and who is suspended, together for the person who pays: the money to make up is theirs. Guardians
# who pay are told as guardians.
_PAID_FOR = f"""
    SELECT payer.person_id, jsonb_agg(jsonb_build_array(m.number, s.id, s.period_no, s.from_date, s.until_date, (
               SELECT coalesce(sum(o.open_fen), 0)::bigint FROM ({open_shares_sql("m.pool_id", "m.id")}) o))
               ORDER BY m.number)
      FROM ledger_suspension s
      JOIN members_membership m ON m.id = s.membership_id
      JOIN members_payerlink k ON k.pool_id = s.pool_id AND k.membership_id = m.id AND {in_force_sql("k")}
      JOIN members_membership payer ON payer.id = k.payer_id
     WHERE s.pool_id = %(pool)s AND s.state = 'suspended' AND s.cause = 'unpaid' AND payer.person_id > %(after)s
       AND payer.person_id IS DISTINCT FROM {guardian_sql("m.id")}
     GROUP BY 1 ORDER BY 1 LIMIT %(batch)s"""


def _tell_payers(lease: jobs.Lease, pool: Pool) -> int:
    told = 0
    for batch in notices.batches(_PAID_FOR, pool=pool.pk):
        with lease.transaction():
            people = User.objects.in_bulk([row[0] for row in batch])
            news = [
                notices.News(
                    people[person],
                    notices.UNPAID_SUSPENDED_FOR,
                    f"{pool.code}#{member}/{pk}",
                    _pool_params(pool)
                    | {"member": member, "fen": fen, "number": period_no, "from": first, "until": until},
                    reverse("my_pool", args=[pool.code]),
                )
                for person, suspended in batch
                for member, pk, period_no, first, until, fen in json.loads(suspended)
            ]
            name = f"arrears_for/{lease.job_id}/{batch[0][0]}/{lease.attempt}"
            told += notices.tell(news, batch=name, actor=lease.actor)
    return told


def _pool_params(pool: Pool) -> dict[str, Any]:
    return {"pool_en": pool.name_en, "pool_zh": pool.name_zh, "currency": pool.currency}


def remind_due(at: dt.datetime) -> None:
    """Have members of each open pool reminded once a day has begun; doubled, late or lost ticks change nothing."""
    for pool in Pool.objects.filter(
        state=Pool.State.OPEN, plan_versions__terms__has_key="arrears"
    ).distinct():
        key = f"{pool.code}/{clock.day_of(at, pool.time_zone)}"
        jobs.enqueue(kind=REMIND, key=key, payload={"pool": pool.pk}, actor=SERVICE)


# The newest reminder that is due of each open share, together for the person who pays: a transfer pays for all of it.
# For a child for whom nobody pays any more its guardian is asked, with the child's own reference. Nobody is asked to
# transfer what is being debited.
_ASKED = f"coalesce(payer.person_id, m.person_id, {guardian_sql('m.id')})"
_DUE = f"""
    SELECT {_ASKED} AS person, jsonb_agg(jsonb_build_array(
               m.id, {_ASKED} IS NOT DISTINCT FROM m.person_id, m.number, o.period_no, o.open_fen,
               o.asked_date, o.last_date, d.day,
               CASE WHEN payer.person_id IS NULL THEN m.number ELSE payer.number END,
               CASE WHEN EXISTS (SELECT 1 FROM ledger_hardshippause h WHERE h.pool_id = %(pool)s
                                    AND h.membership_id = m.id AND h.state IN ('asked', 'proposed')) THEN 'waits'
                    WHEN coalesce((o.arrears->>'hardship_days')::int, 0) > o.paused_days THEN 'may_ask'
                    ELSE 'none' END) ORDER BY m.number, o.period_no)
      FROM ({open_shares_sql("%(pool)s")}) o
      JOIN members_membership m ON m.id = o.membership_id
      JOIN LATERAL (SELECT max(day::int) AS day FROM jsonb_array_elements_text(o.arrears->'reminder_days') day
                     WHERE o.asked_date + day::int <= %(today)s) d ON d.day IS NOT NULL
      LEFT JOIN LATERAL (SELECT p.id, p.person_id, p.number FROM members_payerlink k
                           JOIN members_membership p ON p.id = k.payer_id
                          WHERE k.pool_id = %(pool)s AND k.membership_id = m.id AND {in_force_sql("k")}
                            AND p.person_id IS NOT NULL) payer ON true
     WHERE o.last_date >= %(today)s AND {_ASKED} > %(after)s
       AND NOT EXISTS (SELECT 1 FROM members_membershipend e WHERE e.membership_id = m.id)
       AND NOT EXISTS (SELECT 1 FROM ledger_suspension s WHERE s.pool_id = %(pool)s AND s.membership_id = m.id
                          AND s.state = 'suspended')
       AND NOT EXISTS (SELECT 1 FROM ledger_chargeinstruction i WHERE i.pool_id = %(pool)s
                          AND i.payer_id = coalesce(payer.id, m.id) AND i.period_no = o.period_no
                          AND {PENDING.format(row="i")})
     GROUP BY 1 ORDER BY 1 LIMIT %(batch)s"""


def remind(lease: jobs.Lease) -> dict[str, int]:
    """Ask again, once for each day of the rules, for every share that is open and in its grace."""
    pool = Pool.objects.get(pk=lease.payload["pool"])
    account, told = account_of(pool), 0
    if account is None:
        return {"told": 0}
    pays_to = {"account": account.number, "holder": account.holder_name, "bank": account.bank_name}
    for batch in notices.batches(_DUE, pool=pool.pk, today=clock.today(pool.time_zone)):
        with lease.transaction():
            people = User.objects.in_bulk([row[0] for row in batch])
            news = [
                one
                for person, due in batch
                for one in _reminders(pool, people[person], json.loads(due), pays_to)
            ]
            name = f"remind/{lease.job_id}/{batch[0][0]}/{lease.attempt}"
            told += notices.tell(news, batch=name, actor=lease.actor)
        failpoint("custody.reminded")
    return {"told": told}


def _reminders(
    pool: Pool, person: User, due: list[list[Any]], pays_to: dict[str, str]
) -> Iterator[notices.News]:
    for pk, is_own, number, period_no, fen, asked_date, last_date, day, payer_no, pause in due:
        params = _pool_params(pool) | pays_to | {"fen": fen, "number": period_no, "until": last_date}
        params["pause"] = pause
        if not is_own:
            params |= {"member": number, "membership": pk}
        params["reference"] = spaced(make_reference(pool.code, MEMBERSHIP, payer_no))
        kind = notices.SHARE_UNPAID if payer_no == number else notices.SHARE_UNPAID_FOR
        key = f"{pool.code}#{number}/{period_no}/{asked_date}/{day}"
        page = "my_pool" if is_own or payer_no != number else "family"
        yield notices.News(person, kind, key, params, reverse(page, args=[pool.code]))
