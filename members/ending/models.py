"""How a pool ends: what two people propose, and the notice with everything that follows from it."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from members.ending.triggers import ending_guards, proposal_guards
from members.pools.models import PlanVersion, Pool


class EndingProposal(models.Model):
    """An admin's proposal to end an open pool, which a controller confirms as it was shown; never edited.

    plan_version: the rules in force when it was proposed, by which it ends. reason: what members are told about why.
    cover_end_date, run_off_end_date: days of the pool's zone, half-open. shown_sha256: the database's hash of all this.
    """

    class State(models.TextChoices):
        OPEN = "open", _("waits for a second person")
        CONFIRMED = "confirmed", _("confirmed")
        WITHDRAWN = "withdrawn", _("withdrawn")

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="ending_proposals")
    number = models.PositiveIntegerField()
    plan_version = models.ForeignKey(PlanVersion, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField()
    cover_end_date = models.DateField()
    run_off_end_date = models.DateField()
    shown_sha256 = models.CharField(max_length=64, default="", db_default="")
    proposed_by = models.CharField(max_length=40)
    proposed_at = models.DateTimeField()
    state = models.CharField(max_length=20, choices=State, default=State.OPEN)
    decided_by = models.CharField(max_length=40, default="", db_default="")
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pool", "number"], name="one_ending_proposal_per_number"),
            models.UniqueConstraint(
                fields=["pool"], condition=Q(state="open"), name="one_open_ending_proposal_per_pool"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="ending_proposal_says_why"),
            models.CheckConstraint(
                condition=Q(state="open", decided_by="", decided_at=None)
                | (~Q(state="open") & ~Q(decided_by="") & Q(decided_at__isnull=False)),
                name="ending_proposal_names_who_decided",
            ),
        ]
        triggers = proposal_guards

    def __str__(self) -> str:
        return f"{self.pool.code} ending proposal {self.number}"


class PoolEnding(models.Model):
    """The notice that a pool ends; from then on nobody joins. Every figure is the database's own.

    cause floor: at two headcounts running below it; first_headcount, second_headcount, floor_members say which (the
    floor of the second). cause decision: the proposal that confirmed_by agreed to. as_of: 00:00 of notice_date; who was
    covered then, as it was known at recorded_at, bears the run-off: bearers, by class in counts {class_no: members}.
    after_period_no: periods of a later number are shared by these and nobody else. Days of the pool's zone, half-open:
    covered until 00:00 of cover_end_date, cases filed before 00:00 of run_off_end_date. run_off_cap_fen: what one
    of them pays for these periods in all at most; None: without end.
    cancelled_*: a headcount at or above the floor before the end of cover called it off.
    """

    class Cause(models.TextChoices):
        FLOOR = "floor", _("below its floor at two headcounts running")
        DECISION = "decision", _("decided by two people")

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="endings")
    number = models.PositiveIntegerField()
    cause = models.CharField(max_length=10, choices=Cause)
    proposal = models.OneToOneField(
        EndingProposal, on_delete=models.PROTECT, null=True, related_name="ending"
    )
    confirmed_by = models.CharField(max_length=40, default="", db_default="")
    plan_version = models.ForeignKey(PlanVersion, on_delete=models.PROTECT, related_name="+")
    given_at = models.DateTimeField()
    notice_date = models.DateField()
    as_of = models.DateTimeField()
    recorded_at = models.DateTimeField()
    bearers = models.BigIntegerField()
    counts = models.JSONField()
    after_period_no = models.PositiveIntegerField()
    first_headcount = models.BigIntegerField(null=True)
    second_headcount = models.BigIntegerField(null=True)
    floor_members = models.BigIntegerField(null=True)
    cover_end_date = models.DateField()
    run_off_end_date = models.DateField()
    run_off_cap_fen = models.BigIntegerField(null=True)
    cancelled_at = models.DateTimeField(null=True)
    cancelled_period_no = models.PositiveIntegerField(null=True)
    cancelled_headcount = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pool", "number"], name="one_ending_per_number"),
            models.UniqueConstraint(
                fields=["pool"], condition=Q(cancelled_at=None), name="one_ending_per_pool"
            ),
            models.CheckConstraint(
                condition=Q(cause="decision", proposal__isnull=False, floor_members=None)
                | Q(
                    cause="floor",
                    proposal=None,
                    first_headcount__isnull=False,
                    second_headcount__isnull=False,
                    floor_members__isnull=False,
                ),
                name="ending_has_its_cause",
            ),
            models.CheckConstraint(
                condition=Q(cancelled_at=None, cancelled_period_no=None, cancelled_headcount=None)
                | Q(
                    cancelled_at__isnull=False,
                    cancelled_period_no__isnull=False,
                    cancelled_headcount__isnull=False,
                ),
                name="ending_called_off_by_a_headcount",
            ),
        ]
        triggers = ending_guards

    def __str__(self) -> str:
        return f"{self.pool.code} ending {self.number}"
