"""Reads of pools: the pool, its plan in force, who holds which duty."""

import datetime as dt

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock
from aidplatform.lib.errors import NotFoundError
from members.people.models import User
from members.people.selectors import addresses_of
from members.pools.models import DutyGrant, DutyInvitation, PlanDraft, PlanProposal, PlanVersion, Pool
from members.pools.plan_terms import FundingTerms


def access_pool(*, code: str) -> Pool:
    """Return the pool with that code; pools are public. Raises: NotFoundError."""
    pool = Pool.objects.filter(code=code).first()
    if pool is None:
        raise NotFoundError(_("There is no pool with this address."))
    return pool


def plan_in_force(pool: Pool, on: dt.date) -> PlanVersion:
    """Return the newest version that is effective on that day. Raises: NotFoundError."""
    version = pool.plan_versions.filter(effective_date__lte=on).order_by("-effective_date").first()
    if version is None:
        raise NotFoundError(_("This pool has no plan in force on that day."))
    return version


def pays_ahead(pool: Pool) -> bool:
    """Tell whether members pay ahead, into wallets: all versions of a pool's plan say the same."""
    return pool.plan_versions.filter(terms__has_key="funding").exists()


def funding_in_force(pool: Pool, on: dt.date) -> FundingTerms | None:
    """Return how members pay ahead by the rules of that day, before them by the first; None: they pay afterwards."""
    versions = pool.plan_versions.order_by("effective_date")
    version = versions.filter(effective_date__lte=on).last() or versions.first()
    return version.plan().funding if version else None


def newest_plan(pool: Pool) -> PlanVersion:
    """Return the version published last, in force or still to come. Raises: NotFoundError."""
    version = pool.plan_versions.order_by("-number").first()
    if version is None:
        raise NotFoundError(_("This pool has published no plan yet."))
    return version


def access_version(*, pool: Pool, number: int) -> PlanVersion:
    """Return a version of the pool's plan. Raises: NotFoundError."""
    version = pool.plan_versions.select_related("proposal").filter(number=number).first()
    if version is None:
        raise NotFoundError(_("This pool has no such version of its plan."))
    return version


def version_before(version: PlanVersion) -> PlanVersion | None:
    """Return the version that this one changes; None for the first."""
    return PlanVersion.objects.filter(pool_id=version.pool_id, number=version.number - 1).first()


def rules_of_change(version: PlanVersion) -> PlanVersion:
    """Return the rules by which a change was published: those in force on that day, before any the first."""
    pool = version.pool
    earlier = pool.plan_versions.filter(number__lt=version.number).order_by("effective_date")
    day = clock.day_of(version.published_at, pool.time_zone)
    return earlier.filter(effective_date__lte=day).last() or earlier.first() or version


def asks_consent(version: PlanVersion) -> bool:
    """Tell whether who has not agreed to a change by its first day is a member no longer."""
    return rules_of_change(version).plan().change_by == "consent"


def days_of_change(pool: Pool, today: dt.date) -> tuple[dt.date, dt.date]:
    """Return the first and the last day on which rules published today may come into force.

    The first by the notice of those in force, tomorrow at the soonest; the last a year later, since a day far away
    would shut out every other change until then.
    """
    in_force = pool.plan_versions.filter(effective_date__lte=today).order_by("-effective_date").first()
    last = newest_plan(pool)
    promise = in_force or pool.plan_versions.order_by("effective_date").first() or last
    notice = dt.timedelta(days=promise.plan().notice_days)
    tomorrow = dt.timedelta(days=1)
    earliest = max(today + max(notice, tomorrow), last.effective_date + tomorrow)
    return earliest, today + notice + dt.timedelta(days=366)


def coming_versions(pool: Pool, today: dt.date) -> QuerySet[PlanVersion]:
    """Return the versions that change the rules from a later day on, the next one first."""
    found = pool.plan_versions.filter(effective_date__gt=today, proposal__isnull=False)
    return found.select_related("proposal").order_by("effective_date")


def proposals_of(pool: Pool) -> QuerySet[PlanProposal]:
    """Return the proposals to change the pool's plan, newest first."""
    return pool.plan_proposals.select_related("pool", "base").order_by("-number")


def access_proposal(*, pool: Pool, number: int) -> PlanProposal:
    """Return a proposal of the pool. Raises: NotFoundError."""
    found = proposals_of(pool).filter(number=number).first()
    if found is None:
        raise NotFoundError(_("This pool has no such proposal."))
    return found


def access_draft(*, pool: Pool) -> PlanDraft:
    """Return the rules that founders are writing. Raises: NotFoundError where the pool has none, or left its draft."""
    draft = PlanDraft.objects.filter(pool=pool, pool__state=Pool.State.DRAFT).select_related("pool").first()
    if draft is None:
        raise NotFoundError(_("This pool has no draft of its rules."))
    return draft


def invitations_to(person: User) -> QuerySet[DutyInvitation]:
    """Return the duties that the person was asked to take and has not answered."""
    return DutyInvitation.objects.filter(
        email__in=addresses_of(person), state=DutyInvitation.State.OPEN, pool__state=Pool.State.DRAFT
    ).select_related("pool", "invited_by")


def duties_of(person: User, pool: Pool) -> set[str]:
    """Return the duties the person holds in that pool now, counting installation-wide administrators."""
    grants = DutyGrant.objects.filter(Q(pool=pool) | Q(pool=None), person=person, ended_at=None)
    return set(grants.values_list("duty", flat=True))


def holds_anywhere(person: User, *duties: str) -> bool:
    """Tell whether the person holds one of these duties now, in whatever pool."""
    return DutyGrant.objects.filter(person=person, duty__in=duties, ended_at=None).exists()


def duties_by_pool(person: User) -> dict[int | None, set[str]]:
    """Return the duties the person holds now, by pool; under None those of the whole installation."""
    duties: dict[int | None, set[str]] = {}
    grants = DutyGrant.objects.filter(person=person, ended_at=None)
    for pool_id, duty in grants.values_list("pool_id", "duty"):
        duties.setdefault(pool_id, set()).add(duty)
    return duties


def pools_of(person: User) -> QuerySet[Pool]:
    """Return the pools in which the person holds any duty."""
    everywhere = DutyGrant.objects.filter(pool=None, person=person, ended_at=None).exists()
    if everywhere:
        return Pool.objects.order_by("code")
    return (
        Pool.objects.filter(duty_grants__person=person, duty_grants__ended_at=None)
        .distinct()
        .order_by("code")
    )


def duty_holders(pool: Pool) -> QuerySet[DutyGrant]:
    """Return the live grants of a pool with their people."""
    return DutyGrant.objects.filter(pool=pool, ended_at=None).select_related("person").order_by("duty", "pk")
