"""Guards of arrears: who is suspended for an unpaid share and when, how they come back, and pauses for hardship.

Names are the guarantees listed in ARCHITECTURE.md. Every step takes the row of the pool and then that of its bank
account, so that it meets payments and chargebacks one after the other.
"""

import pgtrigger

from aidplatform.lib.crypto import LENGTH_OF_NOTHING
from aidplatform.lib.guards import Guard, judged_now, kept, refuse
from ledger.custody.arrears_sql import keeps_out_sql, open_shares_sql
from members.people.erasure_sql import lets_erasure_pass, person_of
from members.pools.triggers import holds_pool_duty

_LOCK = """
    PERFORM 1 FROM members_pool WHERE id = NEW.pool_id FOR NO KEY UPDATE;
    PERFORM 1 FROM ledger_bankaccount WHERE pool_id = NEW.pool_id FOR NO KEY UPDATE;
"""
_TODAY = """(SELECT (aid_now() AT TIME ZONE time_zone)::date FROM members_pool WHERE id = NEW.pool_id)"""


def heard_sql(day: str) -> str:
    """Return SQL that tells whether a statement of the pool's account tells about all of that day."""
    return f"""EXISTS (SELECT 1 FROM ledger_bankstatement s JOIN ledger_bankaccount a ON a.id = s.account_id
                        WHERE a.pool_id = NEW.pool_id AND s.to_date > {day})"""


arrears_guards = [
    Guard(
        name="suspension_waits_for_the_grace",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        condition=pgtrigger.Condition("NEW.cause = 'unpaid'"),
        declare=[("due", "record"), ("today", "date")],
        func=f"""
            {judged_now()}
            {_LOCK}
            today := {_TODAY};
            SELECT * INTO due FROM ({open_shares_sql("NEW.pool_id", "NEW.membership_id")}) o
             WHERE o.period_no = NEW.period_no;
            IF due.last_date IS NULL THEN
                {refuse("suspension_follows_an_unpaid_share", "nothing of period %s is open, or its rules suspend nobody", "NEW.period_no")}
            END IF;
            IF due.last_date >= today OR NEW.from_date <= today THEN
                {refuse("suspension_waits_for_the_grace", "the grace of period %s ends with %s", "NEW.period_no", "due.last_date")}
            END IF;
            IF NOT {heard_sql("due.last_date")} THEN
                {refuse("suspension_waits_for_the_bank", "no statement tells about %s", "due.last_date")}
            END IF;
            IF NEW.until_date < NEW.from_date - 1 + (due.arrears->>'make_up_days')::int THEN
                {refuse("suspension_leaves_its_days_to_make_up", "%s days after the last day of cover", "due.arrears->>'make_up_days'")}
            END IF;
            RETURN NEW;
        """,
    ),
    Guard(
        name="suspension_waits_for_the_bank",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        condition=pgtrigger.Condition("NEW.cause = 'unpaid' AND NEW.state = 'lapsed'"),
        func=f"""
            {judged_now()}
            {_LOCK}
            IF NEW.until_date >= {_TODAY} OR NOT {heard_sql("NEW.until_date")} THEN
                {refuse("suspension_waits_for_the_bank", "no statement tells about %s", "NEW.until_date")}
            END IF;
            RETURN NEW;
        """,
    ),
    Guard(
        name="suspension_ends_once_all_is_paid",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        condition=pgtrigger.Condition("NEW.cause = 'unpaid' AND NEW.state = 'restored'"),
        func=f"""
            {judged_now()}
            {_LOCK}
            IF {keeps_out_sql("NEW")} THEN
                {refuse("suspension_ends_once_all_is_paid", "membership %s has an open share", "NEW.membership_id")}
            END IF;
            RETURN NEW;
        """,
    ),
]

# Hung on the spans of memberships: nobody is covered again past what they have to make up. Few are suspended, and their
# index is small: a million who join cost one look at it.
cover_goes_on_once_all_is_paid = Guard(
    name="cover_goes_on_once_all_is_paid",
    level=pgtrigger.Statement,
    when=pgtrigger.After,
    operation=pgtrigger.Insert,
    referencing=pgtrigger.Referencing(new="new_rows"),
    declare=[("bad", "bigint")],
    func=f"""
        IF NOT EXISTS (SELECT 1 FROM ledger_suspension WHERE state = 'suspended' AND cause = 'unpaid'
                          AND pool_id IN (SELECT DISTINCT pool_id FROM new_rows)) THEN
            RETURN NULL;
        END IF;
        SELECT s.membership_id INTO bad FROM ledger_suspension s
          JOIN new_rows n ON n.pool_id = s.pool_id AND n.membership_id = s.membership_id
         WHERE s.state = 'suspended' AND s.cause = 'unpaid' AND {keeps_out_sql("s")} LIMIT 1;
        IF FOUND THEN
            {refuse("cover_goes_on_once_all_is_paid", "membership %s has an open share", "bad")}
        END IF;
        RETURN NULL;
    """,
)

# What a grant is hashed over, in this order, joined by '|'; the reason as it is sealed, so that nobody can guess it by the hash.
_SHOWN = ("pool_id", "number", "membership_id", "reason_sealed", "asked_by", "days", "proposed_by")
_ASKED = ("id", "pool_id", "number", "membership_id", "reason_sealed", "asked_by", "asked_at")
_PROPOSED = ("days", "proposed_by", "proposed_at", "shown_sha256")
_LATER = ("days", "proposed_by", "proposed_at", "upto_period_no", "decided_by", "decided_at")


