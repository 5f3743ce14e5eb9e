"""SQL functions of the room, installed by migrations."""

# Who was covered at an instant, as it was known when the headcount was taken. Plain SQL, so that the planner
# inlines it into the statement that charges a million members, and may count them in several processes.
HEADCOUNT = """
CREATE OR REPLACE FUNCTION members_headcount(
    p_pool bigint, p_as_of timestamptz, p_recorded timestamptz, p_first bigint, p_end bigint
) RETURNS TABLE (membership_id bigint, class_no smallint) LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT s.membership_id, s.class_no
      FROM public.members_span s
     WHERE s.pool_id = p_pool AND s.membership_id >= p_first AND s.membership_id < p_end
       AND s.from_at <= p_as_of AND s.recorded_at <= p_recorded
       AND (s.to_at IS NULL OR s.to_at > p_as_of OR s.ended_recorded_at > p_recorded)
$$;
REVOKE ALL ON FUNCTION members_headcount(bigint, timestamptz, timestamptz, bigint, bigint) FROM PUBLIC;
"""
DROP_HEADCOUNT = "DROP FUNCTION members_headcount(bigint, timestamptz, timestamptz, bigint, bigint)"
