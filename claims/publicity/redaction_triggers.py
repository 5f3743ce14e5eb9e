"""Guards of what is taken out of objections: by two people who have no part in the case, and never taken back."""

import pgtrigger

from aidplatform.lib.guards import Guard, follows_order, judged_now, kept, refuse
from claims.review.triggers import has_judged, holds_duty, is_claimant, is_near
from members.people.erasure_sql import lets_erasure_pass, person_of

_CLAIM_OF = "(SELECT claim_id FROM claims_objection WHERE id = {row}.objection_id)"
_EMPTIED = lets_erasure_pass(
    person_of(f"(SELECT membership_id FROM claims_claim WHERE id = {_CLAIM_OF.format(row='OLD')})"),
    shown_sealed="coalesce(NEW.shown_sealed, '') = ''",
)


def _is_apart(column: str) -> str:
    """Return SQL that tells whether the person in that column is neither party to the case nor had a part in it."""
    return f"""NOT ({is_claimant(column)} OR {is_near(column)} OR {has_judged(column)} OR NEW.{column} = writer)"""


redaction_guards = [
    follows_order(
        "redaction_state_follows_order", "state", {"proposed": ("taken_out", "left")}, first="proposed"
    ),
    Guard(
        name="redaction_is_by_people_apart",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.Update,
        declare=[("claim", "claims_claim"), ("writer", "text")],
        func=f"""
            {_EMPTIED}
            {judged_now()}
            SELECT * INTO claim FROM claims_claim WHERE id = {_CLAIM_OF.format(row="NEW")} FOR NO KEY UPDATE;
            SELECT member INTO writer FROM claims_objection WHERE id = NEW.objection_id;
            IF TG_OP = 'INSERT' THEN
                IF NEW.paper_id IS NOT NULL AND NOT EXISTS (
                       SELECT 1 FROM claims_objectionpaper WHERE id = NEW.paper_id AND objection_id = NEW.objection_id) THEN
                    {refuse("redaction_is_of_its_objection", "the paper is of another objection")}
                END IF;
                IF NOT {_is_apart("proposed_by")} OR NOT {holds_duty("proposed_by", "second_reviewer")} THEN
                    {refuse("redaction_is_by_people_apart", "%s takes nothing out of this objection", "NEW.proposed_by")}
                END IF;
                NEW.proposed_at := aid_now();
                RETURN NEW;
            END IF;
            IF OLD.state <> 'proposed' OR (NEW.objection_id, NEW.number, NEW.paper_id, NEW.ground, NEW.shown_sealed, NEW.proposed_by,
                NEW.proposed_at) IS DISTINCT FROM (OLD.objection_id, OLD.number, OLD.paper_id, OLD.ground, OLD.shown_sealed,
                OLD.proposed_by, OLD.proposed_at) THEN
                {refuse("redaction_is_decided_as_shown", "redaction %s is decided once, as it was proposed", "OLD.number")}
            END IF;
            IF NOT {_is_apart("decided_by")}
               OR NOT ({holds_duty("decided_by", "second_reviewer")}
                       OR NEW.paper_id IS NULL AND {holds_duty("decided_by", "controller")}) THEN
                {refuse("redaction_is_by_people_apart", "%s takes nothing out of this objection", "NEW.decided_by")}
            END IF;
            NEW.decided_at := aid_now();
            RETURN NEW;
        """,
    ),
    kept("redactions_are_kept", "what was taken out of objections is never forgotten"),
]
