"""Guards of recommendations and decisions: two people, neither of them concerned, over one hash."""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, refuse
from claims.filing.aid_sql import granted_before, lock_member
from claims.filing.triggers import CLAIMED_BY
from members.joining.kin_triggers import near_sql, stands_by_sql
from members.people.erasure_sql import facts_until_erased


def shown_sql(claim: str) -> str:
    """Return SQL for the text of what a second reviewer is shown of a claim (an alias of claims_claim).

    Amounts, spend told and accepted, cases shared, the first part of the case, the payee's index, every paper's hash, the codes of those that are cited, the plan version and the published face, joined by '|'.
    """
    return f"""(SELECT concat_ws('|', {claim}.code, {claim}.round::text, {claim}.plan_version_id::text,
            coalesce(to_char({claim}.event_date, 'YYYY-MM-DD'), '-'), {claim}.illness, {claim}.severity,
            coalesce({claim}.age::text, '-'), coalesce({claim}.aid_fen::text, '-'),
            coalesce({claim}.spend_fen::text, '-'), coalesce({claim}.cases_shared::text, '-'),
            coalesce((SELECT code FROM claims_claim WHERE id = {claim}.part_of_id), '-'),
            coalesce(encode({claim}.payee_index, 'hex'), '-'), coalesce({claim}.masked::text, '-'),
            r.reviewer, r.outcome, r.aid_fen::text, coalesce(r.accepted_spend_fen::text, '-'), r.clause, r.papers::text,
            (SELECT coalesce(string_agg(e.sha256, ',' ORDER BY e.sha256 COLLATE "C"), '-') FROM claims_evidence e
              WHERE e.claim_id = {claim}.id AND e.removed_at IS NULL))
          FROM claims_recommendation r WHERE r.claim_id = {claim}.id AND r.round = {claim}.round)"""


def holds_duty(column: str, duty: str) -> str:
    """Return SQL that tells whether the person in that column holds the duty in the claim's pool now."""
    return f"""EXISTS (
        SELECT 1 FROM members_dutygrant g JOIN members_user u ON u.id = g.person_id
         WHERE u.code = NEW.{column} AND g.duty = '{duty}' AND g.ended_at IS NULL AND g.pool_id = claim.pool_id)"""


def stands_in(column: str, duty: str) -> str:
    """Return SQL that tells whether the person in that column is the claim's outside reviewer for that duty, in their days.

    Whoever has joined the pool or a duty of it since is no outsider any more.
    """
    return f"""EXISTS (
        SELECT 1 FROM claims_outsidereview o JOIN members_user u ON u.id = o.person_id
          JOIN members_pool p ON p.id = claim.pool_id
         WHERE o.claim_id = claim.id AND o.stage = '{duty}' AND o.state = 'running' AND u.code = NEW.{column}
           AND o.until_date >= (aid_now() AT TIME ZONE p.time_zone)::date
           AND NOT EXISTS (SELECT 1 FROM members_membership m WHERE m.person_id = u.id AND m.pool_id = claim.pool_id)
           AND NOT EXISTS (SELECT 1 FROM members_dutygrant g WHERE g.person_id = u.id AND g.ended_at IS NULL
                              AND (g.pool_id = claim.pool_id OR g.pool_id IS NULL)))"""


def judges(column: str, duty: str) -> str:
    """Return SQL that tells whether the person in that column holds the duty, or stands in for those who do."""
    return f"({holds_duty(column, duty)} OR {stands_in(column, duty)})"


def is_claimant(column: str) -> str:
    """Return SQL that tells whether the person in that column is the claimant or the covered person."""
    return is_claimant_sql(f"NEW.{column}")


def is_claimant_sql(code: str) -> str:
    """Return SQL that tells whether the person of a code is the claimant or the covered person."""
    return f"""EXISTS (
        SELECT 1 FROM members_user u LEFT JOIN members_membership m ON m.id = claim.membership_id
         WHERE u.code = {code} AND u.id IN (claim.claimant_id, m.person_id))"""


def is_near(column: str) -> str:
    """Return SQL that tells whether the person in that column is near to the covered person, or to whom they have named."""
    return is_near_sql(f"NEW.{column}")


