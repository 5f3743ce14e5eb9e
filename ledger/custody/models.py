"""The bank account of a pool, its statements, what members paid, and payment orders."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.guards import follows_order, permanent
from ledger.custody.collection_triggers import collection_guards
from ledger.custody.cost_models import OutsideCost
from ledger.custody.mapping_triggers import mapping_is_of_the_account
from ledger.custody.payment_file_triggers import sent_payment_waits_for_the_bank
from ledger.custody.release_limit_triggers import release_guards
from ledger.custody.triggers import account_guards, line_guards, order_guards, statement_guards
from ledger.sharing.models import Award, Period
from members.joining.models import ImportedMember, Membership
from members.pools.models import Pool

SHOWN_DIGITS = 4


def masked(number: str) -> str:
    """Return an account number of which the last four characters show."""
    return f"•••• {number[-SHOWN_DIGITS:]}"


class BankAccount(models.Model):
    """The custody account of a pool: a fact, one per pool, and no account serves two pools.

    number is no secret: members pay into it, and compare it with their own receipts.
    """

    pool = models.OneToOneField(Pool, on_delete=models.PROTECT, related_name="bank_account")
    bank_name = models.CharField(max_length=80)
    holder_name = models.CharField(max_length=80)
    number = models.CharField(max_length=34, unique=True)
    opened_by = models.CharField(max_length=40)
    opened_at = models.DateTimeField()

    class Meta:
        triggers = [*permanent("bank_account_is_permanent"), *account_guards]

    def __str__(self) -> str:
        return f"{self.pool.code} {self.masked_number}"

    @property
    def masked_number(self) -> str:
        """Return the number with all but its end hidden."""
        return masked(self.number)


class BankStatement(models.Model):
    """One imported statement: a fact. number: 1, 2, 3 … per account, given by the database.

    Days [from_date, to_date) join those of the last statement, and so do the balances (fen). sha256: of the
    file as it came. bank_number: what the bank calls the statement. dropped_lines: bookings of the file that
    were known from an earlier statement. mapping: by which description a table of the bank was read.
    """

    class Format(models.TextChoices):
        CAMT = "camt.053", "camt.053"
        MT940 = "mt940", "MT940"
        CSV = "csv", "CSV"
        MAPPED = "mapped", _("table of the bank")

    account = models.ForeignKey(BankAccount, on_delete=models.PROTECT, related_name="statements")
    number = models.PositiveIntegerField()
    bank_number = models.CharField(max_length=40, blank=True)
    format = models.CharField(max_length=10, choices=Format)
    from_date = models.DateField()
    to_date = models.DateField()
    opening_fen = models.BigIntegerField()
    closing_fen = models.BigIntegerField()
    line_count = models.PositiveIntegerField()
    dropped_lines = models.PositiveIntegerField(default=0)
    sha256 = models.CharField(max_length=64)
    mapping = models.ForeignKey(
        "ledger.StatementMapping",
        on_delete=models.PROTECT,
        null=True,
        related_name="statements",
        db_index=False,
    )
    imported_by = models.CharField(max_length=40)
    imported_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(format="mapped", mapping__isnull=False) | ~Q(format="mapped") & Q(mapping=None),
                name="mapped_statement_names_its_mapping",
            ),
            models.UniqueConstraint(fields=["account", "number"], name="one_statement_per_number"),
            models.UniqueConstraint(fields=["account", "sha256"], name="one_statement_per_file"),
            models.CheckConstraint(condition=Q(from_date__lt=F("to_date")), name="statement_covers_days"),
        ]
        triggers = [*permanent("statement_is_permanent"), *statement_guards, mapping_is_of_the_account]

    def __str__(self) -> str:
        return f"{self.account.pool.code} statement {self.number}"


class StatementLine(models.Model):
    """One booking of the bank: a fact. A receipt is a line whose direction is in.

    kind: what it was taken for when it came. membership_id: whose reference it bore, if any. content_hash: a keyed
    hash of day, direction, amount, bank's reference, counterparty and text; twin_no counts bookings that are
    equal in all of these, so that a genuine second payment stays and a repeated file adds nothing.
    counterparty: sealed; only people with a money duty read it. counterparty_index: a keyed hash of it, equal for
    equal ones, empty without one; by it money is known again that came from there before. charge_file: whose debits
    it settles.
    """

    class Direction(models.TextChoices):
        IN = "in", _("in")
        OUT = "out", _("out")

    class Kind(models.TextChoices):
        COLLECTION = "collection", _("share paid")
        DEBITED = "debited", _("debits handed on by the agent")
        TOP_UP = "top_up", _("top-up of a wallet")
        UNIDENTIFIED = "unidentified", _("unidentified receipt")
        RETURNED = "returned", _("payment returned")
        INTEREST = "interest", _("interest")
        REFERRAL = "referral", _("referral income")
        SPONSOR = "sponsor", _("from a sponsor")
        PAYMENT = "payment", _("payment made")
        CHARGEBACK = "chargeback", _("share charged back")
        DEBIT_BACK = "debit_back", _("debits taken back by the agent")
        BANK_FEE = "bank_fee", _("bank charge")
        UNEXPLAINED = "unexplained", _("debit to explain")

    # The guard statement_adds_up holds that both are there, for all lines at once; a constraint asks for each line.
    statement = models.ForeignKey(
        BankStatement, on_delete=models.PROTECT, related_name="lines", db_index=False, db_constraint=False
    )
    account = models.ForeignKey(
        BankAccount, on_delete=models.PROTECT, related_name="lines", db_index=False, db_constraint=False
    )
    line_no = models.PositiveIntegerField()
    booking_date = models.DateField()
    direction = models.CharField(max_length=3, choices=Direction)
    amount_fen = models.BigIntegerField()
    kind = models.CharField(max_length=12, choices=Kind)
    membership_id = models.BigIntegerField(null=True)
    charge_file = models.ForeignKey(
        "ledger.ChargeFile", on_delete=models.PROTECT, null=True, related_name="lines", db_index=False
    )
    bank_reference = models.CharField(max_length=140, blank=True)
    counterparty = models.BinaryField()
    text = models.CharField(max_length=500, blank=True)
    content_hash = models.BinaryField(max_length=32)
    counterparty_index = models.BinaryField(max_length=32, default=b"", db_default=b"")
    twin_no = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["statement", "line_no"], name="one_line_per_number"),
            models.UniqueConstraint(
                fields=["account", "content_hash", "twin_no"], name="one_line_per_booking"
            ),
            models.CheckConstraint(
                condition=Q(amount_fen__gt=0, amount_fen__lt=2**53), name="line_amount_above_zero"
            ),
            models.CheckConstraint(
                condition=Q(
                    direction="in",
                    kind__in=[
                        *("collection", "debited", "top_up", "unidentified"),
                        *("returned", "interest", "referral", "sponsor"),
                    ],
                )
                | Q(
                    direction="out",
                    kind__in=["payment", "chargeback", "debit_back", "bank_fee", "unexplained"],
                ),
                name="line_kind_fits_direction",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["debited", "debit_back"], charge_file__isnull=False)
                | ~Q(kind__in=["debited", "debit_back"]) & Q(charge_file=None),
                name="debits_line_names_its_file",
            ),
            models.CheckConstraint(
                condition=~Q(kind__in=["collection", "top_up", "chargeback"])
                | Q(membership_id__isnull=False),
                name="paid_share_has_its_membership",
            ),
        ]
        indexes = [
            models.Index(
                fields=["account", "booking_date"], condition=Q(kind="unidentified"), name="line_nobodys"
            ),
            models.Index(fields=["account", "amount_fen", "id"], name="line_amount"),
            models.Index(
                fields=["account", "membership_id"],
                condition=Q(membership_id__isnull=False),
                name="line_payer",
            ),
            models.Index(
                fields=["account", "counterparty_index"],
                condition=Q(kind__in=["unidentified", "collection", "top_up"]) & ~Q(counterparty_index=b""),
                name="line_from_whom",
            ),
            models.Index(
                fields=["account", "booking_date"],
                condition=Q(kind="unexplained"),
                name="line_to_explain",
            ),
            models.Index(
                fields=["account", "charge_file"],
                condition=Q(charge_file__isnull=False),
                name="line_debits",
            ),
        ]
        triggers = [*permanent("statement_line_is_permanent"), *line_guards]

    def __str__(self) -> str:
        return self.code

    @property
    def code(self) -> str:
        """Return the public id within the pool: statement and line, e.g. 3/17."""
        return f"{self.statement.number}/{self.line_no}"


class Collection(models.Model):
    """That much of a receipt or debit pays that charge (fen): a fact. Negative: it was taken back (chargeback).

    result: what the agent says of a debit, where no receipt pays.
    payer_id: the membership whose money it was, where that is not the one that was charged.
    turn: 0, but below zero the number of the undoing that takes a wrong match back, and of what a receipt pays after
    one the number of the last.
    """

    # The guard collection_fits_its_line holds that it is there, where it reads the line anyway.
    line = models.ForeignKey(
        StatementLine, on_delete=models.PROTECT, null=True, related_name="collections", db_constraint=False
    )
    result = models.ForeignKey(
        "ledger.ChargeResult", on_delete=models.PROTECT, null=True, related_name="collections", db_index=False
    )
    membership_id = models.BigIntegerField()
    pool_id = models.BigIntegerField()
    period_no = models.IntegerField()
    amount_fen = models.BigIntegerField()
    payer_id = models.BigIntegerField(null=True)
    turn = models.IntegerField(default=0, db_default=0)
    recorded_by = models.CharField(max_length=40)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["pool_id", "membership_id", "period_no", "line", "turn"],
                name="one_collection_per_line_and_charge",
            ),
            models.UniqueConstraint(
                fields=["result", "membership_id", "period_no"],
                condition=Q(result__isnull=False),
                name="one_collection_per_result_and_charge",
            ),
            models.CheckConstraint(
                condition=Q(line__isnull=False, result=None) | Q(line=None, result__isnull=False),
                name="collection_has_one_source",
            ),
            models.CheckConstraint(
                condition=Q(amount_fen__gt=-(2**53), amount_fen__lt=2**53) & ~Q(amount_fen=0),
                name="collection_moves_money",
            ),
            models.CheckConstraint(
                condition=Q(payer_id=None) | ~Q(payer_id=F("membership_id")),
                name="collection_payer_is_another",
            ),
            models.CheckConstraint(
                condition=Q(turn=0)
                | Q(line__isnull=False, turn__lt=0, amount_fen__lt=0)
                | Q(line__isnull=False, turn__gt=0, amount_fen__gt=0),
                name="collection_turn_fits_its_sign",
            ),
        ]
        indexes = [
            models.Index(
                fields=["pool_id", "payer_id"], condition=Q(payer_id__isnull=False), name="collection_payer"
            ),
        ]
        triggers = [*permanent("collection_is_permanent"), *collection_guards]


class PaymentOrder(models.Model):
    """An order to pay out: made by a treasurer, released by a controller, confirmed by the bank's statement.

    number: 1, 2, 3 … per pool, given by the database. Exactly one of award (aid), period (fee), receipt or debit
    (refund), membership_id (wallet paid back, shares given back), listed (balance of somebody who did not join) and
    cost (of an investigation) says what it is for.
    payee_*: sealed; payee_hash: keyed hash of name and account, so that what is shown can be hashed without either.
    shown_sha256: hash of everything shown, written by the database; a release names it.
    proved_at: when the releaser was found to have just confirmed with a second factor, where the release asks for that.
    """

    class Kind(models.TextChoices):
        AID = "aid", _("aid")
        REFUND = "refund", _("refund")
        FEE = "fee", _("management fee")
        WALLET = "wallet", _("wallet paid back")
        BALANCE = "balance", _("balance of before paid back")
        SHARES = "shares", _("shares given back")
        COST = "cost", _("cost of an investigation")

    class State(models.TextChoices):
        ORDERED = "ordered", _("ordered")
        RELEASED = "released", _("released")
        CONFIRMED = "confirmed", _("paid")
        CANCELLED = "cancelled", _("cancelled")
        RETURNED = "returned", _("returned by the bank")

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="payment_orders")
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=8, choices=Kind)
    award = models.ForeignKey(Award, on_delete=models.PROTECT, null=True, related_name="payment_orders")
    period = models.ForeignKey(Period, on_delete=models.PROTECT, null=True, related_name="fee_orders")
    receipt = models.ForeignKey(StatementLine, on_delete=models.PROTECT, null=True, related_name="refunds")
    debit = models.ForeignKey(
        "ledger.ChargeResult", on_delete=models.PROTECT, null=True, related_name="refunds", db_index=False
    )
    membership_id = models.BigIntegerField(null=True)
    listed = models.ForeignKey(ImportedMember, on_delete=models.PROTECT, null=True, related_name="+")
    cost = models.ForeignKey(
        OutsideCost, on_delete=models.PROTECT, null=True, related_name="payment_orders", db_index=False
    )
    amount_fen = models.BigIntegerField()
    payee_name = models.BinaryField()
    payee_account = models.BinaryField()
    payee_hash = models.BinaryField(max_length=32)
    payee_hint = models.CharField(max_length=12)
    shown_sha256 = models.CharField(max_length=64, null=True)
    state = models.CharField(max_length=10, choices=State, default=State.ORDERED)
    ordered_by = models.CharField(max_length=40)
    ordered_at = models.DateTimeField()
    released_by = models.CharField(max_length=40, null=True)
    released_at = models.DateTimeField(null=True)
    proved_at = models.DateTimeField(null=True)
    released_sha256 = models.CharField(max_length=64, null=True)
    confirmed_line = models.OneToOneField(
        StatementLine, on_delete=models.PROTECT, null=True, related_name="confirms"
    )
    returned_line = models.OneToOneField(
        StatementLine, on_delete=models.PROTECT, null=True, related_name="returns"
    )
    cancelled_by = models.CharField(max_length=40, null=True)
    cancelled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pool", "number"], name="one_order_per_number"),
            models.CheckConstraint(
                condition=Q(amount_fen__gt=0, amount_fen__lt=2**53), name="order_amount_above_zero"
            ),
            models.CheckConstraint(
                condition=Q(listed=None, debit=None, cost=None)
                & (
                    Q(kind="aid", award__isnull=False, period=None, receipt=None, membership_id=None)
                    | Q(kind="fee", award=None, period__isnull=False, receipt=None, membership_id=None)
                    | Q(kind="refund", award=None, period=None, receipt__isnull=False, membership_id=None)
                    | Q(
                        kind__in=["wallet", "shares"],
                        award=None,
                        period=None,
                        receipt=None,
                        membership_id__isnull=False,
                    )
                )
                | Q(
                    kind="refund",
                    debit__isnull=False,
                    cost=None,
                    listed=None,
                    award=None,
                    period=None,
                    receipt=None,
                    membership_id=None,
                )
                | Q(
                    kind="balance",
                    debit=None,
                    cost=None,
                    listed__isnull=False,
                    award=None,
                    period=None,
                    receipt=None,
                    membership_id=None,
                )
                | Q(
                    kind="cost",
                    cost__isnull=False,
                    debit=None,
                    listed=None,
                    award=None,
                    period=None,
                    receipt=None,
                    membership_id=None,
                ),
                name="order_names_what_it_pays",
            ),
            models.CheckConstraint(
                condition=Q(released_by=None) | ~Q(released_by=F("ordered_by")),
                name="order_releaser_is_not_orderer",
            ),
            models.CheckConstraint(
                condition=Q(released_sha256=None) | Q(released_sha256=F("shown_sha256")),
                name="release_is_of_what_was_shown",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["released", "confirmed", "returned"])
                | Q(
                    released_by__isnull=False,
                    released_at__isnull=False,
                    released_sha256__isnull=False,
                    shown_sha256__isnull=False,
                ),
                name="payment_needs_a_release",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["confirmed", "returned"], confirmed_line__isnull=False)
                | Q(state__in=["ordered", "released", "cancelled"], confirmed_line=None),
                name="confirmed_order_has_its_line",
            ),
            models.CheckConstraint(
                condition=Q(state="returned", returned_line__isnull=False)
                | ~Q(state="returned") & Q(returned_line=None),
                name="returned_order_has_its_line",
            ),
            models.CheckConstraint(
                condition=Q(state="cancelled", cancelled_by__isnull=False, cancelled_at__isnull=False)
                | ~Q(state="cancelled") & Q(cancelled_by=None, cancelled_at=None),
                name="cancelled_order_names_who",
            ),
        ]
        indexes = [
            models.Index(fields=["pool", "state"], name="order_state"),
            models.Index(fields=["debit"], condition=Q(debit__isnull=False), name="order_debit"),
            models.Index(fields=["cost"], condition=Q(cost__isnull=False), name="order_cost"),
        ]
        triggers = [
            follows_order(
                "order_state_follows_order",
                "state",
                {
                    "ordered": ("released", "cancelled"),
                    "released": ("confirmed", "cancelled"),
                    "confirmed": ("returned",),
                    "cancelled": (),
                    "returned": (),
                },
                first="ordered",
            ),
            *order_guards,
            *release_guards,
            sent_payment_waits_for_the_bank,
        ]

    def __str__(self) -> str:
        return f"{self.pool.code} payment {self.number}"

    @property
    def what_for(self) -> str:
        """Return the case, period, receipt, debit, cost, membership or row of a list that it pays, as a code."""
        if self.award is not None:
            return self.award.code
        if self.period is not None:
            return str(self.period.number)
        if self.receipt is not None:
            return self.receipt.code
        if self.debit is not None:
            return self.debit.instruction.end_to_end_id
        if self.listed is not None:
            return f"{self.listed.member_import.number}/{self.listed.row_no}"
        if self.cost is not None:
            return self.cost.reference
        assert self.membership_id is not None
        number = Membership.objects.values_list("number", flat=True).get(pk=self.membership_id)
        return f"#{number}"
