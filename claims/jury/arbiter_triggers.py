"""Guards of arbitrations: only where no jury can be drawn, by somebody from outside, appointed by two, in their days."""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, kept, refuse
from claims.filing.aid_sql import granted_before, lock_member
from claims.filing.triggers import CLAIMED_BY
from claims.jury.eligible_sql import can_be_drawn_sql, has_a_part_sql, is_near_sql, logged_sql, ref_sql
from claims.review.triggers import has_judged, holds_duty, is_claimant, is_near
from members.people.erasure_sql import lets_erasure_pass
from members.pools.jury_terms import LEAST_ELIGIBLE, USUAL_ARBITER_DAYS

# How long a link can be used; after that the pool admin makes another, or appoints somebody else.
LINK_DAYS = 7

_FIXED = ("id", "code", "claim_id", "number", "eligible", "in_plan", "asked_at")
# What each step writes, once.
_STEPS: dict[str, tuple[str, ...]] = {
    "proposed": ("proposed_by", "proposed_at"),
    "agreed": ("agreed_by", "agreed_at"),
    "accepted": ("arbiter_id", "accepted_at", "until_date"),
    "ended": ("outcome", "aid_fen", "reason_sealed", "ended_by", "ended_at"),
}
_LATER = (*(column for columns in _STEPS.values() for column in columns), "token_sha256", "link_until_at")


def _row(prefix: str, columns: tuple[str, ...]) -> str:
    return "(" + ", ".join(f"{prefix}.{column}" for column in columns) + ")"


_WRITTEN_ONCE = " OR ".join(
    f"OLD.{columns[-1]} IS NOT NULL AND {_row('NEW', columns)} IS DISTINCT FROM {_row('OLD', columns)}"
    for columns in _STEPS.values()
)
_EMPTIED = lets_erasure_pass(
    CLAIMED_BY,
    name_sealed="coalesce(NEW.name_sealed, '') = ''",
    reason_sealed="coalesce(NEW.reason_sealed, '') = ''",
)
_CLAIM = """
    SELECT * INTO claim FROM claims_claim WHERE id = NEW.claim_id FOR NO KEY UPDATE;
    SELECT v.terms->'jury' INTO plan FROM members_planversion v WHERE v.id = claim.plan_version_id;
    SELECT (aid_now() AT TIME ZONE time_zone)::date INTO today FROM members_pool WHERE id = claim.pool_id;
"""
_DECLARED = [("claim", "claims_claim"), ("plan", "jsonb"), ("today", "date")]


def _may_appoint(column: str, duty: str) -> str:
    """Return SQL that tells whether the person in that column holds the duty, and is not concerned by the case."""
    return f"""({holds_duty(column, duty)} AND NOT {is_claimant(column)} AND NOT {is_near(column)}
        AND NOT {has_judged(column)})"""


# Who shares the aid, serves the pool, knows its people or has judged the case is no outsider.
_IS_CONCERNED = f"""({is_near_sql("claim", "NEW.arbiter_id")} OR {has_a_part_sql("claim", "NEW.arbiter_id")}
    OR EXISTS (SELECT 1 FROM members_membership m WHERE m.person_id = NEW.arbiter_id AND m.pool_id = claim.pool_id)
    OR EXISTS (SELECT 1 FROM claims_investigation i WHERE i.claim_id = claim.id AND i.investigator_id = NEW.arbiter_id)
    OR EXISTS (SELECT 1 FROM members_user u WHERE u.id = NEW.arbiter_id
                  AND (u.code IN (OLD.proposed_by, OLD.agreed_by)
                       OR EXISTS (SELECT 1 FROM claims_concurrence c WHERE c.claim_id = claim.id AND c.decider = u.code))))"""

