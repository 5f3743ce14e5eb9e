"""Guards of who becomes the guardian of a child that has none in the pool, by two people; and of the change itself.

Names are the guarantees listed in ARCHITECTURE.md. Every step takes the row of the pool first.
"""

import pgtrigger

from aidplatform.lib.crypto import LENGTH_OF_NOTHING
from aidplatform.lib.guards import Guard, judged_now, kept, refuse
from members.joining.family_triggers import AGREES_FROM, OF_AGE, goes_on, years_sql
from members.people.erasure_sql import lets_erasure_pass, person_of
from members.pools.triggers import holds_pool_duty

_LOCK = "PERFORM 1 FROM members_pool WHERE id = NEW.pool_id FOR NO KEY UPDATE;"
_TODAY = "(SELECT (aid_now() AT TIME ZONE time_zone)::date FROM members_pool WHERE id = NEW.pool_id)"
# What a grant is hashed over, in this order, joined by '|'.
_SHOWN = (
    "pool_id", "number", "membership_id", "previous_id", "asker_id", "relation", "proof_sealed", "capacity",
    "covenant_sha256", "asked_by", "proposed_by",
)  # fmt: skip
_ASKED = (
    "id", "pool_id", "number", "membership_id", "previous_id", "asker_id", "relation", "proof_sealed", "capacity",
    "covenant_sha256", "consent_health", "consent_publication", "asked_by", "asked_at",
)  # fmt: skip
_PROPOSED = ("proposed_by", "proposed_at", "shown_sha256")
_LATER = ("proposed_by", "proposed_at", "decided_by", "decided_at")


def request_shown_sql(row: str) -> str:
    """Return SQL for the text that a grant is hashed over; missing parts are written as nothing."""
    return "concat_ws('|', " + ", ".join(f"coalesce({row}.{column}::text, '')" for column in _SHOWN) + ")"


def _differ(columns: tuple[str, ...]) -> str:
    return f"""({", ".join(f"NEW.{c}" for c in columns)}) IS DISTINCT FROM ({", ".join(f"OLD.{c}" for c in columns)})"""


def left_alone_sql(child: str, guardian: str) -> str:
    """Return SQL that tells whether a child goes on without an account while its guardian's membership is over."""
    return f"""EXISTS (
        SELECT 1 FROM members_familymember f JOIN members_membership c ON c.id = f.membership_id AND c.person_id IS NULL
          JOIN members_membershipend gone ON gone.membership_id = f.guardian_id
         WHERE f.membership_id = {child} AND f.guardian_id = {guardian}
           AND NOT EXISTS (SELECT 1 FROM members_membershipend over WHERE over.membership_id = c.id))"""


_STANDS = f"""
    SELECT * INTO one FROM members_membership WHERE id = NEW.membership_id;
    SELECT * INTO adult FROM members_membership WHERE id = NEW.asker_id;
    IF (one.pool_id, adult.pool_id) IS DISTINCT FROM (NEW.pool_id, NEW.pool_id)
       OR NOT {left_alone_sql("NEW.membership_id", "NEW.previous_id")} THEN
        {refuse("guardian_is_asked_for_a_child_left_alone", "membership %s is none without a guardian in this pool", "NEW.membership_id")}
    END IF;
    IF adult.person_id IS NULL OR NOT {goes_on("adult")}
       OR coalesce({years_sql("adult.birth_date", _TODAY)} < {OF_AGE}, false) THEN
        {refuse("guardian_is_a_covered_adult", "membership %s is not covered, or not that of an adult", "adult.number")}
    END IF;
"""
_ROWS = [("one", "members_membership%ROWTYPE"), ("adult", "members_membership%ROWTYPE")]

