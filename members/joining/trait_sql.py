"""SQL by which sex and province come to a membership later than at joining, installed by a migration."""

# Whoever reads them opens what is sealed, outside the database; what it takes is judged here. The account is locked
# first, as an erasure does: an erasure is over by then, or waits for this and empties it.
READ_TRAITS = """
CREATE OR REPLACE FUNCTION members_read_traits(p_ids bigint[], p_sexes text[], p_regions text[])
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE done bigint;
BEGIN
    PERFORM 1 FROM members_user WHERE id IN (SELECT members_person_of(id) FROM unnest(p_ids) id)
      ORDER BY id FOR NO KEY UPDATE;
    WITH told AS (
        SELECT m.id, r.sex, r.region, (aid_now() AT TIME ZONE p.time_zone)::date + 1 AS first_day
          FROM unnest(p_ids, p_sexes, p_regions) r (id, sex, region)
          JOIN members_membership m ON m.id = r.id
          JOIN members_pool p ON p.id = m.pool_id
         WHERE (m.sex, m.region) = ('', '') AND (r.sex, r.region) <> ('', '')
           AND NOT EXISTS (SELECT 1 FROM members_user u
                            WHERE u.id = members_person_of(m.id) AND u.erased_at IS NOT NULL)),
    noted AS (
        INSERT INTO members_latetraits (membership_id, effective_date) SELECT id, first_day FROM told)
    UPDATE members_membership m SET sex = t.sex, region = t.region FROM told t WHERE m.id = t.id;
    GET DIAGNOSTICS done = ROW_COUNT;
    RETURN done;
END $$;
REVOKE ALL ON FUNCTION members_read_traits(bigint[], text[], text[]) FROM PUBLIC;
"""
DROP_READ_TRAITS = "DROP FUNCTION members_read_traits(bigint[], text[], text[])"
