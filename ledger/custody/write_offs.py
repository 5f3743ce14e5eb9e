"""Writing off what nobody can collect: a treasurer orders, a controller approves; and what there is to read of it."""

import datetime as dt
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import QuerySet, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock
from aidplatform.lib.db import texts_of
from aidplatform.lib.errors import ConflictError, NotFoundError
from aidplatform.lib.failpoints import failpoint
from aidplatform.work import audit
from ledger.books import chart
from ledger.books.services import credit, debit
from ledger.custody.write_off_models import WriteOff, WrittenOffCharge
from ledger.custody.write_off_triggers import shown_sql
from ledger.openbooks import services as openbooks
from ledger.sharing.models import Period
from ledger.sharing.selectors import book_of
from members.joining.models import Membership
from members.pools.models import Pool


class WriteOffMovedOnError(ConflictError):
    """It is decided already."""

    code = "write_off_is_decided_once"


class SamePersonError(ConflictError):
    """Ordering and approving need two people."""

    code = "write_off_approver_is_not_orderer"


class ShownChangedError(ConflictError):
    """The approver saw something else than what is stored."""

    code = "write_off_is_of_what_was_shown"


def order_write_off(
    *,
    membership: Membership,
    reason: str,
    reminders: int,
    upto_period_no: int,
    orderer: str,
    at: dt.datetime,
) -> WriteOff:
    """Order that what a membership has not paid up to a period is written off; a controller approves it.

    Raises: IntegrityError only_unpaid_shares_are_written_off, one_waiting_write_off_per_membership, write_off_says_why,
    write_off_people_hold_their_duty.
    """
    with transaction.atomic():
        pool = Pool.objects.select_for_update().get(pk=membership.pool_id)
        made = WriteOff.objects.create(
            pool=pool,
            number=0,  # number, charges, sum and hash are the database's own
            membership_id=membership.pk,
            reason=reason,
            reminders=reminders,
            upto_period_no=upto_period_no,
            charges=[],
            amount_fen=0,
            ordered_by=orderer,
            ordered_at=at,
        )
        made.refresh_from_db()
        audit.record(
            actor=orderer,
            action="order_write_off",
            subject=str(made),
            membership=membership.number,
            reason=reason,
            fen=made.amount_fen,
        )
    return made


def approve_write_off(*, write_off: WriteOff, approver: str, shown_sha256: str, at: dt.datetime) -> WriteOff:
    """Write off exactly what was shown (entry f): members will bear it with the next bill.

    Raises: WriteOffMovedOnError, SamePersonError, ShownChangedError; IntegrityError
    only_unpaid_shares_are_written_off when something was paid since, write_off_people_hold_their_duty.
    """
    with transaction.atomic():
        locked = _locked(write_off)
        if approver == locked.ordered_by:
            raise SamePersonError(
                _("The person who ordered a write-off cannot approve it. Ask a controller."), person=approver
            )
        if shown_sha256 != locked.shown_sha256:
            raise ShownChangedError(
                _("This is not what was shown. Look at the write-off again, then approve it."),
                shown=shown_sha256,
                stored=locked.shown_sha256,
            )
        locked.entry = openbooks.post_logged_entry(
            book=book_of(locked.pool),
            key=f"write_off/{locked.number}",
            kind="write_off",
            lines=[debit(chart.TO_BE_SHARED, locked.amount_fen), credit(chart.RECEIVABLE, locked.amount_fen)],
            entry_date=clock.day_of(at, locked.pool.time_zone),
            at=at,
            description=f"Write-off {locked.number}",
            source=f"write-off {locked.pool.code}/{locked.number}",
            maker=locked.ordered_by,
            checker=approver,
        )
        failpoint("custody.write_off_posted")
        locked.state, locked.decided_by, locked.decided_at = WriteOff.State.APPROVED, approver, at
        locked.approved_sha256 = shown_sha256
        locked.save(update_fields=["state", "decided_by", "decided_at", "approved_sha256", "entry"])
        audit.record(actor=approver, action="approve_write_off", subject=str(locked), sha256=shown_sha256)
    return locked


def withdraw_write_off(*, write_off: WriteOff, withdrawer: str, at: dt.datetime) -> WriteOff:
    """Take an order back, or turn it down; the shares stay owed.

    Raises: WriteOffMovedOnError; IntegrityError write_off_people_hold_their_duty.
    """
    with transaction.atomic():
        locked = _locked(write_off)
        locked.state, locked.decided_by, locked.decided_at = WriteOff.State.WITHDRAWN, withdrawer, at
        locked.save(update_fields=["state", "decided_by", "decided_at"])
        audit.record(actor=withdrawer, action="withdraw_write_off", subject=str(locked))
    return locked


