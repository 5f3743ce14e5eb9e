"""What members owe from before their pool moved in, as SQL: one debt a member, beside the charges, as of period 0.

It is owed once the opening balances have taken it over and the member has confirmed their row, until a pool that ends
is settled.
"""

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
