"""Arbitrations: where too few members can be drawn for a jury, somebody from outside decides one case in writing."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.codes import new_code
from aidplatform.lib.guards import follows_order
from claims.filing.models import Claim
from claims.jury.arbiter_triggers import arbitration_guards
from claims.review.link_models import TakenOnByLink


def new_arbitration_code() -> str:
    """Return a name that leads nobody to the claim: A- and ten characters without look-alikes."""
    return new_code("A")


class Arbitration(TakenOnByLink):
    """One arbiter for a case that too few could be drawn for; the next one, where they do not decide.

    eligible: how many could be drawn when the case was taken there. in_plan: the plan of the case names the arbiter;
    otherwise a pool admin proposes and a controller agrees. name: name, organization and contact, sealed. token_sha256:
    of the one link by which the arbiter takes it on. until_date: the last day of their access. reason: why they decide
    so. Number, eligible, in_plan, days and instants are the database's own.
    """

    class State(models.TextChoices):
        WANTED = "wanted", _("an arbiter is wanted")
        PROPOSED = "proposed", _("an arbiter is proposed")
        APPOINTED = "appointed", _("waits for the arbiter")
        RUNNING = "running", _("the arbiter decides")
        DECIDED = "decided", _("decided by the arbiter")
        ENDED = "ended", _("ended without a decision")

    class Outcome(models.TextChoices):
        GRANTED = "granted", _("granted")
        REFUSED = "refused", _("refused")

    WAITS = State.APPOINTED
    CHANGEABLE = (
        "state",
        "name_sealed",
        "proposed_by",
        "proposed_at",
        "agreed_by",
        "agreed_at",
        "token_sha256",
        "link_until_at",
        "arbiter",
        "accepted_at",
        "until_date",
        "outcome",
        "aid_fen",
        "reason_sealed",
        "ended_by",
        "ended_at",
    )

    code = models.CharField(max_length=20, unique=True, default=new_arbitration_code)
    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="arbitrations", db_index=False)
    number = models.PositiveSmallIntegerField(default=0)
    state = models.CharField(max_length=10, choices=State, default=State.WANTED)
    eligible = models.PositiveSmallIntegerField(default=0)
    in_plan = models.BooleanField(default=False)
    asked_at = models.DateTimeField()
    name_sealed = models.BinaryField(null=True)
    proposed_by = models.CharField(max_length=40, null=True)
    proposed_at = models.DateTimeField(null=True)
    agreed_by = models.CharField(max_length=40, null=True)
    agreed_at = models.DateTimeField(null=True)
    arbiter = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="arbitrations"
    )
    accepted_at = models.DateTimeField(null=True)
    until_date = models.DateField(null=True)
    outcome = models.CharField(max_length=10, choices=Outcome, null=True)
    aid_fen = models.BigIntegerField(null=True)
    reason_sealed = models.BinaryField(null=True)
    ended_by = models.CharField(max_length=40, null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["claim", "number"], name="one_arbitration_per_number"),
            models.UniqueConstraint(
                fields=["claim"], condition=~Q(state="ended"), name="one_arbiter_decides_a_case"
            ),
            models.UniqueConstraint(fields=["token_sha256"], name="one_arbitration_per_link"),
            models.CheckConstraint(
                condition=Q(agreed_by=None) | ~Q(agreed_by=F("proposed_by")),
                name="arbiter_is_appointed_by_two_people",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["wanted", "ended"])
                | Q(state="proposed", proposed_by__isnull=False, name_sealed__isnull=False)
                | Q(state="appointed", in_plan=True, arbiter=None)
                | Q(state="appointed", agreed_by__isnull=False, arbiter=None)
                | Q(state="running", arbiter__isnull=False, until_date__isnull=False)
                | Q(
                    state="decided",
                    arbiter__isnull=False,
                    outcome__isnull=False,
                    aid_fen__isnull=False,
                    reason_sealed__isnull=False,
                    ended_by__isnull=False,
                ),
                name="arbitration_says_how_far_it_is",
            ),
        ]
        triggers = [
            follows_order(
                "arbitration_state_follows_order",
                "state",
                {
                    "wanted": ("proposed", "appointed", "ended"),
                    "proposed": ("appointed", "ended"),
                    "appointed": ("running", "ended"),
                    "running": ("decided", "ended"),
                    "decided": (),
                    "ended": (),
                },
                first="wanted",
            ),
            *arbitration_guards,
        ]

    def __str__(self) -> str:
        return self.code

    def place(self, part: str) -> str:
        """Return the place a part of it is sealed for."""
        return f"claims.arbitration:{self.code}:{part}"
