"""Guards of a pool's end: by its floor or by two people, with its notice, its figures counted by the database."""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, refuse

# Rules published for a later day than the notice do not end a pool: those in force on the day of the notice do.
_IN_FORCE = """SELECT id, terms FROM members_planversion
                WHERE pool_id = NEW.pool_id AND effective_date <= today ORDER BY effective_date DESC LIMIT 1"""
_NOTICE_DAYS = "coalesce((rules.terms#>>'{floor,notice_days}')::int, 30)"


def live_ending(pool: str) -> str:
    """Return SQL for the ending of a pool that was not called off, as a FROM clause with `e`."""
    return f"FROM members_poolending e WHERE e.pool_id = {pool} AND e.cancelled_at IS NULL"


def run_off_ending(period: str) -> str:
    """Return SQL for the ending whose run-off that row of a period belongs to, as a FROM clause with `e`."""
    return f"""FROM members_poolending e WHERE e.pool_id = {period}.pool_id AND {period}.number > e.after_period_no
                  AND (e.cancelled_at IS NULL OR {period}.number < e.cancelled_period_no)"""


def _holds_duty(person: str, duty: str) -> str:
    return f"""EXISTS (SELECT 1 FROM members_dutygrant g JOIN members_user u ON u.id = g.person_id
                        WHERE u.code = {person} AND g.duty = '{duty}' AND g.ended_at IS NULL
                          AND (g.pool_id IS NULL OR g.pool_id = NEW.pool_id))"""


_PROPOSED = (
    "id",
    "pool_id",
    "number",
    "plan_version_id",
    "reason",
    "cover_end_date",
    "run_off_end_date",
    "shown_sha256",
    "proposed_by",
    "proposed_at",
)


def _row(prefix: str, columns: tuple[str, ...]) -> str:
    return "(" + ", ".join(f"{prefix}.{column}" for column in columns) + ")"


proposal_guards = [
    # Alphabetical order: the proposal is filled in before anything else looks at it.
    Guard(
        name="ending_proposal_begins_open",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=[("pool", "record"), ("rules", "record"), ("today", "date")],
        func=f"""
            {judged_now()}
            SELECT state, time_zone INTO pool FROM members_pool WHERE id = NEW.pool_id FOR UPDATE;
            today := (aid_now() AT TIME ZONE pool.time_zone)::date;
            {_IN_FORCE.replace("SELECT id, terms", "SELECT id, terms INTO rules")};
            IF NEW.state <> 'open' OR NEW.decided_by <> '' OR NEW.decided_at IS NOT NULL
               OR pool.state <> 'open' OR NOT rules.terms ? 'wind_down' THEN
                {refuse("ending_proposal_begins_open", "the pool is %s", "pool.state")}
            END IF;
            IF NOT {_holds_duty("NEW.proposed_by", "pool_admin")} THEN
                {refuse("ending_needs_two_people", "%s is no pool admin", "NEW.proposed_by")}
            END IF;
            IF NOT NEW.cover_end_date BETWEEN today + {_NOTICE_DAYS} AND today + {_NOTICE_DAYS} + 366 THEN
                {refuse("ending_keeps_its_notice", "cover would end on %s", "NEW.cover_end_date")}
            END IF;
            NEW.plan_version_id := rules.id;
            NEW.run_off_end_date := NEW.cover_end_date + (rules.terms#>>'{{wind_down,run_off_days}}')::int;
            NEW.number := coalesce((SELECT max(number) FROM members_endingproposal
                                     WHERE pool_id = NEW.pool_id), 0) + 1;
            NEW.proposed_at := aid_now();
            NEW.shown_sha256 := encode(sha256(convert_to(jsonb_build_array(
                NEW.pool_id, NEW.number, NEW.plan_version_id, NEW.reason, NEW.cover_end_date, NEW.run_off_end_date,
                NEW.proposed_by)::text, 'UTF8')), 'hex');
            RETURN NEW;
        """,
    ),
    Guard(
        name="ending_proposal_is_decided_once",
        when=pgtrigger.Before,
        operation=pgtrigger.Update | pgtrigger.Delete,
        func=f"""
            {judged_now()}
            IF TG_OP = 'DELETE' OR OLD.state <> 'open' OR NEW.state NOT IN ('confirmed', 'withdrawn')
               OR {_row("NEW", _PROPOSED)} IS DISTINCT FROM {_row("OLD", _PROPOSED)} THEN
                {refuse("ending_proposal_is_decided_once", "proposal %s can only be decided, once", "OLD.number")}
            END IF;
            IF (NEW.state = 'confirmed')
               <> EXISTS (SELECT 1 FROM members_poolending e WHERE e.proposal_id = NEW.id) THEN
                {refuse("ending_proposal_is_decided_once", "proposal %s and its ending do not agree", "OLD.number")}
            END IF;
            -- In a pool that ends already the database withdraws what it has overtaken.
            IF NEW.state = 'withdrawn' AND (SELECT state FROM members_pool WHERE id = NEW.pool_id) = 'open'
               AND NOT {_holds_duty("NEW.decided_by", "controller")}
               AND NOT {_holds_duty("NEW.decided_by", "pool_admin")} THEN
                {refuse("ending_needs_two_people", "%s may not decide about the end", "NEW.decided_by")}
            END IF;
            NEW.decided_at := aid_now();
            RETURN NEW;
        """,
    ),
]

