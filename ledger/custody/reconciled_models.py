"""What the daily reconciliation of a pool found: one fact a day."""

from django.db import models
from django.db.models import F, Q

from aidplatform.lib.guards import permanent
from ledger.custody.reconciled_triggers import reconciled_guards
from members.pools.models import Pool


class ReconciledDay(models.Model):
    """The reconciliation of a pool's bank account on a day in its zone: a fact.

    statement_no, bank_fen: the last statement by then and its closing balance. explained_fen: what orders and receipts
    make of the first opening balance. ledger_fen: the books. verdicts: what is to be said of each rule, with the
    figures that differ (`reconciled_rules.to_json`). broken: how many rules are broken.
    """

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="reconciled_days", db_index=False)
    day = models.DateField()
    statement_no = models.PositiveIntegerField()
    bank_fen = models.BigIntegerField()
    explained_fen = models.BigIntegerField()
    ledger_fen = models.BigIntegerField()
    verdicts = models.JSONField()
    broken = models.PositiveSmallIntegerField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pool", "day"], name="one_reconciliation_per_pool_and_day"),
            models.CheckConstraint(
                condition=Q(broken__gt=0) | Q(bank_fen=F("explained_fen"), ledger_fen=F("bank_fen")),
                name="difference_breaks_a_rule",
            ),
        ]
        triggers = [*permanent("reconciliation_is_permanent"), *reconciled_guards]

    def __str__(self) -> str:
        return f"{self.pool.code} {self.day}"
