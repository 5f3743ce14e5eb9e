"""Guards of who may claim for a member. Names are the guarantees listed in ARCHITECTURE.md."""

import pgtrigger

from aidplatform.lib.guards import Guard, follows_order, judged_now, kept, refuse

# How many people may stand by at once: family and a friend, nobody's list of addresses.
MOST_DEPUTIES = 4

_FIXED = ("id", "membership_id", "person_id", "kind", "named_by", "named_at")
_LATER = ("accepted_by", "accepted_at", "ended_by", "ended_at")
_MEMBER = """(SELECT u.code FROM members_membership m JOIN members_user u ON u.id = m.person_id
               WHERE m.id = NEW.membership_id)"""
_DEPUTY = "(SELECT code FROM members_user WHERE id = NEW.person_id)"

deputy_guards = [
    follows_order(
        "deputy_follows_order",
        "state",
        {"asked": ("live", "declined"), "live": ("ended",), "declined": (), "ended": ()},
        first="asked",
    ),
    # The lock makes how many there are final for this judgment.
    Guard(
        name="deputy_is_named_by_their_member",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        func=f"""
            {judged_now()}
            PERFORM 1 FROM members_membership WHERE id = NEW.membership_id FOR NO KEY UPDATE;
            IF num_nonnulls({", ".join(f"NEW.{column}" for column in _LATER)}) > 0
               OR NEW.named_by IS DISTINCT FROM {_MEMBER}
               OR EXISTS (SELECT 1 FROM members_membershipend WHERE membership_id = NEW.membership_id) THEN
                {refuse("deputy_is_named_by_their_member", "%s does not name anybody for membership %s", "NEW.named_by", "NEW.membership_id")}
            END IF;
            IF NEW.named_by = {_DEPUTY} OR NOT EXISTS (
                   SELECT 1 FROM members_user WHERE id = NEW.person_id AND is_active AND erased_at IS NULL) THEN
                {refuse("deputy_is_somebody_else", "person %s is nobody else with an account", "NEW.person_id")}
            END IF;
            IF (SELECT count(*) FROM members_deputy WHERE membership_id = NEW.membership_id
                   AND state IN ('asked', 'live')) >= {MOST_DEPUTIES} THEN
                {refuse("deputies_have_a_limit", "membership %s has %s deputies", "NEW.membership_id", str(MOST_DEPUTIES))}
            END IF;
            NEW.named_at := aid_now();
            RETURN NEW;
        """,
    ),
    Guard(
        name="deputy_agrees_in_person",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        func=f"""
            IF ({", ".join(f"NEW.{c}" for c in _FIXED)}) IS DISTINCT FROM ({", ".join(f"OLD.{c}" for c in _FIXED)})
               OR OLD.state <> 'asked' AND (NEW.accepted_by, NEW.accepted_at) IS DISTINCT FROM (OLD.accepted_by, OLD.accepted_at)
               OR NEW.state = OLD.state AND NEW IS DISTINCT FROM OLD THEN
                {refuse("deputy_keeps_their_people", "it is ended, never edited")}
            END IF;
            IF NEW.state = 'live' AND OLD.state = 'asked' THEN
                IF NEW.accepted_by IS DISTINCT FROM {_DEPUTY} THEN
                    {refuse("deputy_agrees_in_person", "%s is not who was named", "NEW.accepted_by")}
                END IF;
                NEW.accepted_at := aid_now();
            ELSIF NEW.state <> OLD.state THEN
                IF NEW.ended_by IS DISTINCT FROM {_MEMBER} AND NEW.ended_by IS DISTINCT FROM {_DEPUTY} THEN
                    {refuse("deputy_agrees_in_person", "%s is neither of the two", "NEW.ended_by")}
                END IF;
                NEW.ended_at := aid_now();
            END IF;
            RETURN NEW;
        """,
    ),
    kept("deputies_are_kept", "who may claim for whom is ended, never deleted"),
]
