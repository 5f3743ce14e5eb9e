"""Writes of a pool's end: propose, confirm, stop at the floor, call off, end cover, close.

The database moves the pool's state with a notice and writes every figure of it; see `triggers.py`. The ledger calls
these, because it counts the headcounts and keeps the log.
"""

import datetime as dt

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock
from aidplatform.lib.dates import format_day
from aidplatform.lib.errors import ConflictError, DomainError
from aidplatform.work import audit, jobs
from members.ending.models import EndingProposal, PoolEnding
from members.ending.selectors import first_cover_end, live_ending
from members.joining.ages import follow_ages
from members.joining.models import Membership
from members.pools.models import Pool

TELL = "ending.tell"
SERVICE = "service"
LONGEST_NOTICE = 366


class NotOpenError(ConflictError):
    """Only an open pool can be ended, and only once."""

    code = "pool_is_not_open"


class BadCoverEndError(DomainError):
    """The day is too soon for the notice that the plan promises, or more than a year after it."""

    code = "ending_keeps_its_notice"


class EndingChangedError(ConflictError):
    """Another proposal was shown than the one that waits."""

    code = "ending_is_what_was_shown"


def propose_ending(
    *, pool: Pool, reason: str, cover_end_date: dt.date, proposer: str, at: dt.datetime
) -> EndingProposal:
    """Propose to end an open pool, with cover until 00:00 of that day; a controller confirms.

    Raises: NotOpenError, BadCoverEndError; IntegrityError in the name of the guarantee that refuses.
    """
    with transaction.atomic():
        pool = Pool.objects.select_for_update().get(pk=pool.pk)
        today = clock.day_of(at, pool.time_zone)
        earliest = first_cover_end(pool, today)
        if pool.state != Pool.State.OPEN or earliest is None:
            raise NotOpenError(_("Only an open pool whose rules say how it ends can be ended."))
        latest = earliest + dt.timedelta(days=LONGEST_NOTICE)
        if not earliest <= cover_end_date <= latest:
            raise BadCoverEndError(
                _("Choose a day from %(earliest)s, the notice that members are promised, to %(latest)s.")
                % {"earliest": format_day(earliest), "latest": format_day(latest)},
                earliest=earliest.isoformat(),
                latest=latest.isoformat(),
            )
        proposal = EndingProposal.objects.create(
            pool=pool,
            number=0,
            plan_version_id=0,
            reason=reason,
            cover_end_date=cover_end_date,
            run_off_end_date=cover_end_date,
            proposed_by=proposer,
            proposed_at=at,
        )
        # Number, rules, days and hash are the database's own.
        proposal.refresh_from_db()
        audit.record(
            actor=proposer, action="propose_ending", subject=str(proposal), sha256=proposal.shown_sha256
        )
    return proposal


def confirm_ending(
    *, proposal: EndingProposal, confirmer: str, shown_sha256: str, at: dt.datetime
) -> PoolEnding:
    """Give notice exactly as it was shown, as a second person: from now on nobody joins.

    Raises: EndingChangedError; IntegrityError in the name of the guarantee that refuses.
    """
    with transaction.atomic():
        pool = Pool.objects.select_for_update().get(pk=proposal.pool_id)
        proposal = EndingProposal.objects.select_for_update(of=["self"]).get(pk=proposal.pk)
        if shown_sha256 != proposal.shown_sha256:
            raise EndingChangedError(
                _("This is not the proposal that waits. Reload the page and read it again.")
            )
        return _give_notice(
            pool, at, cause=PoolEnding.Cause.DECISION, proposal=proposal, confirmed_by=confirmer
        )


def withdraw_ending_proposal(*, proposal: EndingProposal, withdrawer: str, at: dt.datetime) -> EndingProposal:
    """Take a proposal back, or turn it down; the pool goes on."""
    with transaction.atomic():
        proposal = (
            EndingProposal.objects.select_for_update(of=["self"]).select_related("pool").get(pk=proposal.pk)
        )
        proposal.state, proposal.decided_by = EndingProposal.State.WITHDRAWN, withdrawer
        proposal.decided_at = at
        proposal.save(update_fields=["state", "decided_by", "decided_at"])
        audit.record(actor=withdrawer, action="withdraw_ending_proposal", subject=str(proposal))
    return proposal


