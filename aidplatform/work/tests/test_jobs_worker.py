"""Jobs run by a real Celery worker in another process, while messages, workers and connections are lost."""

import os
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator

import pytest
import redis
from django.db import connection, transaction

from aidplatform.testing.plugin import TEMPLATE, test_services
from aidplatform.testing.stack import Stack, connected_to, wait_until
from aidplatform.testing.world import World
from aidplatform.work import jobs, outbox
from aidplatform.work.models import AuditEntry, Job
from ledger.sharing.models import Period

pytestmark = pytest.mark.crash
#: Longer than lease plus sweep plus a slow machine; what must come, comes before.
PATIENCE = 60.0


@pytest.fixture(scope="module")
def running(
    django_db_blocker: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """One installation for all tests of this file: a worker of two processes, and beat."""
    url = os.environ["AID_REDIS_URL"]
    redis.Redis.from_url(url).flushdb()
    database = test_services().database(f"aid_jobs_{uuid.uuid4().hex[:12]}", TEMPLATE)
    with database as (owner_url, app_url), django_db_blocker.unblock(), connected_to(app_url):
        stack = Stack(app_url, owner_url, url, tmp_path_factory.mktemp("jobs"), {"AID_TICK_SECONDS": "1"})
        try:
            stack.start_worker()
            stack.start_beat()
            yield stack
        finally:
            stack.stop()


@pytest.fixture
def name() -> str:
    """Return a name that no other test uses."""
    return f"job-{uuid.uuid4().hex[:8]}"


def _enqueue(kind: str, key: str, **payload: object) -> Job:
    with transaction.atomic():
        return jobs.enqueue(kind=kind, key=key, payload={"name": key, **payload}, actor="tester")


def _traces(action: str, name: str) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(action=action, subject=name).order_by("pk"))


def _attempts_done(name: str) -> list[int]:
    return [trace.detail["attempt"] for trace in _traces("probe_done", name)]


def _in_state(job: Job, state: str) -> Callable[[], bool]:
    return lambda: Job.objects.get(pk=job.pk).state == state


def _wait_done(*waited: Job) -> None:
    keys = [job.pk for job in waited]
    wait_until(
        lambda: Job.objects.filter(pk__in=keys, state="done").count() == len(keys),
        seconds=PATIENCE,
        what=f"the end of {len(keys)} jobs",
    )


def _begun(name: str, times: int = 1) -> AuditEntry:
    wait_until(
        lambda: len(_traces("probe_begun", name)) >= times, seconds=PATIENCE, what=f"start {times} of {name}"
    )
    return _traces("probe_begun", name)[times - 1]


def _broker(stack: Stack) -> redis.Redis:
    return redis.Redis.from_url(stack.redis_url)


def test_message_of_a_job_is_only_a_hint(running: Stack, name: str) -> None:
    job = _enqueue("probe.write", name)
    _wait_done(job)
    assert _attempts_done(name) == [1]


def test_flushed_broker_loses_no_job(running: Stack, name: str) -> None:
    slow = [_enqueue("probe.slow", f"{name}-slow{n}", seconds=1.2) for n in range(2)]
    for n in range(2):
        _begun(f"{name}-slow{n}")
    queued = [_enqueue("probe.write", f"{name}-{n}") for n in range(8)]
    broker = _broker(running)
    lost = broker.llen("celery")
    broker.flushdb()
    assert lost >= 5
    _wait_done(*slow, *queued)
    assert [_attempts_done(job.key) for job in (*slow, *queued)] == [[1]] * 10


def test_deleted_message_is_sent_again(running: Stack, name: str) -> None:
    """A job whose message never existed: its row alone brings it to its end."""
    with transaction.atomic():
        job = jobs.enqueue(kind="probe.write", key=name, payload={"name": name}, actor="tester")
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM work_outboxmessage WHERE arguments = %s::jsonb", [f"[{job.pk}]"])
            assert cursor.rowcount == 1
    _wait_done(job)
    assert _attempts_done(name) == [1]


