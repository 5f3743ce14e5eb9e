"""Writes of investigations: ordered, agreed to, accepted by a link, extended, ended, reported, answered."""

import datetime as dt
import secrets

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock
from aidplatform.lib.crypto import seal_text
from aidplatform.lib.errors import ConflictError, DomainError, ForbiddenError, NotFoundError
from aidplatform.lib.failpoints import failpoint
from aidplatform.lib.money import format_money
from aidplatform.work import audit
from claims.filing import papers
from claims.filing.illnesses import INVESTIGATION
from claims.filing.models import Claim, Evidence
from claims.filing.selectors import speaks_for
from claims.filing.services import keep_paper, locked_claim, step_claim
from claims.review.appeals import SECOND_REVIEWER
from claims.review.investigation_models import Investigation
from claims.review.investigation_selectors import (
    access_investigation,
    find_by_link,
    is_answer_open,
    is_past,
    live_of,
    terms_of,
)
from claims.review.links import await_taking_on, day_to_send, due_on, mail_link
from claims.review.services import check_in_charge, check_reviewing
from ledger.custody.costs import bill_cost
from ledger.sharing.payees import Payee
from members.joining.kin import people_near
from members.joining.models import Membership
from members.people.models import User
from members.people.services import hash_of
from members.pools.investigation_terms import InvestigationTerms
from members.pools.models import DutyGrant

State = Investigation.State
POOL_ADMIN = DutyGrant.Duty.POOL_ADMIN.value


class NoInvestigationsError(ConflictError):
    """The plan of the case knows no investigations."""

    code = "investigation_keeps_to_the_plan"


class TooCostlyError(DomainError):
    """It may cost more than the plan allows, or is billed at more than was agreed."""

    code = "investigation_costs_what_was_agreed"


class InvestigatedNowError(ConflictError):
    """One investigation of a claim runs at a time."""

    code = "one_investigation_at_a_time"


class InvestigationMovedOnError(ConflictError):
    """The investigation is not where this deed needs it to be."""

    code = "investigation_state_follows_order"


class ExtendedAlreadyError(ConflictError):
    """An investigation is extended once."""

    code = "investigation_is_extended_once"


class LinkMadeError(ConflictError):
    """Another link has been made since the page was shown."""

    code = "investigation_link_was_made"


class LinkOverError(ConflictError):
    """The link was used, replaced or taken back, or its days are over."""

    code = "investigation_link_is_live"


class NotFromOutsideError(ForbiddenError):
    """Whoever has a part in the case, in its pool's duties, or is near to its people does not investigate it."""

    code = "investigator_is_from_outside"


class AnswerOverError(ConflictError):
    """The findings were answered, or it is too late."""

    code = "findings_are_answered_by_their_claimant"


@transaction.atomic
def order_investigation(
    *, claim: Claim, reviewer: str, question: str, reason: str, name: str, most_fen: int, at: dt.datetime
) -> Investigation:
    """Have somebody from outside look into a claim, as the reviewer in charge; the claimant reads why.

    name: who is asked. most_fen: what it may cost; above the plan's limit it waits for a second reviewer.

    Raises: ClaimMovedOnError, NotYoursError, ForbiddenError, NoInvestigationsError, TooCostlyError,
    InvestigatedNowError.
    """
    claim = locked_claim(claim, Claim.State.UNDER_REVIEW)
    check_in_charge(claim, reviewer)
    terms = _checked_terms(claim)
    if most_fen > terms.most_fen:
        raise TooCostlyError(
            _("By the plan of this case an investigation costs at most %(most)s.")
            % {"most": format_money(terms.most_fen, claim.pool.currency)},
            most_fen=terms.most_fen,
        )
    if live_of(claim) is not None:
        raise InvestigatedNowError(_("This claim is investigated already, or waits for it."))
    made = Investigation(
        claim=claim, most_fen=most_fen, borne_by=terms.borne_by, ordered_by=reviewer, ordered_at=at
    )
    made.question_sealed = seal_text(question, made.place("question"))
    made.reason_sealed = seal_text(reason, made.place("reason"))
    made.name_sealed = seal_text(name, made.place("name"))
    made.save()
    # Number, round, bearer and instant are the database's own.
    made.refresh_from_db()
    if most_fen > terms.agreed_above_fen:
        audit.record(actor=reviewer, action="ask_investigation", subject=claim.code, number=made.number)
    else:
        _go_out(claim, made, reviewer, at)
    return made


