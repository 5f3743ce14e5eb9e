"""Guards of family members: somebody without an account, whom a covered adult of the pool has signed for."""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, permanent, refuse
from members.joining.again_triggers import is_followed_sql
from members.people.erasure_sql import lets_erasure_pass, person_of

OF_AGE = 18
# From this age on a child is asked, and agrees.
AGREES_FROM = 14


def years_sql(born: str, day: str) -> str:
    """Return SQL for the completed years on a day; who was born on 29 February completes them on 1 March."""
    return f"date_part('year', age({day}::timestamp, {born}::timestamp))"


def goes_on(membership: str) -> str:
    """Return SQL that tells whether a membership is covered with no end in sight, or waits for its first payment."""
    return f"""(NOT EXISTS (SELECT 1 FROM members_membershipend WHERE membership_id = {membership}.id) AND (
        EXISTS (SELECT 1 FROM members_span s
                 WHERE s.pool_id = {membership}.pool_id AND s.membership_id = {membership}.id AND s.to_at IS NULL)
        OR EXISTS (SELECT 1 FROM members_awaitedcover WHERE membership_id = {membership}.id) AND NOT EXISTS (
            SELECT 1 FROM members_span s
             WHERE s.pool_id = {membership}.pool_id AND s.membership_id = {membership}.id)))"""


# Of a signature's guard, which has read the membership into `joined`: who has no account is signed for.
signature_names_capacity = f"""
        IF joined.person_id IS NOT NULL THEN
            IF NEW.capacity <> 'self'
               OR NEW.signed_by NOT IN ('', (SELECT code FROM members_user WHERE id = joined.person_id)) THEN
                {refuse("signature_names_capacity", "%s cannot sign for membership %s", "NEW.signed_by", "joined.number")}
            END IF;
        ELSIF NOT EXISTS (
            SELECT 1 FROM members_familymember f JOIN members_membership g ON g.id = f.guardian_id
              JOIN members_user u ON u.id = g.person_id
             WHERE f.membership_id = joined.id AND u.code = NEW.signed_by
               AND NEW.capacity = CASE WHEN {years_sql("joined.birth_date", "joined.joined_date")} < {AGREES_FROM}
                                       THEN 'guardian' ELSE 'agreed' END) THEN
            {refuse("signature_names_capacity", "%s has not signed for membership %s as their guardian", "NEW.signed_by", "joined.number")}
        END IF;"""

# Of the same guard: whoever joins with an account has not been added by somebody before, unless that is over and this
# membership follows it.
one_person_once_per_pool = f"""
        PERFORM 1 FROM members_pool WHERE id = joined.pool_id FOR NO KEY UPDATE;
        IF EXISTS (
            SELECT 1 FROM members_familymember f JOIN members_identity i ON i.document_index = f.document_index
             WHERE f.pool_id = joined.pool_id AND i.person_id = joined.person_id AND f.membership_id <> joined.id
               AND NOT {is_followed_sql("f.membership_id")}) THEN
            {refuse("one_person_once_per_pool", "this document has joined the pool as that of a family member")}
        END IF;"""

family_member_takes_over_in_person = Guard(
    name="family_member_takes_over_in_person",
    when=pgtrigger.Before,
    operation=pgtrigger.Update,
    func=f"""
        IF OLD.person_id IS NULL AND NEW.person_id IS NOT NULL AND EXISTS (
            SELECT 1 FROM members_familymember f JOIN members_pool p ON p.id = f.pool_id
              LEFT JOIN members_identity i ON i.person_id = NEW.person_id
             WHERE f.membership_id = OLD.id AND (i.document_index IS DISTINCT FROM f.document_index
                OR {years_sql("OLD.birth_date", "(aid_now() AT TIME ZONE p.time_zone)::date")} < {OF_AGE})) THEN
            {refuse("family_member_takes_over_in_person", "membership %s is another person's, or they are not of age", "OLD.number")}
        END IF;
        RETURN NEW;
    """,
)

_PERMANENT = refuse(
    "family_member_is_permanent", "%s holds facts: rows are never changed or deleted", "TG_TABLE_NAME"
)


def _changes_hands(membership: str, guardian: str) -> str:
    """Return SQL that tells whether the newest granted request of a child is still to be carried out."""
    return f"""(SELECT r.previous_id FROM members_guardianrequest r
                 WHERE r.membership_id = {membership} AND r.state = 'granted' ORDER BY r.id DESC LIMIT 1) = {guardian}"""


def _replaces(family: str) -> str:
    """Return SQL for a granted correction `r` of what stands of a child, so that it is still to be carried out."""
    return f"""members_identitycorrection r WHERE r.state = 'granted' AND r.person_id IS NULL
                   AND (r.membership_id, r.was_sealed) = ({family}.membership_id, {family}.sealed)"""


