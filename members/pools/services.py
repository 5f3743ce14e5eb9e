"""Writes of pools: found one, publish its plan, grant duties, open it."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock
from aidplatform.lib.dates import format_day
from aidplatform.lib.errors import ConflictError, DomainError
from aidplatform.work import audit, events
from members.people.models import User
from members.pools.aid_terms import check_claimable
from members.pools.covenants import covenant_for, default_declaration, read_declaration
from members.pools.models import DutyGrant, PlanProposal, PlanVersion, Pool
from members.pools.plan_terms import PlanTerms, check_change
from members.pools.selectors import days_of_change, newest_plan

PUBLISHED = "plan.published"


class NothingChangesError(DomainError):
    """The proposed rules are those that hold already."""

    code = "nothing_changes"


class BadDayError(DomainError):
    """The day is too soon for the promised notice, or so far away that it would shut out every other change."""

    code = "bad_day"


class RulesMovedOnError(ConflictError):
    """Another version has been published since the one that the proposal begins with."""

    code = "rules_moved_on"


class ProposalChangedError(ConflictError):
    """Another proposal was shown than the one that waits."""

    code = "plan_change_is_what_was_shown"


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
    """Publish a version of a draft's plan; it can't be edited afterwards. A pool with members takes a proposal.

    covenant: the text in English and in Chinese; declaration: the health questions. Both have a default.
    Raises: plan_terms.TermsError naming the field that makes no sense.
    """
    plan = PlanTerms.from_json(dict(terms))
    english, chinese = covenant or covenant_for(terms)
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
        _tell_published(version, publisher)
    return version


def propose_plan(
    *,
    pool: Pool,
    base: int,
    terms: Mapping[str, Any],
    covenant: tuple[str, str],
    declaration: Sequence[Mapping[str, Any]],
    effective_date: dt.date,
    reason: str,
    proposer: str,
    at: dt.datetime,
) -> PlanProposal:
    """Propose new rules for a pool that has members; a controller publishes them, with the notice of the old ones.

    base: number of the version that it changes, as it was shown.
    Raises: plan_terms.TermsError naming the field; NothingChangesError; BadDayError with the days that can be chosen;
    RulesMovedOnError.
    """
    plan = PlanTerms.from_json(dict(terms))
    check_claimable(terms)
    questions = [asdict(question) for question in read_declaration(declaration)]
    with transaction.atomic():
        pool = Pool.objects.select_for_update().get(pk=pool.pk)
        last = newest_plan(pool)
        if last.number != base:
            raise RulesMovedOnError(
                _("Version %(number)s has been published since. Reload the page and begin with it.")
                % {"number": last.number}
            )
        check_change(last.plan(), plan)
        texts = (last.covenant_en, last.covenant_zh, last.declaration)
        if plan == last.plan() and texts == (*covenant, questions):
            raise NothingChangesError(_("Nothing differs from the version published last."))
        earliest, latest = days_of_change(pool, clock.day_of(at, pool.time_zone))
        if not earliest <= effective_date <= latest:
            raise BadDayError(
                _("Choose a day from %(earliest)s, the notice that members are promised, to %(latest)s.")
                % {"earliest": format_day(earliest), "latest": format_day(latest)},
                earliest=earliest.isoformat(),
                latest=latest.isoformat(),
            )
        proposal = PlanProposal.objects.create(
            pool=pool,
            number=0,
            terms=plan.to_json(),
            covenant_en=covenant[0],
            covenant_zh=covenant[1],
            declaration=questions,
            effective_date=effective_date,
            reason=reason,
            proposed_by=proposer,
            proposed_at=at,
        )
        # Number, instant and hash are the database's own.
        proposal.refresh_from_db()
        audit.record(
            actor=proposer, action="propose_plan", subject=str(proposal), sha256=proposal.shown_sha256
        )
    return proposal


def publish_proposal(
    *, proposal: PlanProposal, publisher: str, shown_sha256: str, at: dt.datetime
) -> PlanVersion:
    """Publish exactly the rules that were shown, as a second person; the database closes the proposal.

    Every member with an account is told by a job.

    Raises: ProposalChangedError; IntegrityError in the name of the guarantee that refuses.
    """
    with transaction.atomic():
        Pool.objects.select_for_update().get(pk=proposal.pool_id)
        proposal = (
            PlanProposal.objects.select_for_update(of=["self"]).select_related("pool").get(pk=proposal.pk)
        )
        if shown_sha256 != proposal.shown_sha256:
            raise ProposalChangedError(
                _("This is not the proposal that waits. Reload the page and read it again.")
            )
        version = PlanVersion.objects.create(
            pool=proposal.pool,
            number=proposal.pool.plan_versions.count() + 1,
            terms=proposal.terms,
            terms_sha256=proposal.plan().sha256,
            covenant_en=proposal.covenant_en,
            covenant_zh=proposal.covenant_zh,
            declaration=proposal.declaration,
            effective_date=proposal.effective_date,
            published_at=at,
            published_by=publisher,
            proposal=proposal,
        )
        _tell_published(version, publisher)
    return version


def withdraw_proposal(*, proposal: PlanProposal, withdrawer: str, at: dt.datetime) -> PlanProposal:
    """Take a proposal back, or turn it down; the rules stay as they are."""
    with transaction.atomic():
        proposal = (
            PlanProposal.objects.select_for_update(of=["self"]).select_related("pool").get(pk=proposal.pk)
        )
        proposal.state, proposal.decided_by = PlanProposal.State.WITHDRAWN, withdrawer
        proposal.decided_at = at
        proposal.save(update_fields=["state", "decided_by", "decided_at"])
        audit.record(actor=withdrawer, action="withdraw_plan_proposal", subject=str(proposal))
    return proposal


def _tell_published(version: PlanVersion, publisher: str) -> None:
    # The hashes of the texts, and in a pool with members the instant, are the database's own.
    version.refresh_from_db(fields=["covenant_sha256", "declaration_sha256", "published_at"])
    audit.record(actor=publisher, action="publish_plan", subject=str(version), sha256=version.terms_sha256)
    if version.proposal_id is not None:
        events.publish(event=PUBLISHED, key=str(version), payload={"version": version.pk}, actor=publisher)


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


def gather_pool(*, pool: Pool, starter: str) -> Pool:
    """Let members join a draft; it shares nothing before it opens."""
    with transaction.atomic():
        pool = Pool.objects.select_for_update().get(pk=pool.pk)
        pool.state = Pool.State.GATHERING
        pool.save(update_fields=["state"])
        audit.record(actor=starter, action="gather_pool", subject=pool.code)
    return pool


def open_pool(*, pool: Pool, opener: str, on: dt.date) -> Pool:
    """Open a draft or gathering pool: from that day its periods run."""
    with transaction.atomic():
        pool = Pool.objects.select_for_update().get(pk=pool.pk)
        pool.state, pool.opened_date = Pool.State.OPEN, on
        pool.save(update_fields=["state", "opened_date"])
        audit.record(actor=opener, action="open_pool", subject=pool.code)
    return pool
