"""Ways to make a statement about aid taken back false, in a pool of which all of one award was."""

_POOL = "(SELECT id FROM members_pool WHERE code = 'revoked')"
_PERSON = f"""(SELECT u.code FROM members_user u JOIN members_dutygrant g ON g.person_id = u.id
                WHERE g.pool_id = {_POOL} AND g.duty = 'auditor')"""

# code of the statement, harm, what the finding is about, expected, found
REVOCATION_CASES = [
    (
        "revoked_aid_has_its_decision",
        f"UPDATE ledger_awardrevocation SET decided_by = {_PERSON} WHERE pool_id = {_POOL}",
        "revoked revocation 1",
        "second reviewer, then another person: controller",
        "P-",
    ),
    (
        "revoked_aid_is_booked",
        f"UPDATE ledger_awardrevocation SET fee_fen = fee_fen - 1 WHERE pool_id = {_POOL}",
        "revoked revocation 1",
        "230 D 7200",
        "230 D 7201",
    ),
    (
        "revocation_is_in_the_log",
        f"UPDATE ledger_awardrevocation SET reason = 'another' WHERE pool_id = {_POOL}",
        "revoked revocation 1",
        "C-1 less by 90001, fee 7201: another",
        "C-1 less by 90001, fee 7201: the report was of somebody else",
    ),
]
