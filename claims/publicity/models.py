"""Objections of members to a published case: numbered, with papers, each answered; what two people took out of them."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from claims.filing.models import Claim, Evidence
from claims.publicity.redaction_triggers import redaction_guards
from claims.publicity.triggers import objection_guards, objection_paper_guards


class Objection(models.Model):
    """What a member holds against a case in publicity, the claimant's reply, and how it was answered; all sealed.

    replied_by: who speaks for the claim; the instant is the database's own.
    """

    class State(models.TextChoices):
        OPEN = "open", _("waits for an answer")
        DISMISSED = "dismissed", _("dismissed")
        UPHELD = "upheld", _("upheld")
        ENDED = "ended", _("ended with the case")

    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="objections")
    number = models.PositiveSmallIntegerField()
    member = models.CharField(max_length=40)
    reason_sealed = models.BinaryField()
    raised_at = models.DateTimeField()
    state = models.CharField(max_length=12, choices=State, default=State.OPEN)
    reply_sealed = models.BinaryField(null=True)
    replied_by = models.CharField(max_length=40, null=True)
    replied_at = models.DateTimeField(null=True)
    answer_sealed = models.BinaryField(null=True)
    answered_by = models.CharField(max_length=40, null=True)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["claim", "number"], name="one_objection_per_number"),
            models.UniqueConstraint(
                fields=["claim", "member"],
                condition=Q(state="open"),
                name="one_open_objection_per_member",
            ),
            models.CheckConstraint(
                condition=Q(
                    state__in=["open", "ended"], answered_by=None, answered_at=None, answer_sealed=None
                )
                | Q(answered_by__isnull=False, answered_at__isnull=False, answer_sealed__isnull=False)
                & ~Q(state__in=["open", "ended"]),
                name="objection_is_answered_whole",
            ),
            models.CheckConstraint(
                condition=Q(reply_sealed=None, replied_by=None, replied_at=None)
                | Q(reply_sealed__isnull=False, replied_by__isnull=False, replied_at__isnull=False),
                name="objection_is_replied_to_whole",
            ),
        ]
        triggers = objection_guards

    @property
    def reason_context(self) -> str:
        """Return the place the reason is sealed for."""
        return f"claims.objection:{self.claim_id}:{self.number}:reason"

    @property
    def reply_context(self) -> str:
        """Return the place the claimant's reply is sealed for."""
        return f"claims.objection:{self.claim_id}:{self.number}:reply"

    @property
    def answer_context(self) -> str:
        """Return the place the answer is sealed for."""
        return f"claims.objection:{self.claim_id}:{self.number}:answer"


class ObjectionPaper(models.Model):
    """A paper that a member laid beside an objection: kept as every paper of a claim is, and opened by other rules."""

    objection = models.ForeignKey(Objection, on_delete=models.PROTECT, related_name="papers")
    paper = models.OneToOneField(Evidence, on_delete=models.PROTECT, related_name="objection_paper")

    class Meta:
        triggers = objection_paper_guards


class Redaction(models.Model):
    """What one person wants to take out of what a claimant reads of an objection, and another took out or left.

    paper: what is withheld; null: words of the reason, of which shown_sealed is what is left. The original stays.
    """

    class Ground(models.TextChoices):
        PRIVATE = "private", _("it tells of somebody's private life")
        INSULT = "insult", _("it insults")
        OTHERS = "others", _("it is about other people")

    class State(models.TextChoices):
        PROPOSED = "proposed", _("proposed")
        TAKEN_OUT = "taken_out", _("taken out")
        LEFT = "left", _("left as it was written")

    objection = models.ForeignKey(Objection, on_delete=models.PROTECT, related_name="redactions")
    number = models.PositiveSmallIntegerField()
    paper = models.ForeignKey(ObjectionPaper, on_delete=models.PROTECT, null=True, related_name="redactions")
    ground = models.CharField(max_length=12, choices=Ground)
    shown_sealed = models.BinaryField(null=True)
    state = models.CharField(max_length=12, choices=State, default=State.PROPOSED)
    proposed_by = models.CharField(max_length=40)
    proposed_at = models.DateTimeField()
    decided_by = models.CharField(max_length=40, null=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["objection", "number"], name="one_redaction_per_number"),
            models.UniqueConstraint(
                fields=["objection"], condition=Q(state="proposed"), name="one_open_redaction_per_objection"
            ),
            models.UniqueConstraint(
                fields=["objection", "paper"],
                condition=Q(state="taken_out"),
                nulls_distinct=False,
                name="nothing_is_taken_out_twice",
            ),
            models.CheckConstraint(
                condition=Q(
                    paper=None, shown_sealed__isnull=False, ground__in=["private", "insult", "others"]
                )
                | Q(paper__isnull=False, shown_sealed=None, ground="others"),
                name="redaction_is_of_words_or_a_paper",
            ),
            models.CheckConstraint(
                condition=Q(state="proposed", decided_by=None, decided_at=None)
                | Q(state__in=["taken_out", "left"], decided_by__isnull=False, decided_at__isnull=False)
                & ~Q(decided_by=F("proposed_by")),
                name="redaction_takes_two_people",
            ),
        ]
        triggers = redaction_guards

    @property
    def context(self) -> str:
        """Return the place what is left of the words is sealed for."""
        return f"claims.redaction:{self.objection_id}:{self.number}"
