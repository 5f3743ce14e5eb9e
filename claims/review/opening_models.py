"""Openings of papers: who looked at one, in which duty, for what, and when. Facts, shown to the claimant."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from claims.filing.models import Evidence
from claims.review.opening_triggers import opening_guards


class Purpose(models.TextChoices):
    """What a paper is opened for."""

    ILLNESS = "illness", _("whether it establishes the illness and its day")
    PERSON = "person", _("whether it is about the person who is ill")
    BILLS = "bills", _("which bills count")
    GENUINE = "genuine", _("whether it is genuine")
    OBJECTION = "objection", _("to answer an objection")
    OTHER = "other", _("something else, in my own words")


# What can be said without words of one's own.
PURPOSES_AT_ONCE = [(one.value, one.label) for one in Purpose if one != Purpose.OTHER]


class PaperOpening(models.Model):
    """One look at one paper. opener: the code of the person. note_sealed: what for, in their own words, or null.

    opened_at: the database's own instant.
    """

    class Duty(models.TextChoices):
        REVIEWER = "reviewer", _("reviewer")
        SECOND_REVIEWER = "second_reviewer", _("second reviewer")
        BLIND_REVIEW = "blind_review", _("reviewer who judges blindly")
        INVESTIGATOR = "investigator", _("investigator from outside")
        OUTSIDE_REVIEWER = "outside_reviewer", _("outside reviewer")

    paper = models.ForeignKey(Evidence, on_delete=models.PROTECT, related_name="openings")
    opener = models.CharField(max_length=40)
    duty = models.CharField(max_length=20, choices=Duty)
    purpose = models.CharField(max_length=12, choices=Purpose)
    note_sealed = models.BinaryField(null=True)
    opened_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(purpose__in=Purpose.values)
                & (~Q(purpose="other") | Q(note_sealed__isnull=False)),
                name="opening_says_what_for",
            ),
        ]
        triggers = opening_guards

    @property
    def context(self) -> str:
        """Return the place the note is sealed for."""
        return f"claims.opening:{self.paper_id}"
