"""Reads of pools: the pool, its plan in force, who holds which duty."""

import datetime as dt

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.errors import NotFoundError
from members.people.models import User
from members.pools.models import DutyGrant, PlanVersion, Pool


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


def duties_of(person: User, pool: Pool) -> set[str]:
    """Return the duties the person holds in that pool now, counting installation-wide administrators."""
    grants = DutyGrant.objects.filter(Q(pool=pool) | Q(pool=None), person=person, ended_at=None)
    return set(grants.values_list("duty", flat=True))


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
