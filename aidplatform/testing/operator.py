"""Management commands as an operator runs them: in a process of their own."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run_manage(
    *arguments: str, environment: dict[str, str], seconds: float = 60
) -> subprocess.CompletedProcess[str]:
    """Run manage.py with those variables beside the present ones; no terminal is at its input."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "aidplatform.settings_test", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
