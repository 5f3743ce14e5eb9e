"""Links by which a member names somebody who has no account yet: handed on or mailed, used once."""

import datetime as dt

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from members.joining.deputy_link_triggers import deputy_link_guards
from members.joining.deputy_models import Deputy
from members.joining.models import Membership


class DeputyLink(models.Model):
    """A link by which one person agrees to claim for a member; only the hash of its token is kept.

    label_sealed: whom it is for, in the member's words. name_sealed: who has used it, in their own; null before.
    deputy: what came of it. made_at, expires_at, ended_at: the database's own.
    """

    class State(models.TextChoices):
        OPEN = "open", _("open")
        USED = "used", _("used")
        TAKEN_BACK = "taken_back", _("taken back")

    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="deputy_links")
    kind = models.CharField(max_length=12, choices=Deputy.Kind)
    label_sealed = models.BinaryField()
    token_sha256 = models.CharField(max_length=64)
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    made_by = models.CharField(max_length=40)
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    deputy = models.ForeignKey(
        Deputy, on_delete=models.PROTECT, null=True, related_name="links", db_index=False
    )
    name_sealed = models.BinaryField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["token_sha256"], name="one_deputy_link_per_token"),
            models.UniqueConstraint(fields=["deputy"], name="one_deputy_by_one_link"),
            models.CheckConstraint(
                condition=Q(kind__in=["emergency", "beneficiary"]), name="deputy_link_is_of_a_known_kind"
            ),
            models.CheckConstraint(
                condition=Q(state="open", deputy=None, name_sealed=None, ended_at=None)
                | Q(state="used", deputy__isnull=False, name_sealed__isnull=False, ended_at__isnull=False)
                | Q(state="taken_back", deputy=None, name_sealed=None, ended_at__isnull=False),
                name="deputy_link_says_how_it_ended",
            ),
        ]
        triggers = deputy_link_guards

    def __str__(self) -> str:
        return f"deputy link {self.pk} of {self.membership}"

    def is_live(self, now: dt.datetime) -> bool:
        """Tell whether somebody can still agree by it."""
        return self.state == self.State.OPEN and now < self.expires_at

    @property
    def context(self) -> str:
        """Return the place that its words are sealed for."""
        return f"members.deputy_link:{self.membership_id}"
