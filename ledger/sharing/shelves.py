"""The charge table and the functions that alone may write it, installed by a migration.

`ledger_charge` is partitioned by pool. A small pool has one leaf, a large one a leaf per period. The charges of a
period are built apart, on a shelf: a table of their own with neither key nor index. Closing it proves them and
puts them in place: the shelf of a large pool is attached, that of a small one is moved into its leaf. Until then
they are nobody's charges, so a posting that is cancelled drops its shelf, and no charge is ever deleted.

The application's role has no INSERT anywhere here: it may only ask these functions, which run as the owner, take
every figure from the approved period and its manifest, and refuse unless the period is being posted and goes on.
So a charge that no approved period explains cannot exist, whoever holds the application's password.

The primary key, met when a period is closed, is the proof that nobody is charged twice: a duplicate fails the
close (one_charge_per_membership_and_period), it is never skipped.

**The gate**: whoever writes a shard holds an advisory lock of the period shared, whoever discards its shelf holds it
alone. So a shelf is not dropped under a shard that is being written; a shard that was overtaken by a pause finds
that out at its end, under the lock of the period, and is undone as a whole.
"""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, refuse

TABLE = """
CREATE TABLE ledger_charge (
    membership_id bigint NOT NULL,
    share_fen     bigint NOT NULL,
    pool_id       integer NOT NULL,
    period_no     integer NOT NULL,
    CONSTRAINT one_charge_per_membership_and_period PRIMARY KEY (membership_id, pool_id, period_no)
) PARTITION BY LIST (pool_id);
"""
DROP_TABLE = "DROP TABLE ledger_charge"

_DEFINER = "LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp"

_REFUSE = "RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = '{name}', MESSAGE = {message};"


def _refuse(name: str, message: str) -> str:
    return _REFUSE.format(name=name, message=message)


_GOES_ON = f"""
    IF period.state <> 'posting' THEN
        {_refuse("charges_only_while_posting", "format('a period that is %s', period.state)")}
    END IF;
    IF period.posting_paused_at IS NOT NULL THEN
        {_refuse("paused_posting_stands_still", "'the posting is paused'")}
    END IF;"""
_GATE = "hashtextextended('charge_shelf', {period})"

# Statement triggers are not inherited: every table of charges gets its own when it is made.
KEEP = f"""
CREATE FUNCTION refuse_charge_change() RETURNS trigger {_DEFINER} AS $shelf$
BEGIN
    {_refuse("charge_is_permanent", "format('%s holds facts: charges are never changed or deleted', TG_TABLE_NAME)")}
END $shelf$;
CREATE FUNCTION keep_charges_of(p_table text) RETURNS void {_DEFINER} AS $shelf$
BEGIN
    EXECUTE format('CREATE TRIGGER charge_is_permanent BEFORE UPDATE OR DELETE OR TRUNCATE ON public.%I
                    FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_charge_change()', p_table);
END $shelf$;
SELECT keep_charges_of('ledger_charge');
"""

OPEN = f"""
CREATE OR REPLACE FUNCTION open_charge_shelf(p_period bigint) RETURNS text {_DEFINER} AS $shelf$
DECLARE
    period record;
    shelf text;
    parent text;
BEGIN
    SELECT p.pool_id::int AS pool_id, p.number, p.state, p.posting_paused_at, m.charges_by_period INTO STRICT period
      FROM ledger_period p JOIN members_pool m ON m.id = p.pool_id WHERE p.id = p_period FOR UPDATE OF p;
    {_GOES_ON}
    -- One at a time: two pools posting their first period would wait for each other on the parent.
    PERFORM pg_advisory_xact_lock(hashtext('ledger_charge'));
    parent := 'ledger_charge_' || period.pool_id;
    IF to_regclass('public.' || parent) IS NULL THEN
        EXECUTE format('CREATE TABLE public.%1$I (LIKE ledger_charge INCLUDING DEFAULTS,
                        CONSTRAINT %2$I PRIMARY KEY (membership_id, pool_id, period_no)) %3$s',
                       parent, parent || '_key', CASE WHEN period.charges_by_period THEN 'PARTITION BY LIST (period_no)' ELSE '' END);
        EXECUTE format('ALTER TABLE public.ledger_charge ATTACH PARTITION public.%I FOR VALUES IN (%s)', parent, period.pool_id);
        PERFORM keep_charges_of(parent);
    END IF;
    shelf := parent || '_' || period.number;
    IF to_regclass('public.' || shelf) IS NULL THEN
        EXECUTE format('CREATE TABLE public.%I (LIKE ledger_charge INCLUDING DEFAULTS,
                        CHECK (pool_id = %s AND period_no = %s)) WITH (autovacuum_enabled = false)',
                       shelf, period.pool_id, period.number);
        PERFORM keep_charges_of(shelf);
    END IF;
    RETURN shelf;
END $shelf$;
"""

