"""The life of a job row: claimed by one, fenced by its attempt, parked when it fails or kills too often."""

import datetime as dt
import threading
import time
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import IntegrityError, OperationalError, connection, transaction

from aidplatform.testing import probes
from aidplatform.work import jobs
from aidplatform.work.models import AuditEntry, Job, OutboxMessage


def _enqueue(kind: str = "probe.write", key: str = "k", **payload: object) -> Job:
    return jobs.enqueue(kind=kind, key=key, payload={"name": key, **payload}, actor="tester")


def _expire(job: Job) -> None:
    """Let the lease run out now."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE work_job SET lease_until = clock_timestamp() - interval '1 second' WHERE id = %s",
            [job.pk],
        )


def _make_due(job: Job) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE work_job SET due_at = clock_timestamp() WHERE id = %s", [job.pk])


def _done(name: str = "k") -> list[int]:
    """Return which attempts have written."""
    return [e.detail["attempt"] for e in AuditEntry.objects.filter(action="probe_done", subject=name)]


@pytest.fixture
def short_lease(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(settings, "LEASE_SECONDS", 1)
    return None


def test_enqueue_twice_is_one_job_and_one_message(db: None) -> None:
    first = _enqueue()
    second = _enqueue(other="content")
    assert first.pk == second.pk
    assert second.payload == {"name": "k"}
    assert OutboxMessage.objects.filter(arguments=[first.pk]).count() == 1
    assert _enqueue(kind="probe.slow").pk != first.pk


def test_enqueue_from_eight_threads_is_one_job(committed_db: tuple[str, str]) -> None:
    barrier, found = threading.Barrier(8), []

    def ask() -> None:
        try:
            barrier.wait(timeout=20)
            found.append(_enqueue().pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert len(found) == 8
    assert len(set(found)) == 1
    assert OutboxMessage.objects.count() == 1


def test_enqueue_leaves_nothing_when_its_transaction_fails(committed_db: tuple[str, str]) -> None:
    with transaction.atomic():
        _enqueue()
        transaction.set_rollback(True)
    assert not Job.objects.exists()
    assert not OutboxMessage.objects.exists()


def test_claim_gives_a_job_to_one_of_eight(committed_db: tuple[str, str]) -> None:
    job = _enqueue()
    barrier, leases = threading.Barrier(8), []

    def take() -> None:
        try:
            barrier.wait(timeout=20)
            leases.append(jobs.claim(job.pk))
        finally:
            connection.close()

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert len(leases) == 8
    assert [lease.attempt for lease in leases if lease] == [1]


def test_claim_leaves_a_job_that_is_not_due_yet(db: None) -> None:
    job = _enqueue()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE work_job SET due_at = clock_timestamp() + interval '1 minute'")
    assert jobs.claim(job.pk) is None
    assert jobs.due_job_ids() == []


def test_run_does_a_job_once_and_delivered_again_nothing(db: None) -> None:
    job = _enqueue()
    assert jobs.run(job.pk) is True
    assert [jobs.run(job.pk) for _ in range(5)] == [False] * 5
    job.refresh_from_db()
    assert (job.state, job.attempt, job.failures, job.result) == ("done", 1, 0, {"attempt": 1})
    assert job.finished_at is not None
    assert _done() == [1]


def test_lease_is_taken_over_only_when_it_ran_out(db: None) -> None:
    job = _enqueue()
    first = jobs.claim(job.pk)
    assert first is not None
    assert jobs.claim(job.pk) is None
    assert jobs.due_job_ids() == []
    _expire(job)
    assert jobs.due_job_ids() == [job.pk]
    second = jobs.claim(job.pk)
    assert second is not None
    assert (first.attempt, second.attempt) == (1, 2)
    job.refresh_from_db()
    assert (job.failures, job.takeovers) == (0, 1)


def test_fence_refuses_the_write_of_an_overtaken_worker(db: None) -> None:
    job = _enqueue("probe.slow", seconds=0)
    first = jobs.claim(job.pk)
    _expire(job)
    second = jobs.claim(job.pk)
    assert first is not None
    assert second is not None
    with pytest.raises(jobs.LostLeaseError, match=f"job {job.pk}, attempt 1"), first.transaction():
        probes._done(first)
    assert _done() == []
    with second.transaction():
        probes._done(second)
    assert _done() == [2]


def test_fence_refuses_the_write_to_a_job_that_is_done(db: None) -> None:
    job = _enqueue()
    lease = jobs.claim(job.pk)
    assert lease is not None
    jobs._finish(lease, None)
    with pytest.raises(jobs.LostLeaseError), lease.transaction():
        probes._done(lease)
    assert _done() == []


def test_overtaken_worker_ends_nothing_of_its_successor(committed_db: tuple[str, str]) -> None:
    job = _enqueue()
    first = jobs.claim(job.pk)
    _expire(job)
    second = jobs.claim(job.pk)
    assert first is not None
    assert second is not None
    jobs._finish(first, {"late": 1})
    jobs._put_back(first, ValueError("late"))
    job.refresh_from_db()
    assert (job.state, job.attempt, job.failures, job.result, job.last_error) == ("running", 2, 0, None, "")


def test_takeover_waits_for_a_commit_that_has_passed_the_fence(committed_db: tuple[str, str]) -> None:
    """Between the fence and the commit nobody takes over: the two writes can't both stay."""
    job = _enqueue("probe.slow", seconds=0)
    first = jobs.claim(job.pk)
    assert first is not None
    _expire(job)
    taken: list[tuple[float, int]] = []

    def take_over() -> None:
        try:
            lease = jobs.claim(job.pk)
            taken.append((time.monotonic(), lease.attempt if lease else 0))
        finally:
            connection.close()

    with transaction.atomic():
        with first.transaction():
            probes._done(first)
        thread = threading.Thread(target=take_over)
        thread.start()
        time.sleep(0.4)
        assert taken == []
        released = time.monotonic()
    thread.join(timeout=10)
    assert taken[0][1] == 2
    assert taken[0][0] >= released
    assert _done() == [1]


