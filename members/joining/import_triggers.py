"""Guards of imports: a list is written, then shown as it is, then approved by another; waiting time is as approved."""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, judges_rows, kept, refuse
from members.joining.transfer_triggers import WAITED_THERE
from members.people.erasure_sql import FORMER_ADDRESS, being_erased, lets_erasure_pass, person_of

# How long after the approval somebody may confirm with the waiting time they have served: who waits for an illness
# before they confirm would share nothing until they need something.
DAYS_TO_CONFIRM = 90

# What an approval stands for, row by row: nobody can be put in, left out or changed under its hash.
_ROW_SHOWN = """concat_ws('|', m.row_no, m.email, encode(m.document_index, 'hex'), coalesce(m.class_no::text, '-'),
    coalesce(to_char(m.since_date, 'YYYY-MM-DD'), '-'), m.owed_fen, m.prepaid_fen, m.payer, encode(sha256(convert_to(m.proof, 'UTF8')), 'hex'),
    encode(sha256(m.sealed), 'hex'))"""
_FIXED = "{row}.id, {row}.pool_id, {row}.number, {row}.filename, {row}.sha256, {row}.proposed_by"
_SUMS = (
    "{row}.row_count, {row}.served, {row}.owed_fen, {row}.prepaid_fen, {row}.shown_sha256, {row}.proposed_at"
)


def holds_duty(person: str, *duties: str) -> str:
    """Return SQL that tells whether that person holds one of the duties in the row's pool now."""
    wanted = ", ".join(f"'{duty}'" for duty in duties)
    return f"""EXISTS (SELECT 1 FROM members_dutygrant g JOIN members_user u ON u.id = g.person_id
         WHERE u.code = {person} AND g.duty IN ({wanted}) AND g.ended_at IS NULL
           AND (g.pool_id = NEW.pool_id OR g.pool_id IS NULL))"""


# Whoever confirmed a row is erased with it; of a row that names them as payer only that address goes.
_EMPTIED = lets_erasure_pass(
    f"coalesce({person_of('OLD.membership_id')}, (SELECT u.id FROM members_user u WHERE lower(u.email) = OLD.email))",
    email=f"NEW.email LIKE '%{FORMER_ADDRESS}'",
    document_index="NEW.document_index <> OLD.document_index",
    sealed="NEW.sealed = ''",
    proof="NEW.proof IN ('', '-')",
    payer=f"NEW.payer IN ('', OLD.payer) OR NEW.payer LIKE '%{FORMER_ADDRESS}'",
)
_PAYER_EMPTIED = f"""
    IF NEW.payer LIKE '%{FORMER_ADDRESS}' AND to_jsonb(NEW) - 'payer' = to_jsonb(OLD) - 'payer'
       AND {being_erased("SELECT u.id FROM members_user u WHERE lower(u.email) = OLD.payer")} THEN
        RETURN NEW;
    END IF;
"""

_WHILE_GATHERING = f"""
    SELECT state INTO pool_state FROM members_pool WHERE id = NEW.pool_id FOR UPDATE;
    IF pool_state <> 'gathering' THEN
        {refuse("pools_move_in_while_gathering", "the pool is %s", "pool_state")}
    END IF;
"""

