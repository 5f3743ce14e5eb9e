"""Costs of investigations: billed by who ordered the work, approved by a controller; and what is read of them."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet, Sum
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock
from aidplatform.lib.db import texts_of
from aidplatform.lib.errors import ConflictError, NotFoundError
from aidplatform.lib.failpoints import failpoint
from aidplatform.work import audit
from ledger.books import chart
from ledger.books.services import credit, debit
from ledger.custody.cost_models import OutsideCost
from ledger.custody.cost_triggers import BORNE_ON, shown_sql
from ledger.custody.models import PaymentOrder
from ledger.openbooks import services as openbooks
from ledger.sharing.payees import Payee
from ledger.sharing.selectors import book_of
from members.pools.models import Pool


class CostMovedOnError(ConflictError):
    """It is decided already."""

    code = "cost_is_decided_once"


class SamePersonError(ConflictError):
    """Billing and approving need two people."""

    code = "cost_approver_is_not_biller"


class ShownChangedError(ConflictError):
    """The approver saw something else than what is stored."""

    code = "cost_needs_two_people"


@transaction.atomic
def bill_cost(
    *,
    pool: Pool,
    reference: str,
    amount_fen: int,
    borne_by: str,
    payee: Payee,
    biller: str,
    at: dt.datetime,
) -> OutsideCost:
    """Write down what an investigation has cost; nothing is owed before a controller approves it.

    biller: who ordered the investigation.

    Raises: IntegrityError cost_is_of_its_investigation, one_cost_per_investigation.
    """
    made = OutsideCost(
        pool=pool,
        number=0,  # number, instant and hash are the database's own
        reference=reference,
        amount_fen=amount_fen,
        borne_by=borne_by,
        payee_hash=payee.index,
        payee_hint=payee.hint,
        billed_by=biller,
        billed_at=at,
    )
    made.payee_sealed = payee.sealed(made.payee_place)
    made.save()
    made.refresh_from_db()
    audit.record(actor=biller, action="bill_cost", subject=str(made), fen=amount_fen)
    return made


@transaction.atomic
def approve_cost(*, cost: OutsideCost, approver: str, shown_sha256: str, at: dt.datetime) -> OutsideCost:
    """Owe exactly what was shown: whoever the plan names bears it, never the claimant.

    Raises: CostMovedOnError, SamePersonError, ShownChangedError; IntegrityError cost_people_hold_their_duty,
    account_never_negative where the reserve does not hold it.
    """
    locked = _locked(cost, approver)
    if shown_sha256 != locked.shown_sha256:
        raise ShownChangedError(_("This is not what was shown. Look at the cost again, then approve it."))
    locked.entry = openbooks.post_logged_entry(
        book=book_of(locked.pool),
        key=f"investigation/{locked.number}",
        kind="investigation",
        lines=[
            debit(BORNE_ON[locked.borne_by], locked.amount_fen),
            credit(chart.COSTS_PAYABLE, locked.amount_fen),
        ],
        entry_date=clock.day_of(at, locked.pool.time_zone),
        at=at,
        description=f"Investigation {locked.number}",
        source=f"cost {locked.pool.code}/{locked.number}",
        maker=locked.billed_by,
        checker=approver,
    )
    failpoint("custody.cost_posted")
    locked.state, locked.decided_by, locked.decided_at = OutsideCost.State.APPROVED, approver, at
    locked.approved_sha256 = shown_sha256
    locked.save(update_fields=["state", "decided_by", "decided_at", "approved_sha256", "entry"])
    audit.record(actor=approver, action="approve_cost", subject=str(locked), sha256=shown_sha256)
    return locked


@transaction.atomic
def turn_down_cost(*, cost: OutsideCost, controller: str, at: dt.datetime) -> OutsideCost:
    """Turn a bill down: the pool owes nothing for it. Raises: CostMovedOnError, SamePersonError."""
    locked = _locked(cost, controller)
    locked.state, locked.decided_by, locked.decided_at = OutsideCost.State.TURNED_DOWN, controller, at
    locked.save(update_fields=["state", "decided_by", "decided_at"])
    audit.record(actor=controller, action="turn_down_cost", subject=str(locked))
    return locked


def _locked(cost: OutsideCost, decider: str) -> OutsideCost:
    """Lock pool, then cost, and demand that it waits for somebody else. Raises: CostMovedOnError, SamePersonError."""
    Pool.objects.select_for_update().get(pk=cost.pool_id)
    locked = OutsideCost.objects.select_for_update(of=["self"]).select_related("pool").get(pk=cost.pk)
    if locked.state != OutsideCost.State.BILLED:
        raise CostMovedOnError(
            _("The cost is already “%(state)s”. Reload the page to see where it is.")
            % {"state": locked.get_state_display()},
            state=locked.state,
        )
    if decider == locked.billed_by:
        raise SamePersonError(
            _("Whoever ordered the investigation cannot approve its cost. Ask a controller.")
        )
    return locked


# --- reads ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CostShown:
    """A cost, and what of it is ordered to be paid (fen)."""

    cost: OutsideCost
    ordered_fen: int

    @property
    def left_fen(self) -> int:
        """Return what is approved and not ordered yet."""
        is_owed = self.cost.state == OutsideCost.State.APPROVED
        return self.cost.amount_fen - self.ordered_fen if is_owed else 0


def costs_of(pool: Pool) -> QuerySet[OutsideCost]:
    """Return the costs of a pool, newest first."""
    return pool.outside_costs.select_related("pool", "entry").order_by("-number")


def with_orders(found: Sequence[OutsideCost]) -> list[CostShown]:
    """Return them with what is ordered of each. One query."""
    live = PaymentOrder.objects.filter(cost__in=found).exclude(state__in=["cancelled", "returned"])
    ordered = dict(live.values_list("cost").annotate(fen=Sum("amount_fen")))
    return [CostShown(one, ordered.get(one.pk, 0)) for one in found]


def waiting(pool: Pool) -> list[CostShown]:
    """Return the approved costs that are not ordered in full. Two queries."""
    approved = costs_of(pool).filter(state=OutsideCost.State.APPROVED)
    return [one for one in with_orders(list(approved)) if one.left_fen > 0]


def billed(pool: Pool) -> QuerySet[OutsideCost]:
    """Return the costs that wait for a controller."""
    return costs_of(pool).filter(state=OutsideCost.State.BILLED)


def access_cost(*, pool: Pool, number: int) -> OutsideCost:
    """Return a cost of the pool. Raises: NotFoundError."""
    found = costs_of(pool).filter(number=number).first() if number < 2**31 else None
    if found is None:
        raise NotFoundError(_("This pool has no such cost."))
    return found


def payee_of_cost(cost: OutsideCost) -> Payee:
    """Return the account that the bill names, unsealed."""
    return Payee.unsealed(bytes(cost.payee_sealed), cost.payee_place)


def shown_text(cost: OutsideCost) -> str:
    """Return the text whose SHA-256 an approval names."""
    return texts_of(OutsideCost, shown_sql("c"), "c", [cost.pk])[cost.pk]
