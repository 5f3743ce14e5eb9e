"""Files that take released payments to the bank."""

from django.db import models
from django.db.models import F, Q

from aidplatform.lib.guards import permanent
from ledger.custody.models import PaymentOrder
from ledger.custody.payment_file_triggers import file_guards, line_guards
from members.pools.models import Pool


class PaymentFile(models.Model):
    """One file: a fact. number: 1, 2, 3 … per pool. *_sha256: of the bytes, which are made anew each time."""

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="payment_files")
    number = models.PositiveIntegerField()
    order_count = models.PositiveIntegerField()
    amount_fen = models.BigIntegerField()
    made_by = models.CharField(max_length=40)
    made_at = models.DateTimeField()
    xml_sha256 = models.CharField(max_length=64)
    csv_sha256 = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pool", "number"], name="one_payment_file_per_number"),
            models.CheckConstraint(
                condition=Q(order_count__gt=0, amount_fen__gte=F("order_count")),
                name="payment_file_pays_something",
            ),
        ]
        triggers = [*permanent("payment_file_is_permanent"), *file_guards]

    def __str__(self) -> str:
        return f"{self.pool.code} payment file {self.number}"


class PaymentFileLine(models.Model):
    """That an order stands in a file: a fact, once per order."""

    file = models.ForeignKey(PaymentFile, on_delete=models.PROTECT, related_name="lines")
    order = models.ForeignKey(
        PaymentOrder, on_delete=models.PROTECT, related_name="file_lines", db_index=False
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["order"], name="one_file_per_order")]
        triggers = [*permanent("payment_file_line_is_permanent"), *line_guards]