def _checked_terms(claim: Claim) -> InvestigationTerms:
    """Return what the plan says. Raises: NoInvestigationsError."""
    terms = terms_of(claim)
    if terms is None:
        raise NoInvestigationsError(_("By the plan of this case nobody from outside looks into a claim."))
    return terms


@transaction.atomic
def agree_to_investigation(
    *, investigation: Investigation, decider: str, agrees: bool, at: dt.datetime
) -> Investigation:
    """Agree, as a second reviewer, to one that may cost more than the plan's limit, or not.

    Raises: InvestigationMovedOnError, ClaimMovedOnError, OwnClaimError, NearError, ForbiddenError.
    """
    claim = locked_claim(investigation.claim, Claim.State.UNDER_REVIEW)
    check_reviewing(claim, decider, SECOND_REVIEWER)
    locked = _locked(investigation, State.ASKED)
    locked.decided_by, locked.decided_at = decider, at
    if agrees:
        _go_out(claim, locked, decider, at)
    else:
        locked.step_to(State.DROPPED)
        audit.record(actor=decider, action="drop_investigation", subject=claim.code, number=locked.number)
    return locked


def _go_out(claim: Claim, investigation: Investigation, actor: str, at: dt.datetime) -> None:
    """Let the investigation wait for its investigator, and the claim for the investigation."""
    investigation.step_to(State.ORDERED)
    step_claim(claim, Claim.State.UNDER_INVESTIGATION, at, due_date=day_to_send(claim, at))
    failpoint("claims.investigation_ordered")
    audit.record(actor=actor, action="order_investigation", subject=claim.code, number=investigation.number)


@transaction.atomic
def make_link(
    *,
    investigation: Investigation,
    reviewer: str,
    at: dt.datetime,
    instead_of: str | None = None,
    address: str = "",
) -> str:
    """Return the link by which somebody accepts it, once; one made before stops working.

    instead_of: the mark of the link that stood when it was asked for, so that a form sent again makes no other one;
    None: whichever stands.
    address: where the link is mailed, if anywhere.

    Raises: InvestigationMovedOnError, ClaimMovedOnError, NotYoursError, ForbiddenError, LinkMadeError.
    """
    claim = locked_claim(investigation.claim, Claim.State.UNDER_INVESTIGATION)
    check_in_charge(claim, reviewer)
    locked = _locked(investigation, State.ORDERED)
    if instead_of is not None and instead_of != locked.link_mark:
        raise LinkMadeError(
            _(
                "This link was made already, and is shown once. If it is lost, make another: the one before stops"
                " working."
            )
        )
    token = secrets.token_urlsafe(24)
    locked.token_sha256 = hash_of(token)
    locked.step_to(State.ORDERED)
    await_taking_on(locked, claim, locked.until_date)
    audit.record(actor=reviewer, action="link_investigation", subject=claim.code, number=locked.number)
    link = settings.PUBLIC_URL + reverse("investigation_link", args=[token])
    mail_link(one=locked, claim=claim, link=link, address=address, sender=reviewer)
    return link


@transaction.atomic
def accept_investigation(*, token: str, person: User, at: dt.datetime) -> Investigation:
    """Take an investigation on by its link, with one's own account; the link is used up by it.

    Raises: LinkOverError, NotFromOutsideError.
    """
    found = find_by_link(token, at)
    if found is None:
        raise LinkOverError(_("This link is over. Whoever sent it can make another."))
    claim = locked_claim(found.claim, Claim.State.UNDER_INVESTIGATION)
    locked = _locked(found, State.ORDERED)
    check_from_outside(claim, person)
    locked.investigator, locked.accepted_at = person, at
    locked.step_to(State.RUNNING)
    due_on(claim, locked.until_date)
    audit.record(actor=person.code, action="accept_investigation", subject=claim.code, number=locked.number)
    return locked


