"""Processes that die where a test says, in the middle of what they do."""

import os
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.db import connection


def killed_at(point: str, passage: int, folder: Path, act: Callable[[], object]) -> int:
    """Do it in a process of its own that dies at this passage of a failpoint; return how that process ended."""
    (folder / point).write_text(f"{passage} self\n")
    connection.close()
    child = os.fork()
    if child == 0:
        settings.FAILPOINTS_DIR = str(folder)
        act()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
