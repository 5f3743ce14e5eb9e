"""What was known of a person on a day, in SQL: what is corrected or read later counts from its first day on alone."""


def known_before_sql(member: str, day: str) -> str:
    """Return JOINs that tell, as `was`, what was known of a membership's person on a day and has been corrected since.

    Its columns are NULL where nothing has. Corrections are few: they are read once, not member by member; of a child
    without an account they are of its membership. `late` is there where sex and province were read after that day.
    """
    known = (
        "r.id, r.effective_date, r.was_birth_date, r.was_sex, r.was_region FROM members_identitycorrection r"
    )
    return f"""LEFT JOIN (
        SELECT DISTINCT ON (r.membership_id) r.membership_id, r.was_birth_date, r.was_sex, r.was_region FROM (
            SELECT of_them.id AS membership_id, {known} JOIN members_membership of_them ON of_them.person_id = r.person_id
             WHERE r.state = 'granted' AND r.effective_date > {day}
            UNION ALL SELECT r.membership_id, {known}
             WHERE r.state = 'granted' AND r.effective_date > {day} AND r.person_id IS NULL) r
         ORDER BY r.membership_id, r.effective_date, r.id) was ON was.membership_id = {member}.id
        LEFT JOIN members_latetraits late ON late.membership_id = {member}.id AND late.effective_date > {day}"""


def born_sql(member: str) -> str:
    """Return SQL for the birth date known then, beside `known_before_sql`; NULL where the membership has none."""
    return f"""CASE WHEN {member}.birth_date IS NOT NULL THEN coalesce(was.was_birth_date, {member}.birth_date) END"""


def trait_sql(member: str, column: str) -> str:
    """Return SQL for sex or region as known then, beside `known_before_sql`; empty where the membership has none."""
    return f"""CASE WHEN {member}.{column} <> '' AND late.membership_id IS NULL
                    THEN coalesce(nullif(was.was_{column}, ''), {member}.{column}) ELSE '' END"""
