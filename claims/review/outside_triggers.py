"""Guards of outside reviews: only where nobody of the pool is left, appointed by two, from outside, one stage each."""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, kept, refuse
from claims.filing.triggers import CLAIMED_BY
from claims.review.appeal_triggers import heard_before_sql
from claims.review.triggers import (
    has_judged,
    has_judged_sql,
    holds_duty,
    is_claimant,
    is_claimant_sql,
    is_near,
    is_near_sql,
)
from members.people.erasure_sql import lets_erasure_pass

# How long a link can be used; after that the pool admin makes another, or proposes somebody else.
LINK_DAYS = 7
# How long somebody from outside has a claim, whom nobody of the pool could follow up: as long as a reviewer has it.
REVIEW_DAYS = 10
# In which states a claim waits for its first reviewer, for a second one, or for an answer to objections.
WAITS_FOR_A_REVIEWER = ("filed", "appealed", "under_review")
WAITS_FOR_A_SECOND = ("recommended",)
WAITS_FOR_AN_ANSWER = ("objected",)

_FIXED = (
    "id", "code", "claim_id", "number", "stage", "name_sealed", "reason_sealed", "proposed_by", "proposed_at",
)  # fmt: skip
# What each step writes, once.
_STEPS: dict[str, tuple[str, ...]] = {
    "agreed": ("agreed_by", "agreed_at"),
    "accepted": ("person_id", "accepted_at", "until_date"),
    "ended": ("ended_by", "ended_at"),
}
_LATER = (*(column for columns in _STEPS.values() for column in columns), "token_sha256", "link_until_at")


def _row(prefix: str, columns: tuple[str, ...]) -> str:
    return "(" + ", ".join(f"{prefix}.{column}" for column in columns) + ")"


_WRITTEN_ONCE = " OR ".join(
    f"OLD.{columns[-1]} IS NOT NULL AND {_row('NEW', columns)} IS DISTINCT FROM {_row('OLD', columns)}"
    for columns in _STEPS.values()
)
_EMPTIED = lets_erasure_pass(
    CLAIMED_BY, name_sealed="NEW.name_sealed = ''", reason_sealed="NEW.reason_sealed = ''"
)
_CLAIM = """
    SELECT * INTO claim FROM claims_claim WHERE id = NEW.claim_id FOR NO KEY UPDATE;
    SELECT (aid_now() AT TIME ZONE time_zone)::date INTO today FROM members_pool WHERE id = claim.pool_id;
"""
_DECLARED = [("claim", "claims_claim"), ("today", "date")]
_WAITS = f"""(NEW.stage = 'reviewer' AND claim.state IN {WAITS_FOR_A_REVIEWER}
        OR NEW.stage = 'second_reviewer' AND claim.state = 'recommended'
        OR NEW.stage = 'objection' AND claim.state = 'objected')"""


def somebody_is_left_sql(stage: str) -> str:
    """Return SQL that tells whether somebody of the pool may take the claim through a stage, in its round."""
    return f"(CASE {stage} WHEN 'objection' THEN {_SOMEBODY_ANSWERS} ELSE {_somebody_judges_sql(stage)} END)"


# For each open objection somebody holds the duty who may answer it.
_SOMEBODY_ANSWERS = f"""NOT EXISTS (
        SELECT 1 FROM claims_objection o
         WHERE o.claim_id = claim.id AND o.state = 'open' AND NOT EXISTS (
               SELECT 1 FROM members_dutygrant g JOIN members_user able ON able.id = g.person_id
                WHERE g.pool_id = claim.pool_id AND g.duty = 'second_reviewer' AND g.ended_at IS NULL
                  AND able.code <> o.member AND NOT {is_claimant_sql("able.code")} AND NOT {is_near_sql("able.code")}
                  AND NOT {has_judged_sql("able.code")}))"""


def _somebody_judges_sql(stage: str) -> str:
    """Return SQL that tells whether somebody holds a duty and may use it on the claim, in its round."""
    return f"""EXISTS (
        SELECT 1 FROM members_dutygrant g JOIN members_user able ON able.id = g.person_id
         WHERE g.pool_id = claim.pool_id AND g.duty = {stage} AND g.ended_at IS NULL
           AND NOT {is_claimant_sql("able.code")} AND NOT {is_near_sql("able.code")}
           AND NOT (claim.appeal_round IS NOT NULL AND {heard_before_sql("claim.id", "claim.appeal_round", "able.code")})
           AND NOT ({stage} = 'second_reviewer' AND (
                   EXISTS (SELECT 1 FROM claims_recommendation WHERE claim_id = claim.id AND reviewer = able.code)
                OR EXISTS (SELECT 1 FROM claims_concurrence
                            WHERE claim_id = claim.id AND round = claim.round AND decider = able.code))))"""


