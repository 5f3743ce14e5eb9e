"""Who may claim for a member, in SQL: an emergency contact while the member lives, a beneficiary after their death."""

from members.joining.guardian_sql import has_died_sql


def acts_as_deputy_sql(membership: str, person: str) -> str:
    """Return SQL that tells whether a person whom a member has named may begin a claim for them now."""
    return f"""EXISTS (
        SELECT 1 FROM members_deputy d WHERE d.membership_id = {membership} AND d.person_id = {person}
           AND d.state = 'live' AND (d.kind = 'beneficiary') = {has_died_sql(membership)})"""


def deputised_sql(deputy: str, lately: str) -> str:
    """Return SQL that tells whether a deputy has agreed, and stands or did after the instant `lately`."""
    return (
        f"({deputy}.accepted_at IS NOT NULL AND ({deputy}.ended_at IS NULL OR {deputy}.ended_at > {lately}))"
    )
