"""Writes of publicity: publish a case, object, answer, follow the award through the ledger, take a claim back.

Lock order: pool, then claim, then award.
"""

import datetime as dt
import hashlib
from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.crypto import seal_text
from aidplatform.lib.dates import format_instant
from aidplatform.lib.errors import ConflictError, ForbiddenError, NotFoundError
from aidplatform.lib.failpoints import failpoint
from aidplatform.work import audit
from claims.filing import papers
from claims.filing.models import Claim
from claims.filing.selectors import as_data, concerned_by, speaks_for
from claims.filing.services import locked_claim, moved_on, step_claim
from claims.filing.states import WITHDRAWABLE
from claims.publicity.models import Objection
from claims.publicity.objection_papers import ObjectionOverError, keep_with_objection
from claims.publicity.objection_selectors import upheld_from
from claims.publicity.selectors import (
    award_of,
    is_in_publicity,
    objecting_of,
    read_answer,
    standing_award_of,
)
from claims.review.appeals import has_judged
from claims.review.investigations import end_with_claim
from claims.review.models import Decision
from claims.review.outside_models import OutsideReview
from claims.review.outside_selectors import stands_in
from claims.review.selectors import decision_of, payee_of, public_ref, staff_name
from claims.review.services import check_not_near
from ledger.custody import revocations
from ledger.custody.suspensions import end_suspension
from ledger.openbooks import services as openbooks
from ledger.sharing import services as sharing
from ledger.sharing.models import Award
from ledger.sharing.payees import Payee
from members.joining.models import Membership
from members.joining.services import end_cover_after_aid
from members.people.models import User
from members.pools.models import DutyGrant, Pool

SERVICE = "service"


class PublicityOverError(ConflictError):
    """Members object while the case is public, neither before nor after."""

    code = "objections_come_in_publicity"


class AlreadyObjectedError(ConflictError):
    """One open objection per member and case."""

    code = "one_open_objection_per_member"


class ObjectedOnceError(ConflictError):
    """A member has objected to the case, and was answered."""

    code = "one_objection_per_member_and_case"


class TooManyObjectionsError(ConflictError):
    """A member has objected to as many cases of the period as the plan lets one member."""

    code = "objections_have_a_limit"


class RepliedBeforeError(ConflictError):
    """A claimant replies to an objection once."""

    code = "objection_is_replied_to_by_its_claimant"


class NotHeardError(ConflictError):
    """An objection is upheld once its claimant has replied, or the days in which they could are over."""

    code = "claimant_is_heard_before_it_is_upheld"


class AnsweredFirstError(ConflictError):
    """Somebody else has answered the objection meanwhile. by: their code; answered_at: when."""

    code = "objection_is_permanent"


class ForeignAwardError(ConflictError):
    """The ledger holds an award for the claim that the claim's decision did not make."""

    code = "award_is_as_decided"


class ConcernedError(ForbiddenError):
    """Whoever had a part in the decision does not answer an objection to it."""

    code = "objection_is_answered_by_another"


@transaction.atomic
def publish_case(
    *, claim: Claim, publisher: str = SERVICE, at: dt.datetime, granted_fen: int | None = None
) -> Award:
    """Hand an approved claim to the ledger as an award with its masked face; it goes public with its period.

    granted_fen: what a verdict of the jury grants, where no decision grants anything.

    Published already: the award that is there. Raises: ClaimMovedOnError, ForeignAwardError.
    """
    pool = Pool.objects.select_for_update().get(pk=claim.pool_id)
    claim = locked_claim(claim, *Claim.State.values)
    published, decision = standing_award_of(claim), decision_of(claim)
    face = {str(name): str(value) for name, value in (claim.masked or {}).items()}
    if published is not None:
        _check_award(published, claim, decision, face)
        return published
    if claim.state != Claim.State.APPROVED or decision is None:
        raise moved_on(claim)
    award = sharing.announce_award(
        pool=pool,
        code=_next_case_number(pool, at),
        claim_code=claim.code,
        masked=face,
        aid_fen=decision.aid_fen if granted_fen is None else granted_fen,
        announcer=publisher,
        at=at,
        payee=_payee(claim),
    )
    failpoint("claims.announced")
    step_claim(claim, Claim.State.IN_PUBLICITY, at)
    _log_case(claim, award, face, at)
    audit.record(actor=publisher, action="publish_case", subject=claim.code, case=award.code)
    return award


def _check_award(award: Award, claim: Claim, decision: Decision | None, face: dict[str, str]) -> None:
    """Demand that an award that is there already is what was decided: it may be somebody else's work.

    Raises: ForeignAwardError; the job that publishes is then stuck, where people see it.
    """
    told = (award.aid_fen, award.masked, bytes(award.payee_hash or b""))
    if decision is None or told != (decision.aid_fen, face, _payee(claim).index):
        raise ForeignAwardError(
            _("The award of claim %(code)s is not what was decided. Withdraw it, and tell the auditor.")
            % {"code": claim.code},
            case=award.code,
        )


