"""Claims and the papers that support them. What tells of health or money is sealed."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.codes import new_code
from aidplatform.lib.crypto import Wrapped
from aidplatform.lib.guards import follows_order
from claims.filing.ending_triggers import claims_come_in_the_run_off
from claims.filing.illnesses import EVERY_KIND
from claims.filing.paper_triggers import evidence_guards
from claims.filing.states import DONE, FIRST, TRANSITIONS
from claims.filing.triggers import claim_guards
from members.joining.models import Membership
from members.pools.models import PlanVersion, Pool

LARGEST_PAPER = 10 * 2**20
ENDINGS = {"image/jpeg": "jpg", "image/png": "png", "application/pdf": "pdf"}
MEDIA_TYPES = tuple(ENDINGS)


def new_claim_code() -> str:
    """Return a claim's private id: CL- and ten characters without look-alikes."""
    return new_code("CL")


def new_evidence_code() -> str:
    """Return a paper's id, long enough that nobody guesses one."""
    return new_code("E", 20)


class Claim(models.Model):
    """What happened to a member, as told and supported by papers, on its way to a decision and to aid.

    code: known to the claimant and the reviewers only; the public case number is the award's. plan_version: the
    one in force on the event day. age, aid_fen, derivation: what that version grants (fen), and why. joined_age: only
    where that version's waiting period asks for it. spend_fen: the bills of this claim as told, cases_shared: cases
    that the member had shared before the event day; each only where that version asks for it. part_of: the first
    claim of the case, where this one brings further bills of it. birth, story, payee: sealed for this claim;
    payee_index finds equal accounts. masked: what is told of the case at most, as consented; consent_sha256: of all
    that each layer is told, as it was shown before the signature.
    reviewer: who has taken the claim up. round: a second reviewer who disagrees opens the next one, and so does an
    appeal. appeal_round: the round that the appeal opened, whose people had no part before; None: no appeal.
    due_date: when whoever has the ball should have acted, in the pool's zone.
    """

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        FILED = "filed", _("filed")
        PAPERS_REQUESTED = "papers_requested", _("papers requested")
        UNDER_REVIEW = "under_review", _("under review")
        UNDER_INVESTIGATION = "under_investigation", _("under investigation")
        RECOMMENDED = "recommended", _("second review")
        APPROVED = "approved", _("approved")
        REJECTED = "rejected", _("rejected")
        IN_PUBLICITY = "in_publicity", _("in publicity")
        OBJECTED = "objected", _("objected to")
        OVERTURNED = "overturned", _("objection upheld")
        APPEALED = "appealed", _("appealed")
        REFUSED_FINALLY = "refused_finally", _("refused on appeal")
        BEFORE_JURY = "before_jury", _("before the jury")
        REFUSED_BY_JURY = "refused_by_jury", _("refused by the jury")
        AWARDED = "awarded", _("awarded")
        SHARED = "shared", _("shared by all")
        PAID = "paid", _("paid")
        CLOSED = "closed", _("closed")
        REVOKED = "revoked", _("aid taken back")
        WITHDRAWN = "withdrawn", _("withdrawn")

    class Sex(models.TextChoices):
        FEMALE = "f", _("female")
        MALE = "m", _("male")
        WITHHELD = "", _("not shown")

    # What may change of a claim, in services as in the grants; the guards say when.
    CHANGEABLE = (
        "state",
        "event_date",
        "illness",
        "severity",
        "plan_version",
        "age",
        "joined_age",
        "spend_fen",
        "cases_shared",
        "aid_fen",
        "derivation",
        "birth_sealed",
        "story_sealed",
        "payee_sealed",
        "payee_index",
        "sex",
        "region",
        "masked",
        "consented_at",
        "consent_sha256",
        "reviewer",
        "round",
        "appeal_round",
        "due_date",
        "filed_at",
        "state_since",
    )

    code = models.CharField(max_length=20, unique=True, default=new_claim_code)
    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="claims")
    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="claims")
    claimant = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="claims")
    state = models.CharField(max_length=20, choices=State, default=State.DRAFT)
    event_date = models.DateField(null=True)
    illness = models.CharField(max_length=40, blank=True)
    severity = models.CharField(max_length=40, blank=True)
    plan_version = models.ForeignKey(PlanVersion, on_delete=models.PROTECT, null=True, related_name="claims")
    age = models.PositiveSmallIntegerField(null=True)
    joined_age = models.PositiveSmallIntegerField(null=True)
    spend_fen = models.BigIntegerField(null=True)
    cases_shared = models.PositiveIntegerField(null=True)
    part_of = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="further_parts")
    aid_fen = models.BigIntegerField(null=True)
    derivation = models.JSONField(null=True)
    birth_sealed = models.BinaryField(null=True)
    story_sealed = models.BinaryField(null=True)
    payee_sealed = models.BinaryField(null=True)
    payee_index = models.BinaryField(null=True)
    sex = models.CharField(max_length=1, blank=True, choices=Sex)
    region = models.CharField(max_length=40, blank=True)
    masked = models.JSONField(null=True)
    consented_at = models.DateTimeField(null=True)
    consent_sha256 = models.CharField(max_length=64, null=True)
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="reviewed_claims"
    )
    round = models.PositiveSmallIntegerField(default=1)
    appeal_round = models.PositiveSmallIntegerField(null=True)
    due_date = models.DateField(null=True)
    created_at = models.DateTimeField()
    filed_at = models.DateTimeField(null=True)
    state_since = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["membership", "claimant"],
                condition=Q(state="draft"),
                name="one_draft_per_membership_and_claimant",
            ),
            models.CheckConstraint(
                condition=Q(aid_fen=None) | Q(aid_fen__gte=0, aid_fen__lt=2**53), name="claim_aid_in_range"
            ),
            models.CheckConstraint(
                condition=Q(spend_fen=None) | Q(spend_fen__gte=0, spend_fen__lt=2**53),
                name="claim_spend_in_range",
            ),
            models.UniqueConstraint(
                fields=["part_of"], condition=~Q(state__in=DONE), name="one_part_on_its_way"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "papers_requested", "withdrawn"])
                | Q(
                    event_date__isnull=False,
                    plan_version__isnull=False,
                    age__isnull=False,
                    aid_fen__isnull=False,
                    birth_sealed__isnull=False,
                    story_sealed__isnull=False,
                    payee_sealed__isnull=False,
                    payee_index__isnull=False,
                    masked__isnull=False,
                    consented_at__isnull=False,
                    filed_at__isnull=False,
                )
                & ~Q(illness=""),
                name="filed_claim_is_complete",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "filed", "appealed", "withdrawn"])
                | Q(reviewer__isnull=False),
                name="claim_under_review_has_a_reviewer",
            ),
        ]
        indexes = [models.Index(fields=["pool", "state", "due_date"], name="claim_queue")]
        triggers = [
            follows_order("claim_state_follows_order", "state", TRANSITIONS, first=FIRST),
            *claim_guards,
            claims_come_in_the_run_off,
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def is_appeal(self) -> bool:
        """Tell whether its claimant has appealed against a refusal."""
        return self.appeal_round is not None


class Evidence(models.Model):
    """One paper of a claim: re-encoded, sealed, and named by a random code.

    sha256: of the bytes that are kept. sealed: those bytes under a key of their own, which stands beside them: wrapped,
    with the id of the installation's key that wraps it; both null: the paper is erased, nobody can read it any more.
    removed_at: taken out by the claimant before review; the row stays.
    """

    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="papers")
    code = models.CharField(max_length=24, unique=True, default=new_evidence_code)
    kind = models.CharField(max_length=20)
    media_type = models.CharField(max_length=20)
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    sealed = models.BinaryField()
    key_id = models.CharField(max_length=16, null=True)
    key_wrapped = models.BinaryField(null=True)
    added_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["claim", "sha256"], condition=Q(removed_at=None), name="one_copy_of_a_paper"
            ),
            models.CheckConstraint(
                condition=Q(key_id=None, key_wrapped=None)
                | Q(key_id__isnull=False, key_wrapped__isnull=False),
                name="paper_key_has_its_name",
            ),
            models.CheckConstraint(condition=Q(media_type__in=MEDIA_TYPES), name="evidence_type_is_known"),
            models.CheckConstraint(condition=Q(kind__in=EVERY_KIND), name="evidence_kind_is_known"),
            models.CheckConstraint(
                condition=Q(size__gt=0, size__lte=LARGEST_PAPER), name="evidence_size_in_range"
            ),
        ]
        triggers = evidence_guards

    def __str__(self) -> str:
        return self.code

    @property
    def context(self) -> str:
        """Return the place this paper is sealed for."""
        return f"claims.evidence:{self.code}"

    @property
    def wrapped(self) -> Wrapped | None:
        """Return the key of its bytes; None once the paper is erased."""
        if self.key_id is None or self.key_wrapped is None:
            return None
        return Wrapped(self.key_id, bytes(self.key_wrapped))
