"""What joining again means for whose membership is over: whether, when, what is paid first, what begins anew."""

import datetime as dt
from dataclasses import dataclass
from functools import cached_property

from django.db import connection

from aidplatform.lib import clock
from ledger.custody.references import spaced
from ledger.custody.selectors import payment_reference
from ledger.leaving.again_triggers import unpaid_sql
from members.joining.again import Once, history_of, is_over, returns_on
from members.joining.applications import AGE_REFUSALS, needs_invitation
from members.joining.eligibility import age_refusal, eligible_by_plan
from members.joining.models import CovenantSignature, Membership
from members.pools.models import PlanVersion, Pool
from members.pools.selectors import plan_in_force


@dataclass(frozen=True)
class _Unpaid:
    """What of the announced shares of these memberships was never paid; asked once, where anybody looks."""

    ids: tuple[int, ...]

    @cached_property
    def fen(self) -> dict[int, int]:
        """Return it by membership (fen). One query."""
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT u.id, {unpaid_sql('u.id')} FROM unnest(%s::bigint[]) u (id)",  # noqa: S608 - fixed names
                [list(self.ids)],
            )
            return dict(cursor.fetchall())


@dataclass(frozen=True)
class Stay:
    """One membership in a person's history."""

    once: Once
    unpaid: _Unpaid

    @property
    def owed_fen(self) -> int:
        """Return what of its shares was never paid, written off or not (fen)."""
        return self.unpaid.fen[self.membership.pk]

    @property
    def membership(self) -> Membership:
        """Return it."""
        return self.once.membership

    @property
    def reference(self) -> str:
        """Return what a transfer for these shares bears."""
        return spaced(payment_reference(self.membership))


@dataclass(frozen=True)
class Return:
    """What joining again takes today. first_date: from when the rules allow it; None: never.

    takes_members: whether the pool does. owed: memberships whose shares are paid first. age: why the age is an
    obstacle, None where it is none. eligible_date: from when an illness would count, None where nobody knows the age.
    signed_no: the version of the rules that was signed before; None where nothing was.
    """

    today: dt.date
    first_date: dt.date | None
    takes_members: bool
    owed: tuple[Stay, ...]
    age: object | None
    needs_invitation: bool
    version: PlanVersion
    signed_no: int | None
    eligible_date: dt.date | None

    @property
    def owed_fen(self) -> int:
        """Return what is paid first, in all (fen)."""
        return sum(stay.owed_fen for stay in self.owed)

    @property
    def is_possible(self) -> bool:
        """Tell whether the person can begin today, with an invitation where the rules ask for one."""
        is_time = self.first_date is not None and self.first_date <= self.today
        return is_time and self.takes_members and not self.owed and self.age is None


def stays_of(membership: Membership, now: dt.datetime) -> list[Stay]:
    """Return all memberships of the same person in the pool, newest first. A fixed number of queries."""
    history = history_of(membership, now)
    unpaid = _Unpaid(tuple(once.membership.pk for once in history))
    return [Stay(once, unpaid) for once in history]


def return_of(membership: Membership, stays: list[Stay], now: dt.datetime) -> Return | None:
    """Return what joining again means; None for a membership that goes on, or after which they have joined again."""
    pool = membership.pool
    today = clock.day_of(now, pool.time_zone)
    if stays[0].membership != membership or not is_over(membership, today):
        return None
    version = plan_in_force(pool, today)
    plan, born = version.plan(), membership.birth_date
    refused = None if born is None else age_refusal(plan, born, today)
    signed = CovenantSignature.objects.filter(membership=membership).values_list("plan_version__number")
    return Return(
        today=today,
        first_date=returns_on(membership, plan),
        takes_members=pool.state in {Pool.State.OPEN, Pool.State.GATHERING},
        owed=tuple(stay for stay in stays if stay.owed_fen),
        age=None if refused is None else AGE_REFUSALS[refused],
        needs_invitation=needs_invitation(version, membership.person),
        version=version,
        signed_no=next((number for (number,) in signed), None),
        eligible_date=eligible_by_plan(plan, born, today) if born is not None and refused is None else None,
    )
