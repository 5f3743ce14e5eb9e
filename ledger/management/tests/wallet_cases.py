"""Ways to make a statement about wallets false, in the history of the pool that pays ahead."""

_POOL = "(SELECT id FROM members_pool WHERE code = 'ahead')"
_TOP_UP = (
    "kind = 'top_up' AND membership_id = (SELECT id FROM members_membership WHERE number = {} AND pool_id = "
    + _POOL
    + ")"
)

# code of the statement, harm, what the finding is about, expected, found
WALLET_CASES = [
    (
        "prepaid_is_sum_of_wallets",
        f"UPDATE ledger_walletentry SET amount_fen = amount_fen + 3 WHERE {_TOP_UP.format(1)}",
        "ahead account 210",
        "27302",
        "27299",
    ),
    (
        "wallet_never_negative",
        f"UPDATE ledger_walletentry SET amount_fen = -30000 WHERE kind = 'refund' AND pool_id = {_POOL}",
        "ahead wallet of membership",
        "0 or more",
        "-",
    ),
    (
        "wallet_gap_is_what_is_lacking",
        f"UPDATE ledger_walletentry SET amount_fen = amount_fen + 1 WHERE kind = 'gap' AND pool_id = {_POOL}",
        "ahead wallet of membership",
        "0",
        "1",
    ),
    (
        "wallet_opens_as_imported",
        f"UPDATE ledger_walletentry SET kind = 'opening', line_id = NULL WHERE {_TOP_UP.format(2)}",
        "ahead wallet of membership",
        "no balance on a list",
        "30000",
    ),
    (
        "wallet_entry_names_its_source",
        f"UPDATE ledger_walletentry SET amount_fen = 29999 WHERE {_TOP_UP.format(2)}",
        "ahead receipt 1/",
        "30000",
        "29999",
    ),
]
