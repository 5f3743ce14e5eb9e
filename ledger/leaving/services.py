"""Leaving a pool: what ends, what is still owed, what is told. Exactly what was shown."""

import datetime as dt
from collections.abc import Collection

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock
from aidplatform.lib.errors import ConflictError
from ledger.custody.suspensions import end_suspension
from ledger.leaving.selectors import Parting, family_parting_of
from members.joining.end_models import MembershipEnd
from members.joining.models import Membership
from members.joining.services import end_cover
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
) -> Parting:
    """End the leaver's own membership with the day, and tell them what is owed and what comes back.

    children: the numbers of those for whom the leaver has signed as guardian and who leave too; the receipt is one.
    Adults with an account of their own are told who has paid for them, and stay.

    Raises: MembershipOverError, PoolOverError, FiguresMovedError; IntegrityError members_leave_themselves.
    """
    with transaction.atomic():
        pool = Pool.objects.select_for_update().get(pk=membership.pool_id)
        _must_go_on(pool, membership)
        shown = family_parting_of(membership, at)
        if shown.shown_sha256 != shown_sha256:
            raise FiguresMovedError(
                _("What leaving means has changed since the page was shown. Read it again, then leave.")
            )
        leaving, parting = shown.chosen(children), shown.own
        for one in (membership, *(child.membership for child, _parting in leaving.children)):
            end_suspension(membership=one, on=parting.end_date, actor=leaver.code)
            end_cover(
                membership=one,
                at=clock.start_of_day(parting.end_date, pool.time_zone),
                reason=MembershipEnd.Reason.LEFT,
                actor=leaver.code,
            )
        params = {
            "pool_en": pool.name_en,
            "pool_zh": pool.name_zh,
            "currency": pool.currency,
            **leaving.figures,
        }
        receipt = notices.News(
            leaver, notices.LEFT, str(membership), params, reverse("my_pool", args=[pool.code])
        )
        notices.tell([receipt], batch=f"left/{membership}", actor=leaver.code)
    return parting


def _must_go_on(pool: Pool, membership: Membership) -> None:
    """Demand that there is something to leave. Raises: MembershipOverError, PoolOverError."""
    if MembershipEnd.objects.filter(membership=membership).exists():
        raise MembershipOverError(_("This membership is over already. Your page says since when, and why."))
    if pool.state in {Pool.State.WINDING_DOWN, Pool.State.CLOSED}:
        raise PoolOverError(_("This pool has ended its cover for everybody: there is nothing to leave."))
