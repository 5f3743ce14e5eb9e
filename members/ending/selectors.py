"""Reads of how a pool ends."""

import datetime as dt
from collections.abc import Iterable

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.errors import NotFoundError
from members.ending.models import EndingProposal, PoolEnding
from members.joining.models import Membership, MembershipSpan
from members.people.models import User
from members.pools.models import Pool


def live_ending(pool: Pool) -> PoolEnding | None:
    """Return the notice that the pool ends; None where there is none, or a headcount has called it off."""
    return PoolEnding.objects.filter(pool=pool, cancelled_at=None).select_related("proposal").first()


def endings_of(pool: Pool) -> QuerySet[PoolEnding]:
    """Return every notice that was given, newest first, those called off among them."""
    return PoolEnding.objects.filter(pool=pool).select_related("proposal").order_by("-number")


def endings_of_person(person: User) -> QuerySet[PoolEnding]:
    """Return the notices that stand of the pools that the person belongs to, closed ones left out."""
    found = PoolEnding.objects.filter(pool__memberships__person=person, cancelled_at=None)
    return (
        found.exclude(pool__state=Pool.State.CLOSED).select_related("pool", "proposal").order_by("pool__code")
    )


def proposals_to_end(pool: Pool) -> QuerySet[EndingProposal]:
    """Return the proposals to end the pool, newest first."""
    return EndingProposal.objects.filter(pool=pool).select_related("pool", "plan_version").order_by("-number")


def access_ending_proposal(*, pool: Pool, number: int) -> EndingProposal:
    """Return a proposal to end the pool. Raises: NotFoundError."""
    found = proposals_to_end(pool).filter(number=number).first()
    if found is None:
        raise NotFoundError(_("This pool has no such proposal."))
    return found


def bears_run_off(ending: PoolEnding, membership: Membership) -> bool:
    """Tell whether the membership was covered at 00:00 of the notice, as it was known then."""
    spans = MembershipSpan.objects.filter(pool_id=membership.pool_id, membership_id=membership.pk)
    return was_covered(spans, as_of=ending.as_of, recorded_at=ending.recorded_at)


def was_covered(spans: Iterable[MembershipSpan], *, as_of: dt.datetime, recorded_at: dt.datetime) -> bool:
    """Tell whether one of a membership's spans holds that instant, as it was known at the other one."""
    return any(
        span.from_at <= as_of
        and span.recorded_at <= recorded_at
        and (
            span.to_at is None
            or span.to_at > as_of
            or (span.ended_recorded_at is not None and span.ended_recorded_at > recorded_at)
        )
        for span in spans
    )


def first_cover_end(pool: Pool, today: dt.date) -> dt.date | None:
    """Return the first day on which cover may end if notice is given today; None without rules that say how."""
    version = pool.plan_versions.filter(effective_date__lte=today).order_by("-effective_date").first()
    plan = version.plan() if version else None
    if plan is None or plan.wind_down is None:
        return None
    return today + dt.timedelta(days=plan.ending_notice_days)
