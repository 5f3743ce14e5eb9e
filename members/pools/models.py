"""Pools, their plan versions, and the duties people hold in them."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.guards import Guard, follows_order, permanent, refuse
from members.pools.covenants import Question, read_declaration
from members.pools.duty_triggers import duty_ends_by_its_change
from members.pools.plan_terms import PlanTerms
from members.pools.triggers import (
    DUTIES,
    duties_do_not_meet,
    duty_needs_two_people,
    headcount_follows_ages,
    invitation_guards,
    plan_change_closes_its_proposal,
    plan_change_keeps_its_notice,
    plan_draft_ends_with_the_draft,
    plan_version_hashes_are_real,
    proposal_guards,
)


class Pool(models.Model):
    """A mutual-aid pool.

    code: public id, also the name of its books and of its log. headcount_recorded_at: the real instant of
    the last headcount; no membership span may be recorded before it any more. ages_followed_date: the last day on which
    those were moved whose age has another class. charges_by_period: each period has its own charge table; decided at
    founding by the expected size.
    """

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        GATHERING = "gathering", _("gathering")
        OPEN = "open", _("open")
        INTAKE_STOPPED = "intake_stopped", _("intake stopped")
        WINDING_DOWN = "winding_down", _("winding down")
        CLOSED = "closed", _("closed")
        GIVEN_UP = "given_up", _("given up")

    # Only those who hold a duty in the pool see it.
    PRIVATE = (State.DRAFT, State.GIVEN_UP)

    code = models.SlugField(max_length=40, unique=True)
    name_en = models.CharField(max_length=80)
    name_zh = models.CharField(max_length=80)
    currency = models.CharField(max_length=3, default="CNY")
    time_zone = models.CharField(max_length=40, default="Asia/Shanghai")
    state = models.CharField(max_length=20, choices=State, default=State.DRAFT)
    charges_by_period = models.BooleanField(default=False)
    opened_date = models.DateField(null=True)
    headcount_recorded_at = models.DateTimeField(null=True)
    ages_followed_date = models.DateField(null=True)

    class Meta:
        triggers = [
            follows_order(
                "pool_state_follows_order",
                "state",
                {
                    "draft": ("gathering", "open", "given_up"),
                    "gathering": ("open", "closed"),
                    "open": ("intake_stopped",),
                    "intake_stopped": ("open", "winding_down"),
                    "winding_down": ("closed",),
                    "closed": (),
                    "given_up": (),
                },
                first="draft",
            ),
            Guard(
                name="pool_keeps_its_money_terms",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                func=f"""
                    IF (NEW.code, NEW.currency, NEW.charges_by_period)
                       IS DISTINCT FROM (OLD.code, OLD.currency, OLD.charges_by_period)
                       OR (OLD.state <> 'draft' AND NEW.time_zone <> OLD.time_zone)
                       OR (NEW.opened_date IS DISTINCT FROM OLD.opened_date
                           AND (OLD.opened_date IS NOT NULL OR NEW.state <> 'open')) THEN
                        {refuse("pool_keeps_its_money_terms", "code, currency and calendar zone are fixed")}
                    END IF;
                    -- The hour of a headcount is the server's own and never goes back.
                    IF NEW.headcount_recorded_at IS DISTINCT FROM OLD.headcount_recorded_at THEN
                        NEW.headcount_recorded_at := clock_timestamp();
                    END IF;
                    RETURN NEW;
                """,
            ),
            headcount_follows_ages,
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def is_private(self) -> bool:
        """Tell whether only its founders see the pool: a draft, or one that was given up."""
        return self.state in self.PRIVATE


class PlanDraft(models.Model):
    """The rules that the founders of a draft pool are still writing; published as its first version.

    preset: the one it began with. terms, covenant_*, declaration: as in PlanVersion. expected_members: for how many the
    consequences are shown. changes: counts the edits, so that nobody overwrites what they have not seen.
    """

    pool = models.OneToOneField(Pool, on_delete=models.PROTECT, related_name="plan_draft")
    preset = models.CharField(max_length=40)
    terms = models.JSONField()
    covenant_en = models.TextField()
    covenant_zh = models.TextField()
    declaration = models.JSONField()
    expected_members = models.PositiveIntegerField()
    changes = models.PositiveIntegerField(default=0)
    changed_by = models.CharField(max_length=40)
    changed_at = models.DateTimeField()

    class Meta:
        triggers = [plan_draft_ends_with_the_draft]

    def __str__(self) -> str:
        return f"{self.pool.code} draft"

    def plan(self) -> PlanTerms:
        """Return the terms as the pure, validated object."""
        return PlanTerms.from_json(self.terms)


class PlanProposal(models.Model):
    """A change of a running pool's rules that waits for a second person; its contents are never edited.

    base: the version that it changes, written by the database. terms, covenant_*, declaration, effective_date: as in
    PlanVersion. reason: what members are told about why.
    shown_sha256: the database's own hash of all of it; who publishes names it. decided_*: who published or withdrew.
    """

    class State(models.TextChoices):
        OPEN = "open", _("waits for a second person")
        PUBLISHED = "published", _("published")
        WITHDRAWN = "withdrawn", _("withdrawn")

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="plan_proposals")
    number = models.PositiveIntegerField()
    base = models.ForeignKey("PlanVersion", on_delete=models.PROTECT, null=True, related_name="+")
    terms = models.JSONField()
    covenant_en = models.TextField()
    covenant_zh = models.TextField()
    declaration = models.JSONField()
    effective_date = models.DateField()
    reason = models.TextField()
    shown_sha256 = models.CharField(max_length=64, default="", db_default="")
    proposed_by = models.CharField(max_length=40)
    proposed_at = models.DateTimeField()
    state = models.CharField(max_length=20, choices=State, default=State.OPEN)
    decided_by = models.CharField(max_length=40, default="", db_default="")
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pool", "number"], name="one_plan_proposal_per_number"),
            models.UniqueConstraint(
                fields=["pool"], condition=Q(state="open"), name="one_open_plan_proposal_per_pool"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="plan_proposal_says_why"),
            models.CheckConstraint(
                condition=Q(state="open", decided_by="", decided_at=None)
                | (~Q(state="open") & ~Q(decided_by="") & Q(decided_at__isnull=False)),
                name="plan_proposal_names_who_decided",
            ),
        ]
        triggers = proposal_guards

    def __str__(self) -> str:
        return f"{self.pool.code} proposal {self.number}"

    @property
    def badge(self) -> str:
        """Return by which state its badge looks: an open proposal waits, while an open pool is well."""
        return "proposed" if self.state == self.State.OPEN else self.state

    def plan(self) -> PlanTerms:
        """Return the terms as the pure, validated object."""
        return PlanTerms.from_json(self.terms)


class PlanVersion(models.Model):
    """The rules of a pool from a date on: published once, never edited.

    proposal: what two people agreed on; null for what was published before members could join.

    terms: what `plan_terms.PlanTerms` reads; terms_sha256: hash of its canonical JSON. covenant_*: the text
    people sign. declaration: the health questions, each with what an answer means; see `covenants.py`.
    covenant_sha256: of the English text, a line break, and the Chinese one; declaration_sha256: of the JSON
    as PostgreSQL writes it. Both are written by the database.
    """

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="plan_versions")
    number = models.PositiveIntegerField()
    terms = models.JSONField()
    terms_sha256 = models.CharField(max_length=64)
    covenant_en = models.TextField(default="", db_default="")
    covenant_zh = models.TextField(default="", db_default="")
    covenant_sha256 = models.CharField(max_length=64, default="", db_default="")
    declaration = models.JSONField(default=list, db_default=[])
    declaration_sha256 = models.CharField(max_length=64, default="", db_default="")
    effective_date = models.DateField()
    published_at = models.DateTimeField()
    published_by = models.CharField(max_length=40)
    proposal = models.OneToOneField(PlanProposal, on_delete=models.PROTECT, null=True, related_name="version")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pool", "number"], name="one_plan_version_per_number"),
            models.UniqueConstraint(fields=["pool", "effective_date"], name="one_plan_version_per_date"),
        ]
        triggers = [
            *permanent("plan_version_is_permanent"),
            plan_version_hashes_are_real,
            plan_change_keeps_its_notice,
            plan_change_closes_its_proposal,
        ]

    def __str__(self) -> str:
        return f"{self.pool.code} v{self.number}"

    def plan(self) -> PlanTerms:
        """Return the terms as the pure, validated object."""
        return PlanTerms.from_json(self.terms)

    def questions(self) -> tuple[Question, ...]:
        """Return the health declaration, question by question."""
        return read_declaration(self.declaration)


class DutyGrant(models.Model):
    """A duty a person holds in a pool; pool null: in every pool of this installation (administrators only).

    Founding grants are made while the pool is a draft; later ones need two other people.
    """

    class Duty(models.TextChoices):
        POOL_ADMIN = "pool_admin", _("pool admin")
        REVIEWER = "reviewer", _("reviewer")
        SECOND_REVIEWER = "second_reviewer", _("second reviewer")
        TREASURER = "treasurer", _("treasurer")
        CONTROLLER = "controller", _("controller")
        AUDITOR = "auditor", _("auditor")

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, null=True, related_name="duty_grants")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="duty_grants")
    duty = models.CharField(max_length=20, choices=Duty)
    is_founding = models.BooleanField(default=False)
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    granted_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["pool", "person", "duty"],
                condition=Q(ended_at=None),
                nulls_distinct=False,
                name="one_live_grant_per_duty",
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=F("granted_at")),
                name="grant_ends_after_it_began",
            ),
            models.CheckConstraint(
                condition=Q(pool__isnull=False) | Q(duty="pool_admin"), name="only_admins_are_of_all_pools"
            ),
            models.CheckConstraint(condition=Q(duty__in=DUTIES), name="duty_is_known"),
        ]
        triggers = [duty_needs_two_people, duties_do_not_meet, duty_ends_by_its_change]


class DutyInvitation(models.Model):
    """A founder's question to somebody whether they take a duty; the account with that address answers.

    email: lower case. person: who has accepted. A declined or withdrawn invitation stays on record.
    """

    class State(models.TextChoices):
        OPEN = "open", _("waits for an answer")
        ACCEPTED = "accepted", _("accepted")
        DECLINED = "declined", _("declined")
        WITHDRAWN = "withdrawn", _("withdrawn")

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="duty_invitations")
    duty = models.CharField(max_length=20, choices=DutyGrant.Duty)
    email = models.EmailField()
    state = models.CharField(max_length=20, choices=State, default=State.OPEN)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    invited_at = models.DateTimeField()
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="duty_invitations"
    )
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["pool", "duty", "email"],
                condition=Q(state="open"),
                name="one_open_invitation_per_duty_and_address",
            ),
            models.CheckConstraint(condition=Q(duty__in=DUTIES), name="invitation_is_to_a_known_duty"),
            models.CheckConstraint(
                condition=Q(state="open", decided_at=None, person=None)
                | Q(state="accepted", decided_at__isnull=False, person__isnull=False)
                | Q(state__in=["declined", "withdrawn"], decided_at__isnull=False, person=None),
                name="invitation_is_answered_whole",
            ),
        ]
        triggers = invitation_guards

    def __str__(self) -> str:
        return f"{self.pool.code} {self.duty} {self.email}"
