"""Who sees and does what where somebody from outside is to look at a claim: for the pages and for programs alike."""

import datetime as dt

from django.utils.translation import gettext_lazy as _

from aidplatform.lib.errors import NotFoundError
from claims.filing.models import Claim
from claims.review.appeals import nobody_left
from claims.review.outside_models import OutsideReview
from claims.review.outside_reviews import may_be_ended
from claims.review.outside_selectors import CONTROLLER, POOL_ADMIN, may_appoint_for, waits
from claims.review.selectors import access_claim_of_pool
from members.people.models import User
from members.pools.selectors import access_pool, duties_of

State = OutsideReview.State


def access_outside(person: User, code: str, claim: str) -> Claim:
    """Return a claim that nobody of its pool may look at, or that somebody from outside was proposed for.

    Every other claim is absent, and so is one that the person is near to or had a part in. Raises: NotFoundError.
    """
    found = access_claim_of_pool(pool=access_pool(code=code), code=claim)
    if not may_appoint_for(found, person) or not (found.outside_reviews.exists() or nobody_left(found)):
        raise NotFoundError(_("There is no such claim, or it is not yours to see."))
    return found


def rights_over(
    claim: Claim, live: OutsideReview | None, person: User, at: dt.datetime
) -> tuple[set[str], str]:
    """Return what somebody who appoints may do now (propose, agree, link, end), and the duty that the claim lacks."""
    duties, stage = duties_of(person, claim.pool), nobody_left(claim)
    rights = set()
    if POOL_ADMIN in duties and stage and (live is None or not waits(live)):
        rights.add("propose")
    if live is None:
        return rights, stage
    if CONTROLLER in duties and live.state == State.PROPOSED and live.proposed_by != person.code:
        rights.add("agree")
    if POOL_ADMIN in duties and live.state == State.APPOINTED and waits(live):
        rights.add("link")
    if POOL_ADMIN in duties and may_be_ended(live, at):
        rights.add("end")
    return rights, stage
