"""Shares that nobody can collect: what two people wrote off, and which charges are written off."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.guards import follows_order, permanent
from ledger.books.models import JournalEntry
from ledger.custody.settlement_models import FinalSettlement
from ledger.custody.share_return_models import SharesReturn
from ledger.custody.write_off_triggers import write_off_guards
from members.pools.models import Pool


class WriteOff(models.Model):
    """An order to write off what a membership has not paid: made by a treasurer, approved by a controller.

    reason, reminders: why nobody can collect it, and how often the member was reminded. upto_period_no: charges of
    later periods stay owed. charges: [[period_no, fen]], what was not paid of each announced charge; amount_fen is
    their sum. These, number and shown_sha256 are the database's own. entry: Dr To be shared / Cr Shares receivable.
    """

    class Reason(models.TextChoices):
        LEFT = "left", _("the member has left")
        DECEASED = "deceased", _("the member has died")
        UNCOLLECTABLE = "uncollectable", _("not paid after reminders")

    class State(models.TextChoices):
        ORDERED = "ordered", _("waits for a second person")
        APPROVED = "approved", _("approved")
        WITHDRAWN = "withdrawn", _("withdrawn")

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="write_offs")
    number = models.PositiveIntegerField()
    membership_id = models.BigIntegerField()
    reason = models.CharField(max_length=14, choices=Reason)
    reminders = models.PositiveSmallIntegerField(default=0)
    upto_period_no = models.PositiveIntegerField()
    charges = models.JSONField()
    amount_fen = models.BigIntegerField()
    shown_sha256 = models.CharField(max_length=64, null=True)
    state = models.CharField(max_length=10, choices=State, default=State.ORDERED)
    ordered_by = models.CharField(max_length=40)
    ordered_at = models.DateTimeField()
    approved_sha256 = models.CharField(max_length=64, null=True)
    decided_by = models.CharField(max_length=40, null=True)
    decided_at = models.DateTimeField(null=True)
    entry = models.OneToOneField(JournalEntry, on_delete=models.PROTECT, null=True, related_name="write_off")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pool", "number"], name="one_write_off_per_number"),
            models.UniqueConstraint(
                fields=["pool", "membership_id"],
                condition=Q(state="ordered"),
                name="one_waiting_write_off_per_membership",
            ),
            models.CheckConstraint(
                condition=Q(reason__in=["left", "deceased"]) | Q(reason="uncollectable", reminders__gte=1),
                name="write_off_says_why",
            ),
            models.CheckConstraint(
                condition=Q(decided_by=None) | ~Q(state="approved") | ~Q(decided_by=F("ordered_by")),
                name="write_off_approver_is_not_orderer",
            ),
            models.CheckConstraint(
                condition=Q(approved_sha256=None) | Q(approved_sha256=F("shown_sha256")),
                name="write_off_is_of_what_was_shown",
            ),
            models.CheckConstraint(
                condition=Q(
                    state="approved",
                    decided_by__isnull=False,
                    decided_at__isnull=False,
                    approved_sha256__isnull=False,
                    shown_sha256__isnull=False,
                    entry__isnull=False,
                )
                | Q(state="ordered", decided_by=None, decided_at=None, approved_sha256=None, entry=None)
                | Q(
                    state="withdrawn",
                    decided_by__isnull=False,
                    decided_at__isnull=False,
                    approved_sha256=None,
                    entry=None,
                ),
                name="write_off_needs_two_people",
            ),
        ]
        triggers = [
            follows_order(
                "write_off_is_decided_once",
                "state",
                {"ordered": ("approved", "withdrawn"), "approved": (), "withdrawn": ()},
                first="ordered",
            ),
            *write_off_guards,
        ]

    def __str__(self) -> str:
        return f"{self.pool.code} write-off {self.number}"


class WrittenOffCharge(models.Model):
    """What of a charge is written off (fen): a fact that an approval writes. Money that comes later is a recovery.

    write_off, settlement: whose approval it was, that of a membership or that of the pool that ends. shares_return: it
    is asked for no more because the shares of the membership went back; money for it is nobody's, and no recovery.
    """

    pool_id = models.BigIntegerField()
    membership_id = models.BigIntegerField()
    period_no = models.IntegerField()
    amount_fen = models.BigIntegerField()
    write_off = models.ForeignKey(WriteOff, on_delete=models.PROTECT, null=True, related_name="written")
    settlement = models.ForeignKey(
        FinalSettlement, on_delete=models.PROTECT, null=True, related_name="written"
    )
    shares_return = models.ForeignKey(
        SharesReturn, on_delete=models.PROTECT, null=True, related_name="closed"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["pool_id", "membership_id", "period_no"], name="charge_is_written_off_once"
            ),
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="written_off_amount_above_zero"),
            models.CheckConstraint(
                condition=Q(write_off__isnull=False, settlement=None, shares_return=None)
                | Q(write_off=None, settlement__isnull=False, shares_return=None)
                | Q(write_off=None, settlement=None, shares_return__isnull=False),
                name="written_off_charge_has_its_approval",
            ),
        ]
        triggers = permanent("written_off_charge_is_permanent")
