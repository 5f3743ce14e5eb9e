"""Months that are closed, by a treasurer and a controller; opened again by two people as well, with a reason."""

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.proposals import is_agreed_by_another
from ledger.custody.month_triggers import close_guards, reopening_guards
from members.pools.models import Pool


class MonthState(models.TextChoices):
    """Where a close or an opening is."""

    PROPOSED = "proposed", _("waits for a second person")
    AGREED = "agreed", _("agreed")
    WITHDRAWN = "withdrawn", _("withdrawn")


class MonthClose(models.Model):
    """The close of a calendar month of a pool's books. Number, figures, digest and instants are the database's own.

    month_date: its first day. balances: `[account, debits, credits]` of every account that was ever posted to, up to
    the end of the month (fen). entries: how many entries they come from. bank_fen: the bank's closing balance then;
    later_fen: what of it was booked here with a statement that ends after the month, so that bank_fen − later_fen is
    what the custody account stands at. sha256: of `pool|YYYY-MM|entries|bank|later|account:debits:credits|…`.
    """

    State = MonthState

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="month_closes", db_index=False)
    number = models.PositiveIntegerField()
    month_date = models.DateField()
    balances: "models.JSONField[Any, Any]" = models.JSONField()
    entries = models.BigIntegerField()
    bank_fen = models.BigIntegerField()
    later_fen = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    state = models.CharField(max_length=9, choices=MonthState, default=MonthState.PROPOSED)
    proposed_by = models.CharField(max_length=40)
    proposed_at = models.DateTimeField()
    decided_by = models.CharField(max_length=40, null=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pool", "number"], name="one_month_close_per_number"),
            models.UniqueConstraint(
                fields=["pool"], condition=Q(state="proposed"), name="one_waiting_month_close_per_pool"
            ),
            is_agreed_by_another("month_close_needs_two_people", "agreed"),
        ]
        triggers = close_guards

    def __str__(self) -> str:
        return f"{self.pool.code} month {self.month_date:%Y-%m}"

    @property
    def custody_fen(self) -> int:
        """Return what the books held at the bank at the end of the month: what the bank did, less what came later."""
        return self.bank_fen - self.later_fen

    @property
    def reopening(self) -> "MonthReopening | None":
        """Return what was proposed, and not withdrawn, to open it again."""
        return next((one for one in self.reopenings.all() if one.state != MonthState.WITHDRAWN), None)

    @property
    def is_reopened(self) -> bool:
        """Tell whether it was opened again."""
        return self.reopening is not None and self.reopening.state == MonthState.AGREED


class MonthReopening(models.Model):
    """That a closed month takes entries again. reason: why, for everybody to read."""

    State = MonthState

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="month_reopenings")
    close = models.ForeignKey(MonthClose, on_delete=models.PROTECT, related_name="reopenings", db_index=False)
    reason = models.CharField(max_length=300)
    state = models.CharField(max_length=9, choices=MonthState, default=MonthState.PROPOSED)
    proposed_by = models.CharField(max_length=40)
    proposed_at = models.DateTimeField()
    decided_by = models.CharField(max_length=40, null=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["close"], condition=~Q(state="withdrawn"), name="month_is_reopened_once"
            ),
            models.CheckConstraint(condition=Q(reason__regex=r"\S"), name="month_reopening_says_why"),
            is_agreed_by_another("month_reopening_needs_two_people", "agreed"),
        ]
        triggers = reopening_guards

    def __str__(self) -> str:
        return f"{self.close} opened again"
