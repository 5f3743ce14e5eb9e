"""The guard of collections: what pays which charge, and whose money it is. Names are the guarantees of ARCHITECTURE.md.

Like orders and releases, collections of one pool wait for each other at the row of its bank account.
"""

from aidplatform.lib.guards import judged_now, judges_rows, refuse
from ledger.custody.opening_debts import BEFORE_PERIODS, owed_sql, taken_over_sql
from ledger.custody.undoing_triggers import turn_fits_sql
from members.joining.payer_triggers import in_force_sql

# What is owed of announced charges that nobody has written off.
_OPEN_CHARGE = """
    SELECT 1 FROM ledger_charge c JOIN ledger_period p ON p.pool_id = c.pool_id AND p.number = c.period_no
     WHERE c.pool_id = n.pool_id AND p.charges_notified_at IS NOT NULL AND c.membership_id IN ({members})
       AND c.share_fen > coalesce((SELECT sum(k.amount_fen) FROM ledger_collection k WHERE k.pool_id = c.pool_id
                                      AND k.membership_id = c.membership_id AND k.period_no = c.period_no), 0)
       AND NOT EXISTS (SELECT 1 FROM ledger_writtenoffcharge w WHERE w.pool_id = c.pool_id
                          AND w.membership_id = c.membership_id AND w.period_no = c.period_no)
     UNION ALL
    SELECT 1 FROM ({debts}) d
     WHERE d.fen > coalesce((SELECT sum(k.amount_fen) FROM ledger_collection k WHERE k.pool_id = n.pool_id
                                AND k.membership_id = d.membership_id AND k.period_no = {before}), 0)"""
_BEFORE_IN_LINE = f"""
    SELECT n.payer_id UNION ALL
    SELECT k.membership_id FROM members_payerlink k JOIN members_membership b ON b.id = k.membership_id
     WHERE k.payer_id = n.payer_id AND b.number < m.number AND {in_force_sql("k")}"""

_DEBTS = owed_sql("n.pool_id", f"r.membership_id IN ({_BEFORE_IN_LINE})")

# Each line and each charge is looked up by its key, LATERAL: a session keeps the plans of a guard, and one that it made
# for a hundred thousand rows reads whole tables for a single one, while one made for a single row compares each with each.
_LINE = """LATERAL (SELECT id, account_id, line_no, direction, kind, membership_id, amount_fen
                      FROM ledger_statementline WHERE id = n.line_id LIMIT 1) l"""
