"""Reads of outside reviews: who looks at which claim from outside now, who they are, for whom one waits."""

import datetime as dt
from dataclasses import dataclass

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock
from aidplatform.lib.crypto import unseal_text
from aidplatform.lib.errors import NotFoundError
from claims.filing.models import Claim
from claims.filing.selectors import concerned_by, is_near_to
from claims.review.appeals import has_judged
from claims.review.outside_models import OutsideReview
from claims.review.outside_triggers import WAITS_FOR_A_REVIEWER, WAITS_FOR_A_SECOND, WAITS_FOR_AN_ANSWER
from members.people.models import User
from members.people.services import hash_of
from members.pools.models import DutyGrant, Pool

State = OutsideReview.State
Stage = OutsideReview.Stage
POOL_ADMIN = DutyGrant.Duty.POOL_ADMIN.value
CONTROLLER = DutyGrant.Duty.CONTROLLER.value
APPOINTING = (POOL_ADMIN, CONTROLLER)
_WAITS_IN: dict[str, tuple[str, ...]] = {
    Stage.REVIEWER: WAITS_FOR_A_REVIEWER,
    Stage.SECOND_REVIEWER: WAITS_FOR_A_SECOND,
    Stage.OBJECTION: WAITS_FOR_AN_ANSWER,
}
_WHOLE = ("claim__pool", "claim__plan_version", "claim__membership__person", "claim__claimant", "person")


@dataclass(frozen=True)
class OutsideReviewTold:
    """An outside review in words: who it is, and why the pool has nobody."""

    review: OutsideReview
    name: str
    reason: str

    @property
    def state_words(self) -> object:
        """Return the state in words."""
        return self.review.get_state_display()


def told(one: OutsideReview) -> OutsideReviewTold:
    """Return an outside review with what is sealed of it; empty where it was erased."""
    return OutsideReviewTold(
        one, _read(one, "name", one.name_sealed), _read(one, "reason", one.reason_sealed)
    )


def _read(one: OutsideReview, part: str, sealed: "bytes | memoryview[int]") -> str:
    return unseal_text(bytes(sealed), one.place(part)) if sealed else ""


def outside_reviews_of(claim: Claim) -> list[OutsideReview]:
    """Return the outside reviews of a claim, oldest first. One query."""
    return list(claim.outside_reviews.select_related("person").order_by("number"))


def live_review_of(claim: Claim) -> OutsideReview | None:
    """Return the outside review of a claim that is not over, or none."""
    return claim.outside_reviews.filter(state__in=OutsideReview.LIVE).select_related(*_WHOLE).first()


def outside_told(claim: Claim) -> list[OutsideReviewTold]:
    """Return those of which the claimant reads: all to which two people have agreed, unless they came to nothing."""
    shown = {State.APPOINTED, State.RUNNING, State.DONE}
    return [told(one) for one in outside_reviews_of(claim) if one.state in shown]


def waits(one: OutsideReview) -> bool:
    """Tell whether the claim still waits for what the outside review is for."""
    return one.claim.state in _WAITS_IN[one.stage]


def _is_theirs(one: OutsideReview) -> bool:
    """Tell whether whoever took it on has the claim today."""
    claim = one.claim
    if one.until_date is None or clock.today(claim.pool.time_zone) > one.until_date:
        return False
    if one.stage != Stage.REVIEWER:
        return waits(one)
    return claim.state == Claim.State.UNDER_REVIEW and claim.reviewer_id == one.person_id


def running_reviews(person: User) -> list[OutsideReview]:
    """Return what a person judges from outside today, oldest first; what is over is absent."""
    found = OutsideReview.objects.filter(person=person, state=State.RUNNING)
    return [one for one in found.select_related(*_WHOLE).order_by("pk") if _is_theirs(one)]


def access_review(*, person: User, code: str) -> OutsideReview:
    """Return what is this person's to judge now under that code; any other is absent. Raises: NotFoundError."""
    found = next((one for one in running_reviews(person) if one.code == code), None)
    if found is None:
        raise NotFoundError(_("There is no such page, or it is not yours to see."))
    return found


def done_by(person: User, code: str) -> OutsideReview | None:
    """Return what this person has judged from outside under that code, or none."""
    found = OutsideReview.objects.filter(person=person, code=code, state=State.DONE)
    return found.select_related(*_WHOLE).first()


def outside_stage(claim: Claim, person: User) -> str:
    """Return the stage that a person judges of a claim from outside now; empty: none. One query."""
    found = claim.outside_reviews.filter(person=person, state=State.RUNNING).select_related(*_WHOLE)
    return next((one.stage for one in found if _is_theirs(one)), "")


def stands_in(claim: Claim, person: User, duty: str) -> bool:
    """Tell whether a person stands in for those who hold a duty, as the claim's outside reviewer. One query."""
    found = claim.outside_reviews.filter(person=person, state=State.RUNNING, stage=duty)
    return found.filter(until_date__gte=clock.today(claim.pool.time_zone)).exists()


def find_review_by_link(token: str, at: dt.datetime) -> OutsideReview | None:
    """Return what a link offers while somebody can take it on; None: the link is over, or none."""
    found = OutsideReview.objects.filter(token_sha256=hash_of(token)).select_related(*_WHOLE).first()
    return found if found is not None and found.has_link(at) and waits(found) else None


def is_late(one: OutsideReview, at: dt.datetime) -> bool:
    """Tell whether the outside reviewer let the days of the link, or those for judging, pass."""
    if one.state == State.APPOINTED:
        return one.link_until_at is not None and at >= one.link_until_at
    past = one.until_date is not None and clock.today(one.claim.pool.time_zone) > one.until_date
    return one.state == State.RUNNING and past


def judged_from_outside(pool: Pool, since: dt.datetime) -> int:
    """Return in how many claims of a pool somebody from outside has judged since. One query."""
    done = OutsideReview.objects.filter(claim__pool=pool, state=State.DONE, ended_at__gte=since)
    return done.values("claim").distinct().count()


def reviews_to_appoint(pools: dict[str, list[int]], person: User) -> list[OutsideReview]:
    """Return what waits for an appointment by a person. pools: ids by the duty that they hold there. One query."""
    admin = Q(claim__pool__in=pools[POOL_ADMIN], state=State.APPOINTED)
    agreeing = Q(claim__pool__in=pools[CONTROLLER], state=State.PROPOSED) & ~Q(proposed_by=person.code)
    found = OutsideReview.objects.filter(admin | agreeing).exclude(claim__claimant=person)
    return [one for one in found.select_related(*_WHOLE).order_by("pk") if waits(one)]


def may_appoint_for(claim: Claim, person: User) -> bool:
    """Tell whether a person is neither concerned by a claim, nor near to it, nor has judged it."""
    concerned = person.pk in concerned_by(claim) or is_near_to(claim, person)
    return not concerned and not has_judged(claim, person.code)
