"""Guards of what is noted about signals: by the reviewer in charge alone, about what was shown."""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, refuse
from claims.filing.triggers import CLAIMED_BY
from claims.review.triggers import holds_duty, is_claimant, is_near
from members.people.erasure_sql import facts_until_erased


def _in_charge(column: str) -> str:
    """Return plpgsql that locks the claim and demands that the person in that column reviews it now, in its round."""
    return f"""
            {judged_now()}
            SELECT * INTO claim FROM claims_claim WHERE id = NEW.claim_id FOR NO KEY UPDATE;
            IF claim.state <> 'under_review' OR NEW.round <> claim.round
               OR NEW.{column} IS DISTINCT FROM (SELECT code FROM members_user WHERE id = claim.reviewer_id)
               OR {is_claimant(column)} OR {is_near(column)} OR NOT {holds_duty(column, "reviewer")} THEN
                {refuse("signals_are_noted_by_the_reviewer", "claim %s is not with %s", "claim.code", f"NEW.{column}")}
            END IF;"""


reading_guards = [
    *facts_until_erased(
        "paper_reading_is_permanent",
        CLAIMED_BY,
        content_sealed="NEW.content_sealed = ''",
        hospital_index="NEW.hospital_index IS NULL",
        doctor_index="NEW.doctor_index IS NULL",
        report_index="NEW.report_index IS NULL",
    ),
    Guard(
        name="signals_are_noted_by_the_reviewer",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=[("claim", "claims_claim")],
        func=f"""
            {_in_charge("read_by")}
            RETURN NEW;
        """,
    ),
]

mark_guards = [
    *facts_until_erased("signal_mark_is_permanent", CLAIMED_BY, reason_sealed="NEW.reason_sealed = ''"),
    Guard(
        name="signal_mark_is_of_what_was_shown",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=[("claim", "claims_claim"), ("shown", "record")],
        func=f"""
            {_in_charge("marked_by")}
            SELECT version, findings INTO shown FROM claims_signalrun
             WHERE claim_id = NEW.claim_id ORDER BY number DESC LIMIT 1;
            IF NEW.version IS DISTINCT FROM shown.version
               OR NOT shown.findings @> jsonb_build_array(jsonb_build_object('signal', NEW.signal)) THEN
                {refuse("signal_mark_is_of_what_was_shown", "claim %s shows no %s", "claim.code", "NEW.signal")}
            END IF;
            RETURN NEW;
        """,
    ),
]