WRITE = f"""
CREATE OR REPLACE FUNCTION write_charge_shard(p_line bigint) RETURNS bigint {_DEFINER} AS $shelf$
DECLARE
    line record;
    period record;
    shelf text;
    rates bigint[];
    capped int[];
    written bigint;
BEGIN
    PERFORM pg_advisory_xact_lock_shared({_GATE.format(period="period_id")}) FROM ledger_manifestline WHERE id = p_line;
    SELECT * INTO STRICT line FROM ledger_manifestline WHERE id = p_line FOR UPDATE;
    IF line.written_at IS NOT NULL THEN
        RETURN 0;
    END IF;
    SELECT * INTO STRICT period FROM ledger_period WHERE id = line.period_id;
    {_GOES_ON}
    shelf := 'ledger_charge_' || period.pool_id || '_' || period.number;
    -- Rates by class number; a class without members keeps no row and can't be met below.
    SELECT array_agg(fen ORDER BY n) INTO rates
      FROM (SELECT n, max((c->>'share_fen')::bigint) AS fen
              FROM generate_series(0, 63) n LEFT JOIN jsonb_array_elements(period.classes) c ON (c->>'class_no')::int = n
             GROUP BY n) rate;
    SELECT array_agg(DISTINCT (room->>0)::int) INTO capped FROM jsonb_array_elements(line.rooms) room
     WHERE (room->>1)::bigint < rates[(room->>0)::int + 1];
    IF capped IS NULL THEN
        EXECUTE format('INSERT INTO public.%I (membership_id, share_fen, pool_id, period_no)
                        SELECT membership_id, $1[class_no + 1], $2, $3
                          FROM members_headcount($4, $5, $6, $7, $8)', shelf)
          USING rates, period.pool_id::int, period.number, period.pool_id, period.as_of,
                period.headcount_recorded_at, line.first_id, line.end_id;
    ELSE
        -- Somebody in this shard has less room than the share: each is looked at.
        EXECUTE format('INSERT INTO public.%I (membership_id, share_fen, pool_id, period_no)
                        SELECT membership_id, least($1[class_no + 1], room_fen), $2, $3
                          FROM members_rooms($4, $5, $6)', shelf)
          USING rates, period.pool_id::int, period.number, period.id, line.first_id, line.end_id;
    END IF;
    GET DIAGNOSTICS written = ROW_COUNT;
    IF written <> line.members THEN
        {_refuse("shard_matches_manifest", "format('shard %s: %s charges for %s members', line.shard_no, written, line.members)")}
    END IF;
    UPDATE ledger_manifestline SET written_at = clock_timestamp() WHERE id = p_line;
    -- Whoever pauses does not wait for a shard: the shard looks once more and holds the period until it commits.
    SELECT * INTO STRICT period FROM ledger_period WHERE id = line.period_id FOR SHARE;
    {_GOES_ON}
    RETURN written;
END $shelf$;
"""

