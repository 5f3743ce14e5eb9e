"""Guards of faces: what is told of a case is shared by five members, of its headcount, and fixed when it is announced."""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, permanent, refuse
from ledger.sharing.layers import PARTS, SMALLEST_GROUP
from members.joining.correction_sql import born_sql, known_before_sql, trait_sql
from members.joining.selectors import SMALLEST_PUBLIC_POOL

_PART = " ".join(
    f"WHEN k.region IN ({', '.join(f'{province!r}' for province in provinces)}) THEN {part!r}"
    for part, provinces in PARTS.items()
)
# The second way of counting: by what is told of a case, and not by the steps that lead to it.
_SHARES = f"""
    (n.age = '' OR k.years BETWEEN split_part(n.age, '-', 1)::int AND split_part(n.age, '-', 2)::int)
    AND (n.sex = '' OR k.sex = n.sex)
    AND (n.region = '' OR k.region = n.region OR CASE {_PART} END = n.region)
    AND (n.joined = '' OR n.joined = to_char(k.month,
             CASE WHEN n.joined LIKE '%Q%' THEN 'YYYY-"Q"Q' WHEN length(n.joined) = 4 THEN 'YYYY' ELSE 'YYYY-MM' END))"""
# One look at the headcount for all cases of a period: member by member for each case took half a second a case at a
# million members, whatever the planner chose.
_TOO_FEW = f"""
    WITH kinds AS MATERIALIZED (
        SELECT date_part('year', age(counted.day::timestamp, ({born_sql("m")})::timestamp)) AS years,
               {trait_sql("m", "sex")} AS sex, {trait_sql("m", "region")} AS region,
               date_trunc('month', m.joined_date::timestamp) AS month, count(*) AS members
          FROM members_headcount(counted.pool_id, counted.as_of, counted.headcount_recorded_at,
                                 0, 9223372036854775807) h
          JOIN members_membership m ON m.id = h.membership_id
          {known_before_sql("m", "counted.day")}
         GROUP BY 1, 2, 3, 4)
    SELECT n.claim_code, coalesce(sum(k.members), 0) AS found INTO bad
      FROM new_rows n LEFT JOIN kinds k ON {_SHARES}
     WHERE n.period_id = counted.id
     GROUP BY n.id, n.claim_code, n.members
    HAVING coalesce(sum(k.members), 0) < least(n.members, {SMALLEST_GROUP}) LIMIT 1"""

face_guards = [
    Guard(
        name="face_is_shared_by_five",
        level=pgtrigger.Statement,
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        referencing=pgtrigger.Referencing(new="new_rows"),
        declare=[("counted", "record"), ("bad", "record")],
        func=f"""
            {judged_now()}
            FOR counted IN
                SELECT p.id, p.pool_id, p.state, p.headcount, p.as_of, p.headcount_recorded_at,
                       (p.as_of AT TIME ZONE m.time_zone)::date AS day
                  FROM ledger_period p JOIN members_pool m ON m.id = p.pool_id
                 WHERE p.id IN (SELECT period_id FROM new_rows) ORDER BY p.id FOR NO KEY UPDATE OF p
            LOOP
                SELECT n.claim_code INTO bad FROM new_rows n
                 WHERE n.period_id = counted.id
                   AND (counted.state <> 'frozen' OR counted.pool_id <> n.pool_id
                        OR NOT EXISTS (SELECT 1 FROM ledger_award a
                                        WHERE a.period_id = n.period_id AND a.claim_code = n.claim_code
                                          AND a.rest_of_id IS NULL AND a.state = 'announced')) LIMIT 1;
                IF FOUND THEN
                    {refuse("face_comes_with_its_announcement", "no case of claim %s is about to be announced", "bad.claim_code")}
                END IF;
                IF EXISTS (SELECT 1 FROM new_rows n WHERE n.period_id = counted.id
                              AND n.is_public <> (counted.headcount >= {SMALLEST_PUBLIC_POOL})) THEN
                    {refuse("small_pool_shows_totals_only", "%s members", "counted.headcount")}
                END IF;
                {_TOO_FEW};
                IF FOUND THEN
                    {refuse("face_is_shared_by_five", "what is told of claim %s is shared by %s", "bad.claim_code", "bad.found")}
                END IF;
            END LOOP;
            RETURN NULL;
        """,
    ),
    *permanent("face_is_fixed_at_the_announcement"),
]

# Publicity begins with what is told of its cases, so that nobody is shown them otherwise meanwhile.
cases_are_announced_with_their_faces = Guard(
    name="cases_are_announced_with_their_faces",
    when=pgtrigger.Before,
    operation=pgtrigger.Update,
    condition=pgtrigger.Condition("OLD.state = 'frozen' AND NEW.state = 'announced'"),
    declare=[("bare", "text")],
    func=f"""
        SELECT string_agg(a.code, ', ' ORDER BY a.code) INTO bare FROM ledger_award a
         WHERE a.period_id = NEW.id AND a.rest_of_id IS NULL AND a.state = 'announced'
           AND NOT EXISTS (SELECT 1 FROM ledger_caseface f WHERE f.pool_id = a.pool_id AND f.claim_code = a.claim_code);
        IF bare IS NOT NULL THEN
            {refuse("cases_are_announced_with_their_faces", "nothing says what is told of %s", "bare")}
        END IF;
        RETURN NEW;
    """,
)