import_guards = [
    Guard(
        name="import_begins_empty",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=[("pool_state", "text")],
        func=f"""
            {judged_now()}
            {_WHILE_GATHERING}
            IF NOT {holds_duty("NEW.proposed_by", "pool_admin")} THEN
                {refuse("import_people_hold_their_duty", "%s is no pool admin", "NEW.proposed_by")}
            END IF;
            NEW.number := coalesce((SELECT max(number) FROM members_memberimport WHERE pool_id = NEW.pool_id), 0) + 1;
            NEW.proposed_at := aid_now();
            NEW.row_count := 0; NEW.served := 0; NEW.owed_fen := 0; NEW.prepaid_fen := 0; NEW.shown_sha256 := '';
            RETURN NEW;
        """,
    ),
    Guard(
        name="import_is_decided_as_shown",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        declare=[("pool_state", "text"), ("sums", "record")],
        func=f"""
            IF ({_FIXED.format(row="NEW")}) IS DISTINCT FROM ({_FIXED.format(row="OLD")})
               OR ({_SUMS.format(row="NEW")}) IS DISTINCT FROM ({_SUMS.format(row="OLD")})
               OR NEW.state = OLD.state AND NEW IS DISTINCT FROM OLD THEN
                {refuse("import_is_decided_as_shown", "import %s is not edited", "OLD.number")}
            END IF;
            {judged_now()}
            IF NEW.state = 'proposed' AND OLD.state = 'writing' THEN
                SELECT count(*) AS row_count, count(m.since_date) AS served, coalesce(sum(m.owed_fen), 0)::bigint AS owed,
                       coalesce(sum(m.prepaid_fen), 0)::bigint AS prepaid,
                       encode(sha256(convert_to(coalesce(string_agg({_ROW_SHOWN}, E'\n' ORDER BY m.row_no), ''),
                              'UTF8')), 'hex') AS digest
                  INTO sums FROM members_importedmember m WHERE m.member_import_id = NEW.id;
                IF sums.row_count = 0 THEN
                    {refuse("import_is_decided_as_shown", "import %s has no rows", "OLD.number")}
                END IF;
                NEW.row_count := sums.row_count; NEW.served := sums.served; NEW.owed_fen := sums.owed;
                NEW.prepaid_fen := sums.prepaid;
                NEW.shown_sha256 := sums.digest;
            END IF;
            IF NEW.state = 'approved' AND OLD.state <> 'approved' THEN
                {_WHILE_GATHERING}
                IF NOT {holds_duty("NEW.decided_by", "controller")} THEN
                    {refuse("import_people_hold_their_duty", "%s is no controller", "NEW.decided_by")}
                END IF;
                NEW.decided_at := aid_now();
            END IF;
            IF NEW.state = 'withdrawn' AND OLD.state <> 'withdrawn' THEN
                IF NOT {holds_duty("NEW.decided_by", "controller", "pool_admin")} THEN
                    {refuse("import_people_hold_their_duty", "%s may not take it back", "NEW.decided_by")}
                END IF;
                NEW.decided_at := aid_now();
            END IF;
            RETURN NEW;
        """,
    ),
    # Rows of a list that came to nothing bind no address and no document.
    Guard(
        name="withdrawn_import_takes_its_rows",
        when=pgtrigger.After,
        operation=pgtrigger.Update,
        condition=pgtrigger.Condition("NEW.state = 'withdrawn' AND OLD.state <> 'withdrawn'"),
        func="""
            UPDATE members_importedmember SET state = 'withdrawn' WHERE member_import_id = NEW.id AND state = 'open';
            RETURN NULL;
        """,
    ),
    kept("imports_are_kept", "imports are withdrawn, never deleted"),
]

