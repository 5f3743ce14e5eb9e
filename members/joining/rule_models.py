"""What members answer to new rules, and that those who have not answered were reminded."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from members.joining.models import Membership
from members.joining.rule_triggers import consent_guards, reminder_guards
from members.pools.models import PlanVersion, Pool


class RuleConsent(models.Model):
    """That a membership agrees to a change of the rules before it comes into force: a fact.

    Who has not answered has no row: publishing writes none. shown_sha256: the database's own hash of what two people
    published, see PlanProposal. given_by: who agreed, the member or, for a child without an account, the guardian.
    """

    class Capacity(models.TextChoices):
        SELF = "self", _("for themselves")
        GUARDIAN = "guardian", _("as guardian")

    membership = models.ForeignKey(
        Membership, on_delete=models.PROTECT, related_name="rule_consents", db_index=False
    )
    plan_version = models.ForeignKey(PlanVersion, on_delete=models.PROTECT, related_name="consents")
    shown_sha256 = models.CharField(max_length=64)
    capacity = models.CharField(max_length=8, choices=Capacity)
    given_by = models.CharField(max_length=40)
    language = models.CharField(max_length=10)
    given_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["membership", "plan_version"], name="one_consent_per_version"),
            models.CheckConstraint(condition=~Q(language=""), name="consent_names_its_language"),
        ]
        triggers = consent_guards

    def __str__(self) -> str:
        return f"{self.membership} to {self.plan_version}"


class RuleReminder(models.Model):
    """That whoever had not answered to a change of the rules was reminded, once, by whom and when: a fact."""

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="+", db_index=False)
    plan_version = models.ForeignKey(PlanVersion, on_delete=models.PROTECT, related_name="reminders")
    sent_by = models.CharField(max_length=40)
    sent_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["plan_version"], name="one_reminder_per_version"),
        ]
        triggers = reminder_guards

    def __str__(self) -> str:
        return f"reminder of {self.plan_version}"
