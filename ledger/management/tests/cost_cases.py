"""Ways to make a statement about what investigations cost false, in the history of a claim that was looked into."""

_POOL = "(SELECT id FROM members_pool WHERE code = 'looked')"

# code of the statement, harm, what the finding is about, expected, found
COST_CASES = [
    (
        "cost_needs_two_people",
        f"UPDATE ledger_outsidecost SET decided_by = 'P-NOBODY000' WHERE pool_id = {_POOL}",
        "looked cost 1",
        "two people, the second a controller",
        "P-",
    ),
    (
        "approved_cost_has_its_entry",
        f"UPDATE ledger_outsidecost SET borne_by = 'operator' WHERE pool_id = {_POOL}",
        "looked cost 1",
        "130 D 30000, 235 C 30000",
        "120 D 30000, 235 C 30000",
    ),
    (
        "cost_is_paid_once",
        f"UPDATE ledger_paymentorder SET amount_fen = 30001 WHERE pool_id = {_POOL}",
        "looked cost 1",
        "at most 30000",
        "30001",
    ),
]
