"""What members owe from before their pool moved in: one debt a member, beside the charges, as of period 0.

It is owed once the opening balances have taken it over and the member has confirmed their row, until a pool that ends
is settled.
"""

from dataclasses import dataclass

from django.db import connection

from members.pools.models import Pool

# The number under which collections of such a debt stand: before the first period.
BEFORE_PERIODS = 0


def opening_in_force_sql(pool: str) -> str:
    """Return SQL for the opening of a pool whose entry stands."""
    return f"""SELECT o.* FROM ledger_openingbalances o WHERE o.pool_id = {pool} AND o.state = 'approved'
                  AND NOT EXISTS (SELECT 1 FROM ledger_journalentry r WHERE r.reverses_id = o.entry_id)"""


def taken_over_sql(pool: str, more: str = "true") -> str:
    """Return SQL for (membership_id, fen) of the debts that a pool's books have taken over; more: which of them."""
    return f"""SELECT r.membership_id, r.owed_fen AS fen FROM members_importedmember r
         JOIN members_memberimport i ON i.id = r.member_import_id AND i.state = 'approved'
        WHERE r.pool_id = {pool} AND r.state = 'confirmed' AND r.owed_fen > 0 AND {more}
          AND EXISTS ({opening_in_force_sql(pool)})"""


def owed_sql(pool: str, more: str = "true") -> str:
    """Return SQL for (membership_id, fen) of the debts that are owed: once a pool is settled, none any more."""
    return f"""{taken_over_sql(pool, more)}
          AND NOT EXISTS (SELECT 1 FROM ledger_finalsettlement s WHERE s.pool_id = {pool} AND s.state = 'approved')"""


def balance_waits_sql(row: str) -> str:
    """Return SQL that tells whether the balance in a row of an approved list is in the books, and in no wallet yet.

    It is from the first statement on, which shows the custody that was taken over; it waits no longer once it is paid
    back, to somebody who did not confirm.
    """
    return f"""({row}.prepaid_fen > 0
          AND EXISTS (SELECT 1 FROM members_memberimport i WHERE i.id = {row}.member_import_id AND i.state = 'approved')
          AND EXISTS ({opening_in_force_sql(f"{row}.pool_id")})
          AND EXISTS (SELECT 1 FROM ledger_bankstatement s JOIN ledger_bankaccount a ON a.id = s.account_id
                       WHERE a.pool_id = {row}.pool_id)
          AND NOT EXISTS (SELECT 1 FROM ledger_walletentry e WHERE e.pool_id = {row}.pool_id
                             AND e.membership_id = {row}.membership_id AND e.kind = 'opening')
          AND NOT EXISTS (SELECT 1 FROM ledger_paymentorder b
                           WHERE b.listed_id = {row}.id AND b.state NOT IN ('cancelled', 'returned')))"""


@dataclass(frozen=True)
class DebtsOfBefore:
    """What the books took over as owed, what of it has come in, and what is of people who have not confirmed (fen)."""

    taken_over_fen: int
    collected_fen: int
    unconfirmed_fen: int


def debts_of_before(pool: Pool) -> DebtsOfBefore | None:
    """Return how a pool stands to what its members owed before it moved in; None where nothing was taken over."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT o.receivable_fen,
                       coalesce((SELECT sum(amount_fen) FROM ledger_collection
                                  WHERE pool_id = %(pool)s AND period_no = {BEFORE_PERIODS}), 0)::bigint,
                       coalesce((SELECT sum(r.owed_fen) FROM members_importedmember r
                                   JOIN members_memberimport i ON i.id = r.member_import_id AND i.state = 'approved'
                                  WHERE r.pool_id = %(pool)s AND r.state = 'open'), 0)::bigint
                  FROM ({opening_in_force_sql("%(pool)s")}) o WHERE o.receivable_fen > 0""",
            {"pool": pool.pk},
        )
        row = cursor.fetchone()
    return DebtsOfBefore(*row) if row else None
