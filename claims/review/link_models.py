"""What somebody from outside takes on by a link: an investigation, an arbitration, an outside review."""

import datetime as dt
from typing import ClassVar

from django.db import models


class TakenOnByLink(models.Model):
    """A part of a case for which one link is sent: token_sha256 of the newest, link_until_at its end.

    CHANGEABLE: what may change of one, in services as in the grants; the guards say when. WAITS: in which state it
    waits for whom the link was sent to.
    """

    CHANGEABLE: ClassVar[tuple[str, ...]]
    WAITS: ClassVar[str]

    state = models.CharField(max_length=10)
    token_sha256 = models.CharField(max_length=64, null=True)
    link_until_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True

    @property
    def link_mark(self) -> str:
        """Return what tells the link that was made last from another one, and leads to neither."""
        return (self.token_sha256 or "")[:12]

    def has_link(self, at: dt.datetime) -> bool:
        """Tell whether somebody can take it on by its link now."""
        return self.state == self.WAITS and self.link_until_at is not None and at < self.link_until_at

    def step_to(self, state: str) -> None:
        """Save it in a state; days and instants are the database's own."""
        self.state = state
        self.save(update_fields=self.CHANGEABLE)
        self.refresh_from_db(fields=self.CHANGEABLE)
