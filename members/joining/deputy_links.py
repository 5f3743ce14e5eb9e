"""Naming somebody without an account: the member makes a link, who gets it makes an account and agrees in person."""

import datetime as dt
import secrets
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override

from aidplatform.lib.crypto import seal_text, unseal_text
from aidplatform.lib.dates import format_instant
from aidplatform.lib.errors import ConflictError, NotFoundError
from aidplatform.lib.templating import in_language
from aidplatform.work import audit
from members.joining.deputies import (
    OPEN,
    MembershipOverError,
    NoSuchPersonError,
    TooManyDeputiesError,
    accept_deputy,
)
from members.joining.deputy_link_models import DeputyLink
from members.joining.deputy_link_triggers import MOST_IN_A_MONTH
from members.joining.deputy_models import Deputy
from members.joining.deputy_triggers import MOST_DEPUTIES
from members.joining.models import Membership
from members.joining.selectors import end_of
from members.people.identity import names_of
from members.people.mails import Letter, write_mails
from members.people.models import User
from members.people.services import hash_of

State = DeputyLink.State
_MONTH = dt.timedelta(days=30)


class DeputyLinkOverError(ConflictError):
    """The link has been used or taken back, or its days are over."""

    code = "deputy_link_is_live"


class StandsByAlreadyError(ConflictError):
    """Whoever opens it has agreed to the same already."""

    code = "one_open_deputy_per_person_and_kind"


@dataclass(frozen=True)
class MadeLink:
    """A new link, shown once; address: where it was mailed, or empty."""

    row: DeputyLink
    link: str
    address: str


@dataclass(frozen=True)
class LinkRow:
    """A link as its member sees it: whom it is for, and whether its days are over."""

    row: DeputyLink
    label: str
    has_expired: bool


@transaction.atomic
def make_deputy_link(
    *, membership: Membership, kind: str, label: str, address: str, at: dt.datetime
) -> MadeLink:
    """Make, as a member, a link by which one person agrees to claim for them; mail it where an address is given.

    Raises: MembershipOverError, TooManyDeputiesError.
    """
    member = membership.person
    assert member is not None
    Membership.objects.select_for_update(no_key=True).get(pk=membership.pk)
    if end_of(membership) is not None:
        raise MembershipOverError(
            _("Your membership is over. What you named before stays until one of you ends it.")
        )
    made = DeputyLink.objects.filter(membership=membership)
    waiting = made.filter(state=State.OPEN, expires_at__gt=at).count()
    if waiting + membership.deputies.filter(state__in=OPEN).count() >= MOST_DEPUTIES:
        raise TooManyDeputiesError(
            _("You have named %(most)s people, open links among them. End one of them first.")
            % {"most": MOST_DEPUTIES},
            most=MOST_DEPUTIES,
        )
    if made.filter(made_at__gt=at - _MONTH).count() >= MOST_IN_A_MONTH:
        raise TooManyDeputiesError(
            _("At most %(most)s links are made in thirty days.") % {"most": MOST_IN_A_MONTH},
            most=MOST_IN_A_MONTH,
        )
    token = secrets.token_urlsafe(24)
    row = DeputyLink(
        membership=membership,
        kind=kind,
        token_sha256=hash_of(token),
        made_by=member.code,
        made_at=at,
        expires_at=at,
    )
    row.label_sealed = seal_text(label, row.context)
    row.save()
    row.refresh_from_db(fields=["made_at", "expires_at"])
    link = settings.PUBLIC_URL + reverse("standing_by_link", args=[token])
    if address:
        write_mails([_letter(row, member, link, address)], batch=f"deputy-link/{row.pk}", actor=member.code)
    audit.record(actor=member.code, action="make_deputy_link", subject=str(row), kind=kind)
    return MadeLink(row, link, address)


