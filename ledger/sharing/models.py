"""Awards to be shared, periods, the manifest of a headcount, and charges."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.guards import follows_order
from ledger.books.models import JournalEntry
from ledger.sharing.face_triggers import cases_are_announced_with_their_faces
from ledger.sharing.shelves import shelf_guards
from ledger.sharing.triggers import award_guards, manifest_guards, period_guards
from ledger.sharing.wallet_guards import wallet_period_guards
from members.pools.models import PlanVersion, Pool

FIGURES = (
    "cases",
    "awarded_fen",
    "aid_fen",
    "fee_fen",
    "other_costs_fen",
    "reserve_contribution_fen",
    "reserve_drawn_fen",
    "sponsor_fen",
    "other_income_fen",
    "carry_in_fen",
    "carry_out_fen",
    "need_fen",
    "assessed_fen",
    "books_upto_no",
)


class Period(models.Model):
    """One sharing period of a pool, from opening to posted charges.

    Dates are days of the pool's zone, half-open: a period covers [opening_date, next_opening_date). as_of:
    00:00 of the publicity date; who is covered then, shares. announced_at: written by the database, which then lets
    publicity last the plan's days from that day on and moves the charge date by as much. announced_books_no: the last
    journal entry then, written with it: the figures take in what the books held by the announcement, and nothing that
    is booked after it but the entry of the period before. The figures (fen) satisfy
    S + E + V + C_in = A + W + Φ + R + C_out. awarded_fen: what the final awards come to; A is less where caps leave no
    room for all of it. classes: [{class_no, weight, members, share_fen}], at most 64; where caps count earlier charges
    each row says the most room in it (cap_fen), and a class has further rows of who has less room than its share.
    books_upto_no: the last journal entry the figures take in; what is booked later waits for the next period.
    shown_sha256: hash of every figure, written by the database; an approval names it.
    charged_*: what the charge table holds, written by the shelf functions alone. wallet_fen, gap_fen: where members pay
    ahead, what of it came from their wallets and what those lacked; written with it. charges_notified_at: when every
    exact charge was announced; nothing is collected before.
    postings: how often posting was ordered, by an approval or by going on after a pause; it names the jobs.
    posting_paused_*: posting stands still, and since when and by whom.
    """

    class State(models.TextChoices):
        OPENED = "opened", _("opened")
        FROZEN = "frozen", _("headcount frozen")
        ANNOUNCED = "announced", _("announced")
        SETTLED = "settled", _("publicity ended")
        COMPUTED = "computed", _("computed")
        APPROVED = "approved", _("approved")
        POSTING = "posting", _("being posted")
        POSTED = "posted", _("posted")

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="periods")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=12, choices=State, default=State.OPENED)
    plan_version = models.ForeignKey(PlanVersion, on_delete=models.PROTECT, related_name="periods")
    opening_date = models.DateField()
    next_opening_date = models.DateField()
    publicity_date = models.DateField()
    publicity_end_date = models.DateField()
    charge_date = models.DateField()

    as_of = models.DateTimeField(null=True)
    headcount_recorded_at = models.DateTimeField(null=True)
    headcount = models.BigIntegerField(null=True)
    announced_at = models.DateTimeField(null=True)
    announced_books_no = models.PositiveBigIntegerField(null=True)

    cases = models.PositiveIntegerField(null=True)
    awarded_fen = models.BigIntegerField(null=True)
    aid_fen = models.BigIntegerField(null=True)
    fee_fen = models.BigIntegerField(null=True)
    other_costs_fen = models.BigIntegerField(null=True)
    reserve_contribution_fen = models.BigIntegerField(null=True)
    reserve_drawn_fen = models.BigIntegerField(null=True)
    sponsor_fen = models.BigIntegerField(null=True)
    other_income_fen = models.BigIntegerField(null=True)
    carry_in_fen = models.BigIntegerField(null=True)
    carry_out_fen = models.BigIntegerField(null=True)
    need_fen = models.BigIntegerField(null=True)
    assessed_fen = models.BigIntegerField(null=True)
    classes = models.JSONField(null=True)
    books_upto_no = models.PositiveBigIntegerField(null=True)
    shown_sha256 = models.CharField(max_length=64, null=True)

    computations = models.PositiveIntegerField(default=0)
    prepared_by = models.CharField(max_length=40, null=True)
    prepared_at = models.DateTimeField(null=True)
    approved_by = models.CharField(max_length=40, null=True)
    approved_at = models.DateTimeField(null=True)
    approved_sha256 = models.CharField(max_length=64, null=True)

    postings = models.PositiveIntegerField(default=0, db_default=0)
    posting_paused_at = models.DateTimeField(null=True)
    posting_paused_by = models.CharField(max_length=40, null=True)
    charged_members = models.BigIntegerField(null=True)
    charged_fen = models.BigIntegerField(null=True)
    wallet_fen = models.BigIntegerField(null=True)
    gap_fen = models.BigIntegerField(null=True)
    posted_at = models.DateTimeField(null=True)
    charges_notified_at = models.DateTimeField(null=True)
    entry = models.OneToOneField(JournalEntry, on_delete=models.PROTECT, null=True, related_name="period")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pool", "number"], name="one_period_per_number"),
            ExclusionConstraint(
                name="periods_do_not_overlap",
                expressions=[
                    ("pool", RangeOperators.EQUAL),
                    (
                        Func(
                            F("opening_date"),
                            F("next_opening_date"),
                            function="daterange",
                            output_field=DateRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
            models.CheckConstraint(
                condition=Q(opening_date__lte=F("publicity_date"))
                & Q(publicity_date__lt=F("publicity_end_date"))
                & Q(publicity_end_date__lte=F("charge_date"))
                & Q(opening_date__lt=F("next_opening_date")),
                name="period_dates_in_order",
            ),
            models.CheckConstraint(
                condition=Q(state="opened")
                | Q(
                    as_of__isnull=False,
                    headcount_recorded_at__isnull=False,
                    headcount__isnull=False,
                    headcount__gte=0,
                ),
                name="frozen_period_has_a_headcount",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["opened", "frozen"])
                | Q(announced_at__isnull=False, announced_books_no__isnull=False),
                name="announced_period_says_when",
            ),
            models.CheckConstraint(
                condition=Q(assessed_fen=None)
                | Q(
                    assessed_fen=F("aid_fen")
                    + F("other_costs_fen")
                    + F("fee_fen")
                    + F("reserve_contribution_fen")
                    + F("carry_out_fen")
                    - F("sponsor_fen")
                    - F("reserve_drawn_fen")
                    - F("carry_in_fen")
                ),
                name="period_identity_holds",
            ),
            models.CheckConstraint(
                condition=Q(assessed_fen=None)
                | Q(
                    aid_fen__gte=0,
                    aid_fen__lte=F("awarded_fen"),
                    fee_fen__gte=0,
                    other_costs_fen__gte=0,
                    reserve_contribution_fen__gte=0,
                    reserve_drawn_fen__gte=0,
                    sponsor_fen__gte=0,
                    carry_in_fen__gte=0,
                    carry_out_fen__gte=0,
                    assessed_fen__gte=0,
                ),
                name="period_figures_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["opened", "frozen", "announced", "settled"])
                | Q(prepared_by__isnull=False, prepared_at__isnull=False, classes__isnull=False)
                # A figure that is missing would make every comparison with it unknown, which a CHECK lets pass.
                & Q(**{f"{figure}__isnull": False for figure in FIGURES}),
                name="computed_period_has_figures",
            ),
            models.CheckConstraint(
                condition=Q(approved_by=None) | ~Q(approved_by=F("prepared_by")),
                name="period_approver_is_not_preparer",
            ),
            models.CheckConstraint(
                condition=Q(approved_sha256=None) | Q(approved_sha256=F("shown_sha256")),
                name="approval_is_of_what_was_shown",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["opened", "frozen", "announced", "settled", "computed"])
                | Q(approved_by__isnull=False, approved_at__isnull=False, approved_sha256__isnull=False),
                name="posting_needs_an_approval",
            ),
            models.CheckConstraint(
                condition=Q(posting_paused_at=None, posting_paused_by=None)
                | Q(
                    state__in=["approved", "posting"],
                    posting_paused_at__isnull=False,
                    posting_paused_by__isnull=False,
                ),
                name="only_a_posting_is_paused",
            ),
            models.CheckConstraint(
                condition=Q(entry=None) | Q(state="posted"), name="only_a_posted_period_has_its_entry"
            ),
            models.CheckConstraint(
                condition=~Q(state="posted")
                | Q(
                    charged_fen__isnull=False,
                    charged_members__isnull=False,
                    posted_at__isnull=False,
                    charged_fen=F("assessed_fen"),
                    charged_members=F("headcount"),
                ),
                name="posted_charges_equal_assessed",
            ),
            models.CheckConstraint(
                condition=Q(charges_notified_at=None) | Q(state="posted"),
                name="only_posted_charges_are_announced",
            ),
        ]
        triggers = [
            follows_order(
                "period_state_follows_order",
                "state",
                {
                    "opened": ("frozen",),
                    "frozen": ("announced",),
                    "announced": ("settled",),
                    "settled": ("computed",),
                    "computed": ("approved",),
                    # Back to computed by a cancellation: the approval goes, the figures stay.
                    "approved": ("posting", "computed"),
                    "posting": ("posted", "computed"),
                },
                first="opened",
            ),
            *period_guards,
            *shelf_guards,
            *wallet_period_guards,
            cases_are_announced_with_their_faces,
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def code(self) -> str:
        """Return the public id, e.g. demo-2020/1."""
        return f"{self.pool.code}/{self.number}"

    @property
    def posting_key(self) -> str:
        """Return the key of the jobs of the present order to post: a cancelled or paused one has had its own."""
        return self.code if self.postings <= 1 else f"{self.code}~{self.postings}"

    @property
    def is_ordered(self) -> bool:
        """Tell whether it is to be posted: approved and not posted yet, be it that it is paused."""
        return self.state in {self.State.APPROVED, self.State.POSTING}

    @property
    def is_public(self) -> bool:
        """Tell whether its cases and provisional figures are announced."""
        return self.state not in {self.State.OPENED, self.State.FROZEN}


class Award(models.Model):
    """Aid that a claim has been granted and that a period shares: all the ledger knows of a claim.

    code: public case number. masked: what everyone may see (age band, sex, region, disease class). aid_fen: what
    is shared. claim_code: opaque reference for the claims side. is_held: an objection is open; when publicity ends
    a held award leaves its period, and it is announced again once it is released. shared_fen: written by the database
    when it is shared: aid_fen, or its part where caps leave no room for all aid of its period. lowered_fen: what is
    taken from that: by the settlement of a pool that ends, because nobody will pay it, or because what was unpaid of it
    went back to the members. payee_*: to whom the claimant asked it
    to be paid, sealed, and the keyed hash of that; an award that came without a claim names nobody. rest_of: the award
    that it goes on with, where the plan lets wait what caps leave no room for. A rest is owed since that one was final;
    it has its claim, face and payee, and the number of the case with a running figure.
    """

    class State(models.TextChoices):
        ANNOUNCED = "announced", _("in publicity")
        FINAL = "final", _("final")
        SHARED = "shared", _("shared")
        WITHDRAWN = "withdrawn", _("withdrawn")

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="awards")
    period = models.ForeignKey(Period, on_delete=models.PROTECT, null=True, related_name="awards")
    code = models.CharField(max_length=40)
    claim_code = models.CharField(max_length=40)
    masked = models.JSONField()
    aid_fen = models.BigIntegerField()
    shared_fen = models.BigIntegerField(null=True)
    lowered_fen = models.BigIntegerField(default=0, db_default=0)
    state = models.CharField(max_length=12, choices=State, default=State.ANNOUNCED)
    is_held = models.BooleanField(default=False, db_default=False)
    announced_at = models.DateTimeField()
    announced_by = models.CharField(max_length=40)
    payee_sealed = models.BinaryField(null=True)
    payee_hash = models.BinaryField(max_length=32, null=True)
    rest_of = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, related_name="rests", db_index=False
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pool", "code"], name="one_award_per_case"),
            models.UniqueConstraint(fields=["rest_of"], name="one_rest_per_award"),
            # So that no case is ever given the number that a rest will have.
            models.CheckConstraint(
                condition=Q(rest_of=None) & ~Q(code__contains=".")
                | Q(rest_of__isnull=False, code__contains="."),
                name="only_a_rest_counts_on",
            ),
            models.CheckConstraint(
                condition=Q(payee_sealed__isnull=True, payee_hash__isnull=True)
                | Q(payee_sealed__isnull=False, payee_hash__isnull=False),
                name="award_names_a_whole_payee",
            ),
            models.UniqueConstraint(
                fields=["pool", "claim_code"],
                # An objection may end one and an appeal bring the claim back: with an award of its own.
                condition=Q(rest_of=None) & ~Q(state="withdrawn"),
                name="one_award_per_claim",
            ),
            models.CheckConstraint(
                condition=Q(aid_fen__gt=0, aid_fen__lt=2**53), name="award_amount_above_zero"
            ),
            models.CheckConstraint(
                condition=(~Q(state="shared") & Q(shared_fen=None))
                | Q(
                    state="shared", shared_fen__isnull=False, shared_fen__gte=0, shared_fen__lte=F("aid_fen")
                ),
                name="shared_award_says_how_much",
            ),
            models.CheckConstraint(
                condition=Q(lowered_fen=0)
                | Q(shared_fen__isnull=False, lowered_fen__gt=0, lowered_fen__lte=F("shared_fen")),
                name="award_is_lowered_within_its_share",
            ),
            models.CheckConstraint(
                condition=Q(is_held=False) | Q(state__in=["announced", "withdrawn"]),
                name="held_award_is_not_final",
            ),
        ]
        triggers = [
            follows_order(
                "award_state_follows_order",
                "state",
                {"announced": ("final", "withdrawn"), "final": ("shared", "withdrawn"), "shared": ()},
                first="announced",
            ),
            *award_guards,
        ]

    def __str__(self) -> str:
        return f"{self.pool.code} {self.code}"

    @property
    def payable_fen(self) -> int:
        """Return what its member is paid in all: once it is shared, what members have really shared of it.

        The settlement of a pool that ends takes from it what nobody will pay; aid that is taken back is not paid.
        """
        return self.aid_fen if self.shared_fen is None else self.shared_fen - self.lowered_fen

    @property
    def case_code(self) -> str:
        """Return the number of the case: of a rest without its running figure."""
        return self.code.partition(".")[0]

    @property
    def rest_code(self) -> str:
        """Return the number that a rest of it has: 2026-0001.2, then 2026-0001.3."""
        part = self.code.partition(".")[2]
        return f"{self.case_code}.{int(part or 1) + 1}"

    @property
    def unshared_fen(self) -> int:
        """Return what of it was not shared, though its period is posted."""
        return 0 if self.shared_fen is None else self.aid_fen - self.shared_fen

    @property
    def payee_place(self) -> str:
        """Return the place the payee is sealed for: that of the case, so that a rest has the very same bytes."""
        return f"sharing.award.payee:{self.pool.code}:{self.case_code}"


class ManifestLine(models.Model):
    """One shard of a period's headcount: a range of membership ids and whom it must charge.

    Written by take_headcount alone.
    counts: {class_no: members}; ids_hash: order-free 64-bit hash of the ids and classes; rooms: what they may still be
    charged where caps count earlier charges, [[class_no, fen, members]], else null; want_fen: what the shard's charges
    must sum to, known once shares are computed. written_at: its charges are committed.
    """

    period = models.ForeignKey(Period, on_delete=models.PROTECT, related_name="manifest")
    shard_no = models.PositiveIntegerField()
    first_id = models.BigIntegerField()
    end_id = models.BigIntegerField()
    members = models.BigIntegerField()
    counts = models.JSONField()
    ids_hash = models.BigIntegerField()
    rooms = models.JSONField(null=True)
    want_fen = models.BigIntegerField(null=True)
    written_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["period", "shard_no"], name="one_manifest_line_per_shard"),
            models.CheckConstraint(condition=Q(first_id__lt=F("end_id")), name="shard_range_is_not_empty"),
        ]
        triggers = manifest_guards


class Charge(models.Model):
    """What one membership owes for one period (fen). Written by the shelf functions only.

    The table is partitioned by pool, large pools also by period; every read must name the pool.
    """

    pk = models.CompositePrimaryKey("membership_id", "pool_id", "period_no")
    membership_id = models.BigIntegerField()
    share_fen = models.BigIntegerField()
    pool_id = models.IntegerField()
    period_no = models.IntegerField()

    class Meta:
        managed = False
        db_table = "ledger_charge"