def stop_at_the_floor(*, pool: Pool, at: dt.datetime) -> PoolEnding:
    """Give notice because two headcounts running are below the floor, which the database judges."""
    return _give_notice(pool, at, cause=PoolEnding.Cause.FLOOR, first_headcount=0, second_headcount=0,
                        floor_members=0)  # fmt: skip


def _give_notice(pool: Pool, at: dt.datetime, **by: object) -> PoolEnding:
    """Write the notice; day, dates, people and figures are the database's own, which also stops the intake."""
    with transaction.atomic():
        # Who shares the run-off, and in which class, is settled by this notice.
        follow_ages(pool=pool)
        ending = PoolEnding.objects.create(
            pool=pool,
            number=0,
            plan_version_id=0,
            given_at=at,
            notice_date=clock.day_of(at, pool.time_zone),
            as_of=at,
            recorded_at=at,
            bearers=0,
            counts={},
            after_period_no=0,
            cover_end_date=clock.day_of(at, pool.time_zone),
            run_off_end_date=clock.day_of(at, pool.time_zone),
            **by,
        )
        ending.refresh_from_db()
        audit.record(
            actor=ending.confirmed_by or SERVICE,
            action="stop_intake",
            subject=str(ending),
            cause=ending.cause,
            bearers=ending.bearers,
        )
        _tell(ending, "stopped", ending.confirmed_by or SERVICE)
    return ending


def call_off(*, ending: PoolEnding, at: dt.datetime) -> PoolEnding:
    """Let people join again: a headcount before cover ends is at or above the floor, which the database counts."""
    with transaction.atomic():
        ending.cancelled_at = at
        ending.save(update_fields=["cancelled_at"])
        ending.refresh_from_db()
        audit.record(
            actor=SERVICE,
            action="reopen_intake",
            subject=str(ending),
            members=ending.cancelled_headcount or 0,
        )
        _tell(ending, "reopened", SERVICE)
    return ending


def end_cover_of_all(*, ending: PoolEnding, at: dt.datetime) -> int:
    """End every cover at 00:00 of the announced day and begin the wind-down; return how many were covered.

    Shard by shard, so that no statement grows with the pool; one transaction, so that nobody is covered longer.
    """
    pool = ending.pool
    ends_at = clock.start_of_day(ending.cover_end_date, pool.time_zone)
    ended = 0
    with transaction.atomic():
        last_id = (
            Membership.objects.filter(pool=pool).order_by("-pk").values_list("pk", flat=True).first() or 0
        )
        with connection.cursor() as cursor:
            for first_id in range(0, last_id + 1, settings.SHARD_MEMBERS):
                cursor.execute(
                    """UPDATE members_span SET to_at = greatest(%s, from_at)
                        WHERE pool_id = %s AND membership_id >= %s AND membership_id < %s AND to_at IS NULL""",
                    [ends_at, pool.pk, first_id, first_id + settings.SHARD_MEMBERS],
                )
                ended += cursor.rowcount
        pool.state = Pool.State.WINDING_DOWN
        pool.save(update_fields=["state"])
        audit.record(actor=SERVICE, action="begin_wind_down", subject=str(ending), members=ended)
        _tell(ending, "cover_ended", SERVICE)
    return ended


def close_pool(*, pool: Pool, closer: str, at: dt.datetime) -> PoolEnding:
    """Close a pool of which nothing is open any more, which the database judges.

    Raises: NotOpenError; IntegrityError in the name of the guarantee that refuses.
    """
    with transaction.atomic():
        pool = Pool.objects.select_for_update().get(pk=pool.pk)
        ending = live_ending(pool)
        if pool.state != Pool.State.WINDING_DOWN or ending is None:
            raise NotOpenError(_("Only a pool that is winding down can be closed."))
        pool.state = Pool.State.CLOSED
        pool.save(update_fields=["state"])
        audit.record(actor=closer, action="close_pool", subject=str(ending))
        _tell(ending, "closed", closer)
    return ending


def _tell(ending: PoolEnding, step: str, actor: str) -> None:
    """Have every member told by a job, once for each step."""
    jobs.enqueue(kind=TELL, key=f"{ending}/{step}", payload={"ending": ending.pk, "step": step}, actor=actor)