imported_member_guards = [
    # Statement by statement, so that twenty thousand rows ask once; the share lock makes the hash wait for them.
    judges_rows(
        "imported_rows_come_before_the_hash",
        f"""
            {judged_now()}
            PERFORM 1 FROM members_memberimport WHERE id IN (SELECT DISTINCT member_import_id FROM new_rows)
              ORDER BY id FOR SHARE;
            SELECT n.row_no, i.state INTO bad FROM new_rows n JOIN members_memberimport i ON i.id = n.member_import_id
              JOIN members_pool p ON p.id = i.pool_id
             WHERE i.state <> 'writing' OR i.pool_id <> n.pool_id OR n.email <> lower(n.email) OR n.payer <> lower(n.payer)
                OR n.since_date > (aid_now() AT TIME ZONE p.time_zone)::date LIMIT 1;
            IF FOUND THEN
                {refuse("imported_rows_come_before_the_hash", "row %s of an import that is %s", "bad.row_no", "bad.state")}
            END IF;
            SELECT n.row_no INTO bad FROM new_rows n
             WHERE (n.owed_fen > 0 OR n.prepaid_fen > 0) AND CASE WHEN EXISTS (
                       SELECT 1 FROM members_planversion v WHERE v.pool_id = n.pool_id AND v.terms ? 'funding')
                   THEN n.owed_fen > 0 ELSE n.prepaid_fen > 0 END LIMIT 1;
            IF FOUND THEN
                {refuse("imported_money_fits_the_rules", "row %s owes where members pay ahead, or has paid ahead where they pay afterwards", "bad.row_no")}
            END IF;
            RETURN NULL;
        """,
    ),
    Guard(
        name="imported_member_confirms_in_person",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        declare=[("import_state", "text")],
        func=f"""
            {_EMPTIED}
            {_PAYER_EMPTIED}
            IF (NEW.id, NEW.member_import_id, NEW.pool_id, NEW.row_no, NEW.email, NEW.document_index, NEW.class_no,
                NEW.since_date, NEW.proof, NEW.owed_fen, NEW.prepaid_fen, NEW.payer, NEW.sealed)
               IS DISTINCT FROM
               (OLD.id, OLD.member_import_id, OLD.pool_id, OLD.row_no, OLD.email, OLD.document_index, OLD.class_no,
                OLD.since_date, OLD.proof, OLD.owed_fen, OLD.prepaid_fen, OLD.payer, OLD.sealed)
               OR OLD.state <> 'open' AND NEW IS DISTINCT FROM OLD THEN
                {refuse("imported_member_stays_as_approved", "row %s is not edited", "OLD.row_no")}
            END IF;
            SELECT state INTO import_state FROM members_memberimport WHERE id = NEW.member_import_id;
            IF NEW.state = 'confirmed' AND (import_state <> 'approved' OR NOT EXISTS (
                SELECT 1 FROM members_membership m JOIN members_identity d ON d.person_id = m.person_id
                 WHERE m.id = NEW.membership_id AND m.pool_id = NEW.pool_id
                   AND d.document_index = NEW.document_index)) THEN
                {refuse("imported_member_confirms_in_person", "row %s is of another person", "OLD.row_no")}
            END IF;
            IF NEW.state = 'withdrawn' AND OLD.state = 'open' AND import_state NOT IN ('approved', 'withdrawn') THEN
                {refuse("imported_member_stays_as_approved", "import of row %s is %s", "OLD.row_no", "import_state")}
            END IF;
            RETURN NEW;
        """,
    ),
    kept(
        "imported_members_are_kept",
        "rows of an import are taken back, never deleted",
        guarantee="imports_are_kept",
    ),
]

# Hung on memberships: nobody has waited elsewhere but whom an approved list names, by document, and not for longer.
waiting_served_is_as_imported = Guard(
    name="waiting_served_is_as_imported",
    when=pgtrigger.Before,
    operation=pgtrigger.Insert,
    condition=pgtrigger.Condition("NEW.waiting_since_date IS NOT NULL"),
    declare=[("listed", "record")],
    func=f"""
        {judged_now()}
        IF {WAITED_THERE} THEN
            RETURN NEW;
        END IF;
        SELECT r.since_date, (i.decided_at AT TIME ZONE p.time_zone)::date + {DAYS_TO_CONFIRM} AS until,
               (aid_now() AT TIME ZONE p.time_zone)::date AS today INTO listed
          FROM members_importedmember r JOIN members_memberimport i ON i.id = r.member_import_id
          JOIN members_pool p ON p.id = r.pool_id
          JOIN members_identity d ON d.person_id = NEW.person_id AND d.document_index = r.document_index
         WHERE r.pool_id = NEW.pool_id AND r.state = 'open' AND i.state = 'approved' FOR NO KEY UPDATE OF r;
        IF listed.since_date IS NULL OR NEW.waiting_since_date < listed.since_date
           OR NEW.waiting_since_date > NEW.joined_date OR greatest(NEW.joined_date, listed.today) > listed.until THEN
            {refuse("waiting_served_is_as_imported", "waiting since %s; the approved list says %s", "NEW.waiting_since_date", "coalesce(listed.since_date::text, 'nothing')")}
        END IF;
        RETURN NEW;
    """,
)
