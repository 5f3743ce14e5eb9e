"""Pauses for members in hardship: asked for, proposed by one person of the pool, granted by another."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.proposals import is_decided_once, names_who_decided, needs_two_people
from ledger.custody.arrears_triggers import pause_guards
from members.joining.models import Membership
from members.pools.models import Pool

MAX_REASON = 500


class HardshipPause(models.Model):
    """Days that are added to the grace of what a member has not paid, because they cannot pay now.

    asked_by: the member, or somebody of the pool for them; reason: in their words, sealed. days: as proposed.
    upto_period_no: the newest announced period when it was granted; shares of later ones have their own grace. Number,
    instants, upto_period_no and shown_sha256 are the database's own; whoever grants it names the hash.
    """

    class State(models.TextChoices):
        ASKED = "asked", _("asked for")
        PROPOSED = "proposed", _("waits for a second person")
        GRANTED = "granted", _("granted")
        DECLINED = "declined", _("declined")

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="hardship_pauses")
    number = models.PositiveIntegerField()
    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="hardship_pauses")
    reason_sealed = models.BinaryField()
    state = models.CharField(max_length=8, choices=State, default=State.ASKED)
    asked_by = models.CharField(max_length=40)
    asked_at = models.DateTimeField()
    days = models.PositiveSmallIntegerField(null=True)
    proposed_by = models.CharField(max_length=40, null=True)
    proposed_at = models.DateTimeField(null=True)
    shown_sha256 = models.CharField(max_length=64, default="", db_default="")
    upto_period_no = models.IntegerField(null=True)
    decided_by = models.CharField(max_length=40, null=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pool", "number"], name="one_hardship_pause_per_number"),
            models.UniqueConstraint(
                fields=["membership"],
                condition=Q(state__in=["asked", "proposed"]),
                name="one_open_hardship_pause_per_membership",
            ),
            models.CheckConstraint(
                condition=Q(state="asked", days=None, proposed_by=None, proposed_at=None)
                | Q(
                    state__in=["proposed", "granted"],
                    days__isnull=False,
                    days__gte=1,
                    proposed_by__isnull=False,
                    proposed_at__isnull=False,
                )
                | Q(state="declined"),
                name="proposed_pause_has_its_days",
            ),
            names_who_decided("hardship_pause_names_who_decided"),
            needs_two_people("hardship_pause_needs_two_people"),
        ]
        indexes = [
            models.Index(
                fields=["pool", "membership"],
                condition=Q(state="granted"),
                name="granted_hardship_pauses",
            ),
        ]
        triggers = [
            is_decided_once("hardship_pause_is_decided_once"),
            *pause_guards,
        ]

    def __str__(self) -> str:
        return f"{self.pool.code} pause {self.number}"

    @property
    def reason_context(self) -> str:
        """Return the place the reason is sealed for."""
        return f"ledger.hardshippause:{self.pool_id}:{self.number}:reason"
