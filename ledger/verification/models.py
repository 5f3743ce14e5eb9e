"""Verifications of a pool's books that somebody asked for, and what each of their parts has found."""

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ledger.verification.triggers import part_guards, verification_guards
from members.pools.models import Pool


class Verification(models.Model):
    """One recomputation of everything: a state row, whose verdict follows from its parts.

    number: 1, 2, 3 … per pool, given by the database. parts: names, in their order, as they were when it was asked for.
    """

    class State(models.TextChoices):
        RUNNING = "running", _("running")
        DONE = "done", _("done")

    class Verdict(models.TextChoices):
        TRUE = "true", _("Everything is true")
        FALSE = "false", _("A statement is false")
        UNCHECKED = "unchecked", _("Not everything could be checked")

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="verifications")
    number = models.PositiveIntegerField()
    parts = models.JSONField()
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    verdict = models.CharField(max_length=10, choices=Verdict, blank=True)
    asked_by = models.CharField(max_length=40)
    asked_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pool", "number"], name="one_verification_per_number"),
            models.UniqueConstraint(
                fields=["pool"], condition=Q(state="running"), name="one_verification_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(state="running", verdict="", ended_at=None)
                | Q(state="done", verdict__in=["true", "false", "unchecked"], ended_at__isnull=False),
                name="done_verification_has_its_verdict",
            ),
        ]
        triggers = verification_guards

    def __str__(self) -> str:
        return f"{self.pool.code} verification {self.number}"


class VerificationPart(models.Model):
    """What a part has found: a fact.

    place: 0, 1, 2 … in the parts of its verification. results: for every statement that was held against something
    `{code, examined, false, findings: [{where, expected, found}]}`. unchecked: what could not be read, in words.
    """

    verification = models.ForeignKey(Verification, on_delete=models.PROTECT, related_name="results")
    place = models.PositiveSmallIntegerField()
    results: "models.JSONField[Any, Any]" = models.JSONField()
    unchecked: "models.JSONField[Any, Any]" = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["verification", "place"], name="one_result_per_part"),
        ]
        triggers = part_guards
