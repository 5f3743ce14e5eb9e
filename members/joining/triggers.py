"""Guards of memberships and their spans: facts with one end, never overlapping, never behind a headcount."""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, kept, refuse
from members.joining.again_triggers import OVERLAPS_EARLIER
from members.joining.correction_triggers import says_as_corrected
from members.joining.end_triggers import no_cover_after_the_end
from members.joining.family_triggers import (
    family_member_takes_over_in_person,
    one_person_once_per_pool,
    signature_names_capacity,
)
from members.joining.import_triggers import waiting_served_is_as_imported
from members.joining.transfer_triggers import SIGNED_AHEAD, comes_over_sql
from members.people.erasure_sql import lets_erasure_pass, person_of
from members.pools.triggers import waiting_asks_for_age, waiting_days

# Both guards see whole statements, so that a million members joining costs one pass, not a million calls.
# The lock on the pool makes a span either visible to a headcount or recorded after it; new spans of a pool
# wait for each other as well, because an overlap with an uncommitted one could not be seen.
_BEHIND_A_HEADCOUNT = f"""
    {judged_now()}
    PERFORM 1 FROM members_pool WHERE id IN (SELECT DISTINCT pool_id FROM new_rows) FOR {{lock}};
    IF EXISTS (
        SELECT 1 FROM members_pool p JOIN new_rows n ON n.pool_id = p.id
         WHERE coalesce(n.ended_recorded_at, n.recorded_at) <= p.headcount_recorded_at
    ) THEN
        RAISE EXCEPTION USING ERRCODE = '40001', CONSTRAINT = 'span_is_recorded_after_headcount',
            MESSAGE = 'a headcount was taken while this span was being written: write it again';
    END IF;
"""

span_guards = [
    no_cover_after_the_end,
    Guard(
        name="span_recording_is_real",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.Update,
        func=f"""
            IF TG_OP = 'INSERT' THEN
                NEW.recorded_at := clock_timestamp();
                NEW.ended_recorded_at := CASE WHEN NEW.to_at IS NOT NULL THEN NEW.recorded_at END;
            ELSE
                IF OLD.to_at IS NOT NULL OR NEW.to_at IS NULL
                   OR (NEW.pool_id, NEW.membership_id, NEW.class_no, NEW.from_at, NEW.recorded_at)
                      IS DISTINCT FROM
                      (OLD.pool_id, OLD.membership_id, OLD.class_no, OLD.from_at, OLD.recorded_at) THEN
                    {refuse("span_ends_once", "a span can only be ended, once")}
                END IF;
                NEW.ended_recorded_at := clock_timestamp();
            END IF;
            RETURN NEW;
        """,
    ),
    Guard(
        name="spans_do_not_overlap",
        level=pgtrigger.Statement,
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        referencing=pgtrigger.Referencing(new="new_rows"),
        declare=[("wrong", "boolean"), ("misplaced", "boolean")],
        func=f"""
            {_BEHIND_A_HEADCOUNT.format(lock="NO KEY UPDATE")}
            -- EXECUTE plans anew for the rows that are there: a plan kept from a session's first, small admission was
            -- seen to read the whole table for each of a hundred thousand new rows. LIMIT and the single column
            -- keep each new row a probe of the right index.
            EXECUTE $check$
                SELECT bool_or(m.pool_id IS DISTINCT FROM n.pool_id), bool_or(
                           n.class_no <> public.members_class_at(n.pool_id, m.birth_date, m.from_day))
                  FROM new_rows n
                  LEFT JOIN LATERAL (SELECT m.pool_id, m.birth_date, CASE WHEN m.birth_date IS NOT NULL THEN
                                            (SELECT (n.from_at AT TIME ZONE p.time_zone)::date
                                               FROM public.members_pool p WHERE p.id = n.pool_id) END AS from_day
                                       FROM public.members_membership m WHERE m.id = n.membership_id LIMIT 1) m ON true
                $check$ INTO wrong, misplaced;
            IF wrong THEN
                {refuse("span_belongs_to_its_membership", "no such membership in this pool")}
            END IF;
            IF misplaced THEN
                {refuse("span_class_follows_age", "a span begins in another class than the age has in the rules")}
            END IF;
            EXECUTE $check$ SELECT EXISTS (
                SELECT 1 FROM new_rows n CROSS JOIN LATERAL (
                    SELECT 1 FROM public.members_span s
                     WHERE s.pool_id = n.pool_id AND s.membership_id = n.membership_id AND s.from_at <> n.from_at
                       AND s.from_at < coalesce(n.to_at, 'infinity') AND n.from_at < coalesce(s.to_at, 'infinity')
                     LIMIT 1) overlapping) $check$ INTO wrong;
            IF wrong THEN
                {refuse("spans_do_not_overlap", "this membership is already covered at that time")}
            END IF;
            EXECUTE $check$ {OVERLAPS_EARLIER} $check$ INTO wrong;
            IF wrong THEN
                {refuse("spans_do_not_overlap", "an earlier membership of this person is covered at that time")}
            END IF;
            RETURN NULL;
        """,
    ),
    Guard(
        name="span_end_after_headcount",
        level=pgtrigger.Statement,
        when=pgtrigger.After,
        operation=pgtrigger.Update,
        referencing=pgtrigger.Referencing(new="new_rows"),
        func=f"{_BEHIND_A_HEADCOUNT.format(lock='SHARE')} RETURN NULL;",
    ),
    kept("span_is_kept", "spans are ended, never deleted"),
]

