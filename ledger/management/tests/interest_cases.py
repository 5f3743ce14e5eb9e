"""Ways to make false what an operator has told of its interests and income, in the history of a pool with a bank."""

_POOL = "(SELECT id FROM members_pool WHERE code = 'paid')"

# code of the statement, harm, what the finding is about, expected, found
INTEREST_CASES = [
    (
        "interest_needs_two_people",
        f"UPDATE ledger_operatorinterest SET decided_by = 'P-NOBODY000' WHERE pool_id = {_POOL}",
        "paid interest 1",
        "two people, the second a controller",
        "P-",
    ),
    (
        "operator_income_is_booked",
        f"UPDATE ledger_incomereport SET referral_fen = 12000 WHERE pool_id = {_POOL}",
        "paid referral income to period 1",
        "12000",
        "0",
    ),
]
