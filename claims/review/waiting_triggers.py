"""The guard of shares that go back, hung on the ledger's row by the room that knows decisions."""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, refuse
from claims.filing.appeal_sql import appeal_until
from claims.filing.states import REFUSED

_REFUSED = ", ".join(f"'{state}'" for state in REFUSED)

shares_go_back_as_decided = Guard(
    name="shares_go_back_as_decided",
    when=pgtrigger.Before,
    operation=pgtrigger.Insert,
    declare=[("claim", "record"), ("until", "date"), ("today", "date")],
    func=f"""
        {judged_now()}
        SELECT c.* INTO claim FROM claims_claim c
         WHERE c.membership_id = NEW.membership_id AND c.pool_id = NEW.pool_id AND c.event_date = NEW.event_date
           AND substr(encode(sha256(convert_to('claims.ref:' || c.code, 'UTF8')), 'hex'), 1, 16)
               || '/' || c.round = NEW.decision FOR NO KEY UPDATE;
        IF NOT EXISTS (
            SELECT 1 FROM claims_decision d JOIN claims_recommendation r ON r.claim_id = d.claim_id AND r.round = d.round
             WHERE d.claim_id = claim.id AND d.round = claim.round
               AND (d.outcome, d.clause, d.decider, r.reviewer) = ('rejected', 'waiting', NEW.decider, NEW.reviewer)) THEN
            {refuse("shares_go_back_as_decided", "nobody has decided %s of membership %s", "NEW.decision", "NEW.membership_id")}
        END IF;
        until := {appeal_until("claim")};
        SELECT (aid_now() AT TIME ZONE time_zone)::date INTO today FROM members_pool WHERE id = claim.pool_id;
        IF claim.state NOT IN ({_REFUSED}, 'refused_finally')
           OR claim.state IN ({_REFUSED}) AND claim.appeal_round IS NULL AND until >= today THEN
            {refuse("shares_go_back_as_decided", "claim %s is %s, and not decided for good", "claim.code", "claim.state")}
        END IF;
        RETURN NEW;
    """,
)
