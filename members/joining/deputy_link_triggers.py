"""Guards of links by which a member names somebody without an account: theirs, few, used once and in person."""

import pgtrigger

from aidplatform.lib.guards import Guard, follows_order, judged_now, kept, refuse
from members.joining.deputy_triggers import MOST_DEPUTIES
from members.people.erasure_sql import lets_erasure_pass, person_of

# As long as a family needs to sit down together; a lost link is soon worth nothing.
DAYS_OPEN = 14
# Links can be mailed to people who have not asked for it: no more than a family needs, whatever is taken back.
MOST_IN_A_MONTH = 10

_FIXED = (
    "id", "membership_id", "kind", "label_sealed", "token_sha256", "made_by", "made_at", "expires_at"
)  # fmt: skip
_LOCK = "PERFORM 1 FROM members_membership WHERE id = NEW.membership_id FOR NO KEY UPDATE;"
_EMPTIED = {
    "label_sealed": "NEW.label_sealed = ''",
    "name_sealed": "coalesce(NEW.name_sealed = '', true)",
}

deputy_link_guards = [
    follows_order(
        "deputy_link_is_used_once",
        "state",
        {"open": ("used", "taken_back"), "used": (), "taken_back": ()},
        first="open",
    ),
    # The lock makes how many there are final for this judgment.
    Guard(
        name="deputy_link_is_made_by_its_member",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        func=f"""
            {judged_now()}
            {_LOCK}
            IF EXISTS (SELECT 1 FROM members_membershipend WHERE membership_id = NEW.membership_id)
               OR NEW.made_by IS DISTINCT FROM (
                   SELECT u.code FROM members_membership m JOIN members_user u ON u.id = m.person_id
                    WHERE m.id = NEW.membership_id) THEN
                {refuse("deputy_link_is_made_by_its_member", "%s makes no link for membership %s", "NEW.made_by", "NEW.membership_id")}
            END IF;
            NEW.made_at := aid_now();
            NEW.expires_at := NEW.made_at + interval '{DAYS_OPEN} days';
            IF (SELECT count(*) FROM members_deputy
                 WHERE membership_id = NEW.membership_id AND state IN ('asked', 'live'))
               + (SELECT count(*) FROM members_deputylink
                   WHERE membership_id = NEW.membership_id AND state = 'open' AND expires_at > NEW.made_at) >= {MOST_DEPUTIES}
               OR (SELECT count(*) FROM members_deputylink WHERE membership_id = NEW.membership_id
                      AND made_at > NEW.made_at - interval '30 days') >= {MOST_IN_A_MONTH} THEN
                {refuse("deputy_links_have_a_limit", "membership %s has made as many as it may", "NEW.membership_id")}
            END IF;
            RETURN NEW;
        """,
    ),
    Guard(
        name="deputy_link_keeps_what_it_says",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        func=f"""
            {lets_erasure_pass(person_of("OLD.membership_id"), **_EMPTIED)}
            {lets_erasure_pass("(SELECT person_id FROM members_deputy WHERE id = OLD.deputy_id)", **_EMPTIED)}
            IF ({", ".join(f"NEW.{c}" for c in _FIXED)}) IS DISTINCT FROM ({", ".join(f"OLD.{c}" for c in _FIXED)})
               OR OLD.state <> 'open' OR NEW.state = 'open' THEN
                {refuse("deputy_link_keeps_what_it_says", "it is used or taken back once, never edited")}
            END IF;
            {judged_now()}
            {_LOCK}
            NEW.ended_at := aid_now();
            IF NEW.state = 'used' AND OLD.expires_at <= NEW.ended_at THEN
                {refuse("deputy_link_is_live", "it has expired on %s", "OLD.expires_at")}
            END IF;
            IF NEW.state = 'used' AND NOT EXISTS (
                SELECT 1 FROM members_deputy d WHERE d.id = NEW.deputy_id AND d.membership_id = NEW.membership_id
                   AND d.kind = NEW.kind AND d.state = 'live' AND d.accepted_at >= NEW.made_at) THEN
                {refuse("deputy_link_names_who_agreed", "deputy %s has not agreed to what link %s asks", "NEW.deputy_id", "NEW.id")}
            END IF;
            RETURN NEW;
        """,
    ),
    kept("deputy_links_are_kept", "links are used or taken back, never deleted"),
]
