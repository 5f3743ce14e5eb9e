"""Ways to make a statement about members who pay late false, in the history of a pool with rules for them."""

_POOL = "(SELECT id FROM members_pool WHERE code = 'late')"
_MEMBER = "(SELECT id FROM members_membership WHERE number = {} AND pool_id = " + _POOL + ")"

# code of the statement, harm, what the finding is about, expected, found
ARREARS_CASES = [
    (
        "suspension_waits_for_the_grace",
        f"UPDATE ledger_suspension SET from_date = '2026-01-24' WHERE membership_id = {_MEMBER.format(2)}",
        "late member 2, period 1",
        "after 2026-01-24",
        "2026-01-24",
    ),
    (
        "suspension_waits_for_the_bank",
        "UPDATE ledger_bankstatement SET imported_at = '2026-03-01' WHERE account_id ="
        f" (SELECT id FROM ledger_bankaccount WHERE pool_id = {_POOL})",
        "late member 2, period 1",
        "a statement before 2026-01-26 that tells about 2026-01-24",
        "none",
    ),
    (
        "suspension_ends_once_all_is_paid",
        f"UPDATE ledger_collection SET amount_fen = amount_fen - 7 WHERE membership_id = {_MEMBER.format(1)}",
        "late member 1, back on 2026-01-28",
        "0 fen open",
        "7 fen open",
    ),
    (
        "hardship_pause_needs_two_people",
        f"UPDATE ledger_hardshippause SET decided_by = 'P-nobody' WHERE pool_id = {_POOL}",
        "late pause 1",
        "another person: controller",
        "P-nobody",
    ),
    (
        "hardship_pause_keeps_to_the_plan",
        f"UPDATE ledger_hardshippause SET days = 16 WHERE pool_id = {_POOL}",
        "late pause 1",
        "15 days at most",
        "16 days",
    ),
]
