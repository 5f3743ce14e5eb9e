"""Durable jobs: rows with leases and fencing; Celery only carries the hint that one is due.

A handler is registered by name and called as `handler(lease)`. It writes only inside `lease.transaction()`,
which refuses to commit when another worker has taken the job over: a worker that was paused, cut off or
declared dead cannot write late. A handler must find its way on from whatever its earlier attempts committed.
"""

import datetime as dt
import json
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import structlog
from django.conf import settings
from django.db import close_old_connections, connection, transaction
from django.db.utils import Error as DatabaseError
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.db import is_retryable, long_transaction
from aidplatform.lib.errors import ConflictError
from aidplatform.lib.failpoints import failpoint
from aidplatform.work import audit, outbox
from aidplatform.work.models import Job

log = structlog.get_logger(__name__)
MAX_FAILURES = 5
# A worker that was killed did not fail: takeovers have a limit of their own, against work that kills workers.
MAX_TAKEOVERS = 20
RUN_TASK = "work.run_job"

Handler = Callable[["Lease"], dict[str, Any] | None]
_handlers: dict[str, Handler] = {}


class NotStuckError(ConflictError):
    """Somebody has already queued the job again."""

    code = "job_not_stuck"


class LostLeaseError(Exception):
    """Another worker has taken the job over; nothing of this transaction may stay."""


@dataclass(frozen=True)
class Lease:
    """The right to work on a job, as long as `attempt` is its newest."""

    job_id: int
    attempt: int
    payload: dict[str, Any]
    actor: str

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run one transaction that commits only if this lease still holds at its end.

        The check comes last and locks the job row until the commit: a takeover waits for it or precedes it.

        Raises: LostLeaseError when another attempt has begun.
        """
        with long_transaction():
            yield
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT 1 FROM work_job WHERE id = %s AND attempt = %s AND state = 'running' FOR UPDATE",
                    [self.job_id, self.attempt],
                )
                if cursor.fetchone() is None:
                    raise LostLeaseError(f"job {self.job_id}, attempt {self.attempt}")
            failpoint("job.before_commit")
        failpoint("job.after_commit")


def handles(kind: str) -> Callable[[Handler], Handler]:
    """Register the handler of a kind of job."""

    def register(handler: Handler) -> Handler:
        if _handlers.setdefault(kind, handler) is not handler:
            raise ValueError(f"two handlers for {kind}")
        return handler

    return register


def kinds() -> list[str]:
    """Return every kind of job that has a handler."""
    return sorted(_handlers)


def enqueue(
    *, kind: str, key: str, payload: dict[str, Any], actor: str, due_at: dt.datetime | None = None
) -> Job:
    """Write a job, and the message that hints at it, into the caller's transaction.

    The same kind and key again returns the existing job: asking twice is asking once. due_at: nobody takes it before;
    the sweep hints at it then.
    """
    written = Job.objects.raw(
        """INSERT INTO work_job (kind, key, payload, state, attempt, failures, takeovers, due_at, last_error,
                                 actor, created_at)
           VALUES (%s, %s, %s, 'queued', 0, 0, 0, coalesce(%s, clock_timestamp()), '',
                   %s, clock_timestamp())
           ON CONFLICT ON CONSTRAINT one_job_per_kind_and_key DO NOTHING RETURNING *""",
        [kind, key, json.dumps(payload), due_at, actor],
    )
    job = next(iter(written), None)
    if job is None:
        return Job.objects.get(kind=kind, key=key)
    if due_at is None:
        outbox.send(RUN_TASK, [job.pk])
    return job


def claim(job_id: int) -> Lease | None:
    """Take a due job: queued and due, or running with a lease that ran out. None: it is not to be had.

    A job taken over MAX_TAKEOVERS times is parked as stuck instead: it may be what kills its workers.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """UPDATE work_job
                  SET takeovers = takeovers + CASE state WHEN 'running' THEN 1 ELSE 0 END,
                      state = CASE WHEN state = 'running' AND takeovers >= %(most)s THEN 'stuck' ELSE 'running' END,
                      last_error = CASE WHEN state = 'running' AND takeovers >= %(most)s
                                        THEN 'Parked: its worker went silent ' || takeovers + 1 || ' times.'
                                        ELSE last_error END,
                      attempt = attempt + 1,
                      lease_until = clock_timestamp() + make_interval(secs => %(lease)s),
                      started_at = coalesce(started_at, clock_timestamp())
                WHERE id = %(job)s
                  AND ((state = 'queued' AND due_at <= clock_timestamp())
                       OR (state = 'running' AND lease_until < clock_timestamp()))
            RETURNING state, attempt, payload, actor""",
            {"job": job_id, "lease": settings.LEASE_SECONDS, "most": MAX_TAKEOVERS},
        )
        row = cursor.fetchone()
    if row is None:
        return None
    state, attempt, payload, actor = row
    if state == Job.State.STUCK:
        log.error("job_parked", job=job_id, attempt=attempt)
        return None
    payload = payload if isinstance(payload, dict) else json.loads(payload)
    return Lease(job_id=job_id, attempt=attempt, payload=payload, actor=actor)