def check_from_outside(claim: Claim, person: User) -> None:
    """Refuse whoever has a part in the case, a duty in its pool, or is near to its people.

    Raises: NotFromOutsideError.
    """
    own = Membership.objects.filter(person=claim.claimant, pool=claim.pool)
    near = people_near(claim.membership).union(*(people_near(one) for one in own))
    concerned = {claim.claimant_id, claim.membership.person_id} | near
    duties = DutyGrant.objects.filter(person=person, ended_at=None)
    holds_a_duty = duties.filter(pool=claim.pool).exists() or duties.filter(pool=None).exists()
    objected = claim.objections.filter(member=person.code).exists()
    if person.pk in concerned or holds_a_duty or objected:
        raise NotFromOutsideError(
            _(
                "You have a part in this case or in the duties of its pool, or are near to its people: family, payer"
                " or invitation. Somebody from outside investigates it."
            )
        )


@transaction.atomic
def extend_investigation(*, investigation: Investigation, reviewer: str, at: dt.datetime) -> Investigation:
    """Give it its days once more, once. Raises: InvestigationMovedOnError, ExtendedAlreadyError, NotYoursError."""
    claim = locked_claim(investigation.claim, Claim.State.UNDER_INVESTIGATION)
    check_in_charge(claim, reviewer)
    locked = _locked(investigation, State.ORDERED, State.RUNNING)
    if locked.extended_at is not None or is_past(locked):
        raise ExtendedAlreadyError(_("An investigation is extended once, and before its last day is over."))
    locked.extended_by, locked.extended_at = reviewer, at
    locked.step_to(locked.state)
    if locked.state == State.RUNNING:
        due_on(claim, locked.until_date)
    audit.record(actor=reviewer, action="extend_investigation", subject=claim.code, number=locked.number)
    return locked


@transaction.atomic
def revoke_investigation(*, investigation: Investigation, actor: str, at: dt.datetime) -> Investigation:
    """End it without a report, as the reviewer in charge or a pool admin; the claim is its reviewer's again.

    Raises: InvestigationMovedOnError, NotYoursError, ForbiddenError.
    """
    claim = locked_claim(investigation.claim, Claim.State.UNDER_INVESTIGATION, Claim.State.UNDER_REVIEW)
    if not DutyGrant.objects.filter(
        person__code=actor, pool=claim.pool, duty=POOL_ADMIN, ended_at=None
    ).exists():
        check_in_charge(claim, actor)
    locked = _locked(investigation, *Investigation.LIVE)
    end(locked, actor, at)
    if claim.state == Claim.State.UNDER_INVESTIGATION:
        step_claim(claim, Claim.State.UNDER_REVIEW, at)
    audit.record(actor=actor, action="revoke_investigation", subject=claim.code, number=locked.number)
    return locked


def end(investigation: Investigation, actor: str, at: dt.datetime) -> None:
    """End a locked investigation without a report; whoever had access has none from now on."""
    investigation.ended_by, investigation.ended_at = actor, at
    investigation.step_to(State.REVOKED)


def end_with_claim(claim: Claim, claimant: str, at: dt.datetime) -> None:
    """End what still looks into a locked claim that its claimant takes back."""
    live = live_of(claim)
    if live is not None:
        end(_locked(live, live.state), claimant, at)


