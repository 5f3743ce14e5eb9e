"""Who pays for whom: that a member's transfers also pay what another member owes."""

from django.db import models
from django.db.models import Q

from members.joining.models import ImportedMember, Membership
from members.joining.payer_triggers import payer_guards
from members.pools.models import Pool


class PayerLink(models.Model):
    """That one member is paid for by another of the pool: asked by who is covered, accepted by who pays, ended once.

    listed: the confirmed row of a list that names the payer; such a link begins when both have confirmed. begun_at,
    ended_at: the database's own instants; charges are filled for whom they hold when the money is recorded.
    """

    class State(models.TextChoices):
        ASKED = "asked"
        LIVE = "live"
        DECLINED = "declined"
        ENDED = "ended"

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="payer_links", db_index=False)
    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="paid_by")
    payer = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="pays_for")
    listed = models.ForeignKey(ImportedMember, on_delete=models.PROTECT, null=True, related_name="+")
    state = models.CharField(max_length=10, choices=State, default=State.ASKED)
    asked_by = models.CharField(max_length=40)
    asked_at = models.DateTimeField()
    accepted_by = models.CharField(max_length=40, null=True)
    begun_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=40, null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["membership"], condition=Q(state="live"), name="one_payer_at_a_time"
            ),
            models.UniqueConstraint(
                fields=["membership"], condition=Q(state="asked"), name="one_open_request_to_pay"
            ),
            models.UniqueConstraint(
                fields=["listed"], condition=Q(listed__isnull=False), name="listed_payer_begins_once"
            ),
            models.CheckConstraint(
                condition=Q(state="asked", accepted_by=None, begun_at=None, ended_by=None, ended_at=None)
                | Q(
                    state="live",
                    accepted_by__isnull=False,
                    begun_at__isnull=False,
                    ended_by=None,
                    ended_at=None,
                )
                | Q(
                    state="declined",
                    accepted_by=None,
                    begun_at=None,
                    ended_by__isnull=False,
                    ended_at__isnull=False,
                )
                | Q(
                    state="ended",
                    accepted_by__isnull=False,
                    begun_at__isnull=False,
                    ended_by__isnull=False,
                    ended_at__isnull=False,
                ),
                name="payer_link_says_since_when",
            ),
        ]
        triggers = payer_guards

    def __str__(self) -> str:
        return f"{self.membership} paid by #{self.payer.number}"
