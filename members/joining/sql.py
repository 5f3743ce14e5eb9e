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

# The class of somebody born on p_born by the rules in force on p_day: the nearest age band; NULL where no ages decide.
# age() completes the year of who was born on 29 February on 1 March, and of dates it would ask for the session's zone.
CLASS_AT = """
CREATE OR REPLACE FUNCTION members_class_at(p_pool bigint, p_born date, p_day date)
RETURNS smallint LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$
    SELECT (c->>'class_no')::smallint
      FROM (SELECT terms, date_part('year', age(p_day::timestamp, p_born::timestamp))::int AS years
              FROM public.members_planversion WHERE pool_id = p_pool
             ORDER BY effective_date <= p_day DESC, abs(effective_date - p_day) LIMIT 1) rules
     CROSS JOIN LATERAL jsonb_array_elements(rules.terms->'classes') c
     WHERE c ? 'age_from'
     ORDER BY (c->>'age_from')::int <= years DESC, abs((c->>'age_from')::int - years) LIMIT 1
$$;
REVOKE ALL ON FUNCTION members_class_at(bigint, date, date) FROM PUBLIC;
"""
DROP_CLASS_AT = "DROP FUNCTION members_class_at(bigint, date, date)"

# The memberships of one person in a pool: this one, those that it follows, and those that follow it.
CHAIN = """
CREATE OR REPLACE FUNCTION members_chain(p_membership bigint)
RETURNS SETOF bigint LANGUAGE sql STABLE PARALLEL SAFE AS $$
    WITH RECURSIVE earlier (id, follows_id) AS (
        SELECT m.id, m.follows_id FROM public.members_membership m WHERE m.id = p_membership
        UNION ALL
        SELECT m.id, m.follows_id FROM earlier e JOIN public.members_membership m ON m.id = e.follows_id),
    later (id) AS (
        SELECT p_membership
        UNION ALL
        SELECT m.id FROM later l JOIN public.members_membership m ON m.follows_id = l.id)
    SELECT id FROM earlier UNION SELECT id FROM later
$$;
REVOKE ALL ON FUNCTION members_chain(bigint) FROM PUBLIC;
"""
DROP_CHAIN = "DROP FUNCTION members_chain(bigint)"
