"""That somebody wants their data erased: asked for, thought over for some days, then done."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from members.people.erasure_triggers import erasure_guards


class Erasure(models.Model):
    """One request. number: 1, 2, 3 … of the person. due_at: not before then; until then it can be taken back.

    Between asked and done lies one transaction: nobody ever reads `erasing`. rows: how many were emptied or deleted.
    """

    class State(models.TextChoices):
        ASKED = "asked", _("asked for")
        CANCELLED = "cancelled", _("taken back")
        ERASING = "erasing", _("being erased")
        DONE = "done", _("erased")

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="erasures", db_index=False
    )
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=9, choices=State, default=State.ASKED)
    asked_at = models.DateTimeField()
    due_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    rows = models.PositiveIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "number"], name="one_erasure_per_number"),
            models.UniqueConstraint(
                fields=["person"],
                condition=Q(state__in=["asked", "erasing", "done"]),
                name="one_erasure_per_person",
            ),
            models.CheckConstraint(
                condition=Q(due_at__gt=F("asked_at")), name="erasure_leaves_time_to_think"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["asked", "erasing"], ended_at=None, rows=None)
                | Q(state="cancelled", ended_at__isnull=False, rows=None)
                | Q(state="done", ended_at__isnull=False, rows__isnull=False),
                name="erasure_ends_whole",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(state__in=["asked", "erasing"]), name="erasure_due"),
        ]
        triggers = erasure_guards

    def __str__(self) -> str:
        return f"{self.person.code} erasure {self.number}"
