"""What the signer has stated of the logs: written by its database role alone, read by everyone."""

from django.db import models
from django.db.models import Q

from ledger.openbooks.checkpoint_triggers import checkpoint_guards, heartbeat_guards, log_key_guards
from ledger.openbooks.models import Log


class LogKey(models.Model):
    """A verifier key of a log, and in its name the log's origin: a fact. The first is fixed at the first checkpoint.

    number: 1, 2, 3 … per log. signature: base64 of what the key before has signed over both, as `keys.rotation_text`
    says; empty for the first.
    """

    log = models.ForeignKey(Log, on_delete=models.PROTECT, related_name="keys", db_index=False)
    number = models.PositiveIntegerField()
    vkey = models.CharField(max_length=400)
    signature = models.CharField(max_length=88, blank=True)
    since_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["log", "number"], name="one_log_key_per_number"),
            models.UniqueConstraint(fields=["log", "vkey"], name="log_key_comes_once"),
            models.CheckConstraint(
                condition=Q(number=1, signature="")
                | Q(number__gt=1, signature__regex=r"^[A-Za-z0-9+/]{86}==$"),
                name="later_log_key_has_a_signature",
            ),
        ]
        triggers = log_key_guards


class Checkpoint(models.Model):
    """A signed head of a log: a fact, one for each size that was signed.

    note: the whole signed note with the log's own signature. signed_at: the business instant.
    """

    log = models.ForeignKey(Log, on_delete=models.PROTECT, related_name="checkpoints")
    size = models.PositiveBigIntegerField()
    root = models.BinaryField()
    note = models.TextField()
    signed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["log", "size"], name="one_checkpoint_per_size"),
            models.CheckConstraint(condition=Q(size__gte=1), name="checkpoint_is_of_entries"),
        ]
        triggers = checkpoint_guards


class Heartbeat(models.Model):
    """The signer was there and had nothing new to sign: a fact, once a day.

    A checkpoint of the same size has the same bytes, so that its text cannot tell that anybody was there.
    """

    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="heartbeats")
    at = models.DateTimeField()

    class Meta:
        triggers = heartbeat_guards
