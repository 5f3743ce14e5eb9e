"""The columns of what one person proposes and another agrees to."""

import datetime as dt

from django.db import models
from django.utils.translation import gettext_lazy as _

DECIDED_WITHIN = dt.timedelta(days=7)


class Proposal(models.Model):
    """A proposal, which another person agrees to or either takes back. The instants are the database's own."""

    class State(models.TextChoices):
        PROPOSED = "proposed", _("waits for a second person")
        AGREED = "agreed", _("agreed")
        WITHDRAWN = "withdrawn", _("withdrawn")

    pool_id: int
    state = models.CharField(max_length=9, choices=State, default=State.PROPOSED)
    proposed_by = models.CharField(max_length=40)
    proposed_at = models.DateTimeField()
    decided_by = models.CharField(max_length=40, null=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True

    @property
    def due_at(self) -> dt.datetime:
        """Return by when a controller should have answered; nothing happens by itself."""
        return self.proposed_at + DECIDED_WITHIN
