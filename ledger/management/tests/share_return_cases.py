"""Ways to make a statement about shares that went back false, in the history of who fell ill in the wait."""

_POOL = "(SELECT id FROM members_pool WHERE code = 'waited')"

# code of the statement, harm, what the finding is about, expected, found
SHARE_RETURN_CASES = [
    (
        "shares_return_has_its_entry",
        f"UPDATE ledger_sharesreturn SET paid_fen = 5001 WHERE pool_id = {_POOL}",
        "waited shares 1",
        "220 C 5001",
        "220 C 5000",
    ),
    (
        "loss_has_its_decision",
        f"UPDATE ledger_sharesreturn SET entry_id = NULL WHERE pool_id = {_POOL}",
        "waited entry",
        "decided by two people",
        "waiting_refund",
    ),
    (
        "shares_go_back_as_they_were_paid",
        f"UPDATE ledger_paymentorder SET amount_fen = 5001 WHERE pool_id = {_POOL}",
        "waited shares of membership",
        "at most 5000",
        "5001",
    ),
    (
        "illness_ends_with_its_return",
        f"UPDATE ledger_sharesreturn SET decision = 'other' WHERE pool_id = {_POOL}",
        "waited member",
        "its shares go back",
        "they do not",
    ),
]
