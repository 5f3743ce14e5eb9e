"""The job of review: look at a claim for signals."""

from typing import Any

from aidplatform.lib import clock
from aidplatform.work import jobs
from claims.filing.models import Claim
from claims.review.signal_services import FIND, find_signals, look_at_pages


@jobs.handles(FIND)
def find_signals_of(lease: jobs.Lease) -> dict[str, Any]:
    """Look at the pages, then at the claim. payload: claim."""
    claim = Claim.objects.get(pk=lease.payload["claim"])
    pages = look_at_pages(claim=claim)
    with lease.transaction():
        run = find_signals(claim=claim, pages=pages, at=clock.now())
    return {"pages": len(pages), "look": run.number if run else None}
