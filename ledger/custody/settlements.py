"""Settling a pool that ends: what nobody will pay is taken from what is still to be paid, by two people."""

import datetime as dt
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock
from aidplatform.lib.db import texts_of
from aidplatform.lib.errors import ConflictError, NotFoundError
from aidplatform.lib.failpoints import failpoint
from aidplatform.work import audit, events
from ledger.books import chart
from ledger.books.services import Line, credit, debit
from ledger.custody.models import PaymentOrder
from ledger.custody.services import AWARD_PAID
from ledger.custody.settlement_models import FinalSettlement
from ledger.custody.settlement_triggers import shown_sql
from ledger.openbooks import services as openbooks
from ledger.sharing.models import Award
from ledger.sharing.selectors import book_of
from members.pools.models import Pool


class SettlementMovedOnError(ConflictError):
    """It is decided already."""

    code = "settlement_is_decided_once"


class SamePersonError(ConflictError):
    """Ordering and approving need two people."""

    code = "settlement_approver_is_not_orderer"


class ShownChangedError(ConflictError):
    """The approver saw something else than what is stored."""

    code = "settlement_is_of_what_was_shown"


def order_settlement(*, pool: Pool, orderer: str, at: dt.datetime) -> FinalSettlement:
    """Order that a pool is settled whose last period is over; a controller approves it.

    Raises: IntegrityError settlement_comes_last, settlement_waits_for_orders, settlement_is_borne,
    one_waiting_settlement_per_pool, settlement_people_hold_their_duty.
    """
    with transaction.atomic():
        pool = Pool.objects.select_for_update().get(pk=pool.pk)
        made = FinalSettlement.objects.create(
            pool=pool,
            number=0,  # number, figures and hash are the database's own
            figures={},
            ordered_by=orderer,
            ordered_at=at,
        )
        made.refresh_from_db()
        audit.record(actor=orderer, action="order_settlement", subject=str(made), fen=made.settled_fen)
    return made


def approve_settlement(
    *, settlement: FinalSettlement, approver: str, shown_sha256: str, at: dt.datetime
) -> FinalSettlement:
    """Settle exactly what was shown (entry p): awards are owed less, and nobody is asked for a share any more.

    Raises: SettlementMovedOnError, SamePersonError, ShownChangedError; IntegrityError settlement_is_of_the_books when
    money has come since, settlement_people_hold_their_duty.
    """
    with transaction.atomic():
        locked = _locked(settlement)
        if approver == locked.ordered_by:
            raise SamePersonError(
                _("The person who ordered the settlement cannot approve it. Ask a controller."),
                person=approver,
            )
        if shown_sha256 != locked.shown_sha256:
            raise ShownChangedError(
                _("This is not what was shown. Look at the settlement again, then approve it."),
                shown=shown_sha256,
                stored=locked.shown_sha256,
            )
        # The database judges the figures by the books as they are before the entry.
        locked.state, locked.decided_by, locked.decided_at = FinalSettlement.State.APPROVED, approver, at
        locked.approved_sha256 = shown_sha256
        locked.save(update_fields=["state", "decided_by", "decided_at", "approved_sha256"])
        failpoint("custody.settlement_approved")
        locked.entry = openbooks.post_logged_entry(
            book=book_of(locked.pool),
            key=f"settlement/{locked.number}",
            kind="settlement",
            lines=_lines(locked),
            entry_date=clock.day_of(at, locked.pool.time_zone),
            at=at,
            description=f"Settlement {locked.number}: shares that nobody will pay",
            source=f"settlement {locked.pool.code}/{locked.number}",
            maker=locked.ordered_by,
            checker=approver,
        )
        locked.save(update_fields=["entry"])
        _tell_paid_awards(locked, approver, at)
        audit.record(actor=approver, action="approve_settlement", subject=str(locked), sha256=shown_sha256)
    return locked


def _lines(settlement: FinalSettlement) -> list[Line]:
    """Return the postings: what was owed becomes a cost, and whoever bears it gets so much less."""
    figures = settlement.figures
    return [
        debit(chart.TO_BE_SHARED, figures["receivable"]),
        credit(chart.RECEIVABLE, figures["receivable"]),
        credit(chart.TO_BE_SHARED, settlement.settled_fen),
        debit(chart.CARRIED_SURPLUS, figures["carry"]),
        debit(chart.FEE_PAYABLE, figures["fee"]),
        debit(chart.AID_PAYABLE, figures["aid"]),
        debit(chart.WRITE_OFFS, settlement.settled_fen),
        credit(chart.CONTRIBUTIONS, figures["carry"]),
        credit(chart.MANAGEMENT_FEE, figures["fee"]),
        credit(chart.AID_GRANTED, figures["aid"]),
    ]


