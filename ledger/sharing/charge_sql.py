"""The charges of one membership, read by plans that each connection makes once, installed by a migration."""

# The charges of a large pool lie in a table per period, and planning a read of six years of them takes twenty times
# as long as reading them. So the plan is made once, for any member, and finds its tables when it runs. The newest
# periods are looked at first, because a table that is not looked at is not opened; whoever has no charge in one of
# them, having joined late or left, is looked for in all the others.
CHARGES = """
CREATE OR REPLACE FUNCTION charges_of_membership(
    p_pool bigint, p_membership bigint, p_before integer, p_most integer
) RETURNS TABLE (period_no integer, share_fen bigint)
LANGUAGE plpgsql STABLE ROWS 50 SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $charges$
#variable_conflict use_column
DECLARE
    least integer := coalesce((SELECT p.number FROM ledger_period p
                                WHERE p.pool_id = p_pool AND p.state = 'posted' AND p.number < p_before
                                ORDER BY p.number DESC OFFSET greatest(p_most, 1) - 1 LIMIT 1), 0);
    found integer;
BEGIN
    RETURN QUERY SELECT c.period_no, c.share_fen FROM ledger_charge c
                  WHERE c.pool_id = p_pool::int AND c.membership_id = p_membership
                    AND c.period_no >= least AND c.period_no < p_before
                  ORDER BY c.period_no DESC LIMIT p_most;
    GET DIAGNOSTICS found = ROW_COUNT;
    IF found < p_most AND least > 0 THEN
        RETURN QUERY SELECT c.period_no, c.share_fen FROM ledger_charge c
                      WHERE c.pool_id = p_pool::int AND c.membership_id = p_membership AND c.period_no < least
                      ORDER BY c.period_no DESC LIMIT p_most - found;
    END IF;
END $charges$;
"""
CHARGES_NAME = "charges_of_membership(bigint, bigint, integer, integer)"
INSTALL = [CHARGES, f"REVOKE ALL ON FUNCTION {CHARGES_NAME} FROM PUBLIC"]
UNINSTALL = [f"DROP FUNCTION {CHARGES_NAME}"]
