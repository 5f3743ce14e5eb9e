"""The two limits of a pool's releases: how much a day, and from which amount a fresh second factor is asked for."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.proposals import is_agreed_by_another, is_agreed_once
from ledger.custody.release_limit_triggers import limit_guards
from members.pools.models import Pool


class ReleaseLimit(models.Model):
    """Limits of releases: proposed by a pool admin, approved by a controller; the newest approved ones are in force.

    number: 1, 2, 3 … per pool, given by the database like the instants. daily_fen: what all releases of a day may come
    to. step_up_fen: a larger payment asks for a fresh second factor. None: no such limit.
    """

    class State(models.TextChoices):
        PROPOSED = "proposed", _("waits for a second person")
        APPROVED = "approved", _("approved")
        WITHDRAWN = "withdrawn", _("withdrawn")

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="release_limits", db_index=False)
    number = models.PositiveIntegerField()
    daily_fen = models.BigIntegerField(null=True)
    step_up_fen = models.BigIntegerField(null=True)
    state = models.CharField(max_length=9, choices=State, default=State.PROPOSED)
    proposed_by = models.CharField(max_length=40)
    proposed_at = models.DateTimeField()
    decided_by = models.CharField(max_length=40, null=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pool", "number"], name="one_release_limit_per_number"),
            models.UniqueConstraint(
                fields=["pool"], condition=Q(state="proposed"), name="one_waiting_release_limit_per_pool"
            ),
            models.CheckConstraint(
                condition=(Q(daily_fen=None) | Q(daily_fen__gt=0, daily_fen__lt=2**53))
                & (Q(step_up_fen=None) | Q(step_up_fen__gte=0, step_up_fen__lt=2**53)),
                name="release_limit_is_an_amount",
            ),
            is_agreed_by_another("release_limit_needs_two_people", "approved"),
        ]
        triggers = [
            is_agreed_once("release_limit_is_decided_once", "approved"),
            *limit_guards,
        ]

    def __str__(self) -> str:
        return f"{self.pool.code} release limit {self.number}"
