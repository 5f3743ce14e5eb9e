"""Writes of outside reviews: propose, agree, make the link, take it on, judge, decline, end.

Lock order: claim, then outside review.
"""

import datetime as dt
import secrets
from collections.abc import Callable, Sequence
from typing import TypeVar

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.crypto import seal_text
from aidplatform.lib.errors import ConflictError, ForbiddenError
from aidplatform.work import audit, jobs
from claims.filing.models import Claim
from claims.filing.selectors import concerned_by, is_near_to
from claims.filing.services import locked_claim, step_claim
from claims.review import services
from claims.review.appeals import has_judged, heard_before, nobody_left
from claims.review.links import await_link, await_taking_on, mail_link
from claims.review.models import Concurrence, Decision, Recommendation
from claims.review.outside_models import OutsideReview
from claims.review.outside_selectors import (
    CONTROLLER,
    POOL_ADMIN,
    access_review,
    find_review_by_link,
    is_late,
    live_review_of,
    may_appoint_for,
    waits,
)
from members.joining.models import Membership
from members.people.models import User
from members.people.services import hash_of
from members.pools.models import DutyGrant

State = OutsideReview.State
Stage = OutsideReview.Stage
TELL = "claims.tell_outside_review"
SERVICE = "service"
Word = TypeVar("Word")


class SomebodyLeftError(ConflictError):
    """Somebody of the pool may look at the claim, or it waits for nobody."""

    code = "outside_review_where_nobody_is_left"


class ReviewedOutsideNowError(ConflictError):
    """One outside review of a claim at a time."""

    code = "one_outside_review_at_a_time"


class OutsideReviewMovedOnError(ConflictError):
    """The outside review is not where this deed needs it to be."""

    code = "outside_review_state_follows_order"


class TwoAppointError(ForbiddenError):
    """Whoever appoints holds the duty for it, has no part in the case, and is not the other of the two."""

    code = "outside_reviewer_is_appointed_by_two_people"


class OutsideLinkOverError(ConflictError):
    """The link was used, replaced or taken back, or its days are over."""

    code = "outside_review_link_is_live"


class OutsideLinkMadeError(ConflictError):
    """Another link has been made since the page was shown."""

    code = "outside_review_link_was_made"


class NoOutsiderError(ForbiddenError):
    """Whoever is a member, has a duty or a part in the case, or is near to its people is no outsider."""

    code = "outside_reviewer_is_from_outside"


class OutsideReviewNotLateError(ConflictError):
    """An outside review is ended once it is late or not needed any more, and not before."""

    code = "outside_review_is_ended_when_late"


@transaction.atomic
def propose(*, claim: Claim, admin: str, name: str, reason: str, at: dt.datetime) -> OutsideReview:
    """Propose, as a pool admin, who judges the next stage of a claim from outside, because the pool has nobody for it.

    name: name, profession, how to reach them. reason: why the pool has nobody. The claimant reads both.

    Raises: SomebodyLeftError, ReviewedOutsideNowError, TwoAppointError.
    """
    claim = locked_claim(claim, *Claim.State.values)
    stage = nobody_left(claim)
    if not stage:
        raise SomebodyLeftError(_("Somebody of this pool may look at the claim, or it waits for nobody."))
    _check_may_appoint(claim, admin, POOL_ADMIN)
    live = live_review_of(claim)
    if live is not None and waits(live):
        raise ReviewedOutsideNowError(_("Somebody from outside is proposed for this claim already."))
    if live is not None:
        # Of a stage that was passed without it.
        _end(live, admin, at)
    made = OutsideReview(claim=claim, stage=stage, proposed_by=admin, proposed_at=at)
    made.name_sealed = seal_text(name, made.place("name"))
    made.reason_sealed = seal_text(reason, made.place("reason"))
    made.save()
    # Number and instant are the database's own.
    made.refresh_from_db(fields=["number", "proposed_at"])
    audit.record(actor=admin, action="propose_outside_reviewer", subject=claim.code, stage=stage)
    _tell(made, "proposed")
    return made


@transaction.atomic
def agree(*, review: OutsideReview, controller: str, agrees: bool, at: dt.datetime) -> OutsideReview:
    """Agree, as a controller, to who was proposed; or not, and somebody else is proposed.

    Raises: OutsideReviewMovedOnError, TwoAppointError.
    """
    locked = _locked(review, State.PROPOSED)
    _check_may_appoint(locked.claim, controller, CONTROLLER)
    if locked.proposed_by == controller:
        raise TwoAppointError(_("Whoever proposed the outside reviewer does not agree to them as well."))
    subject = locked.claim.code
    if not agrees:
        audit.record(actor=controller, action="drop_outside_reviewer", subject=subject)
        _end(locked, controller, at)
        return locked
    locked.agreed_by, locked.agreed_at = controller, at
    locked.step_to(State.APPOINTED)
    await_link(locked.claim, at)
    audit.record(actor=controller, action="appoint_outside_reviewer", subject=subject, stage=locked.stage)
    _tell(locked, "appointed")
    return locked


