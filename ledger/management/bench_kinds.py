"""What can be measured on the pool of `benchmark.py`: each returns its figures, flat, with ratios to the floor.

BARS says what each figure is meant to be on a quiet machine; it is printed beside the figure, and nothing is refused:
a busy machine is no mistake in the program. Whatever is not a time is checked, and a wrong figure ends the command.
"""

import hashlib
import http.client
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.db import connection, models, transaction

from aidplatform.embedded import commands
from ledger.disclosure.selectors import charges_of
from ledger.management.benchmark import ROOT, Benchmark, peak_memory, stopped_at_end, workers
from ledger.sharing.models import Charge
from members.joining.models import Membership, MembershipSpan
from members.people.models import User
from members.pools.rules import DEMO_MFA

BARS: dict[str, dict[str, str]] = {
    "apportion": {
        "ratio": "≤ 1.5 with one worker, ≤ 1.25 with two",
        "verify_ratio": "≤ 0.2",
        "worker_peak_bytes": "< 100 MB",
    },
    "preview": {"ratio": "≤ 0.25"},
    "verify": {"verify_ratio": "≤ 0.2"},
    "naive": {"bulk_create_ratio": "≥ 25", "save_ratio": "≥ 800"},
    "statement": {"latest_p95_ms": "≤ 1", "all_p95_ms": "≤ 3"},
    "export": {"rows_per_second": "≥ 1,000,000", "web_growth_bytes": "< 100 MB"},
}
#: Members that one `bulk_create` writes in one statement, and how many are saved one by one for each of its members.
BATCH = 1000
SAVED_PART = 10
ASKED = 300
SEED = 20260101
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Options:
    """How much is measured.

    sample: members charged by each style of the ORM; periods: of a member's statement; lines: of a file of the bank.
    """

    runs: int
    sample: int
    periods: int
    lines: int


Kind = Callable[[Benchmark, Options], dict[str, Any]]


def apportion(bench: Benchmark, options: Options) -> dict[str, Any]:
    """Alternate floor and job."""
    figures = bench.figures
    with posting_workers(bench) as process:
        figures.worker_idle_bytes = peak_memory(process)
        for run in range(1, options.runs + 1):
            _floor_and_job(bench, run)
        figures.worker_peak_bytes = peak_memory(process)
    bench.measure_verify()
    bench.measure_sizes(options.runs)
    return {
        "freeze_seconds": median(figures.freeze_seconds),
        "compute_seconds": median(figures.compute_seconds),
        "post_seconds": median(figures.post_seconds),
        "job_seconds": round(figures.job, 3),
        "ratio": round(figures.ratio, 3),
        "members_per_second": int(figures.members / figures.job),
        **_verify_figures(bench),
        "floor_wal_bytes": median(figures.floor_wal_bytes),
        "job_wal_bytes": median(figures.job_wal_bytes),
        "charge_rows_bytes": figures.charge_rows_bytes,
        "charge_key_bytes": figures.charge_key_bytes,
        "database_bytes": figures.database_bytes,
        "wal_directory_bytes": figures.wal_directory_bytes,
        "worker_idle_bytes": figures.worker_idle_bytes,
        "worker_peak_bytes": figures.worker_peak_bytes,
        "stages_of_last_run_seconds": figures.stages,
        "each_floor_seconds": [round(value, 3) for value in figures.floor_seconds],
        "each_compute_seconds": [round(value, 3) for value in figures.compute_seconds],
        "each_post_seconds": [round(value, 3) for value in figures.post_seconds],
    }


def preview(bench: Benchmark, options: Options) -> dict[str, Any]:
    """Alternate floor and dry run of one frozen period."""
    period = bench.frozen_period(1)
    for run in range(1, options.runs + 1):
        bench.measure_floor(run)
        bench.measure_preview(period)
    figures = bench.figures
    return {
        "freeze_seconds": median(figures.freeze_seconds),
        "preview_seconds": round(figures.preview, 3),
        "ratio": round(figures.preview / figures.floor, 3),
    }


def verify(bench: Benchmark, options: Options) -> dict[str, Any]:
    """Alternate floor and verification of one posted period."""
    with posting_workers(bench):
        bench.measure_job(bench.frozen_period(1))
    for run in range(1, options.runs + 1):
        bench.measure_floor(run)
        bench.measure_verify()
    return _verify_figures(bench)


def _verify_figures(bench: Benchmark) -> dict[str, Any]:
    """Return both verifications: numbers and sums of the shards, and person by person."""
    sums, each = median(bench.figures.verify_seconds), median(bench.figures.recount_seconds)
    return {
        "verify_seconds": sums,
        "verify_ratio": round(sums / bench.figures.floor, 3),
        "recount_seconds": each,
        "recount_ratio": round(each / bench.figures.floor, 3),
    }