membership_guards = [
    waiting_served_is_as_imported,
    family_member_takes_over_in_person,
    Guard(
        name="membership_keeps_its_person",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        func=f"""
            {lets_erasure_pass(person_of("OLD.id"), birth_date="NEW.birth_date IS NULL", sex="NEW.sex = ''", region="NEW.region = ''")}
            IF (NEW.id, NEW.pool_id, NEW.number, NEW.joined_date, NEW.waiting_since_date, NEW.follows_id)
               IS DISTINCT FROM (OLD.id, OLD.pool_id, OLD.number, OLD.joined_date, OLD.waiting_since_date, OLD.follows_id)
               OR (OLD.person_id IS NOT NULL AND NEW.person_id IS DISTINCT FROM OLD.person_id)
               OR (OLD.birth_date IS NOT NULL AND NEW.birth_date IS DISTINCT FROM OLD.birth_date
                   OR OLD.sex <> '' AND NEW.sex <> OLD.sex OR OLD.region <> '' AND NEW.region <> OLD.region)
                  AND NOT coalesce({says_as_corrected}, false) THEN
                {refuse("membership_keeps_its_person", "membership %s is bound to its person once", "OLD.id")}
            END IF;
            RETURN NEW;
        """,
    ),
    kept("memberships_are_kept", "memberships end, they are never deleted"),
]

# An invitation is used after the signature, in its transaction.
joins_by_invitation = Guard(
    name="joins_by_invitation",
    when=pgtrigger.After,
    operation=pgtrigger.Insert,
    timing=pgtrigger.Deferred,
    condition=pgtrigger.Condition("NEW.capacity = 'self'"),
    func=f"""
        IF EXISTS (SELECT 1 FROM members_planversion
                    WHERE id = NEW.plan_version_id AND terms->'by_invitation' = 'true'::jsonb)
           AND NOT EXISTS (SELECT 1 FROM members_invitation WHERE used_by_id = NEW.membership_id)
           AND NOT EXISTS (SELECT 1 FROM members_importedmember WHERE membership_id = NEW.membership_id)
           AND NOT {comes_over_sql("NEW.membership_id")}
           AND NOT EXISTS (SELECT 1 FROM members_membership m
                             JOIN members_dutygrant g ON g.pool_id = m.pool_id AND g.person_id = m.person_id
                            WHERE m.id = NEW.membership_id AND g.ended_at IS NULL) THEN
            {refuse("joins_by_invitation", "membership %s has joined without an invitation", "NEW.membership_id")}
        END IF;
        RETURN NULL;
    """,
)

# By the rules that were signed. The record of a child is sealed whole: whoever signs for it is held by the service alone.
document_is_one_that_is_taken = Guard(
    name="document_is_one_that_is_taken",
    when=pgtrigger.Before,
    operation=pgtrigger.Insert,
    condition=pgtrigger.Condition("NEW.capacity = 'self'"),
    func=f"""
        IF EXISTS (SELECT 1 FROM members_membership m
                     JOIN members_identity i ON i.person_id = m.person_id
                     JOIN members_planversion v ON v.id = NEW.plan_version_id
                    WHERE m.id = NEW.membership_id
                      AND NOT coalesce(v.terms#>'{{documents,kinds}}', '["resident_id", "passport"]') ? i.kind) THEN
            {refuse("document_is_one_that_is_taken", "membership %s shows a document of another kind", "NEW.membership_id")}
        END IF;
        RETURN NEW;
    """,
)

