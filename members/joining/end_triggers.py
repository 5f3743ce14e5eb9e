"""Guards of memberships that are over: no cover goes on or begins after the end.

That cover which ends has a reason is held where suspensions are known (`ledger/leaving/triggers.py`).
"""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, kept, refuse
from members.joining.guardian_sql import guardian_code_sql, has_died_sql
from members.joining.kin_triggers import nobody_answers_sql
from members.joining.rule_triggers import silent_sql
from members.people.erasure_sql import lets_erasure_pass, person_of
from members.pools.triggers import asks_consent_sql, holds_pool_duty

# Until when a span may last: what would have begun later ends where it begins, and what had ended before a death was
# known, with a suspension, stays as it was.
_COVERED_UNTIL = """greatest(s.from_at, e.end_date::timestamp AT TIME ZONE p.time_zone,
    ((e.recorded_at AT TIME ZONE p.time_zone)::date + 1)::timestamp AT TIME ZONE p.time_zone)"""

end_guards = [
    # The row of the pool makes an end and a span that begins meet one after the other.
    Guard(
        name="members_leave_themselves",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=[("one", "record")],
        func=f"""
            {judged_now()}
            PERFORM 1 FROM members_pool
              WHERE id = (SELECT pool_id FROM members_membership WHERE id = NEW.membership_id) FOR NO KEY UPDATE;
            SELECT coalesce(u.code, {guardian_code_sql("m.id")}) AS code,
                   u.code IS NULL AND EXISTS (SELECT 1 FROM members_familymember f
                     WHERE f.membership_id = m.id AND {has_died_sql("f.guardian_id")}) AS is_alone,
                   (aid_now() AT TIME ZONE p.time_zone)::date AS today, m.birth_date,
                   (SELECT max((a->>'age_before')::int) FROM jsonb_array_elements((
                       SELECT terms->'aid' FROM members_planversion v WHERE v.pool_id = p.id
                        ORDER BY v.effective_date <= NEW.end_date DESC, abs(v.effective_date - NEW.end_date) LIMIT 1)) a)
                   AS oldest INTO one
              FROM members_membership m JOIN members_pool p ON p.id = m.pool_id LEFT JOIN members_user u ON u.id = m.person_id
             WHERE m.id = NEW.membership_id;
            IF NEW.reason = 'left' AND (one.is_alone OR one.code IS NOT NULL AND NEW.recorded_by <> one.code) THEN
                {refuse("members_leave_themselves", "%s cannot leave for %s", "NEW.recorded_by", "coalesce(one.code, 'a child without a guardian')")}
            END IF;
            IF NEW.reason = 'left' AND one.code IS NOT NULL AND NEW.end_date <> one.today + 1 THEN
                {refuse("leaving_ends_with_the_day", "cover ends on %s, not on %s", "one.today + 1", "NEW.end_date")}
            END IF;
            IF NEW.reason = 'aged_out' AND coalesce(one.oldest > date_part('year', age(
                   NEW.end_date::timestamp, one.birth_date::timestamp)) OR NEW.end_date > one.today, true) THEN
                {refuse("aged_out_at_the_age", "the rules end at %s, for who was born on %s", "one.oldest", "one.birth_date")}
            END IF;
            IF NEW.reason = 'silent' AND (NEW.end_date > one.today OR NOT EXISTS (
                SELECT 1 FROM members_membership m JOIN members_planversion v ON v.pool_id = m.pool_id
                 WHERE m.id = NEW.membership_id AND v.effective_date = NEW.end_date
                   AND {asks_consent_sql("v")} AND {silent_sql("m", "v")})) THEN
                {refuse("silence_ends_where_consent_is_asked", "membership %s was not asked by %s, or has agreed", "NEW.membership_id", "NEW.end_date")}
            END IF;
            IF NEW.reason IN ('deceased', 'removed') AND NOT EXISTS (
                SELECT 1 FROM members_reportedend r
                 WHERE r.membership_id = NEW.membership_id AND r.reason = NEW.reason AND r.state = 'confirmed'
                   AND (r.decided_by, r.reference) = (NEW.recorded_by, NEW.reference)
                   AND NEW.end_date = coalesce(r.event_date, one.today) + 1) THEN
                {refuse("reported_end_is_confirmed", "nobody has confirmed that membership %s ends: %s", "NEW.membership_id", "NEW.reason")}
            END IF;
            NEW.recorded_at := aid_now();
            RETURN NEW;
        """,
    ),
    Guard(
        name="child_without_guardian_is_kept",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        condition=pgtrigger.Condition("NEW.reason = 'lapsed'"),
        func=f"""
            IF {nobody_answers_sql("NEW.membership_id")} THEN
                {refuse("child_without_guardian_is_kept", "nobody could pay for membership %s", "NEW.membership_id")}
            END IF;
            RETURN NEW;
        """,
    ),
    Guard(
        name="ended_membership_has_no_cover",
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        timing=pgtrigger.Deferred,
        func=f"""
            IF EXISTS (
                SELECT 1 FROM members_membershipend e JOIN members_membership m ON m.id = e.membership_id
                  JOIN members_pool p ON p.id = m.pool_id
                  JOIN members_span s ON s.pool_id = m.pool_id AND s.membership_id = m.id
                 WHERE e.membership_id = NEW.membership_id AND (s.to_at IS NULL OR s.to_at > {_COVERED_UNTIL})) THEN
                {refuse("ended_membership_has_no_cover", "membership %s is covered beyond %s", "NEW.membership_id", "NEW.end_date")}
            END IF;
            RETURN NULL;
        """,
    ),
]

