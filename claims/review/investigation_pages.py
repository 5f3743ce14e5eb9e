"""What the pages of a claim show of its investigations, to its reviewers and to its claimant."""

from typing import Any

from aidplatform.lib import clock
from claims.filing.models import Claim
from claims.filing.selectors import concerned_by, is_near_to
from claims.review.appeals import REVIEWER, SECOND_REVIEWER
from claims.review.investigation_models import Investigation
from claims.review.investigation_selectors import (
    InvestigationTold,
    investigations_of,
    is_past,
    terms_of,
    told,
)
from members.people.models import User
from members.pools.models import DutyGrant
from members.pools.selectors import duties_of

State = Investigation.State
POOL_ADMIN = DutyGrant.Duty.POOL_ADMIN.value


def section(claim: Claim) -> dict[str, Any]:
    """Return the investigations of a claim for its workspace, and whether its plan knows them."""
    found = [told(_of(claim, one)) for one in investigations_of(claim)]
    return {
        "investigations": found,
        "may_investigate": terms_of(claim) is not None
        and not any(one.investigation.state in Investigation.LIVE for one in found),
    }


def for_claimant(claim: Claim) -> list[InvestigationTold]:
    """Return the investigations that the claimant reads of: all to which somebody has agreed. One query."""
    found = [_of(claim, one) for one in investigations_of(claim)]
    return [told(one) for one in found if one.state not in {State.ASKED, State.DROPPED}]


def _of(claim: Claim, one: Investigation) -> Investigation:
    """Return it with the claim that is known already."""
    one.claim = claim
    return one


def rights_in(one: Investigation, person: User) -> set[str]:
    """Return what a person may do with one: read, decide, link, extend, revoke; nothing where concerned."""
    claim = one.claim
    if person.pk in concerned_by(claim) or is_near_to(claim, person):
        return set()
    duties, rights = duties_of(person, claim.pool), set()
    is_mine = REVIEWER in duties and claim.reviewer_id == person.pk
    if is_mine or SECOND_REVIEWER in duties:
        rights.add("read")
    if SECOND_REVIEWER in duties and one.state == State.ASKED and one.ordered_by != person.code:
        rights.add("decide")
    if is_mine and one.state == State.ORDERED:
        rights.add("link")
    if (
        is_mine
        and one.state in {State.ORDERED, State.RUNNING}
        and one.extended_at is None
        and not is_past(one)
    ):
        rights.add("extend")
    if one.state in Investigation.LIVE and (is_mine or POOL_ADMIN in duties):
        rights.add("revoke")
    return rights


def link_stands(one: Investigation) -> bool:
    """Tell whether a link was made by which it can be accepted now."""
    return one.has_link(clock.now())
