"""The root of a log's tree, computed by the database: the second implementation, beside `merkle.py`."""

INSTALL = """
CREATE OR REPLACE FUNCTION log_root(of_log bigint, of_size bigint) RETURNS bytea
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    level bytea[];
BEGIN
    SELECT array_agg(leaf_hash ORDER BY seq) INTO level FROM ledger_logentry WHERE log_id = of_log AND seq < of_size;
    IF coalesce(cardinality(level), 0) <> of_size OR of_size = 0 THEN
        RETURN NULL;
    END IF;
    -- Level by level: pairs are hashed, the last without a neighbor goes up as it is, as RFC 6962 has it.
    WHILE cardinality(level) > 1 LOOP
        SELECT array_agg(CASE WHEN i = cardinality(level) THEN level[i]
                              ELSE sha256('\\x01'::bytea || level[i] || level[i + 1]) END ORDER BY i)
          INTO level FROM generate_series(1, cardinality(level), 2) i;
    END LOOP;
    RETURN level[1];
END $$;
REVOKE ALL ON FUNCTION log_root(bigint, bigint) FROM PUBLIC;
"""
UNINSTALL = "DROP FUNCTION log_root(bigint, bigint)"
