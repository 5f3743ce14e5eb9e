"""Matches of receipts that were wrong: their undoing, proposed by a treasurer and agreed to by a controller."""

from django.db import models
from django.db.models import Q

from aidplatform.lib.proposals import is_agreed_by_another
from ledger.books.models import JournalEntry
from ledger.custody.models import StatementLine
from ledger.custody.proposal_models import Proposal
from ledger.custody.undoing_triggers import undoing_guards
from members.pools.models import Pool


class MatchUndoing(Proposal):
    """A proposal that a receipt was not the money of the membership it was matched to.

    membership_id: whose money it was taken for, also where it paid for others. amount_fen: what of the receipt is
    nobody's again; recovered_fen: what of that had been paid of written-off shares. reason: for the pool's people, not
    in the log. number, figures and instants are the database's own. entry: the first of its entries:
    Dr Shares receivable, Prepaid balances or To be shared / Cr Unidentified receipts.
    """

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="match_undoings", db_index=False)
    number = models.PositiveIntegerField()
    receipt = models.ForeignKey(StatementLine, on_delete=models.PROTECT, related_name="undoings")
    membership_id = models.BigIntegerField()
    reason = models.CharField(max_length=300)
    amount_fen = models.BigIntegerField()
    recovered_fen = models.BigIntegerField()
    entry = models.OneToOneField(
        JournalEntry, on_delete=models.PROTECT, null=True, related_name="match_undoing"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pool", "number"], name="one_undoing_per_number"),
            models.UniqueConstraint(
                fields=["receipt"], condition=Q(state="proposed"), name="receipt_has_one_open_undoing"
            ),
            models.CheckConstraint(condition=Q(reason__regex=r"\S"), name="undoing_says_why"),
            models.CheckConstraint(
                condition=Q(amount_fen__gt=0, recovered_fen__gte=0)
                & Q(recovered_fen__lte=models.F("amount_fen")),
                name="undoing_figures_in_range",
            ),
            models.CheckConstraint(
                condition=Q(state="agreed", entry__isnull=False) | ~Q(state="agreed") & Q(entry=None),
                name="agreed_undoing_names_its_entry",
            ),
            is_agreed_by_another("agreed_undoing_needs_two_people", "agreed"),
        ]
        triggers = undoing_guards

    def __str__(self) -> str:
        return f"{self.pool.code} undoing {self.number}"
