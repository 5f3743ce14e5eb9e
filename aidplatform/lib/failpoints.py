"""Named points at which a test may kill a process, so that recovery is tried where it matters.

A point is armed by a file `<folder>/<name>` of lines `<nth> <victim>`: at the nth passage, counted over all
processes, the victim dies by SIGKILL. Passages only grow, so each line kills once. The victim is `self` or a process
id. Every hit is appended to `<folder>/hits.log` before the kill. Without AID_FAILPOINTS (refused outside a
demonstration) a point costs one attribute look-up.
"""

import fcntl
import os
import signal
from pathlib import Path

from django.conf import settings


def failpoint(name: str) -> None:
    """Die here, if a test has armed this point."""
    folder = settings.FAILPOINTS_DIR
    if folder:
        _pass_by(Path(folder), name)


def _pass_by(folder: Path, name: str) -> None:
    """Count the passage under a lock and kill the victim when its turn has come."""
    with (folder / "hits.log").open("a+") as log:
        fcntl.flock(log, fcntl.LOCK_EX)
        log.seek(0)
        passages = sum(line.split()[0] == name for line in log if line.strip()) + 1
        victim = _victim_of(folder / name, passages)
        log.write(f"{name} {passages} {os.getpid()} {victim or '-'}\n")
        log.flush()
    if victim:
        os.kill(os.getpid() if victim == "self" else int(victim), signal.SIGKILL)


def _victim_of(armed: Path, passage: int) -> str:
    """Return who dies at this passage of the point; an empty text: nobody."""
    if not armed.exists():
        return ""
    arms = (line.split() for line in armed.read_text().splitlines())
    return next((victim for nth, victim in arms if int(nth) == passage), "")