# What a confirmation is hashed over, in this order, joined by '|'.
_SHOWN = (
    "pool_id",
    "number",
    "membership_id",
    "reason",
    "event_date",
    "reference",
    "statement",
    "reported_by",
)
_FIXED = (*_SHOWN, "id", "shown_sha256", "reported_at")


def report_shown_sql(row: str) -> str:
    """Return SQL for the text that a confirmation is hashed over; missing parts are written as nothing."""
    return "concat_ws('|', " + ", ".join(f"coalesce({row}.{column}::text, '')" for column in _SHOWN) + ")"


report_guards = [
    Guard(
        name="reported_end_begins_open",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        func=f"""
            {judged_now()}
            PERFORM 1 FROM members_pool WHERE id = NEW.pool_id FOR NO KEY UPDATE;
            IF NOT EXISTS (SELECT 1 FROM members_membership WHERE id = NEW.membership_id AND pool_id = NEW.pool_id)
               OR EXISTS (SELECT 1 FROM members_membershipend WHERE membership_id = NEW.membership_id)
               OR num_nonnulls(NEW.decided_by, NEW.decided_at) > 0 THEN
                {refuse("reported_end_begins_open", "membership %s goes on in no such pool, or the report is decided", "NEW.membership_id")}
            END IF;
            IF NOT {holds_pool_duty("reported_by", "pool_admin")} THEN
                {refuse("reported_end_people_hold_their_duty", "%s is no pool admin", "NEW.reported_by")}
            END IF;
            IF NEW.event_date > (SELECT (aid_now() AT TIME ZONE time_zone)::date FROM members_pool WHERE id = NEW.pool_id) THEN
                {refuse("death_is_not_to_come", "%s is yet to come", "NEW.event_date")}
            END IF;
            NEW.number := coalesce((SELECT max(number) FROM members_reportedend WHERE pool_id = NEW.pool_id), 0) + 1;
            NEW.reported_at := aid_now();
            NEW.shown_sha256 := encode(sha256(convert_to({report_shown_sql("NEW")}, 'UTF8')), 'hex');
            RETURN NEW;
        """,
    ),
    Guard(
        name="reported_end_is_decided_as_shown",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        func=f"""
            {lets_erasure_pass(person_of("OLD.membership_id"), statement="NEW.statement IN ('', '-')")}
            IF ({", ".join(f"NEW.{c}" for c in _FIXED)}) IS DISTINCT FROM ({", ".join(f"OLD.{c}" for c in _FIXED)})
               OR OLD.state <> 'open' THEN
                {refuse("reported_end_is_decided_as_shown", "report %s is not edited", "OLD.number")}
            END IF;
            NEW.decided_at := aid_now();
            IF NEW.state = 'confirmed' AND NOT {holds_pool_duty("decided_by", "controller")} THEN
                {refuse("reported_end_people_hold_their_duty", "%s is no controller", "NEW.decided_by")}
            END IF;
            IF NEW.state = 'withdrawn' AND NOT {holds_pool_duty("decided_by", "controller", "pool_admin")} THEN
                {refuse("reported_end_people_hold_their_duty", "%s may not take it back", "NEW.decided_by")}
            END IF;
            RETURN NEW;
        """,
    ),
    Guard(
        name="confirmed_report_has_its_end",
        when=pgtrigger.After,
        operation=pgtrigger.Update,
        timing=pgtrigger.Deferred,
        condition=pgtrigger.Condition("NEW.state = 'confirmed'"),
        func=f"""
            IF NOT EXISTS (SELECT 1 FROM members_membershipend WHERE membership_id = NEW.membership_id AND reason = NEW.reason) THEN
                {refuse("confirmed_report_has_its_end", "membership %s goes on", "NEW.membership_id")}
            END IF;
            RETURN NULL;
        """,
    ),
    kept("reported_ends_are_kept", "reports are withdrawn, never deleted"),
]

# One of the guards of spans: a million who join cost one look at a small table.
no_cover_after_the_end = Guard(
    name="no_cover_after_the_end",
    level=pgtrigger.Statement,
    when=pgtrigger.After,
    operation=pgtrigger.Insert,
    referencing=pgtrigger.Referencing(new="new_rows"),
    declare=[("ended", "bigint")],
    func=f"""
        {judged_now()}
        PERFORM 1 FROM members_pool WHERE id IN (SELECT DISTINCT pool_id FROM new_rows) FOR NO KEY UPDATE;
        EXECUTE $check$ SELECT n.membership_id FROM new_rows n
                          JOIN public.members_membershipend e ON e.membership_id = n.membership_id LIMIT 1 $check$ INTO ended;
        IF ended IS NOT NULL THEN
            {refuse("no_cover_after_the_end", "membership %s is over", "ended")}
        END IF;
        RETURN NULL;
    """,
)
