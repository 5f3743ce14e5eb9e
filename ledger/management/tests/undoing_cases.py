"""Ways to make a statement about undone matches false, in a pool of which one was."""

_POOL = "(SELECT id FROM members_pool WHERE code = 'undone')"
_PERSON = f"""(SELECT u.code FROM members_user u JOIN members_dutygrant g ON g.person_id = u.id
                WHERE g.pool_id = {_POOL} AND g.duty = 'auditor')"""

# code of the statement, harm, what the finding is about, expected, found
UNDOING_CASES = [
    (
        "undone_match_has_its_decision",
        f"UPDATE ledger_matchundoing SET decided_by = {_PERSON} WHERE pool_id = {_POOL}",
        "undone undoing 1",
        "treasurer, then another person: controller",
        "P-",
    ),
    (
        "undone_match_is_booked",
        f"UPDATE ledger_matchundoing SET amount_fen = amount_fen - 1 WHERE pool_id = {_POOL}",
        "undone undoing 1",
        "250 C 21599",
        "250 C 21600",
    ),
    (
        "undone_match_is_taken_back",
        f"UPDATE ledger_collection SET amount_fen = amount_fen + 1 WHERE pool_id = {_POOL} AND turn < 0",
        "undone undoing 1",
        "21600",
        "21599",
    ),
]
