"""What a period takes from the wallets of a pool whose members pay ahead: the function that takes it, and its guard.

Nobody writes a row per member: what a member has is what came in, less the shares of all posted periods. Only where
that is not enough a row is written, the gap, which brings the wallet to nothing; the sum of the gaps is a cost of the
next period. The function is asked by the one that closes the charges, in its transaction, and by nobody else.
"""

import pgtrigger

from aidplatform.lib.guards import Guard, refuse

_DEFINER = "LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp"

# The bank account's row is what top-ups and refunds of a pool wait for: none comes between the look and the gaps.
DRAW = f"""
CREATE OR REPLACE FUNCTION draw_from_wallets(p_period bigint) RETURNS void {_DEFINER} AS $wallets$
DECLARE
    period record;
    lacking bigint;
BEGIN
    SELECT p.id, p.pool_id, p.number, p.charged_fen, v.terms ? 'funding' AS pays_ahead INTO STRICT period
      FROM ledger_period p JOIN members_planversion v ON v.id = p.plan_version_id WHERE p.id = p_period;
    IF NOT period.pays_ahead THEN
        RETURN;
    END IF;
    PERFORM 1 FROM ledger_bankaccount WHERE pool_id = period.pool_id FOR NO KEY UPDATE;
    WITH gaps AS (
        INSERT INTO ledger_walletentry (pool_id, membership_id, kind, amount_fen, period_no, recorded_by, at)
        SELECT period.pool_id, charged.membership_id, 'gap', charged.fen - coalesce(paid.fen, 0), period.number, 'service', aid_now()
          FROM (SELECT membership_id, sum(share_fen)::bigint AS fen FROM ledger_charge
                 WHERE pool_id = period.pool_id GROUP BY 1) charged
          LEFT JOIN (SELECT membership_id, sum(amount_fen)::bigint AS fen FROM ledger_walletentry
                      WHERE pool_id = period.pool_id GROUP BY 1) paid USING (membership_id)
         WHERE charged.fen > coalesce(paid.fen, 0)
        RETURNING amount_fen)
    SELECT coalesce(sum(amount_fen), 0) INTO lacking FROM gaps;
    UPDATE ledger_period SET wallet_fen = period.charged_fen - lacking, gap_fen = lacking WHERE id = p_period;
END $wallets$;
"""
NAME = "draw_from_wallets(bigint)"
# As it was known when a headcount was taken: who is in it may still be charged, whatever has become of them since.
RESERVED = f"""
CREATE OR REPLACE FUNCTION wallet_reserved(p_pool bigint, p_membership bigint) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $reserved$
    SELECT coalesce(sum(CASE
               WHEN p.state = 'frozen' THEN {2**53 - 1}
               WHEN p.classes IS NOT NULL THEN (
                   SELECT max((c->>'share_fen')::bigint) FROM jsonb_array_elements(p.classes) c WHERE (c->>'class_no')::int = h.class_no)
               ELSE (SELECT max((c->>1)::bigint)
                       FROM ledger_log g JOIN ledger_logentry e ON e.log_id = g.id, members_pool m,
                            jsonb_array_elements(convert_from(e.data, 'UTF8')::jsonb#>'{{body,provisional}}') c
                      WHERE m.id = p.pool_id AND g.code = m.code AND e.type = 'period.announce' AND e.key = p.number::text
                        AND (c->>0)::int = h.class_no) END), 0)::bigint
      FROM ledger_period p
      CROSS JOIN LATERAL members_headcount(p.pool_id, p.as_of, p.headcount_recorded_at, p_membership, p_membership + 1) h
     WHERE p.pool_id = p_pool AND p.state NOT IN ('opened', 'posted')
$reserved$;
"""
RESERVED_NAME = "wallet_reserved(bigint, bigint)"
BALANCE = """
CREATE OR REPLACE FUNCTION wallet_balance(p_pool bigint, p_membership bigint) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $balance$
    SELECT (coalesce((SELECT sum(amount_fen) FROM ledger_walletentry WHERE pool_id = p_pool AND membership_id = p_membership), 0)
          - coalesce((SELECT sum(share_fen) FROM ledger_charge WHERE pool_id = p_pool AND membership_id = p_membership), 0))::bigint
$balance$;
"""
BALANCE_NAME = "wallet_balance(bigint, bigint)"
NAMES = (NAME, RESERVED_NAME, BALANCE_NAME)
INSTALL = [DRAW, RESERVED, BALANCE, *(f"REVOKE ALL ON FUNCTION {name} FROM PUBLIC" for name in NAMES)]
UNINSTALL = [f"DROP FUNCTION {name}" for name in NAMES]

wallet_period_guards = [
    Guard(
        name="prepaid_period_is_paid_by_wallets",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        declare=[("gaps", "bigint"), ("pays_ahead", "boolean")],
        func=f"""
            IF NEW.state <> 'posted' OR OLD.state = 'posted' THEN
                RETURN NEW;
            END IF;
            SELECT terms ? 'funding' INTO pays_ahead FROM members_planversion WHERE id = NEW.plan_version_id;
            SELECT coalesce(sum(amount_fen), 0) INTO gaps FROM ledger_walletentry
             WHERE pool_id = NEW.pool_id AND period_no = NEW.number;
            IF (NEW.wallet_fen, NEW.gap_fen) IS DISTINCT FROM
               (CASE WHEN pays_ahead THEN NEW.assessed_fen - gaps END, CASE WHEN pays_ahead THEN gaps END) THEN
                {refuse("prepaid_period_is_paid_by_wallets", "wallets %s, gaps %s of %s", "NEW.wallet_fen", "NEW.gap_fen", "NEW.assessed_fen")}
            END IF;
            RETURN NEW;
        """,
    ),
]