def run(job_id: int) -> bool:
    """Run a job if it is due and free. False: someone else has it, or it is done.

    An error puts it back with a growing, jittered pause; after MAX_FAILURES errors it is stuck and visible.
    """
    lease = claim(job_id)
    if lease is None:
        return False
    failpoint("job.claimed")
    job = Job.objects.only("kind", "key").get(pk=job_id)
    with _heartbeat(lease):
        try:
            result = _handlers[job.kind](lease)
        except LostLeaseError:
            log.warning("job_lost_lease", kind=job.kind, key=job.key, attempt=lease.attempt)
            return False
        except Exception as error:
            _put_back(lease, error)
            log.exception("job_failed", kind=job.kind, key=job.key, attempt=lease.attempt)
            if isinstance(error, DatabaseError) and is_retryable(error):
                return False
            raise
    failpoint("job.before_done")
    _finish(lease, result)
    return True


def _finish(lease: Lease, result: dict[str, Any] | None) -> None:
    """Mark the job done, unless it has been taken over."""
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE work_job SET state = 'done', finished_at = clock_timestamp(), last_error = '', result = %s
                WHERE id = %s AND attempt = %s AND state = 'running'""",
            [json.dumps(result), lease.job_id, lease.attempt],
        )


def _put_back(lease: Lease, error: Exception) -> None:
    """Queue the job again after a pause, or call it stuck. A broken connection leaves it to the sweeper."""
    counts = 0 if is_retryable(error) else 1
    pause = min(60.0, 0.5 * 2.0 ** min(lease.attempt, 7)) * random.uniform(0.5, 1.5)  # noqa: S311
    close_old_connections()
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE work_job
                  SET failures = failures + %s,
                      state = CASE WHEN failures + %s >= %s THEN 'stuck' ELSE 'queued' END,
                      due_at = clock_timestamp() + make_interval(secs => %s), last_error = %s, lease_until = NULL
                WHERE id = %s AND attempt = %s AND state = 'running'""",
            [
                counts,
                counts,
                MAX_FAILURES,
                pause,
                f"{type(error).__name__}: {error}"[:2000],
                lease.job_id,
                lease.attempt,
            ],
        )


@contextmanager
def _heartbeat(lease: Lease) -> Iterator[None]:
    """Renew the lease from a thread with a connection of its own while a long statement runs."""
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(settings.LEASE_SECONDS / 4):
            try:
                with connection.cursor() as cursor:
                    cursor.execute(
                        """UPDATE work_job SET lease_until = clock_timestamp() + make_interval(secs => %s)
                            WHERE id = %s AND attempt = %s AND state = 'running'""",
                        [settings.LEASE_SECONDS, lease.job_id, lease.attempt],
                    )
            except DatabaseError:
                connection.close()
        connection.close()

    thread = threading.Thread(target=beat, name=f"lease-{lease.job_id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=5)


def due_job_ids(limit: int = 200) -> list[int]:
    """Return jobs that should be running and are not, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT id FROM work_job
                WHERE (state = 'queued' AND due_at <= clock_timestamp())
                   OR (state = 'running' AND lease_until < clock_timestamp())
                ORDER BY due_at, id LIMIT %s""",
            [limit],
        )
        return [row[0] for row in cursor.fetchall()]


def retry_stuck(*, job: Job, actor: str) -> None:
    """Queue a stuck job once more, after a person has looked at its error.

    Raises: NotStuckError.
    """
    with transaction.atomic():
        queued = Job.objects.filter(pk=job.pk, state=Job.State.STUCK).update(
            state=Job.State.QUEUED, failures=0, takeovers=0
        )
        if not queued:
            raise NotStuckError(
                _("This job is not stuck any more. Reload the page to see where it is."), job=str(job)
            )
        outbox.send(RUN_TASK, [job.pk])
        audit.record(actor=actor, action="retry_stuck_job", subject=str(job))