def _payee(claim: Claim) -> Payee:
    """Return to whom the claimant asked the aid to be paid, for the ledger to hold payments to."""
    payee = payee_of(claim)
    assert payee is not None, claim.code
    return payee


def _next_case_number(pool: Pool, at: dt.datetime) -> str:
    """Return the next public number of the pool, whose row is locked: year and a running figure."""
    number = Award.objects.filter(pool=pool, rest_of=None).count() + 1
    while Award.objects.filter(pool=pool, code=f"{at.year}-{number:04d}").exists():
        number += 1
    return f"{at.year}-{number:04d}"


def _log_case(claim: Claim, award: Award, face: dict[str, str], at: dt.datetime) -> None:
    """State in the log that a case is approved, with a hash of what was told of it.

    What of that everyone is shown is stated with its announcement, once it is known how many share it.
    """
    hashes = "".join(claim.papers.filter(removed_at=None).order_by("sha256").values_list("sha256", flat=True))
    openbooks.append(
        code=award.pool.code,
        entry_type="claim.public",
        key=award.code,
        body={
            "case": award.code,
            "ref": public_ref(claim),
            "aid": award.aid_fen,
            "evidence": hashlib.sha256(f"{claim.code}{hashes}".encode()).hexdigest(),
            "face_sha256": hashlib.sha256(f"{claim.code}{as_data(face)}".encode()).hexdigest(),
        },
        at=at,
    )


def object_to_case(
    *, claim: Claim, member: str, reason: str, at: dt.datetime, data: bytes = b""
) -> Objection:
    """Object to a case in publicity, as another member of the pool: no money moves for it until it is answered.

    data: a first paper beside it, or nothing.

    Raises: NotFoundError, PublicityOverError, AlreadyObjectedError, ObjectedOnceError, TooManyObjectionsError,
    ForbiddenError, papers.PaperRefusedError, PaperThereError.
    """
    # Outside the transaction: decoding may take seconds, and nothing is locked meanwhile.
    paper = papers.clean(data) if data else None
    with transaction.atomic():
        objection = _object(claim, member, reason, at)
        if paper is not None:
            keep_with_objection(objection, paper, at)
    return objection


def _object(claim: Claim, member: str, reason: str, at: dt.datetime) -> Objection:
    Pool.objects.select_for_update().get(pk=claim.pool_id)
    claim = locked_claim(claim, *Claim.State.values)
    award = award_of(claim)
    _check_may_object(claim, award, member)
    objection = Objection(claim=claim, number=claim.objections.count() + 1, member=member, raised_at=at)
    objection.reason_sealed = seal_text(reason, objection.reason_context)
    objection.save()
    assert award is not None
    sharing.hold_award(award=award, holder=SERVICE, at=at)
    if claim.state != Claim.State.OBJECTED:
        step_claim(claim, Claim.State.OBJECTED, at)
    failpoint("claims.objected")
    audit.record(actor=member, action="object_to_case", subject=claim.code, objection=objection.number)
    return objection


def _check_may_object(claim: Claim, award: Award | None, member: str) -> None:
    if not Membership.objects.filter(pool_id=claim.pool_id, person__code=member).exists():
        raise NotFoundError(_("You are not a member of this pool."))
    if User.objects.get(code=member).pk in concerned_by(claim):
        raise ForbiddenError(_("This is your own case."))
    in_time = claim.state in {Claim.State.IN_PUBLICITY, Claim.State.OBJECTED}
    if award is None or not in_time or not is_in_publicity(award):
        raise PublicityOverError(
            _("Members object while a case is public. This one is not, or not any more.")
        )
    standing = objecting_of(claim, award, member)
    if standing.is_open:
        raise AlreadyObjectedError(_("Your objection to this case is still open. It will be answered."))
    if standing.is_answered:
        raise ObjectedOnceError(
            _("You have objected to this case, and were answered. One objection is heard.")
        )
    if standing.left <= 0:
        raise TooManyObjectionsError(
            _("You have objected to as many cases of this period as the plan lets one member."),
            most=standing.most,
        )


