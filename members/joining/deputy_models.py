"""Who may claim for a member: an emergency contact while they cannot speak, a beneficiary when they have died."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from members.joining.deputy_triggers import deputy_guards
from members.joining.models import Membership


class Deputy(models.Model):
    """That a member has named somebody with an account to claim for them; who is named agrees, either of them ends it.

    Instants are the database's own.
    """

    class Kind(models.TextChoices):
        EMERGENCY = "emergency", _("emergency contact")
        BENEFICIARY = "beneficiary", _("beneficiary")

    class State(models.TextChoices):
        ASKED = "asked", _("not answered yet")
        LIVE = "live", _("agreed")
        DECLINED = "declined", _("declined")
        ENDED = "ended", _("ended")

    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="deputies")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="deputyships")
    kind = models.CharField(max_length=12, choices=Kind)
    state = models.CharField(max_length=8, choices=State, default=State.ASKED)
    named_by = models.CharField(max_length=40)
    named_at = models.DateTimeField()
    accepted_by = models.CharField(max_length=40, null=True)
    accepted_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=40, null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["membership", "person", "kind"],
                condition=Q(state__in=["asked", "live"]),
                name="one_open_deputy_per_person_and_kind",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["emergency", "beneficiary"]), name="deputy_is_of_a_known_kind"
            ),
            models.CheckConstraint(
                condition=Q(state="asked", accepted_by=None, accepted_at=None, ended_by=None, ended_at=None)
                | Q(
                    state="live",
                    accepted_by__isnull=False,
                    accepted_at__isnull=False,
                    ended_by=None,
                    ended_at=None,
                )
                | Q(
                    state="declined",
                    accepted_by=None,
                    accepted_at=None,
                    ended_by__isnull=False,
                    ended_at__isnull=False,
                )
                | Q(
                    state="ended",
                    accepted_by__isnull=False,
                    accepted_at__isnull=False,
                    ended_by__isnull=False,
                    ended_at__isnull=False,
                ),
                name="deputy_says_since_when",
            ),
        ]
        triggers = deputy_guards

    def __str__(self) -> str:
        return f"{self.membership} {self.kind} {self.pk}"