CLOSE = f"""
CREATE OR REPLACE FUNCTION close_charge_shelf(p_period bigint) RETURNS TABLE (members bigint, fen bigint) {_DEFINER}
SET maintenance_work_mem = '1GB' SET max_parallel_maintenance_workers = 2 SET default_statistics_target = 10 AS $shelf$
DECLARE
    period record;
    parent text;
    shelf text;
    bad record;
    beyond record;
BEGIN
    SELECT p.*, m.charges_by_period INTO STRICT period
      FROM ledger_period p JOIN members_pool m ON m.id = p.pool_id WHERE p.id = p_period FOR UPDATE OF p;
    {_GOES_ON}
    IF EXISTS (SELECT 1 FROM ledger_manifestline WHERE period_id = p_period AND written_at IS NULL) THEN
        {_refuse("posted_charges_equal_assessed", "'a shard of the period is not written'")}
    END IF;
    parent := 'ledger_charge_' || period.pool_id;
    shelf := parent || '_' || period.number;
    BEGIN
        IF period.charges_by_period THEN
            EXECUTE format('ALTER TABLE public.%I ADD CONSTRAINT %I PRIMARY KEY (membership_id, pool_id, period_no)',
                           shelf, shelf || '_key');
            -- A sample of it, whatever its size. Without one the planner takes the charges of a million for a few rows,
            -- and whoever reads them all waits several times as long.
            EXECUTE format('ANALYZE public.%I', shelf);
        ELSE
            EXECUTE format('INSERT INTO public.%I (membership_id, share_fen, pool_id, period_no)
                            SELECT membership_id, share_fen, pool_id, period_no FROM public.%I', parent, shelf);
            EXECUTE format('DROP TABLE public.%I', shelf);
        END IF;
    EXCEPTION WHEN unique_violation THEN
        {_refuse("one_charge_per_membership_and_period", "format('period %s charges somebody twice', period.number)")}
    END;
    -- Count and sum what is there, shard by shard, against what the manifest announced before it was written. The empty
    -- second half hides how many ids there are, from which the planner would expect a group each and count in one process.
    EXECUTE format('
        SELECT coalesce(l.shard_no, -1) AS shard_no, coalesce(l.members, 0) AS want_members,
               coalesce(l.want_fen, 0) AS want_fen, coalesce(c.members, 0) AS members, coalesce(c.fen, 0) AS fen
          FROM (SELECT * FROM ledger_manifestline WHERE period_id = $1) l
          FULL JOIN (SELECT (SELECT x.shard_no FROM ledger_manifestline x WHERE x.period_id = $1
                              AND b.bucket * $3 >= x.first_id AND b.bucket * $3 < x.end_id) AS shard_no, members, fen
                       FROM (SELECT bucket, count(*) AS members, sum(share_fen)::bigint AS fen
                               FROM (SELECT membership_id / $3 AS bucket, share_fen FROM public.%I WHERE period_no = $2
                                     UNION ALL SELECT 0::bigint, 0::bigint WHERE false) charges GROUP BY 1) b) c
            ON c.shard_no = l.shard_no
         WHERE c.members IS DISTINCT FROM l.members OR c.fen IS DISTINCT FROM l.want_fen LIMIT 1',
                   CASE WHEN period.charges_by_period THEN shelf ELSE parent END)
       INTO bad USING p_period, period.number,
                      (SELECT min(end_id - first_id) FROM ledger_manifestline WHERE period_id = p_period);
    IF bad.shard_no IS NOT NULL THEN
        {_refuse("shard_matches_manifest", "format('shard %s: %s charges of %s fen; the manifest says %s and %s', bad.shard_no, bad.members, bad.fen, bad.want_members, bad.want_fen)")}
    END IF;
    IF EXISTS (SELECT 1 FROM ledger_manifestline WHERE period_id = p_period AND rooms IS NOT NULL) THEN
        EXECUTE format('SELECT c.membership_id, c.share_fen, r.room_fen FROM public.%I c
                          JOIN members_rooms($1, 0, 9223372036854775807) r USING (membership_id)
                         WHERE c.period_no = $2 AND c.share_fen > r.room_fen LIMIT 1',
                       CASE WHEN period.charges_by_period THEN shelf ELSE parent END) INTO beyond USING p_period, period.number;
        IF beyond.membership_id IS NOT NULL THEN
            {_refuse("charge_stays_within_its_room", "format('membership %s: %s, where a cap leaves %s', beyond.membership_id, beyond.share_fen, beyond.room_fen)")}
        END IF;
    END IF;
    IF period.charges_by_period THEN
        EXECUTE format('ALTER TABLE public.%I ATTACH PARTITION public.%I FOR VALUES IN (%s)', parent, shelf, period.number);
    END IF;
    SELECT coalesce(sum(l.members), 0)::bigint, coalesce(sum(l.want_fen), 0)::bigint INTO members, fen
      FROM ledger_manifestline l WHERE l.period_id = p_period;
    UPDATE ledger_period SET charged_members = members, charged_fen = fen WHERE id = p_period;
    PERFORM draw_from_wallets(p_period);
    RETURN NEXT;
END $shelf$;
"""

