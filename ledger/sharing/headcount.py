"""The function that alone takes a headcount, installed by a migration.

The application's role can write neither a manifest line nor a period's headcount: it may only ask for the
count, which the database takes from the spans, as of 00:00 of the publicity date in the pool's zone, not
earlier than that, and once. A period after the notice that the pool ends is counted as of 00:00 of the
notice, as it was known then: who bears the run-off neither grows nor shrinks. So nobody who holds the
application's password can leave a member out of a period or put one in.
"""

from members.ending.triggers import live_ending

# The empty second half hides the ids' statistics, by which the planner would expect a group per member, and so
# sort them all and count in one process.
COUNT = """
    SELECT bucket, class_no, count(*) AS members, bit_xor(ids_hash) AS ids_hash
      FROM (SELECT membership_id / {width} AS bucket, class_no, hashint8extended(membership_id, class_no) AS ids_hash
              FROM members_headcount({pool}, {as_of}, {recorded}, 0, 9223372036854775807)
             UNION ALL SELECT 0::bigint, 0::smallint, 0::bigint WHERE false) people
     GROUP BY 1, 2"""


def _refuse(name: str, message: str) -> str:
    return f"RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = '{name}', MESSAGE = {message};"


_COUNT = COUNT.format(width="p_width", pool="period.pool_id", as_of="day_begins", recorded="recorded")
TAKE = f"""
CREATE OR REPLACE FUNCTION take_headcount(p_period bigint, p_width bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $headcount$
DECLARE
    period record;
    day_begins timestamptz;
    recorded timestamptz;
    total bigint;
    ending record;
BEGIN
    SELECT p.id, p.pool_id, p.number, p.state, p.publicity_date, m.time_zone, m.headcount_recorded_at
      INTO STRICT period
      FROM ledger_period p JOIN members_pool m ON m.id = p.pool_id WHERE p.id = p_period FOR UPDATE OF p;
    IF period.state <> 'opened' THEN
        {_refuse("headcount_is_frozen", "format('period %s is %s', period.number, period.state)")}
    END IF;
    day_begins := period.publicity_date::timestamp AT TIME ZONE period.time_zone;
    IF day_begins > aid_now() THEN
        {_refuse("headcount_waits_for_publicity", "format('publicity begins at %s', day_begins)")}
    END IF;
    -- Spans recorded up to this instant count. One of an earlier transaction would leave out who came since.
    recorded := period.headcount_recorded_at;
    IF recorded IS NULL OR recorded < transaction_timestamp() THEN
        {_refuse("headcount_is_of_now", "'fix the headcount of the pool in this transaction first'")}
    END IF;
    SELECT e.as_of, e.recorded_at INTO ending {live_ending("period.pool_id")};
    IF FOUND THEN
        day_begins := ending.as_of;
        recorded := ending.recorded_at;
    END IF;
    INSERT INTO ledger_manifestline (period_id, shard_no, first_id, end_id, members, counts, ids_hash)
    SELECT p_period, row_number() OVER (ORDER BY bucket), bucket * p_width, (bucket + 1) * p_width,
           sum(members), jsonb_object_agg(class_no::text, members), bit_xor(ids_hash)
      FROM ({_COUNT}) counted GROUP BY bucket;
    SELECT coalesce(sum(members), 0) INTO total FROM ledger_manifestline WHERE period_id = p_period;
    UPDATE ledger_period
       SET state = 'frozen', as_of = day_begins, headcount_recorded_at = recorded, headcount = total
     WHERE id = p_period;
    RETURN total;
END $headcount$;
"""
NAME = "take_headcount(bigint, bigint)"
INSTALL = [TAKE, f"REVOKE ALL ON FUNCTION {NAME} FROM PUBLIC"]
UNINSTALL = [f"DROP FUNCTION {NAME}"]