def pause_shown_sql(row: str) -> str:
    """Return SQL for the text that a grant is hashed over; missing parts are written as nothing."""
    return "concat_ws('|', " + ", ".join(f"coalesce({row}.{column}::text, '')" for column in _SHOWN) + ")"


def _differ(columns: tuple[str, ...]) -> str:
    return f"""({", ".join(f"NEW.{c}" for c in columns)}) IS DISTINCT FROM ({", ".join(f"OLD.{c}" for c in columns)})"""


# Whose membership it is: they neither propose nor decide it themselves.
_OWN = """EXISTS (SELECT 1 FROM members_membership m JOIN members_user u ON u.id = m.person_id
                   WHERE m.id = NEW.membership_id AND u.code IN (NEW.proposed_by, NEW.decided_by))"""

_WITHIN = f"""
    SELECT count(*) AS shares, min(coalesce((o.arrears->>'hardship_days')::int, 0) - o.paused_days) AS free INTO open
      FROM ({open_shares_sql("NEW.pool_id", "NEW.membership_id")}) o WHERE o.arrears IS NOT NULL;
    IF open.shares = 0 OR EXISTS (SELECT 1 FROM ledger_suspension
                                   WHERE pool_id = NEW.pool_id AND membership_id = NEW.membership_id AND state = 'suspended')
       OR EXISTS (SELECT 1 FROM members_membershipend WHERE membership_id = NEW.membership_id) THEN
        {refuse("hardship_pause_comes_in_the_grace", "membership %s has no share in its grace", "NEW.membership_id")}
    END IF;
    IF NEW.days > coalesce(open.free, 0) THEN
        {refuse("hardship_pause_keeps_to_the_plan", "%s days, the rules leave %s", "NEW.days", "coalesce(open.free, 0)")}
    END IF;
"""

pause_guards = [
    Guard(
        name="hardship_pause_begins_asked",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        func=f"""
            {judged_now()}
            {_LOCK}
            IF num_nonnulls({", ".join(f"NEW.{column}" for column in _LATER)}) > 0 OR NOT EXISTS (
                SELECT 1 FROM members_membership WHERE id = NEW.membership_id AND pool_id = NEW.pool_id) THEN
                {refuse("hardship_pause_begins_asked", "membership %s is of another pool, or the pause is decided", "NEW.membership_id")}
            END IF;
            IF octet_length(NEW.reason_sealed) <= {LENGTH_OF_NOTHING} THEN
                {refuse("hardship_pause_says_why", "nothing is sealed in the place of a reason")}
            END IF;
            IF NOT {holds_pool_duty("asked_by", "pool_admin", "controller", "treasurer")} AND NOT EXISTS (
                SELECT 1 FROM members_membership m JOIN members_user u ON u.id = m.person_id
                 WHERE m.id = NEW.membership_id AND u.code = NEW.asked_by) THEN
                {refuse("hardship_pause_people_hold_their_duty", "%s may not ask for it", "NEW.asked_by")}
            END IF;
            NEW.number := coalesce((SELECT max(number) FROM ledger_hardshippause WHERE pool_id = NEW.pool_id), 0) + 1;
            NEW.asked_at := aid_now();
            NEW.shown_sha256 := '';
            RETURN NEW;
        """,
    ),
    Guard(
        name="hardship_pause_keeps_to_the_plan",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        declare=[("open", "record")],
        func=f"""
            {lets_erasure_pass(person_of("OLD.membership_id"), reason_sealed="NEW.reason_sealed = ''")}
            {judged_now()}
            {_LOCK}
            IF OLD.state IN ('granted', 'declined') OR {_differ(_ASKED)}
               OR NEW.state <> 'proposed' AND {_differ(_PROPOSED)} THEN
                {refuse("hardship_pause_is_decided_as_shown", "pause %s is not edited", "OLD.number")}
            END IF;
            IF NEW.state IN ('proposed', 'granted') AND {_OWN} THEN
                {refuse("hardship_pause_is_anothers", "%s does not grant their own", "NEW.asked_by")}
            END IF;
            IF NEW.state = 'proposed' THEN
                IF OLD.state <> 'asked' THEN
                    {refuse("hardship_pause_is_decided_as_shown", "pause %s is not edited", "OLD.number")}
                END IF;
                IF NOT {holds_pool_duty("proposed_by", "pool_admin")} THEN
                    {refuse("hardship_pause_people_hold_their_duty", "%s is no pool admin", "NEW.proposed_by")}
                END IF;
                NEW.proposed_at := aid_now();
                {_WITHIN}
                NEW.shown_sha256 := encode(sha256(convert_to({pause_shown_sql("NEW")}, 'UTF8')), 'hex');
            ELSIF NEW.state = 'granted' THEN
                IF NOT {holds_pool_duty("decided_by", "controller")} THEN
                    {refuse("hardship_pause_people_hold_their_duty", "%s is no controller", "NEW.decided_by")}
                END IF;
                NEW.decided_at := aid_now();
                {_WITHIN}
                NEW.upto_period_no := (SELECT max(number) FROM ledger_period
                                        WHERE pool_id = NEW.pool_id AND charges_notified_at IS NOT NULL);
            ELSE
                IF NOT {holds_pool_duty("decided_by", "controller", "pool_admin")} THEN
                    {refuse("hardship_pause_people_hold_their_duty", "%s may not decline it", "NEW.decided_by")}
                END IF;
                NEW.decided_at := aid_now();
                NEW.upto_period_no := NULL;
            END IF;
            RETURN NEW;
        """,
    ),
    kept("hardship_pauses_are_kept", "pauses are declined, never deleted"),
]
