"""Aid taken back before it was paid, after its period was posted: proposed by a second reviewer, then agreed to."""

from django.db import models
from django.db.models import Q

from aidplatform.lib.proposals import is_agreed_by_another
from ledger.books.models import JournalEntry
from ledger.custody.proposal_models import Proposal
from ledger.custody.revocation_triggers import revocation_guards
from ledger.sharing.models import Award
from members.pools.models import Pool


class AwardRevocation(Proposal):
    """A proposal to give what is unpaid of a shared award, with its fee, back to the members by the next bill.

    reason: the finding of the review, public and in the log. aid_fen: what is unpaid; fee_fen: by how much the fee of
    the period is less without it; fee_owed_fen: what of that was paid already, so that the operator owes it. number,
    figures and instants are the database's own. entry: the journal entry, once it is agreed.
    """

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="revocations", db_index=False)
    number = models.PositiveIntegerField()
    award = models.ForeignKey(Award, on_delete=models.PROTECT, related_name="revocations")
    reason = models.CharField(max_length=300)
    aid_fen = models.BigIntegerField()
    fee_fen = models.BigIntegerField()
    fee_owed_fen = models.BigIntegerField()
    entry = models.OneToOneField(JournalEntry, on_delete=models.PROTECT, null=True, related_name="revocation")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pool", "number"], name="one_revocation_per_number"),
            models.UniqueConstraint(
                fields=["award"], condition=Q(state="proposed"), name="award_has_one_open_revocation"
            ),
            models.CheckConstraint(condition=Q(reason__regex=r"\S"), name="revocation_says_why"),
            models.CheckConstraint(
                condition=Q(aid_fen__gt=0, fee_fen__gte=0, fee_owed_fen__gte=0)
                & Q(fee_owed_fen__lte=models.F("fee_fen")),
                name="revocation_figures_in_range",
            ),
            models.CheckConstraint(
                condition=Q(state="agreed", entry__isnull=False) | ~Q(state="agreed") & Q(entry=None),
                name="agreed_revocation_names_its_entry",
            ),
            is_agreed_by_another("agreed_revocation_needs_two_people", "agreed"),
        ]
        triggers = revocation_guards

    def __str__(self) -> str:
        return f"{self.pool.code} revocation {self.number}"

    @property
    def given_back_fen(self) -> int:
        """Return what the members get back by the next bill (fen)."""
        return self.aid_fen + self.fee_fen
