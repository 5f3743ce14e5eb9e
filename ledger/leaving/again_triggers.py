"""The guards by which joining again waits for earlier shares; its name stands beside what it holds in ARCHITECTURE.md."""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, refuse


def unpaid_sql(membership: str) -> str:
    """Return SQL for what was announced to a membership and never paid (fen), written off or not.

    What was given back with all other shares after an illness in the wait is asked for no more. Where members pay
    ahead nothing is owed.
    """
    return f"""(SELECT coalesce(sum(c.share_fen - coalesce(k.fen, 0)), 0)::bigint
          FROM ledger_charge c
          JOIN ledger_period d ON d.pool_id = c.pool_id AND d.number = c.period_no
                              AND d.charges_notified_at IS NOT NULL AND d.wallet_fen IS NULL
          LEFT JOIN LATERAL (SELECT sum(amount_fen) AS fen FROM ledger_collection n WHERE n.pool_id = c.pool_id
                                AND n.membership_id = c.membership_id AND n.period_no = c.period_no) k ON true
         WHERE c.pool_id = (SELECT pool_id FROM members_membership WHERE id = {membership})
           AND c.membership_id = {membership} AND c.share_fen > coalesce(k.fen, 0)
           AND NOT EXISTS (SELECT 1 FROM ledger_writtenoffcharge w WHERE w.pool_id = c.pool_id
                              AND w.membership_id = c.membership_id AND w.period_no = c.period_no
                              AND w.shares_return_id IS NOT NULL))"""


_SHARES = "earlier_shares_come_first"

# Hung on memberships and on the applications for them, which know no money: who comes back is told before the first
# question, and once more at the signature. Shares that come later are owed like those of everybody who has left.
earlier_shares_come_first = Guard(
    name=_SHARES,
    when=pgtrigger.Before,
    operation=pgtrigger.Insert,
    condition=pgtrigger.Condition("NEW.follows_id IS NOT NULL"),
    declare=[("owed", "bigint")],
    func=f"""
        {judged_now()}
        SELECT sum({unpaid_sql("earlier.id")}) INTO owed FROM members_chain(NEW.follows_id) earlier (id);
        IF owed > 0 THEN
            {refuse(_SHARES, "membership %s owes %s", "NEW.follows_id", "owed")}
        END IF;
        RETURN NEW;
    """,
)
application_follows_paid_shares = Guard(
    name="application_follows_paid_shares",
    when=pgtrigger.Before,
    operation=pgtrigger.Insert,
    condition=pgtrigger.Condition("NEW.relation = ''"),
    declare=[("owed", "bigint")],
    func=f"""
        SELECT sum({unpaid_sql("m.id")}) INTO owed FROM members_membership m
         WHERE m.pool_id = NEW.pool_id AND m.person_id = NEW.person_id;
        IF owed > 0 THEN
            {refuse(_SHARES, "person %s owes %s", "NEW.person_id", "owed")}
        END IF;
        RETURN NEW;
    """,
)