def _locked(write_off: WriteOff) -> WriteOff:
    """Lock pool, then order, and demand that it waits. Raises: WriteOffMovedOnError."""
    Pool.objects.select_for_update().get(pk=write_off.pool_id)
    locked = WriteOff.objects.select_for_update(of=["self"]).select_related("pool").get(pk=write_off.pk)
    if locked.state != WriteOff.State.ORDERED:
        raise WriteOffMovedOnError(
            _("The write-off is already “%(state)s”. Reload the page to see where it is.")
            % {"state": locked.get_state_display()},
            state=locked.state,
        )
    return locked


# --- reads ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shown:
    """A write-off with the number of its membership."""

    write_off: WriteOff
    membership_no: int


def write_offs(pool: Pool) -> QuerySet[WriteOff]:
    """Return the write-offs of a pool, newest first."""
    return pool.write_offs.select_related("pool", "entry").order_by("-number")


def written_off_fen(pool: Pool) -> int:
    """Return what has been written off in a pool so far (fen)."""
    approved = pool.write_offs.filter(state=WriteOff.State.APPROVED)
    return int(approved.aggregate(fen=Coalesce(Sum("amount_fen"), 0))["fen"])


def with_members(found: list[WriteOff]) -> list[Shown]:
    """Return them with the numbers of their memberships. One query."""
    wanted = Membership.objects.filter(pk__in=[one.membership_id for one in found])
    numbers = dict(wanted.values_list("pk", "number"))
    return [Shown(one, numbers[one.membership_id]) for one in found]


def access_write_off(*, pool: Pool, number: int) -> WriteOff:
    """Return a write-off of the pool. Raises: NotFoundError."""
    found = write_offs(pool).filter(number=number).first()
    if found is None:
        raise NotFoundError(_("This pool has no such write-off."))
    return found


@dataclass(frozen=True)
class Estate:
    """A member who has died and whose announced shares are open (fen). after_fen: of periods counted afterwards."""

    membership_no: int
    died_date: dt.date
    open_fen: int
    after_fen: int


_ESTATES = """
    SELECT m.number, e.end_date - 1, sum(c.fen)::bigint,
           coalesce(sum(c.fen) FILTER (WHERE c.publicity_date >= e.end_date), 0)::bigint
      FROM members_membershipend e JOIN members_membership m ON m.id = e.membership_id
      CROSS JOIN LATERAL (
          SELECT k.period_no, p.publicity_date, k.share_fen - coalesce((
                     SELECT sum(n.amount_fen) FROM ledger_collection n WHERE n.pool_id = m.pool_id
                        AND n.membership_id = m.id AND n.period_no = k.period_no), 0) AS fen
            FROM charges_of_membership(m.pool_id, m.id, 2147483647, 2147483647) k
            JOIN ledger_period p ON p.pool_id = m.pool_id AND p.number = k.period_no
           WHERE p.charges_notified_at IS NOT NULL AND p.wallet_fen IS NULL
             AND NOT EXISTS (SELECT 1 FROM ledger_writtenoffcharge w WHERE w.pool_id = m.pool_id
                                AND w.membership_id = m.id AND w.period_no = k.period_no)) c
     WHERE m.pool_id = %s AND e.reason = 'deceased' AND c.fen > 0
       AND NOT EXISTS (SELECT 1 FROM ledger_writeoff o
                        WHERE o.pool_id = m.pool_id AND o.membership_id = m.id AND o.state = 'ordered')
     GROUP BY m.number, e.end_date ORDER BY m.number"""


def estates(pool: Pool) -> list[Estate]:
    """Return the members who have died and whose open shares nobody has ordered to be written off yet.

    Nothing is owed for a period counted after a death, and what was owed before is written off, not chased.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ESTATES, [pool.pk])
        return [Estate(*row) for row in cursor.fetchall()]


def last_announced_no(pool: Pool) -> int:
    """Return the newest period whose charges are announced; 0 before the first."""
    announced = Period.objects.filter(pool=pool, charges_notified_at__isnull=False)
    return announced.order_by("-number").values_list("number", flat=True).first() or 0


def written_off_of(membership: Membership) -> dict[int, int]:
    """Return what of a membership's charges is written off, by period (fen)."""
    found = WrittenOffCharge.objects.filter(pool_id=membership.pool_id, membership_id=membership.pk)
    return dict(found.values_list("period_no", "amount_fen"))


def shown_text(write_off: WriteOff) -> str:
    """Return the text whose SHA-256 an approval names."""
    return texts_of(WriteOff, shown_sql("w"), "w", [write_off.pk])[write_off.pk]
