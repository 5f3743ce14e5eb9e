"""Suspensions, whatever they followed: how they begin, and end by money, by a statement without it, or for good."""

import datetime as dt

from django.db.models import BooleanField, Exists, OuterRef
from django.db.models.expressions import RawSQL

from aidplatform.lib import clock
from aidplatform.work import audit
from ledger.custody.models import BankStatement
from ledger.custody.wallet_models import Suspension
from members.joining.end_models import MembershipEnd
from members.joining.kin_triggers import nobody_answers_sql
from members.joining.models import Membership
from members.joining.services import cover_members, end_covers
from members.pools.models import Pool


def suspend(*, pool: Pool, suspensions: list[Suspension], from_at: dt.datetime) -> int:
    """Keep these suspensions and end the cover of their memberships at that instant; return how many."""
    Suspension.objects.bulk_create(suspensions)
    end_covers(pool=pool, membership_ids=[one.membership_id for one in suspensions], at=from_at)
    return len(suspensions)


def restore(*, pool: Pool, rows: list[tuple[int, int, int]], today: dt.date) -> int:
    """Cover suspended memberships again from tomorrow on; rows: suspension, membership, class; return how many."""
    tomorrow = today + dt.timedelta(days=1)
    cover_members(
        pool=pool,
        rows=[(membership, class_no) for _pk, membership, class_no in rows],
        from_at=clock.start_of_day(tomorrow, pool.time_zone),
    )
    restored = Suspension.objects.filter(pk__in=[row[0] for row in rows])
    return restored.update(state=Suspension.State.RESTORED, ended_date=tomorrow) if rows else 0


def end_with_memberships(pool: Pool, on: dt.date) -> None:
    """End the suspensions of memberships that are over, by age: no money restores them, and they do not lapse."""
    over = MembershipEnd.objects.filter(membership=OuterRef("membership_id"))
    suspended = Suspension.objects.filter(Exists(over), pool_id=pool.pk, state=Suspension.State.SUSPENDED)
    suspended.update(state=Suspension.State.ENDED, ended_date=on)


def end_suspension(*, membership: Membership, on: dt.date, actor: str) -> bool:
    """End the suspension of a membership that ends for good, so that no money restores it; none: nothing.

    Returns whether it was suspended. The caller has locked the pool.
    """
    suspended = Suspension.objects.filter(
        pool_id=membership.pool_id, membership_id=membership.pk, state=Suspension.State.SUSPENDED
    )
    if not suspended.update(state=Suspension.State.ENDED, ended_date=on):
        return False
    audit.record(actor=actor, action="end_suspension", subject=str(membership))
    return True


def lapse(*, pool: Pool, statement: BankStatement | None, today: dt.date, actor: str) -> int:
    """End the memberships whose last day of a suspension is over, as the statement tells; return how many."""
    if statement is None:
        return 0
    kept = RawSQL(nobody_answers_sql("ledger_suspension.membership_id"), [], BooleanField())  # noqa: S611 - fixed names
    over = Suspension.objects.annotate(is_kept=kept).filter(
        pool_id=pool.pk,
        state=Suspension.State.SUSPENDED,
        until_date__lt=min(statement.to_date, today),
        is_kept=False,
    )
    now = clock.now()
    MembershipEnd.objects.bulk_create(
        MembershipEnd(
            membership_id=membership,
            reason=MembershipEnd.Reason.LAPSED,
            end_date=from_date,
            recorded_by=actor,
            recorded_at=now,
        )
        for membership, from_date in over.order_by("membership_id").values_list("membership_id", "from_date")
    )
    return over.update(state=Suspension.State.LAPSED, ended_date=today)
