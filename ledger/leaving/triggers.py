"""The guard of cover that ends. Its name is the guarantee listed in ARCHITECTURE.md."""

import pgtrigger

from aidplatform.lib.guards import Guard, refuse

# Hung on the spans of memberships, which know no suspensions. It judges at the commit, because a span that goes on in
# another class is written after the one before it has ended.
cover_ends_with_a_reason = Guard(
    name="cover_ends_with_a_reason",
    when=pgtrigger.After,
    operation=pgtrigger.Insert | pgtrigger.Update,
    timing=pgtrigger.Deferred,
    condition=pgtrigger.Condition("NEW.to_at IS NOT NULL"),
    declare=[("pool", "record")],
    func=f"""
        SELECT state, time_zone INTO pool FROM members_pool WHERE id = NEW.pool_id;
        IF pool.state NOT IN ('winding_down', 'closed')
           AND NOT EXISTS (SELECT 1 FROM members_membershipend WHERE membership_id = NEW.membership_id)
           AND NOT EXISTS (SELECT 1 FROM members_span s
                            WHERE s.pool_id = NEW.pool_id AND s.membership_id = NEW.membership_id
                              AND s.from_at = NEW.to_at AND NEW.from_at < NEW.to_at)
           AND NOT EXISTS (SELECT 1 FROM ledger_suspension s
                            WHERE s.pool_id = NEW.pool_id AND s.membership_id = NEW.membership_id
                              AND s.from_date::timestamp AT TIME ZONE pool.time_zone = NEW.to_at) THEN
            {refuse("cover_ends_with_a_reason", "nothing says why membership %s is not covered from %s on", "NEW.membership_id", "NEW.to_at")}
        END IF;
        RETURN NULL;
    """,
)
