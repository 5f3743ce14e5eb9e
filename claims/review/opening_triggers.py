"""Guards of the openings of papers: by the people who have the claim in hand, and never taken back."""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, refuse
from claims.filing.illnesses import OBJECTION
from claims.filing.states import JUDGED, READ_BY_ITS_REVIEWER, READ_BY_WHO_DECIDES
from claims.filing.triggers import of_the_paper
from claims.review.appeal_triggers import answered_before_sql
from claims.review.triggers import has_judged, holds_duty, is_claimant, is_near, stands_in
from members.people.erasure_sql import facts_until_erased

_IN_CHARGE = ", ".join(f"'{state}'" for state in READ_BY_ITS_REVIEWER)
_DECIDES = ", ".join(f"'{state}'" for state in READ_BY_WHO_DECIDES)
_JUDGED = ", ".join(f"'{state}'" for state in JUDGED)
# Nobody has judged the claim blindly yet, and the opener has not judged it at all.
_IS_BLIND = """NOT EXISTS (SELECT 1 FROM claims_blindreview WHERE claim_id = claim.id)
                         AND NOT EXISTS (SELECT 1 FROM claims_recommendation WHERE claim_id = claim.id AND reviewer = NEW.opener)
                         AND NOT EXISTS (SELECT 1 FROM claims_decision WHERE claim_id = claim.id AND decider = NEW.opener)
                         AND NOT EXISTS (SELECT 1 FROM claims_concurrence WHERE claim_id = claim.id AND decider = NEW.opener)"""

opening_guards = [
    *facts_until_erased(
        "paper_opening_is_permanent",
        of_the_paper("paper_id"),
        note_sealed="coalesce(NEW.note_sealed, '') = ''",
    ),
    # The lock on the claim makes who has it in hand final for this judgment; the instant is the database's.
    Guard(
        name="papers_are_opened_by_who_judges_them",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=[("claim", "claims_claim"), ("paper", "record")],
        func=f"""
            {judged_now()}
            SELECT id, claim_id, code, kind, removed_at, key_wrapped IS NULL AS is_erased INTO paper
              FROM claims_evidence WHERE id = NEW.paper_id;
            SELECT * INTO claim FROM claims_claim WHERE id = paper.claim_id FOR NO KEY UPDATE;
            IF paper.removed_at IS NOT NULL OR paper.is_erased THEN
                {refuse("papers_are_opened_by_who_judges_them", "paper %s was taken out or erased", "paper.code")}
            END IF;
            IF {is_claimant("opener")} OR {is_near("opener")}
               OR NOT (CASE NEW.duty
                    WHEN 'reviewer' THEN claim.state IN ({_IN_CHARGE}) AND {holds_duty("opener", "reviewer")}
                         AND NEW.opener IS NOT DISTINCT FROM (SELECT code FROM members_user WHERE id = claim.reviewer_id)
                    WHEN 'second_reviewer' THEN claim.state IN ({_DECIDES}) AND {holds_duty("opener", "second_reviewer")}
                    WHEN 'blind_review' THEN claim.state IN ({_JUDGED}) AND {_IS_BLIND}
                         AND ({holds_duty("opener", "reviewer")} OR {holds_duty("opener", "second_reviewer")})
                    WHEN 'investigator' THEN claim.state = 'under_investigation' AND EXISTS (
                         SELECT 1 FROM claims_investigation i JOIN members_user u ON u.id = i.investigator_id
                           JOIN members_pool p ON p.id = claim.pool_id
                          WHERE i.claim_id = claim.id AND i.state = 'running' AND u.code = NEW.opener
                            AND i.until_date >= (aid_now() AT TIME ZONE p.time_zone)::date)
                    WHEN 'outside_reviewer' THEN claim.state = 'under_review' AND {stands_in("opener", "reviewer")}
                         AND NEW.opener IS NOT DISTINCT FROM (SELECT code FROM members_user WHERE id = claim.reviewer_id)
                         OR claim.state = 'recommended' AND {stands_in("opener", "second_reviewer")}
                         OR claim.state = 'objected' AND {stands_in("opener", "objection")}
                    ELSE false END) THEN
                {refuse("papers_are_opened_by_who_judges_them", "%s does not judge claim %s now", "NEW.opener", "claim.code")}
            END IF;
            IF paper.kind = '{OBJECTION}' AND (NEW.duty NOT IN ('second_reviewer', 'outside_reviewer') OR {has_judged("opener")} OR NOT EXISTS (
                   SELECT 1 FROM claims_objectionpaper k JOIN claims_objection o ON o.id = k.objection_id
                    WHERE k.paper_id = paper.id AND o.state = 'open' AND o.member <> NEW.opener)) THEN
                {refuse("papers_of_an_objection_are_opened_by_who_answers", "%s does not answer this objection", "NEW.opener")}
            END IF;
            IF claim.appeal_round IS NOT NULL AND (
                   EXISTS (SELECT 1 FROM claims_recommendation
                            WHERE claim_id = claim.id AND round < claim.appeal_round AND reviewer = NEW.opener)
                OR EXISTS (SELECT 1 FROM claims_decision
                            WHERE claim_id = claim.id AND round < claim.appeal_round AND decider = NEW.opener)
                OR {answered_before_sql("claim.id", "NEW.opener")}) THEN
                {refuse("papers_are_opened_by_who_judges_them", "%s had a part in claim %s before", "NEW.opener", "claim.code")}
            END IF;
            NEW.opened_at := aid_now();
            RETURN NEW;
        """,
    ),
]
