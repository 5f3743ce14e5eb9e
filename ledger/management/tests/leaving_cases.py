"""Ways to make a statement about memberships that are over false: who left a pool that was paid, who went on."""

_POOL = "(SELECT id FROM members_pool WHERE code = 'paid')"
_LEAVER = f"(SELECT id FROM members_membership WHERE pool_id = {_POOL} AND number = 5)"

_OLDER = "(SELECT id FROM members_pool WHERE code = 'older')"
_CAME = f"(SELECT begun_id FROM members_agetransfer WHERE pool_id = {_OLDER} AND state = 'begun')"
_WENT = f"(SELECT membership_id FROM members_agetransfer WHERE pool_id = {_OLDER} AND state = 'begun')"

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
    (
        "transfer_leaves_no_gap",
        f"UPDATE members_span SET from_at = from_at + interval '1 day' WHERE membership_id = {_CAME}",
        "older member 5, before younger member 4",
        "the same person, on 2026-01-07 at 00:00",
        "here from 2026-01-07 16:00",
    ),
    (
        "transfer_leaves_no_gap",
        f"UPDATE members_span SET to_at = to_at + interval '1 day' WHERE membership_id = {_WENT}",
        "older member 5, before younger member 4",
        "the same person, on 2026-01-07 at 00:00",
        "there until 2026-01-07 16:00",
    ),
    (
        "transfer_leaves_no_gap",
        f"UPDATE members_membership SET person_id = NULL WHERE id = {_CAME}",
        "older member 5, before younger member 4",
        "the same person, on 2026-01-07 at 00:00",
        "another person",
    ),
    (
        "headcount_follows_transfers",
        f"UPDATE members_span SET recorded_at = recorded_at + interval '1 day' WHERE membership_id = {_CAME}",
        "older awaits younger member 4",
        "here before the headcount of period 1",
        "written after it",
    ),
    (
        "headcount_follows_transfers",
        f"""ALTER TABLE members_agetransfer DROP CONSTRAINT transfer_says_what_came_of_it;
            UPDATE members_agetransfer SET state = 'signed' WHERE pool_id = {_OLDER}""",
        "older awaits younger member 4",
        "here before the headcount of period 1",
        "still signed",
    ),
]
