"""Double-entry books: accounts, journal entries, postings and balances kept by the database."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.guards import permanent
from ledger.books.chart import BY_CODE
from ledger.books.triggers import account_guards, book_guards, entry_guards, posting_guards


class Book(models.Model):
    """The books of one fund, in one currency. last_entry_no is kept by the entry guard, without gaps."""

    code = models.SlugField(max_length=40, unique=True)
    currency = models.CharField(max_length=3)
    last_entry_no = models.PositiveBigIntegerField(default=0)

    class Meta:
        triggers = book_guards

    def __str__(self) -> str:
        return self.code


class Account(models.Model):
    """An account of a book. normal_side: D for assets and expenses, C for liabilities and income."""

    class Kind(models.TextChoices):
        ASSET = "asset", _("Assets")
        LIABILITY = "liability", _("Liabilities")
        INCOME = "income", _("Income")
        EXPENSE = "expense", _("Expense")

    book = models.ForeignKey(Book, on_delete=models.PROTECT, related_name="accounts")
    code = models.CharField(max_length=12)
    kind = models.CharField(max_length=10, choices=Kind)
    normal_side = models.CharField(max_length=1)
    never_negative = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["book", "code"], name="one_account_per_code"),
            models.CheckConstraint(
                condition=Q(kind__in=["asset", "expense"], normal_side="D")
                | Q(kind__in=["liability", "income"], normal_side="C"),
                name="account_normal_side_fits_kind",
            ),
        ]
        triggers = account_guards

    def __str__(self) -> str:
        return f"{self.book.code}/{self.code}"

    @property
    def name(self) -> object:
        """Return the account's name in the reader's language."""
        return BY_CODE[self.code].name


class JournalEntry(models.Model):
    """One event in the books: a fact.

    number: 1, 2, 3 … within the book, without gaps, given by the database. key: the business event that it
    records, unique per book, so that the same event can't be booked twice. source: where it comes from
    (`period demo-2020/1`). maker, checker: codes of the people; checker empty where one person suffices.
    """

    book = models.ForeignKey(Book, on_delete=models.PROTECT, related_name="entries")
    number = models.PositiveBigIntegerField()
    key = models.CharField(max_length=120)
    kind = models.CharField(max_length=30)
    entry_date = models.DateField()
    at = models.DateTimeField()
    description = models.CharField(max_length=200)
    source = models.CharField(max_length=120)
    maker = models.CharField(max_length=40)
    checker = models.CharField(max_length=40, blank=True)
    reverses = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, related_name="reversed_by", db_constraint=True
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["book", "number"], name="one_entry_per_number"),
            models.UniqueConstraint(fields=["book", "key"], name="one_entry_per_event"),
            models.CheckConstraint(
                condition=Q(checker="") | ~Q(checker=F("maker")), name="entry_checker_is_not_maker"
            ),
            models.CheckConstraint(
                condition=Q(reverses=None) | ~Q(checker=""), name="reversal_needs_two_people"
            ),
        ]
        triggers = [*permanent("journal_entry_is_permanent"), *entry_guards]

    def __str__(self) -> str:
        return f"{self.book.code} {self.number}"


class Posting(models.Model):
    """One side of an entry: an amount above zero (fen) on one account. A fact."""

    class Side(models.TextChoices):
        DEBIT = "D", _("Debit")
        CREDIT = "C", _("Credit")

    entry = models.ForeignKey(JournalEntry, on_delete=models.PROTECT, related_name="postings")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="postings", db_index=False)
    side = models.CharField(max_length=1, choices=Side)
    amount_fen = models.BigIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_fen__gt=0, amount_fen__lt=2**53), name="posting_amount_above_zero"
            ),
            models.CheckConstraint(condition=Q(side__in=["D", "C"]), name="posting_side_is_d_or_c"),
            models.UniqueConstraint(
                fields=["entry", "account", "side"], name="one_posting_per_account_and_side"
            ),
        ]
        indexes = [models.Index(fields=["account", "entry"], name="posting_statement")]
        triggers = [*permanent("posting_is_permanent"), *posting_guards]


class AccountBalance(models.Model):
    """The sums of an account, written by the posting guard alone: reading a balance costs one row."""

    account = models.OneToOneField(
        Account, on_delete=models.PROTECT, primary_key=True, related_name="balance"
    )
    debit_fen = models.BigIntegerField(default=0)
    credit_fen = models.BigIntegerField(default=0)

    @property
    def balance_fen(self) -> int:
        """Return the balance on the account's normal side (fen)."""
        net = self.debit_fen - self.credit_fen
        return net if self.account.normal_side == "D" else -net
