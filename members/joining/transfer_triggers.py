"""Guards of those who go on in another pool at the last age of theirs: signed ahead, in person, and without a gap.

Names are the guarantees listed in ARCHITECTURE.md.
"""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, kept, refuse


def rules_on_sql(pool: str, day: str, what: str = "v.terms") -> str:
    """Return SQL for the rules of a pool that are in force on a day, or for something of that version."""
    return f"""(SELECT {what} FROM members_planversion v WHERE v.pool_id = {pool} AND v.effective_date <= {day}
                 ORDER BY v.effective_date DESC, v.number DESC LIMIT 1)"""


def comes_over_sql(membership: str) -> str:
    """Return SQL that tells whether a membership has begun by a transfer."""
    return f"EXISTS (SELECT 1 FROM members_agetransfer WHERE begun_id = {membership})"


def agree_sql(old: str, old_code: str, new: str, new_code: str, day: str) -> str:
    """Return SQL that tells whether by the rules of a day one pool names another, and that one takes its members."""
    return f"""coalesce({rules_on_sql(old, day)}->>'successor' = {new_code}
                AND {rules_on_sql(new, day)}#>'{{takes_over,pools}}' ? {old_code}, false)"""


# Of the guard of waiting time served: what a signed transfer carries over, where the rules of the day count it.
WAITED_THERE = f"""EXISTS (
    SELECT 1 FROM members_agetransfer t JOIN members_membership m ON m.id = t.membership_id
      JOIN members_membershipend e ON e.membership_id = m.id AND e.reason = 'aged_out'
     WHERE t.pool_id = NEW.pool_id AND t.state = 'signed' AND m.person_id = NEW.person_id
       AND e.end_date = NEW.joined_date + 1 AND NEW.waiting_since_date = coalesce(m.waiting_since_date, m.joined_date)
       AND {rules_on_sql("NEW.pool_id", "e.end_date")}#>'{{takes_over,waiting_counts}}' = 'true')"""

# Of a signature's guard, which has read the membership into `joined`: it is the one that was given ahead.
SIGNED_AHEAD = f"""
        IF {comes_over_sql("joined.id")} AND NOT EXISTS (
            SELECT 1 FROM members_agetransfer t WHERE t.begun_id = joined.id AND t.plan_version_id = NEW.plan_version_id
               AND (t.signed_by, t.signed_at, t.language, t.consent_health, t.consent_publication)
                 = (NEW.signed_by, NEW.signed_at, NEW.language, NEW.consent_health, NEW.consent_publication)) THEN
            {refuse("signature_is_the_one_given_ahead", "membership %s has signed something else", "joined.number")}
        END IF;"""

_FIXED = (
    "id", "membership_id", "pool_id", "plan_version_id", "covenant_sha256", "consent_health", "consent_publication",
    "language", "signed_by", "signed_at", "signature_sha256",
)  # fmt: skip

