"""The jury: who has offered, which case was taken there, its draws with witnesses and seats, ballots, verdicts."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from claims.filing.models import Claim
from claims.jury.triggers import (
    ballot_guards,
    case_guards,
    draw_guards,
    juror_guards,
    seat_guards,
    verdict_guards,
    witness_guards,
)
from members.pools.models import PlanVersion, Pool

QUESTIONS = 5


class Juror(models.Model):
    """A member who offers to judge, after five questions on the rules of a version. ended_at: has stepped back."""

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="jurors")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="jury_offers")
    plan_version = models.ForeignKey(PlanVersion, on_delete=models.PROTECT, related_name="+")
    right_answers = models.PositiveSmallIntegerField()
    offered_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["pool", "person"], condition=Q(ended_at=None), name="one_juror_per_person_and_pool"
            ),
            models.CheckConstraint(condition=Q(right_answers=QUESTIONS), name="juror_knows_the_covenant"),
        ]
        triggers = juror_guards


class JuryCase(models.Model):
    """A refusal taken to the jury, once: by whom, and what of the file its jurors may read. A fact.

    statement_sealed: what the claimant says to the jurors. shows_reasons, shows_appeal: the claimant agrees that jurors
    read the reasons of the decisions, and the words of the appeal.
    """

    claim = models.OneToOneField(Claim, on_delete=models.PROTECT, related_name="jury_case")
    taken_by = models.CharField(max_length=40)
    taken_at = models.DateTimeField()
    statement_sealed = models.BinaryField()
    shows_reasons = models.BooleanField()
    shows_appeal = models.BooleanField()

    class Meta:
        triggers = case_guards

    @property
    def context(self) -> str:
        """Return the place the statement is sealed for."""
        return f"claims.jurycase:{self.claim_id}"


class JuryDraw(models.Model):
    """One draw for a case: from which list, how far it has come, until when what is due.

    stage: 1, and one more each time the witnesses kept silent. eligible: the names of those who can be drawn, 32 bytes
    each, in order. head: the hash of this list, which the log states before any of the witnesses' words is known.
    """

    class State(models.TextChoices):
        CALLED = "called", _("witnesses commit")
        COMMITTED = "committed", _("witnesses tell their words")
        DRAWN = "drawn", _("jurors vote")
        TALLIED = "tallied", _("verdict")
        FAILED = "failed", _("came to nothing: too few words were told")
        DROPPED = "dropped", _("called off: the claim was taken back")

    RUNNING = (State.CALLED, State.COMMITTED, State.DRAWN)

    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="jury_draws")
    stage = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=10, choices=State, default=State.CALLED)
    eligible = models.BinaryField()
    head = models.BinaryField()
    size = models.PositiveIntegerField()
    seats = models.PositiveSmallIntegerField()
    reserves = models.PositiveSmallIntegerField()
    quorum = models.PositiveSmallIntegerField()
    called_at = models.DateTimeField()
    commit_until_at = models.DateTimeField()
    reveal_until_at = models.DateTimeField(null=True)
    closes_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["claim", "stage"], name="one_draw_per_case_and_stage"),
            models.CheckConstraint(
                condition=Q(seats__gt=0, quorum__gt=0, quorum__lte=models.F("seats")),
                name="draw_can_reach_its_quorum",
            ),
        ]
        triggers = draw_guards


class JuryWitness(models.Model):
    """Who committed to words before a draw, and the words once told. role: claimant, or a duty that judges no claim."""

    draw = models.ForeignKey(JuryDraw, on_delete=models.PROTECT, related_name="witnesses")
    number = models.PositiveSmallIntegerField()
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    role = models.CharField(max_length=20)
    commitment = models.BinaryField()
    committed_at = models.DateTimeField()
    words = models.CharField(max_length=200, null=True)
    told_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["draw", "person"], name="one_commitment_per_witness"),
            models.UniqueConstraint(fields=["draw", "number"], name="one_witness_per_number"),
        ]
        triggers = witness_guards


class JurySeat(models.Model):
    """Somebody who was drawn. number: in the order of the draw, seats first. index: in the list of the eligible.

    salt: with it and their code anybody finds the name that they bear in the list.
    """

    class State(models.TextChoices):
        RESERVE = "reserve", _("reserve")
        SEATED = "seated", _("juror")
        DECLINED = "declined", _("declined")
        PASSED_OVER = "passed_over", _("cannot be a juror any more")

    draw = models.ForeignKey(JuryDraw, on_delete=models.PROTECT, related_name="drawn")
    number = models.PositiveSmallIntegerField()
    index = models.PositiveIntegerField()
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="jury_seats")
    salt = models.BinaryField()
    state = models.CharField(max_length=12, choices=State, default=State.RESERVE)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["draw", "person"], name="one_seat_per_person_and_draw"),
            models.UniqueConstraint(fields=["draw", "number"], name="one_seat_per_number"),
        ]
        triggers = seat_guards


class JuryBallot(models.Model):
    """One vote: what was published when it was cast, and the vote itself, sealed until the closing. A fact."""

    seat = models.OneToOneField(JurySeat, on_delete=models.PROTECT, related_name="ballot")
    commitment = models.BinaryField()
    vote_sealed = models.BinaryField()
    cast_at = models.DateTimeField()

    class Meta:
        triggers = ballot_guards

    @property
    def context(self) -> str:
        """Return the place the vote is sealed for."""
        return f"claims.juryballot:{self.seat_id}"


class JuryVerdict(models.Model):
    """What the votes came to, and what it grants (fen). A fact."""

    class Outcome(models.TextChoices):
        GRANTED = "granted", _("granted")
        REFUSED = "refused", _("refused")
        NO_QUORUM = "no_quorum", _("refused: too few have voted")

    draw = models.OneToOneField(JuryDraw, on_delete=models.PROTECT, related_name="verdict")
    outcome = models.CharField(max_length=10, choices=Outcome)
    votes_for = models.PositiveSmallIntegerField()
    votes_against = models.PositiveSmallIntegerField()
    aid_fen = models.BigIntegerField()
    decided_at = models.DateTimeField()

    class Meta:
        triggers = verdict_guards
