"""Trap 4: children die with us, are stopped in time, and what a crash left behind is cleared away."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from aidplatform.embedded.layout import Layout, log_tail
from aidplatform.embedded.processes import (
    Answer,
    forget_children,
    record_child,
    spawn,
    start_patiently,
    started_at,
    stop,
    stop_leftovers,
)
from aidplatform.embedded.tests.helpers import alive, layout_in, until

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs prctl: only Linux ends children")


@needs_linux
def test_child_hears_of_the_death_of_its_starter_although_it_changed_user(place: Path) -> None:
    """The wish is cleared by a change of user and set by the child itself, so the order matters."""
    layout = layout_in(place)
    code = (
        "import os, signal; from pathlib import Path\n"
        "from aidplatform.embedded.tests.test_processes import sleeper\n"
        "from aidplatform.embedded.tests.helpers import layout_in\n"
        f"print(sleeper(layout_in(Path({str(place)!r}))).pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    child = int(done.stdout)

    assert done.returncode == -signal.SIGKILL
    assert until(lambda: not alive(child), 5)
    assert stop_leftovers(layout), "the record shows that the earlier run had crashed"


def test_ignored_interrupt_is_not_handed_down(place: Path) -> None:
    """A shell starts background jobs with SIGINT ignored, and PostgreSQL is stopped with SIGINT."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        child = sleeper(layout_in(place))
    finally:
        signal.signal(signal.SIGINT, before)

    assert stop(child, [(signal.SIGINT, 5.0)])
    assert child.returncode == -signal.SIGINT


def test_child_in_its_own_session_does_not_hear_the_terminal(place: Path) -> None:
    child = sleeper(layout_in(place))
    try:
        sessions = os.getsid(child.pid), os.getsid(0)
    finally:
        stop(child, [(signal.SIGTERM, 5.0)])

    assert sessions[0] == child.pid != sessions[1]


def test_stubborn_child_is_killed_with_its_own_children(place: Path) -> None:
    layout = layout_in(place)
    child = _shell(layout, "trap '' TERM INT; sleep 600 & echo $! ; wait; sleep 600")
    assert until(lambda: log_tail(layout, "child").isdigit())
    grandchild = int(log_tail(layout, "child"))

    began = time.monotonic()
    by_itself = stop(child, [(signal.SIGTERM, 0.2), (signal.SIGINT, 0.2)])

    assert not by_itself
    assert child.returncode == -signal.SIGKILL
    assert until(lambda: not alive(grandchild))
    assert time.monotonic() - began < 3


def test_hurry_cuts_the_waiting_short(place: Path) -> None:
    layout = layout_in(place)
    child = _shell(layout, "trap '' TERM; echo set; sleep 600 & wait; sleep 600")
    assert until(lambda: log_tail(layout, "child") == "set")

    began = time.monotonic()
    stop(child, [(signal.SIGTERM, 60.0)], hurry=lambda: True)

    assert time.monotonic() - began < 5


def test_leftover_of_a_crash_is_ended_and_a_number_used_again_is_not(place: Path) -> None:
    layout = layout_in(place)
    leftover = subprocess.Popen(["sleep", "600"])
    stranger = subprocess.Popen(["sleep", "600"])
    record_child(layout, "worker", leftover.pid)
    record_child(layout, "web", stranger.pid)
    record = layout.run / "children.json"
    children = json.loads(record.read_text())
    children["web"][1] = "12345"  # another process had this number then
    record.write_text(json.dumps(children))

    try:
        crashed = stop_leftovers(layout)
        leftover.wait(5)
        spared = stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()

    assert crashed
    assert leftover.returncode == -signal.SIGINT
    assert spared
    assert not stop_leftovers(layout)


def test_orderly_end_leaves_no_record(place: Path) -> None:
    layout = layout_in(place)
    child = sleeper(layout)
    stop(child, [(signal.SIGTERM, 5.0)])
    forget_children(layout)

    assert not stop_leftovers(layout)


def test_damaged_record_counts_as_empty(place: Path) -> None:
    layout = layout_in(place)
    (layout.run / "children.json").write_text('{"web": [12')

    assert not stop_leftovers(layout)


def test_start_is_tried_again_while_the_earlier_one_lets_go(place: Path) -> None:
    """The first two starts end at once, as PostgreSQL does while a killed server's memory is in use."""
    layout = layout_in(place)
    marks = layout.run / "marks"

    def start() -> subprocess.Popen[bytes]:
        return _shell(layout, f"echo x >> {marks}; [ $(wc -l < {marks}) -ge 3 ] || exit 1; sleep 600")

    def ask() -> Answer:
        lines = marks.read_text().count("x") if marks.exists() else 0
        return Answer.READY if lines >= 3 else Answer.SILENT

    child = start_patiently(start, ask, stop_steps=[(signal.SIGTERM, 5.0)], pause=time.sleep)
    assert child is not None
    stop(child, [(signal.SIGTERM, 5.0)])

    assert marks.read_text().count("x") == 3


def test_start_that_never_succeeds_gives_up(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aidplatform.embedded.processes.RETRY_SECONDS", 0.5)
    layout = layout_in(place)

    child = start_patiently(
        lambda: _shell(layout, "exit 1"), lambda: Answer.SILENT, stop_steps=[], pause=time.sleep
    )

    assert child is None


def test_server_that_stays_silent_is_stopped_but_one_that_recovers_is_waited_for(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aidplatform.embedded.processes.ANSWER_SECONDS", 0.2)
    layout = layout_in(place)
    answers = iter([Answer.RECOVERING] * 20 + [Answer.READY])
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        started.append(sleeper(layout))
        return started[-1]

    steps = [(signal.SIGTERM, 5.0)]
    silent = start_patiently(start, lambda: Answer.SILENT, stop_steps=steps, pause=time.sleep)
    recovered = start_patiently(start, lambda: next(answers), stop_steps=steps, pause=time.sleep)

    assert silent is None
    assert started[0].returncode == -signal.SIGTERM
    assert recovered is started[1]
    stop(started[1], steps)


def test_interrupted_waiting_stops_the_server_first(place: Path) -> None:
    layout = layout_in(place)
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        started.append(sleeper(layout))
        return started[-1]

    def interrupted(_seconds: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        start_patiently(start, lambda: Answer.SILENT, stop_steps=[(signal.SIGTERM, 5.0)], pause=interrupted)
    assert started[0].returncode == -signal.SIGTERM


def test_zombie_has_no_start_time() -> None:
    child = subprocess.Popen(["true"])
    assert until(lambda: started_at(child.pid) is None)
    child.wait()

    assert started_at(os.getpid()) is not None


def sleeper(layout: Layout) -> subprocess.Popen[bytes]:
    """Start a child that only sleeps, as the account of the services."""
    return spawn(
        layout,
        "child",
        ["sleep", "600"],
        environment={"PATH": os.defpath},
        account=layout.account,
        death_signal=signal.SIGTERM,
    )


def _shell(layout: Layout, script: str) -> subprocess.Popen[bytes]:
    return spawn(
        layout,
        "child",
        ["/bin/sh", "-c", script],
        environment={"PATH": os.defpath},
        account=layout.account,
        death_signal=signal.SIGKILL,
    )
