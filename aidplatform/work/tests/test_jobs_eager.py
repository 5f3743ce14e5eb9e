"""A suite in which tasks run inside their caller proves nothing, so it must not start."""

import os
import subprocess
import sys
from pathlib import Path

from aidplatform.testing.stack import ROOT


def _run(settings: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run one harmless test as a further process of this run, on the services that are up."""
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            f"--ds={settings}",
            __file__,
            "-k",
            "settings",
        ],
        cwd=ROOT,
        env={**os.environ, "PYTEST_XDIST_WORKER": "gw7", "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_eager_tasks_end_the_run_before_its_first_test(tmp_path: Path) -> None:
    (tmp_path / "eager_settings.py").write_text(
        "from aidplatform.settings_test import *\nCELERY_TASK_ALWAYS_EAGER = True\n"
    )
    refused = _run("eager_settings", tmp_path)
    assert refused.returncode == 2
    assert "CELERY_TASK_ALWAYS_EAGER is on" in refused.stdout + refused.stderr
    assert "passed" not in refused.stdout


def test_settings_of_the_tests_leave_tasks_to_workers() -> None:
    from celery import current_app

    assert current_app.conf.task_always_eager is False
    assert current_app.conf.task_acks_late is True
    assert current_app.conf.task_reject_on_worker_lost is True
    assert current_app.conf.worker_prefetch_multiplier == 1
    assert current_app.conf.accept_content == ["json"]
    limits = current_app.conf.broker_transport_options
    assert limits["visibility_timeout"] > current_app.conf.task_time_limit
