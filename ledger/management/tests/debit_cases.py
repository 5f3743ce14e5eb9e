"""Ways to make a statement about debits false, in the history of a pool whose members are debited."""

_POOL = "(SELECT id FROM members_pool WHERE code = 'debited')"
_COLLECTED = f"""(SELECT r.id FROM ledger_chargeresult r JOIN ledger_chargeinstruction i ON i.id = r.instruction_id
                   WHERE i.pool_id = {_POOL} AND r.kind = 'collected' ORDER BY r.id LIMIT 1)"""

# code of the statement, harm, what the finding is about, expected, found
DEBIT_CASES = [
    (
        "charge_file_adds_up",
        f"UPDATE ledger_chargefile SET amount_fen = amount_fen + 1 WHERE pool_id = {_POOL}",
        "debited charge file 1",
        "3 instructions of",
        "3 of",
    ),
    (
        "in_transit_is_debits_not_settled",
        f"UPDATE ledger_chargeresult SET kind = 'rejected' WHERE id = {_COLLECTED}",
        "debited account 102",
        "-",
        "0",
    ),
    (
        "collection_is_of_its_result",
        f"UPDATE ledger_collection SET amount_fen = amount_fen + 1 WHERE result_id = {_COLLECTED}",
        "debited debit AID-",
        "at most",
        "1",
    ),
]
