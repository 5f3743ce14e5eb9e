"""What members may still be charged in a period, where caps count what they were charged before; by a migration.

Two caps do: that of a calendar year of charge days, and that of a run-off. Members of one class then differ in their
room, which is least(cap − charged so far) over the caps of the plan. The rooms of a headcount stand in its manifest,
shard by shard: `[[class, fen, members], …]`; null where no cap counts what came before. They follow from charges, which
are permanent, so taking them again gives the same, unless an earlier period has been posted in between.
"""

from members.ending.triggers import run_off_ending

_DEFINER = "SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp"

# The caps of a period, and the posted periods that each of them counts.
CAPS = f"""
CREATE OR REPLACE FUNCTION caps_of_period(p_period bigint)
RETURNS TABLE (period_cap bigint, year_cap bigint, run_off_cap bigint, of_year int[], of_run_off int[])
LANGUAGE sql STABLE {_DEFINER} AS $rooms$
    SELECT (v.terms->>'period_cap_fen')::bigint, (v.terms->>'year_cap_fen')::bigint, ending.run_off_cap_fen,
           array(SELECT q.number FROM ledger_period q WHERE q.pool_id = p.pool_id AND q.state = 'posted'
                    AND q.number < p.number AND date_part('year', q.charge_date) = date_part('year', p.charge_date)),
           array(SELECT q.number FROM ledger_period q WHERE q.pool_id = p.pool_id AND q.state = 'posted'
                    AND q.number < p.number AND q.number > ending.after_period_no)
      FROM ledger_period p JOIN members_planversion v ON v.id = p.plan_version_id
      LEFT JOIN LATERAL (SELECT e.after_period_no, e.run_off_cap_fen {run_off_ending("p")}) ending ON true
     WHERE p.id = p_period
$rooms$;
"""
CAPS_NAME = "caps_of_period(bigint)"

# A charge is of a membership, whatever its class was then: a change of class doesn't begin a year anew. Nor does joining
# again, because a cap is promised to a person: of the few who have, the charges of their earlier memberships count too.
ROOMS = f"""
CREATE OR REPLACE FUNCTION members_rooms(p_period bigint, p_first bigint, p_end bigint)
RETURNS TABLE (membership_id bigint, class_no smallint, room_fen bigint)
LANGUAGE plpgsql STABLE {_DEFINER} AS $rooms$
DECLARE
    period record;
    caps record;
BEGIN
    SELECT p.pool_id, p.as_of, p.headcount_recorded_at AS recorded INTO STRICT period FROM ledger_period p WHERE p.id = p_period;
    SELECT * INTO STRICT caps FROM caps_of_period(p_period);
    RETURN QUERY
        SELECT h.membership_id, h.class_no,
               least(caps.period_cap,
                     CASE WHEN caps.year_cap IS NOT NULL
                          THEN greatest(0, caps.year_cap - coalesce(c.year_fen, 0) - coalesce(b.year_fen, 0)) END,
                     CASE WHEN caps.run_off_cap IS NOT NULL
                          THEN greatest(0, caps.run_off_cap - coalesce(c.run_off_fen, 0) - coalesce(b.run_off_fen, 0)) END)
          FROM members_headcount(period.pool_id, period.as_of, period.recorded, p_first, p_end) h
          LEFT JOIN (SELECT k.membership_id,
                            sum(k.share_fen) FILTER (WHERE k.period_no = ANY(caps.of_year))::bigint AS year_fen,
                            sum(k.share_fen) FILTER (WHERE k.period_no = ANY(caps.of_run_off))::bigint AS run_off_fen
                       FROM ledger_charge k
                      WHERE k.pool_id = period.pool_id AND k.membership_id >= p_first AND k.membership_id < p_end
                        AND k.period_no = ANY(caps.of_year || caps.of_run_off)
                      GROUP BY 1) c USING (membership_id)
          LEFT JOIN (SELECT m.id AS membership_id,
                            sum(k.share_fen) FILTER (WHERE k.period_no = ANY(caps.of_year))::bigint AS year_fen,
                            sum(k.share_fen) FILTER (WHERE k.period_no = ANY(caps.of_run_off))::bigint AS run_off_fen
                       FROM members_membership m CROSS JOIN LATERAL members_chain(m.id) earlier (id)
                       JOIN ledger_charge k ON k.pool_id = m.pool_id AND k.membership_id = earlier.id
                        AND k.period_no = ANY(caps.of_year || caps.of_run_off)
                      WHERE m.pool_id = period.pool_id AND m.follows_id IS NOT NULL
                        AND m.id >= p_first AND m.id < p_end AND earlier.id < m.id
                      GROUP BY 1) b USING (membership_id);
END $rooms$;
"""
ROOMS_NAME = "members_rooms(bigint, bigint, bigint)"

TAKE = f"""
CREATE OR REPLACE FUNCTION take_rooms(p_period bigint) RETURNS bigint
LANGUAGE plpgsql {_DEFINER} AS $rooms$
DECLARE
    caps record;
    line record;
    found jsonb;
    lines bigint := 0;
BEGIN
    SELECT * INTO STRICT caps FROM caps_of_period(p_period);
    IF caps.year_cap IS NULL AND caps.run_off_cap IS NULL THEN
        RETURN 0;
    END IF;
    FOR line IN SELECT id, first_id, end_id, rooms FROM ledger_manifestline WHERE period_id = p_period ORDER BY shard_no LOOP
        SELECT coalesce(jsonb_agg(jsonb_build_array(class_no, room_fen, members) ORDER BY class_no, room_fen), '[]') INTO found
          FROM (SELECT class_no, room_fen, count(*) AS members
                  FROM members_rooms(p_period, line.first_id, line.end_id) GROUP BY 1, 2) counted;
        IF found IS DISTINCT FROM line.rooms THEN
            UPDATE ledger_manifestline SET rooms = found WHERE id = line.id;
        END IF;
        lines := lines + 1;
    END LOOP;
    RETURN lines;
END $rooms$;
"""
NAME = "take_rooms(bigint)"
NAMES = (CAPS_NAME, ROOMS_NAME, NAME)
INSTALL = [CAPS, ROOMS, TAKE, *(f"REVOKE ALL ON FUNCTION {name} FROM PUBLIC" for name in NAMES)]
UNINSTALL = [f"DROP FUNCTION {name}" for name in reversed(NAMES)]
