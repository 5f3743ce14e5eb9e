"""Guards of investigations: by whom and for how long, by somebody without a part in the case, and never twice at once."""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, kept, refuse
from claims.filing.deputy_sql import speaks_for_claim_sql
from claims.filing.triggers import CLAIMED_BY
from claims.review.triggers import holds_duty, is_claimant, is_near
from members.joining.kin_triggers import near_sql, stands_by_sql
from members.people.erasure_sql import lets_erasure_pass

# How long a link can be used: long enough to read a mail, short enough that a lost one is soon worth nothing.
LINK_DAYS = 7

_FIXED = (
    "id", "code", "claim_id", "number", "round", "most_fen", "borne_by", "question_sealed", "reason_sealed",
    "name_sealed", "ordered_by", "ordered_at",
)  # fmt: skip
# What each step writes, once.
_STEPS: dict[str, tuple[str, ...]] = {
    "decided": ("decided_by", "decided_at"),
    "accepted": ("investigator_id", "accepted_at"),
    "extended": ("extended_by", "extended_at"),
    "ended": ("ended_by", "ended_at"),
    "reported": ("report_sealed", "reported_at", "bill_fen", "answer_until_date"),
    "answered": ("answer_sealed", "answered_by", "answered_at"),
}
_LATER = (*(column for columns in _STEPS.values() for column in columns), "token_sha256", "link_until_at")
_SEALED = ("question_sealed", "reason_sealed", "name_sealed", "report_sealed", "answer_sealed")


def _row(prefix: str, columns: tuple[str, ...]) -> str:
    return "(" + ", ".join(f"{prefix}.{column}" for column in columns) + ")"


_WRITTEN_ONCE = " OR ".join(
    f"OLD.{columns[-1]} IS NOT NULL AND {_row('NEW', columns)} IS DISTINCT FROM {_row('OLD', columns)}"
    for columns in _STEPS.values()
)
# Who filed the claim, whose membership it is, and whom the member has named for it.
_SPEAKS = f"""({is_claimant("{column}")}
    OR {speaks_for_claim_sql("claim", "(SELECT id FROM members_user WHERE code = NEW.{column})")})"""
_EMPTIED = lets_erasure_pass(CLAIMED_BY, **{column: f"coalesce(NEW.{column}, '') = ''" for column in _SEALED})
_CLAIM = """
    SELECT * INTO claim FROM claims_claim WHERE id = NEW.claim_id FOR NO KEY UPDATE;
    SELECT v.terms->'investigation' INTO plan FROM members_planversion v WHERE v.id = claim.plan_version_id;
    SELECT (aid_now() AT TIME ZONE time_zone)::date INTO today FROM members_pool WHERE id = claim.pool_id;
"""
_DECLARED = [("claim", "claims_claim"), ("plan", "jsonb"), ("today", "date")]


def _is_in_charge(column: str) -> str:
    """Return SQL that tells whether the person in that column is the reviewer in charge, and still one."""
    return f"""(NEW.{column} IS NOT DISTINCT FROM (SELECT code FROM members_user WHERE id = claim.reviewer_id)
        AND {holds_duty(column, "reviewer")})"""


# Whoever knows the covered person, the claimant or the people of the pool does not look into the case.
_KNOWS_THEM = f"""({stands_by_sql("claim.membership_id", "NEW.investigator_id")} OR EXISTS (
        SELECT 1 FROM members_membership m WHERE m.person_id = NEW.investigator_id AND m.pool_id = claim.pool_id
           AND (m.id IN (SELECT near.id FROM {near_sql("claim.membership_id")} near)
                OR m.id IN (SELECT near.id FROM members_membership own CROSS JOIN LATERAL {near_sql("own.id")} near
                             WHERE own.person_id = claim.claimant_id AND own.pool_id = claim.pool_id))))"""
