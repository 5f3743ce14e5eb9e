"""Guards of the desk: papers on which a judgment rests, what is taken back at once, notes, and blind reviews."""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, permanent, refuse
from claims.filing.triggers import CLAIMED_BY
from claims.review.triggers import holds_duty, is_claimant, is_near
from members.people.erasure_sql import facts_until_erased

# For how long a recommendation may be taken back: the time in which one sees that a key was the wrong one.
UNDO_SECONDS = 10
# Judged by two people, and what has become of it since.
_DECIDED = "('approved', 'rejected', 'in_publicity', 'objected', 'overturned', 'refused_finally', 'awarded', 'shared', 'paid', 'closed', 'revoked')"


def rests_on_papers(name: str) -> Guard:
    """Return the guard, by its own name, of the papers that a judgment of a claim cites.

    The lock on the claim lets no paper be taken out meanwhile.
    """
    return Guard(
        name=name,
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        func=f"""
            {judged_now()}
            PERFORM 1 FROM claims_claim WHERE id = NEW.claim_id FOR NO KEY UPDATE;
            IF jsonb_typeof(NEW.papers) IS DISTINCT FROM 'array' THEN
                {refuse(name, "papers are a list of codes")}
            END IF;
            IF (SELECT count(DISTINCT cited) FROM jsonb_array_elements_text(NEW.papers) cited
                     JOIN claims_evidence e ON e.code = cited
                    WHERE e.claim_id = NEW.claim_id AND e.removed_at IS NULL) <> jsonb_array_length(NEW.papers) THEN
                {refuse(name, "%s are not papers of this claim, each once", "NEW.papers")}
            END IF;
            IF NEW.outcome = 'approved' AND jsonb_array_length(NEW.papers) = 0 THEN
                {refuse(name, "no paper establishes it")}
            END IF;
            RETURN NEW;
        """,
    )


withdrawal_guards = [
    *permanent("withdrawal_is_permanent"),
    Guard(
        name="recommendation_is_taken_back_at_once",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=[("advised", "claims_recommendation"), ("claim", "claims_claim")],
        func=f"""
            {judged_now()}
            SELECT * INTO claim FROM claims_claim WHERE id = NEW.claim_id FOR NO KEY UPDATE;
            SELECT * INTO advised FROM claims_recommendation WHERE claim_id = NEW.claim_id AND round = NEW.round;
            IF NEW.withdrawn_by IS DISTINCT FROM advised.reviewer
               OR claim.state IS DISTINCT FROM 'recommended' OR claim.round IS DISTINCT FROM advised.round
               OR EXISTS (SELECT 1 FROM claims_decision WHERE claim_id = claim.id AND round = claim.round)
               OR EXISTS (SELECT 1 FROM claims_concurrence WHERE claim_id = claim.id AND round = claim.round)
               OR aid_now() > claim.state_since + interval '{UNDO_SECONDS} seconds' THEN
                {refuse("recommendation_is_taken_back_at_once", "the recommendation on claim %s stands", "claim.code")}
            END IF;
            NEW.withdrawn_at := aid_now();
            RETURN NEW;
        """,
    ),
]

note_guards = [
    *facts_until_erased("review_note_is_permanent", CLAIMED_BY, text_sealed="NEW.text_sealed = ''"),
    Guard(
        name="review_note_is_by_its_reviewers",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=[("claim", "claims_claim")],
        func=f"""
            {judged_now()}
            SELECT * INTO claim FROM claims_claim WHERE id = NEW.claim_id FOR NO KEY UPDATE;
            IF {is_claimant("author")} OR {is_near("author")}
               OR NOT ({holds_duty("author", "second_reviewer")}
                       OR {holds_duty("author", "reviewer")} AND NEW.author IS NOT DISTINCT FROM
                          (SELECT code FROM members_user WHERE id = claim.reviewer_id)) THEN
                {refuse("review_note_is_by_its_reviewers", "%s does not review claim %s", "NEW.author", "claim.code")}
            END IF;
            RETURN NEW;
        """,
    ),
]

blind_guards = [
    *facts_until_erased("blind_review_is_permanent", CLAIMED_BY, reason_sealed="NEW.reason_sealed = ''"),
    Guard(
        name="blind_review_is_by_another",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=[("claim", "claims_claim")],
        func=f"""
            {judged_now()}
            SELECT * INTO claim FROM claims_claim WHERE id = NEW.claim_id FOR NO KEY UPDATE;
            IF claim.state NOT IN {_DECIDED} OR NEW.round IS DISTINCT FROM claim.round THEN
                {refuse("blind_review_is_by_another", "claim %s is not decided", "claim.code")}
            END IF;
            IF {is_claimant("reviewer")} OR {is_near("reviewer")}
               OR NOT ({holds_duty("reviewer", "reviewer")} OR {holds_duty("reviewer", "second_reviewer")})
               OR EXISTS (SELECT 1 FROM claims_recommendation WHERE claim_id = claim.id AND reviewer = NEW.reviewer)
               OR EXISTS (SELECT 1 FROM claims_decision WHERE claim_id = claim.id AND decider = NEW.reviewer)
               OR EXISTS (SELECT 1 FROM claims_concurrence WHERE claim_id = claim.id AND decider = NEW.reviewer)
               OR EXISTS (SELECT 1 FROM claims_objection
                           WHERE claim_id = claim.id AND NEW.reviewer IN (member, answered_by)) THEN
                {refuse("blind_review_is_by_another", "%s had a part in claim %s", "NEW.reviewer", "claim.code")}
            END IF;
            RETURN NEW;
        """,
    ),
    rests_on_papers("blind_review_rests_on_its_papers"),
]