@transaction.atomic
def reply_to_objection(*, objection: Objection, claimant: str, text: str, at: dt.datetime) -> Objection:
    """Reply to an objection as who speaks for the claim, once, before it is answered.

    Raises: NotFoundError for somebody else's claim, ClaimMovedOnError, ObjectionOverError, RepliedBeforeError.
    """
    claim = locked_claim(objection.claim, *Claim.State.values)
    if not speaks_for(claim, User.objects.get(code=claimant)):
        raise NotFoundError(_("There is no such claim, or it is not yours to see."))
    objection.refresh_from_db()
    if objection.state != Objection.State.OPEN:
        raise ObjectionOverError(_("This objection has been answered. Nothing is added to it any more."))
    if objection.replied_at is not None:
        raise RepliedBeforeError(_("You have replied to this objection. One reply is heard."))
    objection.replied_by, objection.replied_at = claimant, at
    objection.reply_sealed = seal_text(text, objection.reply_context)
    objection.save(update_fields=["reply_sealed", "replied_by", "replied_at"])
    audit.record(actor=claimant, action="reply_to_objection", subject=claim.code, objection=objection.number)
    return objection


@transaction.atomic
def answer_objection(
    *, objection: Objection, answerer: str, upheld: bool, answer: str, at: dt.datetime
) -> Objection:
    """Answer an objection as somebody who had no part in the decision.

    Dismissed, and none other open: the case goes on, with the next period if publicity has ended. Upheld: the award
    is withdrawn, and what else is open ends with the case.

    The same answer by the same person again is the one that stands.

    Raises: ClaimMovedOnError, ConcernedError, ForbiddenError, NotHeardError, AnsweredFirstError.
    """
    Pool.objects.select_for_update().get(pk=objection.claim.pool_id)
    claim = locked_claim(objection.claim, *Claim.State.values)
    objection = Objection.objects.select_for_update(of=["self"]).get(pk=objection.pk)
    _check_may_answer(claim, objection, answerer)
    if objection.state != Objection.State.OPEN:
        return _answered(claim, objection, answerer, upheld, answer)
    if claim.state != Claim.State.OBJECTED:
        raise moved_on(claim)
    if upheld and upheld_from(objection, at) is not None:
        raise NotHeardError(
            _("The claimant can still read this objection and reply: it is not upheld before.")
        )
    objection.state = Objection.State.UPHELD if upheld else Objection.State.DISMISSED
    objection.answered_by, objection.answered_at = answerer, at
    objection.answer_sealed = seal_text(answer, objection.answer_context)
    objection.save(update_fields=["state", "answered_by", "answered_at", "answer_sealed"])
    _settle_objections(claim, upheld, answerer, at)
    audit.record(
        actor=answerer,
        action="answer_objection",
        subject=claim.code,
        objection=objection.number,
        outcome=objection.state,
    )
    return objection


def _answered(claim: Claim, objection: Objection, answerer: str, upheld: bool, answer: str) -> Objection:
    """Return an objection that this very answer was given to; else say who was first.

    Raises: AnsweredFirstError; ClaimMovedOnError where the objection ended with its case.
    """
    if objection.state == Objection.State.ENDED:
        raise moved_on(claim)
    first = User.objects.get(code=objection.answered_by)
    told = (objection.state == Objection.State.UPHELD, read_answer(objection))
    if first.code == answerer and told == (upheld, answer):
        return objection
    assert objection.answered_at is not None
    raise AnsweredFirstError(
        _("%(name)s answered this objection first, on %(at)s. Your answer was not taken.")
        % {"name": staff_name(first), "at": format_instant(objection.answered_at, claim.pool.time_zone)},
        by=first.code,
        answered_at=objection.answered_at.isoformat(),
    )


def _check_may_answer(claim: Claim, objection: Objection, answerer: str) -> None:
    person = User.objects.get(code=answerer)
    if answerer == objection.member or person.pk in concerned_by(claim) or has_judged(claim, answerer):
        raise ConcernedError(_("You had a part in this case. Another second reviewer answers the objection."))
    check_not_near(claim, person)
    duty = DutyGrant.Duty.SECOND_REVIEWER
    holds = DutyGrant.objects.filter(person=person, pool=claim.pool, duty=duty, ended_at=None).exists()
    if not (holds or stands_in(claim, person, OutsideReview.Stage.OBJECTION)):
        raise ForbiddenError(_("Your duties in this pool do not include this."))


def _settle_objections(claim: Claim, upheld: bool, answerer: str, at: dt.datetime) -> None:
    """Draw the consequence of an answer for claim and award."""
    award = award_of(claim)
    assert award is not None
    if upheld:
        sharing.withdraw_award(award=award, why="objection_upheld", withdrawer=answerer, at=at)
        step_claim(claim, Claim.State.OVERTURNED, at)
        _end_objections(claim)
    elif not claim.objections.filter(state=Objection.State.OPEN).exists():
        sharing.release_award(award=award, releaser=answerer, at=at)
        step_claim(claim, Claim.State.IN_PUBLICITY, at)


def _end_objections(claim: Claim) -> None:
    """Leave no objection waiting for an answer once its case is not public any more."""
    claim.objections.filter(state=Objection.State.OPEN).update(state=Objection.State.ENDED)


