"""Gathers the rooms' models; rooms never import this file."""

from claims.filing.ending_triggers import pool_closes_with_its_claims_decided
from claims.filing.erasure_triggers import erasure_waits_for_claims
from claims.filing.models import Claim, Evidence
from claims.jury.arbiter_models import Arbitration
from claims.jury.models import (
    Juror,
    JuryBallot,
    JuryCase,
    JuryDraw,
    JurySeat,
    JuryVerdict,
    JuryWitness,
)
from claims.publicity.models import Objection, ObjectionPaper, Redaction
from claims.review.investigation_models import Investigation
from claims.review.investigation_triggers import cost_is_of_its_investigation
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
from claims.review.opening_models import PaperOpening
from claims.review.outside_models import OutsideReview
from claims.review.signal_models import PageHash, PaperReading, SignalMark, SignalRun
from claims.review.waiting_triggers import shares_go_back_as_decided
from ledger.custody.cost_models import OutsideCost
from ledger.custody.share_return_models import SharesReturn
from members.people.erasure_models import Erasure
from members.pools.models import Pool

# A pool knows no claim; that it does not close over one is hung on it here.
pool_closes_with_its_claims_decided.register(Pool)  # type: ignore[arg-type]  # it takes classes
# Nor does who wants to be erased.
erasure_waits_for_claims.register(Erasure)  # type: ignore[arg-type]
# Nor does the ledger know what was decided of a claim.
cost_is_of_its_investigation.register(OutsideCost)  # type: ignore[arg-type]
shares_go_back_as_decided.register(SharesReturn)  # type: ignore[arg-type]

__all__ = [
    "Appeal",
    "Arbitration",
    "BlindReview",
    "Claim",
    "Concurrence",
    "Decision",
    "Evidence",
    "Investigation",
    "Juror",
    "JuryBallot",
    "JuryCase",
    "JuryDraw",
    "JurySeat",
    "JuryVerdict",
    "JuryWitness",
    "Objection",
    "ObjectionPaper",
    "OutsideReview",
    "PageHash",
    "PaperOpening",
    "PaperReading",
    "PaperRequest",
    "Recommendation",
    "Redaction",
    "ReviewNote",
    "SignalMark",
    "SignalRun",
    "Withdrawal",
]