family_guards = [
    # Statements pass the first guard only within an erasure, or while a granted request waits for its one change.
    Guard(
        name="family_member_is_permanent",
        level=pgtrigger.Statement,
        when=pgtrigger.Before,
        operation=pgtrigger.Update | pgtrigger.Delete,
        func=f"""
            IF TG_OP <> 'UPDATE' OR NOT EXISTS (SELECT 1 FROM members_erasure WHERE state = 'erasing') AND NOT EXISTS (
                SELECT 1 FROM members_guardianrequest g JOIN members_familymember f ON f.membership_id = g.membership_id
                 WHERE g.state = 'granted' AND {_changes_hands("f.membership_id", "f.guardian_id")})
               AND NOT EXISTS (SELECT 1 FROM members_familymember f, {_replaces("f")}) THEN
                {_PERMANENT}
            END IF;
            RETURN NULL;
        """,
    ),
    Guard(
        name="guardian_changes_as_granted",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        func=f"""
            {
            lets_erasure_pass(
                person_of("OLD.membership_id"),
                sealed="NEW.sealed = ''",
                document_index="NEW.document_index <> OLD.document_index",
            )
        }
            -- What a granted correction says takes the place of what stood.
            IF to_jsonb(NEW) - ARRAY['sealed', 'document_index'] IS NOT DISTINCT FROM to_jsonb(OLD) - ARRAY['sealed', 'document_index']
               AND EXISTS (SELECT 1 FROM {_replaces("OLD")}
                              AND (r.paper_sealed, r.document_index) = (NEW.sealed, NEW.document_index)) THEN
                RETURN NEW;
            END IF;
            IF to_jsonb(NEW) - ARRAY['guardian_id', 'relation'] IS DISTINCT FROM to_jsonb(OLD) - ARRAY['guardian_id', 'relation'] THEN
                {_PERMANENT}
            END IF;
            IF NOT ({_changes_hands("OLD.membership_id", "OLD.guardian_id")} AND EXISTS (
                SELECT 1 FROM members_guardianrequest r WHERE r.membership_id = OLD.membership_id AND r.state = 'granted'
                   AND (r.previous_id, r.asker_id, r.relation) = (OLD.guardian_id, NEW.guardian_id, NEW.relation))) THEN
                {
            refuse(
                "guardian_changes_as_granted",
                "nobody has granted another guardian of membership %s",
                "OLD.membership_id",
            )
        }
            END IF;
            RETURN NEW;
        """,
    ),
    permanent("family_member_is_permanent")[1],
    # Not a unique index: whoever is added again has the document of the row before.
    Guard(
        name="one_family_member_per_document",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.UpdateOf("document_index"),
        func=f"""
            {judged_now()}
            PERFORM 1 FROM members_pool WHERE id = NEW.pool_id FOR NO KEY UPDATE;
            IF EXISTS (SELECT 1 FROM members_familymember f
                        WHERE f.pool_id = NEW.pool_id AND f.document_index = NEW.document_index
                          AND f.membership_id <> NEW.membership_id AND NOT {is_followed_sql("f.membership_id")}) THEN
                {refuse("one_family_member_per_document", "somebody with this document has been added to the pool")}
            END IF;
            RETURN NEW;
        """,
    ),
    Guard(
        name="family_member_begins_rightly",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=[("one", "members_membership%ROWTYPE"), ("adult", "members_membership%ROWTYPE")],
        func=f"""
            {judged_now()}
            PERFORM 1 FROM members_pool WHERE id = NEW.pool_id FOR NO KEY UPDATE;
            SELECT * INTO STRICT one FROM members_membership WHERE id = NEW.membership_id;
            SELECT * INTO STRICT adult FROM members_membership WHERE id = NEW.guardian_id;
            IF (one.pool_id, adult.pool_id) IS DISTINCT FROM (NEW.pool_id, NEW.pool_id)
               OR one.person_id IS NOT NULL OR one.birth_date IS NULL THEN
                {refuse("family_member_has_no_account", "membership %s is no new one without an account in this pool", "one.number")}
            END IF;
            IF {years_sql("one.birth_date", "one.joined_date")} >= {OF_AGE} THEN
                {refuse("adults_sign_for_themselves", "membership %s is that of an adult", "one.number")}
            END IF;
            IF adult.person_id IS NULL OR coalesce({years_sql("adult.birth_date", "one.joined_date")} < {OF_AGE}, false)
               OR NOT {goes_on("adult")} THEN
                {refuse("guardian_is_a_covered_adult", "membership %s is not covered, or not that of an adult", "adult.number")}
            END IF;
            IF one.follows_id IS NOT NULL AND NOT EXISTS (
                SELECT 1 FROM members_familymember f
                 WHERE f.membership_id = one.follows_id AND f.document_index = NEW.document_index) THEN
                {refuse("membership_follows_one_that_is_over", "membership %s is that of another child", "one.follows_id")}
            END IF;
            IF EXISTS (SELECT 1 FROM members_identity i JOIN members_membership m ON m.person_id = i.person_id
                        WHERE i.document_index = NEW.document_index AND m.pool_id = NEW.pool_id) THEN
                {refuse("one_person_once_per_pool", "this document has joined the pool with an account")}
            END IF;
            NEW.added_at := aid_now();
            RETURN NEW;
        """,
    ),
    Guard(
        name="family_member_is_signed_and_paid_for",
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        timing=pgtrigger.Deferred,
        func=f"""
            IF NOT EXISTS (SELECT 1 FROM members_covenantsignature
                            WHERE membership_id = NEW.membership_id AND capacity <> 'self') THEN
                {refuse("family_member_is_signed_for", "nobody has signed for membership %s", "NEW.membership_id")}
            END IF;
            IF NOT EXISTS (SELECT 1 FROM members_payerlink k WHERE k.membership_id = NEW.membership_id
                              AND k.payer_id = NEW.guardian_id AND k.begun_at IS NOT NULL)
               AND NOT EXISTS (SELECT 1 FROM members_planversion v WHERE v.pool_id = NEW.pool_id AND v.terms ? 'funding') THEN
                {refuse("guardian_pays_the_share", "the share of membership %s is asked from nobody", "NEW.membership_id")}
            END IF;
            RETURN NULL;
        """,
    ),
]
