"""Who asks that their name, document or birth date is corrected: with a reason and a paper, decided by two people."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.proposals import is_decided_once, names_who_decided, needs_two_people, was_proposed
from members.joining.correction_triggers import correction_guards
from members.joining.models import Membership
from members.people.erasure_triggers import nothing_of_the_erased
from members.people.models import Identity
from members.pools.models import Pool

MAX_REASON = 1000


class IdentityCorrection(models.Model):
    """That a member asks to be recorded as somebody with another name, document or birth date.

    person: null of a child without an account, for whom its guardian asks. paper_sealed: what is right, sealed for the
    place of the identity, of a child for that of its family member, which takes it over as it is. reason_sealed,
    proof_sealed: why, and which paper shows it. was_…: what stood before, written by the grant: the history of an
    identity. effective_date: the first day that counts with what is right, by which days before keep their figures.
    Number, instants, hash, date and history are the database's own; an erasure empties everything personal.
    """

    class State(models.TextChoices):
        ASKED = "asked", _("asked for")
        PROPOSED = "proposed", _("waits for a second person")
        GRANTED = "granted", _("granted")
        DECLINED = "declined", _("declined")

    pool = models.ForeignKey(
        Pool, on_delete=models.PROTECT, related_name="identity_corrections", db_index=False
    )
    number = models.PositiveIntegerField()
    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="identity_corrections")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="identity_corrections"
    )
    reason_sealed = models.BinaryField()
    proof_sealed = models.BinaryField()
    paper_sealed = models.BinaryField()
    kind = models.CharField(max_length=12, choices=Identity.Kind)
    document_index = models.BinaryField()
    birth_date = models.DateField(null=True)
    sex = models.CharField(max_length=1, blank=True, default="")
    region = models.CharField(max_length=20, blank=True, default="")
    state = models.CharField(max_length=8, choices=State, default=State.ASKED)
    asked_by = models.CharField(max_length=40)
    asked_at = models.DateTimeField()
    proposed_by = models.CharField(max_length=40, null=True)
    proposed_at = models.DateTimeField(null=True)
    shown_sha256 = models.CharField(max_length=64, default="", db_default="")
    decided_by = models.CharField(max_length=40, null=True)
    decided_at = models.DateTimeField(null=True)
    effective_date = models.DateField(null=True)
    was_sealed = models.BinaryField(null=True)
    was_recorded_at = models.DateTimeField(null=True)
    was_birth_date = models.DateField(null=True)
    was_sex = models.CharField(max_length=1, default="", db_default="")
    was_region = models.CharField(max_length=20, default="", db_default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pool", "number"], name="one_identity_correction_per_number"),
            models.UniqueConstraint(
                fields=["person"],
                condition=Q(state__in=["asked", "proposed"]),
                name="one_open_identity_correction",
            ),
            models.UniqueConstraint(
                fields=["membership"],
                condition=Q(state__in=["asked", "proposed"], person=None),
                name="one_open_correction_of_a_child",
            ),
            was_proposed("granted_correction_was_proposed"),
            names_who_decided("identity_correction_names_who_decided"),
            needs_two_people("identity_correction_needs_two_people"),
            models.CheckConstraint(
                condition=Q(state="granted", effective_date__isnull=False, was_sealed__isnull=False)
                | ~Q(state="granted") & Q(effective_date=None, was_sealed=None, was_recorded_at=None),
                name="granted_correction_has_its_history",
            ),
        ]
        triggers = [
            is_decided_once("identity_correction_is_decided_once"),
            nothing_of_the_erased("correction"),
            *correction_guards,
        ]

    def __str__(self) -> str:
        return f"{self.pool.code} identity correction {self.number}"

    def context(self, part: str) -> str:
        """Return the place a text is sealed for."""
        return f"members.identitycorrection:{self.pool_id}:{self.number}:{part}"