# Set-based: a hundred thousand collections are judged by one pass over what they touch.
collection_guards = [
    judges_rows(
        "collected_at_most_the_share",
        f"""
            {judged_now()}
            PERFORM 1 FROM ledger_bankaccount WHERE pool_id IN (SELECT DISTINCT pool_id FROM new_rows)
              ORDER BY id FOR NO KEY UPDATE;
            SELECT n.pool_id, n.period_no INTO bad FROM (SELECT DISTINCT pool_id, period_no FROM new_rows) n
              LEFT JOIN ledger_period p ON p.pool_id = n.pool_id AND p.number = n.period_no
             WHERE n.period_no <> {BEFORE_PERIODS} AND (p.charges_notified_at IS NULL OR p.state <> 'posted') LIMIT 1;
            IF FOUND THEN
                {refuse("collection_needs_notice", "the charges of period %s are not announced", "bad.period_no")}
            END IF;
            SELECT n.recorded_by INTO bad FROM (SELECT DISTINCT pool_id, recorded_by FROM new_rows) n
             WHERE NOT EXISTS (
                SELECT 1 FROM members_dutygrant g JOIN members_user u ON u.id = g.person_id
                 WHERE u.code = n.recorded_by AND g.duty = 'treasurer' AND g.ended_at IS NULL AND g.pool_id = n.pool_id) LIMIT 1;
            IF FOUND THEN
                {refuse("custody_people_hold_their_duty", "%s is no treasurer", "bad.recorded_by")}
            END IF;
            SELECT l.line_no, n.membership_id INTO bad FROM (SELECT * FROM new_rows WHERE amount_fen < 0) n CROSS JOIN {_LINE}
             WHERE l.kind = 'chargeback' AND (l.membership_id IS DISTINCT FROM coalesce(n.payer_id, n.membership_id)
                OR (SELECT sum(k.amount_fen) FROM ledger_collection k WHERE k.pool_id = n.pool_id
                       AND k.membership_id = n.membership_id AND k.period_no = n.period_no
                       AND k.payer_id IS NOT DISTINCT FROM n.payer_id) < 0) LIMIT 1;
            IF FOUND THEN
                {refuse("chargeback_is_of_its_payers_money", "line %s takes back of membership %s what its payer has not paid", "bad.line_no", "bad.membership_id")}
            END IF;
            {turn_fits_sql("bad").format(payer="coalesce(n.payer_id, n.membership_id)")}
            -- A line is looked up once, for what it is and for what is used of it. As lines are never changed or deleted,
            -- that it is there holds for good: the foreign key would ask for each of them again at the commit.
            SELECT n.line_id, l.line_no, l.amount_fen, c.used, f.is_unfit INTO bad
              FROM (SELECT line_id, pool_id, min(amount_fen) FILTER (WHERE turn >= 0) AS least, max(amount_fen) AS most
                      FROM new_rows WHERE line_id IS NOT NULL GROUP BY 1, 2 ORDER BY 1) n
              LEFT JOIN {_LINE} ON true LEFT JOIN ledger_bankaccount a ON a.id = l.account_id
              CROSS JOIN LATERAL (SELECT abs(sum(amount_fen)) AS used FROM ledger_collection WHERE line_id = n.line_id) c
              CROSS JOIN LATERAL (SELECT a.pool_id IS DISTINCT FROM n.pool_id
                        OR (l.direction = 'in' AND coalesce(n.least, 0) < 0) OR (l.direction = 'out' AND n.most > 0)
                        OR l.kind NOT IN ('collection', 'unidentified', 'chargeback') AS is_unfit) f
             WHERE f.is_unfit OR c.used + coalesce((SELECT sum(o.amount_fen) FROM ledger_paymentorder o
                       WHERE o.receipt_id = n.line_id AND o.state NOT IN ('cancelled', 'returned')), 0)
                   + coalesce((SELECT sum(x.amount_fen) FROM ledger_debitexplanation x
                       WHERE x.receipt_id = n.line_id AND x.state = 'agreed'), 0) > l.amount_fen LIMIT 1;
            IF bad.is_unfit THEN
                {refuse("collection_fits_its_line", "line %s (%s) is not money of this charge", "bad.line_no", "bad.line_id")}
            ELSIF FOUND THEN
                {refuse("receipt_is_used_once", "a line of %s is used for %s", "bad.amount_fen", "bad.used")}
            END IF;
            SELECT n.membership_id, n.period_no, k.paid, coalesce(c.share_fen, d.fen) AS share_fen INTO bad
              FROM (SELECT DISTINCT membership_id, pool_id, period_no FROM new_rows) n
              CROSS JOIN LATERAL (SELECT sum(amount_fen) AS paid FROM ledger_collection
                                   WHERE pool_id = n.pool_id AND membership_id = n.membership_id
                                     AND period_no = n.period_no) k
              LEFT JOIN LATERAL (SELECT share_fen FROM ledger_charge
                                  WHERE pool_id = n.pool_id AND membership_id = n.membership_id
                                    AND period_no = n.period_no LIMIT 1) c ON true
              LEFT JOIN LATERAL ({taken_over_sql("n.pool_id", f"n.period_no = {BEFORE_PERIODS} AND r.membership_id = n.membership_id")}) d ON true
             WHERE coalesce(c.share_fen, d.fen) IS NULL OR k.paid > coalesce(c.share_fen, d.fen) OR k.paid < 0 LIMIT 1;
            IF FOUND THEN
                {refuse("collected_at_most_the_share", "charge of period %s: %s collected of %s", "bad.period_no", "bad.paid", "bad.share_fen")}
            END IF;
            SELECT n.payer_id, n.membership_id INTO bad FROM new_rows n
             WHERE n.payer_id IS NOT NULL AND n.amount_fen > 0 AND NOT EXISTS (
                SELECT 1 FROM members_payerlink k WHERE k.pool_id = n.pool_id AND k.payer_id = n.payer_id
                   AND k.membership_id = n.membership_id AND {in_force_sql("k")}) LIMIT 1;
            IF FOUND THEN
                {refuse("share_is_paid_for_by_its_payer", "membership %s does not pay for %s", "bad.payer_id", "bad.membership_id")}
            END IF;
            SELECT n.payer_id, n.membership_id INTO bad
              FROM (SELECT DISTINCT pool_id, payer_id, membership_id FROM new_rows
                     WHERE payer_id IS NOT NULL AND amount_fen > 0) n
              JOIN members_membership m ON m.id = n.membership_id
             WHERE EXISTS ({_OPEN_CHARGE.format(members=_BEFORE_IN_LINE, before=BEFORE_PERIODS, debts=_DEBTS)}) LIMIT 1;
            IF FOUND THEN
                {refuse("payer_is_filled_first", "money of membership %s pays for %s while it, or somebody before them, owes something", "bad.payer_id", "bad.membership_id")}
            END IF;
            RETURN NULL;
        """,
    ),
]
