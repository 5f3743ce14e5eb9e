"""Guards by which an erasure waits for money and stands in the log; their names stand in ARCHITECTURE.md."""

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

# The same words as of the log's line: nothing in it leads from one pool to another, or to the person.
# Whose memberships: their own, and those of children without an account for whom they speak.
_SPOKEN_FOR = """(m.person_id = u.id OR m.person_id IS NULL AND EXISTS (
               SELECT 1 FROM members_familymember f JOIN members_membership g ON g.id = f.guardian_id
                WHERE f.membership_id = m.id AND g.person_id = u.id AND NOT EXISTS (
                      SELECT 1 FROM members_membershipend x WHERE x.membership_id = g.id AND x.reason = 'deceased')))"""
_REF = "left(encode(sha256(convert_to('site.erasure:' || u.code || ':' || p.code, 'UTF8')), 'hex'), 16)"

# Hung on the log, which knows no erasure.
log_states_purges_as_done = Guard(
    name="log_states_purges_as_done",
    when=pgtrigger.Before,
    operation=pgtrigger.Insert,
    condition=pgtrigger.Condition("NEW.type = 'doc.purge'"),
    func=f"""
        IF convert_from(NEW.data, 'UTF8')::jsonb->'body' IS DISTINCT FROM '{{"people": 1}}'::jsonb OR NOT EXISTS (
            SELECT 1 FROM members_erasure e JOIN members_user u ON u.id = e.person_id
              JOIN members_membership m ON m.id IN (SELECT members_of_person(e.person_id))
              JOIN members_pool p ON p.id = m.pool_id JOIN ledger_log g ON g.code = p.code
             WHERE e.state = 'erasing' AND g.id = NEW.log_id AND NEW.key = {_REF}
        ) THEN
            {refuse("log_states_purges_as_done", "nobody is being erased of whom this is: %s", "NEW.key")}
        END IF;
        RETURN NEW;
    """,
)

# At the end of the transaction, in which the log's lines come last.
erasure_is_logged = Guard(
    name="erasure_is_logged",
    when=pgtrigger.After,
    operation=pgtrigger.Update,
    timing=pgtrigger.Deferred,
    condition=pgtrigger.Condition("NEW.state = 'done'"),
    declare=[("missing", "text")],
    func=f"""
        SELECT p.code INTO missing FROM members_user u
          JOIN members_membership m ON m.id IN (SELECT members_of_person(u.id)) AND {_SPOKEN_FOR}
          JOIN members_pool p ON p.id = m.pool_id
         WHERE u.id = NEW.person_id AND NOT EXISTS (
               SELECT 1 FROM ledger_log g JOIN ledger_logentry l ON l.log_id = g.id
                WHERE g.code = p.code AND l.type = 'doc.purge' AND l.key = {_REF}) LIMIT 1;
        IF FOUND THEN
            {refuse("erasure_is_logged", "the log of %s does not say that somebody was erased", "missing")}
        END IF;
        RETURN NULL;
    """,
)
