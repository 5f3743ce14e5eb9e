"""Does work get done: broker, worker, scheduler, jobs, outbox?"""

from collections.abc import Iterator

import redis
from celery import current_app
from django.conf import settings
from kombu.exceptions import OperationalError as BrokerError

from aidplatform.site.doctor.fault import Fault, rows
from aidplatform.work.heartbeat import seconds_since_sweep

PING_SECONDS = 2.0
LATE_SECONDS = 60


def broker() -> Iterator[Fault]:
    """Ask the broker for an answer and for how it behaves when memory runs out."""
    client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=3, socket_connect_timeout=3)
    try:
        client.ping()
        policy = _policy(client)
    except redis.RedisError as error:
        yield Fault(
            f"The broker does not answer: {error}",
            "Start it (make run starts the embedded one), or correct AID_REDIS_URL. Nothing is lost meanwhile.",
        )
        return
    finally:
        client.close()
    if policy not in {None, "noeviction"}:
        yield Fault(
            f"The broker throws messages away when its memory is full (maxmemory-policy {policy}).",
            "Set maxmemory-policy to noeviction; thrown away messages are sent again, but late.",
        )


def _policy(client: redis.Redis) -> str | None:
    """Return what the broker does when its memory is full; None where it does not tell."""
    try:
        answer = client.config_get("maxmemory-policy")
    except redis.ResponseError:
        return None
    return str(answer.get("maxmemory-policy")) if isinstance(answer, dict) else None


def worker() -> Iterator[Fault]:
    """Ask all workers to answer."""
    try:
        answered = current_app.control.ping(timeout=PING_SECONDS)
    except (BrokerError, redis.RedisError, OSError) as error:
        yield Fault(f"Workers can't be asked: {error}", "See “broker”.")
        return
    if not answered:
        yield Fault(
            f"No worker answers within {PING_SECONDS:.0f} s.",
            "Start one: celery -A aidplatform worker (make run does it). Jobs wait and are not lost.",
        )


def schedule() -> Iterator[Fault]:
    """Look when the sweep last ran: the scheduler sends it, a worker runs it."""
    late = max(LATE_SECONDS, 4 * settings.SWEEP_SECONDS)
    since = seconds_since_sweep()
    if since is None:
        seen = "The scheduler's tick has never been seen"
    elif since > late:
        seen = (
            f"The scheduler's tick was last seen {since:.0f} s ago; it comes every {settings.SWEEP_SECONDS} s"
        )
    else:
        return
    yield Fault(
        f"{seen}.",
        "If a worker answers, start the scheduler: celery -A aidplatform beat. Periods do not open without it.",
    )


def jobs() -> Iterator[Fault]:
    """Look for jobs that a person must look at, and for jobs that nobody takes."""
    for kind, key, error in rows(
        "SELECT kind, key, left(last_error, 200) FROM work_job WHERE state = 'stuck' ORDER BY id LIMIT 20"
    ):
        yield Fault(
            f"The job {kind} {key} is stuck: {error}",
            "Put right what it names, then queue it again on the page of jobs.",
        )
    (count, longest) = rows(
        """SELECT count(*), coalesce(max(extract(epoch FROM clock_timestamp() - due)), 0)::float8
             FROM (SELECT CASE state WHEN 'queued' THEN due_at ELSE lease_until END AS due
                     FROM work_job WHERE state IN ('queued', 'running')) waiting
            WHERE due < clock_timestamp() - make_interval(secs => %s)""",
        [LATE_SECONDS],
    )[0]
    if count:
        yield Fault(
            f"{count} jobs wait for a worker, the longest for {longest:.0f} s.",
            "Start a worker, or more of them; see “worker” and “schedule”.",
        )


def outbox() -> Iterator[Fault]:
    """Look for messages that were committed and never sent."""
    (count, oldest) = rows(
        """SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)::float8
             FROM work_outboxmessage WHERE sent_at IS NULL"""
    )[0]
    if count and oldest > LATE_SECONDS:
        yield Fault(
            f"{count} messages wait to be sent, the oldest for {oldest:.0f} s.",
            "The broker was away and no sweep has sent them since; see “broker” and “schedule”.",
        )
