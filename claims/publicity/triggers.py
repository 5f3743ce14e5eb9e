"""Guards of objections: by members, while the case is public, answered by somebody not concerned."""

import pgtrigger

from aidplatform.lib.guards import Guard, follows_order, judged_now, kept, permanent, refuse
from claims.filing.deputy_sql import speaks_for_claim_sql
from claims.filing.illnesses import OBJECTION
from claims.filing.paper_triggers import PAPERS_PER_OBJECTION
from claims.filing.triggers import CLAIMED_BY
from claims.review.triggers import has_judged, holds_duty, is_claimant, is_near, stands_in
from members.people.erasure_sql import lets_erasure_pass
from members.pools.plan_terms import OBJECTIONS_UNSAID

# For so long two people may take something out before the claimant reads it; one alone holds up nothing.
DAYS_FOR_TWO = 2
# For so long after that the claimant may think about a reply before the objection can be upheld.
DAYS_TO_REPLY = 3
# A paper is decoded and kept in one request.
SECONDS_TO_KEEP = 600

_EMPTIED = lets_erasure_pass(
    CLAIMED_BY,
    reason_sealed="NEW.reason_sealed = ''",
    reply_sealed="coalesce(NEW.reply_sealed, '') = ''",
    answer_sealed="coalesce(NEW.answer_sealed, '') = ''",
)

objection_guards = [
    follows_order(
        "objection_state_follows_order", "state", {"open": ("dismissed", "upheld", "ended")}, first="open"
    ),
    Guard(
        name="objection_is_by_a_member",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=[("claim", "record"), ("award", "record"), ("raised", "int")],
        func=f"""
            {judged_now()}
            NEW.raised_at := aid_now();
            IF NEW.replied_at IS NOT NULL THEN
                {refuse("objection_is_replied_to_by_its_claimant", "a new objection is not replied to")}
            END IF;
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
            -- The claimant's reply comes by itself, once, while the objection is open.
            IF NEW.state = 'open' THEN
                IF OLD.replied_at IS NOT NULL OR NEW.replied_at IS NULL OR NEW.answered_at IS NOT NULL
                   OR NOT (EXISTS (SELECT 1 FROM members_user u JOIN members_membership m ON m.id = claim.membership_id
                        WHERE u.code = NEW.replied_by
                          AND u.id IN (claim.claimant_id, m.person_id, members_person_of(claim.membership_id)))
                      OR {speaks_for_claim_sql("claim", "(SELECT id FROM members_user WHERE code = NEW.replied_by)")}) THEN
                    {refuse("objection_is_replied_to_by_its_claimant", "%s replies to objection %s in no plan", "NEW.replied_by", "OLD.number")}
                END IF;
                NEW.replied_at := aid_now();
                RETURN NEW;
            END IF;
            IF (NEW.reply_sealed, NEW.replied_by, NEW.replied_at)
               IS DISTINCT FROM (OLD.reply_sealed, OLD.replied_by, OLD.replied_at) THEN
                {refuse("objection_is_permanent", "objection %s is answered once and never edited", "OLD.number")}
            END IF;
            IF NEW.state = 'ended' THEN
                IF claim.state IN ('in_publicity', 'objected') THEN
                    {refuse("objection_ends_with_its_case", "claim %s is public: objection %s is answered", "claim.code", "OLD.number")}
                END IF;
                RETURN NEW;
            END IF;
            IF NEW.answered_by = NEW.member OR {is_claimant("answered_by")} OR {has_judged("answered_by")} THEN
                {refuse("objection_is_answered_by_another", "%s is concerned with this case", "NEW.answered_by")}
            END IF;
            IF {is_near("answered_by")} THEN
                {refuse("nobody_judges_their_own_circle", "%s is near to the member of claim %s", "NEW.answered_by", "claim.code")}
            END IF;
            IF NOT ({holds_duty("answered_by", "second_reviewer")} OR {stands_in("answered_by", "objection")}) THEN
                {refuse("reviewers_hold_their_duty", "%s is no second reviewer of this pool", "NEW.answered_by")}
            END IF;
            -- What takes an aid away waits for who is helped by it; what lets the case go on need not.
            IF NEW.state = 'upheld' AND OLD.replied_at IS NULL
               AND aid_now() < interval '{DAYS_TO_REPLY} days' + greatest(
                   OLD.raised_at + interval '{DAYS_FOR_TWO} days',
                   (SELECT max(e.added_at) FROM claims_objectionpaper p JOIN claims_evidence e ON e.id = p.paper_id
                     WHERE p.objection_id = OLD.id)) THEN
                {refuse("claimant_is_heard_before_it_is_upheld", "the claimant can still reply to objection %s", "OLD.number")}
            END IF;
            RETURN NEW;
        """,
    ),
    kept("objections_are_kept", "objections are never deleted", guarantee="objection_is_permanent"),
]

objection_paper_guards = [
    *permanent("objection_paper_is_permanent"),
    # The lock on the claim makes how many there are, and that the objection is open, final for this judgment.
    Guard(
        name="objection_paper_comes_while_it_is_open",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=[("objection", "record"), ("paper", "record")],
        func=f"""
            {judged_now()}
            PERFORM 1 FROM claims_claim
              WHERE id = (SELECT claim_id FROM claims_objection WHERE id = NEW.objection_id) FOR NO KEY UPDATE;
            SELECT * INTO objection FROM claims_objection WHERE id = NEW.objection_id;
            SELECT claim_id, kind, added_at INTO paper FROM claims_evidence WHERE id = NEW.paper_id;
            -- The claimant replies once, to all of it; and the days to do so are counted from when a paper came.
            IF objection.state IS DISTINCT FROM 'open' OR objection.replied_at IS NOT NULL
               OR abs(extract(epoch FROM aid_now() - paper.added_at)) > {SECONDS_TO_KEEP} OR paper.kind IS DISTINCT FROM '{OBJECTION}'
               OR paper.claim_id IS DISTINCT FROM objection.claim_id THEN
                {refuse("objection_paper_comes_while_it_is_open", "objection %s takes no such paper", "objection.number")}
            END IF;
            IF (SELECT count(*) FROM claims_objectionpaper
                 WHERE objection_id = NEW.objection_id) >= {PAPERS_PER_OBJECTION} THEN
                {refuse("objection_papers_have_a_limit", "an objection holds at most %s papers", str(PAPERS_PER_OBJECTION))}
            END IF;
            RETURN NEW;
        """,
    ),
]
