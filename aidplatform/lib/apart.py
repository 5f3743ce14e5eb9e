"""Runs a script on what strangers send in a process of its own, which knows nothing of ours."""

import subprocess
import sys
from pathlib import Path

TIMED_OUT = "timed_out"
# Over the limit of processor time that it set itself, or fallen over something that no decoder should.
KILLED = "killed"


class RefusedApartError(Exception):
    """The script did not take the data. word: the first that it wrote as an error, TIMED_OUT or KILLED."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


def run_apart(script: Path, *arguments: str, data: bytes, patience: float) -> bytes:
    """Return what the script writes: no environment, no folder of ours, nothing imported from where it stands.

    patience: seconds. What memory and processor time it may take, the script lays down itself.

    Raises: RefusedApartError.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(script), *arguments],
            input=data,
            capture_output=True,
            timeout=patience,
            check=False,
            env={},
            cwd="/",
        )
    except subprocess.TimeoutExpired:
        raise RefusedApartError(TIMED_OUT) from None
    if done.returncode < 0:
        raise RefusedApartError(KILLED)
    if done.returncode != 0:
        raise RefusedApartError(done.stderr.decode(errors="replace").split(" ")[0])
    return done.stdout