transfer_guards = [
    Guard(
        name="transfer_is_of_what_was_shown",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=[("one", "record"), ("version", "record")],
        func=f"""
            {judged_now()}
            PERFORM 1 FROM members_pool WHERE id = NEW.pool_id FOR NO KEY UPDATE;
            PERFORM 1 FROM members_pool WHERE id = (SELECT pool_id FROM members_membership WHERE id = NEW.membership_id)
                FOR NO KEY UPDATE;
            SELECT m.pool_id, p.code AS pool_code, u.code, n.code AS new_code,
                   (aid_now() AT TIME ZONE p.time_zone)::date AS today,
                   EXISTS (SELECT 1 FROM members_membershipend e WHERE e.membership_id = m.id) AS is_over INTO one
              FROM members_membership m JOIN members_pool p ON p.id = m.pool_id
              JOIN members_pool n ON n.id = NEW.pool_id LEFT JOIN members_user u ON u.id = m.person_id
             WHERE m.id = NEW.membership_id;
            SELECT v.pool_id, v.covenant_sha256, v.number INTO version FROM members_planversion v WHERE v.id = NEW.plan_version_id;
            IF one.code IS NULL OR NEW.signed_by <> one.code THEN
                {refuse("transfer_is_signed_in_person", "%s cannot sign for membership %s", "NEW.signed_by", "NEW.membership_id")}
            END IF;
            IF one.is_over THEN
                {refuse("transfer_comes_in_time", "membership %s is over", "NEW.membership_id")}
            END IF;
            IF version.pool_id IS DISTINCT FROM NEW.pool_id OR version.covenant_sha256 IS DISTINCT FROM NEW.covenant_sha256 THEN
                {refuse("transfer_is_of_what_was_shown", "%s is not the covenant of the other pool", "NEW.covenant_sha256")}
            END IF;
            IF NOT coalesce({rules_on_sql("one.pool_id", "one.today")}->>'successor' = one.new_code
                AND (SELECT terms FROM members_planversion WHERE id = NEW.plan_version_id)#>'{{takes_over,pools}}' ? one.pool_code, false) THEN
                {refuse("transfer_is_agreed_by_both_pools", "pool %s does not go over into %s", "one.pool_code", "one.new_code")}
            END IF;
            NEW.signed_at := aid_now();
            NEW.signature_sha256 := encode(sha256(convert_to(concat_ws('|', NEW.membership_id, NEW.pool_id, version.number,
                NEW.covenant_sha256, NEW.consent_health, NEW.consent_publication, NEW.language, NEW.signed_by,
                extract(epoch FROM NEW.signed_at)), 'UTF8')), 'hex');
            RETURN NEW;
        """,
    ),
    # The new membership and its cover are written before, its signature after, all in one transaction.
    Guard(
        name="transfer_leaves_no_gap",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        declare=[("was", "record"), ("now", "record")],
        func=f"""
            {judged_now()}
            IF ({", ".join(f"NEW.{c}" for c in _FIXED)}) IS DISTINCT FROM ({", ".join(f"OLD.{c}" for c in _FIXED)})
               OR OLD.state <> 'signed' THEN
                {refuse("transfer_stays_as_signed", "transfer %s is decided, or is not edited", "OLD.id")}
            END IF;
            NEW.closed_at := aid_now();
            IF NEW.state <> 'begun' THEN
                RETURN NEW;
            END IF;
            SELECT m.pool_id, p.code, m.person_id, e.reason, e.end_date, coalesce(m.waiting_since_date, m.joined_date) AS since,
                   e.end_date::timestamp AT TIME ZONE p.time_zone AS at,
                   (SELECT count(*) FROM members_span s WHERE s.pool_id = m.pool_id AND s.membership_id = m.id
                       AND s.from_at < s.to_at AND s.to_at = e.end_date::timestamp AT TIME ZONE p.time_zone) AS covered
              INTO was FROM members_membership m JOIN members_pool p ON p.id = m.pool_id
              LEFT JOIN members_membershipend e ON e.membership_id = m.id WHERE m.id = NEW.membership_id;
            SELECT m.pool_id, p.code, p.state, m.person_id, m.joined_date, m.waiting_since_date,
                   (SELECT min(s.from_at) FROM members_span s WHERE s.pool_id = m.pool_id AND s.membership_id = m.id) AS at
              INTO now FROM members_membership m JOIN members_pool p ON p.id = m.pool_id WHERE m.id = NEW.begun_id;
            IF was.reason IS DISTINCT FROM 'aged_out' OR was.covered = 0 THEN
                {refuse("transfer_follows_ageing_out", "membership %s has not ended by age with its cover", "NEW.membership_id")}
            END IF;
            IF now.person_id IS DISTINCT FROM was.person_id OR was.person_id IS NULL OR now.pool_id IS DISTINCT FROM NEW.pool_id THEN
                {refuse("transfer_is_of_one_person", "membership %s is not that of who signed", "NEW.begun_id")}
            END IF;
            IF (now.at, now.joined_date + 1, NEW.first_date) IS DISTINCT FROM (was.at, was.end_date, was.end_date) THEN
                {refuse("transfer_leaves_no_gap", "cover ends on %s and begins at %s", "was.end_date", "now.at")}
            END IF;
            IF {rules_on_sql("NEW.pool_id", "was.end_date", "v.id")} <> NEW.plan_version_id THEN
                {refuse("transfer_signs_the_rules_of_the_day", "other rules hold on %s", "was.end_date")}
            END IF;
            IF now.state <> 'open' OR NOT {agree_sql("was.pool_id", "was.code", "NEW.pool_id", "now.code", "was.end_date")} THEN
                {refuse("transfer_is_agreed_by_both_pools", "pool %s does not go over into %s", "was.code", "now.code")}
            END IF;
            IF now.waiting_since_date IS DISTINCT FROM (CASE
                   WHEN {rules_on_sql("NEW.pool_id", "was.end_date")}#>'{{takes_over,waiting_counts}}' = 'true' THEN was.since END) THEN
                {refuse("transfer_counts_waiting_as_agreed", "waiting since %s; served since %s", "now.waiting_since_date", "was.since")}
            END IF;
            RETURN NEW;
        """,
    ),
    # Whoever comes over has signed here too: the same signature, written as that of any member.
    Guard(
        name="transfer_has_its_signature",
        when=pgtrigger.After,
        operation=pgtrigger.Update,
        timing=pgtrigger.Deferred,
        condition=pgtrigger.Condition("NEW.state = 'begun'"),
        func=f"""
            IF NOT EXISTS (SELECT 1 FROM members_covenantsignature WHERE membership_id = NEW.begun_id) THEN
                {refuse("transfer_has_its_signature", "membership %s has signed nothing", "NEW.begun_id")}
            END IF;
            RETURN NULL;
        """,
    ),
    kept("transfers_are_kept", "transfers are revoked, never deleted"),
]

# Whoever has signed to go on here at the last age of another pool is counted here from that day on: before a headcount
# those pools have followed their members' ages, and no signature of somebody whose membership there is over waits.
headcount_follows_transfers = Guard(
    name="headcount_follows_transfers",
    when=pgtrigger.Before,
    operation=pgtrigger.Update,
    condition=pgtrigger.Condition(
        "NEW.headcount_recorded_at IS DISTINCT FROM OLD.headcount_recorded_at AND NEW.state = 'open'"
    ),
    func=f"""
        IF EXISTS (
            SELECT 1 FROM members_agetransfer t JOIN members_membership m ON m.id = t.membership_id
              JOIN members_pool o ON o.id = m.pool_id
              LEFT JOIN members_membershipend e ON e.membership_id = m.id
             WHERE t.pool_id = NEW.id AND t.state = 'signed'
               AND (e.end_date <= (aid_now() AT TIME ZONE NEW.time_zone)::date
                    OR o.state = 'open' AND coalesce(
                        o.ages_followed_date < (aid_now() AT TIME ZONE o.time_zone)::date, true))) THEN
            {refuse("headcount_follows_transfers", "somebody who comes over to pool %s is not counted yet", "NEW.code")}
        END IF;
        RETURN NEW;
    """,
)
