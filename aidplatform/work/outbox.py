"""The outbox: messages written with the business change and sent by a relay once it is committed."""

import json

import structlog
from celery import current_app
from django.db import connection, transaction
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import RedisError

from aidplatform.lib.failpoints import failpoint

log = structlog.get_logger(__name__)


def send(task: str, arguments: list[int | str]) -> None:
    """Write a message into the caller's transaction; it leaves right after the commit, or by the sweeper."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO work_outboxmessage (task, arguments, created_at) VALUES (%s, %s, clock_timestamp())",
            [task, json.dumps(arguments)],
        )
    # Once per transaction, however many messages: a broker that hangs costs its time-out once.
    if not any(hook[1] is _relay_all for hook in connection.run_on_commit):
        transaction.on_commit(_relay_all, robust=True)


def _relay_all() -> None:
    relay()


def relay(limit: int = 1000) -> int:
    """Hand unsent messages to the broker and mark them; return how many.

    A broker that is down leaves them unsent for the sweeper: the caller's work is committed all the same. A
    crash between handing over and marking sends one twice, which the job's lease absorbs.
    """
    sent = 0
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """SELECT id, task, arguments FROM work_outboxmessage WHERE sent_at IS NULL
                ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED""",
            [limit],
        )
        for pk, task, arguments in cursor.fetchall():
            try:
                publish(task, arguments)
            except (BrokerError, RedisError, OSError) as error:
                log.warning("broker_unreachable", error=str(error))
                break
            failpoint("outbox.published")
            cursor.execute("UPDATE work_outboxmessage SET sent_at = clock_timestamp() WHERE id = %s", [pk])
            sent += 1
    return sent


def publish(task: str, arguments: list[int | str] | str) -> None:
    """Send one message by task name."""
    values = json.loads(arguments) if isinstance(arguments, str) else arguments
    current_app.send_task(task, args=values, retry=False)


def forget_sent(days: int = 7) -> None:
    """Delete messages that left long ago; the jobs they hinted at are kept."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM work_outboxmessage WHERE sent_at < clock_timestamp() - make_interval(days => %s)",
            [days],
        )