def add_finding(*, investigation: Investigation, person: User, data: bytes, at: dt.datetime) -> Evidence:
    """Add a photograph or a PDF to what will be reported: rewritten, sealed, kept.

    Raises: papers.PaperRefusedError, NotFoundError, ClaimMovedOnError; IntegrityError evidence_has_a_limit.
    """
    # Outside the transaction: decoding may take seconds, and nothing is locked meanwhile.
    paper = papers.clean(data)
    with transaction.atomic():
        claim = locked_claim(investigation.claim, Claim.State.UNDER_INVESTIGATION)
        access_investigation(person=person, code=investigation.code)
        return keep_paper(claim=claim, claimant=person.code, kind=INVESTIGATION, paper=paper, at=at)


@transaction.atomic
def report(
    *,
    investigation: Investigation,
    person: User,
    text: str,
    bill_fen: int,
    payee: Payee | None,
    at: dt.datetime,
) -> Investigation:
    """Finish an investigation: what was found, and what it has cost. The claim is its reviewer's again.

    payee: to whom it is paid, where it has cost something. The bill goes to a controller.

    Raises: NotFoundError once it is over, ClaimMovedOnError, TooCostlyError.
    """
    claim = locked_claim(investigation.claim, Claim.State.UNDER_INVESTIGATION)
    access_investigation(person=person, code=investigation.code)
    locked = _locked(investigation, State.RUNNING)
    if bill_fen > locked.most_fen:
        raise TooCostlyError(
            _("At most %(most)s was agreed for this investigation.")
            % {"most": format_money(locked.most_fen, claim.pool.currency)},
            most_fen=locked.most_fen,
        )
    if bill_fen and payee is None:
        raise DomainError(_("Say to whom it is paid: a name and an account."), code="payee_missing")
    terms = _checked_terms(claim)
    locked.report_sealed = seal_text(text, locked.place("report"))
    locked.bill_fen, locked.reported_at = bill_fen, at
    locked.ended_by, locked.ended_at = person.code, at
    locked.answer_until_date = clock.day_of(at, claim.pool.time_zone) + dt.timedelta(days=terms.answer_days)
    locked.step_to(State.REPORTED)
    step_claim(claim, Claim.State.UNDER_REVIEW, at)
    if bill_fen and payee is not None:
        bill_cost(
            pool=claim.pool,
            reference=locked.code,
            amount_fen=bill_fen,
            borne_by=locked.borne_by,
            payee=payee,
            biller=locked.ordered_by,
            at=at,
        )
    failpoint("claims.investigation_reported")
    audit.record(actor=person.code, action="report_investigation", subject=claim.code, number=locked.number)
    return locked


@transaction.atomic
def answer_findings(
    *, investigation: Investigation, claimant: str, text: str, at: dt.datetime
) -> Investigation:
    """Answer what was found, before anything is recommended; an empty text: there is nothing to say to it.

    Raises: NotFoundError for somebody else's claim, AnswerOverError, ClaimMovedOnError.
    """
    claim = locked_claim(investigation.claim, Claim.State.UNDER_REVIEW)
    if not speaks_for(claim, User.objects.get(code=claimant)):
        raise NotFoundError(_("There is no such claim, or it is not yours to see."))
    locked = _locked(investigation, State.REPORTED)
    locked.claim = claim
    if not is_answer_open(locked):
        raise AnswerOverError(_("These findings are answered already, or the days for it are over."))
    if text:
        locked.answer_sealed = seal_text(text, locked.place("answer"))
    locked.answered_by, locked.answered_at = claimant, at
    locked.step_to(State.REPORTED)
    audit.record(actor=claimant, action="answer_findings", subject=claim.code, number=locked.number)
    return locked


def _locked(investigation: Investigation, *states: str) -> Investigation:
    """Lock it, in a claim that is locked, and demand one of the states. Raises: InvestigationMovedOnError."""
    locked = (
        Investigation.objects.select_for_update(of=["self"])
        .select_related("claim__pool")
        .get(pk=investigation.pk)
    )
    if locked.state not in states:
        raise InvestigationMovedOnError(
            _("This investigation has moved on: it is “%(state)s”. Reload the page.")
            % {"state": locked.get_state_display()},
            state=locked.state,
        )
    return locked
