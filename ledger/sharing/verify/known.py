"""What was known of members on the day of a headcount: a corrected identity changes no day before. A second reading."""

_CORRECTED = "c.id, c.effective_date, c.was_birth_date, c.was_sex, c.was_region"


def known_then(day: str) -> str:
    """Return SQL of a set `k`, by membership: the oldest of what was corrected after that day."""
    oldest = "(array_agg({} ORDER BY effective_date, id))[1]"
    since = f"c.state = 'granted' AND {day} < c.effective_date"
    return f"""(SELECT membership_id, {oldest.format("was_birth_date")} AS born, {oldest.format("was_sex")} AS sex,
                       {oldest.format("was_region")} AS region
                  FROM (SELECT {_CORRECTED}, own.id AS membership_id FROM members_identitycorrection c
                          JOIN members_membership own ON own.person_id = c.person_id WHERE {since}
                        UNION ALL
                        SELECT {_CORRECTED}, c.membership_id FROM members_identitycorrection c
                         WHERE c.person_id IS NULL AND {since}) corrected
                 GROUP BY membership_id)"""
