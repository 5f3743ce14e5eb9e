"""Shares that go back to who fell ill in the waiting period."""

from django.db import models

from ledger.books.models import JournalEntry
from ledger.custody.share_return_triggers import share_return_guards
from members.pools.models import Pool


class SharesReturn(models.Model):
    """That every share of a membership goes back, as two people decided of an illness in its waiting period.

    event_date: the day of the illness. decision: the name under which the log bears what they decided. reviewer,
    decider: who recommended it and who decided. charges: [[period_no, paid, open]] of every announced charge (fen):
    what was paid goes back, what is open is asked for no more. These, their sums, number and instant are the
    database's own. payee_*: the account that the claim names, sealed, and the hash by which orders are compared. entry:
    Dr To be shared / Cr Refunds payable, Shares receivable; none where nothing was charged.
    """

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="shares_returns")
    number = models.PositiveIntegerField()
    membership_id = models.BigIntegerField()
    event_date = models.DateField()
    decision = models.CharField(max_length=40)
    reviewer = models.CharField(max_length=40)
    decider = models.CharField(max_length=40)
    charges = models.JSONField()
    paid_fen = models.BigIntegerField()
    open_fen = models.BigIntegerField()
    payee_sealed = models.BinaryField()
    payee_hash = models.BinaryField(max_length=32)
    returned_at = models.DateTimeField()
    entry = models.OneToOneField(
        JournalEntry, on_delete=models.PROTECT, null=True, related_name="shares_return"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pool", "number"], name="one_shares_return_per_number"),
            models.UniqueConstraint(fields=["membership_id"], name="shares_go_back_once"),
            models.UniqueConstraint(fields=["pool", "decision"], name="one_shares_return_per_decision"),
        ]
        triggers = share_return_guards

    def __str__(self) -> str:
        return f"{self.pool.code} shares {self.number}"

    @property
    def payee_place(self) -> str:
        """Return the place that the payee is sealed for."""
        return f"custody.shares:{self.pool.code}:{self.decision}"

    @property
    def total_fen(self) -> int:
        """Return what everyone else bears for it (fen)."""
        return self.paid_fen + self.open_fen
