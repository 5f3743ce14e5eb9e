"""Writes of joining: an application that is saved step by step, and its signature.

Every step may be repeated until the signature, on any device. Nothing is entered into a log: names, documents and
answers are sealed the moment they arrive.
"""

import datetime as dt
import json
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock, crypto
from aidplatform.lib.errors import ConflictError, DomainError
from aidplatform.work import audit
from members.joining.again import check_return, last_membership
from members.joining.documents import traits_of
from members.joining.eligibility import (
    age_on,
    age_refusal,
    covered_from,
    eligible_by_plan,
    excluding,
    unanswered,
)
from members.joining.importing import confirm_listed
from members.joining.invitation_models import Invitation
from members.joining.invitations import now_live, use
from members.joining.listed import counted_since, find_listed
from members.joining.member_secrets import give_secret
from members.joining.models import CovenantSignature, JoinApplication, Membership
from members.joining.news import tell_coming_rules
from members.joining.payers import link_listed
from members.joining.services import admit_member
from members.people import notices
from members.people.identity import Paper, must_be_same, paper_of, record_identity
from members.people.models import User
from members.pools.models import PlanVersion, Pool
from members.pools.selectors import duties_of, plan_in_force

# What the receipt carries; see `joining.certificates`.
JOINED_PAPERS = "joined"
# Consent comes before the first answer about health: nothing is kept to which nobody has consented.
STEPS = ("who", "consent", "health", "plainly", "covenant", "sign")
# Whoever adds somebody has answered the plain questions for themselves.
FAMILY_STEPS = ("who", "consent", "health", "covenant", "sign")


class IntakeClosedError(ConflictError):
    """Nobody can join this pool at the moment."""

    code = "intake_closed"


class NotEligibleError(DomainError):
    """The plan does not take this person; `reason` says why."""

    code = "not_eligible"


class DocumentNotTakenError(DomainError):
    """The pool does not take documents of this kind."""

    code = "document_is_one_that_is_taken"


class StepMissingError(ConflictError):
    """A step of the application is not done yet; `step` says which."""

    code = "step_missing"


class InvitationNeededError(ConflictError):
    """Nobody joins this pool without a live invitation."""

    code = "joins_by_invitation"


class TextsChangedError(ConflictError):
    """A new plan version is in force, or other texts were signed than those in force."""

    code = "texts_changed"


def start_application(
    *, pool: Pool, person: User, at: dt.datetime, invitation: Invitation | None = None
) -> JoinApplication:
    """Return the person's open application to the pool, begun if there is none, under the plan in force today.

    invitation: by whose link they begin, or go on. If a new plan version has come into force since, what was said to
    the old texts is asked again. Whose membership is over begins anew, and who they are is known.

    Raises: IntakeClosedError, AlreadyMemberError, RemovedError; IntegrityError earlier_shares_come_first.
    """
    with transaction.atomic():
        locked = Pool.objects.select_for_update(no_key=True).get(pk=pool.pk)
        check_intake(locked)
        today = clock.today(pool.time_zone)
        version = plan_in_force(pool, today)
        check_return(last_membership(pool, person), version.plan(), today)
        application, _is_new = JoinApplication.objects.get_or_create(
            pool=pool,
            person=person,
            relation="",
            state=JoinApplication.State.DRAFT,
            defaults={"plan_version": version, "started_at": at, "changed_at": at},
        )
        if application.plan_version_id != version.pk:
            begin_again(application, version, at)
        if invitation is not None and application.invitation_id != invitation.pk:
            application.invitation = invitation
            _save(application, at, "invitation")
    return application


def needs_invitation(version: PlanVersion, person: User | None) -> bool:
    """Tell whether somebody joins by an invitation alone: by the rules, and without a duty in the pool."""
    return version.plan().by_invitation and not (person and duties_of(person, version.pool))


def check_intake(pool: Pool) -> None:
    """Raise IntakeClosedError unless somebody can join the pool at the moment."""
    if pool.state not in {Pool.State.OPEN, Pool.State.GATHERING}:
        raise IntakeClosedError(_("Nobody can join this pool at the moment."))


def begin_again(application: JoinApplication, version: PlanVersion, at: dt.datetime) -> None:
    """Put the application under another plan version: who they are stays, the rest is asked again."""
    application.plan_version = version
    application.answers_sealed = None
    for field in ("understood", "has_read_covenant", "consent_health", "consent_publication"):
        setattr(application, field, False)
    application.changed_at = at
    application.save(
        update_fields=[
            "plan_version",
            "answers_sealed",
            "understood",
            "has_read_covenant",
            "consent_health",
            "consent_publication",
            "changed_at",
        ]
    )


