"""Guards of checkpoints: whoever holds the signer's password can still store nothing but what the log says."""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, permanent, refuse

# The log states the last key there is.
_IS_STATED = """EXISTS (SELECT 1 FROM ledger_logentry
        WHERE log_id = NEW.log_id AND type = 'key.rotate' AND key = (last.number)::text)"""
# A new key signs whatever is longer than the log that ends with the statement of it.
_KEY_IN_FORCE = """(SELECT k.vkey FROM ledger_logkey k WHERE k.log_id = NEW.log_id AND k.number = 1 + (
        SELECT count(*) FROM ledger_logentry e
         WHERE e.log_id = NEW.log_id AND e.type = 'key.rotate' AND e.seq + 1 < NEW.size))"""

log_key_guards = [
    *permanent("log_key_is_permanent"),
    Guard(
        name="log_key_is_a_verifier_key",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=[("material", "bytea")],
        func=f"""
            -- Name, id, key with a plus between; the id is of name, kind (1: Ed25519) and key.
            IF NEW.vkey !~ '^[^+[:space:]]+[+][0-9a-f]{{8}}[+][A-Za-z0-9+/]{{44}}$' THEN
                {refuse("log_key_is_a_verifier_key", "%s is none", "NEW.vkey")}
            END IF;
            material := decode(right(NEW.vkey, 44), 'base64');
            IF octet_length(material) <> 33 OR get_byte(material, 0) <> 1
               OR split_part(NEW.vkey, '+', 2) <> encode(substring(sha256(
                    convert_to(split_part(NEW.vkey, '+', 1) || chr(10), 'UTF8') || material) FOR 4), 'hex') THEN
                {refuse("log_key_is_a_verifier_key", "the id of %s is not of its name and key", "NEW.vkey")}
            END IF;
            RETURN NEW;
        """,
    ),
    Guard(
        name="log_keys_follow_each_other",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=[("last", "ledger_logkey%ROWTYPE")],
        func=f"""
            {judged_now()}
            SELECT * INTO last FROM ledger_logkey WHERE log_id = NEW.log_id ORDER BY number DESC LIMIT 1
               FOR NO KEY UPDATE;
            IF NEW.number <> coalesce(last.number, 0) + 1
               OR split_part(NEW.vkey, '+', 1) <> split_part(last.vkey, '+', 1) THEN
                {refuse("log_keys_follow_each_other", "key %s is not the next one of its log", "NEW.number")}
            END IF;
            IF last.number > 1 AND NOT {_IS_STATED} THEN
                {refuse("log_keys_follow_each_other", "the log does not state key %s yet", "last.number")}
            END IF;
            RETURN NEW;
        """,
    ),
]

checkpoint_guards = [
    *permanent("checkpoint_is_permanent"),
    Guard(
        name="checkpoint_says_what_the_log_says",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=[("origin", "text"), ("last", "bigint"), ("head", "text"), ("in_force", "text")],
        func=f"""
            {judged_now()}
            -- The key's row, not the log's: an entry must not wait for a tree to be hashed.
            PERFORM 1 FROM ledger_logkey WHERE log_id = NEW.log_id AND number = 1 FOR NO KEY UPDATE;
            in_force := {_KEY_IN_FORCE};
            origin := split_part(in_force, '+', 1);
            IF origin IS NULL THEN
                {refuse("checkpoint_says_what_the_log_says", "log %s has no key", "NEW.log_id")}
            END IF;
            SELECT max(size) INTO last FROM ledger_checkpoint WHERE log_id = NEW.log_id;
            IF NEW.size <= last THEN
                {refuse("checkpoints_only_grow", "size %s after %s", "NEW.size", "last")}
            END IF;
            IF NEW.root IS DISTINCT FROM log_root(NEW.log_id, NEW.size) THEN
                {refuse("checkpoint_root_is_of_its_entries", "another root of %s entries", "NEW.size")}
            END IF;
            head := origin || chr(10) || NEW.size || chr(10) || encode(NEW.root, 'base64') || chr(10);
            IF NOT starts_with(NEW.note, head || chr(10) || chr(8212) || ' ' || origin || ' ')
               OR NEW.note !~ E'^[^\\n]+\\n[0-9]+\\n[^\\n]+\\n\\n[^\\n]+\\n$' THEN
                {refuse("checkpoint_says_what_the_log_says", "the note of size %s says something else", "NEW.size")}
            END IF;
            IF encode(substring(decode(rtrim(split_part(split_part(NEW.note, E'\n\n', 2), ' ', 3), E'\n'), 'base64')
                                FOR 4), 'hex') <> split_part(in_force, '+', 2) THEN
                {refuse("checkpoint_is_signed_by_the_key_in_force", "size %s is signed by another key", "NEW.size")}
            END IF;
            IF EXISTS (SELECT 1 FROM ledger_logentry WHERE log_id = NEW.log_id AND type = 'key.rotate'
                          AND seq + 1 > coalesce(last, 0) AND seq + 1 < NEW.size) THEN
                {refuse("new_key_waits_for_the_old_one", "the old key has not signed its successor: %s", "NEW.size")}
            END IF;
            RETURN NEW;
        """,
    ),
]

heartbeat_guards = [
    *permanent("heartbeat_is_permanent"),
    Guard(
        name="heartbeat_is_of_the_last_checkpoint",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        func=f"""
            IF EXISTS (SELECT 1 FROM ledger_checkpoint later JOIN ledger_checkpoint this ON this.id = NEW.checkpoint_id
                        WHERE later.log_id = this.log_id AND later.size > this.size)
               OR NEW.at < (SELECT signed_at FROM ledger_checkpoint WHERE id = NEW.checkpoint_id) THEN
                {refuse("heartbeat_is_of_the_last_checkpoint", "checkpoint %s is not the last", "NEW.checkpoint_id")}
            END IF;
            RETURN NEW;
        """,
    ),
]
