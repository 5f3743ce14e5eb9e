"""Outside reviews: where nobody of a pool may look at a claim, somebody from outside judges one stage of it."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.codes import new_code
from aidplatform.lib.guards import follows_order
from claims.filing.models import Claim
from claims.review.link_models import TakenOnByLink
from claims.review.outside_triggers import outside_guards


def new_review_code() -> str:
    """Return a name that leads nobody to the claim: R- and ten characters without look-alikes."""
    return new_code("R")


class OutsideReview(TakenOnByLink):
    """Somebody from outside for one stage of one claim: a pool admin proposes, a controller agrees.

    name: name, profession and how to reach them, sealed. reason: why the pool has nobody, sealed; the claimant reads
    both. token_sha256: of the one link by which they take it on. until_date: the last day of their access. Number, days
    and instants are the database's own.
    """

    class State(models.TextChoices):
        PROPOSED = "proposed", _("somebody from outside is proposed")
        APPOINTED = "appointed", _("waits for the outside reviewer")
        RUNNING = "running", _("the outside reviewer looks at it")
        DONE = "done", _("judged by the outside reviewer")
        ENDED = "ended", _("ended without a judgment")

    class Stage(models.TextChoices):
        REVIEWER = "reviewer", _("recommendation")
        SECOND_REVIEWER = "second_reviewer", _("decision")
        OBJECTION = "objection", _("answer to objections")

    WAITS = State.APPOINTED
    CHANGEABLE = (
        "state",
        "agreed_by",
        "agreed_at",
        "token_sha256",
        "link_until_at",
        "person",
        "accepted_at",
        "until_date",
        "ended_by",
        "ended_at",
    )
    LIVE = (State.PROPOSED, State.APPOINTED, State.RUNNING)

    code = models.CharField(max_length=20, unique=True, default=new_review_code)
    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="outside_reviews", db_index=False)
    number = models.PositiveSmallIntegerField(default=0)
    stage = models.CharField(max_length=16, choices=Stage)
    state = models.CharField(max_length=10, choices=State, default=State.PROPOSED)
    name_sealed = models.BinaryField()
    reason_sealed = models.BinaryField()
    proposed_by = models.CharField(max_length=40)
    proposed_at = models.DateTimeField()
    agreed_by = models.CharField(max_length=40, null=True)
    agreed_at = models.DateTimeField(null=True)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="outside_reviews"
    )
    accepted_at = models.DateTimeField(null=True)
    until_date = models.DateField(null=True)
    ended_by = models.CharField(max_length=40, null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["claim", "number"], name="one_outside_review_per_number"),
            models.UniqueConstraint(
                fields=["claim"],
                condition=Q(state__in=["proposed", "appointed", "running"]),
                name="one_outside_review_at_a_time",
            ),
            models.UniqueConstraint(fields=["token_sha256"], name="one_outside_review_per_link"),
            models.CheckConstraint(
                condition=Q(agreed_by=None) | ~Q(agreed_by=F("proposed_by")),
                name="outside_reviewer_is_appointed_by_two_people",
            ),
            models.CheckConstraint(
                condition=Q(state="proposed", agreed_by=None, person=None)
                | Q(state="appointed", agreed_by__isnull=False, person=None)
                | Q(state="running", person__isnull=False, until_date__isnull=False)
                | Q(state="done", person__isnull=False, ended_by__isnull=False)
                | Q(state="ended", ended_by__isnull=False),
                name="outside_review_says_how_far_it_is",
            ),
        ]
        triggers = [
            follows_order(
                "outside_review_state_follows_order",
                "state",
                {
                    "proposed": ("appointed", "ended"),
                    "appointed": ("running", "ended"),
                    "running": ("done", "ended"),
                    "done": (),
                    "ended": (),
                },
                first="proposed",
            ),
            *outside_guards,
        ]

    def __str__(self) -> str:
        return self.code

    def place(self, part: str) -> str:
        """Return the place a part of it is sealed for."""
        return f"claims.outside_review:{self.code}:{part}"
