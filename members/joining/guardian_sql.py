"""Who speaks for a child without an account, in SQL: its guardian, and after the guardian's death nobody."""


def has_died_sql(membership: str) -> str:
    """Return SQL that tells whether a membership is that of somebody who has died."""
    return f"""EXISTS (SELECT 1 FROM members_membershipend dead
                 WHERE dead.membership_id = {membership} AND dead.reason = 'deceased')"""


def guardian_code_sql(membership: str) -> str:
    """Return SQL for the code of the guardian who speaks for a membership; NULL where none lives."""
    return f"""(SELECT gu.code FROM members_familymember f JOIN members_membership g ON g.id = f.guardian_id
                  JOIN members_user gu ON gu.id = g.person_id
                 WHERE f.membership_id = {membership} AND NOT {has_died_sql("g.id")})"""
