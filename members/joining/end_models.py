"""Memberships that are over for good, and why."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.guards import permanent
from members.joining.end_triggers import end_guards
from members.joining.models import Membership


class MembershipEnd(models.Model):
    """That a membership is over, and why: a fact. end_date: the first day without cover (pool's zone).

    reference: what shows it: the case whose aid ended it, the paper of a death. A suspension is no end, nor is the end
    of a whole pool, which its notice records for everybody.
    """

    class Reason(models.TextChoices):
        LEFT = "left", _("left")
        REMOVED = "removed", _("removed")
        AIDED = "aided", _("ended with an aid")
        AGED_OUT = "aged_out", _("reached the age at which the plan ends")
        DECEASED = "deceased", _("died")
        LAPSED = "lapsed", _("lapsed: no payment came in time")

    membership = models.OneToOneField(
        Membership, on_delete=models.PROTECT, primary_key=True, related_name="end"
    )
    reason = models.CharField(max_length=8, choices=Reason)
    end_date = models.DateField()
    reference = models.CharField(max_length=200, blank=True)
    recorded_by = models.CharField(max_length=40)
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(reason__in=["left", "removed", "aided", "aged_out", "deceased", "lapsed"]),
                name="membership_end_has_a_reason",
            ),
        ]
        triggers = [*permanent("membership_end_is_permanent"), *end_guards]

    def __str__(self) -> str:
        return f"{self.membership} {self.reason}"
