"""What open books cost: the rolls of a period beside its posting, their files, and a member's own proof.

The log is signed by the signer's own process, files and proof come from the real web server, and both are judged by
the stand-alone verifier: the roll on a bare interpreter, whose time and memory are measured with it.
"""

import os
import secrets
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from importlib import import_module
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from ledger.management.bench_kinds import (
    Options,
    answer_of,
    demand,
    median,
    posting_workers,
    session_of,
    web_server,
)
from ledger.management.bench_pages import Reader, latencies
from ledger.management.benchmark import ROOT, Benchmark
from ledger.openbooks.tiles import tiles_of
from ledger.sharing.models import Period
from ledger.sharing.roll_services import CLOSE_ROLL, freeze_roll
from members.joining.models import Membership
from members.joining.secret_filling import fill_secrets
from members.people.models import User

# As a program of its own, which no other file here knows.
stranger: Any = import_module("ledger.openbooks.standalone.verify")
PROOFS_BARS = {
    "rolls_ratio": "≤ 6 with two workers",
    "proof_p95_ms": "≤ 20",
    "proof_size": "≤ 8,000 of up to 8 classes",
    "proof_check_ms": "≤ 50",
    "roll_check_seconds": "≤ 10",
    "roll_check_peak_bytes": "≤ 64 MB",
}
ASKED = 40
CHECKED = 9
#: Lines of a file of a roll.
PART = 65_536
# Runs a program and tells the most memory it held: what a parent knows of its child counts the parent's own as well.
_TELLING = """
import re, runpy, sys
sys.argv = sys.argv[1:]
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
finally:
    print(re.search("VmHWM:[^0-9]*([0-9]+)", open("/proc/self/status").read())[1])
"""
VERIFIER = ROOT / "ledger" / "openbooks" / "standalone" / "verify.py"


def proofs(bench: Benchmark, options: Options) -> dict[str, Any]:
    """Make the rolls of so many periods, each beside its job; then sign, serve and check the last one."""
    secrets_seconds, frozen, closed = 0.0, [], []
    with posting_workers(bench):
        for run in range(1, options.runs + 1):
            period = bench.frozen_period(run)
            if run == 1:
                secrets_seconds = _fill_secrets(period)
            began = time.perf_counter()
            freeze_roll(period)
            frozen.append(time.perf_counter() - began)
            bench.measure_job(period)
            closed.append(_closing(bench, period))
            bench.say(f"run {run}: frozen in {frozen[-1]:.2f} s, closed in {closed[-1]:.2f} s")
    _sign()
    with tempfile.TemporaryDirectory() as folder, web_server() as (_process, port):
        served = _served(bench, port, options.runs, Path(folder))
        proof = _proof(bench, port, options.runs, Path(folder))
        roll = _check_roll(bench, options.runs, Path(folder))
    rolls = median(frozen) + median(closed) + served
    return {
        "job_seconds": round(bench.figures.job, 3),
        "secrets_seconds": round(secrets_seconds, 3),
        "frozen_roll_seconds": median(frozen),
        "closed_roll_seconds": median(closed),
        "files_seconds": round(served, 3),
        "rolls_ratio": round(rolls / bench.figures.job, 2),
        **proof,
        **roll,
    }


def _fill_secrets(period: Period) -> float:
    """Make what members commit by, which happens once in the life of each."""
    began = time.perf_counter()
    fill_secrets(pool_id=period.pool_id, as_of=period.as_of, recorded_at=period.headcount_recorded_at)
    return time.perf_counter() - began


def _closing(bench: Benchmark, period: Period) -> float:
    """Return how long a worker made the roll with the amounts."""
    row = bench.owner.execute(
        "SELECT extract(epoch FROM finished_at - started_at)::float8 FROM work_job WHERE kind = %s AND key = %s",
        [CLOSE_ROLL, period.code],
    ).fetchone()
    assert row is not None
    return float(row[0])


def _sign() -> None:
    """Let the signer sign what is due, as a process of its own role that knows nothing of the application's keys."""
    hidden = {
        "AID_DATABASE_URL",
        "AID_DATABASE_OWNER_URL",
        "AID_DATABASE_ADMIN_URL",
        "AID_SECRET_KEY",
        "AID_DATA_KEY",
    }
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    subprocess.run(
        [sys.executable, "manage.py", "sign_checkpoints", "--once"],
        cwd=ROOT,
        env=kept | {"AID_DATABASE_ROLE": "signer", "AID_SIGNER_KEY": secrets.token_urlsafe(48)},
        check=True,
        capture_output=True,
    )


def _served(bench: Benchmark, port: int, number: int, folder: Path) -> float:
    """Copy the public files of the log and of one roll into a folder; return how long the roll's took."""
    _copy(bench, port, folder, ["checkpoint", "keys"])
    size = int((folder / "checkpoint").read_text().split("\n")[1])
    _copy(bench, port, folder, [f"tile/entries/{tile.path}" for tile in tiles_of(size) if tile.level == 0])
    began = time.perf_counter()
    parts = -(-bench.figures.members // PART)
    _copy(bench, port, folder, [f"roll/{number}/head", *(f"roll/{number}/part/{at}" for at in range(parts))])
    return time.perf_counter() - began


def _copy(bench: Benchmark, port: int, folder: Path, names: list[str]) -> None:
    for name in names:
        with answer_of(port, "", f"/t/{bench.pool.code}/{name}") as answer:
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(answer.read())


def _proof(bench: Benchmark, port: int, number: int, folder: Path) -> dict[str, Any]:
    """Ask for the proof of a member in the middle, again and again, and check it in this process."""
    membership = Membership.objects.get(pool=bench.pool, number=1 + bench.figures.members // 2)
    membership.person = User.objects.create_user("prover@bench.invalid")
    membership.save(update_fields=["person"])
    session, address = session_of(membership.person), f"/pools/{bench.pool.code}/me/proofs/{number}.json"
    times = Reader(port, session).ask(address, lambda asked: asked < ASKED)
    with answer_of(port, f"{settings.SESSION_COOKIE_NAME}={session}", address) as answer:
        data = answer.read()
    bundle = folder / "proof.json"
    bundle.write_bytes(data)
    checked = []
    for _time in range(CHECKED):
        began = time.perf_counter()
        stranger.check_member(Namespace(bundle=str(bundle), id=None, secret="", key=""))
        checked.append((time.perf_counter() - began) * 1000)
    return {
        **{f"proof_{figure}": value for figure, value in latencies(times).items()},
        "proof_size": len(data),
        "proof_check_ms": median(checked),
    }


def _check_roll(bench: Benchmark, number: int, folder: Path) -> dict[str, Any]:
    """Have the whole roll checked from the copied files alone; return time and memory of that process."""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _TELLING, str(VERIFIER), "roll", str(folder), str(number)],
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - began
    demand(done.returncode, stranger.TRUE, f"what the verifier says of the roll\n{done.stdout}")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_total_relation_size('ledger_rollsubtree')")
        kept = cursor.fetchone()[0]
    return {
        "roll_check_seconds": round(seconds, 2),
        "roll_check_peak_bytes": int(done.stdout.split()[-1]) * 1024,
        "kept_bytes_per_member_and_period": round(kept / bench.figures.members / number, 2),
    }