def save_identity(*, application: JoinApplication, paper: Paper, at: dt.datetime) -> None:
    """Seal who the person is into the application.

    Raises: NotEligibleError for an age the plan has no aid for; DocumentNotTakenError, OtherIdentityError,
    listed.OtherDocumentError, listed.OtherAddressError.
    """
    check_kind(application, paper)
    check_age(application, paper.birth_date)
    if not application.is_family:
        must_be_same(application.person, paper)
        find_listed(application.pool, application.person, paper)
    known = identity_of(application)
    if application.is_family and known is not None and known.index_text != paper.index_text:
        # What was answered for one person is not an answer for another.
        begin_again(application, application.plan_version, at)
    application.identity_sealed = crypto.seal_text(paper.to_text(), _context(application, "identity"))
    _save(application, at, "identity_sealed")


def save_answer(*, application: JoinApplication, code: str, answer: bool, at: dt.datetime) -> None:
    """Seal one answer of the declaration with those given before.

    Raises: IntegrityError answers_follow_consent where it is not agreed that they are kept.
    """
    with transaction.atomic():
        locked = JoinApplication.objects.select_for_update().get(pk=application.pk)
        answers = {**answers_of(locked), code: answer}
        locked.answers_sealed = crypto.seal_text(json.dumps(answers), _context(locked, "answers"))
        _save(locked, at, "answers_sealed")
    application.answers_sealed = locked.answers_sealed


def save_understood(*, application: JoinApplication, at: dt.datetime) -> None:
    """Note that the four plain questions were answered rightly."""
    application.understood = True
    _save(application, at, "understood")


def save_covenant_read(*, application: JoinApplication, at: dt.datetime) -> None:
    """Note that the covenant was opened and accepted for signing."""
    application.has_read_covenant = True
    _save(application, at, "has_read_covenant")


def save_consents(*, application: JoinApplication, health: bool, publication: bool, at: dt.datetime) -> None:
    """Note each consent by itself."""
    application.consent_health, application.consent_publication = health, publication
    _save(application, at, "consent_health", "consent_publication")


def sign_covenant(
    *, application: JoinApplication, signer: User, shown_sha256: str, language: str, at: dt.datetime
) -> Membership:
    """Sign what was shown and join: covered from 00:00 of the next day in the pool's zone.

    Whom an approved import names confirms with it: their class, and the waiting time they have served, count. Whoever
    began by an invitation that is still live uses it, and who invited them is recorded for good.

    Where members pay ahead, from the day after the first payment has come. The waiting period counts from the signature
    all the same: its end is signed, and no late statement of a bank may move it; an illness before the cover counts for
    nothing, and the payment has to come within days.

    shown_sha256: hash of the covenant the person saw. Signed before, by a double click or a second device: the
    membership of the first signature is returned. Lock order: pool, application.

    Raises: IntakeClosedError, StepMissingError, TextsChangedError, NotEligibleError, DocumentNotTakenError,
    OtherIdentityError, InvitationNeededError, AlreadyMemberError, RemovedError, listed.OtherDocumentError,
    listed.OtherAddressError; IntegrityError(one_person_per_document) when another account has joined with this
    document, and earlier_shares_come_first.
    """
    with transaction.atomic():
        pool = Pool.objects.select_for_update().get(pk=application.pool_id)
        locked = (
            JoinApplication.objects.select_for_update(of=("self",))
            .select_related("pool", "plan_version")
            .get(pk=application.pk)
        )
        if locked.state == JoinApplication.State.SIGNED:
            joined = last_membership(pool, signer)
            assert joined is not None
            return joined
        today = clock.today(pool.time_zone)
        check_signable(locked, pool, shown_sha256, today)
        earlier = last_membership(pool, signer)
        check_return(earlier, locked.plan_version.plan(), today)
        invitation = now_live(locked.invitation, at)
        paper = identity_of(locked)
        assert paper is not None
        check_kind(locked, paper)
        check_age(locked, paper.birth_date)
        listed = find_listed(pool, signer, paper)
        if invitation is None and listed is None and needs_invitation(locked.plan_version, signer):
            raise InvitationNeededError(
                _("Members of this pool join by an invitation. Ask somebody who belongs to it for a link.")
            )
        record_identity(person=signer, paper=paper, at=at)
        plan = locked.plan_version.plan()
        by_age = plan.class_at(age_on(paper.birth_date, today))
        membership = admit_member(
            pool=pool,
            person=signer,
            class_no=by_age if listed is None or listed.class_no is None else listed.class_no,
            from_at=clock.start_of_day(covered_from(today), pool.time_zone),
            joined_date=today,
            actor=signer.code,
            birth_date=paper.birth_date,
            traits=traits_of(paper.kind, paper.number),
            waiting_since_date=counted_since(listed, today),
            pays_until=today + dt.timedelta(days=plan.funding.top_up_days) if plan.funding else None,
            follows=earlier,
        )
        give_secret(membership=membership, paper=paper)
        if listed is not None:
            confirm_listed(row=listed, membership=membership)
            link_listed(row=listed, membership=membership)
        signature = write_signature(
            application=locked,
            membership=membership,
            birth_date=paper.birth_date,
            language=language,
            capacity=CovenantSignature.Capacity.SELF,
            signed_by=signer.code,
            at=at,
        )
        if invitation is not None and invitation.inviter.person_id != signer.pk:
            use(invitation=invitation, membership=membership, at=at)
        close(locked, at)
        _confirm(membership, signature, signer, today)
    return membership


