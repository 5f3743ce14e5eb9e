"""Guards of faces: what is told of a case is shared by five members, of its headcount, and fixed when it is announced."""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, permanent, refuse
from ledger.sharing.layers import PARTS, SMALLEST_GROUP
from members.joining.correction_sql import born_sql, known_before_sql, trait_sql
from members.joining.selectors import SMALLEST_PUBLIC_POOL

_REGION = trait_sql("m", "region")
_PART = " ".join(
    f"WHEN {_REGION} IN ({', '.join(f'{province!r}' for province in provinces)}) THEN {part!r}"
    for part, provinces in PARTS.items()
)
# The second way of counting: member by member, by what is told and not by the steps that lead to it.
_SHARES = f"""
    (NEW.age = '' OR date_part('year', age(counted.day::timestamp, ({born_sql("m")})::timestamp))
                     BETWEEN split_part(NEW.age, '-', 1)::int AND split_part(NEW.age, '-', 2)::int)
    AND (NEW.sex = '' OR {trait_sql("m", "sex")} = NEW.sex)
    AND (NEW.region = '' OR {_REGION} = NEW.region OR CASE {_PART} END = NEW.region)
    AND (NEW.joined = '' OR NEW.joined = to_char(m.joined_date,
             CASE WHEN NEW.joined LIKE '%Q%' THEN 'YYYY-"Q"Q' WHEN length(NEW.joined) = 4 THEN 'YYYY' ELSE 'YYYY-MM' END))"""

face_guards = [
    # LIMIT: of a million members only as many are read as it takes to find five.
    Guard(
        name="face_is_shared_by_five",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=[("counted", "record"), ("found", "bigint")],
        func=f"""
            {judged_now()}
            SELECT p.pool_id, p.state, p.headcount, p.as_of, p.headcount_recorded_at,
                   (p.as_of AT TIME ZONE m.time_zone)::date AS day INTO counted
              FROM ledger_period p JOIN members_pool m ON m.id = p.pool_id WHERE p.id = NEW.period_id FOR NO KEY UPDATE OF p;
            IF counted.state IS DISTINCT FROM 'frozen' OR counted.pool_id <> NEW.pool_id
               OR NOT EXISTS (SELECT 1 FROM ledger_award WHERE period_id = NEW.period_id AND claim_code = NEW.claim_code
                                 AND rest_of_id IS NULL AND state = 'announced') THEN
                {refuse("face_comes_with_its_announcement", "no case of claim %s is about to be announced", "NEW.claim_code")}
            END IF;
            IF NEW.is_public <> (counted.headcount >= {SMALLEST_PUBLIC_POOL}) THEN
                {refuse("small_pool_shows_totals_only", "%s members", "counted.headcount")}
            END IF;
            IF (NEW.age, NEW.sex, NEW.region, NEW.joined) = ('', '', '', '') THEN
                found := counted.headcount;
            ELSE
                SELECT count(*) INTO found FROM (
                    SELECT 1 FROM members_headcount(counted.pool_id, counted.as_of, counted.headcount_recorded_at,
                                                    0, 9223372036854775807) h
                      JOIN members_membership m ON m.id = h.membership_id
                      {known_before_sql("m", "counted.day")}
                     WHERE {_SHARES} LIMIT {SMALLEST_GROUP}) sharing;
            END IF;
            IF found < least(NEW.members, {SMALLEST_GROUP}) THEN
                {refuse("face_is_shared_by_five", "what is told of claim %s is shared by %s", "NEW.claim_code", "found")}
            END IF;
            RETURN NEW;
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
