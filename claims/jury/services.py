"""Writes of the jury's members and cases: offer, step back, take a case there, witness, vote, decline.

Lock order: pool, then claim, then draw, then seat.
"""

import datetime as dt
import secrets
import unicodedata

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock
from aidplatform.lib.crypto import seal_text
from aidplatform.lib.dates import format_day
from aidplatform.lib.errors import ConflictError, DomainError, ForbiddenError, NotFoundError
from aidplatform.work import audit
from claims.filing.models import Claim
from claims.filing.parts import check_no_other_part
from claims.filing.selectors import jury_until, lifetime_left, speaks_for
from claims.filing.services import locked_claim, moved_on, step_claim
from claims.jury import arbiters, draws
from claims.jury.exam import questions_for, wrong_of
from claims.jury.models import QUESTIONS, Juror, JuryBallot, JuryCase, JuryDraw, JurySeat, JuryWitness
from claims.jury.selectors import (
    asked_witnesses,
    draw_ref,
    eligible_for,
    jury_in_force,
    offer_of,
)
from claims.review.selectors import public_ref
from ledger.openbooks import services as openbooks
from ledger.openbooks.draw import vote_commitment, word_commitment
from members.joining.models import Membership
from members.people.models import User
from members.pools.jury_terms import LEAST_ELIGIBLE
from members.pools.models import Pool


class ExamError(DomainError):
    """Some questions about the covenant are not answered rightly; `extra["wrong"]` names them."""

    code = "juror_knows_the_covenant"


class JuryTooLateError(ConflictError):
    """The days for the jury are over, or the plan knows none."""

    code = "jury_is_asked_in_time"


class NothingToGrantError(ConflictError):
    """The plan grants nothing in this case, whoever judges."""

    code = "verdict_grants_what_the_plan_gives"


class WitnessError(ConflictError):
    """The person is not asked, or this is not the time for it."""

    code = "witness_is_asked"


class OtherWordsError(DomainError):
    """These are not the words to which the witness committed."""

    code = "witness_words_fit_their_hash"


class VotingOverError(ConflictError):
    """The voting is over, or has not begun."""

    code = "ballot_comes_before_the_closing"


class NotSeatedError(ConflictError):
    """The person has declined, or has voted."""

    code = "ballot_is_by_a_seated_juror"


@transaction.atomic
def offer_to_judge(*, pool: Pool, person: User, answers: dict[str, str], at: dt.datetime) -> Juror:
    """Offer to be a juror, with all five questions answered rightly; offered already: as it is.

    Raises: NotFoundError where the person is no member or the rules know no jury; ExamError.
    """
    version, jury = jury_in_force(pool, clock.day_of(at, pool.time_zone))
    if not Membership.objects.filter(pool=pool, person=person).exists():
        raise NotFoundError(_("You are not a member of this pool."))
    held = offer_of(person, pool)
    if held is not None:
        return held
    wrong = wrong_of(questions_for(version.plan(), jury, person.code), answers)
    if wrong:
        raise ExamError(
            _("Some answers are not what the rules say. Read them again, and try once more."), wrong=wrong
        )
    offer = Juror.objects.create(
        pool=pool, person=person, plan_version=version, right_answers=QUESTIONS, offered_at=at
    )
    audit.record(actor=person.code, action="offer_to_judge", subject=pool.code, version=version.number)
    return offer


@transaction.atomic
def step_back(*, pool: Pool, person: User, at: dt.datetime) -> None:
    """Offer no more; a seat that one has already stays until it is declined. Not offered: nothing happens."""
    held = (
        Juror.objects.select_for_update(no_key=True).filter(pool=pool, person=person, ended_at=None).first()
    )
    if held is None:
        return
    held.ended_at = at
    held.save(update_fields=["ended_at"])
    audit.record(actor=person.code, action="step_back_as_juror", subject=pool.code)


