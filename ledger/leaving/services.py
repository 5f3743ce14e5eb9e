"""Leaving a pool, oneself or for a child: what ends, what is still owed, what is told. Exactly what was shown."""

import datetime as dt
from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock
from aidplatform.lib.errors import ConflictError
from ledger.custody.suspensions import end_suspension
from ledger.leaving.selectors import Parting, family_parting_of, parting_of
from members.joining.end_models import MembershipEnd
from members.joining.models import Membership
from members.joining.services import end_cover
from members.joining.told import told_of
from members.people import notices
from members.people.models import User
from members.pools.models import Pool


class MembershipOverError(ConflictError):
    """The membership is over already."""

    code = "membership_is_over"


class PoolOverError(ConflictError):
    """Cover has ended for everybody: there is nothing to leave."""

    code = "pool_is_over"


class FiguresMovedError(ConflictError):
    """What leaving means has changed since it was shown."""

    code = "leaving_is_as_shown"


def leave_pool(
    *,
    membership: Membership,
    leaver: User,
    shown_sha256: str,
    at: dt.datetime,
    children: Collection[int] = (),
    asked: Collection[int] = (),
) -> Parting:
    """End the leaver's own membership with the day, and tell them what is owed and what comes back.

    children: the numbers of those for whom the leaver has signed as guardian and who leave too; the receipt is one.
    Adults with an account of their own stay, and are told who has paid for them; asked: the numbers of those whom the
    leaver asks to leave too, which they do themselves or not.

    Raises: MembershipOverError, PoolOverError, FiguresMovedError; IntegrityError members_leave_themselves.
    """
    with transaction.atomic():
        pool = Pool.objects.select_for_update().get(pk=membership.pool_id)
        _must_go_on(pool, membership)
        shown = family_parting_of(membership, at)
        _must_be_as_shown(shown.shown_sha256, shown_sha256)
        leaving, parting = shown.chosen(children, asked), shown.own
        # Children first: of who leaves along nobody is told that they need another payer.
        for child, _parting in leaving.children:
            _end(child.membership, parting, leaver)
        _end(membership, parting, leaver, [one.membership.pk for one in leaving.adults if one.is_asked])
        params = _named(pool) | leaving.figures
        receipt = notices.News(
            leaver, notices.LEFT, str(membership), params, reverse("my_pool", args=[pool.code])
        )
        notices.tell([receipt], batch=f"left/{membership}", actor=leaver.code)
    return parting


def end_child(*, child: Membership, guardian: User, shown_sha256: str, at: dt.datetime) -> Parting:
    """End the membership of a child without an account with the day; its guardian is told what is owed and comes back.

    Raises: MembershipOverError, PoolOverError, FiguresMovedError; IntegrityError members_leave_themselves.
    """
    with transaction.atomic():
        pool = Pool.objects.select_for_update().get(pk=child.pool_id)
        _must_go_on(pool, child)
        parting = parting_of(child, at)
        _must_be_as_shown(parting.shown_sha256, shown_sha256)
        _end(child, parting, guardian)
        params = _named(pool) | parting.figures
        receipts = [one.news(notices.LEFT, str(child), params, pool=pool.code) for one in told_of(child)]
        notices.tell(receipts, batch=f"left/{child}", actor=guardian.code)
    return parting


def _end(membership: Membership, parting: Parting, leaver: User, asked: Collection[int] = ()) -> None:
    """End a membership as the one who speaks for it. asked: the ids of the adults' who are asked to leave too."""
    end_suspension(membership=membership, on=parting.end_date, actor=leaver.code)
    end_cover(
        membership=membership,
        at=clock.start_of_day(parting.end_date, membership.pool.time_zone),
        reason=MembershipEnd.Reason.LEFT,
        actor=leaver.code,
        asked=asked,
    )


def _named(pool: Pool) -> dict[str, Any]:
    return {"pool_en": pool.name_en, "pool_zh": pool.name_zh, "currency": pool.currency}


def _must_be_as_shown(figures: str, shown: str) -> None:
    """Raise FiguresMovedError unless the hash of what leaving means is the one that was shown."""
    if figures != shown:
        raise FiguresMovedError(
            _("What leaving means has changed since the page was shown. Read it again, then leave.")
        )


def _must_go_on(pool: Pool, membership: Membership) -> None:
    """Demand that there is something to leave. Raises: MembershipOverError, PoolOverError."""
    if MembershipEnd.objects.filter(membership=membership).exists():
        raise MembershipOverError(_("This membership is over already. Your page says since when, and why."))
    if pool.state in {Pool.State.WINDING_DOWN, Pool.State.CLOSED}:
        raise PoolOverError(_("This pool has ended its cover for everybody: there is nothing to leave."))
