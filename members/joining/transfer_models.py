"""That somebody goes on in another pool at the age at which the rules of theirs end."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.guards import follows_order
from members.joining.models import Membership
from members.joining.transfer_triggers import transfer_guards
from members.pools.models import PlanVersion, Pool


class AgeTransfer(models.Model):
    """A covenant signed ahead: by a member who ages out of one pool, for another that takes its members.

    membership: the one that ends. plan_version, covenant_sha256: what was shown and signed. It may be revoked until the
    day. begun: the membership in the other pool, on the very day (first_date) on which the old one ended. reason: why
    nothing came of it. signature_sha256: hash over what was signed, written by the database, as are the times.
    """

    class State(models.TextChoices):
        SIGNED = "signed", _("signed ahead")
        REVOKED = "revoked", _("taken back")
        BEGUN = "begun", _("goes on in the other pool")
        LAPSED = "lapsed", _("did not begin")

    class Reason(models.TextChoices):
        ENDED = "ended", _("The membership ended before, for another reason.")
        SUSPENDED = "suspended", _("There was no cover on the day before, so there is none to go on.")
        RULES = "rules", _("The other pool has other rules on that day than those that were signed.")
        CLOSED = "closed", _("The other pool takes nobody at the moment.")
        TERMS = "terms", _("The two pools do not agree any more that members go over.")
        MEMBER = "member", _("A membership in the other pool is there already, or may not begin again.")
        AGE = "age", _("The other pool has no aid for that age.")
        DOCUMENT = "document", _("The other pool does not take a document of this kind.")

    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="transfers")
    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="transfers_in", db_index=False)
    plan_version = models.ForeignKey(PlanVersion, on_delete=models.PROTECT, related_name="+")
    covenant_sha256 = models.CharField(max_length=64)
    consent_health = models.BooleanField()
    consent_publication = models.BooleanField()
    language = models.CharField(max_length=10)
    signed_by = models.CharField(max_length=40)
    signed_at = models.DateTimeField()
    signature_sha256 = models.CharField(max_length=64, default="", db_default="")
    state = models.CharField(max_length=8, choices=State, default=State.SIGNED)
    reason = models.CharField(max_length=10, choices=Reason, blank=True, default="", db_default="")
    begun = models.OneToOneField(Membership, on_delete=models.PROTECT, null=True, related_name="came_by")
    first_date = models.DateField(null=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["pool"], condition=Q(state="signed"), name="transfers_signed_ahead"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["membership"],
                condition=Q(state__in=["signed", "begun"]),
                name="one_transfer_per_membership",
            ),
            models.CheckConstraint(
                condition=Q(consent_health=True, consent_publication=True), name="transfer_has_both_consents"
            ),
            models.CheckConstraint(
                condition=Q(state="signed", begun=None, first_date=None, reason="", closed_at=None)
                | Q(state="revoked", begun=None, first_date=None, reason="", closed_at__isnull=False)
                | Q(
                    state="begun",
                    begun__isnull=False,
                    first_date__isnull=False,
                    reason="",
                    closed_at__isnull=False,
                )
                | Q(state="lapsed", begun=None, first_date=None, closed_at__isnull=False)
                & Q(
                    reason__in=[
                        "ended",
                        "suspended",
                        "rules",
                        "closed",
                        "terms",
                        "member",
                        "age",
                        "document",
                    ]
                ),
                name="transfer_says_what_came_of_it",
            ),
        ]
        triggers = [
            follows_order(
                "transfer_state_follows_order",
                "state",
                {"signed": ("revoked", "begun", "lapsed"), "revoked": (), "begun": (), "lapsed": ()},
                first="signed",
            ),
            *transfer_guards,
        ]

    def __str__(self) -> str:
        return f"{self.membership} to {self.pool.code}"
