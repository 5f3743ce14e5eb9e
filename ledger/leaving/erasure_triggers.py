"""The guard by which an erasure waits for money; its name stands beside what it holds in ARCHITECTURE.md."""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, refuse

_PAYS_AHEAD = (
    """EXISTS (SELECT 1 FROM members_planversion v WHERE v.pool_id = p.id AND v.terms ? 'funding')"""
)
_OWED = """EXISTS (
    SELECT 1 FROM ledger_charge c WHERE c.pool_id = m.pool_id AND c.membership_id = m.id
       AND c.share_fen > coalesce((SELECT sum(k.amount_fen) FROM ledger_collection k WHERE k.pool_id = c.pool_id
                                      AND k.membership_id = c.membership_id AND k.period_no = c.period_no), 0)
       AND NOT EXISTS (SELECT 1 FROM ledger_writtenoffcharge w WHERE w.pool_id = c.pool_id
                          AND w.membership_id = c.membership_id AND w.period_no = c.period_no))"""
_NOT_PAID_BACK = """EXISTS (
    SELECT 1 FROM ledger_paymentorder o LEFT JOIN ledger_statementline l ON l.id = o.receipt_id
     WHERE o.pool_id = m.pool_id AND o.state IN ('ordered', 'released') AND m.id IN (o.membership_id, l.membership_id))"""

# Hung on requests for an erasure, which know no money.
# Amounts of a posted period go into its roll by the secrets of its members, within minutes.
_ROLL_WAITS = """
    SELECT 1 FROM ledger_period d JOIN ledger_roll f ON f.period_id = d.id AND f.stage = 'freeze'
     WHERE d.pool_id = p.id AND d.state = 'posted'
       AND NOT EXISTS (SELECT 1 FROM ledger_roll c WHERE c.period_id = d.id AND c.stage = 'close')"""

erasure_waits_for_money = Guard(
    name="erasure_waits_for_money",
    when=pgtrigger.Before,
    operation=pgtrigger.Update,
    condition=pgtrigger.Condition("NEW.state = 'erasing' AND OLD.state <> 'erasing'"),
    declare=[("left_open", "text")],
    func=f"""
        {judged_now()}
        SELECT string_agg(p.code || ' #' || m.number, ', ' ORDER BY m.id) INTO left_open
          FROM members_membership m JOIN members_pool p ON p.id = m.pool_id
         WHERE m.id IN (SELECT members_of_person(NEW.person_id))
           AND (CASE WHEN {_PAYS_AHEAD} THEN wallet_balance(p.id, m.id) > 0 ELSE {_OWED} END
                OR {_NOT_PAID_BACK}
                OR EXISTS ({_ROLL_WAITS})
                OR p.state <> 'closed' AND EXISTS (SELECT 1 FROM most_charged(p.id, m.id)));
        IF left_open IS NOT NULL THEN
            {refuse("erasure_waits_for_what_is_open", "money of members: %s", "left_open")}
        END IF;
        RETURN NEW;
    """,
)
