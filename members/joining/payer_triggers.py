"""Guards of who pays for whom. Names are the guarantees listed in ARCHITECTURE.md.

Every step takes the row of the pool first, so that two of them cannot both find what each of them takes away.
"""

import pgtrigger

from aidplatform.lib.guards import Guard, follows_order, judged_now, kept, refuse
from members.joining.guardian_sql import guardian_code_sql

# How long the transfers of a payer whose membership has ended still count for whom they pay for.
DAYS_TO_FIND_A_PAYER = 30

_FIXED = ("id", "pool_id", "membership_id", "payer_id", "listed_id", "asked_by", "asked_at")
_LATER = ("accepted_by", "begun_at", "ended_by", "ended_at")
_LOCK = "PERFORM 1 FROM members_pool WHERE id = NEW.pool_id FOR NO KEY UPDATE;"


def in_force_sql(link: str) -> str:
    """Return SQL that tells whether the payer of a link pays now: not ended, and not long gone from a pool that goes on."""
    return f"""({link}.state = 'live' AND (
        coalesce((SELECT max(coalesce(gone.to_at, 'infinity')) FROM members_span gone
                   WHERE gone.pool_id = {link}.pool_id AND gone.membership_id = {link}.payer_id), 'infinity')
            > aid_now() - interval '{DAYS_TO_FIND_A_PAYER} days'
        OR EXISTS (SELECT 1 FROM members_pool ending
                    WHERE ending.id = {link}.pool_id AND ending.state IN ('winding_down', 'closed'))))"""


def _person_of(membership: str) -> str:
    """Return SQL for the code of the person of a membership."""
    return f"""(SELECT u.code FROM members_membership m JOIN members_user u ON u.id = m.person_id
                 WHERE m.id = NEW.{membership})"""


def _speaks_for(membership: str) -> str:
    """Return SQL for the code of who speaks for a membership: its person, else its guardian."""
    return f"coalesce({_person_of(membership)}, {guardian_code_sql(f'NEW.{membership}')})"


# The approved lists name the payer in the row that the member has confirmed, and the payer has confirmed theirs.
_AS_LISTED = """EXISTS (
    SELECT 1 FROM members_importedmember r
      JOIN members_importedmember p ON p.pool_id = r.pool_id AND p.email = r.payer AND p.state = 'confirmed'
     WHERE r.id = NEW.listed_id AND r.state = 'confirmed' AND r.membership_id = NEW.membership_id
       AND p.membership_id = NEW.payer_id)"""

# Who has no account yet and goes on, as does the guardian, who pays. Another payer may stop.
_HAS_NOBODY_ELSE = """EXISTS (
    SELECT 1 FROM members_familymember f JOIN members_membership m ON m.id = f.membership_id
     WHERE f.membership_id = NEW.membership_id AND f.guardian_id = NEW.payer_id AND m.person_id IS NULL AND NOT EXISTS (
         SELECT 1 FROM members_membershipend e WHERE e.membership_id IN (NEW.membership_id, NEW.payer_id)))"""

payer_guards = [
    follows_order(
        "payer_link_follows_order",
        "state",
        {"asked": ("live", "declined"), "live": ("ended",), "declined": (), "ended": ()},
        first="asked",
    ),
    Guard(
        name="payer_link_begins_asked",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        func=f"""
            {judged_now()}
            {_LOCK}
            IF num_nonnulls({", ".join(f"NEW.{column}" for column in _LATER)}) > 0 THEN
                {refuse("payer_link_begins_asked", "it brings later steps along")}
            END IF;
            IF (SELECT count(*) FROM members_membership
                 WHERE id IN (NEW.membership_id, NEW.payer_id) AND pool_id = NEW.pool_id) <> 2 THEN
                {refuse("payer_is_another_of_the_pool", "%s and %s are no two members of the pool", "NEW.membership_id", "NEW.payer_id")}
            END IF;
            IF EXISTS (SELECT 1 FROM members_membership m JOIN members_user u ON u.id = m.person_id
                        WHERE m.id IN (NEW.membership_id, NEW.payer_id) AND u.erased_at IS NOT NULL) THEN
                {refuse("erased_account_stays_erased", "membership %s or %s is nobody's any more", "NEW.membership_id", "NEW.payer_id")}
            END IF;
            IF EXISTS (SELECT 1 FROM members_planversion v WHERE v.pool_id = NEW.pool_id AND v.terms ? 'funding') THEN
                {refuse("payers_are_where_members_pay_afterwards", "members of this pool pay ahead, each into a wallet")}
            END IF;
            IF NEW.listed_id IS NULL AND NEW.asked_by IS DISTINCT FROM {_speaks_for("membership_id")} THEN
                {refuse("payer_agrees_in_person", "%s is not who is to be paid for", "NEW.asked_by")}
            END IF;
            IF NEW.listed_id IS NOT NULL AND NOT {_AS_LISTED} THEN
                {refuse("listed_payer_is_as_imported", "no approved list names this payer, or one of the two has not confirmed")}
            END IF;
            NEW.asked_at := aid_now();
            RETURN NEW;
        """,
    ),
    Guard(
        name="payer_link_keeps_its_people",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        func=f"""
            IF ({", ".join(f"NEW.{c}" for c in _FIXED)}) IS DISTINCT FROM ({", ".join(f"OLD.{c}" for c in _FIXED)})
               OR OLD.state <> 'asked' AND (NEW.accepted_by, NEW.begun_at) IS DISTINCT FROM (OLD.accepted_by, OLD.begun_at)
               OR NEW.state = OLD.state AND NEW IS DISTINCT FROM OLD THEN
                {refuse("payer_link_keeps_its_people", "it is ended, never edited")}
            END IF;
            {judged_now()}
            {_LOCK}
            IF NEW.state = 'live' AND OLD.state = 'asked' THEN
                IF NEW.listed_id IS NULL AND NEW.accepted_by IS DISTINCT FROM {_person_of("payer_id")} THEN
                    {refuse("payer_agrees_in_person", "%s is not who is to pay", "NEW.accepted_by")}
                END IF;
                IF EXISTS (SELECT 1 FROM members_payerlink k WHERE k.pool_id = NEW.pool_id AND k.state = 'live'
                              AND (k.membership_id = NEW.payer_id OR k.payer_id = NEW.membership_id)) THEN
                    {refuse("payers_pay_for_themselves", "the payer is paid for by somebody else, or the member pays for others")}
                END IF;
                NEW.begun_at := aid_now();
            ELSIF NEW.state <> OLD.state THEN
                IF NEW.ended_by IS DISTINCT FROM {_speaks_for("membership_id")}
                   AND NEW.ended_by IS DISTINCT FROM {_person_of("payer_id")} THEN
                    {refuse("payer_agrees_in_person", "%s is neither of the two", "NEW.ended_by")}
                END IF;
                NEW.ended_at := aid_now();
                IF OLD.state = 'live' AND {_HAS_NOBODY_ELSE} THEN
                    {refuse("family_share_has_a_payer", "nobody else can be asked for the share of membership %s", "NEW.membership_id")}
                END IF;
            END IF;
            RETURN NEW;
        """,
    ),
    kept("payer_links_are_kept", "who paid for whom is ended, never deleted"),
]
