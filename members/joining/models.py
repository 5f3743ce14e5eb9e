"""Memberships, the spans of time in which they are covered, and how people came to join."""

import datetime as dt

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.guards import follows_order, permanent
from members.joining.again_triggers import again_guards
from members.joining.documents import PROVINCES, SEXES
from members.joining.import_triggers import import_guards, imported_member_guards
from members.joining.triggers import (
    document_is_one_that_is_taken,
    joins_by_invitation,
    membership_guards,
    signature_is_of_what_was_shown,
    signed_application_stays,
    span_guards,
)
from members.people.erasure_sql import facts_until_erased, person_of
from members.people.erasure_triggers import nothing_of_the_erased
from members.pools.models import PlanVersion, Pool


class Membership(models.Model):
    """One covered person in one pool. number: 1, 2, 3 … within the pool. person: set once, or never.

    waiting_since_date: since when the waiting time was served in a pool that moved in; None: since they joined here.
    birth_date: set once, or never, and corrected with its person's identity: by it the class follows the age. sex,
    region: what the number of a resident identity card says, empty where nobody knows; so that a published case is told
    as widely as five members at least share it. Nothing else of a document stands here. follows: the earlier membership
    of the same person here, where they have joined again; it is over, and stays as it was. All of one person's
    memberships in a pool are one chain, whose last one counts.
    """

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="memberships", db_index=False)
    number = models.PositiveBigIntegerField()
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="memberships"
    )
    joined_date = models.DateField()
    waiting_since_date = models.DateField(null=True)
    birth_date = models.DateField(null=True)
    sex = models.CharField(max_length=1, blank=True, default="", db_default="")
    region = models.CharField(max_length=20, blank=True, default="", db_default="")
    follows = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, related_name="followed_by", db_index=False
    )

    class Meta:
        indexes = [
            models.Index(
                fields=["pool", "birth_date"],
                condition=Q(birth_date__isnull=False),
                name="members_by_birth_date",
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["pool", "number"], name="one_membership_per_number"),
            models.UniqueConstraint(
                fields=["pool", "person"],
                condition=Q(person__isnull=False, follows=None),
                name="one_membership_per_person_and_pool",
            ),
            models.UniqueConstraint(
                fields=["follows"], condition=Q(follows__isnull=False), name="one_membership_follows_another"
            ),
            # Headcounts and shards count from 1 up: an id outside would never be charged.
            models.CheckConstraint(condition=Q(id__gt=0, id__lt=2**53), name="membership_id_in_range"),
            models.CheckConstraint(
                condition=Q(sex__in=["", *SEXES], region__in=["", *PROVINCES.values()]),
                name="membership_tells_what_is_known",
            ),
        ]
        triggers = [*membership_guards, *again_guards]

    def __str__(self) -> str:
        return f"{self.pool.code} #{self.number}"

    @property
    def waits_from(self) -> dt.date:
        """Return the day from which the waiting period counts."""
        return self.waiting_since_date or self.joined_date


class MembershipSpan(models.Model):
    """A half-open span [from_at, to_at) in which a membership is covered and counted in one class.

    recorded_at, ended_recorded_at: the real instants at which the start and the end were written, so that
    the headcount of a past freeze can be taken again and gives the same people. The end is written once; a
    row is otherwise a fact. Charges and headcounts read by (pool_id, membership_id), which is why the key
    begins with the pool.
    """

    pk = models.CompositePrimaryKey("pool_id", "membership_id", "from_at")
    pool_id = models.BigIntegerField()
    membership_id = models.BigIntegerField()
    class_no = models.SmallIntegerField(default=0)
    from_at = models.DateTimeField()
    to_at = models.DateTimeField(null=True)
    recorded_at = models.DateTimeField()
    ended_recorded_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "members_span"
        constraints = [
            models.CheckConstraint(
                condition=Q(to_at=None, ended_recorded_at=None)
                | Q(to_at__gte=F("from_at"), ended_recorded_at__gte=F("recorded_at")),
                name="span_end_is_recorded",
            ),
            models.CheckConstraint(
                condition=Q(class_no__gte=0, class_no__lte=63), name="span_class_in_range"
            ),
        ]
        triggers = span_guards