def check_signable(application: JoinApplication, pool: Pool, shown_sha256: str, today: dt.date) -> None:
    """Raise unless every step is done, under the texts in force and shown."""
    check_intake(pool)
    version = application.plan_version
    if version.pk != plan_in_force(pool, today).pk or shown_sha256 != version.covenant_sha256:
        raise TextsChangedError(
            _("The texts have changed since they were shown. Read the new ones, then sign.")
        )
    missing = next_step(application)
    if missing != "sign":
        raise StepMissingError(_("Something before the signature is still missing."), step=missing)
    barring = excluding(version.questions(), answers_of(application))
    if barring is not None:
        raise NotEligibleError(
            _("With an answer of your health declaration nobody can join this pool."), reason=barring.code
        )


def write_signature(
    *,
    application: JoinApplication,
    membership: Membership,
    birth_date: dt.date,
    language: str,
    capacity: CovenantSignature.Capacity,
    signed_by: str,
    at: dt.datetime,
) -> CovenantSignature:
    """Write what was signed for a new membership, by whom and in which capacity; the caller has checked it."""
    version, answers = application.plan_version, answers_of(application)
    plan, joined_date = version.plan(), membership.joined_date
    since_date = membership.waiting_since_date
    signature = CovenantSignature.objects.create(
        membership=membership,
        plan_version=version,
        covenant_sha256=version.covenant_sha256,
        declaration_sha256=version.declaration_sha256,
        answers_sealed=crypto.seal_text(json.dumps(answers), signature_context(membership.pk)),
        consent_health=application.consent_health,
        consent_publication=application.consent_publication,
        language=language,
        capacity=capacity,
        signed_by=signed_by,
        joined_age=age_on(birth_date, membership.waits_from) if plan.waiting_asks_for_age else None,
        eligible_date=eligible_by_plan(plan, birth_date, joined_date, since_date=since_date),
        signed_at=at,
    )
    # The hash over all of it is the database's own.
    signature.refresh_from_db(fields=["signature_sha256"])
    return signature


def close(application: JoinApplication, at: dt.datetime) -> None:
    """End the application and empty it: identity and signature hold from now on what it held."""
    application.state = JoinApplication.State.SIGNED
    application.identity_sealed = application.answers_sealed = None
    _save(application, at, "state", "identity_sealed", "answers_sealed")


def _confirm(membership: Membership, signature: CovenantSignature, signer: User, today: dt.date) -> None:
    """Leave a trail, and send the receipt."""
    pool = membership.pool
    audit.record(
        actor=signer.code,
        action="sign_covenant",
        subject=str(membership),
        covenant=signature.covenant_sha256,
        signature=signature.signature_sha256,
    )
    params: dict[str, Any] = {
        "pool_en": pool.name_en,
        "pool_zh": pool.name_zh,
        "covered": covered_from(today).isoformat(),
        "eligible": signature.eligible_date.isoformat(),
        "sha256": signature.signature_sha256,
    }
    kind = notices.JOINED_EARLY if pool.state == Pool.State.GATHERING else notices.JOINED
    funding = signature.plan_version.plan().funding
    if funding is not None:
        kind = notices.JOINED_AHEAD
        until = today + dt.timedelta(days=funding.top_up_days)
        params |= {"fen": funding.join_fen, "currency": pool.currency, "until": until.isoformat()}
    papers = f"{JOINED_PAPERS}:{signature.pk}"
    # Whoever joins again is told again.
    key = str(membership) if membership.follows_id else pool.code
    receipt = notices.News(signer, kind, key, params, f"/pools/{pool.code}/me/", papers)
    notices.tell([receipt], batch=f"joined/{key}/{signer.code}", actor=signer.code)
    tell_coming_rules(membership=membership, person=signer, actor=signer.code)


