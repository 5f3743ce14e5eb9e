"""The function that says how a pool that ends settles what nobody will pay any more, installed by a migration.

What is left of shares and of costs that no bill will take in is borne in this order: by the carried surplus, as the
next bill would have used it; by the fee that cash has not earned; by the aid that is not paid, every award in
proportion to what is still unpaid of it, whole fen by largest remainder; by what is left of the fee.
"""

from ledger.books import chart
from ledger.custody.triggers import balance_sql, collected_sql, fee_lowered_sql

_LIVE = "state NOT IN ('cancelled', 'returned')"


# A period that charged nobody has its fee from the carry: it is earned.
_FEES = f"""
    SELECT p.number, greatest(0, p.fee_fen - lowered.fen - taken.fen) AS held,
           greatest(0, p.fee_fen - lowered.fen - greatest(taken.fen,
               CASE WHEN p.assessed_fen = 0 THEN p.fee_fen
                    ELSE div(p.fee_fen::numeric * {collected_sql("p")}, p.assessed_fen) END)) AS unearned
      FROM ledger_period p,
           LATERAL (SELECT {fee_lowered_sql("p")} AS fen) lowered,
           LATERAL (SELECT coalesce(sum(o.amount_fen), 0) AS fen FROM ledger_paymentorder o
                     WHERE o.period_id = p.id AND o.{_LIVE}) taken
     WHERE p.pool_id = p_pool AND p.state = 'posted'"""
_UNPAID = f"""
    SELECT w.id, w.code, w.shared_fen - w.lowered_fen - coalesce((
               SELECT sum(o.amount_fen) FROM ledger_paymentorder o WHERE o.award_id = w.id AND o.{_LIVE}), 0) AS unpaid
      FROM ledger_award w WHERE w.pool_id = p_pool AND w.state = 'shared'"""

SETTLEMENT = f"""
CREATE OR REPLACE FUNCTION custody_settlement(p_pool bigint) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $settlement$
DECLARE
    owed numeric := coalesce({balance_sql(chart.RECEIVABLE, "p_pool")}, 0);
    unshared numeric := coalesce({balance_sql(chart.TO_BE_SHARED, "p_pool")}, 0);
    carry numeric := least(owed + unshared, coalesce({balance_sql(chart.CARRIED_SURPLUS, "p_pool")}, 0));
    rest numeric := owed + unshared - carry;
    first_fee numeric;
    aid numeric;
    last_fee numeric;
    fees jsonb;
    awards jsonb;
BEGIN
    SELECT least(rest, coalesce(sum(f.unearned), 0)), coalesce(sum(f.held - f.unearned), 0) INTO first_fee, last_fee FROM ({_FEES}) f;
    SELECT least(rest - first_fee, coalesce(sum(a.unpaid), 0)) INTO aid FROM ({_UNPAID}) a;
    last_fee := least(rest - first_fee - aid, last_fee);
    SELECT coalesce(jsonb_agg(jsonb_build_array(part.number, part.fen) ORDER BY part.number) FILTER (WHERE part.fen > 0), '[]')
      INTO fees
      FROM (SELECT f.number,
                   (greatest(0, least(f.unearned, first_fee - (sum(f.unearned) OVER up - f.unearned)))
                    + greatest(0, least(f.held - f.unearned, last_fee - (sum(f.held - f.unearned) OVER up - (f.held - f.unearned)))))::bigint AS fen
              FROM ({_FEES}) f WINDOW up AS (ORDER BY f.number)) part;
    SELECT coalesce(jsonb_agg(jsonb_build_array(part.code, part.unpaid, part.fen) ORDER BY part.code), '[]') INTO awards
      FROM (SELECT a.code, a.unpaid::bigint AS unpaid,
                   (div(a.unpaid * aid, sum(a.unpaid) OVER ())
                    + (row_number() OVER (ORDER BY mod(a.unpaid * aid, total.fen) DESC, a.unpaid DESC, a.code)
                       <= aid - sum(div(a.unpaid * aid, total.fen)) OVER ())::int)::bigint AS fen
              FROM ({_UNPAID}) a, (SELECT sum(u.unpaid) AS fen FROM ({_UNPAID}) u) total WHERE a.unpaid > 0) part;
    RETURN jsonb_build_object(
        'receivable', owed::bigint, 'to_be_shared', unshared::bigint, 'carry', carry::bigint,
        'fee', (first_fee + last_fee)::bigint, 'aid', aid::bigint, 'left', (rest - first_fee - aid - last_fee)::bigint,
        'fees', fees, 'awards', awards);
END $settlement$;
"""
NAME = "custody_settlement(bigint)"
INSTALL = [SETTLEMENT, f"REVOKE ALL ON FUNCTION {NAME} FROM PUBLIC"]
UNINSTALL = [f"DROP FUNCTION {NAME}"]