def naive(bench: Benchmark, options: Options) -> dict[str, Any]:
    """Alternate the job with two usual ways of the ORM, on a sample, and extrapolate these to all members."""
    members = bench.figures.members
    bulk, saved = min(options.sample, members), min(options.sample // SAVED_PART, members)
    bulk_seconds: list[float] = []
    save_seconds: list[float] = []
    charge = _naive_charge()
    bench.owner.execute(
        """CREATE TABLE bench_naive (LIKE ledger_charge INCLUDING DEFAULTS,
           PRIMARY KEY (membership_id, pool_id, period_no))"""
    )
    bench.owner.execute("GRANT SELECT, INSERT ON bench_naive TO aid_app")
    with posting_workers(bench):
        for run in range(1, options.runs + 1):
            _floor_and_job(bench, run)
            for style, count, seconds in ((_bulk_create, bulk, bulk_seconds), (_save, saved, save_seconds)):
                bench.owner.execute("TRUNCATE bench_naive")
                began = time.perf_counter()
                style(charge, bench.pool.pk, run, count)
                seconds.append((time.perf_counter() - began) / count)
                demand(charge._default_manager.count(), count, f"rows of {style.__name__}")
            bench.say(
                f"  each: bulk_create {bulk_seconds[-1] * 1e6:.0f} µs, save {save_seconds[-1] * 1e6:.0f} µs"
            )
    job = bench.figures.job
    all_bulk, all_saved = statistics.median(bulk_seconds) * members, statistics.median(save_seconds) * members
    return {
        "job_seconds": round(job, 3),
        "bulk_create_sample": bulk,
        "bulk_create_extrapolated_seconds": round(all_bulk, 3),
        "bulk_create_ratio": round(all_bulk / job, 1),
        "save_sample": saved,
        "save_extrapolated_seconds": round(all_saved, 3),
        "save_ratio": round(all_saved / job, 1),
    }


def _naive_charge() -> type[models.Model]:
    """Return a model of the table of the naive styles; made here, so that no other process knows it."""
    numbers = {name: models.IntegerField() for name in ("pool_id", "period_no")}
    meta = type("Meta", (), {"app_label": "ledger", "managed": False, "db_table": "bench_naive"})
    content = {
        "__module__": __name__,
        "Meta": meta,
        "membership_id": models.BigIntegerField(primary_key=True),
        "share_fen": models.BigIntegerField(),
        **numbers,
    }
    return type("NaiveCharge", (models.Model,), content)


def _bulk_create(charge: type[models.Model], pool: int, run: int, count: int) -> None:
    """Charge so many members as a careful program without this design does: a thousand rows a statement.

    Django inserts them by UNNEST since 5.2, in two fifths of the time that it took when the bar was set.
    """
    ids = MembershipSpan.objects.filter(pool_id=pool).order_by("membership_id")
    rows = (
        charge(membership_id=pk, share_fen=486, pool_id=pool, period_no=run)
        for pk in ids.values_list("membership_id", flat=True)[:count]
    )
    with transaction.atomic():
        charge._default_manager.bulk_create(rows, batch_size=BATCH)


def _save(charge: type[models.Model], pool: int, run: int, count: int) -> None:
    """Charge so many members one by one, each in a transaction of its own."""
    ids = MembershipSpan.objects.filter(pool_id=pool).order_by("membership_id")
    for pk in ids.values_list("membership_id", flat=True)[:count]:
        with transaction.atomic():
            charge(membership_id=pk, share_fen=486, pool_id=pool, period_no=run).save(force_insert=True)


def statement(bench: Benchmark, options: Options) -> dict[str, Any]:
    """Post the periods by the job, then read the statements of members drawn by chance; SQL time alone counts."""
    with posting_workers(bench):
        for run in range(1, options.periods + 1):
            bench.measure_job(bench.frozen_period(run))
            if run % 12 == 0:
                bench.say(f"  {run} periods posted")
    chance = random.Random(SEED)  # noqa: S311
    numbers = chance.sample(range(1, bench.figures.members + 1), min(ASKED, bench.figures.members))
    asked = list(Membership.objects.filter(pool=bench.pool, number__in=numbers).select_related("pool"))
    chance.shuffle(asked)
    latest = _time_statements(asked, 1, 1)
    whole = _time_statements(asked, options.periods + 1, options.periods)
    return {
        "periods": options.periods,
        "asked": len(asked),
        **{f"latest_{name}": value for name, value in latest.items()},
        **{f"all_{name}": value for name, value in whole.items()},
    }


def _time_statements(asked: list[Membership], limit: int, expected: int) -> dict[str, Any]:
    """Read up to `limit` charges of each membership; return median and p95 of its SQL in ms, and its queries."""
    times, queries = [], set()
    for membership in asked:
        spent: list[float] = []

        def timed(execute: Any, *arguments: Any, spent: list[float] = spent) -> Any:
            began = time.perf_counter()
            try:
                return execute(*arguments)
            finally:
                spent.append(time.perf_counter() - began)

        with connection.execute_wrapper(timed):
            found = charges_of(membership, limit=limit)
        demand(len(found), expected, f"charges of membership {membership.number}")
        times.append(sum(spent) * 1000)
        queries.add(len(spent))
    demand(len(queries), 1, "numbers of queries a statement takes")
    return {
        "median_ms": round(statistics.median(times), 3),
        "p95_ms": round(statistics.quantiles(times, n=20)[-1], 3),
        "queries": queries.pop(),
    }


def export(bench: Benchmark, options: Options) -> dict[str, Any]:
    """Download the charges of a posted period from the real web server, as its treasurer does, several times."""
    with posting_workers(bench):
        bench.measure_job(bench.frozen_period(1))
    address = f"/pools/{bench.pool.code}/periods/1/charges.csv"
    seconds, files = [], set()
    with web_server() as (process, port):
        cookie = f"{settings.SESSION_COOKIE_NAME}={session_of(bench.treasurer)}"
        # A page before, so that what is loaded once counts as idle.
        with answer_of(port, cookie, address.replace("charges.csv", "classes.csv")) as answer:
            answer.read()
        idle = peak_memory(process)
        for run in range(1, options.runs + 1):
            bench.measure_floor(run)
            began = time.perf_counter()
            with answer_of(port, cookie, address) as answer:
                files.add(hash_of(answer))
            seconds.append(time.perf_counter() - began)
            bench.say(f"run {run}: floor {bench.figures.floor_seconds[-1]:.2f} s, file {seconds[-1]:.2f} s")
        peak = peak_memory(process)
        with answer_of(port, cookie, address) as answer:
            lines, fen = _sum_of(answer)
    charges = Charge.objects.filter(pool_id=bench.pool.pk)
    charged = charges.aggregate(rows=models.Count("membership_id"), fen=models.Sum("share_fen"))
    demand(len(files), 1, "different files")
    demand((lines, fen), tuple(charged.values()), "lines and fen of the file")
    ((size, sha256),) = files
    return {
        "export_seconds": median(seconds),
        "ratio": round(statistics.median(seconds) / bench.figures.floor, 3),
        "rows_per_second": int(lines / statistics.median(seconds)),
        "file_rows": lines,
        "file_fen": fen,
        "file_bytes": size,
        "file_sha256": sha256,
        "identical_files": options.runs,
        "web_idle_bytes": idle,
        "web_growth_bytes": peak - idle,
    }


@contextmanager
def answer_of(port: int, cookie: str, address: str) -> Iterator[http.client.HTTPResponse]:
    """Ask the web server for an address. Raises: AssertionError unless it has it."""
    web = http.client.HTTPConnection("localhost", port, timeout=600)
    try:
        web.request("GET", address, headers={"Cookie": cookie})
        answer = web.getresponse()
        demand(answer.status, 200, f"status of {address}")
        yield answer
    finally:
        web.close()


def hash_of(answer: http.client.HTTPResponse) -> tuple[int, str]:
    """Read a file to its end; return its size and SHA-256."""
    digest, size = hashlib.sha256(), 0
    while part := answer.read(_CHUNK):
        digest.update(part)
        size += len(part)
    return size, digest.hexdigest()


def _sum_of(answer: http.client.HTTPResponse) -> tuple[int, int]:
    """Return how many charges a file has and what they sum to (fen)."""
    answer.readline()
    shares = [line.rstrip().split(b",")[1] for line in answer]
    return len(shares), sum(int(share.replace(b".", b"")) for share in shares)


def session_of(person: User) -> str:
    """Open a session of the person, second factor included, as signing in does; return its key."""
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(person.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    session[DEMO_MFA] = True
    session.create()
    return str(session.session_key)


@contextmanager
def web_server() -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run the web server as an installation does, on a free port, until the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "web.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *commands.web("127.0.0.1", port)],
            cwd=ROOT,
            env={**os.environ, "AID_PORT": str(port)},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        with stopped_at_end(process):
            end = time.monotonic() + 60
            while not _listens(port):
                if process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"no web server came up:\n{Path(log.name).read_text()[-2000:]}")
                time.sleep(0.1)
            yield process, port


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def posting_workers(bench: Benchmark) -> Iterator[subprocess.Popen[bytes]]:
    with (
        tempfile.TemporaryDirectory() as folder,
        workers(bench.figures.workers, Path(folder) / "worker.log") as process,
    ):
        yield process


def _floor_and_job(bench: Benchmark, run: int) -> None:
    bench.measure_floor(run)
    bench.measure_job(bench.frozen_period(run))
    figures = bench.figures
    bench.say(
        f"run {run}: floor {figures.floor_seconds[-1]:.2f} s, compute {figures.compute_seconds[-1]:.2f} s,"
        f" post {figures.post_seconds[-1]:.2f} s"
    )


def demand(found: object, expected: object, what: str) -> None:
    """Hold a figure that is no time. Raises: AssertionError with both."""
    if found != expected:
        raise AssertionError(f"{what}: {found}, not {expected}")


def median(values: list[float] | list[int]) -> float:
    """Return the median to a thousandth."""
    return round(statistics.median(values), 3)


KINDS: dict[str, Kind] = {
    "apportion": apportion,
    "preview": preview,
    "verify": verify,
    "naive": naive,
    "statement": statement,
    "export": export,
}