@transaction.atomic
def withdraw_claim(*, claim: Claim, claimant: str, at: dt.datetime) -> Claim:
    """Take a claim back, also while it is public; once its award is final it stands.

    Raises: ClaimMovedOnError; sharing.AwardMovedOnError.
    """
    Pool.objects.select_for_update().get(pk=claim.pool_id)
    claim = locked_claim(claim, *WITHDRAWABLE)
    end_with_claim(claim, claimant, at)
    award = standing_award_of(claim)
    if award is not None:
        sharing.withdraw_award(award=award, why="withdrawn_by_claimant", withdrawer=SERVICE, at=at)
    step_claim(claim, Claim.State.WITHDRAWN, at)
    _end_objections(claim)
    audit.record(actor=claimant, action="withdraw_claim", subject=claim.code)
    return claim


@transaction.atomic
def follow_awards(*, awards: Sequence[int], state: str, at: dt.datetime) -> list[str]:
    """Take the claims of these awards to the state the ledger has reached; those there already stay.

    A rest stands for the award that it goes on with: what becomes of a membership follows from that one's period.
    Awards of other origin (a list that moved in, a demonstration) have no claim and are passed over.
    """
    before = {"awarded": "in_publicity", "shared": "awarded", "paid": "shared"}[state]
    told = Award.objects.filter(pk__in=awards)
    pools = set(told.values_list("pool_id", flat=True))
    firsts = Award.objects.filter(
        pool__in=pools, claim_code__in=told.values("claim_code"), rest_of=None
    ).exclude(state=Award.State.WITHDRAWN)
    found = {award.claim_code: award for award in firsts.select_related("period")}
    list(Pool.objects.select_for_update(no_key=True).filter(pk__in=pools).order_by("pk"))
    claims = Claim.objects.select_for_update(of=["self"]).select_related("pool", "plan_version")
    moved = []
    for claim in claims.filter(code__in=list(found), state=before).order_by("pk"):
        step_claim(claim, state, at)
        audit.record(actor=SERVICE, action=f"claim_{state}", subject=claim.code)
        if state == Claim.State.AWARDED:
            _end_membership(claim, found[claim.code])
        moved.append(claim.code)
    return moved


@transaction.atomic
def follow_revocation(*, award: int, at: dt.datetime) -> list[str]:
    """End the claim of an award that was taken back, unless something of the case is still to be paid.

    Returns the codes of claims that moved; one that is there already stays, and so does one whose recipient has
    confirmed the money.
    """
    told = Award.objects.get(pk=award)
    Pool.objects.select_for_update(no_key=True).get(pk=told.pool_id)
    if revocations.still_to_pay(told):
        return []
    claims = Claim.objects.select_for_update(of=["self"]).select_related("pool", "plan_version")
    moved = []
    for claim in claims.filter(
        pool=told.pool_id, code=told.claim_code, state__in=[Claim.State.SHARED, Claim.State.PAID]
    ):
        step_claim(claim, Claim.State.REVOKED, at)
        audit.record(actor=SERVICE, action="claim_revoked", subject=claim.code)
        moved.append(claim.code)
    return moved


def _end_membership(claim: Claim, award: Award) -> None:
    """End the membership that was helped where the plan says so: when publicity ends, at the latest with its period.

    That period was counted before and is still shared, the next one is not; an earlier end would take cover away for
    days that have passed. Of who is suspended then for a wallet that ran short, the suspension ends with it.
    """
    if claim.plan_version is None or award.period is None or not claim.plan_version.plan().one_aid_ends:
        return
    membership = Membership.objects.select_related("pool", "person").get(pk=claim.membership_id)
    until = min(award.period.publicity_end_date, award.period.next_opening_date)
    end_cover_after_aid(
        membership=membership,
        case=award.code,
        period=award.period.number,
        until=until,
        was_suspended=end_suspension(membership=membership, on=until, actor=SERVICE),
        actor=SERVICE,
    )


@transaction.atomic
def confirm_receipt(*, claim: Claim, claimant: str, at: dt.datetime) -> Claim:
    """Say, as the one who was helped, that the money has come; the claim is closed. Raises: ClaimMovedOnError."""
    claim = locked_claim(claim, Claim.State.PAID)
    if not speaks_for(claim, User.objects.get(code=claimant)):
        raise NotFoundError(_("There is no such claim, or it is not yours to see."))
    award = award_of(claim)
    assert award is not None
    step_claim(claim, Claim.State.CLOSED, at)
    openbooks.append(
        code=claim.pool.code,
        entry_type="pay.receipt",
        key=award.code,
        body={"case": award.code, "aid": award.aid_fen, "confirmed_by": "recipient"},
        at=at,
    )
    audit.record(actor=claimant, action="confirm_receipt", subject=claim.code)
    return claim
