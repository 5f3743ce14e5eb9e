"""That an authority of time has stamped a checkpoint: it was there by then, whatever a clock of the operator says."""

from django.db import models

from ledger.openbooks.checkpoint_models import Checkpoint
from ledger.openbooks.stamp_triggers import stamp_guards


class TimeStamp(models.Model):
    """One answer of an authority of time, as RFC 3161 has it: a fact.

    authority: the host that was asked. response: its answer in DER, over the SHA-256 of the checkpoint's note.
    stamped_at: the time in the answer, by the authority's clock.
    """

    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="stamps")
    authority = models.CharField(max_length=255)
    response = models.BinaryField()
    stamped_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["checkpoint", "authority"], name="one_time_stamp_per_authority")
        ]
        triggers = stamp_guards

    def __str__(self) -> str:
        return f"stamp of {self.checkpoint} by {self.authority}"
