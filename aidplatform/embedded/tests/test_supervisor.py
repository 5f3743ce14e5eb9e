"""Trap 10: what ends is started again, with growing pauses, and everything is stopped in the stated order."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from aidplatform.embedded import supervisor as supervisor_module
from aidplatform.embedded.errors import EmbeddedError
from aidplatform.embedded.processes import spawn
from aidplatform.embedded.supervisor import Managed, Stopped, Supervisor, ending
from aidplatform.embedded.tests.helpers import layout_in

TERM = [(signal.SIGTERM, 5.0)]


@pytest.fixture
def supervisor(place: Path) -> Iterator[Supervisor]:
    said: list[str] = []
    made = Supervisor(layout_in(place), said.append)
    made.said = said  # type: ignore[attr-defined]
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield made
    made.hurry = True
    made.stop_all()
    for number, handler in handlers.items():
        signal.signal(number, handler)


def test_killed_child_is_started_again_and_said_so_in_one_line(supervisor: Supervisor) -> None:
    supervisor.add("worker", lambda: _shell(supervisor, "worker", "sleep 600"), TERM)
    first = supervisor.children[0].child
    assert first is not None

    first.kill()
    supervisor.attend(1.0)
    second = supervisor.children[0].child

    assert second is not None
    assert second.pid != first.pid
    assert second.poll() is None
    assert _said(supervisor) == ["worker was ended by SIGKILL; starting it again in 0.2 s"]


def test_child_that_keeps_failing_is_started_ever_more_rarely(supervisor: Supervisor) -> None:
    supervisor.add("web", lambda: _shell(supervisor, "web", "echo broken; exit 3"), TERM)

    supervisor.attend(2.0)
    pauses = [line.split(" again in ")[1] for line in _said(supervisor) if " again in " in line]

    assert pauses == ["0.2 s", "0.4 s", "0.8 s", "1.6 s"]
    assert _said(supervisor)[:2] == [
        "web ended with exit code 3; starting it again in 0.2 s",
        "the end of its log:\nbroken",
    ]


def test_long_life_is_rewarded_with_a_short_pause(supervisor: Supervisor) -> None:
    supervisor.add("web", lambda: _shell(supervisor, "web", "sleep 600"), TERM)
    managed = supervisor.children[0]
    managed.failures = 9
    managed.began -= supervisor_module.STEADY_SECONDS + 1
    assert managed.child is not None

    managed.child.kill()
    supervisor.attend(0.5)

    assert managed.failures == 1


def test_child_that_cannot_be_started_is_tried_later(supervisor: Supervisor) -> None:
    """A full disk or a lock held for a moment must not end the supervisor."""
    attempts = []

    def start() -> subprocess.Popen[bytes]:
        attempts.append(1)
        if len(attempts) == 2:
            raise OSError(28, "No space left on device")
        return _shell(supervisor, "valkey", "sleep 600")

    supervisor.add("valkey", start, TERM)
    child = supervisor.children[0].child
    assert child is not None
    child.kill()
    supervisor.attend(1.5)

    assert len(attempts) == 3
    assert "valkey could not be started: [Errno 28] No space left on device" in _said(supervisor)


def test_children_are_stopped_from_the_last_to_the_first(supervisor: Supervisor) -> None:
    """Web and worker go while broker and database still answer."""
    order = supervisor.layout.run / "order"
    names = ["postgres", "valkey", "beat", "worker", "web"]
    for name in names:
        script = f"trap 'echo {name} >> {order}; exit 0' TERM; echo ready; while :; do sleep 0.05; done"
        supervisor.add(name, _starter(supervisor, name, script), TERM)
    _wait_for_logs(supervisor, names)

    supervisor.stop_all()

    assert order.read_text().split() == ["web", "worker", "beat", "valkey", "postgres"]
    assert [managed.child.returncode for managed in supervisor.children if managed.child] == [0] * 5


def test_child_that_hangs_is_killed_after_its_time(supervisor: Supervisor) -> None:
    start = _starter(supervisor, "worker", "trap '' TERM; echo ready; while :; do sleep 0.05; done")
    supervisor.add("worker", start, [(signal.SIGTERM, 0.3)])
    _wait_for_logs(supervisor, ["worker"])

    supervisor.stop_all()

    assert _said(supervisor) == ["worker did not stop in time and was killed"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_each_signal_asks_to_stop(supervisor: Supervisor, number: signal.Signals) -> None:
    supervisor.listen()
    os.kill(os.getpid(), number)

    with pytest.raises(Stopped):
        supervisor.attend(5)


def test_nohup_is_respected(supervisor: Supervisor) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    supervisor.listen()
    os.kill(os.getpid(), signal.SIGHUP)

    supervisor.attend(0)
    assert supervisor.stop_asked_at is None


def test_same_request_heard_twice_does_not_hurry(supervisor: Supervisor) -> None:
    """A terminal signals the whole group, and make hands its own down again; a second wish comes later."""
    supervisor.listen()
    os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGTERM)
    at_once = supervisor.hurry
    assert supervisor.stop_asked_at is not None
    supervisor.stop_asked_at -= 2
    os.kill(os.getpid(), signal.SIGINT)

    assert (at_once, supervisor.hurry) == (False, True)


def test_hurry_gives_up_jobs_but_not_the_database(supervisor: Supervisor) -> None:
    """A worker in a long job is given up; PostgreSQL still gets its time to end in order."""
    slow = "trap 'sleep 0.7; echo in-order; exit 0' TERM; echo ready; while :; do sleep 0.05; done"
    supervisor.add("postgres", _starter(supervisor, "postgres", slow), [(signal.SIGTERM, 30.0)])
    supervisor.add("worker", _starter(supervisor, "worker", slow), [(signal.SIGTERM, 30.0)])
    _wait_for_logs(supervisor, ["postgres", "worker"])
    supervisor.hurry = True

    began = time.monotonic()
    supervisor.stop_all()

    assert _log(supervisor, "postgres") == ["ready", "in-order"]
    assert _log(supervisor, "worker") == ["ready"]
    assert time.monotonic() - began < 5


def test_command_runs_again_when_a_service_failed_under_it(supervisor: Supervisor) -> None:
    supervisor.add("postgres", lambda: _shell(supervisor, "postgres", "sleep 600"), TERM)
    runs = []

    def start() -> subprocess.Popen[bytes]:
        runs.append(1)
        if len(runs) == 1:
            child = supervisor.children[0].child
            assert child is not None
            child.kill()
        return _shell(supervisor, "prepare", f"exit {2 - len(runs)}")

    supervisor.run_command("prepare", start)

    assert len(runs) == 2
    assert "prepare was interrupted by a restart and runs again" in _said(supervisor)


def test_command_that_fails_by_itself_shows_why(supervisor: Supervisor) -> None:
    with pytest.raises(EmbeddedError, match=r"prepare ended with exit code 4\. .*\nno such table"):
        supervisor.run_command("prepare", _starter(supervisor, "prepare", "echo no such table; exit 4"))


def test_command_is_stopped_when_somebody_asks(supervisor: Supervisor) -> None:
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        started.append(_shell(supervisor, "prepare", "sleep 600"))
        supervisor.stop_asked_at = time.monotonic()
        return started[0]

    with pytest.raises(Stopped):
        supervisor.run_command("prepare", start)
    assert started[0].returncode == -signal.SIGTERM


def test_ends_are_put_into_words() -> None:
    assert [ending(code) for code in (0, 2, -9, -11, -99)] == [
        "ended with exit code 0",
        "ended with exit code 2",
        "was ended by SIGKILL",
        "was ended by SIGSEGV",
        "was ended by signal 99",
    ]


def test_child_already_gone_is_passed_over(supervisor: Supervisor) -> None:
    supervisor.children.append(Managed("web", _starter(supervisor, "web", "exit 0"), TERM))

    supervisor.stop_all()

    assert _said(supervisor) == []


def _shell(supervisor: Supervisor, name: str, script: str) -> subprocess.Popen[bytes]:
    layout = supervisor.layout
    return spawn(
        layout,
        name,
        ["/bin/sh", "-c", script],
        environment={"PATH": os.defpath},
        account=layout.account,
        death_signal=signal.SIGKILL,
    )


def _starter(supervisor: Supervisor, name: str, script: str) -> supervisor_module.Start:
    return lambda: _shell(supervisor, name, script)


def _said(supervisor: Supervisor) -> list[str]:
    said: list[str] = supervisor.said  # type: ignore[attr-defined]
    return said


def _log(supervisor: Supervisor, name: str) -> list[str]:
    return (supervisor.layout.log / f"{name}.log").read_text().split()


def _wait_for_logs(supervisor: Supervisor, names: list[str]) -> None:
    """Wait until each child has set its trap and says so."""
    deadline = time.monotonic() + 10
    while not all(_log(supervisor, name) == ["ready"] for name in names):
        assert time.monotonic() < deadline
        time.sleep(0.02)
