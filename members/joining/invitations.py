"""Invitations to join, by a link: made, taken back, used at a signature; a reward there is none."""

import datetime as dt
import secrets
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import crypto
from aidplatform.lib.errors import ConflictError, NotFoundError
from aidplatform.work import audit
from members.joining.invitation_models import Invitation
from members.joining.invitation_triggers import MOST_IN_A_MONTH, MOST_OPEN
from members.joining.models import Membership
from members.joining.payers import PayersPayForThemselvesError, begin_invited_link, may_pay
from members.joining.selectors import goes_on
from members.people import notices
from members.people.identity import masked, names_of
from members.people.services import hash_of
from members.pools.models import Pool
from members.pools.selectors import pays_ahead

State = Invitation.State
_MONTH = dt.timedelta(days=30)


class NotCoveredError(ConflictError):
    """Only a member whose own membership goes on invites."""

    code = "members_invite_while_covered"


class TooManyInvitationsError(ConflictError):
    """The member has made as many as one may."""

    code = "invitations_stay_within_limits"


class InvitationOverError(ConflictError):
    """It has been used or taken back, or has expired."""

    code = "invitation_is_live"


@dataclass(frozen=True)
class Made:
    """A new invitation, and the link that is shown once."""

    invitation: Invitation
    link: str


def invite(*, membership: Membership, label: str, pays: bool, at: dt.datetime) -> Made:
    """Make a link by which one person may join. pays: the inviter pays for them, where members pay afterwards.

    Raises: NotCoveredError, TooManyInvitationsError, PayersPayForThemselvesError.
    """
    assert membership.person is not None
    token = secrets.token_urlsafe(24)
    with transaction.atomic():
        pool = Pool.objects.select_for_update().get(pk=membership.pool_id)
        if not goes_on(membership):
            raise NotCoveredError(_("Only a member whose own membership goes on can invite somebody."))
        is_ahead = pays_ahead(pool)
        if pays and not is_ahead and not may_pay(membership):
            raise PayersPayForThemselvesError(
                _("Somebody else pays your shares, so you cannot pay for others. Make the link without it.")
            )
        made = Invitation.objects.filter(inviter=membership)
        if (
            made.filter(state=State.OPEN, expires_at__gt=at).count() >= MOST_OPEN
            or made.filter(made_at__gt=at - _MONTH).count() >= MOST_IN_A_MONTH
        ):
            raise TooManyInvitationsError(
                _("At most %(open)s invitations are open at a time, and %(month)s are made in thirty days.")
                % {"open": MOST_OPEN, "month": MOST_IN_A_MONTH}
            )
        invitation = Invitation.objects.create(
            pool=pool,
            inviter=membership,
            token_sha256=hash_of(token),
            label_sealed=crypto.seal_text(label, _context(membership)),
            pays=pays and not is_ahead,
            made_at=at,
            expires_at=at,
        )
        invitation.refresh_from_db(fields=["made_at", "expires_at"])
        audit.record(actor=membership.person.code, action="invite_to_join", subject=str(invitation))
    return Made(invitation, settings.PUBLIC_URL + reverse("join_invited", args=[pool.code, token]))


def take_back(*, invitation: Invitation, actor: str) -> None:
    """Take an invitation back; over already: nothing."""
    with transaction.atomic():
        Pool.objects.select_for_update().get(pk=invitation.pool_id)
        locked = Invitation.objects.select_for_update().get(pk=invitation.pk)
        if locked.state == State.OPEN:
            locked.state = State.TAKEN_BACK
            locked.save(update_fields=["state"])
            audit.record(actor=actor, action="take_back_invitation", subject=f"invitation {locked.pk}")


def use(*, invitation: Invitation, membership: Membership, at: dt.datetime) -> None:
    """Record who has joined by an invitation, and let the inviter pay where they have said so.

    The caller's transaction has locked the pool, written the signature and found the invitation live.
    """
    invitation.state, invitation.used_by = State.USED, membership
    invitation.save(update_fields=["state", "used_by"])
    pool, inviter = membership.pool, invitation.inviter
    assert inviter.person is not None
    params = {"pool_en": pool.name_en, "pool_zh": pool.name_zh, "number": membership.number}
    told = notices.News(
        inviter.person,
        notices.INVITED_JOINED,
        str(membership),
        params,
        reverse("invitations", args=[pool.code]),
    )
    notices.tell([told], batch=f"invited/{membership}", actor=inviter.person.code)
    if invitation.pays:
        begin_invited_link(membership=membership, payer=invitation.inviter, at=at)


def _context(inviter: Membership) -> str:
    return f"members.invitation:{inviter.pk}"


# --- reads ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class InvitationRow:
    """An invitation as its inviter sees it."""

    invitation: Invitation
    label: str
    has_expired: bool


def invitations_of(membership: Membership, now: dt.datetime) -> list[InvitationRow]:
    """Return the newest invitations of a member. One query."""
    found = Invitation.objects.filter(inviter=membership).select_related("used_by").order_by("-pk")[:50]
    return [
        InvitationRow(
            one,
            crypto.unseal_text(bytes(one.label_sealed), _context(membership)),
            one.state == State.OPEN and not one.is_live(now),
        )
        for one in found
    ]


def access_invitation(*, membership: Membership, invitation_id: int) -> Invitation:
    """Return an invitation of the member's own. Raises: NotFoundError."""
    found = Invitation.objects.filter(inviter=membership, pk=invitation_id).first()
    if found is None:
        raise NotFoundError(_("There is no such page, or it is not yours to see."))
    return found


def find_live(*, pool: Pool, token: str, now: dt.datetime) -> Invitation | None:
    """Return the invitation of a link while one can join by it, and its inviter belongs to the pool."""
    found = (
        Invitation.objects.select_related("inviter__person", "inviter__pool")
        .filter(pool=pool, token_sha256=hash_of(token))
        .first()
    )
    return found if found is not None and found.is_live(now) and goes_on(found.inviter) else None


def pays_for_joiner(invitation: Invitation | None) -> bool:
    """Tell whether the inviter would pay for who joins by it now."""
    return invitation is not None and invitation.pays and may_pay(invitation.inviter)


def masked_name(membership: Membership) -> str:
    """Return an inviter's name as strangers see it: of each word the first letter."""
    person = membership.person
    return (masked(names_of([person])[person.pk]) if person else "") or str(_("a member"))


def inviter_of(membership: Membership) -> Membership | None:
    """Return by whose invitation somebody has joined; None: by nobody's."""
    found = Invitation.objects.select_related("inviter__person").filter(used_by=membership).first()
    return found.inviter if found else None


def now_live(invitation: Invitation | None, at: dt.datetime) -> Invitation | None:
    """Return the invitation, locked, while it is live; None otherwise. The caller has locked the pool."""
    if invitation is None:
        return None
    locked = (
        Invitation.objects.select_for_update(of=["self"])
        .select_related("inviter__person")
        .get(pk=invitation.pk)
    )
    return locked if locked.is_live(at) and goes_on(locked.inviter) else None
