"""Exports of contact data: asked for by one person, agreed to by another, made once, counted in public."""

import datetime as dt

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from members.pools.models import Pool
from members.rights.contact_triggers import contact_file_is_of_an_agreed_export, contact_guards

LONGEST_BASIS = 300


class ContactExport(models.Model):
    """One export. number: 1, 2, 3 … of the pool. purpose, basis: what for, and by what law or duty.

    fields, people_of: which data of whom. shown_sha256: the database's own hash of all of it; agreed_sha256 names it.
    people: of how many it holds data; parts, size: of its sealed file, which whoever asked takes once, within a day.
    """

    class Purpose(models.TextChoices):
        AUTHORITY = "authority", _("an authority or a court orders it")
        NOTICE = "notice", _("a notice that the law wants sent by others")
        ENDING = "ending", _("paying out when the pool ends")
        AUDIT = "audit", _("an audit that the law wants")

    class PeopleOf(models.TextChoices):
        MEMBERS = "members", _("members whose membership goes on")
        FORMER = "former", _("former members")
        EVERYBODY = "everybody", _("members and former members")

    class Field(models.TextChoices):
        NUMBER = "number", _("member number")
        NAME = "name", _("name")
        EMAIL = "email", _("e-mail address")

    class State(models.TextChoices):
        ASKED = "asked", _("waits for a second person")
        AGREED = "agreed", _("being made")
        READY = "ready", _("ready")
        TAKEN = "taken", _("taken")
        DELETED = "deleted", _("deleted")
        DROPPED = "dropped", _("dropped")

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="contact_exports", db_index=False)
    number = models.PositiveIntegerField()
    purpose = models.CharField(max_length=9, choices=Purpose)
    basis = models.CharField(max_length=LONGEST_BASIS)
    fields = models.JSONField()
    people_of = models.CharField(max_length=9, choices=PeopleOf)
    shown_sha256 = models.CharField(max_length=64, default="", db_default="")
    state = models.CharField(max_length=7, choices=State, default=State.ASKED)
    asked_by = models.CharField(max_length=40)
    asked_at = models.DateTimeField()
    agreed_sha256 = models.CharField(max_length=64, null=True)
    decided_by = models.CharField(max_length=40, null=True)
    decided_at = models.DateTimeField(null=True)
    people = models.PositiveIntegerField(null=True)
    parts = models.PositiveIntegerField(null=True)
    size = models.PositiveBigIntegerField(null=True)
    ready_at = models.DateTimeField(null=True)
    until_at = models.DateTimeField(null=True)
    taken_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pool", "number"], name="one_contact_export_per_number"),
            models.UniqueConstraint(
                fields=["pool"],
                condition=Q(state__in=["asked", "agreed", "ready"]),
                name="one_contact_export_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(purpose__in=["authority", "notice", "ending", "audit"])
                & Q(people_of__in=["members", "former", "everybody"])
                & ~Q(basis=""),
                name="contact_export_says_what_for",
            ),
            models.CheckConstraint(
                condition=Q(state="asked", decided_by=None)
                | Q(state="dropped", decided_by__isnull=False, agreed_sha256=None)
                | Q(
                    state__in=["agreed", "ready", "taken", "deleted"],
                    decided_by__isnull=False,
                    agreed_sha256__isnull=False,
                    agreed_sha256=F("shown_sha256"),
                )
                & ~Q(decided_by=F("asked_by")),
                name="export_needs_two_people",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["asked", "agreed", "dropped"], people=None, ready_at=None)
                | Q(
                    state__in=["ready", "taken", "deleted"],
                    people__isnull=False,
                    parts__isnull=False,
                    size__isnull=False,
                    ready_at__isnull=False,
                    until_at__isnull=False,
                ),
                name="contact_export_is_made_whole",
            ),
        ]
        triggers = contact_guards

    def __str__(self) -> str:
        return f"{self.pool.code} contact export {self.number}"

    def can_be_taken(self, code: str, at: dt.datetime) -> bool:
        """Tell whether whoever has that code takes its file at that instant."""
        is_kept = self.until_at is not None and at < self.until_at
        return self.state == self.State.READY and is_kept and code == self.asked_by


class ContactPart(models.Model):
    """One piece of an export's file, sealed for its place in it."""

    export = models.ForeignKey(ContactExport, on_delete=models.CASCADE, related_name="pieces", db_index=False)
    number = models.PositiveIntegerField()
    sealed = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["export", "number"], name="one_contact_part_per_number"),
        ]
        triggers = [contact_file_is_of_an_agreed_export]
