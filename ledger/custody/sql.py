"""The function that says what of each award can be paid now, installed by a migration.

Aid is paid as collected: money beyond what belongs to others goes to the oldest posted period first, and within a
period to every case in the same proportion of its aid. The guard of orders and the pages ask the same function.
"""

from ledger.custody.triggers import SET_ASIDE, free_money_sql

# Earlier migrations install the function as it is now, before all of its columns are there: nothing calls it by then.
PAYABLE = f"""
SET LOCAL check_function_bodies = off;
CREATE OR REPLACE FUNCTION custody_payable(p_pool bigint)
RETURNS TABLE (award_id bigint, period_id bigint, aid_fen bigint, ordered_fen bigint, payable_fen bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $payable$
    WITH award AS (
        SELECT w.id, w.period_id, d.number, w.shared_fen - w.lowered_fen AS aid_fen,
               coalesce((SELECT sum(o.amount_fen) FROM ledger_paymentorder o
                          WHERE o.award_id = w.id AND o.state NOT IN ('cancelled', 'returned')), 0) AS ordered
          FROM ledger_award w JOIN ledger_period d ON d.id = w.period_id
         WHERE w.pool_id = p_pool AND w.state = 'shared' AND d.state = 'posted'
    ), money AS (
        SELECT greatest(0, {free_money_sql("p_pool")}
               - coalesce((SELECT sum(o.amount_fen) FROM ledger_paymentorder o
                            WHERE o.pool_id = p_pool AND o.state = 'ordered' AND o.kind NOT IN {SET_ASIDE}), 0)) AS free
    ), period AS (
        SELECT a.period_id, sum(a.aid_fen) AS aid, sum(a.ordered) AS ordered,
               sum(a.aid_fen) - sum(a.ordered) AS lacking,
               sum(sum(a.aid_fen) - sum(a.ordered)) OVER (ORDER BY a.number) AS lacking_upto
          FROM award a GROUP BY a.period_id, a.number
    ), part AS (
        SELECT p.period_id, p.aid, p.ordered, least(p.lacking, greatest(0, m.free - (p.lacking_upto - p.lacking))) AS free
          FROM period p, money m WHERE p.aid > 0
    ), wanted AS (
        SELECT a.*, p.free, greatest(0, div(a.aid_fen * (p.ordered + p.free), p.aid) - a.ordered) AS fen
          FROM award a JOIN part p ON p.period_id = a.period_id
    )
    SELECT w.id, w.period_id, w.aid_fen, w.ordered::bigint,
           -- Where a case has more than its proportion, another one's payment having come back, the rest shares what is there.
           CASE WHEN sum(w.fen) OVER same > w.free THEN div(w.fen * w.free, sum(w.fen) OVER same) ELSE w.fen END::bigint
      FROM wanted w WINDOW same AS (PARTITION BY w.period_id) ORDER BY w.number, w.id
$payable$;
"""
NAME = "custody_payable(bigint)"
INSTALL = [PAYABLE, f"REVOKE ALL ON FUNCTION {NAME} FROM PUBLIC"]
UNINSTALL = [f"DROP FUNCTION {NAME}"]