class AwaitedCover(models.Model):
    """A membership that counts, in its class, once its first payment has come: a fact. until_date: the last day."""

    membership = models.OneToOneField(
        Membership, on_delete=models.PROTECT, primary_key=True, related_name="awaited_cover"
    )
    class_no = models.SmallIntegerField()
    until_date = models.DateField()

    class Meta:
        triggers = permanent("awaited_cover_is_permanent")


class JoinApplication(models.Model):
    """How far somebody has come with joining a pool; they may go on at any time and on any device.

    A signed one stays: whoever joins again begins another.
    identity_sealed, answers_sealed: what was entered so far, encrypted; emptied when it is signed, because the
    identity and the signature hold them from then on, and when it is given up, because nobody needs them. Answers come
    after the consent to keep them. understood: the four plain questions are answered. relation: what the one who joins
    is to the person, who adds them as their guardian; empty: the person joins themselves. invitation: by whose link
    they began.
    """

    class Relation(models.TextChoices):
        CHILD = "child", _("child")
        PARENT = "parent", _("parent")
        SPOUSE = "spouse", _("spouse or partner")
        OTHER = "other", _("other")

    class State(models.TextChoices):
        DRAFT = "draft"
        SIGNED = "signed"
        GIVEN_UP = "given_up"

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="applications", db_index=False)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="applications"
    )
    plan_version = models.ForeignKey(PlanVersion, on_delete=models.PROTECT, related_name="+")
    relation = models.CharField(max_length=8, choices=Relation, blank=True, default="", db_default="")
    invitation = models.ForeignKey(
        "members.Invitation", on_delete=models.PROTECT, null=True, related_name="+"
    )
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    identity_sealed = models.BinaryField(null=True)
    answers_sealed = models.BinaryField(null=True)
    understood = models.BooleanField(default=False)
    has_read_covenant = models.BooleanField(default=False)
    consent_health = models.BooleanField(default=False)
    consent_publication = models.BooleanField(default=False)
    started_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["pool", "person"],
                condition=Q(relation="", state="draft"),
                name="one_application_per_person_and_pool",
            ),
            models.UniqueConstraint(
                fields=["pool", "person"],
                condition=~Q(relation="") & Q(state="draft"),
                name="one_open_family_application",
            ),
            models.CheckConstraint(
                condition=Q(answers_sealed=None) | Q(consent_health=True), name="answers_follow_consent"
            ),
            models.CheckConstraint(
                condition=Q(state="draft") | Q(identity_sealed=None, answers_sealed=None),
                name="application_ends_empty",
            ),
        ]
        indexes = [
            models.Index(fields=["changed_at"], condition=Q(state="draft"), name="application_left_lying"),
        ]
        triggers = [
            follows_order(
                "application_state_follows_order",
                "state",
                {"draft": ("signed", "given_up"), "signed": (), "given_up": ()},
                first="draft",
            ),
            signed_application_stays,
            nothing_of_the_erased("application"),
        ]

    @property
    def is_family(self) -> bool:
        """Tell whether somebody else than the person joins by it."""
        return self.relation != ""


