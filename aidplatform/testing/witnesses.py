"""The reference witness as strangers run it: a process of its own, on a bare interpreter."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from aidplatform.lib import clock
from aidplatform.testing.stack import ROOT
from aidplatform.testing.world import World
from ledger.openbooks import witnesses
from ledger.openbooks.witness_models import WitnessPolicy

PROGRAM = ROOT / "ledger/openbooks/standalone/witness.py"


@dataclass(frozen=True)
class RunningWitness:
    """A witness that listens: its file, its verifier key, its address, its process."""

    file: Path
    vkey: str
    url: str
    process: subprocess.Popen[str]

    def add(self, log_vkey: str) -> None:
        """Let it witness one more log."""
        command(self.file, "add", log_vkey)

    def stop(self) -> None:
        """End it without a word, as a machine that loses its power would."""
        self.process.kill()
        self.process.wait(timeout=10)


def command(file: Path, *arguments: str) -> str:
    """Run the program to its end and return what it says."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(PROGRAM), str(file), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@contextmanager
def running_witness(file: Path, name: str) -> Iterator[RunningWitness]:
    """Start a witness on this file, with a new key where the file is new."""
    if not file.exists():
        command(file, "init", name)
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", str(PROGRAM), str(file), "serve", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        vkey = process.stdout.readline().strip()
        port = process.stdout.readline().rsplit(":", 1)[1].strip()
        yield RunningWitness(file, vkey, f"http://127.0.0.1:{port}", process)
    finally:
        process.kill()
        process.communicate(timeout=10)


def name_witnesses(world: World, named: Sequence[RunningWitness], *, needed: int) -> WitnessPolicy:
    """Let the pool's admin propose these witnesses and its auditor approve them."""
    proposed = witnesses.propose_witnesses(
        pool=world.pool,
        witnesses=[(one.vkey, one.url) for one in named],
        needed=needed,
        proposer=world.admin.code,
        at=clock.now(),
    )
    return witnesses.approve_witnesses(policy=proposed, approver=world.auditor.code, at=clock.now())
