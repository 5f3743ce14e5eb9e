"""What reviewers wrote down: requests for papers, recommendations, decisions, notes; and appeals. All of them facts."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from claims.filing.models import Claim
from claims.filing.triggers import CLAIMED_BY
from claims.review.appeal_triggers import appeal_guards, heard_by_others
from claims.review.desk_triggers import blind_guards, note_guards, rests_on_papers, withdrawal_guards
from claims.review.triggers import by_a_second_reviewer, decision_guards, recommendation_guards
from members.people.erasure_sql import facts_until_erased


class Clause(models.TextChoices):
    """The clauses of the covenant that a decision cites."""

    AID = "aid", _("Aid for a listed illness")
    COVER = "cover", _("Who is covered, and since when")
    WAITING = "waiting", _("Waiting period")
    REPORT = "report", _("Time to report")
    DECLARATION = "declaration", _("Health declaration")
    PAPERS = "papers", _("Papers that establish the illness")


class Outcome(models.TextChoices):
    """What a reviewer says of a claim."""

    APPROVED = "approved", _("approved")
    REJECTED = "rejected", _("rejected")
    RETURNED = "returned", _("returned for another look")


_AID_FITS = Q(outcome="approved", aid_fen__gt=0, aid_fen__lt=2**53) | Q(
    outcome__in=["rejected", "returned"], aid_fen=0
)


class PaperRequest(models.Model):
    """What a reviewer asked the claimant for: kinds of paper and a sealed message."""

    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="paper_requests")
    number = models.PositiveSmallIntegerField()
    kinds = models.JSONField(default=list)
    message_sealed = models.BinaryField()
    requested_by = models.CharField(max_length=40)
    requested_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["claim", "number"], name="one_request_per_number")]
        triggers = facts_until_erased(
            "paper_request_is_permanent", CLAIMED_BY, message_sealed="NEW.message_sealed = ''"
        )

    @property
    def context(self) -> str:
        """Return the place the message is sealed for."""
        return f"claims.request:{self.claim_id}:{self.number}"


class Recommendation(models.Model):
    """What the first reviewer holds right: outcome, aid (fen), clause and a sealed reason; one per round.

    accepted_spend_fen, derivation: of an approval where the plan asks for spend, the bills that count and what the
    plan grants for them, step by step. papers: codes of those that establish it, at least one for an approval.
    """

    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="recommendations")
    round = models.PositiveSmallIntegerField()
    reviewer = models.CharField(max_length=40)
    outcome = models.CharField(max_length=12, choices=Outcome)
    aid_fen = models.BigIntegerField()
    accepted_spend_fen = models.BigIntegerField(null=True)
    derivation = models.JSONField(null=True)
    clause = models.CharField(max_length=20, choices=Clause)
    papers = models.JSONField(default=list)
    reason_sealed = models.BinaryField()
    recommended_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["claim", "round"], name="one_recommendation_per_round"),
            models.CheckConstraint(
                condition=_AID_FITS & ~Q(outcome="returned"), name="recommended_aid_fits_outcome"
            ),
        ]
        triggers = [
            *recommendation_guards,
            rests_on_papers("recommendation_rests_on_its_papers"),
            heard_by_others("appeal_is_heard_by_others", "reviewer"),
        ]

    @property
    def context(self) -> str:
        """Return the place the reason is sealed for."""
        return f"claims.recommendation:{self.claim_id}:{self.round}"


class Decision(models.Model):
    """What a second, different reviewer decided over the hash of what was shown; one per round.

    papers: codes of those on which it rests, at least one for an approval.
    """

    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="decisions")
    round = models.PositiveSmallIntegerField()
    decider = models.CharField(max_length=40)
    outcome = models.CharField(max_length=12, choices=Outcome)
    aid_fen = models.BigIntegerField()
    clause = models.CharField(max_length=20, choices=Clause)
    papers = models.JSONField(default=list)
    reason_sealed = models.BinaryField()
    shown_sha256 = models.CharField(max_length=64)
    decided_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["claim", "round"], name="one_decision_per_round"),
            models.CheckConstraint(condition=_AID_FITS, name="decided_aid_fits_outcome"),
        ]
        triggers = [
            *decision_guards,
            rests_on_papers("decision_rests_on_its_papers"),
            heard_by_others("appeal_is_decided_by_others", "decider"),
        ]

    @property
    def context(self) -> str:
        """Return the place the reason is sealed for."""
        return f"claims.decision:{self.claim_id}:{self.round}"


class Concurrence(models.Model):
    """What the first of two second reviewers holds right, over the hash of what was shown; the second one decides."""

    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="concurrences")
    round = models.PositiveSmallIntegerField()
    decider = models.CharField(max_length=40)
    outcome = models.CharField(max_length=12, choices=Outcome)
    aid_fen = models.BigIntegerField()
    clause = models.CharField(max_length=20, choices=Clause)
    papers = models.JSONField(default=list)
    reason_sealed = models.BinaryField()
    shown_sha256 = models.CharField(max_length=64)
    agreed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["claim", "round"], name="one_concurrence_per_round"),
            models.CheckConstraint(
                condition=_AID_FITS & ~Q(outcome="returned"), name="agreed_aid_fits_outcome"
            ),
        ]
        triggers = [
            *facts_until_erased(
                "concurrence_is_permanent", CLAIMED_BY, reason_sealed="NEW.reason_sealed = ''"
            ),
            by_a_second_reviewer("concurrence_fits_its_claim"),
            rests_on_papers("concurrence_rests_on_its_papers"),
            heard_by_others("concurrence_on_appeal_is_by_others", "decider"),
        ]

    @property
    def context(self) -> str:
        """Return the place the reason is sealed for."""
        return f"claims.concurrence:{self.claim_id}:{self.round}"


class Appeal(models.Model):
    """Why a refused claim should be looked at anew; the claim says which round it opened.

    appellant: the code of who speaks for the covered person. appealed_at: the database's own instant.
    """

    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="appeals")
    appellant = models.CharField(max_length=40)
    reason_sealed = models.BinaryField()
    appealed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["claim"], name="one_appeal_per_claim")]
        triggers = appeal_guards

    @property
    def context(self) -> str:
        """Return the place the reason is sealed for."""
        return f"claims.appeal:{self.claim_id}"


class Withdrawal(models.Model):
    """A recommendation that was taken back at once, before anybody acted on it; the next one is in the next round.

    withdrawn_at: the database's own instant.
    """

    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="withdrawals")
    round = models.PositiveSmallIntegerField()
    withdrawn_by = models.CharField(max_length=40)
    withdrawn_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["claim", "round"], name="one_withdrawal_per_round")]
        triggers = withdrawal_guards


class ReviewNote(models.Model):
    """What reviewers of a case note for each other; sealed, and read by whoever reads its papers."""

    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="review_notes")
    number = models.PositiveSmallIntegerField()
    author = models.CharField(max_length=40)
    text_sealed = models.BinaryField()
    written_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["claim", "number"], name="one_note_per_number")]
        triggers = note_guards

    @property
    def context(self) -> str:
        """Return the place the text is sealed for."""
        return f"claims.note:{self.claim_id}:{self.number}"


class BlindReview(models.Model):
    """How somebody who saw neither recommendation nor decision judged a decided claim; it changes nothing of it.

    round: that of the decision with which it is compared.
    """

    claim = models.OneToOneField(Claim, on_delete=models.PROTECT, related_name="blind_review")
    round = models.PositiveSmallIntegerField()
    reviewer = models.CharField(max_length=40)
    outcome = models.CharField(max_length=12, choices=Outcome)
    aid_fen = models.BigIntegerField()
    clause = models.CharField(max_length=20, choices=Clause)
    papers = models.JSONField(default=list)
    reason_sealed = models.BinaryField()
    reviewed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=_AID_FITS & ~Q(outcome="returned"), name="blindly_granted_aid_fits_outcome"
            )
        ]
        triggers = blind_guards

    @property
    def context(self) -> str:
        """Return the place the reason is sealed for."""
        return f"claims.blind:{self.claim_id}"
