"""Limits of releases: proposed by a pool admin, approved by a controller, and what is left of today's."""

import datetime as dt
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.errors import ConflictError, NotFoundError
from aidplatform.work import audit
from ledger.custody.release_limit_models import ReleaseLimit
from ledger.custody.release_limit_triggers import released_sql
from members.pools.models import Pool

State = ReleaseLimit.State


class LimitMovedOnError(ConflictError):
    """The proposed limits are decided already."""

    code = "release_limit_is_decided_once"


class SamePersonError(ConflictError):
    """Limits need two people."""

    code = "release_limit_needs_two_people"


@dataclass(frozen=True)
class Limits:
    """The limits in force, None where there is none, and what was released today (fen)."""

    daily_fen: int | None
    step_up_fen: int | None
    released_fen: int

    @property
    def left_fen(self) -> int | None:
        """Return what may still be released today; None without a limit."""
        return None if self.daily_fen is None else max(0, self.daily_fen - self.released_fen)

    def asks_for_proof(self, amount_fen: int) -> bool:
        """Tell whether a release of that much asks for a fresh second factor."""
        return self.step_up_fen is not None and amount_fen > self.step_up_fen


def limits_of(pool: Pool) -> Limits:
    """Return a pool's limits and what was released today. Two queries."""
    found = limits(pool).filter(state=State.APPROVED).first()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT " + released_sql("%(pool)s", "(aid_now() AT TIME ZONE %(zone)s)::date"),
            {"pool": pool.pk, "zone": pool.time_zone},
        )
        released_fen: int = cursor.fetchone()[0]
    return Limits(
        daily_fen=found.daily_fen if found else None,
        step_up_fen=found.step_up_fen if found else None,
        released_fen=released_fen,
    )


def limits(pool: Pool) -> QuerySet[ReleaseLimit]:
    """Return the limits of a pool, in force, waiting and past, newest first."""
    return ReleaseLimit.objects.filter(pool=pool).select_related("pool").order_by("-number")


def access_limit(*, pool: Pool, number: int) -> ReleaseLimit:
    """Return limits of the pool by their number. Raises: NotFoundError."""
    found = limits(pool).filter(number=number).first() if number < 2**31 else None
    if found is None:
        raise NotFoundError(_("This pool has no such limits."))
    return found


@transaction.atomic
def propose_limits(
    *, pool: Pool, daily_fen: int | None, step_up_fen: int | None, proposer: str, at: dt.datetime
) -> ReleaseLimit:
    """Propose limits, of which None is taken away; they hold once a controller has approved them.

    Raises: IntegrityError one_waiting_release_limit_per_pool, release_limit_people_hold_their_duty.
    """
    made = ReleaseLimit.objects.create(
        pool=pool,
        number=0,  # number and instants are the database's own
        daily_fen=daily_fen,
        step_up_fen=step_up_fen,
        proposed_by=proposer,
        proposed_at=at,
    )
    made.refresh_from_db(fields=["number", "proposed_at"])
    audit.record(
        actor=proposer, action="propose_limits", subject=str(made), daily=daily_fen, step_up=step_up_fen
    )
    return made


@transaction.atomic
def approve_limits(*, limit: ReleaseLimit, approver: str, at: dt.datetime) -> ReleaseLimit:
    """Let the limits hold from now on. Raises: LimitMovedOnError, SamePersonError."""
    locked = _locked(limit)
    if approver == locked.proposed_by:
        raise SamePersonError(_("Whoever proposed the limits cannot approve them. Ask a controller."))
    return _decided(locked, State.APPROVED, approver, at)


@transaction.atomic
def withdraw_limits(*, limit: ReleaseLimit, person: str, at: dt.datetime) -> ReleaseLimit:
    """Take proposed limits back; those in force stay. Raises: LimitMovedOnError."""
    return _decided(_locked(limit), State.WITHDRAWN, person, at)


def _decided(locked: ReleaseLimit, state: str, person: str, at: dt.datetime) -> ReleaseLimit:
    locked.state, locked.decided_by, locked.decided_at = state, person, at
    locked.save(update_fields=["state", "decided_by", "decided_at"])
    audit.record(actor=person, action=f"limits_{state}", subject=str(locked))
    return locked


def _locked(limit: ReleaseLimit) -> ReleaseLimit:
    """Lock pool, then limits, and demand that they wait. Raises: LimitMovedOnError."""
    Pool.objects.select_for_update().get(pk=limit.pool_id)
    locked = ReleaseLimit.objects.select_for_update(of=["self"]).select_related("pool").get(pk=limit.pk)
    if locked.state != State.PROPOSED:
        raise LimitMovedOnError(
            _("These limits are already “%(state)s”. Reload the page to see where they are.")
            % {"state": locked.get_state_display()},
            state=locked.state,
        )
    return locked