def test_message_delivered_five_times_in_turn_is_one_effect(running: Stack, name: str) -> None:
    job = _enqueue("probe.slow", name, seconds=0)
    _wait_done(job)
    finished_at = Job.objects.get(pk=job.pk).finished_at
    for _ in range(5):
        outbox.publish(jobs.RUN_TASK, [job.pk])
        wait_until(lambda: _broker(running).llen("celery") == 0, seconds=PATIENCE, what="an empty queue")
    barrier = _enqueue("probe.write", f"{name}-after")
    _wait_done(barrier)
    job.refresh_from_db()
    assert (job.attempt, job.finished_at) == (1, finished_at)
    assert _attempts_done(name) == [1]


def test_message_delivered_five_times_at_once_to_two_workers_is_one_effect(running: Stack, name: str) -> None:
    second = running.start_worker("second")
    try:
        wait_until(
            lambda: "ready." in (running.folder / "second.log").read_text(), seconds=PATIENCE, what="a worker"
        )
        waited = [_enqueue("probe.slow", f"{name}-{n}", seconds=0.3) for n in range(4)]
        for job in waited:
            for _ in range(5):
                outbox.publish(jobs.RUN_TASK, [job.pk])
        _wait_done(*waited)
        assert [_attempts_done(job.key) for job in waited] == [[1]] * 4
        groups = {_traces("probe_begun", job.key)[0].detail["group"] for job in waited}
        assert groups <= {running.processes["worker"].pid, second.pid}
    finally:
        running.kill("second")


def test_killed_worker_child_is_followed_by_another_attempt(running: Stack, name: str) -> None:
    job = _enqueue("probe.slow", name, seconds=1)
    os.kill(_begun(name).detail["pid"], signal.SIGKILL)
    _wait_done(job)
    assert _attempts_done(name) == [2]
    job.refresh_from_db()
    assert (job.failures, job.takeovers) == (0, 1)


def test_killed_worker_group_is_followed_by_another_worker(running: Stack, name: str) -> None:
    job = _enqueue("probe.slow", name, seconds=1)
    _begun(name)
    running.kill("worker")
    killed = time.monotonic()
    running.start_worker()
    _wait_done(job)
    assert _attempts_done(name) == [2]
    assert time.monotonic() - killed < PATIENCE


def test_paused_worker_cannot_write_late(running: Stack, name: str) -> None:
    """A process stopped for longer than its lease wakes up, finishes, and is refused by the fence."""
    job = _enqueue("probe.slow", name, seconds=0.5)
    zombie = _begun(name)
    child, log = zombie.detail["pid"], running.folder / "worker.log"
    os.kill(child, signal.SIGSTOP)
    try:
        _begun(name, times=2)
        _wait_done(job)
        assert _attempts_done(name) == [2]
        refused = log.read_text().count("job_lost_lease")
    finally:
        os.kill(child, signal.SIGCONT)
    wait_until(
        lambda: log.read_text().count("job_lost_lease") == refused + 1, seconds=PATIENCE, what="the refusal"
    )
    assert _attempts_done(name) == [2]
    job.refresh_from_db()
    assert (job.state, job.attempt) == ("done", 2)


def test_poison_job_is_parked_while_the_queue_flows(running: Stack, name: str) -> None:
    poison = _enqueue("probe.fail", f"{name}-poison")
    flowing = []
    for n in range(1, jobs.MAX_FAILURES + 1):
        wait_until(
            lambda n=n: Job.objects.get(pk=poison.pk).failures == n, seconds=PATIENCE, what=f"failure {n}"
        )
        Job.objects.filter(pk=poison.pk, state="queued").update(due_at=poison.created_at)
        flowing.append(_enqueue("probe.write", f"{name}-{n}"))
    _wait_done(*flowing)
    poison.refresh_from_db()
    assert poison.state == Job.State.STUCK
    assert poison.last_error == "ValueError: attempt 5 cannot work"
    assert len(_traces("probe_begun", poison.key)) == jobs.MAX_FAILURES


def test_job_that_kills_its_worker_is_parked_while_the_queue_flows(running: Stack, name: str) -> None:
    deadly = _enqueue("probe.die", f"{name}-deadly")
    _begun(deadly.key)
    Job.objects.filter(pk=deadly.pk).update(takeovers=jobs.MAX_TAKEOVERS - 1)
    flowing = [_enqueue("probe.write", f"{name}-{n}") for n in range(5)]
    wait_until(_in_state(deadly, "stuck"), seconds=PATIENCE, what="the parking")
    _wait_done(*flowing)
    deadly.refresh_from_db()
    assert "went silent" in deadly.last_error
    assert len(_traces("probe_begun", deadly.key)) == 2


