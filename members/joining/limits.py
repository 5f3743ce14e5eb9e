"""How many may begin to join in a day, and how many documents are tried: bounds against masses, not guarantees."""

import datetime as dt

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.counters import count_once_more
from aidplatform.lib.errors import DomainError
from members.joining.invitation_models import Invitation
from members.people.models import User
from members.pools.models import Pool


class TooManyJoinError(DomainError):
    """More have begun to join today than this installation lets in."""

    status = 429
    code = "too_many_join"


def count_beginning(*, pool: Pool, block: str, invitation: Invitation | None, day: dt.date) -> None:
    """Count somebody who begins to join: in the pool, from a block of addresses, by a link.

    Raises: TooManyJoinError.
    """
    if count_once_more("join-pool", pool.code, day) > settings.JOINS_PER_DAY:
        raise TooManyJoinError(
            _("Today more people have begun to join this pool than it takes in a day. Come back tomorrow.")
        )
    if block and count_once_more("join-block", f"{pool.code} {block}", day) > settings.JOINS_PER_BLOCK:
        raise TooManyJoinError(
            _(
                "Today many people have begun to join this pool from the network you use. Come back tomorrow, or begin"
                " from another network."
            )
        )
    if invitation and count_once_more("join-link", str(invitation.pk), day) > settings.JOINS_PER_INVITATION:
        raise TooManyJoinError(
            _(
                "Today this link was opened by several accounts. It is for one person: ask for a link of your own."
            )
        )


def may_try_document(*, person: User, block: str, day: dt.date) -> bool:
    """Count a document that somebody tries; tell whether it is one of those that an account and a network may."""
    of_person = count_once_more("document-person", person.code, day)
    of_block = count_once_more("document-block", block, day) if block else 0
    return of_person <= settings.DOCUMENTS_PER_DAY and of_block <= settings.DOCUMENTS_PER_BLOCK
