"""Writes of arbitrations: want an arbiter, appoint them by two people, let them take a case on, decide, or stop.

Lock order: pool, then claim, then arbitration.
"""

import datetime as dt
import secrets

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock
from aidplatform.lib.crypto import seal_text
from aidplatform.lib.dates import format_instant
from aidplatform.lib.errors import ConflictError, ForbiddenError
from aidplatform.lib.failpoints import failpoint
from aidplatform.work import audit, jobs
from claims.filing.models import Claim
from claims.filing.selectors import concerned_by, is_near_to
from claims.filing.services import locked_claim, step_claim
from claims.filing.states import STEPS
from claims.jury.arbiter_models import Arbitration
from claims.jury.arbiter_selectors import (
    CONTROLLER,
    POOL_ADMIN,
    access_case,
    decided_by,
    find_by_link,
    has_judged,
    is_late,
)
from claims.jury.draws import SERVICE, aid_of, grant
from claims.review.links import await_link, await_taking_on, mail_link
from claims.review.selectors import public_ref
from ledger.openbooks import services as openbooks
from members.joining.models import Membership
from members.people.models import User
from members.people.services import hash_of
from members.pools.jury_terms import LEAST_ELIGIBLE
from members.pools.models import DutyGrant, Pool

State = Arbitration.State
Outcome = Arbitration.Outcome
TELL = "claims.tell_arbitration"


class ArbitrationMovedOnError(ConflictError):
    """The arbitration is not where this deed needs it to be."""

    code = "arbitration_state_follows_order"


class TwoPeopleError(ForbiddenError):
    """Whoever appoints holds the duty for it, has no part in the case, and is not the other of the two."""

    code = "arbiter_is_appointed_by_two_people"


class ArbiterLinkOverError(ConflictError):
    """The link was used, replaced or taken back, or its days are over."""

    code = "arbitration_link_is_live"


class LinkMadeError(ConflictError):
    """Another link has been made since the page was shown."""

    code = "arbitration_link_was_made"


class ArbiterNotFromOutsideError(ForbiddenError):
    """Whoever is a member, has a duty or a part in the case, or is near to its people does not decide it."""

    code = "arbiter_is_from_outside"


class ArbiterNotLateError(ConflictError):
    """An arbiter is replaced once their days are over, and not before."""

    code = "arbiter_is_replaced_when_late"


def want_arbiter(*, claim: Claim, at: dt.datetime) -> Arbitration:
    """Let a locked claim before the jury wait for an arbiter; whom the plan names is appointed by it."""
    one = Arbitration.objects.create(claim=claim, asked_at=at)
    # Number, eligible and whether the plan names them are the database's own.
    one.refresh_from_db()
    if one.in_plan:
        one.step_to(State.APPOINTED)
        await_link(claim, at)
    if one.number == 1:
        body = {"ref": public_ref(claim), "eligible": one.eligible, "least": LEAST_ELIGIBLE}
        _log(one, "arbiter.ask", body, at)
    _tell(one, "wanted")
    return one


@transaction.atomic
def propose_arbiter(*, arbitration: Arbitration, admin: str, name: str, at: dt.datetime) -> Arbitration:
    """Propose, as a pool admin, who decides from outside: name, organization, how to reach them.

    Raises: ArbitrationMovedOnError, TwoPeopleError, ClaimMovedOnError.
    """
    locked = _locked(arbitration, State.WANTED)
    _check_may_appoint(locked.claim, admin, POOL_ADMIN)
    locked.name_sealed = seal_text(name, locked.place("name"))
    locked.proposed_by, locked.proposed_at = admin, at
    locked.step_to(State.PROPOSED)
    audit.record(actor=admin, action="propose_arbiter", subject=locked.claim.code, number=locked.number)
    _tell(locked, "proposed")
    return locked


@transaction.atomic
def agree_to_arbiter(
    *, arbitration: Arbitration, controller: str, agrees: bool, at: dt.datetime
) -> Arbitration:
    """Agree, as a controller, to who was proposed; or not, and somebody else is wanted. Returns the newest.

    Raises: ArbitrationMovedOnError, TwoPeopleError, ClaimMovedOnError.
    """
    locked = _locked(arbitration, State.PROPOSED)
    _check_may_appoint(locked.claim, controller, CONTROLLER)
    if locked.proposed_by == controller:
        raise TwoPeopleError(_("Whoever proposed the arbiter does not agree to them as well."))
    if not agrees:
        audit.record(actor=controller, action="drop_arbiter", subject=locked.claim.code, number=locked.number)
        return _end(locked, controller, at)
    locked.agreed_by, locked.agreed_at = controller, at
    locked.step_to(State.APPOINTED)
    await_link(locked.claim, at)
    audit.record(actor=controller, action="appoint_arbiter", subject=locked.claim.code, number=locked.number)
    _tell(locked, "wanted")
    return locked


