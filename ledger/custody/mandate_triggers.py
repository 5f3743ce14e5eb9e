"""Guards of debit mandates: offered by the rules, given in person, kept as they were agreed, revoked once.

Names are the guarantees listed in ARCHITECTURE.md.
"""

import pgtrigger

from aidplatform.lib.guards import Guard, follows_order, judged_now, kept, refuse
from members.people.erasure_sql import lets_erasure_pass, person_of

_FIXED = (
    "id", "pool_id", "membership_id", "number", "reference", "plan_version_id", "creditor_name", "sealed",
    "account_hint", "text_en", "text_zh", "text_sha256", "language", "signed_by", "signed_date", "signed_at",
)  # fmt: skip

mandate_guards = [
    follows_order("mandate_is_revoked_once", "state", {"live": ("revoked",), "revoked": ()}, first="live"),
    Guard(
        name="mandate_begins_as_agreed",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=[("pool", "record"), ("who", "record"), ("rules", "record")],
        func=f"""
            {judged_now()}
            SELECT id, (aid_now() AT TIME ZONE time_zone)::date AS today INTO pool
              FROM members_pool WHERE id = NEW.pool_id FOR NO KEY UPDATE;
            SELECT m.pool_id, m.number, u.code INTO who
              FROM members_membership m LEFT JOIN members_user u ON u.id = m.person_id WHERE m.id = NEW.membership_id;
            IF who.pool_id IS DISTINCT FROM NEW.pool_id OR who.code IS NULL OR who.code <> NEW.signed_by OR EXISTS (
                SELECT 1 FROM members_membershipend WHERE membership_id = NEW.membership_id) THEN
                {refuse("mandate_is_given_in_person", "%s is not the member, or the membership is over", "NEW.signed_by")}
            END IF;
            SELECT id, terms INTO rules FROM members_planversion
             WHERE pool_id = NEW.pool_id AND effective_date <= pool.today ORDER BY effective_date DESC LIMIT 1;
            IF rules.id IS DISTINCT FROM NEW.plan_version_id OR NOT (rules.terms ? 'debit') THEN
                {refuse("mandate_is_offered_by_the_rules", "the rules of %s know no debits", "pool.today")}
            END IF;
            NEW.signed_at := aid_now();
            NEW.signed_date := pool.today;
            NEW.text_sha256 := encode(sha256(convert_to(NEW.text_en || E'\\n' || NEW.text_zh, 'UTF8')), 'hex');
            NEW.reference := format('AID-%s-%s-%s', NEW.pool_id, who.number, NEW.number);
            IF NEW.number <> 1 + (SELECT count(*) FROM ledger_debitmandate WHERE membership_id = NEW.membership_id) THEN
                {refuse("mandates_are_numbered", "the next number is another than %s", "NEW.number")}
            END IF;
            IF num_nonnulls(NEW.revoked_at, NEW.revoked_by) > 0 THEN
                {refuse("mandate_begins_as_agreed", "it brings its revocation along")}
            END IF;
            RETURN NEW;
        """,
    ),
    Guard(
        name="mandate_keeps_what_was_agreed",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        func=f"""
            {lets_erasure_pass(person_of("OLD.membership_id"), sealed="NEW.sealed = ''", account_hint="NEW.account_hint = ''")}
            IF ({", ".join(f"NEW.{c}" for c in _FIXED)}) IS DISTINCT FROM ({", ".join(f"OLD.{c}" for c in _FIXED)})
               OR OLD.state <> 'live' OR NEW.state <> 'revoked' THEN
                {refuse("mandate_keeps_what_was_agreed", "mandate %s is revoked, never edited", "OLD.reference")}
            END IF;
            IF NEW.revoked_by IS DISTINCT FROM OLD.signed_by THEN
                {refuse("mandate_is_given_in_person", "%s has not given mandate %s", "NEW.revoked_by", "OLD.reference")}
            END IF;
            NEW.revoked_at := aid_now();
            RETURN NEW;
        """,
    ),
    kept("mandates_are_kept", "mandates are revoked, never deleted"),
]
