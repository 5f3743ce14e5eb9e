"""Writes of a draft pool: its rules while they are written, and the people who are asked to take a duty."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override

from aidplatform.lib.errors import ConflictError, NotFoundError
from aidplatform.work import audit
from members.people.mails import Letter, write_mails
from members.people.models import User
from members.pools.aid_terms import check_claimable
from members.pools.covenants import covenant_for, default_declaration
from members.pools.models import DutyGrant, DutyInvitation, PlanDraft, PlanVersion, Pool
from members.pools.plan_terms import PlanTerms
from members.pools.selectors import duties_of, invitations_to
from members.pools.services import grant_founding_duty, publish_plan


class DraftMovedOnError(ConflictError):
    """The draft has been saved since it was shown, in another window or by somebody else."""

    code = "draft_moved_on"


class NotADraftError(ConflictError):
    """The pool has left its draft: its rules change by proposals, its duties by two people."""

    code = "not_a_draft"


class AlreadyInvitedError(ConflictError):
    """That address has been asked for that duty and has not answered yet."""

    code = "one_open_invitation_per_duty_and_address"


def begin_draft(
    *,
    pool: Pool,
    preset: str,
    terms: Mapping[str, Any],
    expected_members: int,
    founder: User,
    at: dt.datetime,
) -> PlanDraft:
    """Give a new pool the rules to begin with, and its founder the duty of its admin where they lack it."""
    english, chinese = covenant_for(terms)
    with transaction.atomic():
        draft = PlanDraft.objects.create(
            pool=pool,
            preset=preset,
            terms=PlanTerms.from_json(dict(terms)).to_json(),
            covenant_en=english,
            covenant_zh=chinese,
            declaration=default_declaration(),
            expected_members=expected_members,
            changed_by=founder.code,
            changed_at=at,
        )
        draft.refresh_from_db(fields=["changes"])
        if DutyGrant.Duty.POOL_ADMIN not in duties_of(founder, pool):
            grant_founding_duty(pool=pool, person=founder, duty=DutyGrant.Duty.POOL_ADMIN, at=at)
    return draft


def write_draft(
    *,
    draft: PlanDraft,
    changes: int,
    terms: Mapping[str, Any],
    covenant: tuple[str, str],
    expected_members: int,
    editor: str,
    at: dt.datetime,
) -> PlanDraft:
    """Write the rules of a draft anew. changes: the number of edits that the editor has seen.

    Raises: plan_terms.TermsError naming the field; DraftMovedOnError; IntegrityError(plan_draft_ends_with_the_draft).
    """
    plan = PlanTerms.from_json(dict(terms))
    check_claimable(terms)
    with transaction.atomic():
        Pool.objects.select_for_update().get(pk=draft.pool_id)
        draft = PlanDraft.objects.select_for_update().get(pk=draft.pk)
        if draft.changes != changes:
            raise DraftMovedOnError(
                _(
                    "These rules were saved meanwhile, in another window or by somebody else. Your entries stand below:"
                    " saving them once more overwrites the others."
                )
            )
        if covenant == covenant_for(draft.terms):
            # Nobody has written another: it promises what the new rules have, no appeal where there is none.
            covenant = covenant_for(plan.to_json())
        draft.terms = plan.to_json()
        draft.covenant_en, draft.covenant_zh = covenant
        draft.expected_members = expected_members
        draft.changed_by, draft.changed_at = editor, at
        draft.save(
            update_fields=[
                "terms",
                "covenant_en",
                "covenant_zh",
                "expected_members",
                "changed_by",
                "changed_at",
            ]
        )
        draft.refresh_from_db(fields=["changes"])
        audit.record(actor=editor, action="write_plan_draft", subject=str(draft), sha256=plan.sha256)
    return draft


def publish_draft(
    *, pool: Pool, changes: int, effective_date: dt.date, publisher: str, at: dt.datetime
) -> PlanVersion:
    """Publish what the founders have written as the pool's first version. The caller has locked the pool.

    changes: the number of edits that the publisher has seen. Raises: NotFoundError, DraftMovedOnError.
    """
    draft = PlanDraft.objects.filter(pool=pool).first()
    if draft is None:
        raise NotFoundError(_("This pool has no draft of its rules."))
    if draft.changes != changes:
        raise DraftMovedOnError(
            _("The rules have been changed since they were shown. Read them again, then publish them.")
        )
    return publish_plan(
        pool=pool,
        terms=draft.terms,
        effective_date=effective_date,
        publisher=publisher,
        at=at,
        covenant=(draft.covenant_en, draft.covenant_zh),
        declaration=draft.declaration,
    )


def give_up(*, pool: Pool, by: str, at: dt.datetime) -> Pool:
    """End a draft for good, with the questions to people that are open; given up already: nothing.

    Raises: NotADraftError; IntegrityError only_empty_drafts_are_given_up.
    """
    with transaction.atomic():
        pool = Pool.objects.select_for_update().get(pk=pool.pk)
        if pool.state == Pool.State.GIVEN_UP:
            return pool
        if pool.state != Pool.State.DRAFT:
            raise NotADraftError(
                _("Only a draft can be given up. A pool that has gathered members ends by its rules.")
            )
        for invitation in pool.duty_invitations.filter(state=DutyInvitation.State.OPEN).order_by("pk"):
            withdraw_invitation(invitation=invitation, withdrawer=by, at=at)
        pool.state = Pool.State.GIVEN_UP
        pool.save(update_fields=["state"])
        audit.record(actor=by, action="give_up_pool", subject=pool.code)
    return pool


def invite(*, pool: Pool, duty: str, email: str, inviter: User, at: dt.datetime) -> DutyInvitation:
    """Ask the person with that address to take a duty; they answer when they have signed in.

    The answer is the same whether there is an account with that address.

    Raises: NotADraftError, AlreadyInvitedError.
    """
    email = email.strip().lower()
    with transaction.atomic():
        pool = Pool.objects.select_for_update().get(pk=pool.pk)
        if pool.state != Pool.State.DRAFT:
            raise NotADraftError(_("Duties of a running pool are given by two people."))
        if pool.duty_invitations.filter(duty=duty, email=email, state=DutyInvitation.State.OPEN).exists():
            raise AlreadyInvitedError(
                _("This address has been asked for this duty and has not answered yet.")
            )
        invitation = DutyInvitation.objects.create(
            pool=pool, duty=duty, email=email, invited_by=inviter, invited_at=at
        )
        audit.record(actor=inviter.code, action="invite_to_duty", subject=pool.code, duty=duty)
        write_mails(
            [_letter(invitation, inviter)], batch=f"duty-invitation/{invitation.pk}", actor=inviter.code
        )
    return invitation


def _letter(invitation: DutyInvitation, inviter: User) -> Letter:
    """Write the question, in the language of whoever has the address, else of who asks."""
    person = User.objects.filter(email__iexact=invitation.email).first()
    pool = invitation.pool
    with override((person or inviter).language):
        duty = DutyGrant.Duty(invitation.duty).label
        subject = _("Will you be %(duty)s of %(pool)s?") % {"duty": duty, "pool": _named(pool)}
        body = _(
            "%(inviter)s is founding the mutual-aid pool “%(pool)s” and asks you to be its %(duty)s.\n\nSign in, or"
            " sign up, with this address, and answer there:\n%(link)s\n\nIf you do not know what this is about, you"
            " need not do anything."
        ) % {
            "inviter": inviter.name or inviter.email,
            "pool": _named(pool),
            "duty": duty,
            "link": settings.PUBLIC_URL + reverse("duty_invitation", args=[pool.code]),
        }
    return Letter(f"duty-invitation/{invitation.pk}", person, subject, body + "\n", invitation.email)


def _named(pool: Pool) -> str:
    return f"{pool.name_en} / {pool.name_zh}"


def end_founding_duty(*, grant: DutyGrant, ender: str, at: dt.datetime) -> None:
    """Take a duty back while the pool is a draft; ended already: nothing. Raises: NotADraftError."""
    with transaction.atomic():
        pool = Pool.objects.select_for_update().get(duty_grants=grant)
        if pool.state != Pool.State.DRAFT:
            raise NotADraftError(_("Duties of a running pool are ended by two people."))
        grant = DutyGrant.objects.select_for_update(of=["self"]).select_related("person").get(pk=grant.pk)
        if grant.ended_at is None:
            grant.ended_at = at
            grant.save(update_fields=["ended_at"])
            audit.record(
                actor=ender, action="end_duty", subject=grant.person.code, duty=grant.duty, pool=pool.code
            )


def accept_invitation(*, invitation: DutyInvitation, person: User, at: dt.datetime) -> DutyGrant:
    """Take the duty that one was asked for.

    Raises: NotFoundError where the invitation is another's or answered; IntegrityError(duties_do_not_meet,
    duty_needs_two_people) where the person holds a duty that it may not meet, or the pool is no draft any more.
    """
    with transaction.atomic():
        invitation = _lock_own(invitation, person)
        held = DutyGrant.objects.filter(
            pool=invitation.pool, person=person, duty=invitation.duty, ended_at=None
        )
        grant = held.first() or grant_founding_duty(
            pool=invitation.pool, person=person, duty=invitation.duty, at=at
        )
        _decide(invitation, DutyInvitation.State.ACCEPTED, at, person=person)
        audit.record(
            actor=person.code, action="accept_duty", subject=invitation.pool.code, duty=invitation.duty
        )
    return grant


def decline_invitation(*, invitation: DutyInvitation, person: User, at: dt.datetime) -> None:
    """Say no. Raises: NotFoundError where the invitation is another's or answered."""
    with transaction.atomic():
        _decide(_lock_own(invitation, person), DutyInvitation.State.DECLINED, at)


def withdraw_invitation(*, invitation: DutyInvitation, withdrawer: str, at: dt.datetime) -> None:
    """Take a question back; answered already: nothing."""
    with transaction.atomic():
        Pool.objects.select_for_update().get(pk=invitation.pool_id)
        invitation = DutyInvitation.objects.select_for_update().get(pk=invitation.pk)
        if invitation.state == DutyInvitation.State.OPEN:
            _decide(invitation, DutyInvitation.State.WITHDRAWN, at)
            audit.record(actor=withdrawer, action="withdraw_invitation", subject=invitation.pool.code)


def _lock_own(invitation: DutyInvitation, person: User) -> DutyInvitation:
    Pool.objects.select_for_update().get(pk=invitation.pool_id)
    found = (
        invitations_to(person).select_for_update(of=["self"], no_key=True).filter(pk=invitation.pk).first()
    )
    if found is None:
        raise NotFoundError(_("There is no such page, or it is not yours to see."))
    return found


def _decide(
    invitation: DutyInvitation, state: DutyInvitation.State, at: dt.datetime, person: User | None = None
) -> None:
    invitation.state, invitation.decided_at, invitation.person = state, at, person
    invitation.save(update_fields=["state", "decided_at", "person"])
