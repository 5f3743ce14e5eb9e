"""Writes around the desk: take a recommendation back at once, hand a claim over, note something, judge blindly."""

import datetime as dt
from collections.abc import Sequence

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock
from aidplatform.lib.crypto import seal_text, unseal_text
from aidplatform.lib.dates import format_instant
from aidplatform.lib.errors import ConflictError, ForbiddenError, NotFoundError
from aidplatform.work import audit
from aidplatform.work.models import AuditEntry
from claims.filing.models import Claim
from claims.filing.services import locked_claim, step_claim
from claims.filing.states import JUDGED
from claims.review.appeals import REVIEWER, SECOND_REVIEWER
from claims.review.blind import is_chosen, knows_the_case
from claims.review.desk_triggers import UNDO_SECONDS
from claims.review.models import BlindReview, Outcome, Recommendation, ReviewNote, Withdrawal
from claims.review.selectors import staff_name
from claims.review.services import (
    AidTooHighError,
    NotYoursError,
    check_cited,
    check_not_near,
    check_reviewing,
)
from members.people.claim_words import CLAIM_WAITS
from members.people.models import User
from members.people.notices import News, tell
from members.pools.models import DutyGrant
from members.pools.selectors import duties_of

POOL_ADMIN = DutyGrant.Duty.POOL_ADMIN.value
# Whoever holds one of them may judge blindly.
_JUDGING = {REVIEWER, SECOND_REVIEWER}


class UndoOverError(ConflictError):
    """A recommendation is taken back within seconds, by whoever made it, before anybody acts on it."""

    code = "recommendation_is_taken_back_at_once"


class HadAPartError(ConflictError):
    """Whoever had a part in a case does not judge it blindly."""

    code = "blind_review_is_by_another"


class JudgedBlindlyError(ConflictError):
    """A claim is judged blindly once, and only where it was chosen."""

    code = "one_blind_review_per_claim"


@transaction.atomic
def take_back(*, claim: Claim, reviewer: str, at: dt.datetime) -> Withdrawal:
    """Take the own recommendation back within seconds; it stays written, and the claim is in the next round.

    Raises: ClaimMovedOnError, UndoOverError.
    """
    claim = locked_claim(claim, Claim.State.RECOMMENDED)
    advised = claim.recommendations.get(round=claim.round)
    if claim.concurrences.filter(round=claim.round).exists():
        raise UndoOverError(
            _("A second reviewer has agreed already. They, or another one, can return the claim.")
        )
    if advised.reviewer != reviewer:
        raise UndoOverError(_("Only whoever recommended takes it back."))
    if at > claim.state_since + dt.timedelta(seconds=UNDO_SECONDS):
        raise UndoOverError(
            _(
                "The %(seconds)s seconds for taking it back are over. The second reviewer can return the claim."
            )
            % {"seconds": UNDO_SECONDS}
        )
    made = Withdrawal.objects.create(claim=claim, round=claim.round, withdrawn_by=reviewer, withdrawn_at=at)
    claim.round += 1
    step_claim(claim, Claim.State.UNDER_REVIEW, at, is_undone=True)
    audit.record(actor=reviewer, action="take_back", subject=claim.code, round=advised.round)
    return made


def may_take_back(person: User, at: dt.datetime) -> Recommendation | None:
    """Return the recommendation that the person can still take back, or none. One query."""
    since = at - dt.timedelta(seconds=UNDO_SECONDS)
    found = Recommendation.objects.filter(reviewer=person.code, recommended_at__gte=since)
    last = found.select_related("claim__pool").order_by("-recommended_at", "-pk").first()
    if last is None or last.claim.state != Claim.State.RECOMMENDED or last.claim.round != last.round:
        return None
    return last


@transaction.atomic
def hand_over(*, claim: Claim, to: str, by: str, at: dt.datetime) -> Claim:
    """Hand a claim to another reviewer, as a pool admin or as the reviewer in charge. Its due date stays.

    Only a claim that nobody has taken up yet begins its days of review with it.

    Raises: ClaimMovedOnError, NotYoursError, and whatever keeps that person from reviewing it.
    """
    claim = locked_claim(claim, Claim.State.FILED, Claim.State.APPEALED, Claim.State.UNDER_REVIEW)
    actor, due_date = User.objects.get(code=by), claim.due_date
    _check_may_hand_over(claim, actor)
    person = User.objects.filter(code=to).first()
    if person is None:
        raise NotFoundError(_("There is no reviewer with this code."))
    person = check_reviewing(claim, person.code, REVIEWER)
    if claim.reviewer_id == person.pk:
        return claim
    was_open = claim.state == Claim.State.UNDER_REVIEW
    claim.reviewer = person
    step_claim(claim, Claim.State.UNDER_REVIEW, at)
    if was_open:
        # Handing a claim on gains nobody time.
        claim.due_date = due_date
        claim.save(update_fields=["due_date"])
    audit.record(actor=by, action="hand_over_claim", subject=claim.code, to=to)
    if person.pk != actor.pk:
        _tell_of_claim(claim, person, by, at)
    return claim


