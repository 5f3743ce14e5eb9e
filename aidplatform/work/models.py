"""Jobs, outbox messages, idempotency keys, the audit trail and the installation row.

PostgreSQL is the truth about work to be done; a Celery message is only a hint that a job row is due.
"""

import pgtrigger
from django.db import models
from django.db.models import F, Q

from aidplatform.lib.guards import Guard, follows_order, permanent, refuse


class Installation(models.Model):
    """What this database is: one row, written when it is first prepared.

    demo: invented people and a movable clock; never turned into a real installation.
    clock_at: where the demo clock stands still; null: it runs. clock_offset: added to the real time.
    """

    id = models.SmallIntegerField(primary_key=True, default=1)
    demo = models.BooleanField()
    clock_at = models.DateTimeField(null=True)
    clock_offset = models.DurationField(null=True)
    demo_ready = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="one_installation_row"),
            models.CheckConstraint(
                condition=Q(demo=True) | Q(clock_at=None, clock_offset=None, demo_ready=False),
                name="real_clock_is_not_moved",
            ),
        ]
        triggers = [
            Guard(
                name="demo_stays_demo",
                when=pgtrigger.Before,
                operation=pgtrigger.Update | pgtrigger.Delete,
                func=f"""
                    IF TG_OP = 'DELETE' OR NEW.demo <> OLD.demo THEN
                        {refuse("demo_stays_demo", "a demonstration and a real database are never exchanged")}
                    END IF;
                    RETURN NEW;
                """,
            )
        ]


class Job(models.Model):
    """A piece of work that must be done exactly once in effect, however often it is started.

    kind: the handler's name. key: what makes it this piece of work, unique per kind. payload: ids only.
    attempt: the fence; a worker may write only while its attempt is the newest. lease_until: when silence
    becomes a reason to take over. Real time, never the demo clock: leases are about processes.
    """

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        STUCK = "stuck"

    kind = models.CharField(max_length=60)
    key = models.CharField(max_length=120)
    payload = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    attempt = models.PositiveIntegerField(default=0)
    failures = models.PositiveSmallIntegerField(default=0)
    takeovers = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    due_at = models.DateTimeField()
    last_error = models.TextField(blank=True)
    result = models.JSONField(null=True)
    actor = models.CharField(max_length=40)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "key"], name="one_job_per_kind_and_key"),
            models.CheckConstraint(
                condition=~Q(state="running") | Q(lease_until__isnull=False), name="running_job_has_a_lease"
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(state__in=["queued", "running"]), name="job_due"),
        ]
        triggers = [
            follows_order(
                "job_state_follows_order",
                "state",
                {
                    "queued": ("running", "stuck"),
                    "running": ("queued", "done", "stuck"),
                    "stuck": ("queued",),
                },
                first="queued",
            ),
            Guard(
                name="job_attempt_only_grows",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                func=f"""
                    IF NEW.attempt < OLD.attempt THEN
                        {refuse("job_attempt_only_grows", "attempt %s after %s", "NEW.attempt", "OLD.attempt")}
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class OutboxMessage(models.Model):
    """A Celery message that must leave after, and only after, the transaction that wrote it."""

    task = models.CharField(max_length=80)
    arguments = models.JSONField(default=list)
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["id"], condition=Q(sent_at=None), name="outbox_unsent")]


class IdempotencyKey(models.Model):
    """The first answer to a request, given again to every repetition of it."""

    scope = models.CharField(max_length=80)
    key = models.CharField(max_length=80)
    fingerprint = models.CharField(max_length=64)
    answer = models.JSONField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scope", "key"], name="one_answer_per_request")]
        triggers = [
            Guard(
                name="first_answer_stays",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                func=f"""
                    IF OLD.answer IS NOT NULL AND NEW IS DISTINCT FROM OLD THEN
                        {refuse("first_answer_stays", "request %s is answered", "OLD.key")}
                    END IF;
                    RETURN NEW;
                """,
            )
        ]


class AuditEntry(models.Model):
    """Who did what to what, when: a fact. The actor is a code, so that erasing a person breaks no trail."""

    at = models.DateTimeField()
    actor = models.CharField(max_length=40)
    action = models.CharField(max_length=60)
    subject = models.CharField(max_length=80)
    detail = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(F("subject"), F("id").desc(), name="audit_subject")]
        triggers = permanent("audit_is_permanent")
