"""Guards of shares that go back. Names are the guarantees listed in ARCHITECTURE.md.

Like collections they take the row of the pool's bank account first: a payment of a share and its return meet one after
the other. That two people decided so of that very membership is held where decisions are known (`claims`).
"""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, kept, refuse
from ledger.books import chart

_LOCK = "PERFORM 1 FROM ledger_bankaccount WHERE pool_id = NEW.pool_id FOR NO KEY UPDATE;"
# Of every announced charge what was paid, and what is still asked for.
_CHARGES = """
    SELECT coalesce(jsonb_agg(jsonb_build_array(o.period_no, o.paid, o.open) ORDER BY o.period_no), '[]') AS list,
           coalesce(sum(o.paid), 0)::bigint AS paid, coalesce(sum(o.open), 0)::bigint AS open INTO charged
      FROM (SELECT c.period_no, k.paid, CASE WHEN w.id IS NULL THEN c.share_fen - k.paid ELSE 0 END AS open
              FROM ledger_charge c JOIN ledger_period p ON p.pool_id = c.pool_id AND p.number = c.period_no
              CROSS JOIN LATERAL (SELECT coalesce(sum(n.amount_fen), 0)::bigint AS paid FROM ledger_collection n
                                   WHERE n.pool_id = c.pool_id AND n.membership_id = c.membership_id
                                     AND n.period_no = c.period_no) k
              LEFT JOIN ledger_writtenoffcharge w ON w.pool_id = c.pool_id AND w.membership_id = c.membership_id
                                                 AND w.period_no = c.period_no
             WHERE c.pool_id = NEW.pool_id AND c.membership_id = NEW.membership_id
               AND p.charges_notified_at IS NOT NULL) o
     WHERE o.paid + o.open > 0;
"""
_ENTRY = f"""
    IF NOT EXISTS (
        SELECT 1 FROM ledger_journalentry e JOIN ledger_book b ON b.id = e.book_id JOIN members_pool p ON p.code = b.code
         WHERE e.id = NEW.entry_id AND p.id = NEW.pool_id AND e.kind = 'waiting_refund'
           AND e.key = 'waiting_refund/' || NEW.number AND (e.maker, e.checker) = (NEW.reviewer, NEW.decider)
           AND (SELECT jsonb_agg(jsonb_build_array(a.code, o.side, o.amount_fen) ORDER BY a.code)
                  FROM ledger_posting o JOIN ledger_account a ON a.id = o.account_id WHERE o.entry_id = e.id)
             = (SELECT jsonb_agg(jsonb_build_array(w.code, w.side, w.fen) ORDER BY w.code)
                  FROM (VALUES ('{chart.RECEIVABLE}', 'C', NEW.open_fen), ('{chart.REFUNDS_PAYABLE}', 'C', NEW.paid_fen),
                               ('{chart.TO_BE_SHARED}', 'D', NEW.paid_fen + NEW.open_fen)) w (code, side, fen)
                 WHERE w.fen > 0)) THEN
        {refuse("shares_return_has_its_entry", "return %s is not booked as it is", "NEW.number")}
    END IF;
"""

