"""Ways to make a statement about reversals false, in a pool of which entry 5 was taken back by entry 6."""

_POOL = "(SELECT id FROM members_pool WHERE code = 'small')"

# code of the statement, harm, what the finding is about, expected, found
REVERSAL_CASES = [
    (
        "reversal_has_its_decision",
        f"UPDATE ledger_entryreversal SET state = 'withdrawn', reversal_id = NULL WHERE pool_id = {_POOL}",
        "small entry 6",
        "then another person: controller",
        "no decision",
    ),
    (
        "reversal_is_in_the_log",
        "UPDATE ledger_logentry SET key = 'reversal/4' WHERE type = 'correction' AND key = 'reversal/5'",
        "small entry 6",
        "5 by 6: paid after all",
        "nothing",
    ),
]