def next_step(application: JoinApplication) -> str:
    """Return the first step that is not done; sign when all before it are."""
    return step_after(application, identity_of(application))


def step_after(application: JoinApplication, identity: Paper | None) -> str:
    """Return the first step that is not done, where it is known who joins; None: nobody knows yet."""
    if identity is None or not takes_kind(application, identity):
        return "who"
    if not (application.consent_health and application.consent_publication):
        return "consent"
    if unanswered(application.plan_version.questions(), answers_of(application)) is not None:
        return "health"
    if excluding(application.plan_version.questions(), answers_of(application)) is not None:
        return "health"
    if not application.understood and not application.is_family:
        return "plainly"
    return "sign" if application.has_read_covenant else "covenant"


def identity_of(application: JoinApplication) -> Paper | None:
    """Return who is said to join by this application; of oneself also what was recorded when joining another pool."""
    entered = identity_in(application)
    return paper_of(application.person) if entered is None and not application.is_family else entered


def identity_in(application: JoinApplication) -> Paper | None:
    """Return who was entered in this application; None: nobody yet."""
    if application.identity_sealed is None:
        return None
    sealed = bytes(application.identity_sealed)
    return Paper.from_text(crypto.unseal_text(sealed, _context(application, "identity")))


def answers_of(application: JoinApplication) -> dict[str, bool]:
    """Return the answers given so far."""
    if application.answers_sealed is None:
        return {}
    sealed = bytes(application.answers_sealed)
    answers: dict[str, bool] = json.loads(crypto.unseal_text(sealed, _context(application, "answers")))
    return answers


def signed_answers(signature: CovenantSignature) -> dict[str, bool]:
    """Return the answers of the declaration as they were signed."""
    answers: dict[str, bool] = json.loads(signed_text(signature) or "{}")
    return answers


def signed_text(signature: CovenantSignature) -> str:
    """Return the text of the answers as it was sealed."""
    return crypto.unseal_text(bytes(signature.answers_sealed), signature_context(signature.membership_id))


def takes_kind(application: JoinApplication, paper: Paper) -> bool:
    """Tell whether the rules of the application take documents of this kind."""
    return paper.kind in application.plan_version.plan().taken_documents.kinds


def check_kind(application: JoinApplication, paper: Paper) -> None:
    """Raise DocumentNotTakenError unless the rules take documents of this kind."""
    if not takes_kind(application, paper):
        raise DocumentNotTakenError(_("This pool does not take a document of this kind."))


def check_age(application: JoinApplication, birth_date: dt.date) -> None:
    """Raise NotEligibleError unless the plan has aid for this age, and it is one of whoever signs, or is signed for."""
    today = clock.today(application.pool.time_zone)
    plan = application.plan_version.plan()
    reason = age_refusal(plan, birth_date, today, for_child=application.is_family)
    if reason is not None:
        said = AGE_REFUSALS | CHILD_AGE_REFUSALS if application.is_family else AGE_REFUSALS
        raise NotEligibleError(said[reason], reason=reason)


AGE_REFUSALS: dict[str, object] = {
    "born_in_future": _("This date of birth lies in the future."),
    "too_old_to_be_true": _("This date of birth is too long ago."),
    "minor": _("Whoever signs for themselves must be 18 or older."),
    "of_age": _("Whoever is 18 or older signs for themselves, with an account of their own."),
    "below_ages": _("This plan has no aid for your age yet."),
    "above_ages": _("This plan has no aid for your age any more, so nobody of that age can join."),
}
# Of whom a guardian adds.
CHILD_AGE_REFUSALS: dict[str, object] = {
    "below_ages": _("This plan has no aid for a child of that age yet."),
    "above_ages": _("This plan has no aid for that age any more, so nobody of that age can join."),
}


def _save(application: JoinApplication, at: dt.datetime, *fields: str) -> None:
    application.changed_at = at
    application.save(update_fields=[*fields, "changed_at"])


def signature_context(membership_id: int) -> str:
    """Return what the answers of a signature are sealed for."""
    return f"members.signature:{membership_id}"


def _context(application: JoinApplication, part: str) -> str:
    whose = "/family" if application.is_family else ""
    return f"members.joining.{part}:{application.pool_id}/{application.person_id}{whose}"