@transaction.atomic
def accept_link(*, token: str, person: User, name: str, at: dt.datetime) -> Deputy:
    """Agree by a link, with one's own account; the member is told. The same again: what stands.

    name: who it is, as the member knows them.

    Raises: DeputyLinkOverError, NoSuchPersonError, StandsByAlreadyError, TooManyDeputiesError.
    """
    found = _of_token(token)
    if found is None:
        raise DeputyLinkOverError(over())
    Membership.objects.select_for_update(no_key=True).get(pk=found.membership_id)
    locked = DeputyLink.objects.select_for_update(of=["self"]).select_related(*_WHOLE).get(pk=found.pk)
    membership = locked.membership
    if locked.deputy is not None and locked.deputy.person_id == person.pk:
        return locked.deputy
    if not locked.is_live(at) or end_of(membership) is not None or membership.person is None:
        raise DeputyLinkOverError(over())
    if membership.person_id == person.pk:
        raise NoSuchPersonError(_("This is your own link: it is for whoever is to claim for you."))
    asked = membership.deputies.filter(person=person, kind=locked.kind, state__in=OPEN).first()
    if asked is not None and asked.state == Deputy.State.LIVE:
        raise StandsByAlreadyError(_("You have agreed to this already. The link is not needed."))
    if asked is None:
        if membership.deputies.filter(state__in=OPEN).count() >= MOST_DEPUTIES:
            raise TooManyDeputiesError(
                _("Whoever sent the link has named %(most)s others meanwhile. Ask them to end one.")
                % {"most": MOST_DEPUTIES}
            )
        asked = Deputy.objects.create(
            membership=membership, person=person, kind=locked.kind, named_by=locked.made_by, named_at=at
        )
    agreed = accept_deputy(deputy=asked, person=person)
    locked.state, locked.deputy = State.USED, agreed
    locked.name_sealed = seal_text(name, locked.context)
    locked.save(update_fields=["state", "deputy", "name_sealed"])
    return agreed


@transaction.atomic
def take_link_back(*, row: DeputyLink, actor: str) -> DeputyLink:
    """Take a link back, as its member; over already: as it is."""
    Membership.objects.select_for_update(no_key=True).get(pk=row.membership_id)
    locked = DeputyLink.objects.select_for_update(of=["self"]).get(pk=row.pk)
    if locked.state == State.OPEN:
        locked.state = State.TAKEN_BACK
        locked.save(update_fields=["state"])
        audit.record(actor=actor, action="take_deputy_link_back", subject=str(locked))
    return locked


def _letter(row: DeputyLink, member: User, link: str, address: str) -> Letter:
    """Write the question, in the language of whoever has the address, else of the member."""
    person = User.objects.filter(email__iexact=address, is_active=True).first()
    pool = row.membership.pool
    with override((person or member).language):
        who = name_of_member(row.membership)
        parts = [
            _(
                "%(who)s, a member of the mutual-aid pool “%(pool)s”, asks whether you would claim for them when they"
                " cannot speak for themselves. You would not join the pool, and owe nothing."
            )
            % {"who": who, "pool": in_language(pool.name_en, pool.name_zh)},
            _("What it means, and the answer, are here, until %(until)s:\n%(link)s")
            % {"until": format_instant(row.expires_at, pool.time_zone), "link": link},
            _("If you do not know what this is about, you need not do anything."),
        ]
        subject = _("%(who)s asks you to stand by") % {"who": who}
    return Letter(f"deputy-link/{row.pk}", person, subject[:200], "\n\n".join(parts) + "\n", address)


def over() -> str:
    return _(
        "This link has been used or taken back, or its days are over. Ask whoever sent it for a new one."
    )


# --- reads ------------------------------------------------------------------------------------------------------

_WHOLE = ("membership__pool", "membership__person", "deputy")


def name_of_member(membership: Membership) -> str:
    """Return who asks, as whoever got the link knows them; without a name, by their number. One query."""
    person = membership.person
    name = names_of([person])[person.pk] if person is not None else ""
    return name or _("Member %(number)s") % {"number": membership.number}


def links_of(membership: Membership, now: dt.datetime) -> list[LinkRow]:
    """Return a member's links that nobody has used, newest first; those taken back are left out. One query."""
    found = membership.deputy_links.filter(state=State.OPEN).order_by("-pk")[:20]
    return [LinkRow(row, _read(row, row.label_sealed), not row.is_live(now)) for row in found]


def named_by_link(membership: Membership) -> dict[int, str]:
    """Return by deputy who they said they are when they agreed by a link. One query."""
    found = membership.deputy_links.filter(state=State.USED)
    return {row.deputy_id: _read(row, row.name_sealed) for row in found if row.deputy_id is not None}


def access_deputy_link(*, membership: Membership, link_id: int) -> DeputyLink:
    """Return a link of the member's own. Raises: NotFoundError."""
    found = membership.deputy_links.filter(pk=link_id).first()
    if found is None:
        raise NotFoundError(_("There is no such page, or it is not yours to see."))
    return found


def find_live_link(token: str, at: dt.datetime) -> DeputyLink | None:
    """Return what a link asks while somebody can agree to it; None: it is over, or none. Two queries."""
    found = _of_token(token)
    return found if found is not None and found.is_live(at) and end_of(found.membership) is None else None


def _of_token(token: str) -> DeputyLink | None:
    return DeputyLink.objects.filter(token_sha256=hash_of(token)).select_related(*_WHOLE).first()


def _read(row: DeputyLink, sealed: "bytes | memoryview[int] | None") -> str:
    return unseal_text(bytes(sealed), row.context) if sealed else ""
