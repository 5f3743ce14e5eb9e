"""Each guarantee of job rows, broken by hand as aid_app: the database refuses in its name."""

import pytest

from aidplatform.testing.refusals import not_permitted, refused, run, value
from aidplatform.work import jobs

STEPS = {
    "queued": {"running", "stuck"},
    "running": {"queued", "done", "stuck"},
    "stuck": {"queued"},
    "done": set(),
}
PATHS = {"queued": (), "running": ("running",), "stuck": ("stuck",), "done": ("running", "done")}


def _job(key: str = "k") -> int:
    return jobs.enqueue(kind="guarantee", key=key, payload={}, actor="test").pk


def _set(job: int, state: str) -> None:
    run("UPDATE work_job SET state = %s, lease_until = now() WHERE id = %s", state, job)


@pytest.mark.parametrize("before", STEPS)
@pytest.mark.parametrize("after", STEPS)
def test_job_state_follows_order(db: None, before: str, after: str) -> None:
    job = _job()
    for state in PATHS[before]:
        _set(job, state)
    if after == before or after in STEPS[before]:
        _set(job, after)
        assert value("SELECT state FROM work_job WHERE id = %s", job) == after
    else:
        with refused("job_state_follows_order"):
            _set(job, after)


@pytest.mark.parametrize("state", ["running", "done", "stuck"])
def test_job_state_follows_order_from_its_beginning(db: None, state: str) -> None:
    with refused("job_state_follows_order"):
        run(
            """INSERT INTO work_job (kind, key, payload, state, attempt, failures, takeovers, lease_until, due_at,
                                     last_error, actor, created_at)
               VALUES ('guarantee', 'k', '{}', %s, 0, 0, 0, now(), now(), '', 'x', now())""",
            state,
        )


def test_job_attempt_only_grows_so_that_no_old_worker_gets_its_turn_back(db: None) -> None:
    job = _job()
    assert jobs.claim(job) is not None
    run("UPDATE work_job SET lease_until = now() - interval '1 second'")
    lease = jobs.claim(job)
    assert lease is not None
    assert lease.attempt == 2
    with refused("job_attempt_only_grows"):
        run("UPDATE work_job SET attempt = 1 WHERE id = %s", job)


def test_running_job_has_a_lease(db: None) -> None:
    job = _job()
    with refused("running_job_has_a_lease"):
        run("UPDATE work_job SET state = 'running' WHERE id = %s", job)


def test_one_job_per_kind_and_key(db: None) -> None:
    _job()
    with refused("one_job_per_kind_and_key"):
        run(
            """INSERT INTO work_job (kind, key, payload, state, attempt, failures, takeovers, due_at, last_error,
                                     actor, created_at)
               VALUES ('guarantee', 'k', '{}', 'queued', 0, 0, 0, now(), '', 'x', now())"""
        )


@pytest.mark.parametrize("column", ["kind", "key", "payload", "actor", "created_at"])
def test_job_gives_no_right_to_change_what_is_to_be_done(db: None, column: str) -> None:
    _job()
    with not_permitted():
        run(f"UPDATE work_job SET {column} = {column}")


@pytest.mark.parametrize("statement", ["DELETE FROM work_job", "TRUNCATE work_job"])
def test_job_gives_no_right_to_delete(db: None, statement: str) -> None:
    with not_permitted():
        run(statement)
