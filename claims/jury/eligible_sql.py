"""Who can be drawn for a case, in SQL: the list is made by it, and guards of seats ask it again, one rule at a time."""

from members.joining.kin_triggers import near_sql, stands_by_sql

ADULT_YEARS = 18


def jury_of(claim: str, name: str) -> str:
    """Return SQL for a figure of the jury in the plan of a claim (an alias of claims_claim)."""
    return f"(SELECT (v.terms#>>'{{jury,{name}}}')::int FROM members_planversion v WHERE v.id = {claim}.plan_version_id)"


def is_ready_sql(claim: str, person: str) -> str:
    """Return SQL that tells whether a person has offered to be a juror, and is covered, of age and long enough a member."""
    return f"""EXISTS (
        SELECT 1 FROM claims_juror j
          JOIN members_membership m ON m.pool_id = j.pool_id AND m.person_id = j.person_id
          JOIN members_pool p ON p.id = j.pool_id
         WHERE j.pool_id = {claim}.pool_id AND j.person_id = {person} AND j.ended_at IS NULL
           AND m.joined_date <= (aid_now() AT TIME ZONE p.time_zone)::date - {jury_of(claim, "tenure_days")}
           AND coalesce(m.birth_date <= (aid_now() AT TIME ZONE p.time_zone)::date - interval '{ADULT_YEARS} years', true)
           AND EXISTS (SELECT 1 FROM members_span s WHERE s.pool_id = m.pool_id AND s.membership_id = m.id
                          AND s.from_at <= aid_now() AND coalesce(s.to_at > aid_now(), true)))"""


def is_near_sql(claim: str, person: str) -> str:
    """Return SQL that tells whether a person is the claimant or the covered person, near to them, or stands by for them."""
    return f"""({person} = {claim}.claimant_id OR {stands_by_sql(f"{claim}.membership_id", person)} OR EXISTS (
        SELECT 1 FROM members_membership m WHERE m.person_id = {person} AND m.pool_id = {claim}.pool_id
           AND (m.id = {claim}.membership_id
                OR m.id IN (SELECT near.id FROM {near_sql(f"{claim}.membership_id")} near))))"""


def has_a_part_sql(claim: str, person: str) -> str:
    """Return SQL that tells whether a person holds a duty in the pool now, or has had a part in the case."""
    code = f"(SELECT code FROM members_user WHERE id = {person})"
    return f"""(EXISTS (
            SELECT 1 FROM members_dutygrant g WHERE g.person_id = {person} AND g.ended_at IS NULL
               AND (g.pool_id = {claim}.pool_id OR g.pool_id IS NULL))
        OR EXISTS (SELECT 1 FROM claims_recommendation r WHERE r.claim_id = {claim}.id AND r.reviewer = {code})
        OR EXISTS (SELECT 1 FROM claims_decision d WHERE d.claim_id = {claim}.id AND d.decider = {code})
        OR EXISTS (SELECT 1 FROM claims_paperrequest q WHERE q.claim_id = {claim}.id AND q.requested_by = {code})
        OR EXISTS (SELECT 1 FROM claims_objection o
                    WHERE o.claim_id = {claim}.id AND {code} IN (o.member, o.answered_by))
        OR EXISTS (SELECT 1 FROM claims_jurywitness w JOIN claims_jurydraw d ON d.id = w.draw_id
                    WHERE d.claim_id = {claim}.id AND w.person_id = {person}))"""


def can_be_drawn_sql(claim: str, most: int, into: str) -> str:
    """Return plpgsql that counts who can be drawn for a case now into a variable; it stops counting at `most`."""
    return f"""SELECT count(*) INTO {into} FROM (
        SELECT 1 FROM claims_juror offered
         WHERE offered.pool_id = {claim}.pool_id AND offered.ended_at IS NULL
           AND {is_ready_sql(claim, "offered.person_id")} AND NOT {is_near_sql(claim, "offered.person_id")}
           AND NOT {has_a_part_sql(claim, "offered.person_id")} LIMIT {most}) eligible;"""


def ref_sql(claim: str) -> str:
    """Return SQL for the name that a claim bears in the log."""
    return f"left(encode(sha256(convert_to('claims.ref:' || {claim}.code, 'UTF8')), 'hex'), 16)"


def logged_sql(claim: str, entry_type: str, key: str) -> str:
    """Return SQL for the body of one entry of the log of a claim's pool; NULL: there is none."""
    return f"""(SELECT convert_from(l.data, 'UTF8')::jsonb->'body' FROM ledger_logentry l
          JOIN ledger_log g ON g.id = l.log_id JOIN members_pool p ON p.code = g.code
         WHERE p.id = {claim}.pool_id AND l.type = '{entry_type}' AND l.key = {key})"""
