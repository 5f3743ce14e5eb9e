"""What members owe of what was announced, in several pools at once, in a fixed number of queries."""

from collections.abc import Collection, Sequence

from django.db import connection

from ledger.custody.models import BankAccount
from ledger.custody.opening_debts import BEFORE_PERIODS, owed_sql
from ledger.sharing.selectors import NO_PERIOD
from members.joining.models import Membership
from members.joining.payers import covered_ids
from members.pools.models import Pool


def open_fen_by_member(pool: Pool, membership_ids: Sequence[int]) -> dict[int, tuple[int, int]]:
    """Return what each of these owes (fen), by one query: from before moving in, and of announced charges."""
    return open_fen_in_pools([(pool.pk, one) for one in membership_ids])


def open_fen_in_pools(members: Collection[tuple[int, int]]) -> dict[int, tuple[int, int]]:
    """Return it for (pool, membership) by membership. One query.

    Where members pay ahead nothing is owed: what a wallet lacked the next period shares.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT u.id, coalesce((SELECT max(d.fen) - coalesce(sum(o.amount_fen), 0)
                                        FROM ({owed_sql("u.pool", "r.membership_id = u.id")}) d
                                        LEFT JOIN ledger_collection o ON o.pool_id = u.pool
                                             AND o.membership_id = u.id AND o.period_no = {BEFORE_PERIODS}), 0)::bigint
                           * (NOT f.ahead)::int,
                      coalesce(sum(c.share_fen - coalesce(k.fen, 0)) FILTER (WHERE w.id IS NULL), 0)::bigint
                 FROM unnest(%(pools)s::bigint[], %(members)s::bigint[]) u (pool, id)
                CROSS JOIN LATERAL (SELECT EXISTS (SELECT 1 FROM members_planversion v
                                     WHERE v.pool_id = u.pool AND v.terms ? 'funding') AS ahead) f
                 LEFT JOIN LATERAL (
                      SELECT h.period_no, h.share_fen FROM charges_of_membership(u.pool, u.id, %(all)s, %(all)s) h
                        JOIN ledger_period p ON p.pool_id = u.pool AND p.number = h.period_no
                                            AND p.charges_notified_at IS NOT NULL WHERE NOT f.ahead) c ON true
                 LEFT JOIN LATERAL (SELECT sum(amount_fen) AS fen FROM ledger_collection
                      WHERE pool_id = u.pool AND membership_id = u.id AND period_no = c.period_no) k ON true
                 LEFT JOIN ledger_writtenoffcharge w
                      ON w.pool_id = u.pool AND w.membership_id = u.id AND w.period_no = c.period_no
                GROUP BY u.pool, u.id, f.ahead""",  # noqa: S608 - fixed names
            {
                "pools": [pool for pool, _member in members],
                "members": [member for _pool, member in members],
                "all": NO_PERIOD,
            },
        )
        return {member: (before, charged) for member, before, charged in cursor.fetchall()}


def to_transfer_fen(memberships: Collection[Membership]) -> dict[int, int]:
    """Return what each of these has to transfer (fen), for themselves and for those they pay for. Three queries.

    Without those whose pool has no bank account yet: nobody can pay there.
    """
    accounts = BankAccount.objects.filter(pool__in={one.pool_id for one in memberships})
    with_account = set(accounts.values_list("pool_id", flat=True))
    paying = [one for one in memberships if one.pool_id in with_account]
    covered = covered_ids([one.pk for one in paying])
    paid_for = {one.pk: (one.pk, *covered.get(one.pk, ())) for one in paying}
    owed = open_fen_in_pools([(one.pool_id, member) for one in paying for member in paid_for[one.pk]])
    return {payer: sum(sum(owed[member]) for member in members) for payer, members in paid_for.items()}
