"""What somebody from outside is to be paid for an investigation."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.guards import follows_order
from ledger.books.models import JournalEntry
from ledger.custody.cost_triggers import cost_guards
from members.pools.models import Pool


class OutsideCost(models.Model):
    """A bill of somebody from outside: it comes from whoever ordered the work, a controller approves it.

    reference: the code of the investigation, which leads nobody to the claim. borne_by: as the plan of the case says.
    payee_*: the account that the bill names, sealed, and the hash by which orders are compared. number and
    shown_sha256 are the database's own. entry: Dr To be shared, Sponsor and operator receivable or Reserve / Cr Costs
    payable.
    """

    class BorneBy(models.TextChoices):
        SHARED = "shared", _("all members, with the next bill")
        OPERATOR = "operator", _("who runs the pool")
        RESERVE = "reserve", _("the reserve")

    class State(models.TextChoices):
        BILLED = "billed", _("waits for a second person")
        APPROVED = "approved", _("approved")
        TURNED_DOWN = "turned_down", _("turned down")

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="outside_costs", db_index=False)
    number = models.PositiveIntegerField()
    reference = models.CharField(max_length=20)
    amount_fen = models.BigIntegerField()
    borne_by = models.CharField(max_length=8, choices=BorneBy)
    payee_sealed = models.BinaryField()
    payee_hash = models.BinaryField(max_length=32)
    payee_hint = models.CharField(max_length=12)
    shown_sha256 = models.CharField(max_length=64, null=True)
    state = models.CharField(max_length=12, choices=State, default=State.BILLED)
    billed_by = models.CharField(max_length=40)
    billed_at = models.DateTimeField()
    approved_sha256 = models.CharField(max_length=64, null=True)
    decided_by = models.CharField(max_length=40, null=True)
    decided_at = models.DateTimeField(null=True)
    entry = models.OneToOneField(
        JournalEntry, on_delete=models.PROTECT, null=True, related_name="outside_cost"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pool", "number"], name="one_cost_per_number"),
            models.UniqueConstraint(fields=["reference"], name="one_cost_per_investigation"),
            models.CheckConstraint(
                condition=Q(amount_fen__gt=0, amount_fen__lt=2**53), name="cost_amount_above_zero"
            ),
            models.CheckConstraint(
                condition=Q(borne_by__in=["shared", "operator", "reserve"]),
                name="cost_is_never_the_claimants",
            ),
            models.CheckConstraint(
                condition=Q(decided_by=None) | ~Q(decided_by=F("billed_by")),
                name="cost_approver_is_not_biller",
            ),
            models.CheckConstraint(
                condition=Q(state="billed", decided_by=None, approved_sha256=None, entry=None)
                | Q(state="turned_down", decided_by__isnull=False, approved_sha256=None, entry=None)
                | Q(
                    state="approved",
                    decided_by__isnull=False,
                    approved_sha256__isnull=False,
                    approved_sha256=F("shown_sha256"),
                    entry__isnull=False,
                ),
                name="cost_needs_two_people",
            ),
        ]
        triggers = [
            follows_order(
                "cost_is_decided_once",
                "state",
                {"billed": ("approved", "turned_down"), "approved": (), "turned_down": ()},
                first="billed",
            ),
            *cost_guards,
        ]

    def __str__(self) -> str:
        return f"{self.pool.code} cost {self.number}"

    @property
    def payee_place(self) -> str:
        """Return the place that the payee is sealed for."""
        return f"custody.cost:{self.reference}"
