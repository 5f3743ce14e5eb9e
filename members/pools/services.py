"""Writes of pools: found one, publish its plan, grant duties, open it."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.db import transaction

from aidplatform.work import audit
from members.people.models import User
from members.pools.covenants import default_covenant, default_declaration, read_declaration
from members.pools.models import DutyGrant, PlanVersion, Pool
from members.pools.plan_terms import PlanTerms


def found_pool(
    *,
    code: str,
    name_en: str,
    name_zh: str,
    currency: str,
    time_zone: str,
    expected_members: int,
    founder: str,
) -> Pool:
    """Create a pool as a draft. The expected size decides how its charges are stored, for good."""
    with transaction.atomic():
        pool = Pool.objects.create(
            code=code,
            name_en=name_en,
            name_zh=name_zh,
            currency=currency,
            time_zone=time_zone,
            charges_by_period=expected_members >= settings.SMALL_POOL_MEMBERS,
        )
        audit.record(actor=founder, action="found_pool", subject=code)
    return pool


def publish_plan(
    *,
    pool: Pool,
    terms: Mapping[str, Any],
    effective_date: dt.date,
    publisher: str,
    at: dt.datetime,
    covenant: tuple[str, str] | None = None,
    declaration: Sequence[Mapping[str, Any]] | None = None,
) -> PlanVersion:
    """Publish the next version of a pool's plan; it can't be edited afterwards.

    covenant: the text in English and in Chinese; declaration: the health questions. Both have a default.
    Raises: plan_terms.TermsError naming the field that makes no sense.
    """
    plan = PlanTerms.from_json(dict(terms))
    english, chinese = covenant or default_covenant()
    questions = read_declaration(default_declaration() if declaration is None else declaration)
    with transaction.atomic():
        Pool.objects.select_for_update().get(pk=pool.pk)
        version = PlanVersion.objects.create(
            pool=pool,
            number=pool.plan_versions.count() + 1,
            terms=plan.to_json(),
            terms_sha256=plan.sha256,
            covenant_en=english,
            covenant_zh=chinese,
            declaration=[asdict(question) for question in questions],
            effective_date=effective_date,
            published_at=at,
            published_by=publisher,
        )
        # The hashes of the texts are the database's own.
        version.refresh_from_db(fields=["covenant_sha256", "declaration_sha256"])
        audit.record(actor=publisher, action="publish_plan", subject=str(version), sha256=plan.sha256)
    return version


def grant_founding_duty(*, pool: Pool | None, person: User, duty: str, at: dt.datetime) -> DutyGrant:
    """Give a duty while the pool is a draft (pool None: one of the first two administrators)."""
    with transaction.atomic():
        grant = DutyGrant.objects.create(pool=pool, person=person, duty=duty, is_founding=True, granted_at=at)
        audit.record(
            actor="founding",
            action="grant_duty",
            subject=person.code,
            duty=duty,
            pool=pool.code if pool else "*",
        )
    return grant


def grant_duty(
    *, pool: Pool, person: User, duty: str, proposed_by: User, confirmed_by: User, at: dt.datetime
) -> DutyGrant:
    """Give a duty in a running pool; two other people agree (duty_needs_two_people)."""
    with transaction.atomic():
        grant = DutyGrant.objects.create(
            pool=pool,
            person=person,
            duty=duty,
            proposed_by=proposed_by,
            confirmed_by=confirmed_by,
            granted_at=at,
        )
        audit.record(
            actor=proposed_by.code,
            action="grant_duty",
            subject=person.code,
            duty=duty,
            pool=pool.code,
            confirmed_by=confirmed_by.code,
        )
    return grant


def open_pool(*, pool: Pool, opener: str, on: dt.date) -> Pool:
    """Open a draft or gathering pool: from that day its periods run."""
    with transaction.atomic():
        pool = Pool.objects.select_for_update().get(pk=pool.pk)
        pool.state, pool.opened_date = Pool.State.OPEN, on
        pool.save(update_fields=["state", "opened_date"])
        audit.record(actor=opener, action="open_pool", subject=pool.code)
    return pool
