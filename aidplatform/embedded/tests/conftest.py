"""A folder that the account of the services can reach; pytest's own is closed to everybody but its maker."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def place() -> Iterator[Path]:
    """Make an empty folder directly under /tmp, open to pass through, and remove it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="aidt-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