def test_stuck_job_asked_for_again_runs(running: Stack, name: str) -> None:
    job = _enqueue("probe.fail", name, good_at=2)
    Job.objects.filter(pk=job.pk).update(failures=jobs.MAX_FAILURES - 1)
    wait_until(lambda: Job.objects.get(pk=job.pk).state != "queued", seconds=PATIENCE, what="a first attempt")
    if Job.objects.get(pk=job.pk).state != "stuck":
        wait_until(_in_state(job, "stuck"), seconds=PATIENCE, what="the parking")
    jobs.retry_stuck(job=job, actor="P-CONTROLLER")
    _wait_done(job)
    assert _attempts_done(name) == [2]


def test_long_job_keeps_its_lease(running: Stack, name: str) -> None:
    """Twice as long as a lease, with a sweep every second looking for silent jobs."""
    job = _enqueue("probe.slow", name, seconds=4.5)
    _wait_done(job)
    job.refresh_from_db()
    assert (job.attempt, job.takeovers) == (1, 0)
    assert _attempts_done(name) == [1]


def test_cut_connections_lose_nothing(running: Stack, name: str) -> None:
    """Every connection of the platform is cut ten times a second while fifty jobs run, most within a write."""
    _wait_done(_enqueue("probe.write", f"{name}-first"))
    stop, cut = threading.Event(), [0]
    waited = [_enqueue("probe.write", f"{name}-{n}", seconds=0.05) for n in range(40)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        own = cursor.fetchone()[0]

    def cut_off() -> None:
        with running.connection() as app:
            while not stop.wait(0.1):
                rows = app.execute(
                    """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                        WHERE datname = current_database() AND usename = 'aid_app' AND pid <> ALL(%s)""",
                    [[own, app.info.backend_pid]],
                )
                cut[0] += len(rows.fetchall())

    thread = threading.Thread(target=cut_off)
    thread.start()
    try:
        waited += [_enqueue("probe.write", f"{name}-more{n}", seconds=0.05) for n in range(10)]
        wait_until(lambda: cut[0] > 10, seconds=PATIENCE, what="eleven cuts")
    finally:
        stop.set()
        thread.join(timeout=10)
    _wait_done(*waited)
    assert [len(_attempts_done(job.key)) for job in waited] == [1] * 50
    assert not Job.objects.filter(pk__in=[job.pk for job in waited], failures__gt=0).exists()


def test_connection_cut_between_two_jobs_is_made_anew_unnoticed(running: Stack, name: str) -> None:
    """A worker keeps its connection from task to task; that PostgreSQL was restarted meanwhile costs no attempt."""
    for n in range(3):
        job = _enqueue("probe.write", f"{name}-{n}")
        _wait_done(job)
        job.refresh_from_db()
        assert (job.attempt, job.failures, job.takeovers) == (1, 0, 0)
        wait_until(lambda: _cut_idle_connections(running) > 0, seconds=PATIENCE, what="a kept connection")


def _cut_idle_connections(stack: Stack) -> int:
    """End every connection that waits for work, but for this test's own; return how many there were."""
    with connection.cursor() as cursor, stack.connection() as app:
        cursor.execute("SELECT pg_backend_pid()")
        rows = app.execute(
            """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND usename = 'aid_app' AND state = 'idle' AND pid <> %s""",
            cursor.fetchone(),
        )
        return len(rows.fetchall())


def test_two_schedulers_open_each_period_once(running: Stack, name: str) -> None:
    running.start_beat("beat2")
    try:
        world = World.founded(code=name)
        wait_until(lambda: Period.objects.filter(pool=world.pool).exists(), seconds=PATIENCE, what="a period")
        time.sleep(2.5)
        steps = Job.objects.filter(kind="sharing.advance", key__startswith=f"{name}/1#open")
        assert [period.number for period in Period.objects.filter(pool=world.pool)] == [1]
        assert [job.state for job in steps] == ["done"]
        opened = AuditEntry.objects.filter(action="open_period", subject=f"{name}/1")
        assert opened.count() == 1
    finally:
        running.kill("beat2")