@transaction.atomic
def make_link(
    *, review: OutsideReview, admin: str, at: dt.datetime, instead_of: str | None = None, address: str = ""
) -> str:
    """Return the link by which somebody takes it on, once; one made before stops working.

    instead_of: the mark of the link that stood when it was asked for, so that a form sent again makes no other one.
    address: where the link is mailed, if anywhere.

    Raises: OutsideReviewMovedOnError, TwoAppointError, OutsideLinkMadeError.
    """
    locked = _locked(review, State.APPOINTED)
    _check_may_appoint(locked.claim, admin, POOL_ADMIN)
    if instead_of is not None and instead_of != locked.link_mark:
        raise OutsideLinkMadeError(
            _(
                "This link was made already, and is shown once. If it is lost, make another: the one before stops"
                " working."
            )
        )
    token = secrets.token_urlsafe(24)
    locked.token_sha256 = hash_of(token)
    locked.step_to(State.APPOINTED)
    await_taking_on(locked, locked.claim)
    audit.record(actor=admin, action="link_outside_reviewer", subject=locked.claim.code)
    link = settings.PUBLIC_URL + reverse("outside_review_link", args=[token])
    mail_link(one=locked, claim=locked.claim, link=link, address=address, sender=admin)
    return link


@transaction.atomic
def accept(*, token: str, person: User, at: dt.datetime) -> OutsideReview:
    """Take it on by its link, with one's own account; the link is used up by it.

    Raises: OutsideLinkOverError, NoOutsiderError.
    """
    found = find_review_by_link(token, at)
    if found is None:
        raise OutsideLinkOverError(_("This link is over. Whoever sent it can make another."))
    locked = _locked(found, State.APPOINTED)
    check_from_outside(locked, person)
    locked.person, locked.accepted_at = person, at
    locked.step_to(State.RUNNING)
    claim = locked.claim
    audit.record(actor=person.code, action="accept_outside_review", subject=claim.code, stage=locked.stage)
    if locked.stage == Stage.REVIEWER:
        claim.reviewer = person
    if locked.stage == Stage.REVIEWER and claim.state != Claim.State.UNDER_REVIEW:
        step_claim(claim, Claim.State.UNDER_REVIEW, at, due_date=locked.until_date)
        audit.record(actor=person.code, action="assign_claim", subject=claim.code)
    else:
        claim.due_date = locked.until_date
        claim.save(update_fields=["reviewer", "due_date"])
    _tell(locked, "running")
    return locked


def check_from_outside(one: OutsideReview, person: User) -> None:
    """Refuse who shares the aid, serves the pool, knows its people, or has judged the other stage.

    Raises: NoOutsiderError.
    """
    claim = one.claim
    duties = DutyGrant.objects.filter(person=person, ended_at=None)
    code = person.code
    judged_the_other_stage = {
        Stage.REVIEWER: lambda: claim.decisions.filter(decider=code).exists() or code in heard_before(claim),
        Stage.SECOND_REVIEWER: lambda: (
            claim.recommendations.filter(reviewer=code).exists() or code in heard_before(claim)
        ),
        # Of several objections one person may answer all.
        Stage.OBJECTION: lambda: has_judged(claim, code),
    }
    concerned = (
        person.pk in concerned_by(claim)
        or is_near_to(claim, person)
        or Membership.objects.filter(person=person, pool=claim.pool).exists()
        or duties.filter(pool=claim.pool).exists()
        or duties.filter(pool=None).exists()
        or person.code in {one.proposed_by, one.agreed_by}
        or judged_the_other_stage[Stage(one.stage)]()
        or claim.concurrences.filter(decider=person.code, round=claim.round).exists()
        or claim.objections.filter(member=person.code).exists()
        or claim.investigations.filter(investigator=person).exists()
    )
    if concerned:
        raise NoOutsiderError(
            _(
                "You are a member of this pool, hold a duty in it, had a part in this case, or are near to its people."
                " Somebody from outside looks at it."
            )
        )


@transaction.atomic
def recommend(
    *,
    review: OutsideReview,
    person: User,
    outcome: str,
    aid_fen: int,
    clause: str,
    papers: Sequence[str],
    reason: str,
    at: dt.datetime,
    accepted_spend_fen: int | None = None,
) -> Recommendation:
    """Recommend from outside, as `services.recommend`; the claim is absent for that person from then on.

    Raises: NotFoundError once it is over, and whatever recommending raises.
    """
    return judge(
        review,
        person,
        at,
        Stage.REVIEWER,
        lambda claim: services.recommend(
            claim=claim,
            reviewer=person.code,
            outcome=outcome,
            aid_fen=aid_fen,
            clause=clause,
            papers=papers,
            reason=reason,
            at=at,
            accepted_spend_fen=accepted_spend_fen,
        ),
    )


