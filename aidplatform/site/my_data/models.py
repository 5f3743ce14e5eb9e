"""Exports of what is stored about a person: ordered, put together by a job, kept sealed for a day."""

import datetime as dt

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.guards import follows_order
from aidplatform.site.my_data.triggers import deleted_export_has_no_parts, parts_are_of_a_running_export

KEPT = dt.timedelta(hours=24)


class DataExport(models.Model):
    """One ordered export. number: 1, 2, 3 … of the person. steps_done, steps_all: how far it has come.

    parts, size: of the sealed ZIP. until_at: when its parts are deleted; the row stays, as a record that it was made.
    """

    class State(models.TextChoices):
        ORDERED = "ordered", _("being put together")
        READY = "ready", _("ready")
        DELETED = "deleted", _("deleted")

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="data_exports", db_index=False
    )
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=8, choices=State, default=State.ORDERED)
    steps_done = models.PositiveSmallIntegerField(default=0)
    steps_all = models.PositiveSmallIntegerField()
    parts = models.PositiveIntegerField(default=0)
    size = models.PositiveBigIntegerField(default=0)
    ordered_at = models.DateTimeField()
    ready_at = models.DateTimeField(null=True)
    until_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "number"], name="one_export_per_number"),
            models.UniqueConstraint(
                fields=["person"], condition=Q(state="ordered"), name="one_running_export_per_person"
            ),
            models.CheckConstraint(
                condition=Q(state="ordered", ready_at=None, until_at=None)
                | Q(
                    state__in=["ready", "deleted"],
                    ready_at__isnull=False,
                    until_at__isnull=False,
                    until_at__lte=F("ready_at") + KEPT,
                ),
                name="export_is_kept_for_a_day",
            ),
        ]
        indexes = [
            models.Index(fields=["until_at"], condition=Q(state="ready"), name="export_due_for_deletion"),
        ]
        triggers = [
            follows_order(
                "export_state_follows_order",
                "state",
                {"ordered": ("ready",), "ready": ("deleted",), "deleted": ()},
                first="ordered",
            ),
            deleted_export_has_no_parts,
        ]

    def __str__(self) -> str:
        return f"{self.person.code} export {self.number}"

    @property
    def job_key(self) -> str:
        """Return the key of the job that puts it together."""
        return str(self.pk)

    def can_be_taken(self, at: dt.datetime) -> bool:
        """Tell whether its content can be downloaded at that instant."""
        return self.state == self.State.READY and self.until_at is not None and self.until_at > at

    @property
    def percent(self) -> int:
        """Return how far it has come."""
        return 100 * self.steps_done // self.steps_all


class ExportPart(models.Model):
    """One piece of an export's ZIP, sealed for its place in it."""

    export = models.ForeignKey(DataExport, on_delete=models.CASCADE, related_name="pieces", db_index=False)
    number = models.PositiveIntegerField()
    sealed = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["export", "number"], name="one_export_part_per_number"),
        ]
        triggers = [parts_are_of_a_running_export]