signed_application_stays = Guard(
    name="signed_application_stays",
    when=pgtrigger.Before,
    operation=pgtrigger.Update | pgtrigger.Delete,
    func=f"""
        IF TG_OP = 'DELETE' OR OLD.state <> 'draft'
           OR (NEW.id, NEW.pool_id, NEW.person_id, NEW.started_at)
              IS DISTINCT FROM (OLD.id, OLD.pool_id, OLD.person_id, OLD.started_at) THEN
            {refuse("signed_application_stays", "application %s cannot be changed any more", "OLD.id")}
        END IF;
        RETURN NEW;
    """,
)

# One guard for one sentence: a signature is of the texts in force on the day of joining, by an identified person,
# with the waiting period these texts name.
signature_is_of_what_was_shown = Guard(
    name="signature_is_of_what_was_shown",
    when=pgtrigger.Before,
    operation=pgtrigger.Insert,
    declare=[
        ("joined", "members_membership%ROWTYPE"),
        ("version", "members_planversion%ROWTYPE"),
        ("day", "date"),
    ],
    func=f"""
        SELECT * INTO STRICT joined FROM members_membership WHERE id = NEW.membership_id;
        SELECT * INTO STRICT version FROM members_planversion WHERE id = NEW.plan_version_id;
        -- Whoever comes over has signed ahead, for the first day of cover.
        day := joined.joined_date + CASE WHEN {comes_over_sql("joined.id")} THEN 1 ELSE 0 END;
        IF version.pool_id <> joined.pool_id OR version.effective_date > day OR EXISTS (
            SELECT 1 FROM members_planversion v
             WHERE v.pool_id = joined.pool_id AND v.effective_date > version.effective_date
               AND v.effective_date <= day
        ) THEN
            {refuse("signature_names_plan_in_force", "version %s was not in force", "version.number")}
        END IF;
        IF (NEW.covenant_sha256, NEW.declaration_sha256)
           IS DISTINCT FROM (version.covenant_sha256, version.declaration_sha256) THEN
            {refuse("signature_is_of_what_was_shown", "version %s has other texts", "version.number")}
        END IF;
        IF (NEW.joined_age IS NOT NULL) <> {waiting_asks_for_age("version.terms")} THEN
            {refuse("waiting_follows_plan", "the age at joining is kept where waiting asks for it, and only there")}
        END IF;
        -- Who has waited in a pool that moved in is covered from tomorrow on at the earliest, like everybody.
        IF NEW.eligible_date <> greatest(joined.joined_date + 1, coalesce(joined.waiting_since_date, joined.joined_date)
               + 1 + {waiting_days("version.terms", "'illness'", "NEW.joined_age")}) THEN
            {refuse("waiting_follows_plan", "waiting does not end on %s", "NEW.eligible_date")}
        END IF;
        IF NOT EXISTS (SELECT 1 FROM members_identity WHERE person_id = joined.person_id)
           AND NOT EXISTS (SELECT 1 FROM members_familymember WHERE membership_id = joined.id) THEN
            {refuse("signature_needs_an_identity", "membership %s has nobody identified", "joined.number")}
        END IF;
        {SIGNED_AHEAD}
        {signature_names_capacity}
        {one_person_once_per_pool}
        NEW.signature_sha256 := encode(sha256(convert_to(concat_ws('|', NEW.membership_id, version.number,
            NEW.covenant_sha256, NEW.declaration_sha256, encode(sha256(NEW.answers_sealed), 'hex'),
            NEW.consent_health, NEW.consent_publication, NEW.language, NEW.eligible_date,
            extract(epoch FROM NEW.signed_at), NEW.joined_age,
            CASE WHEN NEW.capacity <> 'self' THEN NEW.capacity || ' ' || NEW.signed_by END), 'UTF8')), 'hex');
        RETURN NEW;
    """,
)
