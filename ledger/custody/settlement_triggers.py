"""Guards of final settlements. Names are the guarantees listed in ARCHITECTURE.md.

Every figure is the database's own, computed when it is ordered and once more when it is approved.
"""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, kept, refuse
from ledger.books import chart
from members.pools.triggers import holds_pool_duty

_LOCK = "PERFORM 1 FROM ledger_bankaccount WHERE pool_id = NEW.pool_id FOR NO KEY UPDATE;"
_SHOWN = ("pool_id", "number", "figures", "ordered_by")
_FIXED = (*_SHOWN, "id", "shown_sha256", "ordered_at")
_LATER = ("approved_sha256", "decided_by", "decided_at", "entry_id")


def shown_sql(row: str) -> str:
    """Return SQL for the text that an approval is hashed over."""
    return "concat_ws('|', " + ", ".join(f"{row}.{column}::text" for column in _SHOWN) + ")"


# Nothing is settled that a bill or a payment could still change.
_IS_OVER = f"""
    SELECT p.state, (aid_now() AT TIME ZONE p.time_zone)::date AS today, e.run_off_end_date INTO pool
      FROM members_pool p LEFT JOIN members_poolending e ON e.pool_id = p.id AND e.cancelled_at IS NULL
     WHERE p.id = NEW.pool_id;
    IF pool.state <> 'winding_down' OR pool.today < pool.run_off_end_date
       OR EXISTS (SELECT 1 FROM ledger_period WHERE pool_id = NEW.pool_id AND charges_notified_at IS NULL)
       OR EXISTS (SELECT 1 FROM ledger_award WHERE pool_id = NEW.pool_id AND state IN ('announced', 'final')) THEN
        {refuse("settlement_comes_last", "the pool is %s; cases are taken until %s, or something is not shared", "pool.state", "pool.run_off_end_date")}
    END IF;
    IF EXISTS (SELECT 1 FROM ledger_paymentorder WHERE pool_id = NEW.pool_id AND state IN ('ordered', 'released'))
       OR EXISTS (SELECT 1 FROM ledger_writeoff WHERE pool_id = NEW.pool_id AND state = 'ordered')
       OR EXISTS (SELECT 1 FROM ledger_awardrevocation WHERE pool_id = NEW.pool_id AND state = 'proposed') THEN
        {refuse("settlement_waits_for_orders", "an order of the pool is not confirmed or cancelled")}
    END IF;
"""
_LINES = f"""
    SELECT jsonb_agg(jsonb_build_array(code, side, fen) ORDER BY code, side)
      FROM (VALUES ('{chart.RECEIVABLE}', 'C', f.receivable), ('{chart.TO_BE_SHARED}', 'D', f.receivable),
                   ('{chart.TO_BE_SHARED}', 'C', f.receivable + f.unshared),
                   ('{chart.AID_PAYABLE}', 'D', f.aid), ('{chart.FEE_PAYABLE}', 'D', f.fee),
                   ('{chart.CARRIED_SURPLUS}', 'D', f.carry), ('{chart.WRITE_OFFS}', 'D', f.receivable + f.unshared),
                   ('{chart.AID_GRANTED}', 'C', f.aid), ('{chart.MANAGEMENT_FEE}', 'C', f.fee),
                   ('{chart.CONTRIBUTIONS}', 'C', f.carry)) line (code, side, fen) WHERE fen <> 0"""
_ENTRY = f"""
    IF NOT EXISTS (
        SELECT 1 FROM ledger_journalentry e JOIN ledger_book b ON b.id = e.book_id JOIN members_pool p ON p.code = b.code,
               LATERAL (SELECT (NEW.figures->>'receivable')::bigint AS receivable, (NEW.figures->>'to_be_shared')::bigint AS unshared,
                               (NEW.figures->>'carry')::bigint AS carry, (NEW.figures->>'fee')::bigint AS fee,
                               (NEW.figures->>'aid')::bigint AS aid) f
         WHERE e.id = NEW.entry_id AND p.id = NEW.pool_id AND e.kind = 'settlement' AND e.key = 'settlement/' || NEW.number
           AND e.maker = NEW.ordered_by AND e.checker = NEW.decided_by
           AND (SELECT jsonb_agg(jsonb_build_array(a.code, o.side, o.amount_fen) ORDER BY a.code, o.side)
                  FROM ledger_posting o JOIN ledger_account a ON a.id = o.account_id WHERE o.entry_id = e.id) = ({_LINES})) THEN
        {refuse("approved_settlement_has_its_entry", "settlement %s is not booked as it was shown", "NEW.number")}
    END IF;
"""

