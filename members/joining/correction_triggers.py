"""Guards of corrections of an identity: asked for in person, decided by two people, for the days to come alone.

Names are the guarantees listed in ARCHITECTURE.md. Every step takes the rows of all pools of the person first. Without
a person it is of a child without an account: of that membership alone, asked for by its guardian.
"""

import pgtrigger

from aidplatform.lib.crypto import LENGTH_OF_NOTHING
from aidplatform.lib.guards import Guard, judged_now, kept, refuse
from members.joining.again_triggers import is_followed_sql
from members.joining.family_triggers import OF_AGE, years_sql
from members.joining.guardian_sql import guardian_code_sql
from members.people.erasure_sql import lets_erasure_pass, person_of
from members.pools.triggers import holds_pool_duty

_LOCK = """PERFORM 1 FROM members_pool WHERE id = NEW.pool_id OR id IN (
                SELECT pool_id FROM members_membership WHERE person_id = NEW.person_id) ORDER BY id FOR NO KEY UPDATE;"""
# What a grant is hashed over, in this order, joined by '|'.
_SHOWN = (
    "pool_id", "number", "membership_id", "person_id", "reason_sealed", "proof_sealed", "paper_sealed", "kind",
    "document_index", "birth_date", "sex", "region", "asked_by", "proposed_by",
)  # fmt: skip
_ASKED = ("id", *_SHOWN[:-1], "asked_at")
_PROPOSED = ("proposed_by", "proposed_at", "shown_sha256")
_LATER = ("proposed_by", "proposed_at", "decided_by", "decided_at", "effective_date", "was_sealed", "was_recorded_at",
          "was_birth_date")  # fmt: skip
_HISTORY = ("effective_date", "was_sealed", "was_recorded_at", "was_birth_date", "was_sex", "was_region")
_EMPTIED = {
    **{column: f"NEW.{column} = ''" for column in ("reason_sealed", "proof_sealed", "paper_sealed")},
    "was_sealed": "NEW.was_sealed IS NULL AND OLD.was_sealed IS NULL OR NEW.was_sealed = ''",
    **{column: f"NEW.{column} = ''" for column in ("sex", "region", "was_sex", "was_region")},
    **{column: f"NEW.{column} IS NULL" for column in ("birth_date", "was_birth_date")},
    "document_index": "NEW.document_index <> OLD.document_index",
}


def correction_shown_sql(row: str) -> str:
    """Return SQL for the text that a grant is hashed over; missing parts are written as nothing."""
    return "concat_ws('|', " + ", ".join(f"coalesce({row}.{column}::text, '')" for column in _SHOWN) + ")"


def _differ(columns: tuple[str, ...]) -> str:
    return f"""({", ".join(f"NEW.{c}" for c in columns)}) IS DISTINCT FROM ({", ".join(f"OLD.{c}" for c in columns)})"""


# The memberships that a request is about.
_THEIRS = "(m.person_id = NEW.person_id OR NEW.person_id IS NULL AND m.id = NEW.membership_id)"
_GUARDIAN = guardian_code_sql("NEW.membership_id")
# A running membership whose birth date is known, its pool, the rules of its first day and those of a day.
_RUNNING = f"""members_membership m JOIN members_pool p ON p.id = m.pool_id
              LEFT JOIN members_covenantsignature s ON s.membership_id = m.id
             WHERE {_THEIRS} AND m.birth_date IS NOT NULL
               AND NOT EXISTS (SELECT 1 FROM members_membershipend x WHERE x.membership_id = m.id)"""


def _ages(pick: str, day: str) -> str:
    """Return SQL for the first age, or the one after the last, for which the rules of a day in the pool know aid."""
    return f"""(SELECT {pick} FROM jsonb_array_elements((
                   SELECT v.terms->'aid' FROM members_planversion v WHERE v.pool_id = p.id
                    ORDER BY v.effective_date <= {day} DESC, abs(v.effective_date - {day}) LIMIT 1)) a)"""


