"""Memberships and the spans of time in which they are covered."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from members.joining.triggers import membership_guards, span_guards
from members.pools.models import Pool


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