# The claims of some pools for which nobody is left, each with the stage that it waits in.
_STAGE = "CASE claim.state WHEN 'recommended' THEN 'second_reviewer' WHEN 'objected' THEN 'objection' ELSE 'reviewer' END"
_WAITING = (*WAITS_FOR_A_REVIEWER, *WAITS_FOR_A_SECOND, *WAITS_FOR_AN_ANSWER)
NOBODY_LEFT = f"""
    SELECT claim.id, {_STAGE} FROM claims_claim claim
     WHERE claim.{{column}} = ANY(%(ids)s) AND claim.state IN {_WAITING}
       AND NOT {somebody_is_left_sql(_STAGE)}"""
_SOMEBODY_IS_LEFT = somebody_is_left_sql("NEW.stage")


def _may_appoint(column: str, duty: str) -> str:
    """Return SQL that tells whether the person in that column holds the duty, and is not concerned by the case."""
    return f"""({holds_duty(column, duty)} AND NOT {is_claimant(column)} AND NOT {is_near(column)}
        AND NOT {has_judged(column)})"""


_PERSON = "(SELECT code FROM members_user WHERE id = NEW.person_id)"
# Who shares the aid, serves the pool, knows its people, has judged the other stage or the case before its appeal.
_IS_CONCERNED = f"""({is_claimant_sql(_PERSON)} OR {is_near_sql(_PERSON)}
    OR EXISTS (SELECT 1 FROM members_membership m WHERE m.person_id = NEW.person_id AND m.pool_id = claim.pool_id)
    OR EXISTS (SELECT 1 FROM members_dutygrant g WHERE g.person_id = NEW.person_id AND g.ended_at IS NULL
                  AND (g.pool_id = claim.pool_id OR g.pool_id IS NULL))
    OR {_PERSON} IN (OLD.proposed_by, OLD.agreed_by)
    OR EXISTS (SELECT 1 FROM claims_investigation i WHERE i.claim_id = claim.id AND i.investigator_id = NEW.person_id)
    OR EXISTS (SELECT 1 FROM claims_objection k WHERE k.claim_id = claim.id AND (
                  {_PERSON} = k.member OR NEW.stage <> 'objection' AND {_PERSON} = k.answered_by))
    OR NEW.stage = 'objection' AND {has_judged_sql(_PERSON)}
    OR NEW.stage <> 'objection' AND claim.appeal_round IS NOT NULL AND {heard_before_sql("claim.id", "claim.appeal_round", _PERSON)}
    OR NEW.stage = 'second_reviewer' AND (
           EXISTS (SELECT 1 FROM claims_recommendation WHERE claim_id = claim.id AND reviewer = {_PERSON})
        OR EXISTS (SELECT 1 FROM claims_concurrence
                    WHERE claim_id = claim.id AND round = claim.round AND decider = {_PERSON}))
    OR NEW.stage = 'reviewer' AND (
           EXISTS (SELECT 1 FROM claims_decision WHERE claim_id = claim.id AND decider = {_PERSON})
        OR EXISTS (SELECT 1 FROM claims_concurrence WHERE claim_id = claim.id AND decider = {_PERSON})))"""
_HAS_JUDGED = f"""(NEW.stage = 'reviewer' AND EXISTS (
        SELECT 1 FROM claims_recommendation
         WHERE claim_id = claim.id AND reviewer = {_PERSON} AND recommended_at >= OLD.accepted_at)
    OR NEW.stage = 'second_reviewer' AND (
           EXISTS (SELECT 1 FROM claims_decision
                    WHERE claim_id = claim.id AND decider = {_PERSON} AND decided_at >= OLD.accepted_at)
        OR EXISTS (SELECT 1 FROM claims_concurrence
                    WHERE claim_id = claim.id AND decider = {_PERSON} AND agreed_at >= OLD.accepted_at))
    OR NEW.stage = 'objection' AND claim.state <> 'objected' AND EXISTS (
        SELECT 1 FROM claims_objection
         WHERE claim_id = claim.id AND answered_by = {_PERSON} AND answered_at >= OLD.accepted_at))"""