def _tell_paid_awards(settlement: FinalSettlement, approver: str, at: dt.datetime) -> None:
    """State in the log what each award is lowered to, and tell the claims side of those that are paid by that."""
    lowered = {code: fen for code, _unpaid, fen in settlement.figures["awards"] if fen}
    awards = Award.objects.filter(pool=settlement.pool, code__in=lowered).select_related("pool", "period")
    for award in awards.order_by("code"):
        openbooks.append(
            code=settlement.pool.code,
            entry_type="award.adjust",
            key=f"settled/{settlement.number}/{award.code}",
            body={
                "case": award.code,
                "period": award.period.number if award.period else 0,
                "was": award.payable_fen + lowered[award.code],
                "is": award.payable_fen,
                "why": "uncollected",
            },
            at=at,
        )
        confirmed = award.payment_orders.filter(state=PaymentOrder.State.CONFIRMED)
        paid = sum(confirmed.values_list("amount_fen", flat=True))
        if paid == award.payable_fen:
            events.publish(
                event=AWARD_PAID,
                key=f"{settlement.pool.code}/{award.code}#settlement-{settlement.number}",
                payload={
                    "award": award.pk,
                    "pool": award.pool_id,
                    "code": award.code,
                    "claim_code": award.claim_code,
                    "order": 0,
                    "amount_fen": 0,
                    "paid_fen": paid,
                    "is_complete": True,
                },
                actor=approver,
            )


def withdraw_settlement(*, settlement: FinalSettlement, withdrawer: str, at: dt.datetime) -> FinalSettlement:
    """Take an order back, or turn it down.

    Raises: SettlementMovedOnError; IntegrityError settlement_people_hold_their_duty.
    """
    with transaction.atomic():
        locked = _locked(settlement)
        locked.state, locked.decided_by = FinalSettlement.State.WITHDRAWN, withdrawer
        locked.decided_at = at
        locked.save(update_fields=["state", "decided_by", "decided_at"])
        audit.record(actor=withdrawer, action="withdraw_settlement", subject=str(locked))
    return locked


def _locked(settlement: FinalSettlement) -> FinalSettlement:
    """Lock pool, then order, and demand that it waits. Raises: SettlementMovedOnError."""
    Pool.objects.select_for_update().get(pk=settlement.pool_id)
    locked = (
        FinalSettlement.objects.select_for_update(of=["self"]).select_related("pool").get(pk=settlement.pk)
    )
    if locked.state != FinalSettlement.State.ORDERED:
        raise SettlementMovedOnError(
            _("The settlement is already “%(state)s”. Reload the page to see where it is.")
            % {"state": locked.get_state_display()},
            state=locked.state,
        )
    return locked


# --- reads ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Preview:
    """What a settlement would be of now (fen). unborne_fen: what would be left beyond all that can bear it."""

    settled_fen: int
    unborne_fen: int


def preview(pool: Pool) -> Preview:
    """Return what a settlement ordered now would be of."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT (f->>'receivable')::bigint + (f->>'to_be_shared')::bigint, (f->>'left')::bigint
                 FROM custody_settlement(%s) f""",
            [pool.pk],
        )
        return Preview(*cursor.fetchone())


def settlements(pool: Pool) -> QuerySet[FinalSettlement]:
    """Return the settlements of a pool, newest first."""
    return pool.settlements.select_related("pool", "entry").order_by("-number")


def access_settlement(*, pool: Pool, number: int) -> FinalSettlement:
    """Return a settlement of the pool. Raises: NotFoundError."""
    found = settlements(pool).filter(number=number).first()
    if found is None:
        raise NotFoundError(_("This pool has no such settlement."))
    return found


def shown_text(settlement: FinalSettlement) -> str:
    """Return the text whose SHA-256 an approval names."""
    return texts_of(FinalSettlement, shown_sql("s"), "s", [settlement.pk])[settlement.pk]
