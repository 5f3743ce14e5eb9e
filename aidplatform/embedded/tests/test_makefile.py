"""`make` with little on the machine: it finds a Python, says what is missing, mends what is broken."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from aidplatform.embedded.configuration import CHECKOUT
from aidplatform.embedded.tests.helpers import CLEAN

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="needs make")


@pytest.fixture
def project(place: Path) -> Path:
    """A checkout that needs no packages, so that nothing is fetched."""
    shutil.copy(CHECKOUT / "Makefile", place)
    (place / "requirements.lock").touch()
    (place / "requirements-dev.lock").touch()
    return place


def test_too_old_python_is_told_with_what_was_found(project: Path) -> None:
    old = _fake_python(project, "3.9", 'case "$2" in *exit*) exit 1;; *) echo 3.9;; esac')

    done = _make(project, "runtime", f"PYTHON={old}")

    assert done.returncode != 0
    assert "Python 3.11 or later is needed and was not found (found: 3.9)." in done.stderr
    assert not (project / ".venv").exists()


def test_missing_venv_is_told_with_the_package_that_has_it(project: Path) -> None:
    """Debian ships Python without ensurepip; its own message comes late and leaves half an environment."""
    bare = _fake_python(project, "bare", 'case "$2" in *ensurepip*) exit 1;; *) echo 3.11;; esac')

    done = _make(project, "runtime", f"PYTHON={bare}")

    assert done.returncode != 0
    assert "apt-get install python3-venv" in done.stderr
    assert not (project / ".venv").exists()


def test_no_python_at_all_is_told(project: Path) -> None:
    done = _make(project, "runtime", "PYTHON=no-such-python")

    assert done.returncode != 0
    assert "(found: none)" in done.stderr


def test_environment_is_made_once_and_again_only_after_a_failed_installation(project: Path) -> None:
    python = f"PYTHON={os.path.realpath(sys.executable)}"
    first = _make(project, "runtime", python)
    again = _make(project, "runtime", python)
    (project / "requirements.lock").write_text("./no-such-package\n")
    failed = _make(project, "runtime", python)
    stamped = (project / ".venv" / ".requirements.lock").exists()
    (project / "requirements.lock").write_text("# another list\n")
    mended = _make(project, "runtime", python)

    assert first.returncode == 0, first.stderr
    assert "Making .venv with" in first.stdout
    assert (again.stdout, again.returncode) == ("", 0)
    assert failed.returncode != 0
    assert "Making" not in failed.stdout, "a sound environment only gets the new packages"
    assert not stamped
    assert "Making" in mended.stdout, "one broken off halfway is not trusted"
    assert not (project / ".venv" / ".busy").exists()
    assert (project / ".venv" / ".requirements.lock").read_text() == "# another list\n"


def test_commands_are_the_ones_the_issue_names() -> None:
    text = (CHECKOUT / "Makefile").read_text()

    assert "exec $(BIN)/python -m aidplatform.embedded run" in text
    for goal in ("run", "test", "soak", "lint", "lock", "clean"):
        assert f"\n{goal}:" in text


def test_ci_calls_make_test_and_demands_the_browser() -> None:
    path = CHECKOUT / ".ci" / "run"
    text = path.read_text()

    assert os.access(path, os.X_OK)
    assert "export AID_REQUIRE_BROWSER=1" in text
    assert text.rstrip().endswith("exec make test")
    assert subprocess.run(["bash", "-n", path], check=False).returncode == 0


def _make(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--no-print-directory", "-C", str(project), *arguments],
        env={name: value for name, value in CLEAN.items() if not name.startswith("MAKE")},
        capture_output=True,
        text=True,
        check=False,
    )


def _fake_python(project: Path, name: str, script: str) -> Path:
    path = project / f"python-{name}"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path
