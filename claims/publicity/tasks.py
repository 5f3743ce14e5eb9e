"""The jobs of publicity: publish an approved case, and follow its award through the ledger."""

from typing import Any

from celery import shared_task

from aidplatform.lib import clock
from aidplatform.work import jobs
from claims.filing.models import Claim
from claims.filing.services import TELL
from claims.publicity import news, services
from claims.review import waiting
from claims.review.services import PUBLISH
from claims.review.signal_services import LOOKED_AT, order_look


@jobs.handles(PUBLISH)
def publish_case(lease: jobs.Lease) -> dict[str, Any]:
    """Publish an approved claim."""
    with lease.transaction():
        claim = Claim.objects.get(pk=lease.payload["claim"])
        award = services.publish_case(claim=claim, at=clock.now())
    return {"case": award.code}


@jobs.handles("claims.award_final")
def award_final(lease: jobs.Lease) -> dict[str, Any]:
    """Publicity has ended for these awards."""
    return _follow(lease, lease.payload["awards"], "awarded")


@jobs.handles("claims.award_shared")
def award_shared(lease: jobs.Lease) -> dict[str, Any]:
    """The period of these awards is posted."""
    return _follow(lease, lease.payload["awards"], "awarded", "shared")


@jobs.handles("claims.award_paid")
def award_paid(lease: jobs.Lease) -> dict[str, Any] | None:
    """Aid has arrived; the claim is paid when all of it has."""
    if not lease.payload["is_complete"]:
        return None
    return _follow(lease, [lease.payload["award"]], "awarded", "shared", "paid")


@jobs.handles("claims.award_revoked")
def award_revoked(lease: jobs.Lease) -> dict[str, Any]:
    """What was unpaid of an award went back to the members; the claim is over when nothing of it is to be paid."""
    moved = _follow(lease, [lease.payload["award"]], "awarded", "shared")["claims"]
    with lease.transaction():
        revoked = services.follow_revocation(award=lease.payload["award"], at=clock.now())
    return {"claims": [*moved, *revoked]}


@jobs.handles(TELL)
def tell_step(lease: jobs.Lease) -> dict[str, Any]:
    """Tell the claimant of a step, and whoever it waits for; where something new may show, order a look at it."""
    told = news.tell_step(lease)
    if lease.payload["state"] in LOOKED_AT:
        with lease.transaction():
            order_look(claim_id=lease.payload["claim"], key=lease.payload["step"])
    return told


@shared_task(name="claims.follow_overdue")
def follow_overdue_due() -> None:
    """Look where a day has begun on which a step may be late, or a refusal has become final."""
    news.follow_overdue_due(clock.now())
    waiting.give_back_due(clock.now())


@jobs.handles(news.FOLLOW)
def follow_overdue(lease: jobs.Lease) -> dict[str, Any]:
    """Tell of what is late."""
    return news.follow_overdue(lease)


@jobs.handles(waiting.GIVE_BACK)
def give_shares_back(lease: jobs.Lease) -> dict[str, Any]:
    """Give the shares of a membership back whose illness began in the wait."""
    return waiting.give_back(lease)


def _follow(lease: jobs.Lease, awards: list[int], *states: str) -> dict[str, Any]:
    """Take the claims on, also through a state whose own event has not been heard yet."""
    moved: list[str] = []
    with lease.transaction():
        for state in states:
            moved = services.follow_awards(awards=awards, state=state, at=clock.now())
    return {"claims": moved}
