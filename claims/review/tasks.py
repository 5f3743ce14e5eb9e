"""The jobs of review: look at a claim for signals, tell of an outside review."""

from typing import Any

from aidplatform.lib import clock
from aidplatform.work import jobs
from claims.filing.models import Claim
from claims.review import outside_news, outside_reviews
from claims.review.signal_services import FIND, find_signals, look_at_pages


@jobs.handles(FIND)
def find_signals_of(lease: jobs.Lease) -> dict[str, Any]:
    """Look at the pages, then at the claim. payload: claim."""
    claim = Claim.objects.get(pk=lease.payload["claim"])
    pages = look_at_pages(claim=claim)
    with lease.transaction():
        run = find_signals(claim=claim, pages=pages, at=clock.now())
    return {"pages": len(pages), "look": run.number if run else None}


@jobs.handles(outside_reviews.TELL)
def tell_outside_review(lease: jobs.Lease) -> dict[str, int]:
    """Tell of a step of an outside review."""
    return outside_news.tell_outside_review(lease)