settlement_guards = [
    Guard(
        name="settlement_begins_ordered",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=[("pool", "record")],
        func=f"""
            {judged_now()}
            PERFORM 1 FROM members_pool WHERE id = NEW.pool_id FOR NO KEY UPDATE;
            {_LOCK}
            IF num_nonnulls({", ".join(f"NEW.{column}" for column in _LATER)}) > 0 THEN
                {refuse("settlement_begins_ordered", "it brings its decision along")}
            END IF;
            IF NOT {holds_pool_duty("ordered_by", "treasurer")} THEN
                {refuse("settlement_people_hold_their_duty", "%s is no treasurer", "NEW.ordered_by")}
            END IF;
            {_IS_OVER}
            NEW.figures := custody_settlement(NEW.pool_id);
            IF (NEW.figures->>'receivable')::bigint + (NEW.figures->>'to_be_shared')::bigint = 0
               OR (NEW.figures->>'left')::bigint > 0 THEN
                {refuse("settlement_is_borne", "there is nothing to settle, or %s beyond all that can bear it", "NEW.figures->>'left'")}
            END IF;
            NEW.ordered_at := aid_now();
            NEW.number := coalesce((SELECT max(number) FROM ledger_finalsettlement WHERE pool_id = NEW.pool_id), 0) + 1;
            NEW.shown_sha256 := encode(sha256(convert_to({shown_sql("NEW")}, 'UTF8')), 'hex');
            RETURN NEW;
        """,
    ),
    Guard(
        name="settlement_is_decided_as_shown",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        declare=[("pool", "record")],
        func=f"""
            IF ({", ".join(f"NEW.{c}" for c in _FIXED)}) IS DISTINCT FROM ({", ".join(f"OLD.{c}" for c in _FIXED)})
               OR OLD.state NOT IN ('ordered', 'approved') AND NEW IS DISTINCT FROM OLD
               OR OLD.state = 'approved' AND (NEW.state, NEW.approved_sha256, NEW.decided_by, NEW.decided_at)
                  IS DISTINCT FROM (OLD.state, OLD.approved_sha256, OLD.decided_by, OLD.decided_at)
               OR OLD.state = 'approved' AND (OLD.entry_id IS NOT NULL OR NEW.entry_id IS NULL) THEN
                {refuse("settlement_is_decided_as_shown", "settlement %s is not edited", "OLD.number")}
            END IF;
            {judged_now()}
            PERFORM 1 FROM members_pool WHERE id = NEW.pool_id FOR NO KEY UPDATE;
            {_LOCK}
            IF NEW.state = 'withdrawn' THEN
                NEW.decided_at := aid_now();
                IF NOT {holds_pool_duty("decided_by", "controller", "treasurer")} THEN
                    {refuse("settlement_people_hold_their_duty", "%s may not take it back", "NEW.decided_by")}
                END IF;
            ELSIF OLD.state = 'ordered' AND NEW.state = 'approved' THEN
                NEW.decided_at := aid_now();
                IF NOT {holds_pool_duty("decided_by", "controller")} THEN
                    {refuse("settlement_people_hold_their_duty", "%s is no controller", "NEW.decided_by")}
                END IF;
                {_IS_OVER}
                IF custody_settlement(NEW.pool_id) IS DISTINCT FROM NEW.figures THEN
                    {refuse("settlement_is_of_the_books", "the books have moved on since it was ordered")}
                END IF;
            ELSIF OLD.state = 'approved' THEN
                {_ENTRY}
            END IF;
            RETURN NEW;
        """,
    ),
    # Written by the database: what payments may still pay, and which shares nobody is asked for any more.
    Guard(
        name="approved_settlement_lowers_its_awards",
        when=pgtrigger.After,
        operation=pgtrigger.Update,
        condition=pgtrigger.Condition("NEW.state = 'approved' AND OLD.state = 'ordered'"),
        func="""
            UPDATE ledger_award w SET lowered_fen = w.lowered_fen + (a->>2)::bigint
              FROM jsonb_array_elements(NEW.figures->'awards') a
             WHERE w.pool_id = NEW.pool_id AND w.code = a->>0 AND (a->>2)::bigint > 0;
            INSERT INTO ledger_writtenoffcharge (pool_id, membership_id, period_no, amount_fen, settlement_id)
            SELECT c.pool_id, c.membership_id, c.period_no, c.share_fen - coalesce(k.fen, 0), NEW.id
              FROM ledger_charge c JOIN ledger_period p ON p.pool_id = c.pool_id AND p.number = c.period_no
              LEFT JOIN (SELECT membership_id, period_no, sum(amount_fen) AS fen FROM ledger_collection
                          WHERE pool_id = NEW.pool_id GROUP BY 1, 2) k
                ON k.membership_id = c.membership_id AND k.period_no = c.period_no
             WHERE c.pool_id = NEW.pool_id AND p.wallet_fen IS NULL AND c.share_fen > coalesce(k.fen, 0)
               AND NOT EXISTS (SELECT 1 FROM ledger_writtenoffcharge w WHERE w.pool_id = c.pool_id
                                  AND w.membership_id = c.membership_id AND w.period_no = c.period_no);
            RETURN NULL;
        """,
    ),
    # An approval and its entry come in one transaction.
    Guard(
        name="approved_settlement_has_its_entry",
        when=pgtrigger.After,
        operation=pgtrigger.Insert | pgtrigger.Update,
        timing=pgtrigger.Deferred,
        func=f"""
            IF (SELECT state = 'approved' AND entry_id IS NULL FROM ledger_finalsettlement WHERE id = NEW.id) THEN
                {refuse("approved_settlement_has_its_entry", "settlement %s is not booked", "NEW.number")}
            END IF;
            RETURN NULL;
        """,
    ),
    kept("settlements_are_kept", "settlements are withdrawn, never deleted"),
]