@transaction.atomic
def take_to_jury(
    *,
    claim: Claim,
    claimant: str,
    statement: str,
    shows_reasons: bool,
    shows_appeal: bool,
    at: dt.datetime,
) -> JuryCase:
    """Take what an appeal has refused to the jury, once; the list of who can be drawn is made now.

    Where too few can be drawn an outside arbiter decides in its place, on the same words.

    Raises: NotFoundError for somebody else's claim, ClaimMovedOnError, JuryTooLateError, NothingToGrantError,
    PartOfCaseError.
    """
    claim = locked_claim(claim, *Claim.State.values)
    codes = _check_may_take(claim, claimant, at)
    case = JuryCase(
        claim=claim, taken_by=claimant, taken_at=at, shows_reasons=shows_reasons, shows_appeal=shows_appeal
    )
    case.statement_sealed = seal_text(statement, case.context)
    case.save()
    step_claim(claim, Claim.State.BEFORE_JURY, at)
    if len(codes) < LEAST_ELIGIBLE:
        arbiters.want_arbiter(claim=claim, at=at)
    else:
        draws.call_draw(claim=claim, stage=1, codes=codes, at=at)
    audit.record(actor=claimant, action="take_to_jury", subject=claim.code)
    return case


def _check_may_take(claim: Claim, claimant: str, at: dt.datetime) -> list[str]:
    """Return the codes of who can be drawn.

    Refuses what is somebody else's, comes too early, again or too late, or could not be judged or granted.
    """
    if not speaks_for(claim, User.objects.get(code=claimant)):
        raise NotFoundError(_("There is no such claim, or it is not yours to see."))
    if claim.state != Claim.State.REFUSED_FINALLY:
        raise moved_on(claim)
    until = jury_until(claim)
    if until is None or clock.day_of(at, claim.pool.time_zone) > until:
        raise JuryTooLateError(
            _("The case could go before the jury until %(day)s. The courts stay open to you.")
            % {"day": format_day(until)}
            if until
            else _("The rules of this case know no jury. The courts stay open to you."),
            until=until.isoformat() if until else None,
        )
    if not claim.aid_fen or lifetime_left(claim) == 0:
        raise NothingToGrantError(
            _(
                "By the figures of the plan there is no aid in this case, as its derivation shows. A jury judges what"
                " happened; it cannot grant more than the plan."
            )
        )
    check_no_other_part(claim)
    return [code for _pk, code in eligible_for(claim)]


@transaction.atomic
def commit_to_words(*, draw: JuryDraw, person: User, commitment: bytes, at: dt.datetime) -> JuryWitness:
    """Commit, as who is asked to, to words that nobody knows yet. The last one of all lets the draw go on.

    Raises: WitnessError.
    """
    draw = draws.locked_draw(draw)
    role = asked_witnesses(draw.claim).get(person.pk)
    if role is None:
        raise WitnessError(_("You are not asked to be a witness of this draw."))
    _check_not_taken_back(draw)
    if draw.state != JuryDraw.State.CALLED or draw.witnesses.filter(person=person).exists():
        raise WitnessError(_("You have committed already, or the hashes of this draw are in the log."))
    witness = JuryWitness.objects.create(
        draw=draw,
        number=draw.witnesses.count() + 1,
        person=person,
        role=role,
        commitment=commitment,
        committed_at=at,
    )
    audit.record(actor=person.code, action="commit_to_words", subject=draw_ref(draw.claim, draw.stage))
    draws.go_on(draw, at)
    return witness


@transaction.atomic
def tell_words(*, draw: JuryDraw, person: User, words: str, at: dt.datetime) -> JuryWitness:
    """Tell the words to which one has committed; they are in the log at once. The last one lets the draw be made.

    Raises: WitnessError, OtherWordsError.
    """
    draw = draws.locked_draw(draw)
    witness = draw.witnesses.filter(person=person).first()
    if witness is None:
        raise WitnessError(_("You are not asked to be a witness of this draw."))
    _check_not_taken_back(draw)
    late = draw.reveal_until_at is None or at >= draw.reveal_until_at
    if draw.state != JuryDraw.State.COMMITTED or late or witness.words is not None:
        raise WitnessError(_("Your words are told already, or this is not the time for them."))
    words = unicodedata.normalize("NFC", words.strip())
    if word_commitment(words) != bytes(witness.commitment):
        raise OtherWordsError(
            _("These are other words than those you committed to: every letter and space counts.")
        )
    witness.words = words
    witness.save(update_fields=["words", "told_at"])
    ref = draw_ref(draw.claim, draw.stage)
    openbooks.append(
        code=draw.claim.pool.code,
        entry_type="draw.reveal",
        key=f"{ref}/{witness.number}",
        body={"ref": public_ref(draw.claim), "stage": draw.stage, "witness": witness.number, "words": words},
        at=at,
    )
    audit.record(actor=person.code, action="tell_words", subject=ref)
    draws.go_on(draw, at)
    return witness


