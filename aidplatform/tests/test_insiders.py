"""Insiders try what the guarantees forbid, and once more after the guarantee is gone: then it must go through.

What is tried are the attempts of the rooms' own tests, as the application's role, in their own set-ups. Of an attempt
that goes through without its guarantee we know that nothing else would have stopped it.
"""

import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from aidplatform.testing.dropping import SUCCEEDED

ROOT = Path(__file__).resolve().parents[2]
OF_MONEY = ("custody", ("costs", "mandates", "months", "payees", "payment_files", "settlements"))


def files_of_money() -> list[str]:
    """Return the tests that try to move money, or the rows by which it moves."""
    room, subjects = OF_MONEY
    folder = ROOT / "ledger" / room / "tests"
    named = [folder / f"test_{subject}.py" for subject in subjects]
    return [str(path.relative_to(ROOT)) for path in [*sorted(folder.glob("test_*guarantees.py")), *named]]


def every_file() -> list[str]:
    """Return every test of the project in which something is refused."""
    found = (
        path for app in ("members", "claims", "ledger") for path in sorted((ROOT / app).rglob("test_*.py"))
    )
    return [
        str(path.relative_to(ROOT)) for path in found if "with refused(" in path.read_text(encoding="utf-8")
    ]


def tried_again(files: list[str], report: Path, seconds: int) -> list[dict[str, Any]]:
    """Run these tests, each refused attempt once more without its guarantee; return what came of the second ones."""
    environment = os.environ | {"AID_DROP_GUARANTEES": str(report), "PYTEST_XDIST_WORKER": "gw10"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "0", "--tb=short", *files],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    return [json.loads(line) for line in report.read_text(encoding="utf-8").splitlines()]


def stopped_by(tries: list[dict[str, Any]]) -> dict[str, set[int]]:
    """Return per guarantee after how many dropped ones its attempts went through; 0: a constraint stopped them."""
    found: dict[str, set[int]] = defaultdict(set)
    for one in tries:
        found[one["guarantee"]].add(len(one["dropped"]) if one["outcome"] == SUCCEEDED else 0)
    return found


def named_guarantees() -> set[str]:
    """Return every name that ARCHITECTURE.md lists."""
    return set(
        re.findall(r"^\| `(\w+)` \|", (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8"), re.MULTILINE)
    )


@pytest.mark.timeout(900)
def test_money_is_held_by_each_of_its_guarantees(tmp_path: Path) -> None:
    tries = tried_again(files_of_money(), tmp_path / "tries", 840)
    alone = {name for name, dropped in stopped_by(tries).items() if 1 in dropped}
    assert len(alone) >= 60, sorted(alone)
    # What stops an attempt besides is a guarantee as well, or that it names a row which is not there: no other error.
    others = {name for one in tries for name in (*one["dropped"], one["outcome"])} - {SUCCEEDED}
    assert {name for name in others if "_fk_" not in name} <= named_guarantees()


@pytest.mark.soak
def test_everything_is_held_by_each_of_its_guarantees(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tries = tried_again(every_file(), tmp_path / "tries", 7_000)
    found = stopped_by(tries)
    alone = [name for name, dropped in found.items() if 1 in dropped]
    with capsys.disabled():
        print(f"\n{len(tries)} attempts at {len(found)} guarantees; {len(alone)} were held by one alone")
        for one in sorted(
            {(o["guarantee"], *o["dropped"][1:], o["outcome"]) for o in tries if o["guarantee"] not in alone}
        ):
            print("  held by more:", " + ".join(name for name in one if name != SUCCEEDED))
    assert len(alone) >= 300
