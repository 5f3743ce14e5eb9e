"""Ways to make a statement about what is told of cases false, in the history of the small pool of seven."""

_FACE = "ledger_caseface WHERE claim_code = 'claim-S-1'"

# code of the statement, harm, what the finding is about, expected, found
FACE_CASES = [
    (
        "face_is_shared_by_five",
        f"UPDATE ledger_caseface SET members = 6 WHERE id IN (SELECT id FROM {_FACE})",
        "period small/1, case S-1",
        "6 members, 5 or more",
        "7",
    ),
    (
        "face_is_shared_by_five",
        f"UPDATE ledger_caseface SET sex = 'f' WHERE id IN (SELECT id FROM {_FACE})",
        "period small/1, case S-1",
        "7 members, 5 or more",
        "0",
    ),
    (
        "face_is_of_its_case",
        f"UPDATE ledger_caseface SET month = '2026-01' WHERE id IN (SELECT id FROM {_FACE})",
        "period small/1, case S-1",
        "nothing else",
        "month 2026-01",
    ),
]
