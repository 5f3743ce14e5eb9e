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
            IF (envelope->>'seq')::bigint <> NEW.seq OR envelope->>'type' <> NEW.type
               OR envelope->>'pool' <> code OR octet_length(NEW.data) > 65535
               OR NEW.leaf_hash <> sha256('\\x00'::bytea || NEW.data) THEN
                {refuse("log_entry_says_what_it_is", "bytes, hash and columns of entry %s differ", "NEW.seq")}
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
