"""Ways to make a statement about memberships that are over false, in the history of a pool that was paid."""

_POOL = "(SELECT id FROM members_pool WHERE code = 'paid')"
_LEAVER = f"(SELECT id FROM members_membership WHERE pool_id = {_POOL} AND number = 5)"

# code of the statement, harm, what the finding is about, expected, found
LEAVING_CASES = [
    (
        "ended_membership_has_no_cover",
        f"UPDATE members_span SET to_at = NULL, ended_recorded_at = NULL WHERE membership_id = {_LEAVER}",
        "paid member 5",
        "no cover from 2026-",
        "infinity",
    ),
    (
        "reported_end_is_confirmed",
        f"UPDATE members_reportedend SET decided_by = 'P-nobody' WHERE pool_id = {_POOL}",
        "paid member 6",
        "another person: controller",
        "P-nobody",
    ),
    (
        "cover_ends_with_a_reason",
        f"DELETE FROM members_membershipend WHERE membership_id = {_LEAVER}",
        "paid membership",
        "why it ended",
        "2026-",
    ),
]
