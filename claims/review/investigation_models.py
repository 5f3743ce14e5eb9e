"""Investigations: somebody from outside looks into one claim, for some days, and writes down what they found."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.codes import new_code
from aidplatform.lib.guards import follows_order
from claims.filing.models import Claim
from claims.review.investigation_triggers import investigation_guards
from claims.review.link_models import TakenOnByLink


def new_investigation_code() -> str:
    """Return a name that leads nobody to the claim: I- and ten characters without look-alikes."""
    return new_code("I")


class Investigation(TakenOnByLink):
    """One look into a claim from outside. question, reason: why, as the claimant reads it; name: who is asked.

    most_fen: what it may cost; above the plan's limit a second reviewer agrees, or not (decided_by). borne_by: as the
    plan says, never the claimant. token_sha256: of the one link by which somebody accepts it. until_date: the last day
    of their access. report, bill_fen: what they found and what it has cost. answer: what the claimant says to it.
    round, number, days and instants are the database's own; question, reason, name, report and answer are sealed.
    """

    class State(models.TextChoices):
        ASKED = "asked", _("waits for a second person")
        DROPPED = "dropped", _("not agreed to")
        ORDERED = "ordered", _("waits for the investigator")
        RUNNING = "running", _("under way")
        REPORTED = "reported", _("reported")
        REVOKED = "revoked", _("ended early")

    #: Not over yet: a claim has one of these at most.
    LIVE = ("asked", "ordered", "running")
    WAITS = State.ORDERED
    CHANGEABLE = (
        "state",
        "decided_by",
        "decided_at",
        "token_sha256",
        "link_until_at",
        "investigator",
        "accepted_at",
        "until_date",
        "extended_by",
        "extended_at",
        "ended_by",
        "ended_at",
        "report_sealed",
        "reported_at",
        "bill_fen",
        "answer_until_date",
        "answer_sealed",
        "answered_by",
        "answered_at",
    )

    code = models.CharField(max_length=20, unique=True, default=new_investigation_code)
    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="investigations", db_index=False)
    number = models.PositiveSmallIntegerField(default=0)
    round = models.PositiveSmallIntegerField(default=0)
    state = models.CharField(max_length=10, choices=State, default=State.ASKED)
    question_sealed = models.BinaryField()
    reason_sealed = models.BinaryField()
    name_sealed = models.BinaryField()
    most_fen = models.BigIntegerField()
    borne_by = models.CharField(max_length=8, default="")
    ordered_by = models.CharField(max_length=40)
    ordered_at = models.DateTimeField()
    decided_by = models.CharField(max_length=40, null=True)
    decided_at = models.DateTimeField(null=True)
    investigator = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="investigations"
    )
    accepted_at = models.DateTimeField(null=True)
    until_date = models.DateField(null=True)
    extended_by = models.CharField(max_length=40, null=True)
    extended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=40, null=True)
    ended_at = models.DateTimeField(null=True)
    report_sealed = models.BinaryField(null=True)
    reported_at = models.DateTimeField(null=True)
    bill_fen = models.BigIntegerField(null=True)
    answer_until_date = models.DateField(null=True)
    answer_sealed = models.BinaryField(null=True)
    answered_by = models.CharField(max_length=40, null=True)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["claim", "number"], name="one_investigation_per_number"),
            models.UniqueConstraint(
                fields=["claim"],
                condition=Q(state__in=["asked", "ordered", "running"]),
                name="one_investigation_at_a_time",
            ),
            models.UniqueConstraint(fields=["token_sha256"], name="one_investigation_per_link"),
            models.CheckConstraint(
                condition=Q(borne_by__in=["shared", "operator", "reserve"]),
                name="investigation_is_never_the_claimants",
            ),
            models.CheckConstraint(
                condition=Q(most_fen__gte=0, most_fen__lt=2**53)
                & (Q(bill_fen=None) | Q(bill_fen__gte=0, bill_fen__lte=F("most_fen"))),
                name="investigation_costs_what_was_agreed",
            ),
            models.CheckConstraint(
                condition=Q(decided_by=None) | ~Q(decided_by=F("ordered_by")),
                name="investigation_decider_is_not_orderer",
            ),
            models.CheckConstraint(
                condition=Q(state="asked", decided_by=None, until_date=None)
                | Q(state="dropped", decided_by__isnull=False, until_date=None)
                | Q(state="ordered", until_date__isnull=False, investigator=None, ended_by=None)
                | Q(
                    state="running",
                    until_date__isnull=False,
                    investigator__isnull=False,
                    accepted_at__isnull=False,
                    ended_by=None,
                )
                | Q(
                    state="reported",
                    investigator__isnull=False,
                    ended_by__isnull=False,
                    report_sealed__isnull=False,
                    reported_at__isnull=False,
                    bill_fen__isnull=False,
                    answer_until_date__isnull=False,
                )
                | Q(state="revoked", ended_by__isnull=False, report_sealed=None, bill_fen=None),
                name="investigation_says_how_far_it_is",
            ),
            models.CheckConstraint(
                condition=Q(answered_by=None, answered_at=None, answer_sealed=None)
                | Q(state="reported", answered_by__isnull=False, answered_at__isnull=False),
                name="findings_are_answered_by_somebody",
            ),
        ]
        triggers = [
            follows_order(
                "investigation_state_follows_order",
                "state",
                {
                    "asked": ("ordered", "dropped", "revoked"),
                    "ordered": ("running", "revoked"),
                    "running": ("reported", "revoked"),
                    "dropped": (),
                    "reported": (),
                    "revoked": (),
                },
                first="asked",
            ),
            *investigation_guards,
        ]

    def __str__(self) -> str:
        return self.code

    def place(self, part: str) -> str:
        """Return the place a part of it is sealed for."""
        return f"claims.investigation:{self.code}:{part}"
