"""The outbox: a commit never waits for the broker, and what it promised to send leaves once the broker is back."""

import datetime as dt
import json
import threading
import time
from collections.abc import Iterator

import pytest
import redis
from django.db import connection, transaction

from aidplatform.testing import probes  # noqa: F401 - registers the handlers
from aidplatform.testing.crash import Broker, own_broker
from aidplatform.testing.stack import Stack, wait_until
from aidplatform.testing.world import World
from aidplatform.work import jobs, outbox, tasks
from aidplatform.work.models import Job, OutboxMessage
from ledger.sharing import services as sharing

pytestmark = pytest.mark.crash


@pytest.fixture
def broker(committed_db: tuple[str, str]) -> Iterator[Broker]:
    with own_broker() as running:
        yield running


def _enqueue(count: int = 1) -> list[Job]:
    with transaction.atomic():
        return [
            jobs.enqueue(kind="probe.write", key=f"k{n}", payload={"name": f"k{n}"}, actor="tester")
            for n in range(count)
        ]


def _unsent() -> int:
    return OutboxMessage.objects.filter(sent_at=None).count()


def _queued_ids(broker: Broker) -> list[int]:
    """Return the job ids of the messages that wait, oldest first."""
    import base64

    bodies = [json.loads(message)["body"] for message in broker.client().lrange("celery", 0, -1)]
    return [json.loads(base64.b64decode(body))[0][0] for body in reversed(bodies)]


def test_message_leaves_right_after_the_commit(broker: Broker) -> None:
    with transaction.atomic():
        job = jobs.enqueue(kind="probe.write", key="k", payload={"name": "k"}, actor="tester")
        assert broker.waiting() == 0
        assert _unsent() == 1
    assert _queued_ids(broker) == [job.pk]
    assert _unsent() == 0


def test_relay_is_kept_when_a_savepoint_with_a_message_is_rolled_back(broker: Broker) -> None:
    with transaction.atomic():
        with transaction.atomic():
            jobs.enqueue(kind="probe.write", key="undone", payload={"name": "undone"}, actor="tester")
            transaction.set_rollback(True)
        kept = jobs.enqueue(kind="probe.write", key="kept", payload={"name": "kept"}, actor="tester")
    assert _queued_ids(broker) == [kept.pk]


def test_message_of_a_failed_transaction_never_leaves(broker: Broker) -> None:
    with transaction.atomic():
        jobs.enqueue(kind="probe.write", key="k", payload={"name": "k"}, actor="tester")
        transaction.set_rollback(True)
    assert outbox.relay() == 0
    assert broker.waiting() == 0


def test_messages_carry_nothing_but_the_job_id(broker: Broker) -> None:
    [job] = _enqueue()
    raw = broker.client().lrange("celery", 0, -1)[0].decode()
    assert _queued_ids(broker) == [job.pk]
    assert "probe" not in raw
    assert "tester" not in raw


def test_broker_down_at_commit_delays_the_message_only(broker: Broker) -> None:
    broker.kill()
    began = time.monotonic()
    waited = _enqueue(3)
    assert time.monotonic() - began < 10
    assert Job.objects.filter(state="queued").count() == 3
    assert _unsent() == 3
    assert outbox.relay() == 0
    broker.start()
    assert outbox.relay() == 3
    assert sorted(_queued_ids(broker)) == [job.pk for job in waited]
    assert _unsent() == 0


def test_full_broker_delays_the_message_only(broker: Broker) -> None:
    broker.client().config_set("maxmemory", "1mb")
    with pytest.raises(redis.exceptions.OutOfMemoryError):
        broker.client().set("probe", "x")
    _enqueue(2)
    assert Job.objects.count() == 2
    assert _unsent() == 2
    broker.client().config_set("maxmemory", "0")
    assert outbox.relay() == 2
    assert broker.waiting() == 2


def test_read_only_broker_delays_the_message_only(broker: Broker) -> None:
    broker.client().replicaof("127.0.0.1", "1")
    with pytest.raises(redis.exceptions.ReadOnlyError):
        broker.client().set("probe", "x")
    _enqueue(2)
    assert Job.objects.count() == 2
    assert _unsent() == 2
    broker.client().replicaof("NO", "ONE")
    assert outbox.relay() == 2
    assert broker.waiting() == 2


def test_broker_that_hangs_holds_a_commit_for_seconds_only(broker: Broker) -> None:
    """A stopped broker accepts connections and answers nothing: the relay gives up by itself."""
    broker.pause()
    began = time.monotonic()
    _enqueue(5)
    assert time.monotonic() - began < 15
    assert Job.objects.count() == 5
    assert _unsent() == 5
    broker.resume()
    assert outbox.relay() == 5


def test_two_relays_at_once_send_each_message_once(broker: Broker) -> None:
    broker.kill()
    waited = _enqueue(40)
    broker.start()
    barrier, sent = threading.Barrier(2), []

    def send() -> None:
        try:
            barrier.wait(timeout=10)
            sent.append(outbox.relay())
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert sum(sent) == 40
    assert sorted(_queued_ids(broker)) == [job.pk for job in waited]


def test_sweep_sends_again_what_is_due_and_nothing_else(broker: Broker) -> None:
    due, later, running, silent, done = _enqueue(5)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE work_job SET due_at = clock_timestamp() + interval '1 hour' WHERE id = %s", [later.pk]
        )
        assert jobs.claim(running.pk)
        assert jobs.claim(silent.pk)
        cursor.execute("UPDATE work_job SET lease_until = clock_timestamp() WHERE id = %s", [silent.pk])
    assert jobs.run(done.pk)
    broker.client().flushall()
    tasks.sweep()
    assert sorted(_queued_ids(broker)) == [due.pk, silent.pk]


def test_sweep_forgets_messages_sent_a_week_ago_and_keeps_their_jobs(broker: Broker) -> None:
    old, fresh = _enqueue(2)
    OutboxMessage.objects.filter(arguments=[old.pk]).update(
        sent_at=dt.datetime.now(dt.UTC) - dt.timedelta(days=8)
    )
    tasks.sweep()
    assert [message.arguments for message in OutboxMessage.objects.all()] == [[fresh.pk]]
    assert Job.objects.count() == 2


def test_approval_given_while_the_broker_is_down_is_posted_after_its_return(
    broker: Broker, stack: Stack
) -> None:
    """Worker and beat find the broker again, or end and are started again as a supervisor does.

    Celery 5.7 ends its worker when the broker goes while it holds a message (AttributeError in kombu's restoring
    of unacknowledged messages); otherwise it reconnects.
    """
    stack.redis_url = broker.url
    world = World.founded(members=11)
    world.award(500_000)
    period = world.computed_period()
    stack.start_worker()
    stack.start_beat()
    wait_until(lambda: "ready." in (stack.folder / "worker.log").read_text(), seconds=30, what="the worker")
    broker.kill()
    approved = sharing.approve_period(
        period=period, approver=world.controller.code, shown_sha256=period.shown_sha256, at=period.prepared_at
    )
    assert approved.state == "approved"
    assert _unsent() >= 1
    time.sleep(1)
    broker.start()
    returned = time.monotonic()

    def posted() -> bool:
        for name, start in (("worker", stack.start_worker), ("beat", stack.start_beat)):
            if stack.processes[name].poll() is not None:
                start()
        period.refresh_from_db()
        return period.state == "posted"

    wait_until(posted, seconds=60, what="the posting")
    waited = time.monotonic() - returned
    assert waited < 30, f"posted {waited:.0f} s after the broker's return"
    wait_until(lambda: _unsent() == 0, seconds=30, what="an empty outbox")
    assert period.charged_members == 11
