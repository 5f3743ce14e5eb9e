"""Debits: files of instructions to the collecting agent, what it answered, and members' wish to be tried again.

All of these are facts. Sending a file posts nothing; an answer of the agent does.
"""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.guards import permanent
from ledger.custody.charge_triggers import (
    file_guards,
    instruction_guards,
    result_file_guards,
    result_guards,
    retry_guards,
)
from ledger.custody.mandate_models import DebitMandate
from members.joining.models import Membership
from members.pools.models import Pool


def end_to_end_id(pool_id: int, payer_no: int, period_no: int, attempt: int) -> str:
    """Return what bank and agent call an instruction: whose debit, of which period, which attempt."""
    return f"AID-{pool_id}-{payer_no}-{period_no}-{attempt}"


class ChargeFile(models.Model):
    """One file of instructions for a period: a fact. number: 1, 2, 3 … per pool, given by the database.

    first_no, last_no: the membership numbers of its first and last payer. made_date: in the pool's zone.
    """

    class Scheme(models.TextChoices):
        SEPA = "sepa", _("SEPA direct debit")
        CARD = "card", _("bank card")

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="charge_files", db_index=False)
    number = models.PositiveIntegerField()
    period_no = models.PositiveIntegerField()
    scheme = models.CharField(max_length=4, choices=Scheme)
    instruction_count = models.PositiveIntegerField()
    amount_fen = models.BigIntegerField()
    first_no = models.BigIntegerField()
    last_no = models.BigIntegerField()
    made_by = models.CharField(max_length=40)
    made_date = models.DateField()
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pool", "number"], name="one_charge_file_per_number"),
            models.CheckConstraint(
                condition=Q(instruction_count__gt=0, amount_fen__gt=0), name="charge_file_asks_for_money"
            ),
        ]
        triggers = [*permanent("charge_file_is_permanent"), *file_guards]

    def __str__(self) -> str:
        return f"{self.pool.code} charge file {self.number}"


class ChargeExport(models.Model):
    """The bytes that a file has in a form, by their hash: a fact, kept when the file is made.

    Whoever exports it again gets these bytes, or an error.
    """

    class Format(models.TextChoices):
        CSV = "csv", "CSV"
        XML = "xml", "pain.008"

    file = models.ForeignKey(ChargeFile, on_delete=models.PROTECT, related_name="exports", db_index=False)
    format = models.CharField(max_length=3, choices=Format)
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["file", "format"], name="one_export_per_file_and_format"),
        ]
        triggers = permanent("charge_export_is_permanent")


class ChargeInstruction(models.Model):
    """One debit of one payer for a period: a fact.

    payer_id, payer_no: the membership that is debited and its number; it may pay for others. attempt: 1, 2, 3 … of
    payer and period. mandate_no, signed_date: of the mandate, as the file names them. is_first: nothing was debited by
    this mandate before: the longer notice holds. amount_fen: what of the period was open when the file was made.
    """

    file = models.ForeignKey(ChargeFile, on_delete=models.PROTECT, related_name="instructions")
    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="+", db_index=False)
    period_no = models.PositiveIntegerField()
    payer_id = models.BigIntegerField()
    payer_no = models.BigIntegerField()
    attempt = models.PositiveSmallIntegerField()
    mandate = models.ForeignKey(DebitMandate, on_delete=models.PROTECT, related_name="instructions")
    mandate_no = models.PositiveIntegerField()
    signed_date = models.DateField()
    is_first = models.BooleanField()
    collection_date = models.DateField()
    amount_fen = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["pool", "payer_id", "period_no", "attempt"],
                name="one_instruction_per_payer_period_and_attempt",
            ),
            models.CheckConstraint(
                condition=Q(amount_fen__gt=0, amount_fen__lt=2**53, attempt__gt=0),
                name="instruction_asks_for_money",
            ),
        ]
        triggers = [*permanent("charge_instruction_is_permanent"), *instruction_guards]

    def __str__(self) -> str:
        return self.end_to_end_id

    @property
    def end_to_end_id(self) -> str:
        """Return what bank and agent call it."""
        return end_to_end_id(self.pool_id, self.payer_no, self.period_no, self.attempt)

    @property
    def mandate_reference(self) -> str:
        """Return what the bank calls the mandate."""
        return f"AID-{self.pool_id}-{self.payer_no}-{self.mandate_no}"


class ChargeResultFile(models.Model):
    """One imported answer of the agent: a fact. number: per pool, given by the database.

    agent_number: what the agent calls it. line_count: results that were new; dropped_lines: those that were known;
    pending_lines: those that say nothing final yet. *_fen: what the new ones come to.
    """

    class Format(models.TextChoices):
        CSV = "csv", "CSV"
        PAIN = "pain.002", "pain.002"

    pool = models.ForeignKey(
        Pool, on_delete=models.PROTECT, related_name="charge_result_files", db_index=False
    )
    number = models.PositiveIntegerField()
    agent_number = models.CharField(max_length=40, blank=True)
    format = models.CharField(max_length=8, choices=Format)
    sha256 = models.CharField(max_length=64)
    line_count = models.PositiveIntegerField()
    dropped_lines = models.PositiveIntegerField(default=0)
    pending_lines = models.PositiveIntegerField(default=0)
    collected_fen = models.BigIntegerField()
    rejected_fen = models.BigIntegerField()
    returned_fen = models.BigIntegerField()
    imported_by = models.CharField(max_length=40)
    imported_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pool", "number"], name="one_result_file_per_number"),
            models.UniqueConstraint(fields=["pool", "sha256"], name="one_result_file_per_content"),
            models.CheckConstraint(condition=Q(line_count__gt=0), name="result_file_says_something"),
        ]
        triggers = [*permanent("charge_result_file_is_permanent"), *result_file_guards]

    def __str__(self) -> str:
        return f"{self.pool.code} debit results {self.number}"


class ChargeResult(models.Model):
    """What became of an instruction, as the agent says: a fact. reason: the code of the bank, e.g. AM04; may be empty.

    result_date: the day of which the agent speaks.
    """

    class Kind(models.TextChoices):
        COLLECTED = "collected", _("collected")
        REJECTED = "rejected", _("not carried out")
        RETURNED = "returned", _("taken back")

    result_file = models.ForeignKey(ChargeResultFile, on_delete=models.PROTECT, related_name="results")
    instruction = models.ForeignKey(
        ChargeInstruction, on_delete=models.PROTECT, related_name="results", db_index=False
    )
    kind = models.CharField(max_length=9, choices=Kind)
    amount_fen = models.BigIntegerField()
    reason = models.CharField(max_length=4, blank=True)
    result_date = models.DateField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["instruction", "kind"], name="one_result_per_instruction_and_kind"
            ),
        ]
        triggers = [*permanent("charge_result_is_permanent"), *result_guards]


class DebitRetry(models.Model):
    """That a member wants what failed to be debited again with the next file: a fact, once a day."""

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="+", db_index=False)
    membership = models.ForeignKey(
        Membership, on_delete=models.PROTECT, related_name="debit_retries", db_index=False
    )
    asked_by = models.CharField(max_length=40)
    asked_date = models.DateField()
    asked_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["membership", "asked_date"], name="one_retry_a_day"),
        ]
        triggers = [*permanent("debit_retry_is_permanent"), *retry_guards]