class CovenantSignature(models.Model):
    """What somebody signed when they joined: which texts, which consents, and what follows from them.

    joined_age: completed years on the day from which waiting counts; kept only where the plan's waiting period asks
    for it. eligible_date: from 00:00 (pool's zone) of that day an illness can be shared. answers_sealed: the answers of
    the declaration, encrypted. signature_sha256: hash over all of it, written by the database. capacity: whether the
    member signed or a guardian for them, from 14 years on with the child's agreement; signed_by: the person who did,
    empty of old for the member.
    """

    class Capacity(models.TextChoices):
        SELF = "self", _("for themselves")
        GUARDIAN = "guardian", _("as guardian")
        AGREED = "agreed", _("as guardian, with the agreement of the child")

    membership = models.OneToOneField(Membership, on_delete=models.PROTECT, related_name="signature")
    plan_version = models.ForeignKey(PlanVersion, on_delete=models.PROTECT, related_name="+")
    covenant_sha256 = models.CharField(max_length=64)
    declaration_sha256 = models.CharField(max_length=64)
    answers_sealed = models.BinaryField()
    consent_health = models.BooleanField()
    consent_publication = models.BooleanField()
    language = models.CharField(max_length=10)
    capacity = models.CharField(max_length=8, choices=Capacity, default=Capacity.SELF, db_default="self")
    signed_by = models.CharField(max_length=40, blank=True, default="", db_default="")
    joined_age = models.PositiveSmallIntegerField(null=True)
    eligible_date = models.DateField()
    signed_at = models.DateTimeField()
    signature_sha256 = models.CharField(max_length=64, default="", db_default="")

    class Meta:
        # By it those are found whose waiting time ends on a day.
        indexes = [models.Index(fields=["eligible_date"], name="signature_by_eligible_date")]
        constraints = [
            models.CheckConstraint(
                condition=Q(consent_health=True, consent_publication=True), name="signature_has_both_consents"
            ),
            models.CheckConstraint(
                condition=Q(capacity="self") | Q(capacity__in=["guardian", "agreed"]) & ~Q(signed_by=""),
                name="guardian_signs_by_name",
            ),
        ]
        triggers = [
            *facts_until_erased(
                "signature_is_permanent",
                person_of("OLD.membership_id"),
                answers_sealed="NEW.answers_sealed = ''",
            ),
            signature_is_of_what_was_shown,
            joins_by_invitation,
            document_is_one_that_is_taken,
        ]


class MemberUpload(models.Model):
    """A member list that waits between the look at it and its import; sealed, and gone afterwards.

    looks: how often a look was ordered, names its job. rows_done, rows_all: how far the look has come; rows_all None
    until the file is read. report: what the look found, sealed; None before it is finished.
    """

    pool = models.ForeignKey(Pool, on_delete=models.CASCADE, related_name="member_uploads")
    sha256 = models.CharField(max_length=64)
    filename = models.CharField(max_length=120)
    content = models.BinaryField()
    looks = models.PositiveIntegerField(default=1)
    rows_done = models.PositiveIntegerField(default=0)
    rows_all = models.PositiveIntegerField(null=True)
    report = models.BinaryField(null=True)
    uploaded_by = models.CharField(max_length=40)
    uploaded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pool", "sha256"], name="one_member_upload_per_file"),
        ]

    @property
    def job_key(self) -> str:
        """Return the key of the job that looks, or has looked, at it."""
        return f"{self.pk}/{self.looks}"


class MemberImport(models.Model):
    """A list of members of a pool that moves in: proposed by one person, approved by another; a batch of rows.

    number: 1, 2, 3 … per pool, given by the database, and so are row_count, served (those with waiting time served),
    owed_fen and prepaid_fen, the sums over its rows, and shown_sha256, the hash over all of them; an approval names it.
    sha256: of the file as it came.
    """

    class State(models.TextChoices):
        WRITING = "writing", _("being written")
        PROPOSED = "proposed", _("waits for a second person")
        APPROVED = "approved", _("approved")
        WITHDRAWN = "withdrawn", _("withdrawn")

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="member_imports")
    number = models.PositiveIntegerField()
    filename = models.CharField(max_length=120)
    sha256 = models.CharField(max_length=64)
    state = models.CharField(max_length=10, choices=State, default=State.WRITING)
    row_count = models.PositiveIntegerField(default=0)
    served = models.PositiveIntegerField(default=0)
    owed_fen = models.BigIntegerField(default=0)
    prepaid_fen = models.BigIntegerField(default=0, db_default=0)
    shown_sha256 = models.CharField(max_length=64, default="", db_default="")
    approved_sha256 = models.CharField(max_length=64, null=True)
    proposed_by = models.CharField(max_length=40)
    proposed_at = models.DateTimeField()
    decided_by = models.CharField(max_length=40, null=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pool", "number"], name="one_member_import_per_number"),
            models.UniqueConstraint(
                fields=["pool"],
                condition=Q(state__in=["writing", "proposed"]),
                name="one_open_member_import_per_pool",
            ),
            models.CheckConstraint(
                condition=Q(decided_by=None) | ~Q(state="approved") | ~Q(decided_by=F("proposed_by")),
                name="import_approver_is_not_proposer",
            ),
            models.CheckConstraint(
                condition=Q(
                    state="approved", approved_sha256__isnull=False, approved_sha256=F("shown_sha256")
                )
                | ~Q(state="approved") & Q(approved_sha256=None),
                name="import_approval_is_of_what_was_shown",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["writing", "proposed"], decided_by=None, decided_at=None)
                | Q(state__in=["approved", "withdrawn"], decided_by__isnull=False, decided_at__isnull=False),
                name="import_names_who_decided",
            ),
        ]
        triggers = [
            follows_order(
                "import_state_follows_order",
                "state",
                {
                    "writing": ("proposed", "withdrawn"),
                    "proposed": ("approved", "withdrawn"),
                    "approved": (),
                    "withdrawn": (),
                },
                first="writing",
            ),
            *import_guards,
        ]

    def __str__(self) -> str:
        return f"{self.pool.code} import {self.number}"

    @property
    def badge(self) -> str:
        """Return by which state its badge looks."""
        return "proposed" if self.state in {self.State.WRITING, self.State.PROPOSED} else self.state


