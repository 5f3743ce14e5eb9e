"""Until when a refusal can be appealed against, and then be taken to the jury, in SQL, for guards."""


def appeal_until(claim: str) -> str:
    """Return SQL for the last day on which a refused claim (an alias of claims_claim) can be appealed against.

    So many days after the day of the refusal as the plan version of its event says; NULL: it knows no appeal, or
    nothing was refused. It goes by what was written down and never changes, not by the row of the claim.
    """
    return f"""(SELECT (v.terms->>'appeal_days')::int + (greatest(
               (SELECT max(d.decided_at) FROM claims_decision d WHERE d.claim_id = {claim}.id AND d.outcome = 'rejected'),
               (SELECT max(o.answered_at) FROM claims_objection o WHERE o.claim_id = {claim}.id AND o.state = 'upheld')
           ) AT TIME ZONE p.time_zone)::date
          FROM members_planversion v JOIN members_pool p ON p.id = v.pool_id WHERE v.id = {claim}.plan_version_id)"""


def jury_until(claim: str) -> str:
    """Return SQL for the last day on which a refusal on appeal (of an alias of claims_claim) can go before the jury.

    NULL: the plan version of its event knows no jury.
    """
    return f"""(SELECT (v.terms#>>'{{jury,take_days}}')::int + (
               (SELECT max(d.decided_at) FROM claims_decision d WHERE d.claim_id = {claim}.id AND d.outcome = 'rejected')
           AT TIME ZONE p.time_zone)::date
          FROM members_planversion v JOIN members_pool p ON p.id = v.pool_id WHERE v.id = {claim}.plan_version_id)"""
