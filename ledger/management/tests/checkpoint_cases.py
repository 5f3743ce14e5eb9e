"""Ways to make a statement about signatures false, in the history of the small pool of seven."""

_LAST = (
    "(SELECT max(c.id) FROM ledger_checkpoint c JOIN ledger_log g ON g.id = c.log_id WHERE g.code = 'small')"
)
_FIRST = (
    "(SELECT min(c.id) FROM ledger_checkpoint c JOIN ledger_log g ON g.id = c.log_id WHERE g.code = 'small')"
)

# code of the statement, harm, what the finding is about, expected, found
CHECKPOINT_CASES = [
    (
        "checkpoint_root_is_of_its_entries",
        f"UPDATE ledger_checkpoint SET root = sha256('another') WHERE id = {_LAST}",
        "small checkpoint",
        "",
        "ae448ac86c4e8e4dec645729708ef41873ae79c6dff84eff73360989487f08e5",
    ),
    (
        "checkpoint_is_signed",
        f"UPDATE ledger_checkpoint SET note = replace(note, '/small', '/large') WHERE id = {_LAST}",
        "small checkpoint",
        "aid.example.org/pool/small",
        "a note that the log has not signed",
    ),
    (
        "checkpoint_is_signed",
        "UPDATE ledger_checkpoint SET note = overlay(note PLACING 'AAAAAAAA' FROM length(note) - 40)"
        f" WHERE id = {_LAST}",
        "small checkpoint",
        "aid.example.org/pool/small",
        "a note with a false signature",
    ),
    (
        "heartbeat_is_of_the_last_checkpoint",
        f"INSERT INTO ledger_heartbeat (checkpoint_id, at) VALUES ({_FIRST}, '2099-01-01Z')",
        "checkpoint",
        "the last",
        "is before the heartbeat",
    ),
    (
        "cosignature_is_signed",
        "UPDATE ledger_cosignature SET line = overlay(line PLACING 'AAAAAAAA' FROM length(line) - 40)",
        "small checkpoint",
        "signed at",
        "a false signature",
    ),
    (
        "cosignature_is_signed",
        "UPDATE ledger_cosignature SET signed_at = signed_at - interval '1 second'",
        "small checkpoint",
        "signed at",
        "signed at",
    ),
    (
        "time_stamp_is_of_its_checkpoint",
        "UPDATE ledger_timestamp SET stamped_at = stamped_at - interval '1 day'",
        "checkpoint",
        " at ",
        " at ",
    ),
    (
        "time_stamp_is_of_its_checkpoint",
        "UPDATE ledger_timestamp SET response = (SELECT response FROM ledger_timestamp ORDER BY id DESC LIMIT 1)",
        "checkpoint",
        " at ",
        " at ",
    ),
    (
        "time_stamp_is_of_its_checkpoint",
        "UPDATE ledger_timestamp SET response = 'no answer'",
        "checkpoint",
        " at ",
        "an answer that cannot be read",
    ),
]

_CLOSED = "log_id = (SELECT id FROM ledger_log WHERE code = 'closed')"
_ANOTHER_SIGNATURE = f"""UPDATE ledger_logkey SET signature = overlay(signature PLACING 'AAAAAAAA' FROM 9)
                          WHERE {_CLOSED} AND number = 2"""

# The same of the pool whose log has changed its key.
KEY_CASES = [
    (
        "log_keys_follow_each_other",
        _ANOTHER_SIGNATURE,
        "closed key 2",
        "signed",
        "not signed",
    ),
    (
        "log_states_keys_as_signed",
        _ANOTHER_SIGNATURE,
        "closed key 2",
        "'number': 2",
        "'number': 2",
    ),
    (
        "log_states_keys_as_signed",
        f"DELETE FROM ledger_logkey WHERE {_CLOSED} AND number = 2",
        "closed keys",
        "True",
        "False",
    ),
    (
        "new_key_waits_for_the_old_one",
        f"""DELETE FROM ledger_checkpoint WHERE id = (SELECT max(c.id) FROM ledger_checkpoint c
              WHERE {_CLOSED} AND c.size < (SELECT max(size) FROM ledger_checkpoint WHERE {_CLOSED}))""",
        "closed checkpoint",
        "signed",
        "not signed",
    ),
]
