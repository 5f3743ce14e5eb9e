"""Reversals of single entries: proposed by a treasurer with a reason, agreed to by a controller."""

from django.db import models
from django.db.models import Q

from aidplatform.lib.proposals import is_agreed_by_another
from ledger.books.models import JournalEntry
from ledger.custody.proposal_models import Proposal
from ledger.custody.reversal_triggers import reversal_guards
from members.pools.models import Pool


class EntryReversal(Proposal):
    """A proposal to take back one entry of a pool, whole, by its mirror.

    reason: public, in the log. number and the instants are the database's own. reversal: the mirror, once it is agreed.
    """

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="entry_reversals", db_index=False)
    number = models.PositiveIntegerField()
    entry = models.ForeignKey(
        JournalEntry, on_delete=models.PROTECT, related_name="proposed_reversals", db_index=False
    )
    reason = models.CharField(max_length=200)
    reversal = models.OneToOneField(
        JournalEntry, on_delete=models.PROTECT, null=True, related_name="agreed_reversal"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pool", "number"], name="one_reversal_per_number"),
            models.UniqueConstraint(
                fields=["entry"], condition=~Q(state="withdrawn"), name="entry_has_one_open_reversal"
            ),
            models.CheckConstraint(condition=Q(reason__regex=r"\S"), name="reversal_says_why"),
            models.CheckConstraint(
                condition=Q(state="agreed", reversal__isnull=False) | ~Q(state="agreed") & Q(reversal=None),
                name="agreed_reversal_names_its_entry",
            ),
            is_agreed_by_another("agreed_reversal_needs_two_people", "agreed"),
        ]
        triggers = reversal_guards

    def __str__(self) -> str:
        return f"{self.pool.code} reversal {self.number}"
