"""Joining again: which membership of somebody counts, what came before it, and who may not come back."""

import datetime as dt
from dataclasses import dataclass

from django.db import connection
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.dates import format_day
from aidplatform.lib.errors import ConflictError
from members.joining.eligibility import covered_from
from members.joining.end_models import MembershipEnd
from members.joining.models import Membership
from members.joining.selectors import Cover, covers_of, end_of
from members.people.models import User
from members.pools.models import Pool
from members.pools.plan_terms import PlanTerms

Reason = MembershipEnd.Reason


class AlreadyMemberError(ConflictError):
    """The person belongs to the pool."""

    code = "already_a_member"


class RemovedError(ConflictError):
    """The rules let nobody back who was removed, or not yet."""

    code = "removed_stay_out"


def last_membership(pool: Pool, person: User) -> Membership | None:
    """Return the one membership of a person in a pool that counts: the last one, over or not."""
    found = Membership.objects.filter(pool=pool, person=person, followed_by=None)
    return found.select_related("pool", "end").first()


def is_over(membership: Membership, today: dt.date) -> bool:
    """Tell whether the same person could join again today: cover would begin tomorrow, when this one has ended."""
    ended = end_of(membership)
    return ended is not None and ended.reason != Reason.DECEASED and ended.end_date <= covered_from(today)


def returns_on(membership: Membership, plan: PlanTerms) -> dt.date | None:
    """Return from which day on the rules let the member of an ended membership join again; None: never."""
    ended = end_of(membership)
    assert ended is not None
    if ended.reason == Reason.DECEASED:
        return None
    if ended.reason != Reason.REMOVED:
        return ended.end_date - dt.timedelta(days=1)
    days = plan.return_after_removal_days
    return None if days is None else ended.end_date + dt.timedelta(days=days)


def check_return(membership: Membership | None, plan: PlanTerms, today: dt.date) -> None:
    """Demand that somebody is new, or may come back by these rules. Raises: AlreadyMemberError, RemovedError."""
    if membership is None:
        return
    if not is_over(membership, today):
        raise AlreadyMemberError(_("You belong to this pool already."))
    first_day = returns_on(membership, plan)
    if first_day is None:
        raise RemovedError(_("By the rules of this pool, whoever was removed cannot join again."))
    if today < first_day:
        raise RemovedError(
            _("By the rules of this pool, whoever was removed can join again from %(day)s on.")
            % {"day": format_day(first_day)}
        )


# --- reads ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Once:
    """One membership in the history of a person in a pool. cover: None where cover never began."""

    membership: Membership
    cover: Cover | None
    end: MembershipEnd | None


def history_of(membership: Membership, now: dt.datetime) -> list[Once]:
    """Return all memberships of the same person in the pool, newest first; a fixed number of queries."""
    ids = chain_ids(membership.pk)
    found = Membership.objects.filter(pk__in=ids).select_related("pool", "end").order_by("-number")
    chain = [membership] if ids == [membership.pk] else list(found)
    covers = covers_of(chain, now)
    return [Once(one, covers.get(one.pk), end_of(one)) for one in chain]


def chain_ids(membership_id: int) -> list[int]:
    """Return the ids of a membership, of those that it follows and of those that follow it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT members_chain(%s)", [membership_id])
        return [pk for (pk,) in cursor.fetchall()]


def lock_member(membership_id: int) -> None:
    """Let decisions about cases of one person wait for each other, whichever of their memberships they are of."""
    chain = Membership.objects.filter(pk__in=chain_ids(membership_id)).order_by("pk")
    list(chain.select_for_update(no_key=True).values_list("pk"))
