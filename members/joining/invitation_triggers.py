"""Guards of invitations to join: made by a covered member within limits, answered once, never rewarded."""

import pgtrigger

from aidplatform.lib.guards import Guard, follows_order, judged_now, kept, refuse
from members.joining.family_triggers import goes_on
from members.people.erasure_sql import lets_erasure_pass, person_of

# How long a link can be used: long enough for a family to decide, short enough that a lost one is soon worth nothing.
DAYS_OPEN = 30
# Limits against mass sign-up by one person: as many as sit at a table wait, and a busy month's worth is made.
MOST_OPEN = 5
MOST_IN_A_MONTH = 20

_FIXED = (
    "id", "pool_id", "inviter_id", "token_sha256", "label_sealed", "pays", "made_at", "expires_at"
)  # fmt: skip
_LOCK = "PERFORM 1 FROM members_pool WHERE id = NEW.pool_id FOR NO KEY UPDATE;"

invitation_guards = [
    follows_order(
        "invitation_is_used_once",
        "state",
        {"open": ("used", "taken_back"), "used": (), "taken_back": ()},
        first="open",
    ),
    Guard(
        name="invitation_begins_open",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=[("inviting", "members_membership%ROWTYPE")],
        func=f"""
            {judged_now()}
            {_LOCK}
            SELECT * INTO STRICT inviting FROM members_membership WHERE id = NEW.inviter_id;
            IF inviting.pool_id <> NEW.pool_id OR inviting.person_id IS NULL OR NOT {goes_on("inviting")} THEN
                {refuse("members_invite_while_covered", "membership %s does not go on in this pool", "inviting.number")}
            END IF;
            NEW.made_at := aid_now();
            NEW.expires_at := NEW.made_at + interval '{DAYS_OPEN} days';
            IF (SELECT count(*) FROM members_invitation i
                 WHERE i.inviter_id = NEW.inviter_id AND i.state = 'open' AND i.expires_at > NEW.made_at) >= {MOST_OPEN}
               OR (SELECT count(*) FROM members_invitation i WHERE i.inviter_id = NEW.inviter_id
                      AND i.made_at > NEW.made_at - interval '30 days') >= {MOST_IN_A_MONTH} THEN
                {refuse("invitations_stay_within_limits", "membership %s has made as many as it may", "inviting.number")}
            END IF;
            RETURN NEW;
        """,
    ),
    Guard(
        name="invitation_keeps_its_people",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        func=f"""
            {lets_erasure_pass(person_of("OLD.inviter_id"), label_sealed="NEW.label_sealed = ''")}
            {lets_erasure_pass(person_of("OLD.used_by_id"), label_sealed="NEW.label_sealed = ''")}
            IF ({", ".join(f"NEW.{c}" for c in _FIXED)}) IS DISTINCT FROM ({", ".join(f"OLD.{c}" for c in _FIXED)})
               OR OLD.state <> 'open' OR NEW.state = 'open' THEN
                {refuse("invitation_keeps_its_people", "it is used or taken back once, never edited")}
            END IF;
            {judged_now()}
            {_LOCK}
            NEW.ended_at := aid_now();
            IF NEW.state = 'used' AND OLD.expires_at <= NEW.ended_at THEN
                {refuse("invitation_is_live", "it has expired on %s", "OLD.expires_at")}
            END IF;
            IF NEW.state = 'used' AND NOT EXISTS (
                SELECT 1 FROM members_membership m JOIN members_membership i ON i.id = NEW.inviter_id
                  JOIN members_covenantsignature s ON s.membership_id = m.id
                 WHERE m.id = NEW.used_by_id AND m.pool_id = NEW.pool_id AND m.person_id IS DISTINCT FROM i.person_id
                   AND s.signed_at >= OLD.made_at) THEN
                {refuse("inviter_is_another_of_the_pool", "membership %s was not signed by this invitation", "NEW.used_by_id")}
            END IF;
            RETURN NEW;
        """,
    ),
    kept("invitations_are_kept", "invitations are used or taken back, never deleted"),
]