_FIRST, _BEFORE = "min((a->>'age_from')::int)", "max((a->>'age_before')::int)"
_JOINED = years_sql("NEW.birth_date", "m.joined_date")
_NEXT_DAY = "((aid_now() AT TIME ZONE p.time_zone)::date + 1)"
# Who has moved in without a signature joined under rules that this software did not ask.
_POSSIBLE = f"""
    IF EXISTS (
        SELECT 1 FROM {_RUNNING} AND (
            NEW.birth_date > m.joined_date
            OR s.membership_id IS NOT NULL AND (
                   {_JOINED} < {_ages(_FIRST, "m.joined_date")} OR {_JOINED} >= {_ages(_BEFORE, "m.joined_date")}
                   OR (s.capacity = 'self') <> ({_JOINED} >= {OF_AGE}))
            OR {years_sql("NEW.birth_date", _NEXT_DAY)} >= {_ages(_BEFORE, _NEXT_DAY)})) THEN
        {refuse("correction_fits_the_rules_of_joining", "nobody born on %s could have joined, or still belong", "NEW.birth_date")}
    END IF;
"""
_NEW_DOCUMENT = f"""
    IF NEW.person_id IS NULL AND (
           EXISTS (SELECT 1 FROM members_identity i JOIN members_membership m ON m.person_id = i.person_id
                    WHERE i.document_index = NEW.document_index AND m.pool_id = NEW.pool_id)
           OR EXISTS (SELECT 1 FROM members_familymember f WHERE f.pool_id = NEW.pool_id
                         AND f.document_index = NEW.document_index AND f.membership_id <> NEW.membership_id
                         AND NOT {is_followed_sql("f.membership_id")}))
       OR EXISTS (SELECT 1 FROM members_identity i WHERE i.document_index = NEW.document_index AND i.person_id <> NEW.person_id)
       OR EXISTS (SELECT 1 FROM members_familymember f JOIN members_membership m ON m.id = f.membership_id
                   WHERE f.document_index = NEW.document_index AND m.person_id IS DISTINCT FROM NEW.person_id
                     AND NOT {is_followed_sql("f.membership_id")}
                     AND f.pool_id IN (SELECT pool_id FROM members_membership WHERE person_id = NEW.person_id)) THEN
        {refuse("corrected_document_is_nobody_elses", "somebody else is recorded with this document")}
    END IF;
"""
_STANDS = f"""
    IF NOT EXISTS (SELECT 1 FROM members_membership m WHERE m.id = NEW.membership_id
                      AND m.pool_id = NEW.pool_id AND m.person_id IS NOT DISTINCT FROM NEW.person_id
                      AND NOT EXISTS (SELECT 1 FROM members_membershipend x WHERE x.membership_id = m.id)
                      AND (NEW.person_id IS NOT NULL
                           AND EXISTS (SELECT 1 FROM members_identity i WHERE i.person_id = NEW.person_id)
                        OR NEW.person_id IS NULL
                           AND EXISTS (SELECT 1 FROM members_familymember f WHERE f.membership_id = m.id))) THEN
        {refuse("correction_is_of_a_running_membership", "membership %s is over, or not that of an identified person", "NEW.membership_id")}
    END IF;
    {_NEW_DOCUMENT}
    {_POSSIBLE}
"""
# The day after today in each pool of the person, which has to be the same one; days up to it are followed by what was
# known then. Cover that begins on that day has its class already.
_NEXT_DAY_ALONE = f"""
    SELECT count(DISTINCT {_NEXT_DAY}), min({_NEXT_DAY}) INTO days, first_day
      FROM members_membership m JOIN members_pool p ON p.id = m.pool_id WHERE {_THEIRS};
    IF days <> 1 OR EXISTS (
        SELECT 1 FROM {_RUNNING} AND p.state = 'open' AND (
            coalesce(p.ages_followed_date < first_day - 1, true) OR EXISTS (
                SELECT 1 FROM members_span c WHERE c.pool_id = m.pool_id AND c.membership_id = m.id AND c.to_at IS NULL
                   AND c.from_at >= first_day::timestamp AT TIME ZONE p.time_zone
                   AND c.class_no <> members_class_at(m.pool_id, NEW.birth_date, first_day)))) THEN
        {refuse("correction_counts_from_the_next_day", "ages are not followed up to today, or cover begins tomorrow")}
    END IF;
"""

