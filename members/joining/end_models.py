"""Memberships that are over for good, and why."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.guards import follows_order, permanent
from members.joining.end_triggers import end_guards, report_guards
from members.joining.models import Membership
from members.pools.models import Pool


class MembershipEnd(models.Model):
    """That a membership is over, and why: a fact. end_date: the first day without cover (pool's zone).

    reference: what shows it: the case whose aid ended it, the paper of a death. A suspension is no end, nor is the end
    of a whole pool, which its notice records for everybody.
    """

    class Reason(models.TextChoices):
        LEFT = "left", _("left")
        REMOVED = "removed", _("removed")
        AIDED = "aided", _("ended with an aid")
        AGED_OUT = "aged_out", _("reached the age at which the plan ends")
        DECEASED = "deceased", _("died")
        LAPSED = "lapsed", _("lapsed: no payment came in time")
        ILL = "ill", _("fell ill in the waiting period")
        SILENT = "silent", _("had not agreed when new rules came into force")

    membership = models.OneToOneField(
        Membership, on_delete=models.PROTECT, primary_key=True, related_name="end"
    )
    reason = models.CharField(max_length=8, choices=Reason)
    end_date = models.DateField()
    reference = models.CharField(max_length=200, blank=True)
    recorded_by = models.CharField(max_length=40)
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    reason__in=[
                        "left",
                        "removed",
                        "aided",
                        "aged_out",
                        "deceased",
                        "lapsed",
                        "ill",
                        "silent",
                    ]
                ),
                name="membership_end_has_a_reason",
            ),
        ]
        triggers = [*permanent("membership_end_is_permanent"), *end_guards]

    def __str__(self) -> str:
        return f"{self.membership} {self.reason}"


REPORTED = [
    (reason.value, reason.label) for reason in (MembershipEnd.Reason.DECEASED, MembershipEnd.Reason.REMOVED)
]


class ReportedEnd(models.Model):
    """That a member has died, or is to be removed: reported by one person, confirmed by another.

    event_date: the day of the death. reference: the paper that proves it, or the clause of the covenant that a removal
    rests on; statement: what a removed member did. number, reported_at, decided_at and shown_sha256 are the database's
    own; a confirmation names the hash.
    """

    class State(models.TextChoices):
        OPEN = "open", _("waits for a second person")
        CONFIRMED = "confirmed", _("confirmed")
        WITHDRAWN = "withdrawn", _("withdrawn")

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="reported_ends")
    number = models.PositiveIntegerField()
    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="reported_ends")
    reason = models.CharField(
        max_length=8,
        choices=REPORTED,
    )
    event_date = models.DateField(null=True)
    reference = models.CharField(max_length=200)
    statement = models.TextField(blank=True)
    state = models.CharField(max_length=9, choices=State, default=State.OPEN)
    shown_sha256 = models.CharField(max_length=64, default="", db_default="")
    reported_by = models.CharField(max_length=40)
    reported_at = models.DateTimeField()
    decided_by = models.CharField(max_length=40, null=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pool", "number"], name="one_reported_end_per_number"),
            models.UniqueConstraint(
                fields=["membership"],
                condition=Q(state="open"),
                name="one_open_reported_end_per_membership",
            ),
            models.CheckConstraint(
                condition=~Q(reference="")
                & (
                    Q(reason="deceased", event_date__isnull=False)
                    | Q(reason="removed", event_date=None) & ~Q(statement="")
                ),
                name="reported_end_says_why",
            ),
            models.CheckConstraint(
                condition=Q(decided_by=None) | ~Q(state="confirmed") | ~Q(decided_by=F("reported_by")),
                name="reported_end_needs_two_people",
            ),
            models.CheckConstraint(
                condition=Q(state="open", decided_by=None, decided_at=None)
                | Q(state__in=["confirmed", "withdrawn"], decided_by__isnull=False, decided_at__isnull=False),
                name="reported_end_names_who_decided",
            ),
        ]
        triggers = [
            follows_order(
                "reported_end_is_decided_once",
                "state",
                {"open": ("confirmed", "withdrawn"), "confirmed": (), "withdrawn": ()},
                first="open",
            ),
            *report_guards,
        ]

    def __str__(self) -> str:
        return f"{self.pool.code} reported end {self.number}"