_ENDING = (
    "id",
    "pool_id",
    "number",
    "cause",
    "proposal_id",
    "confirmed_by",
    "plan_version_id",
    "given_at",
    "notice_date",
    "as_of",
    "recorded_at",
    "bearers",
    "counts",
    "after_period_no",
    "first_headcount",
    "second_headcount",
    "floor_members",
    "cover_end_date",
    "run_off_end_date",
    "run_off_cap_fen",
)

ending_guards = [
    # Whatever an INSERT brings along, day, dates and the people who bear the run-off are the database's own.
    Guard(
        name="ending_is_as_of_its_notice",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=[("pool", "record"), ("rules", "record"), ("agreed", "record"), ("today", "date")],
        func=f"""
            {judged_now()}
            SELECT state, time_zone INTO pool FROM members_pool WHERE id = NEW.pool_id FOR UPDATE;
            IF pool.state <> 'open' OR NEW.cancelled_at IS NOT NULL THEN
                {refuse("ending_is_as_of_its_notice", "the pool is %s", "pool.state")}
            END IF;
            today := (aid_now() AT TIME ZONE pool.time_zone)::date;
            {_IN_FORCE.replace("SELECT id, terms", "SELECT id, terms INTO rules")};
            NEW.plan_version_id := rules.id;
            NEW.given_at := aid_now();
            NEW.notice_date := today;
            NEW.cover_end_date := today + {_NOTICE_DAYS};
            IF NEW.cause = 'decision' THEN
                SELECT * INTO agreed FROM members_endingproposal WHERE id = NEW.proposal_id FOR UPDATE;
                IF agreed.state IS DISTINCT FROM 'open' OR agreed.pool_id <> NEW.pool_id
                   OR agreed.plan_version_id <> rules.id THEN
                    {refuse("ending_is_what_was_proposed", "the rules have changed since, or it is no open proposal")}
                END IF;
                IF NEW.confirmed_by = agreed.proposed_by OR NOT {_holds_duty("NEW.confirmed_by", "controller")} THEN
                    {refuse("ending_needs_two_people", "a controller confirms what an admin has proposed")}
                END IF;
                IF agreed.cover_end_date < NEW.cover_end_date THEN
                    {refuse("ending_keeps_its_notice", "cover would end on %s", "agreed.cover_end_date")}
                END IF;
                NEW.cover_end_date := agreed.cover_end_date;
            ELSE
                NEW.confirmed_by := '';
            END IF;
            NEW.run_off_end_date := NEW.cover_end_date + (rules.terms#>>'{{wind_down,run_off_days}}')::int;
            NEW.run_off_cap_fen := (rules.terms#>>'{{wind_down,run_off_cap_fen}}')::bigint;
            -- No span can be recorded into the past of this count any more: who bears the run-off is settled.
            UPDATE members_pool SET headcount_recorded_at = clock_timestamp() WHERE id = NEW.pool_id
             RETURNING headcount_recorded_at INTO NEW.recorded_at;
            NEW.as_of := today::timestamp AT TIME ZONE pool.time_zone;
            SELECT coalesce(jsonb_object_agg(class_no::text, members), '{{}}'), coalesce(sum(members), 0)
              INTO NEW.counts, NEW.bearers
              FROM (SELECT class_no, count(*) AS members
                      FROM members_headcount(NEW.pool_id, NEW.as_of, NEW.recorded_at, 0, 9223372036854775807)
                     GROUP BY class_no) counted;
            NEW.number := coalesce((SELECT max(number) FROM members_poolending WHERE pool_id = NEW.pool_id), 0) + 1;
            RETURN NEW;
        """,
    ),
    # Written by the database: no ending without its stop, no confirmed proposal that reads open.
    Guard(
        name="ending_stops_the_intake",
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        func="""
            UPDATE members_pool SET state = 'intake_stopped' WHERE id = NEW.pool_id;
            UPDATE members_endingproposal SET state = 'confirmed', decided_by = NEW.confirmed_by, decided_at = aid_now()
             WHERE id = NEW.proposal_id;
            -- What else was proposed is overtaken.
            UPDATE members_endingproposal SET state = 'withdrawn', decided_by = 'service', decided_at = aid_now()
             WHERE pool_id = NEW.pool_id AND state = 'open';
            RETURN NULL;
        """,
    ),
    Guard(
        name="ending_is_called_off_once",
        when=pgtrigger.Before,
        operation=pgtrigger.Update | pgtrigger.Delete,
        declare=[("pool", "record")],
        func=f"""
            {judged_now()}
            IF TG_OP = 'DELETE' OR OLD.cancelled_at IS NOT NULL OR NEW.cancelled_at IS NULL
               OR {_row("NEW", _ENDING)} IS DISTINCT FROM {_row("OLD", _ENDING)} THEN
                {refuse("ending_is_called_off_once", "ending %s can only be called off, once", "OLD.number")}
            END IF;
            SELECT state INTO pool FROM members_pool WHERE id = NEW.pool_id FOR UPDATE;
            IF OLD.cause <> 'floor' OR pool.state <> 'intake_stopped' THEN
                {refuse("ending_is_called_off_once", "by %s, the pool is %s", "OLD.cause", "pool.state")}
            END IF;
            NEW.cancelled_at := aid_now();
            UPDATE members_pool SET headcount_recorded_at = clock_timestamp() WHERE id = NEW.pool_id;
            RETURN NEW;
        """,
    ),
    Guard(
        name="ending_called_off_reopens_the_intake",
        when=pgtrigger.After,
        operation=pgtrigger.Update,
        func="""
            UPDATE members_pool SET state = 'open' WHERE id = NEW.pool_id;
            RETURN NULL;
        """,
    ),
]

