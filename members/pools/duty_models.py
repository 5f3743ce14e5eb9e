"""Changes of who holds a duty in a running pool."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from members.pools.duty_triggers import change_guards
from members.pools.models import DutyGrant, Pool
from members.pools.triggers import DUTIES

LONGEST_REASON = 300


class DutyChange(models.Model):
    """That somebody is to hold a duty, or not any more: proposed by a pool admin, done by a second person.

    number: 1, 2, 3 … of the pool. person, duty: who and what. grant: what was given, once it was, or is to end. kind
    laid_down: by who held it, alone. reason: told to the person. proposed_by, decided_by: codes of people.
    """

    class Kind(models.TextChoices):
        GRANT = "grant", _("give")
        END = "end", _("end")
        LAID_DOWN = "laid_down", _("laid down")

    class State(models.TextChoices):
        OPEN = "open", _("waits for a second person")
        DONE = "done", _("done")
        DROPPED = "dropped", _("dropped")

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="duty_changes", db_index=False)
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=10, choices=Kind)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    duty = models.CharField(max_length=20, choices=DutyGrant.Duty)
    grant = models.ForeignKey(DutyGrant, on_delete=models.PROTECT, null=True, related_name="changes")
    reason = models.CharField(max_length=LONGEST_REASON, blank=True)
    proposed_by = models.CharField(max_length=40)
    proposed_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    decided_by = models.CharField(max_length=40, null=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pool", "number"], name="one_duty_change_per_number"),
            models.UniqueConstraint(
                fields=["pool", "person", "duty"],
                condition=Q(state="open"),
                name="one_open_change_per_person_and_duty",
            ),
            models.CheckConstraint(condition=Q(duty__in=DUTIES), name="duty_change_is_of_a_known_duty"),
            models.CheckConstraint(
                condition=Q(state="open", decided_by=None, decided_at=None)
                | Q(state__in=["done", "dropped"], decided_by__isnull=False, decided_at__isnull=False),
                name="duty_change_is_decided_whole",
            ),
        ]
        triggers = change_guards

    def __str__(self) -> str:
        return f"{self.pool.code} duty change {self.number}"
