"""Guards of memberships that are over: no cover goes on or begins after the end.

That cover which ends has a reason is held where suspensions are known (`ledger/leaving/triggers.py`).
"""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, refuse

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
            SELECT u.code, (aid_now() AT TIME ZONE p.time_zone)::date AS today, m.birth_date,
                   (SELECT max((a->>'age_before')::int) FROM jsonb_array_elements((
                       SELECT terms->'aid' FROM members_planversion v WHERE v.pool_id = p.id
                        ORDER BY v.effective_date <= NEW.end_date DESC, abs(v.effective_date - NEW.end_date) LIMIT 1)) a)
                   AS oldest INTO one
              FROM members_membership m JOIN members_pool p ON p.id = m.pool_id LEFT JOIN members_user u ON u.id = m.person_id
             WHERE m.id = NEW.membership_id;
            IF NEW.reason = 'left' AND one.code IS NOT NULL AND NEW.recorded_by <> one.code THEN
                {refuse("members_leave_themselves", "%s cannot leave for %s", "NEW.recorded_by", "one.code")}
            END IF;
            IF NEW.reason = 'left' AND one.code IS NOT NULL AND NEW.end_date <> one.today + 1 THEN
                {refuse("leaving_ends_with_the_day", "cover ends on %s, not on %s", "one.today + 1", "NEW.end_date")}
            END IF;
            IF NEW.reason = 'aged_out' AND coalesce(one.oldest > date_part('year', age(
                   NEW.end_date::timestamp, one.birth_date::timestamp)) OR NEW.end_date > one.today, true) THEN
                {refuse("aged_out_at_the_age", "the rules end at %s, for who was born on %s", "one.oldest", "one.birth_date")}
            END IF;
            NEW.recorded_at := aid_now();
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
