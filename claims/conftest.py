"""Fixtures of the claims app."""

from aidplatform.testing.claim_cases import ClaimCases
from aidplatform.testing.prepared import prepared


@prepared
def cases() -> ClaimCases:
    """Give the test a pool with people for every step of a claim, on 20 May 2026; rolled back afterwards."""
    return ClaimCases.founded()
