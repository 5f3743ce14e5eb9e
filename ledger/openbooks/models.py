"""The log of a pool: append-only, ordered, canonical. Trees and signatures build on these rows."""

from django.db import models
from django.db.models import Q

from aidplatform.lib.guards import permanent
from ledger.openbooks.canonical import ENTRY_TYPES
from ledger.openbooks.triggers import log_entry_guards, log_guards


class Log(models.Model):
    """The log of one pool; size is kept by the entry guard."""

    code = models.SlugField(max_length=40, unique=True)
    size = models.PositiveBigIntegerField(default=0)

    class Meta:
        triggers = log_guards

    def __str__(self) -> str:
        return self.code


class LogEntry(models.Model):
    """One statement of the operator, in canonical bytes: a fact.

    seq: 0, 1, 2 … within the log. key: the business event, so that it is stated once. leaf_hash: SHA-256 over
    0x00 and the bytes (RFC 6962).
    """

    log = models.ForeignKey(Log, on_delete=models.PROTECT, related_name="entries")
    seq = models.PositiveBigIntegerField()
    type = models.CharField(max_length=20)
    key = models.CharField(max_length=120)
    data = models.BinaryField()
    leaf_hash = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["log", "seq"], name="one_log_entry_per_seq"),
            models.UniqueConstraint(fields=["log", "type", "key"], name="one_log_entry_per_event"),
            models.CheckConstraint(condition=Q(type__in=ENTRY_TYPES), name="log_entry_type_is_known"),
        ]
        triggers = [*permanent("log_is_permanent"), *log_entry_guards]
