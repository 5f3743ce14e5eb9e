"""Guards of erasures: by one's own request, after its days, whole, and for good.

Names are the guarantees listed in ARCHITECTURE.md.
"""

import pgtrigger

from aidplatform.lib.guards import Guard, follows_order, judged_now, kept, refuse
from members.people.erasure_sql import FORMER_ADDRESS, being_erased

# What is open in the members' own tables; shares, payments and claims are looked at where they are known.
_OPEN = """
    SELECT CASE
        WHEN EXISTS (SELECT 1 FROM members_dutygrant g WHERE g.person_id = NEW.person_id AND g.ended_at IS NULL) THEN 'duty'
        WHEN EXISTS (
            SELECT 1 FROM members_membership m JOIN members_pool p ON p.id = m.pool_id
             WHERE p.state <> 'closed' AND m.person_id = NEW.person_id
               AND NOT EXISTS (SELECT 1 FROM members_membershipend x WHERE x.membership_id = m.id)) THEN 'membership'
        WHEN EXISTS (
            SELECT 1 FROM members_familymember f JOIN members_membership m ON m.id = f.membership_id
              JOIN members_membership g ON g.id = f.guardian_id JOIN members_pool p ON p.id = m.pool_id
             WHERE p.state <> 'closed' AND m.person_id IS NULL AND g.person_id = NEW.person_id
               AND NOT EXISTS (SELECT 1 FROM members_membershipend x WHERE x.membership_id = m.id)) THEN 'child'
        WHEN EXISTS (
            SELECT 1 FROM members_deputy d JOIN members_membership m ON m.id = d.membership_id
             WHERE d.state IN ('asked', 'live') AND NEW.person_id IN (d.person_id, m.person_id)) THEN 'deputy'
        WHEN EXISTS (
            SELECT 1 FROM members_payerlink k JOIN members_membership m ON m.id = k.membership_id
              JOIN members_membership y ON y.id = k.payer_id
             WHERE k.state = 'asked' AND NEW.person_id IN (m.person_id, y.person_id)) THEN 'payer'
        WHEN EXISTS (
            SELECT 1 FROM members_agetransfer t JOIN members_membership m ON m.id = t.membership_id
             WHERE t.state = 'signed' AND m.person_id = NEW.person_id) THEN 'transfer'
        WHEN EXISTS (
            SELECT 1 FROM members_guardianrequest r JOIN members_membership m ON m.id = r.asker_id
             WHERE r.state IN ('asked', 'proposed') AND m.person_id = NEW.person_id) THEN 'guardian'
        WHEN EXISTS (
            SELECT 1 FROM members_identitycorrection c
             WHERE c.state IN ('asked', 'proposed') AND c.asked_by = (SELECT code FROM members_user WHERE id = NEW.person_id))
            THEN 'correction'
    END INTO hindered;
"""

