"""Who speaks for a claim, in SQL: whose membership it is, and whom they have named for it."""

from members.joining.guardian_sql import has_died_sql
from members.joining.kin_triggers import speaks_for_sql

# Over when a death is recorded, a claim is not gone on with, and its papers are no heir's to read.
OVER = ("paid", "closed", "refused_by_jury", "revoked", "withdrawn")
_OVER = ", ".join(f"'{state}'" for state in OVER)


def speaks_for_claim_sql(claim: str, person: str) -> str:
    """Return SQL that tells whether a person speaks for a claim (an alias of claims_claim).

    Whoever speaks for its membership; whom its member has named, of the claims that they began themselves; and after
    the death a beneficiary, of those that were not over by then.
    """
    membership = f"{claim}.membership_id"
    return f"""({speaks_for_sql(membership, person)} OR EXISTS (
        SELECT 1 FROM members_deputy d WHERE d.membership_id = {membership} AND d.person_id = {person}
           AND d.state = 'live' AND ({claim}.claimant_id = d.person_id OR d.kind = 'beneficiary'
               AND {has_died_sql(membership)} AND NOT EXISTS (
                   SELECT 1 FROM members_membershipend gone WHERE gone.membership_id = {membership}
                      AND {claim}.state IN ({_OVER}) AND {claim}.state_since < gone.recorded_at))))"""
