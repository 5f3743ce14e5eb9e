"""The function that says what periods under way will charge a membership at most, installed by a migration.

Nothing is added to a period that is announced: what its log entry says of a class, cut to what the caps leave of the
membership itself, is the most that it will be charged, and is what it will be charged if no case falls away.
"""

MOST = """
CREATE OR REPLACE FUNCTION most_charged(p_pool bigint, p_membership bigint)
RETURNS TABLE (period_id bigint, share_fen bigint, room_fen bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $most$
    SELECT p.id, CASE WHEN p.state <> 'frozen' THEN least(h.room_fen, CASE
               WHEN p.classes IS NOT NULL THEN (
                   SELECT max((c->>'share_fen')::bigint) FROM jsonb_array_elements(p.classes) c WHERE (c->>'class_no')::int = h.class_no)
               ELSE (SELECT max((c->>1)::bigint)
                       FROM ledger_log g JOIN ledger_logentry e ON e.log_id = g.id, members_pool m,
                            jsonb_array_elements(convert_from(e.data, 'UTF8')::jsonb#>'{body,provisional}') c
                      WHERE m.id = p.pool_id AND g.code = m.code AND e.type = 'period.announce' AND e.key = p.number::text
                        AND (c->>0)::int = h.class_no) END) END, h.room_fen
      FROM ledger_period p CROSS JOIN LATERAL members_rooms(p.id, p_membership, p_membership + 1) h
     WHERE p.pool_id = p_pool AND p.state NOT IN ('opened', 'posted') ORDER BY p.number
$most$;
"""
NAME = "most_charged(bigint, bigint)"
INSTALL = [MOST, f"REVOKE ALL ON FUNCTION {NAME} FROM PUBLIC"]
UNINSTALL = [f"DROP FUNCTION {NAME}"]
