"""Who witnesses the log of a pool, and what the witnesses have signed."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.proposals import is_agreed_by_another, is_agreed_once
from ledger.openbooks.checkpoint_models import Checkpoint
from ledger.openbooks.witness_triggers import answer_guards, cosignature_guards, policy_guards
from members.pools.models import Pool


class WitnessPolicy(models.Model):
    """Witnesses of a pool's log and how many of them are needed: proposed by a pool admin, approved by a second person.

    number: 1, 2, 3 … per pool, given by the database like the instants. text: lines of c2sp.org/tlog-policy without the
    log's own. The newest approved one is in force, and stands in the log as `policy.set`.
    """

    class State(models.TextChoices):
        PROPOSED = "proposed", _("waits for a second person")
        APPROVED = "approved", _("approved")
        WITHDRAWN = "withdrawn", _("withdrawn")

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="witness_policies", db_index=False)
    number = models.PositiveIntegerField()
    text = models.TextField()
    state = models.CharField(max_length=9, choices=State, default=State.PROPOSED)
    proposed_by = models.CharField(max_length=40)
    proposed_at = models.DateTimeField()
    decided_by = models.CharField(max_length=40, null=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pool", "number"], name="one_witness_policy_per_number"),
            models.UniqueConstraint(
                fields=["pool"], condition=Q(state="proposed"), name="one_waiting_witness_policy_per_pool"
            ),
            is_agreed_by_another("witness_policy_needs_two_people", "approved"),
        ]
        triggers = [
            is_agreed_once("witness_policy_is_decided_once", "approved"),
            *policy_guards,
        ]

    def __str__(self) -> str:
        return f"{self.pool.code} witnesses {self.number}"


class Cosignature(models.Model):
    """The line by which a witness has signed a checkpoint: a fact.

    name: of the witness's key. signed_at: the time that is part of what the witness signed, by the witness's clock.
    """

    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="cosignatures")
    name = models.CharField(max_length=255)
    line = models.TextField()
    signed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["checkpoint", "name"], name="one_cosignature_per_witness")
        ]
        triggers = cosignature_guards


class WitnessRefusal(models.Model):
    """That a witness would not sign a checkpoint, and what it said: a fact, told to everyone.

    status: of its answer, 409 where it has seen another log. said: the beginning of the answer.
    """

    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="refusals")
    name = models.CharField(max_length=255)
    status = models.PositiveSmallIntegerField()
    said = models.CharField(max_length=200)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["checkpoint", "name", "status"], name="one_refusal_per_witness_and_status"
            )
        ]
        triggers = answer_guards