arbitration_guards = [
    Guard(
        name="arbiter_decides_where_no_jury_can_be_drawn",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=[*_DECLARED, ("before", "claims_arbitration"), ("found", "int")],
        func=f"""
            {judged_now()}
            {_CLAIM}
            IF num_nonnulls({", ".join(f"NEW.{column}" for column in _LATER)}) > 0 THEN
                {refuse("arbitration_takes_its_steps", "it brings later steps along")}
            END IF;
            IF claim.state <> 'before_jury' OR EXISTS (SELECT 1 FROM claims_jurydraw WHERE claim_id = claim.id) THEN
                {refuse("arbiter_decides_where_no_jury_can_be_drawn", "claim %s is %s, or has its draw", "claim.code", "claim.state")}
            END IF;
            SELECT * INTO before FROM claims_arbitration WHERE claim_id = claim.id ORDER BY number DESC LIMIT 1;
            -- Which way a case goes is settled when it is taken there, and not anew with each arbiter.
            IF before.id IS NULL THEN
                {can_be_drawn_sql("claim", LEAST_ELIGIBLE, "found")}
                IF found >= {LEAST_ELIGIBLE} THEN
                    {refuse("arbiter_decides_where_no_jury_can_be_drawn", "%s members or more can be drawn", "found")}
                END IF;
                NEW.eligible := found;
            ELSE
                NEW.eligible := before.eligible;
            END IF;
            NEW.number := coalesce(before.number, 0) + 1;
            NEW.in_plan := before.id IS NULL AND plan ? 'arbiter_name';
            IF NOT NEW.in_plan AND NEW.name_sealed IS NOT NULL THEN
                {refuse("arbiter_is_appointed_by_two_people", "the plan of claim %s names nobody", "claim.code")}
            END IF;
            NEW.asked_at := aid_now();
            RETURN NEW;
        """,
    ),
    # In this order: what stays, what each step needs, when it was taken. Instants and days are the database's.
    Guard(
        name="arbitration_takes_its_steps",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        declare=[*_DECLARED, ("left_over", "bigint")],
        func=f"""
            {_EMPTIED}
            IF {_row("NEW", _FIXED)} IS DISTINCT FROM {_row("OLD", _FIXED)} OR {_WRITTEN_ONCE}
               OR NEW.name_sealed IS DISTINCT FROM OLD.name_sealed AND (OLD.state, NEW.state) <> ('wanted', 'proposed')
               OR OLD.state IN ('decided', 'ended') AND NEW IS DISTINCT FROM OLD THEN
                {refuse("arbitration_takes_its_steps", "arbitration %s is not edited", "OLD.code")}
            END IF;
            {judged_now()}
            {_CLAIM}
            IF claim.state <> 'before_jury' AND NEW.state <> 'ended' THEN
                {refuse("arbitration_takes_its_steps", "claim %s is %s", "claim.code", "claim.state")}
            END IF;
            IF NEW.proposed_by IS NOT NULL AND OLD.proposed_by IS NULL THEN
                IF NEW.state <> 'proposed' OR NOT {_may_appoint("proposed_by", "pool_admin")} THEN
                    {refuse("arbiter_is_appointed_by_two_people", "%s cannot propose one", "NEW.proposed_by")}
                END IF;
                NEW.proposed_at := aid_now();
            END IF;
            IF NEW.agreed_by IS NOT NULL AND OLD.agreed_by IS NULL THEN
                IF OLD.state <> 'proposed' OR NEW.state <> 'appointed' OR NOT {_may_appoint("agreed_by", "controller")} THEN
                    {refuse("arbiter_is_appointed_by_two_people", "%s cannot agree to it", "NEW.agreed_by")}
                END IF;
                NEW.agreed_at := aid_now();
            END IF;
            IF NEW.state = 'appointed' AND OLD.state <> 'appointed' AND NOT (NEW.in_plan OR NEW.agreed_by IS NOT NULL) THEN
                {refuse("arbiter_is_appointed_by_two_people", "nobody has agreed to %s", "OLD.code")}
            END IF;
            IF NEW.token_sha256 IS DISTINCT FROM OLD.token_sha256 THEN
                IF NEW.state <> 'appointed' OR NEW.token_sha256 IS NULL THEN
                    {refuse("arbitration_takes_its_steps", "%s is taken on, or waits for nobody", "OLD.code")}
                END IF;
                NEW.link_until_at := aid_now() + interval '{LINK_DAYS} days';
            ELSIF NEW.link_until_at IS DISTINCT FROM OLD.link_until_at THEN
                {refuse("arbitration_takes_its_steps", "a link is not prolonged")}
            END IF;
            IF NEW.state = 'running' AND OLD.state = 'appointed' THEN
                IF NEW.arbiter_id IS NULL OR coalesce(OLD.link_until_at <= aid_now(), true) THEN
                    {refuse("arbitration_link_is_live", "the link of %s is over", "OLD.code")}
                END IF;
                IF {_IS_CONCERNED} THEN
                    {refuse("arbiter_is_from_outside", "%s has a part in claim %s or in its pool", "NEW.arbiter_id", "claim.code")}
                END IF;
                NEW.accepted_at := aid_now();
                NEW.until_date := today + coalesce((plan->>'arbiter_days')::int, {USUAL_ARBITER_DAYS});
            ELSIF (NEW.arbiter_id, NEW.until_date) IS DISTINCT FROM (OLD.arbiter_id, OLD.until_date) THEN
                {refuse("arbitration_takes_its_steps", "%s is taken on by whom its link was for", "OLD.code")}
            END IF;
            IF NEW.state = 'decided' AND OLD.state = 'running' THEN
                IF NEW.ended_by IS DISTINCT FROM (SELECT code FROM members_user WHERE id = OLD.arbiter_id)
                   OR OLD.until_date < today THEN
                    {refuse("arbiter_decides_in_their_days", "%s was until %s, by its arbiter", "OLD.code", "OLD.until_date")}
                END IF;
                -- Who took on the case may have joined the pool or its duties since.
                IF {_IS_CONCERNED} THEN
                    {refuse("arbiter_is_from_outside", "%s has a part in claim %s or in its pool", "NEW.arbiter_id", "claim.code")}
                END IF;
                IF NEW.outcome IS NULL OR coalesce(NEW.reason_sealed, '') = ''
                   OR {logged_sql("claim", "arbiter.decide", ref_sql("claim"))}->>'outcome' IS DISTINCT FROM NEW.outcome THEN
                    {refuse("arbiter_gives_a_reason", "the decision on claim %s has no reason, or is not in the log", "claim.code")}
                END IF;
                IF NEW.aid_fen IS NULL OR NEW.aid_fen > claim.aid_fen OR (NEW.outcome = 'granted') <> (NEW.aid_fen > 0) THEN
                    {refuse("verdict_grants_what_the_plan_gives", "aid %s, the plan gives %s", "NEW.aid_fen", "claim.aid_fen")}
                END IF;
                {lock_member("claim.membership_id")}
                SELECT (terms->>'lifetime_cap_fen')::bigint - {granted_before("claim.membership_id", "claim.id")}
                  INTO left_over FROM members_planversion WHERE id = claim.plan_version_id;
                IF left_over IS NOT NULL AND NEW.aid_fen > greatest(left_over, 0) THEN
                    {refuse("aid_within_lifetime_cap", "aid %s; earlier cases leave %s", "NEW.aid_fen", "left_over")}
                END IF;
                NEW.ended_at := aid_now();
            ELSIF num_nonnulls(NEW.outcome, NEW.aid_fen, NEW.reason_sealed) > 0 AND OLD.state <> 'decided' THEN
                {refuse("arbitration_takes_its_steps", "%s is not decided", "OLD.code")}
            END IF;
            -- One who is slow is replaced, one who is disliked is not.
            IF NEW.state = 'ended' AND OLD.state <> 'ended' THEN
                IF NOT (claim.state = 'withdrawn' AND NEW.ended_by IS NOT NULL
                        OR OLD.state = 'proposed' AND {_may_appoint("ended_by", "controller")}
                        OR OLD.state = 'appointed' AND OLD.link_until_at <= aid_now() AND {_may_appoint("ended_by", "pool_admin")}
                        OR OLD.state = 'running' AND (OLD.until_date < today AND {_may_appoint("ended_by", "pool_admin")}
                           OR NEW.ended_by IS NOT DISTINCT FROM (SELECT code FROM members_user WHERE id = OLD.arbiter_id))) THEN
                    {refuse("arbiter_is_replaced_when_late", "%s is not ended by %s now", "OLD.code", "NEW.ended_by")}
                END IF;
                NEW.ended_at := aid_now();
            END IF;
            RETURN NEW;
        """,
    ),
    kept(
        "arbitrations_are_kept",
        "arbitrations are ended, never deleted",
        guarantee="arbitration_takes_its_steps",
    ),
]
