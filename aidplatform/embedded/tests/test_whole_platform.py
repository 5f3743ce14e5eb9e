"""One command, the whole platform: it reaches the page, heals from every kill, and stops in order."""

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from aidplatform.embedded.configuration import CHECKOUT
from aidplatform.embedded.environment import can_run_the_platform
from aidplatform.embedded.tests.helpers import CLEAN, alive, children_of, layout_in, owner_of_process, until

pytestmark = pytest.mark.crash

#: A word from each child's command line.
WORDS = {
    "postgres": "/bin/postgres",
    "valkey": "valkey-server",
    "beat": "beat",
    "worker": "worker",
    "web": "gunicorn",
    "signer": "sign_checkpoints",
}


@dataclass
class Run:
    """A running `python -m aidplatform.embedded run`."""

    process: subprocess.Popen[str]
    output: Path
    port: int

    def child(self, name: str) -> int | None:
        """Return the number of that child, or None while it is gone."""
        for pid in children_of(self.process.pid):
            try:
                line = Path(f"/proc/{pid}/cmdline").read_bytes().decode().replace("\0", " ")
            except OSError:
                continue
            if WORDS[name] in line:
                return pid
        return None

    def answers(self) -> bool:
        """Say whether the web server answers."""
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=5)
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True

    def ready(self) -> bool:
        """Say whether the address has been printed."""
        return f"\nhttp://localhost:{self.port}\n" in self.output.read_text()

    def ready_or_ended(self) -> bool:
        """Say whether there is nothing more to wait for."""
        return self.ready() or self.process.poll() is not None


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc to find the children")
def test_one_command_reaches_the_page_heals_and_stops(place: Path) -> None:
    with _run(place) as run:
        assert until(run.ready_or_ended, 180), run.output.read_text()
        assert run.ready(), run.output.read_text()
        first_text = run.output.read_text()
        answered = run.answers()
        pids = {name: run.child(name) for name in WORDS}
        owners = {name: owner_of_process(pid)[0] for name, pid in pids.items() if pid}
        healed = {
            name: _heals(run, name) for name in ("worker", "web", "beat", "signer", "postgres", "valkey")
        }
        children = children_of(run.process.pid)
        run.process.kill()
        run.process.wait()
        gone = until(lambda: not any(alive(pid) for pid in children), 5)
    with _run(place) as run:
        assert until(run.ready_or_ended, 30), run.output.read_text()
        assert run.ready(), run.output.read_text()
        second_text = run.output.read_text()
        run.process.send_signal(signal.SIGTERM)
        ended = run.process.wait(60)

    layout = layout_in(place)
    expected = layout.account.uid if can_run_the_platform(layout.account, layout) else 0
    assert answered
    assert "posted by the worker" in first_text
    assert owners == {
        "postgres": layout.account.uid,
        "valkey": layout.account.uid,
        **dict.fromkeys(("beat", "worker", "web", "signer"), expected),
    }
    assert healed == dict.fromkeys(healed, True)
    assert gone
    assert "posted by the worker" not in second_text, "the second start keeps what the first made"
    assert ended == 0


def _heals(run: Run, name: str) -> bool:
    """Kill one child and say whether another takes its place, with the page answering, within seconds."""
    before = run.child(name)
    assert before is not None
    os.kill(before, signal.SIGKILL)
    return until(lambda: run.child(name) not in {None, before} and run.answers(), 15)


@contextmanager
def _run(place: Path) -> Iterator[Run]:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port = trial.getsockname()[1]
    output = place / f"output-{port}"
    with output.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "aidplatform.embedded", "run"],
            cwd=CHECKOUT,
            env=CLEAN | {"AID_STATE_DIR": str(place / "state"), "AID_PORT": str(port)},
            stdout=file,
            stderr=subprocess.STDOUT,
            text=True,
        )
    try:
        yield Run(process, output, port)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def test_taken_port_ends_the_start_before_anything_is_started(place: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", "aidplatform.embedded", "run"],
            cwd=CHECKOUT,
            env=CLEAN | {"AID_STATE_DIR": str(place / "state"), "AID_PORT": port},
            capture_output=True,
            text=True,
            check=False,
        )

    assert done.returncode == 1
    assert f"The port {port} of 127.0.0.1 can't be used: Address already in use" in done.stderr
    assert not (place / "state" / "postgres").exists()
