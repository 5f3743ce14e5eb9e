"""The rolls of periods: who shares, by commitments, with the roots of its subtrees."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from ledger.sharing.models import Period
from ledger.sharing.roll_triggers import roll_guards, subtree_guards


class Roll(models.Model):
    """A roll of a period: a fact. freeze: its members and classes; close: their amounts as well.

    classes: the numbers of the classes that it has, in their order. counts: members by these classes at the rate, then
    by the same classes those with an own amount. own_fen: the sum of own amounts. root, head: hashes of the tree.
    """

    class Stage(models.TextChoices):
        FREEZE = "freeze"
        CLOSE = "close"

    period = models.ForeignKey(Period, on_delete=models.PROTECT, related_name="rolls", db_index=False)
    stage = models.CharField(max_length=8, choices=Stage)
    size = models.BigIntegerField()
    classes = ArrayField(models.SmallIntegerField())
    counts = ArrayField(models.BigIntegerField())
    own_fen = models.BigIntegerField()
    root = models.BinaryField(max_length=32)
    head = models.BinaryField(max_length=32)
    built_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["period", "stage"], name="one_roll_per_period_and_stage"),
            models.CheckConstraint(condition=Q(stage__in=["freeze", "close"]), name="roll_stage_is_known"),
        ]
        triggers = roll_guards

    def __str__(self) -> str:
        return f"{self.period} {self.stage}"


class RollSubtree(models.Model):
    """The root of 1,024 leaves of a roll, and what they are made of: a fact.

    first: the first commitment. records: of the freeze each commitment with the place of its class, of the close only
    own amounts with their place in the subtree: all others pay the rate. They are kept and not computed anew, because
    who was erased since has no secret any more, and their line stays.
    """

    period = models.ForeignKey(Period, on_delete=models.PROTECT, related_name="+", db_index=False)
    stage = models.CharField(max_length=8, choices=Roll.Stage)
    number = models.PositiveIntegerField()
    size = models.PositiveSmallIntegerField()
    first = models.BinaryField(max_length=32)
    records = models.BinaryField()
    counts = ArrayField(models.BigIntegerField())
    own_fen = models.BigIntegerField()
    hash = models.BinaryField(max_length=32)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["period", "stage", "number"], name="one_roll_subtree_per_number"),
        ]
        triggers = subtree_guards