# Hung on the pool by the app's models: the pool's room comes before this one.
pool_ends_as_announced = Guard(
    name="pool_ends_as_announced",
    when=pgtrigger.Before,
    operation=pgtrigger.Update,
    condition=pgtrigger.Condition(
        "OLD.state <> NEW.state AND (OLD.state, NEW.state) IN (('open', 'intake_stopped'), ('intake_stopped', 'open'),"
        " ('intake_stopped', 'winding_down'), ('winding_down', 'closed'))"
    ),
    declare=[("ending", "record"), ("today", "date")],
    func=f"""
        {judged_now()}
        SELECT e.cover_end_date, e.run_off_end_date INTO ending {live_ending("NEW.id")};
        IF FOUND = (NEW.state = 'open') THEN
            {refuse("pool_ends_as_announced", "no notice says that the pool is %s", "NEW.state")}
        END IF;
        today := (aid_now() AT TIME ZONE NEW.time_zone)::date;
        IF NEW.state = 'winding_down' AND today < ending.cover_end_date THEN
            {refuse("pool_ends_as_announced", "cover ends on %s", "ending.cover_end_date")}
        END IF;
        IF NEW.state = 'winding_down' AND EXISTS (
               SELECT 1 FROM members_span s WHERE s.pool_id = NEW.id AND s.to_at IS NULL) THEN
            {refuse("pool_ends_as_announced", "somebody is covered beyond %s", "ending.cover_end_date")}
        END IF;
        IF NEW.state = 'closed' AND today < ending.run_off_end_date THEN
            {refuse("pool_ends_as_announced", "cases are taken until %s", "ending.run_off_end_date")}
        END IF;
        RETURN NEW;
    """,
)

# Hung on the spans. The lock lets a joiner and the stop of the intake meet one after the other.
nobody_joins_an_ending_pool = Guard(
    name="nobody_joins_an_ending_pool",
    level=pgtrigger.Statement,
    when=pgtrigger.After,
    operation=pgtrigger.Insert,
    referencing=pgtrigger.Referencing(new="new_rows"),
    declare=[("closed_to", "text")],
    func=f"""
        {judged_now()}
        PERFORM 1 FROM members_pool WHERE id IN (SELECT DISTINCT pool_id FROM new_rows) FOR NO KEY UPDATE;
        SELECT p.code INTO closed_to FROM members_pool p
         WHERE p.id IN (SELECT DISTINCT pool_id FROM new_rows)
           AND p.state IN ('intake_stopped', 'winding_down', 'closed', 'given_up') LIMIT 1;
        IF FOUND THEN
            {refuse("nobody_joins_an_ending_pool", "intake of %s is stopped", "closed_to")}
        END IF;
        RETURN NULL;
    """,
)