outside_guards = [
    Guard(
        name="outside_review_where_nobody_is_left",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=_DECLARED,
        func=f"""
            {judged_now()}
            {_CLAIM}
            IF num_nonnulls({", ".join(f"NEW.{column}" for column in _LATER)}) > 0
               OR NEW.name_sealed = '' OR NEW.reason_sealed = '' THEN
                {refuse("outside_review_takes_its_steps", "it brings later steps along, or nobody")}
            END IF;
            IF NOT {_WAITS} OR {_SOMEBODY_IS_LEFT} THEN
                {refuse("outside_review_where_nobody_is_left", "claim %s is %s, or the pool has somebody for it", "claim.code", "claim.state")}
            END IF;
            IF NOT {_may_appoint("proposed_by", "pool_admin")} THEN
                {refuse("outside_reviewer_is_appointed_by_two_people", "%s cannot propose one", "NEW.proposed_by")}
            END IF;
            NEW.number := 1 + (SELECT count(*) FROM claims_outsidereview WHERE claim_id = NEW.claim_id);
            NEW.proposed_at := aid_now();
            RETURN NEW;
        """,
    ),
    # In this order: what stays, what each step needs, when it was taken. Instants and days are the database's.
    Guard(
        name="outside_review_takes_its_steps",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        declare=_DECLARED,
        func=f"""
            {_EMPTIED}
            IF {_row("NEW", _FIXED)} IS DISTINCT FROM {_row("OLD", _FIXED)} OR {_WRITTEN_ONCE}
               OR OLD.state IN ('done', 'ended') AND NEW IS DISTINCT FROM OLD THEN
                {refuse("outside_review_takes_its_steps", "outside review %s is not edited", "OLD.code")}
            END IF;
            {judged_now()}
            {_CLAIM}
            IF NEW.state IN ('appointed', 'running') AND NOT {_WAITS} THEN
                {refuse("outside_review_takes_its_steps", "claim %s is %s", "claim.code", "claim.state")}
            END IF;
            IF NEW.agreed_by IS NOT NULL AND OLD.agreed_by IS NULL THEN
                IF OLD.state <> 'proposed' OR NEW.state <> 'appointed' OR NOT {_may_appoint("agreed_by", "controller")} THEN
                    {refuse("outside_reviewer_is_appointed_by_two_people", "%s cannot agree to it", "NEW.agreed_by")}
                END IF;
                NEW.agreed_at := aid_now();
            END IF;
            IF NEW.token_sha256 IS DISTINCT FROM OLD.token_sha256 THEN
                IF NEW.state <> 'appointed' OR OLD.state <> 'appointed' OR NEW.token_sha256 IS NULL THEN
                    {refuse("outside_review_takes_its_steps", "%s is taken on, or waits for nobody", "OLD.code")}
                END IF;
                NEW.link_until_at := aid_now() + interval '{LINK_DAYS} days';
            ELSIF NEW.link_until_at IS DISTINCT FROM OLD.link_until_at THEN
                {refuse("outside_review_takes_its_steps", "a link is not prolonged")}
            END IF;
            IF NEW.state = 'running' AND OLD.state = 'appointed' THEN
                IF NEW.person_id IS NULL OR coalesce(OLD.link_until_at <= aid_now(), true) THEN
                    {refuse("outside_review_link_is_live", "the link of %s is over", "OLD.code")}
                END IF;
                IF {_IS_CONCERNED} THEN
                    {refuse("outside_reviewer_is_from_outside", "%s has a part in claim %s or in its pool", "NEW.person_id", "claim.code")}
                END IF;
                NEW.accepted_at := aid_now();
                NEW.until_date := today + {REVIEW_DAYS};
            ELSIF (NEW.person_id, NEW.until_date) IS DISTINCT FROM (OLD.person_id, OLD.until_date) THEN
                {refuse("outside_review_takes_its_steps", "%s is taken on by whom its link was for", "OLD.code")}
            END IF;
            IF NEW.state = 'done' AND OLD.state = 'running' THEN
                IF NEW.ended_by IS DISTINCT FROM {_PERSON} OR OLD.until_date < today OR NOT {_HAS_JUDGED} THEN
                    {refuse("outside_review_is_done_by_its_word", "%s has not judged claim %s until %s", "NEW.ended_by", "claim.code", "OLD.until_date")}
                END IF;
                NEW.ended_at := aid_now();
            END IF;
            -- One who is slow is replaced, one who is disliked is not.
            IF NEW.state = 'ended' AND OLD.state <> 'ended' THEN
                IF NOT (OLD.state = 'proposed' AND {_may_appoint("ended_by", "controller")}
                        OR OLD.state = 'running' AND NEW.ended_by IS NOT DISTINCT FROM {_PERSON}
                        OR {_may_appoint("ended_by", "pool_admin")} AND (
                               OLD.state = 'appointed' AND OLD.link_until_at <= aid_now()
                            OR OLD.state = 'running' AND OLD.until_date < today
                            OR NOT {_WAITS} OR {_SOMEBODY_IS_LEFT})) THEN
                    {refuse("outside_review_is_ended_when_late", "%s is not ended by %s now", "OLD.code", "NEW.ended_by")}
                END IF;
                NEW.ended_at := aid_now();
            END IF;
            RETURN NEW;
        """,
    ),
    kept(
        "outside_reviews_are_kept",
        "outside reviews are ended, never deleted",
        guarantee="outside_review_takes_its_steps",
    ),
]
