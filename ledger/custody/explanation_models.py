"""What a debit was that nothing explained when it came: found out by a treasurer, agreed to by a controller."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.proposals import is_agreed_by_another
from ledger.books.models import JournalEntry
from ledger.custody.explanation_triggers import explanation_guards
from ledger.custody.models import PaymentOrder, StatementLine
from ledger.custody.proposal_models import Proposal
from members.pools.models import Pool


class DebitExplanation(Proposal):
    """An explanation of one debit, whole. Members never bear one: what the pool did not order is made good.

    order: the payment that it was, released and confirmed by nothing yet. receipt: by which as much came back, nobody's
    until then. note: how it was found out. number, amount_fen and the instants are the database's own. entry:
    Dr Payments in transit, Sponsor and operator receivable or Unidentified receipts / Cr Bank debits to explain.
    """

    class Cause(models.TextChoices):
        PAYMENT = "payment", _("a payment that was released here, without its reference")
        GIVEN_BACK = "given_back", _("a mistake that came back")
        BANK_FEE = "bank_fee", _("a charge of the bank, for whoever runs the pool to bear")
        OPERATOR = "operator", _("nothing of the pool's: whoever runs it makes it good")

    pool = models.ForeignKey(
        Pool, on_delete=models.PROTECT, related_name="debit_explanations", db_index=False
    )
    number = models.PositiveIntegerField()
    line = models.ForeignKey(
        StatementLine, on_delete=models.PROTECT, related_name="explanations", db_index=False
    )
    cause = models.CharField(max_length=10, choices=Cause)
    order = models.ForeignKey(
        PaymentOrder, on_delete=models.PROTECT, null=True, related_name="explanations", db_index=False
    )
    receipt = models.ForeignKey(
        StatementLine, on_delete=models.PROTECT, null=True, related_name="gives_back", db_index=False
    )
    note = models.CharField(max_length=300)
    amount_fen = models.BigIntegerField()
    entry = models.OneToOneField(
        JournalEntry, on_delete=models.PROTECT, null=True, related_name="debit_explanation"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pool", "number"], name="one_explanation_per_number"),
            models.UniqueConstraint(
                fields=["line"], condition=~Q(state="withdrawn"), name="debit_is_explained_once"
            ),
            models.UniqueConstraint(
                fields=["order"],
                condition=~Q(state="withdrawn") & Q(order__isnull=False),
                name="payment_explains_one_debit",
            ),
            models.UniqueConstraint(
                fields=["receipt"],
                condition=~Q(state="withdrawn") & Q(receipt__isnull=False),
                name="receipt_gives_back_one_debit",
            ),
            models.CheckConstraint(
                condition=Q(cause="payment", order__isnull=False, receipt=None)
                | Q(cause="given_back", order=None, receipt__isnull=False)
                | Q(cause__in=["bank_fee", "operator"], order=None, receipt=None),
                name="explanation_names_its_papers",
            ),
            models.CheckConstraint(condition=Q(note__regex=r"\S"), name="explanation_says_how_it_was_found"),
            models.CheckConstraint(
                condition=Q(state="agreed", entry__isnull=False) | ~Q(state="agreed") & Q(entry=None),
                name="agreed_explanation_names_its_entry",
            ),
            is_agreed_by_another("explanation_needs_two_people", "agreed"),
        ]
        triggers = explanation_guards

    def __str__(self) -> str:
        return f"{self.pool.code} explanation {self.number}"
