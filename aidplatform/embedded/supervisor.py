"""Keep children running and stop them in order.

A child that ends by itself is started again, after a pause that grows while it keeps failing. The data decide
what is still to be done, so nothing needs to be remembered here.
"""

import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType

from aidplatform.embedded.errors import EmbeddedError
from aidplatform.embedded.layout import Layout, log_tail
from aidplatform.embedded.processes import POLL_SECONDS, Steps, forget_children, kill_session, stop

Start = Callable[[], subprocess.Popen[bytes]]

TICK_SECONDS = 0.1
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0
#: A child that ran this long has recovered; the next failure starts with a short pause again.
STEADY_SECONDS = 10.0
#: How often a command is tried whose services failed under it.
ATTEMPTS = 5

COMMAND_STEPS: Steps = ((signal.SIGTERM, 5.0),)


class Stopped(Exception):  # noqa: N818  it is no error
    """Somebody asked us to stop."""


@dataclass
class Managed:
    """A child that is to run until we stop."""

    name: str
    start: Start
    steps: Steps
    child: subprocess.Popen[bytes] | None = None
    began: float = 0.0
    failures: int = 0
    due: float = 0.0


@dataclass
class Supervisor:
    """The children of one run, in the order in which they are stopped from the end."""

    layout: Layout
    say: Callable[[str], None]
    children: list[Managed] = field(default_factory=list)
    restarts: int = 0
    stop_asked_at: float | None = None
    hurry: bool = False

    def listen(self) -> None:
        """Take SIGINT and SIGTERM as requests to stop, even where they were handed down ignored.

        SIGHUP too, unless it was: then we were started with nohup, to outlive the terminal.
        """
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._asked)

    def add(self, name: str, start: Start, steps: Steps, first: Start | None = None) -> None:
        """Start a child, the first time in the way of `first`, and keep it running from now on."""
        began = time.monotonic()
        self.children.append(Managed(name, start, steps, (first or start)(), began))

    def attend(self, seconds: float) -> None:
        """Look after the children for that long.

        Raises:
            Stopped: somebody asked us to stop.
        """
        deadline = time.monotonic() + seconds
        while True:
            if self.stop_asked_at is not None:
                raise Stopped
            for managed in self.children:
                self._look_after(managed)
            left = deadline - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(TICK_SECONDS, left))

    def stop_all(self) -> None:
        """Stop every child, the last started first, each within its time.

        A second request to stop, some time after the first, no longer waits for running jobs. PostgreSQL is
        always given its time: stopped in order it starts faster.
        """
        for managed in reversed(self.children):
            if managed.child is None or managed.child.poll() is not None:
                continue
            hurry = (lambda: False) if managed.name == "postgres" else (lambda: self.hurry)
            if not stop(managed.child, managed.steps, hurry=hurry):
                self.say(f"{managed.name} did not stop in time and was killed")
        forget_children(self.layout)

    def run_command(self, name: str, start: Start) -> None:
        """Run a command to its end, again if a service failed under it.

        Raises:
            EmbeddedError: it failed although the services ran, with the end of its log.
        """
        for attempt in range(1, ATTEMPTS + 1):
            restarts = self.restarts
            code = self._run_once(start)
            if code == 0:
                return
            # The failed service may not have been noticed yet.
            self.attend(1.0)
            if self.restarts == restarts or attempt == ATTEMPTS:
                tail = log_tail(self.layout, name)
                raise EmbeddedError(f"{name} {ending(code)}. The end of its log:\n{tail}")
            self.say(f"{name} was interrupted by a restart and runs again")

    def _run_once(self, start: Start) -> int:
        child = start()
        try:
            while child.poll() is None:
                self.attend(0)
                time.sleep(POLL_SECONDS)
            return child.returncode
        finally:
            stop(child, COMMAND_STEPS)

    def _look_after(self, managed: Managed) -> None:
        now = time.monotonic()
        if managed.child is not None:
            if managed.child.poll() is None:
                return
            self._note_end(managed, now)
        if now >= managed.due:
            self._start_again(managed, now)

    def _note_end(self, managed: Managed, now: float) -> None:
        assert managed.child is not None
        ran = now - managed.began
        managed.failures = 1 if ran > STEADY_SECONDS else managed.failures + 1
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (managed.failures - 1))
        managed.due = now + pause
        code = managed.child.returncode
        # Its own children must be gone before the next one: they hold the port, or work on a job.
        kill_session(managed.child.pid)
        managed.child = None
        self.restarts += 1
        self.say(f"{managed.name} {ending(code)}; starting it again in {pause:.1f} s")
        if code > 0 and managed.failures == 1:
            self.say(f"the end of its log:\n{log_tail(self.layout, managed.name, 10)}")

    def _start_again(self, managed: Managed, now: float) -> None:
        managed.began = now
        try:
            managed.child = managed.start()
        except (EmbeddedError, OSError) as error:
            managed.failures += 1
            managed.due = now + min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (managed.failures - 1))
            self.say(f"{managed.name} could not be started: {error}")

    def _asked(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self.stop_asked_at is None:
            self.stop_asked_at = now
        elif now - self.stop_asked_at > 1:
            # Sooner it is the same request: a terminal and make may both hand it down.
            self.hurry = True


def ending(code: int) -> str:
    """Say in words how a process ended."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"
