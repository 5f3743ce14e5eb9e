"""Ways to make a statement about write-offs and settlements false, in the history of a pool that was not paid."""

_POOL = "(SELECT id FROM members_pool WHERE code = 'owing')"
_PERSON = f"""(SELECT u.code FROM members_user u JOIN members_dutygrant g ON g.person_id = u.id
                WHERE g.pool_id = {_POOL} AND g.duty = 'auditor')"""

# code of the statement, harm, what the finding is about, expected, found
WRITE_OFF_CASES = [
    (
        "charge_is_written_off_once",
        f"UPDATE ledger_writtenoffcharge SET amount_fen = 99999 WHERE pool_id = {_POOL}",
        "owing charge of membership",
        "once, at most 15429",
        "1, 99999",
    ),
    (
        "write_off_has_two_people",
        f"UPDATE ledger_writeoff SET decided_by = {_PERSON} WHERE pool_id = {_POOL}",
        "owing write-off 1",
        "another person: controller",
        "P-",
    ),
    (
        "write_off_has_its_entry",
        f"UPDATE ledger_writeoff SET charges = '[[1, 15428]]' WHERE pool_id = {_POOL}",
        "owing write-off 1",
        "1: 15428",
        "1: 15429",
    ),
    (
        "settlement_has_its_entry",
        f"UPDATE ledger_finalsettlement SET figures = figures || '{{\"fee\": 7997}}' WHERE pool_id = {_POOL}",
        "owing settlement 1",
        "230 D 7997",
        "230 D 7998",
    ),
    (
        "settlement_lowers_its_awards",
        f"UPDATE ledger_award SET lowered_fen = lowered_fen - 1 WHERE pool_id = {_POOL}",
        "owing award C-1",
        "99973",
        "99972",
    ),
]
