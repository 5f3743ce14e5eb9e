"""Guards of objections: by members, while the case is public, answered by somebody not concerned."""

import pgtrigger

from aidplatform.lib.guards import Guard, follows_order, judged_now, kept, refuse
from claims.filing.triggers import CLAIMED_BY
from claims.review.triggers import holds_duty, is_claimant, is_near
from members.people.erasure_sql import lets_erasure_pass
from members.pools.plan_terms import OBJECTIONS_UNSAID

_EMPTIED = lets_erasure_pass(
    CLAIMED_BY, reason_sealed="NEW.reason_sealed = ''", answer_sealed="coalesce(NEW.answer_sealed, '') = ''"
)

objection_guards = [
    follows_order("objection_state_follows_order", "state", {"open": ("dismissed", "upheld")}, first="open"),
    Guard(
        name="objection_is_by_a_member",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=[("claim", "record"), ("award", "record"), ("raised", "int")],
        func=f"""
            {judged_now()}
            NEW.raised_at := aid_now();
            SELECT * INTO claim FROM claims_claim WHERE id = NEW.claim_id FOR NO KEY UPDATE;
            IF {is_claimant("member")} OR NOT EXISTS (
                   SELECT 1 FROM members_membership m JOIN members_user u ON u.id = m.person_id
                    WHERE u.code = NEW.member AND m.pool_id = claim.pool_id) THEN
                {refuse("objection_is_by_a_member", "%s is no other member of this pool", "NEW.member")}
            END IF;
            SELECT a.state, p.state AS period_state, p.announced_at,
                   coalesce((v.terms->>'objections_per_period')::int, {OBJECTIONS_UNSAID}) AS most INTO award
              FROM ledger_award a JOIN ledger_period p ON p.id = a.period_id
              JOIN members_planversion v ON v.id = p.plan_version_id
             WHERE a.pool_id = claim.pool_id AND a.claim_code = claim.code AND a.rest_of_id IS NULL
               AND a.state <> 'withdrawn';
            IF claim.state NOT IN ('in_publicity', 'objected')
               OR award.state IS DISTINCT FROM 'announced' OR award.period_state IS DISTINCT FROM 'announced' THEN
                {refuse("objections_come_in_publicity", "claim %s is not in publicity", "claim.code")}
            END IF;
            -- One that is open is met by its index. What an appeal has brought back may be objected to anew.
            IF EXISTS (SELECT 1 FROM claims_objection
                        WHERE claim_id = claim.id AND member = NEW.member AND state <> 'open' AND raised_at > coalesce(
                              (SELECT appealed_at FROM claims_appeal WHERE claim_id = claim.id), '-infinity')) THEN
                {refuse("one_objection_per_member_and_case", "%s has objected to claim %s and was answered", "NEW.member", "claim.code")}
            END IF;
            -- The lock lets objections of one member to several cases wait for each other.
            PERFORM 1 FROM members_membership m JOIN members_user u ON u.id = m.person_id
              WHERE u.code = NEW.member AND m.pool_id = claim.pool_id FOR NO KEY UPDATE OF m;
            SELECT count(DISTINCT o.claim_id) INTO raised FROM claims_objection o JOIN claims_claim c ON c.id = o.claim_id
             WHERE c.pool_id = claim.pool_id AND o.member = NEW.member AND o.claim_id <> claim.id
               AND o.raised_at >= award.announced_at;
            IF raised >= award.most THEN
                {refuse("objections_have_a_limit", "%s has objected to %s cases of this period", "NEW.member", "raised")}
            END IF;
            RETURN NEW;
        """,
    ),
    Guard(
        name="objection_is_answered_by_another",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        declare=[("claim", "record")],
        func=f"""
            {_EMPTIED}
            IF OLD.state <> 'open' OR (NEW.claim_id, NEW.number, NEW.member, NEW.reason_sealed, NEW.raised_at)
               IS DISTINCT FROM (OLD.claim_id, OLD.number, OLD.member, OLD.reason_sealed, OLD.raised_at) THEN
                {refuse("objection_is_permanent", "objection %s is answered once and never edited", "OLD.number")}
            END IF;
            SELECT * INTO claim FROM claims_claim WHERE id = NEW.claim_id;
            IF NEW.answered_by = NEW.member OR {is_claimant("answered_by")}
               OR EXISTS (SELECT 1 FROM claims_recommendation
                           WHERE claim_id = NEW.claim_id AND reviewer = NEW.answered_by)
               OR EXISTS (SELECT 1 FROM claims_decision
                           WHERE claim_id = NEW.claim_id AND decider = NEW.answered_by)
               OR EXISTS (SELECT 1 FROM claims_concurrence
                           WHERE claim_id = NEW.claim_id AND decider = NEW.answered_by) THEN
                {refuse("objection_is_answered_by_another", "%s is concerned with this case", "NEW.answered_by")}
            END IF;
            IF {is_near("answered_by")} THEN
                {refuse("nobody_judges_their_own_circle", "%s is near to the member of claim %s", "NEW.answered_by", "claim.code")}
            END IF;
            IF NOT {holds_duty("answered_by", "second_reviewer")} THEN
                {refuse("reviewers_hold_their_duty", "%s is no second reviewer of this pool", "NEW.answered_by")}
            END IF;
            RETURN NEW;
        """,
    ),
    kept("objections_are_kept", "objections are never deleted", guarantee="objection_is_permanent"),
]