def _check_may_hand_over(claim: Claim, actor: User) -> None:
    """Demand a pool admin, or the reviewer in charge, neither of whom the claim is about. Raises: NotYoursError."""
    if actor.pk in {claim.claimant_id, claim.membership.person_id}:
        raise ForbiddenError(_("This is your own claim. Somebody else reviews it."))
    duties = duties_of(actor, claim.pool)
    check_not_near(claim, actor)
    if POOL_ADMIN not in duties and not (REVIEWER in duties and claim.reviewer_id == actor.pk):
        raise NotYoursError(_("Only a pool admin or the reviewer in charge hands a claim on."))


def _tell_of_claim(claim: Claim, person: User, by: str, at: dt.datetime) -> None:
    """Tell somebody that a claim waits for them now."""
    params = {
        "pool_en": claim.pool.name_en,
        "pool_zh": claim.pool.name_zh,
        "claim": claim.code,
        "due": claim.due_date.isoformat() if claim.due_date else "",
        "currency": claim.pool.currency,
        "claim_state": claim.state,
    }
    link = reverse("review_claim", args=[claim.pool.code, claim.code])
    key = f"{claim.code}/handed/{at.isoformat()}"
    tell([News(person, CLAIM_WAITS, key, params, link)], batch=f"claim/{key}", actor=by)


@transaction.atomic
def write_note(*, claim: Claim, author: str, text: str, at: dt.datetime) -> ReviewNote:
    """Note something for the other reviewers of a case. It is never shown to the claimant, changed or deleted.

    Raises: whatever keeps the author from reviewing the claim; NotYoursError.
    """
    claim = locked_claim(claim, *Claim.State.values)
    person = User.objects.get(code=author)
    duties = duties_of(person, claim.pool)
    duty = SECOND_REVIEWER if SECOND_REVIEWER in duties else REVIEWER
    check_reviewing(claim, author, duty)
    if duty == REVIEWER and claim.reviewer_id != person.pk:
        raise NotYoursError(_("Another reviewer has taken this claim up. Take it over first."))
    note = ReviewNote(claim=claim, number=claim.review_notes.count() + 1, author=author, written_at=at)
    note.text_sealed = seal_text(text, note.context)
    note.save()
    audit.record(actor=author, action="write_note", subject=claim.code, number=note.number)
    return note


def read_note(note: ReviewNote) -> str:
    """Return what was noted."""
    return unseal_text(bytes(note.text_sealed), note.context)


@transaction.atomic
def review_blindly(
    *,
    claim: Claim,
    reviewer: str,
    outcome: str,
    aid_fen: int,
    clause: str,
    papers: Sequence[str],
    reason: str,
    at: dt.datetime,
) -> BlindReview:
    """Judge a decided claim once more without having seen how it was judged; the claim stays as it is.

    Raises: ClaimMovedOnError, HadAPartError, JudgedBlindlyError, AidTooHighError, CitedPapersError, ForbiddenError.
    """
    claim = locked_claim(claim, *JUDGED)
    person = User.objects.get(code=reviewer)
    if not duties_of(person, claim.pool) & _JUDGING:
        raise ForbiddenError(_("Your duties in this pool do not include this."))
    if knows_the_case(claim, person):
        raise HadAPartError(_("You had a part in this case. Somebody else judges it blindly."))
    first = BlindReview.objects.filter(claim=claim).first()
    if first is not None:
        when = format_instant(first.reviewed_at, claim.pool.time_zone)
        raise JudgedBlindlyError(
            _("%(name)s judged this claim first, on %(at)s. Your word was not taken.")
            % {"name": staff_name(User.objects.get(code=first.reviewer)), "at": when},
            by=first.reviewer,
            judged_at=first.reviewed_at.isoformat(),
        )
    if not is_chosen(claim):
        raise JudgedBlindlyError(_("This claim was not chosen for a second look."))
    if outcome == Outcome.APPROVED and not 0 < aid_fen <= (claim.aid_fen or 0):
        raise AidTooHighError(
            _("The plan grants at most what is derived on this page, and an approval is of some aid."),
            aid_fen=aid_fen,
            most_fen=claim.aid_fen or 0,
        )
    made = BlindReview(
        claim=claim,
        round=claim.round,
        reviewer=reviewer,
        outcome=outcome,
        aid_fen=aid_fen if outcome == Outcome.APPROVED else 0,
        clause=clause,
        papers=check_cited(claim, outcome, papers),
        reviewed_at=at,
    )
    made.reason_sealed = seal_text(reason, made.context)
    made.save()
    audit.record(actor=reviewer, action="review_blindly", subject=claim.code)
    return made


def seconds_left(advised: Recommendation, at: dt.datetime) -> int:
    """Return for how many seconds a recommendation can still be taken back."""
    return max(UNDO_SECONDS - int((at - advised.recommended_at).total_seconds()), 0)


def open_beside(claim: Claim, person: User) -> tuple[str, dt.datetime] | None:
    """Return who else opened a claim within the last quarter of an hour, and when. One query."""
    since = clock.now() - dt.timedelta(minutes=15)
    found = AuditEntry.objects.filter(subject=claim.code, action="open_claim", at__gte=since)
    # Whoever has recommended is through with it.
    out = {person.code, claim.reviewer.code if claim.reviewer else ""}
    last = found.exclude(actor__in=out).order_by("-pk").first()
    return (last.actor, last.at) if last else None
