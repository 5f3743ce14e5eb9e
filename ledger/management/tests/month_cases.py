"""Ways to make a statement about closed months false, in a pool of whose two closes the second was opened again."""

_POOL = "(SELECT id FROM members_pool WHERE code = 'closed')"
_FIRST = f"pool_id = {_POOL} AND number = 1"

# code of the statement, harm, what the finding is about, expected, found
MONTH_CASES = [
    (
        "closed_month_is_as_recorded",
        "UPDATE ledger_journalentry SET entry_date = entry_date + 40 WHERE key = 'statement/1/collection'"
        " AND book_id = (SELECT id FROM ledger_book WHERE code = 'closed')",
        "closed month 2026-01",
        "|",
        "|",
    ),
    (
        "closed_month_is_as_recorded",
        f"UPDATE ledger_monthclose SET bank_fen = bank_fen + 1 WHERE {_FIRST}",
        "closed month 2026-01",
        "|0|101:",
        "|0|101:",
    ),
    (
        "closed_month_is_as_recorded",
        f"UPDATE ledger_monthclose SET sha256 = repeat('0', 64) WHERE {_FIRST}",
        "closed month 2026-01",
        "|0|101:",
        "|0|101:",
    ),
    (
        "month_close_needs_two_people",
        f"UPDATE ledger_monthclose SET decided_by = 'P-NOBODY000' WHERE {_FIRST}",
        "closed close 1",
        "treasurer, then another person: controller",
        "P-",
    ),
    (
        "month_close_needs_two_people",
        f"UPDATE ledger_monthreopening SET proposed_by = 'P-NOBODY000' WHERE pool_id = {_POOL}",
        "closed reopening 2",
        "treasurer, then another person: controller",
        "P-NOBODY000, P-",
    ),
]