@transaction.atomic
def decide(
    *,
    review: OutsideReview,
    person: User,
    outcome: str,
    clause: str,
    papers: Sequence[str],
    reason: str,
    shown_sha256: str,
    at: dt.datetime,
) -> Decision | Concurrence:
    """Decide from outside over what somebody else recommended, as `services.decide`.

    Raises: NotFoundError once it is over, and whatever deciding raises.
    """
    return judge(
        review,
        person,
        at,
        Stage.SECOND_REVIEWER,
        lambda claim: services.decide(
            claim=claim,
            decider=person.code,
            outcome=outcome,
            clause=clause,
            papers=papers,
            reason=reason,
            shown_sha256=shown_sha256,
            at=at,
        ),
    )


def judge(
    review: OutsideReview, person: User, at: dt.datetime, stage: str, act: Callable[[Claim], Word]
) -> Word:
    """Judge the one stage, and end the access once nothing of it waits. Within the caller's transaction.

    Raises: NotFoundError, OutsideReviewMovedOnError, NoOutsiderError, and whatever the act raises.
    """
    locked = _locked(access_review(person=person, code=review.code), State.RUNNING)
    if locked.stage != stage:
        raise OutsideReviewMovedOnError(
            _("You were asked for a %(stage)s of this claim, and for nothing else.")
            % {"stage": locked.get_stage_display()},
            stage=locked.stage,
        )
    check_from_outside(locked, person)
    made = act(locked.claim)
    locked.claim.refresh_from_db(fields=["state"])
    if stage == Stage.OBJECTION and waits(locked):
        # Another objection is open.
        return made
    locked.ended_by, locked.ended_at = person.code, at
    locked.step_to(State.DONE)
    audit.record(actor=person.code, action="judge_from_outside", subject=locked.claim.code, stage=stage)
    return made


@transaction.atomic
def decline(*, review: OutsideReview, person: User, at: dt.datetime) -> None:
    """Give it back without a word; somebody else is proposed. Raises: NotFoundError once it is over."""
    locked = _locked(access_review(person=person, code=review.code), State.RUNNING)
    audit.record(actor=person.code, action="decline_outside_review", subject=locked.claim.code)
    _end(locked, person.code, at)


@transaction.atomic
def end(*, review: OutsideReview, admin: str, at: dt.datetime) -> OutsideReview:
    """End, as a pool admin, what an outside reviewer let pass, or what nobody needs any more.

    Raises: OutsideReviewMovedOnError, OutsideReviewNotLateError, TwoAppointError.
    """
    locked = _locked(review, *OutsideReview.LIVE)
    _check_may_appoint(locked.claim, admin, POOL_ADMIN)
    if not may_be_ended(locked, at):
        raise OutsideReviewNotLateError(
            _(
                "An outside review is ended once the days of the link, or those for judging, are over, or somebody of"
                " the pool may look at the claim again."
            )
        )
    audit.record(actor=admin, action="end_outside_review", subject=locked.claim.code)
    _end(locked, admin, at)
    return locked


def may_be_ended(one: OutsideReview, at: dt.datetime) -> bool:
    """Tell whether a pool admin may end one: it is late, the claim has moved on, or the pool has somebody again."""
    return is_late(one, at) or not waits(one) or nobody_left(one.claim) != one.stage


def _end(locked: OutsideReview, actor: str, at: dt.datetime) -> None:
    locked.ended_by, locked.ended_at = actor, at
    locked.step_to(State.ENDED)
    _tell(locked, "ended")


def _check_may_appoint(claim: Claim, code: str, duty: str) -> None:
    """Demand the duty, and no part in the case. Raises: TwoAppointError."""
    person = User.objects.get(code=code)
    holds = DutyGrant.objects.filter(person=person, pool=claim.pool, duty=duty, ended_at=None).exists()
    if not holds or not may_appoint_for(claim, person):
        raise TwoAppointError(
            _(
                "A pool admin proposes the outside reviewer and a controller agrees; neither is near to the case or has"
                " judged it."
            )
        )


def _locked(review: OutsideReview, *states: str) -> OutsideReview:
    """Lock claim and outside review, and demand one of the states. Raises: OutsideReviewMovedOnError."""
    claim = locked_claim(review.claim, *Claim.State.values)
    locked = OutsideReview.objects.select_for_update(of=["self"]).get(pk=review.pk)
    locked.claim = claim
    if locked.state not in states:
        raise OutsideReviewMovedOnError(
            _("This outside review has moved on: it is “%(state)s”. Reload the page.")
            % {"state": locked.get_state_display()},
            state=locked.state,
        )
    return locked


def _tell(one: OutsideReview, what: str) -> None:
    """Order the telling of a step: proposed, appointed, running or ended."""
    jobs.enqueue(
        kind=TELL,
        key=f"{one.code}/{what}",
        payload={"review": one.pk, "what": what},
        actor=SERVICE,
    )
