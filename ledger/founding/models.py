"""The balances with which a pool that was kept elsewhere begins its books here."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.proposals import is_agreed_once
from ledger.books.models import JournalEntry
from ledger.founding.opening_triggers import opening_guards
from members.pools.models import Pool


class OpeningBalances(models.Model):
    """Opening balances of a pool: proposed by one person, approved and booked by another (fen).

    number, receivable_fen, prepaid_fen, shown_sha256: the database's own; what the approved imports say is owed and was
    paid ahead.
    proof: where the old books show the balances. entry: the first journal entry of the pool, once it is approved.
    """

    class State(models.TextChoices):
        PROPOSED = "proposed", _("waits for a second person")
        APPROVED = "approved", _("approved")
        WITHDRAWN = "withdrawn", _("withdrawn")

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="opening_balances")
    number = models.PositiveIntegerField()
    custody_fen = models.BigIntegerField()
    receivable_fen = models.BigIntegerField()
    prepaid_fen = models.BigIntegerField(default=0, db_default=0)
    carried_surplus_fen = models.BigIntegerField()
    reserve_fen = models.BigIntegerField()
    proof = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=State, default=State.PROPOSED)
    shown_sha256 = models.CharField(max_length=64, default="", db_default="")
    approved_sha256 = models.CharField(max_length=64, null=True)
    proposed_by = models.CharField(max_length=40)
    proposed_at = models.DateTimeField()
    decided_by = models.CharField(max_length=40, null=True)
    decided_at = models.DateTimeField(null=True)
    entry = models.OneToOneField(JournalEntry, on_delete=models.PROTECT, null=True, related_name="opening")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pool", "number"], name="one_opening_per_number"),
            models.UniqueConstraint(
                fields=["pool"], condition=Q(state="proposed"), name="one_open_opening_per_pool"
            ),
            models.CheckConstraint(
                condition=Q(
                    custody_fen__gte=0,
                    custody_fen__lt=2**53,
                    receivable_fen__gte=0,
                    prepaid_fen__gte=0,
                    carried_surplus_fen__gte=0,
                    reserve_fen__gte=0,
                )
                & Q(
                    custody_fen=F("prepaid_fen")
                    + F("carried_surplus_fen")
                    + F("reserve_fen")
                    - F("receivable_fen")
                ),
                name="opening_balances_balance",
            ),
            models.CheckConstraint(condition=~Q(proof=""), name="opening_names_its_proof"),
            models.CheckConstraint(
                condition=Q(state="approved", decided_by__isnull=False, entry__isnull=False)
                & Q(approved_sha256__isnull=False, approved_sha256=F("shown_sha256"))
                & ~Q(decided_by=F("proposed_by"))
                | ~Q(state="approved") & Q(approved_sha256=None, entry=None),
                name="opening_is_approved_by_another_as_shown",
            ),
        ]
        triggers = [
            is_agreed_once("opening_state_follows_order", "approved"),
            *opening_guards,
        ]

    def __str__(self) -> str:
        return f"{self.pool.code} opening {self.number}"

    @property
    def is_reversed(self) -> bool:
        """Tell whether its entry has been taken back by a reversal."""
        return self.entry is not None and hasattr(self.entry, "reversed_by")