def is_near_sql(code: str) -> str:
    """Return SQL that tells whether the person of a code is near to the covered person, or to whom these have named.

    Of those whom a member has named, each is near, member of the pool or not; of who files for them also whoever is near
    to that person.
    """
    return f"""(EXISTS (
        SELECT 1 FROM members_user u JOIN members_membership m ON m.person_id = u.id AND m.pool_id = claim.pool_id
         WHERE u.code = {code} AND (m.id IN (SELECT near.id FROM {near_sql("claim.membership_id")} near)
            OR EXISTS (SELECT 1 FROM members_membership files
                        WHERE files.person_id = claim.claimant_id AND files.pool_id = claim.pool_id
                          AND {stands_by_sql("claim.membership_id", "claim.claimant_id")}
                          AND m.id IN (SELECT near.id FROM {near_sql("files.id")} near))))
        OR EXISTS (SELECT 1 FROM members_user u WHERE u.code = {code}
                      AND {stands_by_sql("claim.membership_id", "u.id")}))"""


def has_judged(column: str) -> str:
    """Return SQL that tells whether the person in that column recommended, agreed or decided on the claim."""
    return has_judged_sql(f"NEW.{column}")


def has_judged_sql(code: str) -> str:
    """Return SQL that tells whether the person of a code recommended, agreed or decided on the claim."""
    return f"""(EXISTS (SELECT 1 FROM claims_recommendation WHERE claim_id = claim.id AND reviewer = {code})
               OR EXISTS (SELECT 1 FROM claims_decision WHERE claim_id = claim.id AND decider = {code})
               OR EXISTS (SELECT 1 FROM claims_concurrence WHERE claim_id = claim.id AND decider = {code}))"""


recommendation_guards = [
    *facts_until_erased("recommendation_is_permanent", CLAIMED_BY, reason_sealed="NEW.reason_sealed = ''"),
    Guard(
        name="recommendation_fits_its_claim",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=[("claim", "claims_claim"), ("granted", "bigint")],
        func=f"""
            {judged_now()}
            SELECT * INTO claim FROM claims_claim WHERE id = NEW.claim_id FOR NO KEY UPDATE;
            IF {is_claimant("reviewer")} THEN
                {refuse("reviewer_is_not_claimant", "%s would review the own claim", "NEW.reviewer")}
            END IF;
            IF {is_near("reviewer")} THEN
                {refuse("nobody_judges_their_own_circle", "%s is near to the member of claim %s", "NEW.reviewer", "claim.code")}
            END IF;
            IF NOT {judges("reviewer", "reviewer")} THEN
                {refuse("reviewers_hold_their_duty", "%s is no reviewer of this pool", "NEW.reviewer")}
            END IF;
            IF claim.state <> 'under_review' OR NEW.round <> claim.round
               OR NEW.reviewer IS DISTINCT FROM (SELECT code FROM members_user WHERE id = claim.reviewer_id) THEN
                {refuse("recommendation_fits_its_claim", "claim %s is not with %s", "claim.code", "NEW.reviewer")}
            END IF;
            IF EXISTS (
                SELECT 1 FROM claims_investigation i JOIN members_pool p ON p.id = claim.pool_id
                 WHERE i.claim_id = claim.id AND (i.state = 'asked' OR i.state = 'reported' AND i.answered_at IS NULL
                   AND i.answer_until_date >= (aid_now() AT TIME ZONE p.time_zone)::date)) THEN
                {refuse("recommendation_waits_for_the_findings", "the findings of claim %s are not answered", "claim.code")}
            END IF;
            IF NEW.aid_fen > claim.aid_fen THEN
                {refuse("recommended_aid_within_derived", "aid %s of at most %s", "NEW.aid_fen", "claim.aid_fen")}
            END IF;
            IF (NEW.accepted_spend_fen IS NOT NULL) <> (NEW.outcome = 'approved' AND claim.spend_fen IS NOT NULL)
               OR NEW.accepted_spend_fen NOT BETWEEN 0 AND claim.spend_fen THEN
                {refuse("accepted_spend_carries_the_aid", "accepted %s of %s", "coalesce(NEW.accepted_spend_fen::text, '-')", "coalesce(claim.spend_fen::text, '-')")}
            END IF;
            IF NEW.accepted_spend_fen IS NOT NULL THEN
                granted := claims_aid_by_plan(claim, NEW.accepted_spend_fen);
                IF NEW.aid_fen > granted THEN
                    {refuse("accepted_spend_carries_the_aid", "aid %s; the plan grants %s for this spend", "NEW.aid_fen", "granted")}
                END IF;
            END IF;
            RETURN NEW;
        """,
    ),
]


