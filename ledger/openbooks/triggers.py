"""Guards of the log, and the guard that binds the books to it."""

import pgtrigger

from aidplatform.lib.guards import Guard, refuse

log_entry_guards = [
    Guard(
        name="log_entry_follows_last",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=[("next_seq", "bigint"), ("code", "text"), ("envelope", "jsonb")],
        func=f"""
            UPDATE ledger_log SET size = size + 1 WHERE id = NEW.log_id
            RETURNING size - 1, ledger_log.code INTO next_seq, code;
            IF NEW.seq <> next_seq THEN
                {refuse("log_entry_follows_last", "entry %s where %s is next", "NEW.seq", "next_seq")}
            END IF;
            envelope := convert_from(NEW.data, 'UTF8')::jsonb;
            -- IS DISTINCT FROM, because a part that is missing must not make the whole test unknown.
            IF (envelope->>'v', envelope->>'seq', envelope->>'type', envelope->>'pool')
               IS DISTINCT FROM ('1', NEW.seq::text, NEW.type::text, code)
               OR envelope->>'at' IS NULL OR jsonb_typeof(envelope->'body') IS DISTINCT FROM 'object'
               OR octet_length(NEW.data) > 65535
               OR NEW.leaf_hash <> sha256('\\x00'::bytea || NEW.data) THEN
                {refuse("log_entry_says_what_it_is", "bytes, hash and columns of entry %s differ", "NEW.seq")}
            END IF;
            RETURN NEW;
        """,
    ),
    Guard(
        name="log_states_entries_as_posted",
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        declare=[("body", "jsonb")],
        func=f"""
            IF NEW.type <> 'book.entry' THEN
                RETURN NULL;
            END IF;
            body := convert_from(NEW.data, 'UTF8')::jsonb->'body';
            IF NOT EXISTS (
                SELECT 1 FROM ledger_journalentry e JOIN ledger_book b ON b.id = e.book_id
                  JOIN ledger_log g ON g.code = b.code
                  LEFT JOIN ledger_journalentry r ON r.id = e.reverses_id
                 WHERE g.id = NEW.log_id AND e.number::text = NEW.key
                   AND (body->>'number', body->>'key', body->>'kind', body->>'date', body->>'reverses')
                       IS NOT DISTINCT FROM (e.number::text, e.key::text, e.kind::text,
                                             to_char(e.entry_date, 'YYYY-MM-DD'), r.number::text)
                   AND body->'postings' = (
                       SELECT jsonb_agg(jsonb_build_array(a.code, p.side, p.amount_fen) ORDER BY a.code, p.side)
                         FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id
                        WHERE p.entry_id = e.id)
            ) THEN
                {refuse("log_states_entries_as_posted", "there is no such entry %s in the books", "NEW.key")}
            END IF;
            RETURN NULL;
        """,
    ),
    Guard(
        name="log_states_rules_as_published",
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        declare=[("body", "jsonb")],
        func=f"""
            IF NEW.type <> 'rule.publish' THEN
                RETURN NULL;
            END IF;
            body := convert_from(NEW.data, 'UTF8')::jsonb->'body';
            IF NOT EXISTS (
                SELECT 1 FROM members_planversion v JOIN members_pool p ON p.id = v.pool_id
                  JOIN ledger_log g ON g.code = p.code
                 WHERE g.id = NEW.log_id AND v.number::text = NEW.key AND body->'terms' = v.terms
                   AND (body->>'version', body->>'effective', body->>'covenant_sha256', body->>'declaration_sha256')
                       IS NOT DISTINCT FROM (v.number::text, to_char(v.effective_date, 'YYYY-MM-DD'),
                                             v.covenant_sha256::text, v.declaration_sha256::text)
            ) THEN
                {refuse("log_states_rules_as_published", "there is no such version %s of the plan", "NEW.key")}
            END IF;
            RETURN NULL;
        """,
    ),
    Guard(
        name="log_states_keys_as_signed",
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        declare=[("body", "jsonb")],
        func=f"""
            IF NEW.type <> 'key.rotate' THEN
                RETURN NULL;
            END IF;
            body := convert_from(NEW.data, 'UTF8')::jsonb->'body';
            IF NOT EXISTS (
                SELECT 1 FROM ledger_logkey k JOIN ledger_logkey b ON b.log_id = k.log_id AND b.number = k.number - 1
                 WHERE k.log_id = NEW.log_id AND k.number::text = NEW.key
                   AND body = jsonb_build_object('number', k.number, 'old', b.vkey, 'new', k.vkey,
                                                 'signature', k.signature)
            ) THEN
                {refuse("log_states_keys_as_signed", "there is no such key %s of the log", "NEW.key")}
            END IF;
            RETURN NULL;
        """,
    ),
    Guard(
        name="log_states_imports_as_approved",
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        declare=[("body", "jsonb")],
        func=f"""
            body := convert_from(NEW.data, 'UTF8')::jsonb->'body';
            IF NEW.type <> 'stats' OR NOT (body ? 'import' OR NEW.key LIKE 'import/%') THEN
                RETURN NULL;
            END IF;
            IF NOT EXISTS (
                SELECT 1 FROM members_memberimport i JOIN members_pool p ON p.id = i.pool_id
                  JOIN ledger_log g ON g.code = p.code
                 WHERE g.id = NEW.log_id AND NEW.key = 'import/' || i.number AND i.state = 'approved'
                   AND (body->>'import', body->>'members', body->>'waiting_served', body->>'owed_fen', body->>'sha256')
                       IS NOT DISTINCT FROM (i.number::text, i.row_count::text, i.served::text, i.owed_fen::text,
                                             i.shown_sha256::text)
            ) THEN
                {refuse("log_states_imports_as_approved", "there is no such approved import: %s", "NEW.key")}
            END IF;
            RETURN NULL;
        """,
    ),
]

log_guards = [
    Guard(
        name="log_starts_empty",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        func=f"""
            IF NEW.size <> 0 THEN
                {refuse("log_starts_empty", "%s entries in a new log", "NEW.size")}
            END IF;
            RETURN NEW;
        """,
    ),
]

# Attached to the journal: an entry that is not in the log at commit does not come to be.
every_entry_is_logged = Guard(
    name="every_entry_is_logged",
    when=pgtrigger.After,
    operation=pgtrigger.Insert,
    timing=pgtrigger.Deferred,
    func=f"""
        IF NOT EXISTS (
            SELECT 1 FROM ledger_logentry l JOIN ledger_log g ON g.id = l.log_id
              JOIN ledger_book b ON b.code = g.code
             WHERE b.id = NEW.book_id AND l.type = 'book.entry' AND l.key = NEW.number::text
        ) THEN
            {refuse("every_entry_is_logged", "entry %s is not in the log", "NEW.number")}
        END IF;
        RETURN NULL;
    """,
)
