"""Ways to make a statement about reconciliations false, in the history of a pool with a bank."""

_POOL = "(SELECT id FROM members_pool WHERE code = 'paid')"

# code of the statement, harm, what the finding is about, expected, found
RECONCILED_CASES = [
    (
        "reconciliation_is_as_counted",
        "UPDATE ledger_reconciledday SET bank_fen = 62999, explained_fen = 62999, ledger_fen = 62999"
        f" WHERE pool_id = {_POOL}",
        "paid reconciliation of ",
        "bank 63000, orders and receipts 63000",
        "bank 62999, orders and receipts 62999",
    ),
    (
        "statement_is_as_logged",
        "UPDATE ledger_bankstatement SET opening_fen = opening_fen + 1, closing_fen = closing_fen + 1"
        f" WHERE number = 2 AND account_id = (SELECT id FROM ledger_bankaccount WHERE pool_id = {_POOL})",
        "paid statement 2",
        "162001 163000 1",
        "162002 163001 1",
    ),
]