def _check_not_taken_back(draw: JuryDraw) -> None:
    """Refuse what comes after the claimant has taken the claim back, though the draw may not have ended yet."""
    if draw.claim.state != Claim.State.BEFORE_JURY:
        raise WitnessError(_("The claimant has taken the claim back. No ballot is opened."))


@transaction.atomic
def cast_ballot(*, seat: JurySeat, juror: User, vote: str, at: dt.datetime) -> JuryBallot:
    """Vote once, sealed: the log states the hash of salt and vote at once, and nobody opens it before the closing.

    Raises: VotingOverError, NotSeatedError, ForbiddenError.
    """
    draw, seat = _locked_seat(seat, juror)
    _check_is_open(draw, at)
    if seat.state != JurySeat.State.SEATED or hasattr(seat, "ballot"):
        raise NotSeatedError(_("You have voted or declined already."))
    salt = secrets.token_bytes(16)
    ballot = JuryBallot(seat=seat, commitment=vote_commitment(salt, vote), cast_at=at)
    ballot.vote_sealed = seal_text(f"{salt.hex()}:{vote}", ballot.context)
    ballot.save()
    openbooks.append(
        code=draw.claim.pool.code,
        entry_type="jury.ballot",
        key=f"{draw_ref(draw.claim, draw.stage)}/{seat.number}",
        body={
            "ref": public_ref(draw.claim),
            "stage": draw.stage,
            "seat": seat.number,
            "commit": ballot.commitment.hex(),
        },
        at=at,
    )
    audit.record(
        actor=juror.code, action="cast_ballot", subject=draw_ref(draw.claim, draw.stage), seat=seat.number
    )
    return ballot


@transaction.atomic
def decline_seat(*, seat: JurySeat, juror: User, at: dt.datetime) -> None:
    """Decline a seat before voting, without a reason; the next reserve takes it. Declined already: nothing happens.

    Raises: VotingOverError, NotSeatedError, ForbiddenError.
    """
    draw, seat = _locked_seat(seat, juror)
    if seat.state == JurySeat.State.DECLINED:
        return
    _check_is_open(draw, at)
    if seat.state != JurySeat.State.SEATED or hasattr(seat, "ballot"):
        raise NotSeatedError(_("You have voted or declined already."))
    seat.state = JurySeat.State.DECLINED
    seat.save(update_fields=["state"])
    audit.record(
        actor=juror.code, action="decline_seat", subject=draw_ref(draw.claim, draw.stage), seat=seat.number
    )
    draws.replace(draw, seat, "declined", at)


def _locked_seat(seat: JurySeat, juror: User) -> tuple[JuryDraw, JurySeat]:
    """Lock draw and seat of the person who acts. Raises: ForbiddenError."""
    draw = draws.locked_draw(seat.draw)
    seat = (
        JurySeat.objects.select_for_update(of=["self"], no_key=True).select_related("ballot").get(pk=seat.pk)
    )
    if seat.person_id != juror.pk:
        raise ForbiddenError(_("This seat is somebody else's."))
    return draw, seat


def _check_is_open(draw: JuryDraw, at: dt.datetime) -> None:
    if draw.state != JuryDraw.State.DRAWN or draw.closes_at is None or at >= draw.closes_at:
        raise VotingOverError(_("The voting is over."))
    if draw.claim.state != Claim.State.BEFORE_JURY:
        raise VotingOverError(_("The claimant has taken the claim back. No ballot is opened."))
