"""How a pool that ends settles what nobody will pay any more, by two people."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.guards import follows_order
from ledger.books.models import JournalEntry
from ledger.custody.settlement_triggers import settlement_guards
from members.pools.models import Pool


class FinalSettlement(models.Model):
    """An order to settle a pool after its last period: made by a treasurer, approved by a controller.

    figures: {receivable, to_be_shared: what nobody will pay; carry, fee, aid: who bears it; fees [[period, lowered]];
    awards [[case, unpaid, lowered]]} (fen), the database's own like number and shown_sha256. entry: the journal entry,
    in the transaction of the approval.
    """

    class State(models.TextChoices):
        ORDERED = "ordered", _("waits for a second person")
        APPROVED = "approved", _("approved")
        WITHDRAWN = "withdrawn", _("withdrawn")

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="settlements")
    number = models.PositiveIntegerField()
    figures = models.JSONField()
    shown_sha256 = models.CharField(max_length=64, null=True)
    state = models.CharField(max_length=10, choices=State, default=State.ORDERED)
    ordered_by = models.CharField(max_length=40)
    ordered_at = models.DateTimeField()
    approved_sha256 = models.CharField(max_length=64, null=True)
    decided_by = models.CharField(max_length=40, null=True)
    decided_at = models.DateTimeField(null=True)
    entry = models.OneToOneField(JournalEntry, on_delete=models.PROTECT, null=True, related_name="settlement")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pool", "number"], name="one_settlement_per_number"),
            models.UniqueConstraint(
                fields=["pool"], condition=Q(state="ordered"), name="one_waiting_settlement_per_pool"
            ),
            models.CheckConstraint(
                condition=Q(decided_by=None) | ~Q(state="approved") | ~Q(decided_by=F("ordered_by")),
                name="settlement_approver_is_not_orderer",
            ),
            models.CheckConstraint(
                condition=Q(approved_sha256=None) | Q(approved_sha256=F("shown_sha256")),
                name="settlement_is_of_what_was_shown",
            ),
            models.CheckConstraint(
                condition=Q(
                    state="approved",
                    decided_by__isnull=False,
                    decided_at__isnull=False,
                    approved_sha256__isnull=False,
                    shown_sha256__isnull=False,
                )
                | Q(state="ordered", decided_by=None, decided_at=None, approved_sha256=None, entry=None)
                | Q(
                    state="withdrawn",
                    decided_by__isnull=False,
                    decided_at__isnull=False,
                    approved_sha256=None,
                    entry=None,
                ),
                name="settlement_needs_two_people",
            ),
        ]
        triggers = [
            follows_order(
                "settlement_is_decided_once",
                "state",
                {"ordered": ("approved", "withdrawn"), "approved": (), "withdrawn": ()},
                first="ordered",
            ),
            *settlement_guards,
        ]

    def __str__(self) -> str:
        return f"{self.pool.code} settlement {self.number}"

    @property
    def settled_fen(self) -> int:
        """Return what nobody will pay any more (fen)."""
        return int(self.figures["receivable"]) + int(self.figures["to_be_shared"])
