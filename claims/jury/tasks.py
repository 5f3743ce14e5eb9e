"""The jobs of the jury: take draws on by time, end what waits for an arbiter in vain, and tell of both."""

from typing import Any

from celery import shared_task

from aidplatform.lib import clock
from aidplatform.work import jobs
from claims.jury import arbiter_news, arbiters, draws, news
from claims.jury.arbiter_models import Arbitration
from claims.jury.arbiter_selectors import late_arbitrations, left_with_a_claim_taken_back
from claims.jury.models import JuryDraw
from claims.jury.selectors import running_draws

FOLLOW = "claims.follow_jury"
END_ARBITRATION = "claims.end_arbitration"


@shared_task(name="claims.follow_juries")
def follow_juries() -> None:
    """Order what is due; doubled, late or lost ticks change nothing."""
    follow_juries_due()


def follow_juries_due() -> None:
    """Order a step of each draw whose time has come."""
    at = clock.now()
    for draw in running_draws().select_related("claim"):
        until = {
            JuryDraw.State.CALLED: draw.commit_until_at,
            JuryDraw.State.COMMITTED: draw.reveal_until_at,
            JuryDraw.State.DRAWN: draw.closes_at,
        }[JuryDraw.State(draw.state)]
        if draw.claim.state == "withdrawn" or (until is not None and at >= until):
            # A draw that waits for witnesses after its days is looked at once an hour.
            key = f"{draw.pk}/{draw.state}/{at:%Y-%m-%dT%H}/{draw.claim.state}"
            jobs.enqueue(kind=FOLLOW, key=key, payload={"draw": draw.pk}, actor=draws.SERVICE)
    for late in late_arbitrations():
        key = f"{late.code}/late/{late.state}/{late.claim.due_date}"
        arbiters.order_telling(late, "late", key)
    for one in left_with_a_claim_taken_back():
        payload = {"arbitration": one.pk}
        jobs.enqueue(kind=END_ARBITRATION, key=one.code, payload=payload, actor=draws.SERVICE)


@jobs.handles(FOLLOW)
def follow_jury(lease: jobs.Lease) -> dict[str, Any]:
    """Take one draw on."""
    with lease.transaction():
        draw = JuryDraw.objects.select_related("claim").get(pk=lease.payload["draw"])
        return {"state": draws.follow_draw(draw=draw, at=clock.now())}


@jobs.handles(draws.TELL)
def tell_jury(lease: jobs.Lease) -> dict[str, Any]:
    """Tell of a step of a draw."""
    return news.tell_draw(lease)


@jobs.handles(END_ARBITRATION)
def end_arbitration(lease: jobs.Lease) -> dict[str, Any]:
    """End what waits for an arbiter though the claim was taken back."""
    with lease.transaction():
        one = Arbitration.objects.get(pk=lease.payload["arbitration"])
        return {"state": arbiters.end_with_claim(arbitration=one, at=clock.now())}


@jobs.handles(arbiters.TELL)
def tell_arbitration(lease: jobs.Lease) -> dict[str, Any]:
    """Tell of a step of an arbitration."""
    return arbiter_news.tell_arbitration(lease)
