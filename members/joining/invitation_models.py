"""Invitations to join a pool: a link that a member hands on, and who has joined by it."""

import datetime as dt

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from members.joining.invitation_triggers import invitation_guards
from members.joining.models import Membership
from members.pools.models import Pool


class Invitation(models.Model):
    """A link by which one person may join a pool; only the hash of its token is kept.

    label_sealed: whom it is for, for the inviter's own overview. pays: the inviter pays for who joins by it, once they
    do. made_at, expires_at, ended_at: the database's own. used_by: who has joined by it, from their signature on for
    good: whoever invited somebody is near to them.
    """

    class State(models.TextChoices):
        OPEN = "open", _("open")
        USED = "used", _("used")
        TAKEN_BACK = "taken_back", _("taken back")

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="+", db_index=False)
    inviter = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="invitations")
    token_sha256 = models.CharField(max_length=64)
    label_sealed = models.BinaryField()
    pays = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_by = models.ForeignKey(Membership, on_delete=models.PROTECT, null=True, related_name="+")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["token_sha256"], name="one_invitation_per_token"),
            models.UniqueConstraint(
                fields=["used_by"], condition=Q(used_by__isnull=False), name="one_joins_by_one_invitation"
            ),
            models.CheckConstraint(
                condition=Q(state="open", used_by=None, ended_at=None)
                | Q(state="used", used_by__isnull=False, ended_at__isnull=False)
                | Q(state="taken_back", used_by=None, ended_at__isnull=False),
                name="invitation_says_how_it_ended",
            ),
        ]
        triggers = invitation_guards

    def __str__(self) -> str:
        return f"invitation {self.pk} of {self.inviter}"

    def is_live(self, now: dt.datetime) -> bool:
        """Tell whether somebody can still join by it."""
        return self.state == self.State.OPEN and now < self.expires_at