class ImportedMember(models.Model):
    """One row of an import: somebody who is invited to confirm the covenant here, and what counts once they do.

    email: folded. document_index: blind index of the identity document. class_no: None where there is one class or the
    age on the day of signing decides. since_date: since when waiting time was served elsewhere, by its proof. owed_fen:
    shares of the old pool still owed. prepaid_fen: what the old pool held of theirs, where members pay ahead. payer:
    the address of the row of whoever pays for this member; empty: they pay themselves. sealed: name, birth date and
    document. membership: who has confirmed.
    """

    class State(models.TextChoices):
        OPEN = "open", _("not confirmed yet")
        CONFIRMED = "confirmed", _("confirmed")
        WITHDRAWN = "withdrawn", _("taken back")

    member_import = models.ForeignKey(MemberImport, on_delete=models.PROTECT, related_name="members")
    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="imported_members", db_index=False)
    row_no = models.PositiveIntegerField()
    email = models.EmailField()
    document_index = models.BinaryField(max_length=32)
    class_no = models.SmallIntegerField(null=True)
    since_date = models.DateField(null=True)
    proof = models.CharField(max_length=200, blank=True)
    owed_fen = models.BigIntegerField()
    prepaid_fen = models.BigIntegerField(default=0, db_default=0)
    payer = models.EmailField(blank=True, default="", db_default="")
    sealed = models.BinaryField()
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    membership = models.OneToOneField(
        Membership, on_delete=models.PROTECT, null=True, related_name="imported_as"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["member_import", "row_no"], name="one_imported_member_per_row"),
            models.UniqueConstraint(
                fields=["pool", "document_index"],
                condition=~Q(state="withdrawn"),
                name="one_imported_member_per_document",
            ),
            models.UniqueConstraint(
                fields=["pool", "email"],
                condition=~Q(state="withdrawn"),
                name="one_imported_member_per_address",
            ),
            models.CheckConstraint(
                condition=Q(owed_fen__gte=0, owed_fen__lt=2**53, prepaid_fen__gte=0, prepaid_fen__lt=2**53),
                name="imported_member_owes_no_less_than_nothing",
            ),
            models.CheckConstraint(
                condition=Q(since_date=None, proof="") | Q(since_date__isnull=False) & ~Q(proof=""),
                name="waiting_time_served_has_its_proof",
            ),
            models.CheckConstraint(
                condition=Q(state="confirmed", membership__isnull=False)
                | ~Q(state="confirmed") & Q(membership=None),
                name="confirmed_import_has_its_membership",
            ),
        ]
        triggers = [
            follows_order(
                "imported_member_state_follows_order",
                "state",
                {"open": ("confirmed", "withdrawn"), "confirmed": (), "withdrawn": ()},
                first="open",
            ),
            *imported_member_guards,
        ]

    def __str__(self) -> str:
        return f"{self.member_import} row {self.row_no}"
