"""Charge files of everybody: written by one statement with all its guards, and downloaded from the real web server."""

import statistics
import time
from typing import Any

from django.conf import settings
from django.db import transaction

from aidplatform.lib import clock
from ledger.custody import charge_files
from ledger.custody.charge_models import ChargeExport
from ledger.management.bench_kinds import (
    Options,
    answer_of,
    demand,
    hash_of,
    median,
    posting_workers,
    session_of,
    web_server,
)
from ledger.management.benchmark import Benchmark, peak_memory
from members.pools.models import Pool

DEBITS_BARS = {"rows_per_second": "≥ 1,000,000", "web_growth_bytes": "< 100 MB"}
# A million people would sign their mandates; here the owner puts them there, past the guards of mandates.
_MANDATES = """
    INSERT INTO ledger_debitmandate (pool_id, membership_id, number, reference, plan_version_id, creditor_name, sealed,
           account_hint, text_en, text_zh, text_sha256, language, signed_by, signed_date, signed_at, state)
    SELECT m.pool_id, m.id, 1, format('AID-%%s-%%s-1', m.pool_id, m.number), v.id, 'Members', 'x', '…0000', '', '', '',
           'en', 'bench', current_date, now(), 'live'
      FROM members_membership m JOIN members_planversion v ON v.pool_id = m.pool_id WHERE m.pool_id = %s"""


def charge_file(bench: Benchmark, options: Options) -> dict[str, Any]:
    """Debit every member for one posted period, then download the files several times."""
    with posting_workers(bench):
        bench.measure_job(bench.frozen_period(1))
        period = bench.period(1)
        while period.charges_notified_at is None:
            time.sleep(0.2)
            period.refresh_from_db()
    bench.owner.execute("ALTER TABLE ledger_debitmandate DISABLE TRIGGER USER")
    bench.owner.execute(_MANDATES, [bench.pool.pk])
    bench.owner.execute("ALTER TABLE ledger_debitmandate ENABLE TRIGGER USER")
    bench.owner.execute("ANALYZE ledger_debitmandate")
    bench.say("mandates are there")
    made = _make(bench, period.number)
    began = time.perf_counter()
    files = list(charge_files.files_of(bench.pool).order_by("number"))
    for file in files:
        digest, size = charge_files.measure(file, "csv")
        ChargeExport.objects.create(file=file, format="csv", sha256=digest, size=size)
    hashed = time.perf_counter() - began
    seconds: list[float] = []
    with web_server() as (process, port):
        cookie = f"{settings.SESSION_COOKIE_NAME}={session_of(bench.treasurer)}"
        home = f"/pools/{bench.pool.code}/custody/debits/"
        with answer_of(port, cookie, f"{home}calendar.csv") as answer:
            answer.read()
        idle = peak_memory(process)
        for run in range(1, options.runs + 1):
            began = time.perf_counter()
            for file in files:
                with answer_of(port, cookie, f"{home}files/{file.number}.csv") as answer:
                    demand(hash_of(answer)[1], file.exports.get().sha256, "hash of the file")
            seconds.append(time.perf_counter() - began)
            bench.say(f"run {run}: {seconds[-1]:.2f} s")
        peak = peak_memory(process)
    rows = sum(file.instruction_count for file in files)
    demand(rows, bench.figures.members, "instructions")
    return {
        "make_seconds": round(made, 3),
        "made_per_second": int(rows / made),
        "hash_seconds": round(hashed, 3),
        "hashed_per_second": int(rows / hashed),
        "export_seconds": median(seconds),
        "rows_per_second": int(rows / statistics.median(seconds)),
        "file_rows": rows,
        "files": len(files),
        "web_growth_bytes": peak - idle,
    }


def _make(bench: Benchmark, period_no: int) -> float:
    began = time.perf_counter()
    while True:
        with transaction.atomic():
            pool = Pool.objects.select_for_update().get(pk=bench.pool.pk)
            file = charge_files.make_file(
                pool=pool,
                period_no=period_no,
                scheme="card",
                most=charge_files.MOST["card"],
                maker=bench.treasurer.code,
                at=clock.now(),
            )
        if file is None:
            return time.perf_counter() - began
        bench.say(f"file {file.number}: {file.instruction_count:,} instructions")
