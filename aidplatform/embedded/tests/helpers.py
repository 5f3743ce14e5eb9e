"""Start the real command line in a folder of its own, and look at what it started."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from aidplatform.embedded.accounts import service_account
from aidplatform.embedded.configuration import CHECKOUT
from aidplatform.embedded.environment import Addresses
from aidplatform.embedded.layout import Layout, prepare_layout
from aidplatform.embedded.operator_commands import installed_addresses

#: The environment of a newcomer: nothing of ours is set, whatever the test run itself was given.
#: Nothing of this process's addresses, keys and settings module.
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("AID_", "PG", "DJANGO_"))}


def layout_in(place: Path) -> Layout:
    """Return the state directory under test, made as the supervisor makes it."""
    return prepare_layout(place / "state", service_account())


def addresses_of(layout: Layout) -> tuple[Addresses, str]:
    """Return the addresses of the embedded services of that place, and the administrator's."""
    addresses, admin = installed_addresses(CLEAN, layout)
    assert admin is not None
    return addresses, admin


@dataclass
class Started:
    """A running `python -m aidplatform.embedded services`."""

    process: subprocess.Popen[str]
    output: Path

    def text(self) -> str:
        """Return what it has printed so far."""
        return self.output.read_text()

    def wait_for(self, words: str, seconds: float = 20.0) -> None:
        """Wait until it has printed the words."""
        until(lambda: words in self.text() or self.process.poll() is not None, seconds)
        assert words in self.text(), self.text()

    def children(self) -> dict[int, str]:
        """Return its living children with their names."""
        return children_of(self.process.pid)


@contextmanager
def cli(place: Path, command: str = "services", *, ignore_interrupt: bool = False) -> Iterator[Started]:
    """Start the command line on `place`/state; whatever is left of it afterwards is killed."""
    output = place / f"output-{time.monotonic_ns()}"
    with output.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "aidplatform.embedded", command],
            cwd=CHECKOUT,
            env=CLEAN | {"AID_STATE_DIR": str(place / "state")},
            stdout=file,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=_ignore_interrupt if ignore_interrupt else None,
        )
    started = Started(process, output)
    try:
        yield started
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def until(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Wait for the condition and return whether it came."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def alive(pid: int) -> bool:
    """Say whether a process runs; a zombie doesn't."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def children_of(parent: int) -> dict[int, str]:
    """Return the living children of a process with their names."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            status = (entry / "status").read_text()
        except OSError:
            continue
        if f"PPid:\t{parent}\n" in status and alive(int(entry.name)):
            found[int(entry.name)] = re.search(r"^Name:\t(.*)$", status, re.M)[1]  # type: ignore[index]
    return found


def owner_of_process(pid: int) -> tuple[int, int, str]:
    """Return the user, the group and the further groups a process really has."""
    status = Path(f"/proc/{pid}/status").read_text()
    user, group, groups = (
        re.search(rf"^{name}:\t(.*)$", status, re.M)[1]
        for name in ("Uid", "Gid", "Groups")  # type: ignore[index]
    )
    return int(user.split()[1]), int(group.split()[1]), groups.strip()


def _ignore_interrupt() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
