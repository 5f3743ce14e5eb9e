"""Fixtures of the claims app."""

import pytest

from aidplatform.testing.claim_cases import ClaimCases


@pytest.fixture
def cases(db: None) -> ClaimCases:
    """Give the test a pool with people for every step of a claim, on 20 May 2026; rolled back afterwards."""
    return ClaimCases.founded()