@transaction.atomic
def make_link(
    *, arbitration: Arbitration, admin: str, at: dt.datetime, instead_of: str | None = None, address: str = ""
) -> str:
    """Return the link by which the arbiter takes the case on, once; one made before stops working.

    instead_of: the mark of the link that stood when it was asked for, so that a form sent again makes no other one.
    address: where the link is mailed, if anywhere.

    Raises: ArbitrationMovedOnError, TwoPeopleError, LinkMadeError, ClaimMovedOnError.
    """
    locked = _locked(arbitration, State.APPOINTED)
    _check_may_appoint(locked.claim, admin, POOL_ADMIN)
    if instead_of is not None and instead_of != locked.link_mark:
        raise LinkMadeError(
            _(
                "This link was made already, and is shown once. If it is lost, make another: the one before stops"
                " working."
            )
        )
    token = secrets.token_urlsafe(24)
    locked.token_sha256 = hash_of(token)
    locked.step_to(State.APPOINTED)
    await_taking_on(locked, locked.claim)
    audit.record(actor=admin, action="link_arbiter", subject=locked.claim.code, number=locked.number)
    link = settings.PUBLIC_URL + reverse("arbitration_link", args=[token])
    mail_link(one=locked, claim=locked.claim, link=link, address=address, sender=admin)
    return link


@transaction.atomic
def accept_arbitration(*, token: str, person: User, at: dt.datetime) -> Arbitration:
    """Take a case on by its link, with one's own account; the link is used up by it.

    Raises: ArbiterLinkOverError, ArbiterNotFromOutsideError.
    """
    found = find_by_link(token, at)
    if found is None:
        raise ArbiterLinkOverError(_("This link is over. Whoever sent it can make another."))
    locked = _locked(found, State.APPOINTED)
    check_from_outside(locked, person)
    locked.arbiter, locked.accepted_at = person, at
    locked.step_to(State.RUNNING)
    locked.claim.due_date = locked.until_date
    locked.claim.save(update_fields=["due_date"])
    audit.record(
        actor=person.code, action="accept_arbitration", subject=locked.claim.code, number=locked.number
    )
    _tell(locked, "running")
    return locked


def check_from_outside(one: Arbitration, person: User) -> None:
    """Refuse who shares the aid, serves the pool, knows its people or has a part in the case.

    Raises: ArbiterNotFromOutsideError.
    """
    claim = one.claim
    duties = DutyGrant.objects.filter(person=person, ended_at=None)
    concerned = (
        person.pk in concerned_by(claim)
        or is_near_to(claim, person)
        or Membership.objects.filter(person=person, pool=claim.pool).exists()
        or duties.filter(pool=claim.pool).exists()
        or duties.filter(pool=None).exists()
        or has_judged(claim, person)
        or person.code in (one.proposed_by, one.agreed_by)
        or claim.objections.filter(member=person.code).exists()
        or claim.investigations.filter(investigator=person).exists()
    )
    if concerned:
        raise ArbiterNotFromOutsideError(
            _(
                "You are a member of this pool, hold a duty in it, had a part in this case, or are near to its people."
                " Somebody from outside decides it."
            )
        )


@transaction.atomic
def decide(
    *, arbitration: Arbitration, person: User, outcome: str, reason: str, at: dt.datetime
) -> Arbitration:
    """Decide a case in writing; it decides as a jury's tally would. The case is absent from then on.

    Raises: NotFoundError once it is over, ArbitrationMovedOnError, ArbiterNotFromOutsideError.
    """
    Pool.objects.select_for_update(no_key=True).get(pk=arbitration.claim.pool_id)
    done = decided_by(person, arbitration.code)
    if done is not None and done.ended_at is not None:
        raise ArbitrationMovedOnError(
            _("You decided this case on %(at)s: “%(outcome)s”. What you sent after it was not taken.")
            % {
                "at": format_instant(done.ended_at, done.claim.pool.time_zone),
                "outcome": done.get_outcome_display(),
            },
            by=person.code,
            judged_at=done.ended_at.isoformat(),
        )
    locked = _locked(access_case(person=person, code=arbitration.code), State.RUNNING)
    check_from_outside(locked, person)
    claim = locked.claim
    body = {
        "ref": public_ref(claim),
        "number": locked.number,
        "eligible": locked.eligible,
        "outcome": outcome,
    }
    _log(locked, "arbiter.decide", body, at)
    locked.outcome = outcome
    locked.aid_fen = aid_of(claim) if outcome == Outcome.GRANTED else 0
    locked.reason_sealed = seal_text(reason, locked.place("reason"))
    locked.ended_by, locked.ended_at = person.code, at
    locked.step_to(State.DECIDED)
    failpoint("claims.arbiter_decided")
    audit.record(actor=person.code, action="decide_as_arbiter", subject=claim.code, outcome=outcome)
    if outcome == Outcome.GRANTED:
        grant(claim, locked.aid_fen, at, arbiter=public_ref(claim))
    else:
        step_claim(claim, Claim.State.REFUSED_BY_JURY, at)
    return locked


