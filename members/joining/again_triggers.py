"""Guards of memberships of people who join again: one after the other, never two at a time.

Names are the guarantees listed in ARCHITECTURE.md.
"""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, refuse


def is_followed_sql(membership: str) -> str:
    """Return SQL that tells whether somebody has joined again after a membership, so that a later one counts."""
    return f"EXISTS (SELECT 1 FROM members_membership later WHERE later.follows_id = {membership})"


def returns_after_sql(pool: str, day: str) -> str:
    """Return SQL for the days after which who was removed may join again, by the rules of a day; NULL: never."""
    return f"""(SELECT (v.terms->>'return_after_removal_days')::int FROM members_planversion v
                 WHERE v.pool_id = {pool} AND v.effective_date <= {day} ORDER BY v.effective_date DESC LIMIT 1)"""


# Of the guard of spans. What is over ends before the next begins; cover of an ended membership never begins anew, so
# that nothing else has to be compared. LIMIT keeps each new row a probe of the right index: of rows this new the
# statistics know nothing, and joins of whole tables compared each with each.
OVERLAPS_EARLIER = """SELECT EXISTS (
    SELECT 1 FROM new_rows n
     CROSS JOIN LATERAL (SELECT m.follows_id FROM public.members_membership m WHERE m.id = n.membership_id LIMIT 1) m
     CROSS JOIN LATERAL (
           SELECT 1 FROM public.members_span s
            WHERE m.follows_id IS NOT NULL AND s.pool_id = n.pool_id AND s.membership_id = m.follows_id
              AND s.from_at < coalesce(n.to_at, 'infinity') AND n.from_at < coalesce(s.to_at, 'infinity')
            LIMIT 1) overlapping)"""

again_guards = [
    Guard(
        name="membership_follows_one_that_is_over",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        condition=pgtrigger.Condition("NEW.follows_id IS NOT NULL"),
        declare=[("earlier", "record"), ("returns_after", "int")],
        func=f"""
            {judged_now()}
            PERFORM 1 FROM members_pool WHERE id = NEW.pool_id FOR NO KEY UPDATE;
            SELECT m.pool_id, e.reason, e.end_date, m.person_id IS NOT DISTINCT FROM NEW.person_id
                   AND (m.person_id IS NOT NULL OR EXISTS (
                       SELECT 1 FROM members_familymember f WHERE f.membership_id = m.id)) AS is_theirs
              INTO earlier FROM members_membership m LEFT JOIN members_membershipend e ON e.membership_id = m.id
             WHERE m.id = NEW.follows_id;
            IF earlier.pool_id IS DISTINCT FROM NEW.pool_id OR NOT coalesce(earlier.is_theirs, false)
               OR earlier.reason = 'deceased' OR coalesce(earlier.end_date > NEW.joined_date + 1, true) THEN
                {refuse("membership_follows_one_that_is_over", "membership %s goes on, or is another person's", "NEW.follows_id")}
            END IF;
            IF earlier.reason = 'removed' THEN
                returns_after := {returns_after_sql("NEW.pool_id", "NEW.joined_date")};
                IF coalesce(NEW.joined_date < earlier.end_date + returns_after, true) THEN
                    {refuse("removed_stay_out", "who was removed on %s returns after %s days", "earlier.end_date", "coalesce(returns_after::text, 'no')")}
                END IF;
            END IF;
            RETURN NEW;
        """,
    ),
    # An index holds first memberships; every other one follows the last.
    Guard(
        name="one_membership_counts_per_person",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.UpdateOf("person_id"),
        condition=pgtrigger.Condition("NEW.person_id IS NOT NULL"),
        func=f"""
            {judged_now()}
            PERFORM 1 FROM members_pool WHERE id = NEW.pool_id FOR NO KEY UPDATE;
            IF EXISTS (SELECT 1 FROM members_membership m
                        WHERE m.pool_id = NEW.pool_id AND m.person_id = NEW.person_id AND m.id <> NEW.id
                          AND m.id IS DISTINCT FROM NEW.follows_id AND NOT {is_followed_sql("m.id")}) THEN
                {refuse("one_membership_per_person_and_pool", "this person has another membership in the pool")}
            END IF;
            RETURN NEW;
        """,
    ),
]