request_guards = [
    Guard(
        name="guardian_is_asked_for_a_child_left_alone",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=_ROWS,
        func=f"""
            {judged_now()}
            {_LOCK}
            IF num_nonnulls({", ".join(f"NEW.{column}" for column in _LATER)}) > 0 THEN
                {refuse("guardian_request_is_decided_once", "it brings later steps along")}
            END IF;
            {_STANDS}
            IF NEW.asked_by IS DISTINCT FROM (SELECT code FROM members_user WHERE id = adult.person_id) THEN
                {refuse("guardian_asks_in_person", "%s is not membership %s", "NEW.asked_by", "adult.number")}
            END IF;
            IF NEW.capacity <> (CASE WHEN {years_sql("one.birth_date", _TODAY)} < {AGREES_FROM} THEN 'guardian' ELSE 'agreed' END)
               OR NOT EXISTS (SELECT 1 FROM members_planversion v
                               WHERE v.pool_id = NEW.pool_id AND v.covenant_sha256 = NEW.covenant_sha256) THEN
                {refuse("new_guardian_consents", "to another covenant, or not in that capacity")}
            END IF;
            IF octet_length(NEW.proof_sealed) <= {LENGTH_OF_NOTHING} THEN
                {refuse("guardian_request_has_a_proof", "nothing is sealed in the place of a proof")}
            END IF;
            NEW.number := coalesce((SELECT max(number) FROM members_guardianrequest WHERE pool_id = NEW.pool_id), 0) + 1;
            NEW.asked_at := aid_now();
            NEW.shown_sha256 := '';
            RETURN NEW;
        """,
    ),
    Guard(
        name="guardian_request_is_decided_as_shown",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        declare=_ROWS,
        func=f"""
            {lets_erasure_pass(person_of("OLD.asker_id"), proof_sealed="NEW.proof_sealed = ''")}
            {judged_now()}
            {_LOCK}
            IF OLD.state IN ('granted', 'declined') OR NEW.state = OLD.state OR {_differ(_ASKED)}
               OR NEW.state <> 'proposed' AND {_differ(_PROPOSED)} THEN
                {refuse("guardian_request_is_decided_as_shown", "request %s is not edited", "OLD.number")}
            END IF;
            IF NEW.state IN ('proposed', 'granted') AND NEW.asked_by IN (NEW.proposed_by, coalesce(NEW.decided_by, '')) THEN
                {refuse("guardian_request_is_anothers", "%s does not decide about themselves", "NEW.asked_by")}
            END IF;
            IF NEW.state = 'proposed' THEN
                IF NOT {holds_pool_duty("proposed_by", "pool_admin")} THEN
                    {refuse("guardian_people_hold_their_duty", "%s is no pool admin", "NEW.proposed_by")}
                END IF;
                {_STANDS}
                NEW.proposed_at := aid_now();
                NEW.shown_sha256 := encode(sha256(convert_to({request_shown_sql("NEW")}, 'UTF8')), 'hex');
            ELSIF NEW.state = 'granted' THEN
                IF NOT {holds_pool_duty("decided_by", "controller")} THEN
                    {refuse("guardian_people_hold_their_duty", "%s is no controller", "NEW.decided_by")}
                END IF;
                {_STANDS}
                NEW.decided_at := aid_now();
            ELSE
                IF NEW.decided_by IS DISTINCT FROM NEW.asked_by AND NOT {holds_pool_duty("decided_by", "controller", "pool_admin")} THEN
                    {refuse("guardian_people_hold_their_duty", "%s may not decline it", "NEW.decided_by")}
                END IF;
                NEW.decided_at := aid_now();
            END IF;
            RETURN NEW;
        """,
    ),
    # The child changes hands by the grant and with it: no other statement may.
    Guard(
        name="granted_guardian_takes_over",
        when=pgtrigger.After,
        operation=pgtrigger.Update,
        condition=pgtrigger.Condition("NEW.state = 'granted' AND OLD.state <> 'granted'"),
        func="""
            UPDATE members_familymember SET guardian_id = NEW.asker_id, relation = NEW.relation
             WHERE membership_id = NEW.membership_id;
            RETURN NULL;
        """,
    ),
    kept("guardian_requests_are_kept", "requests are declined, never deleted"),
]
