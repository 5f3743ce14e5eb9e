"""Memberships, the spans of time in which they are covered, and how people came to join."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from aidplatform.lib.guards import follows_order, permanent
from members.joining.triggers import (
    membership_guards,
    signature_is_of_what_was_shown,
    signed_application_stays,
    span_guards,
)
from members.pools.models import PlanVersion, Pool


class Membership(models.Model):
    """One covered person in one pool. number: 1, 2, 3 … within the pool. person: set once, or never."""

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="memberships", db_index=False)
    number = models.PositiveBigIntegerField()
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="memberships"
    )
    joined_date = models.DateField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pool", "number"], name="one_membership_per_number"),
            models.UniqueConstraint(
                fields=["pool", "person"],
                condition=Q(person__isnull=False),
                name="one_membership_per_person_and_pool",
            ),
            # Headcounts and shards count from 1 up: an id outside would never be charged.
            models.CheckConstraint(condition=Q(id__gt=0, id__lt=2**53), name="membership_id_in_range"),
        ]
        triggers = membership_guards

    def __str__(self) -> str:
        return f"{self.pool.code} #{self.number}"


class MembershipSpan(models.Model):
    """A half-open span [from_at, to_at) in which a membership is covered and counted in one class.

    recorded_at, ended_recorded_at: the real instants at which the start and the end were written, so that
    the headcount of a past freeze can be taken again and gives the same people. The end is written once; a
    row is otherwise a fact. Charges and headcounts read by (pool_id, membership_id), which is why the key
    begins with the pool.
    """

    pk = models.CompositePrimaryKey("pool_id", "membership_id", "from_at")
    pool_id = models.BigIntegerField()
    membership_id = models.BigIntegerField()
    class_no = models.SmallIntegerField(default=0)
    from_at = models.DateTimeField()
    to_at = models.DateTimeField(null=True)
    recorded_at = models.DateTimeField()
    ended_recorded_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "members_span"
        constraints = [
            models.CheckConstraint(
                condition=Q(to_at=None, ended_recorded_at=None)
                | Q(to_at__gte=F("from_at"), ended_recorded_at__gte=F("recorded_at")),
                name="span_end_is_recorded",
            ),
            models.CheckConstraint(
                condition=Q(class_no__gte=0, class_no__lte=63), name="span_class_in_range"
            ),
        ]
        triggers = span_guards


class AwaitedCover(models.Model):
    """A membership that counts, in its class, once its first payment has come: a fact. until_date: the last day."""

    membership = models.OneToOneField(
        Membership, on_delete=models.PROTECT, primary_key=True, related_name="awaited_cover"
    )
    class_no = models.SmallIntegerField()
    until_date = models.DateField()

    class Meta:
        triggers = permanent("awaited_cover_is_permanent")


class JoinApplication(models.Model):
    """How far somebody has come with joining a pool; they may go on at any time and on any device.

    identity_sealed, answers_sealed: what was entered so far, encrypted; emptied when it is signed, because the
    identity and the signature hold them from then on. understood: the four plain questions are answered.
    """

    class State(models.TextChoices):
        DRAFT = "draft"
        SIGNED = "signed"

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="applications", db_index=False)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="applications"
    )
    plan_version = models.ForeignKey(PlanVersion, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    identity_sealed = models.BinaryField(null=True)
    answers_sealed = models.BinaryField(null=True)
    understood = models.BooleanField(default=False)
    has_read_covenant = models.BooleanField(default=False)
    consent_health = models.BooleanField(default=False)
    consent_publication = models.BooleanField(default=False)
    started_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pool", "person"], name="one_application_per_person_and_pool"),
        ]
        triggers = [
            follows_order(
                "application_state_follows_order",
                "state",
                {"draft": ("signed",), "signed": ()},
                first="draft",
            ),
            signed_application_stays,
        ]


class CovenantSignature(models.Model):
    """What somebody signed when they joined: which texts, which consents, and what follows from them.

    joined_age: completed years on the day of joining; kept only where the plan's waiting period asks for it.
    eligible_date: from 00:00 (pool's zone) of that day an illness can be shared. answers_sealed: the answers of
    the declaration, encrypted. signature_sha256: hash over all of it, written by the database.
    """

    membership = models.OneToOneField(Membership, on_delete=models.PROTECT, related_name="signature")
    plan_version = models.ForeignKey(PlanVersion, on_delete=models.PROTECT, related_name="+")
    covenant_sha256 = models.CharField(max_length=64)
    declaration_sha256 = models.CharField(max_length=64)
    answers_sealed = models.BinaryField()
    consent_health = models.BooleanField()
    consent_publication = models.BooleanField()
    language = models.CharField(max_length=10)
    joined_age = models.PositiveSmallIntegerField(null=True)
    eligible_date = models.DateField()
    signed_at = models.DateTimeField()
    signature_sha256 = models.CharField(max_length=64, default="", db_default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(consent_health=True, consent_publication=True), name="signature_has_both_consents"
            ),
        ]
        triggers = [*permanent("signature_is_permanent"), signature_is_of_what_was_shown]
