"""What came into a member's wallet and left it; memberships that a short wallet or an unpaid share has suspended."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.guards import follows_order, permanent
from ledger.custody.arrears_triggers import arrears_guards
from ledger.custody.models import PaymentOrder, StatementLine
from ledger.custody.wallet_triggers import entry_guards, suspension_guards, total_guards


class WalletEntry(models.Model):
    """One movement of a wallet other than a share (fen): a fact, signed as the wallet sees it.

    What a member has is the sum of these less their charges. line: the receipt that a top-up is of. order: the payment
    that pays a balance back, or that was cancelled or returned. period_no: the period whose share the wallet lacked
    that much of; it brings the wallet to 0. An opening balance moves in with a pool, as an approved list names it.
    turn: as that of a collection.
    """

    class Kind(models.TextChoices):
        TOP_UP = "top_up", _("top-up")
        OPENING = "opening", _("opening balance")
        REFUND = "refund", _("paid back")
        REFUND_UNDONE = "refund_undone", _("payment back undone")
        GAP = "gap", _("lacked by the wallet")
        UNDONE = "undone", _("match undone")

    pool_id = models.BigIntegerField()
    membership_id = models.BigIntegerField()
    kind = models.CharField(max_length=13, choices=Kind)
    amount_fen = models.BigIntegerField()
    line = models.ForeignKey(StatementLine, on_delete=models.PROTECT, null=True, related_name="top_ups")
    order = models.ForeignKey(
        PaymentOrder, on_delete=models.PROTECT, null=True, related_name="wallet_entries"
    )
    period_no = models.IntegerField(null=True)
    turn = models.IntegerField(default=0, db_default=0)
    recorded_by = models.CharField(max_length=40)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["top_up", "opening", "refund_undone", "gap"], amount_fen__gt=0)
                | Q(kind__in=["refund", "undone"], amount_fen__lt=0),
                name="wallet_entry_has_its_sign",
            ),
            models.CheckConstraint(
                condition=Q(amount_fen__gt=-(2**53), amount_fen__lt=2**53), name="wallet_entry_is_exact"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["top_up", "undone"], line__isnull=False, order=None, period_no=None)
                | Q(kind="opening", line=None, order=None, period_no=None)
                | Q(kind__in=["refund", "refund_undone"], line=None, order__isnull=False, period_no=None)
                | Q(kind="gap", line=None, order=None, period_no__isnull=False),
                name="wallet_entry_names_its_source",
            ),
            models.UniqueConstraint(
                fields=["line", "membership_id", "turn"],
                condition=Q(kind__in=["top_up", "undone"]),
                name="one_top_up_per_line_and_wallet",
            ),
            models.CheckConstraint(
                condition=Q(kind="undone", turn__lt=0)
                | Q(kind="top_up", turn__gte=0)
                | ~Q(kind__in=["top_up", "undone"]) & Q(turn=0),
                name="wallet_entry_turn_fits_its_kind",
            ),
            models.UniqueConstraint(
                fields=["order", "kind"],
                condition=Q(kind__in=["refund", "refund_undone"]),
                name="one_wallet_entry_per_order_and_kind",
            ),
            models.UniqueConstraint(
                fields=["pool_id", "membership_id", "period_no"],
                condition=Q(kind="gap"),
                name="one_gap_per_wallet_and_period",
            ),
            models.UniqueConstraint(
                fields=["pool_id", "membership_id"],
                condition=Q(kind="opening"),
                name="one_opening_per_wallet",
            ),
        ]
        indexes = [
            models.Index(fields=["pool_id", "membership_id"], name="wallet_entries_of_a_member"),
        ]
        triggers = [*permanent("wallet_entry_is_permanent"), *entry_guards]


class WalletTotal(models.Model):
    """The sum of a pool's wallet entries (fen), kept by their guard: what the control account is held against."""

    pool_id = models.BigIntegerField(primary_key=True)
    entries_fen = models.BigIntegerField()

    class Meta:
        triggers = total_guards


class Suspension(models.Model):
    """A membership that does not count because its wallet ran short in a period, or its share of it was not paid.

    from_date: the first day without cover. until_date: the last day on which money restores it. ended_date: the day
    from which it is covered again, on which it lapsed, or on which the membership ended with an aid.
    """

    class Cause(models.TextChoices):
        GAP = "gap", _("the wallet ran short")
        UNPAID = "unpaid", _("a share was not paid")

    class State(models.TextChoices):
        SUSPENDED = "suspended", _("suspended")
        RESTORED = "restored", _("restored")
        LAPSED = "lapsed", _("lapsed")
        ENDED = "ended", _("ended")

    pool_id = models.BigIntegerField()
    membership_id = models.BigIntegerField()
    period_no = models.IntegerField()
    class_no = models.SmallIntegerField()
    cause = models.CharField(max_length=6, choices=Cause, default=Cause.GAP, db_default=Cause.GAP)
    from_date = models.DateField()
    until_date = models.DateField()
    state = models.CharField(max_length=10, choices=State, default=State.SUSPENDED)
    ended_date = models.DateField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["pool_id", "membership_id", "period_no"],
                condition=Q(cause="gap"),
                name="one_suspension_per_wallet_and_period",
            ),
            models.UniqueConstraint(
                fields=["pool_id", "membership_id"],
                condition=Q(state="suspended"),
                name="one_open_suspension_per_wallet",
            ),
            models.CheckConstraint(condition=Q(cause__in=["gap", "unpaid"]), name="suspension_has_a_cause"),
            models.CheckConstraint(
                condition=Q(state="suspended", ended_date=None)
                | Q(state__in=["restored", "lapsed", "ended"], ended_date__isnull=False),
                name="ended_suspension_says_when",
            ),
        ]
        indexes = [
            models.Index(
                fields=["pool_id", "until_date"],
                condition=Q(state="suspended"),
                name="open_suspensions",
            ),
        ]
        triggers = [
            follows_order(
                "suspension_ends_once",
                "state",
                {"suspended": ("restored", "lapsed", "ended"), "restored": (), "lapsed": (), "ended": ()},
                first="suspended",
            ),
            *suspension_guards,
            *arrears_guards,
        ]
