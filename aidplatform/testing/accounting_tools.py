"""Accounting tools of others, which judge what is exported."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = {
    "beancount": [str(Path(sys.executable).with_name("bean-check"))],
    "hledger": ["hledger", "check", "--strict", "-f"],
}


def judge(kind: str, text: str, folder: Path) -> str:
    """Return what the tool of that format has against a journal; nothing, if it accepts it."""
    if shutil.which(TOOLS[kind][0]) is None:
        assert os.environ.get("AID_REQUIRE_TOOLS") != "1", f"{TOOLS[kind][0]} is missing"
        pytest.skip(f"{TOOLS[kind][0]} is not installed")
    file = folder / f"books.{kind}"
    file.write_text(text, encoding="utf-8")
    # hledger reads a file in the language of its surroundings: without one, not even UTF-8.
    surroundings = {**os.environ, "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        [*TOOLS[kind], str(file)], capture_output=True, text=True, timeout=120, env=surroundings
    )
    said = done.stdout + done.stderr
    assert (done.returncode == 0) == (said == ""), said
    return said