def test_heartbeat_keeps_the_lease_of_a_long_job(committed_db: tuple[str, str], short_lease: None) -> None:
    job = _enqueue("probe.slow", seconds=2.5)
    claims: list[object] = []

    def rival() -> None:
        try:
            while Job.objects.get(pk=job.pk).state != Job.State.RUNNING:
                time.sleep(0.02)
            end = time.monotonic() + 2.2
            while time.monotonic() < end:
                claims.extend(jobs.claim(job_id) for job_id in jobs.due_job_ids())
                time.sleep(0.1)
        finally:
            connection.close()

    thread = threading.Thread(target=rival)
    thread.start()
    assert jobs.run(job.pk) is True
    thread.join(timeout=10)
    job.refresh_from_db()
    assert [claim for claim in claims if claim] == []
    assert (job.state, job.attempt) == ("done", 1)


def test_poison_job_is_parked_after_five_failures_with_growing_pauses(committed_db: tuple[str, str]) -> None:
    job = _enqueue("probe.fail")
    pauses = []
    for failure in range(1, 6):
        with pytest.raises(ValueError, match=f"attempt {failure} cannot work"):
            jobs.run(job.pk)
        job.refresh_from_db()
        assert job.failures == failure
        assert job.last_error == f"ValueError: attempt {failure} cannot work"
        if failure < jobs.MAX_FAILURES:
            assert job.state == Job.State.QUEUED
            assert jobs.claim(job.pk) is None
            pauses.append((job.due_at - dt.datetime.now(dt.UTC)).total_seconds())
            _make_due(job)
    assert job.state == Job.State.STUCK
    assert jobs.due_job_ids() == []
    assert jobs.run(job.pk) is False
    for attempt, pause in enumerate(pauses, start=1):
        assert 0.25 * 2**attempt - 0.5 <= pause <= 0.75 * 2**attempt


def test_stuck_job_runs_again_when_a_person_asks(committed_db: tuple[str, str]) -> None:
    job = _enqueue("probe.fail", good_at=6)
    for _ in range(5):
        with pytest.raises(ValueError):
            jobs.run(job.pk)
        _make_due(job)
    jobs.retry_stuck(job=job, actor="P-CONTROLLER")
    assert jobs.run(job.pk) is True
    job.refresh_from_db()
    assert (job.state, job.attempt, job.failures, job.last_error) == ("done", 6, 0, "")
    trail = AuditEntry.objects.get(action="retry_stuck_job")
    assert (trail.actor, trail.subject) == ("P-CONTROLLER", "probe.fail k")
    assert OutboxMessage.objects.filter(arguments=[job.pk]).count() == 2


def test_retry_of_a_job_that_is_not_stuck_is_refused(db: None) -> None:
    job = _enqueue()
    with pytest.raises(jobs.NotStuckError):
        jobs.retry_stuck(job=job, actor="P-CONTROLLER")
    assert not AuditEntry.objects.filter(action="retry_stuck_job").exists()
    assert OutboxMessage.objects.count() == 1