_IS_CONCERNED = f"""(NEW.investigator_id IN (claim.claimant_id,
            (SELECT person_id FROM members_membership WHERE id = claim.membership_id))
        OR EXISTS (SELECT 1 FROM members_dutygrant g
                    WHERE g.person_id = NEW.investigator_id AND g.ended_at IS NULL
                      AND (g.pool_id = claim.pool_id OR g.pool_id IS NULL))
        OR EXISTS (SELECT 1 FROM claims_objection o JOIN members_user u ON u.code = o.member
                    WHERE o.claim_id = claim.id AND u.id = NEW.investigator_id)
        OR {_KNOWS_THEM})"""

investigation_guards = [
    Guard(
        name="investigation_keeps_to_the_plan",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=_DECLARED,
        func=f"""
            {judged_now()}
            {_CLAIM}
            IF num_nonnulls({", ".join(f"NEW.{column}" for column in _LATER)}) > 0 THEN
                {refuse("investigation_begins_as_ordered", "it brings later steps along")}
            END IF;
            IF claim.state <> 'under_review' OR NOT {_is_in_charge("ordered_by")}
               OR {is_claimant("ordered_by")} OR {is_near("ordered_by")} THEN
                {refuse("investigation_is_ordered_by_its_reviewer", "claim %s is not with %s", "claim.code", "NEW.ordered_by")}
            END IF;
            IF plan IS NULL OR NEW.most_fen > (plan->>'most_fen')::bigint THEN
                {refuse("investigation_keeps_to_the_plan", "at most %s by its plan", "coalesce(plan->>'most_fen', '0')")}
            END IF;
            NEW.number := 1 + (SELECT count(*) FROM claims_investigation WHERE claim_id = NEW.claim_id);
            NEW.round := claim.round;
            NEW.borne_by := plan->>'borne_by';
            NEW.ordered_at := aid_now();
            NEW.until_date := NULL;
            RETURN NEW;
        """,
    ),
    # In this order: what stays, what each step needs, when it was taken. Instants and days are the database's.
    Guard(
        name="investigation_takes_its_steps",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        declare=_DECLARED,
        func=f"""
            {_EMPTIED}
            IF {_row("NEW", _FIXED)} IS DISTINCT FROM {_row("OLD", _FIXED)} OR {_WRITTEN_ONCE}
               OR OLD.state IN ('dropped', 'revoked') AND NEW IS DISTINCT FROM OLD THEN
                {refuse("investigation_takes_its_steps", "investigation %s is not edited", "OLD.code")}
            END IF;
            {judged_now()}
            {_CLAIM}
            IF NEW.decided_by IS NOT NULL AND OLD.decided_by IS NULL THEN
                IF NOT {holds_duty("decided_by", "second_reviewer")} OR {is_claimant("decided_by")} OR {is_near("decided_by")}
                   OR OLD.state <> 'asked' OR NEW.state NOT IN ('ordered', 'dropped') OR claim.state <> 'under_review' THEN
                    {refuse("costly_investigation_needs_two_people", "%s cannot agree to it", "NEW.decided_by")}
                END IF;
                NEW.decided_at := aid_now();
                NEW.until_date := CASE NEW.state WHEN 'ordered' THEN today + (plan->>'days')::int END;
            ELSIF OLD.state = 'asked' AND NEW.state = 'ordered' THEN
                IF NEW.most_fen > (plan->>'agreed_above_fen')::bigint OR claim.state <> 'under_review' THEN
                    {refuse("costly_investigation_needs_two_people", "nobody has agreed to %s", "OLD.code")}
                END IF;
                NEW.until_date := today + (plan->>'days')::int;
            ELSIF NEW.extended_by IS NOT NULL AND OLD.extended_by IS NULL THEN
                IF NEW.state NOT IN ('ordered', 'running') OR OLD.until_date < today OR NOT {_is_in_charge("extended_by")} THEN
                    {refuse("investigation_is_extended_once", "%s is over, or %s is not in charge", "OLD.code", "NEW.extended_by")}
                END IF;
                NEW.extended_at := aid_now();
                NEW.until_date := OLD.until_date + (plan->>'days')::int;
            ELSIF NEW.until_date IS DISTINCT FROM OLD.until_date THEN
                {refuse("investigation_is_extended_once", "%s ends on %s", "OLD.code", "OLD.until_date")}
            END IF;
            IF NEW.token_sha256 IS DISTINCT FROM OLD.token_sha256 THEN
                IF NEW.state <> 'ordered' OR NEW.token_sha256 IS NULL THEN
                    {refuse("investigation_takes_its_steps", "%s is accepted, or waits for nobody", "OLD.code")}
                END IF;
                NEW.link_until_at := aid_now() + interval '{LINK_DAYS} days';
            ELSIF NEW.link_until_at IS DISTINCT FROM OLD.link_until_at THEN
                {refuse("investigation_takes_its_steps", "a link is not prolonged")}
            END IF;
            IF NEW.state = 'running' AND OLD.state = 'ordered' THEN
                IF NEW.investigator_id IS NULL OR coalesce(OLD.link_until_at <= aid_now(), true) OR OLD.until_date < today THEN
                    {refuse("investigation_link_is_live", "the link of %s is over", "OLD.code")}
                END IF;
                IF {_IS_CONCERNED} THEN
                    {refuse("investigator_is_from_outside", "%s has a part in claim %s or in its pool", "NEW.investigator_id", "claim.code")}
                END IF;
                NEW.accepted_at := aid_now();
            ELSIF NEW.investigator_id IS DISTINCT FROM OLD.investigator_id THEN
                {refuse("investigation_takes_its_steps", "%s is accepted by whom its link was for", "OLD.code")}
            END IF;
            IF NEW.state = 'reported' AND OLD.state = 'running' THEN
                IF NEW.ended_by IS DISTINCT FROM (SELECT code FROM members_user WHERE id = OLD.investigator_id)
                   OR OLD.until_date < today THEN
                    {refuse("investigation_ends_on_its_day", "%s was until %s, by its investigator", "OLD.code", "OLD.until_date")}
                END IF;
                NEW.ended_at := aid_now();
                NEW.reported_at := aid_now();
                NEW.answer_until_date := today + (plan->>'answer_days')::int;
            ELSIF NEW.state = 'revoked' AND OLD.state <> 'revoked' THEN
                IF NOT ({_is_in_charge("ended_by")} OR {holds_duty("ended_by", "pool_admin")} OR {_SPEAKS.format(column="ended_by")}) THEN
                    {refuse("investigation_is_ordered_by_its_reviewer", "%s does not end %s", "NEW.ended_by", "OLD.code")}
                END IF;
                NEW.ended_at := aid_now();
            END IF;
            IF NEW.answered_by IS NOT NULL AND OLD.answered_by IS NULL THEN
                IF OLD.state <> 'reported' OR claim.state <> 'under_review' OR NEW.round <> claim.round
                   OR NOT {_SPEAKS.format(column="answered_by")} THEN
                    {refuse("findings_are_answered_by_their_claimant", "claim %s is %s, or %s is not concerned", "claim.code", "claim.state", "NEW.answered_by")}
                END IF;
                NEW.answered_at := aid_now();
            END IF;
            RETURN NEW;
        """,
    ),
    kept("investigations_are_kept", "investigations are revoked, never deleted"),
]

# Hung on the ledger's row by the room that knows investigations: a bill is of one, at most what was agreed.
cost_is_of_its_investigation = Guard(
    name="cost_is_of_its_investigation",
    when=pgtrigger.Before,
    operation=pgtrigger.Insert,
    func=f"""
        {judged_now()}
        IF NOT EXISTS (
            SELECT 1 FROM claims_investigation i JOIN claims_claim c ON c.id = i.claim_id
             WHERE i.code = NEW.reference AND c.pool_id = NEW.pool_id AND i.state = 'reported'
               AND (i.bill_fen, i.borne_by, i.ordered_by) = (NEW.amount_fen, NEW.borne_by, NEW.billed_by)) THEN
            {refuse("cost_is_of_its_investigation", "no investigation has cost %s", "NEW.amount_fen")}
        END IF;
        RETURN NEW;
    """,
)