@transaction.atomic
def decline(*, arbitration: Arbitration, person: User, at: dt.datetime) -> None:
    """Give a case back undecided, as its arbiter, without a reason; somebody else is wanted.

    Raises: NotFoundError once it is over, ArbitrationMovedOnError.
    """
    locked = _locked(access_case(person=person, code=arbitration.code), State.RUNNING)
    audit.record(
        actor=person.code, action="decline_arbitration", subject=locked.claim.code, number=locked.number
    )
    _end(locked, person.code, at)


@transaction.atomic
def replace(*, arbitration: Arbitration, admin: str, at: dt.datetime) -> Arbitration:
    """End, as a pool admin, what an arbiter let pass; somebody else is wanted. Returns the new one.

    Raises: ArbitrationMovedOnError, ArbiterNotLateError, TwoPeopleError.
    """
    locked = _locked(arbitration, State.APPOINTED, State.RUNNING)
    _check_may_appoint(locked.claim, admin, POOL_ADMIN)
    if not is_late(locked, at):
        raise ArbiterNotLateError(
            _("An arbiter is replaced once the days of the link, or those for deciding, are over.")
        )
    audit.record(actor=admin, action="replace_arbiter", subject=locked.claim.code, number=locked.number)
    return _end(locked, admin, at)


@transaction.atomic
def end_with_claim(*, arbitration: Arbitration, at: dt.datetime) -> str:
    """End what waits for an arbiter though its claimant has taken the claim back; ended already: as it is."""
    claim = Claim.objects.select_for_update(of=["self"], no_key=True).get(pk=arbitration.claim_id)
    locked = Arbitration.objects.select_for_update(of=["self"]).get(pk=arbitration.pk)
    if claim.state == Claim.State.WITHDRAWN and locked.state not in (State.DECIDED, State.ENDED):
        was_running = locked.state == State.RUNNING
        locked.ended_by, locked.ended_at = SERVICE, at
        locked.step_to(State.ENDED)
        audit.record(actor=SERVICE, action="end_arbitration", subject=claim.code, number=locked.number)
        if was_running:
            _tell(locked, "off")
    return str(locked.state)


def _end(locked: Arbitration, actor: str, at: dt.datetime) -> Arbitration:
    """End a locked arbitration without a decision, and want another arbiter."""
    locked.ended_by, locked.ended_at = actor, at
    locked.step_to(State.ENDED)
    claim = locked.claim
    # As when it was taken there: somebody has to find another one.
    days = STEPS[claim.state].days or 0
    claim.due_date = clock.day_of(at, claim.pool.time_zone) + dt.timedelta(days=days)
    claim.save(update_fields=["due_date"])
    return want_arbiter(claim=claim, at=at)


def _check_may_appoint(claim: Claim, code: str, duty: str) -> None:
    """Demand the duty, and no part in the case. Raises: TwoPeopleError."""
    person = User.objects.get(code=code)
    holds = DutyGrant.objects.filter(person=person, pool=claim.pool, duty=duty, ended_at=None).exists()
    if (
        not holds
        or person.pk in concerned_by(claim)
        or is_near_to(claim, person)
        or has_judged(claim, person)
    ):
        raise TwoPeopleError(
            _(
                "A pool admin proposes the arbiter and a controller agrees; neither is near to the case or has judged"
                " it."
            )
        )


def _locked(arbitration: Arbitration, *states: str) -> Arbitration:
    """Lock claim and arbitration, and demand one of the states. Raises: ClaimMovedOnError, ArbitrationMovedOnError."""
    claim = locked_claim(arbitration.claim, Claim.State.BEFORE_JURY)
    locked = Arbitration.objects.select_for_update(of=["self"]).get(pk=arbitration.pk)
    if locked.state not in states:
        raise ArbitrationMovedOnError(
            _("This arbitration has moved on: it is “%(state)s”. Reload the page.")
            % {"state": locked.get_state_display()},
            state=locked.state,
        )
    locked.claim = claim
    return locked


def _tell(one: Arbitration, what: str) -> None:
    """Order the telling of a step: wanted, proposed, running or off."""
    order_telling(one, what, f"{one.code}/{what}/{one.state}")


def order_telling(one: Arbitration, what: str, key: str) -> None:
    """Order the telling of a step, or that whoever is to take it is late; the same key once."""
    jobs.enqueue(kind=TELL, key=key, payload={"arbitration": one.pk, "what": what}, actor=SERVICE)


def _log(one: Arbitration, entry_type: str, body: dict[str, object], at: dt.datetime) -> None:
    openbooks.append(
        code=one.claim.pool.code, entry_type=entry_type, key=public_ref(one.claim), body=body, at=at
    )