def test_job_of_an_unknown_kind_is_parked_not_lost(committed_db: tuple[str, str]) -> None:
    job = _enqueue("probe.from_a_newer_version")
    for _ in range(jobs.MAX_FAILURES):
        with pytest.raises(KeyError):
            jobs.run(job.pk)
        _make_due(job)
    job.refresh_from_db()
    assert job.state == Job.State.STUCK
    assert "probe.from_a_newer_version" in job.last_error


def test_job_that_silences_its_workers_is_parked(db: None) -> None:
    job = _enqueue("probe.die")
    for takeover in range(jobs.MAX_TAKEOVERS + 1):
        lease = jobs.claim(job.pk)
        assert lease is not None
        assert lease.attempt == takeover + 1
        _expire(job)
    assert jobs.claim(job.pk) is None
    job.refresh_from_db()
    assert (job.state, job.failures) == (Job.State.STUCK, 0)
    assert job.last_error == f"Parked: its worker went silent {jobs.MAX_TAKEOVERS + 1} times."
    with pytest.raises(jobs.LostLeaseError), lease.transaction():
        probes._done(lease)


@pytest.mark.parametrize("sqlstate", ["40001", "40P01", "55P03"])
def test_lost_lock_is_retried_without_counting_as_a_failure(
    committed_db: tuple[str, str], sqlstate: str
) -> None:
    job = _enqueue("probe.write")

    def lose(lease: jobs.Lease) -> None:
        with lease.transaction(), connection.cursor() as cursor:
            cursor.execute(f"DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = '{sqlstate}'; END $$")

    kept = jobs._handlers["probe.write"]
    jobs._handlers["probe.write"] = lose
    try:
        for _ in range(7):
            assert jobs.run(job.pk) is False
            _make_due(job)
    finally:
        jobs._handlers["probe.write"] = kept
    job.refresh_from_db()
    assert (job.state, job.failures) == ("queued", 0)
    assert jobs.run(job.pk) is True
    assert _done() == [8]


def test_broken_connection_is_no_failure_of_the_job(committed_db: tuple[str, str]) -> None:
    """The server ends our connection in the middle of the work: the job is put back over a new one."""
    job = _enqueue()

    def be_cut_off(lease: jobs.Lease) -> None:
        with lease.transaction(), connection.cursor() as cursor:
            probes._done(lease)
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    kept = jobs._handlers["probe.write"]
    jobs._handlers["probe.write"] = be_cut_off
    try:
        assert jobs.run(job.pk) is False
    finally:
        jobs._handlers["probe.write"] = kept
    job.refresh_from_db()
    assert (job.state, job.failures) == ("queued", 0)
    assert _done() == []
    _make_due(job)
    assert jobs.run(job.pk) is True
    assert _done() == [2]


def test_job_states_and_attempts_only_move_forward(db: None) -> None:
    job = _enqueue()
    jobs.run(job.pk)
    with pytest.raises(IntegrityError, match="state"), transaction.atomic():
        Job.objects.filter(pk=job.pk).update(state="queued")
    with pytest.raises(IntegrityError, match="attempt 0 after 1"), transaction.atomic():
        Job.objects.filter(pk=job.pk).update(attempt=0)


def test_sweep_looks_only_at_what_is_due(db: None) -> None:
    waiting, later, running, silent, done, stuck = (_enqueue(key=f"k{n}") for n in range(6))
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE work_job SET due_at = clock_timestamp() + interval '1 hour' WHERE id = %s", [later.pk]
        )
    assert jobs.claim(running.pk)
    assert jobs.claim(silent.pk)
    _expire(silent)
    assert jobs.run(done.pk)
    assert jobs.claim(stuck.pk)
    Job.objects.filter(pk=stuck.pk).update(state=Job.State.STUCK)
    assert jobs.due_job_ids() == [waiting.pk, silent.pk]
    assert jobs.due_job_ids(limit=1) == [waiting.pk]


def test_two_handlers_for_one_kind_are_refused() -> None:
    with pytest.raises(ValueError, match=r"two handlers for probe\.write"):
        jobs.handles("probe.write")(lambda lease: None)


def test_lock_timeout_of_a_handler_is_an_operational_error(committed_db: tuple[str, str]) -> None:
    """What the retry rests on: a lock that isn't given in time arrives as a retryable error, not as a hang."""
    job = _enqueue()
    holding, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                Job.objects.select_for_update().get(pk=job.pk)
                holding.set()
                let_go.wait(timeout=20)
        finally:
            connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    assert holding.wait(timeout=10)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '200ms'")
        with pytest.raises(OperationalError) as caught, transaction.atomic():
            Job.objects.select_for_update().get(pk=job.pk)
    finally:
        let_go.set()
        thread.join(timeout=10)
    assert jobs.is_retryable(caught.value)
