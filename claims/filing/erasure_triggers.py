"""The guard by which an erasure waits for claims; what the members' own tables hold is looked at there."""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, refuse
from claims.filing.appeal_sql import appeal_until
from claims.filing.states import DECIDED, REFUSED

_DECIDED = ", ".join(f"'{state}'" for state in DECIDED)
_REFUSED = ", ".join(f"'{state}'" for state in REFUSED)

# Hung on requests for an erasure, which know no claims.
erasure_waits_for_claims = Guard(
    name="erasure_waits_for_claims",
    when=pgtrigger.Before,
    operation=pgtrigger.Update,
    condition=pgtrigger.Condition("NEW.state = 'erasing' AND OLD.state <> 'erasing'"),
    declare=[("left_open", "text")],
    func=f"""
        {judged_now()}
        SELECT string_agg(c.code, ', ' ORDER BY c.code) INTO left_open
          FROM claims_claim c JOIN members_pool p ON p.id = c.pool_id
         WHERE c.membership_id IN (SELECT members_of_person(NEW.person_id)) AND c.state <> 'draft'
           AND (c.state NOT IN ({_DECIDED}) OR c.state IN ({_REFUSED}) AND c.appeal_round IS NULL
                AND {appeal_until("c")} >= (aid_now() AT TIME ZONE p.time_zone)::date);
        IF left_open IS NOT NULL THEN
            {refuse("erasure_waits_for_what_is_open", "claims: %s", "left_open")}
        END IF;
        RETURN NEW;
    """,
)
