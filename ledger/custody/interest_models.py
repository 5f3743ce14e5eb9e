"""The operator's interests, and what it reports of its income: proposed by a pool admin, confirmed by a controller."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.proposals import is_agreed_by_another
from ledger.custody.interest_triggers import income_guards, interest_guards
from ledger.sharing.models import Period
from members.pools.models import Pool


class State(models.TextChoices):
    """Where a row stands."""

    PROPOSED = "proposed", _("waits for a second person")
    CONFIRMED = "confirmed", _("confirmed")
    WITHDRAWN = "withdrawn", _("withdrawn")


class OperatorInterest(models.Model):
    """A company or body with which who runs the pool has to do, what it is, and for how long.

    number: 1, 2, 3 … per pool, given by the database like the instants. since_date, until_date: half-open; None: it
    goes on. replaces: the number of the confirmed one whose place this takes, once confirmed, say because it has ended.
    """

    class Kind(models.TextChoices):
        REFERRAL = "referral", _("pays for referrals")
        SPONSOR = "sponsor", _("sponsors the pool")
        OWNER = "owner", _("owns it, or is owned by it")
        SUPPLIER = "supplier", _("sells it something")
        OTHER = "other", _("something else")

    pool = models.ForeignKey(
        Pool, on_delete=models.PROTECT, related_name="operator_interests", db_index=False
    )
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=8, choices=Kind)
    partner = models.CharField(max_length=120)
    relation = models.CharField(max_length=300)
    since_date = models.DateField()
    until_date = models.DateField(null=True)
    replaces = models.PositiveIntegerField(null=True)
    state = models.CharField(max_length=9, choices=State, default=State.PROPOSED)
    proposed_by = models.CharField(max_length=40)
    proposed_at = models.DateTimeField()
    decided_by = models.CharField(max_length=40, null=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pool", "number"], name="one_interest_per_number"),
            models.UniqueConstraint(
                fields=["pool", "replaces"],
                condition=Q(state="confirmed", replaces__isnull=False),
                name="interest_is_replaced_once",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["referral", "sponsor", "owner", "supplier", "other"])
                & Q(partner__regex=r"\S", relation__regex=r"\S"),
                name="interest_says_with_whom_and_what",
            ),
            models.CheckConstraint(
                condition=Q(until_date=None) | Q(until_date__gt=F("since_date")),
                name="interest_ends_after_it_began",
            ),
            is_agreed_by_another("interest_needs_two_people", State.CONFIRMED.value),
        ]
        triggers = interest_guards

    def __str__(self) -> str:
        return f"{self.pool.code} interest {self.number}"


class IncomeReport(models.Model):
    """What who runs the pool reports of a posted period: its income from referrals and from sponsors (fen); 0 is said.

    The newest confirmed one of a period holds. sponsor_fen: beyond what the plan has a sponsor bear, which stands in
    the bill.
    """

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="income_reports", db_index=False)
    number = models.PositiveIntegerField()
    period = models.ForeignKey(Period, on_delete=models.PROTECT, related_name="income_reports")
    referral_fen = models.BigIntegerField()
    sponsor_fen = models.BigIntegerField()
    note = models.CharField(max_length=300, blank=True)
    state = models.CharField(max_length=9, choices=State, default=State.PROPOSED)
    proposed_by = models.CharField(max_length=40)
    proposed_at = models.DateTimeField()
    decided_by = models.CharField(max_length=40, null=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pool", "number"], name="one_income_report_per_number"),
            models.UniqueConstraint(
                fields=["period"], condition=Q(state="proposed"), name="one_waiting_income_report_per_period"
            ),
            models.CheckConstraint(
                condition=Q(
                    referral_fen__gte=0, referral_fen__lt=2**53, sponsor_fen__gte=0, sponsor_fen__lt=2**53
                ),
                name="income_report_is_an_amount",
            ),
            is_agreed_by_another("income_report_needs_two_people", State.CONFIRMED.value),
        ]
        triggers = income_guards

    def __str__(self) -> str:
        return f"{self.pool.code} income report {self.number}"