share_return_guards = [
    Guard(
        name="shares_go_back_for_illness_in_the_wait",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=[("one", "record"), ("plan", "jsonb"), ("waiting", "int"), ("charged", "record")],
        func=f"""
            {judged_now()}
            {_LOCK}
            SELECT m.joined_date, coalesce(m.waiting_since_date, m.joined_date) AS since INTO one
              FROM members_membership m WHERE m.id = NEW.membership_id AND m.pool_id = NEW.pool_id;
            SELECT v.terms INTO plan FROM members_planversion v WHERE v.pool_id = NEW.pool_id
             ORDER BY v.effective_date <= NEW.event_date DESC, abs(v.effective_date - NEW.event_date) LIMIT 1;
            SELECT greatest((plan->>'waiting_days')::int, max((rule->>'days')::int)) INTO waiting
              FROM jsonb_array_elements(coalesce(plan->'waiting_rules', '[]')) rule;
            IF plan->>'illness_in_wait' IS DISTINCT FROM 'shares_back'
               OR coalesce(NEW.event_date NOT BETWEEN one.joined_date AND one.since + waiting, true) THEN
                {refuse("shares_go_back_for_illness_in_the_wait", "membership %s does not wait on %s, or its rules give nothing back", "NEW.membership_id", "NEW.event_date")}
            END IF;
            -- Who is in a headcount that is due is in it, however late it is taken.
            IF EXISTS (SELECT 1 FROM ledger_period p JOIN members_pool o ON o.id = p.pool_id
                        WHERE p.pool_id = NEW.pool_id AND p.charges_notified_at IS NULL
                          AND p.publicity_date <= (aid_now() AT TIME ZONE o.time_zone)::date) THEN
                {refuse("shares_go_back_once_charged", "the shares of a period that is counted are not announced yet")}
            END IF;
            IF NEW.entry_id IS NOT NULL THEN
                {refuse("shares_return_has_its_entry", "it brings its entry along")}
            END IF;
            {_CHARGES}
            NEW.charges := charged.list;
            NEW.paid_fen := charged.paid;
            NEW.open_fen := charged.open;
            NEW.returned_at := aid_now();
            NEW.number := coalesce((SELECT max(number) FROM ledger_sharesreturn WHERE pool_id = NEW.pool_id), 0) + 1;
            RETURN NEW;
        """,
    ),
    Guard(
        name="shares_return_is_permanent",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        declare=[("whole", "ledger_sharesreturn")],
        func=f"""
            whole := NEW;
            whole.entry_id := OLD.entry_id;
            IF OLD.entry_id IS NOT NULL OR whole IS DISTINCT FROM OLD THEN
                {refuse("shares_return_is_permanent", "return %s is not edited", "OLD.number")}
            END IF;
            {_ENTRY}
            RETURN NEW;
        """,
    ),
    # What was open is asked for no more, from the same instant on.
    Guard(
        name="returned_share_is_not_owed",
        when=pgtrigger.After,
        operation=pgtrigger.Update,
        func="""
            INSERT INTO ledger_writtenoffcharge (pool_id, membership_id, period_no, amount_fen, shares_return_id)
            SELECT NEW.pool_id, NEW.membership_id, (c->>0)::int, (c->>2)::bigint, NEW.id
              FROM jsonb_array_elements(NEW.charges) c WHERE (c->>2)::bigint > 0;
            RETURN NULL;
        """,
    ),
    Guard(
        name="shares_return_ends_the_membership",
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        timing=pgtrigger.Deferred,
        func=f"""
            IF NEW.paid_fen + NEW.open_fen > 0
               AND (SELECT entry_id FROM ledger_sharesreturn WHERE id = NEW.id) IS NULL THEN
                {refuse("shares_return_has_its_entry", "return %s is not booked", "NEW.number")}
            END IF;
            IF NOT EXISTS (SELECT 1 FROM members_membershipend WHERE membership_id = NEW.membership_id)
               AND NOT EXISTS (SELECT 1 FROM members_pool WHERE id = NEW.pool_id AND state IN ('winding_down', 'closed')) THEN
                {refuse("shares_return_ends_the_membership", "membership %s goes on", "NEW.membership_id")}
            END IF;
            RETURN NULL;
        """,
    ),
    kept("shares_returns_are_kept", "returns of shares are facts: they are never deleted"),
]

# Hung on the ends of memberships, which know no money.
illness_ends_with_its_return = Guard(
    name="illness_ends_with_its_return",
    when=pgtrigger.Before,
    operation=pgtrigger.Insert,
    condition=pgtrigger.Condition("NEW.reason = 'ill'"),
    func=f"""
        IF NOT EXISTS (
            SELECT 1 FROM ledger_sharesreturn r JOIN members_pool p ON p.id = r.pool_id
             WHERE r.membership_id = NEW.membership_id AND (r.decider, r.decision) = (NEW.recorded_by, NEW.reference)
               AND NEW.end_date = (aid_now() AT TIME ZONE p.time_zone)::date + 1) THEN
            {refuse("illness_ends_with_its_return", "no shares of membership %s go back", "NEW.membership_id")}
        END IF;
        RETURN NEW;
    """,
)
