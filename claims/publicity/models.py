"""Objections of members to a published case: numbered, each answered."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from claims.filing.models import Claim
from claims.publicity.triggers import objection_guards


class Objection(models.Model):
    """What a member holds against a case in publicity, and how it was answered. Reason and answer are sealed."""

    class State(models.TextChoices):
        OPEN = "open", _("open")
        DISMISSED = "dismissed", _("dismissed")
        UPHELD = "upheld", _("upheld")

    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="objections")
    number = models.PositiveSmallIntegerField()
    member = models.CharField(max_length=40)
    reason_sealed = models.BinaryField()
    raised_at = models.DateTimeField()
    state = models.CharField(max_length=12, choices=State, default=State.OPEN)
    answer_sealed = models.BinaryField(null=True)
    answered_by = models.CharField(max_length=40, null=True)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["claim", "number"], name="one_objection_per_number"),
            models.UniqueConstraint(
                fields=["claim", "member"],
                condition=Q(state="open"),
                name="one_open_objection_per_member",
            ),
            models.CheckConstraint(
                condition=Q(state="open", answered_by=None, answered_at=None, answer_sealed=None)
                | Q(answered_by__isnull=False, answered_at__isnull=False, answer_sealed__isnull=False)
                & ~Q(state="open"),
                name="objection_is_answered_whole",
            ),
        ]
        triggers = objection_guards

    @property
    def reason_context(self) -> str:
        """Return the place the reason is sealed for."""
        return f"claims.objection:{self.claim_id}:{self.number}:reason"

    @property
    def answer_context(self) -> str:
        """Return the place the answer is sealed for."""
        return f"claims.objection:{self.claim_id}:{self.number}:answer"
