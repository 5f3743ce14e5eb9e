"""Gathers the rooms' models; rooms never import this file."""

from claims.filing.ending_triggers import pool_closes_with_its_claims_decided
from claims.filing.models import Claim, Evidence
from claims.jury.models import (
    Juror,
    JuryBallot,
    JuryCase,
    JuryDraw,
    JurySeat,
    JuryVerdict,
    JuryWitness,
)
from claims.publicity.models import Objection
from claims.review.models import Appeal, Decision, PaperRequest, Recommendation
from members.pools.models import Pool

# A pool knows no claim; that it does not close over one is hung on it here.
pool_closes_with_its_claims_decided.register(Pool)  # type: ignore[arg-type]  # it takes classes

__all__ = [
    "Appeal",
    "Claim",
    "Decision",
    "Evidence",
    "Juror",
    "JuryBallot",
    "JuryCase",
    "JuryDraw",
    "JurySeat",
    "JuryVerdict",
    "JuryWitness",
    "Objection",
    "PaperRequest",
    "Recommendation",
]
