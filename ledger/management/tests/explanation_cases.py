"""Ways to make a statement about explained debits false, in a pool whose bank took money twice without a reference."""

_POOL = "(SELECT id FROM members_pool WHERE code = 'taken')"

# code of the statement, harm, what the finding is about, expected, found
EXPLANATION_CASES = [
    (
        "explanation_needs_two_people",
        f"UPDATE ledger_debitexplanation SET decided_by = 'P-NOBODY000' WHERE pool_id = {_POOL} AND number = 1",
        "taken explanation 1",
        "treasurer, then another person: controller",
        "P-",
    ),
    (
        "explained_debit_has_its_entry",
        f"UPDATE ledger_statementline SET amount_fen = 5001 WHERE id = (SELECT line_id FROM ledger_debitexplanation"
        f" WHERE pool_id = {_POOL} AND number = 2)",
        "taken explanation 2",
        "140 C 5001, 130 D 5001; 5001",
        "140 C 5000, 130 D 5000",
    ),
    (
        "explained_debit_has_its_entry",
        f"UPDATE ledger_paymentorder SET confirmed_line_id = (SELECT line_id FROM ledger_debitexplanation"
        f" WHERE pool_id = {_POOL} AND number = 2) WHERE pool_id = {_POOL}",
        "taken explanation 1",
        "140 C 4000, 270 D 4000; 4000",
        "140 C 4000, 270 D 4000",
    ),
]
