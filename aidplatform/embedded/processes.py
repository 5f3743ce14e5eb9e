"""Start children that die with us, stop them in time, and clear away what an earlier run left behind."""

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from pathlib import Path

from aidplatform.embedded.accounts import Account, acting_as
from aidplatform.embedded.layout import Layout, open_log, write_private

Steps = Sequence[tuple[signal.Signals, float]]

POLL_SECONDS = 0.02
#: What children write is closed to others, whatever the umask we were started with.
PRIVATE = 0o077
RETRY_SECONDS = 5.0
ANSWER_SECONDS = 60.0
RECOVERY_SECONDS = 1800.0
_PR_SET_PDEATHSIG = 1
# Loaded here, because between fork and exec a child should do next to nothing.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def spawn(
    layout: Layout,
    name: str,
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    account: Account,
    death_signal: signal.Signals,
    cwd: Path | str = "/",
    show_output: bool = False,
) -> subprocess.Popen[bytes]:
    """Start a child in its own session, what it says going to its log, or with `show_output` to our output.

    Its own session, because Ctrl-C in a terminal reaches the whole foreground group: PostgreSQL would stop
    first, under the feet of everything else. Call it from the main thread only: the signal that makes a child
    die with us follows the thread that started it.
    """
    log = open_log(layout, name)
    try:
        child = subprocess.Popen(
            list(command),
            cwd=cwd,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=None if show_output else log,
            stderr=log,
            start_new_session=True,
            umask=PRIVATE,
            preexec_fn=dies_with(os.getpid(), death_signal),
            **account.identity(),
        )
    finally:
        os.close(log)
    record_child(layout, name, child.pid)
    return child


def dies_with(parent: int, death_signal: signal.Signals) -> Callable[[], None]:
    """Return what the child does before it becomes the program.

    subprocess changes the user first and calls this afterwards; the other order would lose the setting, which
    a change of user clears.
    """

    def prepare() -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP):
            # A background shell hands down SIGINT ignored, and ignored signals survive exec.
            signal.signal(number, signal.SIG_DFL)
        if _libc is not None:
            _libc.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != parent:
            # The parent died between fork and prctl, so no signal will come.
            os._exit(1)

    return prepare


class Answer(Enum):
    """What a server says when asked whether it is ready."""

    READY = "ready"
    SILENT = "silent"
    RECOVERING = "recovering"


def start_patiently(
    start: Callable[[], subprocess.Popen[bytes]],
    ask: Callable[[], Answer],
    *,
    stop_steps: Steps,
    pause: Callable[[float], None],
) -> subprocess.Popen[bytes] | None:
    """Start a server and wait until it is ready; None when it ends again and again or stays silent.

    A start is tried again for RETRY_SECONDS: for a moment a killed server is a zombie and its shared memory
    in use. A server replaying its log after a crash says so, and is given RECOVERY_SECONDS. Whatever
    interrupts the waiting stops the server first; `pause` may raise for that.
    """
    began = time.monotonic()
    while True:
        child = start()
        try:
            if _becomes_ready(child, ask, pause):
                return child
        except BaseException:
            stop(child, stop_steps)
            raise
        if child.poll() is None:
            stop(child, stop_steps)
            return None
        if time.monotonic() - began > RETRY_SECONDS:
            return None
        pause(0.2)


def _becomes_ready(
    child: subprocess.Popen[bytes], ask: Callable[[], Answer], pause: Callable[[float], None]
) -> bool:
    began, limit = time.monotonic(), ANSWER_SECONDS
    while child.poll() is None and time.monotonic() - began < limit:
        answer = ask()
        if answer is Answer.READY:
            return True
        if answer is Answer.RECOVERING:
            limit = RECOVERY_SECONDS
        pause(0.03)
    return False


def stop(child: subprocess.Popen[bytes], steps: Steps, *, hurry: Callable[[], bool] = lambda: False) -> bool:
    """Send each signal in turn, waiting that many seconds after it; finally kill the child's whole session.

    `hurry` cuts each wait short. Returns whether the child went by itself.
    """
    for number, seconds in steps:
        if child.poll() is None:
            child.send_signal(number)
            wait_until(lambda: child.poll() is not None or hurry(), seconds)
    by_itself = child.poll() is not None
    kill_session(child.pid)
    child.wait()
    return by_itself


def kill_session(leader: int) -> None:
    """Kill what is left of a child's session, so that none of its own children outlives it."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        # macOS answers "not permitted" for a group that holds only zombies.
        return


def started_at(pid: int) -> str | None:
    """Return when a process began, in the system's own notation, or None when there is no such process.

    With the number it names a process for good: numbers are used again, often soon after a reboot.
    """
    if sys.platform == "linux":
        try:
            status = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return None
        fields = status.rpartition(")")[2].split()
        return None if fields[0] in "ZX" else fields[19]
    done = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or None


def record_child(layout: Layout, name: str, pid: int) -> None:
    """Note the child in the run folder, for the start after a crash."""
    children = _recorded(layout)
    children[name] = (pid, started_at(pid) or "")
    write_private(layout.run / "children.json", json.dumps(children), layout.account)


def stop_leftovers(layout: Layout) -> bool:
    """End the recorded children of an earlier run that still live, and return whether that run had crashed.

    Where the kernel ends children with their parent they are already on their way out; elsewhere, or when one
    hangs, they are asked and then killed. Nothing is touched whose start time differs from the record.
    """
    recorded = _recorded(layout)

    def living() -> list[int]:
        return [pid for pid, began in recorded.values() if began and started_at(pid) == began]

    if living() and not wait_until(lambda: not living(), 0.3):
        for number, seconds in ((signal.SIGINT, 10.0), (signal.SIGKILL, 5.0)):
            for pid in living():
                _signal(pid, number)
            if wait_until(lambda: not living(), seconds):
                break
    forget_children(layout)
    return bool(recorded)


def forget_children(layout: Layout) -> None:
    """Drop the record: every child has been stopped in order."""
    with acting_as(layout.account):
        (layout.run / "children.json").unlink(missing_ok=True)


def _recorded(layout: Layout) -> dict[str, tuple[int, str]]:
    """Read the record; one that a crash left unreadable counts as empty."""
    with acting_as(layout.account):
        try:
            held = json.loads((layout.run / "children.json").read_text())
        except (FileNotFoundError, ValueError):
            return {}
    return {str(name): (int(pid), str(began)) for name, (pid, began) in held.items()}


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Poll until the condition holds or the time is up, and return whether it holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True