DISCARD = f"""
CREATE OR REPLACE FUNCTION discard_charge_shelf(p_period bigint) RETURNS bigint {_DEFINER} AS $shelf$
DECLARE
    period record;
    discarded bigint;
BEGIN
    {judged_now()}
    -- First the gate, then the period: a shard that is being written ends before, and needs the period for that.
    PERFORM pg_advisory_xact_lock({_GATE.format(period="p_period")});
    SELECT * INTO STRICT period FROM ledger_period WHERE id = p_period FOR UPDATE;
    IF period.state NOT IN ('approved', 'posting') OR period.posting_paused_at IS NULL OR period.charged_members IS NOT NULL THEN
        {_refuse("only_a_paused_posting_is_cancelled", "format('period %s is %s, paused at %s', period.number, period.state, period.posting_paused_at)")}
    END IF;
    EXECUTE format('DROP TABLE IF EXISTS public.%I', 'ledger_charge_' || period.pool_id || '_' || period.number);
    SELECT coalesce(sum(members), 0) INTO discarded
      FROM ledger_manifestline WHERE period_id = p_period AND written_at IS NOT NULL;
    UPDATE ledger_manifestline SET written_at = NULL WHERE period_id = p_period AND written_at IS NOT NULL;
    UPDATE ledger_period SET state = 'computed', approved_by = NULL, approved_at = NULL, approved_sha256 = NULL,
                             posting_paused_at = NULL, posting_paused_by = NULL WHERE id = p_period;
    RETURN discarded;
END $shelf$;
"""

# What discarding a shelf must have done, also where somebody takes the period back without it.
shelf_guards = [
    Guard(
        name="cancelled_posting_leaves_nothing",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        func=f"""
            IF NOT (OLD.state IN ('approved', 'posting') AND NEW.state = 'computed') THEN
                RETURN NEW;
            END IF;
            IF OLD.posting_paused_at IS NULL OR OLD.charged_members IS NOT NULL THEN
                {refuse("only_a_paused_posting_is_cancelled", "period %s goes on, or its charges are closed", "NEW.number")}
            END IF;
            IF num_nonnulls(NEW.approved_by, NEW.approved_at, NEW.approved_sha256, NEW.charged_members, NEW.charged_fen, NEW.posted_at, NEW.entry_id) > 0
               OR EXISTS (SELECT 1 FROM ledger_manifestline WHERE period_id = NEW.id AND written_at IS NOT NULL) THEN
                {refuse("cancelled_posting_leaves_nothing", "period %s keeps an approval or charges", "NEW.number")}
            END IF;
            RETURN NEW;
        """,
    ),
]

NAMES = (
    "open_charge_shelf(bigint)",
    "write_charge_shard(bigint)",
    "close_charge_shelf(bigint)",
    "discard_charge_shelf(bigint)",
)
_KEEPERS = ("keep_charges_of(text)", "refuse_charge_change()")
FUNCTIONS = [
    OPEN,
    WRITE,
    CLOSE,
    DISCARD,
    *(f"REVOKE ALL ON FUNCTION {name} FROM PUBLIC" for name in NAMES),
]
INSTALL = [
    TABLE,
    KEEP,
    *FUNCTIONS,
    *(f"REVOKE ALL ON FUNCTION {name} FROM PUBLIC" for name in _KEEPERS),
]
UNINSTALL = [
    *(f"DROP FUNCTION {name}" for name in NAMES),
    DROP_TABLE,
    *(f"DROP FUNCTION {name}" for name in _KEEPERS),
]
