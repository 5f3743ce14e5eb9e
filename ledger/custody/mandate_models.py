"""Debit mandates: that a member lets their shares be debited from an account, until they revoke it."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ledger.custody.mandate_triggers import mandate_guards
from members.joining.models import Membership
from members.pools.debit_terms import DebitTerms
from members.pools.models import PlanVersion, Pool


class DebitMandate(models.Model):
    """A mandate of a member, with everything that a collection file names.

    number: 1, 2, 3 … of the membership; reference: what the bank calls the mandate, written by the database.
    plan_version: whose `debit` says scheme, creditor and notice. creditor_name: the holder of the pool's account then.
    sealed: name of the holder and account number; account_hint: its last four characters. text_*: what was shown and
    agreed in both languages; text_sha256: the database's own hash of both. signed_date: in the pool's zone.
    """

    class State(models.TextChoices):
        LIVE = "live", _("in force")
        REVOKED = "revoked", _("revoked")

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="debit_mandates")
    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="debit_mandates")
    number = models.PositiveIntegerField()
    reference = models.CharField(max_length=35, default="", db_default="")
    plan_version = models.ForeignKey(PlanVersion, on_delete=models.PROTECT, related_name="+")
    creditor_name = models.CharField(max_length=80)
    sealed = models.BinaryField()
    account_hint = models.CharField(max_length=5)
    text_en = models.TextField()
    text_zh = models.TextField()
    text_sha256 = models.CharField(max_length=64, default="", db_default="")
    language = models.CharField(max_length=10)
    signed_by = models.CharField(max_length=40)
    signed_date = models.DateField()
    signed_at = models.DateTimeField()
    state = models.CharField(max_length=7, choices=State, default=State.LIVE)
    revoked_by = models.CharField(max_length=40, null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["membership", "number"], name="one_mandate_per_number"),
            models.UniqueConstraint(
                fields=["membership"], condition=Q(state="live"), name="one_live_mandate_per_membership"
            ),
            models.CheckConstraint(
                condition=Q(state="live", revoked_by=None, revoked_at=None)
                | Q(state="revoked", revoked_by__isnull=False, revoked_at__isnull=False),
                name="mandate_says_when_it_was_revoked",
            ),
        ]
        triggers = mandate_guards

    def __str__(self) -> str:
        return self.reference

    @property
    def debit(self) -> DebitTerms:
        """Return the rules of debits under which it was given."""
        debit = self.plan_version.plan().debit
        assert debit is not None
        return debit
