"""Harm done to custody, statement by statement: code, SQL, where it is told, what must stand there, what does."""

_POOL = "(SELECT id FROM members_pool WHERE code = 'paid')"
_FIRST = f"(SELECT min(id) FROM ledger_collection WHERE pool_id = {_POOL})"
_ORDER = f"pool_id = {_POOL} AND number = 1"
_PERSON = f"""(SELECT u.code FROM members_user u JOIN members_dutygrant g ON g.person_id = u.id
                WHERE g.pool_id = {_POOL} AND g.duty = '{{}}')"""
_UNKNOWN = "(SELECT id FROM ledger_statementline WHERE kind = 'unidentified')"

CUSTODY_CASES: list[tuple[str, str, str, str, str]] = [
    (
        "statement_follows_last",
        "UPDATE ledger_bankstatement SET from_date = from_date + 0, number = 7 WHERE number = 3",
        "paid statement 7",
        "(3, ",
        "(7, ",
    ),
    (
        "statement_adds_up",
        "UPDATE ledger_statementline SET amount_fen = 998 WHERE kind = 'unidentified'",
        "paid statement 2",
        "(1, 163000)",
        "(1, 162999)",
    ),
    (
        "custody_equals_bank",
        "UPDATE ledger_bankstatement SET closing_fen = 62999 WHERE number = 3",
        "paid account 101",
        "62999",
        "63000",
    ),
    (
        "receivable_is_charges_not_collected",
        f"DELETE FROM ledger_collection WHERE id = (SELECT max(id) FROM ledger_collection WHERE pool_id = {_POOL})",
        "paid account 110",
        "23143",
        "0",
    ),
    (
        "collected_at_most_the_share",
        f"UPDATE ledger_collection SET amount_fen = 23144 WHERE id = {_FIRST}",
        "paid charge of membership",
        "0 … 23143, announced",
        "23144",
    ),
    (
        "share_is_paid_for_by_its_payer",
        f"UPDATE ledger_collection SET payer_id = membership_id + 1 WHERE id = {_FIRST}",
        "paid charge of membership",
        "a member who paid for them then",
        "membership ",
    ),
    (
        "collection_fits_its_line",
        f"UPDATE ledger_collection SET line_id = 99999 WHERE id = {_FIRST}",
        "paid charge of membership",
        "a booking of the account",
        "booking 99999",
    ),
    (
        "statement_adds_up",
        "UPDATE ledger_statementline SET statement_id = 99999 WHERE kind = 'unidentified'",
        "paid booking",
        "a statement of its account",
        "statement 99999",
    ),
    (
        "receipt_is_used_once",
        "UPDATE ledger_statementline SET amount_fen = 23142 WHERE kind = 'collection' AND line_no = 1",
        "paid receipt 1/1",
        "at most 23142",
        "23143",
    ),
    (
        "unidentified_is_receipts_not_used",
        "UPDATE ledger_statementline SET kind = 'interest' WHERE kind = 'unidentified'",
        "paid account 250",
        "0",
        "999",
    ),
    (
        "in_transit_is_released_orders",
        f"UPDATE ledger_paymentorder SET amount_fen = 20001 WHERE pool_id = {_POOL} AND number = 2",
        "paid account 270",
        "20001",
        "20000",
    ),
    (
        "payment_has_two_people",
        f"UPDATE ledger_paymentorder SET released_by = {_PERSON.format('auditor')} WHERE {_ORDER}",
        "paid payment 1",
        "another person: controller",
        "P-",
    ),
    (
        "aid_paid_at_most_the_award",
        f"UPDATE ledger_award SET shared_fen = 99999 WHERE pool_id = {_POOL} AND code = 'C-1'",
        "paid award C-1",
        "at most 99999",
        "100000",
    ),
    (
        "payment_is_on_the_statement",
        f"UPDATE ledger_paymentorder SET confirmed_line_id = {_UNKNOWN} WHERE {_ORDER}",
        "paid payment 1",
        "a debit of 100000",
        "in 999",
    ),
]
