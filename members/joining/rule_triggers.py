"""Guards of what members answer to new rules: in person, to what was shown, in time; and of what silence leads to.

Names are the guarantees listed in ARCHITECTURE.md.
"""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, permanent, refuse
from members.joining.guardian_sql import guardian_code_sql
from members.joining.kin_triggers import nobody_answers_sql
from members.pools.triggers import asks_consent_sql, holds_pool_duty


def can_answer_sql(membership: str) -> str:
    """Return SQL that tells whether somebody with an account speaks for a membership: its person, or a guardian.

    For a child whose guardian has died nobody does, until another one has had time to.
    """
    return f"""({membership}.person_id IS NOT NULL OR EXISTS (
        SELECT 1 FROM members_familymember kin WHERE kin.membership_id = {membership}.id)
        AND NOT {nobody_answers_sql(f"{membership}.id")})"""


def silent_sql(membership: str, version: str) -> str:
    """Return SQL that tells whether a membership that goes on was asked about a version and has not agreed.

    Whoever has signed that very version, ahead of the day on which they come over, has agreed.
    """
    return f"""({can_answer_sql(membership)} AND {membership}.joined_date < {version}.effective_date
        AND NOT EXISTS (SELECT 1 FROM members_membershipend gone WHERE gone.membership_id = {membership}.id)
        AND NOT EXISTS (SELECT 1 FROM members_covenantsignature own
                         WHERE own.membership_id = {membership}.id AND own.plan_version_id = {version}.id)
        AND NOT EXISTS (SELECT 1 FROM members_ruleconsent said
                         WHERE said.membership_id = {membership}.id AND said.plan_version_id = {version}.id))"""


consent_guards = [
    *permanent("consent_is_permanent"),
    # Shared, so that members agree beside each other, and not while those who have not are counted.
    Guard(
        name="consent_is_to_what_was_shown",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=[("rules", "record"), ("who", "record")],
        func=f"""
            {judged_now()}
            SELECT v.pool_id, v.effective_date, v.proposal_id, a.shown_sha256,
                   (aid_now() AT TIME ZONE p.time_zone)::date AS today INTO rules
              FROM members_pool p JOIN members_planversion v ON v.pool_id = p.id
              LEFT JOIN members_planproposal a ON a.id = v.proposal_id
             WHERE v.id = NEW.plan_version_id FOR SHARE OF p;
            SELECT m.pool_id, m.joined_date, u.code, {guardian_code_sql("m.id")} AS guardian INTO who
              FROM members_membership m LEFT JOIN members_user u ON u.id = m.person_id WHERE m.id = NEW.membership_id;
            IF rules.pool_id IS DISTINCT FROM who.pool_id OR rules.shown_sha256 IS DISTINCT FROM NEW.shown_sha256 THEN
                {refuse("consent_is_to_what_was_shown", "%s is not the hash of a change of that pool's rules", "NEW.shown_sha256")}
            END IF;
            IF rules.today >= rules.effective_date OR who.joined_date >= rules.effective_date OR EXISTS (
                SELECT 1 FROM members_membershipend WHERE membership_id = NEW.membership_id) THEN
                {refuse("consent_comes_in_time", "the rules hold from %s on, or the membership is over", "rules.effective_date")}
            END IF;
            IF NEW.given_by IS DISTINCT FROM coalesce(who.code, who.guardian)
               OR (NEW.capacity = 'self') <> (who.code IS NOT NULL) THEN
                {refuse("consent_is_given_in_person", "%s does not speak for that membership", "NEW.given_by")}
            END IF;
            NEW.given_at := aid_now();
            RETURN NEW;
        """,
    ),
]

reminder_guards = [
    *permanent("reminder_is_permanent"),
    Guard(
        name="reminder_is_sent_in_time",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=[("rules", "record")],
        func=f"""
            SELECT v.pool_id, v.effective_date, v.proposal_id, (aid_now() AT TIME ZONE p.time_zone)::date AS today INTO rules
              FROM members_planversion v JOIN members_pool p ON p.id = v.pool_id WHERE v.id = NEW.plan_version_id;
            IF rules.proposal_id IS NULL OR rules.today >= rules.effective_date THEN
                {refuse("reminder_is_sent_in_time", "the rules hold from %s on", "rules.effective_date")}
            END IF;
            IF rules.pool_id <> NEW.pool_id OR NOT {holds_pool_duty("sent_by", "pool_admin")} THEN
                {refuse("reminder_is_an_admins", "%s is no pool admin", "NEW.sent_by")}
            END IF;
            NEW.sent_at := aid_now();
            RETURN NEW;
        """,
    ),
]

# Hung on the pool, whose day moves on with the ages: whoever is counted from that day on has agreed.
nobody_stays_without_consent = Guard(
    name="nobody_stays_without_consent",
    when=pgtrigger.Before,
    operation=pgtrigger.Update,
    condition=pgtrigger.Condition(
        "NEW.ages_followed_date IS DISTINCT FROM OLD.ages_followed_date"
        " OR NEW.headcount_recorded_at IS DISTINCT FROM OLD.headcount_recorded_at"
    ),
    declare=[("today", "date")],
    func=f"""
        today := (aid_now() AT TIME ZONE NEW.time_zone)::date;
        IF NEW.state = 'open' AND NEW.headcount_recorded_at IS DISTINCT FROM OLD.headcount_recorded_at AND EXISTS (
            SELECT 1 FROM members_planversion v WHERE v.pool_id = NEW.id AND v.effective_date <= today
               AND v.effective_date > coalesce(NEW.ages_followed_date, '-infinity') AND {asks_consent_sql("v")}) THEN
            {refuse("nobody_stays_without_consent", "members who have not agreed are followed until %s only", "NEW.ages_followed_date")}
        END IF;
        IF NEW.state = 'open' AND NEW.ages_followed_date IS DISTINCT FROM OLD.ages_followed_date AND EXISTS (
            SELECT 1 FROM members_planversion v JOIN members_membership m ON m.pool_id = v.pool_id
             WHERE v.pool_id = NEW.id AND v.effective_date <= NEW.ages_followed_date
               AND v.effective_date > coalesce(OLD.ages_followed_date, '-infinity')
               AND {asks_consent_sql("v")} AND {silent_sql("m", "v")}) THEN
            {refuse("nobody_stays_without_consent", "somebody who was asked has not agreed by %s", "NEW.ages_followed_date")}
        END IF;
        RETURN NEW;
    """,
)
