"""How the tables of a bank are read, and files that wait for their import."""

from django.db import models
from django.db.models import F, Q

from aidplatform.lib.guards import permanent
from ledger.custody.mapped_csv import Mapping, from_terms
from ledger.custody.mapping_triggers import mapping_guards


class StatementMapping(models.Model):
    """How a table of an account's bank is read: a fact. The newest one counts, older ones read what they have read.

    number: 1, 2, 3 … per account, given by the database. terms: the fields of `mapped_csv.Mapping`.
    """

    account = models.ForeignKey("ledger.BankAccount", on_delete=models.PROTECT, related_name="mappings")
    number = models.PositiveIntegerField()
    terms = models.JSONField()
    made_by = models.CharField(max_length=40)
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "number"], name="one_mapping_per_number"),
        ]
        triggers = [*permanent("mapping_is_permanent"), *mapping_guards]

    @property
    def mapping(self) -> Mapping:
        """Return it as the reader takes it."""
        return from_terms(self.terms)


class StatementUpload(models.Model):
    """A file that waits between the look at its summary and the import; sealed, and gone afterwards.

    mapping, from_date, to_date: how a table of the bank is read, and which days it covers [from_date, to_date).
    """

    account = models.ForeignKey("ledger.BankAccount", on_delete=models.CASCADE, related_name="uploads")
    sha256 = models.CharField(max_length=64)
    filename = models.CharField(max_length=120)
    content = models.BinaryField()
    mapping = models.ForeignKey(StatementMapping, on_delete=models.PROTECT, null=True, related_name="+")
    from_date = models.DateField(null=True)
    to_date = models.DateField(null=True)
    uploaded_by = models.CharField(max_length=40)
    uploaded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "sha256"], name="one_upload_per_file"),
            models.CheckConstraint(
                condition=Q(mapping=None, from_date=None, to_date=None)
                | Q(
                    mapping__isnull=False,
                    from_date__isnull=False,
                    to_date__isnull=False,
                    from_date__lt=F("to_date"),
                ),
                name="upload_is_read_for_its_days",
            ),
        ]
