"""Guards of claims in a pool that ends: which are still taken, and that it does not close over one."""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, refuse
from claims.filing.appeal_sql import appeal_until, jury_until
from claims.filing.states import DECIDED, REFUSED

_DECIDED = ", ".join(f"'{state}'" for state in DECIDED)
_REFUSED = ", ".join(f"'{state}'" for state in REFUSED)

# In this order: a draft may say anything; what is filed happened before cover ended, and is filed in the days after it.
claims_come_in_the_run_off = Guard(
    name="claims_come_in_the_run_off",
    when=pgtrigger.Before,
    operation=pgtrigger.Insert | pgtrigger.Update,
    condition=pgtrigger.Condition("NEW.filed_at IS NOT NULL AND NEW.state <> 'withdrawn'"),
    declare=[("ending", "record"), ("today", "date")],
    func=f"""
        SELECT e.cover_end_date, e.run_off_end_date, p.time_zone INTO ending
          FROM members_poolending e JOIN members_pool p ON p.id = e.pool_id
         WHERE e.pool_id = NEW.pool_id AND e.cancelled_at IS NULL;
        IF NOT FOUND THEN
            RETURN NEW;
        END IF;
        IF NEW.event_date >= ending.cover_end_date THEN
            {refuse("claims_come_in_the_run_off", "nobody was covered any more on %s", "NEW.event_date")}
        END IF;
        today := (aid_now() AT TIME ZONE ending.time_zone)::date;
        IF today >= ending.run_off_end_date AND (TG_OP = 'INSERT' OR OLD.filed_at IS NULL) THEN
            {refuse("claims_come_in_the_run_off", "cases were taken until %s", "ending.run_off_end_date")}
        END IF;
        RETURN NEW;
    """,
)

pool_closes_with_its_claims_decided = Guard(
    name="pool_closes_with_its_claims_decided",
    when=pgtrigger.Before,
    operation=pgtrigger.Update,
    condition=pgtrigger.Condition("OLD.state = 'winding_down' AND NEW.state = 'closed'"),
    declare=[("left_open", "text")],
    func=f"""
        {judged_now()}
        -- A refused claim waits for as long as its claimant may still appeal, or take it to the jury.
        SELECT string_agg(c.code, ', ' ORDER BY c.code) INTO left_open FROM claims_claim c
         WHERE c.pool_id = NEW.id AND c.filed_at IS NOT NULL
           AND (c.state NOT IN ({_DECIDED}) OR c.state IN ({_REFUSED}) AND c.appeal_round IS NULL
                AND {appeal_until("c")} >= (aid_now() AT TIME ZONE NEW.time_zone)::date
                OR c.state = 'refused_finally' AND {jury_until("c")} >= (aid_now() AT TIME ZONE NEW.time_zone)::date);
        IF left_open IS NOT NULL THEN
            {refuse("pool_closes_with_its_claims_decided", "claims not decided: %s", "left_open")}
        END IF;
        RETURN NEW;
    """,
)
