"""Complaints of people who have to do with a pool."""

import datetime as dt

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from members.people.erasure_triggers import nothing_of_the_erased
from members.pools.models import Pool
from members.rights.triggers import complaint_guards

LONGEST_TEXT = 4000


class Complaint(models.Model):
    """One complaint: what it is about, until when it is to be answered, by whom it was, and what came of it.

    year, number: 1, 2, 3 … of the pool in the year of its zone. about, reference: from a short list, and a claim or the
    number of a period of the complainant's own. text, answer, remark, second: sealed. The complainant says whether the
    answer settles it, or passes it on once, to a second person; remark: why.
    """

    class About(models.TextChoices):
        CLAIM = "claim", _("a claim")
        SHARE = "share", _("a share or a payment")
        JOINING = "joining", _("joining or leaving")
        RULES = "rules", _("the rules or how they were changed")
        DATA = "data", _("my data")
        ADMIN = "admin", _("a pool admin")
        OTHER = "other", _("something else")

    class State(models.TextChoices):
        FILED = "filed", _("waits for an answer")
        ANSWERED = "answered", _("answered")
        SETTLED = "settled", _("settled")
        PASSED_ON = "passed_on", _("waits for a second person")
        CLOSED = "closed", _("answered a second time")

    WAITING = (State.FILED, State.PASSED_ON)

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="complaints", db_index=False)
    year = models.PositiveSmallIntegerField()
    number = models.PositiveIntegerField()
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="complaints")
    about = models.CharField(max_length=8, choices=About)
    reference = models.CharField(max_length=20, blank=True)
    text_sealed = models.BinaryField()
    filed_at = models.DateTimeField()
    due_date = models.DateField()
    state = models.CharField(max_length=9, choices=State, default=State.FILED)
    answer_sealed = models.BinaryField(null=True)
    answered_by = models.CharField(max_length=40, null=True)
    answered_at = models.DateTimeField(null=True)
    judged_at = models.DateTimeField(null=True)
    remark_sealed = models.BinaryField(null=True)
    second_due_date = models.DateField(null=True)
    second_sealed = models.BinaryField(null=True)
    second_by = models.CharField(max_length=40, null=True)
    second_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pool", "year", "number"], name="one_complaint_per_number"),
            models.CheckConstraint(
                condition=Q(about__in=["claim", "share", "joining", "rules", "data", "admin", "other"]),
                name="complaint_is_about_something_known",
            ),
            models.CheckConstraint(
                condition=Q(state="filed")
                | Q(answer_sealed__isnull=False, answered_by__isnull=False, answered_at__isnull=False)
                & (
                    Q(state="answered")
                    | Q(state="settled", judged_at__isnull=False, second_due_date=None)
                    | Q(
                        state="passed_on",
                        judged_at__isnull=False,
                        remark_sealed__isnull=False,
                        second_due_date__isnull=False,
                    )
                    | Q(
                        state="closed",
                        second_sealed__isnull=False,
                        second_by__isnull=False,
                        second_at__isnull=False,
                    )
                ),
                name="complaint_is_answered_whole",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_date"], condition=Q(state__in=["filed", "passed_on"]), name="complaint_waiting"
            ),
        ]
        triggers = [*complaint_guards, nothing_of_the_erased("complaint")]

    def __str__(self) -> str:
        return f"{self.year}/{self.number}"

    def place_of(self, part: str) -> str:
        """Return the place a part of it is sealed for."""
        return f"members.complaint:{self.pool_id}:{self.year}:{self.number}:{part}"

    @property
    def until_date(self) -> dt.date:
        """Return the last day for whoever is to answer now, or was to."""
        return self.second_due_date or self.due_date
