"""Who asks to speak for a child whose guardian has died or left: with a proof of the right, decided by two people."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.proposals import is_decided_once, names_who_decided, needs_two_people, was_proposed
from members.joining.guardian_triggers import request_guards
from members.joining.models import CovenantSignature, JoinApplication, Membership
from members.pools.models import Pool

MAX_PROOF = 1000


class GuardianRequest(models.Model):
    """That an adult of the pool asks to become the guardian of a child that has none there.

    previous: the guardian until then. proof: sealed; the paper that gives the right, such as a court's order. capacity:
    whether the child, from 14 years on, agrees. covenant_sha256 and consents: what the new guardian agrees to for the
    child, again. Number, instants and shown_sha256 are the database's own; whoever grants it names the hash.
    """

    class State(models.TextChoices):
        ASKED = "asked", _("asked for")
        PROPOSED = "proposed", _("waits for a second person")
        GRANTED = "granted", _("granted")
        DECLINED = "declined", _("declined")

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="guardian_requests", db_index=False)
    number = models.PositiveIntegerField()
    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="guardian_requests")
    previous = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    asker = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="asked_guardianships")
    relation = models.CharField(max_length=8, choices=JoinApplication.Relation)
    proof_sealed = models.BinaryField()
    capacity = models.CharField(max_length=10, choices=CovenantSignature.Capacity)
    covenant_sha256 = models.CharField(max_length=64)
    consent_health = models.BooleanField()
    consent_publication = models.BooleanField()
    state = models.CharField(max_length=8, choices=State, default=State.ASKED)
    asked_by = models.CharField(max_length=40)
    asked_at = models.DateTimeField()
    proposed_by = models.CharField(max_length=40, null=True)
    proposed_at = models.DateTimeField(null=True)
    shown_sha256 = models.CharField(max_length=64, default="", db_default="")
    decided_by = models.CharField(max_length=40, null=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pool", "number"], name="one_guardian_request_per_number"),
            models.UniqueConstraint(
                fields=["membership"],
                condition=Q(state__in=["asked", "proposed"]),
                name="one_open_guardian_request_per_child",
            ),
            models.CheckConstraint(
                condition=Q(consent_health=True, consent_publication=True), name="new_guardian_consents"
            ),
            was_proposed("granted_guardian_was_proposed"),
            names_who_decided("guardian_request_names_who_decided"),
            needs_two_people("guardian_change_needs_two_people"),
        ]
        triggers = [
            is_decided_once("guardian_request_is_decided_once"),
            *request_guards,
        ]

    def __str__(self) -> str:
        return f"{self.pool.code} guardian request {self.number}"

    @property
    def proof_context(self) -> str:
        """Return the place the proof is sealed for."""
        return f"members.guardianrequest:{self.pool_id}:{self.number}:proof"