def by_a_second_reviewer(name: str) -> Guard:
    """Return the guard, by its own name, of a second reviewer's word on a recommended claim: whose, and over what."""
    return Guard(
        name=name,
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=[("claim", "record"), ("advised", "record")],
        func=f"""
            {judged_now()}
            SELECT * INTO claim FROM claims_claim WHERE id = NEW.claim_id FOR NO KEY UPDATE;
            IF {is_claimant("decider")} THEN
                {refuse("decider_is_not_claimant", "%s would decide on the own claim", "NEW.decider")}
            END IF;
            IF {is_near("decider")} THEN
                {refuse("nobody_judges_their_own_circle", "%s is near to the member of claim %s", "NEW.decider", "claim.code")}
            END IF;
            IF EXISTS (SELECT 1 FROM claims_recommendation
                        WHERE claim_id = NEW.claim_id AND reviewer = NEW.decider) THEN
                {refuse("decider_is_not_recommender", "%s has recommended on this claim", "NEW.decider")}
            END IF;
            IF NOT {judges("decider", "second_reviewer")} THEN
                {refuse("reviewers_hold_their_duty", "%s is no second reviewer of this pool", "NEW.decider")}
            END IF;
            IF claim.state <> 'recommended' OR NEW.round <> claim.round THEN
                {refuse(name, "claim %s does not wait for a decision", "claim.code")}
            END IF;
            SELECT outcome, aid_fen INTO advised FROM claims_recommendation
             WHERE claim_id = NEW.claim_id AND round = NEW.round;
            IF NEW.outcome <> 'returned' AND (NEW.outcome, NEW.aid_fen) IS DISTINCT FROM (advised.outcome, advised.aid_fen)
            THEN
                {refuse("decision_needs_two_who_agree", "decided %s of %s, recommended %s of %s", "NEW.outcome", "NEW.aid_fen", "advised.outcome", "advised.aid_fen")}
            END IF;
            IF NEW.shown_sha256 IS DISTINCT FROM (
                SELECT encode(sha256(convert_to({shown_sql("c")}, 'UTF8')), 'hex')
                  FROM claims_claim c WHERE c.id = NEW.claim_id) THEN
                {refuse("decision_is_of_what_was_shown", "claim %s is not what was shown", "claim.code")}
            END IF;
            RETURN NEW;
        """,
    )


decision_guards = [
    *facts_until_erased("decision_is_permanent", CLAIMED_BY, reason_sealed="NEW.reason_sealed = ''"),
    # The lock on the membership lets the second of two decisions see the first.
    Guard(
        name="aid_within_lifetime_cap",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=[("claim", "record"), ("left_over", "bigint")],
        func=f"""
            IF NEW.outcome <> 'approved' THEN
                RETURN NEW;
            END IF;
            {judged_now()}
            SELECT * INTO claim FROM claims_claim WHERE id = NEW.claim_id FOR NO KEY UPDATE;
            {lock_member("claim.membership_id")}
            SELECT (terms->>'lifetime_cap_fen')::bigint - {granted_before("claim.membership_id", "claim.id")}
              INTO left_over FROM members_planversion WHERE id = claim.plan_version_id;
            IF left_over IS NOT NULL AND NEW.aid_fen > greatest(left_over, 0) THEN
                {refuse("aid_within_lifetime_cap", "aid %s; earlier cases leave %s", "NEW.aid_fen", "left_over")}
            END IF;
            RETURN NEW;
        """,
    ),
    by_a_second_reviewer("decision_fits_its_claim"),
    # The claim is locked by the guard before this one, so that the agreement is there or refused for good.
    Guard(
        name="decision_has_enough_deciders",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=[("claim", "record"), ("from_fen", "bigint")],
        func=f"""
            IF NEW.outcome = 'returned' THEN
                RETURN NEW;
            END IF;
            {judged_now()}
            SELECT * INTO claim FROM claims_claim WHERE id = NEW.claim_id FOR NO KEY UPDATE;
            SELECT (terms->>'two_deciders_from_fen')::bigint INTO from_fen
              FROM members_planversion WHERE id = claim.plan_version_id;
            IF claim.aid_fen >= from_fen AND NOT EXISTS (
                SELECT 1 FROM claims_concurrence
                 WHERE claim_id = NEW.claim_id AND round = NEW.round AND decider <> NEW.decider
                   AND (outcome, aid_fen, shown_sha256) = (NEW.outcome, NEW.aid_fen, NEW.shown_sha256)) THEN
                {refuse("decision_has_enough_deciders", "claim %s takes two second reviewers who agree", "claim.code")}
            END IF;
            RETURN NEW;
        """,
    ),
]