correction_guards = [
    Guard(
        name="correction_begins_asked",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        func=f"""
            {judged_now()}
            {_LOCK}
            IF num_nonnulls({", ".join(f"NEW.{column}" for column in _LATER)}) > 0 OR NEW.birth_date IS NULL THEN
                {refuse("correction_begins_asked", "it brings later steps along, or says no birth date")}
            END IF;
            {_STANDS}
            IF NEW.asked_by IS DISTINCT FROM (CASE WHEN NEW.person_id IS NULL THEN {_GUARDIAN}
                    ELSE (SELECT code FROM members_user WHERE id = NEW.person_id) END) THEN
                {refuse("correction_is_asked_in_person", "%s is not who is to be corrected, nor a child's guardian", "NEW.asked_by")}
            END IF;
            IF least(octet_length(NEW.reason_sealed), octet_length(NEW.proof_sealed), octet_length(NEW.paper_sealed))
               <= {LENGTH_OF_NOTHING} THEN
                {refuse("correction_has_reason_and_proof", "nothing is sealed in the place of one of them")}
            END IF;
            NEW.number := coalesce((SELECT max(number) FROM members_identitycorrection WHERE pool_id = NEW.pool_id), 0) + 1;
            NEW.asked_at := aid_now();
            NEW.shown_sha256 := '';
            NEW.was_sex := '';
            NEW.was_region := '';
            RETURN NEW;
        """,
    ),
    Guard(
        name="identity_correction_is_decided_as_shown",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        declare=[("days", "bigint"), ("first_day", "date")],
        func=f"""
            {lets_erasure_pass(f"coalesce(OLD.person_id, {person_of('OLD.membership_id')})", **_EMPTIED)}
            {judged_now()}
            {_LOCK}
            IF OLD.state IN ('granted', 'declined') OR NEW.state = OLD.state OR {_differ((*_ASKED, *_HISTORY))}
               OR NEW.state <> 'proposed' AND {_differ(_PROPOSED)} THEN
                {refuse("identity_correction_is_decided_as_shown", "request %s is not edited", "OLD.number")}
            END IF;
            IF NEW.state IN ('proposed', 'granted')
               AND (NEW.asked_by IN (NEW.proposed_by, coalesce(NEW.decided_by, ''))
                    OR NEW.person_id IS NULL AND {_GUARDIAN} IN (NEW.proposed_by, coalesce(NEW.decided_by, ''))) THEN
                {refuse("identity_correction_is_anothers", "%s does not decide about themselves", "NEW.asked_by")}
            END IF;
            IF NEW.state = 'proposed' THEN
                IF NOT {holds_pool_duty("proposed_by", "pool_admin")} THEN
                    {refuse("correction_people_hold_their_duty", "%s is no pool admin", "NEW.proposed_by")}
                END IF;
                {_STANDS}
                NEW.proposed_at := aid_now();
                NEW.shown_sha256 := encode(sha256(convert_to({correction_shown_sql("NEW")}, 'UTF8')), 'hex');
            ELSIF NEW.state = 'granted' THEN
                IF NOT {holds_pool_duty("decided_by", "controller")} THEN
                    {refuse("correction_people_hold_their_duty", "%s is no controller", "NEW.decided_by")}
                END IF;
                {_STANDS}
                {_NEXT_DAY_ALONE}
                NEW.decided_at := aid_now();
                NEW.effective_date := first_day;
                SELECT sealed, recorded_at INTO NEW.was_sealed, NEW.was_recorded_at
                  FROM members_identity WHERE person_id = NEW.person_id;
                IF NEW.person_id IS NULL THEN
                    SELECT sealed, added_at INTO NEW.was_sealed, NEW.was_recorded_at
                      FROM members_familymember WHERE membership_id = NEW.membership_id;
                END IF;
                SELECT birth_date, sex, region INTO NEW.was_birth_date, NEW.was_sex, NEW.was_region
                  FROM members_membership m WHERE {_THEIRS} AND birth_date IS NOT NULL ORDER BY id LIMIT 1;
                NEW.was_sex := coalesce(NEW.was_sex, '');
                NEW.was_region := coalesce(NEW.was_region, '');
            ELSE
                IF NEW.decided_by IS DISTINCT FROM NEW.asked_by AND NOT {holds_pool_duty("decided_by", "controller", "pool_admin")} THEN
                    {refuse("correction_people_hold_their_duty", "%s may not decline it", "NEW.decided_by")}
                END IF;
                NEW.decided_at := aid_now();
            END IF;
            RETURN NEW;
        """,
    ),
    # Identity, birth date and class change by the grant and with it: no other statement may. While a pool ends nobody moves.
    Guard(
        name="granted_correction_takes_effect",
        when=pgtrigger.After,
        operation=pgtrigger.Update,
        condition=pgtrigger.Condition("NEW.state = 'granted' AND OLD.state <> 'granted'"),
        func=f"""
            IF NEW.person_id IS NULL THEN
                UPDATE members_familymember SET document_index = NEW.document_index, sealed = NEW.paper_sealed
                 WHERE membership_id = NEW.membership_id;
            ELSE
                UPDATE members_identity SET kind = NEW.kind, document_index = NEW.document_index,
                       sealed = NEW.paper_sealed, recorded_at = NEW.decided_at
                 WHERE person_id = NEW.person_id;
            END IF;
            UPDATE members_membership m SET birth_date = NEW.birth_date,
                   sex = CASE WHEN sex <> '' AND NEW.sex <> '' THEN NEW.sex ELSE sex END,
                   region = CASE WHEN region <> '' AND NEW.region <> '' THEN NEW.region ELSE region END
             WHERE {_THEIRS} AND birth_date IS NOT NULL;
            WITH moving AS (
                SELECT s.pool_id, s.membership_id, s.from_at, NEW.effective_date::timestamp AT TIME ZONE p.time_zone AS at,
                       members_class_at(m.pool_id, m.birth_date, NEW.effective_date) AS class_no
                  FROM members_membership m JOIN members_pool p ON p.id = m.pool_id AND p.state = 'open'
                  JOIN members_span s ON s.pool_id = m.pool_id AND s.membership_id = m.id AND s.to_at IS NULL
                 WHERE {_THEIRS} AND m.birth_date IS NOT NULL
                   AND members_class_at(m.pool_id, m.birth_date, NEW.effective_date) <> s.class_no),
            ended AS (
                UPDATE members_span s SET to_at = o.at FROM moving o
                 WHERE s.pool_id = o.pool_id AND s.membership_id = o.membership_id AND s.from_at = o.from_at)
            INSERT INTO members_span (pool_id, membership_id, class_no, from_at, recorded_at)
            SELECT pool_id, membership_id, class_no, at, clock_timestamp() FROM moving;
            RETURN NULL;
        """,
    ),
    kept("identity_corrections_are_kept", "requests are declined, never deleted"),
]

# Of the guard of memberships: what an identity says that was corrected, each membership of the person says.
says_as_corrected = """EXISTS (
    SELECT 1 FROM members_identitycorrection r
      LEFT JOIN members_identity i ON i.person_id = r.person_id AND i.sealed = r.paper_sealed
      LEFT JOIN members_familymember f ON r.person_id IS NULL AND f.membership_id = r.membership_id
       AND f.sealed = r.paper_sealed
     WHERE r.state = 'granted' AND NEW.birth_date = r.birth_date
       AND (i.person_id = OLD.person_id OR f.membership_id = OLD.id)
       AND NEW.sex = CASE WHEN OLD.sex <> '' AND r.sex <> '' THEN r.sex ELSE OLD.sex END
       AND NEW.region = CASE WHEN OLD.region <> '' AND r.region <> '' THEN r.region ELSE OLD.region END)"""
