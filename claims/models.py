"""Gathers the rooms' models; rooms never import this file."""

from claims.filing.models import Claim, Evidence
from claims.publicity.models import Objection
from claims.review.models import Decision, PaperRequest, Recommendation

__all__ = ["Claim", "Decision", "Evidence", "Objection", "PaperRequest", "Recommendation"]
