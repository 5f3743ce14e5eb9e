"""What is noted about signals: readings of papers, hashes of pages, what was found, what came of it. All facts."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from claims.filing.models import Claim, Evidence
from claims.filing.triggers import CLAIMED_BY, of_the_paper
from claims.review.signal_triggers import mark_guards, reading_guards
from claims.review.signals import ROUTES
from members.people.erasure_sql import facts_until_erased


class PaperReading(models.Model):
    """What a reviewer reads in the papers; the newest counts.

    content: days, hospital, doctor, number of the report, sealed. The indexes find equal ones without telling them.
    """

    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="paper_readings")
    number = models.PositiveSmallIntegerField()
    round = models.PositiveSmallIntegerField()
    content_sealed = models.BinaryField()
    hospital_index = models.BinaryField(null=True)
    doctor_index = models.BinaryField(null=True)
    report_index = models.BinaryField(null=True)
    read_by = models.CharField(max_length=40)
    read_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["claim", "number"], name="one_reading_per_number")]
        indexes = [
            models.Index(
                fields=["report_index"], condition=Q(report_index__isnull=False), name="reading_report"
            )
        ]
        triggers = reading_guards

    @property
    def context(self) -> str:
        """Return the place the content is sealed for."""
        return f"claims.reading:{self.claim_id}:{self.number}"


class PageHash(models.Model):
    """How a page of a paper looks, in 256 bits as hex: near where few of them differ. Of blank pages there is none."""

    evidence = models.ForeignKey(Evidence, on_delete=models.PROTECT, related_name="page_hashes")
    page = models.PositiveSmallIntegerField()
    bits = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["evidence", "page"], name="one_hash_per_page"),
            models.CheckConstraint(condition=Q(bits__regex=r"^[0-9a-f]{64}$"), name="page_hash_has_its_bits"),
        ]
        triggers = facts_until_erased("page_hash_is_permanent", of_the_paper("evidence_id"))


class SignalRun(models.Model):
    """What one look at a claim found: a fact. A further look that finds the same writes nothing.

    findings: a list of signal and points; details_sealed: what each is about, by signal. payee_index: the account as
    it was then. route: the way to look closer that it suggests, never an outcome.
    """

    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="signal_runs")
    number = models.PositiveSmallIntegerField()
    version = models.PositiveSmallIntegerField()
    findings = models.JSONField(default=list)
    details_sealed = models.BinaryField()
    points = models.PositiveIntegerField()
    route = models.CharField(max_length=12)
    payee_index = models.BinaryField(null=True)
    found_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["claim", "number"], name="one_look_per_number"),
            models.CheckConstraint(condition=Q(route__in=ROUTES), name="signals_suggest_no_outcome"),
        ]
        triggers = facts_until_erased(
            "signal_run_is_permanent",
            CLAIMED_BY,
            details_sealed="NEW.details_sealed = ''",
            payee_index="NEW.payee_index IS NULL",
        )

    @property
    def context(self) -> str:
        """Return the place the details are sealed for."""
        return f"claims.signals:{self.claim_id}:{self.number}"


class SignalMark(models.Model):
    """What a reviewer says of a signal that was shown, with a word on it: explained, or confirmed."""

    class Meaning(models.TextChoices):
        EXPLAINED = "explained", _("explained")
        CONFIRMED = "confirmed", _("confirmed")

    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="signal_marks")
    signal = models.CharField(max_length=30)
    version = models.PositiveSmallIntegerField()
    round = models.PositiveSmallIntegerField()
    meaning = models.CharField(max_length=10, choices=Meaning)
    reason_sealed = models.BinaryField()
    marked_by = models.CharField(max_length=40)
    marked_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["claim", "signal", "version", "round"], name="one_mark_per_signal_and_round"
            ),
            models.CheckConstraint(
                condition=Q(meaning__in=["explained", "confirmed"]), name="signal_mark_has_a_meaning"
            ),
        ]
        triggers = mark_guards

    @property
    def context(self) -> str:
        """Return the place the reason is sealed for."""
        return f"claims.mark:{self.claim_id}:{self.signal}:{self.version}:{self.round}"
