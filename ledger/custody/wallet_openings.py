"""Balances that members had paid ahead to a pool that moved in, and when they stand in the wallets here.

The opening takes them over as money to be paid back, because somebody who has not confirmed is no member yet. Once the
first statement shows the custody, the balance of everybody who has confirmed goes into the wallet, and that of who
confirms later with the confirmation.
"""

import datetime as dt

from django.db import connection
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock
from aidplatform.lib.errors import NotFoundError
from aidplatform.lib.failpoints import failpoint
from aidplatform.work import audit, jobs
from ledger.books import chart
from ledger.books.models import Book
from ledger.books.services import credit, debit
from ledger.custody import wallet_life
from ledger.custody.opening_debts import balance_waits_sql
from ledger.openbooks import services as openbooks
from members.joining.models import ImportedMember
from members.pools.models import Pool

OPEN_WALLETS = "custody.open_wallets"

_OPEN = f"""
    WITH opened AS (
        INSERT INTO ledger_walletentry (pool_id, membership_id, kind, amount_fen, recorded_by, at)
        SELECT %(pool)s, r.membership_id, 'opening', r.prepaid_fen, %(by)s, %(at)s
          FROM members_importedmember r
         WHERE r.pool_id = %(pool)s AND r.state = 'confirmed' AND {balance_waits_sql("r")} ORDER BY r.membership_id
        RETURNING membership_id, amount_fen)
    SELECT coalesce(sum(o.amount_fen), 0)::bigint, count(*), min(m.number)
      FROM opened o JOIN members_membership m ON m.id = o.membership_id"""


def open_wallets(*, pool: Pool, by: str, at: dt.datetime) -> int:
    """Put every balance that waits for nothing any more into its wallet; return how much that was (fen).

    Done already, or not to be done yet: nothing. The caller has locked the pool.
    """
    with connection.cursor() as cursor:
        cursor.execute(_OPEN, {"pool": pool.pk, "by": by, "at": at})
        fen, count, first_number = cursor.fetchone()
    if not count:
        return 0
    openbooks.post_logged_entry(
        book=Book.objects.get(code=pool.code),
        key=f"wallets_opened/{first_number}",  # a wallet opens once
        kind="wallets_opened",
        lines=[debit(chart.REFUNDS_PAYABLE, fen), credit(chart.PREPAID, fen)],
        entry_date=clock.day_of(at, pool.time_zone),
        at=at,
        description="Balances of before the pool moved in",
        source=f"pool {pool.code}",
        maker=by,
    )
    audit.record(actor=by, action="open_wallets", subject=pool.code, wallets=count, fen=fen)
    return int(fen)


def follow_confirmation(lease: jobs.Lease) -> dict[str, int]:
    """Open the wallet of somebody who has confirmed, and let the membership begin if it holds enough."""
    pool = Pool.objects.get(pk=lease.payload["pool"])
    with lease.transaction():
        Pool.objects.select_for_update().get(pk=pool.pk)
        now = clock.now()
        fen = open_wallets(pool=pool, by=lease.actor, at=now)
        if fen:
            wallet_life.follow_money(pool=pool, at=now, actor=lease.actor)
    failpoint("custody.wallets_opened")
    return {"opened_fen": fen}


# --- balances that wait for their members --------------------------------------------------------------------------

_WAITING = f"""
    SELECT r.id FROM members_importedmember r
     WHERE r.pool_id = %(pool)s AND r.state = 'open' AND {balance_waits_sql("r")} ORDER BY r.id LIMIT %(most)s"""
MOST_SHOWN = 200


def waiting_balances(pool: Pool) -> list[ImportedMember]:
    """Return the rows of people who have not confirmed and whose balance the pool holds."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, {"pool": pool.pk, "most": MOST_SHOWN})
        ids = [row[0] for row in cursor.fetchall()]
    return list(ImportedMember.objects.filter(pk__in=ids).select_related("member_import").order_by("pk"))


def access_balance(*, pool: Pool, import_no: int, row_no: int) -> ImportedMember:
    """Return the row of somebody who has not confirmed and had paid ahead. Raises: NotFoundError."""
    found = ImportedMember.objects.filter(
        pool=pool, member_import__number=import_no, row_no=row_no, state=ImportedMember.State.OPEN
    )
    row = found.filter(prepaid_fen__gt=0).select_related("member_import").first()
    if row is None:
        raise NotFoundError(_("No such balance waits for its member."))
    return row