erasure_guards = [
    follows_order(
        "erasure_state_follows_order",
        "state",
        {"asked": ("cancelled", "erasing"), "erasing": ("done",), "cancelled": (), "done": ()},
        first="asked",
    ),
    Guard(
        name="erasure_is_asked_for",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        func=f"""
            PERFORM 1 FROM members_user WHERE id = NEW.person_id AND erased_at IS NULL FOR NO KEY UPDATE;
            IF NOT FOUND OR NEW.number <> 1 + (SELECT count(*) FROM members_erasure WHERE person_id = NEW.person_id) THEN
                {refuse("erasure_is_asked_for", "request %s of somebody who is erased, or out of turn", "NEW.number")}
            END IF;
            NEW.due_at := aid_now() + (NEW.due_at - NEW.asked_at);
            NEW.asked_at := aid_now();
            RETURN NEW;
        """,
    ),
    Guard(
        name="erasure_waits_its_days",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        declare=[("hindered", "text")],
        func=f"""
            {judged_now()}
            IF (NEW.id, NEW.person_id, NEW.number, NEW.asked_at, NEW.due_at)
               IS DISTINCT FROM (OLD.id, OLD.person_id, OLD.number, OLD.asked_at, OLD.due_at)
               OR OLD.state IN ('cancelled', 'done') THEN
                {refuse("erasure_waits_its_days", "request %s is %s and not edited", "OLD.number", "OLD.state")}
            END IF;
            IF NEW.state = 'erasing' AND aid_now() < OLD.due_at THEN
                {refuse("erasure_waits_its_days", "not before %s", "OLD.due_at")}
            END IF;
            IF NEW.state = 'erasing' THEN
                PERFORM 1 FROM members_user WHERE id = NEW.person_id FOR NO KEY UPDATE;
                {_OPEN}
                IF hindered IS NOT NULL THEN
                    {refuse("erasure_waits_for_what_is_open", "open: %s", "hindered")}
                END IF;
            END IF;
            IF NEW.state = 'done' AND (SELECT erased_at FROM members_user WHERE id = NEW.person_id) IS NULL THEN
                {refuse("erasure_is_complete", "the account is as it was")}
            END IF;
            IF NEW.state IN ('done', 'cancelled') THEN
                NEW.ended_at := aid_now();
            END IF;
            RETURN NEW;
        """,
    ),
    # In the meantime guards of facts let the person's rows be emptied: that time ends with its transaction.
    Guard(
        name="erasure_is_complete",
        when=pgtrigger.After,
        operation=pgtrigger.Update,
        timing=pgtrigger.Deferred,
        condition=pgtrigger.Condition("NEW.state = 'erasing'"),
        func=f"""
            IF EXISTS (SELECT 1 FROM members_erasure WHERE id = NEW.id AND state = 'erasing') THEN
                {refuse("erasure_is_complete", "request %s has stopped halfway", "NEW.number")}
            END IF;
            RETURN NULL;
        """,
    ),
    kept("erasures_are_kept", "requests are taken back, never deleted"),
]

# Hung on accounts.
erased_account_stays_erased = Guard(
    name="erased_account_stays_erased",
    when=pgtrigger.Before,
    operation=pgtrigger.Insert | pgtrigger.Update,
    func=f"""
        IF TG_OP = 'INSERT' THEN
            IF NEW.erased_at IS NOT NULL THEN
                {refuse("erased_account_stays_erased", "an account does not begin erased")}
            END IF;
            RETURN NEW;
        END IF;
        IF OLD.erased_at IS NOT NULL AND NEW IS DISTINCT FROM OLD THEN
            {refuse("erased_account_stays_erased", "account %s was erased", "OLD.code")}
        END IF;
        IF NEW.erased_at IS DISTINCT FROM OLD.erased_at AND (NOT {being_erased("OLD.id")}
           OR (NEW.name, NEW.name_zh, NEW.is_active) <> ('', '', false) OR NEW.last_login IS NOT NULL
           OR NEW.password NOT LIKE '!%' OR NEW.email NOT LIKE '%{FORMER_ADDRESS}') THEN
            {refuse("erasure_is_complete", "account %s is not emptied by its request", "OLD.code")}
        END IF;
        RETURN NEW;
    """,
)


def nothing_of_the_erased(
    what: str, column: str = "person_id", operation: pgtrigger.Operation = pgtrigger.Insert
) -> Guard:
    """Return the guard of a table with personal rows: of who was erased nothing is written any more.

    operation: with an UPDATE of the column where rows could be handed from one account to another.
    """
    return Guard(
        name=f"no_{what}_of_the_erased",
        when=pgtrigger.Before,
        operation=operation,
        func=f"""
            IF EXISTS (SELECT 1 FROM members_user u WHERE u.id = NEW.{column} AND u.erased_at IS NOT NULL) THEN
                {refuse("erased_account_stays_erased", "nothing is kept of account %s any more", f"NEW.{column}")}
            END IF;
            RETURN NEW;
        """,
    )
