"""Gathers the rooms' models; rooms never import this file."""

from claims.filing.ending_triggers import pool_closes_with_its_claims_decided
from claims.filing.models import Claim, Evidence
from claims.publicity.models import Objection
from claims.review.models import (
    Appeal,
    BlindReview,
    Concurrence,
    Decision,
    PaperRequest,
    Recommendation,
    ReviewNote,
    Withdrawal,
)
from members.pools.models import Pool

# A pool knows no claim; that it does not close over one is hung on it here.
pool_closes_with_its_claims_decided.register(Pool)  # type: ignore[arg-type]  # it takes classes

__all__ = [
    "Appeal",
    "BlindReview",
    "Claim",
    "Concurrence",
    "Decision",
    "Evidence",
    "Objection",
    "PaperRequest",
    "Recommendation",
    "ReviewNote",
    "Withdrawal",
]
