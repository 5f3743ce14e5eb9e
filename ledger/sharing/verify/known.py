"""What was known of members on the day of a headcount: a corrected identity changes no day before. A second reading."""


def known_then(day: str) -> str:
    """Return SQL of a set `k`, by person: the oldest of what was corrected after that day."""
    return f"""(SELECT person_id, (array_agg(was_birth_date ORDER BY effective_date, id))[1] AS born,
                       (array_agg(was_sex ORDER BY effective_date, id))[1] AS sex,
                       (array_agg(was_region ORDER BY effective_date, id))[1] AS region
                  FROM members_identitycorrection WHERE state = 'granted' AND {day} < effective_date GROUP BY 1)"""
